/* SPDX-License-Identifier: MIT
 * The command line `xai`: a table of commands, each a thin use of the public headers. */
#include <string.h>

#include "xai_cli.h"

/* What commands that run a network take. */
#define COMMON (CLI_MODEL | CLI_RUN | CLI_JSON | CLI_NOISE)

/* In the order in which help lists them: looking, explaining, judging, deciding, tools. */
static const cli_command commands[] = {
    { "classify", "[MODEL] [-k 5] IMAGE...", "Say what is in pictures.", COMMON | CLI_PICTURE | CLI_CLASSES, 1,
      SIZE_MAX, cli_classify },
    { "layers", "[MODEL]", "List the values that can be hooked: names, shapes, operators, kernels.", COMMON, 0, 0,
      cli_layers },
    { "cam", "[MODEL] [--method NAME] [--layer NAME]... [--target CLASS]... IMAGE...",
      "Draw where in pictures the evidence for a class is: STEM.cam.heatmap.png and STEM.cam.overlay.png.",
      COMMON | CLI_PICTURE | CLI_MAP | CLI_CAM, 1, SIZE_MAX, cli_cam },
    { "saliency", "[MODEL] [--method NAME] [--target CLASS]... IMAGE...",
      "Draw how a class's score changes with each pixel: STEM.saliency.heatmap.png and STEM.saliency.overlay.png.",
      COMMON | CLI_PICTURE | CLI_MAP | CLI_GRADIENT, 1, SIZE_MAX, cli_saliency },
    { "visualize", "[MODEL] --layer NAME [--channels 0-15 | --neuron N,Y,X | --deepdream] | --class CLASS, -o FILE",
      "Draw what channels, a neuron or classes look for.", COMMON | CLI_PROFILE | CLI_VISUALIZE, 0, 0, cli_visualize },
    { "occlusion", "[MODEL] [--window N] [--stride N] [--target CLASS]... IMAGE...",
      "Draw what covering each part of a picture does: STEM.occlusion.heatmap.png and STEM.occlusion.overlay.png.",
      COMMON | CLI_PICTURE | CLI_MAP | CLI_OCCLUSION | CLI_STATE, 1, SIZE_MAX, cli_occlusion },
    { "rise", "[MODEL] [--masks N] [--target CLASS]... IMAGE...",
      "Draw what must be seen, by random masks: STEM.rise.heatmap.png, .overlay.png and .error.png.",
      COMMON | CLI_PICTURE | CLI_MAP | CLI_RISE | CLI_STATE, 1, SIZE_MAX, cli_rise },
    { "lime", "[MODEL] [--samples N] [--segmenter NAME] [--target CLASS]... IMAGE...",
      "Draw what superpixels add to a class: STEM.lime.heatmap.png, .overlay.png, .segments.png and .top.png.",
      COMMON | CLI_PICTURE | CLI_MAP | CLI_SEGMENTS | CLI_LIME | CLI_STATE, 1, SIZE_MAX, cli_lime },
    { "shap", "[MODEL] [--samples N] [--segmenter NAME] [--target CLASS]... IMAGE...",
      "Draw Shapley values of superpixels: STEM.shap.heatmap.png, .overlay.png, .segments.png and .top.png.",
      COMMON | CLI_PICTURE | CLI_MAP | CLI_SEGMENTS | CLI_STATE, 1, SIZE_MAX, cli_shap },
    { "influence", "[MODEL] --train LIST --test IMAGE [--cache FILE] [--page FILE.html] [--sheet FILE.png]",
      "Say which training pictures made a prediction; --self: which look mislabelled.",
      COMMON | CLI_PICTURE | CLI_PROFILE | CLI_INFLUENCE, 0, 0, cli_influence },
    { "metrics", "[MODEL] --map FILE.npy [--metric NAME]... [--target CLASS] [-o FILE.svg] IMAGE",
      "Say how good a map is: deletion, insertion, sparseness, ...", COMMON | CLI_PICTURE | CLI_PROFILE | CLI_METRICS,
      1, 1, cli_metrics },
    { "nbdt", "[MODEL] [--hierarchy FILE | --induce] [--mode hard|soft] [--profile NAME] [-o FILE] IMAGE...",
      "Say what is in pictures, and by which decisions along a hierarchy of classes; -o draws them in the tree.",
      COMMON | CLI_PICTURE | CLI_PROFILE | CLI_TREE | CLI_FILE, 1, SIZE_MAX, cli_nbdt },
    { "hierarchy induce", "[MODEL] [--method NAME] [-o FILE]",
      "Build a hierarchy of a model's classes, from its weights or from WordNet.",
      CLI_MODEL | CLI_RUN | CLI_NOISE | CLI_INDUCE, 0, 0, cli_hierarchy_induce },
    { "hierarchy show", "FILE [MODEL] [--image IMAGE] [-o FILE]",
      "Draw a hierarchy, and the way of a picture's prediction.",
      CLI_MODEL | CLI_RUN | CLI_NOISE | CLI_PICTURE | CLI_SHOW, 1, 1, cli_hierarchy_show },
    { "hierarchy convert", "IN OUT", "Rewrite a hierarchy; the ending decides how: .json, .txt, .dot, .svg, .html.",
      CLI_RUN | CLI_NOISE | CLI_EDGES, 2, 2, cli_hierarchy_convert },
    { "tree fit", "DATA.csv --target COLUMN -o TREE.json", "Fit a decision tree to a CSV file with a header line.",
      CLI_FIT | CLI_RUN | CLI_NOISE, 1, 1, cli_tree_fit },
    { "tree predict", "TREE.json DATA.csv", "Predict the rows of a CSV file; the answer is one, too.",
      CLI_PREDICT | CLI_RUN | CLI_NOISE, 2, 2, cli_tree_predict },
    { "tree explain", "TREE.json DATA.csv [--row N [-o FILE]]",
      "Say for rows by which decisions, and what each feature gave.", CLI_ROW | CLI_JSON | CLI_RUN | CLI_NOISE, 2, 2,
      cli_tree_explain },
    { "tree show", "TREE.json [-o FILE.txt|.json|.dot|.svg|.html]", "Draw a tree.", CLI_FILE | CLI_RUN | CLI_NOISE, 1,
      1, cli_tree_show },
    { "tree prune", "TREE.json [--ccp-alpha A -o OUT.json]",
      "List the alphas at which a tree loses its next link, or prune it.", CLI_PRUNE | CLI_RUN | CLI_NOISE, 1, 1,
      cli_tree_prune },
    { "convert", "IN OUT.safetensors", "Rewrite a weight file (.pth, .th, .safetensors) as safetensors.",
      CLI_RUN | CLI_NOISE, 2, 2, cli_convert },
    { "bench", "[MODEL] [--rounds N] [--batch N] [--explain]",
      "Time the whole network on random input. --arch NAME alone takes random weights.", COMMON | CLI_BENCH, 0, 0,
      cli_bench },
    { "info", "", "Show the version, backends, processor features, formats and architectures.",
      CLI_RUN | CLI_JSON | CLI_NOISE, 0, 0, cli_info },
};

#define N_COMMANDS (sizeof commands / sizeof commands[0])

static void print_commands(FILE *file)
{
    fputs("usage: xai COMMAND ...; xai COMMAND --help says more\n\n", file);
    for (size_t i = 0; i < N_COMMANDS; i++)
        fprintf(file, "  %-17s %s\n", commands[i].name, commands[i].purpose);
}

/* How many words of the command line name a command: 1, or 2 for those such as "tree fit"; 0: another one is meant. */
static int count_words(const cli_command *command, int argc, char **argv)
{
    size_t length = strcspn(command->name, " ");

    if (strncmp(argv[1], command->name, length) != 0 || argv[1][length] != '\0')
        return 0;
    if (command->name[length] == '\0')
        return 1;
    return argc > 2 && strcmp(argv[2], command->name + length + 1) == 0 ? 2 : 0;
}

/* No command, but perhaps the first word of some, which are listed then. */
static int list_group(const cli_args *cli, int argc, char **argv)
{
    size_t length = strlen(argv[1]);
    bool asked = argc > 2 && (strcmp(argv[2], "--help") == 0 || strcmp(argv[2], "-h") == 0), found = false;

    for (size_t i = 0; i < N_COMMANDS; i++) {
        if (strncmp(commands[i].name, argv[1], length) != 0 || commands[i].name[length] != ' ')
            continue;
        if (asked)
            printf("%sxai %s %s\n    %s\n", found ? "" : "usage:\n", commands[i].name, commands[i].usage,
                   commands[i].purpose);
        else
            fprintf(stderr, "%s%s", found ? ", " : "xai: there is ", commands[i].name);
        found = true;
    }
    if (!found)
        return cli_misuse(cli, "%s: no such command; `xai --help` lists them", argv[1]);
    fputs(asked ? "--help behind one of them lists its options.\n" : "; --help behind one says more\n",
          asked ? stdout : stderr);
    return asked ? CLI_DONE : CLI_USAGE;
}

/* Help that was asked for is an answer, on standard output and with exit code 0; without a command it is a complaint.
 */
int main(int argc, char **argv)
{
    const cli_args nothing = { .program = "xai" };

    if (argc < 2) {
        print_commands(stderr);
        return CLI_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0) {
        print_commands(stdout);
        return CLI_DONE;
    }
    if (strcmp(argv[1], "--version") == 0) {
        printf("xai %s\n", xai_version_string());
        return CLI_DONE;
    }
    for (size_t i = 0; i < N_COMMANDS; i++) {
        int n_words = count_words(&commands[i], argc, argv);
        if (n_words > 0)
            return cli_main("xai", &commands[i], argc, argv, 1 + n_words);
    }
    return list_group(&nothing, argc, argv);
}
