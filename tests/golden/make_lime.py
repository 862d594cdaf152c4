#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes lime.h: what lime, shap and captum say of a black box that lime.c has too.

Run: python3 make_lime.py (needs numpy, torch, captum, lime, shap and scikit-learn). The picture is 12 x 16 with three
channels and is cut into a grid of 3 x 4 segments; each case has what the original gives for class 1: a coefficient a
segment, then intercept, R squared and local prediction where it has them.
"""
import pathlib

import captum
import numpy as np
import shap
import sklearn
import torch
from captum._utils.models.linear_model import SkLearnLasso
from captum.attr import KernelShap, Lime
from lime.lime_image import LimeImageExplainer

HERE = pathlib.Path(__file__).resolve().parent
HEIGHT, WIDTH, ROWS, COLUMNS = 12, 16, 3, 4
N_SEGMENTS, N_CLASSES = ROWS * COLUMNS, 3
Y, X = np.mgrid[0:HEIGHT, 0:WIDTH]
LABELS = Y * ROWS // HEIGHT * COLUMNS + X * COLUMNS // WIDTH
PICTURE = np.stack([((Y * WIDTH + X) * 37 + c * 101) % 64 / 64 + 0.25 for c in range(3)], -1)


def classify(images):
    """Of N x H x W x 3 numbers; single precision where the numbers are."""
    scores = []
    for image in np.asarray(images, dtype=np.float32):
        v = [float(image[r * 4 + 1, c * 4 + 2, (r + c) % 3]) for r in range(ROWS) for c in range(COLUMNS)]
        linear = sum((j % 5 - 1.5) * v[j] for j in range(N_SEGMENTS)) / 16
        product = v[1] * v[6] - v[2] * v[9] * v[4]
        scores.append([linear, linear / 2 + product / 8, 0.5 + product * product / 4])
    return np.array(scores, dtype=np.float32)


def samples(n, seed):
    """As lime.c draws them, with a linear congruential generator."""
    bits, state = [], seed
    for _ in range(n * N_SEGMENTS):
        state = (state * 1664525 + 1013904223) % 2**32
        bits.append(state >> 31)
    return np.array(bits).reshape(n, N_SEGMENTS)


def by_lime(seed, n, width=0.25, hide=None, **options):
    explainer = LimeImageExplainer(kernel_width=width, random_state=seed, feature_selection=options.pop("selection", "auto"))
    e = explainer.explain_instance(PICTURE, classify, labels=(1,), top_labels=None, hide_color=hide, num_samples=n,
                                   segmentation_fn=lambda image: LABELS, **options)
    values = np.zeros(N_SEGMENTS)
    for segment, weight in e.local_exp[1]:
        values[segment] = weight
    return list(values) + [e.intercept[1], e.score, e.local_pred[0]]


def by_shap(seed, n):
    def score(masks):
        return classify([np.where((mask[LABELS] == 1)[..., None], PICTURE, 0) for mask in masks]).astype(np.float64)

    np.random.seed(seed)
    explainer = shap.KernelExplainer(score, np.zeros((1, N_SEGMENTS)))
    return list(explainer.shap_values(np.ones((1, N_SEGMENTS)), nsamples=n, l1_reg=0, silent=True)[0, :, 1])


def torch_score(batch):
    return torch.from_numpy(classify(batch.numpy().transpose(0, 2, 3, 1)))


def by_captum(method, rows):
    def generate(original, **kwargs):
        for row in rows:
            yield torch.from_numpy(row[None]).long()

    method.perturb_func = generate
    image = torch.from_numpy(PICTURE.transpose(2, 0, 1)[None]).float()
    out = method.attribute(image, target=1, n_samples=len(rows), feature_mask=torch.from_numpy(LABELS[None, None]),
                           return_input_shape=False)
    return list(out.detach().double().numpy().ravel())


def heavy(rows):
    return np.concatenate([np.ones((1, N_SEGMENTS), int), np.zeros((1, N_SEGMENTS), int), rows])


CASES = [
    ("lime_all", lambda: by_lime(3, 200)),
    ("lime_forward", lambda: by_lime(11, 120, num_features=4)),
    ("lime_highest", lambda: by_lime(0, 300, width=0.5, hide=0, num_features=8)),
    ("lime_none", lambda: by_lime(7, 90, num_features=3, selection="none")),
    ("captum_lime", lambda: by_captum(Lime(torch_score, interpretable_model=SkLearnLasso(alpha=0.01, tol=1e-7, max_iter=10000)), samples(60, 1))),
    ("shap_drawn", lambda: by_shap(5, 300)),
    ("shap_all", lambda: by_shap(0, 2**12 - 2)),
    ("captum_shap", lambda: by_captum(KernelShap(torch_score), heavy(samples(60, 2)))),
]


def main():
    lines = []
    for name, explain in CASES:
        numbers = ", ".join(f"{value:.17g}" for value in explain())
        lines.append(f"static const double {name}[] = {{ {numbers} }};")
    text = f"""/* SPDX-License-Identifier: MIT
 * What the originals say of lime.c's black box. Made by make_lime.py with lime 0.2.0.1,
 * shap {shap.__version__}, captum {captum.__version__}, scikit-learn {sklearn.__version__}; do not edit. */
#ifndef XAI_GOLDEN_LIME_H
#define XAI_GOLDEN_LIME_H

/* clang-format off */

""" + "\n".join(lines) + "\n\n#endif\n"
    (HERE / "lime.h").write_text(text)


if __name__ == "__main__":
    main()
