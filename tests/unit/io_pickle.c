/* SPDX-License-Identifier: MIT
 * The pickle machine: rows 35 to 47 and 54 of the table of bad inputs, opcode by opcode. */
#include "testing.h"

#include "bytes.h"
#include "io/dtype.h"
#include "io/pickle.h"

static xai_context *context;
static xai__file file;

static void set_up(void)
{
    context = testing_context(1);
}

static void tear_down(void)
{
    xai__file_close(&file);
    xai_context_unref(context);
}

static xai_status read_bytes(xai__pickle *pickle, const void *data, size_t size)
{
    xai__file_close(&file);
    ck_assert_ok(xai__file_wrap(&file, context, data, size));
    return xai__pickle_read(pickle, &file, 0, size);
}

/* A literal's bytes with its NULs but without the last one. */
#define PICKLE(literal) literal, sizeof literal - 1

#define UTILS              "ctorch._utils\n"
#define TORCH              "ctorch\n"
#define TEXT(length, text) "X" length "\0\0\0" text
/* A float storage "0" of 6 elements on the stack. */
#define STORAGE "(" TEXT("\x07", "storage") TORCH "FloatStorage\n" TEXT("\x01", "0") TEXT("\x03", "cpu") "K\x06tQ"
#define HOOKS                                                                                                          \
    "\x89"                                                                                                             \
    "ccollections\nOrderedDict\n)R"

typedef struct pickle_row {
    const char *bytes;
    size_t size;
    xai_status status;
    const char *words;
} pickle_row;

static const pickle_row bad_rows[] = {
    /* 54: protocols */
    { PICKLE(""), XAI_E_FORMAT, "does not begin with its protocol" },
    { PICKLE("\x80"), XAI_E_FORMAT, "does not begin with its protocol" },
    { PICKLE("N."), XAI_E_FORMAT, "does not begin with its protocol" },
    { PICKLE("\x80\3N."), XAI_E_UNSUPPORTED, "pickle protocol 3" },
    { PICKLE("\x80\4N."), XAI_E_UNSUPPORTED, "pickle protocol 4" },
    { PICKLE("\x80\5N."), XAI_E_UNSUPPORTED, "pickle protocol 5" },
    { PICKLE("\x80\1N."), XAI_E_UNSUPPORTED, "pickle protocol 1" },
    { PICKLE("\x80\2\x80\2N."), XAI_E_UNSUPPORTED, "byte 2: pickle opcode 0x80" },
    /* 35: names */
    { PICKLE("\x80\2cos\nsystem\n."), XAI_E_UNSUPPORTED, "byte 2: the pickle names os.system" },
    { PICKLE("\x80\2cposix\nsystem\nX\4\0\0\0echo\x85R."), XAI_E_UNSUPPORTED, "posix.system" },
    { PICKLE("\x80\2c__builtin__\neval\n."), XAI_E_UNSUPPORTED, "__builtin__.eval" },
    { PICKLE("\x80\2ctorch\nload\n."), XAI_E_UNSUPPORTED, "torch.load" },
    { PICKLE("\x80\2ctorch._utils\n_rebuild_tensor_v2.x\n."), XAI_E_UNSUPPORTED, "_rebuild_tensor_v2.x" },
    { PICKLE("\x80\2ccollections\nOrderedDict\0\n."), XAI_E_UNSUPPORTED, "the pickle names collections.OrderedDict" },
    { PICKLE("\x80\2c\n\n."), XAI_E_UNSUPPORTED, "the pickle names ." },
    { PICKLE("\x80\2cos"), XAI_E_FORMAT, "in the middle of an opcode's argument" },
    { PICKLE("\x80\2cos\nsystem"), XAI_E_FORMAT, "in the middle" },
    /* 36: opcodes of other pickles */
    { PICKLE("\x80\2\x93."), XAI_E_UNSUPPORTED, "byte 2: pickle opcode 0x93 is not among" },
    { PICKLE("\x80\2(ios\nsystem\n."), XAI_E_UNSUPPORTED, "opcode 0x69" },
    { PICKLE("\x80\2(o."), XAI_E_UNSUPPORTED, "opcode 0x6f" },
    { PICKLE("\x80\2\x82\1."), XAI_E_UNSUPPORTED, "opcode 0x82" },
    { PICKLE("\x80\2\x81."), XAI_E_UNSUPPORTED, "opcode 0x81" },
    { PICKLE("\x80\2\x8f."), XAI_E_UNSUPPORTED, "opcode 0x8f" },
    { PICKLE("\x80\2\x96."), XAI_E_UNSUPPORTED, "opcode 0x96" },
    { PICKLE("\x80\2I1\n."), XAI_E_UNSUPPORTED, "opcode 0x49" },
    { PICKLE("\x80\2P1\n."), XAI_E_UNSUPPORTED, "opcode 0x50" },
    { PICKLE("\x80\2N0."), XAI_E_UNSUPPORTED, "opcode 0x30" },
    { PICKLE("\x80\2N2."), XAI_E_UNSUPPORTED, "opcode 0x32" },
    { PICKLE("\x80\2\0."), XAI_E_UNSUPPORTED, "opcode 0x00" },
    { PICKLE("\x80\2\x8b\1\0\0\0\1."), XAI_E_UNSUPPORTED, "opcode 0x8b" },
    /* 38: the stack */
    { PICKLE("\x80\2."), XAI_E_FORMAT, "stops with 0 values and 0 marks" },
    { PICKLE("\x80\2NN."), XAI_E_FORMAT, "stops with 2 values" },
    { PICKLE("\x80\2(N."), XAI_E_FORMAT, "1 values and 1 marks" },
    { PICKLE("\x80\2N"), XAI_E_FORMAT, "without its stop opcode" },
    { PICKLE("\x80\2t."), XAI_E_FORMAT, "opcode 0x74 without a mark" },
    { PICKLE("\x80\2\x85."), XAI_E_FORMAT, "opcode 0x85 needs 1 values, the stack has 0" },
    { PICKLE("\x80\2NN\x87."), XAI_E_FORMAT, "needs 3 values, the stack has 2" },
    { PICKLE("\x80\2N(N\x86."), XAI_E_FORMAT, "needs 2 values, the stack has 1" },
    { PICKLE("\x80\2}u."), XAI_E_FORMAT, "opcode 0x75 without a mark" },
    { PICKLE("\x80\2(u."), XAI_E_FORMAT, "needs 1 values" },
    { PICKLE("\x80\2](Ne("), XAI_E_FORMAT, "without its stop opcode" },
    { PICKLE("\x80\2}(X\1\0\0\0au."), XAI_E_FORMAT, "a key without a value" },
    { PICKLE("\x80\2}X\1\0\0\0as."), XAI_E_FORMAT, "needs 3 values" },
    { PICKLE("\x80\2Q."), XAI_E_FORMAT, "opcode 0x51 needs 1" },
    { PICKLE("\x80\2NR."), XAI_E_FORMAT, "opcode 0x52 needs 2" },
    { PICKLE("\x80\2Nb."), XAI_E_FORMAT, "opcode 0x62 needs 2" },
    { PICKLE("\x80\2q\0."), XAI_E_FORMAT, "opcode 0x71 needs 1" },
    /* 39: the memo */
    { PICKLE("\x80\2h\0."), XAI_E_FORMAT, "memo slot 0 was never filled" },
    { PICKLE("\x80\2Nq\1h\0."), XAI_E_FORMAT, "memo slot 0 was never filled" },
    { PICKLE("\x80\2Nq\1h\x40."), XAI_E_FORMAT, "memo slot 64 was never filled" },
    { PICKLE("\x80\2j\xff\xff\xff\xff."), XAI_E_FORMAT, "memo slot 4294967295 was never filled" },
    { PICKLE("\x80\2Nr\xff\xff\xff\xff."), XAI_E_LIMIT, "memo slot 4294967295; at most" },
    /* 44, 45: containers */
    { PICKLE("\x80\2NNa."), XAI_E_FORMAT, "appends to None" },
    { PICKLE("\x80\2}Na."), XAI_E_FORMAT, "appends to a dict" },
    { PICKLE("\x80\2)(Ne."), XAI_E_FORMAT, "appends to a tuple" },
    { PICKLE("\x80\2]NNs."), XAI_E_FORMAT, "sets items of a list" },
    { PICKLE("\x80\2K\1(NNu."), XAI_E_FORMAT, "sets items of an integer" },
    { PICKLE("\x80\2}NNs."), XAI_E_FORMAT, "None as a key of a dict" },
    { PICKLE("\x80\2})Ns."), XAI_E_FORMAT, "a tuple as a key" },
    { PICKLE("\x80\2}G\0\0\0\0\0\0\0\0Ns."), XAI_E_FORMAT, "a float as a key" },
    { PICKLE("\x80\2}}b."), XAI_E_FORMAT, "sets the state of a dict" },
    { PICKLE("\x80\2N}b."), XAI_E_FORMAT, "sets the state of None" },
    { PICKLE("\x80\2"
             "ccollections\nOrderedDict\n)RNb."),
      XAI_E_FORMAT, "None as the state of a dict" },
    { PICKLE("\x80\2" STORAGE "N)s."), XAI_E_FORMAT, "sets items of a storage" },
    /* arguments */
    { PICKLE("\x80\2K"), XAI_E_FORMAT, "in the middle" },
    { PICKLE("\x80\2M\1"), XAI_E_FORMAT, "in the middle" },
    { PICKLE("\x80\2J\1\2\3"), XAI_E_FORMAT, "in the middle" },
    { PICKLE("\x80\2G\1\2\3\4\5\6\7"), XAI_E_FORMAT, "in the middle" },
    { PICKLE("\x80\2X\4\0\0\0abc"), XAI_E_FORMAT, "in the middle" },
    { PICKLE("\x80\2X\xff\xff\xff\xff"
             "abc."),
      XAI_E_FORMAT, "in the middle" },
    { PICKLE("\x80\2U\4abc"), XAI_E_FORMAT, "in the middle" },
    { PICKLE("\x80\2X\1\0\0\0\xff."), XAI_E_FORMAT, "a text that is not UTF-8" },
    { PICKLE("\x80\2\x8a"), XAI_E_FORMAT, "in the middle" },
    { PICKLE("\x80\2\x8a\x08"
             "1234567"),
      XAI_E_FORMAT, "in the middle" },
    { PICKLE("\x80\2\x8a\x09"
             "123456789."),
      XAI_E_UNSUPPORTED, "an integer of 9 bytes" },
    { PICKLE("\x80\2Nr\1\0"), XAI_E_FORMAT, "in the middle" },
    { PICKLE("\x80\2h"), XAI_E_FORMAT, "in the middle" },
    /* 42: storages */
    { PICKLE("\x80\2NQ."), XAI_E_FORMAT, "not a storage's" },
    { PICKLE("\x80\2)Q."), XAI_E_FORMAT, "not a storage's" },
    { PICKLE("\x80\2X\7\0\0\0storageQ."), XAI_E_FORMAT, "not a storage's" },
    { PICKLE("\x80\2"
             "X\6\0\0\0moduleNN\x87Q."),
      XAI_E_UNSUPPORTED, "a whole pickled module" },
    { PICKLE("\x80\2(" TEXT("\7", "storage") "N" TEXT("\1", "0") TEXT("\3", "cpu") "K\6tQ."), XAI_E_FORMAT,
      "a storage's id with None, a text and an integer" },
    { PICKLE("\x80\2(" TEXT("\7", "storage") TORCH "Size\n" TEXT("\1", "0") TEXT("\3", "cpu") "K\6tQ."), XAI_E_FORMAT,
      "a storage's id with a name" },
    { PICKLE("\x80\2(" TEXT("\7", "storage") TORCH "FloatStorage\nK\0" TEXT("\3", "cpu") "K\6tQ."), XAI_E_FORMAT,
      "key that is not a decimal number" },
    { PICKLE("\x80\2(" TEXT("\7", "storage") TORCH "FloatStorage\n" TEXT("\4", "../x") TEXT("\3", "cpu") "K\6tQ."),
      XAI_E_FORMAT, "key that is not a decimal number" },
    { PICKLE("\x80\2(" TEXT("\7", "storage") TORCH "FloatStorage\n" TEXT("\2", "00") TEXT("\3", "cpu") "K\6tQ."),
      XAI_E_FORMAT, "key that is not a decimal number" },
    { PICKLE("\x80\2(" TEXT("\7", "storage") TORCH "FloatStorage\n" TEXT("\0", "") TEXT("\3", "cpu") "K\6tQ."),
      XAI_E_FORMAT, "key that is not a decimal number" },
    { PICKLE("\x80\2(" TEXT("\7", "storage") TORCH "FloatStorage\n" TEXT("\x14", "18446744073709551616")
                 TEXT("\3", "cpu") "K\6tQ."),
      XAI_E_FORMAT, "key that is not a decimal number" },
    { PICKLE("\x80\2(" TEXT("\7", "storage") TORCH "FloatStorage\n" TEXT("\1", "0")
                 TEXT("\3", "cpu") "J\xff\xff\xff\xfftQ."),
      XAI_E_FORMAT, "a storage of -1 elements" },
    { PICKLE("\x80\2(" TEXT("\7", "storage") TORCH "FloatStorage\n" TEXT("\1", "0") TEXT("\3", "cpu") "K\6)tQ."),
      XAI_E_UNSUPPORTED, "a view of another one" },
    { PICKLE("\x80\2(" TEXT("\7", "storage") TORCH "FloatStorage\n" TEXT("\1", "0") TEXT("\3", "cpu") "K\6NNtQ."),
      XAI_E_FORMAT, "not a storage's" },
    /* REDUCE */
    { PICKLE("\x80\2N)R."), XAI_E_FORMAT, "None applied to a tuple" },
    { PICKLE("\x80\2"
             "ccollections\nOrderedDict\nNR."),
      XAI_E_FORMAT, "a name applied to None" },
    { PICKLE("\x80\2"
             "ccollections\nOrderedDict\n]\x85R."),
      XAI_E_FORMAT, "collections.OrderedDict with 1 arguments" },
    { PICKLE("\x80\2" TORCH "FloatStorage\n)R."), XAI_E_FORMAT, "torch.FloatStorage makes nothing" },
    { PICKLE("\x80\2" TORCH "float32\n)R."), XAI_E_FORMAT, "torch.float32 makes nothing" },
    { PICKLE("\x80\2" TORCH "Size\n)R."), XAI_E_FORMAT, "torch.Size with 0 arguments" },
    { PICKLE("\x80\2" TORCH "Size\nN\x85R."), XAI_E_FORMAT, "torch.Size of None" },
    { PICKLE("\x80\2" UTILS "_rebuild_tensor\n)R."), XAI_E_FORMAT, "_rebuild_tensor with 0 arguments" },
    { PICKLE("\x80\2" UTILS "_rebuild_tensor\n(NK\0))tR."), XAI_E_FORMAT, "a tensor made of None and an integer" },
    { PICKLE("\x80\2" UTILS "_rebuild_tensor\n(" STORAGE "N))tR."), XAI_E_FORMAT, "made of a storage and None" },
    { PICKLE("\x80\2" UTILS "_rebuild_tensor\n(" STORAGE "J\xff\xff\xff\xff))tR."), XAI_E_FORMAT, "at offset -1" },
    { PICKLE("\x80\2" UTILS "_rebuild_tensor\n(" STORAGE "K\0N)tR."), XAI_E_FORMAT, "None as a tensor's size" },
    { PICKLE("\x80\2" UTILS "_rebuild_tensor\n(" STORAGE "K\0N\x85)tR."), XAI_E_FORMAT, "None in a tensor's size" },
    { PICKLE("\x80\2" UTILS "_rebuild_tensor\n(" STORAGE "K\0J\xff\xff\xff\xff\x85K\1\x85tR."), XAI_E_FORMAT,
      "a negative number in a tensor's size" },
    { PICKLE("\x80\2" UTILS "_rebuild_tensor\n(" STORAGE "K\0K\1\x85J\xff\xff\xff\xff\x85tR."), XAI_E_FORMAT,
      "a negative number in a tensor's size or stride" },
    { PICKLE("\x80\2" UTILS "_rebuild_tensor\n(" STORAGE "K\0K\1\x85)tR."), XAI_E_FORMAT, "1 extents and 0 strides" },
    { PICKLE("\x80\2" UTILS "_rebuild_tensor\n(" STORAGE "K\0(K\1K\1K\1K\1K\1K\1K\1K\1K\1t)tR."), XAI_E_UNSUPPORTED,
      "a tensor of 9 dimensions" },
    { PICKLE("\x80\2" UTILS "_rebuild_tensor_v2\n(" STORAGE "K\0))NNtR."), XAI_E_FORMAT, "instead of requires_grad" },
    { PICKLE("\x80\2" UTILS "_rebuild_tensor_v2\n(" STORAGE "K\0))\x89}X\1\0\0\0kNstR."), XAI_E_UNSUPPORTED,
      "with hooks" },
    { PICKLE("\x80\2" UTILS "_rebuild_tensor_v2\n(" STORAGE "K\0))" HOOKS "NtR."), XAI_E_FORMAT,
      "as a tensor's metadata" },
    { PICKLE("\x80\2" UTILS "_rebuild_tensor_v3\n(" STORAGE "K\0))" HOOKS "NtR."), XAI_E_FORMAT,
      "None as a tensor's type" },
    { PICKLE("\x80\2" UTILS "_rebuild_parameter\n(N" HOOKS "tR."), XAI_E_FORMAT, "a parameter made of None" },
    { PICKLE("\x80\2" UTILS "_rebuild_tensor_v2\n((" TEXT("\7", "storage") "ctorch.storage\nUntypedStorage\n" TEXT(
          "\1", "0") TEXT("\3", "cpu") "K\6tQK\0))" HOOKS "tR."),
      XAI_E_FORMAT, "whose type is not stated" },
};

START_TEST(refuses_bad_pickles)
{
    for (size_t i = 0; i < sizeof bad_rows / sizeof *bad_rows; i++) {
        xai__pickle pickle = { 0 };
        xai_status status = read_bytes(&pickle, bad_rows[i].bytes, bad_rows[i].size);

        ck_assert_msg(status == bad_rows[i].status && strstr(xai_last_error(), bad_rows[i].words) != NULL,
                      "row %zu: %s (%s), expected \"%s\"", i, xai_status_name(status), xai_last_error(),
                      bad_rows[i].words);
        ck_assert_ptr_null(pickle.values);
        ck_assert_int_eq(strncmp(xai_last_error(), "buffer: byte ", 13), 0);
    }
}
END_TEST

/* Every opcode of the table does what it should. */
START_TEST(reads_every_opcode)
{
    static const char text[] = "\x80\2}q\0(X\1\0\0\0ar\1\1\0\0K\xc8U\1bM\xe8\3X\1\0\0\0cJ\xfe\xff\xff\xff"
                               "X\1\0\0\0d\x8a\5\0\0\0\0\x80X\1\0\0\0eG\xbf\xf0\0\0\0\0\0\0X\1\0\0\0fNX\1\0\0\0g\x88"
                               "X\1\0\0\0h](h\0j\1\1\0\0eu"
                               "X\1\0\0\0i]K\1asX\1\0\0\0j\x8a\0\x85\x85s.tail";
    xai__pickle pickle;
    const xai__pickle_value *root, *value, *item;

    ck_assert_ok(read_bytes(&pickle, text, sizeof text - 1));
    ck_assert_uint_eq(pickle.end, sizeof text - 1 - 4);
    root = &pickle.values[pickle.root];
    ck_assert_uint_eq(root->kind, XAI__PICKLE_DICT);
    ck_assert_int_eq(xai__pickle_find(&pickle, root, "a")->integer, 200);
    ck_assert_int_eq(xai__pickle_find(&pickle, root, "b")->integer, 1000);
    ck_assert_int_eq(xai__pickle_find(&pickle, root, "c")->integer, -2);
    ck_assert_int_eq(xai__pickle_find(&pickle, root, "d")->integer, -(INT64_C(1) << 39));
    ck_assert(xai__pickle_find(&pickle, root, "e")->number == -1.0);
    ck_assert_uint_eq(xai__pickle_find(&pickle, root, "f")->kind, XAI__PICKLE_NONE);
    value = xai__pickle_find(&pickle, root, "g");
    ck_assert_uint_eq(value->kind, XAI__PICKLE_BOOL);
    ck_assert_int_eq(value->integer, 1);
    /* The list holds the dict itself and the text "a", both through the memo. */
    value = xai__pickle_find(&pickle, root, "h");
    ck_assert_uint_eq(value->kind, XAI__PICKLE_LIST);
    ck_assert_uint_eq(value->count, 2);
    ck_assert_ptr_eq(&pickle.values[pickle.cells[value->cells.first].value], root);
    item = &pickle.values[pickle.cells[value->cells.last].value];
    ck_assert(xai__pickle_is_text(&pickle, item, "a"));
    ck_assert(!xai__pickle_is_text(&pickle, item, "ab"));
    ck_assert_ptr_null(xai__pickle_find(&pickle, root, "none"));
    xai__pickle_free(&pickle);
    xai__pickle_free(&pickle);
}
END_TEST

START_TEST(reads_tensors_of_each_version)
{
    static const pickle_row rows[] = {
        { PICKLE("\x80\2" UTILS "_rebuild_tensor\n(" STORAGE "K\1K\2K\3\x86K\3K\1\x86tR."), XAI_OK, "" },
        { PICKLE("\x80\2" UTILS "_rebuild_tensor_v2\n(" STORAGE "K\1K\2K\3\x86K\3K\1\x86" HOOKS "tR."), XAI_OK, "" },
        { PICKLE("\x80\2" UTILS "_rebuild_tensor_v2\n(" STORAGE "K\1K\2K\3\x86K\3K\1\x86" HOOKS "}tR."), XAI_OK, "" },
        { PICKLE("\x80\2" UTILS "_rebuild_tensor_v2\n(" STORAGE "K\1" TORCH "Size\nK\2K\3\x86\x85RK\3K\1\x86" HOOKS
                 "tR."),
          XAI_OK, "" },
        { PICKLE("\x80\2" UTILS "_rebuild_parameter\n(" UTILS "_rebuild_tensor\n(" STORAGE
                 "K\1K\2K\3\x86K\3K\1\x86tR" HOOKS "tR."),
          XAI_OK, "" },
        { PICKLE("\x80\2" UTILS "_rebuild_tensor_v3\n((" TEXT("\7", "storage") "ctorch.storage\nUntypedStorage\n" TEXT(
              "\1", "0") TEXT("\3", "cpu") "K\6tQ"
                                           "K\1K\2K\3\x86K\3K\1\x86" HOOKS TORCH "float8_e5m2\ntR."),
          XAI_OK, "" },
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        xai__pickle pickle;
        const xai__pickle_tensor *tensor;

        ck_assert_ok(read_bytes(&pickle, rows[i].bytes, rows[i].size));
        ck_assert_uint_eq(pickle.values[pickle.root].kind, XAI__PICKLE_TENSOR);
        ck_assert_uint_eq(pickle.n_tensors, 1);
        tensor = &pickle.tensors[pickle.values[pickle.root].index];
        ck_assert_uint_eq(tensor->dtype, i == 5 ? XAI__DTYPE_F8_E5M2 : XAI__DTYPE_F32);
        ck_assert_int_eq(tensor->offset, 1);
        ck_assert_uint_eq(tensor->rank, 2);
        ck_assert_int_eq(tensor->shape[1], 3);
        ck_assert_int_eq(tensor->strides[0], 3);
        ck_assert_int_eq(pickle.storages[tensor->storage].count, 6);
        xai__pickle_free(&pickle);
    }
}
END_TEST

/* 47: depth and number are bounded or harmless, and freeing does not recurse. */
START_TEST(nesting_is_harmless)
{
    enum { DEEP = 100000 };
    unsigned char *deep = malloc(DEEP + 8);
    xai__pickle pickle;

    memcpy(deep, "\x80\2)", 3);
    memset(deep + 3, 0x85, DEEP);
    deep[3 + DEEP] = '.';
    ck_assert_ok(read_bytes(&pickle, deep, DEEP + 4));
    xai__pickle_free(&pickle);
    memset(deep + 2, '(', DEEP);
    ck_assert_fails(read_bytes(&pickle, deep, DEEP + 2), XAI_E_LIMIT, "more than 4096 values of one kind");
    free(deep);
}
END_TEST

START_TEST(values_are_counted)
{
    enum { MANY = 1 << 22 };
    unsigned char *many = malloc(MANY);
    xai__pickle pickle;

    memset(many, ')', MANY);
    memcpy(many, "\x80\2", 2);
    ck_assert_fails(read_bytes(&pickle, many, MANY), XAI_E_LIMIT, "more than 2097152 values");
    memset(many + 2, 'N', MANY - 2);
    ck_assert_fails(read_bytes(&pickle, many, MANY), XAI_E_LIMIT, "more than 2097152 values");
    free(many);
}
END_TEST

START_TEST(length_is_bounded)
{
    enum { LONG = (1 << 24) + 100 };
    unsigned char *data = calloc(1, LONG);
    xai__pickle pickle;

    memcpy(data, "\x80\2X\0\0\0\1", 7);
    ck_assert_fails(read_bytes(&pickle, data, LONG), XAI_E_LIMIT, "longer than 16777216 bytes");
    memcpy(data, "\x80\2X\0\0\0\0.", 8);
    ck_assert_ok(read_bytes(&pickle, data, LONG));
    ck_assert_uint_eq(pickle.end, 8);
    xai__pickle_free(&pickle);
    free(data);
}
END_TEST

START_TEST(every_cut_is_refused)
{
    static const char text[] = "\x80\2}(" TEXT("\1", "a") UTILS "_rebuild_tensor_v2\n(" STORAGE
                                                                "K\1K\2K\3\x86K\3K\1\x86" HOOKS "tRu.";
    xai__pickle pickle;

    for (size_t size = 0; size < sizeof text - 1; size++)
        ck_assert_int_eq(read_bytes(&pickle, text, size), XAI_E_FORMAT);
    ck_assert_ok(read_bytes(&pickle, text, sizeof text - 1));
    xai__pickle_free(&pickle);
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("io_pickle");
    TCase *cases = tcase_create("all");

    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_test(cases, refuses_bad_pickles);
    tcase_add_test(cases, reads_every_opcode);
    tcase_add_test(cases, reads_tensors_of_each_version);
    tcase_add_test(cases, nesting_is_harmless);
    tcase_add_test(cases, values_are_counted);
    tcase_add_test(cases, length_is_bounded);
    tcase_add_test(cases, every_cut_is_refused);
    suite_add_tcase(suite, cases);
    return suite;
}

TESTING_MAIN(make_suite)
