/* SPDX-License-Identifier: MIT
 * CSV in (RFC 4180): a header line and rows of as many cells, kept as texts. */
#ifndef XAI__IO_CSV_H
#define XAI__IO_CSV_H

#include "io/file.h"

typedef struct xai__csv {
    xai_context *context;
    char *name;    /* of the file, for messages */
    char *text;    /* decoded cells, each ended by a NUL */
    size_t *cells; /* where each begins in text: row 0 is the header, then row after row */
    size_t *lines; /* by row: the line of the file on which it starts, from 1 */
    size_t n_rows; /* the header included */
    size_t n_columns;
} xai__csv;

/* Zero it before reading. Lines end with LF or CRLF; empty lines are skipped where there is more than one column. Fails
 * with file and line, and gives back everything then. */
xai_status xai__csv_read(xai__csv *csv, const xai__file *file);

/* Takes a zeroed or half-made one too. */
void xai__csv_fini(xai__csv *csv);

/* Text of a cell; row 0 is the header. */
static inline const char *xai__csv_cell(const xai__csv *csv, size_t row, size_t column)
{
    return csv->text + csv->cells[row * csv->n_columns + column];
}

/* "FILE: line 3, column 2 ('width'): words"; the status is XAI_E_FORMAT. */
xai_status xai__csv_fail(const xai__csv *csv, size_t row, size_t column, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

#endif
