/* SPDX-License-Identifier: MIT
 * The JSON reader: one pass over the text with a stack of open containers, no recursion.
 *
 * Values become nodes in the order in which they begin in the text, so the members of a container follow it, each with
 * all that it holds; next leads over that to the one after. A key is kept in the node of its value. Texts are decoded
 * into one buffer that is as long as the file, each ended by a NUL. All offsets are 32 bits wide, which keeps
 * nodes small and bounds a document to 4 GiB. */
#include "io/json.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "core/number.h"
#include "core/sort.h"
#include "core/utf8.h"
#include "io/json_node.h"

enum { DEFAULT_SIZE = 1 << 26, DEFAULT_VALUES = 1 << 22 };

/* What may come next in the innermost container. ITEM stands behind a comma only, which is how "[1,]" is refused. */
enum state { ITEM, ITEM_OR_END, COMMA_OR_END };

/* An open container. Its node says which kind it is; that its last member is the last is known when it closes. */
typedef struct level {
    uint32_t node;
    uint32_t last; /* newest member */
} level;

typedef struct reader {
    xai__json *json;
    const unsigned char *text;
    size_t at, size;
    size_t max_values;
    level levels[XAI__JSON_MAX_DEPTH];
    size_t depth;
    enum state state;
} reader;

static xai_status fail(const reader *r, xai_status status, size_t offset, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

static xai_status fail(const reader *r, xai_status status, size_t offset, const char *format, ...)
{
    char words[256];
    va_list args;

    va_start(args, format);
    vsnprintf(words, sizeof words, format, args);
    va_end(args);
    return xai__json_fail_at(r->json, status, offset, words);
}

/* Says what stands where something else should. */
static xai_status fail_expected(const reader *r, const char *what)
{
    unsigned char c = r->at < r->size ? r->text[r->at] : 0;

    if (r->at >= r->size)
        return fail(r, XAI_E_FORMAT, r->at, "the text ends where %s should be", what);
    if (c > 0x20 && c < 0x7f)
        return fail(r, XAI_E_FORMAT, r->at, "'%c' where %s should be", c, what);
    return fail(r, XAI_E_FORMAT, r->at, "byte 0x%02x where %s should be", c, what);
}

/* The four characters that JSON calls white space, and no others. */
static void skip_blanks(reader *r)
{
    while (r->at < r->size &&
           (r->text[r->at] == ' ' || r->text[r->at] == '\n' || r->text[r->at] == '\r' || r->text[r->at] == '\t'))
        r->at++;
}

/* Grows by half: at a hundred megabytes doubling would hurt more than copying. */
static xai_status grow(reader *r)
{
    xai__json *json = r->json;
    size_t room = json->node_room < 32 ? 32 : json->node_room + json->node_room / 2;
    xai__json_node *grown;

    if (json->n_nodes >= r->max_values)
        return fail(r, XAI_E_LIMIT, r->at, "more than %zu values", r->max_values);
    if (room > r->max_values)
        room = r->max_values;
    grown = xai__realloc_array(json->context, json->nodes, room, sizeof *grown);
    if (grown == NULL)
        return XAI_E_NO_MEMORY;
    json->nodes = grown;
    json->node_room = room;
    return XAI_OK;
}

/* Appends a value and counts it in the container that is open. Nodes may move: pointers to them do not outlive a call.
 */
static xai_status add_node(reader *r, uint32_t key, enum xai__json_kind kind)
{
    xai__json *json = r->json;

    if (json->n_nodes == json->node_room) {
        xai_status status = grow(r);

        if (status < 0)
            return status;
    }
    json->nodes[json->n_nodes] = (xai__json_node){
        .key = key, .offset = (uint32_t)r->at, .next = (uint32_t)json->n_nodes + 1, .kind = (uint8_t)kind
    };
    if (r->depth > 0) {
        level *top = &r->levels[r->depth - 1];

        json->nodes[top->node].count++;
        top->last = (uint32_t)json->n_nodes;
    }
    json->n_nodes++;
    return XAI_OK;
}

/* -1 for what is no digit. The bit 0x20 is all that sets the lower case apart. */
static int hex_value(unsigned char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
        return (c | 0x20) - 'a' + 10;
    return -1;
}

/* The four digits behind \u, from the backslash at on; negative if they are not there. */
static int32_t hex_unit(const reader *r, size_t at)
{
    int32_t unit = 0;

    if (r->size - at < 6 || r->text[at] != '\\' || r->text[at + 1] != 'u')
        return -1;
    for (size_t i = 2; i < 6; i++) {
        int digit = hex_value(r->text[at + i]);

        if (digit < 0)
            return -1;
        unit = unit * 16 + digit;
    }
    return unit;
}

/* One escape, or two where the first is the upper half of a surrogate pair. */
static xai_status read_unicode(reader *r)
{
    int32_t unit = hex_unit(r, r->at), low;
    uint32_t code = (uint32_t)unit;

    if (unit < 0)
        return fail(r, XAI_E_FORMAT, r->at, "\\u needs four hexadecimal digits");
    if (unit == 0)
        return fail(r, XAI_E_FORMAT, r->at, "\\u0000 is not taken: no name holds a NUL");
    if (unit >= 0xd800 && unit < 0xe000) {
        low = r->size - r->at > 6 ? hex_unit(r, r->at + 6) : -1;
        if (unit >= 0xdc00 || low < 0xdc00 || low > 0xdfff)
            return fail(r, XAI_E_FORMAT, r->at, "half of a surrogate pair");
        code = 0x10000 + (((uint32_t)unit - 0xd800) << 10) + ((uint32_t)low - 0xdc00);
        r->at += 6;
    }
    r->at += 6;
    r->json->n_strings += xai__utf8_write(r->json->strings + r->json->n_strings, code);
    return XAI_OK;
}

/* At a backslash. No escape decodes to more bytes than it has: \u and four digits make three at most. */
static xai_status read_escape(reader *r)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    unsigned char c = r->size - r->at > 1 ? r->text[r->at + 1] : 0;
    const char *found = c != 0 ? strchr(from, c) : NULL;

    if (c == 'u')
        return read_unicode(r);
    if (found == NULL)
        return fail(r, XAI_E_FORMAT, r->at, "unknown escape in a text");
    r->json->strings[r->json->n_strings++] = to[found - from];
    r->at += 2;
    return XAI_OK;
}

/* Copies characters up to one that needs a look. */
static void copy_plain(reader *r)
{
    size_t at = r->at, length;

    while (at < r->size && r->text[at] >= 0x20 && r->text[at] < 0x80 && r->text[at] != '"' && r->text[at] != '\\')
        at++;
    length = at - r->at;
    memcpy(r->json->strings + r->json->n_strings, r->text + r->at, length);
    r->json->n_strings += length;
    r->at = at;
}

/* One character beyond ASCII; over-long forms and surrogates are refused, or two keys could look alike to another
 * reader. */
static xai_status copy_multibyte(reader *r)
{
    size_t length = xai__utf8_length(r->text + r->at, r->size - r->at);

    if (length == 0)
        return fail(r, XAI_E_FORMAT, r->at, "not UTF-8");
    memcpy(r->json->strings + r->json->n_strings, r->text + r->at, length);
    r->json->n_strings += length;
    r->at += length;
    return XAI_OK;
}

/* Decodes the string at the opening quote; what it decodes to is never longer than what stands between the quotes. */
static xai_status read_string(reader *r, uint32_t *start, uint32_t *length)
{
    size_t opened = r->at++;
    xai_status status = XAI_OK;

    *start = (uint32_t)r->json->n_strings;
    /* Long runs of plain characters are copied at once; everything else is looked at one by one. */
    while (status == XAI_OK) {
        copy_plain(r);
        if (r->at == r->size)
            return fail(r, XAI_E_FORMAT, opened, "a text without its closing quote");
        if (r->text[r->at] == '"')
            break;
        if (r->text[r->at] == '\\')
            status = read_escape(r);
        else if (r->text[r->at] >= 0x80)
            status = copy_multibyte(r);
        else
            status = fail(r, XAI_E_FORMAT, r->at, "control character 0x%02x in a text", r->text[r->at]);
    }
    if (status < 0)
        return status;
    r->at++;
    *length = (uint32_t)r->json->n_strings - *start;
    r->json->strings[r->json->n_strings++] = '\0';
    return XAI_OK;
}

static bool is_digit(const reader *r, size_t at)
{
    return at < r->size && r->text[at] >= '0' && r->text[at] <= '9';
}

/* Finds the end of a number as the grammar has it, -?(0|[1-9][0-9]*)([.][0-9]+)?([eE][+-]?[0-9]+)?; *integer tells
 * whether point and exponent are missing. */
static bool scan_number(const reader *r, size_t *end, bool *integer)
{
    size_t at = r->at + (r->text[r->at] == '-');

    if (!is_digit(r, at) || (r->text[at] == '0' && is_digit(r, at + 1)))
        return false;
    while (is_digit(r, at))
        at++;
    *integer = true;
    if (at < r->size && r->text[at] == '.') {
        *integer = false;
        if (!is_digit(r, ++at))
            return false;
        while (is_digit(r, at))
            at++;
    }
    if (at < r->size && (r->text[at] | 0x20) == 'e') {
        *integer = false;
        at++;
        at += at < r->size && (r->text[at] == '-' || r->text[at] == '+');
        if (!is_digit(r, at))
            return false;
        while (is_digit(r, at))
            at++;
    }
    *end = at;
    return true;
}

/* Digits are taken away for negative numbers, so that -2^63 is reached without passing 2^63. */
static bool read_integer(const reader *r, size_t end, int64_t *out)
{
    bool negative = r->text[r->at] == '-';
    int64_t value = 0;

    for (size_t at = r->at + negative; at < end; at++) {
        int digit = r->text[at] - '0';

        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, negative ? -digit : digit, &value))
            return false;
    }
    *out = value;
    return true;
}

/* Integers that fit are exact; all else is a double, and must be one. */
static xai_status read_number(reader *r, uint32_t key)
{
    size_t end = r->at;
    bool integer = false;
    xai__json_node *node;
    xai_status status;

    if (!scan_number(r, &end, &integer))
        return fail(r, XAI_E_FORMAT, r->at, "not a number as JSON writes them");
    status = add_node(r, key, XAI__JSON_NUMBER);
    if (status < 0)
        return status;
    node = &r->json->nodes[r->json->n_nodes - 1];
    if (integer && read_integer(r, end, &node->integer))
        node->kind = XAI__JSON_INTEGER;
    else if (!xai__number_read(&node->number, (const char *)r->text + r->at, end - r->at))
        return fail(r, XAI_E_FORMAT, r->at, "a number of %zu characters that no double holds", end - r->at);
    r->at = end;
    return XAI_OK;
}

/* What follows a word is looked at by whoever reads on: "[nullx]" fails at the x, where a comma should be. */
static xai_status read_word(reader *r, uint32_t key)
{
    static const struct {
        const char *word;
        enum xai__json_kind kind;
        bool truth;
    } words[] = { { "null", XAI__JSON_NULL, false },
                  { "true", XAI__JSON_BOOL, true },
                  { "false", XAI__JSON_BOOL, false } };

    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        size_t length = strlen(words[i].word);
        xai_status status;

        if (r->size - r->at < length || memcmp(r->text + r->at, words[i].word, length) != 0)
            continue;
        status = add_node(r, key, words[i].kind);
        if (status < 0)
            return status;
        r->json->nodes[r->json->n_nodes - 1].truth = words[i].truth;
        r->at += length;
        return XAI_OK;
    }
    /* Before the first node: the file is another kind of file, rather than one with a slip in it. */
    return fail_expected(r, r->json->n_nodes > 0 ? "a value" : "JSON");
}

/* The depth is that of the stack in the reader; nothing recurses over the tree later either. */
static xai_status open_container(reader *r, uint32_t key)
{
    enum xai__json_kind kind = r->text[r->at] == '{' ? XAI__JSON_OBJECT : XAI__JSON_ARRAY;
    xai_status status;

    if (r->depth == XAI__JSON_MAX_DEPTH)
        return fail(r, XAI_E_LIMIT, r->at, "nested more than %d deep", XAI__JSON_MAX_DEPTH);
    status = add_node(r, key, kind);
    if (status < 0)
        return status;
    r->levels[r->depth++] = (level){ .node = (uint32_t)r->json->n_nodes - 1 };
    r->at++;
    r->state = ITEM_OR_END;
    return XAI_OK;
}

/* key: offset of its key in strings, or XAI__JSON_NO_KEY. A container is only opened here; step() reads its members. */
static xai_status read_value(reader *r, uint32_t key)
{
    unsigned char c = r->at < r->size ? r->text[r->at] : 0;
    uint32_t start, length;
    xai_status status;

    r->state = COMMA_OR_END;
    if (c == '{' || c == '[')
        return open_container(r, key);
    if (c == '-' || (c >= '0' && c <= '9'))
        return read_number(r, key);
    if (c != '"')
        return read_word(r, key);
    status = add_node(r, key, XAI__JSON_STRING);
    if (status == XAI_OK)
        status = read_string(r, &start, &length);
    if (status == XAI_OK) {
        r->json->nodes[r->json->n_nodes - 1].text = start;
        r->json->nodes[r->json->n_nodes - 1].count = length;
    }
    return status;
}

static xai_status read_member(reader *r)
{
    uint32_t key, length;
    xai_status status;

    if (r->at >= r->size || r->text[r->at] != '"')
        return fail_expected(r, "a key in double quotes");
    status = read_string(r, &key, &length);
    if (status < 0)
        return status;
    skip_blanks(r);
    if (r->at >= r->size || r->text[r->at] != ':')
        return fail_expected(r, "a colon");
    r->at++;
    skip_blanks(r);
    return read_value(r, key);
}

/* Keys were decoded before they are compared: "a" and "\u0061" are the same. */
static const char *key_of(const xai__json *json, uint32_t node)
{
    return json->strings + json->nodes[node].key;
}

static int compare_keys(const void *user, uint32_t a, uint32_t b)
{
    return strcmp(key_of(user, a), key_of(user, b));
}

/* RFC 8259 leaves open which of two values counts, and readers differ: a file that has two is refused. */
static xai_status fail_duplicate(const reader *r, uint32_t node)
{
    return fail(r, XAI_E_FORMAT, r->json->nodes[node].offset, "the key \"%.100s\" stands twice in one object",
                key_of(r->json, node));
}

/* Room for more members. Each member is in one object, so all lists together are never longer than the nodes. */
static xai_status reserve_order(xai__json *json, size_t more)
{
    size_t needed = json->n_order + more;
    uint32_t *grown;

    if (needed <= json->order_room)
        return XAI_OK;
    needed += json->order_room / 2;
    grown = xai__realloc_array(json->context, json->order, needed, sizeof *grown);
    if (grown == NULL)
        return XAI_E_NO_MEMORY;
    json->order = grown;
    json->order_room = needed;
    return XAI_OK;
}

/* The sorted members stay: they are what lookups search. */
static xai_status sort_members(reader *r, uint32_t object)
{
    xai__json *json = r->json;
    size_t count = json->nodes[object].count;
    xai_status status = reserve_order(json, count);
    uint32_t *order;

    if (status < 0)
        return status;
    order = json->order + json->n_order;
    for (uint32_t i = 0, member = object + 1; i < count; i++, member = json->nodes[member].next)
        order[i] = member;
    xai__sort(order, count, compare_keys, json);
    for (size_t i = 1; i < count; i++)
        if (compare_keys(json, order[i - 1], order[i]) == 0)
            return fail_duplicate(r, order[i]);
    json->nodes[object].order = (uint32_t)json->n_order;
    json->n_order += count;
    return XAI_OK;
}

/* Few members are compared in pairs, which needs no memory: at most 28 comparisons, and lookups take eight. */
static xai_status check_members(reader *r, uint32_t object)
{
    const xai__json *json = r->json;
    const xai__json_node *nodes = json->nodes;
    uint32_t end = (uint32_t)json->n_nodes;

    if (nodes[object].count > XAI__JSON_SMALL_OBJECT)
        return sort_members(r, object);
    for (uint32_t i = object + 1; i < end; i = nodes[i].next)
        for (uint32_t k = nodes[i].next; k < end; k = nodes[k].next)
            if (compare_keys(json, i, k) == 0)
                return fail_duplicate(r, k);
    return XAI_OK;
}

/* Members are complete now: their end is known, and whether a key stands twice. */
static xai_status close_container(reader *r)
{
    level *top = &r->levels[r->depth - 1];
    xai__json_node *node = &r->json->nodes[top->node];
    xai_status status = XAI_OK;

    node->next = (uint32_t)r->json->n_nodes;
    if (node->count > 0)
        r->json->nodes[top->last].last = true;
    if (node->kind == XAI__JSON_OBJECT)
        status = check_members(r, top->node);
    r->at++;
    r->depth--;
    r->state = COMMA_OR_END;
    return status;
}

/* One member, comma or bracket of the innermost container. What may come is in the state, and which bracket closes in
 * the container's kind. */
static xai_status step(reader *r)
{
    bool object = r->json->nodes[r->levels[r->depth - 1].node].kind == XAI__JSON_OBJECT;
    unsigned char closer = object ? '}' : ']';
    unsigned char c;

    skip_blanks(r);
    c = r->at < r->size ? r->text[r->at] : 0;
    if (c == closer && r->state != ITEM)
        return close_container(r);
    if (r->state != COMMA_OR_END)
        return object ? read_member(r) : read_value(r, XAI__JSON_NO_KEY);
    if (c != ',')
        return fail_expected(r, object ? "a comma or '}'" : "a comma or ']'");
    r->at++;
    r->state = ITEM;
    return XAI_OK;
}

/* safetensors pads its header with blanks and takes nothing else behind it. */
static xai_status read_tail(reader *r, const char *accepted)
{
    for (; r->at < r->size; r->at++)
        if (r->text[r->at] == '\0' || strchr(accepted, r->text[r->at]) == NULL)
            return fail_expected(r, "the end");
    return XAI_OK;
}

/* Files of Windows editors would otherwise fail at a character that nobody can see. */
static xai_status check_encoding(const reader *r)
{
    const unsigned char *t = r->text;

    if (r->size >= 3 && memcmp(t, "\xef\xbb\xbf", 3) == 0)
        return fail(r, XAI_E_FORMAT, 0, "starts with a byte order mark; save it as UTF-8 without one");
    if (r->size >= 2 && ((t[0] == 0xff && t[1] == 0xfe) || (t[0] == 0xfe && t[1] == 0xff) || t[0] == 0 || t[1] == 0))
        return fail(r, XAI_E_FORMAT, 0, "looks like UTF-16 or UTF-32; JSON is UTF-8");
    return XAI_OK;
}

static xai_status read_document(reader *r, const char *tail)
{
    xai_status status = check_encoding(r);

    if (status < 0)
        return status;
    skip_blanks(r);
    status = read_value(r, XAI__JSON_NO_KEY);
    while (status == XAI_OK && r->depth > 0)
        status = step(r);
    if (status < 0)
        return status;
    r->json->nodes[0].last = true;
    return read_tail(r, tail != NULL ? tail : " \t\r\n");
}

static xai_status parse(xai__json *json, const xai__json_options *options)
{
    static const xai__json_options defaults = { 0 };
    const xai__json_options *o = options != NULL ? options : &defaults;
    size_t max_size = o->max_size != 0 ? o->max_size : DEFAULT_SIZE;
    reader r = { .json = json, .text = json->text, .size = json->size };

    json->offset = o->offset;
    r.max_values = o->max_values != 0 ? o->max_values : DEFAULT_VALUES;
    /* Offsets and numbers of nodes fit 32 bits, and leave the largest for "no key". */
    if (max_size > UINT32_MAX - 1)
        max_size = UINT32_MAX - 1;
    if (r.max_values > UINT32_MAX - 1)
        r.max_values = UINT32_MAX - 1;
    if (json->size > max_size)
        return xai__fail(XAI_E_LIMIT, "%s: %zu bytes of JSON, at most %zu are read", json->name, json->size, max_size);
    /* Each string gives up two quotes for one NUL. */
    json->strings = xai__alloc(json->context, json->size + 1);
    if (json->strings == NULL)
        return XAI_E_NO_MEMORY;
    return read_document(&r, o->tail);
}

/* Half of a document can be freed like a whole one. */
static xai__json *make(xai_context *context, const char *name)
{
    xai__json *json = xai__zalloc_array(context, 1, sizeof *json);

    if (json == NULL)
        return NULL;
    json->context = context;
    json->name = xai__strdup(context, name);
    if (json->name == NULL) {
        xai__json_free(json);
        return NULL;
    }
    return json;
}

xai_status xai__json_parse(xai__json **out, xai_context *context, const char *name, const void *text, size_t size,
                           const xai__json_options *options)
{
    xai__json *json = make(context, name);
    xai_status status;

    *out = NULL;
    if (json == NULL)
        return XAI_E_NO_MEMORY;
    json->text = text;
    json->size = size;
    status = parse(json, options);
    if (status < 0) {
        xai__json_free(json);
        return status;
    }
    *out = json;
    return XAI_OK;
}

xai_status xai__json_load(xai__json **out, xai_context *context, const char *path, const xai__json_options *options)
{
    xai__file file;
    xai_status status = xai__file_open(&file, context, path);

    *out = NULL;
    if (status < 0)
        return status;
    status = xai__json_parse(out, context, file.name, file.data, file.size, options);
    if (status < 0) {
        xai__file_close(&file);
        return status;
    }
    (*out)->file = file;
    return XAI_OK;
}

void xai__json_free(xai__json *json)
{
    if (json == NULL)
        return;
    xai__free(json->context, json->nodes);
    xai__free(json->context, json->strings);
    xai__free(json->context, json->order);
    xai__free(json->context, json->name);
    xai__file_close(&json->file);
    xai__free(json->context, json);
}
