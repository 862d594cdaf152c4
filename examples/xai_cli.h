/* SPDX-License-Identifier: MIT
 * What the programs share: one table of options, messages, the model they open, JSON. */
#ifndef XAI_CLI_H
#define XAI_CLI_H

#include <stdbool.h>
#include <stdio.h>

#include <json-c/json.h>
#include <xai/xai.h>

/* Exit codes; the first is no exit at all. */
enum cli_exit { CLI_GO_ON = -1, CLI_DONE = 0, CLI_FAILED = 1, CLI_USAGE = 2 };

/* Groups of options; a command names those it takes. */
enum cli_group {
    CLI_MODEL = 1,
    CLI_RUN = 2,
    CLI_PICTURE = 4,
    CLI_JSON = 8,
    CLI_CLASSES = 16,
    CLI_MAP = 32,
    CLI_BENCH = 64,
    CLI_PROFILE = 128,
    CLI_NOISE = 256,
    CLI_COVER = 512,
    CLI_OUTPUT = 1024,
    CLI_TREE = 2048,
    CLI_FIT = 4096,
    CLI_PRUNE = 8192,
    CLI_FILE = 16384,
    CLI_PREDICT = 32768,
    CLI_ROW = 65536,
    CLI_INDUCE = 131072,
    CLI_SHOW = 262144,
    CLI_EDGES = 524288,
    CLI_ENSEMBLE = 1048576,
    CLI_CAM = 2097152,
    CLI_GRADIENT = 4194304,
    CLI_OCCLUSION = 8388608,
    CLI_RISE = 16777216,
    CLI_METRICS = 33554432,
    CLI_SEGMENTS = 67108864,
    CLI_LIME = 134217728,
    CLI_STATE = 268435456,
    CLI_VISUALIZE = 536870912,
    CLI_INFLUENCE = 1073741824
};

/* An option that may be given several times. */
typedef struct cli_list {
    const char **items;
    size_t count;
} cli_list;

/* Three numbers; set tells whether they were given. */
typedef struct cli_triple {
    float values[3];
    bool set;
} cli_triple;

/* A number; set tells whether it was given. */
typedef struct cli_number {
    double value;
    bool set;
} cli_number;

/* Everything that a command line can say. Zero is "not given". */
typedef struct cli_args {
    const char *program; /* what messages begin with */
    const char *model, *arch, *weights, *labels;
    int32_t size, resize;
    float scale;
    cli_triple mean, std;
    int32_t threads;
    uint64_t seed;
    const char *backend, *profile, *method, *output, *npy, *hierarchy, *mode, *wnids, *wordnet, *image, *fuse;
    const char *sheet, *quadrature, *draw, *colors;
    bool exif, json, quiet, verbose, grid, explain, induce, edges, any_layer, eigen_smooth, aug_smooth, keep_channels,
        help;
    int32_t top, rounds, batch, window, branching;
    /* Trees on tables. */
    const char *column, *criterion;
    int32_t max_depth, max_leaf_nodes, min_samples_leaf, max_features, cuts, steps, row, trees;
    cli_number ccp_alpha;
    int32_t samples;
    float sigma, baseline, clip;
    bool probabilities;
    /* Feature visualisation. */
    const char *channels, *neuron, *parameterisation;
    int32_t pictures, side;
    float rate, diversity, tv, l1, l2, blur;
    bool deepdream, plain, redirect;
    const char *segmenter, *segment_map;
    int32_t n_segments, features, repeats;
    const char *fill;
    int32_t stride, masks, cells;
    float keep, max_error, top_region, share;
    bool whole, unpaired;
    const char *state;
    /* Influence. */
    const char *train, *cache, *solver, *product, *page;
    cli_number damping, tolerance;
    bool self;
    cli_list layers, targets, operands, checkpoints;
    /* Metrics. */
    const char *map, *other, *region, *box, *substrate, *measure;
    bool independent, is_signed;
    cli_list metrics, randomised;
} cli_args;

typedef struct cli_command {
    const char *name; /* one word, or two as "tree fit"; empty for a program that has only one command */
    const char *usage, *purpose;
    uint32_t groups;
    size_t min_operands, max_operands;
    int (*run)(const cli_args *cli);
} cli_command;

/* Runs a command on argv[first...]; returns the exit code. program is what messages and help begin with. */
int cli_main(const char *program, const cli_command *command, int argc, char **argv, int first);

/* One line on stderr, "program: message"; both return CLI_FAILED. The second says xai_last_error(). */
int cli_fail(const cli_args *cli, const char *format, ...) __attribute__((format(printf, 2, 3)));
int cli_fail_library(const cli_args *cli);

/* The same with CLI_USAGE and a pointer to --help. */
int cli_misuse(const cli_args *cli, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A remark on stderr, unless -q. */
void cli_note(const cli_args *cli, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* True, and the sentence is said, where text is a URL. */
bool cli_is_url(const cli_args *cli, const char *text);

/* Can a file of that name be written, as far as can be seen before anything is computed: does it end with one of these
 * (NULL: anything), is its folder there? NULL is no file. CLI_GO_ON or an exit code after a message. */
extern const char *const cli_picture_endings[];
int cli_check_output(const cli_args *cli, const char *path, const char *const *endings);

/* snprintf into new memory that the caller frees; ends the program where memory runs out. */
char *cli_format(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Seconds of a clock that only goes forward. */
double cli_seconds(void);

/* A run's state, kept in a file; zeroed: none. */
typedef struct cli_kept {
    xai_state *state;
    char *path;
    uint64_t n_saved; /* images that the file has */
    double last;      /* seconds, when it was written */
} cli_kept;

/* Reads the file at path (the caller's malloc; taken over), or begins a new state where there is none. CLI_GO_ON or
 * CLI_FAILED after a message. */
int cli_kept_open(cli_kept *kept, const cli_args *cli, xai_context *context, char *path);

/* Writes what is new and ends it; takes a zeroed one too. CLI_GO_ON or CLI_FAILED after a message. */
int cli_kept_close(cli_kept *kept, const cli_args *cli);

/* Someone who watches a long method. */
typedef struct cli_watch {
    const cli_args *cli;
    cli_kept *kept;     /* written every minute; NULL: none */
    double start, last; /* seconds */
    uint64_t n_known;   /* of the work, what was done before */
    bool has_bar, is_drawn, is_interrupted;
} cli_watch;

/* Makes run report here: a bar on a terminal, and Ctrl-C ends the method with what there is so far. Once a program;
 * end takes the bar off and begins anew. The last gives the exit code: 130 if it was stopped. */
void cli_watch_begin(cli_watch *watch, const cli_args *cli, xai_run_options *run);
void cli_watch_end(cli_watch *watch);
int cli_watch_exit(int status);

/* Ctrl-C also ends the session's present pass, and with it a method that asks nobody; NULL: no longer. */
void cli_watch_cancels(xai_session *session);

/* The next run keeps its state there; kept outlives it. */
void cli_watch_keep(cli_watch *watch, cli_kept *kept);

/* What a command works with. */
typedef struct cli_subject {
    xai_context *context;
    xai_model *model;
    xai_session *session;
} cli_subject;

/* How much of a subject a command needs. */
enum cli_need { CLI_NEED_WEIGHTS = 1, CLI_NEED_SESSION = 2 };

/* Opens what the MODEL options name; CLI_GO_ON or an exit code after a message. Close it in either case. */
int cli_open(cli_subject *subject, const cli_args *cli, uint32_t needs);
int cli_open_context(cli_subject *subject, const cli_args *cli);
void cli_close(cli_subject *subject);

/* Decodes a picture and prepares it; either out may be NULL. CLI_GO_ON or CLI_FAILED after a message. */
int cli_load(const cli_args *cli, const cli_subject *subject, const char *path, xai_image **crop, xai_tensor **input);

/* The network's answer to a picture. CLI_GO_ON, or CLI_FAILED after a message and no tensor. */
int cli_look(const cli_args *cli, const cli_subject *subject, const char *path, xai_tensor **logits);

/* Softmax of one row of logits; the caller frees it. Also gives the index of the largest. */
double *cli_softmax(const float *logits, size_t n_classes, size_t *top);

/* --mode: hard or soft. CLI_GO_ON or CLI_USAGE after a message. */
int cli_read_mode(const cli_args *cli, uint32_t *mode);

/* Builds the hierarchy of a model's classes as --method, --wnids and --wordnet say. */
int cli_induce(xai_tree **tree, const cli_args *cli, const cli_subject *subject);

/* A class's label, or "class N" in buffer where the model has none. */
const char *cli_label(const xai_model *model, size_t index, char *buffer, size_t capacity);

/* The last part of a path, and its length without the extension. */
const char *cli_stem(const char *path, size_t *length);

/* JSON numbers with nine significant digits, enough for any float; null for NaN and infinity. */
json_object *cli_json_number(double value);

/* Prints a document on one line and drops it. CLI_GO_ON or CLI_FAILED. */
int cli_json_print(const cli_args *cli, json_object *document);

/* Text of a function that works as snprintf (xai_context_json, xai_attribution_json), parsed; NULL on failure. */
typedef size_t (*cli_describe_fn)(void *object, char *buffer, size_t capacity);
json_object *cli_json_describe(cli_describe_fn describe, void *object);

/* What xai_context_json() says of a subject's context. */
json_object *cli_json_context(const cli_subject *subject);

/* The commands. */
int cli_classify(const cli_args *cli);
int cli_layers(const cli_args *cli);
int cli_cam(const cli_args *cli);
int cli_saliency(const cli_args *cli);
int cli_visualize(const cli_args *cli);
int cli_occlusion(const cli_args *cli);
int cli_rise(const cli_args *cli);
int cli_lime(const cli_args *cli);
int cli_metrics(const cli_args *cli);
int cli_shap(const cli_args *cli);
int cli_influence(const cli_args *cli);
int cli_nbdt(const cli_args *cli);
int cli_hierarchy_induce(const cli_args *cli);
int cli_hierarchy_show(const cli_args *cli);
int cli_hierarchy_convert(const cli_args *cli);
int cli_convert(const cli_args *cli);
int cli_bench(const cli_args *cli);
int cli_info(const cli_args *cli);
int cli_tree_fit(const cli_args *cli);
int cli_tree_predict(const cli_args *cli);
int cli_tree_explain(const cli_args *cli);
int cli_tree_show(const cli_args *cli);
int cli_tree_prune(const cli_args *cli);

#endif
