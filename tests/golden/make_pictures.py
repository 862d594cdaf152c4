#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Write the vectors of tests/unit/io_{image,resample,colormap,overlay}.c into the folder of this script.

Usage: make_pictures.py DATA      (DATA: the folder that XAI_TEST_DATA names)

Needs Pillow 13, torch, torchvision, scikit-image and matplotlib. pictures.h holds a CRC-32 of the RGB bytes of each
picture; drawn.h what becomes of pictures and maps that both sides make from the same formula.
"""
import pathlib
import sys
import warnings
import zlib

import matplotlib
import numpy as np
import PIL
import skimage.transform
import torch
import torchvision
from PIL import Image, ImageOps

HERE = pathlib.Path(__file__).resolve().parent
FILTERS = (Image.BILINEAR, Image.BICUBIC, Image.NEAREST)
SIZES = (  # in, out
    ((1, 1), (3, 2)), ((1, 9), (4, 3)), ((9, 1), (3, 4)), ((2, 2), (7, 7)), ((7, 7), (224, 224)), ((13, 11), (13, 11)),
    ((31, 17), (31, 5)), ((31, 17), (11, 17)), ((31, 17), (11, 29)), ((17, 31), (29, 11)), ((64, 48), (1, 1)),
    ((100, 75), (99, 74)), ((100, 75), (37, 28)), ((75, 100), (28, 37)), ((3, 300), (2, 20)), ((300, 3), (20, 2)),
    ((640, 479), (299, 224)), ((479, 640), (224, 299)), ((129, 65), (258, 131)), ((40, 60), (30, 40)),
    ((40, 60), (30, 39)), ((40, 60), (50, 59)), ((40, 60), (50, 61)), ((300, 801), (224, 598)),
)  # fmt: skip
CROPS = (  # in, resize, crop (height, width)
    ((320, 229), 64, (64, 64)), ((229, 320), 64, (64, 64)), ((90, 70), 70, (61, 60)), ((90, 70), 0, (70, 90)),
    ((101, 67), 50, (47, 50)), ((67, 101), 50, (50, 47)), ((33, 210), 40, (40, 40)), ((20, 15), 32, (32, 33)),
)  # fmt: skip
MAPS = (((7, 7), (16, 20)), ((1, 5), (4, 9)), ((3, 1), (7, 3)), ((9, 8), (5, 4)), ((4, 6), (4, 6)))


def crc(array):
    return zlib.crc32(np.ascontiguousarray(array, dtype=np.uint8).tobytes())


def picture(width, height):
    """testing_picture() of tests/unit/pictures.h: smooth in green, stepped in blue, wild in red."""
    y, x = np.mgrid[:height, :width].astype(np.uint32)
    red = (x * 2654435761 ^ y * 2246822519 ^ (x * y + 1) * 3266489917) & 0xFFFFFFFF
    return np.stack([red >> 24, (3 * x + 2 * y) % 256, ((x // 3 ^ y // 2) & 1) * 255], axis=2).astype(np.uint8)


def numbers(height, width):
    """testing_map() of the same."""
    y, x = np.mgrid[:height, :width]
    return ((37 * x + 101 * y + 13 * x * y) % 256 / 256).astype(np.float32)


def head(name, what):
    versions = "Pillow %s, torch %s, torchvision %s, scikit-image %s, matplotlib %s" % (
        PIL.__version__, torch.__version__.split("+")[0], torchvision.__version__.split("+")[0], skimage.__version__,
        matplotlib.__version__)  # fmt: skip
    return (
        "/* SPDX-License-Identifier: MIT\n * %s Made by make_pictures.py with\n * %s; do not edit. */\n"
        "#ifndef XAI_GOLDEN_%s_H\n#define XAI_GOLDEN_%s_H\n\n#include <stdint.h>\n\n/* clang-format off */\n"
        % (what, versions, name, name)
    )


def files(root):
    """Whatever Pillow can open, but the formats that libxai leaves to others."""
    for path in sorted(root.glob("images-loader/*/*")):
        if path.suffix not in (".png", ".jpg") or path.name == "xcsn0g01.png":
            continue  # the latter has a wrong check sum, which Pillow does not look at
        try:
            image = Image.open(path)
            upright = ImageOps.exif_transpose(image)
            yield path.relative_to(root), image.convert("RGB"), upright.convert("RGB")
        except Exception as error:
            print("left out: %s: %s" % (path.name, str(error)[:60]), file=sys.stderr)


def write_pictures(root, out):
    print(head("PICTURES", "What Pillow makes of the pictures below XAI_TEST_DATA."), file=out)
    print("static const struct {\n    const char *path;\n    int32_t width, height;\n    uint32_t crc;", file=out)
    print("    uint32_t upright_crc; /* once its EXIF orientation is applied */\n} pictures[] = {", file=out)
    for path, image, upright in files(root):
        row = (path, image.width, image.height, crc(image), crc(upright))
        print('    { "%s", %d, %d, 0x%08x, 0x%08x },' % row, file=out)
    print("};\n\n#endif", file=out)


def write_resized(out):
    print("static const struct {\n    int32_t in_width, in_height, width, height;", file=out)
    print("    uint32_t crc[3]; /* by enum xai_filter */\n} resized[] = {", file=out)
    for (in_width, in_height), size in SIZES:
        image = Image.fromarray(picture(in_width, in_height))
        crcs = tuple(crc(image.resize(size, filter)) for filter in FILTERS)
        print("    { %d, %d, %d, %d, { 0x%08x, 0x%08x, 0x%08x } }," % (in_width, in_height, *size, *crcs), file=out)
    print("};\n", file=out)


def write_cropped(out):
    print("static const struct {\n    int32_t in_width, in_height, resize, height, width;", file=out)
    print("    uint32_t crc[2];\n} cropped[] = {", file=out)
    modes = (torchvision.transforms.InterpolationMode.BILINEAR, torchvision.transforms.InterpolationMode.BICUBIC)
    for (in_width, in_height), resize, crop in CROPS:
        image, crcs = Image.fromarray(picture(in_width, in_height)), []
        for mode in modes:
            resized = torchvision.transforms.Resize(resize, mode)(image) if resize else image
            crcs.append(crc(torchvision.transforms.CenterCrop(crop)(resized)))
        print("    { %d, %d, %d, %d, %d, { 0x%08x, 0x%08x } }," % (in_width, in_height, resize, *crop, *crcs), file=out)
    print("};\n", file=out)


def resize_map(values, size, kind):
    tensor = torch.from_numpy(values)[None, None]
    if kind == "mirror":
        return skimage.transform.resize(values, size, order=1, mode="reflect", anti_aliasing=False)
    if kind == "nearest":
        return torch.nn.functional.interpolate(tensor, size=size, mode="nearest")[0, 0].numpy()
    return torch.nn.functional.interpolate(tensor, size=size, mode="bilinear", align_corners=kind == "corners")[
        0, 0
    ].numpy()


def write_maps(out):
    print("/* By enum xai__map_filter. */\nstatic const struct {", file=out)
    print("    int64_t in_height, in_width, height, width;\n    float values[4][320];\n} maps[] = {", file=out)
    for in_size, size in MAPS:
        print("    { %d, %d, %d, %d, {" % (*in_size, *size), file=out)
        for kind in ("half", "corners", "mirror", "nearest"):
            values = resize_map(numbers(*in_size), size, kind).astype(np.float32).ravel()
            texts = ["%.8gf" % v if "." in "%.8g" % v or "e" in "%.8g" % v else "%d" % v for v in values]
            lines = [",".join(texts[at : at + 12]) for at in range(0, len(texts), 12)]
            print("      { %s }," % ",\n        ".join(lines), file=out)
        print("    } },", file=out)
    print("};\n", file=out)


def write_colours(out):
    values = (np.arange(-64, 1089) / 1024).astype(np.float32)
    print("/* i / 1024 for i from -64 to 1088, then NaN. */\nstatic const struct {", file=out)
    print("    const char *name;\n    uint32_t down_crc, nearest_crc;\n} colours[] = {", file=out)
    for name in ("jet", "jet_r", "viridis", "turbo", "gray", "RdBu"):
        rgb = 255 * matplotlib.colormaps[name](np.append(values, np.float32("nan")))[:, :3]
        print('    { "%s", 0x%08x, 0x%08x },' % (name, crc(rgb.astype(np.uint8)), crc(np.rint(rgb))), file=out)
    print("};\n", file=out)


def write_blends(out):
    photo, heat = picture(50, 40).astype(np.float64), picture(40, 50).transpose(1, 0, 2).astype(np.float64)
    print("static const struct {\n    double alpha;\n    uint32_t down_crc, nearest_crc;\n} blends[] = {", file=out)
    for alpha in (0.0, 0.25, 0.4, 0.5, 1.0):
        blend = alpha * heat + (1 - alpha) * photo
        print("    { %g, 0x%08x, 0x%08x }," % (alpha, crc(blend.astype(np.uint8)), crc(np.rint(blend))), file=out)
    print("};\n\n#endif", file=out)


def main():
    warnings.simplefilter("ignore")
    with open(HERE / "pictures.h", "w") as out:
        write_pictures(pathlib.Path(sys.argv[1]), out)
    with open(HERE / "drawn.h", "w") as out:
        print(head("DRAWN", "What others make of pictures and maps that follow a formula."), file=out)
        for write in (write_resized, write_cropped, write_maps, write_colours, write_blends):
            write(out)


main()
