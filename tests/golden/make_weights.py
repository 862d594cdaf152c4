#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes weights/: small weight files made by torch and safetensors, and digests.json.

digests.json holds, for these files and for every weight file below $XAI_TEST_DATA, what torch (or safetensors) reads:
{"FILE": {"NAME": ["DTYPE", [SHAPE], "first 16 hex digits of the SHA-256 of the elements"]}}
Names are joined by dots; a wrapping state_dict is opened and a common "module." dropped, as the library does it.
"""
import collections
import hashlib
import json
import os
import pathlib
import sys
import warnings

import numpy as np
import safetensors
import safetensors.torch
import torch

OUT = pathlib.Path(__file__).parent / "weights"
NAMES = {
    torch.bool: "BOOL", torch.uint8: "U8", torch.int8: "I8", torch.int16: "I16", torch.uint16: "U16",
    torch.float16: "F16", torch.bfloat16: "BF16", torch.int32: "I32", torch.uint32: "U32", torch.float32: "F32",
    torch.complex64: "C64", torch.float64: "F64", torch.int64: "I64", torch.uint64: "U64",
    torch.float8_e5m2: "F8_E5M2", torch.float8_e4m3fn: "F8_E4M3",
}


def elements(tensor):
    flat = tensor.detach().contiguous().reshape(-1)
    return flat.view(torch.uint8).numpy().tobytes() if flat.numel() > 0 else b""


def entry(tensor):
    return [NAMES[tensor.dtype], list(tensor.shape), hashlib.sha256(elements(tensor)).hexdigest()[:16]]


def flatten(value, path, out):
    if isinstance(value, torch.Tensor):
        out[path] = value
    elif isinstance(value, dict):
        for key, inner in value.items():
            flatten(inner, f"{path}.{key}" if path else key, out)
    elif isinstance(value, (list, tuple)) and not isinstance(value, torch.Size):
        for index, inner in enumerate(value):
            flatten(inner, f"{path}.{index}", out)


def unwrap(value):
    while isinstance(value, dict) and not any(isinstance(v, torch.Tensor) for v in value.values()):
        inner = next((value[k] for k in ("state_dict", "net", "model") if isinstance(value.get(k), dict)), None)
        if inner is None:
            break
        value = inner
    return value


def digest(path):
    if path.suffix == ".safetensors":
        tensors = safetensors.torch.load_file(path)
        order = [name for name in safetensors.safe_open(path, "pt").offset_keys()]
        tensors = {name: tensors[name] for name in order}
    else:
        tensors = {}
        flatten(unwrap(torch.load(path, map_location="cpu", weights_only=True)), "", tensors)
    while tensors and all(name.startswith("module.") for name in tensors):
        tensors = {name[len("module."):]: tensor for name, tensor in tensors.items()}
    return {name: entry(tensor) for name, tensor in tensors.items()}


def ramp(shape, dtype):
    count = int(np.prod(shape))
    return (torch.arange(count).remainder(50) - (0 if dtype in UNSIGNED else 7)).to(dtype).reshape(shape)


UNSIGNED = (torch.uint8, torch.uint16, torch.uint32, torch.uint64, torch.bool)
OLD_TYPES = [torch.float32, torch.float16, torch.bfloat16, torch.float64, torch.int64, torch.int32, torch.int16,
             torch.int8, torch.uint8, torch.bool, torch.complex64]
NEW_TYPES = [torch.uint16, torch.uint32, torch.uint64, torch.float8_e5m2, torch.float8_e4m3fn]


def network(types):
    state = collections.OrderedDict()
    for dtype in types:
        state[str(dtype).split(".")[1] + ".weight"] = ramp((2, 3), dtype)
    base = ramp((4, 6), torch.float32)
    state["view.whole"] = base
    state["view.row"] = base[2]
    state["view.column"] = base[:, 1]
    state["view.transposed"] = base.t()
    state["view.steps"] = base[1::2, ::3]
    state["view.permuted"] = ramp((2, 3, 4), torch.float16).permute(2, 0, 1)
    state["view.expanded"] = base[:1].expand(3, 6)
    state["empty"] = torch.zeros(0, 5)
    state["scalar"] = torch.tensor(2.5)
    state["rank8"] = ramp((1, 2, 1, 3, 1, 2, 1, 2), torch.float32)
    state["parameter"] = torch.nn.Parameter(torch.tensor([1.0, -2.0]))
    state._metadata = collections.OrderedDict([("", {"version": 1}), ("layer", {"version": 2})])
    return state


class Evil:
    def __reduce__(self):
        return os.system, ("echo this must never run",)


def save(name, value, **options):
    torch.save(value, OUT / name, **options)


def write_good():
    legacy = {"_use_new_zipfile_serialization": False}
    save("zip.pth", network(OLD_TYPES + NEW_TYPES))
    save("legacy.pth", network(OLD_TYPES), **legacy)
    plain = {"module.conv.weight": ramp((2, 2), torch.float32), "module.bn.num_batches_tracked": torch.tensor(7)}
    optimiser = {"state": {0: {"momentum_buffer": torch.zeros(2)}}, "param_groups": [{"lr": 0.1, "params": [0]}]}
    checkpoint = {"epoch": 90, "arch": "tiny", "best": 71.5, "state_dict": plain, "optimizer": optimiser, "none": None,
                  "big": 1 << 40, "negative": -5, "flags": [True, False]}
    save("checkpoint.pth", checkpoint)
    save("checkpoint_legacy.pth", checkpoint, **legacy)
    save("net.pth", {"net": {"a": torch.ones(2)}, "acc": 0.5})
    save("nested.pth", {"layer": {"0": {"codes": ramp((3,), torch.uint8), "k": 3}, "list": [torch.ones(1), "text"]},
                        "fc_bias": torch.zeros(2)})
    # Many tensors: long memo references, large counts.
    save("many.pth", {f"t{i}": torch.tensor([float(i)]) for i in range(300)}, **legacy)
    state = network(OLD_TYPES + NEW_TYPES)
    flat = {name: tensor.detach().clone().contiguous() for name, tensor in state.items()}
    flat["a name with \"quotes\" \\ / \u00e9\n\x01"] = torch.ones(1)
    safetensors.torch.save_file(flat, OUT / "reference.safetensors")
    safetensors.torch.save_file({"w": torch.ones(3)}, OUT / "metadata.safetensors", metadata={"format": "pt", "x": "y"})
    safetensors.torch.save_file({}, OUT / "nothing.safetensors")


def write_refused():
    save("refused_evil.pth", {"a": torch.ones(1), "b": Evil()})
    save("refused_evil_legacy.pth", {"a": Evil()}, _use_new_zipfile_serialization=False)
    save("refused_protocol4.pth", {"a": torch.ones(1)}, pickle_protocol=4)
    save("refused_numpy.pth", {"a": torch.ones(1), "best": np.float64(3.0)})
    save("refused_module.pth", torch.nn.Linear(1, 1))
    save("refused_rank9.pth", {"a": torch.zeros((1,) * 9)})
    torch.jit.script(torch.nn.Linear(1, 1)).save(OUT / "refused_script.pth")


def main():
    warnings.simplefilter("ignore")
    OUT.mkdir(exist_ok=True)
    write_good()
    write_refused()
    digests = {path.name: digest(path) for path in sorted(OUT.iterdir())
               if path.suffix != ".json" and not path.name.startswith("refused")}
    data = pathlib.Path(os.environ.get("XAI_TEST_DATA", ""))
    if not data.name:
        sys.exit("XAI_TEST_DATA is not set: digests.json would lack the real files")
    for path in sorted(data.rglob("*")):
        if path.suffix in (".th", ".pth", ".safetensors"):
            digests["data/" + str(path.relative_to(data))] = digest(path)
    with open(OUT / "digests.json", "w") as stream:
        lines = [json.dumps(file) + ": {\n" + ",\n".join(f"{json.dumps(n)}: {json.dumps(e)}" for n, e in d.items()) + "}"
                 for file, d in digests.items()]
        stream.write("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
