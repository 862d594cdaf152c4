/* SPDX-License-Identifier: MIT
 * Names of values. */
#include "graph/names.h"

#include <string.h>

#include "core/error.h"
#include "core/memory.h"

enum { N_NEAR = 4, LONGEST_COMPARED = 96, LONGEST_CALL = 9 };

xai_status xai__graph_name(xai__graph *graph, int32_t value, const char *path)
{
    /* A module that is used again (torchvision's blocks share one ReLU) gets further calls; every name of that path
     * knows how many there are, so that the last one can be told. */
    uint32_t n_calls = 1;
    xai__name *name;

    for (size_t i = 0; i < graph->n_names; i++)
        if (strcmp(graph->names[i].path, path) == 0)
            n_calls = ++graph->names[i].n_calls;
    name = xai__grow(graph->context, &graph->names, graph->n_names, sizeof *name);
    if (name == NULL)
        return XAI_E_NO_MEMORY;
    *name = (xai__name){ xai__strdup(graph->context, path), value, n_calls, n_calls };
    if (name->path == NULL)
        return XAI_E_NO_MEMORY;
    graph->n_names++;
    return XAI_OK;
}

static xai_status name_call(xai__graph *graph, const xai__name *name)
{
    xai__value *value = &graph->values[name->value];
    char **text;

    /* The first path that names a value is its canonical one; a later one stays an alias. */
    if (value->name != NULL)
        return XAI_OK;
    if (name->call == name->n_calls) {
        value->name = name->path;
        return XAI_OK;
    }
    text = xai__grow(graph->context, &graph->texts, graph->n_texts, sizeof *text);
    if (text == NULL)
        return XAI_E_NO_MEMORY;
    *text = xai__format(graph->context, "%s#%u", name->path, name->call);
    if (*text == NULL)
        return XAI_E_NO_MEMORY;
    graph->n_texts++;
    value->name = *text;
    return XAI_OK;
}

xai_status xai__graph_finish_names(xai__graph *graph)
{
    for (size_t i = 0; i < graph->n_names; i++) {
        xai_status status = name_call(graph, &graph->names[i]);

        if (status < 0)
            return status;
    }
    return XAI_OK;
}

/* Is path inside the container? */
static bool is_below(const char *path, const char *container, size_t length)
{
    return strncmp(path, container, length) == 0 && path[length] == '.';
}

/* The value that a container ends with; -1 if there is no such container. */
static int32_t find_container(const xai__graph *graph, const char *container, size_t length)
{
    int32_t last = -1;

    for (size_t i = 0; i < graph->n_names; i++)
        /* Values are numbered in the order of computing: the largest is what the container ends with. */
        if (is_below(graph->names[i].path, container, length) && graph->names[i].value > last)
            last = graph->names[i].value;
    return last;
}

/* A call of the module whose path is the first characters of name; 0: its last one. */
static int32_t find_call(const xai__graph *graph, const char *name, size_t length, uint32_t call)
{
    for (size_t i = 0; i < graph->n_names; i++) {
        const xai__name *known = &graph->names[i];

        if (known->call == (call > 0 ? call : known->n_calls) && strncmp(known->path, name, length) == 0 &&
            known->path[length] == '\0')
            return known->value;
    }
    return -1;
}

/* The number behind a '#', in digits alone; 0 if that is none. */
static uint32_t read_call(const char *digits)
{
    uint32_t call = 0;

    if (*digits == '\0' || strlen(digits) > LONGEST_CALL || strspn(digits, "0123456789") != strlen(digits))
        return 0;
    for (; *digits != '\0'; digits++)
        call = 10 * call + (uint32_t)(*digits - '0');
    return call;
}

/* A name that has a '#' of its own wins over a call. */
static int32_t find_exact(const xai__graph *graph, const char *name)
{
    const char *hash = strrchr(name, '#');
    int32_t value = find_call(graph, name, strlen(name), 0);

    if (value < 0 && hash != NULL && read_call(hash + 1) > 0)
        value = find_call(graph, name, (size_t)(hash - name), read_call(hash + 1));
    return value >= 0 ? value : find_container(graph, name, strlen(name));
}

static size_t smallest(size_t a, size_t b, size_t c)
{
    size_t m = a < b ? a : b;

    return m < c ? m : c;
}

/* Levenshtein distance of the first characters. */
static size_t distance(const char *a, const char *b)
{
    size_t row[LONGEST_COMPARED + 1];
    size_t n = strnlen(a, LONGEST_COMPARED), m = strnlen(b, LONGEST_COMPARED);

    for (size_t j = 0; j <= m; j++)
        row[j] = j;
    /* One row of the table of distances between prefixes, made from the one above it in place. */
    for (size_t i = 1; i <= n; i++) {
        size_t diagonal = row[0];

        row[0] = i;
        for (size_t j = 1; j <= m; j++) {
            size_t above = row[j];

            row[j] = smallest(above + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1]));
            diagonal = above;
        }
    }
    return row[m];
}

/* The nearest names so far, nearest first. */
typedef struct near_names {
    const char *names[N_NEAR]; /* NULL behind the last one */
    size_t distances[N_NEAR];
} near_names;

static void consider(near_names *near, const char *name, size_t d)
{
    size_t at = N_NEAR;

    for (size_t i = 0; i < N_NEAR; i++)
        if (near->names[i] == name)
            return;
    while (at > 0 && (near->names[at - 1] == NULL || d < near->distances[at - 1]))
        at--;
    if (at == N_NEAR)
        return;
    /* Insertion sort; the farthest name falls off the end. Equal distances keep the order of computing. */
    memmove(near->names + at + 1, near->names + at, (N_NEAR - 1 - at) * sizeof *near->names);
    memmove(near->distances + at + 1, near->distances + at, (N_NEAR - 1 - at) * sizeof *near->distances);
    near->names[at] = name;
    near->distances[at] = d;
}

static xai_status fail_near(const xai__graph *graph, const char *name)
{
    near_names near = { { NULL } };
    char list[512] = "";

    for (size_t i = 0; i < graph->n_values; i++)
        if (graph->values[i].name != NULL)
            consider(&near, graph->values[i].name, distance(name, graph->values[i].name));
    for (size_t i = 0; i < N_NEAR && near.names[i] != NULL; i++) {
        strncat(list, i > 0 ? ", " : "", sizeof list - strlen(list) - 1);
        strncat(list, near.names[i], sizeof list - strlen(list) - 1);
    }
    return xai__fail(XAI_E_NOT_FOUND, "no value is named '%.128s'; near names: %s", name, list);
}

xai_status xai__graph_find(int32_t *out, const xai__graph *graph, const char *name)
{
    *out = find_exact(graph, name);
    return *out >= 0 ? XAI_OK : fail_near(graph, name);
}

static void add_alias(xai__text *out, size_t start, const char *name, size_t length)
{
    xai__text_add(out, "%s%.*s", out->length > start ? ", " : "", (int)length, name);
}

/* Is there a module of just this name, so that it is no container? */
static bool is_module(const xai__graph *graph, const char *path, size_t length)
{
    for (size_t i = 0; i < graph->n_names; i++)
        if (strncmp(graph->names[i].path, path, length) == 0 && graph->names[i].path[length] == '\0')
            return true;
    return false;
}

/* Length of the container of the first characters of a path; 0: none. */
static size_t container_length(const char *path, size_t length)
{
    while (length > 0 && path[length - 1] != '.')
        length--;
    return length > 0 ? length - 1 : 0;
}

void xai__graph_aliases(xai__text *out, const xai__graph *graph, int32_t value)
{
    const char *canonical = graph->values[value].name;
    size_t start = out->length;

    if (canonical == NULL)
        return;
    for (size_t i = 0; i < graph->n_names; i++)
        if (graph->names[i].value == value && graph->names[i].call == graph->names[i].n_calls &&
            strcmp(graph->names[i].path, canonical) != 0)
            add_alias(out, start, graph->names[i].path, strlen(graph->names[i].path));
    /* Outwards: layer4.1.relu#2 ends layer4.1, which ends layer4. The first container that ends with another value, or
     * is a module with an output of its own, ends the walk. */
    for (size_t n = container_length(canonical, strlen(canonical)); n > 0; n = container_length(canonical, n)) {
        if (find_container(graph, canonical, n) != value || is_module(graph, canonical, n))
            break;
        add_alias(out, start, canonical, n);
    }
}
