"""The probe: gaps in place of buckets; kinks; saturation; a second round confirms each result."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from minigrad import nn, ties
from minigrad.symmetry.probe import probe, split


def test_numbers_on_either_side_of_a_bucket_edge_stay_together_and_a_gap_parts() -> None:
    g = np.array([0.5, np.nextafter(0.5, 1), 0.5 + 1e-6, np.nextafter(0.5, 0), -0.5])
    assert split(np.zeros(5, int), g, 1e-10).tolist() == [0, 0, 1, 0, 2]


def test_only_a_class_that_is_torn_is_parted() -> None:
    classes = np.array([0, 1, 0, 1, 2, 0])
    assert split(classes, np.array([1.0, 5.0, 1.0, 6.0, 9.0, 2.0]), 1e-10).tolist() == [0, 1, 0, 2, 3, 4]
    assert split(classes, np.zeros(6), 1e-10) is classes


def test_nan_is_equal_to_nothing() -> None:
    assert split(np.zeros(3, int), np.array([1.0, np.nan, 1.0]), 1e-10).max() > 0
    assert split(np.zeros(3, int), np.array([np.inf, np.inf, 1.0]), 1e-10).tolist() == [0, 1, 2]
    assert split(np.array([0, 0, 1, 1]), np.array([np.nan, 1.0, 2.0, 2.0]), 1e-10)[2:].tolist() == [2, 2]


def test_a_relu_that_is_shut_at_one_point_is_not_frozen() -> None:
    x, y = np.random.default_rng(0).normal(size=(3, 4)), np.ones((3, 1))
    net = nn.MLP((4, 16, 15, 1), "relu", init="normal", seed=0)
    found = ties(net, x, y, method="probe")
    assert found.frozen is None and found.independent == found.numbers.size


def test_saturated_neurons_are_told_apart_at_smaller_numbers() -> None:
    x, y = np.random.default_rng(0).normal(size=(4, 400)), np.ones((4, 1))
    init: Any = {"W1": np.ones((400, 3)), "b1": [0.0, 0.0, 0.1], "W2": np.ones((3, 1)), "b2": 0.0}
    found = ties(nn.MLP((400, 3, 1), "tanh", init=init), x, y, method="probe")
    assert found.width == (2,)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_rounding_of_either_type_does_not_part_a_tie(dtype: Any) -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(33, 5)).astype(dtype), rng.normal(size=(33, 1)).astype(dtype)
    net = nn.MLP((5, 33, 7, 1), init=lambda shape, rng: np.full(shape, 0.1, dtype))
    assert ties(net, x, y, method="probe").width == (1, 1)


# The start is a point too, and so are its neighbours.


@pytest.mark.parametrize("method", ["auto", "probe"])
def test_what_has_a_gradient_now_is_not_frozen(method: str) -> None:
    """No random point of size 1 opens a relu that opens at 100. The sort sends the loss to the probe."""

    def f(p: Any) -> Any:
        return np.sum(np.maximum(p["w"] - 100, 0)) + np.sum(np.sort(p["v"]) * np.array([1.0, 2.0, 3.0]))

    found = ties(f, {"w": np.array([200.0]), "v": np.array([1.0, 2.0, 3.0])}, method=method)
    assert found.frozen is None and found.independent == 4


@pytest.mark.parametrize("start", [50.0, -50.0])
def test_data_far_from_zero_do_not_freeze_the_centres_that_are_near_them(start: float) -> None:
    rng = np.random.default_rng(0)
    x, y = start + rng.normal(size=(20, 2)), rng.normal(size=(20, 1))
    centres = start + np.array([[0.5, 0.5, -1.0], [0.2, 0.2, 0.7]])

    def f(p: Any, x: Any, y: Any) -> Any:
        distance = np.sum((x[:, :, None] - p["c"]) ** 2, axis=1)
        return np.mean((np.exp(-distance) @ p["v"] - y) ** 2)

    found = ties(f, {"c": centres, "v": np.ones((3, 1))}, x, y, method="probe")
    assert found.frozen is None and found.labels["c"].tolist() == [[0, 0, 1], [2, 2, 3]]


def test_ties_that_a_kink_far_from_zero_parts_are_parted_near_the_start() -> None:
    """Near 0 both weights do the same; the relu is open where they are."""
    found = ties(lambda w: w[0] + w[1] + np.maximum(w[0] * w[0] - 400, 0), np.array([30.0, 30.0]), method="probe")
    assert found.independent == 2


@pytest.mark.parametrize(
    ("f", "start"),
    [
        (lambda p: np.sum(np.sqrt(p)), np.ones(4)),
        (lambda p: np.sum(np.log(p)), np.full(4, 1e-3)),
        (lambda p: np.sum(np.arccos(p)), np.full(4, 0.99)),
        (lambda p: np.sum(p**1.5) + np.sqrt(np.prod(p) - 1e6), np.full(6, 30.0)),
    ],
)
def test_points_near_the_start_decide_where_random_points_are_outside_of_the_domain(f: Any, start: Any) -> None:
    found = ties(f, start, method="probe")
    assert (found.independent, found.frozen) == (1, None)
    apart = ties(lambda p: f(p) + np.sum(p[:2] ** 2), start, method="probe")
    assert apart.independent == 2


def test_nothing_is_claimed_where_no_point_has_a_finite_gradient() -> None:
    fs: list[Any] = [lambda w: w[0] * w[1] / w[2], lambda w: np.sum(np.sqrt(-np.exp(w)))]
    for f in fs:
        with np.errstate(all="ignore"):
            found = ties(f, np.zeros(3), method="probe")
        assert (found.independent, found.frozen) == (3, None)
    found = ties(lambda w: np.sum(w * np.where(w == 1.0, 1.0, np.nan)), np.ones(3), method="probe")
    assert (found.independent, found.frozen) == (3, None), "finite at the start alone"


def test_a_tie_that_hangs_on_another_falls_with_it_near_the_start_too() -> None:
    """On a path, the ends part from the rest, then their neighbours, and so on."""
    found = ties(lambda w: np.sum(w[1:] * w[:-1]) + np.sum(np.sqrt(w - 10)), np.full(12, 30.0), method="probe")
    assert found.labels.tolist() == [0, 1, 2, 3, 4, 5, 5, 4, 3, 2, 1, 0]


def test_what_moves_and_what_does_not_are_never_in_one_class() -> None:
    share = np.array([5e-11, 0.5e-11, 1.0])  # on either side of rounding, for the least and for the class
    found = ties(lambda w: np.sum(w * share), np.zeros(3), method="probe")
    assert len(set(found.partition.signed.tolist())) == 3
    seen = probe(found.recording)
    assert not seen.frozen.any() and len(set(seen.signed.tolist())) == 3


def test_a_start_without_a_finite_gradient_moves_and_ties_nothing() -> None:
    found = ties(lambda w: np.sum(np.sqrt(w[:2])) + w[2] * w[3], np.zeros(4), method="probe")
    assert len({*found.labels[:2].tolist()}) == 2 and found.frozen is None
    assert found.zero_everywhere.tolist() == [False, False, True, True]


def test_gradients_that_are_rounding_at_the_start_part_nothing() -> None:
    """A start at a minimum: swapping both inputs maps the data to themselves, with sums in another order."""
    rng = np.random.default_rng(3)
    x = rng.normal(size=(40, 2))
    x = np.concatenate([x, x[::-1, ::-1]])
    y = (x[:, :1] + x[:, 1:]) * 0.1

    def f(w: Any, x: Any, y: Any) -> Any:
        return np.mean((x @ w - y) ** 2)

    found = ties(f, np.full((2, 1), 0.1), x, y, method="probe")
    g = found.recording.gradient(found.recording.values)
    assert g[0] != g[1] and found.independent == 1
