"""The properties of every op of the table, checked against the function itself over drawn calls."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
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


CHECKS: dict[str, Callable[[Op, OpCall], bool]] = {
    check.__name__: check
    for check in (
        *(elementwise, linear, bilinear, moves, sums, commutative, parity, symmetric),
        *(gives_new, meaning),
    )
}
STATED = [(name, label) for label in CHECKS for name, op in OPS.items() if getattr(op, label)]


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
    ],
)
def test_a_wrong_property_is_found(name: str, label: str, value: Any) -> None:
    op = next(op for key, op in OPS.items() if key in (name, f"linalg.{name}"))
    assert not holds(replace(op, **{label: value}), label)
