# SPDX-License-Identifier: MIT
"""Makes ops.safetensors: operators with many attributes, and what PyTorch computes for them in double precision.

Run: python3 make_ops.py (needs numpy, torch, safetensors). Case OPERATOR/WORDS has tensors .../input0, /input1 ...,
/attributes (the order is below and in unit/ops.c) and /output.
"""
import pathlib

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.numpy import save_file

from draw import draw

tensors = {}
MAX_RANK = 8


def attributes(kernel=(1, 1), stride=(1, 1), dilation=(1, 1), pads=(0, 0, 0, 0), groups=1, axis=0, ceil_mode=0, count_pad=0,
               low=0, high=0, epsilon=0, begin=(), end=(), step=(), shape=()):
    row = [*kernel, *stride, *dilation, *pads, groups, axis, ceil_mode, count_pad, low, high, epsilon, len(shape)]
    for part in (begin, end, step, shape):
        row += list(part) + [0] * (MAX_RANK - len(part))
    return np.array(row, np.float32)


def case(name, inputs, compute, **settings):
    assert f"{name}/output" not in tensors, name
    output = compute(*[torch.from_numpy(x).double() for x in inputs])
    for i, x in enumerate(inputs):
        tensors[f"{name}/input{i}"] = x
    tensors[f"{name}/attributes"] = attributes(**settings)
    tensors[f"{name}/output"] = np.array(output.float().numpy(), order="C")


def torch_pads(pads):
    top, left, bottom, right = pads
    return (left, right, top, bottom)


def convolve(x, w, b=None, pads=(0, 0, 0, 0), stride=1, dilation=1, groups=1):
    return F.conv2d(F.pad(x, torch_pads(pads)), w, b, stride, 0, dilation, groups)


def conv(words, x, channels, kernel, bias=True, **settings):
    groups = settings.get("groups", 1)
    name = f"Conv/{words}"
    inputs = [draw(name + "x", (1, *x), -1, 1), draw(name + "w", (channels, x[0] // groups, *kernel), -1, 1)]
    if bias:
        inputs.append(draw(name + "b", (channels,), -1, 1))

    case(name, inputs, lambda x, w, b=None: convolve(x, w, b, **settings), kernel=kernel, **settings)


def pool_maximum(x, kernel, pads=(0, 0, 0, 0), stride=(1, 1), dilation=(1, 1), ceil_mode=0):
    symmetric = pads[:2] == pads[2:]
    if not symmetric:
        x = F.pad(x, torch_pads(pads), value=-np.inf)
    return F.max_pool2d(x, kernel, stride, pads[:2] if symmetric else 0, dilation, bool(ceil_mode))


def max_pool(words, x, kernel, **settings):
    name = f"MaxPool/{words}"
    case(name, [x if isinstance(x, np.ndarray) else draw(name, (1, *x), -1, 1)],
         lambda x: pool_maximum(x, kernel, **settings), kernel=kernel, **settings)


def pool_average(x, kernel, pads=(0, 0, 0, 0), stride=(1, 1), ceil_mode=0, count_pad=0):
    if pads[:2] == pads[2:]:
        return F.avg_pool2d(x, kernel, stride, pads[:2], bool(ceil_mode), bool(count_pad))
    inside = F.avg_pool2d(F.pad(torch.ones_like(x), torch_pads(pads)), kernel, stride)
    average = F.avg_pool2d(F.pad(x, torch_pads(pads)), kernel, stride)
    return average if count_pad else average / inside


def average_pool(words, x, kernel, **settings):
    case(f"AveragePool/{words}", [draw(words, (1, *x), -1, 1)], lambda x: pool_average(x, kernel, **settings),
         kernel=kernel, **settings)


def make_convolutions():
    conv("1x1", (5, 4, 7), 6, (1, 1))
    conv("1x1 strided without bias", (5, 7, 6), 3, (1, 1), bias=False, stride=(2, 2))
    conv("1x1 padded", (3, 4, 4), 2, (1, 1), pads=(1, 1, 1, 1))
    conv("3x3", (4, 6, 5), 7, (3, 3), pads=(1, 1, 1, 1))
    conv("3x3 without padding", (4, 6, 5), 7, (3, 3), bias=False)
    conv("3x3 strided on even input", (3, 8, 8), 5, (3, 3), stride=(2, 2), pads=(1, 1, 1, 1))
    conv("3x3 strided on odd input", (3, 7, 9), 5, (3, 3), stride=(2, 2), pads=(1, 1, 1, 1))
    conv("3x3 padded right and bottom", (3, 8, 6), 5, (3, 3), stride=(2, 2), pads=(0, 0, 1, 1))
    conv("3x3 padded left and top", (3, 8, 6), 5, (3, 3), stride=(2, 2), pads=(1, 1, 0, 0))
    conv("3x3 of many channels", (33, 5, 4), 17, (3, 3), pads=(1, 1, 1, 1))
    conv("3x3 dilated", (4, 9, 8), 3, (3, 3), dilation=(2, 2), pads=(2, 2, 2, 2))
    conv("3x3 dilated and strided", (2, 11, 10), 3, (3, 3), stride=(2, 3), dilation=(3, 2), pads=(3, 0, 1, 2))
    conv("3x3 in groups", (6, 5, 6), 9, (3, 3), groups=3, pads=(1, 1, 1, 1))
    conv("1x1 in groups", (8, 3, 3), 4, (1, 1), groups=4, bias=False)
    conv("depthwise 3x3", (7, 6, 5), 7, (3, 3), groups=7, pads=(1, 1, 1, 1))
    conv("depthwise 5x5 strided", (5, 9, 8), 5, (5, 5), groups=5, stride=(2, 2), pads=(1, 2, 2, 2))
    conv("depthwise with multiplier", (3, 6, 6), 6, (3, 3), groups=3)
    conv("7x7 stem", (3, 15, 14), 4, (7, 7), stride=(2, 2), pads=(3, 3, 3, 3), bias=False)
    conv("1x7", (3, 5, 9), 4, (1, 7), pads=(0, 3, 0, 3))
    conv("7x1 with uneven strides", (3, 9, 5), 4, (7, 1), stride=(3, 1), pads=(2, 0, 4, 0))
    conv("2x4", (3, 6, 7), 4, (2, 4), pads=(1, 0, 0, 3))
    conv("window as large as the input", (4, 5, 3), 6, (5, 3))
    conv("padding wider than the kernel", (2, 3, 3), 2, (2, 2), pads=(3, 2, 3, 4))


def make_pools():
    max_pool("3x3 stem", (3, 9, 10), (3, 3), stride=(2, 2), pads=(1, 1, 1, 1))
    max_pool("2x2 drops the odd row", (3, 7, 9), (2, 2), stride=(2, 2))
    max_pool("2x2 rounded up", (3, 7, 9), (2, 2), stride=(2, 2), ceil_mode=1)
    max_pool("3x3 rounded up", (2, 8, 6), (3, 3), stride=(2, 2), ceil_mode=1)
    max_pool("rounded up, but no window starts in the padding", (2, 5, 4), (2, 2), stride=(3, 3), pads=(1, 1, 1, 1), ceil_mode=1)
    max_pool("uneven padding", (3, 8, 7), (3, 3), stride=(2, 2), pads=(0, 0, 1, 1))
    max_pool("uneven kernel", (2, 6, 9), (2, 5), stride=(1, 2), pads=(0, 2, 0, 2))
    max_pool("dilated", (2, 9, 8), (3, 3), dilation=(2, 2), pads=(1, 1, 1, 1))
    x = draw("nan", (1, 1, 5, 6), -1, 1)
    x[0, 0, 1, 2] = x[0, 0, 4, 5] = np.nan
    x[0, 0, :2, :2] = -np.inf
    max_pool("NaN and infinity", x, (2, 2))
    average_pool("2x2", (3, 6, 8), (2, 2), stride=(2, 2))
    average_pool("3x3 inside", (3, 6, 8), (3, 3), pads=(1, 1, 1, 1))
    average_pool("3x3 counting the padding", (3, 6, 8), (3, 3), pads=(1, 1, 1, 1), count_pad=1)
    average_pool("rounded up", (2, 7, 6), (3, 3), stride=(2, 2), pads=(1, 1, 1, 1), ceil_mode=1)
    average_pool("rounded up counting the padding", (2, 8, 6), (3, 3), stride=(2, 2), pads=(1, 1, 1, 1), ceil_mode=1, count_pad=1)
    average_pool("uneven padding", (2, 7, 6), (3, 2), stride=(2, 2), pads=(0, 1, 2, 0))
    average_pool("uneven padding counted", (2, 7, 6), (3, 2), stride=(2, 2), pads=(0, 1, 2, 0), count_pad=1)
    for shape in ((5, 7, 7), (3, 1, 1), (2, 3, 5)):
        case(f"GlobalAveragePool/{shape}", [draw(str(shape), (1, *shape), -1, 1)], lambda x: x.mean((2, 3), keepdim=True))


def make_activations():
    x = np.concatenate([draw("activation", (56,), -8, 8), np.array([0, 6, -3, 3, np.inf, -np.inf, np.nan, 1e-30], np.float32)])
    x = x.reshape(1, 4, 4, 4)
    finite = np.where(np.isinf(x), np.float32(50), x)
    case("Relu/map", [x], F.relu)
    case("Clip/relu6", [x], F.relu6, low=0, high=6)
    case("Clip/away from zero", [x], lambda x: x.clamp(1, 2.5), low=1, high=2.5)
    case("Sigmoid/map", [x], torch.sigmoid)
    case("Silu/map", [finite], F.silu)
    case("HardSigmoid/torch", [x], F.hardsigmoid, low=1 / 6, high=0.5)
    case("HardSigmoid/onnx", [x], lambda x: (0.2 * x + 0.5).clamp(0, 1), low=0.2, high=0.5)
    case("HardSwish/map", [finite], F.hardswish)
    case("Identity/map", [x], lambda x: x)


def make_norms():
    for words, shape, epsilon in (("map", (1, 6, 3, 4), 1e-5), ("row", (1, 9), 1e-3), ("two images", (2, 3, 2, 2), 1e-5)):
        n = shape[1]
        inputs = [draw(words, shape, -2, 2), draw(words + "g", (n,), -1, 1), draw(words + "b", (n,), -1, 1),
                  draw(words + "m", (n,), -1, 1), draw(words + "v", (n,), 0, 2)]
        case(f"BatchNormalization/{words}", inputs,
             lambda x, g, b, m, v, epsilon=epsilon: F.batch_norm(x, m, v, g, b, False, 0, epsilon), epsilon=epsilon)


def make_broadcasts():
    pairs = {"equal": ((1, 3, 4, 5), (1, 3, 4, 5)), "channels": ((1, 3, 4, 5), (1, 3, 1, 1)), "channels first": ((1, 3, 1, 1), (1, 3, 4, 5)),
             "lower rank": ((1, 3, 4, 5), (4, 1)), "both ways": ((1, 3, 1, 5), (4, 1)), "scalar": ((1, 7), ()), "scalars": ((), ())}
    for words, (a, b) in pairs.items():
        inputs = [draw(words + "a", a, -2, 2), draw(words + "b", b, -2, 2)]
        case(f"Add/{words}", inputs, torch.add)
        case(f"Mul/{words}", inputs, torch.mul)


def make_shapes():
    parts = [draw(f"part{i}", (1, c, 3, 2), -1, 1) for i, c in enumerate((2, 5, 1))]
    case("Concat/channels", parts, lambda *parts: torch.cat(parts, 1), axis=1)
    case("Concat/one part", parts[:1], lambda x: x, axis=1)
    case("Concat/columns", [draw(f"column{i}", (1, 2, 3, n), -1, 1) for i, n in enumerate((1, 4))],
         lambda *parts: torch.cat(parts, 3), axis=3)
    x = draw("slice", (1, 6, 7, 9), -1, 1)
    case("Slice/every second pixel", [x], lambda x: x[:, :, ::2, ::2], begin=(0, 0, 0, 0), end=(1, 6, 7, 9), step=(1, 1, 2, 2))
    case("Slice/inside", [x], lambda x: x[:, 2:5, 1:7, 3:8:4], begin=(0, 2, 1, 3), end=(1, 5, 7, 8), step=(1, 1, 1, 4))
    case("Slice/step beyond the end", [x], lambda x: x[:, 1:2, :, ::9], begin=(0, 1, 0, 0), end=(1, 2, 7, 9), step=(1, 4, 1, 9))
    case("Pad/channels", [x], lambda x: F.pad(x, (0, 0, 0, 0, 2, 1)), begin=(0, 2, 0, 0), end=(0, 1, 0, 0))
    case("Pad/with a number", [x], lambda x: F.pad(x, (1, 0, 2, 3), value=-1.5), begin=(0, 0, 2, 1), end=(0, 0, 3, 0), low=-1.5)
    case("Reshape/flatten", [x], lambda x: x.flatten(1), shape=(1, 378))
    case("Reshape/more dimensions", [x], lambda x: x.reshape(1, 2, 3, 7, 3, 3), shape=(1, 2, 3, 7, 3, 3))


def make_rows():
    for words, (rows, depth, n, bias) in {"row": (1, 13, 7, True), "without bias": (1, 5, 4, False), "rows": (3, 6, 5, True)}.items():
        inputs = [draw(words + "x", (rows, depth), -1, 1), draw(words + "w", (n, depth), -1, 1)]
        inputs += [draw(words + "b", (n,), -1, 1)] if bias else []
        case(f"Gemm/{words}", inputs, F.linear)
    x, indices = draw("gather", (2, 5), -1, 1), np.array([4, 0, 4, 2, 2, 1, 4], np.float32)
    case("Gather/columns", [x, indices], lambda x, i: x[:, i.long()])
    case("Gather/none", [x, indices[:0]], lambda x, i: x[:, i.long()])
    x = draw("scatter", (2, 7), -1, 1)
    for words, n in (("columns", 5), ("some stay 0", 9)):
        case(f"ScatterSum/{words}", [x, indices], lambda x, i: torch.zeros(2, n, dtype=x.dtype).index_add(1, i.long(), x), shape=(2, n))
    case("Softmax/row", [draw("softmax", (1, 11), -9, 9)], lambda x: x.softmax(1), axis=1)
    case("Softmax/large", [draw("large", (1, 11), 900, 1100)], lambda x: x.softmax(1), axis=1)
    case("Softmax/channels", [draw("channels", (1, 5, 3, 2), -3, 3)], lambda x: x.softmax(1), axis=1)
    case("Softmax/columns", [draw("columns", (1, 2, 3, 4), -3, 3)], lambda x: x.softmax(3), axis=3)
    x = draw("nan", (1, 5), -1, 1)
    x[0, 3] = np.nan
    case("Softmax/NaN", [x], lambda x: x.softmax(1), axis=1)


def gradient(name, forward, x, others=(), **settings):
    """Case OPERATOR/WORDS: what autograd gives for x, from a dy that is drawn; its inputs are dy, then others."""
    x64 = torch.from_numpy(x).double().requires_grad_()
    y = forward(x64)
    dy = draw(name + "dy", tuple(y.shape), -1, 1)
    case(name, [dy, *others], lambda dy, *_: torch.autograd.grad(y, x64, dy)[0], **settings)


def conv_gradients(words, x, channels, kernel, **settings):
    x = draw(words + "gx", (1, *x), -1, 1)
    w = draw(words + "gw", (channels, x.shape[1] // settings.get("groups", 1), *kernel), -1, 1)
    x64, w64 = torch.from_numpy(x).double(), torch.from_numpy(w).double()
    gradient(f"ConvData/{words}", lambda x: convolve(x, w64, **settings), x, [w], kernel=kernel, shape=x.shape, **settings)
    gradient(f"ConvWeights/{words}", lambda w: convolve(x64, w, **settings), w, [x], kernel=kernel, shape=w.shape, **settings)


def make_conv_gradients():
    conv_gradients("1x1", (3, 3, 4), 4, (1, 1))
    conv_gradients("3x3", (3, 4, 5), 2, (3, 3), pads=(1, 1, 1, 1))
    conv_gradients("3x3 strided", (3, 7, 6), 2, (3, 3), stride=(2, 2), pads=(1, 1, 1, 1))
    conv_gradients("strides beyond the kernel", (2, 7, 9), 2, (2, 1), stride=(3, 4))
    conv_gradients("dilated, strided, unevenly padded", (2, 9, 8), 2, (3, 2), stride=(2, 3), dilation=(3, 2), pads=(3, 0, 1, 2))
    conv_gradients("in groups", (6, 4, 3), 4, (3, 3), groups=2, pads=(1, 1, 1, 1))
    conv_gradients("depthwise with multiplier", (3, 5, 4), 6, (3, 3), groups=3, stride=(2, 1), pads=(1, 1, 1, 1))


def make_row_gradients():
    x, w = draw("gemm gx", (3, 5), -1, 1), draw("gemm gw", (4, 5), -1, 1)
    gradient("GemmData/rows", lambda x: F.linear(x, torch.from_numpy(w).double()), x, [w])
    gradient("GemmWeights/rows", lambda w: F.linear(torch.from_numpy(x).double(), w), w, [x])
    for words, shape, axis in (("row", (1, 7), 1), ("channels", (1, 5, 3, 2), 1), ("columns", (1, 2, 3, 4), 3)):
        x = draw(words + "softmax", shape, -3, 3)
        y = torch.from_numpy(x).softmax(axis).numpy()
        gradient(f"SoftmaxData/{words}", lambda x: x.softmax(axis), x, [y], axis=axis)


def make_activation_gradients():
    x = np.concatenate([draw("slopes", (26,), -8, 8), np.array([0, 6, -3, 3, -50, 50], np.float32)]).reshape(1, 2, 4, 4)
    masks = {"positive": F.relu, "inside": F.relu6}
    for rule, (words, f) in zip((0, 3), masks.items()):
        gradient(f"Mask/{words}", f, x, [f(torch.from_numpy(x)).numpy()], axis=rule, low=0, high=6)
    slopes = {"Sigmoid": (5, torch.sigmoid), "Silu": (6, F.silu), "HardSigmoid": (7, F.hardsigmoid), "HardSwish": (8, F.hardswish)}
    for words, (op, f) in slopes.items():  # numbers of enum xai__operator
        gradient(f"ActivationData/{words}", f, x, [x], axis=op, low=1 / 6, high=0.5)


def make_pool_gradients():
    def maximum(words, x, kernel, **settings):
        x = x if isinstance(x, np.ndarray) else draw(words + "gm", (1, *x), -1, 1)
        gradient(f"MaxPoolData/{words}", lambda x: pool_maximum(x, kernel, **settings), x, [x], kernel=kernel, **settings)

    def average(words, x, kernel, **settings):
        x = draw(words + "ga", (1, *x), -1, 1)
        gradient(f"AveragePoolData/{words}", lambda x: pool_average(x, kernel, **settings), x, kernel=kernel, shape=x.shape,
                 **settings)

    maximum("3x3 stem", (2, 7, 6), (3, 3), stride=(2, 2), pads=(1, 1, 1, 1))
    maximum("rounded up", (2, 5, 7), (2, 2), stride=(2, 2), ceil_mode=1)
    maximum("dilated, unevenly padded", (2, 7, 6), (3, 2), dilation=(2, 2), pads=(1, 0, 2, 1))
    maximum("ties", np.round(draw("ties", (1, 2, 6, 6), 0, 2)), (3, 3), stride=(2, 1), pads=(1, 1, 1, 1))
    x = draw("nan", (1, 1, 5, 6), -1, 1)
    x[0, 0, 1, 2] = x[0, 0, 1, 3] = x[0, 0, 4, 5] = np.nan
    x[0, 0, :3, :2] = -np.inf
    maximum("NaN and infinity", x, (2, 2))
    average("3x3", (2, 5, 6), (3, 3), pads=(1, 1, 1, 1))
    average("rounded up counting the padding", (2, 6, 4), (3, 3), stride=(2, 2), pads=(1, 1, 1, 1), ceil_mode=1, count_pad=1)
    average("uneven padding, strides beyond the kernel", (2, 7, 6), (2, 1), stride=(3, 2), pads=(0, 0, 1, 0))
    gradient("GlobalAveragePoolData/map", lambda x: x.mean((2, 3), keepdim=True), draw("global", (1, 3, 2, 5), -1, 1), shape=(1, 3, 2, 5))


def make_shape_gradients():
    for words, x, to in (("channels", (1, 3, 4, 5), (1, 3, 1, 1)), ("lower rank", (2, 3, 4, 5), (4, 1)), ("a number", (2, 3), ()),
                         ("nothing", (1, 3, 2), (1, 3, 2)), ("first and last", (2, 3, 4), (1, 3, 1))):
        gradient(f"SumTo/{words}", lambda small: small.expand(x), draw(words, to, -1, 1), shape=to)
    x = draw("undone", (1, 2, 7, 9), -1, 1)
    gradient("Pad/between", lambda x: x[:, 1:, 1:6:2, 2:8:4], x, begin=(0, 1, 1, 2), end=(0, 0, 1, 2), step=(1, 0, 2, 4))


if __name__ == "__main__":
    for make in (make_convolutions, make_pools, make_activations, make_norms, make_broadcasts, make_shapes, make_rows, make_conv_gradients,
                 make_row_gradients, make_activation_gradients, make_pool_gradients, make_shape_gradients):
        make()
    path = pathlib.Path(__file__).with_name("ops.safetensors")
    save_file(tensors, path)
    print(f"{path.name}: {len(tensors)} tensors, {path.stat().st_size} bytes")
