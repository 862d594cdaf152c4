/* SPDX-License-Identifier: MIT
 * Trees as SVG: from left to right, a leaf a row, the row's path in blue and bold. */
#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "io/svg.h"
#include "tree/layout.h"

#define NONE XAI__OUTLINE_NONE

/* Beyond these nobody finds a way through a picture that can neither be folded nor searched. */
enum { MAX_NODES = 50000, MAX_LEVELS = 1000 };

/* In pixels. */
enum {
    FONT = 12,
    LINE = 15,
    PADDING = 6,     /* left and right of a box's words */
    GAP = 30,        /* between levels */
    SPACE = 6,       /* between a name and its probability */
    MARGIN = 16,     /* of the picture */
    MAX_WORDS = 360, /* of a line in a box; tips hold the rest */
    HEAD = 560       /* width for title and sentence, however small the tree is */
};

static const char style[] = XAI__SVG_FONT
    "text{font-size:12px;fill:#1f2328}"
    ".title{font-size:18px;font-weight:bold}.sentence{font-size:13px}"
    ".edge{fill:none;stroke:#b4bdc7}.node rect{fill:#f3f5f7;stroke:#c5cdd6}.leaf rect{fill:none;stroke:none}"
    ".path text,.outcome{font-weight:bold}.path "
    "rect{fill:#d7e6ff;stroke:#0b57d0}.edge.path{stroke:#0b57d0;stroke-width:3}"
    ".more{fill:#59636e}.path .more{fill:#1f2328}";

typedef struct picture {
    xai__text *text;
    const xai__outline *outline;
    xai__text sentence;
    uint32_t *widths;
    uint32_t n_lines; /* of the tallest box */
    xai__layout layout;
} picture;

/* --- sizes --- */

/* What stands in a box besides the name: the outcome and the further lines, those there are. */
static const char *get_line(const xai__outline *outline, const xai__outline_node *node, uint32_t which)
{
    size_t places[1 + XAI__OUTLINE_LINES] = { node->outcome };
    uint32_t n = 0;

    memcpy(places + 1, node->lines, sizeof node->lines);
    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        if (places[i] != 0 && n++ == which)
            return xai__outline_get(outline, places[i]);
    return NULL;
}

static bool is_outcome(const xai__outline_node *node, uint32_t which)
{
    return which == 0 && node->outcome != 0;
}

static bool is_bold(const xai__outline_node *node, uint32_t which)
{
    return node->on_path || is_outcome(node, which);
}

/* As it is drawn: cut short, if need be. */
static uint32_t line_width(const char *words, bool bold)
{
    uint32_t width = xai__svg_width(words, FONT, bold);

    return width < MAX_WORDS ? width : MAX_WORDS;
}

/* The root has no siblings to share with. */
static bool shows_probability(const xai__outline_node *node)
{
    return node->probability >= 0 && node->parent != NONE;
}

/* A box is as wide as its widest line; all rows are as high as the tallest box. */
static void measure(picture *p, uint32_t index)
{
    const xai__outline_node *node = &p->outline->nodes[index];
    char percent[XAI__OUTLINE_PERCENT];
    uint32_t width = line_width(xai__outline_get(p->outline, node->name), node->on_path), n_lines = 1;
    const char *words;

    if (shows_probability(node))
        width += SPACE + line_width(xai__outline_percent(percent, node->probability), node->on_path);
    for (; (words = get_line(p->outline, node, n_lines - 1)) != NULL; n_lines++)
        if (line_width(words, is_bold(node, n_lines - 1)) > width)
            width = line_width(words, is_bold(node, n_lines - 1));
    p->widths[index] = width + 2 * PADDING;
    p->n_lines = n_lines > p->n_lines ? n_lines : p->n_lines;
}

/* A paragraph of the head. */
typedef struct paragraph {
    const char *words, *class;
    uint32_t font, line;
    bool bold;
} paragraph;

/* Breaks the lines where draw_paragraph() will. */
static uint32_t paragraph_height(const paragraph *of)
{
    uint32_t height = 0;

    for (const char *at = of->words; *at != '\0'; at += xai__svg_fit_line(at, of->font, of->bold, HEAD))
        height += of->line;
    return height;
}

/* --- drawing --- */

/* Adds up to length bytes of words, escaped. */
static void add_part(xai__text *text, const char *words, size_t length)
{
    xai__text part;

    xai__text_init(&part, text->context);
    xai__text_add(&part, "%.*s", (int)length, words);
    xai__svg_words(text, xai__text_get(&part));
    text->failed |= part.failed;
    xai__text_fini(&part);
}

/* The ellipsis is as wide as the font is high, at most. */
static void add_shortened(xai__text *text, const char *words, bool bold)
{
    if (xai__svg_width(words, FONT, bold) <= MAX_WORDS) {
        xai__svg_words(text, words);
        return;
    }
    add_part(text, words, xai__svg_fit(words, FONT, bold, MAX_WORDS - FONT));
    xai__text_add(text, "…");
}

/* Straight to the end of the level, so that it passes every box there, and bent only in the gap behind it. */
static void draw_edge(picture *p, uint32_t index)
{
    const xai__outline_node *node = &p->outline->nodes[index];
    const xai__layout *at = &p->layout;
    uint32_t parent = node->parent, x = at->x[index], bend = x - GAP / 2;

    if (parent == NONE)
        return;
    xai__text_add(p->text, "<path class=\"edge%s\" d=\"M%u %uH%uC%u %u %u %u %u %u\"/>\n", node->on_path ? " path" : "",
                  at->x[parent] + p->widths[parent], at->y[parent], x - GAP, bend, at->y[parent], bend, at->y[index], x,
                  at->y[index]);
}

/* What a pointer that rests on a node is told: the whole name, the id, the probability. */
static void draw_tip(picture *p, const xai__outline_node *node)
{
    char percent[XAI__OUTLINE_PERCENT];

    xai__text_add(p->text, "<title>");
    xai__svg_words(p->text, xai__outline_get(p->outline, node->name));
    if (node->id != node->name) {
        xai__text_add(p->text, " · ");
        xai__svg_words(p->text, xai__outline_get(p->outline, node->id));
    }
    if (shows_probability(node))
        xai__text_add(p->text, " · %s", xai__outline_percent(percent, node->probability));
    xai__text_add(p->text, "</title>");
}

static void draw_words(picture *p, uint32_t index, uint32_t x, uint32_t y)
{
    const xai__outline_node *node = &p->outline->nodes[index];
    char percent[XAI__OUTLINE_PERCENT];
    const char *words;

    xai__text_add(p->text, "<text x=\"%u\" y=\"%u\">", x, y);
    add_shortened(p->text, xai__outline_get(p->outline, node->name), node->on_path);
    if (shows_probability(node))
        xai__text_add(p->text, "<tspan class=\"more\" dx=\"%d\">%s</tspan>", SPACE,
                      xai__outline_percent(percent, node->probability));
    xai__text_add(p->text, "</text>");
    for (uint32_t i = 0; (words = get_line(p->outline, node, i)) != NULL; i++) {
        xai__text_add(p->text, "<text class=\"%s\" x=\"%u\" y=\"%u\">", is_outcome(node, i) ? "outcome" : "more", x,
                      y + (i + 1) * LINE);
        add_shortened(p->text, words, is_bold(node, i));
        xai__text_add(p->text, "</text>");
    }
}

/* A box around words; of leaves that are one word, only the path's is drawn. */
static void draw_node(picture *p, uint32_t index)
{
    const xai__outline_node *node = &p->outline->nodes[index];
    uint32_t n_lines = 1, x = p->layout.x[index], height, top;

    while (get_line(p->outline, node, n_lines - 1) != NULL)
        n_lines++;
    height = n_lines * LINE + 2;
    top = p->layout.y[index] - height / 2;
    xai__text_add(p->text, "<g class=\"node%s%s\">", node->first_child == NONE && n_lines == 1 ? " leaf" : "",
                  node->on_path ? " path" : "");
    draw_tip(p, node);
    xai__text_add(p->text, "<rect x=\"%u\" y=\"%u\" width=\"%u\" height=\"%u\" rx=\"4\"/>", x, top, p->widths[index],
                  height);
    draw_words(p, index, x + PADDING, top + 13);
    xai__text_add(p->text, "</g>\n");
}

/* Returns where the next one begins. */
static uint32_t draw_paragraph(picture *p, const paragraph *of, uint32_t y)
{
    size_t length;

    for (const char *at = of->words; *at != '\0'; at += length) {
        length = xai__svg_fit_line(at, of->font, of->bold, HEAD);
        xai__text_add(p->text, "<text class=\"%s\" x=\"%d\" y=\"%u\">", of->class, MARGIN, y + of->font);
        add_part(p->text, at, length);
        xai__text_add(p->text, "</text>\n");
        y += of->line;
    }
    return y;
}

/* Edges first, those of the path over the others; then the boxes. */
static void draw_tree(picture *p)
{
    const xai__outline *outline = p->outline;

    for (int on_path = 0; on_path < 2; on_path++)
        for (uint32_t i = 0; i < outline->n_nodes; i++)
            if (outline->nodes[outline->order[i]].on_path == on_path)
                draw_edge(p, outline->order[i]);
    for (uint32_t i = 0; i < outline->n_nodes; i++)
        draw_node(p, outline->order[i]);
}

/* The tree below the head, and the picture at least as wide as that. */
static xai_status place(picture *p, uint32_t head)
{
    xai__layout_options options = { .row_height = p->n_lines * LINE + 5, .gap = GAP, .left = MARGIN };
    xai_status status;

    options.top = MARGIN + head;
    options.widths = p->widths;
    status = xai__layout_create(&p->layout, p->outline, &options);
    if (status == XAI_OK && head > 0 && p->layout.right < MARGIN + HEAD)
        p->layout.right = MARGIN + HEAD;
    return status;
}

/* Sizes before places, places before lines: a level is as wide as its widest box, known once all are measured. */
static xai_status draw(picture *p)
{
    paragraph title = { xai__outline_get(p->outline, p->outline->title), "title", 18, 26, true };
    paragraph sentence = { xai__text_get(&p->sentence), "sentence", 13, 19, false };
    uint32_t head = paragraph_height(&title) + paragraph_height(&sentence);
    xai_status status;

    p->widths = xai__alloc_array(p->outline->context, p->outline->n_nodes, sizeof *p->widths);
    if (p->widths == NULL)
        return XAI_E_NO_MEMORY;
    for (uint32_t i = 0; i < p->outline->n_nodes; i++)
        measure(p, i);
    status = place(p, head > 0 ? head + 10 : 0);
    if (status < 0)
        return status;
    xai__svg_begin(p->text, p->layout.right + MARGIN, p->layout.bottom + MARGIN, title.words, sentence.words, style);
    draw_paragraph(p, &sentence, draw_paragraph(p, &title, MARGIN));
    draw_tree(p);
    xai__svg_end(p->text);
    return XAI_OK;
}

xai_status xai__export_svg(xai__text *text, const xai__outline *outline)
{
    picture p = { .text = text, .outline = outline };
    xai_status status;

    if (outline->n_nodes > MAX_NODES || outline->n_levels > MAX_LEVELS)
        return xai__fail(XAI_E_LIMIT,
                         "%u nodes on %u levels are too many for one picture, at most %d on %d are drawn; HTML takes "
                         "more",
                         outline->n_nodes, outline->n_levels, MAX_NODES, MAX_LEVELS);
    xai__text_init(&p.sentence, outline->context);
    xai__outline_sentence(&p.sentence, outline);
    status = draw(&p);
    text->failed |= p.sentence.failed;
    xai__layout_fini(&p.layout);
    xai__text_fini(&p.sentence);
    xai__free(outline->context, p.widths);
    return status;
}
