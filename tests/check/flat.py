"""Arguments and answers as flat lists of arrays: what the zoo's own proofs compare."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
from check.zoo.case import Case


def is_number(x: Any) -> bool:
    """Whether a leaf is differentiated: a float, or an array of floats."""
    return isinstance(x, float) or (isinstance(x, (np.ndarray, np.generic)) and np.asarray(x).dtype.kind == "f")


def leaves(tree: Any) -> list[Any]:
    """Every leaf, in order, numbers or not."""
    if isinstance(tree, dict):
        return [leaf for key in tree for leaf in leaves(tree[key])]
    if isinstance(tree, (list, tuple)):
        return [leaf for item in tree for leaf in leaves(item)]
    return [tree]


def rebuilt(tree: Any, numbers: list[Any]) -> Any:
    """The tree, with its numbers taken from a list, from the front."""
    if isinstance(tree, dict):
        return {key: rebuilt(item, numbers) for key, item in tree.items()}
    if isinstance(tree, (list, tuple)):
        return type(tree)(rebuilt(item, numbers) for item in tree)
    return numbers.pop(0) if is_number(tree) else tree


class Misfit(Exception):
    """An answer that is not nested like the arguments."""


def answered(tree: Any, answer: Any) -> list[Any]:
    """The answer's parts that belong to the numbers of the tree, in order; Misfit where the nesting differs.

    None stands for zeros, and for what is no number.
    """
    if isinstance(tree, dict):
        if not (isinstance(answer, dict) and set(answer) == set(tree)):
            raise Misfit("dict")
        return [part for key in tree for part in answered(tree[key], answer[key])]
    if isinstance(tree, (list, tuple)):
        if not (isinstance(answer, (list, tuple)) and len(answer) == len(tree)):
            raise Misfit("sequence")
        return [part for a, b in zip(tree, answer, strict=True) for part in answered(a, b)]
    if not is_number(tree):
        return []
    if answer is None:
        return [np.zeros(np.shape(tree), np.asarray(tree).dtype)]
    try:
        part = np.array(answer)
    except ValueError:
        raise Misfit("ragged") from None
    if part.dtype.kind not in "fiuc":
        raise Misfit("not an array of numbers")
    return [part]


def per_argument(args: tuple[Any, ...], answer: Any) -> list[Any]:
    """An answer of one gradient per argument, or of one gradient for one argument."""
    if len(args) == 1 and not (isinstance(answer, tuple) and len(answer) == 1):
        answer = (answer,)
    return answered(args, answer)


def drawn(x: Any, seed: int) -> Any:
    """Numbers of the shape and type of x, of both signs."""
    values = np.random.default_rng(seed).uniform(0.5, 1.5, np.shape(x)) * np.where(
        np.arange(np.size(x)).reshape(np.shape(x)) % 3 == 1, -1, 1
    )
    return values.astype(np.asarray(x).dtype) if np.ndim(x) else type(x)(values)


def direction(args: tuple[Any, ...], seed: int) -> list[Any]:
    """A tangent for every number of the arguments."""
    return [drawn(x, seed + k) for k, x in enumerate(leaves(args)) if is_number(x)]


def cotangent(case: Case, seed: int) -> Any:
    """A cotangent for the output of f."""
    y = np.asarray(case.f(*case.positional()))
    return drawn(y if y.dtype.kind == "f" else y.astype(float), seed)


def evaluate(case: Case, given: Callable[..., Any], seed: int = 1, g: Any = None) -> list[Any]:
    """What a derivative of the case's flavour answers, as a flat list; the seed draws cotangents and tangents."""
    args = case.positional()
    if case.flavour == "vjp":
        return per_argument(args, given(cotangent(case, seed) if g is None else g, *args))
    if case.flavour == "jvp":
        return [np.array(given(args, tuple(rebuilt(args, direction(args, seed)))))]
    if case.flavour == "grad":
        return per_argument(args, given(*args))
    if case.flavour == "value_and_grad":
        value, answer = given(*args)
        return [np.array(value), *per_argument(args, answer)]
    return [np.array(given(*args))]


def fresh_given(case: Case) -> Callable[..., Any]:
    """The given derivative, with its state as new."""
    return case.fresh()[2][case.flavour]


def fresh_truth(case: Case) -> Callable[..., Any]:
    """The right derivative of a wrong case."""
    assert case.truth is not None
    return copy.deepcopy(case.truth)
