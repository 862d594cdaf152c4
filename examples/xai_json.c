/* SPDX-License-Identifier: MIT
 * JSON out, through json-c. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "xai_cli.h"

json_object *cli_json_number(double value)
{
    char text[32];

    if (!isfinite(value))
        return NULL; /* json-c's null */
    snprintf(text, sizeof text, "%.9g", value);
    return json_object_new_double_s(value, text);
}

int cli_json_print(const cli_args *cli, json_object *document)
{
    const char *text = json_object_to_json_string_ext(document,
                                                      JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
    int status = CLI_GO_ON;

    if (document == NULL || text == NULL)
        status = cli_fail(cli, "out of memory");
    else if (puts(text) < 0)
        status = cli_fail(cli, "standard output: cannot be written: %s", strerror(errno));
    json_object_put(document);
    return status;
}

json_object *cli_json_describe(cli_describe_fn describe, void *object)
{
    size_t length = describe(object, NULL, 0);
    char *text = malloc(length + 1);
    json_object *document = NULL;

    if (text != NULL && length > 0 && describe(object, text, length + 1) == length)
        document = json_tokener_parse(text);
    free(text);
    return document;
}
