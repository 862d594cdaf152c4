/* SPDX-License-Identifier: MIT
 * DNDT as a tree: soft bins, their Kronecker product, predictions, the path along the likeliest bins.
 *
 * Each feature falls into n_cuts + 1 bins with probabilities that a softmax gives; a leaf is one bin of each feature,
 * and its probability their product. A row's logits are the leaves' scores, weighted by those. Drawn as a tree, each
 * level is a feature; n features have (n_cuts + 1)^n leaves, which is why a DNDT has few features. */
#include "tree/dndt.h"

#include <math.h>
#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "tree/names.h"

static void fini(xai_tree *tree)
{
    xai__dndt *dndt = xai__dndt_of(tree);

    xai__free(tree->object.context, dndt->cuts);
    xai__free(tree->object.context, dndt->temperatures);
    xai__free(tree->object.context, dndt->scores);
    xai__free(tree->object.context, dndt->labels);
    xai__free(tree->object.context, dndt->label_at);
}

/* --- arithmetic --- */

/* The largest is taken off first, so that nothing overflows and the sum is 1 at least. */
void xai__dndt_softmax(double *numbers, size_t n)
{
    double largest = numbers[0], sum = 0;

    for (size_t i = 1; i < n; i++)
        largest = fmax(largest, numbers[i]);
    for (size_t i = 0; i < n; i++) {
        numbers[i] = exp(numbers[i] - largest);
        sum += numbers[i];
    }
    for (size_t i = 0; i < n; i++)
        numbers[i] /= sum;
}

/* So that numbers of a strange file stay finite, and the sums of as many as there can be: a softmax of infinities is
 * not a number. */
static double keep_finite(double number)
{
    const double most = 1e300;

    return fmin(fmax(number, -most), most);
}

/* The paper's logits are (k x - the sum of the first k cuts) / temperature, which is what this sums up: each cut that x
 * has passed raises those behind it. */
void xai__dndt_bin(double *bins, const double *cuts, size_t n_cuts, double temperature, double x)
{
    bins[0] = 0;
    for (size_t k = 0; k < n_cuts; k++)
        bins[k + 1] = bins[k] + keep_finite((x - cuts[k]) / temperature);
    xai__dndt_softmax(bins, n_cuts + 1);
}

/* Each level follows the one before it in memory, n_bins times as long; child k of node i is i n_bins + k of its level.
 */
void xai__dndt_spread(double *levels, const double *bins, size_t n_inputs, size_t n_bins)
{
    size_t n = 1;

    levels[0] = 1;
    for (size_t f = 0; f < n_inputs; f++) {
        double *next = levels + n;
        for (size_t i = 0; i < n; i++)
            for (size_t k = 0; k < n_bins; k++)
                next[i * n_bins + k] = levels[i] * bins[f * n_bins + k];
        levels = next;
        n *= n_bins;
    }
}

/* number: of the row, for the message. A missing value has no bin. */
static xai_status fill_bins(double *bins, const xai__dndt *dndt, const float *row, size_t number)
{
    for (size_t f = 0; f < dndt->tree.n_inputs; f++) {
        if (!isfinite(row[f]))
            return xai__fail(XAI_E_INVALID, "row %zu has %g in column %zu, but a DNDT needs finite numbers", number,
                             (double)row[f], f);
        xai__dndt_bin(bins + f * dndt->n_bins, dndt->cuts + f * dndt->n_cuts, dndt->n_cuts, dndt->temperatures[f],
                      row[f]);
    }
    return XAI_OK;
}

/* --- predictions --- */

static void predict_row(float *out, double *logits, const xai__dndt *dndt, const double *leaves)
{
    size_t n_classes = dndt->tree.n_classes;

    memset(logits, 0, n_classes * sizeof *logits);
    for (size_t i = 0; i < dndt->n_leaves; i++)
        for (size_t c = 0; c < n_classes; c++)
            logits[c] += leaves[i] * dndt->scores[i * n_classes + c];
    for (size_t c = 0; c < n_classes; c++)
        logits[c] = keep_finite(logits[c]);
    xai__dndt_softmax(logits, n_classes);
    for (size_t c = 0; c < n_classes; c++)
        out[c] = (float)logits[c];
}

static xai_status predict(float *out, const xai_tree *tree, const float *rows, size_t n_rows, uint32_t mode)
{
    const xai__dndt *dndt = xai__dndt_of(tree);
    xai_context *context = tree->object.context;
    double *bins = xai__alloc_array(context, tree->n_inputs * dndt->n_bins, sizeof *bins);
    double *levels = xai__alloc_array(context, tree->n_nodes, sizeof *levels);
    double *logits = xai__alloc_array(context, tree->n_classes, sizeof *logits);
    xai_status status = bins == NULL || levels == NULL || logits == NULL ? XAI_E_NO_MEMORY : XAI_OK;

    (void)mode;
    for (size_t i = 0; i < n_rows && status == XAI_OK; i++) {
        status = fill_bins(bins, dndt, rows + i * tree->n_inputs, i);
        if (status < 0)
            break;
        xai__dndt_spread(levels, bins, tree->n_inputs, dndt->n_bins);
        predict_row(out + i * tree->n_classes, logits, dndt, levels + (tree->n_nodes - dndt->n_leaves));
    }
    xai__free(context, bins);
    xai__free(context, levels);
    xai__free(context, logits);
    return status;
}

static size_t find_largest(const double *numbers, size_t n)
{
    size_t best = 0;

    for (size_t i = 1; i < n; i++)
        if (numbers[i] > numbers[best])
            best = i;
    return best;
}

/* In nats. */
static double measure_entropy(const double *shares, size_t n)
{
    double sum = 0;

    for (size_t i = 0; i < n; i++)
        if (shares[i] > 0)
            sum -= shares[i] * log(shares[i]);
    return sum;
}

static xai_decision describe(const xai__dndt *dndt, size_t label)
{
    return (xai_decision){ .node = dndt->labels + dndt->label_at[2 * label],
                           .name = dndt->labels + dndt->label_at[2 * label + 1],
                           .probability = 1,
                           .class_index = -1 };
}

/* The likeliest bin of each feature, whatever the others are: the path to the likeliest leaf. What the tree predicts is
 * a mixture of all leaves, so the class at the end of the path can be another one. */
static void follow(size_t *n, const xai__dndt *dndt, const double *bins, xai_decision *steps, size_t capacity)
{
    size_t n_inputs = dndt->tree.n_inputs, n_classes = dndt->tree.n_classes, leaf = 0;

    if (capacity > 0)
        steps[0] = describe(dndt, 0);
    for (size_t f = 0; f < n_inputs; f++) {
        const double *now = bins + f * dndt->n_bins;
        size_t bin = find_largest(now, dndt->n_bins);
        leaf = leaf * dndt->n_bins + bin;
        if (f + 1 >= capacity)
            continue;
        steps[f + 1] = describe(dndt, 1 + f * dndt->n_bins + bin);
        steps[f + 1].probability = now[bin];
        steps[f + 1].entropy = measure_entropy(now, dndt->n_bins);
    }
    if (n_inputs < capacity)
        steps[n_inputs].class_index = (int64_t)find_largest(dndt->scores + leaf * n_classes, n_classes);
    *n = n_inputs + 1;
}

static xai_status decisions(size_t *n, const xai_tree *tree, const float *row, uint32_t mode, xai_decision *steps,
                            size_t capacity)
{
    const xai__dndt *dndt = xai__dndt_of(tree);
    double *bins = xai__alloc_array(tree->object.context, tree->n_inputs * dndt->n_bins, sizeof *bins);
    xai_status status = bins == NULL ? XAI_E_NO_MEMORY : fill_bins(bins, dndt, row, 0);

    (void)mode;
    if (status == XAI_OK)
        follow(n, dndt, bins, steps, capacity);
    xai__free(tree->object.context, bins);
    return status;
}

/* --- the making --- */

static const xai__tree_kind dndt_kind = { .kind = XAI_TREE_DNDT,
                                          .fini = fini,
                                          .predict = predict,
                                          .decisions = decisions,
                                          .write_json = xai__dndt_write,
                                          .outline = xai__dndt_outline };

xai_status xai__dndt_count(size_t *n_leaves, size_t *n_nodes, size_t n_inputs, size_t n_cuts)
{
    *n_leaves = *n_nodes = 1;
    for (size_t f = 0; f < n_inputs; f++) {
        if (n_cuts >= XAI__DNDT_MAX_LEAVES || *n_leaves > XAI__DNDT_MAX_LEAVES / (n_cuts + 1))
            return xai__fail(XAI_E_LIMIT,
                             "%zu features with %zu cuts each make %zu to the power of %zu leaves, but a DNDT has at "
                             "most %d; fit several to fewer features each",
                             n_inputs, n_cuts, n_cuts + 1, n_inputs, XAI__DNDT_MAX_LEAVES);
        *n_leaves *= n_cuts + 1;
        *n_nodes += *n_leaves;
    }
    return XAI_OK;
}

xai_status xai__dndt_create(xai__dndt **out, xai_context *context, size_t n_inputs, size_t n_cuts, size_t n_classes)
{
    size_t n_leaves, n_nodes;
    xai_tree *tree = NULL;
    xai__dndt *dndt;
    xai_status status = xai__dndt_count(&n_leaves, &n_nodes, n_inputs, n_cuts);

    *out = NULL;
    if (status == XAI_OK)
        status = xai__tree_create(&tree, context, &dndt_kind, sizeof *dndt);
    if (status < 0)
        return status;
    dndt = xai__dndt_of(tree);
    *tree = (xai_tree){
        .object = tree->object, .kind = tree->kind, .n_classes = n_classes, .n_inputs = n_inputs, .n_nodes = n_nodes
    };
    dndt->n_cuts = n_cuts;
    dndt->n_bins = n_cuts + 1;
    dndt->n_leaves = n_leaves;
    dndt->cuts = xai__zalloc_array(context, n_inputs * n_cuts, sizeof *dndt->cuts);
    dndt->temperatures = xai__zalloc_array(context, n_inputs, sizeof *dndt->temperatures);
    dndt->scores = xai__zalloc_array(context, n_leaves, n_classes * sizeof *dndt->scores);
    if (dndt->cuts != NULL && dndt->temperatures != NULL && dndt->scores != NULL)
        *out = dndt;
    else
        xai_tree_unref(tree);
    return *out != NULL ? XAI_OK : XAI_E_NO_MEMORY;
}

/* --- words --- */

void xai__dndt_add_condition(xai__text *text, const xai__dndt *dndt, size_t feature, size_t bin, const char *name)
{
    const double *cuts = dndt->cuts + feature * dndt->n_cuts;

    if (bin > 0 && bin < dndt->n_cuts) {
        xai__names_add_number(text, cuts[bin - 1]);
        xai__text_add(text, " < ");
    }
    if (name != NULL)
        xai__text_add(text, "%s", name);
    else
        xai__names_add_feature(text, &dndt->tree, feature);
    xai__text_add(text, bin < dndt->n_cuts ? " <= " : " > ");
    xai__names_add_number(text, cuts[bin < dndt->n_cuts ? bin : bin - 1]);
}

/* Nodes of a level say the same, so there is a text for each bin of each feature and not for each node. */
xai_status xai__dndt_label(xai__dndt *dndt)
{
    xai_context *context = dndt->tree.object.context;
    size_t n = 1 + dndt->tree.n_inputs * dndt->n_bins;
    xai__text text;

    xai__text_init(&text, context);
    dndt->label_at = xai__zalloc_array(context, n, 2 * sizeof *dndt->label_at);
    if (dndt->label_at == NULL)
        return XAI_E_NO_MEMORY;
    for (size_t i = 0; i < n; i++) {
        size_t feature = i > 0 ? (i - 1) / dndt->n_bins : 0, bin = i > 0 ? (i - 1) % dndt->n_bins : 0;
        dndt->label_at[2 * i] = text.length;
        if (i == 0)
            xai__text_add(&text, "0%c", 0);
        else
            xai__text_add(&text, "%zu:%zu%c", feature, bin, 0);
        dndt->label_at[2 * i + 1] = text.length;
        if (i == 0)
            xai__text_add(&text, "root");
        else
            xai__dndt_add_condition(&text, dndt, feature, bin, NULL);
        xai__text_add(&text, "%c", 0);
    }
    dndt->labels = text.data;
    return text.failed ? xai__fail_memory() : XAI_OK;
}
