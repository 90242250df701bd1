"""The meaning of an op as a formula: computes the fingerprint of its output from the fingerprints of its inputs.

The properties in the op's record decide, the first that fits: it has a meaning, which comes down to `identities`;
it moves and adds entries; it adds products; it is elementwise; it works on each row alone; it reduces in any order.
Of any other op it is only known that equal calls give equal results. A missing property loses ties, which is
allowed; a wrong one would invent ties, so tests check every property of every op.
"""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..engine.array_methods import Axis
from ..engine.node import ARGUMENT
from ..engine.op import TABLE, UNDIFFERENTIATED, Op
from ..engine.tree import leaves
from ..engine.tree_folds import tree_key
from .by_rows import by_rows
from .identities import ALGEBRA, difference_of, product_of, sum_of
from .modular import (
    Fingerprint,
    align_axes,
    bilinear_product,
    bound,
    common_denominator,
    fit_sum,
    from_constant,
    identically_zero,
    matrix_product,
    per_point,
    random_function,
    salt,
    symbols,
)
from .poles import reached, with_poles, without_guarded
from .primitives import symmetric
from .residues import PRIMES, Residues, modulo, negate

Params = dict[str, Any]


class Unknown(Exception):
    """The op has no meaning for these operands; the message is its label."""


def meaning(made_by: Op, operands: Sequence[Fingerprint], params: Params, logical: bool = False) -> Any:
    """The fingerprint of the output, or a list of them, from those of all operands. Raises Unknown.

    params: those of the node, without the data saved for its rule. logical: whether the output holds True and
    False; then the op adds and multiplies nothing.
    """
    if made_by is ARGUMENT:
        return operands[0]
    y = _of_known_numbers(made_by, operands, params, logical)
    if all(p.poles is None for p in operands):
        return y
    if isinstance(y, list):
        return [with_poles(part, True) for part in y]
    if _holds_formula(params):
        return with_poles(y, True)
    return with_poles(y, reached(made_by, operands, params, y.shape))


def has_formula(made_by: Op) -> bool:
    """Whether a proof knows more of an op than that equal calls give equal results."""
    known = (made_by.moves, made_by.sums, made_by.elementwise, made_by.symmetric, made_by.rows)
    return made_by.function in ALGEBRA or made_by.meaning is not None or any(known)


def _of_known_numbers(made_by: Op, operands: Sequence[Fingerprint], params: Params, logical: bool) -> Any:
    """The meaning, whether or not some entries may be infinite or nan."""
    if len(operands) > len(made_by.domain) and not made_by.variadic:  # a Value inside a parameter
        raise Unknown(made_by.label)
    if not logical:
        found = _compose(made_by, operands, params)
        if found is not None:
            return found
    if _holds_formula(params):
        raise Unknown(made_by.label)
    if made_by.moves or (made_by.sums and not made_by.bilinear and not logical):
        return _move(made_by, operands, params, not made_by.moves)
    if made_by.bilinear and made_by.sums and len(operands) == 1 and not logical:
        return _move(made_by, operands, params, adds=True)
    if made_by.bilinear and made_by.sums and len(operands) == 2 and not logical:
        return _product(made_by, operands, params)
    if made_by.elementwise:
        return _elementwise(made_by, operands, params)
    if made_by.rows:
        return _by_rows(made_by, operands, params)
    if made_by.symmetric and len(operands) == 1:
        return _symmetric(made_by, operands[0], **params)
    raise Unknown(made_by.label)


def _compose(made_by: Op, operands: Sequence[Fingerprint], params: Params) -> Any:
    """Apply a primitive, or call the op's meaning with formulas; None if neither covers the call."""
    if made_by.function in ALGEBRA:
        return ALGEBRA[made_by.function](*operands, **params)
    if made_by.meaning is None:
        return None
    try:
        found = made_by.meaning(*map(Formula, operands), **params)
    except Unknown:
        return None
    if found is NotImplemented:
        return None
    y: Fingerprint = found.fingerprint if isinstance(found, Formula) else from_constant(found)
    if not made_by.elementwise:
        return y if y.poles is None or _holds_formula(params) else without_guarded(made_by, y, operands, params)
    zero = functools.reduce(np.logical_and, map(identically_zero, align_axes(*(p.x for p in operands))))
    return _with_zero(made_by, y, zero, len(operands), params) if zero.any() else y


class Formula(np.lib.mixins.NDArrayOperatorsMixin):
    """A fingerprint as an array that NumPy's functions accept; they act on it by their meanings."""

    __slots__ = ("fingerprint",)

    def __init__(self, of: Fingerprint) -> None:
        self.fingerprint = of

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the array."""
        return self.fingerprint.shape

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)

    @property
    def dtype(self) -> Any:
        """The type of numbers that stand beside it."""
        return np.dtype(np.float64)

    @property
    def size(self) -> int:
        """The number of entries."""
        return math.prod(self.shape)

    @property
    def T(self) -> Any:  # NumPy's name
        """The transpose."""
        return np.transpose(self)  # type: ignore[call-overload]

    def __getitem__(self, index: Any) -> Any:
        return Formula(meaning(TABLE[operator.getitem], [self.fingerprint], {"index": index}))

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if method != "__call__" or ufunc not in TABLE:
            raise Unknown(ufunc.__name__)
        return _apply(TABLE[ufunc], inputs, kwargs)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if function in UNDIFFERENTIATED and UNDIFFERENTIATED[function].asks:
            return function(*(np.zeros(x.shape) if isinstance(x, Formula) else x for x in args), **kwargs)
        if function not in TABLE:
            raise Unknown(function.__name__)
        return _apply(TABLE[function], args, kwargs)


def _holds_formula(params: Params) -> bool:
    """Whether a parameter is computed, such as an index."""
    return bool(params) and any(isinstance(x, Formula) for x in leaves(params))


def _apply(made_by: Op, args: Any, kwargs: Any) -> Any:
    inputs, params = made_by.arguments(args, kwargs)
    operands = [x.fingerprint if isinstance(x, Formula) else from_constant(x) for x in inputs]
    found = meaning(made_by, operands, params)
    return tuple(map(Formula, found)) if isinstance(found, list) else Formula(found)


def unknown(made_by: Op, operands: Sequence[Fingerprint], params: Params, count: int) -> Any:
    """Residues (LANES, count) for an unknown op: equal calls give equal entries in the same order."""
    total = np.zeros((4, 1), dtype=np.int64)
    for place, p in enumerate(operands):
        entries = p.x.reshape(4, -1)
        where = symbols(entries.shape[1], "in", place, p.shape)
        total = total + random_function(modulo(entries + where), salt("entry")).sum(axis=1, keepdims=True)
    at = symbols(count, "out", *_identity(made_by), describe_params(params))
    return random_function(modulo(total + at), salt("unknown"))


def _identity(made_by: Op) -> tuple[str, str, int]:
    """Words that tell an op from all others: two that users define may share their page and their label."""
    return made_by.page, made_by.label, id(made_by)


def describe_params(params: Params) -> tuple[object, ...]:
    """Parameters as a key: different parameters give different keys."""
    return tuple((name, tree_key(p)) for name, p in sorted(params.items()))


def _move(made_by: Op, operands: Sequence[Fingerprint], params: Params, adds: bool) -> Any:
    """Apply the forward function to residues."""

    def forward(*xs: Any) -> Any:
        return made_by.forward(*xs, **params)

    operands, degree, height, below = fit_sum(*operands, terms=max(operands[0].x[0].size, 1) if adds else 1)
    first = forward(*(p.x[0] for p in operands))
    if isinstance(first, (tuple, list)):
        moved = [per_point(lambda *xs, k=k: forward(*xs)[k], *(p.x for p in operands)) for k in range(len(first))]
        return [bound(x, degree, height, below) for x in moved]
    x = per_point(forward, *(p.x for p in operands))
    return bound(x, degree, height, below)


def _product(made_by: Op, operands: Sequence[Fingerprint], params: Params) -> Fingerprint:
    a, b = operands
    if any("optimize" in p for p in params):
        params = {name: p for name, p in params.items() if name != "optimize"}
    forward = functools.partial(made_by.forward, **params)
    try:
        if made_by.function in (np.matmul, np.dot) and len(a.shape) == len(b.shape) == 2:
            return matrix_product(forward, a, b)
        return bilinear_product(forward, a, b, _most_terms(forward, a, b))
    except OverflowError:  # more terms than residues can be added
        raise Unknown(made_by.label) from None


def _most_terms(forward: Callable[..., Any], a: Fingerprint, b: Fingerprint) -> int:
    """The most products in a sum: counted with ones, but where some are subtracted, as in a cross product."""
    counts = np.asarray(forward(np.ones(a.shape), np.ones(b.shape)))
    if counts.size and counts.min() > 0:
        return int(counts.max())
    return int(max(a.x[0].size * b.x[0].size, 1))


def _elementwise(made_by: Op, operands: Sequence[Fingerprint], params: Params) -> Fingerprint:
    """A random function of the operands' entries; where all are 0, the number that the op gives there."""
    words = (*_identity(made_by), describe_params(params))
    xs = align_axes(*(p.x for p in operands))
    if len(xs) == 1:
        x = _unary(made_by.parity, xs[0], salt(*words))
    else:
        same = made_by.commutative
        keys = [salt(*words, 0 if same else place) for place in range(len(xs))]
        x = random_function(
            modulo(functools.reduce(operator.add, map(random_function, xs, keys))), salt(*words, "all")
        )
    zero = functools.reduce(np.logical_and, map(identically_zero, xs))
    y = Fingerprint(x, 1.0, 1.0)
    return _with_zero(made_by, y, zero, len(xs), params) if zero.any() else y


def _with_zero(made_by: Op, y: Fingerprint, zero: Any, arity: int, params: Params) -> Fingerprint:
    """The fingerprint, with the number that the op gives at 0 wherever all inputs are 0."""
    at_zero = _at_zero(made_by, [np.float64(0)] * arity, params)
    if at_zero is None:
        return y
    if at_zero.poles is not None:
        return with_poles(y, zero)
    residues = at_zero.x.reshape(4, *(1,) * (y.x.ndim - 1))
    degree, heights, below = common_denominator(y, at_zero)
    x = np.where(np.broadcast_to(zero, y.x.shape[1:]), residues, y.x)
    return Fingerprint(x, max(degree, 1.0), max(*heights, float(below)), below)


def _symmetric(
    made_by: Op, x: Fingerprint, axis: Axis = None, keepdims: bool = False, **params: object
) -> Fingerprint:
    at_zero = _at_zero(made_by, [np.zeros(max(x.x[0].size, 1))], params)
    if at_zero is None or at_zero.poles is not None:
        raise Unknown(made_by.label)
    return symmetric(x, at_zero, repr((*_identity(made_by), describe_params(params))), axis, keepdims)


def _by_rows(made_by: Op, operands: Sequence[Fingerprint], params: Params) -> Fingerprint:
    rest = {name: p for name, p in params.items() if name != "axis"}
    axis: Any = params.get("axis", made_by.defaults.get("axis", -1))
    along = "axis" in made_by.names

    def forward(*xs: Any, axis: int | None) -> Any:
        return made_by.forward(*xs, **rest, **({"axis": axis} if along else {}))

    name = repr((*_identity(made_by), describe_params(rest)))
    found = None
    if axis is None or np.ndim(axis) == 0:
        found = by_rows(forward, name, operands, axis, made_by.rows == "in order")
    if found is None:
        raise Unknown(made_by.label)
    return found


def _unary(parity: str, x: Residues, key: tuple[int, int]) -> Residues:
    """A random function of x, odd or even if the op is."""
    if not parity:
        return random_function(x, key)
    negative = x[0] > PRIMES[0] // 2
    y = random_function(np.where(negative, negate(x), x), key)
    return np.where(negative, negate(y), y) if parity == "odd" else y


def _at_zero(made_by: Op, zeros: Sequence[object], params: Params) -> Fingerprint | None:
    """What the op gives at 0; None if it takes no such number. A pole if that is infinite or nan."""
    with np.errstate(all="ignore"):
        try:
            y = np.asarray(made_by.forward(*zeros, **params))
        except (TypeError, ValueError):  # the op takes whole numbers only
            return None
    if y.shape != ():
        return None
    at_zero = from_constant(y)
    return at_zero if np.isfinite(y) else with_poles(at_zero, True)


# A shortcut for the ops that most nodes of scalar graphs are made of.
DIRECT: dict[Op, Callable[[Fingerprint, Fingerprint], Fingerprint]] = {
    TABLE[np.add]: sum_of,
    TABLE[np.subtract]: difference_of,
    TABLE[np.multiply]: product_of,
}
