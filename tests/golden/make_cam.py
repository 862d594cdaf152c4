# SPDX-License-Identifier: MIT
"""Makes cam.safetensors: class activation maps of a CIFAR ResNet-20 with random weights, by their definitions, in double precision.

Run: python3 make_cam.py (needs what make_zoo.py needs). A tensor's name is all there is to know of it:
"METHOD PROFILE LAYER[+LAYER] FUSE SMOOTHING TARGET GRID", "-" for what is left out; GRID is "own" or "input".
"""
import pathlib

import numpy as np
import torch
from safetensors.numpy import save_file
from torch.nn import functional as F

from draw import picture
from make_zoo import SEED, CifarResNet, fill

HEIGHT, WIDTH = 24, 20

CASES = (
    'reciprocam default layer3 - - logit:3 own',
    'reciprocam default layer3 - - probability:3 own',
    'reciprocam default layer2.1 - - logit:3 input',
    'reciprocam default layer3.1.conv2 - - margin:3:5 own',  # the shortcut leads around it
    'reciprocam default layer2+layer3 - - logit:3 input',
    'reciprocam default layer3 - aug logit:3 input',
    'ablationcam default layer2.1 - - logit:7 input',
    'ablationcam default layer3 - - probability:7 input',
    'ablationcam default layer2.1.bn2 - - logit:7 own',  # values below zero, and a way around
    'ablationcam pytorch-grad-cam layer3.0.bn2 - - logit:7 own',
    'scorecam default layer2 - - logit:3 input',
    'scorecam pytorch-grad-cam layer3.2.conv1 - - margin:3:5 own',
    'scorecam torchcam layer2 - - logit:3 own',
    'scorecam default layer3 - eigen logit:3 input',
    'gradcam default layer2.1.conv2 - - logit:3 input',
    'gradcam default layer1.0 - - probability:3 input',
    'gradcam pytorch-grad-cam layer2 - - margin:3:5 input',
    'gradcam default layer1.1 - - value:layer2.2:777 input',
    'gradcam default layer2 - eigen logit:3 input',
    'gradcam default layer2 - aug logit:3 input',
    'gradcam default layer3 - eigen+aug logit:3 input',
    'gradcam default layer1+layer2+layer3 - - logit:3 input',
    'gradcam default layer1+layer2+layer3 max - logit:3 input',
    'gradcam default layer2+layer3 - eigen+aug logit:3 input',
    'gradcam torchcam layer1+layer3 - - logit:3 own',
    'gradcam torchcam layer2+layer3 mean - logit:3 own',
    'gradcam torchcam layer2 - - logit:3 own',
    'gradcam captum layer3 - - logit:3 own',
    'gradcam captum layer2 - - probability:3 input',
    'gradcam kazuto layer3 - - logit:3 input',
    'gradcam kazuto layer2.0 - - logit:8 input',
    'gradcam++ default layer2 - - logit:3 input',
    'gradcam++ torchcam layer2 - - logit:3 own',
    'xgradcam default layer2 - - logit:3 input',
    'xgradcam torchcam layer2 - - logit:3 own',
    'xgradcam default layer2 - eigen logit:3 input',
    'layercam default layer1.2 - - logit:3 input',
    'layercam default layer2 - eigen logit:3 input',
    'layercam torchcam layer1+layer2+layer3 - - logit:3 own',
    'hirescam default layer2 - eigen logit:3 input',
    'hirescam default layer1 - - logit:3 input',
    'gradcam-elementwise default layer1 - - logit:3 input',
    'gradcam-elementwise default layer2 - eigen logit:3 input',
    'eigencam default layer1 - - logit:3 input',
    'eigencam default layer3 - aug logit:3 input',
    'eigencam default layer2+layer3 - - logit:3 input',
    'eigengradcam default layer2 - - logit:3 input',
    'cam default layer3 - - margin:3:5 own',
    'cam torchcam layer3 - - logit:3 input',
)


class Network:
    """Runs the network with watched layers, one of which may be replaced."""

    def __init__(self):
        self.model = CifarResNet(3).double().eval()
        fill(self.model)
        self.modules = dict(self.model.named_modules())

    def run(self, x, layers, replaced=None, values=None):
        kept, handles = {}, []

        def watch(name):
            def hook(_, __, output):
                kept[name] = values if name == replaced else output
                return kept[name]
            return hook
        for name in layers:
            handles.append(self.modules[name].register_forward_hook(watch(name)))
        output = self.model(x)
        for handle in handles:
            handle.remove()
        return output, kept


NETWORK = Network()


def score_of(target, output, kept):
    """One score an image."""
    kind, *words = target.split(':')
    if kind == 'logit':
        return output[:, int(words[0])]
    if kind == 'probability':
        return output.softmax(1)[:, int(words[0])]
    if kind == 'margin':
        return output[:, int(words[0])] - output[:, int(words[1])]
    return kept[words[0]].flatten(1)[:, int(words[1])]


def resize(map_, shape, mode='bilinear', **more):
    more = {'align_corners': False} if mode == 'bilinear' and not more else more
    return F.interpolate(map_[None, None], shape, mode=mode, **more)[0, 0]


def scale(map_, epsilon):
    low, high = map_.min(), map_.max()
    return (map_ - low) / (high - low + epsilon) if high > low else torch.zeros_like(map_)


def project(channels):
    """First principal component, with the sign of the channels' mean."""
    x = channels.flatten(1).T
    x = x - x.mean(0)
    _, _, v = torch.linalg.svd(x, full_matrices=False)
    p = x @ v[0]
    p = -p if (p * channels.flatten(1).mean(0)).sum() < 0 else p
    return p.reshape(channels.shape[1:])


def trials(x, layer, target, versions):
    with torch.no_grad():
        output, kept = NETWORK.run(x.expand(len(versions), -1, -1, -1), [layer], layer, versions)
        return score_of(target, output, kept)


def score_weights(profile, x, a, target):
    size = x.shape[2:]
    masks = []
    for channel in a:
        if profile == 'torchcam':
            low = channel - channel.min()
            masks.append(resize(low / (low.max() + 1e-8), size))
        else:
            up = resize(channel, size, align_corners=True)
            masks.append((up - up.min()) / (up.max() - up.min() + 1e-8))
    with torch.no_grad():
        output, kept = NETWORK.run(x * torch.stack(masks)[:, None], [])
        return score_of(target, output, kept).softmax(0)


def ablation_weights(profile, x, layer, a, target, score):
    versions = a.expand(len(a), -1, -1, -1).clone()
    for k in range(len(a)):
        low = a.min()
        for _ in range(k % 32 + 1 if profile == 'pytorch-grad-cam' else 1):
            low = low - 1e7 if a.min() != 0 else low
        versions[k, k] = low
    return (score - trials(x, layer, target, versions)) / score


def reciprocal(x, layer, a, target):
    height, width = a.shape[1:]
    versions = torch.zeros(height * width, *a.shape, dtype=a.dtype)
    for i in range(height * width):
        versions[i, :, i // width, i % width] = a[:, i // width, i % width]
    return trials(x, layer, target, versions).reshape(height, width)


def plus_plus(profile, a, g):
    if profile == 'torchcam':
        return (g**2 * g.relu()).sum((1, 2))
    alpha = g**2 / (2 * g**2 + a.sum((1, 2))[:, None, None] * g**3 + 1e-6)
    return (g.relu() * torch.where(g != 0, alpha, torch.zeros_like(alpha))).sum((1, 2))


def weights_of(method, profile, x, layer, a, g, target, score):
    """One a channel, or one an element."""
    if method == 'cam':
        w = NETWORK.model.linear.weight
        words = target.split(':')
        return w[int(words[1])] - (w[int(words[2])] if words[0] == 'margin' else 0)
    if method == 'gradcam':
        return g.mean((1, 2))
    if method == 'gradcam++':
        return plus_plus(profile, a, g)
    if method == 'xgradcam':
        return (g * a).sum((1, 2)) / (a.sum((1, 2)) + (1e-8 if profile == 'torchcam' else 1e-7))
    if method == 'scorecam':
        return score_weights(profile, x, a, target)
    if method == 'ablationcam':
        return ablation_weights(profile, x, layer, a, target, score)
    return {'layercam': g.relu(), 'eigencam': torch.ones_like(a)}.get(method, g)


def raw_map(method, profile, x, layer, a, g, smoothing, target, score):
    if method == 'reciprocam':
        return reciprocal(x, layer, a, target)
    w = weights_of(method, profile, x, layer, a, g, target, score)
    channels = (w[:, None, None] if w.ndim == 1 else w) * a
    if method == 'gradcam-elementwise':
        channels = channels.relu()
    is_projected = 'eigen' in smoothing or method in ('eigencam', 'eigengradcam')
    map_ = project(channels) if is_projected else channels.sum(0)
    return map_ if method == 'cam' or profile == 'captum' else map_.relu()


EPSILONS = {'default': 1e-7, 'pytorch-grad-cam': 1e-7, 'torchcam': 1e-8, 'kazuto': 0}


def finish(map_, method, profile, grid):
    """Scales and resizes as the profile does."""
    if profile == 'captum':
        return map_ if grid == 'own' else resize(map_, (HEIGHT, WIDTH), 'nearest', antialias=False)
    epsilon = 0 if method == 'cam' and profile == 'default' else EPSILONS[profile]
    if profile != 'kazuto' or grid == 'own':
        map_ = scale(map_, epsilon)
    if grid == 'input':
        map_ = resize(map_, (HEIGHT, WIDTH))
        if profile == 'kazuto' or (profile != 'torchcam' and method != 'cam'):
            map_ = scale(map_, epsilon)
    return map_


def fuse(maps, method, profile, fusion):
    if profile == 'torchcam':
        shape = tuple(max(m.shape[i] for m in maps) for i in (0, 1))
        maps = [scale(m, 1e-8) for m in maps]
        maps = [torch.tanh(2 * m) for m in maps] if method == 'layercam' else maps
        fusion = 'max' if fusion == '-' else fusion
    else:
        shape = (HEIGHT, WIDTH)
        maps = [scale(m, 1e-7) for m in maps]
    stack = torch.stack([resize(m, shape) for m in maps])
    fused = stack.max(0).values if fusion == 'max' else stack.mean(0)
    return fused if profile == 'torchcam' else scale(fused, 1e-7)


def explain(x, method, profile, layers, fusion, smoothing, target, grid):
    layers = layers.split('+')
    watched = layers + [target.split(':')[1]] * target.startswith('value')
    output, kept = NETWORK.run(x, watched)
    score = score_of(target, output, kept)[0]
    gradients = torch.autograd.grad(score, [kept[layer] for layer in layers])
    maps = [raw_map(method, profile, x, layer, kept[layer][0].detach(), g[0], smoothing, target, score.detach())
            for layer, g in zip(layers, gradients)]
    return finish(maps[0], method, profile, grid) if len(maps) == 1 else fuse(maps, method, profile, fusion)


def smooth(x, *case):
    """Six passes: mirrored or not, three brightnesses."""
    maps = []
    for mirrors in (False, True):
        for factor in (0.9, 1.0, 1.1):
            map_ = explain((x.flip(3) if mirrors else x) * factor, *case)
            maps.append(map_.flip(1) if mirrors else map_)
    return torch.stack(maps).mean(0)


def main():
    x = torch.from_numpy(picture('input', HEIGHT, WIDTH, SEED)).double()
    vectors = {}
    for name in CASES:
        case = name.split()
        map_ = (smooth if 'aug' in case[4] else explain)(x, *case)
        vectors[name] = map_.detach().numpy().astype(np.float32)
        print(f'{name}: {tuple(map_.shape)} {map_.min():.4g} {map_.max():.4g} {map_.std():.4g}')
    save_file(vectors, pathlib.Path(__file__).parent / 'cam.safetensors')


if __name__ == '__main__':
    main()
