#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Makes imagenet_labels.json from WordNet 3.0 and the order of the ImageNet classes (imagenet_wnids.json).
"""Write the ImageNet class names.

A class of ILSVRC 2012 is a WordNet 3.0 synset; its id is "n" and the byte offset of the synset's line in data.noun
(Debian: package wordnet-base). The label is the synset's words in WordNet's order, joined by ", ".

    python3 make_imagenet_labels.py                     writes imagenet_labels.json
    python3 make_imagenet_labels.py --wnids LIST        first rewrites imagenet_wnids.json from a list of 1000 ids
"""
import argparse
import json
import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
WNIDS = os.path.join(HERE, 'imagenet_wnids.json')
LABELS = os.path.join(HERE, 'imagenet_labels.json')


def synset_words(data, wnid):
    """The words of one line of data.noun: offset, file number, type, word count (hex), then word and lexical id."""
    offset = int(wnid[1:])
    fields = data[offset:data.index(b'\n', offset)].decode('ascii').split(' ')
    if fields[0] != wnid[1:] or fields[2] != 'n':
        raise SystemExit(f'{wnid}: no synset starts at this offset; is this WordNet 3.0?')
    return [fields[4 + 2 * i].replace('_', ' ') for i in range(int(fields[3], 16))]


def read_list(path):
    """Ids in class order out of any text: one a line, JSON, with or without other words."""
    with open(path, encoding='utf-8') as file:
        wnids = re.findall(r'\bn\d{8}\b', file.read())
    if len(wnids) != 1000 or len(set(wnids)) != 1000:
        raise SystemExit(f'{path}: {len(wnids)} ids, {len(set(wnids))} of them different; expected 1000')
    return wnids


def write_rows(path, items, per_row):
    rows = [', '.join(json.dumps(item) for item in items[i:i + per_row]) for i in range(0, len(items), per_row)]
    with open(path, 'w', encoding='utf-8') as file:
        file.write('[\n' + ',\n'.join(rows) + '\n]\n')


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--wordnet', default='/usr/share/wordnet/data.noun', help='WordNet 3.0 data.noun')
    parser.add_argument('--wnids', help='text with the 1000 ids in class order')
    parser.add_argument('-o', '--output', default=LABELS)
    options = parser.parse_args()

    if options.wnids:
        write_rows(WNIDS, read_list(options.wnids), 8)
    with open(options.wordnet, 'rb') as file:
        data = file.read()
    write_rows(options.output, [', '.join(synset_words(data, wnid)) for wnid in read_list(WNIDS)], 1)
    return 0


if __name__ == '__main__':
    sys.exit(main())
