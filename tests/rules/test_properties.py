"""The properties of every op of the table, checked against the function itself over drawn calls."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, fields, replace
from typing import Any

import numpy as np
import pytest
from checking import OPS, flat, parts

from minigrad.check.testing.op_calls import OpCall, invoke
from minigrad.check.testing.op_sampling import random_calls
from minigrad.engine.op import Op

CALLS = 12


def floats(call: OpCall) -> list[int]:
    return [k for k, x in enumerate(call.inputs) if np.asarray(x).dtype.kind == "f"]


def of(op: Op, call: OpCall, inputs: Any) -> Any:
    return flat(invoke(op, inputs, call.params)).astype(float)


def close(a: Any, b: Any) -> bool:
    return bool(np.allclose(a, b, rtol=1e-9, atol=1e-9, equal_nan=True))


def scaled(call: OpCall, which: Any, factor: float) -> list[Any]:
    return [x * factor if k in which else x for k, x in enumerate(call.inputs)]


def elementwise(op: Op, call: OpCall) -> bool:
    """The op of the entries in one place gives the entry of the output in that place."""
    xs = np.broadcast_arrays(*call.inputs)
    y = np.asarray(invoke(op, call.inputs, call.params))
    if y.shape != xs[0].shape:
        return False
    try:
        alone = [invoke(op, [x[place] for x in xs], call.params) for place in np.ndindex(y.shape)]
    except ValueError:  # of arrays only
        return False
    return close(np.ravel(y).astype(float), np.array(alone, dtype=float).ravel())


def linear(op: Op, call: OpCall) -> bool:
    which = floats(call)
    y, double = of(op, call, call.inputs), of(op, call, scaled(call, which, 2.0))
    other = [np.sin(x + 1.0) if k in which else x for k, x in enumerate(call.inputs)]
    both = [a + b if k in which else a for k, (a, b) in enumerate(zip(call.inputs, other, strict=True))]
    return close(double, 2 * y) and close(of(op, call, both), y + of(op, call, other))


def bilinear(op: Op, call: OpCall) -> bool:
    for k in floats(call):
        other = [np.sin(x + 1.0) if j == k else x for j, x in enumerate(call.inputs)]
        both = [a + b if j == k else a for j, (a, b) in enumerate(zip(call.inputs, other, strict=True))]
        if not close(of(op, call, both), of(op, call, call.inputs) + of(op, call, other)):
            return False
    return True


def coefficients(op: Op, call: OpCall) -> Any:
    """The matrix of a linear op, by unit vectors in all inputs: (entries, outputs)."""
    zeros = [np.zeros(np.shape(x)) if k in floats(call) else x for k, x in enumerate(call.inputs)]
    rows = []
    for k in floats(call):
        for i in range(np.size(call.inputs[k])):
            unit = np.zeros(np.shape(call.inputs[k]))
            unit.flat[i] = 1.0
            rows.append(of(op, call, [unit[()] if j == k else x for j, x in enumerate(zeros)]))
    return np.array(rows)


def moves(op: Op, call: OpCall) -> bool:
    m = coefficients(op, call)
    return linear(op, call) and (
        not m.size or (set(np.unique(m)) <= {-1, 0, 1} and (m != 0).sum(axis=0).max() <= 1)
    )


def sums(op: Op, call: OpCall) -> bool:
    """Whole numbers stay whole; of a linear op, every coefficient is a small whole number."""
    whole = [np.rint(4 * x) if k in floats(call) else x for k, x in enumerate(call.inputs)]
    y = of(op, call, whole)
    return close(y, np.rint(y)) and (bilinear(op, call) if op.bilinear else linear(op, call))


def commutative(op: Op, call: OpCall) -> bool:
    a, b = call.inputs
    return np.array_equal(of(op, call, (a, b)), of(op, call, (b, a)), equal_nan=True)


def parity(op: Op, call: OpCall) -> bool:
    x = np.asarray(call.inputs[0])
    sign = -1.0 if op.parity == "odd" else 1.0
    with np.errstate(all="ignore"):
        return close(of(op, call, (-x,)), sign * of(op, call, (x,)))


def symmetric(op: Op, call: OpCall) -> bool:
    """Entries turned about along each reduced axis leave the output as it was."""
    x = np.asarray(call.inputs[0])
    axis = call.params.get("axis")
    axes = range(x.ndim) if axis is None else np.atleast_1d(axis)
    return all(close(of(op, call, (x,)), of(op, call, (np.flip(x, int(i)),))) for i in axes)


def gives_new(op: Op, call: OpCall) -> bool:
    xs = [np.asarray(x) for x in call.inputs]
    ys = [*parts(op.forward(*xs, **call.params)), *parts(invoke(op, xs, call.params))]
    return not any(isinstance(y, np.ndarray) and np.shares_memory(x, y) for x in xs for y in ys)


def meaning(op: Op, call: OpCall) -> bool:
    assert op.meaning is not None
    found = op.meaning(*call.inputs, **call.params)
    return found is NotImplemented or close(flat(found).astype(float), of(op, call, call.inputs))


def identity(op: Op, call: OpCall) -> bool:
    """An output with the shape and the type of the input equals it, to the last bit."""
    x, y = np.asarray(call.inputs[0]), np.asarray(invoke(op, call.inputs, call.params))
    return (y.shape, y.dtype) != (x.shape, x.dtype) or y.tobytes() == x.tobytes()


def involution(op: Op, call: OpCall) -> bool:
    x = np.asarray(call.inputs[0])
    again = np.asarray(op.forward(op.forward(x)))
    return again.shape == x.shape and again.tobytes() == x.tobytes()


def shape_alone(op: Op, call: OpCall) -> bool:
    other = [2.0 * np.asarray(x) + 1.0 for x in call.inputs]
    y, z = (np.asarray(invoke(op, xs, call.params)) for xs in (call.inputs, other))
    return y.shape == z.shape and y.tobytes() == z.tobytes()


def of_ufunc(op: Op, call: OpCall) -> bool:
    """The method of the ufunc computes the same along the first axis."""
    assert op.of_ufunc is not None
    ufunc, method = op.of_ufunc
    x = np.atleast_1d(call.inputs[0])
    return close(getattr(ufunc, method)(x, axis=0), op.forward(x, axis=0))


def neutral(op: Op, call: OpCall) -> bool:
    """The operand leaves the other one as it is, signs of zeros, inf and nan included."""
    x = np.array([0.0, -0.0, 1.5, -2.0, np.inf, -np.inf, np.nan, 1e-320])
    left, right = op.neutral
    calls = [(left, x)] * (left is not None) + [(x, right)] * (right is not None)
    found = [op.forward(*operands) for operands in calls]
    return all(np.array_equal(y, x, equal_nan=True) and (np.signbit(y) == np.signbit(x)).all() for y in found)


def each(op: Op, call: OpCall) -> bool:
    x = np.asarray(call.inputs[0])
    y, z = op.forward(x, x + 1.0)
    return close(y, op.forward(x)) and close(z, op.forward(x + 1.0))


def activation(op: Op, call: OpCall) -> bool:
    """Of an array alone it gives one of the same shape."""
    x = np.linspace(-2.0, 2.0, 6).reshape(2, 3)
    return bool(np.shape(op.forward(x)[0] if op.saves else op.forward(x)) == x.shape)


CHECKS: dict[str, Callable[[Op, OpCall], bool]] = {
    check.__name__: check
    for check in (
        *(elementwise, linear, bilinear, moves, sums, commutative, parity, symmetric),
        *(gives_new, meaning, identity, involution, shape_alone, of_ufunc, neutral, each, activation),
    )
}
STATED = [
    (name, label)
    for label in CHECKS
    for name, op in OPS.items()
    if getattr(op, label) and getattr(op, label) != (None, None)  # no neutral operand
]


def test_every_fact_of_an_op_has_a_check() -> None:
    """A new field needs one here; `vmap`, `on_floats`, `spelling` are compared where they are used."""
    facts = {field.name for field in fields(Op) if field.default is not MISSING}
    assert facts - {"vmap", "on_floats", "spelling", "is_view", "shape_depends_on_data"} == {*CHECKS}
    assert {label for _, label in STATED} == {*CHECKS}, "a check of what no op states"


@pytest.mark.parametrize("name", OPS)
def test_the_shape_depends_on_the_data_only_where_an_op_says_so(name: str) -> None:
    op = OPS[name]

    def shapes(call: OpCall, scale: Any) -> Any:
        xs = [x if np.asarray(x).dtype.kind != "f" else np.asarray(x) * scale(np.shape(x)) for x in call.inputs]
        with np.errstate(all="ignore"):
            return [np.shape(y) for y in parts(invoke(op, xs, call.params))]

    def zeros_between(shape: Any) -> Any:
        return (np.arange(np.prod(shape, dtype=int)) % 2).reshape(shape)

    def differs(call: OpCall) -> bool:
        try:
            return bool(shapes(call, zeros_between) != shapes(call, np.ones))
        except (ValueError, np.linalg.LinAlgError):  # zeros are not in its domain
            return False

    found = any(differs(call) for call in random_calls(op, CALLS))
    assert found == op.shape_depends_on_data or name == "linalg.lstsq"  # residuals of a full rank alone


def holds(op: Op, label: str) -> bool:
    with np.errstate(all="ignore"):
        return all(CHECKS[label](op, call) for call in random_calls(op, CALLS))


@pytest.mark.parametrize(("name", "label"), STATED)
def test_a_property_that_is_stated_holds(name: str, label: str) -> None:
    if name != "empty_like":  # its entries are whatever the memory held
        assert holds(OPS[name], label)


@pytest.mark.parametrize("name", OPS)
def test_an_op_that_is_no_view_gives_a_new_array_and_says_so(name: str) -> None:
    op = OPS[name]
    assert op.is_view != op.gives_new
    assert op.is_view != all(gives_new(op, call) for call in random_calls(op, 80)) or name == "matrix_power"


@pytest.mark.parametrize(
    ("name", "label", "value"),
    [
        ("softmax", "elementwise", True),
        ("exp", "linear", True),
        ("divide", "bilinear", True),
        ("sort", "moves", True),
        ("mean", "sums", True),
        ("subtract", "commutative", True),
        ("cos", "parity", "odd"),
        ("cumsum", "symmetric", True),
        ("transpose", "gives_new", True),
        ("var", "meaning", lambda x, **_: np.sum(x)),
        ("negative", "identity", True),
        ("exp", "involution", True),
        ("exp", "shape_alone", True),
        ("sum", "of_ufunc", (np.multiply, "reduce")),
        ("add", "neutral", (None, 0)),  # x + 0 makes 0 of -0
        ("sum", "activation", True),
    ],
)
def test_a_wrong_property_is_found(name: str, label: str, value: Any) -> None:
    op = next(op for key, op in OPS.items() if key in (name, f"linalg.{name}"))
    assert not holds(replace(op, **{label: value}), label)
