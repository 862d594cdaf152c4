/* SPDX-License-Identifier: MIT
 * The network of our own with its weights in any type: the same numbers in each, so the same bits are due. */
#ifndef XAI_RETYPED_H
#define XAI_RETYPED_H

#include "files.h"
#include "core/memory.h"
#include "io/dtype.h"
#include "io/safetensors.h"

#define RETYPED_ARCHITECTURE "resnet9_cifar10"

/* float32 at an odd address in the file, where it cannot be used in place. */
enum { RETYPED_ODD = XAI__N_DTYPES, RETYPED_LARGEST = 8 << 20 };

/* Numbers that all float types of 16 bits and more hold: seven bits behind the point. */
static inline void retyped_number(unsigned char *out, uint16_t half, float wide, uint32_t dtype)
{
    const double wider = (double)wide;
    uint32_t bits;
    uint16_t upper;

    memcpy(&bits, &wide, sizeof bits);
    upper = (uint16_t)(bits >> 16);
    if (dtype == XAI__DTYPE_F16)
        memcpy(out, &half, sizeof half);
    else if (dtype == XAI__DTYPE_BF16)
        memcpy(out, &upper, sizeof upper);
    else if (dtype == XAI__DTYPE_F64)
        memcpy(out, &wider, sizeof wider);
    else
        memcpy(out, &wide, sizeof wide);
}

static inline xai__weight retyped_weight(const xai__weight *weight, uint32_t dtype)
{
    const size_t n = xai__weight_size(weight), size = xai__dtype_bits(dtype) / 8;
    uint16_t *halves = malloc(n * sizeof *halves);
    float *wide = malloc(n * sizeof *wide);
    unsigned char *bytes = malloc(n * size);
    xai__weight retyped = *weight;

    ck_assert(halves != NULL && wide != NULL && bytes != NULL);
    ck_assert_uint_eq(weight->dtype, XAI__DTYPE_F16);
    memcpy(halves, weight->data, n * sizeof *halves);
    for (size_t i = 0; i < n; i++)
        halves[i] &= 0xfff8;
    ck_assert(xai__dtype_widen(wide, halves, n, XAI__DTYPE_F16, false, 0));
    for (size_t i = 0; i < n; i++)
        retyped_number(bytes + i * size, halves[i], wide[i], dtype);
    free(halves);
    free(wide);
    retyped.dtype = dtype;
    retyped.data = bytes;
    retyped.bytes = n * size;
    return retyped;
}

/* One more blank in the header moves everything behind it. */
static inline void retyped_shift(const char *path)
{
    FILE *file = fopen(path, "rb");
    unsigned char *bytes = malloc(RETYPED_LARGEST);
    size_t size, head;
    uint64_t length;

    ck_assert(file != NULL && bytes != NULL);
    size = fread(bytes, 1, RETYPED_LARGEST - 1, file);
    fclose(file);
    memcpy(&length, bytes, sizeof length);
    head = sizeof length + (size_t)length;
    memmove(bytes + head + 1, bytes + head, size - head);
    bytes[head] = ' ';
    length++;
    memcpy(bytes, &length, sizeof length);
    file = fopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes, 1, size + 1, file), size + 1);
    ck_assert_int_eq(fclose(file), 0);
    free(bytes);
}

/* Writes folder/name with elements of a type, for hosts that are little-endian. */
static inline void retyped_write(xai_context *context, const char *folder, const char *name, uint32_t dtype)
{
    const uint32_t element = dtype == RETYPED_ODD ? XAI__DTYPE_F32 : dtype;
    xai__weights *weights = NULL;
    xai__weight items[256];
    size_t n;

    ck_assert_ok(xai__weights_open(&weights, context, testing_source("examples/models/resnet9_cifar10.safetensors")));
    n = xai__weights_count(weights);
    ck_assert_uint_le(n, sizeof items / sizeof *items);
    for (size_t i = 0; i < n; i++)
        items[i] = retyped_weight(xai__weights_at(weights, i), element);
    ck_assert_ok(xai__safetensors_write(context, files_path(folder, name), items, n));
    if (dtype == RETYPED_ODD)
        retyped_shift(files_path(folder, name));
    for (size_t i = 0; i < n; i++)
        free((void *)items[i].data);
    xai__weights_close(weights);
}

/* On maps of a few pixels. */
static inline xai_model *retyped_model(xai_context *context, const char *folder, const char *name)
{
    const xai_model_options options = {
        .struct_size = sizeof options, .resize = 16, .crop_height = 16, .crop_width = 16
    };
    xai_model *model = NULL;

    ck_assert_ok(xai_model_build(&model, context, RETYPED_ARCHITECTURE, files_path(folder, name), &options));
    return model;
}

#endif
