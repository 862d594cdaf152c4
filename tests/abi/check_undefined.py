#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# The library never ends, prints, takes signals, jumps or keeps global state: read off its object files.
"""usage: check_undefined.py ARCHIVE..."""
import re
import subprocess
import sys

# Functions that a library has no business calling, with the reason given when one is found.
FORBIDDEN = {
    'ends the process': 'abort exit _exit _Exit quick_exit __assert_fail __assert_perror_fail atexit',
    'prints': 'printf vprintf puts putchar perror __printf_chk __vprintf_chk stdout stderr stdin warn err warnx errx',
    'takes signals': 'signal sigaction raise kill sigprocmask pthread_sigmask alarm',
    'changes the process': 'setenv putenv unsetenv setlocale uselocale chdir umask srand srandom system popen '
                           'fork execv execve execvp dlopen',
    'keeps hidden state': 'rand random drand48 strtok strerror localtime gmtime ctime asctime',
    'has no bound': 'gets strcpy strcat sprintf vsprintf __sprintf_chk __vsprintf_chk',
}
# libpng reports errors by longjmp; its own setjmp frame is in io/png.c and nowhere else.
JUMPS = {'setjmp', '_setjmp', '__sigsetjmp', 'sigsetjmp', 'longjmp', '_longjmp', 'siglongjmp', '__longjmp_chk',
         'png_longjmp'}
JUMPER = re.compile(r'io_png\.c\.o$')


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def undefined(archive):
    """(object file, symbol) of everything that is not defined where it is used."""
    for line in run('nm', '-A', '-u', archive).splitlines():
        place, _, symbol = line.rpartition(' ')
        yield place.rsplit(' ', 1)[0].rstrip(': ').split(':')[1] if ':' in place else archive, symbol.split('@')[0]


def writable(archive):
    """(object file, symbol) of data that may change and is not a thread's own."""
    member, sections = '?', {}
    for line in run('readelf', '-W', '-S', '-s', archive).splitlines():
        if line.startswith('File: '):
            member, sections = line[6:].rsplit('(', 1)[-1].rstrip(')'), {}
        section = re.match(r'\s*\[\s*(\d+)\]\s+(\S+)', line)
        if section:
            sections[section.group(1)] = section.group(2)
        symbol = re.match(r'\s*\d+:\s+\S+\s+\S+\s+OBJECT\s+\S+\s+\S+\s+(\d+)\s+(\S+)', line)
        if symbol and re.match(r'\.(data|bss)(?!\.rel\.ro)', sections.get(symbol.group(1), '')):
            yield member, symbol.group(2)


def main():
    reasons = {name: reason for reason, names in FORBIDDEN.items() for name in names.split()}
    problems, seen = [], 0
    for archive in sys.argv[1:]:
        for member, symbol in undefined(archive):
            seen += 1
            if symbol in reasons:
                problems.append(f'{member}: {symbol} {reasons[symbol]}')
            if symbol in JUMPS and not JUMPER.search(member):
                problems.append(f'{member}: {symbol} outside io/png.c')
        problems += [f'{member}: {symbol} is global and may change' for member, symbol in writable(archive)]
    print('\n'.join(problems + [f'{seen} undefined symbols, {len(problems)} problems']))
    return 1 if problems or seen == 0 else 0


if __name__ == '__main__':
    sys.exit(main())
