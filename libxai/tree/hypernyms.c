/* SPDX-License-Identifier: MIT
 * The part of WordNet above some synsets, as a graph in memory; no recursion, for files may be hostile. */
#include "tree/hypernyms.h"

#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "core/rng.h"

#define NONE XAI__HYPERNYMS_NONE

void xai__hypernyms_fini(xai__hypernyms *h)
{
    xai__free(h->context, h->nodes);
    xai__free(h->context, h->up);
    xai__free(h->context, h->table);
    xai__free(h->context, h->scratch);
}

/* --- the table --- */

/* Where an offset stands, or would stand. */
static uint32_t *find_slot(const xai__hypernyms *h, uint32_t offset)
{
    uint32_t at = (uint32_t)xai__mix64(offset) & (h->table_size - 1);

    while (h->table[at] != NONE && h->nodes[h->table[at]].offset != offset)
        at = (at + 1) & (h->table_size - 1);
    return &h->table[at];
}

/* Half empty at least, so that a search ends after a few steps. */
static xai_status widen_table(xai__hypernyms *h)
{
    uint32_t size = h->table_size > 0 ? 2 * h->table_size : 256;
    uint32_t *table = xai__alloc_array(h->context, size, sizeof *table);

    if (table == NULL)
        return XAI_E_NO_MEMORY;
    memset(table, 0xff, size * sizeof *table);
    xai__free(h->context, h->table);
    h->table = table;
    h->table_size = size;
    for (uint32_t i = 0; i < h->n_nodes; i++)
        *find_slot(h, h->nodes[i].offset) = i;
    return XAI_OK;
}

/* --- the graph --- */

/* Finds a node or makes one whose ways up are not known yet. */
static xai_status add_node(uint32_t *out, xai__hypernyms *h, uint32_t offset)
{
    xai__hypernym *node;
    uint32_t *slot;

    if (2 * h->n_nodes >= h->table_size && widen_table(h) < 0)
        return XAI_E_NO_MEMORY;
    slot = find_slot(h, offset);
    if (*slot == NONE) {
        if (h->n_nodes == XAI__HYPERNYMS_MAX)
            return xai__fail(XAI_E_LIMIT, "%s: more than %d synsets are above the classes", h->wordnet->data.name,
                             XAI__HYPERNYMS_MAX);
        node = xai__grow(h->context, &h->nodes, h->n_nodes, sizeof *node);
        if (node == NULL)
            return XAI_E_NO_MEMORY;
        *node = (xai__hypernym){ .offset = offset };
        *slot = h->n_nodes++;
    }
    *out = *slot;
    return XAI_OK;
}

/* Appends what is above a synset, of one of both kinds. Nodes may move meanwhile, so none is pointed to. */
static xai_status add_ways(xai__hypernyms *h, const xai__synset *synset, bool instances)
{
    xai__synset rest = *synset;
    uint32_t offset;
    bool instance;

    while (xai__synset_next(&offset, &instance, &rest)) {
        uint32_t above, *way;
        xai_status status = instance == instances ? add_node(&above, h, offset) : XAI_PARTIAL;

        if (status < 0)
            return status;
        if (status == XAI_PARTIAL)
            continue;
        way = xai__grow(h->context, &h->up, h->n_up, sizeof *way);
        if (way == NULL)
            return XAI_E_NO_MEMORY;
        *way = above;
        h->n_up++;
    }
    return XAI_OK;
}

/* Hypernyms first, then what the synset is an instance of. */
static xai_status read_node(xai__hypernyms *h, uint32_t index)
{
    xai__synset synset;
    uint32_t first = h->n_up, n_plain = 0;
    xai_status status = xai__wordnet_read(&synset, h->wordnet, h->nodes[index].offset);

    if (status == XAI_OK)
        status = add_ways(h, &synset, false);
    n_plain = h->n_up - first;
    if (status == XAI_OK)
        status = add_ways(h, &synset, true);
    h->nodes[index].lemma = synset.lemma;
    h->nodes[index].lemma_length = synset.lemma_length;
    h->nodes[index].first_up = first;
    h->nodes[index].n_plain = n_plain;
    h->nodes[index].n_up = h->n_up - first;
    return status;
}

/* Nodes that were met are read in turn, which makes more of them; when all are read, everything above is there. */
xai_status xai__hypernyms_add(uint32_t *out, xai__hypernyms *h, uint32_t offset)
{
    xai_status status = add_node(out, h, offset);

    while (status == XAI_OK && h->n_done < h->n_nodes)
        status = read_node(h, h->n_done++);
    return status;
}

/* --- depths --- */

/* One step of a walk whose open nodes lie on a stack: opens what is above the top, or closes it. done counts, for each
 * node, the ways up that were taken; n_up + 1: closed. */
static xai_status walk(xai__hypernyms *h, uint32_t *stack, uint32_t *n_stack, uint32_t *done)
{
    uint32_t top = stack[*n_stack - 1], above;
    xai__hypernym *node = &h->nodes[top];

    if (done[top] == node->n_up) {
        for (uint32_t i = 0; i < node->n_up; i++) {
            uint32_t depth = h->nodes[h->up[node->first_up + i]].depth + 1;

            node->depth = depth > node->depth ? depth : node->depth;
        }
        done[top]++;
        --*n_stack;
        return XAI_OK;
    }
    above = h->up[node->first_up + done[top]++];
    if (done[above] > h->nodes[above].n_up)
        return XAI_OK;
    if (done[above] > 0)
        return xai__file_fail(&h->wordnet->data, XAI_E_FORMAT, h->nodes[above].offset,
                              "the synset is a kind of itself");
    stack[(*n_stack)++] = above;
    return XAI_OK;
}

xai_status xai__hypernyms_measure(xai__hypernyms *h)
{
    uint32_t *stack, *done;
    xai_status status = XAI_OK;

    h->scratch = xai__zalloc_array(h->context, h->n_nodes, 3 * sizeof *h->scratch);
    if (h->scratch == NULL)
        return XAI_E_NO_MEMORY;
    stack = h->scratch;
    done = h->scratch + h->n_nodes;
    for (uint32_t i = 0; i < h->n_nodes && status == XAI_OK; i++) {
        uint32_t n_stack = 0;

        if (done[i] == 0)
            stack[n_stack++] = i;
        while (n_stack > 0 && status == XAI_OK)
            status = walk(h, stack, &n_stack, done);
    }
    memset(h->scratch, 0, (size_t)h->n_nodes * 3 * sizeof *h->scratch);
    return status;
}

/* --- questions --- */

/* Lower case, and a point behind the last letter: "cat" is "cat.n.01", which sorts before "cat_box.n.01". */
static int letter(const xai__hypernym *node, size_t at)
{
    char c = at < node->lemma_length ? node->lemma[at] : at == node->lemma_length ? '.' : '\0';

    return (unsigned char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

/* Looked up in the index, which is slow; asked for only where two names are equal. */
static uint32_t sense(const xai__hypernyms *h, const xai__hypernym *node)
{
    const xai__synset synset = { .offset = node->offset, .lemma = node->lemma, .lemma_length = node->lemma_length };

    return xai__wordnet_sense(h->wordnet, &synset);
}

static bool comes_first(const xai__hypernyms *h, const xai__hypernym *a, const xai__hypernym *b)
{
    uint32_t sense_a, sense_b;

    for (size_t i = 0; i <= a->lemma_length || i <= b->lemma_length; i++)
        if (letter(a, i) != letter(b, i))
            return letter(a, i) < letter(b, i);
    sense_a = sense(h, a);
    sense_b = sense(h, b);
    return sense_a != sense_b ? sense_a < sense_b : a->offset < b->offset;
}

uint32_t xai__hypernyms_first(const xai__hypernyms *h, uint32_t index)
{
    const xai__hypernym *node = &h->nodes[index];
    uint32_t first = NONE;

    for (uint32_t i = 0; i < node->n_plain; i++) {
        uint32_t above = h->up[node->first_up + i];

        if (first == NONE || comes_first(h, &h->nodes[above], &h->nodes[first]))
            first = above;
    }
    return first;
}

/* Raises everything above a synset, itself included, from its mark to the next: afterwards only what is above all
 * synsets so far has it. Whatever is above the first one takes part. Lists what was passed. */
static uint32_t raise(xai__hypernyms *h, uint32_t synset, bool first)
{
    uint32_t *queue = h->scratch, *marks = h->scratch + h->n_nodes, *visited = h->scratch + 2 * (size_t)h->n_nodes;
    uint32_t n = 0, next = ++h->mark;

    queue[n++] = synset;
    visited[synset] = next;
    for (uint32_t i = 0; i < n; i++) {
        const xai__hypernym *node = &h->nodes[queue[i]];

        if (first || marks[queue[i]] == next - 1)
            marks[queue[i]] = next;
        for (uint32_t j = 0; j < node->n_up; j++) {
            uint32_t above = h->up[node->first_up + j];

            if (visited[above] != next)
                queue[n++] = above;
            visited[above] = next;
        }
    }
    return n;
}

/* Of equally deep ones the first in the file, so that the answer does not depend on the order of the question. */
static bool lies_deeper(const xai__hypernym *a, const xai__hypernym *b)
{
    return a->depth != b->depth ? a->depth > b->depth : a->offset < b->offset;
}

uint32_t xai__hypernyms_common(xai__hypernyms *h, const uint32_t *synsets, size_t n, bool unused)
{
    const uint32_t *queue = h->scratch, *marks = h->scratch + h->n_nodes;
    uint32_t best = NONE, n_raised = 0;

    h->mark++; /* no mark of an earlier question is one below the first of this */
    for (uint32_t i = 0; i < n; i++)
        n_raised = raise(h, synsets[i], i == 0);
    for (uint32_t i = 0; i < n_raised; i++) {
        const xai__hypernym *node = &h->nodes[queue[i]];

        if (marks[queue[i]] == h->mark && !(unused && node->used) &&
            (best == NONE || lies_deeper(node, &h->nodes[best])))
            best = queue[i];
    }
    return best;
}
