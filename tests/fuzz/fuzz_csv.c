/* SPDX-License-Identifier: MIT
 * Any bytes as a table: what is read has its cells, and its columns are numbers, classes, or refused with a sentence.
 */
#include "fuzz.h"

#include <string.h>

static void read_column(const xai_table *table, size_t column)
{
    const char *labels[8];
    xai_tensor *out = NULL;
    size_t n;
    xai_status status;

    status = xai_table_numbers(&out, table, &column, 1);
    fuzz_check(status, out);
    if (status == XAI_OK && xai_tensor_size(out) != xai_table_n_rows(table))
        abort();
    xai_tensor_unref(out);
    status = xai_table_labels(&n, table, column, labels, 8);
    if (status < 0 || n < 1 || n > 8)
        return;
    /* All labels are known, so every cell is one of them. */
    if (xai_table_classes(&out, table, column, labels, n) < 0)
        abort();
    for (size_t i = 0; i < xai_tensor_size(out); i++)
        if (!(xai_tensor_data(out)[i] >= 0 && xai_tensor_data(out)[i] < (float)n))
            abort();
    xai_tensor_unref(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    xai_context *context = fuzz_context();
    xai_table *table = NULL;
    xai_status status = xai_table_load_memory(&table, context, data, size);

    fuzz_check(status, table);
    for (size_t i = 0; status == XAI_OK && i < xai_table_n_columns(table); i++) {
        size_t column;
        if (xai_table_find_column(&column, table, xai_table_column_name(table, i)) == XAI_OK && column != i)
            abort();
        read_column(table, i);
    }
    xai_table_unref(table);
    xai_context_unref(context);
    return 0;
}
