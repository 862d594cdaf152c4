#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Turns text files into C strings, a line a line, so that a page's style and script can be written as such.
"""usage: embed.py OUT.h NAME=FILE..."""
import sys


def literal(line):
    return '"' + line.replace('\\', '\\\\').replace('"', '\\"').replace('?', '\\?') + '\\n"'


def main():
    with open(sys.argv[1], 'w', encoding='utf-8') as out:
        for argument in sys.argv[2:]:
            name, path = argument.split('=', 1)
            with open(path, encoding='utf-8') as file:
                lines = file.read().splitlines()
            out.write(f'static const char {name}[] =\n' + '\n'.join(map(literal, lines)) + ';\n')


if __name__ == '__main__':
    main()
