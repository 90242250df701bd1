"""Finds neurons of a network of `nn` that are equal, or equal up to sign, from the classes of its weights."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..nn.mlp import MLP
from .classes import first_entries, renumber


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
    return [_number_columns(np.vstack(rows)) for rows in _incoming_and_outgoing(model, classes)]


@dataclass(frozen=True, eq=False)
class NeuronsAlike:
    """Neurons of a layer that compute the same up to sign.

    classes   the class of each neuron, numbered by first appearance
    into      1 or -1: the sign of its incoming weights and bias, compared with the first of its class
    out       1 or -1: the sign of its outgoing weights, compared with the first of its class
    """

    classes: Any
    into: Any
    out: Any

    @classmethod
    def alone(cls, count: int) -> NeuronsAlike:
        """Neurons no two of which are alike."""
        return cls(np.arange(count), *np.ones((2, count), dtype=np.int8))

    @property
    def has_signs(self) -> bool:
        """Whether some neuron is minus another one, before or after the activation."""
        return bool((self.into < 0).any())


def neurons_alike(model: MLP, signed: Any, parity: int) -> list[NeuronsAlike]:
    """For each hidden layer, the neurons that are alike if the activation is odd (-1), even (1) or neither (0).

    signed: a number for each entry; opposite entries have opposite numbers, and entries that stay 0 have 0.
    """
    found = []
    for into, out in _incoming_and_outgoing(model, signed):
        signs = np.ones(into.shape[1], dtype=np.int8)
        if parity:
            signs = _first_signs(np.vstack([into, out]) if parity < 0 else into)
        after = signs if parity < 0 else np.ones_like(signs)
        classes = _number_columns(np.vstack([into * signs, out * after]))
        first = first_entries(classes, int(classes.max(initial=-1)) + 1)[classes]
        found.append(NeuronsAlike(classes, signs * signs[first], after * after[first]))
    return found


def _incoming_and_outgoing(model: MLP, entries: Any) -> Iterator[tuple[Any, Any]]:
    """For each hidden layer, incoming weights with bias, and outgoing weights; one column per neuron."""
    c = by_name(model, entries)
    for k in range(1, len(model.sizes) - 1):
        yield np.vstack([c[f"W{k}"], *([c[f"b{k}"][None]] if f"b{k}" in c else [])]), c[f"W{k + 1}"].T


def _number_columns(columns: Any) -> Any:
    """A number for each different column, by first appearance."""
    return renumber(np.ravel(np.unique(columns, axis=1, return_inverse=True)[1]))[0]


def _first_signs(columns: Any) -> Any:
    """The sign of the first entry of each column that is not 0; 1 for a column of zeros."""
    first = np.argmax(columns != 0, axis=0)
    return np.where(np.take_along_axis(columns, first[None], axis=0)[0] < 0, np.int8(-1), np.int8(1))
