/* SPDX-License-Identifier: MIT
 * xai metrics: how good a map is. */
#include <stdlib.h>
#include <string.h>

#include "xai_maps.h"

/* What a metric is computed of. */
enum kind { OF_MAP, OF_REGION, OF_PAIR, OF_NETWORK, OF_METHOD, OF_PARAMETERS };

/* Options that only some metrics have. */
enum takes { STEPS = 1, SUBSTRATE = 2, SAMPLES = 4, PATCH = 8, ALL_STEPS = STEPS | SUBSTRATE };

/* Without --metric: everything whose kind is asked for, these excepted. */
static const struct row {
    const char *name, *metric; /* the library's name, where it differs */
    enum kind kind;
    uint32_t score, takes;
    bool is_extra;
} rows[] = {
    { .name = "sparseness", .kind = OF_MAP },
    { .name = "complexity", .kind = OF_MAP },
    { .name = "effective-complexity", .kind = OF_MAP, .is_extra = true },
    { .name = "pointing-game", .kind = OF_REGION },
    { .name = "relevance-mass", .kind = OF_REGION },
    { .name = "relevance-rank", .kind = OF_REGION },
    { .name = "top-k-intersection", .kind = OF_REGION },
    { .name = "localisation-auc", .kind = OF_REGION },
    { .name = "attribution-localisation", .kind = OF_REGION, .is_extra = true },
    { .name = "pearson", .kind = OF_PAIR },
    { .name = "spearman", .kind = OF_PAIR },
    { .name = "ssim", .kind = OF_PAIR },
    { .name = "top-k-agreement", .metric = "top-k-intersection", .kind = OF_PAIR },
    { .name = "deletion", .kind = OF_NETWORK, .score = XAI_SCORE_PROBABILITY, .takes = ALL_STEPS },
    { .name = "insertion", .kind = OF_NETWORK, .score = XAI_SCORE_PROBABILITY, .takes = ALL_STEPS },
    { .name = "average-drop", .kind = OF_NETWORK, .score = XAI_SCORE_PROBABILITY },
    { .name = "increase-in-confidence", .kind = OF_NETWORK, .score = XAI_SCORE_PROBABILITY },
    { .name = "average-gain", .kind = OF_NETWORK, .score = XAI_SCORE_PROBABILITY },
    { .name = "infidelity", .kind = OF_NETWORK, .takes = SAMPLES, .is_extra = true },
    { .name = "completeness", .kind = OF_NETWORK, .takes = SUBSTRATE, .is_extra = true },
    { .name = "faithfulness-estimate",
      .kind = OF_NETWORK,
      .score = XAI_SCORE_PROBABILITY,
      .takes = ALL_STEPS,
      .is_extra = true },
    { .name = "faithfulness-correlation",
      .kind = OF_NETWORK,
      .score = XAI_SCORE_PROBABILITY,
      .takes = SUBSTRATE | SAMPLES,
      .is_extra = true },
    { .name = "monotonicity",
      .kind = OF_NETWORK,
      .score = XAI_SCORE_PROBABILITY,
      .takes = ALL_STEPS,
      .is_extra = true },
    { .name = "monotonicity-correlation",
      .kind = OF_NETWORK,
      .score = XAI_SCORE_PROBABILITY,
      .takes = STEPS | SAMPLES,
      .is_extra = true },
    { .name = "selectivity",
      .kind = OF_NETWORK,
      .score = XAI_SCORE_PROBABILITY,
      .takes = ALL_STEPS | PATCH,
      .is_extra = true },
    { .name = "region-perturbation",
      .kind = OF_NETWORK,
      .score = XAI_SCORE_PROBABILITY,
      .takes = ALL_STEPS | PATCH,
      .is_extra = true },
    { .name = "irof", .kind = OF_NETWORK, .score = XAI_SCORE_PROBABILITY, .takes = ALL_STEPS, .is_extra = true },
    { .name = "road", .kind = OF_NETWORK, .score = XAI_SCORE_PROBABILITY, .is_extra = true },
    { .name = "road-most", .kind = OF_NETWORK, .score = XAI_SCORE_PROBABILITY, .is_extra = true },
    { .name = "road-least", .kind = OF_NETWORK, .score = XAI_SCORE_PROBABILITY, .is_extra = true },
    { .name = "max-sensitivity", .kind = OF_METHOD },
    { .name = "avg-sensitivity", .kind = OF_METHOD, .is_extra = true },
    { .name = "local-lipschitz", .kind = OF_METHOD, .is_extra = true },
    { .name = "randomisation", .kind = OF_PARAMETERS },
};

enum { N_ROWS = sizeof rows / sizeof *rows, MAX_CURVES = 8 };

/* A picture's measurement. */
typedef struct measurement {
    const cli_args *cli;
    cli_subject subject;
    xai_tensor *input, *map, *other, *region;
    int64_t box[4];
    xai_target target; /* its class; the score is the metric's */
    xai_run_options run;
    cli_watch watch;
    json_object *metrics, *curves;
    xai_tensor *drawn[MAX_CURVES];
    char *names[MAX_CURVES];
    size_t n_drawn;
    bool is_flat; /* the map that was given, or the other one */
} measurement;

/* --- what is asked --- */

static const struct row *find_row(const char *name)
{
    for (size_t i = 0; i < N_ROWS; i++)
        if (strcmp(rows[i].name, name) == 0)
            return &rows[i];
    return NULL;
}

/* What a kind of metric needs on the command line. */
static const char *missing(const measurement *m, enum kind kind)
{
    const cli_args *cli = m->cli;

    if (kind == OF_REGION && cli->region == NULL && cli->box == NULL)
        return "--region or --box";
    if (kind == OF_PAIR && cli->other == NULL)
        return "--other";
    return (kind == OF_METHOD || kind == OF_PARAMETERS) && cli->method == NULL ? "--method" : NULL;
}

static int refuse_metric(const cli_args *cli, const char *name)
{
    char list[1024] = "";

    for (size_t i = 0; i < N_ROWS; i++) {
        strncat(list, i > 0 ? ", " : "", sizeof list - strlen(list) - 1);
        strncat(list, rows[i].name, sizeof list - strlen(list) - 1);
    }
    return cli_misuse(cli, "--metric %s: there is no such metric; there are %s", name, list);
}

/* All of them before anything is opened: a name with a slip in it should not cost the metrics in front of it. */
static int check_metrics(const measurement *m)
{
    const cli_args *cli = m->cli;

    if (cli->map == NULL)
        return cli_misuse(cli, "--map FILE.npy is missing");
    if (cli->targets.count > 1)
        return cli_misuse(cli, "--target: a map explains one class, got %zu", cli->targets.count);
    for (size_t i = 0; i < cli->metrics.count; i++) {
        const struct row *row = find_row(cli->metrics.items[i]);

        if (row == NULL)
            return refuse_metric(cli, cli->metrics.items[i]);
        if (missing(m, row->kind) != NULL)
            return cli_misuse(cli, "--metric %s needs %s", row->name, missing(m, row->kind));
    }
    return CLI_GO_ON;
}

/* By name; without names all that the command line has what they need for, but those that take long or say little. */
static bool is_asked(const measurement *m, const struct row *row)
{
    const cli_list *metrics = &m->cli->metrics;

    for (size_t i = 0; i < metrics->count; i++)
        if (strcmp(metrics->items[i], row->name) == 0)
            return true;
    return metrics->count == 0 && !row->is_extra && missing(m, row->kind) == NULL;
}

/* %n tells where the numbers end: "1,2,3,4x" is a slip. What lies outside of the picture the library refuses. */
static int read_box(measurement *m)
{
    long long box[4];
    int end = 0;

    if (m->cli->box == NULL)
        return CLI_GO_ON;
    if (sscanf(m->cli->box, "%lld,%lld,%lld,%lld%n", &box[0], &box[1], &box[2], &box[3], &end) != 4 ||
        m->cli->box[end] != '\0')
        return cli_misuse(m->cli, "--box %s: expected LEFT,TOP,WIDTH,HEIGHT", m->cli->box);
    for (size_t i = 0; i < 4; i++)
        m->box[i] = box[i];
    return CLI_GO_ON;
}

/* --- metrics --- */

/* By name and with its default options: --map may have been made with others, which nothing in the file tells. */
static xai_explainer make_explainer(const measurement *m)
{
    return (xai_explainer){ .struct_size = sizeof(xai_explainer),
                            .method = m->cli->method,
                            .layer = m->cli->layers.count > 0 ? m->cli->layers.items[0] : NULL };
}

static xai_status measure_map(double *out, measurement *m, const struct row *row)
{
    xai_metric_options options = { .struct_size = sizeof options, .profile = m->cli->profile };
    const char *metric = row->metric != NULL ? row->metric : row->name;

    if (row->kind == OF_PAIR)
        return xai_metric_agreement(out, m->map, m->other, metric, &options);
    if (row->kind == OF_REGION) {
        options.region = m->region;
        memcpy(options.box, m->box, sizeof options.box);
    }
    return xai_metric_map(out, m->map, metric, &options);
}

static json_object *list_numbers(const float *numbers, size_t n)
{
    json_object *list = json_object_new_array();

    for (size_t i = 0; i < n; i++)
        json_object_array_add(list, cli_json_number((double)numbers[i]));
    return list;
}

/* Of some metrics the number is the area below the curve, of others something else that is made of it. */
static void keep_curve(measurement *m, const char *name, xai_tensor *curve, double value)
{
    bool is_area = strcmp(name, "deletion") == 0 || strcmp(name, "insertion") == 0 || strcmp(name, "selectivity") == 0;
    size_t n = xai_tensor_size(curve) / 2;
    json_object *both = json_object_new_object();

    json_object_object_add(both, "share", list_numbers(xai_tensor_data(curve), n));
    json_object_object_add(both, "score", list_numbers(xai_tensor_data(curve) + n, n));
    json_object_object_add(m->curves, name, both);
    m->names[m->n_drawn] = cli_format(is_area ? "%s, area %.4f" : "%s: %.4f", name, value);
    m->drawn[m->n_drawn++] = curve;
}

static xai_status ask_network(double *out, measurement *m, const struct row *row)
{
    const cli_args *cli = m->cli;
    const xai_faithfulness_options options = { .struct_size = sizeof options,
                                               .profile = cli->profile,
                                               .run = &m->run,
                                               .substrate = (row->takes & SUBSTRATE) != 0 ? cli->substrate : NULL,
                                               .n_steps = (row->takes & STEPS) != 0 ? (uint32_t)cli->steps : 0,
                                               .n_samples = (row->takes & SAMPLES) != 0 ? (uint32_t)cli->samples : 0,
                                               .patch = (row->takes & PATCH) != 0 ? (uint32_t)cli->window : 0 };
    const xai_target target = { .index = m->target.index, .score = row->score };
    xai_tensor *curve = NULL;
    xai_status status = xai_metric_faithfulness(out, &curve, m->subject.session, m->input, m->map, &target, row->name,
                                                &options);

    if (curve != NULL)
        keep_curve(m, row->name, curve, *out);
    return status;
}

static xai_status explain_again(double *out, measurement *m, const struct row *row)
{
    const xai_explainer explainer = make_explainer(m);
    const xai_sensitivity_options options = { .struct_size = sizeof options,
                                              .run = &m->run,
                                              .n_samples = (uint32_t)m->cli->samples };

    return xai_metric_sensitivity(out, m->subject.session, m->input, &m->target, &explainer, row->name, &options);
}

/* Layers that were named, or all of them. */
static const char *randomised_layer(const measurement *m, size_t index)
{
    const cli_list *named = &m->cli->randomised;

    return named->count > 0 ? named->items[index] : xai_metric_layer(m->subject.model, index);
}

static void keep_agreement(measurement *m, const char *name, const float *agreement, size_t n)
{
    json_object *curve = json_object_new_object(), *layers = json_object_new_array();

    for (size_t i = 0; i < n; i++)
        json_object_array_add(layers, json_object_new_string(randomised_layer(m, i)));
    json_object_object_add(curve, "layers", layers);
    json_object_object_add(curve, "agreement", list_numbers(agreement, n));
    json_object_object_add(m->curves, name, curve);
}

/* The number of a cascade is what is left of the map once every layer is random; of single layers their mean. */
static xai_status randomise(double *out, measurement *m, const struct row *row)
{
    const cli_args *cli = m->cli;
    const xai_explainer explainer = make_explainer(m);
    const xai_randomisation_options options = { .struct_size = sizeof options,
                                                .run = &m->run,
                                                .measure = cli->measure,
                                                .layers = cli->randomised.count > 0 ? cli->randomised.items : NULL,
                                                .n_layers = cli->randomised.count,
                                                .flags = (cli->independent ? XAI_RANDOMISATION_INDEPENDENT : 0u) |
                                                         (cli->is_signed ? XAI_RANDOMISATION_SIGNED : 0u) };
    xai_tensor *agreement = NULL;
    xai_status status = xai_metric_randomisation(&agreement, m->subject.session, m->input, &m->target, &explainer,
                                                 &options);
    size_t n;

    if (status < XAI_OK)
        return status;
    n = xai_tensor_size(agreement);
    keep_agreement(m, row->name, xai_tensor_data(agreement), n);
    for (size_t i = cli->independent ? 0 : n - 1; i < n; i++)
        *out += (double)xai_tensor_data(agreement)[i] / (cli->independent ? (double)n : 1);
    xai_tensor_unref(agreement);
    return status;
}

/* Of a profile that only some metrics have, the others are left out, unless they were asked for by name. */
static int measure(measurement *m, const struct row *row)
{
    xai_status (*const functions[])(double *out, measurement *m, const struct row *row) = { measure_map,   measure_map,
                                                                                            measure_map,   ask_network,
                                                                                            explain_again, randomise };
    double value = 0;
    xai_status status = functions[row->kind](&value, m, row);

    cli_watch_end(&m->watch);
    if (status == XAI_E_NOT_FOUND && m->cli->metrics.count == 0 && m->cli->profile != NULL) {
        cli_note(m->cli, "%s: left out: %s", row->name, xai_last_error());
        return CLI_GO_ON;
    }
    if (status < XAI_OK)
        return cli_fail(m->cli, "%s: %s: %s", m->cli->map, row->name, xai_last_error());
    if (status == XAI_PARTIAL)
        cli_note(m->cli, "%s: stopped; the number is of what was measured so far", row->name);
    if (status == XAI_FLAT && row->kind >= OF_METHOD)
        cli_note(m->cli, "%s: a map that was made for it is the same everywhere", row->name);
    else
        m->is_flat |= status == XAI_FLAT;
    json_object_object_add(m->metrics, row->name, cli_json_number(value));
    if (!m->cli->json)
        printf("%-25s %.6g\n", row->name, value);
    return m->watch.is_interrupted ? CLI_FAILED : CLI_GO_ON;
}

static int measure_all(measurement *m)
{
    int status = CLI_GO_ON;

    for (size_t i = 0; i < N_ROWS && status == CLI_GO_ON; i++)
        if (is_asked(m, &rows[i]))
            status = measure(m, &rows[i]);
    return status;
}

/* --- the command --- */

static int load_map(xai_tensor **out, const measurement *m, const char *path)
{
    if (path == NULL || xai_tensor_load(out, m->subject.context, path) == XAI_OK)
        return CLI_GO_ON;
    return cli_fail_library(m->cli);
}

/* The class that the map explains: the one that is named, or the top one. */
static int find_target(measurement *m, json_object **description)
{
    xai_target *targets = NULL;
    xai_tensor *logits = NULL;
    double *probabilities = NULL;
    size_t n, top = 0;
    char buffer[32];
    int status = cli_find_targets(&targets, &n, m->cli, m->subject.model);

    if (status == CLI_GO_ON && xai_session_forward(&logits, m->subject.session, m->input) < XAI_OK)
        status = cli_fail_library(m->cli);
    if (status == CLI_GO_ON) {
        probabilities = cli_softmax(xai_tensor_data(logits), xai_tensor_size(logits), &top);
        if (probabilities == NULL)
            status = cli_fail(m->cli, "out of memory");
    }
    if (status == CLI_GO_ON) {
        m->target.index = targets[0].index >= 0 ? targets[0].index : (int64_t)top;
        *description = json_object_new_object();
        json_object_object_add(*description, "index", json_object_new_int64(m->target.index));
        json_object_object_add(
            *description, "label",
            json_object_new_string(cli_label(m->subject.model, (size_t)m->target.index, buffer, sizeof buffer)));
        json_object_object_add(*description, "probability", cli_json_number(probabilities[m->target.index]));
    }
    free(probabilities);
    xai_tensor_unref(logits);
    free(targets);
    return status;
}

/* Last parts of paths: a title is for people, and folders are of no interest in it. */
static int save_curves(const measurement *m, const char *image)
{
    const char *picture = strrchr(image, '/'), *map = strrchr(m->cli->map, '/');
    char *title;
    xai_status status;

    if (m->cli->output == NULL)
        return CLI_GO_ON;
    if (m->n_drawn == 0)
        return cli_fail(m->cli,
                        "%s: there is no curve to draw: ask for deletion, insertion, selectivity, irof, road-most, ...",
                        m->cli->output);
    title = cli_format("%s: %s", picture != NULL ? picture + 1 : image, map != NULL ? map + 1 : m->cli->map);
    status = xai_metric_save_curves(m->cli->output, (const xai_tensor *const *)m->drawn, (const char *const *)m->names,
                                    m->n_drawn, title);
    free(title);
    return status < XAI_OK ? cli_fail_library(m->cli) : CLI_GO_ON;
}

static int print_json(measurement *m, const char *image, json_object *target, double seconds)
{
    json_object *document = json_object_new_object();

    json_object_object_add(document, "image", json_object_new_string(image));
    json_object_object_add(document, "map", json_object_new_string(m->cli->map));
    json_object_object_add(document, "target", json_object_get(target));
    json_object_object_add(document, "profile",
                           json_object_new_string(m->cli->profile != NULL ? m->cli->profile : "default"));
    json_object_object_add(document, "metrics", json_object_get(m->metrics));
    json_object_object_add(document, "curves", json_object_get(m->curves));
    json_object_object_add(document, "seconds", cli_json_number(seconds));
    return cli_json_print(m->cli, document);
}

static int run(measurement *m, const char *image, json_object **target)
{
    double start = cli_seconds();
    int status = cli_open(&m->subject, m->cli, CLI_NEED_WEIGHTS | CLI_NEED_SESSION);

    if (status == CLI_GO_ON)
        status = cli_load(m->cli, &m->subject, image, NULL, &m->input);
    if (status == CLI_GO_ON)
        status = load_map(&m->map, m, m->cli->map);
    if (status == CLI_GO_ON)
        status = load_map(&m->other, m, m->cli->other);
    if (status == CLI_GO_ON)
        status = load_map(&m->region, m, m->cli->region);
    if (status == CLI_GO_ON)
        status = find_target(m, target);
    if (status == CLI_GO_ON) {
        cli_watch_begin(&m->watch, m->cli, &m->run);
        status = measure_all(m);
    }
    if (status == CLI_GO_ON || m->watch.is_interrupted) {
        int saved = save_curves(m, image);

        if (saved == CLI_GO_ON && m->cli->json)
            saved = print_json(m, image, *target, cli_seconds() - start);
        status = saved != CLI_GO_ON ? saved : status;
    }
    if (m->is_flat)
        cli_note(m->cli, "%s%s%s: the map is the same everywhere, so there is little to measure", m->cli->map,
                 m->cli->other != NULL ? " or " : "", m->cli->other != NULL ? m->cli->other : "");
    return m->watch.is_interrupted ? cli_watch_exit(status) : status;
}

int cli_metrics(const cli_args *cli)
{
    static const char *const endings[] = { ".svg", NULL };
    measurement m = { .cli = cli, .run = { .struct_size = sizeof m.run, .seed = cli->seed } };
    json_object *target = NULL;
    int status = check_metrics(&m);

    if (status == CLI_GO_ON)
        status = cli_check_output(cli, cli->output, endings);
    if (status == CLI_GO_ON)
        status = read_box(&m);
    if (status != CLI_GO_ON)
        return status;
    m.metrics = json_object_new_object();
    m.curves = json_object_new_object();
    status = run(&m, cli->operands.items[0], &target);
    for (size_t i = 0; i < m.n_drawn; i++) {
        xai_tensor_unref(m.drawn[i]);
        free(m.names[i]);
    }
    json_object_put(target);
    json_object_put(m.metrics);
    json_object_put(m.curves);
    xai_tensor_unref(m.region);
    xai_tensor_unref(m.other);
    xai_tensor_unref(m.map);
    xai_tensor_unref(m.input);
    cli_close(&m.subject);
    return status == CLI_GO_ON ? CLI_DONE : status;
}
