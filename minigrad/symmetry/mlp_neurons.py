"""Finds equal neurons in a network of `nn`, from the class numbers of its weights."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..nn.mlp import MLP


def by_name(model: MLP, entries: Any) -> dict[str, Any]:
    """Split one number per entry into one array per parameter (W1, b1, W2, ...), for either form of network."""
    found, start = {}, 0
    for name, array in model.state().items():
        found[name] = np.asarray(entries[start : start + array.size]).reshape(array.shape)
        start += array.size
    return found


def neuron_classes(model: MLP, classes: Any) -> list[Any]:
    """For each hidden layer, the class of each neuron, numbered by first appearance.

    Two neurons are equal if their incoming weights, biases and outgoing weights are equal, entry by entry.
    """
    c = by_name(model, classes)
    found = []
    for k in range(1, len(model.sizes) - 1):
        rows = [c[f"W{k}"], *([c[f"b{k}"][None]] if f"b{k}" in c else []), c[f"W{k + 1}"].T]
        _, first, inverse = np.unique(np.vstack(rows), axis=1, return_index=True, return_inverse=True)
        rank = np.argsort(np.argsort(first))
        found.append(rank[np.ravel(inverse)])
    return found
