#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes cart.txt and cart.json: what scikit-learn 1.9 fits to four small tables and to twenty made here.

Run: python3 make_cart.py (needs numpy and scikit-learn). tests/tables.h draws the same tables, weights and holes. Lines of
cart.txt, with digests as FNV-1a over little-endian arrays:
  fit SET SEED WEIGHTED MISSING CRITERION ROW_OF_OPTIONS N_NODES DIGEST     the nodes, array by array
  path SET WEIGHTED MISSING N DIGEST                                        alphas and impurities of the pruning path
  importances SET WEIGHTED MISSING DIGEST                                   as float32
  probabilities SET N_NODES DIGEST                                          of cart.json's tree for the table it was fitted to
"""
import json
import math
import pathlib

import numpy as np
import sklearn
from sklearn.datasets import load_breast_cancer, load_digits, load_iris, load_wine
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

HERE = pathlib.Path(__file__).resolve().parent
GOLDEN = np.uint64(0x9E3779B97F4A7C15)
N_MADE, N_SEEDS = 20, 10
LOADERS = {"iris": load_iris, "wine": load_wine, "breast_cancer": load_breast_cancer, "digits": load_digits}
CRITERIA = ["gini", "entropy", "squared_error"]
OPTIONS = [
    {},
    {"max_depth": 4},
    {"max_leaf_nodes": 12},
    {"max_features": 2},
    {"min_samples_leaf": 5, "min_samples_split": 20},
    {"min_impurity_decrease": 0.01},
    {"max_leaf_nodes": 40, "max_features": 3},
    {"min_weight_fraction_leaf": 0.03},
    {"ccp_alpha": 0.01},
]


def uniform(key, n):
    """Numbers 0 to n - 1 of splitmix64's sequence behind key, in [0, 1)."""
    with np.errstate(over="ignore"):
        x = np.uint64(key) + (np.arange(n, dtype=np.uint64) + np.uint64(1)) * GOLDEN
        x = (x ^ x >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ x >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
        x = x ^ x >> np.uint64(31)
    return (x >> np.uint64(11)).astype(np.float64) * 2.0**-53


def made(number):
    """Classes that shift some features; every other table has values on a coarse grid, so that there are ties."""
    n_rows, n_features, n_classes = 120 + 10 * number, 3 + number % 6, 2 + number % 4
    y = np.floor(uniform(1000 + number, n_rows) * n_classes)
    x = uniform(2000 + number, n_rows * n_features).reshape(n_rows, n_features) * 2
    x = x + y[:, None] * (np.arange(n_features) % 3) * 0.5
    if number % 2:
        x = np.floor(x * 8) / 8
    return x.astype(np.float32), y.astype(np.float32)


def tables():
    for name, loader in LOADERS.items():
        x, y = loader(return_X_y=True)
        yield name, 100 + len(name), x.astype(np.float32), y.astype(np.float32)
    for number in range(N_MADE):
        yield f"made{number}", number, *made(number)


def punch(x, key):
    x = x.copy()
    x[(uniform(key, x.size) < 0.15).reshape(x.shape)] = np.nan
    return x


def weigh(key, n):
    return np.where(uniform(key, n) < 0.1, 0, uniform(key + 1, n) * 3).astype(np.float32)


def digest(*arrays):
    value = 0xCBF29CE484222325
    for array in arrays:
        for byte in np.ascontiguousarray(array).tobytes():
            value = (value ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    return f"{value:016x}"


def digest_tree(tree):
    # A zero has no sign here.
    return digest(tree.children_left.astype("<i4"), tree.children_right.astype("<i4"), tree.feature.astype("<i4"),
                  tree.threshold + 0.0, tree.impurity + 0.0, tree.n_node_samples.astype("<u4"),
                  tree.weighted_n_node_samples, tree.missing_go_to_left.astype("<u4"), tree.value + 0.0)


def cases(key, x, y, seed):
    for weighted in (0, 1):
        for missing in (0, 1):
            holes = punch(x, 10000 + 100 * key + seed) if missing else x
            weights = weigh(20000 + 100 * key + 2 * seed, len(y)) if weighted else None
            yield weighted, missing, holes, weights


def fits(name, key, x, y):
    for seed in range(N_SEEDS):
        for weighted, missing, holes, weights in cases(key, x, y, seed):
            criterion = CRITERIA[(seed + 2 * weighted + missing + key) % 3]
            row = (seed + key + 3 * weighted + 5 * missing) % len(OPTIONS)
            target = y
            if criterion == "squared_error":
                target = (y + uniform(30000 + key, len(y))).astype(np.float32)
            kind = DecisionTreeRegressor if criterion == "squared_error" else DecisionTreeClassifier
            model = kind(criterion=criterion, random_state=seed, **OPTIONS[row]).fit(holes, target, weights)
            yield (f"fit {name} {seed} {weighted} {missing} {criterion} {row} {model.tree_.node_count} "
                   f"{digest_tree(model.tree_)}")


def paths(name, key, x, y):
    for weighted, missing, holes, weights in cases(key, x, y, 0):
        model = DecisionTreeClassifier(random_state=0).fit(holes, y, weights)
        path = model.cost_complexity_pruning_path(holes, y, weights)
        yield (f"path {name} {weighted} {missing} {len(path.ccp_alphas)} "
               f"{digest(path.ccp_alphas + 0.0, path.impurities + 0.0)}")
        yield f"importances {name} {weighted} {missing} {digest(model.feature_importances_.astype('<f4') + np.float32(0))}"


def plain(array):
    """What JSON lacks becomes a text."""
    return [x if math.isfinite(x) else repr(x) for x in array.tolist()]


def export():
    """A tree with thresholds at infinity, so that a missing value is what parts the rows."""
    x, y = made(5)
    x[:, 0] = np.where(y == 1, np.nan, x[:, 0])
    x[:, 1:] = punch(x[:, 1:], 77)
    model = DecisionTreeClassifier(random_state=0).fit(x, y)
    tree = model.tree_
    assert np.isinf(tree.threshold).any()
    names = ["children_left", "children_right", "feature", "threshold", "impurity", "n_node_samples",
             "weighted_n_node_samples", "missing_go_to_left"]
    document = {"n_features": tree.n_features, **{name: plain(getattr(tree, name)) for name in names},
                "value": tree.value.tolist()}
    (HERE / "cart.json").write_text(json.dumps(document) + "\n")
    return f"probabilities made5 {tree.node_count} {digest(model.predict_proba(x).astype('<f4'))}"


def main():
    lines = [f"# scikit-learn {sklearn.__version__}, by make_cart.py"]
    for name, key, x, y in tables():
        lines += fits(name, key, x, y)
        lines += paths(name, key, x, y)
    lines.append(export())
    (HERE / "cart.txt").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
