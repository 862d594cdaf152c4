/* SPDX-License-Identifier: MIT
 * JSON out, through json-c. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "xai_cli.h"

/* The text goes along, since json-c would print seventeen digits of its own. */
json_object *cli_json_number(double value)
{
    char text[32];

    if (!isfinite(value))
        return NULL; /* json-c's null */
    snprintf(text, sizeof text, "%.9g", value);
    return json_object_new_double_s(value, text);
}

/* Bytes of the UTF-8 character that starts here, by RFC 3629: nothing over-long, no surrogates; 0 if there is none. */
static size_t character_length(const unsigned char *c)
{
    size_t length = *c < 0x80 ? 1 : *c < 0xc2 || *c > 0xf4 ? 0 : *c < 0xe0 ? 2 : *c < 0xf0 ? 3 : 4;

    for (size_t i = 1; i < length; i++)
        if ((c[i] & 0xc0) != 0x80)
            return 0;
    if ((*c == 0xe0 && c[1] < 0xa0) || (*c == 0xed && c[1] > 0x9f) || (*c == 0xf0 && c[1] < 0x90) ||
        (*c == 0xf4 && c[1] > 0x8f))
        return 0;
    return length;
}

/* Names of files may be any bytes and json-c passes them on, but JSON is UTF-8: what is none becomes U+FFFD. */
static void put_text(const char *text)
{
    const unsigned char *at = (const unsigned char *)text;

    while (*at != '\0') {
        size_t length = character_length(at);

        if (length > 0)
            fwrite(at, 1, length, stdout);
        else
            fputs("\xef\xbf\xbd", stdout);
        at += length > 0 ? length : 1;
    }
    putchar('\n');
}

int cli_json_print(const cli_args *cli, json_object *document)
{
    const char *text = json_object_to_json_string_ext(document,
                                                      JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
    int status = CLI_GO_ON;

    if (document == NULL || text == NULL)
        status = cli_fail(cli, "out of memory");
    else
        put_text(text);
    if (status == CLI_GO_ON && ferror(stdout))
        status = cli_fail(cli, "standard output: cannot be written: %s", strerror(errno));
    json_object_put(document);
    return status;
}

/* The library's text is parsed rather than pasted, so that members can be taken out of it and put in another order. */
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

static size_t describe_context(void *context, char *buffer, size_t capacity)
{
    return xai_context_json(context, buffer, capacity);
}

json_object *cli_json_context(const cli_subject *subject)
{
    return cli_json_describe(describe_context, subject->context);
}
