"""Averages, ranks, running products, covariances, and what is skipped: gradients by hand and by other ops."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from minigrad import Value, errors, grad, jvp

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


def test_average_may_return_the_sum_of_the_weights_too() -> None:
    w = np.array([1.0, 2.0, 0.5])
    for params in (
        {},
        {"axis": 1},
        {"axis": 1, "weights": w},
        {"weights": X * X},
        {"axis": 0, "keepdims": True},
        {"axis": 0, "weights": w[:2]},
    ):
        y, total = np.average(Value(X), returned=True, **params)
        want_y, want_total = np.average(X, returned=True, **params)
        np.testing.assert_array_equal(y.data, want_y)
        np.testing.assert_array_equal(total, want_total)
    _, total = np.average(X[0], weights=Value(w), returned=True)
    assert isinstance(total, Value) and total.item() == 3.5


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


def test_a_weighted_quantile_is_one_entry() -> None:
    w = np.array([1.0, 3.0, 2.0])
    for q in (0.0, 0.1, 0.5, 0.9, 1.0):
        params = {"weights": w, "method": "inverted_cdf"}
        y, pick = np.quantile(X[0], q, **params), grad(lambda x, q=q, params=params: np.quantile(x, q, **params))
        np.testing.assert_array_equal(pick(X[0]), X[0] == y)
    w, x, nan_x = np.array([0.0, 3.0, 2.0, 0.0]), np.array([1.0, 4.0, 2.0, 9.0]), np.array([1.0, NAN, 2.0, 9.0])
    # An entry without weight is never taken. (Early NumPy takes it as the first.)
    for q, want in ((0.0, 2.0), (0.4, 2.0), (0.7, 4.0), (1.0, 4.0)):
        params = {"weights": w, "method": "inverted_cdf"}
        assert np.quantile(Value(x), q, **params).item() == want
        params = {"weights": w + 0.5, "method": "inverted_cdf"}
        assert np.nanquantile(Value(nan_x), q, **params).item() == np.nanquantile(nan_x, q, **params)
    with pytest.raises(ValueError, match="does not support weights"):
        np.quantile(Value(X), 0.5, weights=np.ones((2, 3)))


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


@pytest.mark.parametrize("axis", [None, 0, 1, (0, 1), (1, 0)])
def test_nanmedian_is_the_median_of_what_is_there(axis: Any) -> None:
    assert grad(lambda x: np.sum(np.nanmedian(x, axis=axis)))(X).tolist() == (
        grad(lambda x: np.sum(np.median(x, axis=axis)))(X).tolist()
    )
    x = np.array([[3.0, NAN, 2.0, 5.0], [NAN, 4.0, -2.0, NAN]])
    found = grad(lambda x: np.sum(np.nanmedian(x, axis=1) * [1.0, 3.0]))(x)
    np.testing.assert_array_equal(found, [[1, 0, 0, 0], [0, 1.5, 1.5, 0]])


def test_running_products_and_sums_pass_over_nan() -> None:
    x = np.array([2.0, NAN, 3.0])
    np.testing.assert_array_equal(grad(lambda x: np.nancumprod(x)[2])(x), [3, 0, 2])
    np.testing.assert_array_equal(grad(lambda x: np.nancumsum(x)[2])(x), [1, 0, 1])


@pytest.mark.parametrize("axis", [0, 1, -1, -2])
def test_cumulative_functions_may_begin_with_nothing(axis: int) -> None:
    w = np.arange(1.0, 13.0).reshape(3, 4)[tuple(np.s_[: n + (i == axis % 2)] for i, n in enumerate(X.shape))]
    later = tuple(np.s_[1 if i == axis % 2 else 0 :] for i in range(2))
    for cumulative, plain in ((np.cumulative_sum, np.cumsum), (np.cumulative_prod, np.cumprod)):
        found = grad(lambda x, f=cumulative: np.sum(w * f(x, axis=axis, include_initial=True)))(X)
        want = grad(lambda x, f=plain: np.sum(w[later] * f(x, axis=axis)))(X)
        np.testing.assert_array_equal(found, want)


def test_polyval_in_coefficients_and_in_x() -> None:
    p, x = np.array([2.0, -1.0, 0.5]), np.array([[0.0, 2.0], [-1.0, 3.0]])
    for_p, for_x = grad(lambda p, x: np.sum(np.polyval(p, x)), (0, 1))(p, x)
    np.testing.assert_array_equal(for_p, [np.sum(x**2), np.sum(x), 4.0])
    np.testing.assert_array_equal(for_x, 4 * x - 1)
    columns = grad(lambda p: np.sum(np.polyval(p, x)))(np.stack([p, p], axis=1))  # one polynomial a column of x
    np.testing.assert_array_equal(columns, np.stack([np.sum(x**2, 0), np.sum(x, 0), [2.0, 2.0]]))
    assert grad(grad(lambda x: np.polyval(p, x)))(0.0) == 4.0


Y = np.array([[0.3, 1.0, -0.7, 2.0], [1.0, 0.2, 0.9, -1.0], [0.1, -0.4, 1.2, 0.6]])


def by_definition(x: Any, freedom: int) -> Any:
    x = x - np.mean(x, axis=1, keepdims=True)
    return x @ x.T / freedom


@pytest.mark.parametrize(
    ("options", "freedom"), [({}, 3), ({"bias": True}, 4), ({"ddof": 2}, 2), ({"bias": True, "ddof": 1}, 3)]
)
@pytest.mark.parametrize("rowvar", [True, False])
def test_covariance_is_what_its_definition_says(options: Any, freedom: int, rowvar: bool) -> None:
    w = np.arange(9.0).reshape(3, 3) ** 2  # not symmetric
    want = grad(lambda x: np.sum(w * by_definition(x, freedom)))(Y)
    turn = (lambda x: x) if rowvar else np.transpose
    one = grad(lambda x: np.sum(w * np.cov(turn(x), rowvar=rowvar, **options)))(Y)
    np.testing.assert_allclose(one, want, rtol=1e-13, atol=1e-13)
    two = grad(lambda x: np.sum(w * np.cov(turn(x[:2]), turn(x[2:]), rowvar=rowvar, **options)))(Y)
    np.testing.assert_allclose(two, want, rtol=1e-13, atol=1e-13)
    vector = grad(lambda x: np.sum(w * np.cov(turn(x[:2]), x[2], rowvar=rowvar, **options)))(Y)
    np.testing.assert_allclose(vector, want, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("rowvar", [True, False])
def test_correlation_is_covariance_over_its_roots(rowvar: bool) -> None:
    w = np.arange(9.0).reshape(3, 3) ** 2

    def by_covariance(x: Any) -> Any:
        c = by_definition(x, 1)
        root = np.sqrt(np.diagonal(c))
        return np.sum(w * c / (root[:, None] * root))

    turn = (lambda x: x) if rowvar else np.transpose
    want = grad(by_covariance)(Y)
    found = grad(lambda x: np.sum(w * np.corrcoef(turn(x), rowvar=rowvar)))(Y)
    np.testing.assert_allclose(found, want, rtol=1e-12, atol=1e-12)
    found = grad(lambda x: np.sum(w * np.corrcoef(turn(x[:1]), turn(x[1:]), rowvar=rowvar)))(Y)
    np.testing.assert_allclose(found, want, rtol=1e-12, atol=1e-12)


def test_the_variance_of_one_variable_is_a_number() -> None:
    found = grad(lambda x: np.cov(x))(Y[0])
    np.testing.assert_allclose(found, 2 * (Y[0] - Y[0].mean()) / 3, rtol=1e-14)


def test_weights_of_a_covariance_count_observations() -> None:
    """An observation that counts three times is as good as three."""
    counts = np.array([1, 3, 2, 1])
    w = np.array([[1.0, 2.0, 3.0]]).T * [1.0, -1.0, 0.5]
    found = grad(lambda y: np.sum(w * np.cov(y, fweights=counts)))(Y)
    want = grad(lambda y: np.sum(w * np.cov(np.repeat(y, counts, axis=1))))(Y)
    np.testing.assert_allclose(found, want, rtol=1e-12, atol=1e-14)
    both = {"fweights": counts, "aweights": [0.3, 1.0, 2.0, 0.7]}
    for params in ({}, {"ddof": 0}, {"bias": True}, {"rowvar": False}):
        y = Y.T if "rowvar" in params else Y
        np.testing.assert_allclose(np.cov(Value(y), **both, **params).data, np.cov(y, **both, **params), rtol=1e-13)


def test_second_derivatives_of_a_constant_polynomial_of_several() -> None:
    def slope(p: Any, x: Any) -> Any:
        return grad(lambda p, x: np.polyval(p, x).sum(), 1)(p, x)

    p = np.array([[-1.0]])
    np.testing.assert_array_equal(grad(slope)(p, -1.0), [[0.0]])


@pytest.mark.parametrize(("f", "sign"), [(np.maximum, 1.0), (np.minimum, -1.0)])
def test_the_largest_so_far_is_shared_by_those_that_are_equal_so_far(f: Any, sign: float) -> None:
    """3, 3, 1, 3, 4: the second place is shared by two, the fourth by three, the last belongs to the 4."""
    x, v = sign * np.array([3.0, 3.0, 1.0, 3.0, 4.0]), np.array([1.0, 10.0, 100.0, 1000.0, 10000.0])
    third = 1000.0 / 3
    want = [1 + 5 + 50 + third, 5 + 50 + third, 0, third, 10000]
    np.testing.assert_allclose(grad(f.accumulate)(x, cotangent=v), want, rtol=1e-14)
    rows = np.stack([x, 2 * x])
    both = grad(lambda x: f.accumulate(x, axis=1))(rows, cotangent=np.stack([v, v]))
    np.testing.assert_allclose(both, [want, want], rtol=1e-14)
    np.testing.assert_allclose(jvp(f.accumulate, (x,), (v,))[1], [1, 5.5, 5.5, 1011 / 3, 10000], rtol=1e-14)


def test_the_mantissa_at_a_power_of_two_has_the_slope_above_it() -> None:
    assert grad(lambda x: np.frexp(x)[0])(4.0) == 1 / 8
    assert grad(lambda x: np.frexp(x)[0])(3.9) == 1 / 4
