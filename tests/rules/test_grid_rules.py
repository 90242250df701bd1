"""Samples along an axis: differences, slopes, areas, interpolation, convolution, borders; as matrices."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from identities import assert_same_derivatives, assert_slope

from minigrad import Value, errors, grad, vjp

NUMPY = np.lib.NumpyVersion(np.__version__)
X = np.array([1.0, -2.0, 4.0, 0.5])


def matrix(f: Any, n: int) -> Any:
    """The matrix of a linear function of n numbers, one column for each."""
    return np.transpose([np.ravel(f(e)) for e in np.eye(n)])


def assert_transposed(f: Any, n: int) -> None:
    """The gradient of <w, f(x)> is the transpose of f's matrix, times w."""
    m = matrix(f, n)
    w = np.cos(np.arange(float(len(m))))
    x = np.sin(np.arange(float(n)))
    g = grad(lambda x: np.sum(np.ravel(f(x)) * w))(x)
    np.testing.assert_allclose(g, m.T @ w, rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize("n", range(6))
def test_difference_of_every_order_up_to_more_than_there_is(n: int) -> None:
    if n < 4:
        assert_transposed(lambda x: np.diff(x, n), 4)
    np.testing.assert_array_equal(
        grad(lambda x: np.sum(np.diff(x, n)))(X),
        matrix(lambda x: np.diff(x, n), 4).sum(axis=0) if n < 4 else np.zeros(4),
    )


def test_what_stands_before_and_after_a_difference_has_a_gradient() -> None:
    first, last, x = Value(3.0), Value([1.0, 2.0]), Value(X)
    y = np.diff(x, prepend=first, append=last)
    np.testing.assert_array_equal(y.data, np.diff(X, prepend=3.0, append=[1.0, 2.0]))
    (y * [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]).sum().backward()
    assert first.grad == -1
    np.testing.assert_array_equal(last.grad, [5 - 6, 6])
    np.testing.assert_array_equal(x.grad, [-1, -1, -1, -1])
    assert grad(lambda p: np.sum(np.diff(np.arange(3.0), prepend=p) ** 2))(1.0) == 2


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("spacing", [(), (0.5,), (np.array([0.0, 0.5, 0.75, 2.0]),)])
def test_slopes_on_even_and_uneven_grids(order: int, spacing: Any) -> None:
    assert_transposed(lambda x: np.gradient(x, *spacing, edge_order=order), 4)
    assert_transposed(lambda x: np.gradient(np.reshape(x, (4, 1)), *spacing, axis=0, edge_order=order), 4)


def test_slopes_along_two_axes_with_a_step_each() -> None:
    x = Value(np.arange(12.0).reshape(3, 4) ** 2)
    down, right = np.gradient(x, 0.5, np.array([0.0, 1.0, 3.0, 4.0]))
    want = np.gradient(x.data, 0.5, np.array([0.0, 1.0, 3.0, 4.0]))
    np.testing.assert_array_equal(down.data, want[0])
    np.testing.assert_array_equal(right.data, want[1])
    for k in (0, 1):
        assert_transposed(lambda x, k=k: np.gradient(np.reshape(x, (3, 4)), 0.5, [0.0, 1.0, 3.0, 4.0])[k], 12)


def test_a_step_of_a_gradient_has_one_itself() -> None:
    """Slopes are parts of the step."""
    x = np.sin(np.arange(12.0)).reshape(3, 4)

    def summed(x: Any, h: Any) -> Any:
        return sum(np.sum(np.cos(y) * y) for y in np.gradient(x, h))

    g, dh = grad(summed, (0, 1))(x, 0.5)
    np.testing.assert_allclose(g, grad(summed)(x, 0.5), rtol=1e-13)
    assert_slope(lambda h: summed(x, h), 0.5)
    assert dh == grad(lambda h: summed(x, h))(0.5)


def test_area_under_samples_in_both_of_its_inputs() -> None:
    f, x = Value(X), Value([0.0, 1.0, 1.5, 4.0])
    np.trapezoid(f, x).backward()
    np.testing.assert_array_equal(f.grad, [0.5, 0.75, 1.5, 1.25])
    np.testing.assert_array_equal(x.grad, [-(1 - 2) / 2, (1 - 2) / 2 - (4 - 2) / 2, (4 - 2) / 2 - 4.5 / 2, 4.5 / 2])
    np.testing.assert_array_equal(grad(lambda f: np.trapezoid(f, dx=2.0))(X), [1, 2, 2, 1])
    rows = np.outer([1.0, 2.0], X)
    g = grad(lambda x: np.sum(np.trapezoid(rows.T, x, axis=0) * [1.0, 10.0]))(x.data)
    np.testing.assert_allclose(g, x.grad * 21)


def test_interpolation_reaches_samples_places_and_points() -> None:
    xp, fp, x = np.array([0.0, 1.0, 3.0]), np.array([2.0, 4.0, 0.0]), np.array([0.25, 2.0, 2.0, 5.0, -1.0])
    places, samples, points = Value(xp), Value(fp), Value(x)
    np.interp(points, places, samples).sum().backward()
    np.testing.assert_array_equal(points.grad, [2, -2, -2, 0, 0])
    np.testing.assert_array_equal(samples.grad, [0.75 + 1, 0.25 + 0.5 + 0.5, 0.5 + 0.5 + 1])
    np.testing.assert_array_equal(places.grad, [-2 * 0.75, -2 * 0.25 + 2 * 0.5 * 2, 2 * 0.5 * 2])
    g = grad(lambda fp: np.sum(np.interp(x, xp, fp, left=7.0, right=9.0)))(fp)
    np.testing.assert_array_equal(g, [0.75, 0.25 + 0.5 + 0.5, 0.5 + 0.5])


def test_interpolation_at_a_sample_has_the_slope_to_its_right() -> None:
    xp, fp = np.array([0.0, 1.0, 3.0]), np.array([2.0, 4.0, 0.0])
    np.testing.assert_array_equal(grad(lambda x: np.sum(np.interp(x, xp, fp)))(xp), [2, -2, -2])
    assert grad(lambda x: np.interp(x, [1.0], [5.0]))(1.0) == 0


def test_interpolation_with_a_period_is_that_of_the_samples_repeated() -> None:
    """Samples in any order, also outside of the period; points far away; the piece that joins the ends."""
    xp, fp = np.array([5.5, -1.0, 2.25, 3.0]), np.array([1.0, -2.0, 0.5, 3.0])
    x, period = np.array([-13.1, -0.4, 0.3, 2.5, 4.9, 40.2]), 6.0

    def repeated(x: Any, xp: Any, fp: Any) -> Any:
        order = np.array([2, 3, 1, 0])  # of 2.25, 3, 5 = -1 + 6, 5.5
        at = xp[order] + np.array([0.0, 0.0, 6.0, 0.0])
        return np.interp(
            x - 6.0 * np.floor(x / 6.0),
            np.concatenate([at[-1:] - 6.0, at, at[:1] + 6.0]),
            np.concatenate([fp[order][-1:], fp[order], fp[order][:1]]),
        )

    assert_same_derivatives(lambda *xs: np.interp(*xs, period=period), repeated, x, xp, fp)
    assert_same_derivatives(lambda v: np.interp(x, xp, v, period=-period), lambda v: repeated(x, xp, v), fp)
    narrow = np.float32([0.1, -2.7, 17.3])
    y = np.interp(Value(narrow), xp, [1, 2, 3, 4], period=period)
    assert y.data.tolist() == np.interp(narrow, xp, [1, 2, 3, 4], period=period).tolist()


@pytest.mark.parametrize("mode", ["full", "same", "valid"])
@pytest.mark.parametrize("f", [np.convolve, np.correlate])
def test_convolution_of_every_pair_of_lengths(f: Any, mode: Any) -> None:
    for n in range(1, 6):
        for m in range(1, 6):
            other = np.cos(np.arange(float(m)))
            assert_transposed(lambda x, o=other: f(x, o, mode), n)
            assert_transposed(lambda x, o=other: f(o, x, mode), n)


def test_convolution_with_a_number() -> None:
    assert grad(lambda a: np.sum(np.convolve(X, a)))(2.0) == np.sum(X)


@pytest.mark.parametrize("mode", ["constant", "edge", "reflect", "symmetric", "wrap"])
# By axis, widths are written from NumPy 2.2 on.
@pytest.mark.parametrize("width", [0, 1, (2, 5), ((3, 0),), *[{0: (1, 2)}, {-1: 2}] * (NUMPY >= "2.2.0")])
def test_borders_of_every_mode_and_width(mode: Any, width: Any) -> None:
    assert_transposed(lambda x: np.pad(x, width, mode=mode), 3)


def test_borders_of_several_axes() -> None:
    for mode in ("constant", "reflect", "wrap"):
        assert_transposed(lambda x, m=mode: np.pad(np.reshape(x, (2, 3)), ((1, 2), (4, 0)), mode=m), 6)


@pytest.mark.parametrize("mode", ["mean", "maximum", "median", "minimum", "linear_ramp"])
@pytest.mark.parametrize("width", [0, 2, ((1, 3), (0, 2))])
def test_borders_that_are_computed(mode: Any, width: Any) -> None:
    """Between their kinks they are linear (and a ramp that ends at 0 is): the gradient gives their growth."""
    x, u = np.array([[1.0, -2.0, 4.0], [0.5, 3.0, -1.0]]), np.array([[0.01, 0.02, -0.03], [0.04, -0.02, 0.01]])
    options: list[dict[str, Any]] = [{}, {"stat_length": 2}, {"stat_length": ((1, 2), (2, 1))}]
    for given in options if mode != "linear_ramp" else [{}, {"end_values": 0.0}]:
        y, v = np.pad(x, width, mode=mode, **given), Value(x)
        z = np.pad(v, width, mode=mode, **given)
        np.testing.assert_array_equal(z.data, y)
        w = np.cos(np.arange(float(y.size))).reshape(y.shape)
        (z * w).sum().backward()
        grown = np.sum(w * (np.pad(x + u, width, mode=mode, **given) - y))
        np.testing.assert_allclose(np.sum(v.grad * u), grown, rtol=1e-11)
    np.testing.assert_array_equal(
        np.pad(Value(X), 2, mode="linear_ramp", end_values=(5.0, -5.0)).data,
        np.pad(X, 2, mode="linear_ramp", end_values=(5.0, -5.0)),
    )


def test_borders_refuse_parameters_by_name() -> None:
    with pytest.raises(errors.ArgumentError, match="pad of a Value has no rule for mode='empty'"):
        np.pad(Value(X), 1, mode="empty")
    with pytest.raises(errors.ArgumentError, match="pad of a Value does not take stat_length= in mode 'edge'"):
        np.pad(Value(X), 1, mode="edge", stat_length=1)
    with pytest.raises(errors.ArgumentError, match="pad of a Value does not take reflect_type= in mode 'wrap'"):
        np.pad(Value(X), 1, mode="wrap", reflect_type="odd")


@pytest.mark.parametrize("mode", ["constant", "linear_ramp"])
def test_what_stands_beyond_the_border_has_a_gradient(mode: str) -> None:
    """One number for all sides, a pair, or one for each side of each axis; each may be a Value."""
    name = {"constant": "constant_values", "linear_ramp": "end_values"}[mode]
    x, width, ends = np.arange(6.0).reshape(2, 3), ((1, 2), (0, 3)), np.array([[0.5, -1.0], [2.0, 3.0]])

    def padded(x: Any, given: Any) -> Any:
        return np.pad(x, width, mode=mode, **{name: given})

    y = padded(x, ends)
    np.testing.assert_array_equal(padded(Value(x), Value(ends)).data, y)
    w = np.cos(np.arange(float(y.size))).reshape(y.shape)
    for form in (lambda e: e, lambda e: [[e[0, 0], e[0, 1]], (e[1, 0], e[1, 1])]):
        g, ge = grad(lambda x, e, form=form: np.sum(w * padded(x, form(e))), (0, 1))(x, ends)
        for entry in np.ndindex(2, 2):
            unit = np.zeros((2, 2))
            unit[entry] = 1.0
            np.testing.assert_allclose(ge[entry], np.sum(w * (padded(x, ends + unit) - y)), rtol=1e-12)
        np.testing.assert_allclose(np.sum(g * x), np.sum(w * padded(x, 0 * ends)), rtol=1e-12)
    # Of a plain array NumPy does not ask its border, which then raises: it has no gradient to lose silently.
    assert_slope(lambda v: np.sum(w * padded(x * v, v)), 1.5)
    assert_slope(lambda v: np.sum(w * padded(x * v, [v, 2.0])), 1.5)


def test_second_order_through_differences_and_borders() -> None:
    def energy(x: Any) -> Any:
        return np.sum(np.diff(np.pad(x, 1, mode="edge"), 2) ** 4) / 12

    h = np.array([grad(lambda x, u=u: np.sum(grad(energy)(x) * u))(X) for u in np.eye(4)])
    m = matrix(lambda x: np.diff(np.pad(x, 1, mode="edge"), 2), 4)
    np.testing.assert_allclose(h, m.T @ np.diag((m @ X) ** 2) @ m, rtol=1e-13)


def test_float32_stays() -> None:
    v = Value(X.astype(np.float32))
    np.sum(np.gradient(np.convolve(v, np.float32([1, 2])))).backward()
    assert v.grad.dtype == np.float32


@pytest.mark.parametrize("mode", ["reflect", "symmetric"])
def test_odd_borders_of_every_width(mode: Any) -> None:
    """Also wider than the row, where the reflection is repeated: the gradient has NumPy's own weights."""
    params = {"mode": mode, "reflect_type": "odd"}
    for n in range(1, 5):
        for sides in ((0, 1), (3, 0), (2, 5), (9, 4), (7, 11)):
            weights = np.pad(np.eye(n), [sides, (0, 0)], **params)
            _, pull = vjp(lambda x, sides=sides: np.pad(x, sides, **params), np.arange(1.0, n + 1))
            np.testing.assert_array_equal([pull(e)[0] for e in np.eye(len(weights))], weights)
