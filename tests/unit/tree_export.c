/* SPDX-License-Identifier: MIT
 * Trees drawn: exact texts of a small one, names that would be markup, chains, wide trees, files whole or not at all.
 */
#include <stdbool.h>
#include <sys/stat.h>

#include "files.h"
#include "io/json.h"

/* Five leaves; the logits below lead to the cat, whose name is markup in every format. */
static const char animals[] =
    "{\"nodes\":[{\"id\":\"r\",\"label\":\"whole\"},{\"id\":\"a\",\"label\":\"animal\"},{\"id\":\"v\"},"
    "{\"id\":\"c\",\"label\":\"cat <b>&\\\"'\\\\\"},{\"id\":\"d\",\"label\":\"dog\"},"
    "{\"id\":\"t\",\"label\":\"truck\\n\\u001b\\u202e\"}],"
    "\"links\":[{\"source\":\"r\",\"target\":\"a\"},{\"source\":\"r\",\"target\":\"v\"},"
    "{\"source\":\"a\",\"target\":\"c\"},{\"source\":\"a\",\"target\":\"d\"},{\"source\":\"v\",\"target\":\"t\"}]}";
static const float logits[3] = { 3, 1, 0 };

static xai_context *context;

static void set_up(void)
{
    context = testing_context(1);
}

static void tear_down(void)
{
    xai_context_unref(context);
}

static xai_tree *load(const char *json)
{
    xai_tree *tree;

    ck_assert_ok(xai_tree_load_memory(&tree, context, json, strlen(json)));
    return tree;
}

/* The whole export; the caller frees it. */
static char *export(const xai_tree *tree, uint32_t format, const xai_export_options *options)
{
    size_t length = xai_tree_export(tree, format, options, NULL, 0);
    char *text = malloc(length + 1);

    ck_assert_msg(length > 0, "format %u: %s", format, xai_last_error());
    ck_assert_uint_eq(xai_tree_export(tree, format, options, text, length + 1), length);
    ck_assert_uint_eq(strlen(text), length);
    return text;
}

static size_t count(const char *text, const char *words)
{
    size_t n = 0;

    for (; (text = strstr(text, words)) != NULL; text++)
        n++;
    return n;
}

static xai_export_options with_row(const float *row, size_t size)
{
    return (xai_export_options){ .struct_size = sizeof(xai_export_options), .row = row, .row_size = size };
}

START_TEST(draws_text)
{
    xai_tree *tree = load(animals);
    char *text = export(tree, XAI_TREE_TEXT, NULL);

    ck_assert_str_eq(text, "whole\n"
                           "├── animal\n"
                           "│   ├── cat <b>&\"'\\\n"
                           "│   └── dog\n"
                           "└── v\n"
                           "    └── truck␊␛\xef\xbf\xbd\n");
    free(text);
    xai_tree_unref(tree);
}
END_TEST

START_TEST(draws_the_path_as_text)
{
    static const char *const names[] = { "Katze", NULL, "Laster" };
    xai_tree *tree = load(animals);
    xai_export_options options = with_row(logits, 3);
    char *text;

    options.title = "One picture";
    options.class_names = names;
    text = export(tree, XAI_TREE_TEXT, &options);
    /* softmax of (2, 0) and of (3, 1) */
    ck_assert_str_eq(text, "One picture\n"
                           "Prediction: Katze // Decisions: animal (88.08%), Katze (88.08%)\n"
                           "\n"
                           "* whole\n"
                           "* ├── animal (88.08%)\n"
                           "* │   ├── Katze (88.08%)\n"
                           "  │   └── dog (11.92%)\n"
                           "  └── v (11.92%)\n"
                           "      └── Laster (100.00%)\n");
    free(text);
    xai_tree_unref(tree);
}
END_TEST

/* The likelier child holds two classes that share its probability, so the modes part. */
START_TEST(follows_the_mode)
{
    static const float row[3] = { 1, 1, 0.9f };
    xai_tree *tree = load(animals);
    xai_export_options options = with_row(row, 3);
    char *hard = export(tree, XAI_TREE_TEXT, &options), *soft;

    options.mode = XAI_TREE_SOFT;
    soft = export(tree, XAI_TREE_TEXT, &options);
    ck_assert_ptr_nonnull(strstr(hard, "* ├── animal (52.50%)\n* │   ├── cat"));
    ck_assert_ptr_nonnull(strstr(soft, "  ├── animal (52.50%)\n"));
    ck_assert_ptr_nonnull(strstr(soft, "* └── v (47.50%)\n*     └── truck"));
    free(hard);
    free(soft);
    xai_tree_unref(tree);
}
END_TEST

START_TEST(draws_dot)
{
    xai_tree *tree = load(animals);
    xai_export_options options = with_row(logits, 3);
    char *text = export(tree, XAI_TREE_DOT, &options);

    ck_assert_ptr_nonnull(strstr(text, "digraph tree {\n"));
    ck_assert_ptr_nonnull(strstr(text, "n3 [label=\"cat &lt;b&gt;&amp;\\\"'\\\\\\n88.08%\""));
    ck_assert_ptr_nonnull(strstr(text, "  n0 -> n1 [penwidth=3"));
    ck_assert_ptr_nonnull(strstr(text, "  n0 -> n2;\n"));
    ck_assert_str_eq(text + strlen(text) - 2, "}\n");
    free(text);
    xai_tree_unref(tree);
}
END_TEST

START_TEST(draws_svg)
{
    xai_tree *tree = load(animals);
    xai_export_options options = with_row(logits, 3);
    char *text;

    options.title = "</title><script>";
    text = export(tree, XAI_TREE_SVG, &options);
    ck_assert_ptr_nonnull(strstr(text, "<title>&lt;/title&gt;&lt;script&gt;</title>\n<desc>Prediction: cat &lt;b&gt;"));
    ck_assert_ptr_nonnull(
        strstr(text, ">cat &lt;b&gt;&amp;&quot;&#39;\\<tspan class=\"more\" dx=\"6\">88.08%</tspan>"));
    ck_assert_uint_eq(count(text, "<path class=\"edge path\""), 2);
    ck_assert_uint_eq(count(text, "<path class=\"edge\""), 3);
    ck_assert_uint_eq(count(text, "<g class=\"node"), 6);
    ck_assert_uint_eq(count(text, "\"node leaf path\""), 1);
    ck_assert_uint_eq(count(text, "<script") + count(text, "<b>"), 0);
    free(text);
    xai_tree_unref(tree);
}
END_TEST

/* The picture reaches to the end of its last word, and a long name is cut short but whole in its tip. */
START_TEST(keeps_svg_in_its_frame)
{
    char json[512], name[201] = "";
    unsigned width = 0, height = 0, x = 0, y = 0;
    xai_tree *tree;
    char *text;

    memset(name, 'W', 200);
    snprintf(json, sizeof json,
             "{\"nodes\":[{\"id\":\"r\"},{\"id\":\"%s\"}],\"links\":[{\"source\":\"r\",\"target\":\"%s\"}]}", name,
             name);
    tree = load(json);
    text = export(tree, XAI_TREE_SVG, NULL);
    ck_assert_int_eq(sscanf(strstr(text, " width="), " width=\"%u\" height=\"%u\"", &width, &height), 2);
    ck_assert_int_eq(sscanf(strstr(strstr(text, "\"node leaf\""), "<text"), "<text x=\"%u\" y=\"%u\"", &x, &y), 2);
    ck_assert_uint_eq(width, x + 360 + 6 + 16);
    ck_assert_uint_gt(height, y);
    ck_assert_uint_eq(count(text, "WWW…</text>"), 1);
    ck_assert_ptr_nonnull(strstr(text, "<title>WWWW"));
    ck_assert_ptr_nonnull(strstr(text, "WWWW</title>"));
    free(text);
    xai_tree_unref(tree);
}
END_TEST

/* The page's data, checked to be JSON; the caller frees it. */
static xai__json *read_data(const char *page)
{
    const char *start = strstr(page, "id=\"data\">") + strlen("id=\"data\">"), *end = strstr(start, "</script>");
    xai__json *json;

    ck_assert_ptr_null(memchr(start, '<', (size_t)(end - start)));
    ck_assert_ok(xai__json_parse(&json, context, "page", start, (size_t)(end - start), NULL));
    return json;
}

static const char *get_string(const xai__json *json, const char *key, size_t index)
{
    xai__json_value list, value;
    const char *words;

    ck_assert_ok(xai__json_get(&list, xai__json_root(json), key));
    ck_assert_ok(xai__json_at(&value, list, index));
    ck_assert_ok(xai__json_string(&words, value));
    return words;
}

static double get_number(const xai__json *json, const char *key, size_t index)
{
    xai__json_value list, value;
    double number;

    ck_assert_ok(xai__json_get(&list, xai__json_root(json), key));
    ck_assert_ok(xai__json_at(&value, list, index));
    ck_assert_ok(xai__json_number(&number, value));
    return number;
}

/* The page says what the tree says, in its own order, and no name gets out of its data. */
START_TEST(writes_a_page)
{
    static const int parents[6] = { -1, 0, 1, 1, 0, 4 };
    static const char *const names[3] = { "</script><script>alert(1)</script>", "<!--", "]]>" };
    xai_tree *tree = load(animals);
    xai_export_options options = with_row(logits, 3);
    const char *prediction;
    xai__json *json;
    char *page;

    options.title = "</title><script>alert(2)</script>";
    options.class_names = names;
    page = export(tree, XAI_TREE_HTML, &options);
    json = read_data(page);
    for (size_t i = 0; i < 6; i++)
        ck_assert_int_eq((int)get_number(json, "parent", i), parents[i]);
    ck_assert_str_eq(get_string(json, "name", 0), "whole");
    ck_assert_str_eq(get_string(json, "name", 2), names[0]);
    ck_assert_str_eq(get_string(json, "name", 3), "<!--");
    ck_assert_str_eq(get_string(json, "id", 2), "c");
    ck_assert_str_eq(get_string(json, "id", 4), ""); /* the name says it */
    ck_assert(get_number(json, "p", 2) > 0.8807 && get_number(json, "p", 2) < 0.8809);
    for (size_t i = 0; i < 3; i++)
        ck_assert_int_eq((int)get_number(json, "path", i), (int)i);
    ck_assert_ok(xai__json_get_string(&prediction, xai__json_root(json), "prediction"));
    ck_assert_str_eq(prediction, names[0]);
    ck_assert_uint_eq(count(page, "<script"), 2);
    ck_assert_uint_eq(count(page, "</script"), 2);
    ck_assert_uint_eq(count(page, "<title>&lt;/title&gt;&lt;script&gt;alert(2)&lt;/script&gt;</title>"), 1);
    xai__json_free(json);
    free(page);
    xai_tree_unref(tree);
}
END_TEST

/* Nothing is fetched from anywhere: the only address is the name of SVG. */
START_TEST(writes_a_page_of_its_own)
{
    static const char svg[] = "http://www.w3.org/2000/svg";
    xai_tree *tree = load(animals);
    char *page = export(tree, XAI_TREE_HTML, NULL);

    ck_assert_uint_eq(count(page, "//www"), count(page, svg));
    ck_assert_uint_eq(count(page, "https:") + count(page, "src=") + count(page, "<link") + count(page, "@import") +
                          count(page, "url(") + count(page, "fetch("),
                      0);
    ck_assert_uint_eq(count(page, "default-src 'none'"), 1);
    ck_assert_uint_eq(count(page, "<title>Tree with 3 leaves</title>"), 1);
    ck_assert_uint_eq(count(page, "\"path\":"), 0);
    free(page);
    xai_tree_unref(tree);
}
END_TEST

/* Read back, the JSON is the same tree; what options say has no place in it. */
START_TEST(writes_json)
{
    xai_tree *tree = load(animals), *again;
    xai_export_options options = with_row(logits, 3);
    char *text = export(tree, XAI_TREE_JSON, &options), *drawn, *drawn_again;

    again = load(text);
    drawn = export(tree, XAI_TREE_TEXT, &options);
    drawn_again = export(again, XAI_TREE_TEXT, &options);
    ck_assert_str_eq(drawn, drawn_again);
    free(text);
    free(drawn);
    free(drawn_again);
    xai_tree_unref(tree);
    xai_tree_unref(again);
}
END_TEST

START_TEST(keeps_to_the_buffer)
{
    xai_tree *tree = load(animals);
    char *text = export(tree, XAI_TREE_TEXT, NULL), small[12] = "xxxxxxxxxxx";

    ck_assert_uint_eq(xai_tree_export(tree, XAI_TREE_TEXT, NULL, small, 4), strlen(text));
    ck_assert_str_eq(small, "who");
    ck_assert_int_eq(small[4], 'x');
    ck_assert_uint_eq(xai_tree_export(tree, XAI_TREE_TEXT, NULL, small, 1), strlen(text));
    ck_assert_str_eq(small, "");
    free(text);
    xai_tree_unref(tree);
}
END_TEST

/* A failed export: 0, the empty text, a sentence. */
static void refuse(const xai_tree *tree, uint32_t format, const xai_export_options *options, const char *words)
{
    char buffer[8] = "before";

    ck_assert_uint_eq(xai_tree_export(tree, format, options, buffer, sizeof buffer), 0);
    ck_assert_msg(strstr(xai_last_error(), words) != NULL, "\"%s\" lacks \"%s\"", xai_last_error(), words);
    if (tree != NULL && format <= XAI_TREE_HTML)
        ck_assert_str_eq(buffer, "");
}

START_TEST(refuses_options)
{
    static const float nan_row[3] = { 0, 0, 0.0f / 0.0f };
    xai_tree *tree = load(animals);
    xai_export_options options = with_row(logits, 2);

    refuse(tree, XAI_TREE_TEXT, &options, "the row has 2 numbers, but the tree takes 3");
    options = with_row(NULL, 3);
    refuse(tree, XAI_TREE_TEXT, &options, "row is NULL, but its size is 3");
    options = with_row(nan_row, 3);
    refuse(tree, XAI_TREE_TEXT, &options, "logit 2 of row 0 is NaN or infinite");
    options = with_row(logits, 3);
    options.mode = 2;
    refuse(tree, XAI_TREE_TEXT, &options, "mode is 2");
    options.struct_size = 4;
    refuse(tree, XAI_TREE_TEXT, &options, "options");
    refuse(tree, 99, NULL, "there is no format 99");
    refuse(NULL, XAI_TREE_TEXT, NULL, "tree is NULL");
    ck_assert_uint_eq(xai_tree_export(tree, XAI_TREE_TEXT, NULL, NULL, 8), 0);
    ck_assert_ptr_nonnull(strstr(xai_last_error(), "buffer is NULL"));
    xai_tree_unref(tree);
}
END_TEST

/* --- large trees --- */

/* n nodes, each the child of parent(i). */
static xai_tree *grow(size_t n, size_t (*parent)(size_t node))
{
    size_t capacity = n * 64 + 64, length = 0;
    char *json = malloc(capacity);
    xai_tree *tree;

    length += (size_t)snprintf(json, capacity, "{\"nodes\":[");
    for (size_t i = 0; i < n; i++)
        length += (size_t)snprintf(json + length, capacity - length, "%s{\"id\":\"%zu\"}", i > 0 ? "," : "", i);
    length += (size_t)snprintf(json + length, capacity - length, "],\"links\":[");
    for (size_t i = 1; i < n; i++)
        length += (size_t)snprintf(json + length, capacity - length, "%s{\"source\":\"%zu\",\"target\":\"%zu\"}",
                                   i > 1 ? "," : "", parent(i), i);
    snprintf(json + length, capacity - length, "]}");
    tree = load(json);
    free(json);
    return tree;
}

static size_t chain(size_t node)
{
    return node - 1;
}

static size_t star(size_t node)
{
    return 0;
}

static size_t binary(size_t node)
{
    return (node - 1) / 2;
}

START_TEST(draws_chains)
{
    static const float row[1] = { 0 };
    xai_tree *tree = grow(100000, chain);
    xai_export_options options = with_row(row, 1);
    char *text = export(tree, XAI_TREE_DOT, &options);

    ck_assert_ptr_nonnull(strstr(text, "  n99998 -> n99999 [penwidth=3"));
    free(text);
    refuse(tree, XAI_TREE_TEXT, &options, "100000 nodes on 100000 levels are too deep for text");
    text = export(tree, XAI_TREE_HTML, &options);
    ck_assert_ptr_nonnull(strstr(text, ",99997,99998],\n\"name\""));
    free(text);
    refuse(tree, XAI_TREE_SVG, &options, "100000 nodes on 100000 levels are too many for one picture");
    xai_tree_unref(tree);
}
END_TEST

START_TEST(draws_wide_trees)
{
    xai_tree *tree = grow(20001, star);
    char *text = export(tree, XAI_TREE_TEXT, NULL);

    ck_assert_uint_eq(count(text, "\n"), 20001);
    ck_assert_ptr_nonnull(strstr(text, "├── 19999\n└── 20000\n"));
    free(text);
    xai_tree_unref(tree);
    tree = grow(200001, star);
    refuse(tree, XAI_TREE_HTML, NULL, "200001 nodes are too many for a page");
    xai_tree_unref(tree);
    tree = grow(4095, binary);
    text = export(tree, XAI_TREE_SVG, NULL);
    ck_assert_uint_eq(count(text, "<g class=\"node leaf\""), 2048);
    free(text);
    xai_tree_unref(tree);
}
END_TEST

/* --- nbdt's files --- */

static const char *const hierarchies[] = {
    "CIFAR10/graph-induced-ResNet10",
    "CIFAR10/graph-induced-ResNet18",
    "CIFAR10/graph-induced-wrn28_10_cifar10",
    "CIFAR10/graph-induced",
    "CIFAR10/graph-wordnet",
    "CIFAR100/graph-induced-ResNet18",
    "CIFAR100/graph-induced-wrn28_10_cifar100",
    "CIFAR100/graph-induced",
    "CIFAR100/graph-wordnet-single",
    "CIFAR100/graph-wordnet",
    "Imagenet1000/graph-induced-efficientnet_b7b",
    "TinyImagenet200/graph-induced-ResNet18",
    "TinyImagenet200/graph-induced-wrn28_10",
    "TinyImagenet200/graph-induced",
    "TinyImagenet200/graph-wordnet-single",
    "TinyImagenet200/graph-wordnet",
};

/* What each format has one of for each node, and one more for each node that a row passes. */
static const struct {
    uint32_t format;
    const char *node, *passed;
} marks[] = {
    { XAI_TREE_TEXT, "%)\n", "\n* " },
    { XAI_TREE_DOT, " [label=\"", ", penwidth=2" },
    { XAI_TREE_SVG, "<g class=\"node", "<g class=\"node" },
};

static void draw_in_every_format(const xai_tree *tree)
{
    size_t n = xai_tree_n_inputs(tree), n_steps;
    float *row = calloc(n, sizeof *row);
    xai_export_options options = with_row(row, n);
    char *page;

    options.title = "a title";
    row[n / 2] = 100;
    ck_assert_ok(xai_tree_decisions(&n_steps, tree, row, XAI_TREE_HARD, NULL, 0));
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
        char *text = export(tree, marks[i].format, &options);

        /* The root has no percentage, the sentence at the top has those of the path. */
        ck_assert_uint_eq(count(text, marks[i].node), xai_tree_n_nodes(tree));
        if (marks[i].passed != marks[i].node)
            ck_assert_uint_eq(count(text, marks[i].passed), n_steps);
        free(text);
    }
    page = export(tree, XAI_TREE_HTML, &options);
    xai__json_free(read_data(page));
    free(page);
    free(row);
}

START_TEST(draws_files_of_nbdt)
{
    char path[128];
    const char *full;
    xai_tree *tree;

    snprintf(path, sizeof path, "nbdt/hierarchies/%s.json", hierarchies[_i]);
    full = testing_data(path);
    if (full == NULL)
        return;
    ck_assert_ok(xai_tree_load(&tree, context, full));
    draw_in_every_format(tree);
    xai_tree_unref(tree);
}
END_TEST

/* --- files --- */

static char *read_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    char *bytes = calloc(1, 1 << 20);

    ck_assert_msg(file != NULL, "%s is not there", path);
    ck_assert_uint_lt(fread(bytes, 1, (1 << 20) - 1, file), (1 << 20) - 1);
    fclose(file);
    return bytes;
}

static const char *const endings[] = { ".txt", ".json", ".dot", ".svg", ".html" };

START_TEST(saves_by_ending)
{
    char *folder = files_folder();
    xai_tree *tree = load(animals);

    for (uint32_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        char name[32], *text = export(tree, i, NULL), *saved;

        snprintf(name, sizeof name, "tree%s", endings[i]);
        ck_assert_ok(xai_tree_save(tree, files_path(folder, name), NULL));
        saved = read_file(files_path(folder, name));
        ck_assert_str_eq(saved, text);
        unlink(files_path(folder, name));
        free(saved);
        free(text);
    }
    ck_assert_ok(xai_tree_save(tree, files_path(folder, "TREE.TXT"), NULL));
    files_remove(folder, (const char *const[]){ "TREE.TXT", NULL });
    xai_tree_unref(tree);
}
END_TEST

/* What fails leaves nothing behind, and what stood there before as it was. */
START_TEST(saves_whole_or_not_at_all)
{
    char *folder = files_folder(), *saved, name[2000];
    xai_tree *tree = load(animals);
    xai_export_options options = with_row(logits, 2);

    ck_assert_fails(xai_tree_save(tree, files_path(folder, "a.pdf"), NULL), XAI_E_INVALID, "a.pdf: expected a name");
    ck_assert_fails(xai_tree_save(tree, files_path(folder, "txt"), NULL), XAI_E_INVALID, "ends with .txt");
    ck_assert_fails(xai_tree_save(tree, "folder.txt/name", NULL), XAI_E_INVALID, "ends with .txt");
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    ck_assert_fails(xai_tree_save(tree, name, NULL), XAI_E_INVALID, "xxx: expected a name that ends with .txt");
    ck_assert_fails(xai_tree_save(tree, files_path(folder, "no/a.txt"), NULL), XAI_E_IO, "cannot write");
    files_write_text(folder, "a.txt", "before");
    ck_assert_fails(xai_tree_save(tree, files_path(folder, "a.txt"), &options), XAI_E_SHAPE, "the row has 2");
    saved = read_file(files_path(folder, "a.txt"));
    ck_assert_str_eq(saved, "before");
    free(saved);
    ck_assert_fails(xai_tree_save(NULL, "a.txt", NULL), XAI_E_INVALID, "tree is NULL");
    ck_assert_fails(xai_tree_save(tree, NULL, NULL), XAI_E_INVALID, "path is NULL");
    files_remove(folder, (const char *const[]){ "a.txt", NULL });
    xai_tree_unref(tree);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("tree_export");
    TCase *cases = tcase_create("all");

    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, draws_text);
    tcase_add_test(cases, draws_the_path_as_text);
    tcase_add_test(cases, follows_the_mode);
    tcase_add_test(cases, draws_dot);
    tcase_add_test(cases, draws_svg);
    tcase_add_test(cases, keeps_svg_in_its_frame);
    tcase_add_test(cases, writes_a_page);
    tcase_add_test(cases, writes_a_page_of_its_own);
    tcase_add_test(cases, writes_json);
    tcase_add_test(cases, keeps_to_the_buffer);
    tcase_add_test(cases, refuses_options);
    tcase_add_test(cases, draws_chains);
    tcase_add_test(cases, draws_wide_trees);
    tcase_add_loop_test(cases, draws_files_of_nbdt, 0, sizeof hierarchies / sizeof *hierarchies);
    tcase_add_test(cases, saves_by_ending);
    tcase_add_test(cases, saves_whole_or_not_at_all);
    suite_add_tcase(suite, cases);
    return suite;
}

TESTING_MAIN(make_suite)
