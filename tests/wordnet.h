/* SPDX-License-Identifier: MIT
 * A small database of WordNet's form, made for a test: a dozen synsets with the offsets that they must have. */
#ifndef XAI_WORDNET_H
#define XAI_WORDNET_H

#include "files.h"

/* up: places in the list of what it is a kind of, + 100 for an instance; -1 ends it. */
typedef struct wordnet_entry {
    const char *word;
    int up[4];
} wordnet_entry;

enum { WORDNET_MAX = 32 };

typedef struct wordnet_files {
    char *folder;
    uint32_t offsets[WORDNET_MAX];
    char data[8192], index[8192];
} wordnet_files;

static const wordnet_entry wordnet_animals[] = {
    { "entity", { -1 } },       { "animal", { 0, -1 } },
    { "carnivore", { 1, -1 } }, { "feline", { 2, -1 } },
    { "Cat", { 3, -1 } },       { "dog", { 15, 6, -1 } },
    { "canine", { 2, -1 } },    { "horse", { 1, -1 } },
    { "artifact", { 0, -1 } },  { "motor_vehicle", { 8, -1 } },
    { "car", { 9, -1 } },       { "truck", { 9, -1 } },
    { "kitten", { 4, -1 } },    { "Garfield", { 104, -1 } },
    { "dog", { 8, -1 } },       { "domestic_animal", { 1, -1 } },
};

enum {
    ENTITY,
    ANIMAL,
    CARNIVORE,
    FELINE,
    CAT,
    DOG,
    CANINE,
    HORSE,
    ARTIFACT,
    MOTOR_VEHICLE,
    CAR,
    TRUCK,
    KITTEN,
    GARFIELD,
    DOG_2,
    DOMESTIC_ANIMAL
};

static inline size_t wordnet_print_line(char *out, const wordnet_entry *entry, const uint32_t *offsets, size_t self)
{
    char *at = out;
    int n = 0;

    while (entry->up[n] >= 0)
        n++;
    at += sprintf(at, "%08u 05 n 02 %s 0 other_word 0 %03d", offsets[self], entry->word, n + 2);
    for (int i = 0; i < n; i++)
        at += sprintf(at, " %s %08u n 0000", entry->up[i] >= 100 ? "@i" : "@", offsets[entry->up[i] % 100]);
    at += sprintf(at, " ~ 00000000 n 0000 + 00000001 v 0101 | what it is; \"as used\"  \n");
    return (size_t)(at - out);
}

/* Senses in the order of the list, words in that of their bytes. */
static inline void wordnet_print_index(wordnet_files *db, const wordnet_entry *entries, size_t n)
{
    char *at = db->index + sprintf(db->index, "  1 A licence.  \n");
    char last[64] = "";

    for (;;) {
        const char *next = NULL;
        char senses[256] = "", *sense = senses;
        int n_senses = 0;

        for (size_t i = 0; i < n; i++)
            if (strcasecmp(entries[i].word, last) > 0 && (next == NULL || strcasecmp(entries[i].word, next) < 0))
                next = entries[i].word;
        if (next == NULL)
            return;
        for (size_t i = 0; i < n; i++)
            if (strcasecmp(entries[i].word, next) == 0) {
                sense += sprintf(sense, " %08u", db->offsets[i]);
                n_senses++;
            }
        snprintf(last, sizeof last, "%s", next);
        for (const char *c = next; *c != '\0'; c++)
            *at++ = (char)(*c >= 'A' && *c <= 'Z' ? *c - 'A' + 'a' : *c);
        at += sprintf(at, " n %d 2 @ ~ %d 0%s  \n", n_senses, n_senses, senses);
    }
}

static inline void wordnet_write(wordnet_files *db)
{
    files_write_text(db->folder, "data.noun", db->data);
    files_write_text(db->folder, "index.noun", db->index);
}

static inline void wordnet_make(wordnet_files *db, const wordnet_entry *entries, size_t n)
{
    static const char licence[] = "  1 A licence.  \n";
    char line[1024];
    size_t at = sizeof licence - 1;

    ck_assert_uint_le(n, WORDNET_MAX);
    memset(db->offsets, 0, sizeof db->offsets);
    for (size_t i = 0; i < n; i++) {
        db->offsets[i] = (uint32_t)at;
        at += wordnet_print_line(line, &entries[i], db->offsets, i);
    }
    at = (size_t)sprintf(db->data, "%s", licence);
    for (size_t i = 0; i < n; i++)
        at += wordnet_print_line(db->data + at, &entries[i], db->offsets, i);
    wordnet_print_index(db, entries, n);
    db->folder = files_folder();
    wordnet_write(db);
}

static inline void wordnet_remove(wordnet_files *db)
{
    static const char *const names[] = { "data.noun", "index.noun", NULL };

    files_remove(db->folder, names);
}

#endif
