# SPDX-License-Identifier: MIT
"""Makes gradients.safetensors: gradients of the top logit of whole networks, by PyTorch's autograd in double precision.

Run: python3 make_gradients.py [WORDS] (needs numpy, Pillow, torch, torchvision, pytorchcv, safetensors, and XAI_TEST_DATA). With
WORDS, only cases whose names hold them are made; the others stay as they are in the file.

A case is called "NETWORK HxW INPUT RULE". INPUT is
  random   weights drawn from seed 7, and draw.py's picture("input", H, W, 7);
  catdog   $XAI_TEST_DATA/imagenet-resnet18-pq/resnet18.safetensors, and $XAI_TEST_DATA/../golden/catdog/input.npy;
  cifarN   $XAI_TEST_DATA/cifar10-resnet/resnet56.safetensors, and row N of cifar10/cifar10_test50.png, as the model prepares it.
RULE is plain, guided (each ReLU and ReLU6 lets only positive gradients through, behind its own slope) or deconvnet (the same in place
of its slope). All tensors are float32; a case has

  CASE/figures      target class, its logit, stride, sum of absolutes, Euclidean norm, sum of gradient times input, and how far
                    PyTorch's own float32 is from double precision (Euclidean, relative to the norm). Where an
                    activation's input lies on a kink but for rounding, or two maxima are equal but for rounding, it is not small
  CASE/input        gradient of the input: every stride-th row and column of every channel, from row 0 and column 0
  CASE/value/NAME   gradient of the output of module NAME: its mean over rows and columns, a number a channel
  CASE/weight/NAME  gradient of parameter NAME: all of it up to 1024 elements, else every 97 * ceil(size / 97 / 256)-th, from element 0
"""
import math
import os
import pathlib
import sys

import numpy as np
import torch
from PIL import Image
from safetensors.numpy import load_file, save_file
from torch import nn

from draw import picture
from make_zoo import NETWORKS, SEED, CifarResNet, fill

DATA = pathlib.Path(os.environ.get("XAI_TEST_DATA", "."))
RESNET = (("layer1", "layer2.0.conv1", "layer3.0", "layer4.1.conv2"), ("bn1.weight", "bn1.bias", "conv1.weight", "layer4.1.conv2.weight", "fc.bias"))
CIFAR = (("layer1.4", "layer2.0.bn2", "layer3.8"), ("bn1.weight", "bn1.bias", "conv1.weight", "layer2.0.conv1.weight", "linear.weight"))
WIDE = (("features.stage2.unit1", "features.stage3.unit2.body.conv1.conv"), ("features.stage2.unit1.body.conv1.bn.weight", "features.init_block.weight"))
LITE = (("_blocks.1", "_blocks.5._depthwise_conv", "_conv_head"), ("_bn0.weight", "_bn0.bias", "_blocks.3._depthwise_conv.weight", "_fc.bias"))
NETWORKS["cifar_resnet56"] = lambda: CifarResNet(9)

# Network, height, width, input, rule, stride, then modules and parameters to look at.
CASES = (
    ("resnet18", 224, 224, "random", "plain", 14, *RESNET), ("resnet18", 97, 131, "random", "plain", 7, *RESNET),
    ("resnet18", 97, 131, "random", "guided", 7, (), ()), ("resnet18", 97, 131, "random", "deconvnet", 7, (), ()),
    ("resnet18", 224, 224, "catdog", "plain", 14, *RESNET), ("resnet18", 224, 224, "catdog", "guided", 14, (), ()),
    ("cifar_resnet56", 32, 32, "random", "plain", 2, *CIFAR), ("cifar_resnet56", 32, 32, "cifar3", "plain", 2, *CIFAR),
    ("wrn16_10_cifar10", 32, 32, "random", "plain", 2, *WIDE), ("wrn16_10_cifar10", 32, 32, "random", "guided", 2, (), ()),
    ("efficientnet_lite0", 224, 224, "random", "plain", 14, *LITE), ("efficientnet_lite0", 65, 97, "random", "plain", 5, *LITE),
    ("efficientnet_lite0", 65, 97, "random", "guided", 5, (), ()),
)


def load_input(source, height, width):
    if source == "catdog":
        return np.load(DATA / "../golden/catdog/input.npy").reshape(1, 3, height, width)
    if source == "random":
        return picture("input", height, width, SEED)
    rows = np.asarray(Image.open(DATA / "cifar10/cifar10_test50.png").convert("RGB"))
    pixels = rows[int(source.removeprefix("cifar"))].reshape(height, width, 3).astype(np.float32) * np.float32(1 / 255)
    pixels = (pixels - np.float32([0.485, 0.456, 0.406])) / np.float32([0.229, 0.224, 0.225])
    return np.ascontiguousarray(pixels.transpose(2, 0, 1)[None])


def load_network(name, source):
    network = NETWORKS[name]().eval()
    with torch.no_grad():
        if source == "random":
            fill(network)
        else:
            path = "imagenet-resnet18-pq/resnet18" if source == "catdog" else "cifar10-resnet/resnet56"
            state = {key: torch.from_numpy(value) for key, value in load_file(DATA / f"{path}.safetensors").items()}
            missing = network.load_state_dict(state, strict=False)
            assert not missing.unexpected_keys and all(key.endswith("num_batches_tracked") for key in missing.missing_keys)
    return network


def set_rule(network, rule):
    """Hooks on modules only: the networks with functional activations are used with the plain rule."""
    hooks = {"guided": lambda _, inputs, outputs: (inputs[0].clamp(min=0),), "deconvnet": lambda _, inputs, outputs: (outputs[0].clamp(min=0),)}
    for module in network.modules():
        if isinstance(module, (nn.ReLU, nn.ReLU6)):
            module.inplace = False
            if rule != "plain":
                module.register_full_backward_hook(hooks[rule])


def backward(network, x, target, modules):
    """The top class or the one given, its logit, and gradients of the input and of the modules' outputs."""
    values, handles = {}, []
    for name in modules:
        def note(module, inputs, output, name=name):
            output.retain_grad()
            values[name] = output
        handles.append(network.get_submodule(name).register_forward_hook(note))
    x = torch.from_numpy(x).to(next(network.parameters()).dtype).requires_grad_()
    network.zero_grad()
    logits = network(x)
    target = int(logits.argmax()) if target is None else target
    logits[0, target].backward()
    for handle in handles:
        handle.remove()
    return target, logits[0, target].item(), x.grad[0].numpy().astype(np.float64), {name: value.grad[0] for name, value in values.items()}


def name_of(network_name, height, width, source, rule, *_):
    return f"{network_name} {height}x{width} {source} {rule}"


def make_case(tensors, network_name, height, width, source, rule, stride, modules, parameters):
    case = name_of(network_name, height, width, source, rule)
    network, x = load_network(network_name, source), load_input(source, height, width)
    set_rule(network, rule)
    single = backward(network, x, None, ())
    target, logit, gradient, values = backward(network.double(), x, single[0], modules)
    norm = np.linalg.norm(gradient)
    error = np.linalg.norm(single[2] - gradient) / norm
    figures = [target, logit, stride, np.abs(gradient).sum(), norm, (gradient * x[0]).sum(), error]
    tensors[f"{case}/figures"] = np.array(figures, np.float32)
    tensors[f"{case}/input"] = np.ascontiguousarray(gradient[:, ::stride, ::stride].astype(np.float32))
    for name, value in values.items():
        tensors[f"{case}/value/{name}"] = value.mean((1, 2)).float().numpy()
    for name in parameters:
        elements = network.get_parameter(name).grad.float().numpy().ravel()
        tensors[f"{case}/weight/{name}"] = elements[::97 * math.ceil(elements.size / 97 / 256) if elements.size > 1024 else 1].copy()
    print(case, *(f"{figure:.6g}" for figure in figures))


def main(words):
    path = pathlib.Path(__file__).with_name("gradients.safetensors")
    old = load_file(path) if words and path.exists() else {}
    names = [name_of(*case) for case in CASES]
    tensors = {key: value for key, value in old.items() if key.split("/")[0] in names}
    for case, name in zip(CASES, names):
        if words in name:
            make_case(tensors, *case)
    save_file(tensors, path)
    print(f"{path.name}: {len(tensors)} tensors, {path.stat().st_size} bytes")


if __name__ == "__main__":
    main(" ".join(sys.argv[1:]))
