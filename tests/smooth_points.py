"""Counts wrong slopes at ordinary points, and writes the table of docs/nan-and-zero.md.

    python -m tests.smooth_points          counts, lists what is wrong, and writes the table
    python tests/smooth_points.py --list   the same without writing, for the minigrad that PYTHONPATH names

Formulas as people write them, where the value is right and the slopes are ordinary numbers: yet products on the
way may be too large or too small, or cancel. `formula(m, x)` is written for any module m of mathematics: NumPy
gives floats, `Digits` numbers of mpmath, as many digits as are asked for.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import mpmath
import numpy as np
from mpmath import mp

from minigrad import grad, jvp

PAGE = Path(__file__).resolve().parents[1] / "docs" / "nan-and-zero.md"
MARKS = "<!-- python -m tests.smooth_points -->\n", "<!-- end -->\n"
TOLERANCE = 1e-3
UNITS = 16  # of the last place of the value, that rounding may move it by
ROUNDING = 1e3  # of second derivatives: what is left of slopes that cancel, in units of their rounding
KINDS = (np.float64, np.float32)
# The counts of commit 4ec246c: right, nan or inf, wrong, and wrong by more than rounding explains.
BEFORE = {
    ("float64", "reverse"): (439, 6, 40, 18),
    ("float64", "forward"): (439, 8, 38, 17),
    ("float64", "second"): (326, 36, 48, 27),
    ("float32", "reverse"): (265, 12, 50, 28),
    ("float32", "forward"): (269, 10, 48, 27),
    ("float32", "second"): (173, 48, 52, 29),
}
DIGITS = 1500  # the formulas cancel, and e^600 stands beside e^-600


class Digits:
    """What the formulas call of NumPy, for numbers of mpmath and object arrays of them."""

    sum, max, mean, prod, square = np.sum, np.max, np.mean, np.prod, np.square


for _name, _twin in {
    **{
        name: name for name in ("exp", "log", "sqrt", "cbrt", "expm1", "log1p", "sin", "cos", "tan", "sinh", "cosh")
    },
    "tanh": "tanh",
    "arctan": "atan",
    "arcsin": "asin",
    "arcsinh": "asinh",
    "arccosh": "acosh",
    "arctanh": "atanh",
    "arctan2": "atan2",
    "hypot": "hypot",
    "log10": "log10",
}.items():
    setattr(
        Digits,
        _name,
        staticmethod(np.frompyfunc(getattr(mp, _twin), 2 if "2" in _twin or _name == "hypot" else 1, 1)),
    )
Digits.log2 = staticmethod(np.frompyfunc(lambda x: mp.log(x, 2), 1, 1))  # type: ignore[attr-defined]
Digits.logaddexp = staticmethod(np.frompyfunc(lambda a, b: mp.log(mp.exp(a) + mp.exp(b)), 2, 1))  # type: ignore[attr-defined]

Formula = Callable[[Any, Any], Any]
OF_NUMBERS: dict[str, tuple[Formula, Sequence[float]]] = {
    "log of the logistic density": (lambda m, x: m.log(m.exp(-x) / (1 + m.exp(-x)) ** 2), (-250, -40, -3, 2, 40, 250)),
    "log of a sigmoid": (lambda m, x: m.log(1 / (1 + m.exp(-x))), (-400, -80, -3, 5, 30)),
    "sigmoid": (lambda m, x: 1 / (1 + m.exp(-x)), (-600, -80, -50, -3, 5)),
    "sigmoid, the other way": (lambda m, x: m.exp(x) / (1 + m.exp(x)), (-600, -80, -3, 5, 40, 60)),
    "softplus": (lambda m, x: m.log(1 + m.exp(x)), (-3, 3, 50, 80, 400, 700)),
    "log-odds": (lambda m, x: m.log(x / (1 - x)), (1e-300, 1e-30, 0.3, 0.999)),
    "tanh by exponentials": (lambda m, x: (m.exp(x) - m.exp(-x)) / (m.exp(x) + m.exp(-x)), (-0.1, 0.5, 3, 40)),
    "tanh by one exponential": (lambda m, x: 1 - 2 / (m.exp(2 * x) + 1), (-0.5, 0.5, 5, 30, 43, 300)),
    "secant of a hyperbola": (lambda m, x: 1 / m.cosh(x), (-600, -60, -3, 3, 80, 300)),
    "its logarithm": (lambda m, x: m.log(1 / m.cosh(x)), (-600, -60, 3, 80, 300)),
    "log cosh": (lambda m, x: m.log(m.cosh(x)), (-600, -60, -1, 3, 80)),
    "log sinh": (lambda m, x: m.log(m.sinh(x)), (1e-200, 1e-20, 1, 80, 600)),
    "log of the square of a secant": (lambda m, x: m.log((1 / m.cosh(x)) ** 2), (-300, -40, 1, 40, 300)),
    "log of a normal density": (lambda m, x: m.log(m.exp(-x * x / 2)), (-30, -13, 0.1, 3, 13, 35)),
    "weight of a mixture": (
        lambda m, x: m.exp(-x * x / 2) / (m.exp(-x * x / 2) + m.exp(-((x - 1) ** 2) / 2)), (-30, -12, 3, 12, 30)),
    "Cauchy's density": (lambda m, x: 1 / (1 + x * x), (1e-100, 0.5, 1e10, 1e15, 1e18, 1e100, 1e150)),
    "its logarithm (2)": (lambda m, x: m.log(1 / (1 + x * x)), (0.5, 1e10, 1e15, 1e18, 1e100, 1e150)),
    "Student's log-density": (lambda m, x: -2 * m.log(1 + x * x / 3), (0.5, 1e10, 1e18, 1e100, 1e150)),
    "arctan of an exponential": (lambda m, x: m.arctan(m.exp(x)), (-300, -50, 1, 40, 60, 80, 300, 600)),
    "an angle": (lambda m, x: m.arctan2(m.exp(x), 1e-3), (-300, -60, 1, 60, 80, 400)),
    "arctan of a reciprocal": (lambda m, x: m.arctan(1 / x), (1e-30, 1e-200, 2.0, 1e200)),
    "root of a square": (lambda m, x: m.sqrt(x * x), (1e-18, 1e-100, 2.0, 1e15, 1e100)),
    "root of one and a square": (lambda m, x: m.sqrt(1 + x * x), (1e-10, 1.0, 1e15, 1e100)),
    "squashing by a root": (lambda m, x: x / m.sqrt(1 + x * x), (1e-100, 1.0, 1e5, 1e12, 1e100)),
    "squashing an exponential": (lambda m, x: m.exp(x) / (1 + m.exp(x)), (-300, 1, 60, 80, 300)),
    "saturation": (lambda m, x: 1e30 * x / (1 + 1e30 * x), (1e-35, 1e-30, 1e-29, 1e-20, 1.0)),
    "Hill's curve": (lambda m, x: x**4 / (1 + x**4), (1e-40, 1e-9, 0.5, 1e5, 1e9, 1e40)),
    "its logarithm (3)": (lambda m, x: m.log(x**4 / (1 + x**4)), (1e-40, 1e-9, 0.5, 1e5)),
    "inverse square": (lambda m, x: 1 / x**2, (1e-100, 1e-18, 2.0, 1e12, 1e18, 1e120, 1e150)),
    "log of an inverse square": (lambda m, x: m.log(1 / x**2), (1e-150, 1e-18, 2.0, 1e18, 1e150)),
    "log of a negative power": (lambda m, x: m.log(x**-2.0), (1e-150, 1e-18, 2.0, 1e18, 1e150)),
    "log of a reciprocal": (lambda m, x: m.log(1 / x), (1e-300, 1e-30, 2.0, 1e30, 1e300)),
    "log of a power": (lambda m, x: m.log(x**10), (1e-30, 1e-3, 2.0, 1e3, 1e30)),
    "log of a root": (lambda m, x: m.log(m.sqrt(x)), (1e-300, 1e-30, 2.0, 1e30, 1e300)),
    "log of a cube root": (lambda m, x: m.log(m.cbrt(x)), (1e-300, 1e-30, 2.0, 1e30, 1e300)),
    "log10 of an exponential": (lambda m, x: m.log10(m.exp(x)), (-700, -80, 1, 80, 700)),
    "log2 of an exponential": (lambda m, x: m.log2(m.exp(x)), (-700, -80, 1, 80, 700)),
    "root of an exponential": (lambda m, x: m.sqrt(m.exp(x)), (-700, -80, 1, 80, 700)),
    "Planck's law": (lambda m, x: x**3 / (m.exp(x) - 1), (1e-2, 1.0, 60, 80, 300, 600)),
    "Bose's law": (lambda m, x: 1 / (m.exp(x) - 1), (1e-2, 1.0, 60, 80, 300, 600)),
    "Fermi's law": (lambda m, x: 1 / (m.exp(x) + 1), (-3, 1.0, 60, 80, 300, 600)),
    "Bernoulli's function": (lambda m, x: x / m.expm1(x), (1e-2, 1.0, 60, 80, 300, 600)),
    "log of one less an exponential": (lambda m, x: m.log(-m.expm1(-x)), (1e-200, 1e-20, 1.0, 30)),
    "log1p of an exponential": (lambda m, x: m.log1p(m.exp(-x)), (-600, -80, 1.0, 50, 80, 300)),
    "Lennard and Jones": (lambda m, x: (1 / x) ** 12 - (1 / x) ** 6, (1e-20, 1e-2, 1.1, 1e3, 1e5, 1e20, 1e40)),
    "the same by powers": (lambda m, x: x**-12 - x**-6, (1e-20, 1e-2, 1.1, 1e3, 1e5, 1e20, 1e40)),
    "Box and Cox": (lambda m, x: (x**0.3 - 1) / 0.3, (1e-200, 1e-20, 2.0, 1e20, 1e200)),
    "Weibull's log-density": (
        lambda m, x: m.log(2.5 * x**1.5 * m.exp(-(x**2.5))), (1e-100, 1e-20, 1.0, 5.0, 13.0)),
    "entropy of one share": (lambda m, x: -x * m.log(x), (1e-300, 1e-30, 0.5, 1e30)),
    "entropy of two shares": (lambda m, x: -x * m.log(x) - (1 - x) * m.log(1 - x), (1e-300, 1e-30, 0.4, 0.999)),
    "log-odds of a sigmoid": (lambda m, x: m.log(1 / (1 + m.exp(-x)) / (1 - 1 / (1 + m.exp(-x)))), (-300, -60, -5, 2)),
    "arsinh by a logarithm": (lambda m, x: m.log(x + m.sqrt(x * x + 1)), (1e-3, 1.0, 1e10, 1e18, 1e100)),
    "harmonic mean of two": (lambda m, x: 2 / (1 / x + 1 / 3), (1e-200, 1e-25, 2.0, 1e25, 1e150)),
    "resistors side by side": (lambda m, x: x * 3 / (x + 3), (1e-200, 1e-25, 2.0, 1e15, 1e100)),
    "reciprocal of a reciprocal": (lambda m, x: 1 / (1 / x), (1e-300, 1e-30, 2.0, 1e30, 1e300)),
    "scaled and back": (lambda m, x: x / 1e25 / 1e10 * 1e35, (1e-3, 1.0, 1e30, 1e200)),
    "quotient of powers": (lambda m, x: x**3 / x**2, (1e-100, 1e-12, 2.0, 1e12, 1e100)),
    "a mean of sines": (lambda m, x: m.sin(x) / x, (1e-2, 1.0, 1e5)),
    "tanh by its argument": (lambda m, x: m.tanh(x) / x, (1e-2, 1.0, 40, 1e12, 1e100)),
    "log tanh": (lambda m, x: m.log(m.tanh(x)), (1e-300, 1e-30, 1e-3, 1.0)),
    "exponential of a reciprocal": (lambda m, x: m.exp(-1 / x), (0.002, 0.015, 1.0, 1e15, 1e100)),
    "a smooth bump": (lambda m, x: m.exp(-1 / (x * x)), (0.05, 0.15, 1.0, 1e8, 1e50)),
    "x to the x": (lambda m, x: x**x, (1e-300, 1e-30, 0.5, 3.0, 20.0)),
    "x-th root of x": (lambda m, x: x ** (1 / x), (0.01, 0.5, 3.0, 1e10, 1e30)),
    "distance": (lambda m, x: m.hypot(x, 1e-5), (1e-30, 1e-5, 1.0, 1e30, 1e200)),
    "arsinh of an exponential": (lambda m, x: m.arcsinh(m.exp(x)), (-300, -60, 1, 60, 80, 400)),
    "arcosh of a cosh": (lambda m, x: m.arccosh(m.cosh(x)), (1.0, 60, 80, 400)),
    "sum of logs of exponentials": (lambda m, x: m.logaddexp(x, 2 * x), (-1e4, -300, 1, 80, 1e6)),
}  # fmt: skip
OF_VECTORS: dict[str, tuple[Formula, Sequence[Sequence[float]]]] = {
    "log of a sum": (lambda m, v: m.log(m.sum(m.exp(v))), ((600, 599, 0), (80, 79, 60), (-600, -601), (-80, -81))),
    "the same, from the largest": (
        lambda m, v: m.max(v) + m.log(m.sum(m.exp(v - m.max(v)))), ((1e4, 1e4 - 1), (0, -80), (-1e6, -1e6 + 3))),
    "entropy of a softmax": (lambda m, v: _entropy(m, m.exp(v)), ((0, -80), (0, -90), (0, -300), (0, -600), (1, 2, 3))),
    "log of a share": (lambda m, v: m.log(m.exp(v[1]) / m.sum(m.exp(v))), ((0, -80), (0, -90), (0, -600), (80, 79))),
    "a share": (lambda m, v: m.exp(v[0]) / m.sum(m.exp(v)), ((0, -3), (0, -40), (30, -30), (300, -300))),
    "geometric mean": (lambda m, v: m.exp(m.mean(m.log(v))), ((1e-300, 1.0), (1e-30, 2.0), (3.0, 4.0), (1e30, 1e200))),
    "root of a product": (lambda m, v: m.sqrt(m.prod(v)), ((1e-200, 1e100), (1e-30, 1e30), (3.0, 4.0), (1e150, 1e150))),
    "log of a product": (lambda m, v: m.log(m.prod(v)), ((1e-200, 1e100), (1e-30, 1e35), (3.0, 4.0), (1e30, 1e-35))),
    "log of a product of three": (lambda m, v: m.log(m.prod(v)), ((1e-200, 1e150, 1e150), (1e-30, 1e20, 1e20))),
    "harmonic mean": (lambda m, v: 2 / m.sum(1 / v), ((1e-200, 2.0), (1e-25, 2.0), (3.0, 4.0), (1e25, 1e30))),
    "length": (lambda m, v: m.sqrt(m.sum(v * v)), ((3.0, 4.0), (1e-18, 1e-18), (1e18, 1e17), (1e150, 1e149))),
    "log of a length": (lambda m, v: m.log(m.sqrt(m.sum(v * v))), ((3.0, 4.0), (1e-18, 1e-18), (1e18, 1e17))),
    "direction": (lambda m, v: v[0] / m.sqrt(m.sum(v * v)), ((3.0, 4.0), (1e-18, 1e-18), (1e12, 1e13), (1e100, 1e101))),
    "inverse distance": (lambda m, v: 1 / m.sqrt(m.sum(v * v)), ((3.0, 4.0), (1e-18, 1e-18), (1e15, 1e14), (1e90, 0))),
    "scale-free spread": (
        lambda m, v: m.mean(m.square(v - m.mean(v))) / m.square(m.mean(v)), ((3.0, 4.0), (1e12, 3e12), (1e70, 2e70))),
    "log-variance": (lambda m, v: m.log(m.mean(m.square(v - m.mean(v)))), ((3.0, 4.0), (1e18, 3e18), (1e150, 2e150))),
    "cross ratio": (lambda m, v: v[0] / v[1] * (v[2] / v[3]), ((1, 2, 3, 4), (1e30, 1e-5, 1e-30, 1e5))),
    "log of a ratio": (lambda m, v: m.log(v[0] / v[1]), ((1e-200, 1e100), (1e-30, 1e7), (2.0, 3.0), (1e200, 1e-100))),
    "quotient of small ones": (lambda m, v: v[0] / v[1], ((1e-200, 1e-200), (1e-30, 2e-30), (1e200, 3e200), (1e30, 3e30))),
    "relative difference": (
        lambda m, v: (v[0] - v[1]) / (v[0] + v[1]), ((2.0, 3.0), (1e-30, 3e-30), (1e25, 3e25), (1e200, 2e200))),
}  # fmt: skip


def _entropy(m: Any, e: Any) -> Any:
    p = e / m.sum(e)
    return -m.sum(p * m.log(p))


@dataclass(frozen=True)
class Point:
    """A formula at a point where its value and its slopes are ordinary numbers of a type."""

    name: str
    formula: Formula
    x: Any
    slopes: tuple[float, ...]  # one per entry
    second: tuple[float, ...]  # how each slope changes along x; nan where that is no ordinary number
    value: float

    def __str__(self) -> str:
        """The formula and the point."""
        return f"{self.name} at {self.x.tolist()}"


def _ordinary(number: Any, kind: Any) -> bool:
    """Whether it is a number of that type with all its digits."""
    return bool(np.finfo(kind).tiny <= abs(number) <= np.finfo(kind).max)


def _truth(formula: Formula, x: Any) -> tuple[Any, list[Any], list[Any]]:
    """The value, its slopes, and the slopes of these along x + s: central differences with hundreds of digits."""
    at = np.array([mp.mpf(float(c)) for c in np.atleast_1d(x)], dtype=object)
    step = mp.mpf(10) ** -300  # its square is nothing beside a second derivative of 1e-174
    steps = np.diag([step * max(abs(c), mp.mpf(10) ** -310) for c in at])

    def f(v: Any) -> Any:
        return formula(Digits, v if np.ndim(x) else v[0])

    def slope(v: Any, k: int) -> Any:
        return (f(v + steps[k]) - f(v - steps[k])) / (2 * steps[k, k])

    indices = range(len(at))
    curves = [(slope(at * (1 + step), k) - slope(at * (1 - step), k)) / (2 * step) for k in indices]
    return f(at), [slope(at, k) for k in indices], curves


def points(kind: Any) -> Iterator[Point]:
    """Every formula at every point where NumPy gives the right value in that type, and all slopes are ordinary."""
    with mpmath.workdps(DIGITS), np.errstate(all="ignore"):
        for name, (formula, at) in (*OF_NUMBERS.items(), *OF_VECTORS.items()):
            for numbers in at:
                x = np.asarray(numbers, dtype=kind)[()]
                if not all(c == 0 or _ordinary(c, kind) for c in np.atleast_1d(numbers)):
                    continue
                value, slopes, second = _truth(formula, x)
                got = float(formula(np, x))
                if not (_ordinary(value, kind) and abs(got - value) <= 1e-3 * abs(value)):
                    continue
                if all(_ordinary(s, kind) for s in slopes):
                    curves = tuple(float(c) if _ordinary(c, kind) else np.nan for c in second)
                    yield Point(name, formula, x, tuple(map(float, slopes)), curves, got)


@cache
def all_points(kind: Any) -> list[Point]:
    """The points of `points`."""
    return [*points(kind)]


# ------------------------------------------------------------------------------- what minigrad finds there


def _slopes_back(p: Point) -> Any:
    return np.atleast_1d(grad(lambda x: p.formula(np, x))(p.x))


def _slopes_along(p: Point) -> Any:
    eye = np.eye(np.size(p.x), dtype=p.x.dtype)
    return np.array([jvp(lambda x: p.formula(np, x), (p.x,), (np.reshape(e, np.shape(p.x))[()],))[1] for e in eye])


def _curves(p: Point) -> Any:
    return np.atleast_1d(grad(lambda x: np.sum(grad(lambda x: p.formula(np, x))(x) * p.x))(p.x))


MODES: dict[str, Callable[[Point], Any]] = {"reverse": _slopes_back, "forward": _slopes_along, "second": _curves}


@dataclass(frozen=True)
class Found:
    """What one mode finds at a point: one entry per derivative that is an ordinary number there."""

    point: Point
    got: Any
    want: Any
    right: Any
    explained: Any  # the slope is off by less than what the rounding of the value by `UNITS` hides

    @property
    def lost(self) -> Any:
        """Where it is nan or infinite."""
        return ~np.isfinite(self.got)

    @property
    def wrong(self) -> Any:
        """Where it is another number."""
        return ~self.right & ~self.lost


def found(p: Point, mode: str) -> Found:
    """What a mode finds at a point."""
    want = np.array(p.second if mode == "second" else p.slopes)
    asked, eps = ~np.isnan(want), np.finfo(p.x.dtype).eps
    with np.errstate(all="ignore"):
        got, want, x = np.asarray(MODES[mode](p), float)[asked], want[asked], np.atleast_1d(p.x)[asked]
        off = np.abs(got - want)
        hidden = np.max(np.abs(p.slopes)) * eps * ROUNDING if mode == "second" else 0.0
        right = off <= TOLERANCE * np.abs(want) + hidden
        return Found(p, got, want, right, off * np.abs(x) <= UNITS * eps * abs(p.value))


def count(kind: Any, mode: str) -> tuple[int, ...]:
    """How many derivatives are right, nan or infinite, wrong, and wrong by more than rounding explains."""
    each = [found(p, mode) for p in all_points(kind)]
    masks = [(f.right, f.lost, f.wrong, f.wrong & ~f.explained) for f in each]
    return tuple(int(sum(np.sum(mask) for mask in column)) for column in zip(*masks, strict=True))


def table(counts: dict[tuple[str, str], tuple[int, ...]]) -> str:
    """The counts, beside those of `BEFORE`."""
    heads = ["", "slopes", "right", "nan or inf", "wrong", "more than rounding"]
    lines = [f"| {' | '.join(heads)} |", "|" + "---|" * len(heads)]
    for (kind, mode), now in counts.items():
        cells = [f"{a} → {b}" for a, b in zip(BEFORE[kind, mode], now, strict=True)]
        lines.append(f"| {kind}, {mode} | {sum(now[:3])} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Count, list what is wrong, and write the table unless told not to."""
    counts = {(kind.__name__, mode): count(kind, mode) for kind in KINDS for mode in MODES}
    for kind in KINDS:
        for mode in MODES:
            for f in (found(p, mode) for p in all_points(kind)):
                if not f.right.all():
                    what = "lost" if f.lost.any() else "rounding" if (f.right | f.explained).all() else "WRONG"
                    print(f"{kind.__name__:8}{mode:8} {what:8} {f.point}: {f.got}, not {f.want}")
    print(*counts.items(), sep="\n")
    if "--list" not in sys.argv:
        start, end = MARKS
        before, _, rest = PAGE.read_text(encoding="utf-8").partition(start)
        after = rest.partition(end)[2]
        PAGE.write_text(before + start + "\n" + table(counts) + "\n" + end + after, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
