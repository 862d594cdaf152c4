/* SPDX-License-Identifier: MIT
 * The idea of the tutorial's step 2: cover a part of the picture, look again, and see which part mattered. */
#include <stdlib.h>
#include <string.h>

#include "xai_cli.h"

/* The prepared picture as the network sees it, and the same with every pixel grey. */
typedef struct cover_scene {
    xai_tensor *input, *grey;
    int64_t shape[4];
    int64_t side; /* of the patch */
} cover_scene;

/* A grey picture is prepared as any other, so the patch is grey whatever the network's mean and scale are. */
static xai_status make_grey(xai_tensor **out, const cli_subject *subject, int64_t height, int64_t width)
{
    xai_image *image = NULL;
    int64_t side = height > width ? height : width;
    xai_status status = xai_image_create(&image, subject->context, NULL, (int32_t)(2 * side), (int32_t)(2 * side));

    if (status == XAI_OK) {
        memset(xai_image_pixels(image), 128, (size_t)(4 * side * side * 3));
        status = xai_model_prepare(out, subject->model, image);
    }
    xai_image_unref(image);
    return status;
}

/* Image number 0 of the batch is the whole picture; image 1 + k has patch k grey. */
static void cover(float *batch, const cover_scene *scene, int64_t rows, int64_t columns)
{
    int64_t channels = scene->shape[1], height = scene->shape[2], width = scene->shape[3];
    size_t size = xai_tensor_size(scene->input);
    const float *grey = xai_tensor_data(scene->grey);

    memcpy(batch, xai_tensor_data(scene->input), size * sizeof *batch);
    for (int64_t k = 0; k < rows * columns; k++) {
        float *image = batch + (size_t)(k + 1) * size;
        int64_t top = k / columns * scene->side, left = k % columns * scene->side;
        memcpy(image, batch, size * sizeof *batch);
        for (int64_t line = 0; line < channels * height; line++) {
            int64_t y = line % height;
            int64_t wide = left + scene->side < width ? scene->side : width - left;
            if (y >= top && y < top + scene->side)
                memcpy(image + line * width + left, grey + line * width + left, (size_t)wide * sizeof *image);
        }
    }
}

/* 0 where memory ran out, which is as good as no answer. */
static double probability_of(const float *logits, size_t n_classes, size_t index, size_t *top)
{
    double *probabilities = cli_softmax(logits, n_classes, top);
    double probability = probabilities != NULL ? probabilities[index] : 0;

    free(probabilities);
    return probability;
}

/* The class is the whole picture's top one throughout: another that takes over is counted, not followed. */
static void print_grid(const cli_subject *subject, const float *logits, int64_t rows, int64_t columns)
{
    size_t n_classes = xai_model_n_classes(subject->model), first, seen, changed = 0;
    double whole, most = 0;
    char buffer[32];

    free(cli_softmax(logits, n_classes, &first));
    whole = probability_of(logits, n_classes, first, &seen);
    printf("Prediction: %s (%.2f%%)\n", cli_label(subject->model, first, buffer, sizeof buffer), 100 * whole);
    printf("Change of its probability, in points, with one patch covered:\n");
    for (int64_t k = 0; k < rows * columns; k++) {
        const float *row = logits + (size_t)(k + 1) * n_classes;
        double change = 100 * (probability_of(row, n_classes, first, &seen) - whole);
        changed += seen != first;
        most = change < most ? change : most;
        printf("%8.2f%s", change, (k + 1) % columns == 0 ? "\n" : "");
    }
    printf("%zu of %lld patches change the answer; the strongest takes %.2f points\n", changed,
           (long long)(rows * columns), -most);
}

/* All covered pictures are one batch: one call, however many patches there are. */
static xai_status look(const cli_args *cli, const cli_subject *subject, cover_scene *scene)
{
    int64_t shape[4], rows, columns;
    xai_tensor *batch = NULL, *logits = NULL;
    xai_status status;

    xai_tensor_shape(scene->input, scene->shape, 4);
    memcpy(shape, scene->shape, sizeof shape);
    scene->side = cli->window > 0 ? cli->window : (shape[3] + 3) / 4;
    rows = (shape[2] + scene->side - 1) / scene->side;
    columns = (shape[3] + scene->side - 1) / scene->side;
    shape[0] = 1 + rows * columns;

    status = make_grey(&scene->grey, subject, shape[2], shape[3]);
    if (status == XAI_OK)
        status = xai_tensor_create(&batch, subject->context, shape, 4);
    if (status == XAI_OK) {
        cover(xai_tensor_data(batch), scene, rows, columns);
        status = xai_session_forward(&logits, subject->session, batch);
    }
    if (status == XAI_OK)
        print_grid(subject, xai_tensor_data(logits), rows, columns);
    xai_tensor_unref(logits);
    xai_tensor_unref(batch);
    return status;
}

static int run(const cli_args *cli)
{
    cli_subject subject = { 0 };
    cover_scene scene = { 0 };
    int status = cli_open(&subject, cli, CLI_NEED_WEIGHTS | CLI_NEED_SESSION);

    if (status == CLI_GO_ON)
        status = cli_load(cli, &subject, cli->operands.items[0], NULL, &scene.input);
    if (status == CLI_GO_ON && look(cli, &subject, &scene) != XAI_OK)
        status = cli_fail_library(cli);
    xai_tensor_unref(scene.grey);
    xai_tensor_unref(scene.input);
    cli_close(&subject);
    return status;
}

int main(int argc, char **argv)
{
    static const cli_command command = { "",
                                         "[MODEL] [--window N] PICTURE",
                                         "Cover one part of a picture after the other and see how the answer changes.",
                                         CLI_MODEL | CLI_RUN | CLI_PICTURE | CLI_COVER | CLI_NOISE,
                                         1,
                                         1,
                                         run };

    return cli_main("cover", &command, argc, argv, 1);
}
