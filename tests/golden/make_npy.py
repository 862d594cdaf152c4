#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes npy/: small NumPy files of every kind that the library reads, and a few that it refuses.

Element i (in C order) of an array is i - 4 for signed integers, i for unsigned ones, i % 3 == 1 for bool and
i / 2 - 1 for floats.
"""
import pathlib

import numpy as np

OUT = pathlib.Path(__file__).parent / "npy"


def values(shape, dtype):
    i = np.arange(int(np.prod(shape)), dtype=np.int64)
    kind = np.dtype(dtype).kind
    data = {"i": i - 4, "u": i, "b": i % 3 == 1, "f": i / 2 - 1}[kind]
    return data.reshape(shape).astype(dtype)


def save(name, array, version=None):
    with open(OUT / (name + ".npy"), "wb") as stream:
        np.lib.format.write_array(stream, array, version=version, allow_pickle=True)


def main():
    OUT.mkdir(exist_ok=True)
    for code in "<f2 >f2 <f4 >f4 <f8 >f8 |b1 |i1 |u1 <i2 >i2 <u2 >u2 <i4 >i4 <u4 >u4 <i8 >i8 <u8 >u8".split():
        name = {"<": "le", ">": "be", "|": "na"}[code[0]] + "_" + code[1:]
        save(name, values((3, 5), code))
    save("rank0", values((), "<f4"))
    save("rank1", values((7,), "<f4"))
    save("rank8", values((1, 2, 1, 3, 1, 2, 1, 2), "<f4"))
    save("empty", values((0, 4), "<f4"))
    save("fortran", np.asfortranarray(values((2, 3, 4), "<f4")))
    save("fortran_f8", np.asfortranarray(values((5, 4), ">f8")))
    save("version2", values((3, 5), "<f4"), (2, 0))
    save("version3", values((3, 5), "<f4"), (3, 0))
    save("refused_complex", np.zeros(2, np.complex64))
    save("refused_text", np.array(["a", "b"]))
    save("refused_object", np.array([None, {}], dtype=object))
    save("refused_struct", np.zeros(2, dtype=[("a", "<f4"), ("b", "<i4")]))
    save("refused_rank9", values((1,) * 9, "<f4"))


if __name__ == "__main__":
    main()
