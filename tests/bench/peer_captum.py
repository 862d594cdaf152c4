#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Explanations of ResNet-18 beside captum's and pytorch-grad-cam's, on the same cores. Turns go round, so that what
# disturbs the machine disturbs all.
"""Time saliency, integrated gradients (50 steps), occlusion and Grad-CAM beside captum and pytorch-grad-cam on torch.

Occlusion has windows of 16 every 8 pixels, and captum the best of several perturbations_per_eval.

Weights and pictures are random: times do not depend on them. Build the programs first: ninja -C BUILD
tests/bench/bench_saliency tests/bench/bench_cam tests/bench/bench_black_box. What is not installed is left out. Nothing here passes or fails."""
import argparse
import functools
import importlib.util
import os
import re
import subprocess
import sys
import time

METHODS = ('saliency', 'ig', 'gradcam', 'occlusion')
PROGRAMS = {'gradcam': 'bench_cam', 'occlusion': 'bench_black_box'}
SLOW = {'ig': 2, 'occlusion': 1}
BATCHES = 1, 4, 16, 64


def libxai(options, method, n):
    """Least seconds of n explanations; a turn is a process of its own, which warms up itself."""
    program = os.path.join(options.build, 'tests', 'bench', PROGRAMS.get(method, 'bench_saliency'))
    command = [program, str(n), str(options.threads), method]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    return 1e-3 * float(re.search(r'minimum +([0-9.]+) ms', lines[0]).group(1))


def best_batch(explain):
    """Which of BATCHES takes the least time; explain() runs few windows, since all would take half a minute."""
    return min(BATCHES, key=lambda n: least(lambda: explain(n), 2))


def peer(method, threads):
    """A function of no arguments, one explanation of class 281; None if its package is not installed."""
    package = 'pytorch_grad_cam' if method == 'gradcam' else 'captum'
    missing = [name for name in ('torch', 'torchvision', package) if importlib.util.find_spec(name) is None]
    if missing:
        print(f'{method}: no {", ".join(missing)} here: left out')
        return None
    import torch
    import torchvision
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    net, x = torchvision.models.resnet18(weights=None).eval(), torch.randn(1, 3, 224, 224)
    if method == 'gradcam':
        import pytorch_grad_cam
        from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
        cam = pytorch_grad_cam.GradCAM(model=net, target_layers=[net.layer4[-1]])
        return lambda: cam(input_tensor=x, targets=[ClassifierOutputTarget(281)])
    import captum.attr
    if method == 'saliency':
        return lambda: captum.attr.Saliency(net).attribute(x.clone(), target=281)
    if method == 'occlusion':
        occlude = functools.partial(captum.attr.Occlusion(net).attribute, x, target=281)
        batch = best_batch(lambda n: occlude((3, 32, 32), strides=(3, 32, 32), perturbations_per_eval=n))
        return lambda: occlude((3, 16, 16), strides=(3, 8, 8), perturbations_per_eval=batch)
    return lambda: captum.attr.IntegratedGradients(net).attribute(x.clone(), target=281, n_steps=50)


def least(explain, n):
    best = float('inf')
    for _ in range(n):
        start = time.perf_counter()
        explain()
        best = min(best, time.perf_counter() - start)
    return best


def compare(options, method):
    explain, n = peer(method, options.threads), SLOW.get(method, 10)
    if explain is None:
        return
    explain()
    times = [(libxai(options, method, n), least(explain, n)) for _ in range(options.rounds)]
    ours, theirs = (min(column) for column in zip(*times))
    print(f'{method:<10} {1e3 * ours:11.2f} {1e3 * theirs:11.2f} {theirs / ours:8.2f}', flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('build', help='build folder, best one of a release build')
    parser.add_argument('--threads', type=int, default=1)
    parser.add_argument('--rounds', type=int, default=4, help='turns of each side')
    parser.add_argument('--method', choices=METHODS, help='only this one')
    options = parser.parse_args()
    options.build = os.path.abspath(options.build)
    os.environ['OMP_NUM_THREADS'] = str(options.threads)
    print(f'resnet18, {options.threads} thread(s), least of {options.rounds} turns, load {os.getloadavg()[0]:.1f}')
    print(f'{"":<10} {"libxai ms":>11} {"peer ms":>11} {"x libxai":>8}')
    for method in (options.method,) if options.method else METHODS:
        compare(options, method)
    return 0


if __name__ == '__main__':
    sys.exit(main())
