"""Gradients that are equal or opposite share a letter: numbers, arrays, and single precision."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad.drawing.opposite_groups import Together, equal_or_opposite
from minigrad.symmetry.clustering import equal_groups

V = np.array([0.5, -0.3])


@pytest.mark.parametrize(
    ("gradients", "groups"),
    [
        ([2.0, -2.0, 3.0], [Together((0,), (1,))]),
        ([np.float64(-2.0), np.float64(2.0), np.float64(-2.0)], [Together((0, 2), (1,))]),
        ([np.float32(2.0), np.float64(-2.0)], [Together((0,), (1,))]),
        ([V, 2 * V, -V, V], [Together((0, 3), (2,))]),
        ([None, 0.0, -0.0, np.nan, -np.nan, np.zeros(2), np.empty(0)], []),
        ([np.inf, -np.inf, np.inf], [Together((0, 2), (1,))]),
        ([1.0, np.array([1.0]), np.array([-1.0])], [Together((1,), (2,))]),
    ],
)
def test_groups_have_two_signs(gradients: list[Any], groups: list[Together]) -> None:
    assert equal_or_opposite(gradients) == groups


numbers = st.sampled_from([0.0, 1.0, -1.0, 1 / 3, -1 / 3, 2.5, float("inf"), float("nan")]).map(np.float64)
arrays = st.lists(numbers, min_size=2, max_size=2).map(np.array)


@given(st.lists(st.none() | numbers | arrays, max_size=12))
def test_each_sign_of_a_group_is_a_group_of_equal_gradients(gradients: list[Any]) -> None:
    found = equal_or_opposite(gradients)
    equal = [list(side) for group in found for side in (group.plus, group.minus) if len(side) > 1]
    assert sorted(equal) == equal_groups(gradients)
    for group in found:
        assert group.plus[0] == min(group.every)
        assert all(np.array_equal(gradients[group.plus[0]], -gradients[k]) for k in group.minus)
