"""The probe: gaps in place of buckets; kinks; saturation; a second round confirms each result."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from minigrad import nn, ties
from minigrad.symmetry.probe import split


def test_numbers_on_either_side_of_a_bucket_edge_stay_together_and_a_gap_parts() -> None:
    g = np.array([0.5, np.nextafter(0.5, 1), 0.5 + 1e-6, np.nextafter(0.5, 0), -0.5])
    assert split(np.zeros(5, int), g, 1e-10).tolist() == [0, 0, 1, 0, 2]


def test_only_a_class_that_is_torn_is_parted() -> None:
    classes = np.array([0, 1, 0, 1, 2, 0])
    assert split(classes, np.array([1.0, 5.0, 1.0, 6.0, 9.0, 2.0]), 1e-10).tolist() == [0, 1, 0, 2, 3, 4]
    assert split(classes, np.zeros(6), 1e-10) is classes


def test_nan_is_equal_to_nothing() -> None:
    assert split(np.zeros(3, int), np.array([1.0, np.nan, 1.0]), 1e-10).max() > 0


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
