/* SPDX-License-Identifier: MIT
 * torch files. The first byte of the input says what the rest is: 0 a whole file; 1 a pickle (two bytes of length, then
 * it) and the elements of storage 0, put into a zip file with the right checksums, which no fuzzer would guess; 2 what
 * follows the head of a file before 1.6. */
#include "bytes.h"
#include "fuzz_weights.h"

static bytes file;

static void open_zip(const uint8_t *data, size_t size)
{
    size_t length = size >= 2 ? data[0] | (size_t)data[1] << 8 : 0;
    bytes_zip unused;

    if (size < 2 || length > size - 2 || size > sizeof file.data / 2)
        return;
    bytes_make_zip(&file, &unused,
                   (bytes_entry[]){ { "w/data.pkl", data + 2, length },
                                    { "w/byteorder", "little", 6 },
                                    { "w/data/0", data + 2 + length, size - 2 - length } },
                   3);
    fuzz_weights(file.data, file.size);
}

static void open_legacy(const uint8_t *data, size_t size)
{
    static const char head[] = "\x80\2\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."
                               "\x80\2M\xe9\3."
                               "\x80\2}X\x0d\0\0\0little_endian\x88s.";

    if (size > sizeof file.data / 2)
        return;
    file.size = 0;
    bytes_add(&file, head, sizeof head - 1);
    bytes_add(&file, data, size);
    fuzz_weights(file.data, file.size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    if (data[0] == 1)
        open_zip(data + 1, size - 1);
    else if (data[0] == 2)
        open_legacy(data + 1, size - 1);
    else
        fuzz_weights(data + 1, size - 1);
    return 0;
}
