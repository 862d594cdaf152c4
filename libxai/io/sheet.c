/* SPDX-License-Identifier: MIT
 * Contact sheets: pictures set side by side, each above a line of text. */
#include <string.h>

#include "core/error.h"
#include "io/font.h"

enum { GAP = 8, TEXT_HEIGHT = 24 };

static const uint8_t PAPER = 255, INK[3] = { 32, 32, 32 };

/* A grid whose cells fit the largest picture. Sizes are wider than a picture's, so that adding the gaps to the largest
 * one possible goes well, and only xai__image_create() has to say what is too much. */
typedef struct grid {
    size_t n, n_columns, n_rows;
    int64_t width, height; /* of a picture's place, without gaps and text */
    int32_t scale;         /* of all labels */
} grid;

/* From one place to the next. */
static int64_t step_right(const grid *g)
{
    return g->width + GAP;
}

static int64_t step_down(const grid *g)
{
    return g->height + GAP + TEXT_HEIGHT;
}

static xai_status check(void *out, xai_context *context, const xai_image *const *images, const char *const *labels,
                        size_t n_images)
{
    const char *missing = out == NULL       ? "out"
                          : context == NULL ? "context"
                          : images == NULL  ? "images"
                          : labels == NULL  ? "labels"
                                            : NULL;

    if (missing != NULL)
        return xai__fail(XAI_E_INVALID, "%s is NULL", missing);
    if (n_images == 0 || n_images > 4096)
        return xai__fail(XAI_E_INVALID, "a sheet holds 1 to 4096 pictures, got %zu", n_images);
    return XAI_OK;
}

/* n_columns 0: as many as make a square. */
static grid measure(const xai_image *const *images, size_t n, size_t n_columns)
{
    grid g = { .n = n, .n_columns = n_columns, .width = 1, .height = 1 };

    while (n_columns == 0 && g.n_columns * g.n_columns < n)
        g.n_columns++;
    g.n_columns = g.n_columns > n ? n : g.n_columns;
    g.n_rows = (n + g.n_columns - 1) / g.n_columns;
    for (size_t i = 0; i < n; i++)
        if (images[i] != NULL) {
            g.width = images[i]->width > g.width ? images[i]->width : g.width;
            g.height = images[i]->height > g.height ? images[i]->height : g.height;
        }
    return g;
}

static void paste(xai_image *sheet, const xai_image *image, int64_t x, int64_t y)
{
    for (int64_t row = 0; row < image->height; row++)
        memcpy(sheet->pixels + 3 * ((y + row) * sheet->width + x), image->pixels + 3 * row * image->width,
               3 * (size_t)image->width);
}

/* What is too long is cut behind the last character that fits. */
static void write_label(xai_image *sheet, const char *label, int64_t x, int64_t y, const grid *g)
{
    size_t room = (size_t)(g->width / (XAI__FONT_WIDTH * g->scale));

    xai__font_draw(sheet, label, room, x, y + (TEXT_HEIGHT - g->scale * XAI__FONT_HEIGHT) / 2, g->scale, INK);
}

/* Twice the size where every label fits into its cell. */
static int32_t choose_scale(const grid *g, const char *const *labels)
{
    for (size_t i = 0; i < g->n; i++)
        if (labels[i] != NULL && (int64_t)xai__font_length(labels[i]) * XAI__FONT_WIDTH * 2 > g->width)
            return 1;
    return 2;
}

xai_status xai_image_sheet(xai_image **out, xai_context *context, const xai_image *const *images,
                           const char *const *labels, size_t n_images, size_t n_columns)
{
    grid g;
    xai_status status;

    XAI__ENTER(out);
    status = check(out, context, images, labels, n_images);
    if (status < 0)
        return status;
    g = measure(images, n_images, n_columns);
    g.scale = choose_scale(&g, labels);
    status = xai__image_create(out, context, (int64_t)g.n_columns * step_right(&g) + GAP,
                               (int64_t)g.n_rows * step_down(&g) + GAP);
    if (status < 0)
        return status;
    memset((*out)->pixels, PAPER, 3 * (size_t)(*out)->width * (size_t)(*out)->height);
    for (size_t i = 0; i < n_images; i++) {
        int64_t x = GAP + (int64_t)(i % g.n_columns) * step_right(&g);
        int64_t y = GAP + (int64_t)(i / g.n_columns) * step_down(&g);

        if (images[i] != NULL)
            paste(*out, images[i], x, y);
        if (labels[i] != NULL)
            write_label(*out, labels[i], x, y + g.height, &g);
    }
    return XAI_OK;
}
