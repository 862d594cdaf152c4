#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# A JPEG of 12 megapixels as a network's input, beside Pillow and NumPy, taking turns.
"""Measure xai_image_load() and xai_model_prepare() against Pillow's decoder and resize and NumPy's normalising, in one
run on one thread. The picture is made here. Nothing passes or fails, but the pixels have to be the same."""
import argparse
import ctypes
import os
import tempfile
import time

import numpy as np
from PIL import Image

P = ctypes.c_void_p
MEAN, STD = (np.array(values, np.float32) for values in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))


class ContextOptions(ctypes.Structure):
    _fields_ = [('struct_size', ctypes.c_size_t), ('allocator', P), ('log', P), ('log_user', P), ('backends', P),
                ('max_pixels', ctypes.c_uint64), ('n_threads', ctypes.c_uint32), ('flags', ctypes.c_uint32)]


class Library:
    """The few functions that are needed, through the public ABI, with a ResNet-18's preparation."""

    def __init__(self, path):
        self.lib = ctypes.CDLL(path)
        self.lib.xai_last_error.restype = ctypes.c_char_p
        self.lib.xai_tensor_data.restype = ctypes.POINTER(ctypes.c_float)
        self.context, self.model = P(), P()
        options = ContextOptions(struct_size=ctypes.sizeof(ContextOptions), n_threads=1)
        self.check(self.lib.xai_context_create(ctypes.byref(self.context), ctypes.byref(options)))
        self.check(self.lib.xai_model_build(ctypes.byref(self.model), self.context, b'resnet18', None, None))

    def check(self, status):
        if status != 0:
            raise RuntimeError(self.lib.xai_last_error().decode())

    def prepare(self, path):
        image, tensor = P(), P()
        self.check(self.lib.xai_image_load(ctypes.byref(image), self.context, path.encode(), ctypes.c_uint32(0)))
        self.check(self.lib.xai_model_prepare(ctypes.byref(tensor), self.model, image))
        out = np.ctypeslib.as_array(self.lib.xai_tensor_data(tensor), (3, 224, 224)).copy()
        self.lib.xai_tensor_unref(tensor)
        self.lib.xai_image_unref(image)
        return out


def make_picture(path, width, height):
    """Clouds of several sizes, so that the file is as large as a photograph's."""
    random = np.random.default_rng(1)
    sum_of_clouds = np.zeros((height, width, 3), np.float32)
    for size, weight in ((4, 90), (32, 50), (256, 25), (1500, 22)):
        cloud = Image.fromarray(random.integers(0, 256, (size * height // width + 1, size, 3), np.uint8))
        sum_of_clouds += weight / 128 * (np.asarray(cloud.resize((width, height), Image.BICUBIC), np.float32) - 128)
    Image.fromarray((sum_of_clouds + 128).clip(0, 255).astype(np.uint8)).save(path, quality=90)


def prepare(path):
    image = Image.open(path).convert('RGB')
    width, height = image.size
    size = (224 * width // height, 224) if width > height else (224, 224 * height // width)
    image = image.resize(size, Image.BILINEAR)
    left, top = round((size[0] - 224) / 2), round((size[1] - 224) / 2)
    pixels = np.asarray(image.crop((left, top, left + 224, top + 224)), np.float32)
    return np.ascontiguousarray(((pixels * np.float32(1 / 255) - MEAN) / STD).transpose(2, 0, 1))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('build', help='build folder of the library')
    parser.add_argument('--rounds', type=int, default=7)
    parser.add_argument('--size', type=int, nargs=2, default=(4000, 3000), metavar=('WIDTH', 'HEIGHT'))
    options = parser.parse_args()
    library = Library(os.path.join(options.build, 'libxai', 'libxai.so'))
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, 'picture.jpg')
        make_picture(path, *options.size)
        seconds = {prepare: [], library.prepare: []}
        results = {}
        for _ in range(options.rounds):
            for call, times in seconds.items():
                start = time.perf_counter()
                results[call] = call(path)
                times.append(time.perf_counter() - start)
        size = os.path.getsize(path)
    ours, theirs = min(seconds[library.prepare]), min(seconds[prepare])
    print('%d x %d, %.1f MB: libxai %.1f ms, Pillow %.1f ms, ratio %.2f; largest difference %.3g' % (
        *options.size, size / 1e6, 1e3 * ours, 1e3 * theirs, theirs / ours,
        abs(results[library.prepare] - results[prepare]).max()))


if __name__ == '__main__':
    main()
