#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Merges of scipy's ward linkage, for tests/unit/tree_ward.c. Needs numpy, scipy and safetensors.
"""usage: make_ward.py [RESNET56.safetensors] > tests/unit/ward_vectors.h

Random matrices are made from a generator that the test has too, so that only the merges are kept. With the weights of
the CIFAR ResNet-56 the merges of its classifier's rows are added."""
import sys

import numpy
from scipy.cluster.hierarchy import ward

MASK = (1 << 64) - 1

# name, rows, columns, levels: a whole number of levels makes ties.
CASES = [('two', 2, 3, 0), ('small', 10, 4, 0), ('line', 33, 1, 0), ('wide', 24, 300, 0), ('many', 200, 16, 0),
         ('ties', 40, 3, 4), ('grid', 60, 2, 5), ('equal', 12, 2, 1)]


def mix(x):
    """splitmix64's finisher."""
    x = ((x ^ (x >> 30)) * 0xbf58476d1ce4e5b9) & MASK
    x = ((x ^ (x >> 27)) * 0x94d049bb133111eb) & MASK
    return x ^ (x >> 31)


def matrix(n, k, levels):
    """Number i is splitmix64's, 24 bits of it, or one of so many levels."""
    bits = [mix((i + 1) * 0x9e3779b97f4a7c15 & MASK) >> 40 for i in range(n * k)]
    values = [b % levels if levels else b / 2 ** 23 - 1 for b in bits]
    return numpy.array(values, numpy.float32).reshape(n, k)


def write(name, rows, levels):
    merges = ward(rows)
    print(f'static const ward_row {name}_merges[] = {{')
    for a, b, height, _ in merges:
        print(f'    {{ {int(a)}, {int(b)}, {float(height)!r} }},')
    print('};')
    return f'    {{ "{name}", {rows.shape[0]}, {rows.shape[1]}, {levels}, {name}_merges }},'


def main():
    print('/* SPDX-License-Identifier: MIT\n * Merges of scipy\'s ward linkage; made by tests/golden/make_ward.py. */')
    print('#ifndef XAI_WARD_VECTORS_H\n#define XAI_WARD_VECTORS_H\n\n#include <stddef.h>\n#include <stdint.h>\n')
    print('/* clang-format off */')
    print('typedef struct ward_row {\n    uint32_t a, b;\n    double height;\n} ward_row;\n')
    print('typedef struct ward_case {\n    const char *name;\n    size_t n, k, levels;\n    const ward_row *merges;\n'
          '} ward_case;\n')
    table = [write(name, matrix(n, k, levels), levels) for name, n, k, levels in CASES]
    print('\nstatic const ward_case ward_cases[] = {')
    print('\n'.join(table))
    print('};')
    if len(sys.argv) > 1:
        from safetensors.numpy import load_file
        print()
        write('resnet56', load_file(sys.argv[1])['linear.weight'], 0)
    print('\n#endif')


if __name__ == '__main__':
    main()
