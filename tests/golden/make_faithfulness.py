#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes faithfulness.txt: what torchcam, pytorch-grad-cam, captum and Quantus say about maps of a photograph through a ResNet-18.

    make_faithfulness.py DATA     writes faithfulness.txt beside this file

DATA is what XAI_TEST_DATA names; maps and input lie in ../golden beside it. Made with torch 2.15.0, torchvision 0.29.2, torchcam 0.5.0, grad-cam 1.5.7, captum 0.9.0, quantus 0.6.0, scipy 1.17.1.
A line is: map, metric, profile, step, flags, value, number of points, the curve. RISE (which is no package, and wants a GPU) and xplique (which needs TensorFlow) are computed from their formulas, equal elements in the order of a stable sort turned around.
"""
import contextlib
import os
import sys
import warnings

import captum.attr
import captum.metrics
import numpy as np
import quantus
import torch
import torchcam.metrics
import torchvision
from pytorch_grad_cam.metrics.cam_mult_image import DropInConfidence, IncreaseInConfidence
from pytorch_grad_cam.utils.model_targets import ClassifierOutputSoftmaxTarget
from safetensors.torch import load_file
from scipy.ndimage import gaussian_filter

TARGET, SAMPLES = 283, 6
np.trapz = getattr(np, 'trapz', None) or np.trapezoid  # quantus 0.6.0 asks for the name that numpy 2.4 lost


class Stored:
    """A map, in the place of a method of torchcam."""
    def __init__(self, model, cam):
        self.model, self.cam = model, torch.from_numpy(cam)[None]

    def __call__(self, *_, **__):
        return [self.cam]

    def fuse_cams(self, cams):
        return cams[0]

    @contextlib.contextmanager
    def _hooks_off(self):
        yield


def softmax(x):
    return torch.softmax(x, -1)


def noise(n, width):
    """Whole numbers in double, as in faithfulness.c."""
    index = np.arange(n, dtype=np.uint64) * np.uint64(2654435761)
    return (((index % np.uint64(1 << 32)).astype(np.float64) / (1 << 32) - 0.5) * width).astype(np.float32)


def probability(model, images):
    with torch.no_grad():
        return torch.cat([softmax(model(part))[:, TARGET] for part in images.split(16)]).double().numpy()


def blur(x):
    one = np.zeros((11, 11))
    one[5, 5] = 1
    kernel = torch.zeros(3, 3, 11, 11)
    for c in range(3):
        kernel[c, c] = torch.from_numpy(gaussian_filter(one, 5).astype(np.float32))
    return torch.nn.functional.conv2d(x, kernel, padding=5)


def by_formula(model, x, cam, counts, start, finish):
    order = torch.from_numpy(np.argsort(cam.ravel(), kind='stable')[::-1].copy())
    images = []
    for count in counts:
        image = start.clone().reshape(1, 3, -1)
        image[:, :, order[:count]] = finish.reshape(1, 3, -1)[:, :, order[:count]]
        images.append(image.reshape(x.shape))
    scores = probability(model, torch.cat(images))
    return (scores.sum() - (scores[0] + scores[-1]) / 2) / (len(scores) - 1), scores


def curves(model, x, name, cam):
    n, zero = cam.size, torch.zeros_like(x)
    step = 1792
    counts = [min(i * step, n) for i in range(-(-n // step) + 1)]
    yield (name, 'deletion', 'rise', step, 0) + by_formula(model, x, cam, counts, x, zero)
    yield (name, 'insertion', 'rise', step, 0) + by_formula(model, x, cam, counts, blur(x), x)
    counts = np.linspace(0, n, 11, dtype=np.int32)
    yield (name, 'deletion', 'xplique', 0, 0) + by_formula(model, x, cam, counts, x, zero)
    yield (name, 'insertion', 'xplique', 0, 0) + by_formula(model, x, cam, counts, zero, x)
    metric = torchcam.metrics.DeletionInsertionMetric(Stored(model, cam), softmax)
    metric.update(x, TARGET)
    both = metric.summary()
    yield name, 'deletion', 'torchcam', 0, 0, both['deletion_auc'], []
    yield name, 'insertion', 'torchcam', 0, 0, both['insertion_auc'], []


def masks(model, x, name, cam):
    metric = torchcam.metrics.ClassificationMetric(Stored(model, cam), softmax)
    metric.update(x, TARGET)
    both = metric.summary()
    yield name, 'average-drop', 'torchcam', 0, 0, both['avg_drop'], []
    yield name, 'increase-in-confidence', 'torchcam', 0, 0, both['conf_increase'], []
    targets = [ClassifierOutputSoftmaxTarget(TARGET)]
    for metric, one in (('average-drop', DropInConfidence), ('increase-in-confidence', IncreaseInConfidence)):
        yield name, metric, 'pytorch-grad-cam', 0, 0, one()(x, cam[None], targets, model)[0], []
    mask = np.abs(cam)
    mask = (mask - mask.min()) / (mask.max() - mask.min() + 1e-8)
    before, after = probability(model, x)[0], probability(model, x * torch.from_numpy(mask))[0]
    yield name, 'average-drop', 'xplique', 0, 0, max(before - after, 0) / (before + 1e-8), []
    yield name, 'increase-in-confidence', 'xplique', 0, 0, float(after > before), []
    yield name, 'average-gain', 'xplique', 0, 0, max(after - before, 0) / (1 - before + 1e-8), []


def sums(model, x, name, cam):
    """A map without channels counts for each of them."""
    given = torch.from_numpy(noise(SAMPLES * x.numel(), 0.5)).reshape(SAMPLES, *x.shape[1:])
    spread = torch.from_numpy(cam).expand(1, 3, -1, -1).contiguous()
    times = given / torch.where(x == 0, torch.ones_like(x), x)
    for flags in range(4):
        value = captum.metrics.infidelity(model, lambda inputs, f=flags: (times if f & 2 else given, inputs - given), x, spread, target=TARGET,
                                          n_perturb_samples=SAMPLES, normalize=bool(flags & 1))
        yield name, 'infidelity', 'captum', 0, flags, value.item(), []
    first = torch.zeros_like(x)
    first[0, 0] = torch.from_numpy(cam)
    delta = captum.attr.IntegratedGradients(model).compute_convergence_delta((first,), (torch.zeros_like(x),), (x,), target=TARGET)
    yield name, 'completeness', 'captum', 0, 0, delta.item(), []


def flipping(model, x):
    """Pixel flipping of a map with a number of its own for each element."""
    cam, step = noise(x.numel(), 1).reshape(x.shape), 12544
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        for sums_up in (False, True):
            metric = quantus.PixelFlipping(features_in_step=step, perturb_baseline='black', return_auc_per_sample=sums_up, disable_warnings=True)
            answer = metric(model=model, x_batch=x.numpy().copy(), y_batch=np.array([TARGET]), a_batch=cam.copy(), device='cpu', softmax=True, channel_first=True)[0]
            scores = scores if sums_up else answer
    yield 'flipping', 'deletion', 'quantus', step, 0, answer, scores


def stability(model, x):
    """captum's own Grad-CAM, raw, 7 x 7, under noise that is given."""
    given = torch.from_numpy(noise(SAMPLES * x.numel(), 0.5)).reshape(SAMPLES, *x.shape[1:])
    method = captum.attr.LayerGradCam(model, model.layer4)

    def explain(inputs):
        """A tuple for a tuple: captum 0.9.0 takes a bare tensor's images for several tensors, and is sqrt(samples) off."""
        images = inputs if torch.is_tensor(inputs) else inputs[0]
        maps = torch.cat([method.attribute(image[None], target=TARGET) for image in images]).detach()
        return maps if torch.is_tensor(inputs) else (maps,)

    value = captum.metrics.sensitivity_max(explain, x, lambda inputs: inputs + given, n_perturb_samples=SAMPLES)
    yield 'gradcam', 'max-sensitivity', 'captum', 0, 0, value.item(), []
    maps = [quantus.normalise_by_max(method.attribute(image[None], target=TARGET).detach().double().numpy().reshape(1, -1))
            for image in torch.cat([x, x + given])]
    largest = max(quantus.lipschitz_constant(a=maps[0], b=one, c=x.double().numpy().reshape(1, -1), d=(x + noise).double().numpy().reshape(1, -1),
                                             norm_numerator=quantus.distance_euclidean)[0] for one, noise in zip(maps[1:], given))
    yield 'gradcam', 'local-lipschitz', 'captum', 0, 0, largest, []


def main():
    data = sys.argv[1]
    model = torchvision.models.resnet18()
    model.load_state_dict(load_file(os.path.join(data, 'imagenet-resnet18-pq/resnet18.safetensors')))
    model.eval()

    def load(name):
        return np.load(os.path.join(data, '../golden/catdog', name + '.npy'))

    x, lines = torch.from_numpy(load('input'))[None], []
    for name in ('t0.saliency', 't0.gradcam.layer4.1', 't0.ig'):
        for part in (curves, masks, sums):
            lines += list(part(model, x, name, load(name)))
    lines += list(flipping(model, x)) + list(stability(model, x))
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), 'faithfulness.txt'), 'w', encoding='utf-8') as file:
        for *words, value, scores in lines:
            print(*words, f'{float(value):.9g}', len(scores), *(f'{score:.7g}' for score in scores), file=file)


if __name__ == '__main__':
    main()
