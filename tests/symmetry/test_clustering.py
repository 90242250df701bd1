import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad.symmetry.clustering import equal_groups


def test_equal_up_to_rounding_is_equal_and_a_millionth_is_not() -> None:
    g = 0.1
    assert equal_groups([g, g * (1 + 1e-14), g * (1 + 1e-6), -g, g]) == [[0, 1, 4]]


def test_numbers_on_either_side_of_a_bucket_edge_stay_together() -> None:
    edge = 0.5
    assert equal_groups([np.nextafter(edge, 0), np.nextafter(edge, 1), edge]) == [[0, 1, 2]]


def test_tolerance_is_relative_to_the_gradients_and_not_to_the_largest_of_the_graph() -> None:
    assert equal_groups([1e6, 1e-20, 2e-20, 1e-20]) == [[1, 3]]


def test_chain_of_close_numbers_does_not_swallow_a_far_one() -> None:
    assert equal_groups([1.0, 1.0 + 1e-9, 1.0 + 2e-9]) == []


def test_arrays_are_equal_in_every_entry_or_not_at_all() -> None:
    a = np.array([1.0, 2.0, 3.0])
    permuted, one_off = a[::-1].copy(), a + 1e-9
    assert equal_groups([a, permuted, a * (1 + 1e-15), one_off, permuted]) == [[0, 2], [1, 4]]


def test_another_shape_is_another_gradient() -> None:
    gradients = [np.ones(2), np.ones((1, 2)), np.float64(1), np.ones(2), np.ones(())]
    assert equal_groups(gradients) == [[0, 3], [2, 4]]


def test_none_zero_empty_and_nan_are_in_no_group_and_inf_is() -> None:
    nan, inf = np.nan, np.inf
    assert equal_groups([None, None, 0.0, 0.0, nan, nan, np.zeros(0), np.zeros(0)]) == []
    assert equal_groups([inf, -inf, inf]) == [[0, 2]]
    assert equal_groups([np.array([inf, 1.0]), np.array([inf, 2.0]), np.array([inf, 1.0])]) == [[0, 2]]
    assert equal_groups([np.array([1.0, nan]), np.array([1.0, nan])]) == []


def test_the_largest_and_the_smallest_floats_do_not_overflow() -> None:
    assert equal_groups([1.7e308, -1.7e308, 1.7e308, 5e-324, 1e-323, 5e-324]) == [[0, 2], [3, 5]]


def test_float32_is_compared_to_its_own_precision() -> None:
    g = np.float32(0.1)
    near, far = np.float32(g * np.float32(1 + 1e-6)), np.float32(g * np.float32(1.001))
    assert near != g
    assert equal_groups([g, near, far]) == [[0, 1]]
    assert equal_groups([np.float64(g), np.float64(near)]) == []


@given(st.lists(st.sampled_from([0.1, 0.2, -0.1, 1e-8, 3.0]), max_size=12), st.randoms(use_true_random=False))
def test_groups_are_the_same_in_any_order_and_with_noise_of_rounding(numbers: list[float], random) -> None:
    noisy = [x * (1 + random.choice([-1, 0, 1]) * 2.3e-16) for x in numbers]
    expected = {x: [i for i, y in enumerate(numbers) if y == x] for x in numbers}
    assert equal_groups(noisy) == sorted(group for group in expected.values() if len(group) > 1)


@pytest.mark.parametrize("shape", [(), (3,), (2, 2)])
def test_gradients_are_not_mutated(shape: tuple[int, ...]) -> None:
    gradients = [np.full(shape, 2.0), np.full(shape, 2.0)]
    assert equal_groups(gradients) == [[0, 1]]
    assert all((g == 2.0).all() for g in gradients)
