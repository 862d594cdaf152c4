#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes the seeds of fuzz_cart, fuzz_csv, fuzz_hierarchy, fuzz_json, fuzz_npy, fuzz_pth, fuzz_safetensors,
fuzz_state, fuzz_training and fuzz_wordnet into corpus/.

They are the small files below tests/golden and pieces of them, so that every branch of the readers is near a seed.
"""
import io
import json
import pathlib
import pickle
import pickletools
import struct
import zipfile
import zlib

HERE = pathlib.Path(__file__).resolve().parent
GOLDEN = HERE.parent / "golden"

JSON = {
    "empty-object": b"{}",
    "scalars": b'[null, true, false, 0, -1, 1.5e-3, 9223372036854775807, 1e308, "text"]',
    "escapes": rb'"\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00"',
    "utf8": '{"é": "€", "😀": []}'.encode(),
    "nested": b"[" * 64 + b"]" * 64,
    "too-deep": b"[" * 65 + b"]" * 65,
    "many-keys": json.dumps({f"key {i}": i for i in range(40)}).encode(),
    "duplicate": b'{"a": 1, "b": 2, "a": 3}',
    "duplicate-many": b"{" + b",".join(b'"%d":0' % (i % 20) for i in range(21)) + b"}",
    "manifest": b'{"xai": 1, "input": {"crop": [224, 224], "mean": [0.485, 0.456, 0.406]}, "labels": "l.json"}',
    "bad-number": b"[01, .5, 1.]",
    "bad-utf8": b'"\xed\xa0\x80"',
    "bom": b"\xef\xbb\xbf{}",
    "utf16": '{"a": 1}'.encode("utf-16"),
    "cut": b'{"a": [1, 2, {"b": "c',
    "long-number": b"0." + b"1" * 510,
}


def safetensors(entries, size, pad=0):
    header = json.dumps(entries).encode() + b" " * pad
    return struct.pack("<Q", len(header)) + header + bytes(range(size))


def tensor(dtype, shape, begin, end):
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


SAFETENSORS = {
    "one": safetensors({"w": tensor("F32", [2, 2], 0, 16)}, 16),
    "two": safetensors({"b": tensor("F16", [3], 16, 22), "a": tensor("F32", [4], 0, 16)}, 22, 3),
    "metadata": safetensors({"__metadata__": {"format": "pt"}, "w": tensor("I64", [], 0, 8)}, 8),
    "empty-tensor": safetensors({"e": tensor("BF16", [0, 9], 0, 0), "w": tensor("BOOL", [3], 0, 3)}, 3),
    "module": safetensors({"module.a": tensor("U8", [1], 0, 1), "module.b": tensor("F4", [4], 1, 3)}, 3),
    "hole": safetensors({"w": tensor("F32", [1], 4, 8)}, 8),
    "overlap": safetensors({"a": tensor("F32", [1], 0, 4), "b": tensor("F32", [1], 0, 4)}, 4),
    "overflow": safetensors({"a": tensor("F32", [1 << 40] * 8, 0, 4)}, 4),
    "nothing": safetensors({}, 0),
    "lfs": b"version https://git-lfs.github.com/spec/v1\n",
}


CSV = {
    "plain": b"width,height,name\n1,2.5,a\n-3e2,,b\n",
    "quotes": b'"a ""b""","c,\r\nd"\r\n"1",""\r\n',
    "empty-lines": b"\n\na,b\n\n1,2\n\n",
    "one-column": b"class\nx\n\ny",
    "mark": b"\xef\xbb\xbfa,a\n1,2\n",
    "ragged": b"a,b\n1\n",
    "open-quote": b'a\n"1',
    "loose-quote": b'a\n1"\n',
    "text-behind": b'a\n"1"2\n',
    "carriage-return": b"a\r1\r",
    "header": b"a,b,c",
}


def cart(**parts):
    tree = {"n_features": 2, "children_left": [1, -1, 3, -1, -1], "children_right": [2, -1, 4, -1, -1],
            "feature": [1, -2, 0, -2, -2], "threshold": [0.5, -2, "inf", -2, -2], "impurity": [0.5, 0, 0.375, "nan", 0],
            "n_node_samples": [8, 4, 4, 3, 1], "weighted_n_node_samples": [8, 4, 4, 3, 1],
            "missing_go_to_left": [1, 0, 0, 0, 0],
            "value": [[[0.5, 0.5]], [[1, 0]], [[0.25, 0.75]], [[0, 1]], [[1, 0]]]}
    tree.update(parts)
    return json.dumps(tree).encode()


CART = {
    "five": cart(),
    "names": cart(feature_names=["a", "<b>"], class_names=["x", "y"]),
    "counts": cart(value=[[4, 4], [4, 0], [1, 3], [0, 3], [1, 0]]),
    "numbers": cart(value=[[[0.5]], [[1]], [[-0.25]], [[0]], [[1e300]]]),
    "cycle": cart(children_left=[1, -1, 0, -1, -1]),
    "two-parents": cart(children_left=[2, -1, 3, -1, -1]),
    "feature": cart(feature=[5, -2, 0, -2, -2]),
    "short": cart(threshold=[0.5]),
    "weights": cart(weighted_n_node_samples=[8, 4, 0, 3, 1]),
    "dndt": json.dumps({"cuts": [[2.45], [1.75]], "temperatures": [0.1, 0.1],
                        "leaf_scores": [[1, 0], [0, 1], [-1, 2], [0.5, 0.5]]}).encode(),
    "dndt-two-cuts": json.dumps({"cuts": [[0, 1]], "temperatures": [1e-300], "leaf_scores": [[1], [2], [3]],
                                 "feature_names": ["a"], "class_names": ["x"]}).encode(),
    "dndt-leaves": json.dumps({"cuts": [[1]] * 20, "temperatures": [1] * 20, "leaf_scores": [[1]]}).encode(),
    "dndt-order": json.dumps({"cuts": [[1, 0]], "temperatures": [1], "leaf_scores": [[1], [2], [3]]}).encode(),
}


def data_pkl(path):
    with zipfile.ZipFile(path) as archive:
        return next(archive.read(name) for name in archive.namelist() if name.endswith("data.pkl"))


def head_size(data):
    """Bytes of the first three pickles of a file before torch 1.6."""
    stream = io.BytesIO(data)
    for _ in range(3):
        for _ in pickletools.genops(stream):
            pass
    return stream.tell()


def pth():
    for path in sorted((GOLDEN / "weights").glob("*.pth")):
        data = path.read_bytes()
        if len(data) < 9000:
            yield "file-" + path.stem, b"\0" + data
        if data[:2] == b"PK":
            stream = data_pkl(path)
            yield "pickle-" + path.stem, b"\1" + struct.pack("<H", len(stream)) + stream + bytes(64)
        elif len(data) < 9000:
            yield "legacy-" + path.stem, b"\2" + data[head_size(data):]
    plain = pickle.dumps({"a": [1, (2.5, None)], "b": {"c": True, "d": 1 << 40}}, protocol=2)
    yield "pickle-plain", b"\1" + struct.pack("<H", len(plain)) + plain
    # One float tensor over storage 0, named as short as can be: a good place to start from.
    storage = (b"(X\7\0\0\0storagectorch\nFloatStorage\nX\1\0\0\0" b"0X\3\0\0\0cpuK\4tQ")
    view = b"ctorch._utils\n_rebuild_tensor\n(" + storage + b"K\1K\1K\2\x86K\2K\1\x86tR"
    tiny = b"\x80\2}X\1\0\0\0a" + view + b"s."
    yield "pickle-tiny", b"\1" + struct.pack("<H", len(tiny)) + tiny + bytes(range(16))
    yield "legacy-tiny", b"\2" + tiny + b"\x80\2]X\1\0\0\0" + b"0a." + struct.pack("<Q", 4) + bytes(range(16))


def write(name, seeds):
    folder = HERE / "corpus" / name
    folder.mkdir(parents=True, exist_ok=True)
    for seed, data in seeds:
        (folder / seed).write_bytes(data)


def hierarchy(nodes, links, key="links"):
    return json.dumps({"directed": True, "nodes": nodes,
                       key: [{"source": source, "target": target} for source, target in links]}).encode()


def ids(text):
    return [{"id": letter} for letter in text]


HIERARCHY = {
    "one": hierarchy(ids("a"), []),
    "three": hierarchy([{"id": "r", "label": "whole"}, {"id": "a", "label": "cat"}, {"id": "b"}], ["ra", "rb"]),
    "edges": hierarchy(ids("rabcd"), ["ra", "rb", "ac", "ad"], "edges"),
    "chain": hierarchy(ids("rstu"), ["rs", "st", "tu"]),
    "classes": hierarchy([{"id": "r"}, {"id": "a", "class": 1}, {"id": "b", "class": 0}], ["ra", "rb"]),
    "contraction": hierarchy([{"id": "r", "contraction": {"s": {"label": "S", "contraction": {"t": {}}}, "u": {}}},
                              {"id": "a"}], ["ra"]),
    "empty-label": hierarchy([{"id": "r", "label": ""}, {"id": "a"}], ["ra"]),
    "cycle": hierarchy(ids("rab"), ["ab", "ba"]),
    "two-parents": hierarchy(ids("rab"), ["ra", "rb", "ab"]),
    "two-roots": hierarchy(ids("rab"), ["ra"]),
    "class-twice": hierarchy([{"id": "r"}, {"id": "a", "class": 0}, {"id": "b", "class": 0}], ["ra", "rb"]),
    "class-gap": hierarchy([{"id": "r"}, {"id": "a", "class": 0}, {"id": "b", "class": 2}], ["ra", "rb"]),
    "same-id": hierarchy(ids("raa"), ["ra"]),
    "no-links": b'{"nodes": [{"id": "a"}]}',
}


def wordnet(lines, index):
    """lines: word and the words that it is a kind of; a bar before one makes it an instance of it."""
    def line(word, up, offsets):
        pointers = "".join(f" {'@i' if u[0] == '|' else '@'} {offsets.get(u.strip('|'), 0):08d} n 0000" for u in up)
        return f"{offsets.get(word, 0):08d} 05 n 01 {word} 0 {len(up) + 1:03d}{pointers} ~ 00000000 n 0000 | gloss  \n"

    offsets, at = {}, len("  1 licence  \n")
    for word, *up in lines:
        offsets[word] = at
        at += len(line(word, up, {}))
    text = "  1 licence  \n" + "".join(line(word, up, offsets) for word, *up in lines) + "%%\n  1 licence  \n"
    for word in sorted(index):
        senses = [offsets.get(w, 99999999) for w in index[word]]
        text += f"{word} n {len(senses)} 2 @ ~ {len(senses)} 0 {' '.join(f'{s:08d}' for s in senses)}  \n"
    return text.encode()


ANIMALS = [("entity",), ("animal", "entity"), ("feline", "animal"), ("cat", "feline"), ("canine", "animal"),
           ("pet", "animal"), ("dog", "pet", "canine"), ("Garfield", "|cat")]
SENSES = {word.lower(): [word] for word, *_ in ANIMALS}

WORDNET = {
    "animals": wordnet(ANIMALS, SENSES),
    "two-senses": wordnet(ANIMALS, {**SENSES, "dog": ["dog", "canine"], "motor_vehicle": ["nothing"]}),
    "cycle": wordnet([("a", "b"), ("b", "c"), ("c", "b")], {"a": ["a"]}),
    "itself": wordnet([("a", "a")], {}),
    "nowhere": wordnet([("a", "missing")], {}),
    "cut": wordnet(ANIMALS, SENSES)[:300],
    "no-index": wordnet(ANIMALS, SENSES).split(b"%%")[0],
    "bad-index": wordnet(ANIMALS, {}) + b"cat n x 2 @\ndog n 1 99999999 @ 1 0\n",
}


def features(kind, n_features, n_records, tail=b"", order=0x0102030405060708, reserved=0):
    """A cache without digests, which fuzz_training mends."""
    head = b"XAIFEAT1" + struct.pack("<QQQQQQQ", order, 1, 2, n_features, 0, reserved, 0)
    record = struct.pack("<QQ", 5, 0) + struct.pack("<f", 0.5) * n_features
    return kind + head + record * n_records + tail


TRAINING = {
    "list": b"L# a comment\n\na b.png\t3\r\nc,d.png,9\ne.png 0",
    "list-no-label": b"La.png\n",
    "list-bad-label": b"La.png\t10\n",
    "list-nul": b"La\0b.png\t1\n",
    "list-long": b"L" + b"a" * 9000 + b"\t1\n",
    "list-separators": b"L\t\t1\n,,\n   \n",
    "cache": features(b"R", 3, 4),
    "cache-cut": features(b"R", 3, 4, b"12345"),
    "cache-empty": features(b"R", 3, 0),
    "cache-no-features": features(b"R", 0, 4),
    "cache-many-features": features(b"R", 0, 1).replace(struct.pack("<QQQ", 1, 2, 0), struct.pack("<QQQ", 1, 2, 2**62)),
    "cache-order": features(b"R", 3, 1, order=0x0807060504030201),
    "cache-reserved": features(b"R", 3, 1, reserved=1),
    "cache-undigested": features(b"C", 3, 4),
    "cache-short": features(b"R", 3, 0)[:40],
}


def state(facts=13, targets=1, images=2, version=1, magic=b"XAISTATE", score=0.25, head=None, crc=0):
    """A saved state of a run that there is not."""
    body = magic + struct.pack("<IIQQ", version, facts, targets, images + 1 if facts else 0)
    body += struct.pack(f"<{facts}Q", *range(facts))
    for i in range(images + 1 if facts else 0):
        body += struct.pack(f"<Q{targets}d", max(i - 1, 0), *[score + i] * targets)
    body = body[:8] + head + body[8 + len(head):] if head else body
    return body + struct.pack("<I", zlib.crc32(body) ^ crc)


STATE = {
    "unused": state(0, 0, 0),
    "picture-only": state(images=0),
    "two-images": state(),
    "three-targets": state(targets=3, images=5),
    "many-facts": state(facts=32),
    "too-many-facts": state(facts=33),
    "later-version": state(version=2),
    "another-file": state(magic=b"XAIFEAT1"),
    "checksum": state(crc=1),
    "cut": state()[:-9],
    "long": state() + bytes(8),
    "nan": state(score=float("nan")),
    "large": state(score=1e300),
    "no-targets": state(head=struct.pack("<IIQQ", 1, 13, 0, 3)),
    "many-targets": state(head=struct.pack("<IIQQ", 1, 13, 2**64 - 1, 3)),
    "many-records": state(head=struct.pack("<IIQQ", 1, 13, 1, 2**61)),
    "scores": struct.pack("<300d", *[0.5 + i % 7 / 16 for i in range(300)]),
    "large-scores": struct.pack("<200d", *[(-1) ** i * 6.8e38 for i in range(200)]) + b"\0",
    "small-scores": struct.pack("<140d", *[5e-324 * i for i in range(140)]) + b"\0",
}


def main():
    write("state", STATE.items())
    write("training", TRAINING.items())
    write("csv", CSV.items())
    write("cart", CART.items())
    write("hierarchy", HIERARCHY.items())
    write("wordnet", WORDNET.items())
    write("json", JSON.items())
    write("safetensors", list(SAFETENSORS.items()) + [("reference", (GOLDEN / "weights/reference.safetensors").read_bytes())])
    write("npy", ((path.stem, path.read_bytes()) for path in (GOLDEN / "npy").glob("*.npy")))
    write("pth", pth())


if __name__ == "__main__":
    main()
