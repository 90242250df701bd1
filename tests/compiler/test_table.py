"""Every operation of the table, compiled: it and its gradients give the bits of eager code. From its own record."""

from __future__ import annotations

from typing import Any
from warnings import catch_warnings

import numpy as np
import pytest
from checking import DIFFERENTIABLE, OPS, each, invoke, places, projected, woven
from compiler.bits import check
from everyday import thinned

import minigrad
from minigrad.check.testing.op_sampling import random_calls

# The shape of what they give depends on the data: they are refused by name. Or it is whatever memory held.
REFUSED = {"empty_like", *(name for name, op in OPS.items() if op.shape_depends_on_data)}
TRACED = [name for name in OPS if name not in REFUSED]


def strided(x: Any) -> Any:
    """The same numbers with gaps between them, in column order."""
    wide = np.zeros([2 * side for side in x.shape[::-1]], dtype=x.dtype)
    view = wide[(slice(None, None, 2),) * x.ndim].T
    view[...] = x
    return view


def in_layout(change: Any) -> Any:
    """A layout of arrays; numbers have none."""
    return lambda x: change(x) if isinstance(x, np.ndarray) and x.ndim else x


LAYOUTS = {
    "float64": lambda x: x,
    "float32": lambda x: np.asarray(x, np.float32)[()] if np.asarray(x).dtype == np.float64 else x,
    "strided": in_layout(strided),
    "Fortran": in_layout(np.asfortranarray),
    "reversed": in_layout(lambda x: np.flip(np.flip(x).copy())),
    "broadcast": in_layout(lambda x: np.broadcast_to(x[:1], x.shape)),
}


def layouts_of(names: list[str]) -> list[Any]:
    """Each op with each layout; of the latter three, few in every run."""
    usual, others = [*LAYOUTS][:3], [*LAYOUTS][3:]
    cases = [(name, layout) for name in names for layout in usual]
    rare = [(name, layout) for name in names for layout in others]
    return [*thinned_pairs(cases, 9), *thinned_pairs(rare, 120)]


def thinned_pairs(cases: list[Any], keep: int) -> list[Any]:
    return [pytest.param(*case, marks=[pytest.mark.slow] if n % keep else []) for n, case in enumerate(cases)]


def arrays(inputs: Any, layout: str) -> Any:
    return [LAYOUTS[layout](np.asarray(x)[()]) for x in inputs]


def pairs(op: Any, layout: str, count: int) -> Any:
    """Calls of an op: for each, the function of its array inputs, those inputs, other inputs of the same kind."""
    for example in random_calls(op, count):
        xs = arrays(example.inputs, layout)
        yield example, xs


def by_op(op: Any, xs: Any, params: Any) -> Any:
    """A call of an op; on plain arrays with the op's own rounding, where the table states it."""
    if "rounded as by" in op.formula and isinstance(xs[0], np.ndarray):
        return op.forward(*xs, **params)
    return invoke(op, xs, params)


def waves(y: Any) -> Any:
    """Numbers of the shape of y."""
    return np.cos(np.arange(float(np.size(y)))).reshape(np.shape(y))[()]


@pytest.mark.parametrize(("name", "layout"), layouts_of(TRACED))
def test_compiled_ops_give_the_bits_of_eager_ones(name: str, layout: str) -> None:
    op = OPS[name]
    for example, xs in pairs(op, layout, 4):

        def f(*xs: Any, p: Any = example.params) -> Any:
            return by_op(op, xs, p)

        try:
            with np.errstate(all="ignore"):
                f(*xs)
        except (TypeError, ValueError, np.linalg.LinAlgError):
            continue  # NumPy has no such loop
        check(f, xs, what=f"{name} {layout}")


@pytest.mark.parametrize(("name", "layout"), layouts_of([name for name in TRACED if name in DIFFERENTIABLE]))
def test_compiled_gradients_give_the_bits_of_eager_ones(name: str, layout: str) -> None:
    op = DIFFERENTIABLE[name]
    for example, given in pairs(op, layout, 4):
        which = places(op, example.inputs)
        try:
            with np.errstate(all="ignore"):
                y = invoke(op, given, example.params)
        except (TypeError, ValueError, np.linalg.LinAlgError):
            continue
        v = each(
            lambda part: np.asarray(np.cos(np.arange(float(part.size)))).reshape(part.shape)[()],
            each(np.asarray, y),
        )

        def loss(*xs: Any, e: Any = example, v: Any = v, given: Any = given, which: Any = which) -> Any:
            return projected(invoke(op, woven(given, which, xs), e.params), v)

        both = minigrad.value_and_grad(loss, tuple(range(len(which))))
        xs = [given[k] for k in which]
        if layout == "broadcast" and is_singular(both, xs):
            continue
        check(both, xs, [x * 0.75 for x in xs] if name not in UNSCALED else xs, what=f"{name} {layout}")


def is_singular(f: Any, xs: Any) -> bool:
    """Whether eager code raises LinAlgError: the rows of a broadcast matrix are equal."""
    try:
        with np.errstate(all="ignore"):
            f(*xs)
    except np.linalg.LinAlgError:
        return True
    return False


UNSCALED = {"cholesky", "eigh", "eigvalsh"}


@pytest.mark.parametrize("name", thinned([name for name in TRACED if name in DIFFERENTIABLE], 12))
def test_compiled_second_derivatives_give_the_bits_of_eager_ones(name: str) -> None:
    """A product with the Hessian of a curved function of the op: rules met as Values, then as arrays."""
    op = DIFFERENTIABLE[name]
    for example, given in pairs(op, "float64", 2):
        which = places(op, example.inputs)

        def loss(*xs: Any, e: Any = example, given: Any = given, which: Any = which) -> Any:
            y = invoke(op, woven(given, which, xs), e.params)
            return projected(each(np.sin, y), each(lambda part: 1.0, y))

        def product(xs: Any, vs: Any, f: Any = loss) -> Any:
            return minigrad.hvp(f, tuple(xs), tuple(vs))

        xs = [given[k] for k in which]
        vs = [np.asarray(waves(x)) * np.ones_like(x) for x in xs]
        try:
            with np.errstate(all="ignore"):
                product(xs, [v[()] for v in vs])
        except (minigrad.errors.MinigradError, TypeError, ValueError):
            continue  # no second derivative
        check(product, [xs, [v[()] for v in vs]], what=f"{name} twice")


@pytest.mark.parametrize("name", thinned(TRACED, 12))
def test_compiled_ops_of_no_entries_give_what_eager_ones_do(name: str) -> None:
    op = OPS[name]
    for example in random_calls(op, 6, sides=(0, 2)):

        def f(*xs: Any, p: Any = example.params) -> Any:
            return invoke(op, xs, p)

        which = places(op, example.inputs) if name in DIFFERENTIABLE else []
        try:
            with catch_warnings(action="ignore"):
                y = f(*example.inputs)
        except (ValueError, IndexError, TypeError, ZeroDivisionError, np.linalg.LinAlgError):
            continue  # NumPy does not define it
        with catch_warnings(action="ignore"):
            check(f, example.inputs, what=name)
            if which:
                v = each(waves, y)

                def loss(*xs: Any, e: Any = example, v: Any = v, which: Any = which) -> Any:
                    return projected(invoke(op, woven(e.inputs, which, xs), e.params), v)

                both = minigrad.value_and_grad(loss, tuple(range(len(which))))
                check(both, [example.inputs[k] for k in which], what=f"{name} of nothing")
