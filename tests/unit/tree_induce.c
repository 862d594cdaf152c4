/* SPDX-License-Identifier: MIT
 * Hierarchies that are built: names from WordNet's database, shapes that nbdt's files have, refusals. */
#include <math.h>
#include <strings.h>

#include "io/weights.h"
#include "tree/hierarchy.h"
#include "tree/hypernyms.h"
#include "wordnet.h"

#define N_ANIMALS (sizeof wordnet_animals / sizeof *wordnet_animals)

static xai_context *context;
static wordnet_files db;
static char ids[WORDNET_MAX][16];

static void set_up(void)
{
    context = testing_context(2);
    wordnet_make(&db, wordnet_animals, N_ANIMALS);
    for (size_t i = 0; i < N_ANIMALS; i++)
        snprintf(ids[i], sizeof ids[i], "n%08u", db.offsets[i]);
}

static void tear_down(void)
{
    wordnet_remove(&db);
    xai_context_unref(context);
}

/* --- trees as texts: "name(child child)", children sorted by the lowest class below --- */

static void print_node(char **at, const xai__hierarchy *h, uint32_t index)
{
    const xai__hierarchy_node *node = &h->nodes[index];

    *at += sprintf(*at, "%s", node->label);
    for (uint32_t i = 0; i < node->n_contractions; i++)
        *at += sprintf(*at, "+%s", h->contractions[node->first_contraction + i].label);
    for (uint32_t i = 0; i < node->n_children; i++) {
        *at += sprintf(*at, i > 0 ? " " : "(");
        print_node(at, h, node->first + i);
    }
    *at += sprintf(*at, node->n_children > 0 ? ")" : "");
}

static void check_shape(xai_tree *tree, const char *expected)
{
    char text[4096], *at = text;

    print_node(&at, (xai__hierarchy *)tree, 0);
    ck_assert_str_eq(text, expected);
    xai_tree_unref(tree);
}

static xai_induce_options options_for(const char *method)
{
    return (xai_induce_options){ .struct_size = sizeof(xai_induce_options), .method = method, .wordnet = db.folder };
}

static xai_tree *induce(const xai_tensor *weights, size_t n, const xai_induce_options *options)
{
    xai_tree *tree = NULL;

    ck_assert_ok(xai_tree_induce(&tree, context, weights, n, options));
    return tree;
}

/* Six classes on a line. */
static xai_tensor *make_weights(void)
{
    static const float rows[12] = { 0, 0, 1, 0, 4, 0, 20, 0, 21, 1, 40, 0 };
    const int64_t shape[2] = { 6, 2 };
    xai_tensor *weights = NULL;

    ck_assert_ok(xai_tensor_create(&weights, context, shape, 2));
    memcpy(xai_tensor_data(weights), rows, sizeof rows);
    return weights;
}

static const char *const six[] = { "cat", "dog", "horse", "car, auto", "truck", "unheard of" };

/* --- induced --- */

START_TEST(names_from_wordnet)
{
    xai_tensor *weights = make_weights();
    xai_induce_options options = options_for(NULL);
    const char *six_ids[6] = { ids[CAT], ids[DOG], ids[HORSE], ids[CAR], ids[TRUCK], "my own" };
    xai_tree *tree;

    /* By id: the classes are labelled by WordNet's first words. A class that WordNet lacks has parents without names.
     */
    options.wnids = six_ids;
    tree = induce(weights, 6, &options);
    ck_assert_str_eq(((xai__hierarchy *)tree)->nodes[0].id, "f00000010");
    check_shape(tree, "f00000010(animal(horse carnivore(Cat dog)) f00000009(my own motor_vehicle(car truck)))");
    /* By label, which stays the label. */
    options.wnids = NULL;
    options.labels = six;
    tree = induce(weights, 6, &options);
    ck_assert_str_eq(((xai__hierarchy *)tree)->nodes[((xai__hierarchy *)tree)->leaves[1]].id, ids[DOG]);
    ck_assert_str_eq(((xai__hierarchy *)tree)->nodes[((xai__hierarchy *)tree)->leaves[5]].id, "f00000005");
    check_shape(tree,
                "f00000010(animal(horse carnivore(cat dog)) f00000009(unheard of motor_vehicle(car, auto truck)))");
    /* Without a database. */
    options.wordnet = "";
    check_shape(induce(weights, 6, &options),
                "f00000010(f00000008(horse f00000006(cat dog)) f00000009(unheard of f00000007(car, auto truck)))");
    options.labels = NULL;
    check_shape(induce(weights, 6, &options), "f00000010(f00000008(f00000002 f00000006(f00000000 f00000001)) "
                                              "f00000009(f00000005 f00000007(f00000003 f00000004)))");
    xai_tensor_unref(weights);
}
END_TEST

/* A hypernym names one node only, the deepest first; then those above it. */
START_TEST(names_are_used_once)
{
    static const char *const labels[] = { "cat", "cat", "kitten", "garfield", "dog" };
    const int64_t shape[2] = { 5, 1 };
    xai_tensor *weights = NULL;
    xai_induce_options options = options_for("induced");

    ck_assert_ok(xai_tensor_create(&weights, context, shape, 2));
    for (int i = 0; i < 5; i++)
        xai_tensor_data(weights)[i] = (float)(i * i);
    options.labels = labels;
    check_shape(induce(weights, 5, &options),
                "f00000008(f00000006(kitten f00000005(cat cat)) carnivore(garfield dog))");
    options.labels = &labels[1];
    ((int64_t *)(void *)&shape)[0] = 4;
    xai_tensor_unref(weights);
    ck_assert_ok(xai_tensor_create(&weights, context, shape, 2));
    for (int i = 0; i < 4; i++)
        xai_tensor_data(weights)[i] = (float)(i * i);
    check_shape(induce(weights, 4, &options), "animal(dog carnivore(garfield feline(cat kitten)))");
    xai_tensor_unref(weights);
}
END_TEST

/* A node that no hypernym is left for has a generated id, but is called by what its classes are. */
START_TEST(generated_nodes_are_labelled)
{
    static const char *const labels[] = { "feline", "cat", "canine", "dog", "garfield" };
    const int64_t shape[2] = { 5, 1 };
    xai_tensor *weights = NULL;
    xai_induce_options options = options_for("induced");
    xai_tree *tree;

    ck_assert_ok(xai_tensor_create(&weights, context, shape, 2));
    for (int i = 0; i < 5; i++)
        xai_tensor_data(weights)[i] = (float)(i * i);
    options.labels = labels;
    tree = induce(weights, 5, &options);
    ck_assert_str_eq(((xai__hierarchy *)tree)->nodes[0].id, "f00000008");
    check_shape(tree, "carnivore(animal(canine carnivore(feline cat)) entity(dog garfield))");
    xai_tensor_unref(weights);
}
END_TEST

START_TEST(branches)
{
    xai_tensor *weights = make_weights();
    xai_induce_options options = options_for("induced");

    options.wordnet = "";
    options.labels = six;
    options.branching = 3;
    check_shape(induce(weights, 6, &options),
                "f00000008(f00000007(horse cat dog) unheard of f00000006(car, auto truck))");
    options.branching = 4;
    check_shape(induce(weights, 6, &options),
                "f00000008(horse f00000006(cat dog) unheard of f00000007(car, auto truck))");
    options.branching = 5;
    check_shape(induce(weights, 6, &options), "f00000007(horse f00000006(cat dog) unheard of car, auto truck)");
    options.branching = UINT32_MAX;
    check_shape(induce(weights, 6, &options), "f00000006(horse cat dog unheard of car, auto truck)");
    options.labels = NULL;
    check_shape(induce(weights, 6, &options), "f00000006(f00000002 f00000000 f00000001 f00000005 f00000003 f00000004)");
    xai_tensor_unref(weights);
}
END_TEST

/* --- wordnet --- */

START_TEST(hypernym_closure)
{
    xai_induce_options options = options_for("wordnet");
    const char *classes[4] = { ids[CAT], ids[HORSE], ids[CAR], ids[TRUCK] };
    const char *kinds[4] = { ids[KITTEN], ids[CAT], ids[FELINE], ids[DOG] };
    const char *named[2] = { "motor vehicle", "DOG" };
    const char *tops[2] = { ids[GARFIELD], ids[CAR] };

    options.wnids = classes;
    check_shape(induce(NULL, 4, &options),
                "entity(animal(Cat+feline+carnivore horse) motor_vehicle+artifact(car truck))");
    /* A class is a leaf: what is a kind of it hangs beside it. */
    options.wnids = kinds;
    check_shape(induce(NULL, 4, &options), "carnivore+animal+entity(kitten Cat feline dog+canine)");
    options.wnids = NULL;
    options.labels = named;
    check_shape(induce(NULL, 2, &options), "entity(motor vehicle+artifact DOG+canine+carnivore+animal)");
    check_shape(induce(NULL, 1, &options), "motor vehicle+artifact+entity");
    /* An instance is a kind of nothing: two tops. */
    options.labels = NULL;
    options.wnids = tops;
    check_shape(induce(NULL, 2, &options), "f00000002(Garfield car+motor_vehicle+artifact+entity)");
}
END_TEST

/* --- random --- */

static void print_random(char *text, size_t n, uint64_t seed, uint32_t branching)
{
    xai_induce_options options = options_for("random");
    xai_tree *tree;
    xai__hierarchy *h;

    options.seed = seed;
    options.branching = branching;
    options.wordnet = "";
    tree = induce(NULL, n, &options);
    h = (xai__hierarchy *)tree;
    ck_assert_uint_eq(xai_tree_n_classes(tree), n);
    for (size_t i = 0; i < tree->n_nodes; i++)
        ck_assert(h->nodes[i].n_children != 1 && h->nodes[i].n_children <= (branching > 0 ? branching : 2));
    print_node(&text, h, 0);
    xai_tree_unref(tree);
}

START_TEST(random_trees)
{
    char first[4096], second[4096];

    for (size_t n = 1; n < 30; n++)
        for (uint32_t branching = 0; branching < 6; branching += branching == 0 ? 2 : 1) {
            print_random(first, n, 7, branching);
            print_random(second, n, 7, branching);
            ck_assert_str_eq(first, second);
            print_random(second, n, 8, branching);
            ck_assert_msg(n < 6 || strcmp(first, second) != 0, "%zu classes: %s", n, first);
        }
}
END_TEST

/* --- refusals --- */

static void refuse(const xai_tensor *weights, size_t n, const xai_induce_options *options, xai_status status,
                   const char *words)
{
    xai_tree *tree = (xai_tree *)&tree;

    ck_assert_fails(xai_tree_induce(&tree, context, weights, n, options), status, words);
    ck_assert_ptr_null(tree);
}

START_TEST(bad_arguments)
{
    xai_tensor *weights = make_weights();
    xai_induce_options options = options_for("induced");
    const char *twice[6] = { ids[CAT], ids[DOG], ids[CAT], "x", "y", "z" };
    const char *generated[6] = { "f00000006", "b", "c", "d", "e", "f" };
    const char *none[6] = { "a", "", "c", "d", "e", "f" };
    const char *bad[6] = { ids[CAT], "n123", "n99999999", ids[DOG], NULL, "zebra" };

    ck_assert_fails(xai_tree_induce(NULL, context, weights, 6, NULL), XAI_E_INVALID, "out is NULL");
    refuse(weights, 0, &options, XAI_E_INVALID, "at least one class");
    refuse(weights, 500001, &options, XAI_E_LIMIT, "500001 classes");
    refuse(weights, 5, &options, XAI_E_SHAPE, "the weights are 6x2, but there are 5 classes");
    refuse(NULL, 6, &options, XAI_E_INVALID, "needs the weights");
    options.wnids = twice;
    refuse(weights, 6, &options, XAI_E_INVALID, "two nodes have the id 'n");
    options.wnids = generated;
    refuse(weights, 6, &options, XAI_E_INVALID, "two nodes have the id 'f00000006'");
    options.wnids = none;
    refuse(weights, 6, &options, XAI_E_INVALID, "class 1 has no id");
    options.wnids = NULL;
    options.branching = 1;
    refuse(weights, 6, &options, XAI_E_INVALID, "branching is 1");
    options.method = "wordnet";
    options.branching = 2;
    refuse(weights, 6, &options, XAI_E_INVALID, "'wordnet' takes no branching");
    options.branching = 0;
    refuse(weights, 6, &options, XAI_E_INVALID, "class 0: has neither a WordNet id nor a label");
    options.wnids = bad;
    refuse(weights, 2, &options, XAI_E_INVALID, "class 1: 'n123' is no WordNet id");
    bad[1] = bad[2];
    refuse(weights, 2, &options, XAI_E_NOT_FOUND, "class 1: ");
    bad[1] = bad[0];
    refuse(weights, 2, &options, XAI_E_INVALID, "class 1: is the synset n");
    options.wnids = NULL;
    options.labels = &bad[5];
    refuse(weights, 1, &options, XAI_E_NOT_FOUND, "class 0: ");
    options.wordnet = "";
    refuse(weights, 1, &options, XAI_E_NOT_FOUND, "needs WordNet's database");
    options.wordnet = "no/such";
    refuse(weights, 1, &options, XAI_E_IO, "no/such/data.noun");
    options.method = "induce";
    refuse(weights, 6, &options, XAI_E_NOT_FOUND, "no method 'induce'; there are induced, wordnet, random");
    options.method = "random";
    options.reserved = 1;
    refuse(weights, 6, &options, XAI_E_INVALID, "reserved");
    xai_tensor_data(weights)[5] = NAN;
    refuse(weights, 6, NULL, XAI_E_INVALID, "weight 1 of class 2 is NaN");
    xai_tensor_unref(weights);
}
END_TEST

/* Lines that are damaged where it matters. */
START_TEST(damaged_databases)
{
    static const struct {
        const char *from, *to, *words;
        xai_status status;
    } rows[] = {
        { " 02 Cat 0", " 00 Cat 0", "number of words", XAI_E_FORMAT },
        { " 02 Cat 0", " 0g Cat 0", "number of words", XAI_E_FORMAT },
        { " 02 Cat 0", " 7f Cat 0", "expected a word", XAI_E_FORMAT },
        { "Cat 0 other_word 0 003 @ ", "Cat 0 other_word 0 999 @ ", "expected a pointer", XAI_E_FORMAT },
        { "Cat 0 other_word 0 003 @ ", "Cat 0 other_word 0 x03 @ ", "number of pointers", XAI_E_FORMAT },
        { "feline 0 other_word 0 003 @ 0", "feline 0 other_word 0 003 @ 9", "no synset starts here", XAI_E_NOT_FOUND },
        { "feline 0 other_word 0 003 @ 0", "feline 0 other_word 0 003 @ x", "expected a pointer", XAI_E_FORMAT },
    };
    xai_induce_options options = options_for("wordnet");
    const char *cat = ids[CAT];
    char *place;

    options.wnids = &cat;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        place = strstr(db.data, rows[i].from);
        ck_assert_ptr_nonnull(place);
        memcpy(place, rows[i].to, strlen(rows[i].to));
        wordnet_write(&db);
        refuse(NULL, 1, &options, rows[i].status, rows[i].words);
        memcpy(place, rows[i].from, strlen(rows[i].from));
    }
    /* A database that ends within a line: an error or a tree, never more. */
    for (size_t size = 0; size < strlen(db.data); size += 5) {
        xai_tree *tree = NULL;
        xai_status status;

        files_write(db.folder, "data.noun", db.data, size);
        status = xai_tree_induce(&tree, context, NULL, 1, &options);
        ck_assert((status == XAI_OK) == (tree != NULL));
        ck_assert(status == XAI_OK || xai_last_error()[0] != '\0');
        xai_tree_unref(tree);
    }
    wordnet_write(&db);
    options.wnids = NULL;
    options.labels = &six[1];
    for (size_t size = 0; size < strlen(db.index); size += 5) {
        xai_tree *tree = NULL;

        files_write(db.folder, "index.noun", db.index, size);
        ck_assert((xai_tree_induce(&tree, context, NULL, 1, &options) == XAI_OK) == (tree != NULL));
        xai_tree_unref(tree);
    }
}
END_TEST

START_TEST(cycles)
{
    static const wordnet_entry round[] = {
        { "a", { 1, -1 } }, { "b", { 2, -1 } }, { "c", { 3, 1, -1 } }, { "d", { -1 } }
    };
    static const wordnet_entry self[] = { { "a", { 0, -1 } } };
    xai_induce_options options;
    const char *label = "a";

    wordnet_remove(&db);
    wordnet_make(&db, round, 4);
    options = options_for("wordnet");
    options.labels = &label;
    refuse(NULL, 1, &options, XAI_E_FORMAT, "a kind of itself");
    wordnet_remove(&db);
    wordnet_make(&db, self, 1);
    options.wordnet = db.folder;
    refuse(NULL, 1, &options, XAI_E_FORMAT, "a kind of itself");
}
END_TEST

/* --- against nbdt --- */

static const xai__hierarchy_node *find(const xai__hierarchy *h, const char *id)
{
    for (size_t i = 0; i < h->tree.n_nodes; i++)
        if (strcmp(h->nodes[i].id, id) == 0)
            return &h->nodes[i];
    return NULL;
}

static bool has_real_wordnet(void)
{
    bool there = access("/usr/share/wordnet/data.noun", R_OK) == 0;

    if (!there)
        fprintf(stderr, "SKIP: /usr/share/wordnet is not there\n");
    return there;
}

/* The same ids under the same ids, with the same labels and the same contractions. */
static size_t count_differences(const xai__hierarchy *ours, const xai__hierarchy *theirs)
{
    size_t n = 0;

    for (size_t i = 0; i < ours->tree.n_nodes; i++) {
        const xai__hierarchy_node *a = &ours->nodes[i], *b = find(theirs, a->id);

        n += b == NULL || strcasecmp(a->label, b->label) != 0 || a->n_contractions != b->n_contractions ||
             a->class_index != b->class_index || strcmp(ours->nodes[a->parent].id, theirs->nodes[b->parent].id) != 0;
    }
    return n;
}

static xai_tree *load(const char *path)
{
    const char *file = testing_data(path);
    xai_tree *tree = NULL;

    if (file != NULL)
        ck_assert_ok(xai_tree_load(&tree, context, file));
    return tree;
}

/* The classes of a file of nbdt's, as ids. */
static const char **list_ids(const xai_tree *tree)
{
    const xai__hierarchy *h = (const xai__hierarchy *)tree;
    const char **list = calloc(tree->n_classes, sizeof *list);

    for (size_t i = 0; i < tree->n_classes; i++)
        list[i] = h->nodes[h->leaves[i]].id;
    return list;
}

START_TEST(wordnet_as_nbdt)
{
    /* nbdt makes an exception for girl, which it puts under male, with male_child; here it hangs beside woman. */
    static const struct {
        const char *file;
        size_t n_nodes, n_differences;
    } rows[] = {
        { "nbdt/hierarchies/CIFAR10/graph-wordnet.json", 18, 0 },
        { "nbdt/hierarchies/TinyImagenet200/graph-wordnet.json", 295, 0 },
        { "nbdt/hierarchies/CIFAR100/graph-wordnet.json", 148, 2 },
    };
    xai_tree *theirs = load(rows[_i].file), *ours;
    xai_induce_options options = options_for("wordnet");
    const char **list;

    if (theirs == NULL || !has_real_wordnet()) {
        xai_tree_unref(theirs);
        return;
    }
    list = list_ids(theirs);
    options.wnids = list;
    options.wordnet = NULL;
    ours = induce(NULL, theirs->n_classes, &options);
    ck_assert_uint_eq(xai_tree_n_nodes(ours), rows[_i].n_nodes);
    ck_assert_uint_eq(count_differences((xai__hierarchy *)ours, (xai__hierarchy *)theirs), rows[_i].n_differences);
    free(list);
    xai_tree_unref(ours);
    xai_tree_unref(theirs);
}
END_TEST

/* From a network's weights and nothing but the names of its classes. */
START_TEST(induced_from_resnet56)
{
    static const char *const labels[] = { "airplane", "automobile", "bird",  "cat",  "deer",
                                          "dog",      "frog",       "horse", "ship", "truck" };
    const char *file = testing_data("cifar10-resnet/resnet56.safetensors");
    const int64_t shape[2] = { 10, 64 };
    xai_induce_options options = options_for("induced");
    xai__weights *weights = NULL;
    xai_tensor *rows = NULL;

    if (file == NULL || !has_real_wordnet())
        return;
    ck_assert_ok(xai__weights_open(&weights, context, file));
    ck_assert_ok(xai_tensor_create(&rows, context, shape, 2));
    ck_assert_ok(xai__weight_to_f32(xai_tensor_data(rows), xai__weights_find(weights, "linear.weight")));
    xai__weights_close(weights);
    options.labels = labels;
    options.wordnet = NULL;
    check_shape(induce(rows, 10, &options),
                "whole(vehicle(motor_vehicle(automobile truck) craft(airplane ship)) "
                "chordate(vertebrate(bird frog) placental(carnivore(cat dog) ungulate(deer horse))))");
    xai_tensor_unref(rows);
}
END_TEST

/* nbdt's own names for its own merges, in their order. */
START_TEST(ids_are_n_and_eight_digits)
{
    static const char *const others[] = { "",           "n",         "n0274",     "n02747177 ",
                                          "n027471777", "m02747177", "n0274717x", "n0274 177",
                                          "n       1",  "n+2747177", "N02747177", "n02747177\n" };
    uint32_t offset = 0;

    ck_assert(xai__wordnet_parse_id(&offset, "n02747177"));
    ck_assert_uint_eq(offset, 2747177);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        ck_assert_msg(!xai__wordnet_parse_id(&offset, others[i]), "%s", others[i]);
}
END_TEST

START_TEST(names_as_nbdt)
{
    static const char *const files[] = { "nbdt/hierarchies/CIFAR10/graph-induced-ResNet10.json",
                                         "nbdt/hierarchies/CIFAR10/graph-induced-ResNet18.json",
                                         "nbdt/hierarchies/CIFAR10/graph-induced-wrn28_10_cifar10.json" };
    xai_tree *tree = load(files[_i]);
    xai__hierarchy *h = (xai__hierarchy *)tree;
    xai__wordnet wordnet = { { 0 } };
    xai__hypernyms hypernyms = { .context = context, .wordnet = &wordnet };
    uint32_t synsets[19], offset;

    if (tree == NULL || !has_real_wordnet()) {
        xai_tree_unref(tree);
        return;
    }
    ck_assert_ok(xai__wordnet_open(&wordnet, context, "/usr/share/wordnet"));
    for (int i = 0; i < 10; i++) {
        ck_assert(xai__wordnet_parse_id(&offset, h->nodes[h->leaves[i]].id));
        ck_assert_ok(xai__hypernyms_add(&synsets[h->leaves[i]], &hypernyms, offset));
        hypernyms.nodes[synsets[h->leaves[i]]].used = true;
    }
    ck_assert_ok(xai__hypernyms_measure(&hypernyms));
    for (int i = 10; i < 19; i++) {
        const xai__hierarchy_node *node = &h->nodes[h->file_order[i]];
        uint32_t common = xai__hypernyms_common(&hypernyms, &synsets[node->first], node->n_children, true);

        ck_assert_uint_ne(common, XAI__HYPERNYMS_NONE);
        ck_assert(xai__wordnet_parse_id(&offset, node->id) && hypernyms.nodes[common].offset == offset);
        hypernyms.nodes[common].used = true;
        synsets[h->file_order[i]] = common;
    }
    xai__hypernyms_fini(&hypernyms);
    xai__wordnet_close(&wordnet);
    xai_tree_unref(tree);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("tree_induce");
    TCase *cases = tcase_create("all");

    tcase_set_timeout(cases, 60);
    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_test(cases, names_from_wordnet);
    tcase_add_test(cases, names_are_used_once);
    tcase_add_test(cases, generated_nodes_are_labelled);
    tcase_add_test(cases, branches);
    tcase_add_test(cases, hypernym_closure);
    tcase_add_test(cases, random_trees);
    tcase_add_test(cases, bad_arguments);
    tcase_add_test(cases, ids_are_n_and_eight_digits);
    tcase_add_test(cases, damaged_databases);
    tcase_add_test(cases, cycles);
    tcase_add_loop_test(cases, wordnet_as_nbdt, 0, 3);
    tcase_add_test(cases, induced_from_resnet56);
    tcase_add_loop_test(cases, names_as_nbdt, 0, 3);
    suite_add_tcase(suite, cases);
    return suite;
}

TESTING_MAIN(make_suite)
