"""Functions of NumPy that are written with others: what they say of arrays, and derivatives to second order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
from checking import along, assert_close

import minigrad
from minigrad import Value
from minigrad.check.testing.op_calls import OpCall
from minigrad.check.testing.op_sampling import random_calls
from minigrad.engine.op import COMPOSED
from minigrad.engine.tree import leaves, tree_map
from minigrad.op_table import qualified
from minigrad.rules.composed import Composed

NAMES = {qualified(record.function) + record.arguments: record for record in COMPOSED.values()}
# What they take from the numbers decides the shape of the result: a trace refuses them by name.
DYNAMIC = {"np.unique", "np.trim_zeros", "np.polymul", "np.polydiv"}

each_function = pytest.mark.parametrize("name", NAMES)


def reals(args: tuple[Any, ...]) -> list[int]:
    """Which arguments are arrays of reals, or lists of them."""
    found = []
    for k, x in enumerate(args):
        kinds: list[str] = []
        tree_map(lambda leaf, _, kinds=kinds: kinds.append(np.asarray(leaf).dtype.kind), x)
        found += [k] if {*kinds} == {"f"} else []
    return found


def called(record: Composed, args: tuple[Any, ...], kwargs: dict[str, Any], which: list[int]) -> Callable[..., Any]:
    """The call as a function of those arguments alone."""

    def call(*xs: Any) -> Any:
        given = dict(zip(which, xs, strict=True))
        return first(record.function(*[given.get(k, x) for k, x in enumerate(args)], **kwargs))

    return call


def differentiable(record: Composed, args: tuple[Any, ...]) -> list[int]:
    """Not where a quantile lies, as its ends have a slope on one side alone; nor in which bin an entry lies."""
    name = record.function.__name__
    return [
        k
        for k in reals(args)
        if not (k == 1 and ("quantile" in name or "percentile" in name or name == "histogram"))
    ]


@each_function
def test_a_value_gives_what_an_array_gives(name: str) -> None:
    record = NAMES[name]
    for example in random_calls(record, 40):  # type: ignore[arg-type]
        which = differentiable(record, example.inputs)
        f = called(record, example.inputs, example.params, which)
        for dtype, rtol in ((np.float64, 1e-12), (np.float32, 1e-4)):
            xs = [tree_map(lambda x, _, dtype=dtype: np.asarray(x, dtype)[()], example.inputs[k]) for k in which]
            want = f(*xs)
            got = f(*(tree_map(lambda x, _: Value(x), x) for x in xs))
            assert isinstance(got, Value)
            assert got.shape == np.shape(want) and got.dtype == want.dtype
            np.testing.assert_allclose(got.data, want, rtol=rtol, atol=rtol / 10)


def first(y: Any) -> Any:
    """The first of several outputs: the others are counts, edges or indices."""
    return y[0] if isinstance(y, tuple) else y


def check(record: Composed, count: int = 15) -> None:
    """Gradients and second derivatives along a direction, against finite differences of NumPy's own function."""
    for example in random_calls(record, count):  # type: ignore[arg-type]
        check_one(record, example)


def check_one(record: Composed, example: OpCall) -> None:
    which, direction = differentiable(record, example.inputs), example.directions()
    f = called(record, example.inputs, example.params, which)
    xs = tuple(example.inputs[k] for k in which)
    v = direction(f(*xs))
    ts = tuple(tree_map(lambda x, _: direction(x), x) for x in xs)
    numbers = tuple(range(len(xs)))

    def loss(*xs: Any) -> Any:
        return np.sum(v * f(*xs))

    def slope(*xs: Any) -> Any:
        return paired(minigrad.grad(loss, numbers)(*xs), ts)

    def moved(h: float) -> tuple[Any, ...]:
        return tuple(shifted(x, t, h) for x, t in zip(xs, ts, strict=True))

    want = along(lambda h: loss(*moved(h)))
    assert_close(slope(*xs), want, 1e-9 * (1 + np.abs(want)), f"{record.function.__name__}: gradient")
    second = paired(minigrad.grad(slope, numbers)(*xs), ts)
    want = along(lambda h: slope(*moved(h)))
    assert_close(second, want, 1e-8 * (1 + np.abs(want)), f"{record.function.__name__}: second order")


def shifted(x: Any, t: Any, h: float) -> Any:
    return [shifted(*pair, h) for pair in zip(x, t, strict=True)] if isinstance(x, list) else x + h * t


def paired(gs: Any, ts: Any) -> Any:
    """<gs, ts> over all leaves."""
    if isinstance(gs, (list, tuple)):
        return sum((paired(*pair) for pair in zip(gs, ts, strict=True)), start=0.0)
    return np.sum(np.where(np.isnan(ts), 0.0, gs * ts))


@each_function
def test_forward_mode_compiled_and_vmapped_give_the_same(name: str) -> None:
    record = NAMES[name]
    for example in random_calls(record, 4):  # type: ignore[arg-type]
        which, direction = differentiable(record, example.inputs), example.directions()
        f = called(record, example.inputs, example.params, which)
        xs = tuple(example.inputs[k] for k in which)
        v = direction(f(*xs))
        ts = tuple(tree_map(lambda x, _, direction=direction: direction(x), x) for x in xs)
        numbers = tuple(range(len(xs)))

        def loss(*xs: Any, f: Any = f, v: Any = v) -> Any:
            return np.sum(v * f(*xs))

        slopes = minigrad.grad(loss, numbers)
        want = slopes(*xs)
        along = minigrad.jvp(loss, xs, ts)[1]
        assert_close(along, paired(want, ts), 1e-9 * (1 + np.abs(along)), f"{name}: forward")
        if name not in DYNAMIC:
            same(minigrad.compile(slopes)(*xs), want)
            rows = [tree_map(lambda x, _: np.stack([x, x]), x) for x in xs]
            same(minigrad.vmap(slopes)(*rows), [tree_map(lambda g, _: np.stack([g, g]), g) for g in want])
            same(minigrad.compile(f)(*xs), f(*xs))
            same(minigrad.vmap(f)(*rows), np.stack([f(*xs)] * 2))


def same(found: Any, want: Any) -> None:
    for a, b in zip(leaves(found), leaves(want), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-13)


@each_function
def test_derivatives_against_differences(name: str) -> None:
    check(NAMES[name])


@pytest.mark.parametrize(
    "name",
    [
        *("np.polyint", "np.unwrap", "np.linalg.cond", "np.nanquantile", "np.bincount", "np.logaddexp2.accumulate"),
        *(
            "np.add.reduceat",
            "np.sum(where=, initial=)",
            "np.std(where=, mean=, correction=)",
            "np.gradient(coordinates)",
        ),
    ],
)
def test_a_function_written_wrongly_is_caught(name: str) -> None:
    """A part in a million in what it is made of: its derivative is that of another function than NumPy's."""
    record = NAMES[name]
    wrong = replace(record, forward=lambda *args, **kwargs: record.forward(*args, **kwargs) * (1 + 1e-6))
    with patch.dict(COMPOSED, {record.function: wrong}), pytest.raises(AssertionError):
        check(record)


def test_half_a_turn_up_is_kept_and_down_is_turned() -> None:
    """Where NumPy itself chooses between two ways to unwrap."""
    for x in ([0.0, 2.0, 4.0], [4.0, 2.0, 0.0], [0.0, 2.0, 0.0, -2.0, 5.0]):
        np.testing.assert_array_equal(np.unwrap(Value(x), period=4).data, np.unwrap(x, period=4))
