/* SPDX-License-Identifier: MIT
 * WordNet's database, read where it lies: no line is trusted, and none is read that nobody asks for.
 *
 * A line of data.noun: offset, file number, part of speech, how many words (hexadecimal), each with a sense digit, how
 * many pointers, each with symbol, offset, part of speech and word numbers; then a gloss (wndb(5WN)). "@" points to
 * what the synset is a kind of, "@i" to what it is an instance of. index.noun has a line a word: word, part of speech,
 * number of senses, number of symbols, the symbols, two further counts, and the offsets of the senses. */
#include "tree/wordnet.h"

#include <stdio.h>
#include <string.h>

#include "core/error.h"
#include "core/memory.h"

/* The longest word that is looked up. */
enum { MAX_WORD = 128 };

/* What is left of a line. */
typedef struct line {
    const char *at, *end;
} line;

typedef struct field {
    const char *text;
    size_t length;
} field;

/* --- files --- */

static xai_status open_file(xai__file *file, xai_context *context, const char *folder, const char *name)
{
    char *path = xai__format(context, "%s/%s", folder, name);
    xai_status status = path != NULL ? xai__file_open(file, context, path) : XAI_E_NO_MEMORY;

    xai__free(context, path);
    return status;
}

xai_status xai__wordnet_open(xai__wordnet *wordnet, xai_context *context, const char *folder)
{
    xai_status status = open_file(&wordnet->data, context, folder, "data.noun");

    if (status == XAI_OK)
        status = open_file(&wordnet->index, context, folder, "index.noun");
    if (status < 0)
        xai__wordnet_close(wordnet);
    return status;
}

void xai__wordnet_close(xai__wordnet *wordnet)
{
    xai__file_close(&wordnet->data);
    xai__file_close(&wordnet->index);
}

/* --- lines and fields --- */

/* offset is within the file. The last line may lack its end. */
static line line_at(const xai__file *file, size_t offset)
{
    const char *at = (const char *)file->data + offset;
    const char *end = memchr(at, '\n', file->size - offset);

    return (line){ at, end != NULL ? end : (const char *)file->data + file->size };
}

/* The next text up to a space; empty at the end of the line. */
static field next_field(line *rest)
{
    const char *space = memchr(rest->at, ' ', (size_t)(rest->end - rest->at));
    const char *end = space != NULL ? space : rest->end;
    field next = { rest->at, (size_t)(end - rest->at) };

    rest->at = space != NULL ? space + 1 : rest->end;
    return next;
}

/* A number of at most n_digits in base 10 or 16. */
static bool next_number(uint32_t *out, line *rest, uint32_t base, size_t n_digits)
{
    static const char digits[] = "0123456789abcdef";
    field next = next_field(rest);

    *out = 0;
    for (size_t i = 0; i < next.length; i++) {
        const char *digit = memchr(digits, next.text[i], base);

        if (digit == NULL)
            return false;
        *out = *out * base + (uint32_t)(digit - digits);
    }
    return next.length > 0 && next.length <= n_digits;
}

/* --- synsets --- */

bool xai__wordnet_parse_id(uint32_t *offset, const char *wnid)
{
    line rest;

    if (wnid[0] != 'n' || strspn(wnid + 1, "0123456789") != 8 || wnid[9] != '\0')
        return false;
    rest = (line){ wnid + 1, wnid + 9 };
    return next_number(offset, &rest, 10, 8);
}

/* Symbol, offset, part of speech, and which words they join. */
static bool next_pointer(line *rest, field *symbol, uint32_t *offset, bool *noun)
{
    field part;
    bool right;

    *symbol = next_field(rest);
    right = symbol->length > 0 && next_number(offset, rest, 10, 8);
    part = next_field(rest);
    *noun = part.length == 1 && part.text[0] == 'n';
    return right && part.length == 1 && next_field(rest).length == 4;
}

/* NULL, or what was expected; the same below. Only the first word is kept, which names the synset. */
static const char *read_words(xai__synset *out, line *rest)
{
    uint32_t n_words;

    if (!next_number(&n_words, rest, 16, 2) || n_words == 0)
        return "expected the number of words";
    for (uint32_t i = 0; i < n_words; i++) {
        field word = next_field(rest);

        if (word.length == 0 || next_field(rest).length != 1)
            return "expected a word and one hexadecimal digit";
        if (memchr(word.text, '\0', word.length) != NULL)
            return "a word holds a zero byte";
        if (i == 0)
            out->lemma = word.text;
        if (i == 0)
            out->lemma_length = word.length;
    }
    return NULL;
}

/* All are looked at once here, so that xai__synset_next() need not expect a damaged one. */
static const char *read_pointers(xai__synset *out, line *rest)
{
    if (!next_number(&out->n_pointers, rest, 10, 3))
        return "expected the number of pointers";
    out->pointers = rest->at;
    out->end = rest->end;
    for (uint32_t i = 0; i < out->n_pointers; i++) {
        field symbol;
        uint32_t offset;
        bool noun;

        if (!next_pointer(rest, &symbol, &offset, &noun))
            return "expected a pointer: symbol, offset, part of speech, four digits";
    }
    return NULL;
}

xai_status xai__wordnet_read(xai__synset *out, const xai__wordnet *wordnet, uint32_t offset)
{
    const xai__file *file = &wordnet->data;
    const char *words;
    uint32_t said;
    line rest;

    *out = (xai__synset){ .offset = offset };
    if (offset >= file->size || (offset > 0 && file->data[offset - 1] != '\n'))
        return xai__file_fail(file, XAI_E_NOT_FOUND, offset, "no synset starts here");
    rest = line_at(file, offset);
    if (!next_number(&said, &rest, 10, 8) || said != offset)
        return xai__file_fail(file, XAI_E_NOT_FOUND, offset, "no synset starts here");
    next_field(&rest); /* lexicographer's file */
    next_field(&rest); /* part of speech */
    words = read_words(out, &rest);
    if (words == NULL)
        words = read_pointers(out, &rest);
    return words != NULL ? xai__file_fail(file, XAI_E_FORMAT, offset, "%s", words) : XAI_OK;
}

bool xai__synset_next(uint32_t *offset, bool *instance, xai__synset *synset)
{
    while (synset->n_pointers > 0) {
        line rest = { synset->pointers, synset->end };
        field symbol;
        bool noun;

        next_pointer(&rest, &symbol, offset, &noun);
        synset->pointers = rest.at;
        synset->n_pointers--;
        *instance = symbol.length == 2 && symbol.text[1] == 'i';
        if (noun && symbol.text[0] == '@' && (symbol.length == 1 || *instance))
            return true;
    }
    return false;
}

/* --- the index --- */

/* Start of the line that holds a byte. */
static size_t start_of_line(const xai__file *file, size_t at)
{
    while (at > 0 && file->data[at - 1] != '\n')
        at--;
    return at;
}

/* The lines are sorted by their first field, bytewise; those of the licence start with spaces and so come first. */
static bool find_line(line *out, const xai__file *file, const char *word, size_t length)
{
    size_t low = 0, high = file->size;

    while (low < high) {
        size_t at = start_of_line(file, low + (high - low) / 2);
        line rest = line_at(file, at), whole = rest;
        field first = next_field(&rest);
        int order = memcmp(first.text, word, first.length < length ? first.length : length);

        if (order == 0)
            order = (first.length > length) - (first.length < length);
        *out = rest;
        if (order == 0)
            return true;
        if (order < 0)
            low = (size_t)(whole.end - (const char *)file->data) + 1;
        else
            high = at;
    }
    return false;
}

/* Moves on to the offsets of a line and says how many there are. */
static bool skip_to_senses(uint32_t *n_senses, line *rest)
{
    uint32_t n_symbols, n;

    next_field(rest); /* part of speech */
    if (!next_number(n_senses, rest, 10, 8) || !next_number(&n_symbols, rest, 10, 8))
        return false;
    while (n_symbols-- > 0 && next_field(rest).length > 0)
        continue;
    return next_number(&n, rest, 10, 8) && next_number(&n, rest, 10, 8);
}

/* Spelt as in the index; returns its length, 0 if it cannot be there. */
static size_t spell(char *word, const char *label, size_t length)
{
    while (length > 0 && label[length - 1] == ' ')
        length--;
    if (length > MAX_WORD)
        return 0;
    for (size_t i = 0; i < length; i++) {
        char c = label[i];

        word[i] = c == ' ' ? '_' : c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
    }
    return length;
}

xai_status xai__wordnet_find(uint32_t *offset, const xai__wordnet *wordnet, const char *label)
{
    const xai__file *file = &wordnet->index;
    char word[MAX_WORD];
    size_t length = spell(word, label, strcspn(label, ","));
    uint32_t n_senses;
    line rest;

    if (length == 0 || !find_line(&rest, file, word, length))
        return xai__fail(XAI_E_NOT_FOUND, "%s: has no noun '%.60s'", file->name, label);
    if (!skip_to_senses(&n_senses, &rest) || !next_number(offset, &rest, 10, 8))
        return xai__file_fail(file, XAI_E_FORMAT, (size_t)(rest.at - (const char *)file->data),
                              "expected the senses of '%.60s'", label);
    return XAI_OK;
}

uint32_t xai__wordnet_sense(const xai__wordnet *wordnet, const xai__synset *synset)
{
    char word[MAX_WORD];
    size_t length = spell(word, synset->lemma, synset->lemma_length);
    uint32_t n_senses, offset;
    line rest;

    if (length == 0 || !find_line(&rest, &wordnet->index, word, length) || !skip_to_senses(&n_senses, &rest))
        return 0;
    for (uint32_t i = 1; i <= n_senses && next_number(&offset, &rest, 10, 8); i++)
        if (offset == synset->offset)
            return i;
    return 0;
}
