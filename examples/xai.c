/* SPDX-License-Identifier: MIT
 * The command line `xai`: a table of commands, each a thin use of the public headers. */
#include <string.h>

#include "xai_cli.h"

#define COMMON (CLI_MODEL | CLI_RUN | CLI_JSON | CLI_NOISE)

static const cli_command commands[] = {
    { "classify", "[MODEL] [-k 5] IMAGE...", "Say what is in pictures.", COMMON | CLI_PICTURE | CLI_CLASSES, 1,
      SIZE_MAX, cli_classify },
    { "layers", "[MODEL]", "List the values that can be hooked: names, shapes, operators, kernels.", COMMON, 0, 0,
      cli_layers },
    { "cam", "[MODEL] [--layer NAME] [--target CLASS]... IMAGE...",
      "Draw where in pictures the evidence for a class is: STEM.cam.heatmap.png and STEM.cam.overlay.png.",
      COMMON | CLI_PICTURE | CLI_MAP, 1, SIZE_MAX, cli_cam },
    { "nbdt", "[MODEL] [--hierarchy FILE] [--mode hard|soft] IMAGE...",
      "Say what is in pictures, and by which decisions along a hierarchy of classes.", COMMON | CLI_PICTURE | CLI_TREE,
      1, SIZE_MAX, cli_nbdt },
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
        fprintf(file, "  %-10s %s\n", commands[i].name, commands[i].purpose);
}

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
        if (strcmp(argv[1], commands[i].name) == 0)
            return cli_main("xai", &commands[i], argc, argv, 2);
    }
    return cli_misuse(&nothing, "%s: no such command; `xai --help` lists them", argv[1]);
}
