#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Values and gradients of nbdt's SoftTreeSupLoss and HardTreeSupLoss, for tests/unit/tree_loss.c. Needs torch.
"""usage: make_tree_loss.py > tests/unit/tree_loss_vectors.h

The losses are written down here as nbdt defines them, over sets of classes, and differentiated by torch in double
precision. Trees and logits are made by rules that the test has too: node i of a tree is a child of (i - 1) // arity, or
in a chain (arity 0) two nodes hang under every second one; classes are the leaves in order."""
import torch

MASK = (1 << 64) - 1

# name, arity, nodes, rows, every so many-th gradient is kept.
CASES = [('pairs', 2, 11, 3, 1), ('triples', 3, 13, 2, 1), ('flat', 6, 7, 2, 1), ('chain', 0, 15, 2, 1),
         ('lopsided', 4, 7, 2, 1), ('single', 1, 4, 1, 1), ('thousand', 3, 1500, 2, 37)]


def mix(x):
    """splitmix64's finisher."""
    x = ((x ^ (x >> 30)) * 0xbf58476d1ce4e5b9) & MASK
    x = ((x ^ (x >> 27)) * 0x94d049bb133111eb) & MASK
    return x ^ (x >> 31)


def make_logits(n_rows, n_classes):
    bits = [mix((i + 1) * 0x9e3779b97f4a7c15 & MASK) >> 40 for i in range(n_rows * n_classes)]
    numbers = torch.tensor([b / 2 ** 23 - 1 for b in bits], dtype=torch.float64) * 6
    return numbers.float().double().reshape(n_rows, n_classes).requires_grad_()


def children_of(arity, n):
    children = {}
    for i in range(1, n):
        children.setdefault((i - 1) // arity if arity else (i - 1) // 2 * 2, []).append(i)
    return children


def classes_below(children, n):
    below, leaves = {}, [i for i in range(n) if i not in children]
    for i in reversed(range(n)):
        below[i] = [leaves.index(i)] if i not in children else sum((below[c] for c in children[i]), [])
    return below, len(leaves)


def tree_losses(children, below, logits, targets):
    """The soft and the hard part, without the plain cross-entropy."""
    n_rows, soft, hard = len(targets), torch.ones_like(logits), 0
    for kids in children.values():
        outputs = torch.stack([logits[:, below[c]].mean(dim=1) for c in kids], dim=1)
        shares = torch.softmax(outputs, dim=1)
        factor = torch.ones_like(logits)
        for k, c in enumerate(kids):
            factor = factor * torch.where(torch.tensor([j in below[c] for j in range(logits.shape[1])]),
                                          shares[:, k:k + 1], torch.ones(1, dtype=torch.float64))
            for r in range(n_rows):
                if targets[r] in below[c]:
                    hard = hard - torch.log_softmax(outputs[r], dim=0)[k]
        soft = soft * factor
    hard = hard / (n_rows * len(children) / 2)
    return torch.nn.functional.cross_entropy(soft, torch.tensor(targets)), hard


def main():
    print('/* SPDX-License-Identifier: MIT\n * Losses and gradients of tree supervision; made by '
          'tests/golden/make_tree_loss.py. */')
    print('#ifndef XAI_TREE_LOSS_VECTORS_H\n#define XAI_TREE_LOSS_VECTORS_H\n\n#include <stddef.h>\n')
    print('/* clang-format off */')
    print('typedef struct loss_case {\n    const char *name;\n    size_t arity, n_nodes, n_classes, n_rows, stride;\n'
          '    double loss[2]; /* hard, soft */\n    const double *gradient[2];\n} loss_case;\n')
    table = []
    for name, arity, n, n_rows, stride in CASES:
        children = children_of(arity, n)
        below, n_classes = classes_below(children, n)
        logits = make_logits(n_rows, n_classes)
        targets = [(7 * r + 3) % n_classes for r in range(n_rows)]
        soft, hard = tree_losses(children, below, logits, targets)
        plain = torch.nn.functional.cross_entropy(logits, torch.tensor(targets))
        losses = []
        for mode, loss in (('hard', hard), ('soft', soft)):
            total = 0.75 * plain + 1.5 * loss
            gradient, = torch.autograd.grad(total, logits, retain_graph=True)
            kept = gradient.flatten()[::stride].tolist()
            print(f'static const double {name}_{mode}[] = {{')
            for at in range(0, len(kept), 4):
                print('    ' + ' '.join(f'{x:.12g},' for x in kept[at:at + 4]))
            print('};')
            losses.append(f'{total.item():.15g}')
        table.append(f'    {{ "{name}", {arity}, {n}, {n_classes}, {n_rows}, {stride}, {{ {", ".join(losses)} }}, '
                     f'{{ {name}_hard, {name}_soft }} }},')
    print('\nstatic const loss_case loss_cases[] = {')
    print('\n'.join(table))
    print('};\n\n#endif')


if __name__ == '__main__':
    main()
