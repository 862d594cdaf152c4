#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Time a step of feature visualisation beside lucent's, in one run, taking turns, one thread each.

    peer_lucent.py BUILD DATA [ROUNDS [STEPS]]

128 x 128 pixels in Fourier space with lucent's transforms, channel 0 of layer4 of a ResNet-18. BUILD holds
tests/bench/bench_visualize, best of a release build; DATA is what XAI_TEST_DATA names. Needs torch-lucent 0.1.8 with
kornia 0.4.1, torch and torchvision. Nothing here passes or fails."""
import importlib.util
import os
import re
import subprocess
import sys
import time
import types

import torch
import torchvision
from safetensors.torch import load_file

if importlib.util.find_spec('IPython') is None:  # lucent shows pictures by it
    sys.modules['IPython'] = types.ModuleType('IPython')
    sys.modules['IPython'].display = sys.modules['IPython.display'] = types.ModuleType('IPython.display')

from lucent.optvis import objectives, param, render  # noqa: E402


def lucent(model, steps):
    """Seconds of each step but the first."""
    times = []
    objective = objectives.channel('layer4', 0)

    def watched(features):
        times.append(time.perf_counter())
        return objective(features)

    render.render_vis(model, watched, lambda: param.image(128), thresholds=(steps,), progress=False, show_image=False)
    return [after - before for before, after in zip(times[1:], times[2:])]


def libxai(build, weights, steps):
    """Minimum and median milliseconds of a step."""
    text = subprocess.run([os.path.join(build, 'tests', 'bench', 'bench_visualize'), str(steps), '1', weights],
                          capture_output=True, text=True, check=True).stdout
    return [float(number) for number in re.findall(r'([0-9.]+) ms', text)]


def main():
    build, data = sys.argv[1:3]
    rounds, steps = (int(number) for number in (sys.argv[3:] + ['5', '12'][len(sys.argv) - 3:]))
    weights = os.path.join(data, 'imagenet-resnet18-pq', 'resnet18.safetensors')
    torch.set_num_threads(1)
    model = torchvision.models.resnet18()
    model.load_state_dict(load_file(weights))
    model.eval()
    ours, theirs = [], []
    for i in range(rounds):
        ours.append(libxai(build, weights, steps))
        theirs.append([1e3 * value(times) for times in [lucent(model, steps)]
                       for value in (min, lambda t: sorted(t)[len(t) // 2])])
        print(f'round {i}: libxai {ours[-1][0]:.1f} ms (median {ours[-1][1]:.1f}), '
              f'lucent {theirs[-1][0]:.1f} ms (median {theirs[-1][1]:.1f})', flush=True)
    for i, name in enumerate(['minimum', 'median']):
        mine, other = (min(row[i] for row in rows) for rows in (ours, theirs))
        print(f'{name} step of the best round: libxai {mine:.1f} ms, lucent {other:.1f} ms: {other / mine:.2f} x')


if __name__ == '__main__':
    main()
