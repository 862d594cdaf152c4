#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes removal.txt: what Quantus and pytorch-grad-cam say about maps of a photograph through a ResNet-18, by metrics that remove parts of the input.

    make_removal.py DATA     writes removal.txt beside this file

DATA is what XAI_TEST_DATA names; maps and input lie in ../golden beside it. Made with torch 2.15.0, torchvision 0.29.2, grad-cam 1.5.7, quantus 0.6.0, numpy 2.4.6, scipy 1.17.1.
A line is: map, metric, profile, class, step, n_steps, n_samples, patch, seed, value, number of points, the curve's scores. The map "made" has a number of its own for each element, so that no order depends on a sort; segments
are made, too, since Quantus cuts up floats. ROAD's noise is zero. Quantus' ROAD and IROF fail on pictures with several channels: they get the first one, which the network sees three times, and its top class.
"""
import os
import sys
import warnings

import numpy as np
import pytorch_grad_cam.metrics.road as road
import quantus
import torch
import torchvision
from pytorch_grad_cam.utils.model_targets import ClassifierOutputSoftmaxTarget
from safetensors.torch import load_file

TARGET, SEED = 283, 7
np.trapz = getattr(np, 'trapz', None) or np.trapezoid  # quantus 0.6.0 asks for the name that numpy 2.4 lost


class Grey(torch.nn.Module):
    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, x):
        return self.model(x.expand(-1, 3, -1, -1))


def noise(n, width):
    """Whole numbers in double, as in removal.c."""
    index = np.arange(n, dtype=np.uint64) * np.uint64(2654435761)
    return (((index % np.uint64(1 << 32)).astype(np.float64) / (1 << 32) - 0.5) * width).astype(np.float32)


def segments(height, width):
    """Slanted bands, cut across: labels 0 to n - 1, as in removal.c."""
    y, x = np.mgrid[:height, :width]
    labels = (x + y // 2) // 37 * 5 + y * 5 // height
    return np.unique(labels, return_inverse=True)[1].reshape(height, width)


def ask(metric, model, x, cam, target=TARGET):
    np.random.seed(SEED)
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        return metric(model=model, x_batch=x.numpy().copy(), y_batch=np.array([target]), a_batch=cam.copy(), device='cpu', softmax=True, channel_first=True)


def steps(model, x):
    cam = noise(x.numel(), 1).reshape(x.shape)
    quiet = {'disable_warnings': True}
    for step in (3136, 12544):
        yield 'made', 'faithfulness-estimate', step, 0, 0, 0, ask(quantus.FaithfulnessEstimate(features_in_step=step, **quiet), model, x, cam)[0], []
    for size, runs in ((224, 30), (20000, 20)):
        metric = quantus.FaithfulnessCorrelation(subset_size=size, nr_runs=runs, return_aggregate=False, **quiet)
        yield 'made', 'faithfulness-correlation', size, 0, runs, 0, ask(metric, model, x, cam)[0], []
    for step, samples in ((12544, 3), (6272, 2)):
        metric = quantus.MonotonicityCorrelation(features_in_step=step, nr_samples=samples, **quiet)
        yield 'made', 'monotonicity-correlation', step, 0, samples, 0, ask(metric, model, x, cam)[0], []


def regions(model, x, name, cam):
    quiet = {'disable_warnings': True}
    for patch in (28, 30):
        metric = quantus.Selectivity(patch_size=patch, **quiet)
        scores = ask(metric, model, x, cam[None, None])[0]
        yield name, 'selectivity', 0, 0, 0, patch, metric.get_auc_score, scores
        metric = quantus.RegionPerturbation(patch_size=patch, regions_evaluation=20, **quiet)
        lost = ask(metric, model, x, cam[None, None])[0]
        with torch.no_grad():
            first = torch.softmax(model(x), -1)[0, TARGET].item()
        yield name, 'region-perturbation', 0, 20, 0, patch, metric.get_auc_score, [first - number for number in lost]


def road_lines(model, x, name, cam):
    torch.randn_like = torch.zeros_like
    targets = [ClassifierOutputSoftmaxTarget(TARGET)]
    for metric, one, mean in (('road-most', road.ROADMostRelevantFirst, road.ROADMostRelevantFirstAverage),
                              ('road-least', road.ROADLeastRelevantFirst, road.ROADLeastRelevantFirstAverage)):
        scores = [one(percentile)(x, cam[None], targets, model, return_diff=False)[0] for percentile in range(90, 0, -10)]
        yield name, metric, 0, 0, 0, 0, mean()(x, cam[None], targets, model)[0], scores
    yield name, 'road', 0, 0, 0, 0, road.ROADCombined()(x, cam[None], targets, model)[0], []


def grey_lines(model, x, name, cam):
    quantus.metrics.faithfulness.irof.utils.get_superpixel_segments = lambda img, segmentation_method: segments(*img.shape[:2])
    grey, x = Grey(model).eval(), x[:, :1].contiguous()
    with torch.no_grad():
        target = grey(x).argmax().item()
    metric = quantus.IROF(return_aggregate=False, disable_warnings=True)
    yield target, name, 'irof', 0, 0, 0, 0, ask(metric, grey, x, cam[None, None], target)[0], []
    stays = ask(quantus.ROAD(noise=0.0, disable_warnings=True), grey, x, cam[None, None], target)
    yield target, name, 'road-most', 0, 0, 0, 0, np.mean(list(stays.values())), list(stays.values())


def main():
    data = sys.argv[1]
    model = torchvision.models.resnet18()
    model.load_state_dict(load_file(os.path.join(data, 'imagenet-resnet18-pq/resnet18.safetensors')))
    model.eval()

    def load(name):
        return np.load(os.path.join(data, '../golden/catdog', name + '.npy'))

    x = torch.from_numpy(load('input'))[None]
    lines = [('quantus', (TARGET,) + line) for line in steps(model, x)]
    for name in ('t0.saliency', 't0.gradcam.layer4.1', 't0.ig'):
        lines += [('quantus', (TARGET,) + line) for line in regions(model, x, name, load(name))]
        lines += [('pytorch-grad-cam', (TARGET,) + line) for line in road_lines(model, x, name, load(name))]
    for name in ('t0.saliency', 't0.ig'):
        lines += [('quantus', line) for line in grey_lines(model, x, name, load(name))]
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), 'removal.txt'), 'w', encoding='utf-8') as file:
        for profile, (target, name, metric, *numbers, value, scores) in lines:
            print(name, metric, profile, target, *numbers, SEED, f'{float(value):.9g}', len(scores), *(f'{float(score):.7g}' for score in scores), file=file)


if __name__ == '__main__':
    main()
