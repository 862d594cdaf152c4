#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Each public header compiles alone as C99, C11, C++98 and C++17, and passes bindgen where that is installed.
"""usage: check_headers.py SOURCE_ROOT CC"""
import glob
import os
import shutil
import subprocess
import sys
import tempfile

STRICT = ['-fsyntax-only', '-Wall', '-Wextra', '-Wpedantic', '-Werror']


def attempts(root, compiler, header, folder):
    """(what, command) for one header; a command of None is skipped."""
    include = os.path.join(root, 'include')
    source = os.path.join(folder, 'alone')
    with open(source + '.c', 'w', encoding='utf-8') as file:
        file.write(f'#include <xai/{header}>\nint alone;\n')
    shutil.copy(source + '.c', source + '.cpp')
    for standard in ('c99', 'c11'):
        yield standard, compiler + STRICT + [f'-std={standard}', '-I', include, source + '.c']
    for standard in ('c++98', 'c++17'):
        cxx = shutil.which('g++') or shutil.which('clang++')
        yield standard, cxx and [cxx] + STRICT + ['-Wno-long-long', f'-std={standard}', '-I', include, source + '.cpp']
    bindgen = shutil.which('bindgen')
    yield 'bindgen', bindgen and [bindgen, '-o', os.devnull, os.path.join(include, 'xai', header), '--', '-I', include]


def main():
    root, compiler, number, failed = sys.argv[1], sys.argv[2:], 0, 0
    headers = sorted(os.path.basename(path) for path in glob.glob(os.path.join(root, 'include', 'xai', '*.h')))
    with tempfile.TemporaryDirectory() as folder:
        for header in headers:
            for what, command in attempts(root, compiler, header, folder):
                number += 1
                if not command:
                    print(f'ok {number} - {header} as {what} # SKIP no such tool')
                    continue
                result = subprocess.run(command, capture_output=True, text=True, check=False)
                failed += result.returncode != 0
                print(f'{"ok" if result.returncode == 0 else "not ok"} {number} - {header} as {what}')
                sys.stderr.write(result.stderr if result.returncode else '')
    print(f'1..{number}')
    return 1 if failed or number == 0 else 0


if __name__ == '__main__':
    sys.exit(main())
