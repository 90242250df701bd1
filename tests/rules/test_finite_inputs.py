"""No op by itself makes nan out of finite inputs: every op, at numbers that break careless formulas."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from checking import DIFFERENTIABLE, each, flat, gradients_of, invoke, parts, places, woven
from hypothesis import assume, given, reject
from hypothesis import strategies as st

from minigrad import grad
from minigrad.check.testing.op_sampling import random_calls
from minigrad.engine.op import Op
from minigrad.engine.sampling import Domain

LIMITS = np.finfo(np.float64)
ENDS = [
    *(0.0, 5e-324, 1e-308, 1e-160, 1e-17, 0.5, 1 - LIMITS.epsneg, 1.0, 1 + LIMITS.eps, 2.0),
    *(20.0, 40.0, 400.0, 710.0, 745.2, 1e17, 1e154, 1e160, 1e308, float(LIMITS.max)),
]
SPECIAL = [*ENDS, *(-x for x in ENDS)]
WIDE = [0.0, *(s * 10.0**k for k in (-100, -20, 0, 2, 20, 100) for s in (1, -1)), 745.2, -745.2]  # no overflow
COTANGENTS = (1.0, -2.5, 0.0)
ELEMENTWISE = [
    name
    for name, op in DIFFERENTIABLE.items()
    if isinstance(op.function, np.ufunc) and op.function.signature is None
] + ["relu", "sigmoid", "softplus", "clip", "where"]


def of_kind(c: Any, domain: Domain) -> Any:
    """Those numbers, as what the domain is made of."""
    if domain.kind == "f":
        return c
    return c > 0 if domain.kind == "b" else np.clip(c, -40, 40).astype(int)


# Where a function has a value and no slope, by design or as its author chose a value for a pole.
EDGES: dict[str, Callable[..., Any]] = {
    "arctan2": lambda a, b: (abs(a) > 1e300) & (abs(b) > 1e300),
    "special.xlogy": lambda x, y: y < 0,
    "special.xlog1py": lambda x, y: y < -1,
    "special.rel_entr": lambda x, y: (x == 0) & (y == 0),
    "special.kl_div": lambda x, y: (x == 0) & (y == 0),
    "special.beta": lambda a, b: (a <= 0) | (b <= 0),
    "special.betaln": lambda a, b: (a <= 0) | (b <= 0),
    "special.betainc": lambda a, b, x: (a <= 0) | (b <= 0),
}


def points(name: str, op: Op, of: Sequence[float]) -> tuple[Any, ...]:
    """Inputs for an op: all combinations of some numbers."""
    columns = np.array([*itertools.product(of, repeat=len(op.domain))]).T
    inputs = tuple(of_kind(c, d) for c, d in zip(columns, op.domain, strict=True))
    kept = ~EDGES[name](*inputs) if name in EDGES else ...
    return tuple(x[kept] for x in inputs)


def where_finite(op: Op, inputs: tuple[Any, ...], slopes: bool) -> tuple[Any, ...]:
    """The entries at which all outputs of an elementwise op are finite, and, if `slopes`, all its slopes too.

    Elsewhere a cotangent of 0 is the caller's, and the second derivative is one of what is not finite.
    """
    with np.errstate(all="ignore"):
        y = invoke(op, inputs, {})
        found = [*parts(y)]
        if slopes:
            found += gradients_of(op, inputs, {}, each(np.ones_like, y))
    kept = np.all([np.isfinite(part) for part in found], axis=0)
    return tuple(x[kept] for x in inputs)


def assert_no_nan(op: Op, inputs: tuple[Any, ...], params: dict[str, Any]) -> None:
    """No nan in any gradient; the entries whose output is not finite are given no cotangent."""
    with np.errstate(all="ignore"):
        y = invoke(op, inputs, params)
        for v in COTANGENTS:
            cotangent = each(lambda part, v=v: np.where(np.isfinite(part), v, 0.0)[()], y)
            for k, g in enumerate(gradients_of(op, inputs, params, cotangent)):
                wrong = np.isnan(g)
                assert not wrong.any(), (
                    f"nan for input {k}, cotangent {v}, at {[np.asarray(x)[wrong] for x in inputs]}"
                )


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_an_elementwise_op_at_special_points(name: str) -> None:
    """All of them, in all combinations: outside the function's domain the cotangent is 0."""
    op = DIFFERENTIABLE[name]
    inputs = points(name, op, SPECIAL if len(op.domain) < 3 else SPECIAL[::4])
    assert_no_nan(op, where_finite(op, inputs, False) if name == "divmod" else inputs, {})


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_second_derivatives_at_special_points(name: str) -> None:
    """No nan in them either, where the value is finite: where a slope is infinite, the limit.

    Of two inputs, where no slope overflows.
    """
    op = DIFFERENTIABLE[name]
    least = 1e-307 if len(op.domain) == 1 else 1e-100
    numbers = SPECIAL if len(op.domain) < 3 else SPECIAL[::4]
    inputs = points(name, op, [x for x in numbers if x == 0 or abs(x) >= least])
    inputs = where_finite(op, inputs, len(op.domain) > 1)
    which = places(op, inputs)
    argnums, xs = tuple(range(len(which))), [inputs[k] for k in which]

    def value(*xs: Any) -> Any:
        return parts(invoke(op, woven(inputs, which, xs), {}))[-1 if name == "divmod" else 0]

    with np.errstate(all="ignore"):
        finite = np.isfinite(value(*xs)) * 1.0
        for a in argnums:
            found = grad(lambda *xs, a=a: np.sum(grad(value, a)(*xs, cotangent=finite)), argnums)(*xs)
            for b, g in enumerate(found):
                assert not np.isnan(g).any(), f"nan for inputs {a}, {b} at {[x[np.isnan(g)] for x in xs]}"


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_a_scalar_at_special_points(name: str) -> None:
    """Scalars take other paths through Python's operators, and through `bounded`."""
    op = DIFFERENTIABLE[name]
    for inputs in zip(*points(name, op, SPECIAL[:: 3 * len(op.domain) - 2]), strict=True):
        if name != "divmod" or inputs[1]:
            assert_no_nan(op, inputs, {})


# Linear algebra divides by what may be singular; its own tests say what it does there.
OTHERS = [
    name
    for name in DIFFERENTIABLE
    if name not in [*ELEMENTWISE, "cofactor", "inverse_lower", "roots"]
    and (name == "linalg.norm" or not name.startswith("linalg."))
]


@pytest.mark.parametrize("name", OTHERS)
@given(data=st.data())
def test_any_other_op_at_special_points(name: str, data: Any) -> None:
    """Calls as the op draws them, with some of the numbers changed, where the function itself stays finite."""
    op = DIFFERENTIABLE[name]
    example = random_calls(op, 1, start=data.draw(st.integers(0, 2**16)))[0]
    inputs = []
    for x in example.inputs:
        x = np.array(x)
        for i in range(x.size if x.dtype.kind == "f" else 0):
            if data.draw(st.booleans()):
                x.flat[i] = data.draw(st.sampled_from(WIDE))
        inputs.append(x[()])
    with np.errstate(all="ignore"):
        try:
            y = invoke(op, inputs, example.params)
        except ZeroDivisionError:  # NumPy's own, of weights whose sum is 0
            reject()
    assume(np.isfinite(flat(y)).all())
    assert_no_nan(op, tuple(inputs), example.params)
