"""How many units in the last place each op's gradient may be off: measures all of them and writes docs/digits.md.

    python -m tests.digits [part of a name]

With a part of a name: prints what it finds, and writes nothing. Elementwise ops are tried over the whole range of
exponents of their type, all others on inputs drawn from their domains. The truth is a central difference of the
function itself in hundreds of digits; for ops of which no such function is known, the same rule in a larger type.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import mpmath
import numpy as np

from minigrad import grad, jvp
from minigrad.check.testing.op_calls import invoke, user_name
from minigrad.check.testing.op_sampling import random_calls
from minigrad.engine.op import TABLE, Op

PAGE = Path(__file__).resolve().parents[1] / "docs" / "digits.md"
mp = mpmath.MPContext()  # a context of its own: its numbers get the methods that NumPy calls for arrays of objects
DIGITS = {1: 700, 2: 1400, 3: 1400}  # by the number of inputs: beside 1e300, 1e-300 must not vanish, nor its square
mp.dps = 100
STEP = mp.mpf(10) ** -30  # of a difference: 60 digits of it are right
BESIDE = (
    1e-3  # the largest slope this close by counts too: near a zero of the slope, its own last place says nothing
)
FLOOR = 2.0**-3  # of the size of a gradient of numbers close to 1: below, it is what cancelled
CALLS = 12  # drawn for an op that is not elementwise
KINDS = (np.float64, np.float32)


# ------------------------------------------------------------------------------- functions in many digits


def _sigmoid(x: Any) -> Any:
    return 1 / (1 + mp.exp(-x))


def _below(x: Any) -> Any:
    return mp.erfc(-x / mp.sqrt(2)) / 2


def _gelu(x: Any, approximate: bool = False) -> Any:
    if not approximate:
        return x * _below(x)
    return x * _sigmoid(mp.mpf(2) * mp.sqrt(2 / mp.pi) * (x + mp.mpf(0.044715) * x**3))


def _elu(x: Any, alpha: float = 1.0) -> Any:
    return x if x > 0 else alpha * mp.expm1(x)


def _logaddexp(a: Any, b: Any) -> Any:
    return max(a, b) + mp.log1p(mp.exp(-abs(a - b)))


def _countable(quotient: Any) -> Any:
    """A quotient that is not whole, as the remainder jumps there; of a size that float32 can count to."""
    if abs(quotient) > 2**23 or abs(quotient - mp.nint(quotient)) < 1e-6:
        raise ValueError
    return quotient


_SCALE, _ALPHA = 1.0507009873554805, 1.6732632423543772
# By the name of the op; else NumPy's own function runs on objects, whose methods are these.
METHODS: dict[str, Callable[..., Any]] = {
    **{name: getattr(mp, name) for name in ("exp", "expm1", "log", "log1p", "log10", "sqrt", "cbrt", "hypot")},
    **{name: getattr(mp, name) for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh")},
    **{f"arc{name}": getattr(mp, f"a{name}") for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh", "tan2")},
    "exp2": lambda x: mp.mpf(2) ** x,
    "log2": lambda x: mp.log(x) / mp.log(2),
    "rint": mp.nint,
}
ELEMENTWISE: dict[str, Callable[..., Any]] = {
    **METHODS,
    "bounded": lambda x: x,
    "sigmoid": _sigmoid,
    "softplus": lambda x: mp.log1p(mp.exp(x)),
    "log_sigmoid": lambda x: -mp.log1p(mp.exp(-x)),
    "erf": mp.erf,
    "erfc": mp.erfc,
    "share_below": _below,
    "bell": lambda x, half=False: mp.exp(-x * x / (2 if half else 1)),
    "silu": lambda x: x * _sigmoid(x),
    "gelu": _gelu,
    "elu": _elu,
    "selu": lambda x: _SCALE * _elu(x, _ALPHA),
    "leaky_relu": lambda x, negative_slope=0.01: x if x > 0 else negative_slope * x,
    "relu": lambda x: max(x, mp.zero),
    "hard_tanh": lambda x: min(max(x, -mp.one), mp.one),
    "relu6": lambda x: min(max(x, mp.zero), 6 * mp.one),
    "softsign": lambda x: x / (1 + abs(x)),
    "sech2": lambda x: mp.sech(x) ** 2,
    "cbrt_slope": lambda x: 1 / (3 * mp.cbrt(x * x)),
    "one_less_square": lambda x: 1 - x * x,
    "root_above_one": lambda x: mp.sqrt(x * x - 1),
    "logaddexp": _logaddexp,
    "logaddexp2": lambda a, b: _logaddexp(a * mp.ln2, b * mp.ln2) / mp.ln2,
    "odds": lambda a, b: mp.exp(a - b),
    "odds2": lambda a, b: mp.mpf(2) ** (a - b),
    "sinc": lambda x: mp.sinc(mp.pi * x),
    "power": lambda a, b: a**b,
    "float_power": lambda a, b: a**b,
    "remainder": lambda a, b: a - b * mp.floor(_countable(a / b)),
    "fmod": lambda a, b: a - b * (mp.floor if a / b > 0 else mp.ceil)(_countable(a / b)),
    "deg2rad": lambda x: x * mp.pi / 180,
    "radians": lambda x: x * mp.pi / 180,
    "rad2deg": lambda x: x * 180 / mp.pi,
    "degrees": lambda x: x * 180 / mp.pi,
    "absolute": abs,
    "fabs": abs,
    "copysign": lambda a, b: abs(a) if b > 0 else -abs(a),
    **dict.fromkeys(("maximum", "fmax"), max),
    **dict.fromkeys(("minimum", "fmin"), min),
    **{name: lambda x: x for name in ("positive", "real", "conjugate", "real_if_close", "nan_to_num")},
    **{name: getattr(mp, name) for name in ("sec", "csc", "cot", "sech", "csch", "coth")},
    "arcsec": lambda x: mp.acos(1 / x),
    "arccsc": lambda x: mp.asin(1 / x),
    "arccot": lambda x: mp.atan(1 / x),
    "arcsech": lambda x: mp.acosh(1 / x),
    "arccsch": lambda x: mp.asinh(1 / x),
    "arccoth": lambda x: mp.atanh(1 / x),
}
for _name, _function in METHODS.items():
    setattr(mp.mpf, _name, lambda self, *rest, _f=_function: _f(self, *rest))
METHODS["cbrt"] = ELEMENTWISE["cbrt"] = lambda x: mp.cbrt(x) if x >= 0 else -mp.cbrt(-x)


def _rows(a: Any) -> Any:
    """The matrices of a stack, each as a matrix of many digits."""
    return [mp.matrix(m.tolist()) for m in a.reshape(-1, *a.shape[-2:])]


def _stacked(results: Sequence[Any], lead: tuple[int, ...]) -> Any:
    parts = [r.tolist() if isinstance(r, mp.matrix) else r for r in results]
    return np.reshape(np.array(parts, dtype=object), (*lead, *np.shape(parts[0])))


def _each(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of a matrix, for every matrix of a stack."""
    return lambda a: _stacked([function(m) for m in _rows(a)], a.shape[:-2])


def _solve(a: Any, b: Any) -> Any:
    if b.ndim == 1:
        return _stacked([mp.inverse(m) * mp.matrix(b.tolist()) for m in _rows(a)], a.shape[:-2])[..., 0]
    return np.matmul(_each(mp.inverse)(a), b)


def _transposed(upper: bool, a: Any) -> Any:
    return np.swapaxes(a, -1, -2) if upper else a


def _mirrored(a: Any, upper: bool) -> Any:
    """The symmetric matrix with one triangle of a."""
    low = np.tril(np.ones(a.shape[-2:], dtype=bool)) if not upper else np.triu(np.ones(a.shape[-2:], dtype=bool))
    return np.where(low, a, np.swapaxes(a, -1, -2))


def _recurrence(f: Any, t: Any) -> Any:
    rows = [t[..., 0]]
    for i in range(1, t.shape[-1]):
        rows.append(f[..., i] * rows[-1] + t[..., i])
    return np.stack(rows, axis=-1)


def _refuse() -> Any:
    raise NotImplementedError  # NumPy makes floats of objects there


def _softmax(x: Any, axis: Any = -1) -> Any:
    e = np.exp(x)
    return e / np.sum(e, axis=axis, keepdims=True)


def _layer_norm(x: Any, scale: Any, shift: Any, axis: Any = -1, eps: float = 1e-5) -> Any:
    deviation = x - np.sum(x, axis=axis, keepdims=True) / _count(x, axis)
    return (
        deviation / np.sqrt(np.sum(deviation**2, axis=axis, keepdims=True) / _count(x, axis) + eps) * scale + shift
    )


def _count(x: Any, axis: Any) -> int:
    return x.size if axis is None else int(np.prod([x.shape[i] for i in np.atleast_1d(axis)]))


def _var(x: Any, axis: Any = None, ddof: float = 0, keepdims: bool = False) -> Any:
    deviation = x - np.sum(x, axis=axis, keepdims=True) / _count(x, axis)
    return np.sum(deviation**2, axis=axis, keepdims=keepdims) / (_count(x, axis) - ddof)


def _cross_entropy(z: Any, t: Any) -> Any:
    if np.shape(t) != z.shape:
        t = np.equal(np.expand_dims(t, -1), np.arange(z.shape[-1])) * 1
    return np.sum(-t * np.log(_softmax(z))) / max(math.prod(z.shape[:-1]), 1)


def _norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    if (x.ndim if axis is None else np.size(axis)) == 2 and ord not in (None, "fro", "f"):
        raise NotImplementedError
    if ord in (np.inf, -np.inf):
        return (np.max if ord > 0 else np.min)(np.abs(x), axis=axis, keepdims=keepdims)
    p = 2 if ord in (None, "fro", "f") else mp.mpf(ord)
    return np.sum(np.abs(x) ** p, axis=axis, keepdims=keepdims) ** (1 / p)


OTHERS: dict[str, Callable[..., Any]] = {
    "softmax": _softmax,
    "log_softmax": lambda x, axis=-1: np.log(_softmax(x, axis)),
    "logsumexp": lambda x, axis=None, keepdims=False: np.log(np.sum(np.exp(x), axis=axis, keepdims=keepdims)),
    "var": _var,
    "std": lambda *args, **params: np.sqrt(_var(*args, **params)),
    "length": lambda x, axis=None: np.sqrt(np.sum(x * x, axis=axis, keepdims=True)),
    "direction": lambda x, axis=None: x / np.sqrt(np.sum(x * x, axis=axis, keepdims=True)),
    "layer_norm": _layer_norm,
    "cross_entropy": _cross_entropy,
    "binary_cross_entropy_with_logits": lambda z, t: np.sum(
        t * np.log(1 + np.exp(-z)) + (1 - t) * np.log(1 + np.exp(z))) / max(z.size, 1),
    "others": lambda x, axis=None: np.prod(x, axis=axis, keepdims=True) / x,
    "recurrence": _recurrence,
    "linalg.norm": _norm,
    "linalg.vector_norm": lambda x, axis=None, keepdims=False, ord=2: _norm(x, ord, axis, keepdims),
    "linalg.det": _each(mp.det),
    "linalg.inv": _each(mp.inverse),
    "inverse_lower": lambda a: _each(mp.inverse)(np.tril(a)),
    "linalg.solve": _solve,
    "linalg.cholesky": lambda a, upper=False: _transposed(upper, _each(mp.cholesky)(_mirrored(a, upper))),
    "linalg.eigvalsh": lambda a, UPLO="L": _each(lambda m: mp.eigsy(m, eigvals_only=True))(
        _mirrored(a, UPLO in "Uu"))[..., 0],
    "gradient": lambda *args, **params: _refuse(),
}  # fmt: skip


# -------------------------------------------------------------------------------------------- measuring


@dataclass
class Found:
    """The largest errors of an op's gradients, in units of the last place, by type; and what they are against."""

    units: dict[Any, float]
    against: str
    where: dict[Any, Any]


def exponents(kind: Any, domain: Any) -> Any:
    """Numbers of every size that the type has, close to 1, and as they are usually met."""
    limits = np.finfo(kind)
    sizes = np.ldexp(
        1.0, np.arange(limits.minexp + 1, limits.maxexp, max((limits.maxexp - limits.minexp) // 50, 1))
    )
    ends = 1 + np.concatenate([s * np.ldexp(1.0, -np.arange(1, limits.nmant, 3)) for s in (1, -1)])
    usual = np.concatenate([np.linspace(0.05, 12.0, 61), np.linspace(13.0, 745.0, 47)])
    x = np.concatenate([sizes * 1.2345, sizes * 1.876, ends, usual])
    x = np.concatenate([x, -x]).astype(kind)
    for kink in domain.avoid:
        x = x[x != kink]
    return x


def _operands(op: Op, kind: Any) -> list[Any]:
    """Arrays of one length for each input of an elementwise op."""
    first = exponents(kind, op.domain[0])
    rng = np.random.default_rng(0)
    rest = [rng.permutation(first) if d.kind == "f" else rng.integers(-3, 3, first.size) for d in op.domain[1:]]
    if len(op.domain) == 2 and op.domain[1].kind == "f":  # and pairs of one size
        near = (first * 0.5 * rng.uniform(0.3, 2.0, first.size)).astype(kind)
        return [np.concatenate([first, first]), np.concatenate([rest[0], near])]
    return [first, *rest]


def _slope(f: Callable[..., Any], xs: Sequence[Any], k: int) -> Any:
    """∂f/∂x of input k, in many digits; nan where it has none."""
    at = [mp.mpf(float(x)) if isinstance(x, (float, np.floating)) else int(x) for x in xs]
    h = min(abs(at[k]), mp.one) * STEP
    try:
        mp.mpf(f(*at))  # it takes that point itself
        slope = (f(*at[:k], at[k] + h, *at[k + 1 :]) - f(*at[:k], at[k] - h, *at[k + 1 :])) / (2 * h)
        return slope if isinstance(slope, mp.mpf) else mp.nan
    except (ValueError, ZeroDivisionError, OverflowError, mpmath.libmp.ComplexResult, TypeError):
        return mp.nan


def _beside(f: Callable[..., Any], xs: Sequence[Any], k: int) -> Any:
    near = [[*xs[:k], xs[k] * (1 + s * BESIDE), *xs[k + 1 :]] for s in (1, -1)]
    found = [abs(_slope(f, each, k)) for each in near]
    return max((s for s in found if not mp.isnan(s)), default=mp.zero)


def units(got: Any, want: Any, size: Any, kind: Any) -> float:
    """|got - want| in units of the last place of a number of that size."""
    if not np.isfinite(got):
        return math.inf
    last = mp.mpf(2) ** (mp.frexp(max(abs(want), abs(size)))[1] - 1 - np.finfo(kind).nmant)
    return float(abs(mp.mpf(float(got)) - want) / last)


def elementwise(op: Op, function: Callable[..., Any], every: int = 1) -> Found:
    """The errors of an elementwise op, over the whole range of exponents."""
    found = Found({}, "mpmath, all exponents", {})
    mp.dps = DIGITS[len(op.domain)]
    for kind in KINDS:
        inputs = [x[::every] for x in _operands(op, kind)]
        limits, worst, where = np.finfo(kind), 0.0, None
        with np.errstate(all="ignore"):
            value = invoke(op, inputs, {})
            for k, rule in enumerate(op.vjps or ()):
                if rule is None or op.domain[k].kind != "f":
                    continue

                def f(x: Any, k: int = k, inputs: Any = inputs) -> Any:
                    return invoke(op, [*inputs[:k], x, *inputs[k + 1 :]], {})

                both = [grad(lambda x: np.sum(f(x)))(inputs[k])]
                if op.jvps[k] is not rule:
                    both.append(jvp(f, (inputs[k],), (np.ones_like(inputs[k]),))[1])
                for i, xs in enumerate(zip(*inputs, strict=True)):
                    if not np.isfinite(value[i]):
                        continue
                    want = _slope(function, xs, k)
                    if mp.isnan(want) or (want and not limits.tiny <= abs(want) <= limits.max):
                        continue
                    for got in both:
                        error = units(got[i], want, want, kind) if want else float(abs(got[i]))
                        if error > max(worst, 1):
                            error = units(got[i], want, _beside(function, xs, k), kind)
                        if error > worst:
                            worst, where = error, (k, [float(x) for x in xs], float(got[i]), float(want))
        found.units[kind], found.where[kind] = worst, where
    return found


def _as_digits(x: Any) -> Any:
    x = np.asarray(x)
    if x.dtype.kind != "f":
        return x
    return np.reshape(np.array([mp.mpf(float(c)) for c in x.ravel()], dtype=object), x.shape)


def _flat(y: Any) -> list[Any]:
    parts = y if isinstance(y, (tuple, list)) else (y,)
    return [c for part in parts for c in np.ravel(np.asarray(part, dtype=object))]


def _in_digits(op: Op, function: Callable[..., Any], call: Any, cotangent: Any, k: int) -> Any:
    """Σ cotangent · ∂y/∂x of input k, in many digits."""
    inputs = [_as_digits(x) for x in call.inputs]
    rows, v = [], [mp.mpf(float(c)) for c in cotangent]
    for i in range(inputs[k].size):
        sides = []
        for sign in (1, -1):
            moved = inputs[k].copy()
            moved.flat[i] += sign * STEP
            y = _flat(function(*[*inputs[:k], moved, *inputs[k + 1 :]], **call.params))
            if not all(isinstance(c, (mp.mpf, int)) for c in y):
                raise TypeError("the function made floats of them")
            sides.append(mp.fsum(a * b for a, b in zip(v, y, strict=True)))
        rows.append((sides[0] - sides[1]) / (2 * STEP))
    return rows


def _cast(x: Any, kind: Any) -> Any:
    return np.asarray(x).astype(kind)[()] if np.asarray(x).dtype.kind == "f" else x


def _gradient(op: Op, inputs: Sequence[Any], params: Any, k: int, cotangent: Any) -> Any:
    def f(x: Any) -> Any:
        y = invoke(op, [*inputs[:k], x, *inputs[k + 1 :]], params)
        parts = y if isinstance(y, (tuple, list)) else (y,)
        ends = np.cumsum([0, *(np.size(p) for p in parts)])
        pieces = [np.reshape(cotangent[a:b], np.shape(p)) for a, b, p in zip(ends, ends[1:], parts, strict=False)]
        return sum((np.sum(c.astype(x.dtype) * p) for c, p in zip(pieces, parts, strict=True)), start=0.0)

    return grad(f)(inputs[k])


def by_calls(op: Op, count: int = CALLS) -> Found:
    """The errors of any other op, on drawn inputs: of the largest entry of each gradient."""
    name = user_name(op)
    function = OTHERS.get(name) or (lambda *xs, **params: op.forward(*xs, **params))
    found = Found(dict.fromkeys(KINDS, 0.0), "mpmath", {})
    mp.dps, compared = 100, 0
    for call in random_calls(op, count):
        for kind in KINDS:
            inputs = [_cast(x, kind) for x in call.inputs]
            with np.errstate(all="ignore"):
                y = np.array([float(c) for c in _flat(invoke(op, inputs, call.params))])
            cotangent = np.asarray(np.random.default_rng(1).uniform(0.5, 1.5, y.size), dtype=np.float32)
            for k, x in enumerate(inputs):
                rule = op.vjps[0 if op.variadic else k]
                if rule is None or np.asarray(x).dtype.kind != "f" or not np.size(x):
                    continue
                got = np.ravel(_gradient(op, inputs, call.params, k, cotangent))
                drawn = replace(call, inputs=tuple(inputs))
                try:
                    want = _in_digits(op, function, drawn, cotangent, k)
                    compared += 1
                except Exception:  # the function does not run on objects
                    found.against = "in part float64"
                    if kind is np.float64:
                        continue
                    wide = [_cast(x, np.float64) for x in inputs]
                    want = [mp.mpf(float(c)) for c in np.ravel(_gradient(op, wide, call.params, k, cotangent))]
                size = max(*map(abs, want), FLOOR)
                for a, b in zip(got, want, strict=True):
                    error = units(a, b, size, kind)
                    if error > found.units[kind]:
                        found.units[kind], found.where[kind] = error, (k, float(a), float(b), call.params)
    if not compared:
        found.against = "float64"
        found.units.pop(np.float64)
    return found


def measure(op: Op, thin: int = 1) -> Found:
    """The errors of one op. thin: tries only one point in so many."""
    function = ELEMENTWISE.get(user_name(op))
    if function:
        return elementwise(op, function, thin)
    found = by_calls(op, max(CALLS // thin, 2))
    return found if len(found.units) == len(KINDS) else by_calls(op, CALLS)  # a few draws may hold nothing but nan


def ops() -> dict[str, Op]:
    """All ops with a gradient, by the names users call them by, but for those that need SciPy.

    `tests/rules/test_special.py` holds the bounds of the latter.
    """
    own = {id(op): op for op in TABLE.values() if op.vjps and not _is_of_scipy(op)}
    return dict(sorted((user_name(op), op) for op in own.values()))


def _is_of_scipy(op: Op) -> bool:
    module = getattr(op.function, "__module__", None) or ""
    return module.startswith("minigrad.rules.scipy") or user_name(op).startswith("special.")


# -------------------------------------------------------------------------------------------- the page


def bound(error: float) -> int:
    """What may be promised of an error on other processors: the next power of two above twice of it; at least 4."""
    return 0 if error == 0 else max(4, 2 ** math.ceil(math.log2(2 * error)))


HEAD = """# Digits

Made by `python -m tests.digits`; do not edit.

How many units in the last place the gradient of each op may be off, for float64 and for float32: the next power of
two above twice what was found. A float has 2⁵³ or 2²⁴ of them.

- Against *mpmath, all exponents*: elementwise ops, at some 500 numbers of every size that the type has, wherever
  the value is finite and the slope an ordinary number; each slope for itself. Near a zero of the slope, the
  largest slope within a thousandth of the point counts.
- Against *mpmath*: all others, on inputs drawn from their domains (matrices far from singular ones); in units of
  the largest entry of each gradient. A larger condition number multiplies the error.
- Against *float64*: no function of many digits is known; float32 beside the same rule in float64. *In part*: for
  some of the op's options.
- 0: exact, as for ops that only move entries.
"""


def rows(found: dict[str, Found]) -> Iterator[str]:
    """The table."""
    yield "| op | float64 | float32 | against |"
    yield "| --- | --- | --- | --- |"
    for name, each in found.items():
        cells = [str(bound(each.units[kind])) if kind in each.units else "" for kind in KINDS]
        yield f"| {name} | {' | '.join(cells)} | {each.against} |"


def main(part: str = "") -> None:
    """Measure, and write the page."""
    found = {}
    for name, op in ops().items():
        if part in name:
            found[name] = measure(op)
            each = found[name]
            print(
                f"{name:24}",
                *(f"{each.units.get(kind, math.nan):10.2f}" for kind in KINDS),
                each.against,
                flush=True,
            )
            if part or max(each.units.values(), default=0) > 4:
                print("   ", each.where)
    if not part:
        PAGE.write_text(HEAD + "\n" + "\n".join(rows(found)) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
