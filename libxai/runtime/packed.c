/* SPDX-License-Identifier: MIT
 * Weights as kernels want them. */
#include "runtime/packed.h"

#include <string.h>

#include "core/memory.h"
#include "core/threads.h"
#include "ops/op.h"

static size_t padded(size_t n)
{
    return (n + XAI__BLOCK - 1) / XAI__BLOCK * XAI__BLOCK;
}

/* A zeroed entry, or the one that is there already: then *found. */
static xai_status get(xai__packed **out, xai__packed_set *set, int32_t constant, uint64_t format, size_t bytes,
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
    entry->data = xai__zalloc_array(set->context, bytes, 1);
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

xai_status xai__packed_weights(xai__packed **out, xai__packed_set *set, int32_t constant, const xai__packing *packing,
                               const xai__op_desc *desc)
{
    bool found;
    xai_status status = get(out, set, constant, packing->format, packing->bytes, &found);

    if (status == XAI_OK && !found) {
        pack_job job = { packing, desc, (*out)->data };
        xai__team team = xai__team_take(set->context);

        xai__team_run(&team, packing->n_parts, pack_part, &job);
        xai__team_give_back(&team);
    }
    return status;
}

xai_status xai__packed_bias(xai__packed **out, xai__packed_set *set, int32_t constant)
{
    const xai__value *bias = &set->graph->values[constant];
    bool found;
    xai_status status = get(out, set, constant, XAI__PACKED_BIAS, padded(bias->size) * sizeof(float), &found);

    if (status == XAI_OK && !found)
        memcpy((*out)->data, bias->constant, bias->size * sizeof(float));
    return status;
}

xai_status xai__packed_affine(xai__packed **out, xai__packed_set *set, const xai__node *batch_norm)
{
    const xai__value *values = set->graph->values;
    size_t n = values[batch_norm->inputs[1]].size;
    const float *parameters[4];
    bool found;
    xai_status status = get(out, set, batch_norm->inputs[1], XAI__PACKED_AFFINE, 2 * padded(n) * sizeof(float), &found);

    if (status == XAI_OK && !found) {
        float *scale = (*out)->data;

        for (int i = 0; i < 4; i++)
            parameters[i] = values[batch_norm->inputs[i + 1]].constant;
        xai__batch_norm_affine(scale, scale + padded(n), n, parameters, batch_norm->attributes.epsilon);
    }
    return status;
}
