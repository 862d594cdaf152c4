/* SPDX-License-Identifier: MIT
 * The tutorial's step 4: a neural-backed decision tree says what is in a photograph, and by which decisions. */
#include "xai_cli.h"

int main(int argc, char **argv)
{
    static const cli_command command = { "",
                                         "[MODEL] [--hierarchy FILE] PICTURE",
                                         "Say what is in a photograph and how that was decided: the tutorial's step 4.",
                                         CLI_MODEL | CLI_RUN | CLI_PICTURE | CLI_NOISE | CLI_TREE,
                                         1,
                                         1,
                                         cli_nbdt };

    return cli_main("step_4_nbdt", &command, argc, argv, 1);
}
