#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Wall time and peak memory of step_3_cam's whole process, beside the same steps in Python with torch and onnxruntime.
"""Measure step_3_cam against its peers, in one run, taking turns.

A peer that is not installed is left out. Nothing here passes or fails. The networks alone are measured by peer_networks.py."""
import argparse
import os
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))


def measure(command, folder):
    """(seconds, MiB) of one process from start to end; None if it fails."""
    with open(os.path.join(folder, 'log'), 'wb') as log:
        start = time.perf_counter()
        process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
    return (seconds, usage.ru_maxrss / 1024) if process.returncode == 0 else None


def has(python, module):
    return subprocess.run([python, '-c', f'import {module}'], capture_output=True, check=False).returncode == 0


def peers(options, folder):
    """(name, command) of what can be run here."""
    yield 'libxai', [os.path.join(os.path.abspath(options.build), 'examples', 'step_3_cam'), '-m',
                     os.path.join(ROOT, 'examples', 'models', 'resnet18.json'), '--weights', options.weights,
                     options.picture]
    torch = [options.python, os.path.join(HERE, 'peer_torch.py'), options.weights, options.picture]
    if not has(options.python, 'torch, torchvision, PIL, numpy'):
        print(f'{options.python} has no torch: left out, and onnxruntime too, whose network torch would export')
        return
    yield 'torch', torch
    model = os.path.join(folder, 'resnet18.onnx')
    if not has(options.python, 'onnxruntime'):
        print(f'{options.python} has no onnxruntime: left out')
    elif subprocess.run(torch + [model], capture_output=True, check=False).returncode != 0:
        print('torch could not export ONNX: onnxruntime is left out')
    else:
        yield 'onnxruntime', [options.python, os.path.join(HERE, 'peer_onnxruntime.py'), options.weights,
                              options.picture, model]


def main():
    data = os.environ.get('XAI_TEST_DATA', '')
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('build', help='build folder, best one of a release build')
    parser.add_argument('--python', default=sys.executable, help='Python that has the peers')
    parser.add_argument('--weights', default=os.path.join(data, 'imagenet-resnet18-pq', 'resnet18.safetensors'),
                        help="torchvision's resnet18 as safetensors")
    parser.add_argument('--picture', default=os.path.join(data, 'tutorial', 'catdog.jpg'))
    parser.add_argument('--rounds', type=int, default=5)
    options = parser.parse_args()
    options.weights, options.picture = (os.path.abspath(path) for path in (options.weights, options.picture))
    for path in (options.weights, options.picture):
        if not os.path.exists(path):
            print(f'SKIP: {path}: no such file; set XAI_TEST_DATA or name it')
            return 0

    with tempfile.TemporaryDirectory() as folder:
        commands = list(peers(options, folder))
        results = {name: [] for name, _ in commands}
        for _ in range(options.rounds + 1):  # the first round warms the file cache
            for name, command in commands:
                result = measure(command, folder)
                if result is None:
                    with open(os.path.join(folder, 'log'), encoding='utf-8', errors='replace') as log:
                        raise SystemExit(f'{name} failed: {log.read()[-2000:]}')
                results[name].append(result)

    ours = [min(column) for column in zip(*results['libxai'][1:])]
    print(f'resnet18, whole process of step_3_cam, least of {options.rounds} runs, {os.cpu_count()} cores')
    print(f'{"":<12} {"seconds":>9} {"MiB":>7} {"x time":>8} {"x memory":>9}')
    for name, rows in results.items():
        seconds, memory = (min(column) for column in zip(*rows[1:]))
        print(f'{name:<12} {seconds:9.3f} {memory:7.0f} {seconds / ours[0]:8.1f} {memory / ours[1]:9.1f}')
    return 0


if __name__ == '__main__':
    sys.exit(main())
