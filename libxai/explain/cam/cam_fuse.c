/* SPDX-License-Identifier: MIT
 * From the maps of layers to one map: fused over layers, smoothed over versions of the input. */
#include <math.h>
#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "core/tensor.h"
#include "explain/cam/cam.h"

/* torchcam's LayerCAM stretches what it fuses. */
static const double GAIN = 2;

/* Mirrored or not, times brightness, as pytorch-grad-cam does; the first is the input itself. */
static const struct augmentation {
    bool mirrors;
    float factor;
} augmentations[] = {
    { false, 1.0f }, { false, 0.9f }, { false, 1.1f }, { true, 0.9f }, { true, 1.0f }, { true, 1.1f }
};

enum { N_AUGMENTATIONS = sizeof augmentations / sizeof *augmentations };

static void unref_maps(xai_tensor **maps, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        xai_tensor_unref(maps[i]);
        maps[i] = NULL;
    }
}

/* --- one layer --- */

/* Row-major maps of n targets become tensors; the tutorial's are H and W the other way round. */
static xai_status copy_maps(xai_tensor **out, const xai_cam *cam, const float *maps, size_t n_targets,
                            const xai__value *layer)
{
    bool transposes = cam->profile->base.draws_as_tutorial;
    int64_t height = layer->shape[2], width = layer->shape[3];
    const int64_t shape[2] = { transposes ? width : height, transposes ? height : width };
    xai_status status = XAI_OK;

    for (size_t t = 0; t < n_targets && status == XAI_OK; t++) {
        const float *map = maps + t * (size_t)(height * width);

        status = xai__tensor_create(&out[t], cam->object.context, shape, 2);
        for (int64_t i = 0; i < height * width && status == XAI_OK; i++)
            out[t]->data[transposes ? i % width * height + i / width : i] = map[i];
    }
    return status;
}

/* All targets at once: trials are run for all of them together. */
static xai_status map_layer(xai_tensor **out, const xai__cam_pass *pass, size_t layer)
{
    const xai_cam *cam = pass->cam;
    const xai__value *value = xai__cam_layer(cam, layer);
    size_t n = (size_t)(value->shape[2] * value->shape[3]), n_targets = pass->targets->n;
    float *maps = xai__alloc_array(cam->object.context, n_targets, n * sizeof *maps);
    xai_status status = maps != NULL ? XAI_OK : XAI_E_NO_MEMORY;

    if (status == XAI_OK)
        status = xai__cam_maps(maps, pass, layer);
    if (status == XAI_OK)
        status = copy_maps(out, cam, maps, n_targets, value);
    if (status < 0)
        unref_maps(out, n_targets);
    xai__free(cam->object.context, maps);
    return status;
}

/* --- several layers --- */

/* Where the maps meet: pytorch-grad-cam's on the input's grid, torchcam's on the largest layer's. */
static void find_grid(int64_t grid[2], const xai_cam *cam)
{
    const xai__graph *graph = &cam->session->model->graph;
    const xai__value *input = &graph->values[graph->input];

    if (cam->profile->index != XAI__CAM_TORCHCAM) {
        memcpy(grid, input->shape + 2, 2 * sizeof *grid);
        return;
    }
    grid[0] = grid[1] = 0;
    for (size_t i = 0; i < cam->n_layers; i++)
        for (int axis = 0; axis < 2; axis++)
            if (xai__cam_layer(cam, i)->shape[2 + axis] > grid[axis])
                grid[axis] = xai__cam_layer(cam, i)->shape[2 + axis];
}

/* tanh(2 x), as in the original's scaling of maps that are fused by their maximum: the ends are drawn apart. */
static void stretch(xai_tensor *map)
{
    for (size_t i = 0; i < map->size; i++)
        map->data[i] = (float)tanh(GAIN * map->data[i]);
}

/* Scales a layer's map by itself and brings it to the common grid. */
static xai_status meet(xai_tensor **map, const xai_cam *cam, const int64_t grid[2])
{
    xai_status status = xai__map_scale(*map, &cam->profile->base);
    bool is_stretched = cam->profile->index == XAI__CAM_TORCHCAM && cam->method->element == xai__cam_layer_element;

    if (is_stretched)
        stretch(*map);
    return status < 0 ? status : xai__map_resize(map, grid[0], grid[1], cam->profile->base.filter);
}

/* The share is multiplied first: a mean of maps up to 1 stays below 1, however many there are. */
static void fuse_into(xai_tensor *out, const xai_tensor *map, const xai_cam *cam)
{
    float share = 1.0f / (float)cam->n_layers;

    for (size_t i = 0; i < out->size; i++)
        if (cam->fusion == XAI__CAM_MEAN)
            out->data[i] += share * map->data[i];
        else if (map->data[i] > out->data[i])
            out->data[i] = map->data[i];
}

static xai_status create_zeros(xai_tensor **out, const xai_cam *cam, size_t n, const int64_t grid[2])
{
    xai_status status = XAI_OK;

    for (size_t i = 0; i < n && status == XAI_OK; i++) {
        status = xai__tensor_create(&out[i], cam->object.context, grid, 2);
        if (status == XAI_OK)
            memset(out[i]->data, 0, out[i]->size * sizeof(float));
    }
    return status;
}

/* Scaled maps are not negative, so zeros are neutral for the maximum as well. */
static xai_status fuse_layers(xai_tensor **out, xai_tensor **maps, const xai__cam_pass *pass)
{
    const xai_cam *cam = pass->cam;
    size_t n_targets = pass->targets->n;
    int64_t grid[2];
    xai_status status;

    find_grid(grid, cam);
    status = create_zeros(out, cam, n_targets, grid);
    for (size_t layer = 0; layer < cam->n_layers && status >= 0; layer++) {
        status = map_layer(maps, pass, layer);
        for (size_t t = 0; t < n_targets && status >= 0; t++) {
            status = meet(&maps[t], cam, grid);
            if (status >= 0)
                fuse_into(out[t], maps[t], cam);
        }
        unref_maps(maps, n_targets);
    }
    return status < 0 ? status : XAI_OK;
}

bool xai__cam_is_scaled(const xai_cam *cam)
{
    return (cam->flags & XAI_CAM_AUG_SMOOTH) || (cam->n_layers > 1 && cam->profile->index == XAI__CAM_TORCHCAM);
}

/* One layer stays on its own grid, raw: scaling is the attribution's business, for it may be asked for other sizes. */
xai_status xai__cam_fuse(xai_tensor **out, const xai__cam_pass *pass)
{
    xai_context *context = pass->cam->object.context;
    size_t n_targets = pass->targets->n;
    xai_tensor **maps;
    xai_status status;

    if (pass->cam->n_layers == 1)
        return map_layer(out, pass, 0);
    maps = xai__zalloc_array(context, n_targets, sizeof *maps);
    status = maps != NULL ? fuse_layers(out, maps, pass) : XAI_E_NO_MEMORY;
    if (status < 0)
        unref_maps(out, n_targets);
    xai__free(context, maps);
    return status;
}

/* --- versions of the input --- */

/* In place. Doing it twice undoes it: the same function turns inputs and, later, their maps. */
static void mirror_rows(float *data, size_t n_rows, int64_t width)
{
    for (size_t row = 0; row < n_rows; row++)
        for (int64_t x = 0; x < width / 2; x++) {
            float *left = data + row * (size_t)width + x, *right = data + (row + 1) * (size_t)width - 1 - x,
                  kept = *left;

            *left = *right;
            *right = kept;
        }
}

/* The factor is applied to the prepared input, as pytorch-grad-cam does: it scales contrast about the mean colour, not
 * the picture's brightness. */
static xai_status augment_input(xai_tensor **out, const xai_tensor *input, const struct augmentation *a)
{
    xai_status status = xai__tensor_create(out, input->object.context, input->shape, input->rank);

    if (status < 0)
        return status;
    for (size_t i = 0; i < input->size; i++)
        (*out)->data[i] = input->data[i] * a->factor;
    if (a->mirrors)
        mirror_rows((*out)->data, input->size / (size_t)input->shape[3], input->shape[3]);
    return XAI_OK;
}

/* Finishes the maps of one version and adds its share to the sums. */
static xai_status add_version(xai_tensor **sums, xai_tensor **maps, const xai__cam_pass *pass,
                              const struct augmentation *a)
{
    const xai__graph *graph = &pass->cam->session->model->graph;
    const int64_t *grid = graph->values[graph->input].shape + 2;
    xai_status status = XAI_OK;

    for (size_t t = 0; t < pass->targets->n && status >= 0; t++) {
        status = xai__map_finish(&maps[t], &pass->cam->profile->base, grid[0], grid[1]);
        if (status >= 0 && a->mirrors)
            mirror_rows(maps[t]->data, (size_t)grid[0], grid[1]);
        for (size_t i = 0; status >= 0 && i < maps[t]->size; i++)
            sums[t]->data[i] += maps[t]->data[i] / N_AUGMENTATIONS;
    }
    return status < 0 ? status : XAI_OK;
}

/* Targets were resolved by the first pass, so that all versions explain the same class. */
static xai_status try_version(xai_tensor **sums, xai_tensor **maps, const xai__cam_pass *first,
                              const struct augmentation *a)
{
    xai_tensor *input = NULL;
    xai__cam_pass pass = { .cam = first->cam, .targets = first->targets };
    xai_status status = augment_input(&input, first->input, a);

    if (status < 0)
        return status;
    pass.input = input;
    status = xai__cam_pass_run(&pass);
    if (status == XAI_OK)
        status = xai__cam_fuse(maps, &pass);
    if (status == XAI_OK)
        status = add_version(sums, maps, &pass, a);
    unref_maps(maps, first->targets->n);
    xai__cam_pass_free(&pass);
    xai_tensor_unref(input);
    return status;
}

xai_status xai__cam_augment(xai_tensor **maps, const xai__cam_pass *pass)
{
    const xai__graph *graph = &pass->cam->session->model->graph;
    xai_context *context = pass->cam->object.context;
    size_t n_targets = pass->targets->n;
    xai_tensor **sums = xai__zalloc_array(context, n_targets, sizeof *sums);
    xai_status status = sums != NULL ? create_zeros(sums, pass->cam, n_targets, graph->values[graph->input].shape + 2)
                                     : XAI_E_NO_MEMORY;

    if (status == XAI_OK)
        status = add_version(sums, maps, pass, &augmentations[0]);
    unref_maps(maps, n_targets);
    for (size_t i = 1; i < N_AUGMENTATIONS && status == XAI_OK; i++)
        status = try_version(sums, maps, pass, &augmentations[i]);
    for (size_t t = 0; t < n_targets && status == XAI_OK; t++) {
        maps[t] = sums[t];
        sums[t] = NULL;
    }
    if (sums != NULL)
        unref_maps(sums, n_targets);
    xai__free(context, sums);
    return status;
}
