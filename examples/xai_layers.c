/* SPDX-License-Identifier: MIT
 * xai layers: the values of a model that can be hooked, and the kernels that compute them. */
#include <string.h>

#include "xai_cli.h"

static void write_shape(const xai_layer *layer, char *text, size_t capacity)
{
    size_t length = 0;

    text[0] = '\0';
    for (uint64_t i = 0; i < layer->rank && length < capacity; i++)
        length += (size_t)snprintf(text + length, capacity - length, "%s%lld", i > 0 ? "x" : "",
                                   (long long)layer->shape[i]);
}

/* The head comes with the first row, so that a model that cannot be opened prints nothing. */
static void print_row(const xai_layer *layer, size_t index)
{
    char shape[128];

    if (index == 0)
        printf("%-34s %-16s %-20s %-32s %s\n", "value", "shape", "operator", "kernel", "other names");
    write_shape(layer, shape, sizeof shape);
    printf("%-34s %-16s %-20s %-32s %s\n", layer->name, shape, layer->op, layer->kernel, layer->aliases);
}

/* "a,b" as ["a", "b"]. */
static json_object *split(const char *text)
{
    json_object *list = json_object_new_array();

    while (*text != '\0') {
        size_t length = strcspn(text, ",");
        json_object_array_add(list, json_object_new_string_len(text, (int)length));
        text += length + (text[length] == ',');
        text += strspn(text, " ");
    }
    return list;
}

static json_object *describe(const xai_layer *layer)
{
    json_object *row = json_object_new_object();
    json_object *shape = json_object_new_array();

    for (uint64_t i = 0; i < layer->rank; i++)
        json_object_array_add(shape, json_object_new_int64(layer->shape[i]));
    json_object_object_add(row, "name", json_object_new_string(layer->name));
    json_object_object_add(row, "aliases", split(layer->aliases));
    json_object_object_add(row, "shape", shape);
    json_object_object_add(row, "op", json_object_new_string(layer->op));
    json_object_object_add(row, "kernel", json_object_new_string(layer->kernel));
    return row;
}

/* Names, shapes and kernels follow from the architecture, so that --arch needs no weights here. */
int cli_layers(const cli_args *cli)
{
    cli_subject subject = { 0 };
    json_object *rows = cli->json ? json_object_new_array() : NULL;
    json_object *document;
    int status = cli_open(&subject, cli, 0);
    size_t count = status == CLI_GO_ON ? xai_model_n_layers(subject.model) : 0;

    for (size_t i = 0; i < count && status == CLI_GO_ON; i++) {
        xai_layer layer = { .struct_size = sizeof layer };
        if (xai_model_layer(&layer, subject.model, i) != XAI_OK)
            status = cli_fail_library(cli);
        else if (cli->json)
            json_object_array_add(rows, describe(&layer));
        else
            print_row(&layer, i);
    }
    if (cli->json && status == CLI_GO_ON) {
        document = json_object_new_object();
        json_object_object_add(document, "model", json_object_new_string(xai_model_architecture(subject.model)));
        json_object_object_add(document, "layers", rows);
        status = cli_json_print(cli, document);
    } else {
        json_object_put(rows);
    }
    cli_close(&subject);
    return status;
}
