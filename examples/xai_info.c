/* SPDX-License-Identifier: MIT
 * xai info: what this build of the library is and can do. */
#include "xai_cli.h"

/* "name: a, b, c" for a list, "name: value" for the rest. */
static void print_member(const char *name, json_object *value)
{
    size_t count = json_object_is_type(value, json_type_array) ? json_object_array_length(value) : 0;

    printf("%-16s", name);
    if (!json_object_is_type(value, json_type_array))
        printf("%s", json_object_get_string(value));
    for (size_t i = 0; i < count; i++)
        printf("%s%s", i > 0 ? ", " : "", json_object_get_string(json_object_array_get_idx(value, i)));
    putchar('\n');
}

int cli_info(const cli_args *cli)
{
    cli_subject subject = { 0 };
    json_object *document;
    int status = cli_open_context(&subject, cli);

    if (status != CLI_GO_ON)
        return status;
    document = cli_json_context(&subject);
    cli_close(&subject);
    if (document == NULL)
        return cli_fail(cli, "out of memory");
    if (cli->json)
        return cli_json_print(cli, document);

    json_object_object_foreach(document, name, value) print_member(name, value);
    json_object_put(document);
    return CLI_GO_ON;
}
