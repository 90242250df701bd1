"""Averages, ranks, running products, and what is skipped: gradients by hand and by other ops."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from minigrad import Value, errors, grad

X = np.array([[3.0, -1.0, 2.0], [0.5, 4.0, -2.0]])
NAN = np.nan


@pytest.mark.parametrize("axis", [None, 0, 1, (0, 1), (1, 0)])
def test_average_is_a_quotient_of_sums(axis: Any) -> None:
    w = np.array([[1.0, 2.0, 0.5], [3.0, 0.25, 1.0]])

    def by_hand(a: Any, w: Any) -> Any:
        return np.sum((np.sum(a * w, axis=axis) / np.sum(w * np.ones((2, 3)), axis=axis)) ** 2)

    def average(a: Any, w: Any) -> Any:
        return np.sum(np.average(a, axis=axis, weights=w) ** 2)

    for got, want in zip(grad(average, (0, 1))(X, w), grad(by_hand, (0, 1))(X, w), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-13, atol=1e-14)
    np.testing.assert_allclose(
        grad(lambda a: np.sum(np.average(a, axis=axis) ** 2))(X),
        grad(lambda a: np.sum(np.mean(a, axis=axis) ** 2))(X),
    )


def test_one_row_of_weights_for_all_rows() -> None:
    w = Value([1.0, 2.0, 1.0])
    np.average(X, axis=1, weights=w).sum().backward()
    y = X @ w.data / 4
    np.testing.assert_allclose(w.grad, ((X - y[:, None]) / 4).sum(axis=0), atol=1e-15)


def test_average_that_returns_its_weights_too_is_refused() -> None:
    with pytest.raises(errors.ArgumentError, match="average of a Value does not take returned="):
        np.average(Value(X), returned=True)


def test_median_is_one_entry_or_the_mean_of_two() -> None:
    np.testing.assert_array_equal(grad(np.median)(X[0]), [0, 0, 1])
    np.testing.assert_array_equal(grad(np.median)(X), [[0, 0, 0.5], [0.5, 0, 0]])
    np.testing.assert_array_equal(
        grad(lambda x: np.sum(np.median(x, axis=0, keepdims=True)))(X), np.full((2, 3), 0.5)
    )


def test_tied_entries_of_a_median_each_keep_their_place() -> None:
    np.testing.assert_array_equal(grad(np.median)(np.array([1.0, 2.0, 2.0, 2.0, 9.0])), [0, 0, 1, 0, 0])
    np.testing.assert_array_equal(grad(lambda x: np.quantile(x, 0.5))(np.array([2.0, 2.0])), [0.5, 0.5])


METHODS = (
    *("linear", "lower", "higher", "midpoint", "nearest", "hazen", "weibull", "median_unbiased", "normal_unbiased"),
    *("inverted_cdf", "averaged_inverted_cdf", "closest_observation", "interpolated_inverted_cdf"),
)


@pytest.mark.parametrize("method", METHODS)
def test_quantile_of_every_method(method: Any) -> None:
    """Between kinks it is linear: the value is <gradient, x>, and that of neighbours too."""
    x = np.array([0.3, -1.0, 2.5, 0.9, 4.0, -3.3])
    for q in (0.0, 0.07, 0.3, 0.5, 0.77, 1.0):
        g = grad(lambda x, q=q: np.quantile(x, q, method=method))(x)
        np.testing.assert_allclose(g @ x, np.quantile(x, q, method=method), rtol=1e-12)
        moved = x + 0.01 * np.cos(np.arange(6.0))
        np.testing.assert_allclose(g @ moved, np.quantile(moved, q, method=method), rtol=1e-12)
        np.testing.assert_allclose(g.sum(), 1.0)


def test_many_quantiles_at_once() -> None:
    q = np.array([[0.25, 0.5], [0.9, 0.0]])
    w = np.array([[1.0, 2.0], [3.0, 4.0]])[..., None]
    got = grad(lambda x: np.sum(np.percentile(x, 100 * q, axis=1) * w))(X)
    want = sum(w.flat[k] * grad(lambda x, k=k: np.sum(np.quantile(x, q.flat[k], axis=1)))(X) for k in range(4))
    np.testing.assert_allclose(got, want, atol=1e-15)


def test_quantile_refuses_weights_by_name() -> None:
    with pytest.raises(errors.ArgumentError, match="quantile of a Value does not take weights="):
        np.quantile(Value(X), 0.5, weights=np.ones((2, 3)), method="inverted_cdf")


def test_partition_by_several_places() -> None:
    v = Value([5.0, 1.0, 4.0, 2.0, 3.0])
    y = np.partition(v, [1, 3])
    w = np.array([1.0, 2.0, 3.0, 4.0, 5.0])
    (y * w).sum().backward()
    np.testing.assert_array_equal(v.grad @ v.data, y.data @ w)
    np.testing.assert_array_equal(np.sort(v.grad), w)


@pytest.mark.parametrize("zeros", [(), (0,), (2,), (1, 3), (0, 1, 2, 3, 4)])
def test_running_and_full_products_with_zeros(zeros: Any) -> None:
    """By the definition: in each product, the entry left out."""
    x = np.array([2.0, -1.5, 0.5, 3.0, 1.25])
    x[list(zeros)] = 0.0
    w = np.array([1.0, -2.0, 3.0, 0.5, 2.0])
    want = [sum(w[i] * np.prod(np.delete(x[: i + 1], k)) for i in range(k, 5)) for k in range(5)]
    np.testing.assert_allclose(grad(lambda x: np.sum(np.cumprod(x) * w))(x), want, rtol=1e-14, atol=0)
    np.testing.assert_allclose(grad(np.prod)(x), [np.prod(np.delete(x, k)) for k in range(5)], rtol=1e-14, atol=0)

    def last(x: Any) -> Any:
        return np.cumprod(x)[-1]

    for u in np.eye(5):
        one = grad(lambda x, u=u: np.sum(grad(last)(x) * u))(x)
        np.testing.assert_allclose(one, grad(lambda x, u=u: np.sum(grad(np.prod)(x) * u))(x), rtol=1e-14, atol=0)


def test_product_of_a_hundred_thousand_needs_no_square_of_that() -> None:
    x = np.ones(100_000)
    np.testing.assert_array_equal(grad(np.prod)(x), x)
    np.testing.assert_array_equal(grad(lambda x: np.cumprod(x)[-1])(x), x)


PLAIN = [
    (np.nansum, np.sum),
    (np.nanmean, np.mean),
    (np.nanprod, np.prod),
    (np.nanmax, np.max),
    (np.nanmin, np.min),
    (np.nanvar, np.var),
    (np.nanstd, np.std),
    (np.nancumsum, lambda x: np.cumsum(x)[-1]),
]


@pytest.mark.parametrize(("skipping", "plain"), PLAIN)
def test_skipped_entries_are_as_if_they_were_not_there(skipping: Any, plain: Any) -> None:
    x = np.array([2.0, NAN, -1.0, 0.5, NAN])
    there = ~np.isnan(x)

    def last(x: Any) -> Any:
        y = skipping(x)
        return y if y.ndim == 0 else y[-1]

    g = grad(last)(x)
    np.testing.assert_array_equal(g[~there], [0, 0])
    np.testing.assert_allclose(g[there], grad(plain)(x[there]), rtol=1e-14)
    u = np.arange(5.0)
    h = grad(lambda x: np.sum(grad(last)(x) * u))(x)
    np.testing.assert_array_equal(h[~there], [0, 0])
    np.testing.assert_allclose(h[there], grad(lambda x: np.sum(grad(plain)(x) * u[there]))(x[there]), atol=1e-14)


@pytest.mark.parametrize(("skipping", "plain"), PLAIN[5:7])
def test_skipping_counts_what_is_there_before_ddof(skipping: Any, plain: Any) -> None:
    x = np.array([[2.0, NAN, -1.0, 0.5], [1.0, 2.0, NAN, NAN]])
    g = grad(lambda x: np.sum(skipping(x, axis=1, ddof=1)))(x)
    for row, found in zip(x, g, strict=True):
        there = ~np.isnan(row)
        np.testing.assert_allclose(found[there], grad(lambda x: plain(x, ddof=1))(row[there]), rtol=1e-13)
        np.testing.assert_array_equal(found[~there], 0)


def test_kinks_of_extremes_that_skip_and_of_their_distance() -> None:
    x = np.array([1.0, NAN, 3.0, 3.0, 1.0, 1.0])
    np.testing.assert_array_equal(grad(np.nanmax)(x), [0, 0, 0.5, 0.5, 0, 0])
    np.testing.assert_allclose(grad(np.nanmin)(x), [1 / 3, 0, 0, 0, 1 / 3, 1 / 3])
    np.testing.assert_array_equal(grad(np.ptp)(np.array([1.0, 3.0, 3.0, 1.0])), [-0.5, 0.5, 0.5, -0.5])
    np.testing.assert_array_equal(grad(np.ptp)(np.array([2.0, 2.0])), [0, 0])
    np.testing.assert_array_equal(grad(np.nanstd)(np.array([2.0, 2.0, NAN])), [0, 0, 0])


def test_fmax_passes_nan_by_and_shares_ties() -> None:
    a, b = np.array([1.0, NAN, 2.0, 5.0, NAN]), np.array([3.0, 4.0, 2.0, NAN, NAN])
    ga, gb = grad(lambda a, b: np.nansum(np.fmax(a, b)), (0, 1))(a, b)
    np.testing.assert_array_equal(ga, [0, 0, 0.5, 1, 0])
    np.testing.assert_array_equal(gb, [1, 1, 0.5, 0, 0])
    ga, gb = grad(lambda a, b: np.nansum(np.fmin(a, b)), (0, 1))(a, b)
    np.testing.assert_array_equal(ga, [1, 0, 0.5, 1, 0])


def test_replaced_entries_have_no_gradient() -> None:
    x = np.array([1.0, NAN, np.inf, -np.inf])
    np.testing.assert_array_equal(
        grad(lambda x: np.sum(np.nan_to_num(x, posinf=9.0, neginf=-9.0) * 2))(x), [2, 0, 0, 0]
    )
    with pytest.raises(errors.ArgumentError, match="nan_to_num of a Value does not take copy="):
        np.nan_to_num(Value(x), copy=False)


def test_where_and_initial_are_refused_by_name() -> None:
    for call in (lambda v: np.nansum(v, where=v.data > 0), lambda v: np.nansum(v, initial=1.0)):
        with pytest.raises(errors.ArgumentError, match=r"nansum of a Value does not take (where|initial)="):
            call(Value(X))
