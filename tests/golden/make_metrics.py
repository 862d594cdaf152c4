#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes metrics.txt: what Quantus, scipy and scikit-image say about maps, alone and in pairs.

    make_metrics.py DATA     writes metrics.txt beside this file

DATA is what XAI_TEST_DATA names; the maps of the photograph lie in ../golden beside it. Made with quantus 0.6.0, scipy 1.17.1, scikit-image 0.26.0, numpy.
A line is: map, other map or -, region or -, metric, profile, k, value. Two maps are made here as in metrics.c, from whole numbers and divisions, so that every language makes the same.
Where equal elements leave an original's order to its sort, the line is left out. What Quantus lacks is computed from the formula: the positive mass, TorchRay's circle.
"""
import os
import sys
import warnings

import numpy as np
import quantus

GOLDEN = ['t0.gradcam.layer4.1', 't1.gradcam.layer4.1', 't0.saliency', 't0.ig', 't0.scorecam.layer4.1', 't0.occlusion.w32s16']
PAIRS = [('noise', 'hill'), ('t0.gradcam.layer4.1', 't1.gradcam.layer4.1'), ('t0.saliency', 't0.ig'), ('t0.gradcam.layer4.1', 't0.ig')]


def load(data, name):
    height, width = 32, 40
    index = np.arange(height * width, dtype=np.uint64)
    if name == 'noise':
        return ((index * np.uint64(2654435761) % np.uint64(1 << 32)).astype(np.float64) / (1 << 32) - 0.5).astype(np.float32).reshape(height, width)
    if name == 'hill':
        y, x = (index // width).astype(np.float64), (index % width).astype(np.float64)
        return (1 / (1 + (y - 9.3) ** 2 + (x - 27.1) ** 2)).astype(np.float32).reshape(height, width)
    return np.load(os.path.join(data, '../golden/catdog', name + '.npy'))


def regions(shape):
    """Boxes: left, top, width, height."""
    h, w = shape
    return [(w // 2, h // 8, w // 3, h // 2), (w // 8, h // 2, w // 4, h // 4)]


def mask_of(shape, box):
    mask = np.zeros(shape, bool)
    mask[box[1]:box[1] + box[3], box[0]:box[0] + box[2]] = True
    return mask


def ask(metric, a, s=None):
    """Quantus with its defaults."""
    x = np.zeros((1, 1) + a.shape)
    s = None if s is None else s[None, None]
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        return float(metric(model=None, x_batch=x, y_batch=np.array([0]), a_batch=a[None, None].astype(np.float64), s_batch=s)[0])


def is_decided(a, k):
    order = np.sort(a.ravel())[::-1]
    return k == a.size or order[k - 1] != order[k]


def hits(a, mask, tolerance):
    y, x = np.unravel_index(np.argmax(a), a.shape)
    rows, columns = np.mgrid[:a.shape[0], :a.shape[1]]
    return float((mask & ((rows - y) ** 2 + (columns - x) ** 2 < tolerance ** 2)).any())


def of_region(a, box, k):
    mask, quiet = mask_of(a.shape, box), {'disable_warnings': True}
    yield 'pointing-game', 'quantus', ask(quantus.PointingGame(**quiet), a, mask)
    yield 'pointing-game', 'torchray', hits(a, mask, 15)
    yield 'relevance-mass', 'quantus', ask(quantus.RelevanceMassAccuracy(**quiet), a, mask)
    yield 'relevance-mass', 'default', np.maximum(a, 0)[mask].sum(dtype=np.float64) / np.maximum(a, 0).sum(dtype=np.float64)
    yield 'localisation-auc', 'quantus', ask(quantus.AUC(**quiet), a, mask)
    if is_decided(a, mask.sum()):
        yield 'relevance-rank', 'quantus', ask(quantus.RelevanceRankAccuracy(**quiet), a, mask)
    if is_decided(a, k):
        yield 'top-k-intersection', 'quantus', ask(quantus.TopKIntersection(k=k, **quiet), a, mask)


def of_pair(a, b, k):
    a, b = a.astype(np.float64), b.astype(np.float64)
    yield 'pearson', 'quantus', quantus.correlation_pearson(a.ravel(), b.ravel())
    yield 'spearman', 'quantus', quantus.correlation_spearman(a.ravel(), b.ravel())
    yield 'ssim', 'quantus', quantus.ssim(a, b)
    if is_decided(a, k) and is_decided(b, k):
        top = [set(np.argsort(-m.ravel(), kind='stable')[:k]) for m in (a, b)]
        yield 'top-k-intersection', 'default', len(top[0] & top[1]) / k


def main():
    data, lines = sys.argv[1], []
    for name in ['noise', 'hill'] + GOLDEN:
        a = load(data, name)
        for metric, one in (('sparseness', quantus.Sparseness), ('complexity', quantus.Complexity)):
            lines.append((name, '-', '-', metric, 'quantus', 0, ask(one(disable_warnings=True), a)))
        for box in regions(a.shape):
            k = 37
            lines += [(name, '-', ','.join(map(str, box)), metric, profile, k, value) for metric, profile, value in of_region(a, box, k)]
    for first, second in PAIRS:
        lines += [(first, second, '-', metric, profile, 50, value) for metric, profile, value in of_pair(load(data, first), load(data, second), 50)]
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), 'metrics.txt'), 'w', encoding='utf-8') as file:
        for *words, value in lines:
            print(*words, repr(float(value)), file=file)


if __name__ == '__main__':
    main()
