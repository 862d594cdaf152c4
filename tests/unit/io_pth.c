/* SPDX-License-Identifier: MIT
 * torch files as a whole: rows 40 to 55 of the table of bad inputs, in zip files and in files before 1.6. */
#include "testing.h"

#include "bytes.h"
#include "io/dtype.h"
#include "io/weights.h"

static xai_context *context;
static bytes file;
static bytes_zip at;

static void set_up(void)
{
    context = testing_context(1);
    file.size = 0;
}

static void tear_down(void)
{
    xai_context_unref(context);
}

/* A piece of a pickle, with its NULs but without the last one. */
typedef struct piece {
    const char *bytes;
    size_t size;
} piece;

#define PIECE(literal)                                                                                                 \
    {                                                                                                                  \
        literal, sizeof literal - 1                                                                                    \
    }

#define TEXT(length, text) "X" length "\0\0\0" text
#define STORAGE_OF(type, key, count)                                                                                   \
    "(" TEXT("\7", "storage") "ctorch\n" type "Storage\n" TEXT("\1", key) TEXT("\3", "cpu") count "tQ"
/* "0": six floats */
#define STORAGE                               STORAGE_OF("Float", "0", "K\6")
#define TENSOR(storage, offset, size, stride) "ctorch._utils\n_rebuild_tensor\n(" storage offset size stride "tR"
#define WHOLE                                 TENSOR(STORAGE, "K\0", "K\6\x85", "K\1\x85")
#define BEGIN                                 "\x80\2}("
#define NAME(name)                            TEXT("\1", name)

static const float numbers[6] = { 0, 1, 2, 3, 4, 5 };

static void make_zip(const piece *pickle)
{
    const bytes_entry entries[] = { { "w/data.pkl", pickle->bytes, pickle->size },
                                    { "w/byteorder", "little", 6 },
                                    { "w/data/0", numbers, sizeof numbers },
                                    { "w/version", "3\n", 2 } };

    bytes_make_zip(&file, &at, entries, 4);
}

/* The list of keys is a pickle of its own; storages come as they are. */
static void make_legacy(const piece *pickle, const piece *keys, const piece *storages)
{
    file.size = 0;
    bytes_add(&file, "\x80\2\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.", 15);
    bytes_add(&file, "\x80\2M\xe9\3.", 6);
    bytes_add(&file, "\x80\2}" TEXT("\x0d", "little_endian") "\x88s.", 24);
    bytes_add(&file, pickle->bytes, pickle->size);
    bytes_add(&file, keys->bytes, keys->size);
    bytes_add(&file, storages->bytes, storages->size);
}

static xai_status open_file(xai__weights **out)
{
    return xai__weights_open_memory(out, context, file.data, file.size);
}

static void expect(xai_status status, const char *words)
{
    xai__weights *weights = (xai__weights *)1;

    ck_assert_fails(open_file(&weights), status, words);
    ck_assert_ptr_null(weights);
    ck_assert_int_eq(strncmp(xai_last_error(), "buffer: ", 8), 0);
}

typedef struct object_row {
    piece pickle;
    xai_status status;
    const char *words;
} object_row;

#define OBJECT(literal) PIECE(BEGIN literal "u.")
#define ONE(tensor)     OBJECT(NAME("a") tensor)

static const object_row object_rows[] = {
    /* 40: the record's size */
    { ONE(TENSOR(STORAGE_OF("Float", "0", "K\7"), "K\0", ")", ")")), XAI_E_FORMAT,
      "should have 28 bytes, its zip entry has 24" },
    { ONE(TENSOR(STORAGE_OF("Double", "0", "K\6"), "K\0", ")", ")")), XAI_E_FORMAT, "should have 48 bytes" },
    { ONE(TENSOR(STORAGE_OF("Float", "0", "\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f"), "K\0", ")", ")")), XAI_E_FORMAT,
      "cannot have 9223372036854775807 elements" },
    /* 41: views */
    { ONE(TENSOR(STORAGE, "K\0", "K\7\x85", "K\1\x85")), XAI_E_FORMAT,
      "tensor a of shape 7 reaches beyond its storage 0 of 24 bytes" },
    { ONE(TENSOR(STORAGE, "K\1", "K\6\x85", "K\1\x85")), XAI_E_FORMAT, "reaches beyond" },
    { ONE(TENSOR(STORAGE, "K\6", ")", ")")), XAI_E_FORMAT, "tensor a of shape one number reaches beyond" },
    { ONE(TENSOR(STORAGE, "K\0", "K\2K\3\x86", "K\4K\1\x86")), XAI_E_FORMAT, "of shape 2x3 reaches beyond" },
    { ONE(TENSOR(STORAGE, "K\0", "K\2\x85", "\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f\x85")), XAI_E_FORMAT,
      "reaches beyond" },
    { ONE(TENSOR(STORAGE, "\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f", "K\1\x85", "K\1\x85")), XAI_E_FORMAT,
      "reaches beyond" },
    { ONE(TENSOR(STORAGE, "K\0", "\x8a\5\0\0\0\0\1\x8a\5\0\0\0\0\1\x86", "K\0K\0\x86")), XAI_E_FORMAT,
      "reaches beyond" },
    { ONE(TENSOR(STORAGE, "K\0", "\x8a\4\0\0\0\x10\x85", "K\0\x85")), XAI_E_LIMIT,
      "tensor a would take 1073741824 bytes of memory" },
    /* 42, 43: storages */
    { ONE(TENSOR(STORAGE_OF("Float", "1", "K\6"), "K\0", ")", ")")), XAI_E_FORMAT,
      "the zip entry w/data/1 is missing" },
    { OBJECT(NAME("a") WHOLE NAME("b") TENSOR(STORAGE_OF("Int", "0", "K\6"), "K\0", ")", ")")), XAI_E_FORMAT,
      "storage 0 is mentioned with two types or two sizes" },
    { OBJECT(NAME("a") WHOLE NAME("b") TENSOR(STORAGE_OF("Float", "0", "K\5"), "K\0", ")", ")")), XAI_E_FORMAT,
      "two sizes" },
    /* 38: behind the pickle */
    { PIECE(BEGIN NAME("a") WHOLE "u.N"), XAI_E_FORMAT, "bytes follow the pickle's stop opcode" },
    /* 44 to 47: trees */
    { PIECE("\x80\2N."), XAI_E_FORMAT, "the top: the file holds no dict of tensors" },
    { PIECE("\x80\2" WHOLE "."), XAI_E_FORMAT, "holds no dict of tensors" },
    { PIECE("\x80\2}K\1" WHOLE "s."), XAI_E_FORMAT, "a key that is a number" },
    { PIECE("\x80\2}X\2\0\0\0a\0" WHOLE "s."), XAI_E_FORMAT, "a key that holds a NUL" },
    { PIECE("\x80\2}q\0X\1\0\0\0ah\0s."), XAI_E_FORMAT, "a: it contains itself" },
    { PIECE("\x80\2]q\0h\0a."), XAI_E_FORMAT, "0: it contains itself" },
    { PIECE("\x80\2}q\0X\1\0\0\0a]h\0\x85"
            "as."),
      XAI_E_FORMAT, "a.0.0: it contains itself" },
    { OBJECT(NAME("a") WHOLE NAME("a") WHOLE), XAI_E_FORMAT, "the key a stands twice" },
    { OBJECT(NAME("a") WHOLE NAME("a") "N"), XAI_E_FORMAT, "the key a stands twice" },
    { OBJECT(NAME("b") "}" NAME("a") WHOLE "s" NAME("a") WHOLE NAME("b") "}"), XAI_E_FORMAT, "the key b stands twice" },
    /* Python keeps the last of equal keys; a reader that took the first would see other weights than torch. */
    { OBJECT(TEXT("\5", "model") "}" NAME("a") WHOLE "s" TEXT("\5", "model") "}" NAME("b") WHOLE "s"), XAI_E_FORMAT,
      "the key model stands twice" },
    { OBJECT(TEXT("\5", "model") "}(" NAME("a") WHOLE NAME("a") WHOLE "u"), XAI_E_FORMAT, "the key a stands twice" },
    { OBJECT(TEXT("\3", "a.b") WHOLE NAME("a") "}" NAME("b") WHOLE "s"), XAI_E_FORMAT, "two tensors are named a.b" },
};

START_TEST(objects_in_zip_files)
{
    for (size_t i = 0; i < sizeof object_rows / sizeof *object_rows; i++) {
        make_zip(&object_rows[i].pickle);
        expect(object_rows[i].status, object_rows[i].words);
    }
}
END_TEST

START_TEST(views_of_one_storage)
{
    static const piece pickle = OBJECT(NAME("a") WHOLE NAME("b") TENSOR(STORAGE, "K\1", "K\2K\2\x86", "K\1K\2\x86")
                                           NAME("c") TENSOR(STORAGE, "K\5", ")", ")") NAME("d")
                                               TENSOR(STORAGE, "K\7", "K\0K\5\x86", "K\1K\1\x86") NAME("e")
                                                   TENSOR(STORAGE, "K\2", "K\1K\3\x86", "K\x63K\1\x86"));
    static const float b[4] = { 1, 3, 2, 4 };
    xai__weights *weights;
    const xai__weight *weight;

    make_zip(&pickle);
    ck_assert_ok(open_file(&weights));
    ck_assert_uint_eq(xai__weights_count(weights), 5);
    ck_assert_mem_eq(xai__weights_find(weights, "a")->data, numbers, sizeof numbers);
    ck_assert_mem_eq(xai__weights_find(weights, "b")->data, b, sizeof b);
    ck_assert_mem_eq(xai__weights_find(weights, "c")->data, &numbers[5], 4);
    ck_assert_uint_eq(xai__weights_find(weights, "d")->bytes, 0);
    weight = xai__weights_find(weights, "e");
    ck_assert_mem_eq(weight->data, &numbers[2], 12);
    ck_assert_ptr_eq(weight->data, (const float *)xai__weights_find(weights, "a")->data + 2);
    xai__weights_close(weights);
}
END_TEST

START_TEST(folders_of_zip_files)
{
    static const piece pickle = ONE(WHOLE);
    const bytes_entry data = { "w/data/0", numbers, sizeof numbers },
                      object = { "w/data.pkl", pickle.bytes, pickle.size };
    xai__weights *weights;

    bytes_make_zip(&file, &at, (bytes_entry[]){ object, data }, 2);
    ck_assert_ok(open_file(&weights));
    xai__weights_close(weights);
    bytes_make_zip(&file, &at, (bytes_entry[]){ { "data.pkl", pickle.bytes, pickle.size }, data }, 2);
    expect(XAI_E_FORMAT, "its entries stand in no folder");
    bytes_make_zip(&file, &at, (bytes_entry[]){ object, { "v/data/0", numbers, sizeof numbers } }, 2);
    expect(XAI_E_FORMAT, "v/data/0 stands outside the folder of the first one");
    bytes_make_zip(&file, &at, (bytes_entry[]){ object, { "v/data.pkl", pickle.bytes, pickle.size } }, 2);
    expect(XAI_E_FORMAT, "v/data.pkl stands outside");
    bytes_make_zip(&file, &at, (bytes_entry[]){ data }, 1);
    expect(XAI_E_FORMAT, "the entry w/data.pkl is missing");
    bytes_make_zip(&file, &at, (bytes_entry[]){ { "w/DATA.PKL", pickle.bytes, pickle.size }, data }, 2);
    expect(XAI_E_FORMAT, "the entry w/data.pkl is missing");
    bytes_make_zip(&file, &at, (bytes_entry[]){ object, data, { "w/constants.pkl", ".", 1 } }, 3);
    expect(XAI_E_UNSUPPORTED, "a TorchScript program");
    bytes_make_zip(&file, &at, (bytes_entry[]){ object, data, { "w/code/x.py", ".", 1 } }, 3);
    expect(XAI_E_UNSUPPORTED, "a TorchScript program");
    bytes_make_zip(&file, &at, (bytes_entry[]){ object, data, { "w/byteorder", "big", 3 } }, 3);
    expect(XAI_E_UNSUPPORTED, "byteorder is \"big\"; only \"little\" is read");
    bytes_make_zip(&file, &at, (bytes_entry[]){ object, data, { "w/.format_version", "2", 1 } }, 3);
    expect(XAI_E_UNSUPPORTED, ".format_version is \"2\"");
}
END_TEST

START_TEST(damaged_records)
{
    static const piece pickle = ONE(WHOLE);

    make_zip(&pickle);
    file.data[at.data[2] + 1] ^= 4;
    expect(XAI_E_FORMAT, "zip entry w/data/0 is damaged");
    make_zip(&pickle);
    file.data[at.data[0] + 5] ^= 1;
    expect(XAI_E_FORMAT, "zip entry w/data.pkl is damaged");
    make_zip(&pickle);
    bytes_put(&file, at.local[3] + 8, 8, 2);
    bytes_put(&file, at.central[3] + 10, 8, 2);
    expect(XAI_E_UNSUPPORTED, "w/version is compressed");
}
END_TEST

#define KEYS(keys) PIECE("\x80\2](" keys "e.")

/* Six floats and their count. */
#define FLOATS                                                                                                         \
    "\6\0\0\0\0\0\0\0"                                                                                                 \
    "abcdabcdabcdabcdabcdabcd"

START_TEST(legacy_storages)
{
    static const piece pickle = ONE(WHOLE),
                       two = OBJECT(NAME("a") WHOLE NAME("b") TENSOR(STORAGE_OF("Byte", "7", "K\1"), "K\0", ")", ")"));
    static const struct {
        piece keys, storages;
        xai_status status;
        const char *words;
    } rows[] = {
        { KEYS(NAME("0")), PIECE(FLOATS), XAI_OK, "" },
        { KEYS(NAME("0")), PIECE("\7\0\0\0\0\0\0\0abcd"), XAI_E_FORMAT,
          "storage 0 does not begin with its size of 6 elements" },
        { KEYS(NAME("0")), PIECE("\xff\xff\xff\xff\xff\xff\xff\xff"), XAI_E_FORMAT, "does not begin with its size" },
        { KEYS(NAME("0")), PIECE("\6\0\0\0\0\0\0"), XAI_E_FORMAT, "does not begin with its size" },
        { KEYS(NAME("0")), PIECE("\6\0\0\0\0\0\0\0abcd"), XAI_E_FORMAT, "storage 0 of 24 bytes is cut short after 4" },
        { KEYS(NAME("0")), PIECE(FLOATS "x"), XAI_E_FORMAT, "1 bytes follow the last storage" },
        { KEYS(NAME("0") NAME("0")), PIECE(FLOATS FLOATS), XAI_E_FORMAT, "storage 0 is listed twice" },
        { KEYS(NAME("1")), PIECE(FLOATS), XAI_E_FORMAT, "names one that no tensor uses" },
        { KEYS("K\0"), PIECE(FLOATS), XAI_E_FORMAT, "names one that no tensor uses" },
        { KEYS(""), PIECE(""), XAI_E_FORMAT, "storage 0 is missing from the file's list" },
        { KEYS(""), PIECE(FLOATS), XAI_E_FORMAT, "32 bytes follow the last storage" },
        { PIECE("\x80\2}."), PIECE(FLOATS), XAI_E_FORMAT, "a dict instead of the list of storages" },
        { PIECE(""), PIECE(""), XAI_E_FORMAT, "does not begin with its protocol" },
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        make_legacy(&pickle, &rows[i].keys, &rows[i].storages);
        if (rows[i].status == XAI_OK) {
            xai__weights *weights;

            ck_assert_ok(open_file(&weights));
            ck_assert_mem_eq(xai__weights_at(weights, 0)->data, "abcdabcd", 8);
            xai__weights_close(weights);
            continue;
        }
        expect(rows[i].status, rows[i].words);
    }
    make_legacy(&two, &rows[0].keys, &rows[0].storages);
    expect(XAI_E_FORMAT, "storage 7 is missing from the file's list");
}
END_TEST

START_TEST(legacy_heads)
{
    static const piece pickle = ONE(WHOLE), keys = KEYS(NAME("0")), storages = PIECE(FLOATS);
    static const piece untyped = ONE(
        "ctorch._utils\n_rebuild_tensor_v3\n((" TEXT("\7", "storage") "ctorch.storage\nUntypedStorage\n" NAME("0")
            TEXT("\3", "cpu") "K\6NtQK\0))\x89}ctorch\nuint8\ntR");

    make_legacy(&pickle, &keys, &storages);
    file.data[5] ^= 1;
    expect(XAI_E_FORMAT, "the magic number is missing");
    make_legacy(&pickle, &keys, &storages);
    file.data[18] ^= 1;
    expect(XAI_E_UNSUPPORTED, "a version other than 1001");
    make_legacy(&pickle, &keys, &storages);
    file.data[17] = 'N';
    expect(XAI_E_UNSUPPORTED, "opcode 0xe9");
    make_legacy(&pickle, &keys, &storages);
    file.data[21 + 2 + 1 + 5 + 13] = 0x89;
    expect(XAI_E_UNSUPPORTED, "big-endian byte order");
    file.data[21 + 2 + 1 + 5 + 13] = 'N';
    expect(XAI_E_FORMAT, "does not say which byte order");
    file.data[21 + 2 + 1 + 5] ^= 1;
    expect(XAI_E_FORMAT, "does not say which byte order");
    make_legacy(&untyped, &keys, &storages);
    expect(XAI_E_UNSUPPORTED, "storage 0 has no type");
}
END_TEST

/* 47: few bytes that unfold to very many paths, and paths that grow. */
START_TEST(unfolding_is_bounded)
{
    bytes pickle = { .size = 0 };
    piece made;

    /* Each list holds the one before it twice: 2^40 leaves. */
    bytes_add(&pickle, "\x80\2(]q\0", 6);
    for (int i = 0; i < 40; i++)
        bytes_add(&pickle, "](h\0h\0eq\0", 9);
    bytes_text(&pickle, "t.");
    made = (piece){ (const char *)pickle.data, pickle.size };
    make_zip(&made);
    expect(XAI_E_LIMIT, "more than a million values");

    pickle.size = 0;
    bytes_add(&pickle, "\x80\2)", 3);
    for (int i = 0; i < 100; i++)
        bytes_add(&pickle, "\x85", 1);
    bytes_text(&pickle, ".");
    made.size = pickle.size;
    make_zip(&made);
    expect(XAI_E_LIMIT, "nested more than 64 deep");

    /* A key of 100 bytes, six deep. */
    pickle.size = 0;
    bytes_add(&pickle, "\x80\2}X\x64\0\0\0", 8);
    for (int i = 0; i < 100; i++)
        bytes_text(&pickle, "k");
    bytes_add(&pickle, "q\0", 2);
    for (int i = 0; i < 5; i++)
        bytes_add(&pickle, "}h\0", 3);
    bytes_add(&pickle, "K\1ssssss.", 9);
    made.size = pickle.size;
    make_zip(&made);
    expect(XAI_E_LIMIT, "a name of more than 512 bytes");
}
END_TEST

/* "state_dict" beside tensors is a layer like any other, and wrappers may be nested. */
START_TEST(wrappers)
{
    static const piece beside = OBJECT(NAME("a") WHOLE TEXT("\3", "net") "}" NAME("b") WHOLE "s");
    static const piece nested = OBJECT(TEXT("\5", "model") "}" TEXT("\x0a", "state_dict") "}" NAME("b") WHOLE
                                       "ss" NAME("c") "N");
    static const piece optimiser = OBJECT(TEXT("\5", "model") "}" NAME("b") WHOLE "s" NAME("o") "}K\0" WHOLE "s");
    xai__weights *weights;

    make_zip(&beside);
    ck_assert_ok(open_file(&weights));
    ck_assert_ptr_nonnull(xai__weights_find(weights, "net.b"));
    xai__weights_close(weights);
    make_zip(&optimiser);
    ck_assert_ok(open_file(&weights));
    ck_assert_uint_eq(xai__weights_count(weights), 1);
    ck_assert_ptr_nonnull(xai__weights_find(weights, "b"));
    xai__weights_close(weights);
    make_zip(&nested);
    ck_assert_ok(open_file(&weights));
    ck_assert_uint_eq(xai__weights_count(weights), 1);
    ck_assert_ptr_nonnull(xai__weights_find(weights, "b"));
    ck_assert_uint_eq(xai__weights_n_ignored(weights), 1);
    xai__weights_close(weights);
}
END_TEST

START_TEST(empty_objects)
{
    static const piece objects[] = { PIECE("\x80\2}."), PIECE("\x80\2]."), PIECE("\x80\2)."),
                                     PIECE("\x80\2ccollections\nOrderedDict\n)R.") };
    xai__weights *weights;

    for (size_t i = 0; i < sizeof objects / sizeof *objects; i++) {
        const bytes_entry entry = { "w/data.pkl", objects[i].bytes, objects[i].size };

        bytes_make_zip(&file, &at, &entry, 1);
        ck_assert_ok(open_file(&weights));
        ck_assert_uint_eq(xai__weights_count(weights), 0);
        xai__weights_close(weights);
    }
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("io_pth");
    TCase *cases = tcase_create("all");

    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_test(cases, objects_in_zip_files);
    tcase_add_test(cases, views_of_one_storage);
    tcase_add_test(cases, folders_of_zip_files);
    tcase_add_test(cases, damaged_records);
    tcase_add_test(cases, legacy_storages);
    tcase_add_test(cases, legacy_heads);
    tcase_add_test(cases, unfolding_is_bounded);
    tcase_add_test(cases, wrappers);
    tcase_add_test(cases, empty_objects);
    suite_add_tcase(suite, cases);
    return suite;
}

TESTING_MAIN(make_suite)
