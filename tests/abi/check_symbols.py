#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# The functions that the headers declare, those of libxai.map and those that the library exports are the same.
"""usage: check_symbols.py SOURCE_ROOT LIBXAI.SO"""
import glob
import os
import re
import subprocess
import sys


def declared(root):
    """Names in declarations that begin with XAI_API, comments left out."""
    names = set()
    for path in glob.glob(os.path.join(root, 'include', 'xai', '*.h')):
        with open(path, encoding='utf-8') as file:
            text = re.sub(r'/\*.*?\*/', ' ', file.read(), flags=re.S)
        text = re.sub(r'^\s*#.*$', '', text, flags=re.M)
        names |= {re.search(r'(xai_\w+)\s*\(', part).group(1) for part in re.findall(r'\bXAI_API\b([^;]*);', text)}
    return names


def mapped(root):
    with open(os.path.join(root, 'libxai', 'libxai.map'), encoding='utf-8') as file:
        text = file.read()
    exported = text[text.index('global:'):text.index('local:')]
    listed = re.findall(r'(\w+);', exported)
    if listed != sorted(listed):
        raise SystemExit('libxai.map: the names are not in alphabetical order')
    if len(listed) != len(set(listed)):
        raise SystemExit('libxai.map: a name is listed twice')
    return set(listed)


def exported(library):
    """Dynamic symbols with a definition; the version node itself is one, absolute."""
    lines = subprocess.run(['nm', '-D', '--defined-only', library], check=True, capture_output=True, text=True).stdout
    rows = [line.split() for line in lines.splitlines()]
    return {row[-1].split('@')[0] for row in rows if row[-2] != 'A'}


def compare(left, right, what):
    for name in sorted(left - right):
        print(f'{name}: {what}')
    return len(left - right)


def main():
    root, library = sys.argv[1:]
    headers, listed, built = declared(root), mapped(root), exported(library)
    problems = compare(headers, listed, 'is declared but not in libxai.map')
    problems += compare(listed, headers, 'is in libxai.map but not declared')
    problems += compare(listed, built, 'is in libxai.map but not exported')
    problems += compare(built, listed, 'is exported but not in libxai.map')
    print(f'{len(headers)} functions, {problems} differences')
    return 1 if problems or len(headers) < 10 else 0


if __name__ == '__main__':
    sys.exit(main())
