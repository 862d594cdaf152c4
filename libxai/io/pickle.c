/* SPDX-License-Identifier: MIT
 * The pickle machine: a stack, marks, a memo, and one row an opcode.
 *
 * A pickle is a program for a stack machine: most opcodes push a value, some pack what lies above a mark into a
 * container, some name a function and apply it. Python's own reader would import and call what is named; this one has a
 * table of the few names that state dicts need, and a switch that makes values of them.
 *
 * Values are never copied: stack, memo and containers hold their numbers, and a number stands for the same value for
 * ever. A value that is named many times costs four bytes each time, so small files cannot grow large here; what walks
 * the values later has to count its steps. */
#include "io/pickle.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/error.h"
#include "core/little_endian.h"
#include "core/memory.h"
#include "core/utf8.h"
#include "io/pickle_vm.h"

/* A state dict of a hundred thousand tensors needs some fifteen values a tensor. Each array is bounded by itself,
 * and all of them together take a hundred megabytes at most. */
enum { MAX_SIZE = 1 << 24, MAX_VALUES = 1 << 21, MAX_MARKS = 4096, MAX_MEMO = 1 << 21 };

static const char *const kind_names[] = { "None",   "a bool", "an integer", "a float",   "a text",  "a tuple",
                                          "a list", "a dict", "a name",     "a storage", "a tensor" };

xai_status xai__pickle_fail(const xai__pickle_vm *vm, xai_status status, const char *format, ...)
{
    char words[400];
    va_list args;

    va_start(args, format);
    vsnprintf(words, sizeof words, format, args);
    va_end(args);
    return xai__file_fail(vm->file, status, vm->opcode, "%s", words);
}

const char *xai__pickle_kind_name(const xai__pickle_value *value)
{
    return kind_names[value->kind];
}

/* Doubles; the largest number of elements is part of every call, so that no array is without bound. */
xai_status xai__pickle_grow(const xai__pickle_vm *vm, void *array, size_t count, size_t *room, size_t size, size_t most)
{
    size_t wanted = *room < 32 ? 32 : *room * 2;
    void *old, *grown;

    if (count < *room)
        return XAI_OK;
    if (count >= most)
        return xai__pickle_fail(vm, XAI_E_LIMIT, "the pickle holds more than %zu values of one kind", most);
    /* The array's element type differs from call to call: only the pointer itself is copied. */
    memcpy(&old, array, sizeof old);
    grown = xai__realloc_array(vm->file->context, old, wanted, size);
    if (grown == NULL)
        return XAI_E_NO_MEMORY;
    memcpy(array, &grown, sizeof grown);
    *room = wanted;
    return XAI_OK;
}

static xai_status push_index(xai__pickle_vm *vm, uint32_t value)
{
    xai_status status = xai__pickle_grow(vm, &vm->stack, vm->depth, &vm->stack_room, sizeof *vm->stack, MAX_VALUES);

    if (status == XAI_OK)
        vm->stack[vm->depth++] = value;
    return status;
}

xai_status xai__pickle_push(xai__pickle_vm *vm, const xai__pickle_value *value)
{
    xai__pickle *p = vm->pickle;
    xai_status status = xai__pickle_grow(vm, &p->values, p->n_values, &p->value_room, sizeof *p->values, MAX_VALUES);

    if (status < 0)
        return status;
    p->values[p->n_values] = *value;
    return push_index(vm, (uint32_t)p->n_values++);
}

xai__pickle_value *xai__pickle_top(const xai__pickle_vm *vm, size_t depth)
{
    return &vm->pickle->values[vm->stack[vm->depth - 1 - depth]];
}

size_t xai__pickle_members(const xai__pickle_vm *vm, const xai__pickle_value *tuple, xai__pickle_value **out,
                           size_t capacity)
{
    const xai__pickle *p = vm->pickle;
    uint32_t cell = tuple->cells.first;

    for (size_t i = 0; i < capacity && i < tuple->count; i++) {
        out[i] = &p->values[p->cells[cell].value];
        cell = p->cells[cell].next;
    }
    return tuple->count;
}

/* Arguments are looked at where they lie. False where the pickle ends before them; then nothing was taken. */
static bool take_bytes(xai__pickle_vm *vm, size_t size, size_t *at)
{
    if (vm->end - vm->at < size)
        return false;
    *at = vm->at;
    vm->at += size;
    return true;
}

/* A little-endian number of size bytes. */
static bool take_number(xai__pickle_vm *vm, size_t size, uint64_t *out)
{
    size_t at;

    if (!take_bytes(vm, size, &at))
        return false;
    *out = xai__load_le(vm->file->data + at, size);
    return true;
}

static xai_status fail_end(const xai__pickle_vm *vm)
{
    if (vm->cut)
        return xai__pickle_fail(vm, XAI_E_LIMIT, "the pickle is longer than %d bytes", MAX_SIZE);
    return xai__pickle_fail(vm, XAI_E_FORMAT, "the pickle ends in the middle of an opcode's argument");
}

/* Values under a mark belong to whoever set it: no opcode may take them away from there, or the mark would point beyond
 * the stack. */
static xai_status need(const xai__pickle_vm *vm, size_t count)
{
    size_t floor = vm->n_marks > 0 ? vm->marks[vm->n_marks - 1] : 0;

    if (vm->depth - floor < count)
        return xai__pickle_fail(vm, XAI_E_FORMAT, "opcode 0x%02x needs %zu values, the stack has %zu",
                                vm->file->data[vm->opcode], count, vm->depth - floor);
    return XAI_OK;
}

/* Each opcode gets the argument of its row in the table. */

static xai_status push_constant(xai__pickle_vm *vm, int argument)
{
    xai__pickle_value value = { .kind = argument < 0 ? XAI__PICKLE_NONE : XAI__PICKLE_BOOL, .integer = argument > 0 };

    return xai__pickle_push(vm, &value);
}

static xai_status push_empty(xai__pickle_vm *vm, int kind)
{
    xai__pickle_value value = { .kind = (uint8_t)kind, .cells = { XAI__PICKLE_END, XAI__PICKLE_END } };

    return xai__pickle_push(vm, &value);
}

static xai_status push_unsigned(xai__pickle_vm *vm, int size)
{
    xai__pickle_value value = { .kind = XAI__PICKLE_INTEGER };
    uint64_t number;

    if (!take_number(vm, (size_t)size, &number))
        return fail_end(vm);
    value.integer = (int64_t)number;
    return xai__pickle_push(vm, &value);
}

/* BININT has a sign, and BININT1 and BININT2 have none. */
static xai_status push_int(xai__pickle_vm *vm, int unused)
{
    xai__pickle_value value = { .kind = XAI__PICKLE_INTEGER };
    uint64_t number;

    (void)unused;
    if (!take_number(vm, 4, &number))
        return fail_end(vm);
    value.integer = (int32_t)(uint32_t)number;
    return xai__pickle_push(vm, &value);
}

/* LONG1: a byte that counts the bytes that follow; none of them is 0. Sizes need eight at most. */
static xai_status push_long(xai__pickle_vm *vm, int unused)
{
    xai__pickle_value value = { .kind = XAI__PICKLE_INTEGER };
    uint64_t size, number;

    (void)unused;
    if (!take_number(vm, 1, &size))
        return fail_end(vm);
    if (size > 8)
        return xai__pickle_fail(vm, XAI_E_UNSUPPORTED, "an integer of %u bytes", (unsigned)size);
    if (!take_number(vm, (size_t)size, &number))
        return fail_end(vm);
    /* Two's complement of that many bytes. */
    if (size > 0 && size < 8 && number >> (8 * size - 1))
        number |= UINT64_MAX << 8 * size;
    value.integer = (int64_t)number;
    return xai__pickle_push(vm, &value);
}

/* The only opcode whose number is big-endian. */
static xai_status push_float(xai__pickle_vm *vm, int unused)
{
    xai__pickle_value value = { .kind = XAI__PICKLE_FLOAT };
    uint64_t bits = 0;
    size_t at;

    (void)unused;
    if (!take_bytes(vm, 8, &at))
        return fail_end(vm);
    for (size_t i = 0; i < 8; i++)
        bits = bits << 8 | vm->file->data[at + i];
    memcpy(&value.number, &bits, sizeof bits);
    return xai__pickle_push(vm, &value);
}

/* Texts of Python 2 are bytes without an encoding; names are ASCII, so they are UTF-8 as well. */
static xai_status push_text(xai__pickle_vm *vm, int size_of_length)
{
    xai__pickle_value value = { .kind = XAI__PICKLE_TEXT };
    uint64_t length;

    if (!take_number(vm, (size_t)size_of_length, &length) || !take_bytes(vm, (size_t)length, &value.text))
        return fail_end(vm);
    if (xai__utf8_check(vm->file->data + value.text, (size_t)length) != length)
        return xai__pickle_fail(vm, XAI_E_FORMAT, "a text that is not UTF-8");
    value.count = (uint32_t)length;
    return xai__pickle_push(vm, &value);
}

static xai_status push_mark(xai__pickle_vm *vm, int unused)
{
    xai_status status = xai__pickle_grow(vm, &vm->marks, vm->n_marks, &vm->mark_room, sizeof *vm->marks, MAX_MARKS);

    (void)unused;
    if (status == XAI_OK)
        vm->marks[vm->n_marks++] = (uint32_t)vm->depth;
    return status;
}

/* Drops the newest mark and tells how many values lie above it. */
static xai_status pop_mark(xai__pickle_vm *vm, size_t *count)
{
    if (vm->n_marks == 0)
        return xai__pickle_fail(vm, XAI_E_FORMAT, "opcode 0x%02x without a mark", vm->file->data[vm->opcode]);
    *count = vm->depth - vm->marks[--vm->n_marks];
    return XAI_OK;
}

/* Members are chained: no container has to move when it grows. */
static xai_status append_cell(xai__pickle_vm *vm, uint32_t container, uint32_t key, uint32_t value)
{
    xai__pickle *p = vm->pickle;
    xai__pickle_value *target = &p->values[container];
    xai_status status = xai__pickle_grow(vm, &p->cells, p->n_cells, &p->cell_room, sizeof *p->cells, MAX_VALUES);

    if (status < 0)
        return status;
    p->cells[p->n_cells] = (xai__pickle_cell){ key, value, XAI__PICKLE_END };
    if (target->count == 0)
        target->cells.first = (uint32_t)p->n_cells;
    else
        p->cells[target->cells.last].next = (uint32_t)p->n_cells;
    target->cells.last = (uint32_t)p->n_cells++;
    target->count++;
    return XAI_OK;
}

/* Packs the upper count values into a tuple. */
static xai_status make_tuple(xai__pickle_vm *vm, size_t count)
{
    size_t first = vm->depth - count;
    xai_status status = push_empty(vm, XAI__PICKLE_TUPLE);
    uint32_t tuple;

    if (status < 0)
        return status;
    /* The new value stands on top of its members: it is taken off, and put back once they are gone. */
    tuple = vm->stack[--vm->depth];
    for (size_t i = 0; i < count && status == XAI_OK; i++)
        status = append_cell(vm, tuple, XAI__PICKLE_END, vm->stack[first + i]);
    vm->depth = first;
    return status < 0 ? status : push_index(vm, tuple);
}

static xai_status tuple_of(xai__pickle_vm *vm, int count)
{
    xai_status status = need(vm, (size_t)count);

    return status < 0 ? status : make_tuple(vm, (size_t)count);
}

static xai_status tuple_from_mark(xai__pickle_vm *vm, int unused)
{
    size_t count = 0;
    xai_status status = pop_mark(vm, &count);

    (void)unused;
    return status < 0 ? status : make_tuple(vm, count);
}

/* Puts the upper count values into the list below them. */
static xai_status append_values(xai__pickle_vm *vm, size_t count)
{
    size_t first = vm->depth - count;
    xai_status status = XAI_OK;

    if (xai__pickle_top(vm, count)->kind != XAI__PICKLE_LIST)
        return xai__pickle_fail(vm, XAI_E_FORMAT, "appends to %s", xai__pickle_kind_name(xai__pickle_top(vm, count)));
    for (size_t i = 0; i < count && status == XAI_OK; i++)
        status = append_cell(vm, vm->stack[first - 1], XAI__PICKLE_END, vm->stack[first + i]);
    vm->depth = first;
    return status;
}

/* Puts the upper pairs of key and value into the dict below them. */
static xai_status set_items(xai__pickle_vm *vm, size_t count)
{
    size_t first = vm->depth - count;
    xai_status status = XAI_OK;

    if (count % 2 != 0)
        return xai__pickle_fail(vm, XAI_E_FORMAT, "a key without a value");
    if (xai__pickle_top(vm, count)->kind != XAI__PICKLE_DICT)
        return xai__pickle_fail(vm, XAI_E_FORMAT, "sets items of %s",
                                xai__pickle_kind_name(xai__pickle_top(vm, count)));
    for (size_t i = 0; i < count && status == XAI_OK; i += 2) {
        const xai__pickle_value *key = &vm->pickle->values[vm->stack[first + i]];

        /* Optimisers number their state by integers; nothing else makes sense as a key. */
        if (key->kind != XAI__PICKLE_TEXT && key->kind != XAI__PICKLE_INTEGER)
            return xai__pickle_fail(vm, XAI_E_FORMAT, "%s as a key of a dict", xai__pickle_kind_name(key));
        status = append_cell(vm, vm->stack[first - 1], vm->stack[first + i], vm->stack[first + i + 1]);
    }
    vm->depth = first;
    return status;
}

/* The container of APPEND and SETITEM, and of their plural forms, stands below the values: under the mark, if any. */
static xai_status fill_one(xai__pickle_vm *vm, int n_values)
{
    xai_status status = need(vm, (size_t)n_values + 1);

    if (status < 0)
        return status;
    return n_values == 1 ? append_values(vm, 1) : set_items(vm, 2);
}

static xai_status fill_from_mark(xai__pickle_vm *vm, int n_values)
{
    size_t count = 0;
    xai_status status = pop_mark(vm, &count);

    if (status == XAI_OK)
        status = need(vm, count + 1); /* the mark is gone, so the container is within reach */
    if (status < 0)
        return status;
    return n_values == 1 ? append_values(vm, count) : set_items(vm, count);
}

/* Slots are numbered from 0 by every writer, so an array up to the bound is enough. What was never filled is all ones,
 * which is no value's number. */
static xai_status memo_put(xai__pickle_vm *vm, int size)
{
    uint64_t index;
    xai_status status = need(vm, 1);

    if (status < 0)
        return status;
    if (!take_number(vm, (size_t)size, &index))
        return fail_end(vm);
    if (index >= MAX_MEMO)
        return xai__pickle_fail(vm, XAI_E_LIMIT, "memo slot %llu; at most %d are kept", (unsigned long long)index,
                                MAX_MEMO);
    while (index >= vm->memo_room) {
        size_t before = vm->memo_room;

        status = xai__pickle_grow(vm, &vm->memo, before, &vm->memo_room, sizeof *vm->memo, MAX_MEMO);
        if (status < 0)
            return status;
        memset(vm->memo + before, 0xff, (vm->memo_room - before) * sizeof *vm->memo);
    }
    vm->memo[index] = vm->stack[vm->depth - 1];
    return XAI_OK;
}

static xai_status memo_get(xai__pickle_vm *vm, int size)
{
    uint64_t index;

    if (!take_number(vm, (size_t)size, &index))
        return fail_end(vm);
    if (index >= vm->memo_room || vm->memo[index] == XAI__PICKLE_END)
        return xai__pickle_fail(vm, XAI_E_FORMAT, "memo slot %llu was never filled", (unsigned long long)index);
    return push_index(vm, vm->memo[index]);
}

/* A line up to its newline, without it. */
static bool take_line(xai__pickle_vm *vm, const char **line, size_t *length)
{
    const char *start = (const char *)vm->file->data + vm->at;
    const char *newline = memchr(start, '\n', vm->end - vm->at);

    if (newline == NULL)
        return false;
    *line = start;
    *length = (size_t)(newline - start);
    vm->at += *length + 1;
    return true;
}

/* The one place where a pickle could reach out: two names, looked up in a table. */
static xai_status push_global(xai__pickle_vm *vm, int unused)
{
    const char *module, *name;
    size_t module_length, name_length;

    (void)unused;
    if (!take_line(vm, &module, &module_length) || !take_line(vm, &name, &name_length))
        return fail_end(vm);
    return xai__pickle_global(vm, module, module_length, name, name_length);
}

/* These check the stack; what the values mean is pickle_build.c's. */
static xai_status persistent(xai__pickle_vm *vm, int unused)
{
    xai_status status = need(vm, 1);

    (void)unused;
    return status < 0 ? status : xai__pickle_persistent(vm);
}

static xai_status reduce(xai__pickle_vm *vm, int unused)
{
    xai_status status = need(vm, 2);

    (void)unused;
    return status < 0 ? status : xai__pickle_reduce(vm);
}

/* The state of an OrderedDict is what torch keeps beside the tensors: versions of modules. It is dropped. */
static xai_status build(xai__pickle_vm *vm, int unused)
{
    xai_status status = need(vm, 2);

    (void)unused;
    if (status < 0)
        return status;
    if (xai__pickle_top(vm, 1)->kind != XAI__PICKLE_DICT || !xai__pickle_top(vm, 1)->ordered)
        return xai__pickle_fail(vm, XAI_E_FORMAT, "sets the state of %s",
                                xai__pickle_kind_name(xai__pickle_top(vm, 1)));
    if (xai__pickle_top(vm, 0)->kind != XAI__PICKLE_DICT)
        return xai__pickle_fail(vm, XAI_E_FORMAT, "%s as the state of a dict",
                                xai__pickle_kind_name(xai__pickle_top(vm, 0)));
    vm->depth--;
    return XAI_OK;
}

typedef struct opcode_row {
    xai_status (*run)(xai__pickle_vm *vm, int argument);
    int argument;
} opcode_row;

/* By the opcode's byte. What has no row is refused: STACK_GLOBAL, INST, OBJ, NEWOBJ, EXT and all of protocols 3 to 5.
 */
static const opcode_row opcodes[256] = {
    ['c'] = { push_global, 0 },
    ['q'] = { memo_put, 1 },
    ['r'] = { memo_put, 4 },
    ['h'] = { memo_get, 1 },
    ['j'] = { memo_get, 4 },
    ['('] = { push_mark, 0 },
    ['}'] = { push_empty, XAI__PICKLE_DICT },
    [']'] = { push_empty, XAI__PICKLE_LIST },
    [')'] = { push_empty, XAI__PICKLE_TUPLE },
    ['t'] = { tuple_from_mark, 0 },
    [0x85] = { tuple_of, 1 },
    [0x86] = { tuple_of, 2 },
    [0x87] = { tuple_of, 3 },
    ['N'] = { push_constant, -1 },
    [0x88] = { push_constant, 1 },
    [0x89] = { push_constant, 0 },
    ['K'] = { push_unsigned, 1 },
    ['M'] = { push_unsigned, 2 },
    ['J'] = { push_int, 0 },
    [0x8a] = { push_long, 0 },
    ['G'] = { push_float, 0 },
    ['X'] = { push_text, 4 },
    ['U'] = { push_text, 1 },
    ['a'] = { fill_one, 1 },
    ['e'] = { fill_from_mark, 1 },
    ['s'] = { fill_one, 2 },
    ['u'] = { fill_from_mark, 2 },
    ['Q'] = { persistent, 0 },
    ['R'] = { reduce, 0 },
    ['b'] = { build, 0 },
};

enum { PROTO = 0x80, STOP = '.' };

/* Exactly one value is left. */
static xai_status stop(xai__pickle_vm *vm)
{
    if (vm->depth != 1 || vm->n_marks != 0)
        return xai__pickle_fail(vm, XAI_E_FORMAT, "the pickle stops with %zu values and %zu marks instead of one value",
                                vm->depth, vm->n_marks);
    vm->pickle->root = vm->stack[0];
    vm->pickle->end = vm->at;
    return XAI_OK;
}

static xai_status check_protocol(const xai__pickle_vm *vm)
{
    const unsigned char *bytes = vm->file->data + vm->at;

    if (vm->end - vm->at < 2 || bytes[0] != PROTO)
        return xai__pickle_fail(vm, XAI_E_FORMAT, "no pickle here: it does not begin with its protocol");
    if (bytes[1] != 2)
        return xai__pickle_fail(vm, XAI_E_UNSUPPORTED,
                                "pickle protocol %d; torch.save() writes protocol 2 unless told otherwise", bytes[1]);
    return XAI_OK;
}

/* Opcode after opcode up to STOP. Each takes a byte at least and pushes one value at most, so this ends. */
static xai_status run(xai__pickle_vm *vm)
{
    xai_status status = check_protocol(vm);

    vm->at += 2;
    while (status == XAI_OK) {
        unsigned char opcode;

        vm->opcode = vm->at;
        if (vm->at == vm->end)
            return vm->cut ? fail_end(vm)
                           : xai__pickle_fail(vm, XAI_E_FORMAT, "the pickle ends without its stop opcode");
        opcode = vm->file->data[vm->at++];
        if (opcode == STOP)
            return stop(vm);
        if (opcodes[opcode].run == NULL)
            return xai__pickle_fail(vm, XAI_E_UNSUPPORTED,
                                    "pickle opcode 0x%02x is not among those of a state dict; nothing was run", opcode);
        status = opcodes[opcode].run(vm, opcodes[opcode].argument);
    }
    return status;
}

/* The stack, the marks and the memo are needed only until the pickle stops. */
xai_status xai__pickle_read(xai__pickle *pickle, const xai__file *file, size_t start, size_t end)
{
    xai__pickle_vm vm = { .pickle = pickle, .file = file, .at = start, .end = end, .opcode = start };
    xai_status status;

    *pickle = (xai__pickle){ .file = file };
    /* The bytes behind a pickle of an older file are tensors, gigabytes perhaps; a pickle that reaches the bound is
     * told so rather than called cut off. */
    if (vm.end - vm.at > MAX_SIZE) {
        vm.end = vm.at + MAX_SIZE;
        vm.cut = true;
    }
    status = run(&vm);
    xai__free(file->context, vm.stack);
    xai__free(file->context, vm.marks);
    xai__free(file->context, vm.memo);
    if (status < 0)
        xai__pickle_free(pickle);
    return status;
}

void xai__pickle_free(xai__pickle *pickle)
{
    if (pickle->file != NULL) {
        xai_context *context = pickle->file->context;

        xai__free(context, pickle->values);
        xai__free(context, pickle->cells);
        xai__free(context, pickle->storages);
        xai__free(context, pickle->tensors);
    }
    *pickle = (xai__pickle){ 0 };
}

bool xai__pickle_is_text(const xai__pickle *pickle, const xai__pickle_value *value, const char *text)
{
    return value->kind == XAI__PICKLE_TEXT && value->count == strlen(text) &&
           memcmp(pickle->file->data + value->text, text, value->count) == 0;
}

bool xai__pickle_decimal(const xai__pickle *pickle, const xai__pickle_value *text, uint64_t *out)
{
    const unsigned char *digits;

    if (text->kind != XAI__PICKLE_TEXT || text->count == 0)
        return false;
    digits = pickle->file->data + text->text;
    if (text->count > 1 && digits[0] == '0')
        return false;
    *out = 0;
    for (uint32_t i = 0; i < text->count; i++)
        if (digits[i] < '0' || digits[i] > '9' || __builtin_mul_overflow(*out, 10, out) ||
            __builtin_add_overflow(*out, (uint64_t)(digits[i] - '0'), out))
            return false;
    return true;
}

const xai__pickle_value *xai__pickle_find(const xai__pickle *pickle, const xai__pickle_value *dict, const char *key)
{
    uint32_t cell = dict->count > 0 ? dict->cells.first : XAI__PICKLE_END;

    for (; cell != XAI__PICKLE_END; cell = pickle->cells[cell].next)
        if (xai__pickle_is_text(pickle, &pickle->values[pickle->cells[cell].key], key))
            return &pickle->values[pickle->cells[cell].value];
    return NULL;
}
