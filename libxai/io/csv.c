/* SPDX-License-Identifier: MIT
 * CSV in: one pass over the bytes, cells decoded side by side.
 *
 * A cell is kept as its text and a NUL, all cells one after the other in one buffer. They never need more than the
 * file's bytes and one: every cell but the last of the file has a comma or a line's end behind it, which pays for its
 * NUL, and quotes only take away. So the buffer is allocated once, and what adds to it need not look for room. */
#include "io/csv.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "core/utf8.h"

/* A cell costs eight bytes beside its text, so these bound the memory that a file can ask for. */
static const size_t max_size = (size_t)1 << 30, max_cells = (size_t)1 << 27;

typedef struct reader {
    xai__csv *csv;
    const xai__file *file;
    size_t at, line, n_text, n_cells;
    bool row_ends; /* behind the cell that was read last */
} reader;

static xai_status fail(const reader *r, xai_status status, const char *words)
{
    return xai__fail(status, "%s: line %zu: %s", r->file->name, r->line, words);
}

static void add_text(reader *r, const void *bytes, size_t size)
{
    memcpy(r->csv->text + r->n_text, bytes, size);
    r->n_text += size;
}

static xai_status begin_cell(reader *r)
{
    size_t *cell;

    if (r->n_cells >= max_cells)
        return xai__fail(XAI_E_LIMIT, "%s: has more than %zu cells", r->file->name, max_cells);
    cell = xai__grow(r->csv->context, &r->csv->cells, r->n_cells, sizeof *cell);
    if (cell == NULL)
        return XAI_E_NO_MEMORY;
    *cell = r->n_text;
    r->n_cells++;
    return XAI_OK;
}

/* Behind an opening quote: up to the closing one, two in a row standing for one. Lines may end within. One that is
 * never closed takes in the rest of the file, so the message names the line where it was opened. */
static xai_status read_quoted(reader *r)
{
    const unsigned char *data = r->file->data;
    const reader opened = *r;

    for (;;) {
        const unsigned char *quote = memchr(data + r->at, '"', r->file->size - r->at);
        size_t length;
        if (quote == NULL)
            return fail(&opened, XAI_E_FORMAT, "a quote is opened, but not closed");
        length = (size_t)(quote - data) - r->at;
        for (size_t i = 0; i < length; i++)
            r->line += data[r->at + i] == '\n';
        add_text(r, data + r->at, length);
        r->at += length + 1;
        if (r->at == r->file->size || data[r->at] != '"')
            return XAI_OK;
        add_text(r, "\"", 1);
        r->at++;
    }
}

/* RFC 4180 allows quotes only around a whole cell; one in the middle is most likely a cell that was meant to be quoted.
 */
static xai_status read_plain(reader *r)
{
    const unsigned char *data = r->file->data;
    size_t end = r->at;

    while (end < r->file->size && data[end] != ',' && data[end] != '\n' && data[end] != '\r' && data[end] != '"')
        end++;
    if (end < r->file->size && data[end] == '"')
        return fail(r, XAI_E_FORMAT, "a quote in a cell that does not begin with one");
    add_text(r, data + r->at, end - r->at);
    r->at = end;
    return XAI_OK;
}

/* Takes the comma, the line's end or the file's end behind a cell. */
static xai_status end_cell(reader *r)
{
    const unsigned char *data = r->file->data;
    size_t left = r->file->size - r->at;

    add_text(r, "", 1);
    r->row_ends = left == 0 || data[r->at] != ',';
    if (left == 0)
        return XAI_OK;
    if (left >= 2 && data[r->at] == '\r' && data[r->at + 1] == '\n')
        r->at++;
    else if (data[r->at] != ',' && data[r->at] != '\n')
        return fail(r, XAI_E_FORMAT,
                    data[r->at] == '\r' ? "a carriage return without a line feed" : "text behind a closing quote");
    r->line += data[r->at] == '\n';
    r->at++;
    return XAI_OK;
}

static xai_status read_cell(reader *r)
{
    bool quoted = r->at < r->file->size && r->file->data[r->at] == '"';
    xai_status status = begin_cell(r);

    if (status < 0)
        return status;
    r->at += quoted;
    status = quoted ? read_quoted(r) : read_plain(r);
    return status < 0 ? status : end_cell(r);
}

/* The caller has made sure that a byte is left. */
static bool is_empty_line(const reader *r)
{
    const unsigned char *data = r->file->data + r->at;
    size_t left = r->file->size - r->at;

    return data[0] == '\n' || (left >= 2 && data[0] == '\r' && data[1] == '\n');
}

/* The line is kept for messages: with line ends in quotes, rows and lines do not count alike. */
static xai_status begin_row(reader *r)
{
    size_t *line = xai__grow(r->csv->context, &r->csv->lines, r->csv->n_rows, sizeof *line);

    if (line == NULL)
        return XAI_E_NO_MEMORY;
    *line = r->line;
    r->csv->n_rows++;
    return XAI_OK;
}

static xai_status read_row(reader *r)
{
    xai__csv *csv = r->csv;
    size_t n_before = r->n_cells;
    xai_status status = begin_row(r);

    for (r->row_ends = false; status == XAI_OK && !r->row_ends;)
        status = read_cell(r);
    if (status < 0)
        return status;
    if (csv->n_rows == 1) /* the header, which every other row is measured by */
        csv->n_columns = r->n_cells;
    if (r->n_cells - n_before != csv->n_columns)
        return xai__fail(XAI_E_FORMAT, "%s: line %zu: has %zu cells, but the header has %zu", r->file->name,
                         csv->lines[csv->n_rows - 1], r->n_cells - n_before, csv->n_columns);
    return XAI_OK;
}

/* Once for the whole file, so that no cell has to be checked. A NUL would cut its cell's text short. */
static xai_status check_bytes(const xai__file *file)
{
    size_t bad = xai__utf8_check(file->data, file->size);
    const unsigned char *zero = memchr(file->data, 0, file->size);

    if (file->size > max_size)
        return xai__fail(XAI_E_LIMIT, "%s: has %zu bytes, at most %zu are read", file->name, file->size, max_size);
    if (bad < file->size)
        return xai__file_fail(file, XAI_E_FORMAT, bad, "is not UTF-8");
    if (zero != NULL)
        return xai__file_fail(file, XAI_E_FORMAT, (size_t)(zero - file->data), "is a NUL, which no text has");
    return XAI_OK;
}

static xai_status read_rows(reader *r)
{
    static const char mark[] = "\xef\xbb\xbf";
    const xai__file *file = r->file;
    xai_status status = XAI_OK;

    if (file->size >= 3 && memcmp(file->data, mark, 3) == 0)
        r->at = 3;
    /* Every cell is followed by something in the file, but for the last. */
    r->csv->text = xai__alloc(r->csv->context, file->size + 1);
    if (r->csv->text == NULL)
        return XAI_E_NO_MEMORY;
    while (status == XAI_OK && r->at < file->size) {
        /* In a table of one column an empty line is a row, whose cell is missing. */
        if (r->csv->n_columns != 1 && is_empty_line(r)) {
            r->at += file->data[r->at] == '\r' ? 2 : 1;
            r->line++;
        } else
            status = read_row(r);
    }
    if (status == XAI_OK && r->csv->n_rows == 0)
        status = xai__fail(XAI_E_FORMAT, "%s: is empty, expected a header line", file->name);
    return status;
}

xai_status xai__csv_read(xai__csv *csv, const xai__file *file)
{
    reader r = { .csv = csv, .file = file, .line = 1 };
    xai_status status = check_bytes(file);

    *csv = (xai__csv){ .context = file->context };
    if (status < 0)
        return status;
    csv->name = xai__strdup(csv->context, file->name);
    status = csv->name == NULL ? XAI_E_NO_MEMORY : read_rows(&r);
    if (status < 0)
        xai__csv_fini(csv);
    return status;
}

void xai__csv_fini(xai__csv *csv)
{
    if (csv->context == NULL)
        return;
    xai__free(csv->context, csv->name);
    xai__free(csv->context, csv->text);
    xai__free(csv->context, csv->cells);
    xai__free(csv->context, csv->lines);
    *csv = (xai__csv){ 0 };
}

xai_status xai__csv_fail(const xai__csv *csv, size_t row, size_t column, const char *format, ...)
{
    char words[256];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(words, sizeof words, format, arguments);
    va_end(arguments);
    return xai__fail(XAI_E_FORMAT, "%s: line %zu, column %zu ('%.60s'): %s", csv->name, csv->lines[row], column + 1,
                     xai__csv_cell(csv, 0, column), words);
}
