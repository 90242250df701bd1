"""Losses written with others: numbers worked out by hand, kinks, and what they refuse."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import minigrad
from minigrad import Value, grad
from minigrad.rules import losses

SCORES = np.array([[1.0, 2.0, 0.5], [0.0, 3.0, -1.0]])


def test_hinge_by_hand_and_at_its_kink() -> None:
    """Target 0: 2 - 1 + 1 = 2 and 0.5 - 1 + 1 = 0.5; target 1: both below. At exactly 0: no gradient."""
    v = Value(SCORES)
    y = losses.multiclass_hinge(v, [0, 1])
    y.backward()
    assert y.item() == 1.25
    np.testing.assert_array_equal(v.grad, [[-1, 0.5, 0.5], [0, 0, 0]])
    assert (grad(losses.multiclass_hinge)(np.array([[2.0, 1.0]]), [0]) == 0).all()


def test_ranking_by_hand_and_at_its_kink() -> None:
    a, b = np.array([1.0, 2.0, 3.0]), np.array([2.0, 1.0, 2.0])
    assert losses.margin_ranking_loss(a, b, 1, 1.0) == 2 / 3
    np.testing.assert_array_equal(grad(losses.margin_ranking_loss)(a, b, 1, 1.0), [-1 / 3, 0, 0])
    np.testing.assert_array_equal(grad(losses.margin_ranking_loss, 1)(a, b, [-1, -1, 1], 0.5), [0, -1 / 3, 0])


def test_likelihood_divides_by_rows_and_not_by_weights() -> None:
    got = losses.negative_log_likelihood(SCORES, [2, 1], np.array([1.0, 10.0, 4.0]))
    assert got == -(4 * 0.5 + 10 * 3.0) / 2


@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.0, 2.0])
def test_focal_loss_where_the_probability_is_one(gamma: float) -> None:
    """The limit: -α for γ = 0, else 0; the infinite slope of (1 - p)^0.5 makes no nan."""
    p = np.array([[1.0, 0.0]])
    with np.errstate(divide="ignore"):
        y, g = minigrad.value_and_grad(lambda p: np.sum(losses.focal_loss(p, [0], 3.0, gamma)))(p)
    assert y == 0
    np.testing.assert_array_equal(g, [[-3.0 if gamma == 0 else 0.0, 0.0]])


def test_focal_loss_gives_one_number_per_row() -> None:
    p = np.array([[[0.5, 0.5]], [[0.25, 0.75]]])
    np.testing.assert_allclose(losses.focal_loss(p, [[1], [0]], gamma=1.0), [[np.log(2) / 2], [0.75 * np.log(4)]])


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: losses.focal_loss(SCORES, [0, 1], gamma=-1.0), "expected gamma of 0 or more, got -1.0"),
        (lambda: losses.focal_loss(SCORES, [0, 3]), "focal_loss: expected classes from 0 to 2, got 0 to 3"),
        (
            lambda: losses.multiclass_hinge(SCORES, [-1, 1]),
            "multiclass_hinge: expected classes from 0 to 2, got -1",
        ),
        (
            lambda: losses.negative_log_likelihood(SCORES, [0.0, 1.0]),
            r"negative_log_likelihood: expected integer targets of shape \(2,\), one class per row, got float64",
        ),
        (
            lambda: losses.margin_ranking_loss(np.ones(2), np.ones(3), 1, 1.0),
            r"margin_ranking_loss: expected one shape, got \(2,\) and \(3,\)",
        ),
    ],
)
def test_a_call_that_means_nothing_is_refused(call: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        call()
