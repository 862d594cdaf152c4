/* SPDX-License-Identifier: MIT
 * Superpixels drawn: lines between segments or around chosen ones, the rest dimmed. */
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "core/options.h"
#include "explain/segment/segment.h"
#include "io/image.h"

typedef struct drawing {
    xai_segments_draw_options options;
    const xai_segments *segments;
    xai_image *image;
    int32_t *labels; /* at the picture's size; of chosen segments 1, of others 0, if some were chosen */
    size_t width, height;
} drawing;

static xai_status read_options(drawing *d, const xai_segments_draw_options *options)
{
    xai_segments_draw_options *o = &d->options;
    const uint8_t yellow[3] = { 255, 255, 0 }, none[3] = { 0 };
    xai_status status = XAI__OPTIONS_READ(o, options);

    if (status < 0)
        return status;
    if (!(o->dim >= 0 && o->dim <= 1) || o->no_lines > 1)
        return xai__fail(XAI_E_INVALID, "dim is %g, no_lines is %u; both are 0 to 1", (double)o->dim, o->no_lines);
    if (o->chosen == NULL && (o->dim > 0 || o->n_chosen > 0))
        return xai__fail(XAI_E_INVALID, "chosen is NULL, n_chosen is %zu, dim is %g", o->n_chosen, (double)o->dim);
    for (size_t i = 0; i < o->n_chosen; i++)
        if (o->chosen[i] >= d->segments->n)
            return xai__fail(XAI_E_INVALID, "there are %u segments, so none has label %u", d->segments->n,
                             o->chosen[i]);
    if (memcmp(o->color, none, sizeof none) == 0)
        memcpy(o->color, yellow, sizeof yellow);
    return XAI_OK;
}

/* What the label of a pixel counts as. */
static xai_status look_up_labels(drawing *d)
{
    const xai_segments *s = d->segments;
    xai_context *context = s->object.context;
    int32_t *values = xai__zalloc_array(context, s->n, sizeof *values);

    d->labels = xai__alloc_array(context, d->width * d->height, sizeof *d->labels);
    if (values == NULL || d->labels == NULL) {
        xai__free(context, values);
        return XAI_E_NO_MEMORY;
    }
    for (uint32_t i = 0; i < s->n && d->options.chosen == NULL; i++)
        values[i] = (int32_t)i;
    for (size_t i = 0; i < d->options.n_chosen; i++)
        values[d->options.chosen[i]] = 1;
    for (size_t y = 0; y < d->height; y++)
        for (size_t x = 0; x < d->width; x++) {
            size_t row = y * (size_t)s->height / d->height, column = x * (size_t)s->width / d->width;

            d->labels[y * d->width + x] = values[s->labels[row * (size_t)s->width + column]];
        }
    xai__free(context, values);
    return XAI_OK;
}

/* Smallest and largest label in a pixel's neighbourhood; 0 counts as larger than all for `low_but_zero`. */
typedef struct surroundings {
    int32_t low, high, low_but_zero;
} surroundings;

static surroundings look_around(const drawing *d, size_t y, size_t x, bool corners)
{
    surroundings found = { INT32_MAX, 0, INT32_MAX };

    for (ptrdiff_t dy = -1; dy <= 1; dy++)
        for (ptrdiff_t dx = -1; dx <= 1; dx++) {
            ptrdiff_t row = (ptrdiff_t)y + dy, column = (ptrdiff_t)x + dx;
            int32_t label;

            if (row < 0 || row >= (ptrdiff_t)d->height || column < 0 || column >= (ptrdiff_t)d->width ||
                (!corners && dy != 0 && dx != 0))
                continue;
            label = d->labels[row * (ptrdiff_t)d->width + column];
            found.low = label < found.low ? label : found.low;
            found.high = label > found.high ? label : found.high;
            found.low_but_zero = label > 0 && label < found.low_but_zero ? label : found.low_but_zero;
        }
    return found;
}

/* Label 0 is the background: a line beside it lies on it, one between two others on both. */
static bool is_on_line(const drawing *d, size_t y, size_t x)
{
    surroundings cross = look_around(d, y, x, false), square;

    if (cross.low == cross.high)
        return false;
    if (d->labels[y * d->width + x] == 0)
        return true;
    square = look_around(d, y, x, true);
    return square.high != square.low_but_zero;
}

/* Lines are never dimmed: they say where the chosen end. */
static void paint(drawing *d)
{
    const double kept = 1 - (double)d->options.dim;
    uint8_t *pixel = d->image->pixels;

    for (size_t y = 0; y < d->height; y++)
        for (size_t x = 0; x < d->width; x++, pixel += 3) {
            if (d->options.no_lines == 0 && is_on_line(d, y, x)) {
                memcpy(pixel, d->options.color, 3);
                continue;
            }
            for (size_t c = 0; c < 3 && d->labels[y * d->width + x] == 0 && d->options.dim > 0; c++)
                pixel[c] = (uint8_t)lrint(pixel[c] * kept);
        }
}

xai_status xai_segments_draw(xai_image **out, const xai_segments *segments, const xai_image *under,
                             const xai_segments_draw_options *options)
{
    drawing d = { .segments = segments };
    xai_status status;

    XAI__ENTER(out);
    if (out == NULL || segments == NULL || under == NULL)
        return xai__fail(XAI_E_INVALID, "out, segments or under is NULL");
    d.width = (size_t)under->width;
    d.height = (size_t)under->height;
    status = read_options(&d, options);
    if (status == XAI_OK)
        status = xai__image_create(&d.image, segments->object.context, under->width, under->height);
    if (status == XAI_OK)
        status = look_up_labels(&d);
    if (status == XAI_OK) {
        memcpy(d.image->pixels, under->pixels, d.width * d.height * 3);
        paint(&d);
    }
    xai__free(segments->object.context, d.labels);
    if (status < 0)
        xai_image_unref(d.image);
    else
        *out = d.image;
    return status;
}
