#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes saliency.npy: gradient saliency of a ResNet-18 on 48 x 48 pixels of noise, in float64.

    make_saliency.py DATA            writes saliency.npy beside this file
    make_saliency.py DATA --check    how far captum's map of integrated gradients is from float64

DATA is what XAI_TEST_DATA names. Made with torch 2.15.0, torchvision 0.29.2, numpy. The rows are those of
saliency.c. Noise, because even areas of a photograph are full of ties that rounding decides. Formulas are written out here, as captum 0.9.0 and grad-cam 1.5.7 define them (docs/saliency.md).
"""
import os
import sys

import numpy as np
import torch
import torchvision
from safetensors.torch import load_file

TARGET, SIDE, STEPS, SAMPLES = 283, 48, 10, 4


def load_model(data):
    model = torchvision.models.resnet18()
    model.load_state_dict(load_file(os.path.join(data, 'imagenet-resnet18-pq/resnet18.safetensors')))
    return model.eval().double()


def gradient(model, x):
    x = x.double().clone().requires_grad_()
    model(x)[:, TARGET].sum().backward()
    return x.grad


def nodes(name, n):
    if name == 'gausslegendre':
        x, w = np.polynomial.legendre.leggauss(n)
        return (1 + x) / 2, w / 2
    if name == 'riemann-trapezoid':
        w = np.full(n, 1 / n)
        w[0] /= 2
        w[-1] /= 2
        return np.linspace(0, 1, n), w
    first = {'riemann-left': 0, 'riemann-middle': 0.5, 'riemann-right': 1}[name]
    return (np.arange(n) + first) / n, np.full(n, 1 / n)


def integrate(model, x, name, steps):
    total = sum(w * gradient(model, np.float32(a) * x) for a, w in zip(*nodes(name, steps)))
    return (total * x.double()).sum(1)[0]


def make_noise(n, first, width):
    """Whole numbers in double, so that every language makes the same."""
    index = np.arange(first, first + n * 3 * SIDE * SIDE, dtype=np.uint64) * np.uint64(2654435761)
    noise = ((index % np.uint64(1 << 32)).astype(np.float64) / (1 << 32) - 0.5) * width
    return torch.from_numpy(noise.astype(np.float32).reshape(n, 3, SIDE, SIDE))


def guide(model):
    def backward(module, inputs, outputs):
        return (torch.relu(inputs[0]),)

    def replace(module):
        if isinstance(module, torch.nn.ReLU):
            module.inplace = False
            module.register_full_backward_hook(backward)

    model.apply(replace)
    return model


def grad_cam(model, x):
    kept = {}
    hook = model.layer3.register_forward_hook(lambda m, i, o: kept.update(value=o))
    score = model(x.double())[:, TARGET].sum()
    hook.remove()
    g, = torch.autograd.grad(score, kept['value'])
    return torch.relu((g.mean((2, 3), keepdim=True) * kept['value']).sum(1, keepdim=True)).detach()


def scale(cam):
    return (cam - cam.min()) / (cam.max() - cam.min() + 1e-7)


def guided_grad_cam(data, x):
    cam = grad_cam(load_model(data), x)
    guided = gradient(guide(load_model(data)), x)
    smooth = scale(torch.nn.functional.interpolate(scale(cam), size=(SIDE, SIDE), mode='bilinear', align_corners=False))
    blocks = torch.nn.functional.interpolate(cam, size=(SIDE, SIDE), mode='nearest')
    return [(guided * region).sum(1)[0] for region in (smooth, blocks)]


def check(data):
    golden = os.path.join(data, '../golden/catdog')
    x = torch.from_numpy(np.load(os.path.join(golden, 'input.npy'))[None])
    exact = integrate(load_model(data), x, 'gausslegendre', 50).numpy()
    error = np.abs(np.load(os.path.join(golden, 't0.ig.npy')) - exact) / np.abs(exact).max()
    print('largest %.2g, mean %.2g of the largest value' % (error.max(), error.mean()))


def main():
    data = sys.argv[1]
    if '--check' in sys.argv:
        return check(data)
    x = make_noise(1, 1000000, 4)
    model = load_model(data)
    names = ['riemann-left', 'riemann-right', 'riemann-middle', 'riemann-trapezoid', 'gausslegendre']
    rows = [integrate(model, x, name, STEPS) for name in names]
    samples = torch.cat([gradient(model, x + n[None]) for n in make_noise(SAMPLES, 0, 1)])
    mean, square = samples.mean(0), (samples ** 2).mean(0)
    rows += [m.sum(0) for m in (mean, square, square - mean ** 2)]
    rows += guided_grad_cam(data, x)
    np.save(os.path.join(os.path.dirname(os.path.abspath(__file__)), 'saliency.npy'),
            torch.stack(rows).numpy().astype(np.float32))


main()
