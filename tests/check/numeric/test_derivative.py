"""The public numerical derivatives: nested arguments, float32, edges, kinks, and what wrong inputs are told."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import minigrad
from minigrad.errors import ArgumentError, ShapeError


def test_a_number() -> None:
    found = minigrad.derivative(np.sin, 0.7)
    assert abs(found.value - np.cos(0.7)) <= found.error <= 1e-12


def test_an_integer_means_the_real_number() -> None:
    assert abs(minigrad.derivative(lambda x: x**3, 2).value - 12) < 1e-11


def test_of_an_array_valued_function() -> None:
    found = minigrad.derivative(lambda t: np.array([t, t * t, np.exp(t)]), 0.5)
    assert found.value.shape == found.error.shape == (3,)
    assert np.all(np.abs(found.value - [1, 1, np.exp(0.5)]) <= found.error)


def test_more_than_a_number_is_refused() -> None:
    with pytest.raises(ShapeError, match=r"one number, got shape \(3,\)\n.*numeric_gradient"):
        minigrad.derivative(np.sum, np.ones(3))


def test_gradient_is_nested_like_the_point() -> None:
    def f(params: Any, x: Any) -> Any:
        return np.sum(params["w"] * x) + params["b"] ** 2

    w, x = np.array([1.0, 2.0]), np.array([3.0, -1.0])
    found = minigrad.numeric_gradient(f, ({"w": w, "b": 0.5}, x))
    params, of_x = found.value
    np.testing.assert_allclose(params["w"], x, rtol=1e-12)
    np.testing.assert_allclose(params["b"], 1.0, rtol=1e-12)
    np.testing.assert_allclose(of_x, w, rtol=1e-12)


def test_gradient_of_an_array_is_refused() -> None:
    with pytest.raises(ShapeError, match=r"returns one number, and f returned 3\n.*numeric_jacobian"):
        minigrad.numeric_gradient(np.sin, np.ones(3))


def test_jacobian_has_the_shapes_of_both() -> None:
    x = np.arange(1.0, 7.0).reshape(2, 3)
    found = minigrad.numeric_jacobian(lambda x: np.sin(x).T, x)
    assert found.value.shape == (3, 2, 2, 3)
    truth = np.einsum("ij,ik,jl->jikl", np.cos(x), np.eye(2), np.eye(3))
    assert np.all(np.abs(found.value - truth) <= found.error + 1e-16)


def test_directional_is_the_gradient_along_u() -> None:
    x, u = np.array([0.3, -1.2, 2.0]), np.array([1.0, -0.5, 0.25])
    found = minigrad.directional(lambda x: np.sum(np.exp(x)), x, u)
    assert abs(found.value - np.exp(x) @ u) <= found.error <= 1e-11


def test_a_direction_of_another_size_is_refused() -> None:
    with pytest.raises(ShapeError, match="the direction has 2 entries, the point 3"):
        minigrad.directional(np.sum, np.ones(3), np.ones(2))


def test_nothing_to_differentiate_is_refused() -> None:
    with pytest.raises(ArgumentError, match=r"no argument contains floats\n  write  1\.0"):
        minigrad.numeric_gradient(lambda s: 1.0, "text")


def test_float32_is_promoted_where_the_function_goes_along() -> None:
    found = minigrad.numeric_gradient(lambda x: np.sum(x**3), np.array([0.5, 2.0], dtype=np.float32))
    np.testing.assert_allclose(found.value, [0.75, 12.0], rtol=1e-12)


def test_float32_inside_has_a_bar_of_its_own() -> None:
    found = minigrad.derivative(lambda x: np.sin(np.float32(x)), 0.7)
    assert abs(found.value - np.cos(0.7)) <= found.error
    assert 1e-8 < found.error < 1e-3


@pytest.mark.parametrize(
    ("f", "x", "slope"),
    [(np.log, 1e-9, 1e9), (np.sqrt, 1e-10, 5e4), (np.arcsin, 1 - 1e-9, 1 / np.sqrt(1 - (1 - 1e-9) ** 2))],
)
def test_close_to_the_edge_of_a_domain(f: Any, x: float, slope: float) -> None:
    found = minigrad.derivative(f, x)
    assert abs(found.value - slope) <= found.error + 1e-7 * slope and found.error < 1e-3 * slope


def test_at_the_end_of_a_domain_the_slope_of_the_other_side() -> None:
    found = minigrad.derivative(lambda x: np.sqrt(x) ** 3 + x, 0.0)
    assert abs(found.value - 1) <= found.error < 1e-2


def test_at_a_kink_the_bar_reaches_both_sides() -> None:
    found = minigrad.derivative(lambda x: np.maximum(x, 0), 0.0)
    assert found.error >= 0.5 and abs(found.value - 0.5) < 1e-9


def test_a_kink_beside_the_point_is_none() -> None:
    found = minigrad.derivative(np.abs, 3e-7)
    assert abs(found.value - 1) <= found.error < 1e-6


def test_inputs_are_not_mutated() -> None:
    x = np.array([1.0, 2.0])

    def f(x: Any) -> Any:
        x *= 2
        return x.sum()

    minigrad.numeric_gradient(f, x)
    assert x.tolist() == [1.0, 2.0]


def test_evaluations_are_counted_and_few() -> None:
    calls = 0

    def f(x: Any) -> Any:
        nonlocal calls
        calls += 1
        return np.sum(np.sin(x))

    found = minigrad.numeric_gradient(f, np.linspace(0.1, 2, 20))
    assert found.evaluations == calls <= 45 * 20


def test_a_million_parameters_along_a_direction_take_little_memory() -> None:
    import tracemalloc

    x = np.full(1_000_000, 0.5)
    tracemalloc.start()
    minigrad.directional(lambda x: float(x[0] * x[1]), x, x)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 12 * x.nbytes


@pytest.mark.parametrize(
    ("f", "x", "slope"),
    [
        (np.sqrt, 0.0, np.inf),
        (np.cbrt, 0.0, np.inf),
        (np.arccos, 1.0, -np.inf),
        (lambda x: -(x**0.9), 0.0, -np.inf),
        (lambda x: np.sqrt(np.abs(x)), 0.0, np.nan),
        (lambda x: np.sqrt(np.maximum(x, 0.0)), 0.0, np.nan),
    ],
)
def test_a_slope_that_grows_without_bound_is_infinite(f: Any, x: float, slope: float) -> None:
    found = minigrad.derivative(f, x)
    np.testing.assert_equal(found.value, slope)
    assert found.error == (np.inf if np.isnan(slope) else 0)
    assert str(found).endswith("the slope grows without bound") != np.isnan(slope)


@pytest.mark.parametrize(
    ("f", "x"), [(np.sin, 0.3), (np.abs, 0.0), (lambda x: x * np.sqrt(x), 0.0), (np.sign, 0.0)]
)
def test_a_slope_with_a_bound_and_a_jump_are_not_infinite(f: Any, x: float) -> None:
    assert np.isfinite(minigrad.derivative(f, x).value)


def test_one_infinite_slope_among_others() -> None:
    found = minigrad.derivative(lambda x: np.stack([3 * x, np.sqrt(x)]), 0.0)
    np.testing.assert_allclose(found.value, [3.0, np.inf], rtol=1e-12)
    assert str(found).endswith("without bound where it is inf")
