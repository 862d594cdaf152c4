/* SPDX-License-Identifier: MIT
 * Any bytes as a saved state: with the checksum they have, with one that fits, and as the scores of a run's own state.
 * What is read is written back the same, and a run goes on with it or refuses it. */
#include "fuzz.h"

#include <string.h>

#include "core/crc32.h"

enum { SIDE = 4, WORD = 8, MOST = 300 };

static int32_t answer(const float *batch, size_t n, float *scores, void *user)
{
    (void)user;
    for (size_t i = 0; i < n; i++) {
        scores[i] = 0;
        for (int k = 0; k < SIDE * SIDE; k++)
            scores[i] += (float)(k % 3) * batch[i * SIDE * SIDE + (size_t)k];
    }
    return 0;
}

static const xai_black_box box = {
    .struct_size = sizeof box, .predict = answer, .n_classes = 1, .kind = XAI_PREDICT_PROBABILITIES
};

static xai_status explain_rise(xai_attribution **out, const xai_tensor *input, xai_state *state, const char *profile)
{
    /* looks after 128 masks */
    const xai_rise_options options = { .struct_size = sizeof options,
                                       .profile = profile,
                                       .black_box = &box,
                                       .n_masks = MOST,
                                       .grid = 2,
                                       .max_error = 0.01f,
                                       .top_region = 0.5f,
                                       .state = state };

    return xai_rise_compute(out, NULL, input, NULL, 0, &options);
}

static xai_status explain_lime(xai_attribution **out, xai_context *context, const xai_tensor *input, xai_state *state)
{
    const xai_lime_options options = {
        .struct_size = sizeof options, .n_samples = 40, .n_features = 3, .black_box = &box, .state = state
    };
    int32_t labels[SIDE * SIDE];
    xai_segments *segments = NULL;
    xai_status status;

    for (int i = 0; i < SIDE * SIDE; i++)
        labels[i] = i / 2;
    if (xai_segments_wrap(&segments, context, labels, SIDE, SIDE) < 0)
        abort();
    status = xai_lime_compute(out, NULL, input, segments, NULL, 0, &options);
    xai_segments_unref(segments);
    return status;
}

/* By a profile of RISE, or "lime". */
static xai_status explain(xai_context *context, xai_state *state, const char *how)
{
    const int64_t shape[4] = { 1, 1, SIDE, SIDE };
    xai_tensor *input = NULL;
    xai_attribution *a = NULL;
    xai_status status;

    if (xai_tensor_create(&input, context, shape, 4) < 0)
        abort();
    for (int i = 0; i < SIDE * SIDE; i++)
        xai_tensor_data(input)[i] = (float)(i % 5) / 4;
    status = strcmp(how, "lime") == 0 ? explain_lime(&a, context, input, state) : explain_rise(&a, input, state, how);
    fuzz_check(status, a);
    xai_attribution_unref(a);
    xai_tensor_unref(input);
    return status;
}

static uint8_t *export(size_t *size, const xai_state *state)
{
    uint8_t *bytes;

    *size = xai_state_export(state, NULL, 0);
    bytes = malloc(*size);
    if (bytes == NULL || xai_state_export(state, bytes, *size) != *size)
        abort();
    return bytes;
}

static void round_trip(const xai_state *state, const uint8_t *data, size_t size)
{
    size_t again;
    uint8_t *bytes = export(&again, state);

    if (again != size || memcmp(bytes, data, size) != 0)
        abort();
    free(bytes);
}

static void sign(uint8_t *bytes, size_t size)
{
    xai__crc32_table table;
    uint32_t crc;

    xai__crc32_init(&table);
    crc = xai__crc32(&table, 0, bytes, size);
    for (int i = 0; i < 4; i++)
        bytes[size + (size_t)i] = (uint8_t)(crc >> 8 * i);
}

/* own: the method or profile from whose run's state it differs in no more than scores; NULL: in anything. */
static void use(xai_context *context, const uint8_t *data, size_t size, const char *own)
{
    xai_state *state = NULL;
    xai_status status = xai_state_load_memory(&state, context, data, size);

    fuzz_check(status, state);
    if (status == XAI_OK) {
        round_trip(state, data, size);
        status = explain(context, state, own != NULL ? own : "default");
        if (status != XAI_OK && (own != NULL || status != XAI_E_INVALID))
            abort();
    }
    xai_state_unref(state);
}

/* A run's state as far as data has scores for it. Records have 16 bytes, the first is of the picture as it is. */
static void use_scores(xai_context *context, const uint8_t *data, size_t size)
{
    static const char *const ways[] = { "default", "xplique", "lime" };
    const char *how = ways[size % 3];
    xai_state *state = NULL;
    size_t own, n, first;
    uint8_t *bytes;

    if (xai_state_create(&state, context) < 0 || explain(context, state, how) != XAI_OK)
        abort();
    bytes = export(&own, state);
    n = (size_t)xai_state_n_images(state);
    first = own - 4 - 2 * WORD * n;
    n = size / WORD < n ? size / WORD : n;
    for (size_t i = 0; i < n; i++)
        memcpy(bytes + first + 2 * WORD * i + WORD, data + i * WORD, WORD);
    bytes[24] = (uint8_t)(n + 1);
    bytes[25] = (uint8_t)((n + 1) >> 8);
    sign(bytes, first + 2 * WORD * n);
    use(context, bytes, first + 2 * WORD * n + 4, how);
    free(bytes);
    xai_state_unref(state);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    xai_context *context = fuzz_context();
    uint8_t *copy = malloc(size + 1);

    if (copy == NULL)
        abort();
    if (size > 0)
        memcpy(copy, data, size);
    use(context, data, size, NULL);
    if (size >= 4) {
        sign(copy, size - 4);
        use(context, copy, size, NULL);
    }
    use_scores(context, data, size);
    free(copy);
    xai_context_unref(context);
    return 0;
}
