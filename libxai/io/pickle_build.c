/* SPDX-License-Identifier: MIT
 * What the pickles of state dicts may name, and what those names make: storages and tensors.
 *
 * torch pickles a tensor as a call: _rebuild_tensor_v2(storage, offset, size, stride, ...). The storage is no part of
 * the pickle; a persistent id stands for it, a tuple with its type, its key and how many elements it has. Several
 * tensors may name one storage, which is how torch keeps views and shared weights. Only the numbers are kept here;
 * whether they fit what the file holds is checked once the storages are found (pth_view.c). */
#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "io/dtype.h"
#include "io/pickle_vm.h"

enum { MAX_STORAGES = 100000, MAX_TENSORS = 100000, MAX_RANK = 8, MAX_ARGUMENTS = 8 };

typedef enum role { ORDERED_DICT, SIZE, TENSOR_1, TENSOR_2, TENSOR_3, PARAMETER, STORAGE, ELEMENT } role;

/* The whole list; bytes storages are those that hold any type. */
static const struct {
    const char *module, *name;
    role role;
    uint32_t dtype;
} globals[] = {
    { "collections", "OrderedDict", ORDERED_DICT, 0 },
    { "torch", "Size", SIZE, 0 },
    { "torch._utils", "_rebuild_tensor", TENSOR_1, 0 },
    { "torch._utils", "_rebuild_tensor_v2", TENSOR_2, 0 },
    { "torch._utils", "_rebuild_tensor_v3", TENSOR_3, 0 },
    { "torch._utils", "_rebuild_parameter", PARAMETER, 0 },
    { "torch", "DoubleStorage", STORAGE, XAI__DTYPE_F64 },
    { "torch", "FloatStorage", STORAGE, XAI__DTYPE_F32 },
    { "torch", "HalfStorage", STORAGE, XAI__DTYPE_F16 },
    { "torch", "BFloat16Storage", STORAGE, XAI__DTYPE_BF16 },
    { "torch", "LongStorage", STORAGE, XAI__DTYPE_I64 },
    { "torch", "IntStorage", STORAGE, XAI__DTYPE_I32 },
    { "torch", "ShortStorage", STORAGE, XAI__DTYPE_I16 },
    { "torch", "CharStorage", STORAGE, XAI__DTYPE_I8 },
    { "torch", "ByteStorage", STORAGE, XAI__DTYPE_U8 },
    { "torch", "BoolStorage", STORAGE, XAI__DTYPE_BOOL },
    { "torch", "ComplexFloatStorage", STORAGE, XAI__DTYPE_C64 },
    { "torch.storage", "UntypedStorage", STORAGE, XAI__N_DTYPES },
    { "torch", "float64", ELEMENT, XAI__DTYPE_F64 },
    { "torch", "float32", ELEMENT, XAI__DTYPE_F32 },
    { "torch", "float16", ELEMENT, XAI__DTYPE_F16 },
    { "torch", "bfloat16", ELEMENT, XAI__DTYPE_BF16 },
    { "torch", "int64", ELEMENT, XAI__DTYPE_I64 },
    { "torch", "int32", ELEMENT, XAI__DTYPE_I32 },
    { "torch", "int16", ELEMENT, XAI__DTYPE_I16 },
    { "torch", "int8", ELEMENT, XAI__DTYPE_I8 },
    { "torch", "uint64", ELEMENT, XAI__DTYPE_U64 },
    { "torch", "uint32", ELEMENT, XAI__DTYPE_U32 },
    { "torch", "uint16", ELEMENT, XAI__DTYPE_U16 },
    { "torch", "uint8", ELEMENT, XAI__DTYPE_U8 },
    { "torch", "bool", ELEMENT, XAI__DTYPE_BOOL },
    { "torch", "complex64", ELEMENT, XAI__DTYPE_C64 },
    { "torch", "float8_e5m2", ELEMENT, XAI__DTYPE_F8_E5M2 },
    { "torch", "float8_e4m3fn", ELEMENT, XAI__DTYPE_F8_E4M3 },
    { "torch", "float8_e8m0fnu", ELEMENT, XAI__DTYPE_F8_E8M0 },
    { "torch", "float8_e4m3fnuz", ELEMENT, XAI__DTYPE_F8_E4M3FNUZ },
    { "torch", "float8_e5m2fnuz", ELEMENT, XAI__DTYPE_F8_E5M2FNUZ },
};

static bool is_word(const char *text, size_t length, const char *word)
{
    return strlen(word) == length && memcmp(text, word, length) == 0;
}

/* So much of a name that a message stays one sentence. */
static int shown(size_t length)
{
    return (int)(length < 80 ? length : 80);
}

/* Both names in full: a longer one that begins alike is another one. */
xai_status xai__pickle_global(xai__pickle_vm *vm, const char *module, size_t module_length, const char *name,
                              size_t name_length)
{
    xai__pickle_value value = { .kind = XAI__PICKLE_TOKEN };

    for (uint32_t i = 0; i < sizeof globals / sizeof *globals; i++) {
        if (!is_word(module, module_length, globals[i].module) || !is_word(name, name_length, globals[i].name))
            continue;
        value.index = i;
        return xai__pickle_push(vm, &value);
    }
    return xai__pickle_fail(vm, XAI_E_UNSUPPORTED,
                            "the pickle names %.*s.%.*s, which is not among what a state dict needs; nothing was run",
                            shown(module_length), module, shown(name_length), name);
}

static bool is_role(const xai__pickle_value *value, role wanted)
{
    return value->kind == XAI__PICKLE_TOKEN && globals[value->index].role == wanted;
}

/* ('storage', type, key, location, count), and in older files None for "not a view of another storage". */
static xai_status read_storage(const xai__pickle_vm *vm, const xai__pickle_value *id, xai__pickle_storage *storage)
{
    xai__pickle_value *items[6];
    size_t count = id->kind == XAI__PICKLE_TUPLE ? xai__pickle_members(vm, id, items, 6) : 0;

    if (count > 0 && xai__pickle_is_text(vm->pickle, items[0], "module"))
        return xai__pickle_fail(vm, XAI_E_UNSUPPORTED,
                                "a whole pickled module; save model.state_dict() instead; nothing was run");
    if ((count != 5 && count != 6) || !xai__pickle_is_text(vm->pickle, items[0], "storage"))
        return xai__pickle_fail(vm, XAI_E_FORMAT, "a persistent id that is not a storage's");
    if (!is_role(items[1], STORAGE) || items[3]->kind != XAI__PICKLE_TEXT || items[4]->kind != XAI__PICKLE_INTEGER)
        return xai__pickle_fail(vm, XAI_E_FORMAT, "a storage's id with %s, %s and %s as type, place and size",
                                xai__pickle_kind_name(items[1]), xai__pickle_kind_name(items[3]),
                                xai__pickle_kind_name(items[4]));
    if (!xai__pickle_decimal(vm->pickle, items[2], &storage->key))
        return xai__pickle_fail(vm, XAI_E_FORMAT, "a storage's key that is not a decimal number");
    if (items[4]->integer < 0)
        return xai__pickle_fail(vm, XAI_E_FORMAT, "a storage of %lld elements", (long long)items[4]->integer);
    if (count == 6 && items[5]->kind != XAI__PICKLE_NONE)
        return xai__pickle_fail(vm, XAI_E_UNSUPPORTED, "a storage that is a view of another one");
    storage->dtype = globals[items[1]->index].dtype;
    storage->count = items[4]->integer;
    storage->at = vm->opcode;
    return XAI_OK;
}

/* One entry for each mention: that they agree where the key is the same is checked when all are known. */
xai_status xai__pickle_persistent(xai__pickle_vm *vm)
{
    xai__pickle *p = vm->pickle;
    xai__pickle_storage storage = { 0 };
    xai__pickle_value value = { .kind = XAI__PICKLE_STORAGE };
    xai_status status = read_storage(vm, xai__pickle_top(vm, 0), &storage);

    if (status == XAI_OK)
        status = xai__pickle_grow(vm, &p->storages, p->n_storages, &p->storage_room, sizeof storage, MAX_STORAGES);
    if (status < 0)
        return status;
    value.index = (uint32_t)p->n_storages;
    p->storages[p->n_storages++] = storage;
    vm->depth--;
    return xai__pickle_push(vm, &value);
}

/* Sizes and strides are given in elements; torch knows no negative ones. */
static xai_status read_extents(const xai__pickle_vm *vm, const xai__pickle_value *tuple, int64_t *out, size_t *rank)
{
    xai__pickle_value *items[MAX_RANK];

    if (tuple->kind != XAI__PICKLE_TUPLE)
        return xai__pickle_fail(vm, XAI_E_FORMAT, "%s as a tensor's size or stride", xai__pickle_kind_name(tuple));
    *rank = xai__pickle_members(vm, tuple, items, MAX_RANK);
    if (*rank > MAX_RANK)
        return xai__pickle_fail(vm, XAI_E_UNSUPPORTED, "a tensor of %zu dimensions; at most %d are read", *rank,
                                MAX_RANK);
    for (size_t i = 0; i < *rank; i++) {
        if (items[i]->kind != XAI__PICKLE_INTEGER || items[i]->integer < 0)
            return xai__pickle_fail(vm, XAI_E_FORMAT, "%s in a tensor's size or stride",
                                    items[i]->kind == XAI__PICKLE_INTEGER ? "a negative number"
                                                                          : xai__pickle_kind_name(items[i]));
        out[i] = items[i]->integer;
    }
    return XAI_OK;
}

/* Storage, offset, size and stride: the first four arguments of every version. The type is the storage's, unless what
 * follows says another one. */
static xai_status read_view(const xai__pickle_vm *vm, xai__pickle_value **arguments, xai__pickle_tensor *tensor)
{
    size_t n_strides = 0;
    xai_status status;

    if (arguments[0]->kind != XAI__PICKLE_STORAGE || arguments[1]->kind != XAI__PICKLE_INTEGER)
        return xai__pickle_fail(vm, XAI_E_FORMAT, "a tensor made of %s and %s instead of storage and offset",
                                xai__pickle_kind_name(arguments[0]), xai__pickle_kind_name(arguments[1]));
    if (arguments[1]->integer < 0)
        return xai__pickle_fail(vm, XAI_E_FORMAT, "a tensor at offset %lld of its storage",
                                (long long)arguments[1]->integer);
    tensor->storage = arguments[0]->index;
    tensor->dtype = vm->pickle->storages[tensor->storage].dtype;
    tensor->offset = arguments[1]->integer;
    tensor->at = vm->opcode;
    status = read_extents(vm, arguments[2], tensor->shape, &tensor->rank);
    if (status == XAI_OK)
        status = read_extents(vm, arguments[3], tensor->strides, &n_strides);
    if (status < 0)
        return status;
    if (n_strides != tensor->rank)
        return xai__pickle_fail(vm, XAI_E_FORMAT, "a tensor with %zu extents and %zu strides", tensor->rank, n_strides);
    return XAI_OK;
}

/* Hooks are functions; a file that has some is more than weights. */
static xai_status check_hooks(const xai__pickle_vm *vm, const xai__pickle_value *needs_gradient,
                              const xai__pickle_value *hooks)
{
    if (needs_gradient->kind != XAI__PICKLE_BOOL || hooks->kind != XAI__PICKLE_DICT)
        return xai__pickle_fail(vm, XAI_E_FORMAT, "a tensor with %s and %s instead of requires_grad and hooks",
                                xai__pickle_kind_name(needs_gradient), xai__pickle_kind_name(hooks));
    if (hooks->count > 0)
        return xai__pickle_fail(vm, XAI_E_UNSUPPORTED, "a tensor with hooks; nothing was run");
    return XAI_OK;
}

/* The value holds its place in the list of tensors only, so that all values have one small size. */
static xai_status push_tensor(xai__pickle_vm *vm, const xai__pickle_tensor *tensor)
{
    xai__pickle *p = vm->pickle;
    xai__pickle_value value = { .kind = XAI__PICKLE_TENSOR, .index = (uint32_t)p->n_tensors };
    xai_status status = xai__pickle_grow(vm, &p->tensors, p->n_tensors, &p->tensor_room, sizeof *p->tensors,
                                         MAX_TENSORS);

    if (status < 0)
        return status;
    p->tensors[p->n_tensors++] = *tensor;
    return xai__pickle_push(vm, &value);
}

/* Later versions append arguments: gradient and hooks, then the element type. */
static xai_status make_tensor(xai__pickle_vm *vm, role version, xai__pickle_value **arguments, size_t count)
{
    xai__pickle_tensor tensor = { 0 };
    xai_status status = read_view(vm, arguments, &tensor);

    if (status == XAI_OK && version != TENSOR_1)
        status = check_hooks(vm, arguments[4], arguments[5]);
    if (status < 0)
        return status;
    if (version == TENSOR_3) {
        if (!is_role(arguments[6], ELEMENT))
            return xai__pickle_fail(vm, XAI_E_FORMAT, "%s as a tensor's type", xai__pickle_kind_name(arguments[6]));
        tensor.dtype = globals[arguments[6]->index].dtype;
    }
    if (tensor.dtype == XAI__N_DTYPES)
        return xai__pickle_fail(vm, XAI_E_FORMAT, "a tensor over bytes whose type is not stated");
    if (version == TENSOR_2 && count == 7 && arguments[6]->kind != XAI__PICKLE_DICT)
        return xai__pickle_fail(vm, XAI_E_FORMAT, "%s as a tensor's metadata", xai__pickle_kind_name(arguments[6]));
    return push_tensor(vm, &tensor);
}

/* A parameter is its tensor. */
static xai_status make_parameter(xai__pickle_vm *vm, xai__pickle_value **arguments)
{
    xai__pickle_value tensor = *arguments[0];
    xai_status status = check_hooks(vm, arguments[1], arguments[2]);

    if (status < 0)
        return status;
    if (tensor.kind != XAI__PICKLE_TENSOR)
        return xai__pickle_fail(vm, XAI_E_FORMAT, "a parameter made of %s", xai__pickle_kind_name(&tensor));
    return xai__pickle_push(vm, &tensor);
}

/* torch.Size is a tuple. The new value shares its cells, which is safe, for no opcode adds to a tuple. */
static xai_status make_size(xai__pickle_vm *vm, xai__pickle_value **arguments)
{
    xai__pickle_value tuple = *arguments[0];

    if (tuple.kind != XAI__PICKLE_TUPLE)
        return xai__pickle_fail(vm, XAI_E_FORMAT, "torch.Size of %s", xai__pickle_kind_name(&tuple));
    return xai__pickle_push(vm, &tuple);
}

static xai_status make_dict(xai__pickle_vm *vm)
{
    xai__pickle_value value = { .kind = XAI__PICKLE_DICT,
                                .cells = { XAI__PICKLE_END, XAI__PICKLE_END },
                                .ordered = true };

    return xai__pickle_push(vm, &value);
}

/* The arguments point into the array of values, which may move with the next push: all is read before that. */
static xai_status make(xai__pickle_vm *vm, role what, xai__pickle_value **arguments, size_t count)
{
    switch (what) {
    case ORDERED_DICT:
        return make_dict(vm);
    case SIZE:
        return make_size(vm, arguments);
    case PARAMETER:
        return make_parameter(vm, arguments);
    default:
        return make_tensor(vm, what, arguments, count);
    }
}

xai_status xai__pickle_reduce(xai__pickle_vm *vm)
{
    /* How many each takes; what stands behind these in the enum is never applied to anything. */
    static const struct {
        unsigned char least, most;
    } n_arguments[] = {
        [ORDERED_DICT] = { 0, 0 }, [SIZE] = { 1, 1 },     [TENSOR_1] = { 4, 4 },
        [TENSOR_2] = { 6, 7 },     [TENSOR_3] = { 7, 8 }, [PARAMETER] = { 3, 3 },
    };
    const xai__pickle_value *token = xai__pickle_top(vm, 1), *tuple = xai__pickle_top(vm, 0);
    xai__pickle_value *arguments[MAX_ARGUMENTS];
    size_t count, row;

    if (token->kind != XAI__PICKLE_TOKEN || tuple->kind != XAI__PICKLE_TUPLE)
        return xai__pickle_fail(vm, XAI_E_FORMAT, "%s applied to %s", xai__pickle_kind_name(token),
                                xai__pickle_kind_name(tuple));
    row = token->index;
    if (globals[row].role >= sizeof n_arguments / sizeof *n_arguments)
        return xai__pickle_fail(vm, XAI_E_FORMAT, "%s.%s makes nothing by itself", globals[row].module,
                                globals[row].name);
    count = xai__pickle_members(vm, tuple, arguments, MAX_ARGUMENTS);
    if (count < n_arguments[globals[row].role].least || count > n_arguments[globals[row].role].most)
        return xai__pickle_fail(vm, XAI_E_FORMAT, "%s.%s with %zu arguments", globals[row].module, globals[row].name,
                                count);
    /* Both are taken off the stack but stay values, since others may hold them. */
    vm->depth -= 2;
    return make(vm, globals[row].role, arguments, count);
}
