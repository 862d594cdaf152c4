/* SPDX-License-Identifier: MIT
 * xai_tree_fit(): the door to the methods. What a method doesn't know is refused rather than ignored. */
#include "tree/fit.h"

#include <math.h>
#include <string.h>

#include "core/error.h"
#include "core/options.h"
#include "core/tensor.h"

/* float32 tells whole numbers apart up to here. */
enum { MOST_CLASSES = 1 << 24 };

enum { FOR_CART = 1, FOR_DNDT = 2 };

static const struct {
    const char *name;
    uint32_t mask;
    xai_status (*fit)(xai_tree **out, const xai_tensor *rows, const xai_tensor *targets,
                      const xai_fit_options *options);
} methods[] = {
    { "cart", FOR_CART, xai__cart_fit },
    { "dndt", FOR_DNDT, xai__dndt_fit },
};

/* A field of the options and the methods that know it. */
#define FIELD(name, mask)                                                                                              \
    {                                                                                                                  \
#name, offsetof(xai_fit_options, name), sizeof((xai_fit_options *)0)->name, mask                               \
    }

/* Options that belong to one method. */
static const struct {
    const char *name;
    size_t offset, size;
    uint32_t mask;
} fields[] = {
    FIELD(criterion, FOR_CART),
    FIELD(min_impurity_decrease, FOR_CART),
    FIELD(min_weight_fraction_leaf, FOR_CART),
    FIELD(ccp_alpha, FOR_CART),
    FIELD(max_depth, FOR_CART),
    FIELD(max_leaf_nodes, FOR_CART),
    FIELD(min_samples_split, FOR_CART),
    FIELD(min_samples_leaf, FOR_CART),
    FIELD(max_features, FOR_CART),
    FIELD(n_cuts, FOR_DNDT),
    FIELD(n_steps, FOR_DNDT),
    FIELD(temperature, FOR_DNDT),
    FIELD(learning_rate, FOR_DNDT),
    FIELD(reserved, 0),
};

/* An option that is not 0, whatever its type: zero bytes are 0, 0.0 and NULL. No field is larger than a double. */
static bool is_set(const xai_fit_options *options, size_t offset, size_t size)
{
    static const unsigned char zeros[sizeof(double)];

    return memcmp((const unsigned char *)options + offset, zeros, size) != 0;
}

static xai_status check_fields(const char *method, uint32_t mask, const xai_fit_options *options)
{
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        if ((fields[i].mask & mask) == 0 && is_set(options, fields[i].offset, fields[i].size))
            return xai__fail(XAI_E_INVALID, "%s is set, but the method \"%s\" has no such option", fields[i].name,
                             method);
    return XAI_OK;
}

/* Rows and features are counted in 32 bits by the trees. */
static xai_status check_shapes(const xai_tensor *rows, const xai_tensor *targets)
{
    char text[128];

    if (rows->rank != 2 || rows->shape[0] < 1 || rows->shape[1] < 1 || rows->shape[0] > INT32_MAX ||
        rows->shape[1] > INT32_MAX)
        return xai__fail(XAI_E_SHAPE, "rows are %s, expected N x F, each at least 1",
                         xai__shape_text(text, sizeof text, rows->shape, rows->rank));
    if (targets->rank != 1 || targets->shape[0] != rows->shape[0])
        return xai__fail(XAI_E_SHAPE, "targets are %s, expected %lld, one a row",
                         xai__shape_text(text, sizeof text, targets->shape, targets->rank), (long long)rows->shape[0]);
    return XAI_OK;
}

/* Classes that no row has are allowed where n_classes says so: a table may be a part of a larger one. */
xai_status xai__fit_classes(double *out, size_t *n_classes, const xai_tensor *targets, const xai_fit_options *options)
{
    size_t limit = options->n_classes > 0 && options->n_classes < MOST_CLASSES ? options->n_classes : MOST_CLASSES;
    double largest = 0;

    if (options->class_names != NULL && options->n_classes == 0)
        return xai__fail(XAI_E_INVALID, "class_names is set without n_classes");
    if (options->n_classes > MOST_CLASSES)
        return xai__fail(XAI_E_LIMIT, "n_classes is %zu, at most %d are told apart", options->n_classes, MOST_CLASSES);
    for (size_t i = 0; i < targets->size; i++) {
        double y = targets->data[i];
        if (!(y >= 0) || y != floor(y) || y >= (double)limit)
            return xai__fail(XAI_E_INVALID, "target %zu is %g, expected a class index below %zu", i, y, limit);
        largest = y > largest ? y : largest;
        out[i] = y;
    }
    *n_classes = options->n_classes > 0 ? options->n_classes : (size_t)largest + 1;
    return XAI_OK;
}

/* The message names the row, since weights mostly come from a column of a file. */
xai_status xai__fit_weights(double *out, size_t n_rows, const xai_fit_options *options)
{
    bool some = false;

    for (size_t i = 0; i < n_rows; i++) {
        double w = options->sample_weights == NULL ? 1.0 : (double)options->sample_weights[i];
        if (!(w >= 0) || isinf(w))
            return xai__fail(XAI_E_INVALID, "the weight of row %zu is %g, expected a finite number of at least 0", i,
                             w);
        some = some || w > 0;
        out[i] = w;
    }
    return some ? XAI_OK : xai__fail(XAI_E_INVALID, "all %zu rows have weight 0", n_rows);
}

xai_status xai_tree_fit(xai_tree **out, const xai_tensor *rows, const xai_tensor *targets,
                        const xai_fit_options *options)
{
    xai_fit_options read;
    const char *name;
    xai_status status;

    XAI__ENTER(out);
    if (out == NULL || rows == NULL || targets == NULL)
        return xai__fail(XAI_E_INVALID, "%s is NULL", out == NULL ? "out" : rows == NULL ? "rows" : "targets");
    status = XAI__OPTIONS_READ(&read, options);
    if (status < 0)
        return status;
    /* Fields are checked before shapes: an option that is not the method's says most about what was meant. */
    name = read.method != NULL ? read.method : methods[0].name;
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        if (strcmp(methods[i].name, name) != 0)
            continue;
        status = check_fields(name, methods[i].mask, &read);
        if (status == XAI_OK)
            status = check_shapes(rows, targets);
        return status < 0 ? status : methods[i].fit(out, rows, targets, &read);
    }
    return xai__fail(XAI_E_NOT_FOUND, "there is no method \"%s\" of fitting a tree; there are \"cart\" and \"dndt\"",
                     name);
}
