"""Patterns of a layer: the cotangent times the slope of an activation, through one product to the argument.

The result tells the slope: 1 - y² of tanh, y (1 - y) of the sigmoid. No formula here has a free number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..evidence import Diagnosis
from .case import Case
from .constants import broadcast_axes
from .formulas import Mistake, arrays_of, first_mistake, is_reference, result_and_cotangent
from .order import pattern
from .softmax import softmax_along

ROWS_SUM = 1e-9  # how near to 1 the rows of a softmax sum


@dataclass(frozen=True)
class Activation:
    """The gradient before an activation: in words and numbers.

    wrong: of each mistake the kind, what is wrong, and the gradient in words and numbers. of_lines: whether an
    entry depends on its whole line. If not, `factors` names mistakes where the argument is what it is applied to.
    """

    words: str
    right: NDArray[Any]
    wrong: tuple[tuple[str, str, str, NDArray[Any]], ...] = ()
    of_lines: bool = False


@dataclass(frozen=True)
class Pull:
    """A way from the gradient before the activation to that of the argument. words: with {} for it."""

    words: str
    of: Callable[[NDArray[Any]], NDArray[Any]]
    through: str = ""


@pattern(115)
def dense_layer(case: Case) -> Diagnosis | None:
    """The slope of an activation is missing, or the matrix of a layer is not transposed."""
    known = result_and_cotangent(case)
    if known is None:
        return None
    y, g = known
    pulls = [*_pulls(case, y.shape)]
    x = np.asarray(case.evidence.x, dtype=np.float64)
    for activation in _activations(y, g, x):
        own = [Pull("{}", lambda d: d)] if activation.of_lines and y.shape == case.shape else []
        for pull in [*own, *pulls]:
            right = pull.of(activation.right)
            if is_reference(case, right):
                found = first_mistake(case, right, _mistakes(activation, pull, pulls))
                if found is not None:
                    return found
    return None


def _mistakes(activation: Activation, pull: Pull, pulls: list[Pull]) -> Iterator[Mistake]:
    true = pull.words.format(activation.words)
    for kind, what, words, values in activation.wrong:
        sentence = f"{what}: given = {pull.words.format(words)}, but the derivative is {true}"
        yield Mistake(kind, sentence, pull.of(values))
    if activation.words == "cotangent":
        return  # `matrices` names these
    for other in pulls:
        if other.through and other.through == pull.through and other is not pull:
            given = other.words.format(activation.words)
            sentence = f"a matrix is not transposed: given = {given}, but the derivative is {true}"
            yield Mistake("transposed", sentence, other.of(activation.right))


def _activations(y: NDArray[Any], g: NDArray[Any], x: NDArray[Any]) -> Iterator[Activation]:
    """Activations whose slope the result tells."""
    none = ("cotangent", g)
    yield Activation("cotangent", g)
    if np.all(np.abs(y) < 1):
        slope = "the slope of tanh, 1 - y², is missing"
        yield Activation(
            "(cotangent × (1 - y²))",
            g * (1 - y) * (1 + y),
            (
                ("missing factor", slope, *none),
                ("missing factor", "y is not squared in 1 - y²", "(cotangent × (1 - y))", g * (1 - y)),
            ),
        )
    if np.all((y > 0) & (y < 1)):
        slope = "the slope of the sigmoid, y (1 - y), is missing"
        yield Activation(
            "(cotangent × y (1 - y))",
            g * y * (1 - y),
            (
                ("missing factor", slope, *none),
                ("missing factor", "1 - y is missing in y (1 - y)", "(cotangent × y)", g * y),
                ("missing factor", "y is missing in y (1 - y)", "(cotangent × (1 - y))", g * (1 - y)),
            ),
        )
    if np.all(y >= 0) and np.any(y == 0):
        slope = "the mask of relu, y > 0, is missing"
        yield Activation("(cotangent × (y > 0))", g * (y > 0), (("missing factor", slope, *none),))
    yield from _softmaxes(y, g, x)


def _softmaxes(y: NDArray[Any], g: NDArray[Any], x: NDArray[Any]) -> Iterator[Activation]:
    """Softmax and log-softmax along an axis."""
    of = "the sum over the line that {} subtracts is missing"
    for axis in range(y.ndim):
        if y.shape[axis] > 1 and np.all(y >= 0) and _is_one(y.sum(axis=axis)):
            wrong = [
                ("missing term", of.format("softmax"), "(y × cotangent)", y * g),
                ("missing term", "only the diagonal is there", "(y (1 - y) × cotangent)", y * (1 - y) * g),
            ]
            if x.shape == y.shape and np.any(y == 0):
                p = softmax_along(x, (axis,))
                without = "a mask is forgotten: y is 0 where the softmax p of x is not"
                wrong.append(("mask", without, "(p × (cotangent - Σ p × cotangent))", _pulled(p, g, axis)))
            words = "(y × (cotangent - Σ y × cotangent))"
            yield Activation(words, _pulled(y, g, axis), tuple(wrong), of_lines=True)
        p = np.exp(np.minimum(y, 0))
        if y.shape[axis] > 1 and np.all(y <= 0) and _is_one(p.sum(axis=axis)):
            wrong = [
                ("missing term", of.format("log-softmax"), "cotangent", g),
                ("missing term", "only the diagonal is there", "((1 - exp y) × cotangent)", (1 - p) * g),
            ]
            right = g - p * g.sum(axis=axis, keepdims=True)
            yield Activation("(cotangent - exp y × Σ cotangent)", right, tuple(wrong), of_lines=True)


def _pulled(p: NDArray[Any], g: NDArray[Any], axis: int) -> NDArray[Any]:
    """The gradient of a softmax p."""
    found: NDArray[Any] = p * (g - (p * g).sum(axis=axis, keepdims=True))
    return found


def _is_one(sums: NDArray[Any]) -> bool:
    return bool(np.all(np.abs(sums - 1) <= ROWS_SUM))


def _pulls(case: Case, shape: tuple[int, ...]) -> Iterator[Pull]:
    """Ways from an array of the shape of the result to one of the shape of x: a sum, or one product."""
    axes = tuple(broadcast_axes(shape, case.shape))
    if axes:
        yield Pull("the sum of {} over the broadcast axes", lambda d: d.sum(axis=axes).reshape(case.shape))
    for name, array in arrays_of(case)[1:]:
        if array.ndim in (1, 2) and array.size:
            yield from _products(name, np.asarray(array, dtype=np.float64), shape, case.shape)


def _products(name: str, a: NDArray[Any], shape: tuple[int, ...], target: tuple[int, ...]) -> Iterator[Pull]:
    """The products of a with an array of one shape that have another one."""
    if len(shape) == a.ndim == 1:
        if target == (*shape, a.size):
            yield Pull(f"outer({{}}, {name})", lambda d: np.outer(d, a), name)
        if target == (a.size, *shape):
            yield Pull(f"outer({name}, {{}})", lambda d: np.outer(a, d), name)
    elif len(shape) in (1, 2):
        for turned in (False, True)[: len(shape)]:
            for matrix, words in ((a, name), (a.T, f"{name}.T"))[: a.ndim]:
                for first in (False, True):
                    of = _product(matrix, turned, first)
                    if _shape_of_product(matrix.shape, shape[::-1] if turned else shape, first) == target:
                        both = (words, "{}.T" if turned else "{}")
                        yield Pull(" @ ".join(both if first else both[::-1]), of, name)


def _product(a: NDArray[Any], turned: bool, first: bool) -> Callable[[NDArray[Any]], NDArray[Any]]:
    """The product of a with an array, which is transposed or not; first: whether a stands at the left."""

    def of(d: NDArray[Any]) -> NDArray[Any]:
        d = d.T if turned else d
        found: NDArray[Any] = a @ d if first else d @ a
        return found

    return of


def _shape_of_product(a: tuple[int, ...], d: tuple[int, ...], first: bool) -> tuple[int, ...] | None:
    left, right = (a, d) if first else (d, a)
    return (*left[:-1], *right[1:]) if left[-1] == right[0] else None
