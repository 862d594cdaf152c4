/* SPDX-License-Identifier: MIT
 * Tables: a CSV file's cells as numbers or as classes. */
#include <xai/table.h>

#include <math.h>
#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "core/number.h"
#include "core/sort.h"
#include "core/tensor.h"
#include "core/text.h"
#include "io/csv.h"

struct xai_table {
    xai__object object;
    xai__csv csv;
};

/* --- the handle --- */

/* The cells are copies, so the file can be closed; nothing is converted before somebody asks for a column. */
static xai_status read_table(xai_table **out, xai_context *context, const xai__file *file)
{
    xai_table *table = xai__zalloc_array(context, 1, sizeof *table);
    xai_status status;

    if (table == NULL)
        return XAI_E_NO_MEMORY;
    xai__object_init(&table->object, context);
    status = xai__csv_read(&table->csv, file);
    if (status < 0)
        xai_table_unref(table);
    else
        *out = table;
    return status;
}

xai_status xai_table_load(xai_table **out, xai_context *context, const char *path)
{
    xai__file file = { 0 };
    xai_status status;

    XAI__ENTER(out);
    if (out == NULL || context == NULL || path == NULL)
        return xai__fail(XAI_E_INVALID, "%s is NULL", out == NULL ? "out" : context == NULL ? "context" : "path");
    status = xai__file_open(&file, context, path);
    if (status == XAI_OK)
        status = read_table(out, context, &file);
    xai__file_close(&file);
    return status;
}

xai_status xai_table_load_memory(xai_table **out, xai_context *context, const void *bytes, size_t size)
{
    xai__file file = { 0 };
    xai_status status;

    XAI__ENTER(out);
    if (out == NULL || context == NULL || (bytes == NULL && size > 0))
        return xai__fail(XAI_E_INVALID, "%s is NULL", out == NULL ? "out" : context == NULL ? "context" : "bytes");
    status = xai__file_wrap(&file, context, size > 0 ? bytes : "", size);
    if (status == XAI_OK)
        status = read_table(out, context, &file);
    xai__file_close(&file);
    return status;
}

xai_table *xai_table_ref(xai_table *table)
{
    if (table != NULL)
        xai__object_ref(&table->object);
    return table;
}

void xai_table_unref(xai_table *table)
{
    xai_context *context;

    if (table == NULL || !xai__object_unref(&table->object))
        return;
    context = table->object.context;
    xai__csv_fini(&table->csv);
    xai__free(context, table);
    xai_context_unref(context);
}

size_t xai_table_n_rows(const xai_table *table)
{
    return table->csv.n_rows - 1;
}

size_t xai_table_n_columns(const xai_table *table)
{
    return table->csv.n_columns;
}

const char *xai_table_column_name(const xai_table *table, size_t column)
{
    return column < table->csv.n_columns ? xai__csv_cell(&table->csv, 0, column) : NULL;
}

/* --- columns --- */

/* A message lists so many. */
enum { LISTED = 12 };

/* Most often a name is misspelt, so the message lists those that there are. */
static xai_status fail_to_find(const xai_table *table, const char *name)
{
    const xai__csv *csv = &table->csv;
    xai__text list;
    xai_status status;

    xai__text_init(&list, table->object.context);
    for (size_t i = 0; i < csv->n_columns && i < LISTED; i++)
        xai__text_add(&list, "%s'%.40s'", i > 0 ? ", " : "", xai__csv_cell(csv, 0, i));
    if (csv->n_columns > LISTED)
        xai__text_add(&list, " and %zu more", csv->n_columns - LISTED);
    status = list.failed ? xai__fail_memory()
                         : xai__fail(XAI_E_NOT_FOUND, "%s: has no column '%.60s'; it has %s", csv->name, name,
                                     xai__text_get(&list));
    xai__text_fini(&list);
    return status;
}

/* All columns are looked at, since a name that stands twice names none. */
xai_status xai_table_find_column(size_t *column, const xai_table *table, const char *name)
{
    size_t found = 0, n_found = 0;

    xai__enter();
    if (column == NULL || table == NULL || name == NULL)
        return xai__fail(XAI_E_INVALID, "%s is NULL", column == NULL ? "column" : table == NULL ? "table" : "name");
    *column = 0;
    for (size_t i = table->csv.n_columns; i-- > 0;) {
        if (strcmp(xai__csv_cell(&table->csv, 0, i), name) != 0)
            continue;
        found = i;
        n_found++;
    }
    if (n_found == 0)
        return fail_to_find(table, name);
    if (n_found > 1)
        return xai__fail(XAI_E_INVALID, "%s: has %zu columns '%.60s'", table->csv.name, n_found, name);
    *column = found;
    return XAI_OK;
}

static xai_status check_column(const xai_table *table, size_t column)
{
    if (column < table->csv.n_columns)
        return XAI_OK;
    return xai__fail(XAI_E_INVALID, "%s: has no column %zu, only %zu", table->csv.name, column, table->csv.n_columns);
}

/* --- numbers --- */

/* A missing value is a NaN, and only a missing one: "nan" is no number here, and neither is what float32 cannot hold.
 */
static xai_status read_number(float *out, const xai__csv *csv, size_t row, size_t column)
{
    const char *cell = xai__csv_cell(csv, row, column);
    double number = (double)NAN;

    if (cell[0] != '\0' && !xai__number_read(&number, cell, strlen(cell)))
        return xai__csv_fail(csv, row, column, "'%.40s' is not a number; a missing value is an empty cell", cell);
    *out = (float)number;
    if (isinf(*out))
        return xai__csv_fail(csv, row, column, "%.40s is beyond float32", cell);
    return XAI_OK;
}

/* Row by row, the columns in the order in which they were asked for; one may be asked for twice. */
static xai_status read_numbers(float *out, const xai_table *table, const size_t *columns, size_t n_columns)
{
    xai_status status = XAI_OK;

    for (size_t row = 1; row < table->csv.n_rows && status == XAI_OK; row++)
        for (size_t i = 0; i < n_columns && status == XAI_OK; i++)
            status = read_number(out++, &table->csv, row, columns[i]);
    return status;
}

xai_status xai_table_numbers(xai_tensor **out, const xai_table *table, const size_t *columns, size_t n_columns)
{
    int64_t shape[2];
    xai_tensor *result = NULL;
    xai_status status = XAI_OK;

    XAI__ENTER(out);
    if (out == NULL || table == NULL || columns == NULL)
        return xai__fail(XAI_E_INVALID, "%s is NULL", out == NULL ? "out" : table == NULL ? "table" : "columns");
    if (n_columns < 1 || n_columns > INT32_MAX)
        return xai__fail(XAI_E_INVALID, "n_columns is %zu, expected at least 1", n_columns);
    for (size_t i = 0; i < n_columns && status == XAI_OK; i++)
        status = check_column(table, columns[i]);
    shape[0] = (int64_t)xai_table_n_rows(table);
    shape[1] = (int64_t)n_columns;
    if (status == XAI_OK)
        status = xai__tensor_create(&result, table->object.context, shape, 2);
    if (status == XAI_OK)
        status = read_numbers(result->data, table, columns, n_columns);
    if (status < 0)
        xai_tensor_unref(result);
    else
        *out = result;
    return status;
}

/* --- classes --- */

/* Texts to be put in order; numbers is NULL unless all are numbers. */
typedef struct texts {
    const char *const *texts;
    const double *numbers;
} texts;

/* By number, so that class 10 comes behind class 9; "1" and "1.0" are two classes of one number, told apart as texts.
 */
static int compare(const void *user, uint32_t a, uint32_t b)
{
    const texts *t = user;

    if (t->numbers != NULL && t->numbers[a] != t->numbers[b])
        return t->numbers[a] < t->numbers[b] ? -1 : 1;
    return strcmp(t->texts[a], t->texts[b]);
}

/* Everything that finding a column's labels takes. Labels are texts of the table, so they live as long as it does. */
typedef struct labeller {
    xai_context *context;
    const char **cells; /* the column, then its different texts in the order of their bytes */
    double *numbers;
    uint32_t *order;
    size_t n;
} labeller;

/* Twice as much order as cells: drop_doubles() lists what it keeps in the second half. */
static xai_status take_cells(labeller *l, const xai_table *table, size_t column)
{
    l->n = xai_table_n_rows(table);
    l->cells = xai__alloc_array(l->context, l->n, sizeof *l->cells);
    l->numbers = xai__alloc_array(l->context, l->n, sizeof *l->numbers);
    l->order = xai__alloc_array(l->context, l->n, 2 * sizeof *l->order);
    if (l->cells == NULL || l->numbers == NULL || l->order == NULL)
        return XAI_E_NO_MEMORY;
    for (size_t i = 0; i < l->n; i++) {
        l->cells[i] = xai__csv_cell(&table->csv, i + 1, column);
        l->order[i] = (uint32_t)i;
        if (l->cells[i][0] == '\0')
            return xai__csv_fail(&table->csv, i + 1, column, "is empty, expected a class");
    }
    return XAI_OK;
}

/* Leaves each text once: of equal ones the first in the table, since equal elements stay in the order of their rows. */
static void drop_doubles(labeller *l)
{
    uint32_t *kept = l->order + l->n;
    size_t n = 0;

    for (size_t i = 0; i < l->n; i++)
        if (n == 0 || strcmp(l->cells[kept[n - 1]], l->cells[l->order[i]]) != 0)
            kept[n++] = l->order[i];
    memmove(l->order, kept, n * sizeof *kept);
    l->n = n;
}

/* True if the texts that are left are numbers, all of them; one that is none makes them all words, in their bytes'
 * order. */
static bool read_all(labeller *l)
{
    for (size_t i = 0; i < l->n; i++) {
        const char *text = l->cells[l->order[i]];
        if (!xai__number_read(&l->numbers[l->order[i]], text, strlen(text)))
            return false;
    }
    return true;
}

/* Sorted by text first, which brings equal ones together; numbers are read of the different ones only. n log n. */
static xai_status find_labels(labeller *l, const xai_table *table, size_t column)
{
    texts by_text, by_number;
    xai_status status = take_cells(l, table, column);

    if (status < 0)
        return status;
    by_text = (texts){ l->cells, NULL };
    by_number = (texts){ l->cells, l->numbers };
    xai__sort(l->order, l->n, compare, &by_text);
    drop_doubles(l);
    if (read_all(l))
        xai__sort(l->order, l->n, compare, &by_number);
    return XAI_OK;
}

static void drop_labeller(labeller *l)
{
    xai__free(l->context, l->cells);
    xai__free(l->context, l->numbers);
    xai__free(l->context, l->order);
}

/* Called twice by most: for the number, then for the texts. The work is done both times, for the table keeps nothing.
 */
xai_status xai_table_labels(size_t *n, const xai_table *table, size_t column, const char **labels, size_t capacity)
{
    labeller l = { 0 };
    xai_status status;

    xai__enter();
    if (n != NULL)
        *n = 0;
    if (n == NULL || table == NULL || (labels == NULL && capacity > 0))
        return xai__fail(XAI_E_INVALID, "%s is NULL", n == NULL ? "n" : table == NULL ? "table" : "labels");
    status = check_column(table, column);
    if (status < 0)
        return status;
    l.context = table->object.context;
    status = find_labels(&l, table, column);
    if (status == XAI_OK) {
        *n = l.n;
        for (size_t i = 0; i < l.n && i < capacity; i++)
            labels[i] = l.cells[l.order[i]];
    }
    drop_labeller(&l);
    return status;
}

/* Index of a text among sorted labels; n: none. */
static size_t find_label(const char *text, const char *const *labels, const uint32_t *order, size_t n)
{
    size_t low = 0, high = n;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int sign = strcmp(labels[order[middle]], text);
        if (sign == 0)
            return order[middle];
        if (sign < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return n;
}

/* For the search of every cell, whatever order the caller gave the labels in. Equal ones would leave a class empty. */
static xai_status sort_labels(uint32_t *order, const char *const *labels, size_t n)
{
    const texts sorted = { labels, NULL };

    for (size_t i = 0; i < n; i++) {
        if (labels[i] == NULL)
            return xai__fail(XAI_E_INVALID, "label %zu is NULL", i);
        order[i] = (uint32_t)i;
    }
    xai__sort(order, n, compare, &sorted);
    for (size_t i = 1; i < n; i++)
        if (strcmp(labels[order[i - 1]], labels[order[i]]) == 0)
            return xai__fail(XAI_E_INVALID, "two labels are '%.60s'", labels[order[i]]);
    return XAI_OK;
}

/* Labels may come from another table, the one that a tree was fitted to: a class that it never saw has no index. */
static xai_status read_classes(float *out, const xai__csv *csv, size_t column, const char *const *labels,
                               const uint32_t *order, size_t n)
{
    for (size_t row = 1; row < csv->n_rows; row++) {
        const char *cell = xai__csv_cell(csv, row, column);
        size_t index = find_label(cell, labels, order, n);
        if (index == n)
            return xai__csv_fail(csv, row, column, "'%.40s' is none of the %zu classes", cell, n);
        out[row - 1] = (float)index;
    }
    return XAI_OK;
}

xai_status xai_table_classes(xai_tensor **out, const xai_table *table, size_t column, const char *const *labels,
                             size_t n_labels)
{
    xai_tensor *result = NULL;
    uint32_t *order;
    int64_t size;
    xai_status status;

    XAI__ENTER(out);
    if (out == NULL || table == NULL || labels == NULL)
        return xai__fail(XAI_E_INVALID, "%s is NULL", out == NULL ? "out" : table == NULL ? "table" : "labels");
    status = check_column(table, column);
    /* float32 tells whole numbers apart up to here. */
    if (status == XAI_OK && (n_labels < 1 || n_labels > 1 << 24))
        status = xai__fail(XAI_E_INVALID, "n_labels is %zu, expected 1 to %d", n_labels, 1 << 24);
    if (status < 0)
        return status;
    size = (int64_t)xai_table_n_rows(table);
    order = xai__alloc_array(table->object.context, n_labels, sizeof *order);
    status = order == NULL ? XAI_E_NO_MEMORY : sort_labels(order, labels, n_labels);
    if (status == XAI_OK)
        status = xai__tensor_create(&result, table->object.context, &size, 1);
    if (status == XAI_OK)
        status = read_classes(result->data, &table->csv, column, labels, order, n_labels);
    xai__free(table->object.context, order);
    if (status < 0)
        xai_tensor_unref(result);
    else
        *out = result;
    return status;
}
