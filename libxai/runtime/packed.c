/* SPDX-License-Identifier: MIT
 * Weights as kernels want them. */
#include "runtime/packed.h"

#include <string.h>

#include "core/memory.h"
#include "core/threads.h"
#include "ops/op.h"

/* Tells formats of transposed weights from the others: it is flipped, since any bit may be in use. */
#define XAI__PACKED_TRANSPOSED (UINT64_C(1) << 63)

static size_t padded(size_t n)
{
    return (n + XAI__BLOCK - 1) / XAI__BLOCK * XAI__BLOCK;
}

/* A zeroed entry, or the one that is there already: then *found. */
static xai_status get(xai__packed **out, xai__packed_set *set, const float *constant, uint64_t format, size_t bytes,
                      bool *found)
{
    xai__packed *entry;

    for (entry = set->first; entry != NULL; entry = entry->next)
        if (entry->constant == constant && entry->format == format) {
            entry->refs++;
            *out = entry;
            *found = true;
            return XAI_OK;
        }
    *found = false;
    *out = NULL;
    entry = xai__alloc(set->context, sizeof *entry);
    if (entry == NULL)
        return XAI_E_NO_MEMORY;
    *entry = (xai__packed){ .next = set->first, .constant = constant, .format = format, .refs = 1, .bytes = bytes };
    entry->data = xai__alloc_array(set->context, bytes, 1);
    if (entry->data == NULL) {
        xai__free(set->context, entry);
        return XAI_E_NO_MEMORY;
    }
    set->first = *out = entry;
    return XAI_OK;
}

void xai__packed_unref(xai__packed_set *set, xai__packed *packed)
{
    xai__packed **link = &set->first;

    if (packed == NULL || --packed->refs > 0)
        return;
    while (*link != packed)
        link = &(*link)->next;
    *link = packed->next;
    xai__free(set->context, packed->data);
    xai__free(set->context, packed);
}

typedef struct pack_job {
    const xai__packing *packing;
    const xai__op_desc *desc;
    void *out;
} pack_job;

static void pack_part(void *data, size_t index, size_t lane)
{
    pack_job *job = data;

    job->packing->pack(job->out, job->desc->weights, job->desc, index);
}

static void pack(xai__packed *out, xai_context *context, const xai__packing *packing, const xai__op_desc *desc)
{
    pack_job job = { packing, desc, out->data };
    xai__team team = xai__team_take(context);

    xai__team_run(&team, packing->n_parts, pack_part, &job);
    xai__team_give_back(&team);
}

/* Raw weights are rarely read again: by another plan, or by an explanation of the classifier. */
static void forget(const xai__packed_set *set, const xai__op_desc *desc)
{
    size_t n = (size_t)desc->in_c * (size_t)desc->out_c;

    if (desc->op != XAI__GEMM)
        n = n / desc->groups * (size_t)desc->kernel_h * (size_t)desc->kernel_w;
    if (set->weights != NULL)
        xai__weights_forget(set->weights, desc->weights, n * sizeof(float));
}

xai_status xai__packed_weights(xai__packed **out, xai__packed_set *set, const xai__packing *packing,
                               const xai__op_desc *desc)
{
    bool found;
    xai_status status = get(out, set, desc->weights, packing->format, packing->bytes, &found);

    if (status == XAI_OK && !found) {
        pack(*out, set->context, packing, desc);
        forget(set, desc);
    }
    return status;
}

/* --- transposed --- */

typedef struct transpose_job {
    const xai__op_desc *desc;
    float *out;
} transpose_job;

/* Weights of one output of the kernel: in its group, those of every input, taps in reverse order. */
static void transpose_output(void *data, size_t index, size_t lane)
{
    const transpose_job *job = data;
    const xai__op_desc *desc = job->desc;
    size_t n_taps = (size_t)desc->kernel_h * (size_t)desc->kernel_w;
    size_t n_in = (size_t)desc->in_c / desc->groups, n_out = (size_t)desc->out_c / desc->groups;
    size_t group = index / n_out;

    for (size_t i = 0; i < n_in; i++) {
        const float *from = desc->weights + ((group * n_in + i) * n_out + index % n_out) * n_taps;
        float *to = job->out + (index * n_in + i) * n_taps;

        for (size_t t = 0; t < n_taps; t++)
            to[t] = from[n_taps - 1 - t];
    }
}

static void transpose(float *out, xai_context *context, const xai__op_desc *desc)
{
    transpose_job job = { desc, out };
    xai__team team = xai__team_take(context);

    xai__team_run(&team, (size_t)desc->out_c, transpose_output, &job);
    xai__team_give_back(&team);
}

/* The transposed copy lives only as long as it takes to pack it. */
static xai_status pack_transposed(xai__packed *out, xai_context *context, const xai__packing *packing,
                                  const xai__op_desc *desc, size_t n)
{
    xai__op_desc turned = *desc;
    float *weights = xai__alloc_array(context, n, sizeof *weights);

    if (weights == NULL)
        return XAI_E_NO_MEMORY;
    transpose(weights, context, desc);
    turned.weights = weights;
    pack(out, context, packing, &turned);
    xai__free(context, weights);
    return XAI_OK;
}

xai_status xai__packed_transposed(xai__packed **out, xai__packed_set *set, const xai__packing *packing,
                                  const xai__op_desc *desc)
{
    size_t n = (size_t)desc->in_c / desc->groups * (size_t)desc->out_c * (size_t)desc->kernel_h *
               (size_t)desc->kernel_w;
    bool is_raw = packing->format == 0, found;
    xai_status status = get(out, set, desc->weights, packing->format ^ XAI__PACKED_TRANSPOSED,
                            is_raw ? n * sizeof(float) : packing->bytes, &found);

    if (status < 0 || found)
        return status;
    if (is_raw)
        transpose((*out)->data, set->context, desc);
    else
        status = pack_transposed(*out, set->context, packing, desc, n);
    if (status < 0) {
        xai__packed_unref(set, *out);
        *out = NULL;
    }
    return status;
}

/* --- stages --- */

xai_status xai__packed_bias(xai__packed **out, xai__packed_set *set, const xai__value *bias)
{
    bool found;
    xai_status status = get(out, set, bias->constant, XAI__PACKED_BIAS, padded(bias->size) * sizeof(float), &found);

    if (status == XAI_OK && !found) {
        memset((*out)->data, 0, (*out)->bytes);
        memcpy((*out)->data, bias->constant, bias->size * sizeof(float));
    }
    return status;
}

xai_status xai__packed_affine(xai__packed **out, xai__packed_set *set, const xai__graph *graph,
                              const xai__node *batch_norm)
{
    const xai__value *values = graph->values, *gamma = &values[batch_norm->inputs[1]];
    size_t n = gamma->size;
    const float *parameters[4];
    bool found;
    xai_status status = get(out, set, gamma->constant, XAI__PACKED_AFFINE, 2 * padded(n) * sizeof(float), &found);

    if (status == XAI_OK && !found) {
        float *scale = (*out)->data;

        memset(scale, 0, (*out)->bytes);
        for (int i = 0; i < 4; i++)
            parameters[i] = values[batch_norm->inputs[i + 1]].constant;
        xai__batch_norm_affine(scale, scale + padded(n), n, parameters, batch_norm->attributes.epsilon);
    }
    return status;
}
