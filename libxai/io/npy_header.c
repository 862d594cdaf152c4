/* SPDX-License-Identifier: MIT
 * The header of a NumPy file. It is Python source, which numpy evaluates as a literal; here just that one literal is
 * read and everything else refused, with the byte where it differs. */
#include "io/npy_header.h"

#include <string.h>

#include "core/little_endian.h"
#include "io/dtype.h"

enum { MAX_HEADER = 1 << 16, MAX_RANK = 8 };

/* The literal {'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), } in its three keys' any order. */
typedef struct literal {
    const xai__file *file;
    size_t at, end;
} literal;

/* What was expected, at the byte where it is not. */
static xai_status fail(const literal *l, const char *expected)
{
    return xai__file_fail(l->file, XAI_E_FORMAT, l->at, "the NumPy header lacks %s here", expected);
}

/* A NUL at the end; one within the header fits no rule either. */
static char peek(const literal *l)
{
    return l->at < l->end ? (char)l->file->data[l->at] : '\0';
}

static void skip_blanks(literal *l)
{
    while (peek(l) == ' ')
        l->at++;
}

/* Blanks may stand before every sign of the literal. */
static bool take(literal *l, char c)
{
    skip_blanks(l);
    if (peek(l) != c)
        return false;
    l->at++;
    return true;
}

static bool take_word(literal *l, const char *word)
{
    size_t length = strlen(word);

    if (l->end - l->at < length || memcmp(l->file->data + l->at, word, length) != 0)
        return false;
    l->at += length;
    return true;
}

/* A string in either kind of quotes, without escapes. */
static xai_status read_string(literal *l, char *out, size_t capacity)
{
    char quote;
    size_t length = 0;

    skip_blanks(l);
    quote = peek(l);
    if (quote != '\'' && quote != '"')
        return fail(l, "a text in quotes");
    for (l->at++; peek(l) != quote; l->at++) {
        if (peek(l) == '\0' || peek(l) == '\\' || length + 1 == capacity)
            return fail(l, "the end of a short text");
        out[length++] = peek(l);
    }
    l->at++;
    out[length] = '\0';
    return XAI_OK;
}

/* Digits alone: Python's literals also have underscores and other bases, but numpy writes none. */
static xai_status read_extent(literal *l, int64_t *out)
{
    int64_t value = 0;

    if (peek(l) < '0' || peek(l) > '9')
        return fail(l, "an extent of the shape");
    for (; peek(l) >= '0' && peek(l) <= '9'; l->at++)
        if (__builtin_mul_overflow(value, 10, &value) || __builtin_add_overflow(value, peek(l) - '0', &value))
            return fail(l, "an extent below 2^63");
    /* Python 2 marked long integers. */
    if (peek(l) == 'L')
        l->at++;
    *out = value;
    return XAI_OK;
}

/* "()" is one number, "(3,)" a row, "(2, 3)" a matrix; a comma may stand behind the last extent. */
static xai_status read_shape(literal *l, xai__npy_header *header)
{
    bool comma = false;

    if (!take(l, '('))
        return fail(l, "the shape's opening parenthesis");
    for (header->rank = 0; !take(l, ')'); header->rank++) {
        xai_status status;

        if (header->rank > 0 && !comma)
            return fail(l, "a comma in the shape");
        if (header->rank == MAX_RANK)
            return xai__file_fail(l->file, XAI_E_UNSUPPORTED, l->at, "more than %d dimensions", MAX_RANK);
        status = read_extent(l, &header->shape[header->rank]);
        if (status < 0)
            return status;
        comma = take(l, ',');
    }
    /* (3) is a number in Python, and only (3,) a shape. */
    return header->rank == 1 && !comma ? fail(l, "the comma of a shape with one extent") : XAI_OK;
}

/* numpy's type codes: byte order ('<' little, '>' big, '|' for single bytes), kind, size in bytes. */
static const struct {
    char name[3];
    uint8_t dtype;
} types[] = {
    { "f2", XAI__DTYPE_F16 }, { "f4", XAI__DTYPE_F32 }, { "f8", XAI__DTYPE_F64 }, { "b1", XAI__DTYPE_BOOL },
    { "i1", XAI__DTYPE_I8 },  { "i2", XAI__DTYPE_I16 }, { "i4", XAI__DTYPE_I32 }, { "i8", XAI__DTYPE_I64 },
    { "u1", XAI__DTYPE_U8 },  { "u2", XAI__DTYPE_U16 }, { "u4", XAI__DTYPE_U32 }, { "u8", XAI__DTYPE_U64 },
};

/* One of these in quotes; a list in brackets would be a struct's fields. */
static xai_status read_type(literal *l, xai__npy_header *header)
{
    size_t start = l->at;
    char text[16];
    xai_status status;

    skip_blanks(l);
    if (peek(l) == '[')
        return xai__file_fail(l->file, XAI_E_UNSUPPORTED, l->at, "arrays of structs are not read");
    status = read_string(l, text, sizeof text);
    if (status < 0)
        return status;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        size_t size = xai__dtype_bits(types[i].dtype) / 8;

        if (strcmp(text + (*text != '\0'), types[i].name) != 0)
            continue;
        if (*text != '<' && *text != '>' && (*text != '|' || size > 1))
            break;
        header->dtype = types[i].dtype;
        header->big_endian = *text == '>';
        return XAI_OK;
    }
    return xai__file_fail(l->file, XAI_E_UNSUPPORTED, start,
                          "arrays of type %s are not read; save float32, float64, float16, integers or bool", text);
}

static xai_status read_order(literal *l, xai__npy_header *header)
{
    skip_blanks(l);
    header->fortran = take_word(l, "True");
    return header->fortran || take_word(l, "False") ? XAI_OK : fail(l, "True or False");
}

/* Keys come in any order, each once. */
static xai_status read_entry(literal *l, xai__npy_header *header, unsigned *seen)
{
    static const struct {
        const char *key;
        xai_status (*read)(literal *l, xai__npy_header *header);
    } entries[] = { { "descr", read_type }, { "fortran_order", read_order }, { "shape", read_shape } };
    size_t start = l->at;
    char key[16];
    xai_status status = read_string(l, key, sizeof key);

    if (status < 0)
        return status;
    if (!take(l, ':'))
        return fail(l, "a colon");
    for (size_t i = 0; i < sizeof entries / sizeof *entries; i++) {
        if (strcmp(key, entries[i].key) != 0)
            continue;
        if (*seen & 1u << i)
            break;
        *seen |= 1u << i;
        return entries[i].read(l, header);
    }
    return xai__file_fail(l->file, XAI_E_FORMAT, start, "the NumPy header's key %s is unknown or stands twice", key);
}

static xai_status read_literal(literal *l, xai__npy_header *header)
{
    unsigned seen = 0;
    bool comma = true;

    if (!take(l, '{'))
        return fail(l, "an opening brace");
    while (!take(l, '}')) {
        xai_status status = comma ? read_entry(l, header, &seen) : fail(l, "a comma or a closing brace");

        if (status < 0)
            return status;
        comma = take(l, ',');
    }
    if (seen != 7) /* a bit for each of the three keys */
        return fail(l, "descr, fortran_order or shape");
    while (l->at < l->end && (peek(l) == ' ' || peek(l) == '\n'))
        l->at++;
    return l->at == l->end ? XAI_OK : fail(l, "its end");
}

/* Magic, version, the header's length (two bytes in version 1, four from 2 on), the header. Version 3 is 2 with UTF-8
 * in the names of fields, which no array here has. */
xai_status xai__npy_header_read(xai__npy_header *header, const xai__file *file)
{
    const unsigned char *bytes = file->data;
    literal l = { .file = file };
    size_t length, start;

    if (file->size < 10 || memcmp(bytes, "\x93NUMPY", 6) != 0)
        return xai__file_fail(file, XAI_E_FORMAT, 0, "not a NumPy file: it does not start with \\x93NUMPY");
    if (bytes[6] < 1 || bytes[6] > 3 || bytes[7] != 0)
        return xai__file_fail(file, XAI_E_UNSUPPORTED, 6, "NumPy format version %d.%d; 1.0, 2.0 and 3.0 are read",
                              bytes[6], bytes[7]);
    start = bytes[6] > 1 ? 12 : 10;
    length = (size_t)xai__load_le(bytes + 8, file->size < start ? 2 : start - 8);
    if (length > MAX_HEADER)
        return xai__file_fail(file, XAI_E_LIMIT, 8, "a NumPy header of %zu bytes; at most %d are read", length,
                              MAX_HEADER);
    if (file->size < start || length > file->size - start)
        return xai__file_fail(file, XAI_E_FORMAT, 8, "the NumPy header of %zu bytes does not fit the file of %zu",
                              length, file->size);
    l.at = start;
    l.end = header->data = start + length;
    return read_literal(&l, header);
}
