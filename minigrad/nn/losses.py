"""Losses: how far a prediction is from its target, as one number.

A prediction is a Value, or lists of scalar Values from a network computed neuron by neuron; then the loss is a sum
of scalars too, and its picture shows every term. Plain arrays give a plain number. A dict or a dataclass of
predictions is compared with a target nested in the same way, and the losses of its items are added.
`rules/losses` has more losses, of arrays alone.
"""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

import numpy as np

from ..engine.tree import kind_of, leaves
from ..engine.tree_pairs import tree_pairs
from ..engine.value import Value
from ..errors import DomainError, ShapeError, describe
from ..tracing import is_tracing


def squared_error(prediction: Any, target: Any) -> Any:
    """Σ (a − y)², over samples and outputs.

    ShapeError where the shapes differ: (m, 1) against (m,) would compare every pair.
    """
    return _sum_of_terms(lambda a, y: (a - y) ** 2, prediction, target)


def binary_cross_entropy(prediction: Any, target: Any) -> Any:
    """Σ −y ln a − (1 − y) ln(1 − a), over samples and outputs; a strictly between 0 and 1.

    If a is a sigmoid that saturates, compute from its input z: ``softplus(z) - y * z`` is the same
    number. ShapeError where the shapes differ, DomainError where an a is outside of (0, 1).
    """
    loss = _sum_of_terms(lambda a, y: -y * np.log(a) - (1 - y) * np.log(1 - a), prediction, target)
    if not math.isfinite(loss._array if type(loss) is Value else loss) and not is_tracing():
        _check_probabilities(prediction)
    return loss


def _check_probabilities(prediction: Any) -> None:
    """Raise DomainError if a prediction is outside of (0, 1); nan passes."""
    for x in leaves(prediction):
        data = x.data if isinstance(x, Value) else np.asarray(x)
        if np.any((data <= 0) | (data >= 1)):
            raise DomainError(
                f"binary_cross_entropy of numbers outside of (0, 1): {describe(x)}, from {np.min(data):.4g} "
                f"to {np.max(data):.4g}\n"
                '  write  nn.MLP(..., output="sigmoid")   for a model of probabilities\n'
                "  or     np.sum(minigrad.softplus(z) - y * z)   of the numbers z before the sigmoid"
            )


def _sum_of_terms(term: Callable[[Any, Any], Any], prediction: Any, target: Any) -> Any:
    if prediction is None or isinstance(prediction, (list, tuple)) or not kind_of(prediction):
        return _sum_in_shape(term, prediction, target)
    pairs = tree_pairs(prediction, target)
    return functools.reduce(operator.add, (_sum_in_shape(term, a, y) for a, y, _ in pairs))


def _sum_in_shape(term: Callable[[Any, Any], Any], prediction: Any, target: Any) -> Any:
    """For an array, a Value, or nested lists of a shape."""
    shapes = _shape(prediction), _shape(target)
    if shapes[0] != shapes[1]:
        _refuse_shapes(*shapes)
    if isinstance(prediction, (list, tuple)):
        pairs = zip(_scalars(prediction), _scalars(target), strict=True)
        return functools.reduce(operator.add, (term(a, y) for a, y in pairs))
    if isinstance(target, (list, tuple)):
        target = np.asarray(target)
    terms = term(prediction, target)
    return terms if shapes[0] == () else np.sum(terms)


def _refuse_shapes(prediction: tuple[int, ...], target: tuple[int, ...]) -> NoReturn:
    """Raise ShapeError, with what to write where an axis of length 1 is missing."""
    remedy = ""
    if prediction == (*target, 1):
        remedy = (
            "\n  write  y[:, None]   for the target"
            if len(target) == 1
            else "\n  write  y[..., None]   for the target"
        )
    elif target == (*prediction, 1):
        remedy = "\n  write  y[..., 0]   for the target"
    raise ShapeError(
        "a loss compares each prediction with its target\n"
        f"  prediction  {prediction}\n  target      {target}\n  expected the same shape twice{remedy}"
    )


def _shape(nested: Any) -> tuple[int, ...]:
    """The shape of an array, a Value, or lists of these."""
    sides: tuple[int, ...] = ()
    while isinstance(nested, (list, tuple)) and nested:
        sides, nested = (*sides, len(nested)), nested[0]
    return (*sides, *np.shape(nested))


def _scalars(nested: Any) -> Iterator[Any]:
    """Everything in an array, a Value, or lists of these, in order."""
    for x in leaves(nested):
        if np.ndim(x) == 0:
            yield x
        else:
            for row in x:
                yield from _scalars(row)
