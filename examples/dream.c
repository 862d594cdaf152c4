/* SPDX-License-Identifier: MIT
 * A deep dream: whatever a layer sees in a picture, more of it. The least that a program needs to visualise features.
 */
#include <stdlib.h>

#include "xai_cli.h"

/* What the layer sees more of, and pixels that stay near their neighbours. */
static xai_status dream(xai_image **out, const cli_subject *subject, const char *layer, const xai_image *picture,
                        uint64_t seed)
{
    const xai_objective objectives[] = { { .kind = XAI_OBJECTIVE_DEEPDREAM, .layer = layer },
                                         { .kind = XAI_OBJECTIVE_TV, .weight = 1e-5f } };
    const xai_run_options run = { .struct_size = sizeof run, .seed = seed };
    const xai_visualize_options options = {
        .struct_size = sizeof options,
        .picture = picture,
        .run = &run,
        .width = (uint32_t)xai_image_width(picture),
        .height = (uint32_t)xai_image_height(picture),
        .n_steps = 48,
        .learning_rate = 0.02f,
    };

    return xai_visualize(out, 1, NULL, subject->session, objectives, 2, &options);
}

static int run(const cli_args *cli)
{
    const char *layer = cli->operands.items[0], *path = cli->operands.items[1];
    cli_subject subject = { 0 };
    xai_image *picture = NULL, *dreamt = NULL;
    int status = cli_open(&subject, cli, CLI_NEED_WEIGHTS | CLI_NEED_SESSION);

    if (status == CLI_GO_ON) /* as large as the network sees it */
        status = cli_load(cli, &subject, path, &picture, NULL);
    if (status == CLI_GO_ON && (dream(&dreamt, &subject, layer, picture, cli->seed) != XAI_OK ||
                                xai_image_save(dreamt, cli->output != NULL ? cli->output : "dream.png", 0) != XAI_OK))
        status = cli_fail_library(cli);
    xai_image_unref(dreamt);
    xai_image_unref(picture);
    cli_close(&subject);
    return status;
}

int main(int argc, char **argv)
{
    static const cli_command command = { "",
                                         "[MODEL] LAYER PICTURE [-o FILE]",
                                         "Draw what a layer sees in a picture into it (dream.png).",
                                         CLI_MODEL | CLI_RUN | CLI_FILE | CLI_NOISE,
                                         2,
                                         2,
                                         run };

    return cli_main("dream", &command, argc, argv, 1);
}
