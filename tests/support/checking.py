"""What is asked of an op's rules, as functions that raise AssertionError; and the references they ask by.

Independent of the engine's sweep: the references only ever call plain NumPy, or difference a first gradient.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from functools import cache, partial
from itertools import pairwise
from typing import Any

import numpy as np

import minigrad
from minigrad import Value
from minigrad.check.testing.op_calls import OpCall, invoke, user_name
from minigrad.check.testing.op_sampling import CLEARANCE, random_calls
from minigrad.engine.op import TABLE, Op
from minigrad.errors import ArgumentError
from minigrad.op_table import read_pages

EPS = float(np.finfo(np.float64).eps)

# Four central differences, extrapolated to step 0: exact for polynomials of degree 8. Domains keep 0.1 away from
# singular points. There, truncation is about Π(h/0.1)² = 3e-13 of the derivative, times 10 to 50 for the ops with a
# pole; rounding is EPS/h, 2e-13 of the function's own size, doubled by the extrapolation.
STEPS = (2.0**-7, 2.0**-8, 2.0**-9, 2.0**-10)
# So the reference is good to 1e-11, and a tolerance of 1e-9 never asks more than it can answer; what the suite
# demands to be noticed, a factor of 1 + 1e-6, is a thousand tolerances away.
TOLERANCE = 1e-9
# What is differenced may itself be what cancellation left of numbers of size 1: EPS/h is then all there is to see.
FLOOR = 1e-3
TRIED = 4  # calls on which a function is tried on complex numbers
SCALES = 1 + 2.0**-20 * np.array([-7, -5, -3, -2, 2, 3, 5, 7])  # close to 1


read_pages()  # of other packages: those that are installed
OPS: dict[str, Op] = {user_name(op): op for op in TABLE.values()}
DIFFERENTIABLE = {name: op for name, op in OPS.items() if op.vjps}
CONSTANT = {name: op for name, op in OPS.items() if not op.vjps}


def parts(y: Any) -> tuple[Any, ...]:
    """The outputs of an op, one or several."""
    return tuple(y) if isinstance(y, (tuple, list)) else (y,)


def each(f: Callable[[Any], Any], y: Any) -> Any:
    """f of every output: of the one, or a tuple of them."""
    return tuple(map(f, y)) if isinstance(y, (tuple, list)) else f(y)


def flat(y: Any) -> Any:
    """All outputs in one row."""
    return np.concatenate([np.ravel(np.asarray(part)) for part in parts(y)])


def places(op: Op, inputs: Sequence[Any]) -> list[int]:
    """Which inputs have a gradient: made of reals, with a rule."""
    rules = op.vjps * len(inputs) if op.variadic else op.vjps
    return [k for k, x in enumerate(inputs) if np.asarray(x).dtype.kind == "f" and rules[k] is not None]


def refuses(rule: Callable[..., Any]) -> bool:
    """Whether a rule stands for an argument that no rule covers, such as the order of a Bessel function."""
    try:
        rule(1.0, 1.0)
    except ArgumentError:
        return True
    except TypeError:  # it takes more arguments
        return False
    return False


def function_of(op: Op, call: OpCall) -> tuple[Callable[..., Any], tuple[Any, ...]]:
    """The op as a function of its inputs that are floats, and these inputs."""
    which = [k for k, x in enumerate(call.inputs) if np.asarray(x).dtype.kind == "f"]

    def f(*xs: Any) -> Any:
        given = dict(zip(which, xs, strict=True))
        return invoke(op, [given.get(k, x) for k, x in enumerate(call.inputs)], call.params)

    return f, tuple(call.inputs[k] for k in which)


def unit_like(xs: Sequence[Any], k: int, i: int, size: float = 1.0) -> tuple[Any, ...]:
    """Zeros like all xs, but for one entry of the k-th."""
    found = [np.zeros(np.shape(x)) for x in xs]
    found[k].reshape(-1)[i] = size
    return tuple(x[()] for x in found)


def replaced(inputs: Sequence[Any], k: int, x: Any) -> tuple[Any, ...]:
    return (*inputs[:k], x, *inputs[k + 1 :])


def projected(y: Any, v: Any) -> Any:
    """<v, y>, over all outputs."""
    return sum((np.sum(c * part) for c, part in zip(parts(v), parts(y), strict=True)), start=0.0)


def pulled(compute: Callable[..., Any], xs: Sequence[Any], v: Any) -> Any:
    """The gradients of <v, compute(*xs)> by `minigrad.grad`."""
    which = tuple(range(len(xs)))
    if isinstance(v, tuple):
        return minigrad.grad(lambda *xs: projected(compute(*xs), v), which)(*xs)
    return minigrad.grad(compute, which)(*xs, cotangent=v)


# -------------------------------------------------------------------------------------------- references


def along(f: Callable[[float], Any]) -> Any:
    """f'(0), entry by entry: Richardson's extrapolation of central differences."""
    table = [(f(h) - f(-h)) / (2 * h) for h in STEPS]
    for level in range(1, len(table)):
        factor = 4.0**level
        table = [(factor * fine - coarse) / (factor - 1) for coarse, fine in pairwise(table)]
    return table[0]


def jacobian(op: Op, inputs: Sequence[Any], params: dict[str, Any], k: int) -> Any:
    """∂y/∂x of input k, by finite differences of the plain function: one row per entry of x."""
    rows = []
    for i in range(np.size(inputs[k])):

        def shifted(h: float, i: int = i) -> Any:
            x = np.array(inputs[k])
            x.flat[i] += h
            return flat(invoke(op, replaced(inputs, k, x[()]), params))

        rows.append(along(shifted))
    return np.reshape(rows, (len(rows), -1)) if rows else np.zeros((0, flat(invoke(op, inputs, params)).size))


def complex_jacobian(op: Op, inputs: Sequence[Any], params: dict[str, Any], k: int) -> Any:
    """The same by the complex step: no difference, so no cancellation. Right if the function is `analytic`.

    None where a step moves the real part: np.partition orders complex numbers by another algorithm.
    """
    y, rows, h = flat(invoke(op, inputs, params)), [], 1e-30
    for i in range(np.size(inputs[k])):
        x = np.array(inputs[k], dtype=np.complex128)
        x.flat[i] += 1j * h
        z = flat(invoke(op, replaced(inputs, k, x[()]), params))
        if z.shape != y.shape or not np.allclose(z.real, y, rtol=TOLERANCE, atol=TOLERANCE):
            return None
        rows.append(z.imag / h)
    return np.reshape(rows, (len(rows), -1)) if rows else np.zeros((0, y.size))


@cache
def analytic(op: Op) -> bool:
    """Whether the function is right on complex numbers. Found by trying it; its rules have no say.

    Right means that a complex step gives the slopes that real steps give.
    """
    return all(_slopes_agree(op, call, k) for call in random_calls(op, TRIED) for k in places(op, call.inputs))


def _slopes_agree(op: Op, call: OpCall, k: int) -> bool:
    slopes = jacobian(op, call.inputs, call.params, k)
    scale = np.abs(slopes) + (np.abs(flat(invoke(op, call.inputs, call.params))) + FLOOR) * (slopes != 0)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # of an imaginary part that is thrown away
            found = complex_jacobian(op, call.inputs, call.params, k)
    except (TypeError, ValueError, Warning):
        return False
    return found is not None and bool((np.abs(found - slopes) <= TOLERANCE * scale).all())


# ------------------------------------------------------------------------------------------ the gradient


def same(a: Any, b: Any) -> bool:
    """Equal to the last bit, type and shape included."""
    a, b = np.asarray(a), np.asarray(b)
    if a.dtype != b.dtype or not np.array_equal(a, b, equal_nan=a.dtype.kind == "f"):
        return False
    return a.dtype.kind != "f" or np.array_equal(np.signbit(a), np.signbit(b))


def real_part(y: Any) -> Any:
    """An output of NumPy as a real one: from 2.5 on, eig and eigvals of real matrices are complex there."""
    return y.real if np.iscomplexobj(y) else y


def assert_separate(named: dict[str, Any]) -> None:
    """No two arrays share memory."""
    arrays = [(name, x) for name, x in named.items() if isinstance(x, np.ndarray)]
    for i, (name, x) in enumerate(arrays):
        for other, z in arrays[i + 1 :]:
            assert not np.shares_memory(x, z), f"{name} shares memory with {other}"


def gradients(
    leaves: Sequence[Value], compute: Callable[..., Any], v: Any, constants: Sequence[Any] = ()
) -> list[Any]:
    """The gradients of <v, compute(*leaves)> by `backward`; nothing was mutated or shared on the way.

    constants: plain arrays that the computation used.
    """
    plain = [x.data for x in leaves] + [*constants, *parts(v)]
    before = [np.array(x) for x in plain]
    y = compute(*leaves)
    outputs = [(np.array(part.data), part) for part in parts(y)]
    beside = [Value(np.zeros_like(was)) for was, _ in outputs]  # they are handed the same cotangents as y
    shifted = [part + other for (_, part), other in zip(outputs, beside, strict=True)]
    if isinstance(y, tuple):
        projected(shifted, v).backward()
    else:
        shifted[0].backward(v)
    for was, now in zip(before, plain, strict=True):
        assert same(was, now), "an input, a constant or the cotangent was mutated"
    for was, part in outputs:
        assert same(was, part.data), "an output was mutated"
    for other, c in zip(beside, parts(v), strict=True):
        assert same(other.grad, np.asarray(c, dtype=other.dtype)), "the cotangent was mutated on its way"
    named = {f"gradient {i}": x.grad for i, x in enumerate(leaves)}
    assert_separate(named | {f"operand {i}": np.asarray(x) for i, x in enumerate(plain)} if named else {})
    for x in leaves:
        if x.grad is not None:
            assert x.grad.shape == x.shape
            assert x.grad.dtype == x.dtype
    return [np.zeros(x.shape) if x.grad is None else x.grad for x in leaves]


def gradients_of(op: Op, inputs: Sequence[Any], params: dict[str, Any], v: Any) -> list[Any]:
    """The gradients of <v, op(*inputs)> for each input that has one (see `places`)."""
    which = places(op, inputs)
    constants = [x for k, x in enumerate(inputs) if k not in which]
    constants += [x for x in params.values() if isinstance(x, np.ndarray)]
    leaves = [Value(inputs[k]) for k in which]
    return gradients(leaves, lambda *xs: invoke(op, woven(inputs, which, xs), params), v, constants)


def woven(inputs: Sequence[Any], which: Sequence[int], xs: Sequence[Any]) -> list[Any]:
    """The inputs, with xs in the places named."""
    found = dict(zip(which, xs, strict=True))
    return [found.get(k, x) for k, x in enumerate(inputs)]


# ---------------------------------------------------------------------------------------------- the checks


def assert_close(got: Any, want: Any, allowed: Any, what: str, seen: Callable[[], float] = lambda: 0.0) -> None:
    """|got - want| <= allowed, entry by entry; the same infinity is close, nan is not.

    seen: rounding errors that are allowed too, measured only where they are needed.
    """
    got, want, allowed = np.broadcast_arrays(*map(np.ravel, (got, want, allowed)))
    with np.errstate(invalid="ignore"):
        wrong = ~((got == want) | (np.abs(got - want) <= allowed))
        if wrong.any() and (more := seen()):
            allowed = allowed + more
            wrong = ~((got == want) | (np.abs(got - want) <= allowed))
    if wrong.any():
        i = int(np.argmax(wrong))
        raise AssertionError(
            f"{what}, flat entry {i}: {got[i]!r}, expected {want[i]!r} (allowed: {allowed[i]:.1e} off)"
        )


def roundings(linear: Callable[[float], Any]) -> float:
    """A few rounding errors of a linear function, as they show where its argument is scaled: L(cv) is c L(v).

    They are those of its terms, also where these cancel and nothing but rounding is left of their sum.
    linear: L(cv) of a number c, beside the point if c is not 1 (see `beside`).
    """
    plain = linear(1.0)
    return 16 * max(float(np.max(np.abs(linear(c) - c * plain), initial=0.0)) for c in SCALES)


def beside(op: Op, inputs: Sequence[Any], c: float) -> list[Any]:
    """The inputs, or for c other than 1 inputs a few roundings beside them: coefficients have roundings as well."""
    rng, which = np.random.default_rng(int(abs(c - 1) * 2**30)), places(op, inputs)
    moved = [inputs[k] * (1 + 4 * EPS * (c != 1) * rng.choice([-1.0, 1.0], np.shape(inputs[k]))) for k in which]
    return woven(inputs, which, moved)


def scaled_gradient(op: Op, example: OpCall, c: float, *, k: int) -> Any:
    """The gradient of input k for c times the cotangent, in one row."""
    inputs, params = beside(op, example.inputs, c), example.params
    direction = example.directions()
    v = each(lambda part: c * direction(part), invoke(op, example.inputs, params))
    return np.ravel(gradients_of(op, inputs, params, v)[places(op, inputs).index(k)])


def check_gradient(op: Op, example: OpCall) -> None:
    """Every input's gradient, and jvp, against finite differences; and the two against each other."""
    inputs, params, direction = example.inputs, example.params, example.directions()
    y = invoke(op, inputs, params)
    v = each(direction, y)
    row, size = flat(v), np.abs(flat(y))
    found = gradients_of(op, inputs, params, v)
    for k, g in zip(places(op, inputs), found, strict=True):
        slopes = jacobian(op, inputs, params, k)
        scale = np.abs(slopes) + (size + FLOOR) * (slopes != 0)
        what = f"{op.label}: gradient of input {k}"

        def pulled_by(c: float, k: int = k) -> Any:
            return scaled_gradient(op, example, c, k=k)

        # A slope that the differences find to be exactly 0 may be what rounding left of terms, as of x - mean(x).
        allowed = TOLERANCE * (scale @ np.abs(row))
        assert_close(g, slopes @ row, allowed, what, partial(roundings, pulled_by))

        t = direction(inputs[k])
        pushed = flat(tangent(op, inputs, params, {k: t}))
        what = f"{op.label}: jvp of input {k}"

        def pushed_by(c: float, k: int = k, t: Any = t) -> Any:
            return flat(tangent(op, beside(op, inputs, c), params, {k: c * t}))

        allowed = TOLERANCE * (np.abs(np.ravel(t)) @ scale)
        assert_close(pushed, np.ravel(t) @ slopes, allowed, what, partial(roundings, pushed_by))
        # Both sides are sums of the same products in another order: a few roundings of the sum of their sizes.
        total = np.abs(np.ravel(t)) @ np.abs(slopes) @ np.abs(row)
        what = f"{op.label}: <v, Jt> = <Jᵀv, t>"

        def both(row: Any = row, t: Any = t, pull: Any = pulled_by, push: Any = pushed_by) -> float:
            return float(np.sum(np.abs(row)) * roundings(push) + roundings(pull) * np.sum(np.abs(t)))

        assert_close(row @ pushed, np.ravel(g) @ np.ravel(t), 64 * EPS * total, what, both)

    for k, x in enumerate(inputs):
        if np.asarray(x).dtype.kind == "f" and k not in places(op, inputs):
            slopes = jacobian(op, inputs, params, k)
            assert not slopes.any(), f"{op.label}: input {k} has no rule, and a gradient"


def check_complex_step(op: Op, example: OpCall) -> None:
    """Every input's gradient against the complex step, to 500 roundings of the sum of the sizes of its terms."""
    inputs, params, direction = example.inputs, example.params, example.directions()
    v = each(direction, invoke(op, inputs, params))
    for k, g in zip(places(op, inputs), gradients_of(op, inputs, params, v), strict=True):
        slopes = complex_jacobian(op, inputs, params, k)
        if slopes is None:
            continue
        allowed = 1e-13 * (np.abs(slopes) @ np.abs(flat(v)))

        def seen(k: int = k) -> float:
            return roundings(lambda c: scaled_gradient(op, example, c, k=k))

        assert_close(g, slopes @ flat(v), allowed, f"{op.label}: gradient of input {k}", seen)


def tangent(op: Op, inputs: Sequence[Any], params: dict[str, Any], ts: dict[int, Any], lift: Any = None) -> Any:
    """J t by the op's jvp rules, run on arrays, or on what `lift` makes of them."""
    lift = lift or (lambda x: x)
    which = places(op, inputs)
    xs = woven(inputs, which, [lift(inputs[k]) for k in which])
    y = invoke(op, xs, params)
    if op.variadic:
        tangents = [ts.get(k, np.zeros(np.shape(x))) for k, x in enumerate(inputs)]
        return op.jvps[0](tangents, y, *xs, **params)
    with np.errstate(divide="ignore", invalid="ignore"):
        pushed = [op.jvps[k](t, y, *xs, **params) for k, t in ts.items()]  # type: ignore[misc]
    if isinstance(y, (tuple, list)):
        wide = (
            [np.broadcast_to(p, np.shape(part)) for p in shares]
            for shares, part in zip(zip(*pushed, strict=True), y, strict=True)
        )
        return tuple(map(sum, wide))
    return sum(np.broadcast_to(p, np.shape(y)) for p in pushed)


def check_jvp_on_values(op: Op, example: OpCall) -> None:
    """The jvp rules compute the same when they record, as they must for higher orders; tangents add up."""
    inputs, params, direction = example.inputs, example.params, example.directions()
    ts = {k: direction(inputs[k]) for k in places(op, inputs)}
    plain = tangent(op, inputs, params, ts)
    recorded = tangent(op, inputs, params, ts, Value)
    recorded = each(lambda t: t.data if isinstance(t, Value) else t, recorded)
    separate = [flat(tangent(op, inputs, params, {k: t})) for k, t in ts.items()]
    allowed = 32 * EPS * sum(np.abs(part) for part in separate)

    def seen() -> float:
        return roundings(
            lambda c: flat(tangent(op, beside(op, inputs, c), params, {k: c * t for k, t in ts.items()}))
        )

    assert_close(flat(recorded), flat(plain), allowed, f"{op.label}: jvp on Values", seen)
    assert_close(sum(separate), flat(plain), allowed, f"{op.label}: sum of the jvps of all inputs", seen)


def check_second_order(op: Op, example: OpCall) -> None:
    """The gradient of <gradient of input a, u>, for every pair of inputs a and b, against finite differences.

    The cotangent is one of the b: a gradient must also be differentiable in what came from above.
    """
    inputs, params, direction = example.inputs, example.params, example.directions()
    which = places(op, inputs)
    v = parts(each(direction, invoke(op, inputs, params)))
    points = (*(inputs[k] for k in which), *v)
    numbers = tuple(range(len(which)))

    def value(*point: Any) -> Any:
        y = invoke(op, woven(inputs, which, point[: len(which)]), params)
        return projected(y, point[len(which) :])

    def first(*point: Any) -> Any:
        return minigrad.grad(value, numbers)(*point)

    plain = first(*points)
    for a in numbers:
        u = direction(points[a])

        def slope(*point: Any, a: int = a, u: Any = u) -> Any:
            return np.sum(u * minigrad.grad(value, a)(*point))

        inner, found = minigrad.value_and_grad(slope, tuple(range(len(points))))(*points)
        size = float(np.sum(np.abs(u * plain[a])))
        what = f"{op.label}: gradient of input {a}"

        def scaled(c: float, slope: Any = slope) -> tuple[Any, tuple[Any, ...]]:
            near = beside(op, inputs, c)
            there = (*(near[k] for k in which), *(c * part for part in v))
            return minigrad.value_and_grad(slope, tuple(range(len(points))))(*there)

        def seen(scaled: Any = scaled) -> float:
            return roundings(lambda c: scaled(c)[0])

        assert_close(inner, np.sum(u * plain[a]), 64 * EPS * size, f"{what} while recording", seen)
        for b, g in enumerate(found):
            w = direction(points[b])

            def moved(h: float, a: int = a, b: int = b, w: Any = w) -> Any:
                return first(*replaced(points, b, points[b] + h * w))[a]

            change = along(moved)
            scale = np.sum(np.abs(u) * (np.abs(change) + (np.abs(plain[a]) + FLOOR) * (change != 0)))
            # Where it is exactly 0, its terms cancelled: they are slopes over the distance to a singular point.
            allowed = TOLERANCE * scale + 64 * EPS * np.sum(np.abs(u * plain[a])) / CLEARANCE

            def bent(c: float, b: int = b, w: Any = w, scaled: Any = scaled) -> Any:
                return np.sum(scaled(c)[1][b] * w) * (c if b >= len(which) else 1.0)  # linear in v, or constant

            more = partial(roundings, bent)
            assert_close(np.sum(g * w), np.sum(u * change), allowed, f"{what}, derivative in input {b}", more)
