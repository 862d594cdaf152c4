/* SPDX-License-Identifier: MIT
 * One HTML page about one prediction: the most helpful and the most harmful training pictures, with nothing to load. */
#include <math.h>
#include <stdio.h>

#include "config.h"
#include "core/error.h"
#include "core/memory.h"
#include "explain/influence/influence.h"
#include "io/image.h"
#include "io/png.h"
#include "io/svg.h"
#include "model/model.h"
#include "runtime/session.h"

/* Larger pictures are shown smaller, so that the page stays small; smaller ones keep their pixels. */
enum { LARGEST_SHOWN = 160, MOST_SHOWN = 500 };

static const char head[] =
    "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; style-src "
    "'unsafe-inline'; "
    "base-uri 'none'; form-action 'none'\">\n<title>Influence</title>\n<style>\n"
    ":root { color-scheme: light dark; --ground: #fff; --panel: #f6f8fa; --ink: #1f2328; --soft: #59636e;\n"
    "  --edge: #c5cdd6; --help: #0b57d0; --harm: #b3261e; }\n"
    "@media (prefers-color-scheme: dark) { :root { --ground: #0f1318; --panel: #171c23; --ink: #e6edf3; --soft: "
    "#9aa7b4;\n"
    "  --edge: #3b4551; --help: #78b0ff; --harm: #ff8a80; } }\n"
    "* { box-sizing: border-box; }\n"
    "body { margin: 0 auto; max-width: 76rem; padding: 1.2rem; background: var(--ground); color: var(--ink);\n"
    "  font: 15px/1.45 'DejaVu Sans', Verdana, Helvetica, Arial, sans-serif; }\n"
    "header { display: flex; flex-wrap: wrap; gap: 1.2rem; align-items: center; }\n"
    "h1 { font-size: 1.3rem; margin: 0 0 .3rem; overflow-wrap: anywhere; }\n"
    "h2 { font-size: 1.05rem; margin: 1.6rem 0 .6rem; }\n"
    "p { margin: .15rem 0; color: var(--soft); max-width: 60rem; }\n"
    "img { width: 128px; height: 128px; object-fit: contain; image-rendering: pixelated; background: var(--panel);\n"
    "  border: 1px solid var(--edge); }\n"
    "ol { list-style: none; margin: 0; padding: 0; display: grid; gap: 1rem;\n"
    "  grid-template-columns: repeat(auto-fill, minmax(140px, 1fr)); }\n"
    "li { min-width: 0; }\n"
    "li b, li span { display: block; overflow-wrap: anywhere; }\n"
    "li span { color: var(--soft); font-size: .8rem; }\n"
    ".bar { height: 5px; max-width: 128px; margin: .25rem 0; }\n"
    ".bar i { display: block; height: 100%; }\n"
    ".help i { background: var(--help); } .harm i { background: var(--harm); }\n"
    "</style>\n</head>\n<body>\n";

/* A page being written. */
typedef struct page {
    const xai_training *training;
    const double *scores;
    const uint32_t *order;
    double largest; /* magnitude, for the bars */
    xai__text text;
} page;

/* --- pictures --- */

/* Three bytes are four digits; a last group of one or two ends in = signs. A kilobyte of text at a time, not a call a
 * group. */
static void add_base64(xai__text *text, const unsigned char *bytes, size_t size)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char line[4 * 256 + 1];
    size_t n = 0;

    for (size_t at = 0; at < size; at += 3) {
        size_t left = size - at < 3 ? size - at : 3;
        uint32_t word = (uint32_t)bytes[at] << 16;

        word |= left > 1 ? (uint32_t)bytes[at + 1] << 8 : 0;
        word |= left > 2 ? bytes[at + 2] : 0;
        for (size_t i = 0; i < 4; i++)
            line[n++] = '=';
        for (size_t i = 0; i <= left; i++)
            line[n - 4 + i] = digits[word >> (18 - 6 * i) & 63];
        if (n == sizeof line - 1 || at + 3 >= size) {
            xai__text_add(text, "%.*s", (int)n, line);
            n = 0;
        }
    }
}

/* At most 160 pixels along the longer side. */
static xai_status shrink(xai_image **out, const xai_image *image)
{
    int32_t longest = image->width > image->height ? image->width : image->height;
    double scale = LARGEST_SHOWN / (double)longest;
    int32_t width = (int32_t)(image->width * scale), height = (int32_t)(image->height * scale);

    if (longest <= LARGEST_SHOWN) {
        *out = xai_image_ref((xai_image *)image);
        return XAI_OK;
    }
    return xai_image_resize(out, image, width > 0 ? width : 1, height > 0 ? height : 1, XAI_FILTER_BILINEAR);
}

/* JPEG would blur the small pictures that most training sets are made of. */
static xai_status encode(unsigned char **bytes, size_t *size, const xai_image *image)
{
#ifdef XAI_HAVE_PNG
    return xai__png_encode(bytes, size, image, 0);
#else
    (void)bytes, (void)size, (void)image;
    return xai__fail(XAI_E_UNSUPPORTED, "this libxai was built without PNG, which pages need");
#endif
}

static xai_status add_image(page *p, const xai_image *image, const char *name)
{
    unsigned char *bytes = NULL;
    xai_image *small = NULL;
    size_t size = 0;
    xai_status status = shrink(&small, image);

    if (status == XAI_OK)
        status = encode(&bytes, &size, small);
    if (status == XAI_OK) {
        xai__text_add(&p->text, "<img alt=\"");
        xai__svg_words(&p->text, name);
        xai__text_add(&p->text, "\" src=\"data:image/png;base64,");
        add_base64(&p->text, bytes, size);
        xai__text_add(&p->text, "\">");
    }
    xai__free(p->text.context, bytes);
    xai_image_unref(small);
    return status;
}

/* --- words --- */

/* A number in place of a name, where the model has none. */
static void add_label(page *p, int64_t index)
{
    const xai_session *session = p->training->session;
    const char *label = session != NULL ? xai_model_label(session->model, index) : NULL;

    if (label != NULL)
        xai__svg_words(&p->text, label);
    else
        xai__text_add(&p->text, "class %lld", (long long)index);
}

/* Three digits, whatever the locale has for a point. */
static void add_number(page *p, double number, bool is_signed)
{
    char text[32];

    snprintf(text, sizeof text, "%.2e", number);
    for (char *at = text; *at != '\0'; at++)
        *at = *at == ',' ? '.' : *at;
    xai__text_add(&p->text, "%s%s", is_signed && number > 0 ? "+" : "", text);
}

/* Bars are in percent of the largest magnitude on the page. Names come from files and are written as words, so that
 * none becomes markup. */
static xai_status add_example(page *p, uint32_t index)
{
    const char *path = xai_training_path(p->training, index);
    double score = p->scores[index], share = p->largest > 0 ? 100 * (score / p->largest) : 0;
    char name[32];
    xai_image *image = NULL;
    xai_status status = xai__examples_image(&image, &p->training->examples, index);

    if (status < 0)
        return status;
    snprintf(name, sizeof name, "example %u", index);
    xai__text_add(&p->text, "<li>");
    status = add_image(p, image, path != NULL ? path : name);
    xai__text_add(&p->text, "<div class=\"bar %s\"><i style=\"width:%d%%\"></i></div><b>", score > 0 ? "help" : "harm",
                  (int)(share > 0 ? share + 0.5 : 0.5 - share));
    add_label(p, p->training->examples.labels[index]);
    xai__text_add(&p->text, "</b><span>");
    add_number(p, score, true);
    xai__text_add(&p->text, "</span><span>");
    xai__svg_words(&p->text, path != NULL ? path : name);
    xai__text_add(&p->text, "</span></li>\n");
    xai_image_unref(image);
    return status;
}

/* From the first or the last of the order on, as long as the sign is right. */
static xai_status add_list(page *p, const char *title, const char *words, bool is_harmful, size_t n_shown)
{
    size_t n = p->training->n, shown = 0;
    xai_status status = XAI_OK;

    xai__text_add(&p->text, "<h2>%s</h2>\n<p>%s</p>\n<ol>\n", title, words);
    for (size_t i = 0; i < n && shown < n_shown && status == XAI_OK; i++, shown++) {
        uint32_t index = p->order[is_harmful ? n - 1 - i : i];

        if (is_harmful ? !(p->scores[index] < 0) : !(p->scores[index] > 0))
            break;
        status = add_example(p, index);
    }
    xai__text_add(&p->text, "</ol>\n%s", shown == 0 ? "<p>There are none.</p>\n" : "");
    return status;
}

/* What was asked, and how far the numbers below can be trusted: the residual says so. */
static xai_status add_header(page *p, const xai_image *test, const char *name, const xai_influence_record *record)
{
    xai_status status;

    xai__text_add(&p->text, "%s<header>", head);
    status = add_image(p, test, name);
    xai__text_add(&p->text, "<div><h1>");
    xai__svg_words(&p->text, name);
    xai__text_add(&p->text, "</h1>\n<p>Prediction: ");
    add_label(p, record->prediction);
    xai__text_add(&p->text, "; explained is the loss of: ");
    add_label(p, record->label);
    xai__text_add(&p->text, " (");
    add_number(p, record->loss, false);
    xai__text_add(&p->text, ")</p>\n<p>Training examples: %zu; residual of the solve: ", p->training->n);
    add_number(p, record->residual, false);
    xai__text_add(&p->text, "</p></div></header>\n");
    return status;
}

/* Text that ran out of memory is only known at its end. */
static xai_status write_page(page *p, const char *path, const xai_image *test, const char *name,
                             const xai_influence_record *record, size_t n_shown)
{
    xai_status status = add_header(p, test, name, record);

    if (status == XAI_OK)
        status = add_list(p, "Helpful", "Without these training pictures the loss would be higher.", false, n_shown);
    if (status == XAI_OK)
        status = add_list(p, "Harmful", "Without these training pictures the loss would be lower.", true, n_shown);
    xai__text_add(&p->text, "</body>\n</html>\n");
    if (status == XAI_OK && p->text.failed)
        status = xai__fail_memory();
    return status < 0 ? status : xai__file_write(p->text.context, path, p->text.data, p->text.length);
}

static xai_status check(const char *path, const xai_training *training, const double *scores, const xai_image *test,
                        const xai_influence_record *record, size_t n_shown)
{
    const char *missing = training == NULL ? "training"
                          : scores == NULL ? "scores"
                          : test == NULL   ? "test"
                          : record == NULL ? "record"
                                           : NULL;

    if (missing != NULL)
        return xai__fail(XAI_E_INVALID, "%s is NULL", missing);
    if (training->session == NULL)
        return xai__fail(XAI_E_UNSUPPORTED, "the training set has features and no pictures");
    if (n_shown > MOST_SHOWN)
        return xai__fail(XAI_E_INVALID, "a page shows at most %d pictures of each kind, got %zu", MOST_SHOWN, n_shown);
    for (size_t i = 0; i < training->n; i++)
        if (!isfinite(scores[i]))
            return xai__fail(XAI_E_INVALID, "score %zu is not finite", i);
    return xai__file_check_path(path);
}

xai_status xai_influence_page(const char *path, const xai_training *training, const double *scores,
                              const xai_image *test, const char *name, const xai_influence_record *record,
                              size_t n_shown)
{
    page p = { .training = training, .scores = scores };
    uint32_t *order;
    xai_status status;

    xai__enter();
    status = check(path, training, scores, test, record, n_shown);
    if (status < 0)
        return status;
    order = xai__alloc_array(training->object.context, training->n, sizeof *order);
    if (order == NULL)
        return XAI_E_NO_MEMORY;
    xai_influence_rank(order, scores, training->n);
    p.order = order;
    for (size_t i = 0; i<training->n; i += training->n> 1 ? training->n - 1 : 1) {
        double end = scores[order[i]];

        p.largest = end > p.largest ? end : -end > p.largest ? -end : p.largest;
    }
    xai__text_init(&p.text, training->object.context);
    status = write_page(&p, path, test, name != NULL ? name : "test picture", record, n_shown > 0 ? n_shown : 12);
    xai__text_fini(&p.text);
    xai__free(training->object.context, order);
    return status;
}
