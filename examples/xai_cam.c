/* SPDX-License-Identifier: MIT
 * xai cam: class activation maps. */
#include <string.h>

#include "xai_maps.h"

/* For sheets, from the oldest and cheapest to those that take a pass a channel or position. */
static const char *const methods[] = {
    "cam",      "gradcam",      "gradcam++", "xgradcam",    "layercam",   "hirescam", "gradcam-elementwise",
    "eigencam", "eigengradcam", "scorecam",  "ablationcam", "reciprocam", NULL
};

static int read_fusion(uint32_t *fuse, const cli_args *cli)
{
    *fuse = XAI_FUSE_PROFILE;
    if (cli->fuse == NULL)
        return CLI_GO_ON;
    *fuse = strcmp(cli->fuse, "max") == 0 ? XAI_FUSE_MAX : XAI_FUSE_MEAN;
    if (*fuse == XAI_FUSE_MEAN && strcmp(cli->fuse, "mean") != 0)
        return cli_misuse(cli, "--fuse %s: expected mean or max", cli->fuse);
    return CLI_GO_ON;
}

/* One cam for all pictures and targets. */
static int begin(void **state, const cli_args *cli, const cli_subject *subject, const char *method)
{
    xai_cam_options options = {
        .struct_size = sizeof options,
        .method = method,
        .profile = cli->profile,
        .layers = cli->layers.count > 0 ? cli->layers.items : NULL,
        .n_layers = cli->layers.count,
        .flags = (cli->eigen_smooth ? XAI_CAM_EIGEN_SMOOTH : 0u) | (cli->aug_smooth ? XAI_CAM_AUG_SMOOTH : 0u) |
                 (cli->any_layer ? XAI_CAM_ANY_LAYER : 0u),
    };
    int status = read_fusion(&options.fuse, cli);
    xai_cam *cam = NULL;

    if (status != CLI_GO_ON)
        return status;
    if (xai_cam_create(&cam, subject->session, &options) != XAI_OK)
        return cli_fail_library(cli);
    *state = cam;
    return CLI_GO_ON;
}

static xai_status explain(xai_attribution **out, void *state, const xai_tensor *input, const xai_target *targets,
                          size_t n_targets)
{
    return xai_cam_compute(out, state, input, targets, n_targets);
}

static void end(void *state)
{
    xai_cam_unref(state);
}

int cli_cam(const cli_args *cli)
{
    static const cli_explainer explainer = { "cam", methods, begin, explain, end };

    return cli_maps(cli, &explainer);
}
