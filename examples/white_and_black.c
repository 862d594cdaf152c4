/* SPDX-License-Identifier: MIT
 * What a network looks at, asked twice: from inside, by Grad-CAM, and from outside, by RISE through a callback that
 * could run any classifier. Two maps of one picture side by side. */
#include <stdlib.h>

#include "xai_cli.h"

enum { N_MAPS = 2, N_MASKS = 1000 };

/* All that the black box is: something that answers. Here it asks a session; it might as well ask another library, or
 * a machine far away. */
typedef struct oracle {
    const cli_subject *subject;
    int64_t shape[4]; /* of one picture */
    size_t n_classes, n_asked;
} oracle;

/* A status below 0 ends the method, whose message says which number came back. The copy is what another runtime would
 * take as well: the batch is borrowed and plain. */
static int32_t predict(const float *batch, size_t n, float *scores, void *user)
{
    oracle *o = user;
    const int64_t shape[4] = { (int64_t)n, o->shape[1], o->shape[2], o->shape[3] };
    xai_tensor *images = NULL, *logits = NULL;
    xai_status status = xai_tensor_create(&images, o->subject->context, shape, 4);

    for (size_t i = 0; status == XAI_OK && i < xai_tensor_size(images); i++)
        xai_tensor_data(images)[i] = batch[i];
    if (status == XAI_OK)
        status = xai_session_forward(&logits, o->subject->session, images);
    for (size_t i = 0; status == XAI_OK && i < n * o->n_classes; i++)
        scores[i] = xai_tensor_data(logits)[i];
    o->n_asked += n;
    xai_tensor_unref(images);
    xai_tensor_unref(logits);
    return status;
}

/* One forward and one backward pass, and a layer that the library chooses. */
static xai_status look_inside(xai_attribution **map, const cli_subject *subject, const xai_tensor *input)
{
    const xai_cam_options options = { .struct_size = sizeof options, .method = "gradcam" };
    xai_cam *cam = NULL;
    xai_status status = xai_cam_create(&cam, subject->session, &options);

    if (status == XAI_OK)
        status = xai_cam_compute(map, cam, input, NULL, 0);
    xai_cam_unref(cam);
    return status;
}

/* A thousand forward passes, and nothing known of the network but its answers and their number. */
static xai_status ask_outside(xai_attribution **map, const cli_args *cli, oracle *o, const xai_tensor *input)
{
    const xai_black_box box = { .struct_size = sizeof box, .predict = predict, .user = o, .n_classes = o->n_classes };
    xai_run_options run = { .struct_size = sizeof run, .seed = cli->seed };
    const xai_rise_options options = { .struct_size = sizeof options,
                                       .black_box = &box,
                                       .run = &run,
                                       .n_masks = cli->masks > 0 ? (uint64_t)cli->masks : N_MASKS,
                                       .grid = (uint32_t)cli->cells,
                                       .keep = cli->keep,
                                       .max_error = cli->max_error,
                                       .top_region = cli->top_region };
    cli_watch watch;
    xai_status status;

    cli_watch_begin(&watch, cli, &run);
    status = xai_rise_compute(map, NULL, input, NULL, 0, &options);
    cli_watch_end(&watch);
    if (status == XAI_PARTIAL)
        cli_note(cli, "stopped after %.0f masks", xai_attribution_number(*map, "masks"));
    return status;
}

/* The picture, and over it both maps in the same colours. */
static xai_status draw(xai_image **sheet, const cli_subject *subject, xai_attribution *const *maps,
                       const xai_image *crop)
{
    static const char *const labels[] = { "picture", "from inside: Grad-CAM", "from outside: RISE" };
    xai_image *drawn[N_MAPS] = { NULL };
    xai_status status = XAI_OK;

    for (int i = 0; i < N_MAPS && status >= XAI_OK; i++)
        status = xai_attribution_draw(&drawn[i], maps[i], crop, "jet");
    if (status >= XAI_OK)
        status = xai_image_sheet(sheet, subject->context, (const xai_image *const[]){ crop, drawn[0], drawn[1] },
                                 labels, 1 + N_MAPS, 1 + N_MAPS);
    for (int i = 0; i < N_MAPS; i++)
        xai_image_unref(drawn[i]);
    return status;
}

static int explain(const cli_args *cli, const cli_subject *subject, const xai_tensor *input, const xai_image *crop)
{
    oracle o = { .subject = subject, .n_classes = xai_model_n_classes(subject->model) };
    const char *file = cli->output != NULL ? cli->output : "white_and_black.png";
    xai_attribution *maps[N_MAPS] = { NULL };
    xai_image *sheet = NULL;
    char buffer[32];
    int code = CLI_GO_ON;

    xai_tensor_shape(input, o.shape, 4);
    if (look_inside(&maps[0], subject, input) < XAI_OK || ask_outside(&maps[1], cli, &o, input) < XAI_OK ||
        draw(&sheet, subject, maps, crop) < XAI_OK || xai_image_save(sheet, file, 0) < XAI_OK)
        code = cli_fail_library(cli);
    else
        printf("Prediction: %s; the black box was asked %zu times; wrote %s\n",
               cli_label(subject->model, (size_t)xai_attribution_target(maps[1]), buffer, sizeof buffer), o.n_asked,
               file);
    for (int i = 0; i < N_MAPS; i++)
        xai_attribution_unref(maps[i]);
    xai_image_unref(sheet);
    return code;
}

static int run(const cli_args *cli)
{
    cli_subject subject = { 0 };
    xai_image *crop = NULL;
    xai_tensor *input = NULL;
    int status = cli_open(&subject, cli, CLI_NEED_WEIGHTS | CLI_NEED_SESSION);

    if (status == CLI_GO_ON)
        status = cli_load(cli, &subject, cli->operands.items[0], &crop, &input);
    if (status == CLI_GO_ON)
        status = explain(cli, &subject, input, crop);
    xai_tensor_unref(input);
    xai_image_unref(crop);
    cli_close(&subject);
    return cli_watch_exit(status);
}

int main(int argc, char **argv)
{
    static const cli_command command = { "",
                                         "[MODEL] [--masks N] [-o FILE] PICTURE",
                                         "Explain a picture from inside and from outside of the network.",
                                         CLI_MODEL | CLI_RUN | CLI_PICTURE | CLI_RISE | CLI_FILE | CLI_NOISE,
                                         1,
                                         1,
                                         run };

    return cli_main("white_and_black", &command, argc, argv, 1);
}
