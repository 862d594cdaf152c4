/* SPDX-License-Identifier: MIT
 * Parameters of networks.
 *
 * Random element i of tensor NAME is a function of NAME, i and the seed alone, so that any language can draw the same
 * one: with key = fnv1a64(NAME) ^ mix64(seed) and u = (mix64(key + (i + 1) * 0x9e3779b97f4a7c15) >> 11) * 2^-53, it is
 * low + (high - low) * u, in double and rounded once to float. mix64 is splitmix64's finisher. */
#include "model/parameters.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "core/rng.h"
#include "core/tensor.h"

/* Characters of a message that the lists share: it has 1024, and paths and the sentence around them. */
enum { ROOM = 760 };

/* Stands in where a parameter is missing; nothing is computed from it. */
static const float absent;

void xai__parameters_init(xai__parameters *parameters, xai__graph *graph, const xai__weights *weights, uint64_t seed)
{
    *parameters = (xai__parameters){ .graph = graph, .weights = weights, .seed = seed };
}

void xai__parameters_fini(xai__parameters *parameters)
{
    xai__free(parameters->graph->context, parameters->used);
}

static __attribute__((format(printf, 2, 3))) void complain(xai__complaints *complaints, const char *format, ...)
{
    va_list args;

    if (complaints->count < XAI__N_LISTED) {
        va_start(args, format);
        vsnprintf(complaints->texts[complaints->count], XAI__LONGEST_LISTED, format, args);
        va_end(args);
    }
    complaints->count++;
}

static uint64_t fnv1a64(const char *text)
{
    uint64_t hash = 0xcbf29ce484222325u;

    for (; *text != '\0'; text++)
        hash = (hash ^ (unsigned char)*text) * 0x100000001b3u;
    return hash;
}

/* Ranges under which activations neither die nor explode in fifty layers, so that networks of random weights can be
 * measured and tested: weights as He et al. 2015 draw them (even, with the same variance), the rest near the identity.
 */
static void choose_range(double range[2], uint32_t kind, const int64_t *shape, uint32_t rank)
{
    static const double ranges[XAI__N_PARAMETER_KINDS][2] = {
        [XAI__PARAMETER_SHIFT] = { -0.1, 0.1 },
        [XAI__PARAMETER_SCALE] = { 0.9, 1.1 },
        [XAI__PARAMETER_VARIANCE] = { 1.0, 1.2 },
    };
    double fan_in = 1;

    for (uint32_t i = 1; i < rank; i++)
        fan_in *= (double)shape[i];
    memcpy(range, ranges[kind], sizeof ranges[kind]);
    if (kind == XAI__PARAMETER_WEIGHT) {
        range[1] = sqrt(6.0 / fan_in);
        range[0] = -range[1];
    }
}

static void draw(float *out, size_t size, uint64_t key, const double range[2])
{
    for (size_t i = 0; i < size; i++)
        out[i] = (float)(range[0] + (range[1] - range[0]) * xai__rng_uniform_at(key, i));
}

static int32_t take_random(xai__parameters *p, uint32_t kind, const char *name, const int64_t *shape, uint32_t rank)
{
    double range[2];
    size_t size;
    float *block;

    if (!xai__shape_size(&size, shape, rank))
        return xai__fail(XAI_E_LIMIT, "'%s' is too large", name);
    block = xai__graph_block(p->graph, size);
    if (block == NULL)
        return XAI_E_NO_MEMORY;
    choose_range(range, kind, shape, rank);
    draw(block, size, fnv1a64(name) ^ xai__mix64(p->seed), range);
    return xai__graph_add_constant(p->graph, shape, rank, block);
}

static bool fits(const xai__weight *weight, const int64_t *shape, uint32_t rank)
{
    return weight->rank == rank && memcmp(weight->shape, shape, rank * sizeof *shape) == 0;
}

/* Elements stay where they are: in place where they can be used so, else to be widened by whoever reads them. */
static int32_t add_weight(xai__parameters *p, const xai__weight *weight, const int64_t *shape, uint32_t rank)
{
    const float *borrowed = xai__weight_borrow_f32(weight);
    xai_status status;

    if (borrowed != NULL)
        return xai__graph_add_constant(p->graph, shape, rank, borrowed);
    status = xai__weight_check(weight);
    return status < 0 ? status : xai__graph_add_weight(p->graph, shape, rank, weight);
}

static void complain_shape(xai__parameters *p, const xai__weight *weight, const int64_t *shape, uint32_t rank)
{
    char is[96], expected[96];

    complain(&p->misshaped, "%s is %s, expected %s", weight->name,
             xai__shape_text(is, sizeof is, weight->shape, weight->rank),
             xai__shape_text(expected, sizeof expected, shape, rank));
}

static xai_status mark_used(xai__parameters *p, const xai__weight *weight)
{
    const xai__weight **slot = xai__grow(p->graph->context, &p->used, p->n_used, sizeof *slot);

    if (slot == NULL)
        return XAI_E_NO_MEMORY;
    *slot = weight;
    p->n_used++;
    return XAI_OK;
}

/* What is missing or misshaped gets a stand-in, so that the whole network is looked through before anything is said. */
int32_t xai__parameters_take(xai__parameters *parameters, uint32_t kind, const char *name, const int64_t *shape,
                             uint32_t rank)
{
    const xai__weight *weight;
    xai_status status;

    if (parameters->weights == NULL)
        return take_random(parameters, kind, name, shape, rank);
    weight = xai__weights_find(parameters->weights, name);
    if (weight == NULL) {
        complain(&parameters->missing, "%s", name);
        return xai__graph_add_constant(parameters->graph, shape, rank, &absent);
    }
    status = mark_used(parameters, weight);
    if (status < 0)
        return status;
    if (fits(weight, shape, rank))
        return add_weight(parameters, weight, shape, rank);
    complain_shape(parameters, weight, shape, rank);
    return xai__graph_add_constant(parameters->graph, shape, rank, &absent);
}

/* PyTorch counts batches beside the statistics; nothing is computed from that. */
static bool is_optional(const char *name)
{
    static const char suffix[] = "num_batches_tracked";
    size_t length = strlen(name), n = sizeof suffix - 1;

    return length >= n && strcmp(name + length - n, suffix) == 0 && (length == n || name[length - n - 1] == '.');
}

static bool is_used(const xai__parameters *p, const xai__weight *weight)
{
    for (size_t i = 0; i < p->n_used; i++)
        if (p->used[i] == weight)
            return true;
    return false;
}

/* Counts first, so that a file of a million tensors costs one pass: names are only looked for while there are any to
 * find. */
static void find_unexpected(xai__parameters *p)
{
    size_t count = xai__weights_count(p->weights), left = count - p->n_used;

    for (size_t i = 0; i < count; i++)
        left -= is_optional(xai__weights_at(p->weights, i)->name);
    for (size_t i = 0; i < count && p->unexpected.count < left && p->unexpected.count < XAI__N_LISTED; i++) {
        const xai__weight *weight = xai__weights_at(p->weights, i);

        if (!is_optional(weight->name) && !is_used(p, weight))
            complain(&p->unexpected, "%s", weight->name);
    }
    p->unexpected.count = left;
}

/* Appends "; title: a, b and 3 more" in at most room characters, so that no list crowds out the next one. */
static void list(char *out, size_t capacity, const char *title, const xai__complaints *complaints, size_t room)
{
    char *at = out + strlen(out);
    size_t left = capacity - strlen(out), used = 0, shown = 0;

    if (complaints->count == 0)
        return;
    used = (size_t)snprintf(at, left, "%s%s: ", at > out ? "; " : "", title);
    while (shown < complaints->count && shown < XAI__N_LISTED) {
        const char *text = complaints->texts[shown];

        if (shown > 0 && used + strlen(text) + 2 > room)
            break;
        used += (size_t)snprintf(at + used, left - used, "%s%s", shown > 0 ? ", " : "", text);
        shown++;
    }
    if (shown < complaints->count)
        snprintf(at + used, left - used, " and %zu more", complaints->count - shown);
}

/* All that does not fit in one sentence: a file of another architecture is known by its names, and fixing them one by
 * one would take as many tries. Shapes alone are XAI_E_SHAPE, since the architecture is the right one then. */
xai_status xai__parameters_finish(xai__parameters *parameters, const char *architecture)
{
    const xai__complaints *const all[3] = { &parameters->missing, &parameters->unexpected, &parameters->misshaped };
    char text[ROOM + 3 * 2 * XAI__LONGEST_LISTED] = "";
    size_t kinds = 0;

    if (parameters->weights == NULL)
        return XAI_OK;
    find_unexpected(parameters);
    for (size_t i = 0; i < 3; i++)
        kinds += all[i]->count > 0;
    if (kinds == 0)
        return XAI_OK;
    list(text, sizeof text, "missing", all[0], ROOM / kinds);
    list(text, sizeof text, "unexpected", all[1], ROOM / kinds);
    list(text, sizeof text, "of another shape", all[2], ROOM / kinds);
    return xai__fail(kinds == 1 && parameters->misshaped.count > 0 ? XAI_E_SHAPE : XAI_E_NOT_FOUND,
                     "%s: tensors do not fit %s: %s", xai__weights_name(parameters->weights), architecture, text);
}
