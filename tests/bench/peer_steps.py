# SPDX-License-Identifier: MIT
# The steps of examples/step_3_cam.c that every Python peer shares: read a state dict, prepare, map, draw.
import json
import struct

import numpy as np
from PIL import Image

MEAN = np.array([0.485, 0.456, 0.406], np.float32)
STD = np.array([0.229, 0.224, 0.225], np.float32)
TYPES = {'F32': np.float32, 'F16': np.float16, 'I64': np.int64}


def state_dict(path, wanted=None):
    """Tensors of a safetensors file as float32, all or those wanted, without a package for it."""
    tensors = {}
    with open(path, 'rb') as file:
        length = struct.unpack('<Q', file.read(8))[0]
        header = json.loads(file.read(length))
        header.pop('__metadata__', None)
        for name, entry in header.items():
            if wanted is not None and name not in wanted:
                continue
            begin, end = entry['data_offsets']
            file.seek(8 + length + begin)
            values = np.frombuffer(file.read(end - begin), TYPES[entry['dtype']]).reshape(entry['shape'])
            tensors[name] = values.astype(np.float32) if values.dtype == np.float16 else values.copy()
    return tensors


def prepare(path):
    """The crop as a picture, and 1 x 3 x 224 x 224."""
    image = Image.open(path).convert('RGB')
    width, height = image.size
    scale = 224 / min(width, height)
    image = image.resize((int(width * scale), int(height * scale)), Image.Resampling.BILINEAR)
    left, top = round((image.width - 224) / 2), round((image.height - 224) / 2)
    image = image.crop((left, top, left + 224, top + 224))
    pixels = (np.asarray(image, np.float32) / np.float32(255) - MEAN) / STD
    return image, np.ascontiguousarray(pixels.transpose(2, 0, 1))[None]


def class_activation_map(features, weights, target):
    """Weighted sum of C x H x W, min-max normalised."""
    scores = np.tensordot(weights[target], features, 1)
    return (scores - scores.min()) / (scores.max() - scores.min())


def draw(scores, crop):
    """heatmap.jpg and combined.jpg: jet, half and half."""
    size = Image.fromarray(scores.astype(np.float32)).resize((224, 224), Image.Resampling.BILINEAR)
    x = np.asarray(size)[..., None]
    colours = np.clip(1.5 - np.abs(4 * x - np.array([3, 2, 1])), 0, 1) * 255
    Image.fromarray(colours.astype(np.uint8)).save('heatmap.jpg', quality=90)
    blend = (colours + np.asarray(crop, np.float32)) / 2
    Image.fromarray(blend.astype(np.uint8)).save('combined.jpg', quality=90)
