#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Unpacks sheets in which each row of pixels is one picture (data/mnist, data/cifar10) to PNG files and a list with labels.
"""usage: unpack_sheets.py OUT_FOLDER SIDE SHEET.png=LABELS.txt...

Writes OUT_FOLDER/NNNNN.png and OUT_FOLDER/list.txt, a path, a tab and a label a line. SIDE: pixels of a picture's side (28, 32)."""
import os
import struct
import sys
import zlib


def chunks(data):
    at = 8
    while at < len(data):
        size, kind = struct.unpack('>I4s', data[at:at + 8])
        yield kind, data[at + 8:at + 8 + size]
        at += 12 + size


def unfilter(raw, stride, rows, step):
    """PNG's filters 0 to 4, row by row."""
    before, out = bytearray(stride), []
    for y in range(rows):
        kind, row = raw[y * (stride + 1)], bytearray(raw[y * (stride + 1) + 1:(y + 1) * (stride + 1)])
        for x in range(stride if kind else 0):
            left = row[x - step] if x >= step else 0
            up, corner = before[x], before[x - step] if x >= step else 0
            if kind == 1:
                guess = left
            elif kind == 2:
                guess = up
            elif kind == 3:
                guess = (left + up) // 2
            else:
                guess = min((abs(up - corner), 0, left), (abs(left - corner), 1, up),
                            (abs(left + up - 2 * corner), 2, corner))[2]
            row[x] = (row[x] + guess) & 255
        out.append(bytes(row))
        before = row
    return out


def read_rows(path):
    with open(path, 'rb') as file:
        data = file.read()
    body, head = b'', None
    for kind, content in chunks(data):
        if kind == b'IHDR':
            head = struct.unpack('>IIBBBBB', content)
        body += content if kind == b'IDAT' else b''
    width, height, depth, color = head[:4]
    channels = {0: 1, 2: 3, 6: 4}[color]
    if depth != 8 or head[6] != 0:
        raise SystemExit(f'{path}: expected 8 bits a sample, not interlaced')
    rows = unfilter(zlib.decompress(body), width * channels, height, channels)
    if channels == 4:  # alpha says nothing here
        rows = [bytes(row[i] for i in range(len(row)) if i % 4 != 3) for row in rows]
    return rows, 3 if channels == 4 else channels


def write_picture(path, pixels, side, channels):
    def chunk(kind, data):
        return struct.pack('>I', len(data)) + kind + data + struct.pack('>I', zlib.crc32(kind + data))

    stride = side * channels
    raw = b''.join(b'\0' + pixels[y * stride:(y + 1) * stride] for y in range(side))
    with open(path, 'wb') as file:
        file.write(b'\x89PNG\r\n\x1a\n' +
                   chunk(b'IHDR', struct.pack('>IIBBBBB', side, side, 8, 2 if channels == 3 else 0, 0, 0, 0)) +
                   chunk(b'IDAT', zlib.compress(raw)) + chunk(b'IEND', b''))


def main():
    folder, side = sys.argv[1], int(sys.argv[2])
    os.makedirs(folder, exist_ok=True)
    n = 0
    with open(os.path.join(folder, 'list.txt'), 'w', encoding='utf-8') as listing:
        for argument in sys.argv[3:]:
            sheet, labels = argument.rsplit('=', 1)
            rows, channels = read_rows(sheet)
            with open(labels, encoding='utf-8') as file:
                classes = file.read().split()
            if len(classes) != len(rows) or len(rows[0]) != side * side * channels:
                raise SystemExit(f'{sheet}: {len(rows)} pictures of {len(rows[0])} bytes, {len(classes)} labels')
            for pixels, label in zip(rows, classes):
                name = f'{n:05d}.png'
                write_picture(os.path.join(folder, name), pixels, side, channels)
                listing.write(f'{name}\t{label}\n')
                n += 1
    print(f'{n} pictures in {folder}')


if __name__ == '__main__':
    main()
