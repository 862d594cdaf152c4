/* SPDX-License-Identifier: MIT
 * Any bytes as WordNet's database: data.noun up to a line "%%", index.noun behind it. */
#include <string.h>

#include "fuzz.h"
#include "tree/hypernyms.h"

/* More synsets would only take time. */
enum { MOST = 64 };

/* Reads the synset of every line, and all that is above them; returns how many could be. */
static size_t add_all(xai__hypernyms *h, uint32_t *synsets)
{
    const xai__file *file = &h->wordnet->data;
    size_t n = 0;

    for (uint32_t at = 0; at < file->size && n < MOST; at++) {
        xai__synset synset;

        if ((at > 0 && file->data[at - 1] != '\n') || xai__wordnet_read(&synset, h->wordnet, at) < 0)
            continue;
        xai__wordnet_sense(h->wordnet, &synset);
        if (xai__hypernyms_add(&synsets[n], h, at) < 0)
            break;
        n++;
    }
    return n;
}

static void ask(xai__hypernyms *h, const uint32_t *synsets, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint32_t first = xai__hypernyms_first(h, synsets[i]),
                 common = xai__hypernyms_common(h, synsets + i, n - i, true);

        if (first != XAI__HYPERNYMS_NONE && first >= h->n_nodes)
            abort();
        if (common != XAI__HYPERNYMS_NONE && common >= h->n_nodes)
            abort();
        /* What is above all is above each. */
        if (common != XAI__HYPERNYMS_NONE && h->nodes[common].depth > h->nodes[synsets[i]].depth)
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const words[] = { "cat", "Dog, hound", "", "motor vehicle", "zzz" };
    xai_context *context = fuzz_context();
    const uint8_t *mark = size > 0 ? memmem(data, size, "\n%%\n", 4) : NULL;
    size_t n_data = mark != NULL ? (size_t)(mark - data) + 1 : size, n_index = mark != NULL ? size - n_data - 3 : 0;
    xai__wordnet wordnet = { { 0 } };
    xai__hypernyms hypernyms = { .context = context, .wordnet = &wordnet };
    uint32_t synsets[MOST], offset;
    size_t n;

    if (xai__file_wrap(&wordnet.data, context, data, n_data) < 0 ||
        xai__file_wrap(&wordnet.index, context, data + (size - n_index), n_index) < 0)
        abort();
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        xai__wordnet_find(&offset, &wordnet, words[i]);
    n = add_all(&hypernyms, synsets);
    if (hypernyms.n_done == hypernyms.n_nodes && xai__hypernyms_measure(&hypernyms) == XAI_OK)
        ask(&hypernyms, synsets, n);
    xai__hypernyms_fini(&hypernyms);
    xai__wordnet_close(&wordnet);
    xai_context_unref(context);
    return 0;
}
