"""Hypothesis strategies for checks of gradients: arrays, shapes, calls of operations and whole programs.

Every strategy shrinks: to few dimensions, short sides, one line, and numbers such as 1.0 and 0.5. This is the only
module of the package that imports hypothesis (``pip install hypothesis``); `op_sampling` and `programs` draw.

>>> from hypothesis import given
>>> @given(smooth_arrays(kinks=[0.0]))
... def test_abs(x): minigrad.check_grads(np.abs, x)
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from hypothesis import reject
from hypothesis import strategies as st

from ...engine.op import Op
from ...engine.sampling import REAL, Domain, Shape
from .op_calls import OpCall, find_op
from .op_sampling import OpCallDraw, draw_call
from .programs import SourceProgram, draw_program

__all__ = [
    "broadcastable_arrays",
    "broadcastable_shapes",
    "kink_arrays",
    "magnitudes",
    "op_calls",
    "programs",
    "shapes",
    "smooth_arrays",
]

Shapes = Shape | st.SearchStrategy[Shape] | None


def _integers(draw: st.DrawFn) -> Callable[[int, int], int]:
    """Hypothesis as the source of all choices; an impossible choice rejects the example."""

    def integer(low: int, high: int) -> int:
        return int(draw(st.integers(low, high))) if low <= high else reject()

    return integer


def _shape(draw: st.DrawFn, shape: Shapes, least: int = 0) -> Shape:
    """The given shape or a drawn one, with at least that many entries."""
    if shape is None:
        several = least > 1
        return OpCallDraw(_integers(draw), sides=(1 + several, 3), size=9).shape(several, 3 - several)
    drawn = draw(shape) if isinstance(shape, st.SearchStrategy) else shape
    return drawn if math.prod(drawn) >= least else reject()


def _interval(domain: Domain | None, low: float, high: float, kinks: Sequence[float]) -> Domain:
    """The given domain, or else one made of the interval and the kinks."""
    return domain or Domain(f"{low:g} to {high:g}", low, high, avoid=tuple(kinks))


@st.composite
def shapes(draw: st.DrawFn, max_dims: int = 3, max_side: int = 3, min_side: int = 1) -> Shape:
    """Shapes; with min_side=0 also shapes of empty arrays."""
    return OpCallDraw(_integers(draw), sides=(min_side, max_side), size=max_side**max_dims).shape(max_dims=max_dims)


@st.composite
def broadcastable_shapes(
    draw: st.DrawFn, count: int = 2, max_dims: int = 3, max_side: int = 3
) -> tuple[Shape, ...]:
    """Tuples of shapes that broadcast together, with some missing dimensions and sides of 1."""
    drawing = OpCallDraw(_integers(draw), sides=(1, max_side), size=max_side**max_dims, max_dims=max_dims)
    return tuple(drawing.shapes(count))


@st.composite
def broadcastable_arrays(draw: st.DrawFn, *domains: Domain) -> tuple[Any, ...]:
    """One array per domain, of shapes that broadcast together; without domains two of real numbers."""
    drawing, domains = OpCallDraw(_integers(draw)), domains or (REAL, REAL)
    return tuple(map(drawing.array, domains, drawing.shapes(len(domains))))


@st.composite
def smooth_arrays(
    draw: st.DrawFn,
    domain: Domain | None = None,
    *,
    shape: Shapes = None,
    low: float = -3.0,
    high: float = 3.0,
    kinks: Sequence[float] = (),
) -> Any:
    """Arrays of float64 away from kinks, where a derivative is unique.

    domain: a domain as in the table (`minigrad.engine.sampling`); or give low, high and kinks. Numbers keep a
    distance of 0.1 from each kink, or a twentieth of the interval if that is less. shape: a shape, a strategy of
    shapes, or None for any.
    """
    drawing = OpCallDraw(_integers(draw))
    return drawing.array(_interval(domain, low, high, kinks), _shape(draw, shape))


@st.composite
def kink_arrays(
    draw: st.DrawFn,
    domain: Domain | None = None,
    *,
    shape: Shapes = None,
    low: float = -3.0,
    high: float = 3.0,
    kinks: Sequence[float] = (0.0,),
) -> Any:
    """Arrays like those of `smooth_arrays`, but with at least one entry exactly at a kink, and with ties.

    For ops whose kinks are ties (a domain of distinct numbers: max, sort), at least two entries are equal. Most
    arrays have several ties: some entries equal, the largest ones among them, or the smallest; equal rows; or all
    entries equal. A gradient that is wrong at a tie as a whole, though each entry looks right, shows there.
    """
    where, integer = _interval(domain, low, high, kinks), _integers(draw)
    if not (where.distinct or where.avoid):
        raise ValueError(f"the domain {where} has no kink\n  write  smooth_arrays(...)   or give  kinks=")
    drawing = OpCallDraw(integer)
    dims = _shape(draw, shape, least=1 if where.avoid else 2)
    x = np.array(drawing.array(where, dims))
    first = integer(0, x.size - 1)
    if where.avoid:
        x.flat[first] = drawing.choice(where.avoid)
    else:
        x.flat[first] = x.flat[first - 1]
    drawing.choice(TIES)(x, first, drawing)
    return x[()]


def _tie_none(x: Any, first: int, drawing: OpCallDraw) -> None:
    """No further ties."""


def _tie_some(x: Any, first: int, drawing: OpCallDraw) -> None:
    """Some entries equal that at the kink."""
    x.flat[[k for k in range(x.size) if drawing.choice((False, False, True))]] = x.flat[first]


def _tie_all(x: Any, first: int, drawing: OpCallDraw) -> None:
    """All entries are equal, as in a flat image or at the origin."""
    x[...] = x.flat[first]


def _tie_ends(x: Any, first: int, drawing: OpCallDraw) -> None:
    """That at the kink is the largest or the smallest, and several entries are equal to it."""
    _tie_some(x, first, drawing)
    clip = drawing.choice((np.minimum, np.maximum))
    x[...] = clip(x, x.flat[first])


def _tie_rows(x: Any, first: int, drawing: OpCallDraw) -> None:
    """All rows are equal to that with the kink."""
    if x.ndim:
        x[...] = x[np.unravel_index(first, x.shape)[0]]


TIES = (_tie_none, _tie_some, _tie_all, _tie_ends, _tie_rows)  # the first is the simplest


@st.composite
def magnitudes(draw: st.DrawFn, decades: tuple[int, int] = (-8, 8), *, shape: Shapes = None) -> Any:
    """Arrays of numbers of very different sizes and of both signs: log-uniform over the decades, three digits each.

    decades: exponents of ten; the default is 1e-8 to 1e8. shape: a shape, a strategy of shapes, or None for any.
    """
    integer, (lowest, highest) = _integers(draw), decades

    def entry() -> float:
        # Two small choices: hypothesis draws from a small range evenly, from a large one mostly near 0.
        decade, hundredths = integer(lowest, highest - 1), integer(0, 100)
        size = float(f"{10 ** (hundredths / 100):.2f}e{decade}")
        return -size if integer(0, 1) else size

    dims = _shape(draw, shape)
    return np.array([entry() for _ in range(math.prod(dims))], dtype=np.float64).reshape(dims)[()]


@st.composite
def op_calls(draw: st.DrawFn, /, op: Callable[..., Any] | Op, **options: Any) -> OpCall:
    """Calls of an operation of the table, from the domain in its row, with axes, indices and so on.

    op: a function (``np.matmul``) or its record. A call is itself a function of the op's inputs:
    ``check_grads(call, call.args)``. options: size, the largest size of an array; sides, the shortest and longest
    side; max_dims. Raises KeyError for a function without a row.
    """
    return draw_call(_integers(draw), find_op(op), **options)


@st.composite
def programs(draw: st.DrawFn, most: int = 8, scalar: bool = False) -> SourceProgram:
    """Programs made of NumPy functions that use values more than once: ``f, args = program``.

    They have at most `most` lines and stay away from kinks. scalar: the result is one number. A program prints as
    Python source that runs.
    """
    program = draw_program(OpCallDraw(_integers(draw)), most, scalar)
    return reject() if program is None else program
