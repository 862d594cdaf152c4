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

/* An entry with room for bytes, or the one that is there already: then *found. */
static xai_status get(xai__packed **out, xai__packed_set *set, const xai__value *constant, uint64_t format,
                      size_t bytes, bool *found)
{
    const void *id = xai__constant_id(&constant->constant);
    xai__packed *entry;

    for (entry = set->first; entry != NULL; entry = entry->next)
        if (entry->id == id && entry->format == format) {
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
    *entry = (xai__packed){ .next = set->first, .id = id, .format = format, .refs = 1, .bytes = bytes };
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

/* An entry that could not be filled is gone again. */
static xai_status finish(xai__packed **out, xai__packed_set *set, xai_status status)
{
    if (status < 0) {
        xai__packed_unref(set, *out);
        *out = NULL;
    }
    return status;
}

/* Raw weights are rarely read again: by another plan, or by an explanation of the classifier. */
static void forget(const xai__packed_set *set, const xai__value *weights)
{
    xai__constant_forget(&weights->constant, 0, weights->size, set->weights);
}

typedef struct pack_job {
    const xai__packing *packing;
    const xai__op_desc *desc;
    const xai__constant *constant;
    size_t size;
    const float *raw; /* NULL: parts are read into a lane's share of scratch */
    float *scratch;
    const xai__weights *file; /* it may lie in this; NULL: in none */
    void *out;
} pack_job;

static void pack_part(void *data, size_t index, size_t lane)
{
    const pack_job *job = data;
    const size_t part_size = job->packing->part_size, first = index * part_size;
    const size_t n = job->size - first < part_size ? job->size - first : part_size;
    const float *raw;

    if (job->raw != NULL) {
        raw = job->raw + first;
    } else {
        float *part = job->scratch + lane * part_size;

        xai__constant_read(part, job->constant, first, n);
        raw = part;
    }
    job->packing->pack(job->out, raw, job->desc, index);
    xai__constant_forget(job->constant, first, n, job->file);
}

/* Where each part reads weights of its own, a part at a time is made float32: a copy of a whole layer would be the most
 * that a process ever holds. */
static xai_status find_raw(pack_job *job, float **copy, xai_context *context, const xai__team *team)
{
    *copy = NULL;
    if (job->constant->data != NULL || job->packing->part_size == 0) {
        job->raw = xai__constant_borrow(copy, context, job->constant, job->size);
        return job->raw != NULL ? XAI_OK : XAI_E_NO_MEMORY;
    }
    *copy = job->scratch = xai__alloc_array(context, xai__team_size(team),
                                            job->packing->part_size * sizeof *job->scratch);
    return *copy != NULL ? XAI_OK : XAI_E_NO_MEMORY;
}

static xai_status pack(xai__packed *out, xai_context *context, const xai__packing *packing, const xai__op_desc *desc,
                       const xai__constant *constant, size_t size, const xai__weights *file)
{
    pack_job job = {
        .packing = packing, .desc = desc, .constant = constant, .size = size, .file = file, .out = out->data
    };
    xai__team team = xai__team_take(context);
    float *copy;
    xai_status status = find_raw(&job, &copy, context, &team);

    if (status == XAI_OK)
        xai__team_run(&team, packing->n_parts, pack_part, &job);
    xai__team_give_back(&team);
    xai__free(context, copy);
    return status;
}

xai_status xai__packed_weights(xai__packed **out, xai__packed_set *set, const xai__packing *packing,
                               const xai__op_desc *desc, const xai__value *weights)
{
    bool found;
    xai_status status = get(out, set, weights, packing->format, packing->bytes, &found);

    if (status < 0 || found)
        return status;
    status = pack(*out, set->context, packing, desc, &weights->constant, weights->size, set->weights);
    forget(set, weights);
    return finish(out, set, status);
}

xai_status xai__packed_plain(xai__packed **out, xai__packed_set *set, const xai__value *constant)
{
    bool found;
    xai_status status = get(out, set, constant, XAI__PACKED_PLAIN, constant->size * sizeof(float), &found);

    if (status == XAI_OK && !found) {
        xai__constant_read((*out)->data, &constant->constant, 0, constant->size);
        forget(set, constant);
    }
    return status;
}

/* --- transposed --- */

typedef struct transpose_job {
    const xai__op_desc *desc;
    const float *raw;
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
        const float *from = job->raw + ((group * n_in + i) * n_out + index % n_out) * n_taps;
        float *to = job->out + (index * n_in + i) * n_taps;

        for (size_t t = 0; t < n_taps; t++)
            to[t] = from[n_taps - 1 - t];
    }
}

static xai_status transpose(float *out, xai_context *context, const xai__op_desc *desc, const xai__value *weights)
{
    float *copy;
    transpose_job job = { desc, xai__constant_borrow(&copy, context, &weights->constant, weights->size), out };
    xai__team team;

    if (job.raw == NULL)
        return XAI_E_NO_MEMORY;
    team = xai__team_take(context);
    xai__team_run(&team, (size_t)desc->out_c, transpose_output, &job);
    xai__team_give_back(&team);
    xai__free(context, copy);
    return XAI_OK;
}

/* The transposed copy lives only as long as it takes to pack it. */
static xai_status pack_transposed(xai__packed *out, xai_context *context, const xai__packing *packing,
                                  const xai__op_desc *desc, const xai__value *weights)
{
    float *turned = xai__alloc_array(context, weights->size, sizeof *turned);
    const xai__constant constant = { .data = turned };
    xai_status status = turned != NULL ? transpose(turned, context, desc, weights) : XAI_E_NO_MEMORY;

    if (status == XAI_OK)
        status = pack(out, context, packing, desc, &constant, weights->size, NULL);
    xai__free(context, turned);
    return status;
}

xai_status xai__packed_transposed(xai__packed **out, xai__packed_set *set, const xai__packing *packing,
                                  const xai__op_desc *desc, const xai__value *weights)
{
    bool is_raw = packing->format == 0, found;
    xai_status status = get(out, set, weights, packing->format ^ XAI__PACKED_TRANSPOSED,
                            is_raw ? weights->size * sizeof(float) : packing->bytes, &found);

    if (status < 0 || found)
        return status;
    status = is_raw ? transpose((*out)->data, set->context, desc, weights)
                    : pack_transposed(*out, set->context, packing, desc, weights);
    forget(set, weights);
    return finish(out, set, status);
}

/* --- stages --- */

xai_status xai__packed_bias(xai__packed **out, xai__packed_set *set, const xai__value *bias)
{
    bool found;
    xai_status status = get(out, set, bias, XAI__PACKED_BIAS, padded(bias->size) * sizeof(float), &found);

    if (status == XAI_OK && !found) {
        memset((*out)->data, 0, (*out)->bytes);
        xai__constant_read((*out)->data, &bias->constant, 0, bias->size);
    }
    return status;
}

xai_status xai__packed_affine(xai__packed **out, xai__packed_set *set, const xai__graph *graph,
                              const xai__node *batch_norm)
{
    const xai__value *values = graph->values, *gamma = &values[batch_norm->inputs[1]];
    size_t n = gamma->size;
    const xai__value *parameters[4];
    bool found;
    xai_status status = get(out, set, gamma, XAI__PACKED_AFFINE, 2 * padded(n) * sizeof(float), &found);

    if (status == XAI_OK && !found) {
        float *scale = (*out)->data;

        memset(scale, 0, (*out)->bytes);
        for (int i = 0; i < 4; i++)
            parameters[i] = &values[batch_norm->inputs[i + 1]];
        xai__batch_norm_read(scale, scale + padded(n), parameters, batch_norm->attributes.epsilon);
    }
    return status;
}
