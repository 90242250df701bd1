"""Compiled against eager, to the last bit: what the tests of the compiler ask of a function and its arguments."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import minigrad
from minigrad.compiler import Compiled
from minigrad.engine.tree import leaves


def same(a: Any, b: Any) -> bool:
    """Equal to the last bit, nan for nan, type and shape included."""
    x, y = np.asarray(a), np.asarray(b)
    if x.dtype != y.dtype or x.shape != y.shape:
        return False
    if x.dtype.kind != "f":
        return np.array_equal(x, y)
    return np.array_equal(x, y, equal_nan=True) and np.array_equal(np.signbit(x)[x == x], np.signbit(y)[y == y])


def plain(x: Any) -> Any:
    return x.data if isinstance(x, minigrad.Value) else x


def assert_same(got: Any, want: Any, what: str) -> None:
    """Two nestings of results, equal to the last bit."""
    a, b = leaves(got), [plain(x) for x in leaves(want)]
    assert len(a) == len(b), what
    for x, y in zip(a, b, strict=True):
        assert same(x, y), f"{what}: {type(x)} {x!r}, eager {type(y)} {y!r}"


def assert_separate(results: Any, others: Sequence[Any]) -> None:
    """No two results share memory, nor any with other arrays."""
    arrays = [x for x in leaves(results) if isinstance(x, np.ndarray)]
    for i, x in enumerate(arrays):
        for y in (*arrays[i + 1 :], *(z for z in others if isinstance(z, np.ndarray))):
            assert not np.may_share_memory(x, y)


def check(f: Callable[..., Any], *calls: Sequence[Any], what: str = "", **options: Any) -> Compiled:
    """Compiled once, f gives what eager f gives for every call, shares no memory, and changes no argument."""
    compiled = minigrad.compile(f, **options)
    earlier: list[Any] = []
    for args in calls:
        before = [np.array(x) for x in leaves(list(args)) if isinstance(x, np.ndarray)]
        with np.errstate(all="ignore"):
            want, got = f(*args), compiled(*args)
            again = compiled(*args)
        assert_same(got, want, what)
        assert_same(again, want, f"{what}, called again")
        given = [x for x in leaves(list(args)) if isinstance(x, np.ndarray)]
        assert all(same(x, y) for x, y in zip(given, before, strict=True)), f"{what} changed an argument"
        assert_separate([got, again], [*given, *earlier])
        earlier += [x for x in leaves(got) if isinstance(x, np.ndarray)]
    return compiled
