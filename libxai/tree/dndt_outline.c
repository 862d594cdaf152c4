/* SPDX-License-Identifier: MIT
 * What a drawing shows of a DNDT: a level a feature, a branch a bin. */
#include <math.h>
#include <stdio.h>

#include "core/error.h"
#include "core/memory.h"
#include "tree/dndt.h"
#include "tree/outline.h"

/* A feature's conditions stand on a whole level, so their texts are shared. */
static void add_conditions(xai__outline *outline, size_t *places, const xai__dndt *dndt)
{
    const char *const *names = outline->options->feature_names;
    xai__text text;

    xai__text_init(&text, outline->context);
    for (size_t i = 0; i < dndt->tree.n_inputs * dndt->n_bins; i++) {
        size_t feature = i / dndt->n_bins;
        text.length = 0;
        xai__dndt_add_condition(&text, dndt, feature, i % dndt->n_bins, names != NULL ? names[feature] : NULL);
        places[i] = xai__outline_add(outline, xai__text_get(&text));
    }
    outline->texts.failed = outline->texts.failed || text.failed;
    xai__text_fini(&text);
}

/* What the leaf would predict by itself: its largest score. */
static size_t add_class(xai__outline *outline, const xai__dndt *dndt, size_t leaf)
{
    const char *const *names = outline->options->class_names;
    const double *scores = dndt->scores + leaf * dndt->tree.n_classes;
    const char *name;
    char buffer[48];
    size_t best = 0;

    for (size_t c = 1; c < dndt->tree.n_classes; c++)
        if (scores[c] > scores[best])
            best = c;
    name = names != NULL ? names[best] : NULL;
    if (name == NULL)
        name = xai_tree_class_name(&dndt->tree, best);
    snprintf(buffer, sizeof buffer, "class %zu", best);
    return xai__outline_add(outline, name != NULL ? name : buffer);
}

/* Nodes of a level stand side by side, children of one after those of the last. at: where the level above begins; n:
 * how many nodes it has. */
static void fill_nodes(xai__outline *outline, const xai__dndt *dndt, const size_t *places)
{
    size_t at = 0, n = 1, n_bins = dndt->n_bins;
    char id[24];

    for (size_t f = 0; f < dndt->tree.n_inputs; f++) {
        for (size_t i = 0; i < n * n_bins; i++) {
            size_t child = at + n + i;
            snprintf(id, sizeof id, "%zu", child);
            xai__outline_attach(outline, (uint32_t)(at + i / n_bins), (uint32_t)child);
            outline->nodes[child].id = xai__outline_add(outline, id);
            outline->nodes[child].name = places[f * n_bins + i % n_bins];
        }
        at += n;
        n *= n_bins;
    }
    for (size_t i = 0; i < n; i++)
        outline->nodes[at + i].outcome = add_class(outline, dndt, i);
}

/* Probabilities of the row's bins, and the leaf along the likeliest ones. */
static xai_status weigh(xai__outline *outline, const xai__dndt *dndt, double *bins)
{
    size_t at = 0, n = 1, n_bins = dndt->n_bins, here = 0;

    for (size_t f = 0; f < dndt->tree.n_inputs; f++) {
        size_t best = 0;
        if (!isfinite(outline->options->row[f]))
            return xai__fail(XAI_E_INVALID, "the row has %g in column %zu, but a DNDT needs finite numbers",
                             (double)outline->options->row[f], f);
        xai__dndt_bin(bins, dndt->cuts + f * dndt->n_cuts, dndt->n_cuts, dndt->temperatures[f],
                      outline->options->row[f]);
        for (size_t k = 1; k < n_bins; k++)
            if (bins[k] > bins[best])
                best = k;
        for (size_t i = 0; i < n * n_bins; i++)
            outline->nodes[at + n + i].probability = bins[i % n_bins];
        here = here * n_bins + best;
        at += n;
        n *= n_bins;
    }
    outline->leaf = (uint32_t)(at + here);
    return XAI_OK;
}

xai_status xai__dndt_outline(xai__outline *outline, const xai_tree *tree)
{
    const xai__dndt *dndt = xai__dndt_of(tree);
    size_t *places = xai__alloc_array(outline->context, tree->n_inputs * dndt->n_bins, sizeof *places);
    double *bins = xai__alloc_array(outline->context, dndt->n_bins, sizeof *bins);
    xai_status status = places == NULL || bins == NULL ? XAI_E_NO_MEMORY : XAI_OK;

    if (status == XAI_OK) {
        outline->nodes[0].id = xai__outline_add(outline, "0");
        outline->nodes[0].name = xai__outline_add(outline, "root");
        add_conditions(outline, places, dndt);
        fill_nodes(outline, dndt, places);
        if (outline->options->row != NULL)
            status = weigh(outline, dndt, bins);
    }
    xai__free(outline->context, places);
    xai__free(outline->context, bins);
    return status;
}
