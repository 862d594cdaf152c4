# SPDX-License-Identifier: MIT
"""Makes zoo.safetensors and zoo.txt: what PyTorch computes for whole networks with random weights, in double precision.

Run: python3 make_zoo.py (needs numpy, torch, torchvision, pytorchcv, safetensors, Pillow). Logits are tensors "NAME HxW". zoo.txt has
for each case a line "case NAME HEIGHT WIDTH" and then, for each call of each module, its name (path#k for call k but the last)
with mean, mean of absolutes, first and last element of its output.
"""
import math
import pathlib
import sys

import numpy as np
import pytorchcv.models.wrn_cifar as wrn_cifar
import torch
import torchvision
from safetensors.numpy import save_file
from torch import nn
from torch.nn import functional as F

from draw import parameter, picture

sys.path.insert(0, str(pathlib.Path(__file__).parents[2] / "examples" / "models"))
from train_cifar10 import ResNet9

SEED = 7


class CifarBlock(nn.Module):
    """Shortcuts without parameters; activations are functions, so the modules are these alone."""

    def __init__(self, inputs, planes, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, planes, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.shortcut = Subsample(planes) if stride != 1 else nn.Sequential()

    def forward(self, x):
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(y + self.shortcut(x))


class Subsample(nn.Module):
    def __init__(self, planes):
        super().__init__()
        self.side = planes // 4

    def forward(self, x):
        return F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, self.side, self.side))


class CifarResNet(nn.Module):
    def __init__(self, n):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        stages, inputs = [], 16
        for planes in (16, 32, 64):
            blocks = []
            for i in range(n):
                blocks.append(CifarBlock(inputs, planes, 2 if i == 0 and planes > 16 else 1))
                inputs = planes
            stages.append(nn.Sequential(*blocks))
        self.layer1, self.layer2, self.layer3 = stages
        self.linear = nn.Linear(64, 10)

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        x = self.layer3(self.layer2(self.layer1(x)))
        return self.linear(x.mean((2, 3)))


class SameConv(nn.Conv2d):
    """TensorFlow's SAME padding for whatever size comes."""

    def __init__(self, inputs, outputs, kernel, stride=1, groups=1):
        super().__init__(inputs, outputs, kernel, stride, groups=groups, bias=False)

    def forward(self, x):
        pads = []
        for n in (x.shape[3], x.shape[2]):
            needed = max((math.ceil(n / self.stride[0]) - 1) * self.stride[0] + self.kernel_size[0] - n, 0)
            pads += [needed // 2, needed - needed // 2]
        return F.conv2d(F.pad(x, pads), self.weight, None, self.stride, 0, 1, self.groups)


class LiteBlock(nn.Module):
    def __init__(self, inputs, outputs, kernel, stride, expand):
        super().__init__()
        middle = inputs * expand
        if expand != 1:
            self._expand_conv = SameConv(inputs, middle, 1)
            self._bn0 = nn.BatchNorm2d(middle, 1e-3)
        self._depthwise_conv = SameConv(middle, middle, kernel, stride, middle)
        self._bn1 = nn.BatchNorm2d(middle, 1e-3)
        self._project_conv = SameConv(middle, outputs, 1)
        self._bn2 = nn.BatchNorm2d(outputs, 1e-3)
        self._swish = nn.ReLU6()
        self.expands, self.adds = expand != 1, stride == 1 and inputs == outputs

    def forward(self, x):
        y = self._swish(self._bn0(self._expand_conv(x))) if self.expands else x
        y = self._swish(self._bn1(self._depthwise_conv(y)))
        y = self._bn2(self._project_conv(y))
        return y + x if self.adds else y


class EfficientNetLite(nn.Module):
    STAGES = ((1, 3, 1, 1, 16), (2, 3, 2, 6, 24), (2, 5, 2, 6, 40), (3, 3, 2, 6, 80), (3, 5, 1, 6, 112), (4, 5, 2, 6, 192), (1, 3, 1, 6, 320))

    def __init__(self, width, depth):
        super().__init__()
        self._conv_stem = SameConv(3, 32, 3, 2)
        self._bn0 = nn.BatchNorm2d(32, 1e-3)
        blocks, inputs = [], 32
        for i, (repeats, kernel, stride, expand, channels) in enumerate(self.STAGES):
            wide = channels * width
            outputs = int(wide + 4) // 8 * 8
            outputs += 8 if outputs < 0.9 * wide else 0
            for k in range(repeats if i in (0, len(self.STAGES) - 1) else math.ceil(depth * repeats)):
                blocks.append(LiteBlock(inputs, outputs, kernel, stride if k == 0 else 1, expand))
                inputs = outputs
        self._blocks = nn.ModuleList(blocks)
        self._conv_head = SameConv(inputs, 1280, 1)
        self._bn1 = nn.BatchNorm2d(1280, 1e-3)
        self._avg_pooling = nn.AdaptiveAvgPool2d(1)
        self._dropout = nn.Dropout(0.2)
        self._fc = nn.Linear(1280, 1000)
        self._swish = nn.ReLU6()

    def forward(self, x):
        x = self._swish(self._bn0(self._conv_stem(x)))
        for block in self._blocks:
            x = block(x)
        x = self._swish(self._bn1(self._conv_head(x)))
        return self._fc(self._dropout(self._avg_pooling(x).flatten(1)))


NETWORKS = {
    "resnet18": lambda: torchvision.models.resnet18(weights=None),
    "resnet34": lambda: torchvision.models.resnet34(weights=None),
    "resnet50": lambda: torchvision.models.resnet50(weights=None),
    "resnet101": lambda: torchvision.models.resnet101(weights=None),
    "resnet152": lambda: torchvision.models.resnet152(weights=None),
    "cifar_resnet20": lambda: CifarResNet(3),
    "cifar_resnet32": lambda: CifarResNet(5),
    "resnet9_cifar10": ResNet9,
    "wrn16_10_cifar10": wrn_cifar.wrn16_10_cifar10,
    "wrn28_10_cifar10": wrn_cifar.wrn28_10_cifar10,
    "wrn40_8_cifar100": wrn_cifar.wrn40_8_cifar100,
    "mobilenet_v2": lambda: torchvision.models.mobilenet_v2(weights=None),
    "vgg11": lambda: torchvision.models.vgg11(weights=None),
    "vgg16_bn": lambda: torchvision.models.vgg16_bn(weights=None),
    "efficientnet_lite0": lambda: EfficientNetLite(1.0, 1.0),
    "efficientnet_lite1": lambda: EfficientNetLite(1.0, 1.1),
    "efficientnet_lite2": lambda: EfficientNetLite(1.1, 1.2),
}

# Name, height, width, and whether zoo.txt says what every module gives.
CASES = (
    ("resnet18", 224, 224, True), ("resnet18", 97, 131, True), ("resnet34", 64, 96, True), ("resnet34", 224, 224, False),
    ("resnet50", 96, 64, True), ("resnet50", 224, 224, False), ("cifar_resnet20", 32, 32, True), ("cifar_resnet20", 33, 47, True),
    ("cifar_resnet32", 32, 32, True), ("resnet9_cifar10", 33, 47, True), ("wrn16_10_cifar10", 32, 32, True), ("wrn28_10_cifar10", 32, 32, False),
    ("wrn40_8_cifar100", 32, 32, False), ("efficientnet_lite0", 224, 224, True), ("efficientnet_lite0", 97, 131, True),
    ("efficientnet_lite1", 240, 240, True), ("efficientnet_lite2", 260, 260, True), ("mobilenet_v2", 224, 224, True),
    ("mobilenet_v2", 97, 131, True), ("vgg11", 224, 224, False), ("vgg16_bn", 224, 448, False), ("resnet101", 64, 64, False),
    ("resnet152", 64, 64, False),
)


def fill(network):
    kinds = {"weight": "scale", "bias": "shift", "running_mean": "shift", "running_var": "variance"}
    for path, module in network.named_modules():
        is_norm = isinstance(module, nn.BatchNorm2d)
        if not is_norm and not isinstance(module, (nn.Conv2d, nn.Linear)):
            continue
        for name, tensor in module.state_dict().items():
            if name == "num_batches_tracked":
                continue
            kind = kinds[name] if is_norm else {"weight": "weight", "bias": "shift"}[name]
            values = parameter(f"{path}.{name}", tuple(tensor.shape), kind, SEED)
            tensor.copy_(torch.from_numpy(values))


def watch(network, calls):
    """Figures are taken inside the hook: a ReLU may overwrite its input afterwards."""

    def hook(path):
        def note(module, inputs, output):
            if isinstance(output, torch.Tensor):
                flat = output.flatten()
                figures = (flat.mean(), flat.abs().mean(), flat[0], flat[-1])
                calls.append((path, tuple(float(figure) for figure in figures)))
        return note

    for path, module in network.named_modules():
        if path != "":
            module.register_forward_hook(hook(path))


def lines_of(calls):
    total, seen = {}, {}
    for path, _ in calls:
        total[path] = total.get(path, 0) + 1
    for path, figures in calls:
        seen[path] = seen.get(path, 0) + 1
        name = path if seen[path] == total[path] else f"{path}#{seen[path]}"
        yield " ".join([name] + [f"{figure:.7g}" for figure in figures])


@torch.no_grad()
def main():
    folder = pathlib.Path(__file__).parent
    logits, lines = {}, []
    for name, height, width, is_watched in CASES:
        network = NETWORKS[name]().double().eval()
        calls = []
        fill(network)
        watch(network, calls)
        output = network(torch.from_numpy(picture("input", height, width, SEED)).double())
        logits[f"{name} {height}x{width}"] = output.float().numpy()
        if is_watched:
            lines += [f"case {name} {height} {width}", *lines_of(calls)]
        print(name, height, width, float(output.abs().max()))
    save_file(logits, folder / "zoo.safetensors")
    (folder / "zoo.txt").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
