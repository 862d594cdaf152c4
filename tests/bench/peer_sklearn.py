#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# CART: fit and predict beside scikit-learn, on one table, taking turns.
"""Measure xai_tree_fit() and xai_tree_predict() against scikit-learn, in one run.

Needs numpy and scikit-learn. Nothing here passes or fails, but the trees have to be the same."""
import argparse
import ctypes
import os
import time

import numpy as np
from sklearn.datasets import make_classification
from sklearn.tree import DecisionTreeClassifier

P = ctypes.c_void_p


class FitOptions(ctypes.Structure):
    _fields_ = ([('struct_size', ctypes.c_size_t), ('method', ctypes.c_char_p), ('criterion', ctypes.c_char_p),
                 ('sample_weights', P), ('feature_names', P), ('class_names', P), ('n_classes', ctypes.c_size_t)] +
                [(name, ctypes.c_double) for name in ('min_impurity_decrease', 'min_weight_fraction_leaf', 'ccp_alpha')] +
                [(name, ctypes.c_uint32) for name in ('max_depth', 'max_leaf_nodes', 'min_samples_split',
                                                      'min_samples_leaf', 'max_features', 'n_cuts', 'n_steps')] +
                [('temperature', ctypes.c_float), ('learning_rate', ctypes.c_float), ('reserved', ctypes.c_uint32),
                 ('seed', ctypes.c_uint64)])


class ContextOptions(ctypes.Structure):
    _fields_ = [('struct_size', ctypes.c_size_t), ('allocator', P), ('log', P), ('log_user', P), ('backends', P),
                ('max_pixels', ctypes.c_uint64), ('n_threads', ctypes.c_uint32), ('flags', ctypes.c_uint32)]


class Library:
    """The few functions that are needed, through the public ABI."""

    def __init__(self, path, n_threads):
        self.lib = ctypes.CDLL(path)
        for name in ('xai_tensor_data', 'xai_last_error'):
            getattr(self.lib, name).restype = P if name.endswith('data') else ctypes.c_char_p
        self.lib.xai_tree_n_nodes.restype = ctypes.c_size_t
        options = ContextOptions(struct_size=ctypes.sizeof(ContextOptions), n_threads=n_threads)
        self.context = P()
        self.check(self.lib.xai_context_create(ctypes.byref(self.context), ctypes.byref(options)))

    def check(self, status):
        if status != 0:
            raise RuntimeError(self.lib.xai_last_error().decode())

    def wrap(self, array):
        tensor, shape = P(), (ctypes.c_int64 * array.ndim)(*array.shape)
        self.check(self.lib.xai_tensor_wrap(ctypes.byref(tensor), self.context, P(array.ctypes.data), shape,
                                            ctypes.c_size_t(array.ndim), None, None))
        return tensor

    def fit(self, rows, targets, **options):
        tree = P()
        options = FitOptions(struct_size=ctypes.sizeof(FitOptions), **options)
        self.check(self.lib.xai_tree_fit(ctypes.byref(tree), rows, targets, ctypes.byref(options)))
        return tree

    def predict(self, tree, rows):
        out = P()
        self.check(self.lib.xai_tree_predict(ctypes.byref(out), tree, rows, ctypes.c_uint32(0)))
        return out


def measure(call):
    """(seconds, seconds of processor time, result)."""
    start, start_cpu = time.perf_counter(), time.process_time()
    result = call()
    return time.perf_counter() - start, time.process_time() - start_cpu, result


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('build', help='build folder, best one of a release build')
    parser.add_argument('--rounds', type=int, default=3)
    parser.add_argument('--rows', type=int, default=100_000)
    parser.add_argument('--threads', type=int, default=1, help='of libxai; scikit-learn uses one')
    options = parser.parse_args()
    x, y = make_classification(options.rows, 54, random_state=0)
    x, targets = x.astype(np.float32), y.astype(np.float32)
    library = Library(os.path.join(options.build, 'libxai', 'libxai.so'), options.threads)
    rows, classes = library.wrap(x), library.wrap(targets)
    times = {}
    for _ in range(options.rounds):
        model = DecisionTreeClassifier(random_state=0)
        times.setdefault('scikit-learn fit', []).append(measure(lambda: model.fit(x, y))[:2])
        *spent, tree = measure(lambda: library.fit(rows, classes, seed=0))
        times.setdefault('libxai fit', []).append(spent)
        *spent, theirs = measure(lambda: model.predict_proba(x))
        times.setdefault('scikit-learn predict', []).append(spent)
        *spent, out = measure(lambda: library.predict(tree, rows))
        times.setdefault('libxai predict', []).append(spent)
        ours = np.ctypeslib.as_array((ctypes.c_float * theirs.size).from_address(library.lib.xai_tensor_data(out)))
        assert library.lib.xai_tree_n_nodes(tree) == model.tree_.node_count
        assert np.array_equal(ours.reshape(theirs.shape), theirs.astype(np.float32))
        library.lib.xai_tensor_unref(out)
        library.lib.xai_tree_unref(tree)
    print(f'{options.rows} rows, 54 features, {model.tree_.node_count} nodes, best of {options.rounds} rounds')
    for what in ('fit', 'predict'):
        peer, own = (np.min(times[f'{who} {what}'], axis=0) for who in ('scikit-learn', 'libxai'))
        print(f'{what:8} scikit-learn {peer[0]:8.3f} s ({peer[1]:8.3f} s processor), libxai {own[0]:8.3f} s '
              f'({own[1]:8.3f} s): {peer[0] / own[0]:.2f} times as fast ({peer[1] / own[1]:.2f} by processor time)')


if __name__ == '__main__':
    main()
