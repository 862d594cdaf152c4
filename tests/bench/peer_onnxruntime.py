#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# step_3_cam with onnxruntime, whole process. The classifier's weights come from the state dict.
"""usage: peer_onnxruntime.py WEIGHTS PICTURE MODEL.onnx"""
import sys

import onnxruntime

import peer_steps


def main():
    weights, picture, path = sys.argv[1:4]
    session = onnxruntime.InferenceSession(path, providers=['CPUExecutionProvider'])
    crop, x = peer_steps.prepare(picture)
    logits, features = session.run(None, {'x': x})
    target = int(logits[0].argmax())
    classifier = peer_steps.state_dict(weights, ['fc.weight'])['fc.weight']
    peer_steps.draw(peer_steps.class_activation_map(features[0], classifier, target), crop)


if __name__ == '__main__':
    main()
