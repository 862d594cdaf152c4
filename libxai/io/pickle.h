/* SPDX-License-Identifier: MIT
 * Pickles of state dicts, read by a machine that knows data only: names of classes and functions are tokens that a
 * switch understands, and nothing is ever called. */
#ifndef XAI__IO_PICKLE_H
#define XAI__IO_PICKLE_H

#include "io/file.h"

enum xai__pickle_kind {
    XAI__PICKLE_NONE,
    XAI__PICKLE_BOOL,
    XAI__PICKLE_INTEGER,
    XAI__PICKLE_FLOAT,
    XAI__PICKLE_TEXT,
    XAI__PICKLE_TUPLE, /* and torch.Size */
    XAI__PICKLE_LIST,
    XAI__PICKLE_DICT,    /* and OrderedDict */
    XAI__PICKLE_TOKEN,   /* one of the names that may stand in a state dict */
    XAI__PICKLE_STORAGE, /* index into storages */
    XAI__PICKLE_TENSOR   /* index into tensors */
};

#define XAI__PICKLE_END UINT32_MAX

/* A tuple's, list's or dict's member; cells are chained through next, which ends with XAI__PICKLE_END. */
typedef struct xai__pickle_cell {
    uint32_t key; /* in dicts */
    uint32_t value;
    uint32_t next;
} xai__pickle_cell;

typedef struct xai__pickle_value {
    union {
        int64_t integer; /* also bool */
        double number;
        size_t text; /* offset in the file */
        struct {
            uint32_t first, last; /* cells */
        } cells;
        uint32_t index; /* of a storage or tensor; of a token in the table */
    };
    uint32_t count; /* members; bytes of a text */
    uint8_t kind;
    bool ordered; /* an OrderedDict */
    bool open;    /* for whoever walks the tree: on the path from the root */
} xai__pickle_value;

typedef struct xai__pickle_storage {
    uint64_t key;
    int64_t count; /* elements; bytes where dtype is XAI__N_DTYPES */
    uint32_t dtype;
    size_t at;                 /* offset of its mention, for messages */
    const unsigned char *data; /* found later */
    size_t size;               /* bytes */
} xai__pickle_storage;

typedef struct xai__pickle_tensor {
    uint32_t storage;
    uint32_t dtype;
    int64_t offset; /* elements */
    size_t rank;
    int64_t shape[8], strides[8]; /* elements */
    size_t at;                    /* offset of its mention, for messages */
} xai__pickle_tensor;

/* Zero it before reading. */
typedef struct xai__pickle {
    const xai__file *file; /* must outlive it */
    xai__pickle_value *values;
    xai__pickle_cell *cells;
    xai__pickle_storage *storages;
    xai__pickle_tensor *tensors;
    size_t n_values, n_cells, n_storages, n_tensors;
    size_t value_room, cell_room, storage_room, tensor_room;
    uint32_t root; /* value */
    size_t end;    /* offset behind the pickle */
} xai__pickle;

/* Reads the pickle that starts at offset start and ends at or before end. On failure it is zeroed. */
xai_status xai__pickle_read(xai__pickle *pickle, const xai__file *file, size_t start, size_t end);

/* Takes a zeroed or half-read struct too, and zeroes it. Does not recurse, however deep the values nest. */
void xai__pickle_free(xai__pickle *pickle);

/* What a value is, for messages: "a dict". */
const char *xai__pickle_kind_name(const xai__pickle_value *value);

/* Whether a value is this text. */
bool xai__pickle_is_text(const xai__pickle *pickle, const xai__pickle_value *value, const char *text);

/* Reads a text as torch numbers storages: decimal, without leading zeros. */
bool xai__pickle_decimal(const xai__pickle *pickle, const xai__pickle_value *text, uint64_t *out);

/* The value under a text key of a dict; NULL if there is none. */
const xai__pickle_value *xai__pickle_find(const xai__pickle *pickle, const xai__pickle_value *dict, const char *key);

#endif
