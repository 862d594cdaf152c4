# SPDX-License-Identifier: MIT
"""Trains resnet9_cifar10, the small network of these examples, with the supervision of a decision tree, on a CPU.

    python train_cifar10.py DATA OUTPUT [--hierarchy TREE.json] [--epochs N] [--seed N] [--threads N]

DATA holds cifar10_train_jpeg.zip (CLASS/NNNN.jpg, all 50,000 training pictures) and cifar10_batch_0.png to
cifar10_batch_3.png with their .labels.txt: 1000 lossless pictures each, a picture a row. Batch 3 and its JPEG twins are
held out: they judge the network and never train it. Cross-entropy with smoothed labels throughout; over the last 40 %
also the cross-entropy of the tree's soft probabilities, taken as logits (SoftTreeSupLoss of Wan et al.: NBDT, ICLR 2021).
Each epoch leaves OUTPUT/checkpoint.pt, from which a later call goes on; the last one leaves
OUTPUT/resnet9_cifar10.safetensors in float16 and OUTPUT/report.json. Needs torch, numpy, Pillow and safetensors.
"""
import argparse
import io
import json
import pathlib
import time
import zipfile

import numpy
import torch
from PIL import Image
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional

CLASSES = "airplane automobile bird cat deer dog frog horse ship truck".split()
MEAN = (0.4914, 0.4822, 0.4465)
STD = (0.2023, 0.1994, 0.2010)
MARGIN = 4
HELD_OUT = 3


class ConvBlock(nn.Module):
    """Pooling comes before the norm: the same maps for a quarter of the norm's work."""

    def __init__(self, inputs, outputs, pools, residual):
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
        self.bn = nn.BatchNorm2d(outputs)
        self.pools = pools
        self.residual = Residual(outputs) if residual else None

    def forward(self, x):
        x = self.conv(x)
        if self.pools:
            x = functional.max_pool2d(x, 2)
        x = functional.relu(self.bn(x))
        return self.residual(x) if self.residual else x


class Residual(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)

    def forward(self, x):
        y = functional.relu(self.bn1(self.conv1(x)))
        return x + functional.relu(self.bn2(self.conv2(y)))


class ResNet9(nn.Module):
    def __init__(self, widths=(16, 48, 96, 160), n_classes=10):
        super().__init__()
        self.prep = ConvBlock(3, widths[0], False, False)
        self.layer1 = ConvBlock(widths[0], widths[1], True, True)
        self.layer2 = ConvBlock(widths[1], widths[2], True, False)
        self.layer3 = ConvBlock(widths[2], widths[3], True, True)
        self.fc = nn.Linear(widths[3], n_classes)

    def forward(self, x):
        x = self.layer3(self.layer2(self.layer1(self.prep(x))))
        return self.fc(x.mean((2, 3)))


class Tree:
    """The rules of a neural-backed decision tree: a child's logit is the mean over the classes under it."""

    def __init__(self, path):
        graph = json.loads(pathlib.Path(path).read_text())
        children = {}
        for link in graph.get("links", graph.get("edges")):
            children.setdefault(link["source"], []).append(link["target"])
        leaves = [node["id"] for node in graph["nodes"] if node["id"] not in children]
        targets = {target for group in children.values() for target in group}
        self.root = next(node for node in children if node not in targets)
        self.children = children
        self.class_of = {leaf: i for i, leaf in enumerate(leaves)}
        self.classes_under = {}
        self._gather(self.root)

    def _gather(self, node):
        if node in self.class_of:
            under = [self.class_of[node]]
        else:
            under = [c for child in self.children[node] for c in self._gather(child)]
        self.classes_under[node] = under
        return under

    def _decisions(self, logits, node):
        means = [logits[:, self.classes_under[child]].mean(1) for child in self.children[node]]
        return torch.stack(means, 1)

    def soft(self, logits):
        log_p = [0.0] * len(self.class_of)
        for node, group in self.children.items():
            log_q = functional.log_softmax(self._decisions(logits, node), 1)
            for k, child in enumerate(group):
                for c in self.classes_under[child]:
                    log_p[c] = log_p[c] + log_q[:, k]
        return torch.stack(log_p, 1).exp()

    def hard(self, logits):
        choice = {node: self._decisions(logits, node).argmax(1).tolist() for node in self.children}
        result = []
        for i in range(len(logits)):
            node = self.root
            while node in self.children:
                node = self.children[node][choice[node][i]]
            result.append(self.class_of[node])
        return torch.tensor(result)


def read_batch(folder, number):
    rows = numpy.asarray(Image.open(folder / f"cifar10_batch_{number}.png").convert("RGB"))
    labels = [int(line) for line in (folder / f"cifar10_batch_{number}.labels.txt").read_text().split()]
    return rows.reshape(-1, 32, 32, 3), labels


def held_out_twins(batches):
    """The k-th picture of a class over the batches is that class's k-th file; those of the held-out one stay away."""
    seen = [0] * len(CLASSES)
    twins = set()
    for number, (_, labels) in enumerate(batches):
        for label in labels:
            if number == HELD_OUT:
                twins.add((label, seen[label]))
            seen[label] += 1
    return twins


def read_zip(path, twins):
    pictures, labels = [], []
    with zipfile.ZipFile(path) as archive:
        for name in sorted(archive.namelist()):
            if not name.endswith(".jpg"):
                continue
            class_name, file_name = name.split("/")[-2:]
            key = (CLASSES.index(class_name), int(file_name.removesuffix(".jpg")))
            if key in twins:
                continue
            pictures.append(numpy.asarray(Image.open(io.BytesIO(archive.read(name))).convert("RGB")))
            labels.append(key[0])
    return numpy.stack(pictures), labels


class Data:
    def __init__(self, folder):
        batches = [read_batch(folder, number) for number in range(HELD_OUT + 1)]
        twins = held_out_twins(batches)
        jpeg, labels = read_zip(folder / "cifar10_train_jpeg.zip", twins)
        assert len(jpeg) == 50000 - len(twins), f"{len(jpeg)} JPEG pictures and {len(twins)} twins are not 50000"
        lossless = [batch for number, batch in enumerate(batches) if number != HELD_OUT]
        pictures = numpy.concatenate([jpeg] + [batch[0] for batch in lossless])
        padded = numpy.pad(pictures, ((0, 0), (MARGIN, MARGIN), (MARGIN, MARGIN), (0, 0)), "reflect")
        self.padded = torch.from_numpy(padded)
        self.labels = torch.tensor(labels + [label for batch in lossless for label in batch[1]])
        self.test = normalise(torch.from_numpy(batches[HELD_OUT][0].copy()))
        self.test_labels = torch.tensor(batches[HELD_OUT][1])


def normalise(pictures):
    """N x 32 x 32 x 3 bytes become a channels-last N x 3 x 32 x 32."""
    x = pictures.float().div_(255).sub_(torch.tensor(MEAN)).div_(torch.tensor(STD))
    return x.permute(0, 3, 1, 2)


def augment(data, index, mirrored, hole):
    """A random crop of the padded picture, mirrored where asked, with a grey square on it."""
    n = len(index)
    rows = torch.randint(0, 2 * MARGIN + 1, (n, 1)) + torch.arange(32)
    columns = torch.arange(32).expand(n, 32)
    columns = torch.where(mirrored[:, None], 31 - columns, columns) + torch.randint(0, 2 * MARGIN + 1, (n, 1))
    x = normalise(data.padded[index[:, None, None], rows[:, :, None], columns[:, None, :]])
    if hole:
        top, left = torch.randint(0, 33 - hole, (2, n, 1))
        inside_y = (torch.arange(32) >= top) & (torch.arange(32) < top + hole)
        inside_x = (torch.arange(32) >= left) & (torch.arange(32) < left + hole)
        x.masked_fill_((inside_y[:, :, None] & inside_x[:, None, :])[:, None], 0)
    return x


def learning_rate(progress, peak):
    if progress < 0.04:
        return peak * progress / 0.04
    if progress < 0.35:
        return peak
    return peak * (1 - progress) / 0.65


class Trainer:
    def __init__(self, arguments):
        self.arguments = arguments
        torch.manual_seed(arguments.seed)
        self.data = Data(arguments.data)
        self.tree = Tree(arguments.hierarchy)
        self.model = ResNet9().to(memory_format=torch.channels_last)
        norms = [p for p in self.model.parameters() if p.ndim == 1]
        others = [p for p in self.model.parameters() if p.ndim > 1]
        self.optimiser = torch.optim.SGD([{"params": others, "weight_decay": 5e-4},
                                          {"params": norms, "weight_decay": 0}],
                                         lr=arguments.rate, momentum=0.9, nesterov=True)
        self.steps = len(self.data.labels) // arguments.batch
        self.checkpoint = arguments.output / "checkpoint.pt"
        self.epoch = 0
        self.seconds = 0.0
        self.history = []

    def resume(self):
        if not self.checkpoint.exists():
            return
        state = torch.load(self.checkpoint, weights_only=True)
        self.model.load_state_dict(state["model"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.epoch, self.seconds, self.history = state["epoch"], state["seconds"], state["history"]

    def save(self):
        state = {"model": self.model.state_dict(), "optimiser": self.optimiser.state_dict(), "epoch": self.epoch,
                 "seconds": self.seconds, "history": self.history}
        scratch = self.checkpoint.with_suffix(".new")
        torch.save(state, scratch)
        scratch.replace(self.checkpoint)

    def loss(self, logits, labels, supervised):
        loss = functional.cross_entropy(logits, labels, label_smoothing=0.1)
        if supervised:
            loss = loss + functional.cross_entropy(self.tree.soft(logits), labels)
        return loss

    def step(self, index, mirrored, progress):
        for group in self.optimiser.param_groups:
            group["lr"] = learning_rate(progress, self.arguments.rate)
        x = augment(self.data, index, mirrored, self.arguments.hole)
        with torch.autocast("cpu", torch.bfloat16):
            logits = self.model(x)
        loss = self.loss(logits.float(), self.data.labels[index], progress >= 0.6)
        self.optimiser.zero_grad()
        loss.backward()
        self.optimiser.step()
        return loss.item()

    def train_epoch(self):
        """An epoch's randomness hangs on the seed and its number, so a resumed run is the same run."""
        torch.manual_seed(self.arguments.seed * 1000 + self.epoch)
        order = torch.randperm(len(self.data.labels))
        mirror = (torch.arange(len(order)) * 2654435761 // 65536 + self.epoch) % 2 == 1
        self.model.train()
        total, start = 0.0, time.monotonic()
        for i in range(self.steps):
            index = order[i * self.arguments.batch:(i + 1) * self.arguments.batch]
            progress = (self.epoch + i / self.steps) / self.arguments.epochs
            total += self.step(index, mirror[index], progress)
            if self.epoch == 0 and i in (10, 50, 100):
                print(f"step {i}: {(time.monotonic() - start) / (i + 1):.4f} s each of {self.steps}", flush=True)
        self.epoch += 1
        self.seconds += time.monotonic() - start
        return total / self.steps

    def evaluate(self):
        self.model.eval()
        with torch.no_grad():
            logits = torch.cat([self.model(x) for x in self.data.test.split(250)])
        found = {"plain": logits.argmax(1), "hard": self.tree.hard(logits), "soft": self.tree.soft(logits).argmax(1)}
        return {name: (answer == self.data.test_labels).float().mean().item() for name, answer in found.items()}

    def run(self):
        self.resume()
        while self.epoch < self.arguments.epochs:
            loss = self.train_epoch()
            figures = self.evaluate()
            self.history.append({"epoch": self.epoch, "loss": loss, **figures})
            self.save()
            print(f"epoch {self.epoch}/{self.arguments.epochs} {self.seconds:.0f} s loss {loss:.4f} "
                  + " ".join(f"{name} {100 * value:.1f} %" for name, value in figures.items()), flush=True)
        self.write()

    def write(self):
        """Keeps the weights in halves; the figures of the report are those of the halves."""
        state = {name: value.half().contiguous() for name, value in self.model.state_dict().items()
                 if not name.endswith("num_batches_tracked")}
        save_file(state, self.arguments.output / "resnet9_cifar10.safetensors")
        self.model.load_state_dict({name: value.float() for name, value in state.items()}, strict=False)
        report = {"epochs": self.epoch, "seconds": self.seconds, "seed": self.arguments.seed,
                  "parameters": sum(p.numel() for p in self.model.parameters()), "torch": torch.__version__,
                  "held_out": self.evaluate(), "history": self.history}
        (self.arguments.output / "report.json").write_text(json.dumps(report, indent=1) + "\n")
        print(json.dumps({name: report[name] for name in ("parameters", "held_out")}))


def main():
    parser = argparse.ArgumentParser(description="Train the examples' CIFAR-10 network with tree supervision.")
    parser.add_argument("data", type=pathlib.Path, help="folder with the pictures")
    parser.add_argument("output", type=pathlib.Path, help="folder for checkpoints and results")
    parser.add_argument("--hierarchy", type=pathlib.Path, help="JSON, class n is its n-th leaf (the network's own)",
                        default=pathlib.Path(__file__).with_name("resnet9_cifar10_hierarchy.json"))
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--rate", type=float, default=0.1, help="highest learning rate")
    parser.add_argument("--hole", type=int, default=8, help="side of the square that is cut out; 0: none")
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    arguments.output.mkdir(parents=True, exist_ok=True)
    Trainer(arguments).run()


if __name__ == "__main__":
    main()
