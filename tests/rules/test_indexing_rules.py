"""Adding at an index that repeats: whichever way it is done, entry by entry is what it must equal."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from minigrad import grad
from minigrad.rules.indexing import _DENSE, _MANY, scatter

RNG = np.random.default_rng(3)


def places(n: int, count: Any) -> Any:
    return RNG.integers(-n, n, count)


DENSE, SPARSE = (30, 20), (3000, 20)
WHOLE = slice(None)
INDICES = [
    lambda shape: places(shape[0], 40),
    lambda shape: [*map(int, places(shape[0], 40))],
    lambda shape: (WHOLE, places(shape[1], (5, 7))),
    lambda shape: (places(shape[0], (40, 1)), places(shape[1], 15)),
    lambda shape: (places(shape[0], 600), 3),
    lambda shape: (Ellipsis, places(shape[1], 30), None),
]


@pytest.mark.parametrize("index", INDICES)
@pytest.mark.parametrize("shape", [DENSE, SPARSE])
@pytest.mark.parametrize("kind", [np.float64, np.float32, np.longdouble])
def test_repeats_add_up_whether_counted_or_added_one_by_one(index: Any, shape: Any, kind: Any) -> None:
    where = index(shape)
    g = RNG.normal(size=np.zeros(shape)[where].shape).astype(kind)
    assert g.size >= _MANY
    want = np.zeros(shape, np.longdouble)
    np.add.at(want, where, g)
    got = scatter(g, where, shape)
    assert got.dtype == kind
    np.testing.assert_allclose(got, want, rtol=0, atol=200 * np.finfo(kind).eps)


def test_both_ways_are_tried_above() -> None:
    """One shape is small enough to be counted in whole, the other too large."""
    assert np.prod(DENSE) <= _DENSE * 600 < np.prod(SPARSE)


@pytest.mark.parametrize("axis", [None, 0, 1, -1])
@pytest.mark.parametrize("mode", ["raise", "wrap", "clip"])
def test_take_of_many_entries(axis: Any, mode: str) -> None:
    x, indices = RNG.normal(size=(10, 12)), places(10, (9, 9))
    c = RNG.normal(size=np.take(x, indices, axis, mode=mode).shape)
    numbers = np.take(np.arange(120).reshape(10, 12), indices, axis, mode=mode)
    want = [np.sum(c[numbers == k]) for k in range(120)]
    got = grad(lambda x: np.sum(c * np.take(x, indices, axis, mode=mode)))(x)
    np.testing.assert_allclose(got, np.reshape(want, x.shape), atol=1e-12)
