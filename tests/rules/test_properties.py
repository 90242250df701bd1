"""The properties of every op of the table, checked against the function itself over drawn calls.

Each drawn call is tried with other entries too, since entries in general position hide much: no two are equal, none
is zero or nan, and a number and its half lie on the same side of most thresholds.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from dataclasses import MISSING, fields, replace
from typing import Any

import numpy as np
import pytest
from checking import OPS, flat, function_of, parts, unit_like
from everyday import thinned

from minigrad import Value, jvp, vjp
from minigrad.check.testing.op_calls import OpCall, invoke
from minigrad.check.testing.op_sampling import random_calls
from minigrad.engine.node import ARGUMENT, result_node
from minigrad.engine.op import Op
from minigrad.engine.value import argument

CALLS = 32
MORE = 240  # for the properties in `OPEN`
# Small shapes of all kinds; square ones, where a transpose keeps the shape; long ones, where windows overlap.
SHAPES: tuple[dict[str, Any], ...] = (
    {},
    {"sides": (2, 2)},
    {"sides": (3, 3), "size": 9, "max_dims": 2},
    {"sides": (4, 6), "size": 24, "max_dims": 2},
)
# Parameters that an op takes and no drawn call has, since its derivative there is of no use.
FURTHER: dict[str, dict[str, Any]] = {
    "astype": {"dtype": np.int64},
    "isclose": {"rtol": 0.5},
    "zeros_like": {"shape": (2, 3)},
    "ones_like": {"shape": (2, 3)},
    **{name: {"keepdims": True} for name in ("argmax", "argmin", "nanargmax", "nanargmin")},
}


@functools.cache
def nth_call(name: str, n: int) -> OpCall | None:
    """The n-th drawn call of an op, the same every time; None if it has none of the shapes whose turn it is."""
    try:
        (call,) = random_calls(OPS[name], 1, n, **SHAPES[n % len(SHAPES)])
    except (ValueError, IndexError):
        assert n % len(SHAPES), f"a call of {name} cannot be drawn"
        return None
    turn = n // len(SHAPES) % 2
    return replace(call, params=call.params | FURTHER[name]) if turn and name in FURTHER else call


# ------------------------------------------------------------------------------- other entries for the inputs

Variant = Callable[[Any, Any], Any]  # (entries, random generator) -> other entries of the same shape


def drawn(x: Any, rng: Any) -> Any:
    return x


def fresh(x: Any, rng: Any) -> Any:
    """Numbers of both signs in another order; whole numbers may be indices, so they change places."""
    if x.dtype.kind == "f":
        return rng.normal(size=x.shape) * 2
    return rng.random(x.shape) < 0.5 if x.dtype.kind == "b" else rng.permutation(x.ravel()).reshape(x.shape)


def small(x: Any, rng: Any) -> Any:
    """-1, 0 and 1: equal entries, zeros, matrices of low rank."""
    return rng.integers(-1, 2, x.shape).astype(float) if x.dtype.kind == "f" else x


def special(x: Any, rng: Any) -> Any:
    """Some entries are nan, infinite or a zero of either sign."""
    y = fresh(x, rng)
    if x.dtype.kind != "f":
        return y
    return np.where(rng.random(x.shape) < 0.5, rng.choice([np.nan, np.inf, -np.inf, 0.0, -0.0], x.shape), y)


def whole(x: Any, rng: Any) -> Any:
    return rng.integers(-3, 4, x.shape)


def boolean(x: Any, rng: Any) -> Any:
    return fresh(x, rng) > 0


def varied(call: OpCall, variant: Variant, seed: int) -> OpCall:
    rng = np.random.default_rng(seed)
    return replace(call, inputs=tuple(variant(np.asarray(x), rng)[()] for x in call.inputs))


def of(op: Op, call: OpCall, inputs: Any) -> Any:
    return flat(invoke(op, inputs, call.params)).astype(float)


def close(a: Any, b: Any) -> bool:
    return bool(a.shape == b.shape and np.allclose(a, b, rtol=1e-9, atol=1e-9, equal_nan=True))


def same_bits(y: Any, z: Any) -> bool:
    """Equal arrays, or tuples of them, to the last bit."""
    pairs = [(np.asarray(a), np.asarray(b)) for a, b in zip(parts(y), parts(z), strict=True)]
    return all((a.shape, a.dtype, a.tobytes()) == (b.shape, b.dtype, b.tobytes()) for a, b in pairs)


# ------------------------------------------------------------------------------------------------- the checks


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


def others(call: OpCall) -> list[Any]:
    """Inputs of the same shapes, all of them numbers: a condition or an index is an input like any other."""
    return [np.random.default_rng([call.seed, k]).normal(size=np.shape(x))[()] for k, x in enumerate(call.inputs)]


def linear(op: Op, call: OpCall) -> bool:
    xs, other = [np.asarray(x, float)[()] for x in call.inputs], others(call)
    y, double = of(op, call, xs), of(op, call, [2 * x for x in xs])
    both = [a + b for a, b in zip(xs, other, strict=True)]
    return close(double, 2 * y) and close(of(op, call, both), y + of(op, call, other))


def bilinear(op: Op, call: OpCall) -> bool:
    """Linear in each input, as far as they are finite: 0·inf is nan."""
    if len(call.inputs) == 1:
        return linear(op, call)
    xs = [np.nan_to_num(np.asarray(x, float), nan=np.nan, posinf=1.0, neginf=-1.0)[()] for x in call.inputs]

    def at(k: int, x: Any) -> Any:
        return of(op, call, [x if i == k else y for i, y in enumerate(xs)])

    y = of(op, call, xs)
    return all(
        close(at(k, 2 * x), 2 * y) and close(at(k, x + other), y + at(k, other))
        for k, (x, other) in enumerate(zip(xs, others(call), strict=True))
    )


def coefficients(op: Op, call: OpCall) -> Any:
    """The matrix of a linear op, by unit vectors in all inputs: (entries, outputs)."""
    zeros = [np.zeros(np.shape(x)) for x in call.inputs]
    rows = []
    for k, x in enumerate(zeros):
        for i in range(x.size):
            unit = np.zeros(x.shape)
            unit.flat[i] = 1.0
            rows.append(of(op, call, [unit[()] if j == k else z for j, z in enumerate(zeros)]))
    return np.array(rows)


def moves(op: Op, call: OpCall) -> bool:
    m = coefficients(op, call)
    return (op.linear or linear(op, call)) and (
        not m.size or (set(np.unique(m)) <= {-1, 0, 1} and (m != 0).sum(axis=0).max() <= 1)
    )


def sums(op: Op, call: OpCall) -> bool:
    """Whole numbers stay whole; of a linear op, every coefficient is a small whole number."""
    y = of(op, call, [np.rint(4 * np.asarray(x, float))[()] for x in call.inputs])
    return close(y, np.rint(y)) and (op.linear or op.bilinear or linear(op, call))


def commutative(op: Op, call: OpCall) -> bool:
    a, b = call.inputs
    return np.array_equal(of(op, call, (a, b)), of(op, call, (b, a)), equal_nan=True)


def parity(op: Op, call: OpCall) -> bool:
    """Of one input, or of all that are laid end to end."""
    sign = -1.0 if op.parity == "odd" else 1.0
    negated = of(op, call, [-x for x in call.inputs])
    return (op.variadic or len(call.inputs) == 1) and close(negated, sign * of(op, call, call.inputs))


def symmetric(op: Op, call: OpCall) -> bool:
    """It reduces the axes; a random order of the entries along them leaves the output as it was."""
    (x,) = map(np.asarray, call.inputs)
    axis = call.params.get("axis", op.defaults.get("axis"))
    keepdims = bool(call.params.get("keepdims", False))
    axes = [*range(x.ndim)] if axis is None else [int(i) % x.ndim for i in np.atleast_1d(axis)]
    front = [i for i in range(x.ndim) if i not in axes] + axes
    rows = np.transpose(x, front)
    mixed = np.random.default_rng(call.seed).permuted(rows.reshape(*rows.shape[: x.ndim - len(axes)], -1), axis=-1)
    other = np.transpose(mixed.reshape(rows.shape), np.argsort(front))
    y, z = (np.asarray(invoke(op, (entries,), call.params)) for entries in (x, other))
    reduced = np.sum(x, axis=axis, keepdims=keepdims).shape
    return y.shape == np.shape(call.params.get("q", 0.0)) + reduced and close(y, z)


def along_the_axis(op: Op, call: OpCall) -> int:
    """The axis of the rows; 0 where a call names none, as then all entries are one row."""
    named = call.params.get("axis", op.defaults.get("axis", -1))
    return 0 if named is None else int(named)


def rows(op: Op, call: OpCall) -> bool:
    """Each row alone gives its row of the output; with its entries in any order, where the op says so."""
    xs = np.broadcast_arrays(*call.inputs)
    axis = call.params.get("axis", op.defaults.get("axis", -1))
    if any(np.shape(x) != xs[0].shape for x in call.inputs) or not isinstance(axis, (int, np.integer, type(None))):
        return False
    y, n = np.asarray(invoke(op, call.inputs, call.params)), xs[0].ndim
    if axis is None or not n:
        xs, y, n = [x.reshape(-1) for x in xs], y.reshape(-1), 1
    at = along_the_axis(op, call)
    xs = [np.moveaxis(x, at, -1) for x in xs]
    y = np.moveaxis(y, at, -1) if y.ndim == n else y[..., None]
    alone = {**call.params, **({"axis": 0} if "axis" in op.names else {})}
    for place in np.ndindex(xs[0].shape[:-1]):
        row = [x[place] for x in xs]
        if op.rows == "in any order":
            row = [np.random.default_rng(call.seed).permutation(x) for x in row]
        if not close(np.ravel(invoke(op, row, alone)).astype(float), np.ravel(y[place]).astype(float)):
            return False
    return True


def gives_new(op: Op, call: OpCall) -> bool:
    xs = [np.asarray(x) for x in call.inputs]
    ys = [*parts(op.forward(*xs, **call.params)), *parts(invoke(op, xs, call.params))]
    return not any(isinstance(y, np.ndarray) and np.shares_memory(x, y) for x in xs for y in ys)


def computed(params: dict[str, Any]) -> dict[str, Any] | None:
    """The same call with a Value in place of the whole numbers of an index; None if there are none."""
    for name in {"index", "indices"} & params.keys():
        parts = params[name] if isinstance(params[name], tuple) else (params[name],)
        for i, part in enumerate(parts):
            if isinstance(part, (list, np.ndarray)) and np.asarray(part).dtype.kind == "i":
                parts = (*parts[:i], result_node(Value, np.asarray(part), ARGUMENT, ()), *parts[i + 1 :])
                return {**params, name: parts if isinstance(params[name], tuple) else parts[0]}
    return None


def by_meaning(op: Op, call: OpCall) -> Any:
    """What its meaning gives, perhaps of a computed index; NotImplemented if it does not cover the call."""
    assert op.meaning is not None
    found, other = op.meaning(*call.inputs, **call.params), computed(call.params)
    if found is NotImplemented and other is not None:
        found = op.meaning(*(argument(np.asarray(x)) for x in call.inputs), **other)
    return getattr(found, "data", found) if isinstance(found, Value) else found


def meaning(op: Op, call: OpCall) -> bool:
    found = by_meaning(op, call)
    return found is NotImplemented or close(flat(found).astype(float), of(op, call, call.inputs))


def identity(op: Op, call: OpCall) -> bool:
    """An output with the shape and the type of the input equals it, to the last bit."""
    x, y = np.asarray(call.inputs[0]), invoke(op, call.inputs, call.params)
    return not isinstance(y, (tuple, list)) and (
        same_bits(x, y) or (np.shape(y), np.asarray(y).dtype) != (x.shape, x.dtype)
    )


def involution(op: Op, call: OpCall) -> bool:
    (x,) = map(np.asarray, call.inputs)
    return not op.variadic and same_bits(op.forward(op.forward(x)), x)


def shape_alone(op: Op, call: OpCall) -> bool:
    other = varied(call, fresh, call.seed)
    return same_bits(invoke(op, call.inputs, call.params), invoke(op, other.inputs, call.params))


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


def casts(op: Op, call: OpCall) -> bool:
    """With dtype= it computes the same as of inputs in that type."""
    x, params = np.asarray(call.inputs[0]), call.params
    return all(
        close(flat(op.function(x, dtype=dtype, **params)), flat(op.function(x.astype(dtype), **params)))
        for dtype in (np.float64, np.longdouble)
    )


def each(op: Op, call: OpCall) -> bool:
    """Of an input and another of another shape, which broadcasts with it."""
    x = np.asarray(call.inputs[0])
    other = np.stack([x + 1.0, x - 1.0])
    y, z = op.forward(x, other)
    return same_bits(y, op.forward(x)) and same_bits(z, op.forward(other))


def activation(op: Op, call: OpCall) -> bool:
    """Of an array alone it gives one of the same shape."""
    x = np.linspace(-2.0, 2.0, 6).reshape(2, 3)
    return bool(np.shape(op.forward(x)[0] if op.saves else op.forward(x)) == x.shape)


def selects(op: Op, call: OpCall) -> bool:
    """What an output is not taken from gets exactly 0 from it, even of an infinite cotangent or tangent."""
    f, xs = function_of(op, call)
    if not xs or not op.vjps:
        return True
    ys, pull = vjp(lambda *xs: [*parts(f(*xs))], *xs)
    outputs = [(o, i) for o, y in enumerate(ys) if np.asarray(y).dtype.kind == "f" for i in range(np.size(y))]
    inputs = [(k, j) for k, x in enumerate(xs) for j in range(np.size(x))]
    backward = [[flat(pull([*unit_like(ys, o, i, g)])) for g in (1.0, np.inf, np.nan)] for o, i in outputs]
    forward = [[flat(jvp(f, xs, unit_like(xs, k, j, t))[1]) for t in (1.0, np.inf, np.nan)] for k, j in inputs]
    return all((wild[one == 0] == 0).all() for one, *more in backward + forward for wild in more)


REALS = (drawn, fresh, small, special)
OPEN = (identity, involution, shape_alone)  # most calls leave them open: few outputs have the input's shape
CHECKS: dict[str, tuple[Callable[[Op, OpCall], bool], tuple[Variant, ...]]] = {
    check.__name__: (check, variants)
    for checks, variants in (
        ((elementwise, linear, bilinear, sums, commutative, parity, symmetric, rows), REALS),
        (OPEN, (*REALS, whole, boolean)),
        ((moves, of_ufunc), (drawn, special)),
        ((gives_new, meaning, neutral, casts, each, activation, selects), (drawn,)),
    )
    for check in checks
}
# What a function says of entries that it does not take: then they show nothing.
REFUSED = (ValueError, TypeError, IndexError, AttributeError, ArithmeticError)


def counterexample(name: str, op: Op, label: str, calls: int = CALLS) -> OpCall | None:
    """A call that shows a property to be wrong; None if all drawn calls have it.

    op: the named one, perhaps with other properties. calls: how many are drawn, if the property is not `OPEN`.
    """
    check, variants = CHECKS[label]
    if name.startswith("linalg."):  # LAPACK may run for ever on nan
        variants = tuple(variant for variant in variants if variant is not special)
    drawn_calls = (nth_call(name, n) for n in range(MORE if check in OPEN else calls))
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        for seed, call in enumerate(call for call in drawn_calls if call is not None):
            for variant in variants:
                other = varied(call, variant, seed)
                try:
                    if not check(op, other):
                        return other
                except REFUSED:
                    if variant is drawn:
                        return other
    return None


STATED = [
    (name, label)
    for label in CHECKS
    for name, op in OPS.items()
    if getattr(op, label) and getattr(op, label) != (None, None)  # no neutral operand
    if name != "empty_like"  # its entries are whatever the memory held
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

    found = any(differs(call) for call in random_calls(op, 12))
    assert found == op.shape_depends_on_data or name == "linalg.lstsq"  # residuals of a full rank alone


@pytest.mark.parametrize(("name", "label"), STATED)
def test_a_property_that_is_stated_holds(name: str, label: str) -> None:
    """`selects` asks three derivatives of each entry: a quarter of its calls each day, of every shape."""
    assert counterexample(name, OPS[name], label, CALLS // 4 if label == "selects" else CALLS) is None


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name, label in STATED if label == "selects"])
def test_what_selects_does_so_in_every_call(name: str) -> None:
    assert counterexample(name, OPS[name], "selects") is None


@pytest.mark.parametrize("name", [name for name, op in OPS.items() if op.meaning])
def test_a_meaning_covers_a_call(name: str) -> None:
    """One that never applies would be right of every op."""
    assert any(by_meaning(OPS[name], call) is not NotImplemented for call in random_calls(OPS[name], 40))


@pytest.mark.parametrize("name", thinned([*OPS], 3))
def test_an_op_that_is_no_view_gives_a_new_array_and_says_so(name: str) -> None:
    op = OPS[name]
    assert op.is_view != op.gives_new
    assert op.is_view != all(gives_new(op, call) for call in random_calls(op, 80)) or name == "matrix_power"


# --------------------------------------------------------------------------------------- the checks find errors

# What holds though no row states it, as no room would profit. See `follows` for what follows from another.
UNSTATED: dict[str, str] = {
    # Its inputs are lists.
    "elementwise": "select"
    # It copies one input, unless it raises.
    " completed",
    # They give nothing but zeros; but `bounded` is nan at infinity.
    "linear": "imag iscomplex zeros_like bounded",
    "sums": "imag iscomplex zeros_like bounded",
    "moves": "imag iscomplex zeros_like bounded",
    # A room asks this of sums of products only.
    "bilinear": "imag iscomplex zeros_like bounded trapezoid",
    # Only of elementwise ops does a room ask this.
    "commutative": "vdot vecdot",
    # Only of elementwise ops with numbers as outputs does a room ask this, and only of those that are not constant.
    "odd": "modf imag iscomplex zeros_like linalg.inv linalg.pinv nancumsum nansum nanmean nanmedian median",
    "even": "isnan isinf isfinite isreal iscomplex logical_not imag zeros_like ones_like nonzero any all"
    " count_nonzero linalg.matrix_rank nanvar nanstd",
    # Calls that have nothing to do, such as the maximum of one entry: nobody writes them.
    "identity": "max min prod nanmax nanmin any all delete tile pad append vstack hstack dstack column_stack"
    " concatenate diff diagflat"
    # No output of a drawn call has the shape and the type of the input.
    " cross_entropy diagonal diag stack linspace trapezoid trace windows sliding_window_view fold average"
    " linalg.det linalg.matrix_rank linalg.eigvalsh polygamma polygamma_step bessel_moment erfcx_moment"
    " gamma_density beta_density special.gammainc special.gammaincc special.betainc special.iv special.jv"
    " linalg.eigvals roots equal_values equal_eigenvalues bessel_i"
    " eigenvalue_sum singular_sum eigenvalue_slopes singular_slopes",
}
PLANTS: list[tuple[str, Any, str]] = [
    *((label, True, label) for label in ("elementwise", "linear", "bilinear", "moves", "sums", "commutative")),
    *((label, True, label) for label in ("symmetric", "identity", "involution", "shape_alone", "each")),
    *(("parity", parity, parity) for parity in ("odd", "even")),
]


def follows(op: Op, label: str) -> bool:
    """Whether a property follows from one that is stated."""
    return (label == "bilinear" and op.linear and len(op.domain) == 1) or (label == "involution" and op.identity)


@pytest.mark.parametrize("name", thinned([name for name in OPS if name != "empty_like"], 3))
def test_every_wrong_property_is_found(name: str) -> None:
    """All that an op does not state, planted: what passes belongs into the row or into `UNSTATED`."""
    op, found = OPS[name], set()
    for label, value, plant in PLANTS:
        new = getattr(op, label) != value and not follows(op, plant)
        if new and counterexample(name, replace(op, **{label: value}), label) is None:
            found.add(plant)
    assert found == {plant for plant, names in UNSTATED.items() if name in names.split()}


@pytest.mark.parametrize(
    ("name", "label", "value"),
    [
        ("softmax", "elementwise", True),
        ("exp", "linear", True),
        ("isnan", "linear", True),
        ("where", "linear", True),
        ("astype", "linear", True),
        ("divide", "bilinear", True),
        ("equal", "bilinear", True),
        ("bitwise_and", "bilinear", True),
        ("sort", "moves", True),
        ("fold", "moves", True),
        ("scatter", "moves", True),
        ("mean", "sums", True),
        ("isclose", "sums", True),
        ("subtract", "commutative", True),
        ("isclose", "commutative", True),
        ("cos", "parity", "odd"),
        ("clip", "parity", "odd"),
        ("arccot", "parity", "odd"),
        ("cumsum", "symmetric", True),
        ("trapezoid", "symmetric", True),
        ("norm", "symmetric", True),
        ("average", "symmetric", True),
        ("matrix_rank", "symmetric", True),
        ("transpose", "gives_new", True),
        ("var", "meaning", lambda x, **_: np.sum(x)),
        ("take", "meaning", lambda x, indices, **_: np.reshape(x, -1)[indices * 0]),
        ("cumprod", "rows", "in any order"),
        ("ranks", "rows", "in any order"),
        ("roll", "rows", "in any order"),
        ("softmax", "rows", "in any order"),
        ("flip", "rows", "in any order"),
        ("negative", "identity", True),
        ("transpose", "identity", True),
        ("take", "identity", True),
        ("conv1d", "identity", True),
        ("exp", "involution", True),
        ("nan_to_num", "involution", True),
        ("exp", "shape_alone", True),
        ("argmax", "shape_alone", True),
        ("sign", "shape_alone", True),
        ("argsort", "shape_alone", True),
        ("logical_or", "shape_alone", True),
        ("broadcast_arrays", "each", True),
        ("sum", "of_ufunc", (np.multiply, "reduce")),
        ("add", "neutral", (None, 0)),  # x + 0 makes 0 of -0
        ("sum", "activation", True),
        ("multiply", "selects", True),
        ("cumprod", "selects", True),
    ],
)
def test_a_wrong_property_is_found(name: str, label: str, value: Any) -> None:
    name = next(key for key in OPS if key in (name, f"linalg.{name}"))
    assert counterexample(name, replace(OPS[name], **{label: value}), label) is not None
