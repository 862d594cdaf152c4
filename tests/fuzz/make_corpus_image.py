#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Write the seeds of fuzz_image into corpus/image: tiny pictures of each kind, whole, cut short and damaged.

Usage: make_corpus_image.py      (needs Pillow)
"""
import io
import pathlib
import struct
import zlib

from PIL import Image

FOLDER = pathlib.Path(__file__).resolve().parent / "corpus" / "image"
TIFF = b"Exif\0\0MM\0*\0\0\0\x08\0\1\x01\x12\0\3\0\0\0\1\0%c\0\0\0\0\0\0"


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(depth, kind, interlace=0, extra=b""):
    """4 x 3 pixels; the rows' bytes are numbered, each row behind another filter."""
    samples = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[kind]
    rows, at = b"", 0
    passes = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
    for x, y, step_x, step_y in passes if interlace else [(0, 0, 1, 1)]:
        width, height = len(range(x, 4, step_x)), len(range(y, 3, step_y))
        for row in range(height if width else 0):
            size = (width * samples * depth + 7) // 8
            rows += bytes([at % 5]) + bytes((37 * (at + i)) % 256 for i in range(size))
            at += size
    palette = chunk(b"PLTE", bytes(range(48))) if kind == 3 else b""
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", 4, 3, depth, kind, 0, 0, interlace))
        + palette
        + extra
        + chunk(b"IDAT", zlib.compress(rows, 9))
        + chunk(b"IEND", b"")
    )


def jpeg(mode, orientation=0, **options):
    image = Image.new("RGB", (24, 18))
    image.putdata([((37 * x) % 256, (11 * x) % 256, (3 * x) % 256) for x in range(24 * 18)])
    out = io.BytesIO()
    if orientation:
        options["exif"] = TIFF % orientation
    image.convert(mode).save(out, "JPEG", **options)
    return out.getvalue()


def seeds():
    for kind, depths in {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}.items():
        for depth in depths:
            for interlace in (0, 1):
                yield "png-%d-%d-%d" % (kind, depth, interlace), png(depth, kind, interlace)
    yield "png-trns", png(8, 3, extra=chunk(b"tRNS", b"\0\x80\xff"))
    yield "png-exif", png(8, 2, extra=chunk(b"eXIf", (TIFF % 8)[6:]))
    yield "png-text", png(8, 0, extra=chunk(b"zTXt", b"a\0\0" + zlib.compress(b"b" * 100)))
    yield "png-animated", png(8, 2, extra=chunk(b"acTL", struct.pack(">II", 1, 0)))
    yield "png-cut", png(8, 2)[:-30]
    yield "png-bad-crc", png(8, 2)[:-20] + b"\0" + png(8, 2)[-19:]
    for mode in ("L", "RGB", "CMYK"):
        yield "jpeg-%s" % mode, jpeg(mode)
        yield "jpeg-%s-progressive" % mode, jpeg(mode, progressive=True)
    for subsampling in ("4:4:4", "4:2:2"):
        yield "jpeg-%s" % subsampling.replace(":", ""), jpeg("RGB", subsampling=subsampling)
    for orientation in (3, 6, 7):
        yield "jpeg-turned-%d" % orientation, jpeg("RGB", orientation)
    yield "jpeg-restarts", jpeg("RGB", restart_marker_blocks=1)
    yield "jpeg-cut", jpeg("RGB")[:-40]
    yield "jpeg-error-behind-warning", b"\xff\xd8\1" + jpeg("L").replace(b"\1\x11\0", b"\1\x11\3")[2:]
    yield "jpeg-12-bit", jpeg("L").replace(b"\xff\xc0\0\x0b\x08", b"\xff\xc1\0\x0b\x0c")
    yield "jpeg-arithmetic", jpeg("L").replace(b"\xff\xc0", b"\xff\xc9")
    for name, start in {"gif": b"GIF89a", "webp": b"RIFF\0\0\0\0WEBP", "lfs": b"version https://git-lfs", "ppm": b"P6\n"}.items():
        yield name, start + bytes(8)
    yield "empty", b""


FOLDER.mkdir(parents=True, exist_ok=True)
for name, data in seeds():
    (FOLDER / name).write_bytes(data)
