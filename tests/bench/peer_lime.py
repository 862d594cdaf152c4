#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Python's lime on torch's ResNet-18 beside `xai lime` on the same weights, picture, samples and threads.

Usage: peer_lime.py XAI WEIGHTS.safetensors PICTURE [SAMPLES [THREADS]]

XAI is the built command line. Needs numpy, Pillow, torch, torchvision, lime and scikit-image. Prints seconds of the
whole run (segmentation, samples, network, fit; not loading), by the clock and of the processor, for both, in turns.
"""
import json
import pathlib
import resource
import subprocess
import sys
import tempfile
import time

import numpy as np
import torch
import torchvision
from lime.lime_image import LimeImageExplainer

from peer_steps import MEAN, STD, prepare, state_dict

HERE = pathlib.Path(__file__).resolve().parent
MANIFEST = HERE.parent.parent / 'examples' / 'models' / 'resnet18.json'


def load(weights):
    net = torchvision.models.resnet18()
    net.load_state_dict({name: torch.from_numpy(value) for name, value in state_dict(weights).items()}, strict=False)
    return net.eval()


def by_python(net, crop, samples):
    def classify(images):
        pixels = (np.asarray(images, np.float32) / np.float32(255) - MEAN) / STD
        with torch.no_grad():
            return torch.softmax(net(torch.from_numpy(pixels.transpose(0, 3, 1, 2).copy())), 1).numpy()

    clock, processor = time.perf_counter(), time.process_time()
    e = LimeImageExplainer(random_state=0).explain_instance(np.asarray(crop), classify, top_labels=1, num_samples=samples)
    return time.perf_counter() - clock, time.process_time() - processor, dict(e.local_exp[e.top_labels[0]])


def by_xai(xai, weights, picture, samples, threads, folder):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    clock = time.perf_counter()
    out = subprocess.run([xai, 'lime', '-m', str(MANIFEST), '--weights', weights, '--samples', str(samples), '--threads', str(threads),
                          '--json', '-o', folder, picture], check=True, capture_output=True, text=True).stdout
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return time.perf_counter() - clock, processor, json.loads(out)


def main():
    xai, weights, picture = sys.argv[1:4]
    samples = int(sys.argv[4]) if len(sys.argv) > 4 else 1000
    threads = int(sys.argv[5]) if len(sys.argv) > 5 else 1
    torch.set_num_threads(threads)
    crop, _ = prepare(picture)
    net = load(weights)
    theirs = by_python(net, crop, samples)
    with tempfile.TemporaryDirectory() as folder:
        ours = by_xai(xai, weights, picture, samples, threads, folder)
    mine = ours[2]['targets'][0]['coefficients']
    values = np.array([theirs[2].get(j, 0.0) for j in range(len(mine))])
    print(f'lime  {theirs[0]:8.2f} s, {theirs[1]:8.2f} s of processor')
    print(f'xai   {ours[0]:8.2f} s, {ours[1]:8.2f} s of processor, start, drawing and files included')
    print(f'ratio {theirs[0] / ours[0]:8.2f}  , {theirs[1] / ours[1]:8.2f}   of processor')
    print(f'{len(mine)} segments, correlation of coefficients {np.corrcoef(values, mine)[0, 1]:.6f}, largest difference '
          f'{np.abs(values - mine).max():.2e} of {np.abs(values).max():.2e}')


if __name__ == '__main__':
    main()
