/* SPDX-License-Identifier: MIT
 * SHA-256: NIST's examples, and the instructions against plain C. */
#include "testing.h"

#include "core/cpu.h"
#include "core/rng.h"
#include "core/sha256.h"

/* FIPS 180-4 and NIST's SHAVS; the last three fill the padding's edge cases. */
static const struct {
    const char *unit;
    size_t repeats;
    const char *digest;
} rows[] = {
    { "", 1, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
    { "abc", 1, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
    { "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1,
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
    { "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrst"
      "u",
      1, "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1" },
    { "a", 1000000, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0" },
    { "a", 55, "9f4390f8d30c2dd92ec9f095b65e2b9ae9b0a925a5258e241c9f1e910f734318" },
    { "a", 56, "b35439a4ac6f0948b6d6f9e3c6af0f5f590ce20f1bde7090ef7970686ec6738a" },
    { "a", 64, "ffe054fe7ae0cb6dc65c3af9b61d5209f439851db43d0ba5997337df154668eb" },
};

static void check_rows(uint64_t features)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        size_t length = strlen(rows[i].unit);
        char *bytes = malloc(length * rows[i].repeats + 1), text[65];

        for (size_t k = 0; k < rows[i].repeats; k++)
            memcpy(bytes + k * length, rows[i].unit, length);
        xai__sha256_text(text, bytes, length * rows[i].repeats, features);
        ck_assert_str_eq(text, rows[i].digest);
        free(bytes);
    }
}

START_TEST(vectors_in_plain_c)
{
    check_rows(0);
}
END_TEST

START_TEST(vectors_by_instructions)
{
    uint64_t features = xai__cpu_features();

    if (!(features & XAI__CPU_SHA))
        fprintf(stderr, "SKIP: this processor has no SHA instructions\n");
    check_rows(features);
}
END_TEST

START_TEST(pieces_make_the_whole)
{
    unsigned char bytes[1000], digest[32], other[32];
    xai__sha256 hash;
    xai__rng rng;

    xai__rng_seed(&rng, 1);
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (unsigned char)xai__rng_next(&rng);
    xai__sha256_init(&hash, 0);
    xai__sha256_add(&hash, bytes, sizeof bytes);
    xai__sha256_finish(&hash, digest);
    for (int round = 0; round < 200; round++) {
        xai__sha256_init(&hash, xai__cpu_features());
        for (size_t at = 0; at < sizeof bytes;) {
            size_t n = xai__rng_next(&rng) % 150;

            n = n < sizeof bytes - at ? n : sizeof bytes - at;
            xai__sha256_add(&hash, bytes + at, n);
            at += n;
        }
        xai__sha256_finish(&hash, other);
        ck_assert_mem_eq(digest, other, 32);
    }
}
END_TEST

static Suite *make_suite(void)
{
    Suite *suite = suite_create("core_sha256");
    TCase *cases = tcase_create("all");

    tcase_add_test(cases, vectors_in_plain_c);
    tcase_add_test(cases, vectors_by_instructions);
    tcase_add_test(cases, pieces_make_the_whole);
    suite_add_tcase(suite, cases);
    return suite;
}

TESTING_MAIN(make_suite)
