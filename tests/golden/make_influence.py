#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Writes influence.safetensors: influence by a float64 oracle in NumPy, and by captum's TracInCP, on small problems.
"""usage: make_influence.py [OUT.safetensors]; needs numpy, torch, captum and safetensors."""
import pathlib
import sys
import tempfile

import numpy as np
import torch
from captum.influence import TracInCP, TracInCPFast
from safetensors.numpy import save_file

HERE = pathlib.Path(__file__).resolve().parent
N, D, C, T = 150, 12, 5, 6
DAMPING = 0.001
RATES = [0.1, 0.05, 0.02]


def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def oracle(x, y, w, b, x_test, y_test, damping):
    """The Hessian as the sum of its blocks, inverted as a whole."""
    def gradients(features, labels):
        ones = np.hstack([features, np.ones((len(features), 1))]) if b is not None else features
        p = softmax(features @ w.T + (0 if b is None else b))
        return ones, p, (p - np.eye(len(w))[labels])[:, :, None] * ones[:, None, :]

    ones, p, g = gradients(x, y)
    hessian = sum(np.kron(np.diag(pi) - np.outer(pi, pi), np.outer(xi, xi)) for pi, xi in zip(p, ones)) / len(x)
    inverse = np.linalg.inv(hessian + damping * np.eye(len(hessian)))
    g = g.reshape(len(x), -1)
    g_test = gradients(x_test, y_test)[2].reshape(len(x_test), -1)
    parameters = (np.hstack([w, b[:, None]]) if b is not None else w).ravel()
    return {
        'scores': g_test @ inverse @ g.T / len(x),
        'penalised': g_test @ inverse @ (g + damping * parameters).T / len(x),
        'self': np.einsum('ik,kl,il->i', g, inverse, g) / len(x),
    }


def linear(out, rng):
    x, x_test = (rng.normal(size=(n, D)).astype(np.float32) for n in (N, T))
    w = (0.7 * rng.normal(size=(C, D))).astype(np.float32)
    b = (0.3 * rng.normal(size=C)).astype(np.float32)
    y, y_test = rng.integers(0, C, N), rng.integers(0, C, T)
    out |= {'x': x, 'x_test': x_test, 'w': w, 'b': b, 'y': y.astype(np.float32), 'y_test': y_test.astype(np.float32)}
    wide = [a.astype(np.float64) for a in (x, w, b, x_test)]
    with_bias = oracle(wide[0], y, wide[1], wide[2], wide[3], y_test, DAMPING)
    without = oracle(wide[0], y, wide[1], None, wide[3], y_test, DAMPING)
    out |= {name: value for name, value in with_bias.items()}
    out |= {'nobias.' + name: value for name, value in without.items()}


class Network(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = torch.nn.Conv2d(3, 4, 3, padding=1)
        self.fc = torch.nn.Linear(4, 3)

    def forward(self, x):
        return self.fc(torch.relu(self.conv(x)).mean(dim=(2, 3)))


def checkpoints(folder, out):
    paths = []
    for i in range(len(RATES)):
        network = Network()
        paths.append(f'{folder}/{i}.pt')
        torch.save(network.state_dict(), paths[-1])
        out |= {f'{i}.{name}': value.numpy() for name, value in network.state_dict().items()}
    return paths


def tracin(out):
    torch.manual_seed(5)
    pictures, tests = torch.randint(0, 256, (10, 3, 6, 6)), torch.randn(3, 3, 6, 6)
    images = (pictures * (1 / 255) - 0.5) / 0.25
    labels, test_labels = torch.randint(0, 3, (10,)), torch.randint(0, 3, (3,))
    network = Network()
    loss = torch.nn.CrossEntropyLoss(reduction='sum')
    train = torch.utils.data.TensorDataset(images, labels)
    out |= {'images': pictures.numpy(), 'tests': tests.numpy(), 'labels': labels.numpy().astype(np.float32),
            'test_labels': test_labels.numpy().astype(np.float32)}

    def load(model, path):
        model.load_state_dict(torch.load(path))
        return RATES[int(pathlib.Path(path).stem)]

    with tempfile.TemporaryDirectory() as folder:
        paths = checkpoints(folder, out)
        whole = TracInCP(network, train, paths, load, loss_fn=loss, batch_size=5, sample_wise_grads_per_batch=True)
        fast = TracInCPFast(network, network.fc, train, paths, load, loss_fn=loss, batch_size=5)
        for name, method in (('tracin', whole), ('fast', fast)):
            out[name + '.scores'] = method.influence((tests, test_labels)).detach().numpy()
            out[name + '.self'] = method.self_influence((images, labels)).detach().numpy()


def main():
    out = {'rates': np.array(RATES, np.float32)}
    linear(out, np.random.default_rng(8))
    tracin(out)
    path = sys.argv[1] if len(sys.argv) > 1 else HERE / 'influence.safetensors'
    save_file({name: np.ascontiguousarray(value, dtype=np.float32) for name, value in out.items()}, path)


if __name__ == '__main__':
    main()
