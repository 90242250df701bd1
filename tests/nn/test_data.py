"""Data sets: seeded, of the shapes they promise, and beyond any straight line."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from minigrad import nn


def test_xor_is_the_four_corners() -> None:
    x, y = nn.data.xor()
    assert x.tolist() == [[0, 0], [0, 1], [1, 0], [1, 1]] and y.tolist() == [[0], [1], [1], [0]]


@pytest.mark.parametrize("make", [nn.data.two_moons, nn.data.circles])
@pytest.mark.parametrize("n", [2, 7, 100])
def test_shapes_classes_and_seeds(make: Any, n: int) -> None:
    x, y = make(n, seed=3)
    assert x.shape == (n, 2) and y.shape == (n, 1)
    assert (y == 0).sum() == n - n // 2 and (y == 1).sum() == n // 2
    again, _ = make(n, seed=np.random.default_rng(3))
    assert x.tobytes() == again.tobytes()
    assert not np.array_equal(x, make(n, seed=4)[0])


def test_without_noise_they_lie_on_their_curves() -> None:
    x, y = nn.data.circles(40, noise=0.0, factor=0.3)
    np.testing.assert_allclose(np.hypot(*x.T), np.where(y.ravel() == 1, 0.3, 1.0), rtol=1e-14)
    x, y = nn.data.two_moons(41, noise=0.0)
    upper, lower = x[y.ravel() == 0], x[y.ravel() == 1]
    np.testing.assert_allclose(np.hypot(*upper.T), 1, rtol=1e-14)
    np.testing.assert_allclose(np.hypot(1 - lower[:, 0], 0.5 - lower[:, 1]), 1, rtol=1e-14)
    assert (upper[:, 1] >= -1e-12).all() and (lower[:, 1] <= 0.5 + 1e-12).all()


@pytest.mark.parametrize("make", [nn.data.two_moons, nn.data.circles])
def test_no_line_separates_them(make: Any) -> None:
    """By the best of many directions and thresholds; noise as by default."""
    x, y = make(100)
    best = 0.0
    for angle in np.linspace(0, np.pi, 60):
        along = x @ [np.cos(angle), np.sin(angle)]
        for threshold in along:
            right = np.mean((along > threshold) == (y.ravel() == 1))
            best = max(best, right, 1 - right)
    assert best < 0.95


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: nn.data.two_moons(1), "two points or more, got 1"),
        (lambda: nn.data.circles(10, factor=1.0), "factor must be between 0 and 1"),
        (lambda: nn.data.two_moons(10, noise=-1.0), "noise must be 0 or more"),
    ],
)
def test_what_cannot_be_made_is_refused(call: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        call()
