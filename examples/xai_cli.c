/* SPDX-License-Identifier: MIT
 * The command line: one table of options for all programs, help made from it, messages.
 *
 * A row of the table says how an option is spelt, what its value must be, which commands have it and where in cli_args
 * it goes. Parsing, help and messages all come from that, so a new option is a row and a field. One name may have
 * several rows, for commands to which it means different things. */
#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "xai_cli.h"

enum option_kind { FLAG, TEXT, COUNT, SEED, FACTOR, REAL, NUMBER, TRIPLE, LIST };

typedef struct cli_option {
    const char *name; /* without the dashes; NULL: only the letter */
    char letter;
    uint32_t kind, groups;
    size_t offset;
    const char *argument, *help;
} cli_option;

#define AT(field) offsetof(cli_args, field)

static const cli_option options[] = {
    { "model", 'm', TEXT, CLI_MODEL, AT(model), "FILE", "manifest (.json)" },
    { "arch", 0, TEXT, CLI_MODEL, AT(arch), "NAME", "built-in architecture, with --weights" },
    { "weights", 0, TEXT, CLI_MODEL, AT(weights), "FILE", "weight file: .safetensors, .pth, .th" },
    { "labels", 0, TEXT, CLI_MODEL, AT(labels), "FILE", "class names: JSON, or one a line" },
    { "size", 0, COUNT, CLI_MODEL, AT(size), "N", "crop to N x N pixels" },
    { "resize", 0, COUNT, CLI_MODEL, AT(resize), "N", "shorter side before the crop" },
    { "mean", 0, TRIPLE, CLI_MODEL, AT(mean), "A,B,C", "subtracted from each scaled channel" },
    { "std", 0, TRIPLE, CLI_MODEL, AT(std), "A,B,C", "divides each channel" },
    { "scale", 0, FACTOR, CLI_MODEL, AT(scale), "S", "factor for the pixel values 0..255" },
    { NULL, 'k', COUNT, CLI_CLASSES, AT(top), "N", "how many classes to list (5)" },
    { "method", 0, TEXT, CLI_CAM, AT(method), "NAME", "which class activation map: cam, gradcam, ... (cam)" },
    { "method", 0, TEXT, CLI_GRADIENT, AT(method), "NAME", "saliency, inputxgrad, guided, ig, ... (saliency)" },
    { "steps", 0, COUNT, CLI_GRADIENT, AT(steps), "N", "ig: points on the path (50)" },
    { "quadrature", 0, TEXT, CLI_GRADIENT, AT(quadrature), "NAME",
      "ig: gausslegendre, riemann-left, ... (gausslegendre)" },
    { "baseline", 0, REAL, CLI_GRADIENT, AT(baseline), "X", "ig: value where the path starts (0)" },
    { "samples", 0, COUNT, CLI_GRADIENT, AT(samples), "N", "smoothgrad: how many (20)" },
    { "sigma", 0, FACTOR, CLI_GRADIENT, AT(sigma), "S", "smoothgrad: noise as a share of the input's range (0.1)" },
    { "keep-channels", 0, FLAG, CLI_GRADIENT, AT(keep_channels), NULL, "write --npy with a map a channel" },
    { "window", 0, COUNT, CLI_OCCLUSION, AT(window), "N", "side of what is covered, in pixels (16)" },
    { "stride", 0, COUNT, CLI_OCCLUSION, AT(stride), "N", "pixels from window to window (half a window)" },
    { "fill", 0, TEXT, CLI_OCCLUSION, AT(fill), "NAME", "what covers it: value, mean or blur (value)" },
    { "baseline", 0, REAL, CLI_OCCLUSION, AT(baseline), "X", "the value, where 0 is the mean colour (0)" },
    { "share", 0, FACTOR, CLI_OCCLUSION, AT(share), "S", "coarse to fine: run this share of the windows (all)" },
    { "whole", 0, FLAG, CLI_OCCLUSION, AT(whole), NULL, "run whole pictures, not only what windows reach" },
    { "masks", 0, COUNT, CLI_RISE, AT(masks), "N", "random masks at most (4000)" },
    { "cells", 0, COUNT, CLI_RISE, AT(cells), "N", "of a mask, along each side (8)" },
    { "keep", 0, FACTOR, CLI_RISE, AT(keep), "P", "probability that a cell is seen (0.5)" },
    { "unpaired", 0, FLAG, CLI_RISE, AT(unpaired), NULL,
      "draw every mask anew, not in pairs that hide what the other shows" },
    { "max-error", 0, REAL, CLI_RISE, AT(max_error), "E", "stop at a standard error of this share of the map's range" },
    { "top-region", 0, REAL, CLI_RISE, AT(top_region), "S",
      "stop once this share of the pixels, the highest, settled" },
    { "state", 0, TEXT, CLI_STATE, AT(state), "FILE",
      "keep the scores there, and go on from those it has; a folder for several pictures" },
    { "samples", 0, COUNT, CLI_SEGMENTS, AT(samples), "N",
      "pictures with segments hidden (lime 1000; shap 2 S + 2048)" },
    { "segmenter", 0, TEXT, CLI_SEGMENTS, AT(segmenter), "NAME",
      "quickshift, slic, felzenszwalb or grid (quickshift)" },
    { "segments", 0, COUNT, CLI_SEGMENTS, AT(n_segments), "N", "slic, grid: about how many (100, 64)" },
    { "segment-map", 0, TEXT, CLI_SEGMENTS, AT(segment_map), "FILE",
      "labels as a NumPy file, in place of a segmenter" },
    { NULL, 'k', COUNT, CLI_SEGMENTS, AT(top), "N", "segments in STEM.METHOD.top.png (5)" },
    { "features", 0, COUNT, CLI_LIME, AT(features), "N", "segments that get a coefficient (all)" },
    { "repeats", 0, COUNT, CLI_LIME, AT(repeats), "N", "runs with other seeds, to see how stable the result is (1)" },
    { "layer", 0, LIST, CLI_CAM | CLI_GRADIENT, AT(layers), "NAME",
      "target layer, as `xai layers` lists them; repeated: fused" },
    { "any-layer", 0, FLAG, CLI_CAM, AT(any_layer), NULL, "of several --layer, take the first that there is" },
    { "fuse", 0, TEXT, CLI_CAM, AT(fuse), "HOW", "several layers by mean or max (as the profile does)" },
    { "eigen-smooth", 0, FLAG, CLI_CAM, AT(eigen_smooth), NULL, "first principal component of the weighed channels" },
    { "aug-smooth", 0, FLAG, CLI_CAM, AT(aug_smooth), NULL, "mean over mirrored and brighter versions of the picture" },
    { "target", 0, LIST, CLI_MAP, AT(targets), "CLASS", "index, label or top; may be repeated (top)" },
    { "grid", 0, FLAG, CLI_MAP, AT(grid), NULL, "write --npy on the method's own grid" },
    { "sheet", 0, TEXT, CLI_MAP, AT(sheet), "FILE", "draw all methods (or --method) side by side, and nothing else" },
    { "draw", 0, TEXT, CLI_MAP, AT(draw), "KIND", "overlay: heat, masked or contours (heat)" },
    { "colors", 0, TEXT, CLI_MAP, AT(colors), "NAME", "jet, viridis, turbo, gray, RdBu, each also with _r" },
    { "clip", 0, FACTOR, CLI_MAP, AT(clip), "P", "magnitudes beyond this percentile get the end colours" },
    { "train", 0, TEXT, CLI_INFLUENCE, AT(train), "LIST", "training pictures: a path, a tab and a label a line" },
    { "test", 0, LIST, CLI_INFLUENCE, AT(targets), "IMAGE", "whose prediction is explained; may be repeated" },
    { "self", 0, FLAG, CLI_INFLUENCE, AT(self), NULL, "influence of each on its own loss: finds wrong labels" },
    { "cache", 0, TEXT, CLI_INFLUENCE, AT(cache), "FILE", "where features are kept, to go on with and to use again" },
    { "target", 0, TEXT, CLI_INFLUENCE, AT(column), "CLASS", "whose loss is explained (the predicted class)" },
    { "method", 0, TEXT, CLI_INFLUENCE, AT(method), "NAME", "last-layer, layers, tracin-fast, tracin (last-layer)" },
    { "solver", 0, TEXT, CLI_INFLUENCE, AT(solver), "NAME", "cholesky, cg or lissa (by size)" },
    { "product", 0, TEXT, CLI_INFLUENCE, AT(product), "NAME", "layers: gauss-newton or gradients (gauss-newton)" },
    { "layer", 0, LIST, CLI_INFLUENCE, AT(layers), "NAME", "layers, tracin: layer or parameter; may be repeated" },
    { "checkpoint", 0, LIST, CLI_INFLUENCE, AT(checkpoints), "FILE=RATE",
      "tracin: weights and learning rate; repeated" },
    { "damping", 0, NUMBER, CLI_INFLUENCE, AT(damping), "X", "L2 penalty that training used (0.001)" },
    { "tolerance", 0, NUMBER, CLI_INFLUENCE, AT(tolerance), "X", "largest residual of a solve (by method)" },
    { NULL, 'k', COUNT, CLI_INFLUENCE, AT(top), "N", "how many to show of each kind (5; --json: all)" },
    { "sheet", 0, TEXT, CLI_INFLUENCE, AT(sheet), "FILE", "picture with the most helpful and harmful ones" },
    { "page", 0, TEXT, CLI_INFLUENCE, AT(page), "FILE.html", "the same as a page" },
    { "layer", 0, LIST, CLI_VISUALIZE, AT(layers), "NAME", "whose channels or neuron, as `xai layers` lists them" },
    { "channels", 0, TEXT, CLI_VISUALIZE, AT(channels), "LIST", "a picture each: 0-15, or 3,7" },
    { "neuron", 0, TEXT, CLI_VISUALIZE, AT(neuron), "N,Y,X", "channel, row and column; N alone: the middle" },
    { "class", 0, LIST, CLI_VISUALIZE, AT(targets), "CLASS", "index or label; may be repeated" },
    { "deepdream", 0, FLAG, CLI_VISUALIZE, AT(deepdream), NULL, "whatever the layer sees, more of it" },
    { "image", 0, TEXT, CLI_VISUALIZE, AT(image), "IMAGE", "picture to begin with (noise)" },
    { "pictures", 0, COUNT, CLI_VISUALIZE, AT(pictures), "N", "of each, optimised together (1)" },
    { "diversity", 0, REAL, CLI_VISUALIZE, AT(diversity), "W", "weight: how much these shall differ" },
    { "steps", 0, COUNT, CLI_VISUALIZE, AT(steps), "N", "of Adam (512)" },
    { "rate", 0, FACTOR, CLI_VISUALIZE, AT(rate), "R", "Adam's learning rate (0.05)" },
    { "side", 0, COUNT, CLI_VISUALIZE, AT(side), "N", "pictures of N x N pixels (128)" },
    { "parameterisation", 0, TEXT, CLI_VISUALIZE, AT(parameterisation), "NAME", "fourier or pixel (fourier)" },
    { "plain", 0, FLAG, CLI_VISUALIZE, AT(plain), NULL, "without transforms" },
    { "redirect", 0, FLAG, CLI_VISUALIZE, AT(redirect), NULL, "let gradients through shut rectifiers at first" },
    { "tv", 0, REAL, CLI_VISUALIZE, AT(tv), "W", "weight of total variation, kept small" },
    { "l1", 0, REAL, CLI_VISUALIZE, AT(l1), "W", "weight of the sum of distances from grey" },
    { "l2", 0, REAL, CLI_VISUALIZE, AT(l2), "W", "weight of the distance from grey" },
    { "blur", 0, REAL, CLI_VISUALIZE, AT(blur), "W", "weight of the difference from the blurred picture" },
    { "output", 'o', TEXT, CLI_VISUALIZE, AT(output), "FILE", "picture, or sheet of several: .png, .jpg" },
    { "map", 0, TEXT, CLI_METRICS, AT(map), "FILE", "the map, a NumPy file of the prepared picture's size" },
    { "metric", 0, LIST, CLI_METRICS, AT(metrics), "NAME",
      "sparseness, deletion, infidelity, ...; may be repeated (most)" },
    { "target", 0, LIST, CLI_METRICS, AT(targets), "CLASS", "class that the map explains: index, label or top (top)" },
    { "other", 0, TEXT, CLI_METRICS, AT(other), "FILE", "another map, for pearson, spearman, ssim, top-k-agreement" },
    { "region", 0, TEXT, CLI_METRICS, AT(region), "FILE", "where the object is: a NumPy file, not 0 inside" },
    { "box", 0, TEXT, CLI_METRICS, AT(box), "X,Y,W,H", "the same as a box: left, top, width, height" },
    { "steps", 0, COUNT, CLI_METRICS, AT(steps), "N",
      "deletion, insertion, ...: how many (224); of squares or segments, how many go" },
    { "substrate", 0, TEXT, CLI_METRICS, AT(substrate), "NAME", "what pixels become: zero, blur, min or mean" },
    { "samples", 0, COUNT, CLI_METRICS, AT(samples), "N",
      "infidelity, sensitivity (10), faithfulness-correlation (100), ...: how many" },
    { "window", 0, COUNT, CLI_METRICS, AT(window), "N", "selectivity, region-perturbation: side of a square (8)" },
    { "method", 0, TEXT, CLI_METRICS, AT(method), "NAME",
      "method that made the map, for max-sensitivity and randomisation" },
    { "layer", 0, LIST, CLI_METRICS, AT(layers), "NAME", "its target layer" },
    { "randomise", 0, LIST, CLI_METRICS, AT(randomised), "NAME", "randomisation: a layer, in order; repeated (all)" },
    { "independent", 0, FLAG, CLI_METRICS, AT(independent), NULL, "randomisation: one layer at a time, no cascade" },
    { "signed", 0, FLAG, CLI_METRICS, AT(is_signed), NULL, "randomisation: compare values, not magnitudes" },
    { "measure", 0, TEXT, CLI_METRICS, AT(measure), "NAME", "randomisation: spearman, pearson, ssim, ... (spearman)" },
    { "output", 'o', TEXT, CLI_METRICS, AT(output), "FILE", "draw the curves: .svg" },
    { "npy", 0, TEXT, CLI_MAP, AT(npy), "FILE", "write the map as a NumPy file; a folder for several pictures" },
    { "output", 'o', TEXT, CLI_MAP | CLI_OUTPUT, AT(output), "PATH", "folder for the pictures (.)" },
    { "profile", 0, TEXT, CLI_MAP | CLI_PROFILE, AT(profile), "NAME", "whose conventions to follow (default)" },
    { "hierarchy", 0, TEXT, CLI_TREE, AT(hierarchy), "FILE", "hierarchy of the classes (.json); the manifest's" },
    { "induce", 0, FLAG, CLI_TREE, AT(induce), NULL, "build the hierarchy from the model's weights" },
    { "mode", 0, TEXT, CLI_TREE | CLI_SHOW, AT(mode), "MODE", "decide hard or soft (hard; soft by profile nbdt)" },
    { "image", 0, TEXT, CLI_SHOW, AT(image), "IMAGE", "draw the way of a picture's prediction by MODEL" },
    { "method", 0, TEXT, CLI_INDUCE, AT(method), "NAME", "induced, wordnet or random (induced)" },
    { "branching", 0, COUNT, CLI_INDUCE, AT(branching), "N", "most children of a node (2)" },
    { "wnids", 0, TEXT, CLI_INDUCE | CLI_TREE, AT(wnids), "FILE",
      "WordNet ids of the classes: JSON, or one a line (looked up by label)" },
    { "wordnet", 0, TEXT, CLI_INDUCE | CLI_TREE, AT(wordnet), "FOLDER", "WordNet's database (/usr/share/wordnet)" },
    { "edges", 0, FLAG, CLI_EDGES, AT(edges), NULL, "call the list of links \"edges\", as newer networkx does" },
    { "output", 'o', TEXT, CLI_INDUCE | CLI_SHOW, AT(output), "FILE",
      ".json, .txt, .dot, .svg or .html (text on standard output)" },
    { "target", 0, TEXT, CLI_FIT | CLI_ENSEMBLE, AT(column), "COLUMN", "the column that is to be predicted" },
    { "method", 0, TEXT, CLI_FIT, AT(method), "NAME", "cart or dndt (cart)" },
    { "criterion", 0, TEXT, CLI_FIT, AT(criterion), "NAME", "gini, entropy, log_loss or squared_error (gini)" },
    { "max-depth", 0, COUNT, CLI_FIT, AT(max_depth), "N", "levels below the root (no limit)" },
    { "max-leaf-nodes", 0, COUNT, CLI_FIT, AT(max_leaf_nodes), "N", "grow best first up to N leaves (no limit)" },
    { "min-samples-leaf", 0, COUNT, CLI_FIT, AT(min_samples_leaf), "N", "rows that a leaf needs (1)" },
    { "max-features", 0, COUNT, CLI_FIT, AT(max_features), "N", "features tried at each split (all)" },
    { "ccp-alpha", 0, NUMBER, CLI_FIT | CLI_PRUNE, AT(ccp_alpha), "A", "prune links that cost at most A a leaf" },
    { "trees", 0, COUNT, CLI_ENSEMBLE, AT(trees), "N", "trees that vote (15)" },
    { "features", 0, COUNT, CLI_ENSEMBLE, AT(max_features), "N", "features that each sees (6)" },
    { "steps", 0, COUNT, CLI_ENSEMBLE, AT(steps), "N", "steps of Adam (300)" },
    { "cuts", 0, COUNT, CLI_FIT | CLI_ENSEMBLE, AT(cuts), "N", "dndt: cuts a feature (1)" },
    { "steps", 0, COUNT, CLI_FIT, AT(steps), "N", "dndt: steps of Adam (1000)" },
    { "output", 'o', TEXT, CLI_FIT | CLI_PRUNE, AT(output), "FILE", "tree to write (.json)" },
    { "output", 'o', TEXT, CLI_FILE, AT(output), "FILE", "file to write; its ending is the format" },
    { "probabilities", 0, FLAG, CLI_PREDICT, AT(probabilities), NULL, "a column for each class" },
    { "output", 'o', TEXT, CLI_ROW, AT(output), "FILE", "draw the tree and the row's way: .svg, .html, .txt, .dot" },
    { "row", 0, COUNT, CLI_ROW, AT(row), "N", "this row only, counted from 1 (all)" },
    { "window", 0, COUNT, CLI_COVER, AT(window), "N", "side of the patch in pixels (a quarter of the picture)" },
    { "rounds", 0, COUNT, CLI_BENCH, AT(rounds), "N", "timed runs (20)" },
    { "batch", 0, COUNT, CLI_BENCH, AT(batch), "N", "images a run (1); more than 1: a plan for throughput" },
    { "explain", 0, FLAG, CLI_BENCH, AT(explain), NULL, "time a class activation map as well" },
    { "exif", 0, FLAG, CLI_PICTURE, AT(exif), NULL, "turn pictures as their EXIF orientation says" },
    { "threads", 0, COUNT, CLI_RUN, AT(threads), "N", "threads to use (one a core)" },
    { "backend", 0, TEXT, CLI_RUN, AT(backend), "CHAIN", "backends, first choice first (native)" },
    { "seed", 0, SEED, CLI_RUN, AT(seed), "N", "seed of everything random (0)" },
    { "json", 0, FLAG, CLI_JSON, AT(json), NULL, "the result as JSON, and nothing else on stdout" },
    { "quiet", 'q', FLAG, CLI_NOISE, AT(quiet), NULL, "no remarks" },
    { "verbose", 'v', FLAG, CLI_NOISE, AT(verbose), NULL, "say what the library does" },
    { "help", 'h', FLAG, ~0u, AT(help), NULL, "this text" },
};

#define N_OPTIONS (sizeof options / sizeof options[0])

/* What was printed so far goes out first, so that both streams stay in order on a terminal. */
static void say(const cli_args *cli, const char *format, va_list arguments)
{
    fflush(stdout);
    fprintf(stderr, "%s: ", cli->program);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
}

int cli_fail(const cli_args *cli, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    say(cli, format, arguments);
    va_end(arguments);
    return CLI_FAILED;
}

int cli_fail_library(const cli_args *cli)
{
    return cli_fail(cli, "%s", xai_last_error());
}

int cli_misuse(const cli_args *cli, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    say(cli, format, arguments);
    va_end(arguments);
    return CLI_USAGE;
}

void cli_note(const cli_args *cli, const char *format, ...)
{
    va_list arguments;

    if (cli->quiet)
        return;
    va_start(arguments, format);
    say(cli, format, arguments);
    va_end(arguments);
}

bool cli_is_url(const cli_args *cli, const char *text)
{
    size_t scheme = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+.-");

    if (scheme == 0 || strncmp(text + scheme, "://", 3) != 0)
        return false;
    cli_fail(cli, "%s: is a URL; nothing is downloaded, save the file and name that", text);
    return true;
}

/* A program that has no memory for a file's name can do nothing that would help. */
char *cli_format(const char *format, ...)
{
    va_list arguments;
    char *text = NULL;
    int length;

    va_start(arguments, format);
    length = vasprintf(&text, format, arguments);
    va_end(arguments);
    if (length < 0) {
        fputs("out of memory\n", stderr);
        exit(CLI_FAILED);
    }
    return text;
}

double cli_seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* Down to int32_t, which every count of the library holds; strtol() alone would take 2^40 where long is wide. */
static bool read_count(const char *text, int32_t *out)
{
    char *end;
    long value;

    errno = 0;
    value = strtol(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || value < 1 || value > INT32_MAX)
        return false;
    *out = (int32_t)value;
    return true;
}

/* strtoull() takes a minus and wraps around, so that is looked for. */
static bool read_seed(const char *text, uint64_t *out)
{
    char *end;

    errno = 0;
    *out = strtoull(text, &end, 10);
    return errno == 0 && end != text && *end == '\0' && text[0] != '-';
}

/* Reads a finite number and moves text behind it. */
static bool read_number(const char **text, float *out)
{
    char *end;
    double value = strtod(*text, &end);

    if (end == *text || !isfinite(value) || fabs(value) > (double)FLT_MAX)
        return false;
    *text = end;
    *out = (float)value;
    return true;
}

static bool read_real(const char *text, float *out)
{
    return read_number(&text, out) && *text == '\0';
}

/* 0 means "not given" in cli_args and in the library's options alike, so it cannot be asked for where the default is
 * another number. */
static bool read_factor(const char *text, float *out)
{
    return read_real(text, out) && *out != 0;
}

/* "A,B,C". The position moves past the comma, and past the end after the third, where nothing is read any more. */
static bool read_triple(const char *text, cli_triple *out)
{
    for (int i = 0; i < 3; i++) {
        if (!read_number(&text, &out->values[i]) || *text != (i < 2 ? ',' : '\0'))
            return false;
        text++;
    }
    out->set = true;
    return true;
}

static bool read_positive(const char *text, cli_number *out)
{
    char *end;

    out->value = strtod(text, &end);
    out->set = true;
    return end != text && *end == '\0' && isfinite(out->value) && out->value >= 0;
}

/* Said of a missing value and of a wrong one alike. */
static const char *expected(uint32_t kind)
{
    static const char *const texts[] = {
        [FLAG] = "no value",
        [TEXT] = "a text",
        [COUNT] = "a whole number from 1 to 2147483647",
        [SEED] = "a whole number from 0 to 18446744073709551615",
        [FACTOR] = "a finite number other than 0",
        [REAL] = "a finite number",
        [NUMBER] = "a finite number from 0 on",
        [TRIPLE] = "three finite numbers, such as 0.485,0.456,0.406",
        [LIST] = "a text",
    };

    return texts[kind];
}

static bool read_value(cli_args *cli, const cli_option *option, const char *text)
{
    void *field = (char *)cli + option->offset;

    switch (option->kind) {
    case COUNT:
        return read_count(text, field);
    case SEED:
        return read_seed(text, field);
    case FACTOR:
        return read_factor(text, field);
    case REAL:
        return read_real(text, field);
    case NUMBER:
        return read_positive(text, field);
    case TRIPLE:
        return read_triple(text, field);
    case LIST: /* there is room for as many as there are arguments */
        ((cli_list *)field)->items[((cli_list *)field)->count++] = text;
        return true;
    default:
        *(const char **)field = text;
        return text[0] != '\0';
    }
}

/* The option that arg names, as "--name", "--name=value", "-x" or "-xvalue"; *value is what is attached or NULL. */
static const cli_option *find_option(const char *arg, uint32_t groups, const char **value)
{
    bool is_long = arg[1] == '-';
    size_t length = is_long ? strcspn(arg + 2, "=") : 1;

    *value = NULL;
    for (size_t i = 0; i < N_OPTIONS; i++) {
        const cli_option *option = &options[i];
        if ((option->groups & groups) == 0)
            continue;
        if (is_long
                ? option->name == NULL || strncmp(option->name, arg + 2, length) != 0 || option->name[length] != '\0'
                : option->letter != arg[1])
            continue;
        if (is_long && arg[2 + length] == '=')
            *value = arg + 3 + length;
        else if (!is_long && arg[2] != '\0')
            *value = arg + 2;
        return option;
    }
    return NULL;
}

/* *at: the argument, moved on where the value is the next one. */
static int parse_option(cli_args *cli, uint32_t groups, char **argv, int argc, int *at)
{
    const char *arg = argv[*at];
    const char *value;
    const cli_option *option = find_option(arg, groups, &value);

    if (option == NULL)
        return cli_misuse(cli, "%s: no such option; --help lists them", arg);
    if (option->kind == FLAG) {
        if (value != NULL)
            return cli_misuse(cli, "%s: takes no value", arg);
        *(bool *)((char *)cli + option->offset) = true;
        return CLI_GO_ON;
    }
    if (value == NULL && *at + 1 == argc)
        return cli_misuse(cli, "%s: expected %s after it", arg, expected(option->kind));
    if (value == NULL)
        value = argv[++*at];
    if (!read_value(cli, option, value))
        return cli_misuse(cli, "%s: expected %s, got \"%s\"", arg, expected(option->kind), value);
    return CLI_GO_ON;
}

/* Options and operands in any order, as GNU's programs take them; behind "--" a name may begin with a dash, and "-" is
 * a name itself. */
static int parse(cli_args *cli, const cli_command *command, int argc, char **argv, int first)
{
    bool only_operands = false;

    for (int i = first; i < argc; i++) {
        if (!only_operands && strcmp(argv[i], "--") == 0) {
            only_operands = true;
        } else if (only_operands || argv[i][0] != '-' || argv[i][1] == '\0') {
            cli->operands.items[cli->operands.count++] = argv[i];
        } else {
            int status = parse_option(cli, command->groups, argv, argc, &i);
            if (status != CLI_GO_ON)
                return status;
        }
    }
    return CLI_GO_ON;
}

/* From the same rows that parse, so that help cannot offer what is not taken. */
static void print_help(const char *program, const cli_command *command)
{
    printf("usage: %s%s%s%s%s\n\n%s\n\n", program, command->name[0] != '\0' ? " " : "", command->name,
           command->usage[0] != '\0' ? " " : "", command->usage, command->purpose);
    if (command->groups & CLI_MODEL)
        puts("MODEL is -m FILE, or --arch NAME --weights FILE; with neither, $XAI_MODEL, else the default model that\n"
             "`bash examples/run` installed.\n");
    for (size_t i = 0; i < N_OPTIONS; i++) {
        const cli_option *option = &options[i];
        char letter[] = { '-', option->letter, '\0' };
        char left[64];

        if ((option->groups & command->groups) == 0)
            continue;
        snprintf(left, sizeof left, "%s%s%s%s%s%s", option->letter ? letter : "    ",
                 option->letter && option->name ? ", " : "", option->name ? "--" : "", option->name ? option->name : "",
                 option->argument ? " " : "", option->argument ? option->argument : "");
        printf("  %-22s %s\n", left, option->help);
    }
}

/* With the usage, since what is missing has no name of its own. */
static int check_operands(const cli_args *cli, const cli_command *command)
{
    size_t count = cli->operands.count;
    const char *gap = command->name[0] != '\0' ? " " : "";

    if (count < command->min_operands)
        return cli_misuse(cli, "too few arguments; usage: %s %s%s%s", cli->program, command->name, gap, command->usage);
    if (count > command->max_operands)
        return cli_misuse(cli, "%s: one argument too many; usage: %s %s%s%s",
                          cli->operands.items[command->max_operands], cli->program, command->name, gap, command->usage);
    return CLI_GO_ON;
}

static cli_list *list_of(cli_args *cli, const cli_option *option)
{
    return (cli_list *)((char *)cli + option->offset);
}

/* Room for as many items as there are words, which no list can exceed, for the operands and each list that the table
 * names: an option that is added to it needs nothing here. Several options may fill one list. Texts are argv's own; the
 * caller frees what is returned. */
static const char **make_lists(cli_args *cli, uint32_t groups, size_t room)
{
    size_t n_lists = 1;
    const char **items, **next;

    for (size_t i = 0; i < N_OPTIONS; i++)
        n_lists += options[i].kind == LIST;
    items = next = calloc(n_lists * room, sizeof *items);
    if (items == NULL)
        return NULL;
    cli->operands.items = next;
    for (size_t i = 0; i < N_OPTIONS; i++)
        if (options[i].kind == LIST && (options[i].groups & groups) != 0 && list_of(cli, &options[i])->items == NULL)
            list_of(cli, &options[i])->items = next += room;
    return items;
}

int cli_main(const char *program, const cli_command *command, int argc, char **argv, int first)
{
    cli_args cli = { .program = program };
    const char **items = make_lists(&cli, command->groups, (size_t)argc + 1);
    int status;

    if (items == NULL)
        return cli_fail(&cli, "out of memory");
    status = parse(&cli, command, argc, argv, first);
    if (status == CLI_GO_ON && cli.help) {
        print_help(program, command);
        status = CLI_DONE;
    }
    if (status == CLI_GO_ON)
        status = check_operands(&cli, command);
    if (status == CLI_GO_ON)
        status = command->run(&cli);
    free(items);
    /* A full disk or a closed pipe shows here at the latest; output that was lost is no success. */
    if (fflush(stdout) != 0 || ferror(stdout))
        return cli_fail(&cli, "standard output: cannot be written: %s", strerror(errno));
    return status == CLI_GO_ON ? CLI_DONE : status;
}
