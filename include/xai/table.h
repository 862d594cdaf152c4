/* SPDX-License-Identifier: MIT
 * Tables: CSV files with a header line, for the trees of xai/tree.h. */
#ifndef XAI_TABLE_H
#define XAI_TABLE_H

#include <xai/context.h>
#include <xai/tensor.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A CSV file as texts under column names. Never changes, so any number of threads may use it. @since 0.1 */
typedef struct xai_table xai_table;

/**
 * Read a CSV file (RFC 4180): commas, quotes, UTF-8, a header line, and as many cells in every row.
 *
 * @param[out] out  The table, one reference. NULL on failure.
 * @param context   Context; kept alive.
 * @param path      File to read, at most 1 GiB. Empty lines are skipped where there is more than one column.
 * @return 0; XAI_E_IO; XAI_E_FORMAT, with the line, for ragged rows, loose quotes and bytes that are no UTF-8;
 * XAI_E_LIMIT; XAI_E_NO_MEMORY.
 *
 * Any thread.
 * @since 0.1
 */
XAI_API xai_status xai_table_load(xai_table **out, xai_context *context, const char *path);

/**
 * Read a CSV file from memory.
 *
 * @param[out] out  The table, one reference. NULL on failure.
 * @param context   Context; kept alive.
 * @param bytes     The text; not kept.
 * @param size      Its length in bytes.
 * @return As xai_table_load(), without XAI_E_IO.
 *
 * Any thread.
 * @since 0.1
 */
XAI_API xai_status xai_table_load_memory(xai_table **out, xai_context *context, const void *bytes, size_t size);

/** Add a reference. @param table  May be NULL. @return @p table. Any thread. @since 0.1 */
XAI_API xai_table *xai_table_ref(xai_table *table);

/** Drop a reference; the last one frees it. @param table  May be NULL. Any thread. @since 0.1 */
XAI_API void xai_table_unref(xai_table *table);

/** Count the rows. @param table  The table. @return Rows, without the header. Any thread. @since 0.1 */
XAI_API size_t xai_table_n_rows(const xai_table *table);

/** Count the columns. @param table  The table. @return Columns, at least 1. Any thread. @since 0.1 */
XAI_API size_t xai_table_n_columns(const xai_table *table);

/**
 * Name a column.
 *
 * @param table   The table.
 * @param column  From 0.
 * @return The header's text, borrowed from the table; NULL where there is no such column.
 *
 * Any thread.
 * @since 0.1
 */
XAI_API const char *xai_table_column_name(const xai_table *table, size_t column);

/**
 * Find a column by its name.
 *
 * @param[out] column  Its index, from 0.
 * @param table        The table.
 * @param name         Exactly as the header has it.
 * @return 0; XAI_E_NOT_FOUND if there is none, and the message lists what there is; XAI_E_INVALID if there are two.
 *
 * Any thread.
 * @since 0.1
 */
XAI_API xai_status xai_table_find_column(size_t *column, const xai_table *table, const char *name);

/**
 * Read columns as numbers.
 *
 * @param[out] out   Rows x @p n_columns, NaN where a cell is empty. One reference. NULL on failure.
 * @param table      The table.
 * @param columns    @p n_columns indices, in any order.
 * @param n_columns  At least 1.
 * @return 0; XAI_E_FORMAT for a text where a number is expected or a number beyond float32, with line and column;
 * XAI_E_INVALID; XAI_E_NO_MEMORY.
 *
 * A number is what a JSON or C program writes, whatever the locale: 12, -0.5, 1e-3. Any thread.
 * @since 0.1
 */
XAI_API xai_status xai_table_numbers(xai_tensor **out, const xai_table *table, const size_t *columns, size_t n_columns);

/**
 * List the different texts of a column: the labels of its classes.
 *
 * @param[out] n    How many there are, however small @p capacity is.
 * @param table     The table.
 * @param column    Column.
 * @param labels    Receives the first @p capacity, borrowed from the table, in the order of the numbers if all are
 * numbers, else of the bytes; may be NULL if @p capacity is 0.
 * @param capacity  Room in @p labels.
 * @return 0; XAI_E_FORMAT for an empty cell, with its line; XAI_E_INVALID; XAI_E_NO_MEMORY.
 *
 * Any thread.
 * @since 0.1
 */
XAI_API xai_status xai_table_labels(size_t *n, const xai_table *table, size_t column, const char **labels,
                                    size_t capacity);

/**
 * Read a column as classes.
 *
 * @param[out] out   Rows: for each the index of its text among @p labels. One reference. NULL on failure.
 * @param table      The table.
 * @param column     Column.
 * @param labels     @p n_labels different texts, in any order, as xai_table_labels() or a tree gives them.
 * @param n_labels   At least 1.
 * @return 0; XAI_E_FORMAT for a text that is not among them, with its line; XAI_E_INVALID; XAI_E_NO_MEMORY.
 *
 * Any thread.
 * @since 0.1
 */
XAI_API xai_status xai_table_classes(xai_tensor **out, const xai_table *table, size_t column, const char *const *labels,
                                     size_t n_labels);

#ifdef __cplusplus
}
#endif
#endif
