/* SPDX-License-Identifier: MIT
 * From what a torch file holds to named tensors: nested dicts and lists are walked with a stack of bounded depth.
 *
 * A tensor is called by the keys on the way to it, joined by dots, as torch's modules call their parameters. One buffer
 * holds the path; each level knows how long it was above, and cuts it back to that. */
#include <stdio.h>
#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "core/sort.h"
#include "io/pth.h"

/* A pickle can name one dict many times, so that few bytes unfold to very many paths: steps are counted. */
enum { MAX_DEPTH = 64, MAX_STEPS = 1000000 };

typedef struct frame {
    uint32_t container; /* value */
    uint32_t cell;      /* next to visit */
    uint32_t position;  /* of that cell, for lists */
    size_t length;      /* of the path up to here */
} frame;

typedef struct walk {
    xai__weights *set;
    xai__pickle *pickle;
    frame frames[MAX_DEPTH];
    size_t depth, n_steps;
    char path[XAI__MAX_WEIGHT_NAME + 2];
    size_t length;
} walk;

static bool is_container(const xai__pickle_value *value)
{
    return value->kind == XAI__PICKLE_DICT || value->kind == XAI__PICKLE_LIST || value->kind == XAI__PICKLE_TUPLE;
}

/* Names the path, since the tree has no offsets. */
static xai_status fail(const walk *w, xai_status status, const char *what)
{
    return xai__fail(status, "%s: %s: %s", w->set->file.name, w->length > 0 ? w->path : "the top", what);
}

/* By the bytes of two cells' keys, both texts. */
static int compare_keys(const void *user, uint32_t a, uint32_t b)
{
    const xai__pickle *p = user;
    const xai__pickle_value *first = &p->values[p->cells[a].key], *second = &p->values[p->cells[b].key];
    uint32_t both = first->count < second->count ? first->count : second->count;
    int sign = memcmp(p->file->data + first->text, p->file->data + second->text, both);

    return sign != 0 ? sign : (first->count > second->count) - (first->count < second->count);
}

/* Lists the cells of a dict whose keys are texts; returns how many. */
static size_t list_texts(const xai__pickle *p, const xai__pickle_value *dict, uint32_t *cells)
{
    uint32_t cell = dict->count > 0 ? dict->cells.first : XAI__PICKLE_END;
    size_t n = 0;

    for (; cell != XAI__PICKLE_END; cell = p->cells[cell].next)
        if (p->values[p->cells[cell].key].kind == XAI__PICKLE_TEXT)
            cells[n++] = cell;
    return n;
}

/* A pickle may set a key twice. Python keeps the last value, other readers the first; such a file would show two
 * networks to two readers, and is refused. */
static xai_status check_keys(const walk *w, const xai__pickle_value *dict)
{
    const xai__pickle *p = w->pickle;
    uint32_t *cells = xai__alloc_array(w->set->context, dict->count, sizeof *cells);
    size_t n = cells != NULL ? list_texts(p, dict, cells) : 0;
    xai_status status = cells != NULL ? XAI_OK : XAI_E_NO_MEMORY;

    xai__sort(cells, n, compare_keys, p);
    for (size_t i = 1; i < n && status == XAI_OK; i++) {
        const xai__pickle_value *key = &p->values[p->cells[cells[i]].key];

        if (compare_keys(p, cells[i - 1], cells[i]) == 0)
            status = xai__fail(XAI_E_FORMAT, "%s: %s: the key %.*s stands twice", w->set->file.name,
                               w->length > 0 ? w->path : "the top", (int)(key->count < 100 ? key->count : 100),
                               (const char *)p->file->data + key->text);
    }
    xai__free(w->set->context, cells);
    return status;
}

/* A container that is open already is on the way from the root to itself. */
static xai_status enter(walk *w, uint32_t index)
{
    xai__pickle_value *value = &w->pickle->values[index];
    xai_status status = XAI_OK;

    if (value->open)
        return fail(w, XAI_E_FORMAT, "it contains itself");
    if (w->depth == MAX_DEPTH)
        return fail(w, XAI_E_LIMIT, "nested more than 64 deep");
    if (value->kind == XAI__PICKLE_DICT)
        status = check_keys(w, value);
    if (status < 0)
        return status;
    value->open = true;
    w->frames[w->depth++] = (frame){ .container = index,
                                     .cell = value->count > 0 ? value->cells.first : XAI__PICKLE_END,
                                     .length = w->length };
    return XAI_OK;
}

static void leave(walk *w)
{
    w->depth--;
    w->pickle->values[w->frames[w->depth].container].open = false;
}

/* Appends a member's key or position to the path, behind what the level above left there. */
static xai_status add_component(walk *w, const frame *top, const xai__pickle_cell *cell)
{
    const xai__pickle_value *container = &w->pickle->values[top->container];
    const char *dot = top->length > 0 ? "." : "";
    size_t room = sizeof w->path - top->length;
    int added;

    w->length = top->length;
    w->path[w->length] = '\0';
    if (container->kind == XAI__PICKLE_DICT) {
        const xai__pickle_value *key = &w->pickle->values[cell->key];
        const char *text = (const char *)w->pickle->file->data + key->text;

        if (key->kind != XAI__PICKLE_TEXT)
            return fail(w, XAI_E_FORMAT, "a key that is a number; names of tensors are texts");
        if (memchr(text, '\0', key->count) != NULL)
            return fail(w, XAI_E_FORMAT, "a key that holds a NUL");
        added = key->count > XAI__MAX_WEIGHT_NAME
                    ? (int)room
                    : snprintf(w->path + w->length, room, "%s%.*s", dot, (int)key->count, text);
    } else {
        added = snprintf(w->path + w->length, room, "%s%u", dot, top->position);
    }
    if ((size_t)added >= room)
        return fail(w, XAI_E_LIMIT, "a name of more than 512 bytes");
    w->length += (size_t)added;
    return XAI_OK;
}

/* A tensor, a container, or something to remember as ignored. */
static xai_status visit(walk *w, uint32_t index)
{
    const xai__pickle_value *value = &w->pickle->values[index];
    const xai__pickle_tensor *tensor;
    xai__weight weight;
    xai_status status;

    if (++w->n_steps > MAX_STEPS)
        return fail(w, XAI_E_LIMIT, "more than a million values");
    if (is_container(value))
        return enter(w, index);
    if (value->kind != XAI__PICKLE_TENSOR)
        return xai__weights_ignore(w->set, w->path);
    tensor = &w->pickle->tensors[value->index];
    status = xai__pth_view(w->set, w->pickle, tensor, w->path, &weight);
    return status < 0 ? status : xai__weights_add(w->set, &weight, tensor->at);
}

/* The next member of the innermost container. */
static xai_status step(walk *w)
{
    frame *top = &w->frames[w->depth - 1];
    const xai__pickle_cell *cell;
    xai_status status;

    if (top->cell == XAI__PICKLE_END) {
        leave(w);
        return XAI_OK;
    }
    cell = &w->pickle->cells[top->cell];
    status = add_component(w, top, cell);
    top->cell = cell->next;
    top->position++;
    return status < 0 ? status : visit(w, cell->value);
}

static bool has_tensors(const xai__pickle *pickle, const xai__pickle_value *dict)
{
    uint32_t cell = dict->count > 0 ? dict->cells.first : XAI__PICKLE_END;

    for (; cell != XAI__PICKLE_END; cell = pickle->cells[cell].next)
        if (pickle->values[pickle->cells[cell].value].kind == XAI__PICKLE_TENSOR)
            return true;
    return false;
}

/* Checkpoints keep the state dict under a name, beside epochs and optimisers, but never beside tensors. */
static const xai__pickle_value *unwrap_once(const xai__pickle *pickle, const xai__pickle_value *dict)
{
    static const char *const wrappers[] = { "state_dict", "net", "model" };

    if (dict->kind != XAI__PICKLE_DICT || has_tensors(pickle, dict))
        return NULL;
    for (size_t i = 0; i < sizeof wrappers / sizeof *wrappers; i++) {
        const xai__pickle_value *inner = xai__pickle_find(pickle, dict, wrappers[i]);

        if (inner != NULL && inner->kind == XAI__PICKLE_DICT)
            return inner;
    }
    return NULL;
}

/* Remembers what stands beside the state dict. */
static xai_status ignore_siblings(walk *w, const xai__pickle_value *dict, const xai__pickle_value *inner)
{
    const xai__pickle *p = w->pickle;
    xai_status status = check_keys(w, dict);

    for (uint32_t cell = dict->cells.first; cell != XAI__PICKLE_END && status == XAI_OK; cell = p->cells[cell].next) {
        const xai__pickle_value *key = &p->values[p->cells[cell].key];
        char name[64];

        if (&p->values[p->cells[cell].value] == inner || key->kind != XAI__PICKLE_TEXT)
            continue;
        snprintf(name, sizeof name, "%.*s", (int)(key->count < 60 ? key->count : 60),
                 (const char *)p->file->data + key->text);
        status = xai__weights_ignore(w->set, name);
    }
    return status;
}

xai_status xai__pth_collect(xai__weights *set, xai__pickle *pickle)
{
    const xai__pickle_value *root = &pickle->values[pickle->root], *inner;
    walk w = { .set = set, .pickle = pickle };
    xai_status status = XAI_OK;

    if (!is_container(root))
        return fail(&w, XAI_E_FORMAT, "the file holds no dict of tensors");
    /* "model" within "state_dict" within ...: more than four is nobody's checkpoint. */
    for (int i = 0; i < 4 && status == XAI_OK && (inner = unwrap_once(pickle, root)) != NULL; i++) {
        status = ignore_siblings(&w, root, inner);
        root = inner;
    }
    if (status == XAI_OK)
        status = enter(&w, (uint32_t)(root - pickle->values));
    while (status == XAI_OK && w.depth > 0)
        status = step(&w);
    return status;
}
