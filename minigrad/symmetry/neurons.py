"""Neurons of a network of `nn`: which of them are one, by the numbers of the classes of their weights."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..nn.layers import MLP


def by_name(model: MLP, entries: Any) -> dict[str, Any]:
    """One array per parameter, W1, b1, W2, ..., out of one number per entry, in either form of the network."""
    found, start = {}, 0
    for name, array in model.state().items():
        found[name] = np.asarray(entries[start : start + array.size]).reshape(array.shape)
        start += array.size
    return found


def neuron_classes(model: MLP, classes: Any) -> list[Any]:
    """For each hidden layer, the class of each neuron, numbered by first appearance.

    Neurons are one if the weights into them, their bias and the weights out of them are, place for place.
    """
    c = by_name(model, classes)
    found = []
    for k in range(1, len(model.sizes) - 1):
        rows = [c[f"W{k}"], *([c[f"b{k}"][None]] if f"b{k}" in c else []), c[f"W{k + 1}"].T]
        _, first, inverse = np.unique(np.vstack(rows), axis=1, return_index=True, return_inverse=True)
        rank = np.argsort(np.argsort(first))
        found.append(rank[np.ravel(inverse)])
    return found
