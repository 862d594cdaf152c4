#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Every file has its head, ends as a text does, and names no place that only one machine has.
"""usage: check_sources.py SOURCE_ROOT"""
import os
import re
import sys

SKIPPED = {'.git', 'subprojects'}
CODE = re.compile(r'\.(c|h|hpp|cpp|rs|py|sh|js|css)$|(^|/)(meson\.build|libxai\.map|run)$')
TEXT = re.compile(CODE.pattern + r'|\.(md|json|txt|wrap)$|(^|/)(meson_options\.txt|LICENSE|\.clang-(format|tidy))$')
HEADED = re.compile(r'\.(c|h|hpp|cpp|rs|py|sh|js|css)$|(^|/)run$')
LONGEST = 700
# Homes of one machine only; assembled so that this file does not name them itself.
PLACES = re.compile('|'.join(re.escape('/' + place + '/') for place in ('work', 'root', 'home', 'opt')))


def files(root):
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if name not in SKIPPED and not name.startswith('build') and
                            name != '__pycache__')
        for name in sorted(names):
            path = os.path.relpath(os.path.join(folder, name), root)
            if TEXT.search(path):
                yield path


def check_head(lines):
    head = [line for line in lines[:4] if not line.startswith('#!') and 'shellcheck' not in line][:2]
    if not head or 'SPDX-License-Identifier: MIT' not in head[0]:
        return 'the first line has no SPDX-License-Identifier: MIT'
    if len(head) < 2 or not re.search(r'\w{2}.*\w', head[1]):
        return 'the second line does not say what the file is for'
    return None


def check_guard(path, text):
    """A header's guard is the end of its path in capitals: core/tensor.h has XAI__CORE_TENSOR_H, xai/api.h XAI_API_H."""
    parts = path.split('/')
    ends = ['/'.join(parts[i:]) for i in range(len(parts))]
    stems = [re.sub(r'[^A-Za-z0-9]+', '_', end).upper() for end in ends]
    wanted = {prefix + stem for stem in stems for prefix in ('', 'XAI_', 'XAI__')}
    guard = re.search(r'^#ifndef (\w+)\n#define (\w+)$', text, flags=re.M)
    if not guard or guard.group(1) != guard.group(2):
        return 'no include guard'
    if guard.group(1) not in wanted:
        return f'its guard is {guard.group(1)}, expected one of {", ".join(sorted(wanted))}'
    return None


def check_text(path, text):
    if not text.endswith('\n') or text.endswith('\n\n'):
        yield 'does not end with exactly one newline'
    if '\r' in text:
        yield 'has carriage returns'
    for number, line in enumerate(text.split('\n'), 1):
        if '\t' in line and not path.endswith('libxai.map'):
            yield f'line {number} has a tab'
        if line.endswith((' ', '\t')):
            yield f'line {number} ends with blanks'
        if PLACES.search(line):
            yield f'line {number} names a folder of one machine'


def check(root, path):
    with open(os.path.join(root, path), encoding='utf-8', newline='') as file:
        text = file.read()
    lines = text.split('\n')
    yield from check_text(path, text)
    if HEADED.search(path) and check_head(lines):
        yield check_head(lines)
    if path.endswith('.h') and check_guard(path, text):
        yield check_guard(path, text)
    if re.search(r'\.[ch]$', path) and len(lines) > LONGEST:
        yield f'{len(lines)} lines, at most {LONGEST}'


def main():
    root, problems, seen = sys.argv[1], [], 0
    for path in files(root):
        seen += 1
        problems += [f'{path}: {problem}' for problem in check(root, path)]
    print('\n'.join(problems + [f'{seen} files, {len(problems)} problems']))
    return 1 if problems or seen == 0 else 0


if __name__ == '__main__':
    sys.exit(main())
