/* SPDX-License-Identifier: MIT
 * Curves as SVG: the score over the share of changed pixels. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include <xai/metrics.h>

#include "core/error.h"
#include "core/tensor.h"
#include "core/text.h"
#include "io/file.h"
#include "io/svg.h"

enum { MAX_CURVES = 8, MAX_POINTS = 100000 };

/* In pixels: the picture, the plot in it, and the words. */
enum {
    WIDTH = 720,
    HEIGHT = 440,
    LEFT = 64,
    TOP = 48,
    PLOT_WIDTH = 624,
    PLOT_HEIGHT = 320,
    LINE = 18,
    N_TICKS = 5,
    FONT = 12,
    SWATCH = 22
};

static const char style[] = XAI__SVG_FONT
    "text{font-size:12px;fill:#1f2328}.title{font-size:16px;font-weight:bold}"
    ".grid{stroke:#e3e7eb}.axis{fill:none;stroke:#59636e}.tick{fill:#59636e}"
    ".curve{fill:none;stroke-width:2;stroke-linejoin:round}.area{fill-opacity:.1}";

/* Told apart by people who see no red or green, too (Okabe and Ito's). */
static const char *const colours[MAX_CURVES] = { "#0072b2", "#d55e00", "#009e73", "#cc79a7",
                                                 "#56b4e9", "#e69f00", "#000000", "#8a8a8a" };

/* What is drawn. */
typedef struct plot {
    xai__text *text;
    const xai_tensor *const *curves;
    const char *const *names;
    size_t n;
    double low, high; /* of the axis of scores */
} plot;

/* --- scales --- */

/* Probabilities get all of 0 to 1, so that pictures can be compared; logits go beyond. */
static void find_range(plot *p)
{
    p->low = 0;
    p->high = 1;
    for (size_t c = 0; c < p->n; c++) {
        size_t n = p->curves[c]->size / 2;

        for (size_t i = n; i < 2 * n; i++) {
            double score = (double)p->curves[c]->data[i];

            p->low = score < p->low ? score : p->low;
            p->high = score > p->high ? score : p->high;
        }
    }
}

static int place_share(double share)
{
    return LEFT + (int)lround(share * PLOT_WIDTH);
}

static int place_score(const plot *p, double score)
{
    return TOP + (int)lround((p->high - score) / (p->high - p->low) * PLOT_HEIGHT);
}

/* Hundredths as whole numbers, since a locale could put a comma in. */
static void format_number(char *buffer, size_t capacity, double number)
{
    long long hundredths = llround(fmin(fmax(number, -1e12), 1e12) * 100),
              size = hundredths < 0 ? -hundredths : hundredths;

    snprintf(buffer, capacity, "%s%lld.%02lld", hundredths < 0 ? "-" : "", size / 100, size % 100);
}

/* --- parts --- */

static void draw_grid(const plot *p)
{
    for (int i = 0; i <= N_TICKS; i++) {
        double share = (double)i / N_TICKS, score = p->low + share * (p->high - p->low);
        int x = place_share(share), y = place_score(p, score);
        char number[32];

        format_number(number, sizeof number, score);
        xai__text_add(p->text, "<path class=\"grid\" d=\"M%d %dV%dM%d %dH%d\"/>\n", x, TOP, TOP + PLOT_HEIGHT, LEFT, y,
                      LEFT + PLOT_WIDTH);
        xai__text_add(p->text, "<text class=\"tick\" x=\"%d\" y=\"%d\" text-anchor=\"middle\">%d %%</text>\n", x,
                      TOP + PLOT_HEIGHT + LINE, 100 * i / N_TICKS);
        xai__text_add(p->text, "<text class=\"tick\" x=\"%d\" y=\"%d\" text-anchor=\"end\">%s</text>\n", LEFT - 8,
                      y + FONT / 3, number);
    }
    xai__text_add(p->text, "<path class=\"axis\" d=\"M%d %dV%dH%d\"/>\n", LEFT, TOP, TOP + PLOT_HEIGHT,
                  LEFT + PLOT_WIDTH);
    xai__text_add(p->text, "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">pixels changed</text>\n",
                  LEFT + PLOT_WIDTH / 2, TOP + PLOT_HEIGHT + 2 * LINE);
    xai__text_add(p->text,
                  "<text x=\"16\" y=\"%d\" transform=\"rotate(-90 16 %d)\" text-anchor=\"middle\">score</text>\n",
                  TOP + PLOT_HEIGHT / 2, TOP + PLOT_HEIGHT / 2);
}

static void add_points(const plot *p, size_t curve)
{
    const xai_tensor *tensor = p->curves[curve];
    size_t n = tensor->size / 2;

    for (size_t i = 0; i < n; i++)
        xai__text_add(p->text, "%s%d,%d", i > 0 ? " " : "", place_share((double)tensor->data[i]),
                      place_score(p, (double)tensor->data[n + i]));
}

/* The line, and the area under it, down to a score of 0. */
static void draw_curve(const plot *p, size_t curve)
{
    const xai_tensor *tensor = p->curves[curve];
    size_t n = tensor->size / 2;
    int ground = place_score(p, 0);

    xai__text_add(p->text, "<polygon class=\"area\" fill=\"%s\" points=\"%d,%d ", colours[curve],
                  place_share((double)tensor->data[0]), ground);
    add_points(p, curve);
    xai__text_add(p->text, " %d,%d\"/>\n<polyline class=\"curve\" stroke=\"%s\" points=\"",
                  place_share((double)tensor->data[n - 1]), ground, colours[curve]);
    add_points(p, curve);
    xai__text_add(p->text, "\"/>\n");
}

/* Names in one row below the axis; those that do not fit any more begin another. */
static void draw_legend(const plot *p)
{
    int x = LEFT, y = TOP + PLOT_HEIGHT + 3 * LINE + 4;

    for (size_t i = 0; i < p->n; i++) {
        int width = SWATCH + (int)xai__svg_width(p->names[i], FONT, false) + SWATCH;

        if (x > LEFT && x + width > LEFT + PLOT_WIDTH) {
            x = LEFT;
            y += LINE;
        }
        xai__text_add(p->text, "<path d=\"M%d %dh16\" stroke=\"%s\" stroke-width=\"3\"/>\n<text x=\"%d\" y=\"%d\">", x,
                      y - FONT / 3, colours[i], x + SWATCH, y);
        xai__svg_words(p->text, p->names[i]);
        xai__text_add(p->text, "</text>\n");
        x += width;
    }
}

/* Walks through the legend as drawing it will. */
static uint32_t height_of(const plot *p)
{
    int x = LEFT;
    uint32_t height = HEIGHT;

    for (size_t i = 0; i < p->n; i++) {
        int width = SWATCH + (int)xai__svg_width(p->names[i], FONT, false) + SWATCH;

        if (x > LEFT && x + width > LEFT + PLOT_WIDTH) {
            x = LEFT;
            height += LINE;
        }
        x += width;
    }
    return height;
}

static void draw(plot *p, const char *title)
{
    size_t fits = xai__svg_fit(title, 16, true, PLOT_WIDTH);

    find_range(p);
    xai__svg_begin(p->text, WIDTH, height_of(p), title, "Score over the share of pixels that are changed.", style);
    if (*title != '\0') {
        xai__text words;

        xai__text_init(&words, p->text->context);
        xai__text_add(&words, "%.*s%s", (int)fits, title, title[fits] != '\0' ? "..." : "");
        xai__text_add(p->text, "<text class=\"title\" x=\"%d\" y=\"%d\">", LEFT, TOP - LINE);
        xai__svg_words(p->text, xai__text_get(&words));
        xai__text_add(p->text, "</text>\n");
        p->text->failed |= words.failed;
        xai__text_fini(&words);
    }
    draw_grid(p);
    for (size_t i = 0; i < p->n; i++)
        draw_curve(p, i);
    draw_legend(p);
    xai__svg_end(p->text);
}

/* --- the public function --- */

static xai_status check_curve(const xai_tensor *curve, const char *name, size_t index)
{
    char text[128];

    if (curve == NULL || name == NULL)
        return xai__fail(XAI_E_INVALID, "%s %zu is NULL", curve == NULL ? "curve" : "name", index);
    if (curve->rank != 2 || curve->shape[0] != 2 || curve->shape[1] < 1 || curve->shape[1] > MAX_POINTS)
        return xai__fail(XAI_E_SHAPE, "curve %zu is %s, expected 2xN with N from 1 to %d", index,
                         xai__shape_text(text, sizeof text, curve->shape, curve->rank), MAX_POINTS);
    for (size_t i = 0; i < curve->size; i++)
        if (!isfinite(curve->data[i]) || (i < curve->size / 2 && (curve->data[i] < 0 || curve->data[i] > 1)))
            return xai__fail(XAI_E_INVALID, "element %zu of curve %zu is %g", i, index, (double)curve->data[i]);
    return XAI_OK;
}

xai_status xai_metric_save_curves(const char *path, const xai_tensor *const *curves, const char *const *names,
                                  size_t n_curves, const char *title)
{
    xai__text text;
    plot p = { &text, curves, names, n_curves, 0, 0 };
    xai_status status = XAI_OK;

    xai__enter();
    if (path == NULL || curves == NULL || names == NULL)
        return xai__fail(XAI_E_INVALID, "%s is NULL", path == NULL ? "path" : curves == NULL ? "curves" : "names");
    if (n_curves < 1 || n_curves > MAX_CURVES)
        return xai__fail(XAI_E_INVALID, "%zu curves are given, expected 1 to %d", n_curves, MAX_CURVES);
    for (size_t i = 0; i < n_curves && status == XAI_OK; i++)
        status = check_curve(curves[i], names[i], i);
    if (status < 0)
        return status;
    xai__text_init(&text, curves[0]->object.context);
    draw(&p, title != NULL ? title : "");
    status = text.failed ? xai__fail_memory() : xai__file_write(text.context, path, text.data, text.length);
    xai__text_fini(&text);
    return status;
}
