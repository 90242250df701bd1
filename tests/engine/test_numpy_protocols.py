"""NumPy's own functions on Values: recorded, answered plainly, or refused by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from checking import OPS
from differences import X, agrees_with_differences

from minigrad import Value, errors, grad
from minigrad.check.testing.op_sampling import random_calls
from minigrad.engine.op import REMEDIES

M = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 7.0]])


# --------------------------------------------------------------------------------------- by both protocols


@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.add(x, 1) * np.float64(2.0),
        lambda x: np.float64(3.0) * x + np.float32(2.0) - x / np.int64(4),
        lambda x: np.arange(3) * x,
        lambda x: np.array(2.0) ** x,
        lambda x: X @ x * x,
        lambda x: M @ x,
        lambda x: np.matmul(x, M.T),
        lambda x: np.dot(M, x),
        lambda x: x.dot(M.T),
        lambda x: np.linalg.norm(x),
        lambda x: np.add.reduce(x) * x,
        lambda x: np.multiply.reduce(x) * x,
        lambda x: np.maximum.reduce(x) * x,
        lambda x: np.add.accumulate(x),
        lambda x: np.multiply.outer(x, np.arange(2.0)),
        lambda x: np.subtract.outer(np.arange(2.0), x * x),
        lambda x: np.amax(x) * np.amin(x),
        lambda x: np.hstack([x, X, x * 2]),
        lambda x: np.vstack([x, X, x * 2]),
        lambda x: np.dstack([x, x * x]),
        lambda x: np.concatenate([x, x * x]),
        lambda x: np.concatenate([x]),
        lambda x: np.concatenate((X, x)),
        lambda x: np.concat([x.reshape(1, 3), M], axis=0),
        lambda x: np.stack([x, x * x]),
        lambda x: np.stack([x, x * x, X], axis=-1),
        lambda x: np.split(x, 3)[1] * x,
        lambda x: np.array_split(x * x, 2)[0],
        lambda x: np.ptp(x) * x,
        lambda x: np.resize(x * x, (2, 3)),
        lambda x: np.unstack(np.stack([x, x * x]))[1],
        lambda x: np.rollaxis(np.stack([x, x * x]), 1),
        lambda x: np.atleast_2d(x, x * x)[1],
        lambda x: np.take_along_axis(x * x, np.array([2, 0]), 0),
        lambda x: np.cumulative_sum(x * x),
        lambda x: np.permute_dims(np.stack([x, x * x]), (1, 0)),
        lambda x: np.sum(np.stack([x, x * x]), 0, keepdims=True),
        lambda x: np.mean(np.stack([x, x * x]), axis=(0, 1)),
        lambda x: np.where(x > 0.4, x * x, -x),
        lambda x: np.where([True, False, True], x, 1.0),
        lambda x: np.clip(x, 0.3, None) + np.clip(x, None, a_max=0.6) + x.clip(0.3, 0.6),
        lambda x: np.maximum(x, 0.4) + np.minimum(0.4, x),
        lambda x: np.array([0.3, 0.6, 0.9]).clip(x, 1.0),
        lambda x: np.mod(x, 0.2) + np.remainder(x, 0.2),
        lambda x: np.abs(x - 0.4) + np.fabs(x - 0.4),
        lambda x: np.pow(x, 3) + np.acos(x) + np.asin(x),
        lambda x: x[[0, 0, 2]] + x[::-1] + x[np.array([True, True, True])],
        lambda x: x[:, None] * x[None, :],
        lambda x: np.exp(x, dtype=None),
        lambda x: np.sum(x, axis=None, dtype=None, out=None),
        lambda x: np.sqrt(x).T + np.copy(x) + x.copy() + x.flatten() + x.ravel(),
        lambda x: np.astype(x, np.float64) + x.astype(float),
        lambda x: x.std() + np.var(x, ddof=1) + x.var(axis=0),
        lambda x: x.mean() + x.prod() + x.max() + x.min() + x.cumsum(),
        lambda x: np.moveaxis(x[None, :, None], 0, 2).squeeze(),
    ],
)
def test_numpy_code_on_values(f: Callable[[Any], Any]) -> None:
    plain = f(X)
    recorded = f(Value(X))
    assert type(recorded) is Value
    np.testing.assert_array_equal(recorded.data, plain)
    agrees_with_differences(f, X)


def test_a_gradient_written_in_numpy_of_a_network() -> None:
    x, w, b = Value(M), Value(np.ones((3, 4)) / 3), Value(np.zeros(4))
    y = np.tanh(x @ w + b).sum()
    y.backward()
    slope = 1 - np.tanh(M @ w.data) ** 2
    # The sums may cancel, and 1 - tanh² has the roundings of 1: they count of the terms.
    for got, want, terms in (
        (x.grad, slope @ w.data.T, np.ones_like(slope) @ w.data.T),
        (w.grad, M.T @ slope, np.abs(M.T) @ np.ones_like(slope)),
        (b.grad, slope.sum(axis=0), np.full(4, len(slope))),
    ):
        assert np.all(np.abs(got - want) <= 1e-14 * terms)


def test_numpy_numbers_on_the_left_are_recorded() -> None:
    for number in (np.float64(3), np.float32(3), np.int64(3), np.array(3.0), np.bool_(True)):
        v = Value(2.0)
        y = number * v
        assert type(y) is Value and y.inputs == (v,)
        y.backward()
        assert v.grad == float(number)


def test_float32_array_times_a_float64_number() -> None:
    v = Value(0.5)
    array = np.ones(3, np.float32)
    y = array * v
    assert y.dtype == np.float64
    leaf = Value(array)
    (leaf * v).sum().backward()
    assert leaf.grad.dtype == np.float32 and v.grad == 3.0


def test_a_label_once_stated_is_the_same_by_every_name() -> None:
    v = Value(X)
    assert np.amax(v).op is np.max(v).op is v.max().op and np.max(v).op.label == "max"
    assert np.min(v).op.label == "min"
    assert np.linalg.matmul(Value(M), Value(M.T)).op is (Value(M) @ M.T).op
    assert np.maximum.reduce(v).op is v.max().op


# -------------------------------------------------------------------------------------------- refused by name


def _takes_dtype(op: Any) -> bool:
    f = op.function
    is_loop = getattr(np, f.__name__, None) is f and isinstance(f, np.ufunc) and "d" * f.nin + "->d" in f.types
    return op.casts or (is_loop and f.signature is None)


@pytest.mark.parametrize(
    ("call", "label", "name"),
    [
        (lambda v: np.var(v, dtype=np.float32), "var", "dtype"),
        (lambda v: np.add(v, 1, dtype=np.int64), "[+]", "dtype"),  # NumPy refuses it, too
        (lambda v: np.sum(v, out=np.zeros(())), "sum", "out"),
        (lambda v: np.exp(v, where=X > 0.3), "exp", "where"),
        (lambda v: np.add(v, 1, casting="unsafe"), "[+]", "casting"),
        (lambda v: np.add(v, 1, where=X > 0.3), "[+]", "where"),
        (lambda v: np.less(v, 1, dtype=bool), "<", "dtype"),
        (lambda v: np.clip(v, 0, 1, out=np.zeros(3)), "clip", "out"),
        (lambda v: np.stack([v, v], out=np.zeros((2, 3))), "stack", "out"),
        (lambda v: np.concatenate([v, v], dtype=np.float32), "concatenate", "dtype"),
        (lambda v: np.matmul(v, X, axes=[0, 0, 0]), "@", "axes"),
    ],
)
def test_unsupported_parameters_are_named(call: Callable[[Value], Any], label: str, name: str) -> None:
    with pytest.raises(errors.ArgumentError, match=rf"^{label} of a Value does not take {name}=\n  ") as caught:
        call(Value(X))
    assert isinstance(caught.value, TypeError)
    assert REMEDIES.get(name, REMEDIES[""]) in str(caught.value)


@pytest.mark.parametrize("kind", [np.float32, np.float64, np.longdouble])
@pytest.mark.parametrize("name", [name for name, op in OPS.items() if _takes_dtype(op)])
def test_dtype_computes_in_that_type_and_the_gradient_has_the_type_of_the_input(name: str, kind: Any) -> None:
    """Of ufuncs, every bit is that of NumPy; a sum of few entries, too."""
    function = OPS[name].function
    (call,) = random_calls(OPS[name], 1)
    xs, params = [np.asarray(x, np.float32) for x in call.inputs], call.params
    try:
        want = function(*xs, **params, dtype=kind)
    except TypeError:  # it has no such loop
        with pytest.raises(errors.ArgumentError, match="does not take dtype="):
            function(*map(Value, xs), **params, dtype=kind)
        return
    y = function(*map(Value, xs), **params, dtype=kind)
    assert y.dtype == want.dtype == kind
    np.testing.assert_array_equal(y.data, want)
    if OPS[name].vjps:
        which = tuple(range(len(xs)))
        wanted = grad(lambda *ts: np.sum(function(*ts, **params)), which)(*[x.astype(kind) for x in xs])
        found = grad(lambda *ts: np.sum(function(*ts, **params, dtype=kind)), which)(*xs)
        for a, b, x in zip(found, wanted, xs, strict=True):
            assert a.dtype == x.dtype
            np.testing.assert_allclose(a, b.astype(x.dtype), rtol=1e-6)


def test_dtype_of_numbers_and_lists_beside_a_value() -> None:
    v = Value(X.astype(np.float32))
    for other in (2, 2.5, np.float64(0.1), [1, 2, 3], X, np.arange(3)):
        y, want = np.add(v, other, dtype=np.float32), np.add(v.data, other, dtype=np.float32)
        assert y.dtype == want.dtype
        np.testing.assert_array_equal(y.data, want)
    assert np.sum(v, None, np.float64).dtype == v.sum(dtype=np.float64).dtype == np.float64
    np.testing.assert_array_equal(np.sum(Value(X * 3), dtype=int).data, np.sum(X * 3, dtype=int))


def test_a_remedy_for_a_parameter_keeps_the_result() -> None:
    """np.where keeps the entries that are left out, and gives them no gradient; astype computes in that type."""
    mask, old = np.array([True, False, True]), np.array([7.0, 8.0, 9.0])
    x = np.array([4.0, -1.0, 9.0])

    def remedy(v: Any) -> Any:
        return np.where(mask, np.sqrt(np.where(mask, v, 1.0)), old)

    with np.errstate(all="raise"):
        np.testing.assert_array_equal(remedy(x), np.sqrt(x, where=mask, out=old.copy()))
        np.testing.assert_array_equal(grad(lambda v: np.sum(remedy(v)))(x), [0.25, 0.0, 1 / 6])
    for call in (
        lambda v: np.sqrt(v, where=mask),
        lambda v: np.sqrt(v, where=mask, out=old),
        lambda v: np.divide(1.0, v, out=np.zeros(3), where=mask),
    ):
        with pytest.raises(
            errors.MinigradError, match=r"write  np.where\(mask, f\(np.where\(mask, v, 1.0\)\), old\)"
        ):
            call(Value(x))
    small = x.astype(np.float32)
    assert np.sum(np.astype(small, np.float64)) == np.sum(small, dtype=np.float64)


@pytest.mark.parametrize(
    "call",
    [
        lambda v: v.sum(out=np.zeros(())),
        lambda v: v.std(dtype=np.float32),
    ],
)
def test_unsupported_parameters_of_methods_are_refused(call: Callable[[Value], Any]) -> None:
    with pytest.raises(TypeError, match=r"dtype|where|out|initial"):
        call(Value(X))


REFUSED: dict[str, Callable[[Value], Any]] = {
    "np.subtract.reduceat": lambda v: np.subtract.reduceat(v, [0, 1, 2]),
    "np.histogramdd": lambda v: np.histogramdd([v, v]),
    "np.nextafter": lambda v: np.nextafter(v, 1.0),
    "np.spacing": lambda v: np.spacing(v),
    "np.subtract.reduce": lambda v: np.subtract.reduce(v),
    "np.subtract.accumulate": lambda v: np.subtract.accumulate(v),
    "np.add.at": lambda v: np.add.at(np.zeros(3), [0, 1, 2], v),
    "np.negative.at": lambda v: np.negative.at(v, [0]),
    "np.copyto": lambda v: np.copyto(np.zeros(3), v),
    "np.put": lambda v: np.put(np.zeros(3), [0, 1, 2], v),
    "np.roots": lambda v: np.roots(v),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_function_without_a_rule_is_named_with_what_to_write(name: str) -> None:
    """Functions that have no place in the table; whoever adds one of them moves it from this list."""
    with pytest.raises(errors.MinigradError) as caught:
        REFUSED[name](Value(X))
    text = str(caught.value)
    assert isinstance(caught.value, TypeError)
    assert "write  " in text
    if isinstance(caught.value, errors.MissingRule):
        assert text.startswith(f"{name} has no rule, so its gradient would be lost")
        assert "v.data" in text and "to leave the graph on purpose" in text


def test_reduceat_is_not_taken_for_its_ufunc() -> None:
    """It once computed v + [0, 1, 2]."""
    np.testing.assert_array_equal(np.add.reduceat(Value(X), [0, 2, 1]).data, np.add.reduceat(X, [0, 2, 1]))
    with pytest.raises(errors.MissingRule):
        np.divide.reduceat(Value(X), [0, 1, 2])


def test_too_many_or_too_few_arguments() -> None:
    v = Value(X)
    with pytest.raises(TypeError):
        np.exp(v, v, v)
    with pytest.raises(TypeError):
        np.where(v > 0.3, v)


def test_where_with_a_condition_alone_is_nonzero() -> None:
    v = Value(X)
    for found, wanted in zip(np.where(v > 0.3), np.where(X > 0.3), strict=True):
        np.testing.assert_array_equal(found.data, wanted)
    assert grad(lambda x: x[np.where(x > 0.3)].sum())(X).sum() == (X > 0.3).sum()
