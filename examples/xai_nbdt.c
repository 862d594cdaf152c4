/* SPDX-License-Identifier: MIT
 * xai nbdt, and the tutorial's step 4: a network's logits decide along a hierarchy of classes. */
#include <stdlib.h>
#include <string.h>

#include "xai_cli.h"

/* How nbdt decides and speaks, release by release; "default" is the tutorial's. Each flag is something that a release
 * does otherwise than the one before or after it. */
typedef struct nbdt_profile {
    const char *name;
    uint32_t mode;               /* where --mode says nothing */
    bool tells_confidence;       /* one less the entropy, in place of the probability */
    bool names_root;             /* a hard tree's root is called just that */
    bool lacks_entropy;          /* and a hard tree's leaf its id */
    bool lacks_soft_probability; /* soft decisions are names alone */
} nbdt_profile;

static const nbdt_profile profiles[] = {
    { .name = "default", .mode = XAI_TREE_HARD },
    { .name = "nbdt-0.0.4", .mode = XAI_TREE_HARD, .lacks_entropy = true, .lacks_soft_probability = true },
    { .name = "nbdt", .mode = XAI_TREE_SOFT, .tells_confidence = true, .names_root = true },
};

/* What to decide by, and how to say it. */
typedef struct nbdt_manner {
    const nbdt_profile *profile;
    uint32_t mode;
} nbdt_manner;

/* One picture's way through the tree. */
typedef struct nbdt_answer {
    xai_decision *steps;
    size_t n_steps;
} nbdt_answer;

/* One that is built, the command line's, else the manifest's. */
static int open_hierarchy(xai_tree **tree, const cli_args *cli, const cli_subject *subject)
{
    const char *path = cli->hierarchy != NULL ? cli->hierarchy : xai_model_hierarchy(subject->model);
    size_t n_classes = xai_model_n_classes(subject->model);

    if (cli->induce && cli->hierarchy != NULL)
        return cli_misuse(cli, "--hierarchy and --induce: one of them, not both");
    if (cli->induce)
        return cli_induce(tree, cli, subject);
    if (path == NULL)
        return cli_misuse(cli, "--hierarchy: expected a file with the hierarchy of classes; the model names none");
    if (cli_is_url(cli, path))
        return CLI_FAILED;
    if (xai_tree_load(tree, subject->context, path) != XAI_OK)
        return cli_fail_library(cli);
    if (xai_tree_kind(*tree) != XAI_TREE_HIERARCHY)
        return cli_fail(cli, "%s: is a tree, but not a hierarchy of classes", path);
    if (xai_tree_n_inputs(*tree) != n_classes)
        return cli_fail(cli, "%s: has %zu classes, but the network %s has %zu", path, xai_tree_n_inputs(*tree),
                        xai_model_architecture(subject->model), n_classes);
    return CLI_GO_ON;
}

/* Here and not in the library: what differs is words, not decisions. */
static int read_profile(const cli_args *cli, const nbdt_profile **out)
{
    *out = &profiles[0];
    for (size_t i = 0; cli->profile != NULL && i < sizeof profiles / sizeof profiles[0]; i++) {
        if (strcmp(cli->profile, profiles[i].name) == 0) {
            *out = &profiles[i];
            return CLI_GO_ON;
        }
    }
    if (cli->profile == NULL)
        return CLI_GO_ON;
    return cli_misuse(cli, "--profile: expected default, nbdt-0.0.4 or nbdt, got \"%s\"", cli->profile);
}

/* --mode wins over the profile's, so that any release's words can be had of either rule. */
static int read_manner(const cli_args *cli, nbdt_manner *manner)
{
    int status = read_profile(cli, &manner->profile);

    manner->mode = manner->profile->mode;
    return status != CLI_GO_ON || cli->mode == NULL ? status : cli_read_mode(cli, &manner->mode);
}

/* Asked twice: how many steps the way has, then for all of them. */
static int decide(const cli_args *cli, const xai_tree *tree, const float *logits, uint32_t mode, nbdt_answer *answer)
{
    if (xai_tree_decisions(&answer->n_steps, tree, logits, mode, NULL, 0) != XAI_OK)
        return cli_fail_library(cli);
    answer->steps = calloc(answer->n_steps, sizeof *answer->steps);
    if (answer->steps == NULL)
        return cli_fail(cli, "out of memory");
    if (xai_tree_decisions(&answer->n_steps, tree, logits, mode, answer->steps, answer->n_steps) != XAI_OK)
        return cli_fail_library(cli);
    return CLI_GO_ON;
}

/* The model's word for the leaf; the hierarchy's where the model has none. */
static const char *prediction(const xai_model *model, const nbdt_answer *answer)
{
    const xai_decision *leaf = &answer->steps[answer->n_steps - 1];
    const char *label = xai_model_label(model, leaf->class_index);

    return label != NULL ? label : leaf->name;
}

/* The release that lacks it had no probability of a soft decision to tell, of a hard one it had. */
static bool has_probability(const nbdt_manner *manner)
{
    return manner->mode == XAI_TREE_HARD || !manner->profile->lacks_soft_probability;
}

/* The tutorial's line. The root decides nothing, so it is left out. */
static void print_line(const cli_subject *subject, const nbdt_answer *answer, const nbdt_manner *manner)
{
    printf("Prediction: %s // Decisions: ", prediction(subject->model, answer));
    for (size_t i = 1; i < answer->n_steps; i++) {
        const xai_decision *step = &answer->steps[i];

        printf("%s%s", i > 1 ? ", " : "", step->name);
        if (manner->profile->tells_confidence)
            printf(" (Confidence: %.2f%%)", 100 * (1 - step->entropy));
        else if (has_probability(manner))
            printf(" (%.2f%%)", 100 * step->probability);
    }
    putchar('\n');
}

/* What the profile's release leaves out is null. */
static json_object *describe(const nbdt_answer *answer, size_t i, const nbdt_manner *manner)
{
    const nbdt_profile *profile = manner->profile;
    const xai_decision *step = &answer->steps[i];
    json_object *row = json_object_new_object();
    bool is_hard = manner->mode == XAI_TREE_HARD, is_leaf = i + 1 == answer->n_steps;
    bool has_id = !(profile->lacks_entropy && is_hard && is_leaf);
    const char *name = profile->names_root && is_hard && i == 0 ? "root" : step->name;

    json_object_object_add(row, "node", has_id ? json_object_new_string(step->node) : NULL);
    json_object_object_add(row, "name", json_object_new_string(name));
    json_object_object_add(row, "probability", has_probability(manner) ? cli_json_number(step->probability) : NULL);
    json_object_object_add(row, "entropy", profile->lacks_entropy ? NULL : cli_json_number(step->entropy));
    return row;
}

/* With the root, unlike the line: its name and entropy are data, if no decision. */
static int print_json(const cli_args *cli, const cli_subject *subject, const char *path, const nbdt_answer *answer,
                      const nbdt_manner *manner)
{
    json_object *document = json_object_new_object();
    json_object *class = json_object_new_object();
    json_object *list = json_object_new_array();

    for (size_t i = 0; i < answer->n_steps; i++)
        json_object_array_add(list, describe(answer, i, manner));
    json_object_object_add(class, "index", json_object_new_int64(answer->steps[answer->n_steps - 1].class_index));
    json_object_object_add(class, "label", json_object_new_string(prediction(subject->model, answer)));
    json_object_object_add(document, "image", json_object_new_string(path));
    json_object_object_add(document, "prediction", class);
    json_object_object_add(document, "mode", json_object_new_string(manner->mode == XAI_TREE_SOFT ? "soft" : "hard"));
    json_object_object_add(document, "profile", json_object_new_string(manner->profile->name));
    json_object_object_add(document, "decisions", list);
    return cli_json_print(cli, document);
}

/* The tree with the picture's path; its leaves are called what the model calls its classes. */
static int draw(const cli_args *cli, const cli_subject *subject, const xai_tree *tree, const char *path,
                const float *logits, uint32_t mode)
{
    const char **names = calloc(xai_tree_n_classes(tree), sizeof *names);
    size_t length;
    xai_export_options options = {
        .struct_size = sizeof options, .row = logits, .row_size = xai_tree_n_inputs(tree), .mode = mode
    };
    int status = CLI_GO_ON;

    if (names == NULL)
        return cli_fail(cli, "out of memory");
    for (size_t i = 0; i < xai_tree_n_classes(tree); i++)
        names[i] = xai_model_label(subject->model, (int64_t)i);
    options.class_names = names;
    options.title = cli_stem(path, &length);
    if (xai_tree_save(tree, cli->output, &options) != XAI_OK)
        status = cli_fail_library(cli);
    free(names);
    return status;
}

static int explain(const cli_args *cli, const cli_subject *subject, const xai_tree *tree, const char *path,
                   const nbdt_manner *manner)
{
    xai_tensor *logits = NULL;
    nbdt_answer answer = { 0 };
    int status = cli_look(cli, subject, path, &logits);

    if (status == CLI_GO_ON)
        status = decide(cli, tree, xai_tensor_data(logits), manner->mode, &answer);
    if (status == CLI_GO_ON && cli->output != NULL)
        status = draw(cli, subject, tree, path, xai_tensor_data(logits), manner->mode);
    if (status == CLI_GO_ON && cli->json)
        status = print_json(cli, subject, path, &answer, manner);
    else if (status == CLI_GO_ON) {
        if (cli->operands.count > 1)
            printf("%s: ", path);
        print_line(subject, &answer, manner);
    }
    free(answer.steps);
    xai_tensor_unref(logits);
    return status;
}

/* A picture that cannot be read is told; the others are decided, and the exit code remembers. */
int cli_nbdt(const cli_args *cli)
{
    cli_subject subject = { 0 };
    xai_tree *tree = NULL;
    nbdt_manner manner;
    int status = read_manner(cli, &manner);
    bool opened;

    if (status == CLI_GO_ON && cli->output != NULL && cli->operands.count > 1)
        status = cli_misuse(cli, "-o: draws the way of one picture, got %zu", cli->operands.count);
    if (status == CLI_GO_ON && cli->output != NULL && cli_is_url(cli, cli->output))
        status = CLI_FAILED;
    if (status == CLI_GO_ON)
        status = cli_open(&subject, cli, CLI_NEED_WEIGHTS | CLI_NEED_SESSION);
    if (status == CLI_GO_ON)
        status = open_hierarchy(&tree, cli, &subject);
    opened = status == CLI_GO_ON;
    for (size_t i = 0; opened && i < cli->operands.count; i++) {
        if (explain(cli, &subject, tree, cli->operands.items[i], &manner) != CLI_GO_ON)
            status = CLI_FAILED;
    }
    xai_tree_unref(tree);
    cli_close(&subject);
    return status;
}
