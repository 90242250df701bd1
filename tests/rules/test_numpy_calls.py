"""What users of NumPy write beyond the rows of the table: by closed forms, at ties, infinities and the ends."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal, localcontext
from typing import Any

import numpy as np
import pytest
from checking import along

import minigrad
from minigrad import Value, errors, grad, hessian, jvp

X = np.array([0.5, -1.5, 2.0, 0.25])
MASK = np.array([True, False, True, True])
INF, NAN = np.inf, np.nan


def same(found: Any, want: Any) -> None:
    np.testing.assert_allclose(found, want, rtol=1e-13, atol=1e-15)


# ------------------------------------------------------------------------------------- where= and initial=


def test_an_initial_value_has_a_gradient() -> None:
    def f(x: Any, c: Any) -> Any:
        return np.sum(x, initial=c) * np.prod(x, initial=c) + np.max(x, initial=c) ** 2 + np.min(x, initial=c)

    for c in (-2.0, 0.7, 3.0):
        gx, gc = grad(f, (0, 1))(X, c)
        both = along(lambda h, c=c: f(X * (1 + h), c * (1 + h)))
        np.testing.assert_allclose([gx @ X + gc * c, gc], [both, along(lambda h, c=c: f(X, c + h))], rtol=1e-9)
        same(minigrad.compile(grad(f, 1))(X, c), gc)
        same(minigrad.vmap(grad(f, 1))(X[None], np.array([c])), [gc])


def test_methods_and_ufuncs_take_the_same_options() -> None:
    v = Value(X)
    for y, want in (
        (v.sum(where=MASK), X.sum(where=MASK)),
        (v.max(initial=9.0), 9.0),
        (v.std(where=MASK), X.std(where=MASK)),
        (np.add.reduce(v, where=MASK, initial=1.0), np.add.reduce(X, where=MASK, initial=1.0)),
        (np.multiply.reduce(v, 0, None, None, False, 2.0, MASK), 2 * 0.25),
        (np.maximum.reduce(v, where=MASK, initial=-9.0), 2.0),
        (np.logical_or.reduce(v > 1, where=MASK), True),
        (np.logaddexp.reduce(v, where=MASK), np.logaddexp.reduce(X, where=MASK)),
        (np.sum(v, None, None, None, False, 2.0, MASK), 4.75),
    ):
        same(y.data, want)


def test_a_mask_may_depend_on_a_value() -> None:
    v = Value(X)
    for f, fill in ((np.sum, 0.0), (np.prod, 1.0), (np.max, -9.0)):
        more = {"initial": -9.0} if f is np.max else {}
        want = f(np.where(X > 0.3, X, fill))
        for a in (X, v, [*X]):
            assert f(a, where=v > 0.3, **more).item() == want
    assert np.add.reduce(X, where=v > 0.3).item() == X[X > 0.3].sum()
    found = minigrad.compile(grad(lambda x: np.sum(x * x, where=x > 0.3)))(X)
    assert found.tolist() == [1.0, 0.0, 4.0, 0.0]


def test_compiled_calls_beyond_the_row_give_the_bits_of_numpy() -> None:
    """Each is one step, which no pass takes for the op of that name."""
    x = np.random.default_rng(3).normal(size=(9, 40))
    mask, places = x > -0.5, np.arange(40) % 7
    for f in (
        lambda x: np.mean(x, axis=1, where=mask),
        lambda x: np.std(x, axis=0, where=mask, correction=1),
        lambda x: np.sum(x, where=mask, initial=0.1),
        lambda x: np.quantile(x, 0.3, axis=1, weights=mask[0], method="inverted_cdf"),
        lambda x: np.bincount(places, weights=x[0]),
        lambda x: np.compress(mask[0], x, axis=1),
        lambda x: np.add.reduceat(x, [0, 20, 10], axis=1),
    ):
        compiled = minigrad.compile(f)
        for entries in (x, x[::-1] * 1.5):
            np.testing.assert_array_equal(compiled(entries), f(entries))


def test_types_of_methods_of_ufuncs_are_refused_by_name() -> None:
    for name, call in {
        "add.reduceat": lambda v: np.add.reduceat(v, [0], dtype=np.float32),
        "logaddexp.reduce": lambda v: np.logaddexp.reduce(v, dtype=np.float32),
        "logcumsumexp": lambda v: np.logaddexp.accumulate(v, dtype=np.float32),
    }.items():
        with pytest.raises(errors.ArgumentError, match=f"{name} of a Value does not take dtype="):
            call(Value(X))


def test_no_entries_leave_the_initial_value() -> None:
    for f in (np.max, np.min, np.sum, np.prod):
        y = f(Value(np.zeros((0, 3))), axis=0, initial=4.0)
        assert y.shape == (3,) and (y.data == 4.0).all()
        assert grad(lambda c, f=f: f(np.zeros(0) * c, initial=c))(4.0) == 1.0
        none = np.zeros(4, dtype=bool)
        assert grad(lambda x, f=f, none=none: f(x, where=none, initial=4.0))(X).tolist() == [0, 0, 0, 0]
    with pytest.raises(errors.ArgumentError, match="max with where= needs initial="):
        np.max(Value(X), where=MASK)


def test_a_mask_of_the_wrong_shape_is_refused() -> None:
    """np.where would widen the entries instead, and give another sum."""
    for f in (np.sum, np.mean, np.var):
        with pytest.raises(ValueError, match=r"shape|remapping|broadcast"):
            f(Value(X), where=np.ones((2, 4), dtype=bool))


@pytest.mark.parametrize("dtype", [np.int64, np.int8, np.uint16, np.bool_])
def test_whole_numbers_are_reduced_as_such(dtype: Any) -> None:
    x = np.array([3, 0, 7, 1]).astype(dtype)
    for f in (np.sum, np.prod, np.max, np.min, np.mean, np.var, np.any, np.all, np.nansum, np.nanmax):
        more = {"initial": 1} if f in (np.max, np.min, np.nanmax) else {}
        v = np.astype(Value(x.astype(float)), dtype)
        y, want = f(v, where=MASK, **more), f(x, where=MASK, **more)
        same(y.data, want)
        assert y.dtype == want.dtype
        same(
            np.logaddexp.reduce([0.5, 2.0, 1.0, 3.0], where=Value(MASK)).data, np.logaddexp.reduce([0.5, 1.0, 3.0])
        )


def test_the_deviation_of_equal_entries_has_no_slope() -> None:
    assert grad(lambda x: np.std(x, where=[True, False, True]))(np.array([2.0, 9.0, 2.0])).tolist() == [0, 0, 0]


def test_half_precision_adds_in_single() -> None:
    x = np.full(70_000, 1.0, dtype=np.float16)
    y = np.mean(Value(x), where=np.arange(len(x)) % 7 > 0)
    assert y.dtype == np.float16 and y.item() == 1.0
    assert np.var(Value(x), where=np.arange(len(x)) % 7 > 0).dtype == np.float16


# -------------------------------------------------------------------------------------- methods of ufuncs


def prefix_softmax(x: Any) -> Any:
    """The slopes of the last log-sum, in double precision."""
    e = np.exp(x.astype(float) - x.max())
    return e / e.sum()


@pytest.mark.parametrize("size", [1.0, 1e3, 1e6])
def test_slopes_of_running_logs_keep_their_digits(size: float) -> None:
    x = (size + np.array([0.0, 2.0, -1.0, 1.0])).astype(np.float32)
    for k in range(4):
        found = grad(lambda x, k=k: np.logaddexp.accumulate(x)[k])(x)
        np.testing.assert_allclose(found[: k + 1], prefix_softmax(x[: k + 1]), rtol=1e-6)
        assert (found[k + 1 :] == 0).all()


def test_running_logs_of_infinities() -> None:
    x = np.array([-INF, -INF, 1.0, 2.0, INF, 3.0, INF])
    same(np.logaddexp.accumulate(Value(x)).data, np.logaddexp.accumulate(x))
    rows = [grad(lambda x, k=k: np.logaddexp.accumulate(x)[k])(x) for k in range(7)]
    same(np.sum(rows, axis=1), np.ones(7))  # the weights add up to 1
    same(rows[1][:2], [0.5, 0.5])
    same(rows[3], [0, 0, *prefix_softmax(x[2:4]), 0, 0, 0])
    same(rows[6], [0, 0, 0, 0, 0.5, 0, 0.5])
    for k in range(7):
        t = (np.arange(7) == k).astype(float)
        same(jvp(np.logaddexp.accumulate, (x,), (t,))[1], [row[k] for row in rows])


def test_pieces_that_run_backwards_are_single_entries() -> None:
    places = [2, 0, 3, 1]
    for ufunc in (np.add, np.multiply, np.maximum, np.minimum, np.logaddexp):
        same(ufunc.reduceat(Value(X), places).data, ufunc.reduceat(X, places))
    assert grad(lambda x: np.add.reduceat(x, places) @ [1.0, 10.0, 100.0, 1000.0])(X).tolist() == [
        10,
        1010,
        1011,
        1100,
    ]
    with pytest.raises(IndexError, match="lies outside of the 4 entries"):
        np.add.reduceat(Value(X), [0, 4])


# ------------------------------------------------------------------------------------------ distinct entries


def test_the_first_of_equal_entries_stands_for_all() -> None:
    x = np.array([2.0, 1.0, 2.0, NAN, 1.0, NAN])
    assert grad(lambda x: np.unique(x) @ [1.0, 10.0, 0.0])(x).tolist() == [10, 1, 0, 0, 0, 0]
    options = {"return_index": True, "return_inverse": True, "return_counts": True}
    for more in ({}, {"equal_nan": False}):
        for part, want in zip(np.unique(Value(x), **options, **more), np.unique(x, **options, **more), strict=True):
            np.testing.assert_array_equal(getattr(part, "data", part), want)
    rows = np.array([[2.0, 1.0], [0.0, 5.0], [2.0, 1.0]])
    for axis in (None, 0, 1):
        for part, want in zip(
            np.unique(Value(rows), True, axis=axis), np.unique(rows, True, axis=axis), strict=True
        ):
            np.testing.assert_array_equal(getattr(part, "data", part), want)
    assert np.unique(Value(np.zeros(0))).shape == (0,)


def test_zeros_are_trimmed_from_the_named_ends() -> None:
    x = np.array([0.0, 0.0, 1.5, 0.0, 2.5, 0.0])
    for trim in ("fb", "f", "b"):
        np.testing.assert_array_equal(np.trim_zeros(Value(x), trim).data, np.trim_zeros(x, trim))
    assert np.trim_zeros(Value(np.zeros(3))).shape == (0,)
    assert grad(lambda x: np.trim_zeros(x)[0])(x).tolist() == [0, 0, 1, 0, 0, 0]
    with pytest.raises(ValueError, match="unexpected character"):
        np.trim_zeros(Value(x), "q")


@pytest.mark.parametrize("f", [np.unique, np.trim_zeros, lambda x: np.polymul(x, x)])
def test_a_trace_refuses_shapes_that_depend_on_numbers(f: Callable[..., Any]) -> None:
    with pytest.raises(minigrad.errors.TracingError, match="shape that depends on the data"):
        minigrad.compile(grad(lambda x: np.sum(f(x))))(X)


# ---------------------------------------------------------------------------------------------- histograms


def test_counts_and_edges_of_a_histogram() -> None:
    for params in ({}, {"bins": 3}, {"range": (-1.0, 1.0)}, {"bins": [-2.0, 0.0, 0.5, 2.0]}, {"density": True}):
        for a, w in ((X, None), (Value(X), None), (X, Value(X)), (Value(X), Value(X))):
            plain = None if w is None else X
            counts, edges = np.histogram(a, weights=w, **params)
            want_counts, want_edges = np.histogram(X, weights=plain, **params)
            if isinstance(a, Value) or isinstance(w, Value):
                same(getattr(counts, "data", counts), want_counts)
                same(getattr(edges, "data", edges), want_edges)
    slopes = minigrad.jacobian(lambda x: np.histogram(x, 3)[1])(X)
    same(slopes[:, 1], [1, 2 / 3, 1 / 3, 0])  # of the smallest entry
    same(slopes[:, 2], [0, 1 / 3, 2 / 3, 1])
    with pytest.raises(errors.ArgumentError, match="no rule for bins='auto'"):
        np.histogram(Value(X), "auto")


def test_counts_in_two_dimensions() -> None:
    y = X[::-1] * 2
    for params in ({}, {"bins": 3}, {"bins": [2, 3]}, {"range": [(-1.0, 1.0), (-3.0, 2.0)]}, {"density": True}):
        found = np.histogram2d(Value(X), Value(y), weights=Value(X * X), **params)
        for part, want in zip(found, np.histogram2d(X, y, weights=X * X, **params), strict=True):
            same(part.data if isinstance(part, Value) else part, want)


# --------------------------------------------------------------------------------------------- polynomials


def test_a_quotient_of_polynomials_and_its_rest() -> None:
    for u, v in (([2.0, -1.0, 0.5, 3.0], [0.5, 1.5]), ([1.0, 2.0], [1.0, 0.0, 3.0]), ([1.0, 3.0, 2.0], [1.0, 1.0])):
        for part, want in zip(np.polydiv(Value(u), Value(v)), np.polydiv(u, v), strict=True):
            same(part.data, want)
    divided = grad(lambda u, v: np.polydiv(u, v)[1][0], (0, 1))(np.array([1.0, 0.0, 4.0]), np.array([1.0, -2.0]))
    same(divided[0], [4, 2, 1])  # the rest of p / (x - 2) is p(2)
    same(divided[1], [-8, -4])


def test_poly1d_of_a_value() -> None:
    c = np.array([0.0, 2.0, -1.0, 0.5])
    for x in (1.5, X):
        same(np.poly1d(Value(c))(x).data, np.poly1d(c)(x))
        same(grad(lambda x: np.sum(np.poly1d(c)(x)))(x), 4 * x - 1)
    same(grad(lambda c: np.poly1d(c)(2.0))(c), [0, 4, 2, 1])  # the zero in front is left out, as in NumPy
    p, q = np.poly1d(Value(c)), np.poly1d(c)
    for f in (lambda p: p * p, lambda p: p + p, lambda p: p - 2 * p, lambda p: p.deriv(), lambda p: p.integ()):
        same(f(p).coeffs.data, f(q).coeffs)


def test_a_product_of_polynomials_by_its_roots() -> None:
    roots = np.array([1.0, -2.0, 0.5])
    same(grad(lambda r: np.poly(r)[-1])(roots), -np.prod(roots) / roots)
    same(hessian(lambda r: np.poly(r)[2])(roots), 1 - np.eye(3))
    with pytest.raises(errors.ArgumentError, match="takes a row of roots"):
        np.poly(Value(np.eye(2)))


def test_all_that_a_fit_can_return() -> None:
    t, y = np.arange(5.0), np.array([0.3, 1.1, 1.9, 3.2, 3.8])
    w = np.array([1.0, 0.5, 2.0, 1.0, 0.7])
    for data in (y, np.stack([y, y**2], axis=1)):
        for params in ({"full": True}, {"cov": True}, {"cov": "unscaled"}, {"w": w}, {"w": w, "cov": True}):
            found, want = np.polyfit(t, Value(data), 1, **params), np.polyfit(t, data, 1, **params)
            for part, whole in zip(*((z if isinstance(z, tuple) else (z,)) for z in (found, want)), strict=True):
                np.testing.assert_allclose(getattr(part, "data", part), whole, rtol=1e-11)

    def spread(w: Any) -> Any:
        return np.sum(np.polyfit(t, y, 1, w=w, cov=True)[1] * [[1.0, 2.0], [0.0, 3.0]])

    d = np.array([0.3, -0.2, 0.1, 0.5, -0.4])
    np.testing.assert_allclose(grad(spread)(w) @ d, along(lambda h: spread(w + h * d)), rtol=1e-8)


# ---------------------------------------------------------------------------------------- quantiles, slopes


def test_a_quantile_has_a_slope_in_q() -> None:
    """Between neighbours in order: -1.5, 0.25, 0.5, 2."""
    assert grad(lambda q: np.quantile(X, q))(0.4) == 3 * 0.25
    assert grad(lambda q: np.percentile(X, q))(40.0) == pytest.approx(0.03 * 0.25)
    assert grad(lambda q: np.quantile(X, q))(1.0) == 3 * 1.5
    assert grad(lambda q: np.quantile(X, q))(0.0) == 3 * 1.75
    assert grad(lambda q: np.quantile(np.array([0.0, 1.0, 3.0]), q))(0.5) == 2 * 2.0  # at an entry: to the right
    for method in ("linear", "hazen", "weibull", "median_unbiased", "normal_unbiased", "interpolated_inverted_cdf"):
        for q in (0.02, 0.3, np.array([0.41, 0.93])):

            def f(q: Any, method: str = method) -> Any:
                return np.sum(np.quantile(np.stack([X, X**2]), q, axis=1, method=method))

            same(np.quantile(Value(X), Value(q), method=method).data, np.quantile(X, q, method=method))
            want = along(lambda h, f=f, q=q: f(q + h / 64)) * 64
            np.testing.assert_allclose(np.sum(grad(f)(q)), want, rtol=1e-9)
    for method in ("lower", "higher", "nearest", "midpoint"):
        for q in (0.0, 0.2, 0.5, 2 / 3, 0.9, 1.0):
            assert np.quantile(X, Value(q), method=method).item() == np.quantile(X, q, method=method)
            assert grad(lambda q, method=method: np.quantile(X, q, method=method))(q) == 0
            rows = np.array([[NAN, 1.0, 3.0], [2.0, 5.0, 4.0]])
            found = np.nanquantile(Value(rows), q, axis=1, method=method)
            np.testing.assert_array_equal(found.data, np.nanquantile(rows, q, axis=1, method=method))
    for f, name in ((np.quantile, "quantile"), (np.nanquantile, "nanquantile")):
        with pytest.raises(errors.ArgumentError, match=f"{name} of a Value does not take method='inverted_cdf'"):
            f(Value(X), Value(0.5), method="inverted_cdf")
    both = grad(lambda q: np.quantile(Value(X), [q, 0.9 * q]) @ [1.0, 2.0])(0.4)
    same(both, grad(lambda q: np.quantile(X, q) + 2 * np.quantile(X, 0.9 * q))(0.4))
    assert np.isnan(np.quantile(Value([1.0, NAN]), Value(0.5)).data)
    assert np.isnan(np.quantile(X, Value(1.5)).data)  # NumPy raises; a trace could not
    assert np.isnan(np.quantile(X, Value(NAN)).data)


def test_slopes_between_samples_have_slopes_in_the_places() -> None:
    """Of a parabola through the samples the slopes are exact, inner ones at order 1 and all at order 2."""
    t = np.array([0.0, 0.5, 2.0, 3.0])
    for order in (1, 2):
        part = slice(1, -1) if order == 1 else slice(None)

        def slopes(t: Any, order: int = order, part: slice = part) -> Any:
            return np.gradient(3 * t * t - t, t, edge_order=order)[part]

        same(slopes(Value(t)).data, (6 * t - 1)[part])
        np.testing.assert_allclose(minigrad.jacobian(slopes)(t), 6 * np.eye(4)[part], atol=1e-13)
    f = np.outer(np.sin(t), np.cos(t))
    for both in zip(np.gradient(f, Value(t), Value(2 * t)), np.gradient(f, t, 2 * t), strict=True):
        same(both[0].data, both[1])
    same(np.gradient(f, Value(t), 2.0)[1].data, np.gradient(f, t, 2.0)[1])


# ------------------------------------------------------------------------------------------- i0 and the rest


def bessel(x: float, order: int) -> float:
    """I of that order by its power series, with 60 digits."""
    with localcontext() as context:
        context.prec = 60
        half, total, k = Decimal(x) / 2, Decimal(0), 0
        term = half**order / (1 if order < 2 else order)
        while term > total * Decimal(10) ** -40:
            total, k = total + term, k + 1
            term = term * half * half / (k * (k + order))
        return float(total)


@pytest.mark.parametrize("x", [1e-8, 0.3, 2.0, 9.0, 60.0, 700.0])
def test_the_slope_of_i0_is_i1(x: float) -> None:
    slope = bessel(x, 1)
    assert grad(np.i0)(x) == pytest.approx(slope, rel=4e-16 * (4 + x / 4))
    assert grad(np.i0)(-x) == -grad(np.i0)(x)
    assert grad(grad(np.i0))(x) == pytest.approx(bessel(x, 0) - slope / x, rel=4e-16 * (8 + x / 4))
    assert grad(grad(np.i0))(0.0) == 0.5


def test_functions_along_axes() -> None:
    x = np.arange(6.0).reshape(2, 3)
    assert grad(lambda x: np.sum(np.apply_along_axis(np.dot, 1, x, np.array([1.0, 2.0, 3.0]))))(x).tolist() == [
        [1, 2, 3],
        [1, 2, 3],
    ]
    for f in (lambda row: [row.sum(), row[0] * 2], lambda row: np.outer(row, row), np.sum, np.cumsum):
        for axis in (0, 1, -1):
            np.testing.assert_array_equal(
                np.apply_along_axis(f, axis, Value(x)).data, np.apply_along_axis(f, axis, x)
            )
    assert np.apply_over_axes(np.sum, Value(x), (0, 1)).shape == (1, 1)
    with pytest.raises(ValueError, match="gave 0 axes"):
        np.apply_over_axes(lambda a, axis: a.sum(), Value(x), 0)


def test_choices_by_number() -> None:
    a = np.array([0, 1, 2, 1])
    choices = [X, 2 * X, np.ones(4)]
    assert grad(lambda x: np.sum(np.choose(a, [x, 2 * x, np.ones(4)])))(X).tolist() == [1, 2, 0, 2]
    for mode in ("wrap", "clip"):
        found = np.choose(a - 5, [Value(c) for c in choices], mode=mode)
        np.testing.assert_array_equal(found.data, np.choose(a - 5, choices, mode=mode))
    with pytest.raises(ValueError, match="invalid entry in choice array"):
        np.choose(a + 1, [Value(c) for c in choices])


def test_conditions_in_every_form_that_numpy_takes() -> None:
    whole = np.array([[True, False, True, False], [False, True, False, False]])
    for conditions in ([True, False, True, False], whole, [*whole], whole[0]):
        want = np.piecewise(X, conditions, [np.sin, np.cos])
        np.testing.assert_array_equal(np.piecewise(Value(X), conditions, [np.sin, np.cos]).data, want)


def test_a_list_of_values_is_inserted() -> None:
    def f(x: Any) -> Any:
        return np.insert(x, 1, [x[2] * 2, x[0] * 3]) @ np.arange(6.0)

    assert grad(f)(X).tolist() == [6.0, 3.0, 6.0, 5.0]


def test_types_are_those_of_numpy() -> None:
    x = X.astype(np.float32)
    calls: list[Callable[[Any], Any]] = [
        lambda v: np.bincount([0, 1, 1, 0], weights=v),
        np.vander,
        lambda v: np.geomspace(v[0], v[2], 4),
        lambda v: np.nanquantile(v, 0.3),
        lambda v: np.nanquantile(v, [0.3]),
        lambda v: np.nanpercentile(v, np.array(30.0)),
    ]
    for call in calls:
        assert call(Value(x)).dtype == call(x).dtype
        assert grad(lambda v, call=call: np.sum(call(v)))(x).dtype == np.float32
