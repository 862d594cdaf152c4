/* SPDX-License-Identifier: MIT
 * Manifests. */
#include "model/manifest.h"

#include <math.h>
#include <string.h>

#include "core/error.h"
#include "core/memory.h"

enum { MANIFEST_VERSION = 1, LARGEST_SIDE = 1 << 15 };

static const char *const keys[] = { "xai",   "arch",      "onnx",       "weights",   "sha256",    "labels",
                                    "input", "cam_layer", "classifier", "hierarchy", "normalise", NULL };
static const char *const input_keys[] = { "resize", "crop", "interpolation", "scale", "mean", "std", "channels", NULL };

/* Does a path stay below the folder it starts in? A manifest from elsewhere must not make the program read files of its
 * choosing. */
static bool stays_inside(const char *path)
{
    if (path[0] == '\0' || path[0] == '/' || strchr(path, '\\') != NULL)
        return false;
    for (const char *part = path; part != NULL; part = strchr(part, '/')) {
        part += *part == '/';
        if (strncmp(part, "..", 2) == 0 && (part[2] == '/' || part[2] == '\0'))
            return false;
    }
    return true;
}

static xai_status join_path(char **out, xai_context *context, const char *manifest, xai__json_value value)
{
    const char *slash = strrchr(manifest, '/'), *path;
    xai_status status = xai__json_string(&path, value);

    if (status < 0)
        return status;
    if (!stays_inside(path))
        return xai__json_fail(value, XAI_E_FORMAT, "'%s' leaves the manifest's folder", path);
    *out = xai__format(context, "%.*s%s", slash != NULL ? (int)(slash - manifest + 1) : 0, manifest, path);
    return *out != NULL ? XAI_OK : XAI_E_NO_MEMORY;
}

/* A text that may be missing; then *out stays as it is. */
static xai_status read_text(const char **out, xai__json_value root, const char *key)
{
    xai__json_value value;

    return xai__json_find(&value, root, key) ? xai__json_string(out, value) : XAI_OK;
}

/* One spelling, so that digests can be compared as texts. */
static xai_status read_sha256(xai__manifest *m, xai__json_value root)
{
    xai_status status = read_text(&m->sha256, root, "sha256");

    if (status == XAI_OK && m->sha256 != NULL &&
        (strlen(m->sha256) != 64 || strspn(m->sha256, "0123456789abcdef") != 64))
        status = xai__json_fail(root, XAI_E_FORMAT, "sha256 is not 64 lower-case hexadecimal digits");
    return status;
}

/* Labels may stand in the manifest itself, which then is all that a small model needs beside its weights. They are read
 * later, when the graph says how many there have to be. */
static xai_status read_files(xai__manifest *m, xai_context *context, const char *path, xai__json_value root)
{
    xai__json_value value;
    xai_status status = XAI_OK;

    if (xai__json_find(&value, root, "weights"))
        status = join_path(&m->weights, context, path, value);
    if (status == XAI_OK && xai__json_find(&value, root, "labels")) {
        m->inline_labels = value;
        m->has_inline_labels = xai__json_kind(value) != XAI__JSON_STRING;
        if (!m->has_inline_labels)
            status = join_path(&m->labels, context, path, value);
    }
    if (status == XAI_OK && xai__json_find(&value, root, "hierarchy"))
        status = join_path(&m->hierarchy, context, path, value);
    return status;
}

static xai_status read_normalise(xai__manifest *m, xai__json_value root)
{
    const char *text = NULL;
    xai_status status = read_text(&text, root, "normalise");

    if (status < 0 || text == NULL)
        return status;
    if (strcmp(text, "softmax") != 0 && strcmp(text, "none") != 0)
        return xai__json_fail(root, XAI_E_FORMAT, "normalise is '%s', expected softmax or none", text);
    m->gives_probabilities = strcmp(text, "none") == 0;
    return XAI_OK;
}

static xai_status read_all(xai__manifest *m, xai_context *context, const char *path)
{
    xai__json_value root = xai__json_root(m->json), value;
    int64_t version;
    xai_status status = xai__json_expect(root, XAI__JSON_OBJECT);

    if (status == XAI_OK)
        status = xai__json_get_integer(&version, root, "xai", MANIFEST_VERSION, MANIFEST_VERSION);
    /* A key with a typing error would be ignored and its default taken. */
    if (status == XAI_OK)
        status = xai__json_only(root, keys);
    if (status == XAI_OK && xai__json_find(&value, root, "onnx"))
        status = xai__json_fail(value, XAI_E_UNSUPPORTED, "ONNX models are not supported yet");
    if (status == XAI_OK)
        status = xai__json_get_string(&m->architecture, root, "arch");
    if (status == XAI_OK)
        status = read_files(m, context, path, root);
    if (status == XAI_OK)
        status = read_sha256(m, root);
    if (status == XAI_OK)
        status = read_normalise(m, root);
    if (status == XAI_OK)
        status = read_text(&m->cam_layer, root, "cam_layer");
    if (status == XAI_OK)
        status = read_text(&m->classifier, root, "classifier");
    m->has_input = xai__json_find(&m->input, root, "input");
    return status;
}

xai_status xai__manifest_load(xai__manifest *out, xai_context *context, const char *path)
{
    xai_status status;

    *out = (xai__manifest){ 0 };
    /* The texts of out point into the tree of the file, which it keeps. */
    status = xai__json_load(&out->json, context, path, NULL);
    if (status == XAI_OK)
        status = read_all(out, context, path);
    if (status < 0)
        xai__manifest_fini(out, context);
    return status;
}

void xai__manifest_fini(xai__manifest *manifest, xai_context *context)
{
    xai__json_free(manifest->json);
    xai__free(context, manifest->weights);
    xai__free(context, manifest->labels);
    xai__free(context, manifest->hierarchy);
    *manifest = (xai__manifest){ 0 };
}

/* Three numbers; a divisor may not be 0. */
static xai_status read_triple(float out[3], xai__json_value input, const char *key, bool divides)
{
    xai__json_value array, member;
    xai_status status = XAI_OK;

    if (!xai__json_find(&array, input, key))
        return XAI_OK;
    if (xai__json_kind(array) == XAI__JSON_ARRAY && xai__json_count(array) != 3)
        return xai__json_fail(array, XAI_E_FORMAT, "has %zu numbers, expected 3", xai__json_count(array));
    for (size_t i = 0; i < 3 && status == XAI_OK; i++) {
        double number = 0;

        status = xai__json_at(&member, array, i);
        if (status == XAI_OK)
            status = xai__json_number(&number, member);
        out[i] = (float)number;
        if (status == XAI_OK && (!isfinite(out[i]) || (divides && out[i] == 0)))
            status = xai__json_fail(member, XAI_E_FORMAT, "%g cannot be used", number);
    }
    return status;
}

/* Height first, as in shapes. Written even where it fails: the model is not made then. */
static xai_status read_crop(xai__preparation *p, xai__json_value input)
{
    xai__json_value array, member;
    int64_t side[2] = { 0, 0 };
    xai_status status = XAI_OK;

    if (!xai__json_find(&array, input, "crop"))
        return XAI_OK;
    if (xai__json_kind(array) == XAI__JSON_ARRAY && xai__json_count(array) != 2)
        return xai__json_fail(array, XAI_E_FORMAT, "has %zu numbers, expected height and width",
                              xai__json_count(array));
    for (size_t i = 0; i < 2 && status == XAI_OK; i++) {
        status = xai__json_at(&member, array, i);
        if (status == XAI_OK)
            status = xai__json_integer(&side[i], member, 1, LARGEST_SIDE);
    }
    p->crop_height = (int32_t)side[0];
    p->crop_width = (int32_t)side[1];
    return status;
}

/* One of two words. */
static xai_status read_choice(bool *second, xai__json_value input, const char *key, const char *const words[2])
{
    const char *text = NULL;
    xai_status status = read_text(&text, input, key);

    if (status < 0 || text == NULL)
        return status;
    if (strcmp(text, words[0]) != 0 && strcmp(text, words[1]) != 0)
        return xai__json_fail(input, XAI_E_FORMAT, "%s is '%s', expected %s or %s", key, text, words[0], words[1]);
    *second = strcmp(text, words[1]) == 0;
    return XAI_OK;
}

/* A scale of 0 would make all pictures the same one. Looked at as float, which it is used as: 1e300 is infinite there.
 */
static xai_status read_scale(xai__preparation *p, xai__json_value input)
{
    xai__json_value value;
    double scale;
    xai_status status;

    if (!xai__json_find(&value, input, "scale"))
        return XAI_OK;
    status = xai__json_number(&scale, value);
    if (status == XAI_OK && (!isfinite((float)scale) || scale == 0))
        status = xai__json_fail(value, XAI_E_FORMAT, "%g cannot be used", scale);
    if (status == XAI_OK)
        p->scale = (float)scale;
    return status;
}

static xai_status read_resize(xai__preparation *p, xai__json_value input)
{
    xai__json_value value;
    int64_t resize;
    xai_status status;

    if (!xai__json_find(&value, input, "resize"))
        return XAI_OK;
    status = xai__json_integer(&resize, value, 1, LARGEST_SIDE);
    if (status == XAI_OK)
        p->resize = (int32_t)resize;
    return status;
}

/* What the manifest states replaces the architecture's, key by key. */
xai_status xai__manifest_input(const xai__manifest *manifest, xai__preparation *preparation)
{
    static const char *const filters[2] = { "bilinear", "bicubic" }, *const orders[2] = { "RGB", "BGR" };
    xai__json_value input = manifest->input;
    bool is_bicubic = preparation->filter == XAI_FILTER_BICUBIC;
    xai_status status;

    if (!manifest->has_input)
        return XAI_OK;
    status = xai__json_expect(input, XAI__JSON_OBJECT);
    if (status == XAI_OK)
        status = xai__json_only(input, input_keys);
    if (status == XAI_OK)
        status = read_resize(preparation, input);
    if (status == XAI_OK)
        status = read_crop(preparation, input);
    if (status == XAI_OK)
        status = read_scale(preparation, input);
    if (status == XAI_OK)
        status = read_triple(preparation->mean, input, "mean", false);
    if (status == XAI_OK)
        status = read_triple(preparation->std, input, "std", true);
    if (status == XAI_OK)
        status = read_choice(&is_bicubic, input, "interpolation", filters);
    if (status == XAI_OK)
        status = read_choice(&preparation->is_bgr, input, "channels", orders);
    preparation->filter = is_bicubic ? XAI_FILTER_BICUBIC : XAI_FILTER_BILINEAR;
    return status;
}
