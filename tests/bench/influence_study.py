#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# What influence is worth on MNIST and CIFAR-10: oracle, retraining, wrong labels, speed. Nothing here passes or fails.
"""usage: influence_study.py BUILD DATA [oracle] [retraining] [labels] [query] [tracin]

BUILD: build folder. DATA: folder with mnist/, cifar10/ and cifar10-resnet/. Needs numpy and scipy; tracin: torch and captum.
Without names all are run."""
import ctypes
import json
import os
import struct
import subprocess
import sys
import tempfile
import time

import numpy as np
from scipy.optimize import minimize

HERE = os.path.dirname(os.path.abspath(__file__))
BUILD, DATA = (os.path.abspath(path) for path in sys.argv[1:3])
CLASSES = 10


# The library.

lib = ctypes.CDLL(os.path.join(BUILD, 'libxai', 'libxai.so'))
lib.xai_last_error.restype = ctypes.c_char_p
lib.xai_tensor_data.restype = lib.xai_image_pixels.restype = ctypes.c_void_p
for name in ('xai_tensor_data', 'xai_image_pixels'):
    getattr(lib, name).argtypes = [ctypes.c_void_p]


class InfluenceOptions(ctypes.Structure):
    _fields_ = [('struct_size', ctypes.c_size_t), ('method', ctypes.c_char_p), ('solver', ctypes.c_char_p),
                ('product', ctypes.c_char_p), ('profile', ctypes.c_char_p), ('parameters', ctypes.c_void_p),
                ('n_parameters', ctypes.c_size_t), ('learning_rates', ctypes.c_void_p), ('run', ctypes.c_void_p),
                ('damping', ctypes.c_double), ('tolerance', ctypes.c_double), ('scale', ctypes.c_double),
                ('max_iterations', ctypes.c_uint32), ('n_samples', ctypes.c_uint32), ('batch', ctypes.c_uint32),
                ('flags', ctypes.c_uint32)]


EXAMPLE = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.POINTER(ctypes.c_void_p), ctypes.POINTER(ctypes.c_int64),
                           ctypes.c_size_t, ctypes.c_void_p)


class TrainingOptions(ctypes.Structure):
    _fields_ = [('struct_size', ctypes.c_size_t), ('list', ctypes.c_char_p), ('cache', ctypes.c_char_p),
                ('classifier', ctypes.c_char_p), ('example', EXAMPLE), ('user', ctypes.c_void_p),
                ('n_examples', ctypes.c_size_t), ('run', ctypes.c_void_p), ('flags', ctypes.c_uint32),
                ('reserved', ctypes.c_uint32)]


def call(function, *arguments):
    """The object behind the out parameter."""
    out = ctypes.c_void_p()
    if function(ctypes.byref(out), *arguments) < 0:
        raise SystemExit(lib.xai_last_error().decode())
    return out


CONTEXT = call(lib.xai_context_create, None)


def tensor(array):
    array = np.ascontiguousarray(array, np.float32)
    shape = (ctypes.c_int64 * array.ndim)(*array.shape)
    out = call(lib.xai_tensor_create, CONTEXT, shape, ctypes.c_size_t(array.ndim))
    ctypes.memmove(lib.xai_tensor_data(out), array.ctypes.data, array.nbytes)
    return out


def integers(labels):
    return (ctypes.c_int64 * len(labels))(*(int(label) for label in labels))


def wrap(x, y, w, b):
    return call(lib.xai_training_wrap, CONTEXT, tensor(x), integers(y), tensor(w), tensor(b))


def influence(training, **options):
    o = InfluenceOptions(struct_size=ctypes.sizeof(InfluenceOptions), **options)
    return call(lib.xai_influence_create, ctypes.byref(training), ctypes.c_size_t(1), ctypes.byref(o))


def ask(method, inputs, labels, n_tests, n):
    scores = (ctypes.c_double * (n_tests * n))()
    if lib.xai_influence_compute(scores, None, method, inputs, integers(labels)) < 0:
        raise SystemExit(lib.xai_last_error().decode())
    return np.array(scores).reshape(n_tests, n)


def ask_self(method, n):
    scores, residual = (ctypes.c_double * n)(), ctypes.c_double()
    if lib.xai_influence_self(scores, ctypes.byref(residual), method) < 0:
        raise SystemExit(lib.xai_last_error().decode())
    return np.array(scores), residual.value


# Data.

def unpack(folder, side, *sheets):
    pairs = [f'{DATA}/{sheet}.png={DATA}/{sheet}.labels.txt' for sheet in sheets]
    subprocess.run([sys.executable, os.path.join(os.path.dirname(HERE), 'unpack_sheets.py'), folder, str(side), *pairs],
                   check=True, capture_output=True)
    return os.path.join(folder, 'list.txt')


def sheet(name, channels):
    """Pictures N x bytes and labels; needs no decoder but ours."""
    sys.path.insert(0, os.path.dirname(HERE))
    import unpack_sheets
    rows, _ = unpack_sheets.read_rows(f'{DATA}/{name}.png')
    with open(f'{DATA}/{name}.labels.txt', encoding='utf-8') as file:
        labels = np.array(file.read().split(), int)
    return np.frombuffer(b''.join(rows), np.uint8).reshape(len(rows), -1, channels), labels


def read_safetensors(path):
    with open(path, 'rb') as file:
        data = file.read()
    size = struct.unpack('<Q', data[:8])[0]
    header = json.loads(data[8:8 + size])
    return {name: np.frombuffer(data[8 + size:], np.float32, (o['data_offsets'][1] - o['data_offsets'][0]) // 4,
                                o['data_offsets'][0]).reshape(o['shape'])
            for name, o in header.items() if name != '__metadata__'}


def read_cache(path):
    """The features that xai influence --cache left."""
    data = np.fromfile(path, np.uint8)
    d = int(data[32:40].view(np.uint64)[0])
    return data[64:].reshape(-1, 16 + 4 * d)[:, 16:].copy().view(np.float32)


def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def losses(theta, x, y):
    z = x @ theta.T
    top = z.max(axis=1)
    return top + np.log(np.exp(z - top[:, None]).sum(axis=1)) - z[np.arange(len(y)), y]


def train(x, y, penalty, start=None, n=None):
    """Softmax regression with the penalty on everything; x has a last column of ones. n: what the mean divides by."""
    n, d = n or len(y), x.shape[1]
    one_hot = np.eye(CLASSES)[y]

    def value(theta):
        theta = theta.reshape(CLASSES, d)
        gradient = (softmax(x @ theta.T) - one_hot).T @ x / n + penalty * theta
        return losses(theta, x, y).sum() / n + penalty / 2 * (theta ** 2).sum(), gradient.ravel()

    start = np.zeros(CLASSES * d) if start is None else start.ravel()
    result = minimize(value, start, jac=True, method='L-BFGS-B',
                      options={'maxiter': 5000, 'gtol': 1e-8, 'ftol': 1e-16, 'maxcor': 30, 'maxfun': 10000})
    return result.x.reshape(CLASSES, d)


def with_ones(x):
    return np.hstack([x, np.ones((len(x), 1))])


def pearson(a, b):
    return float(np.corrcoef(a, b)[0, 1])


def features_of(folder, depth):
    """Features and labels of 4000 CIFAR pictures, and the network's last layer, by the command line."""
    path = f'{folder}/cifar{depth}'
    listing = unpack(path, 32, *(f'cifar10/cifar10_batch_{i}' for i in range(4)))
    tests = unpack(path + '-test', 32, 'cifar10/cifar10_test50')
    weights = f'{DATA}/cifar10-resnet/resnet{depth}.safetensors'
    common = [os.path.join(BUILD, 'examples', 'xai'), 'influence', '-m',
              os.path.join(HERE, '..', '..', 'examples', 'models', f'cifar_resnet{depth}.json'), '--weights', weights,
              '--train', listing, '--cache', path + '.cache', '--json', '-q']
    subprocess.run([*common, '--self'], check=True, capture_output=True)
    with open(listing, encoding='utf-8') as file:
        labels = np.array([line.split('\t')[1] for line in file], int)
    tensors = read_safetensors(weights)
    return common, tests, read_cache(path + '.cache'), labels, tensors['linear.weight'], tensors['linear.bias']


# Studies.

def study_oracle(folder):
    """Every score of three test pictures against a dense float64 inverse."""
    for depth in (20, 56):
        common, tests, x, y, w, b = features_of(folder, depth)
        damping, n = 0.001, len(y)
        ones, theta = with_ones(x.astype(np.float64)), np.hstack([w, b[:, None]]).astype(np.float64)
        p = softmax(ones @ theta.T)
        size = theta.size
        hessian = np.zeros((CLASSES, theta.shape[1], CLASSES, theta.shape[1]))
        for a in range(CLASSES):
            for c in range(CLASSES):
                weight = p[:, a] * ((a == c) - p[:, c]) / n
                hessian[a, :, c, :] = (ones * weight[:, None]).T @ ones
        g = ((p - np.eye(CLASSES)[y])[:, :, None] * ones[:, None, :]).reshape(n, -1)
        worst, residual = 0, 0
        for i in (0, 3, 11):
            picture = os.path.join(os.path.dirname(tests), f'{i:05d}.png')
            answer = json.loads(subprocess.run([*common, '--test', picture], check=True, capture_output=True).stdout)
            got = np.zeros(n)
            for example in answer['examples']:
                got[int(example['path'][:5])] = example['influence']
            listing = f'{folder}/one.txt'
            with open(listing, 'w', encoding='utf-8') as file:
                file.write(f'{picture}\t0\n')
            changed = [listing if word.endswith('list.txt') else f'{folder}/one-{depth}-{i}.cache' if word.endswith('.cache')
                       else word for word in common]
            subprocess.run([*changed, '--self'], check=True, capture_output=True)
            t = with_ones(read_cache(f'{folder}/one-{depth}-{i}.cache').astype(np.float64))
            pt = softmax(t @ theta.T)
            gt = ((pt - np.eye(CLASSES)[pt.argmax(axis=1)])[:, :, None] * t[:, None, :]).reshape(-1)
            expected = g @ np.linalg.solve(hessian.reshape(size, size) + damping * np.eye(size), gt) / n
            worst = max(worst, np.abs(got - expected).max() / np.abs(expected).max())
            residual = max(residual, answer['residual'])
        print(f'oracle: resnet{depth}, {n} CIFAR pictures: {worst:.1e} of the largest score apart, residual {residual:.1e}')


def study_retraining(_folder, n=1000, penalty=0.01, n_removed=60):
    """Loss after training again without an example, less the loss before, against the prediction."""
    pictures, labels = sheet('mnist/mnist_batch_0', 1)
    test_pictures, test_labels = sheet('mnist/mnist_batch_20', 1)
    x = with_ones(pictures[:n, :, 0] / 255.0)
    y = labels[:n]
    theta = train(x, y, penalty)
    tests = with_ones(test_pictures[:500, :, 0] / 255.0)
    wrong = int(np.flatnonzero((tests @ theta.T).argmax(axis=1) != test_labels[:500])[0])
    method = influence(wrap(x[:, :-1], y, theta[:, :-1], theta[:, -1]), damping=penalty, tolerance=1e-8)
    predicted = ask(method, tensor(tests[wrong:wrong + 1, :-1]), [test_labels[wrong]], 1, n)[0]
    order = np.argsort(-np.abs(predicted))
    half = n_removed // 2
    rest = np.random.default_rng(0).permutation(order[half:])[:half]
    removed = np.concatenate([order[:half], rest])
    before = losses(theta, tests[wrong:wrong + 1], test_labels[wrong:wrong + 1])[0]
    actual = []
    for i in removed:
        keep = np.arange(n) != i
        without = train(x[keep], y[keep], penalty, theta, n)
        actual.append(losses(without, tests[wrong:wrong + 1], test_labels[wrong:wrong + 1])[0] - before)
    print(f'retraining: {n} MNIST digits, test digit {wrong}, {n_removed} removed one by one: Pearson '
          f'{pearson(predicted[removed], actual):.4f} (largest half {pearson(predicted[removed[:half]], actual[:half]):.4f}, '
          f'random half {pearson(predicted[removed[half:]], actual[half:]):.4f}), '
          f'slope {np.polyfit(predicted[removed], actual, 1)[0]:.3f}')


def found(scores, flipped):
    first = np.argsort(-scores)[:len(scores) // 10]
    return np.isin(first, flipped).sum() / len(flipped)


def study_labels(folder, share=0.05, penalty=0.01):
    """Of 5 % labels flipped before training, how many are in the first 10 % by self-influence."""
    _, _, x, y, _, _ = features_of(folder, 20)
    pictures, digits = sheet('mnist/mnist_batch_0', 1)
    flat = pictures[:, :, 0] / 255.0
    centred = flat - flat.mean(axis=0)
    axes = np.linalg.svd(centred, full_matrices=False)[2][:50]
    for name, features, labels in (('CIFAR, features of resnet20', x, y), ('MNIST, 50 components', centred @ axes.T, digits)):
        for seed in range(3):
            rng = np.random.default_rng(seed)
            flipped = rng.permutation(len(labels))[:int(share * len(labels))]
            noisy = labels.copy()
            noisy[flipped] = (labels[flipped] + rng.integers(1, CLASSES, len(flipped))) % CLASSES
            features = features.astype(np.float32)
            theta = train(with_ones(features.astype(np.float64)), noisy, penalty)
            training = wrap(features, noisy, theta[:, :-1], theta[:, -1])
            scores, residual = ask_self(influence(training, damping=penalty), len(labels))
            fast, _ = ask_self(influence(training, method=b'tracin-fast'), len(labels))
            own = losses(theta, with_ones(features), noisy)
            print(f'labels: {name}, seed {seed}: {100 * found(scores, flipped):.1f} % of {len(flipped)} found in the first '
                  f'10 % (tracin-fast {100 * found(fast, flipped):.1f} %, loss {100 * found(own, flipped):.1f} %), '
                  f'residual {residual:.1e}')


def best(function, rounds=7):
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return min(times)


def study_query(folder):
    """One test example against 10,000 with cached features."""
    _, _, x, y, w, b = features_of(folder, 20)
    x, y = np.tile(x, (3, 1))[:10000], np.tile(y, 3)[:10000]
    training = wrap(x, y, w, b)
    start = time.perf_counter()
    method = influence(training)
    ready = time.perf_counter() - start
    test = tensor(x[5:6] + 0.01)
    seconds = best(lambda: ask(method, test, [-1], 1, 10000), 20)
    start = time.perf_counter()
    ask_self(method, 10000)
    print(f'query: 10,000 examples, 64 features, 10 classes: {1e3 * seconds:.2f} ms; the factor, once: {ready:.2f} s; '
          f'self-influence of all: {time.perf_counter() - start:.2f} s')


def torch_resnet20(tensors):
    import torch
    from torch.nn import functional as F

    class Block(torch.nn.Module):
        def __init__(self, before, channels, stride):
            super().__init__()
            self.conv1 = torch.nn.Conv2d(before, channels, 3, stride, 1, bias=False)
            self.bn1 = torch.nn.BatchNorm2d(channels)
            self.conv2 = torch.nn.Conv2d(channels, channels, 3, 1, 1, bias=False)
            self.bn2 = torch.nn.BatchNorm2d(channels)
            self.pad = (channels - before) // 2

        def forward(self, x):
            y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
            short = F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, self.pad, self.pad)) if self.pad else x
            return F.relu(y + short)

    class Net(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.conv1, self.bn1 = torch.nn.Conv2d(3, 16, 3, 1, 1, bias=False), torch.nn.BatchNorm2d(16)
            for i, (before, channels) in enumerate(((16, 16), (16, 32), (32, 64)), 1):
                blocks = [Block(before if k == 0 else channels, channels, 2 if k == 0 and i > 1 else 1) for k in range(3)]
                setattr(self, f'layer{i}', torch.nn.Sequential(*blocks))
            self.linear = torch.nn.Linear(64, 10)

        def forward(self, x):
            x = self.layer3(self.layer2(self.layer1(F.relu(self.bn1(self.conv1(x))))))
            return self.linear(x.mean(dim=(2, 3)))

    net = Net().eval()
    net.load_state_dict({name: torch.from_numpy(values.copy()) for name, values in tensors.items()}, strict=False)
    return net


def study_tracin(folder):
    """TracInCPFast, 1000 x 10 on resnet20, from pictures in memory to scores, beside captum."""
    import torch
    from captum.influence import TracInCPFast
    weights = f'{DATA}/cifar10-resnet/resnet20.safetensors'
    pictures, labels = sheet('cifar10/cifar10_batch_0', 3)
    tests, test_labels = (part[:10] for part in sheet('cifar10/cifar10_test50', 3))
    mean, std = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])

    def prepare(rows):
        return ((rows.reshape(-1, 32, 32, 3) / 255 - mean) / std).transpose(0, 3, 1, 2).astype(np.float32).copy()

    net = torch_resnet20(read_safetensors(weights))
    train_set = torch.utils.data.TensorDataset(torch.from_numpy(prepare(pictures)), torch.from_numpy(labels))
    captum = TracInCPFast(net, net.linear, train_set, ['as it is'], lambda model, path: 1.0,
                          loss_fn=torch.nn.CrossEntropyLoss(reduction='sum'), batch_size=100)
    x_test, y_test = torch.from_numpy(prepare(tests)), torch.from_numpy(test_labels)

    model = call(lib.xai_model_build, CONTEXT, b'cifar_resnet20', weights.encode(), None)
    session = call(lib.xai_session_create, model, None)
    raw = [row.tobytes() for row in pictures]

    @EXAMPLE
    def example(image, label, index, _user):
        label[0] = int(labels[index])
        return lib.xai_image_create(image, CONTEXT, raw[index], 32, 32) if image else 0

    options = TrainingOptions(struct_size=ctypes.sizeof(TrainingOptions), example=example, n_examples=1000)
    inputs = tensor(prepare(tests))

    def ours():
        training = call(lib.xai_training_open, session, ctypes.byref(options))
        method = influence(training, method=b'tracin-fast', profile=b'captum')
        scores = ask(method, inputs, test_labels, 10, 1000)
        lib.xai_influence_unref(method)
        lib.xai_training_unref(training)
        return scores

    def theirs():
        return captum.influence((x_test, y_test)).detach().numpy()

    expected, got = theirs(), ours()
    times = [(best(ours, 1), best(theirs, 1)) for _ in range(7)]
    mine, other = (min(pair[i] for pair in times) for i in (0, 1))
    training = call(lib.xai_training_open, session, ctypes.byref(options))
    method = influence(training, method=b'tracin-fast', profile=b'captum')
    again = best(lambda: ask(method, inputs, test_labels, 10, 1000))
    print(f'tracin: fast, 1000 x 10, resnet20: {1e3 * mine:.0f} ms, captum {1e3 * other:.0f} ms: {other / mine:.2f} times; '
          f'with features cached {1e3 * again:.1f} ms: {other / again:.0f} times; '
          f'{np.abs(got - expected).max() / np.abs(expected).max():.1e} of the largest apart')


STUDIES = {name[6:]: study for name, study in list(globals().items()) if name.startswith('study_')}


def main():
    for name in sys.argv[3:] or STUDIES:
        with tempfile.TemporaryDirectory() as folder:
            STUDIES[name](folder)
        sys.stdout.flush()


if __name__ == '__main__':
    main()
