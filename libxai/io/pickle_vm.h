/* SPDX-License-Identifier: MIT
 * What the pickle machine's opcodes and its constructors share. */
#ifndef XAI__IO_PICKLE_VM_H
#define XAI__IO_PICKLE_VM_H

#include "io/pickle.h"

typedef struct xai__pickle_vm {
    xai__pickle *pickle;
    const xai__file *file;
    size_t at, end; /* next byte */
    size_t opcode;  /* offset of the present one, for messages */
    bool cut;       /* end is the longest that is read, and not where the bytes end */
    uint32_t *stack;
    size_t depth, stack_room;
    uint32_t *marks; /* depths of the stack */
    size_t n_marks, mark_room;
    uint32_t *memo;
    size_t memo_room;
} xai__pickle_vm;

xai_status xai__pickle_fail(const xai__pickle_vm *vm, xai_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Makes a value and pushes it. */
xai_status xai__pickle_push(xai__pickle_vm *vm, const xai__pickle_value *value);

/* The value depth places below the top. The caller has made sure that it is there. */
xai__pickle_value *xai__pickle_top(const xai__pickle_vm *vm, size_t depth);

/* Looks at the members of a tuple: fills up to capacity and returns how many it has. */
size_t xai__pickle_members(const xai__pickle_vm *vm, const xai__pickle_value *tuple, xai__pickle_value **out,
                           size_t capacity);

/* Makes room for one more element of an array of the pickle. */
xai_status xai__pickle_grow(const xai__pickle_vm *vm, void *array, size_t count, size_t *room, size_t size,
                            size_t most);

/* Pushes the token for "module.name", or refuses it. */
xai_status xai__pickle_global(xai__pickle_vm *vm, const char *module, size_t module_length, const char *name,
                              size_t name_length);

/* BINPERSID: replaces the tuple on the top by a storage. */
xai_status xai__pickle_persistent(xai__pickle_vm *vm);

/* REDUCE: replaces token and arguments on the top by what they make. */
xai_status xai__pickle_reduce(xai__pickle_vm *vm);

#endif
