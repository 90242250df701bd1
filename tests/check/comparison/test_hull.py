"""The nearest point of a convex hull, and the search for the gradients that span it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minigrad.check.comparison.hull import Membership, nearest_weights, search

seeds = st.integers(0, 2**32 - 1)


@settings(max_examples=100, deadline=None)
@given(seeds, st.integers(1, 12), st.integers(1, 6), st.sampled_from([0.0, 1.0, 5.0]))
def test_the_nearest_point_is_a_mean_and_no_point_lies_before_it(
    seed: int, count: int, dims: int, away: float
) -> None:
    rng = np.random.default_rng(seed)
    points = rng.normal(size=(count, dims)) + away * rng.normal(size=dims)
    size = np.max(np.sum(points**2, axis=1))
    weights = nearest_weights(points @ points.T / size)
    assert (weights >= 0).all() and abs(weights.sum() - 1) < 1e-12
    nearest = weights @ points
    assert np.min(points @ nearest) >= nearest @ nearest - 1e-7 * size


def test_points_that_occur_twice_or_lie_on_a_line_do_no_harm() -> None:
    points = np.array([[1.0, 0.0], [1.0, 0.0], [1.0, 1.0], [1.0, -1.0], [1.0, -1.0]])
    np.testing.assert_allclose(nearest_weights(points @ points.T) @ points, [1.0, 0.0], atol=1e-12)


def moves(dims: int, seed: int = 0) -> list[Any]:
    rng = np.random.default_rng(seed)
    return [sign * move for move in rng.normal(size=(8, dims)) for sign in (1, -1)]


def steepest(pieces: Any) -> Callable[[Any], Any]:
    """The gradient of max(pieces @ x) beside 0."""
    return lambda move: pieces[np.argmax(pieces @ move)]


def found(given: Any, ask: Any) -> Membership:
    result = search(given, np.full(len(given), 1e-6), ask, moves(len(given)))
    assert result is not None
    return result


@settings(max_examples=60, deadline=None)
@given(seeds, st.sampled_from([1, 2, 3, 5, 10, 20, 50]), st.integers(2, 60))
def test_means_of_active_slopes_lie_inside_and_what_lies_10_percent_beyond_does_not(
    seed: int, dims: int, count: int
) -> None:
    rng = np.random.default_rng(seed)
    pieces = rng.normal(size=(count, dims))
    mean = rng.dirichlet(np.ones(count)) @ pieces
    vertex = pieces[np.argmax(pieces @ rng.normal(size=dims))]
    assert found(mean, steepest(pieces)).inside
    assert found(vertex, steepest(pieces)).inside
    beyond = vertex + 0.1 * (vertex - pieces.mean(axis=0))
    outside = found(beyond, steepest(pieces))
    assert outside.inside is False
    assert np.max(pieces @ outside.away) < beyond @ outside.away  # it parts the two


@pytest.mark.parametrize("signs", [np.ones(40), -np.ones(40), np.resize([1.0, -1.0], 40)])
@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_where_each_entry_has_a_kink_of_its_own_the_sides_are_found_at_once(signs: Any, share: float) -> None:
    """As sum(signs * relu(x)) at 0, which is neither convex nor concave if signs are mixed."""
    asked: list[Any] = []

    def ask(move: Any) -> Any:
        asked.append(move)
        return signs * (move > 0)

    assert found(share * signs, ask).inside
    assert len(asked) < 25
    assert found(signs * np.where(np.arange(40) == 7, 1.1, share), ask).inside is not True


def test_a_ball_has_gradients_without_number() -> None:
    """As the norm at 0: no finite hull is all of its subdifferential."""
    rng = np.random.default_rng(0)
    for dims in (2, 5, 30):
        u = rng.normal(size=dims)
        u /= np.linalg.norm(u)
        for length, inside in ((0.9, True), (1.0, True), (1.1, False)):
            assert found(length * u, lambda move: move / np.linalg.norm(move)).inside is inside


def test_entries_of_very_different_size_count_alike() -> None:
    scales = np.array([1e-2, 1.0, 1e2])
    ask = lambda move: scales * np.sign(move)  # noqa: E731
    assert found(0.9 * scales, ask).inside
    for k in range(3):
        assert not found(scales * np.where(np.arange(3) == k, 1.1, 0.0), ask).inside


def test_no_verdict_without_gradients() -> None:
    assert search(np.zeros(2), np.zeros(2), lambda move: None, moves(2)) is None
