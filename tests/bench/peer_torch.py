#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# step_3_cam with torch and torchvision, whole process. With a third argument: writes the network as ONNX instead.
"""usage: peer_torch.py WEIGHTS PICTURE [MODEL.onnx]"""
import sys

import torch
import torchvision

import peer_steps


class WithFeatures(torch.nn.Module):
    """The network with layer4 as a second output."""

    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self, x):
        features = []
        handle = self.net.layer4.register_forward_hook(lambda module, inputs, output: features.append(output))
        logits = self.net(x)
        handle.remove()
        return logits, features[0]


def main():
    weights, picture = sys.argv[1:3]
    tensors = peer_steps.state_dict(weights)
    net = torchvision.models.resnet18(weights=None)
    net.load_state_dict({name: torch.from_numpy(values) for name, values in tensors.items()}, strict=False)
    model = WithFeatures(net.eval())
    crop, x = peer_steps.prepare(picture)
    if len(sys.argv) > 3:
        torch.onnx.export(model, torch.from_numpy(x), sys.argv[3], input_names=['x'], dynamo=False)
        return
    with torch.no_grad():
        logits, features = model(torch.from_numpy(x))
    target = int(logits[0].argmax())
    peer_steps.draw(peer_steps.class_activation_map(features[0].numpy(), tensors['fc.weight'], target), crop)


if __name__ == '__main__':
    main()
