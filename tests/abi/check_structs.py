#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# layout.c asserts the offset of every field of every public struct, so that none can be forgotten.
"""usage: check_structs.py SOURCE_ROOT"""
import glob
import os
import re
import sys


def fields(root):
    """(struct, field) of every struct with a body in the public headers."""
    for path in sorted(glob.glob(os.path.join(root, 'include', 'xai', '*.h'))):
        with open(path, encoding='utf-8') as file:
            text = re.sub(r'/\*.*?\*/', ' ', file.read(), flags=re.S)
        for name, body in re.findall(r'struct (\w+)\s*\{(.*?)\}', text, flags=re.S):
            for declaration in filter(str.strip, body.split(';')):
                pointer = re.search(r'\(\s*\*\s*(\w+)\s*\)', declaration)
                yield name, (pointer or re.search(r'(\w+)\s*(\[\w+\])?\s*$', declaration)).group(1)


def main():
    root = sys.argv[1]
    with open(os.path.join(root, 'tests', 'abi', 'layout.c'), encoding='utf-8') as file:
        asserted = set(re.findall(r'^AT\((\w+), (\w+), \d+\);$', file.read(), flags=re.M))
    stated = set(fields(root))
    problems = [f'{name}.{field}: layout.c says nothing about it' for name, field in sorted(stated - asserted)]
    problems += [f'{name}.{field}: is in layout.c only' for name, field in sorted(asserted - stated)]
    print('\n'.join(problems + [f'{len(stated)} fields, {len(problems)} problems']))
    return 1 if problems or not stated else 0


if __name__ == '__main__':
    sys.exit(main())
