#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""RISE as its authors run it, on torch's ResNet-18, beside `xai rise` on the same weights, picture and threads.

Usage: peer_rise.py time  XAI WEIGHTS.safetensors PICTURE [OURS [THREADS [ROUNDS]]]
       peer_rise.py masks XAI WEIGHTS.safetensors PICTURE [REFERENCE [SEEDS [THREADS]]]

time: seconds of 4000 of their masks and of OURS (700) of ours, and their peak memory. Theirs: masks are made beforehand by
skimage, scored in batches of 100 and multiplied with the scores of all classes. Two batches are timed each round, in
turns with a whole process of ours, and scaled to 4000 masks; least of ROUNDS (3).
masks: how many of our masks correlate with a REFERENCE (32000) of their masks as well as 4000 of theirs do. The masks
of both are ours: profile "rise" has theirs, to the byte.

XAI is the built command line. Needs numpy and, for time, Pillow, torch, torchvision and scikit-image.
"""
import os
import pathlib
import subprocess
import sys
import tempfile
import time

import numpy as np

HERE = pathlib.Path(__file__).resolve().parent
MANIFEST = HERE.parent.parent / 'examples' / 'models' / 'resnet18.json'
SIDE, CELLS, KEEP, N, BATCH = 224, 8, 0.5, 4000, 100


def make_masks(n, seed):
    from skimage.transform import resize
    random = np.random.RandomState(seed)
    cell = -(-SIDE // CELLS)
    whole = (CELLS + 1) * cell
    grids = (random.rand(n, CELLS, CELLS) < KEEP).astype('float32')
    masks = np.empty((n, SIDE, SIDE), np.float64)
    for mask, grid in zip(masks, grids):
        down, across = random.randint(0, cell, 2)
        mask[:] = resize(grid, (whole, whole), order=1, mode='reflect', anti_aliasing=False)[down:down + SIDE, across:across + SIDE]
    return masks[:, None].astype(np.float32)


class Theirs:
    def __init__(self, weights, picture, threads):
        import torch
        import torchvision
        from peer_steps import MEAN, STD, prepare, state_dict
        torch.set_num_threads(threads)
        self.torch = torch
        net = torchvision.models.resnet18()
        net.load_state_dict({name: torch.from_numpy(value) for name, value in state_dict(weights).items()}, strict=False)
        self.net = torch.nn.Sequential(net, torch.nn.Softmax(1)).eval()
        pixels = (np.asarray(prepare(picture)[0], np.float32) / np.float32(255) - MEAN) / STD
        self.image = torch.from_numpy(pixels.transpose(2, 0, 1)[None].astype(np.float32))

    def run(self, n):
        """(seconds to make n masks, seconds to explain all classes with them)."""
        torch = self.torch
        start = time.perf_counter()
        masks = torch.from_numpy(make_masks(n, 0))
        made = time.perf_counter()
        with torch.no_grad():
            covered = masks * self.image
            scores = torch.cat([self.net(covered[i:i + BATCH]) for i in range(0, n, BATCH)])
            (scores.T @ masks.view(n, -1)).view(-1, SIDE, SIDE) / n / KEEP
        return made - start, time.perf_counter() - made


def ours(options, *more):
    """Seconds of one process."""
    command = [options['xai'], 'rise', '-m', str(MANIFEST), '--weights', options['weights'], '--threads', str(options['threads']),
               '-q', '-o', options['folder'], *more, options['picture']]
    start = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - start


def compare_times(options, n, rounds):
    import resource
    theirs = Theirs(options['weights'], options['picture'], options['threads'])
    n_part, made, explained, seconds = 2 * BATCH, [], [], []
    theirs.run(BATCH)
    for _ in range(rounds):
        part = theirs.run(n_part)
        made.append(part[0] * N / n_part)
        explained.append(part[1] * N / n_part)
        seconds.append(ours(options, '--masks', str(n)))
    masks_memory = N * SIDE * SIDE * 4 / 1e6 * (1 + 3)  # masks, and covered pictures, of all 4000 at once
    print(f'theirs, {N} masks: {min(explained):7.1f} s, and {min(made):.1f} s to make masks; '
          f'{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6:.0f} MB with {n_part} masks, of which all would take {masks_memory:.0f} MB')
    print(f'ours,   {n} masks: {min(seconds):7.1f} s, the whole process')
    print(f'ratio   {min(explained) / min(seconds):.1f}, with the making of masks {(min(explained) + min(made)) / min(seconds):.1f}; '
          f'a mask {min(explained) / N / (min(seconds) / n):.2f}')


def explain(options, profile, masks, seed):
    path = os.path.join(options['folder'], 'map.npy')
    ours(options, '--profile', profile, '--masks', str(masks), '--seed', str(seed), '--npy', path)
    return np.load(path).ravel().astype(np.float64)


def count_masks(options, n_reference, n_seeds):
    counts = np.array([250, 500, 1000, 2000])
    reference = explain(options, 'rise', n_reference, 1000)
    official = np.mean([np.corrcoef(explain(options, 'rise', N, seed), reference)[0, 1] for seed in range(n_seeds)])
    print(f"eclique's scheme, {N} masks: {official:.4f}", flush=True)
    r = np.array([np.mean([np.corrcoef(explain(options, 'default', n, seed), reference)[0, 1] for seed in range(n_seeds)]) for n in counts])
    for n, value in zip(counts, r):
        print(f'    default, {n:4} masks: {value:.4f}')
    slope, rest = np.polyfit(1 / counts, 1 / r ** 2, 1)  # noise falls as one over the number of masks
    print(f"    as good as eclique's {N}: {slope / (1 / official ** 2 - rest):.0f} masks")


def main():
    if len(sys.argv) < 5 or sys.argv[1] not in ('time', 'masks'):
        sys.exit(__doc__)
    numbers = [int(text) for text in sys.argv[5:]]
    with tempfile.TemporaryDirectory() as folder:
        options = {'xai': sys.argv[2], 'weights': sys.argv[3], 'picture': sys.argv[4], 'folder': folder}
        if sys.argv[1] == 'time':
            n, options['threads'], rounds = (numbers + [700, 1, 3][len(numbers):])[:3]
            compare_times(options, n, rounds)
        else:
            n_reference, n_seeds, options['threads'] = (numbers + [32000, 3, 1][len(numbers):])[:3]
            count_masks(options, n_reference, n_seeds)


if __name__ == '__main__':
    main()
