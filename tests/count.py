#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Adds up what meson's test log holds, test case by test case.
"""usage: count.py TESTLOG.json

Prints a line for each failure and each skipped case, and at the end "PASSED FAILED SKIPPED"."""
import json
import re
import sys


def count(test):
    """(passed, failed, skipped, lines) of one test program."""
    name, result = test['name'], test['result']
    said = [line for line in test.get('stderr', '').splitlines() if line.startswith('SKIP: ')]
    cases = re.findall(r'^(not ok|ok) \d+(.*)$', test.get('stdout', ''), flags=re.M)
    if not cases:
        cases = [('ok' if result in ('OK', 'SKIP') else 'not ok', ' # SKIP' if result == 'SKIP' else '')]
    bad = [f'FAILED: {name}{words}' for verdict, words in cases if verdict == 'not ok']
    left_out = [f'skipped: {name}{words}' for verdict, words in cases if verdict == 'ok' and '# SKIP' in words]
    left_out += [f'skipped: {name}: {line[6:]}' for line in said]
    if result not in ('OK', 'SKIP', 'EXPECTEDFAIL') and not bad:
        bad = [f'FAILED: {name}: {result.lower()}, exit code {test.get("returncode")}']
    good = sum(verdict == 'ok' for verdict, _ in cases) - len(left_out)
    return max(good, 0), len(bad), len(left_out), bad + left_out


def main():
    totals = [0, 0, 0]
    with open(sys.argv[1], encoding='utf-8') as log:
        for line in log:
            *counts, lines = count(json.loads(line))
            totals = [total + number for total, number in zip(totals, counts)]
            print('\n'.join(lines), end='\n' if lines else '')
    print(*totals)
    return 0 if any(totals) else 1


if __name__ == '__main__':
    sys.exit(main())
