/* SPDX-License-Identifier: MIT
 * The tutorial's step 3: where in a photograph a network sees what it says, as heatmap.jpg and combined.jpg. */
#include <stdlib.h>

#include "xai_cli.h"

/* Draws the map over a picture, or alone where under is NULL, and says so. */
static int save(const cli_args *cli, const xai_attribution *map, const xai_image *under, const char *file,
                const char *what)
{
    char *path = cli_format("%s%s%s", cli->output != NULL ? cli->output : "", cli->output != NULL ? "/" : "", file);
    xai_image *picture = NULL;
    int status = CLI_GO_ON;

    if (xai_attribution_draw(&picture, map, under, NULL) < XAI_OK || xai_image_save(picture, path, 0) < XAI_OK)
        status = cli_fail_library(cli);
    else
        printf(" * Wrote %s to %s\n", what, path);
    xai_image_unref(picture);
    free(path);
    return status;
}

/* The map of the class that the network sees first. With the profile "tutorial" the layer is the tutorial's, the last
 * block's conv2 before its batch norm, and the map lies on its side as the tutorial's does; otherwise it is upright. */
static int explain(const cli_args *cli, const cli_subject *subject, const xai_tensor *input, xai_attribution **map)
{
    xai_cam_options options = { .struct_size = sizeof options, .profile = cli->profile };
    xai_cam *cam = NULL;
    int status = CLI_GO_ON;

    if (xai_cam_create(&cam, subject->session, &options) < XAI_OK || xai_cam_compute(map, cam, input, NULL, 0) < XAI_OK)
        status = cli_fail_library(cli);
    xai_cam_unref(cam);
    return status;
}

static int run(const cli_args *cli)
{
    cli_subject subject = { 0 };
    xai_image *crop = NULL;
    xai_tensor *input = NULL;
    xai_attribution *map = NULL;
    int status = cli_open(&subject, cli, CLI_NEED_WEIGHTS | CLI_NEED_SESSION);

    if (status == CLI_GO_ON)
        status = cli_load(cli, &subject, cli->operands.items[0], &crop, &input);
    if (status == CLI_GO_ON)
        status = explain(cli, &subject, input, &map);
    if (status == CLI_GO_ON)
        status = save(cli, map, NULL, "heatmap.jpg", "heatmap");
    if (status == CLI_GO_ON)
        status = save(cli, map, crop, "combined.jpg", "heatmap on image");
    xai_attribution_unref(map);
    xai_tensor_unref(input);
    xai_image_unref(crop);
    cli_close(&subject);
    return status;
}

int main(int argc, char **argv)
{
    static const cli_command command = { "",
                                         "[MODEL] [--profile tutorial] PICTURE",
                                         "Draw where a network looks: the tutorial's step 3.",
                                         CLI_MODEL | CLI_RUN | CLI_PICTURE | CLI_PROFILE | CLI_OUTPUT | CLI_NOISE,
                                         1,
                                         1,
                                         run };

    return cli_main("step_3_cam", &command, argc, argv, 1);
}
