#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes shap.txt: what shap's TreeExplainer says of trees that make_cart.py fits, too.

Run: python3 make_shap.py (needs numpy, scikit-learn and shap). For each case a line
  case SET SEED WEIGHTED MISSING CRITERION ROW_OF_OPTIONS N_ROWS
then the expected values, then for each of the first N_ROWS rows its values, feature after feature, class after class.
"""
import pathlib

import numpy as np
import shap
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from make_cart import OPTIONS, made, punch, uniform, weigh

HERE = pathlib.Path(__file__).resolve().parent
N_ROWS = 12
# SET, SEED, WEIGHTED, MISSING, CRITERION, ROW_OF_OPTIONS
CASES = [(2, 0, 0, 0, "gini", 0), (5, 1, 0, 1, "entropy", 0), (7, 2, 1, 1, "squared_error", 0), (11, 3, 1, 0, "gini", 6),
         (14, 4, 0, 1, "gini", 4), (17, 5, 1, 1, "entropy", 1), (9, 6, 0, 0, "gini", 8)]


def fit(key, seed, weighted, missing, criterion, row):
    x, y = made(key)
    if missing:
        x = punch(x, 10000 + 100 * key + seed)
    weights = weigh(20000 + 100 * key + 2 * seed, len(y)) if weighted else None
    if criterion == "squared_error":
        y = (y + uniform(30000 + key, len(y))).astype(np.float32)
    kind = DecisionTreeRegressor if criterion == "squared_error" else DecisionTreeClassifier
    return x, kind(criterion=criterion, random_state=seed, **OPTIONS[row]).fit(x, y, weights)


def text(numbers):
    return " ".join(f"{number:.9g}" for number in np.ravel(numbers))


def main():
    lines = [f"# shap {shap.__version__}, by make_shap.py"]
    for case in CASES:
        x, model = fit(*case)
        explainer = shap.TreeExplainer(model, feature_perturbation="tree_path_dependent")
        values = np.asarray(explainer.shap_values(x[:N_ROWS], check_additivity=False))
        lines.append("case made" + " ".join(map(str, case)) + f" {N_ROWS}")
        lines.append(text(explainer.expected_value))
        lines += [text(row) for row in values]
    (HERE / "shap.txt").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
