/* SPDX-License-Identifier: MIT
 * xai convert: a weight file as safetensors. */
#include "xai_cli.h"

int cli_convert(const cli_args *cli)
{
    static const char *const endings[] = { ".safetensors", NULL };
    const char *in = cli->operands.items[0], *out = cli->operands.items[1];
    cli_subject subject = { 0 };
    int status = cli_is_url(cli, in) ? CLI_FAILED : cli_check_output(cli, out, endings);

    if (status == CLI_GO_ON)
        status = cli_open_context(&subject, cli);
    if (status == CLI_GO_ON && xai_weights_convert(subject.context, in, out) != XAI_OK)
        status = cli_fail_library(cli);
    if (status == CLI_GO_ON && !cli->quiet)
        printf("%s\n", out);
    cli_close(&subject);
    return status;
}
