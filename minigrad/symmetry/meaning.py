"""What an op means as a formula: how residues of its output follow from residues of its inputs.

Five families, the first that fits: a few ops with a meaning of their own (`special`), ops that move and add
entries, ops that add products, elementwise ops, and the rest, of which nothing is known but that equal calls give
equal results. Saying less than the truth loses ties and is allowed; saying more would invent them: the tests run
over the whole table.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..node import ARGUMENT
from ..op import TABLE, Op
from ..rules import activations, elementwise, indexing, layers, limits, windows
from ..rules.discrete import chosen, stop_gradient
from .field import (
    P,
    Print,
    Residues,
    added,
    aligned,
    bilinear,
    bounded,
    constant,
    is_zero,
    mix,
    multiplied,
    per_point,
    salt,
    subtracted,
    symbols,
    together,
)
from .special import SPECIAL

Params = dict[str, Any]

# Each output entry is an entry of an input, or 0, or (SUMS) a sum of input entries with signs: on whole numbers the
# op's own forward function does exactly that.
MOVES: frozenset[Any] = frozenset(
    (
        *(operator.getitem, indexing.put, np.take, np.take_along_axis, np.delete, np.repeat, np.tile, np.vstack),
        *(np.hstack, np.dstack, np.column_stack, np.append, np.diagonal, np.diag, np.diagflat, np.tril, np.triu),
        *(np.fliplr, np.flipud, np.rot90, np.matrix_transpose, np.rollaxis, np.vsplit, np.hsplit, np.dsplit),
        *(np.unstack, layers.embedding, np.reshape, np.ravel, np.transpose, np.swapaxes, np.moveaxis),
        *(np.expand_dims, np.squeeze, np.atleast_1d, np.atleast_2d, np.atleast_3d, np.broadcast_to, np.flip),
        *(np.roll, np.copy, np.concatenate, np.stack, np.split, np.array_split, np.broadcast_arrays),
        *(np.meshgrid, windows.windows, np.lib.stride_tricks.sliding_window_view, np.positive, np.conjugate),
        *(np.real, np.negative),
    )
)
SUMS: frozenset[Any] = frozenset(
    (np.sum, np.cumsum, np.cumulative_sum, np.trace, np.diff, indexing.scatter, windows.fold)
)
PRODUCTS: frozenset[Any] = frozenset(
    (
        *(np.matmul, np.dot, np.outer, np.vdot, np.inner, np.tensordot, np.kron, np.vecdot, np.cross),
        *(np.convolve, np.correlate, windows.conv1d, windows.conv2d, np.einsum),
        *(getattr(np, name) for name in ("matvec", "vecmat") if hasattr(np, name)),
    )
)
# Elementwise, although they state vjp and jvp apart.
ELEMENTWISE: frozenset[Any] = frozenset(
    (
        *(elementwise.sech2, activations.gelu, activations.elu, activations.leaky_relu, np.round, np.clip),
        *(chosen, np.astype),
    )
)
COMMUTATIVE: frozenset[Any] = frozenset(
    (np.maximum, np.minimum, np.hypot, np.logaddexp, np.logaddexp2, np.equal, np.not_equal, np.fmax, np.fmin)
)
# f(-x) = -f(x), and f(-x) = f(x).
ODD: frozenset[Any] = frozenset(
    (
        *(np.tanh, np.sin, np.tan, np.arcsin, np.arctan, np.sinh, np.arcsinh, np.arctanh, np.cbrt, np.sign),
        *(activations.erf, activations.hard_tanh, activations.softsign),
    )
)
EVEN: frozenset[Any] = frozenset(
    (np.cos, np.cosh, np.absolute, np.fabs, elementwise.sech2, elementwise.cbrt_slope, elementwise.one_less_square)
)
ALIKE: frozenset[Any] = frozenset((stop_gradient, np.copy))


class Unknown(Exception):
    """The op has no meaning for these operands; the message is its label."""


def meaning(made_by: Op, prints: Sequence[Print], params: Params, logical: bool = False) -> Any:
    """The print of the output (a list, of several outputs), from those of all operands. Raises Unknown.

    params: those of the node, without what the op saved for its rule. logical: the output is made of
    True and False, so that nothing is added or multiplied in it.
    """
    function = made_by.function
    if made_by is ARGUMENT or function in ALIKE or (function is np.astype and _keeps(**params)):
        return prints[0]
    if len(prints) > len(made_by.domain) and not made_by.variadic:  # a Value inside a parameter
        raise Unknown(made_by.label)
    if function in SPECIAL and not logical:
        found = SPECIAL[function](*prints, **params)
        if found is not None:
            return found
    if function in MOVES or (function in SUMS and not logical):
        return _moved(made_by, prints, params, function in SUMS)
    if function in PRODUCTS and len(prints) == 2 and not logical:
        return _product(made_by, prints, params)
    if is_elementwise(made_by):
        return _elementwise(made_by, prints, params)
    raise Unknown(made_by.label)


def _keeps(dtype: Any, **_: Any) -> bool:
    """Whether a type can hold any number, but for rounding: one of integers or truths cannot."""
    return bool(np.dtype(dtype).kind == "f")


def is_elementwise(made_by: Op) -> bool:
    """Whether an entry of the output depends only on the entries in the same place of its inputs."""
    function = made_by.function
    if isinstance(function, np.ufunc):
        return function.signature is None and function.nout == 1
    return function in ELEMENTWISE or bool(made_by.vjps and made_by.vjps is made_by.jvps and not made_by.variadic)


def unknown(made_by: Op, prints: Sequence[Print], params: Params, count: int) -> Any:
    """Residues (LANES, count) of an output of which nothing is known: equal calls give equal entries, in order."""
    total = np.zeros((4, 1), dtype=np.int64)
    for place, p in enumerate(prints):
        entries = p.x.reshape(4, -1)
        where = symbols(entries.shape[1], "in", place, p.shape)
        total = total + mix((entries + where) % P, salt("entry")).sum(axis=1, keepdims=True) % P
    at = symbols(count, "out", made_by.page, made_by.label, described(params))
    return mix((total + at) % P, salt("unknown"))


def described(params: Params) -> tuple[Any, ...]:
    """Parameters as text that differs where they do."""
    return tuple((name, _text(p)) for name, p in sorted(params.items()))


def _text(p: Any) -> str:
    if isinstance(p, np.ndarray):
        return f"{p.dtype}{p.shape}{p.tobytes().hex()}"
    if isinstance(p, (tuple, list)):
        return f"{type(p).__name__}({','.join(map(_text, p))})"
    if p is None or p is Ellipsis or isinstance(p, (str, int, float, slice, np.generic, np.dtype, type)):
        return repr(p)
    return f"{type(p)} {id(p)}"  # not known to be equal to anything but itself


def _moved(made_by: Op, prints: Sequence[Print], params: Params, adds: bool) -> Any:
    """The forward function, run on whole numbers."""

    def forward(*xs: Any) -> Any:
        return made_by.forward(*xs, **params)

    degree, heights, below = together(*prints)
    first = forward(*(p.x[0] for p in prints))
    if isinstance(first, (tuple, list)):
        moved = [per_point(lambda *xs, k=k: forward(*xs)[k], *(p.x for p in prints)) for k in range(len(first))]
        return [bounded(x, degree, max(heights), below) for x in moved]
    x = per_point(forward, *(p.x for p in prints))
    return bounded(x, degree, max(heights) * (max(prints[0].x[0].size, 1) if adds else 1), below)


def _product(made_by: Op, prints: Sequence[Print], params: Params) -> Print:
    a, b = prints
    if any("optimize" in p for p in params):
        params = {name: p for name, p in params.items() if name != "optimize"}
    matrix = made_by.function in (np.matmul, np.dot) and len(a.shape) > 0 and len(b.shape) > 0
    terms = a.shape[-1] if matrix else a.x[0].size * b.x[0].size
    return bilinear(functools.partial(made_by.forward, **params), a, b, float(max(terms, 1)))


def _elementwise(made_by: Op, prints: Sequence[Print], params: Params) -> Print:
    """A random function of the entries in one place; where all are 0, the number that the op gives there."""
    words = (made_by.page, made_by.label, described(params))
    xs = aligned(*(p.x for p in prints))
    if len(xs) == 1:
        x = _of_one(made_by.function, xs[0], salt(*words))
    else:
        same = made_by.function in COMMUTATIVE
        keys = [salt(*words, 0 if same else place) for place in range(len(xs))]
        x = mix(functools.reduce(operator.add, map(mix, xs, keys)) % P, salt(*words, "all"))
    zero = functools.reduce(np.logical_and, map(is_zero, xs))
    if zero.any():
        at_zero = _at_zero(made_by, len(xs), params)
        if at_zero is not None:
            residues = at_zero.x.reshape(4, *(1,) * (x.ndim - 1))
            x = np.where(np.broadcast_to(zero, x.shape[1:]), residues, x)
            return Print(x, 1.0, max(at_zero.height, at_zero.below), at_zero.below)
    return Print(x, 1.0, 1.0)


def _of_one(function: Any, x: Residues, key: tuple[int, int]) -> Residues:
    """A random function of x; an odd or an even one, where that is known of it."""
    if function not in ODD and function not in EVEN:
        return mix(x, key)
    negative = x[0] > P // 2
    y = mix(np.where(negative, (P - x) % P, x), key)
    return np.where(negative, (P - y) % P, y) if function in ODD else y


def _at_zero(made_by: Op, arity: int, params: Params) -> Print | None:
    with np.errstate(all="ignore"):
        try:
            y = np.asarray(made_by.forward(*[np.float64(0)] * arity, **params))
        except (TypeError, ValueError):  # of whole numbers only
            return None
    return constant(y) if y.shape == () and np.isfinite(y) else None


# What a scalar graph is mostly made of goes past all questions.
DIRECT: dict[Op, Callable[[Print, Print], Print]] = {
    TABLE[np.add]: added,
    TABLE[np.subtract]: subtracted,
    TABLE[np.multiply]: multiplied,
    TABLE[limits.times]: multiplied,
}
