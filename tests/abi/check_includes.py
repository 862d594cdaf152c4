#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Includes go one way: docs/design.md, "The house".
"""usage: check_includes.py SOURCE_ROOT"""
import glob
import os
import re
import sys

# What a room may include beside itself.
CHAIN = ['core', 'io', 'graph', 'ops', 'model', 'runtime', 'explain', 'report']
SEES = {room: set(CHAIN[:i]) for i, room in enumerate(CHAIN)}
SEES['tree'] = {'core', 'io'}
SEES['explain'].add('tree')
SEES['report'].add('tree')
SEES['backends'] = {'core'}

# Only these files of runtime/ know how a chain is computed; describe.c lists the backends' names.
BACKEND_USERS = re.compile(r'^runtime/((lower|plan|packed|step|region)\.[ch] |describe\.c backends/registry\.h$)')

# Foreign headers stay in one place each.
FOREIGN = {'json-c/': r'^io/json_write\.c$', 'png.h': r'^io/png\.c$', 'turbojpeg.h': r'^io/jpeg\.c$',
           'jpeglib.h': r'^io/jpeg\.c$', 'setjmp.h': r'^io/png\.c$', 'signal.h': r'^$', 'assert.h': r'^$'}


def includes(path):
    with open(path, encoding='utf-8') as file:
        return re.findall(r'^\s*#\s*include\s+([<"])([^">]+)[">]', file.read(), flags=re.M)


def check_inside(name, kind, target):
    room, other = name.split('/')[0], target.split('/')[0]
    if kind == '<':
        for header, place in FOREIGN.items():
            if target.startswith(header) and not re.match(place, name):
                return f'{name}: <{target}> does not belong here'
        return None
    if target == 'config.h' or other == room:
        return None
    if '/' not in target:
        return f'{name}: "{target}": name the room, as in "{room}/{target}"'
    if other == 'backends' and room == 'runtime':
        allowed = BACKEND_USERS.match(f'{name} {target}')
        return None if allowed else f'{name}: only runtime/lower, plan, packed, step and region see backends'
    if other not in SEES.get(room, set()):
        return f'{name}: {room} may not see {other} ("{target}")'
    return None


def check_public(name, kind, target):
    if kind == '<' and (target in ('stddef.h', 'stdint.h') or target.startswith('xai/')):
        return None
    return f'{name}: public headers include <stddef.h>, <stdint.h> and each other, not {target}'


def check_example(name, kind, target):
    if kind == '<' or '/' not in target:
        return None
    return f'{name}: "{target}": programs use the public headers only'


def sources(root, folder):
    for path in sorted(glob.glob(os.path.join(root, folder, '**', '*.[ch]'), recursive=True)):
        yield path, os.path.relpath(path, os.path.join(root, folder))


def main():
    root, problems, seen = sys.argv[1], [], 0
    for folder, check in (('libxai', check_inside), ('include', check_public), ('examples', check_example),
                          ('tests/api', check_example)):
        for path, name in sources(root, folder):
            for kind, target in includes(path):
                seen += 1
                problems.append(check(name, kind, target))
    problems = [problem for problem in problems if problem]
    print('\n'.join(problems + [f'{seen} includes, {len(problems)} problems']))
    return 1 if problems or seen == 0 else 0


if __name__ == '__main__':
    sys.exit(main())
