/* SPDX-License-Identifier: MIT
 * Trees as one HTML page that asks for nothing else: its style and script are page.css and page.js, its data is JSON.
 */
#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "core/number.h"
#include "io/svg.h"
#include "tree/outline.h"
#include "tree/page.h"

#define NONE XAI__OUTLINE_NONE

/* A browser takes a second or so for as many. */
enum { MAX_NODES = 200000 };

/* The page, nothing in which comes from the tree. Its policy forbids to load anything, from itself included. */
static const char head[] =
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; "
    "script-src 'unsafe-inline'; base-uri 'none'; form-action 'none'\">\n";

static const char tools[] =
    "<div class=\"tools\" role=\"toolbar\" aria-label=\"View\">\n"
    "<input id=\"find\" type=\"search\" placeholder=\"Find a name ( / )\" aria-label=\"Find a name\" "
    "autocomplete=\"off\" spellcheck=\"false\">\n"
    "<span id=\"found\" role=\"status\"></span>\n"
    "<button id=\"path\" type=\"button\" title=\"Only the path of the prediction\">Path</button>\n"
    "<button id=\"open\" type=\"button\" title=\"Every node\">Expand all</button>\n"
    "<button id=\"close\" type=\"button\" title=\"Only the root\">Collapse</button>\n"
    "<button id=\"out\" type=\"button\" title=\"Zoom out ( - )\" aria-label=\"Zoom out\">&#8722;</button>\n"
    "<button id=\"in\" type=\"button\" title=\"Zoom in ( + )\" aria-label=\"Zoom in\">+</button>\n"
    "<button id=\"fit\" type=\"button\" title=\"All that is open ( 0 )\">Fit</button>\n"
    "</div>\n";

static const char body[] =
    "<main>\n"
    "<svg id=\"canvas\" xmlns=\"http://www.w3.org/2000/svg\"><g id=\"world\">"
    "<g id=\"edges\" aria-hidden=\"true\"><path id=\"lines\"/><path id=\"way\" class=\"path\"/></g>"
    "<g id=\"nodes\" role=\"tree\" aria-label=\"Tree\"></g></g></svg>\n"
    "<p id=\"count\"></p>\n"
    "</main>\n"
    "<aside aria-label=\"Details\">\n"
    "<section id=\"decisions\"></section>\n<section id=\"node\" aria-live=\"polite\"></section>\n"
    "<section id=\"classes\"></section>\n";

/* --- data --- */

/* What ends a script or begins a comment in HTML is written as JSON's \u escape. */
static void add_character(xai__text *text, char c)
{
    if (c == '"' || c == '\\')
        xai__text_add(text, "\\%c", c);
    else
        xai__text_add(text, "\\u%04x", (unsigned char)c);
}

/* Names in an outline have no control characters and are UTF-8. */
static void add_string(xai__text *text, const char *words)
{
    xai__text_add(text, "\"");
    while (*words != '\0') {
        size_t n = strcspn(words, "\"\\<>&'");

        xai__text_add(text, "%.*s", (int)n, words);
        words += n;
        if (*words != '\0')
            add_character(text, *words++);
    }
    xai__text_add(text, "\"");
}

typedef size_t (*place_fn)(const xai__outline_node *node);

static size_t get_name(const xai__outline_node *node)
{
    return node->name;
}

/* Only where the name does not say it. */
static size_t get_id(const xai__outline_node *node)
{
    return node->id != node->name ? node->id : 0;
}

static size_t get_outcome(const xai__outline_node *node)
{
    return node->outcome;
}

static size_t get_line_0(const xai__outline_node *node)
{
    return node->lines[0];
}

static size_t get_line_1(const xai__outline_node *node)
{
    return node->lines[1];
}

/* A list that would be empty throughout is left out. */
static bool has_any(const xai__outline *outline, place_fn get)
{
    for (uint32_t i = 0; i < outline->n_nodes; i++)
        if (get(&outline->nodes[i]) != 0)
            return true;
    return false;
}

/* In the page's order. */
static void add_strings(xai__text *text, const xai__outline *outline, place_fn get)
{
    for (uint32_t i = 0; i < outline->n_nodes; i++) {
        xai__text_add(text, i > 0 ? "," : "[");
        add_string(text, xai__outline_get(outline, get(&outline->nodes[outline->order[i]])));
    }
    xai__text_add(text, "]");
}

/* The page numbers nodes by their place in the order. */
static xai_status add_parents(xai__text *text, const xai__outline *outline)
{
    uint32_t *place = xai__alloc_array(outline->context, outline->n_nodes, sizeof *place);

    if (place == NULL)
        return XAI_E_NO_MEMORY;
    for (uint32_t i = 0; i < outline->n_nodes; i++)
        place[outline->order[i]] = i;
    xai__text_add(text, "{\"parent\":[-1");
    for (uint32_t i = 1; i < outline->n_nodes; i++)
        xai__text_add(text, ",%u", place[outline->nodes[outline->order[i]].parent]);
    xai__text_add(text, "]");
    xai__free(outline->context, place);
    return XAI_OK;
}

/* Single precision is plenty, and half as long. */
static void add_probabilities(xai__text *text, const xai__outline *outline)
{
    char number[XAI__NUMBER_SIZE];

    xai__text_add(text, ",\n\"p\":");
    for (uint32_t i = 0; i < outline->n_nodes; i++)
        xai__text_add(text, "%s%s", i > 0 ? "," : "[",
                      xai__number_write_float(number, (float)outline->nodes[outline->order[i]].probability));
    xai__text_add(text, "]");
}

/* Nodes of a path follow each other in the order, the root first. */
static void add_path(xai__text *text, const xai__outline *outline)
{
    const xai__outline_node *leaf = &outline->nodes[outline->leaf];

    xai__text_add(text, ",\n\"path\":");
    for (uint32_t i = 0; i < outline->n_nodes; i++)
        if (outline->nodes[outline->order[i]].on_path)
            xai__text_add(text, "%s%u", i > 0 ? "," : "[", i);
    xai__text_add(text, "],\n\"prediction\":");
    add_string(text, xai__outline_get(outline, leaf->outcome != 0 ? leaf->outcome : leaf->name));
}

/* Columns instead of an object a node: a third of the size, and quick to read. */
static xai_status add_data(xai__text *text, const xai__outline *outline)
{
    xai_status status = add_parents(text, outline);

    if (status < 0)
        return status;
    xai__text_add(text, ",\n\"name\":");
    add_strings(text, outline, get_name);
    xai__text_add(text, ",\n\"id\":");
    add_strings(text, outline, get_id);
    if (has_any(outline, get_outcome)) {
        xai__text_add(text, ",\n\"outcome\":");
        add_strings(text, outline, get_outcome);
    }
    if (has_any(outline, get_line_0) || has_any(outline, get_line_1)) {
        xai__text_add(text, ",\n\"lines\":[");
        add_strings(text, outline, get_line_0);
        xai__text_add(text, ",\n");
        add_strings(text, outline, get_line_1);
        xai__text_add(text, "]");
    }
    if (outline->leaf != NONE && outline->nodes[outline->leaf].probability >= 0)
        add_probabilities(text, outline);
    if (outline->leaf != NONE)
        add_path(text, outline);
    xai__text_add(text, "}");
    return XAI_OK;
}

/* --- the page --- */

static void add_title(xai__text *text, const xai__outline *outline)
{
    if (outline->title != 0)
        xai__svg_words(text, xai__outline_get(outline, outline->title));
    else
        xai__text_add(text, "Tree with %u leaves", outline->n_leaves);
}

/* Readers without scripts get the answer at least. */
static void add_fallback(xai__text *text, const xai__outline *outline)
{
    xai__text sentence;

    xai__text_init(&sentence, outline->context);
    xai__outline_sentence(&sentence, outline);
    xai__text_add(text, "<noscript><p>");
    xai__svg_words(text, xai__text_get(&sentence));
    xai__text_add(text, "</p><p>The drawing needs scripts; the SVG of the same tree does not.</p></noscript>\n");
    text->failed |= sentence.failed;
    xai__text_fini(&sentence);
}

/* The data stands before the script, in an element of its own: the browser has it parsed by the time the script runs,
 * and a reader of the source finds it as plain JSON. */
xai_status xai__export_html(xai__text *text, const xai__outline *outline)
{
    xai_status status;

    if (outline->n_nodes > MAX_NODES)
        return xai__fail(XAI_E_LIMIT, "%u nodes are too many for a page, at most %d are drawn; JSON and DOT take more",
                         outline->n_nodes, MAX_NODES);
    xai__text_add(text, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n%s<title>", head);
    add_title(text, outline);
    xai__text_add(text, "</title>\n<style>\n%s</style>\n</head>\n<body>\n<header>\n<h1>", page_style);
    add_title(text, outline);
    xai__text_add(text, "</h1>\n%s</header>\n%s", tools, body);
    add_fallback(text, outline);
    xai__text_add(text, "</aside>\n<script type=\"application/json\" id=\"data\">");
    status = add_data(text, outline);
    xai__text_add(text, "</script>\n<script>\n%s</script>\n</body>\n</html>\n", page_script);
    return status;
}
