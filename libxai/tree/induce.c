/* SPDX-License-Identifier: MIT
 * Building hierarchies: the door, the classes and their names. How nodes are joined is each method's own.
 *
 * Class i is node i of the draft; inner nodes follow. Where WordNet's database is at hand each class has a synset, by
 * its id or its label, and inner nodes are called after the deepest synset that all below them share. */
#include "tree/induce.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/error.h"
#include "core/memory.h"
#include "core/options.h"
#include "core/tensor.h"

#define NONE XAI__HYPERNYMS_NONE

static const char default_wordnet[] = "/usr/share/wordnet";

typedef struct method {
    const char *name;
    bool needs_weights, needs_wordnet, branches;
    xai_status (*build)(uint32_t *root, xai__induction *in);
} method;

static const method methods[] = {
    { "induced", true, false, true, xai__induce_ward },
    { "wordnet", false, true, false, xai__induce_wordnet },
    { "random", false, false, true, xai__induce_random },
};

/* --- names --- */

/* Takes over a text, which may be NULL where memory ran out. */
static const char *keep(xai__induction *in, char *text)
{
    char **slot = text != NULL ? xai__grow(in->context, &in->texts, in->n_texts, sizeof *slot) : NULL;

    if (slot == NULL) {
        xai__free(in->context, text);
        return NULL;
    }
    *slot = text;
    in->n_texts++;
    return text;
}

xai_status xai__induction_name(const char **id, const char **label, xai__induction *in, uint32_t synset)
{
    const xai__hypernym *node = &in->hypernyms.nodes[synset];

    *id = keep(in, xai__format(in->context, "n%08u", node->offset));
    *label = keep(in, xai__strndup(in->context, node->lemma, node->lemma_length));
    return *id != NULL && *label != NULL ? XAI_OK : XAI_E_NO_MEMORY;
}

/* The id is the caller's, else the synset's, else made of the class's number; the label likewise, or none. */
xai_status xai__induction_add_leaf(xai__induction *in, uint32_t class_index)
{
    const xai_induce_options *options = in->options;
    uint32_t synset = in->synsets[class_index];
    const char *id = NULL, *label = NULL;
    xai__draft_node *node;
    xai_status status = XAI_OK;

    if (synset != NONE)
        status = xai__induction_name(&id, &label, in, synset);
    if (options->wnids != NULL)
        id = options->wnids[class_index];
    else if (synset == NONE)
        id = keep(in, xai__format(in->context, "f%08u", class_index));
    if (options->labels != NULL && options->labels[class_index] != NULL)
        label = options->labels[class_index];
    if (status < 0 || id == NULL)
        return XAI_E_NO_MEMORY;
    node = xai__draft_add(&in->draft, id, label);
    if (node == NULL)
        return XAI_E_NO_MEMORY;
    node->class_index = (int32_t)class_index;
    return XAI_OK;
}

xai_status xai__induction_add_inner(uint32_t *out, xai__induction *in, uint32_t synset, uint32_t shared)
{
    const char *id = NULL, *label = NULL;
    xai_status status = XAI_OK;

    *out = in->draft.n_nodes;
    if (synset != NONE || shared != NONE)
        status = xai__induction_name(&id, &label, in, synset != NONE ? synset : shared);
    if (synset == NONE)
        id = keep(in, xai__format(in->context, "f%08u", *out));
    if (status < 0 || id == NULL || xai__draft_add(&in->draft, id, label) == NULL)
        return XAI_E_NO_MEMORY;
    if (synset != NONE)
        in->hypernyms.nodes[synset].used = true;
    in->synsets[*out] = synset;
    in->shared[*out] = shared;
    return XAI_OK;
}

/* --- synsets of classes --- */

/* Puts the class before what is wrong with it. */
static xai_status fail_class(xai_status status, uint32_t class_index)
{
    char prefix[32];

    snprintf(prefix, sizeof prefix, "class %u", class_index);
    return xai__fail_in(status, prefix);
}

/* The class that has the synset already is there to be found, for it was marked as used. */
static xai_status fail_twice(const xai__induction *in, uint32_t synset)
{
    uint32_t other = 0;

    while (in->synsets[other] != synset)
        other++;
    return xai__fail(XAI_E_INVALID, "is the synset n%08u, as class %u is", in->hypernyms.nodes[synset].offset, other);
}

/* By id, else by label. A class without a synset is an error where the method needs one. */
static xai_status find_offset(uint32_t *out, const xai__induction *in, uint32_t class_index, bool needed)
{
    const xai_induce_options *options = in->options;
    const char *wnid = options->wnids != NULL ? options->wnids[class_index] : NULL;
    const char *label = options->labels != NULL ? options->labels[class_index] : NULL;
    xai_status status;

    if (wnid != NULL && xai__wordnet_parse_id(out, wnid))
        return XAI_OK;
    if (wnid != NULL)
        return needed ? xai__fail(XAI_E_INVALID, "'%.60s' is no WordNet id, expected n and eight digits", wnid)
                      : XAI_PARTIAL;
    if (label == NULL)
        return needed ? xai__fail(XAI_E_INVALID, "has neither a WordNet id nor a label") : XAI_PARTIAL;
    status = xai__wordnet_find(out, &in->wordnet, label);
    return status == XAI_E_NOT_FOUND && !needed ? XAI_PARTIAL : status;
}

static xai_status find_synset(xai__induction *in, uint32_t class_index, bool needed)
{
    uint32_t offset, synset;
    xai_status status = find_offset(&offset, in, class_index, needed);

    if (status != XAI_OK)
        return status;
    status = xai__hypernyms_add(&synset, &in->hypernyms, offset);
    if (status < 0)
        return status;
    if (in->hypernyms.nodes[synset].used && needed)
        return fail_twice(in, synset);
    /* Two labels may mean the same; the second class goes without a synset then. */
    if (in->hypernyms.nodes[synset].used && in->options->wnids == NULL)
        return XAI_PARTIAL;
    in->hypernyms.nodes[synset].used = true;
    in->synsets[class_index] = in->shared[class_index] = synset;
    return XAI_OK;
}

static xai_status find_synsets(xai__induction *in, bool needed)
{
    xai_status status = XAI_OK;

    size_t room = 2 * (size_t)in->n_classes; /* every inner node has two children or more */

    in->synsets = xai__alloc_array(in->context, room, sizeof *in->synsets);
    in->shared = xai__alloc_array(in->context, room, sizeof *in->shared);
    if (in->synsets == NULL || in->shared == NULL)
        return XAI_E_NO_MEMORY;
    memset(in->synsets, 0xff, room * sizeof *in->synsets);
    memset(in->shared, 0xff, room * sizeof *in->shared);
    for (uint32_t i = 0; in->has_wordnet && i < in->n_classes; i++) {
        status = find_synset(in, i, needed);
        if (status < 0)
            return status == XAI_E_NO_MEMORY ? status : fail_class(status, i);
    }
    return in->has_wordnet ? xai__hypernyms_measure(&in->hypernyms) : XAI_OK;
}

/* --- the door --- */

/* Debian's folder may be there without the file. */
static bool is_there(const char *folder)
{
    char path[4096];

    snprintf(path, sizeof path, "%s/data.noun", folder);
    return access(path, R_OK) == 0;
}

/* Only a method that cannot do without it insists on a database that nobody named. */
static xai_status open_wordnet(xai__induction *in, bool needed)
{
    const char *folder = in->options->wordnet;
    xai_status status;

    if (folder == NULL && is_there(default_wordnet))
        folder = default_wordnet;
    if ((folder == NULL || *folder == '\0') && !needed)
        return XAI_OK;
    if (folder == NULL || *folder == '\0')
        return xai__fail(XAI_E_NOT_FOUND, "'%s' needs WordNet's database, but %s (Debian: wordnet-base)", in->method,
                         folder != NULL ? "its folder is empty" : "/usr/share/wordnet has none");
    status = xai__wordnet_open(&in->wordnet, in->context, folder);
    in->has_wordnet = status == XAI_OK;
    in->hypernyms = (xai__hypernyms){ .context = in->context, .wordnet = &in->wordnet };
    return status;
}

/* One row a class: a classifier's weights, or those of a convolution with extents behind. With a NaN among them no
 * distance would be the least. */
static xai_status check_weights(const xai__induction *in)
{
    const xai_tensor *weights = in->weights;
    char text[128];
    size_t n_inputs;

    if (weights->rank < 2 || weights->shape[0] != (int64_t)in->n_classes || xai_tensor_size(weights) == 0)
        return xai__fail(XAI_E_SHAPE, "the weights are %s, but there are %u classes",
                         xai__shape_text(text, sizeof text, weights->shape, weights->rank), in->n_classes);
    n_inputs = xai_tensor_size(weights) / in->n_classes;
    for (size_t i = 0; i < xai_tensor_size(weights); i++)
        if (!isfinite(weights->data[i]))
            return xai__fail(XAI_E_INVALID, "weight %zu of class %zu is NaN or infinite", i % n_inputs, i / n_inputs);
    return XAI_OK;
}

static xai_status check_options(const xai__induction *in, const method *m)
{
    const xai_induce_options *options = in->options;

    if (options->reserved != 0)
        return xai__fail(XAI_E_INVALID, "reserved is %u, expected 0", options->reserved);
    if (options->branching == 1)
        return xai__fail(XAI_E_INVALID, "branching is 1, expected 2 or more, or 0");
    if (options->branching != 0 && !m->branches)
        return xai__fail(XAI_E_INVALID, "'%s' takes no branching: its nodes have as many children as they have",
                         m->name);
    for (uint32_t i = 0; options->wnids != NULL && i < in->n_classes; i++)
        if (options->wnids[i] == NULL || options->wnids[i][0] == '\0')
            return xai__fail(XAI_E_INVALID, "class %u has no id", i);
    if (m->needs_weights && in->weights == NULL)
        return xai__fail(XAI_E_INVALID, "'%s' needs the weights of the classes", m->name);
    return m->needs_weights ? check_weights(in) : XAI_OK;
}

static xai_status find_method(const method **out, const char *name)
{
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        *out = &methods[i];
        if (name == NULL || strcmp(name, methods[i].name) == 0)
            return XAI_OK;
    }
    return xai__fail(XAI_E_NOT_FOUND, "there is no method '%.60s'; there are induced, wordnet, random", name);
}

/* Ids of the caller's may look like those that are made here, and a file with two of one cannot be read back. */
static xai_status check_ids(const xai__induction *in)
{
    const xai__draft *draft = &in->draft;
    uint32_t *by_id = xai__alloc_array(in->context, draft->n_nodes, sizeof *by_id);
    uint32_t twice = by_id != NULL ? xai__draft_sort(draft, by_id) : 0;
    xai_status status = by_id != NULL ? XAI_OK : XAI_E_NO_MEMORY;

    if (twice > 0)
        status = xai__fail(XAI_E_INVALID, "two nodes have the id '%.60s'", draft->nodes[by_id[twice]].id);
    xai__free(in->context, by_id);
    return status;
}

/* Takes one that got no further than its options. */
static void fini(xai__induction *in)
{
    for (size_t i = 0; i < in->n_texts; i++)
        xai__free(in->context, in->texts[i]);
    xai__free(in->context, in->texts);
    xai__free(in->context, in->synsets);
    xai__free(in->context, in->shared);
    xai__draft_fini(&in->draft);
    if (in->has_wordnet)
        xai__hypernyms_fini(&in->hypernyms);
    xai__wordnet_close(&in->wordnet);
}

/* The classes' synsets first, then the method's nodes; the hierarchy copies all names before the induction is dropped.
 */
static xai_status induce(xai_tree **out, xai__induction *in, const method *m)
{
    uint32_t root;
    xai_status status = check_options(in, m);

    if (status == XAI_OK)
        status = open_wordnet(in, m->needs_wordnet);
    if (status == XAI_OK)
        status = find_synsets(in, m->needs_wordnet);
    if (status == XAI_OK)
        status = m->build(&root, in);
    if (status == XAI_OK)
        status = check_ids(in);
    return status < 0 ? status : xai__draft_finish(out, &in->draft, root);
}

xai_status xai_tree_induce(xai_tree **out, xai_context *context, const xai_tensor *class_weights, size_t n_classes,
                           const xai_induce_options *options)
{
    xai_induce_options read;
    const method *m;
    xai_status status;

    XAI__ENTER(out);
    if (out == NULL || context == NULL)
        return xai__fail(XAI_E_INVALID, "%s is NULL", out == NULL ? "out" : "context");
    if (n_classes == 0)
        return xai__fail(XAI_E_INVALID, "a hierarchy needs at least one class");
    if (n_classes > XAI__HIERARCHY_MAX_NODES / 2)
        return xai__fail(XAI_E_LIMIT, "%zu classes are more than %d", n_classes, XAI__HIERARCHY_MAX_NODES / 2);
    status = XAI__OPTIONS_READ(&read, options);
    if (status == XAI_OK)
        status = find_method(&m, read.method);
    if (status == XAI_OK) {
        xai__induction in = { .context = context,
                              .options = &read,
                              .method = m->name,
                              .weights = class_weights,
                              .n_classes = (uint32_t)n_classes,
                              .branching = read.branching > 0 ? read.branching : 2,
                              .draft = { .context = context } };

        status = induce(out, &in, m);
        fini(&in);
    }
    return status;
}
