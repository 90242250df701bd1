"""The points of docs/kinks.md: each function is stated once, as the NumPy code that every library is given.

A point is an expression in `x` (and `y`), and numbers for these. `np` is the library's own `numpy`; a bare name is
a function that NumPy does not have. To add a point, add its line and run `python -m tests.conventions`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

inf = float("inf")
nan = float("nan")
ONES = [[1.0, 1.0], [1.0, 1.0]]
IDENTITY = [[1.0, 0.0], [0.0, 1.0]]
ZEROS = [[0.0, 0.0], [0.0, 0.0]]
EDGES = "Infinite slopes, and edges of the domain"
SMOOTH = "Smooth, where usual formulas fail"


@dataclass(frozen=True, eq=False)
class Point:
    """One line of the page: a real function of `x` and `y` as code, and the point at which it is differentiated."""

    code: str
    x: Any
    y: Any = None
    why: str = ""  # of minigrad's answer, where no single row of its table states the kink

    @property
    def inputs(self) -> tuple[Any, ...]:
        """The numbers for the arguments."""
        return (self.x,) if self.y is None else (self.x, self.y)

    @property
    def place(self) -> str:
        """The numbers as a reader writes them: ``0``, ``(1, 1)``."""
        return ", ".join(map(_text, self.inputs))

    @property
    def key(self) -> str:
        """Its name in the stored results."""
        return f"{self.code} at {self.place}"


def _text(x: Any) -> str:
    if isinstance(x, list):
        return f"({'; '.join(map(_row, x)) if isinstance(x[0], list) else _row(x)})"
    return f"{x:g}"


def _row(x: list[Any]) -> str:
    return ", ".join(f"{one:g}" for one in x)


# fmt: off
SECTIONS: dict[str, tuple[Point, ...]] = {
    "Slopes that differ on the two sides": (
        Point("np.abs(x)", 0.0),
        Point("np.fabs(x)", 0.0),
        Point("np.sqrt(x * x)", 0.0, why="0 · ∞"),
        Point("relu(x)", 0.0),
        Point("leaky_relu(x, 0.01)", 0.0),
        Point("elu(x, 1.0)", 0.0),
        Point("relu6(x)", 0.0),
        Point("relu6(x)", 6.0),
        Point("hard_tanh(x)", 1.0),
        Point("np.maximum(x, 0.0)", 0.0),
        Point("np.minimum(x, 0.0)", 0.0),
        Point("np.clip(x, 0.0, 1.0)", 0.0),
        Point("np.clip(x, 0.0, 1.0)", 1.0),
        Point("np.copysign(x, 1.0)", 0.0),
        Point("np.where(x > 0, x, -x)", 0.0),
        Point("np.interp(x, np.array([0.0, 1.0, 2.0]), np.array([0.0, 1.0, 3.0]))", 1.0),
        Point("np.interp(x, np.array([0.0, 1.0, 2.0]), np.array([0.0, 1.0, 3.0]))", 0.0),
    ),
    "Ties": (
        Point("np.maximum(x, y)", 1.0, 1.0),
        Point("np.minimum(x, y)", 1.0, 1.0),
        Point("np.fmax(x, y)", 1.0, 1.0),
        Point("np.max(x)", [1.0, 1.0]),
        Point("np.min(x)", [1.0, 1.0]),
        Point("np.max(x)", [1.0, 1.0, 1.0]),
        Point("np.nanmax(x)", [1.0, 1.0, nan]),
        Point("np.ptp(x)", [1.0, 1.0]),
        Point("np.sort(x)[0]", [1.0, 1.0]),
        Point("np.median(x)", [1.0, 1.0, 1.0]),
        Point("np.quantile(x, 0.5)", [1.0, 1.0, 2.0, 2.0]),
        Point("np.maximum.accumulate(x)[1]", [1.0, 1.0]),
        Point("np.clip(x, y, 2.0)", 1.0, 1.0),
    ),
    "Norms and distances": (
        Point("np.linalg.norm(x)", [0.0, 0.0]),
        Point("np.linalg.norm(x, 1)", [0.0, 1.0]),
        Point("np.sum(np.abs(x))", [0.0, 1.0]),
        Point("np.linalg.norm(x, np.inf)", [1.0, -1.0]),
        Point("np.linalg.norm(x, np.inf)", [0.0, 0.0]),
        Point("np.sqrt(np.sum(x * x))", [0.0, 0.0], why="0 · ∞"),
        Point("np.hypot(x, y)", 0.0, 0.0),
        Point("np.arctan2(y, x)", 0.0, 0.0),
        Point("np.std(x)", [1.0, 1.0]),
    ),
    EDGES: (
        Point("np.sqrt(x)", 0.0),
        Point("np.cbrt(x)", 0.0),
        Point("np.log(x)", 0.0),
        Point("np.log1p(x)", -1.0),
        Point("np.reciprocal(x)", 0.0),
        Point("1.0 / x", 0.0),
        Point("x ** 0.5", 0.0),
        Point("x ** y", 0.0, 0.0),
        Point("x ** y", 0.0, 1.0),
        Point("x ** y", 0.0, 2.0),
        Point("x ** y", -1.0, 2.0),
        Point("x ** x", 0.0),
        Point("x * np.log(x)", 0.0),
        Point("np.arcsin(x)", 1.0),
        Point("np.arccos(x)", 1.0),
        Point("np.arccosh(x)", 1.0),
        Point("np.arctanh(x)", 1.0),
        Point("np.where(x > 0, np.sqrt(x), 0.0)", 0.0),
        Point("np.where(x > 0, np.log(x), 0.0)", 0.0),
    ),
    "Jumps": (
        Point("np.sign(x)", 0.0),
        Point("np.heaviside(x, 0.5)", 0.0),
        Point("np.floor(x)", 1.0),
        Point("np.round(x)", 0.5),
        Point("np.remainder(x, y)", 2.0, 1.0, why="the slope beside the jump"),
        Point("np.fmod(x, y)", 2.0, 1.0, why="the slope beside the jump"),
    ),
    "Infinite arguments, and nan": (
        Point("np.max(x)", [1.0, nan], why="nan is the largest, and nowhere near the others"),
        Point("np.logaddexp(x, y)", inf, inf),
        Point("np.logaddexp(x, y)", -inf, -inf),
        Point("logsumexp(x)", [-inf, -inf]),
        Point("logsumexp(x)", [inf, inf]),
        Point("softmax(x)[0]", [inf, 0.0], why="∞ - ∞"),
        Point("np.sqrt(x)", inf),
    ),
    "Matrices": (
        Point("np.linalg.eigvalsh(x)[0]", IDENTITY),
        Point("np.linalg.svd(x, compute_uv=False)[0]", IDENTITY),
        Point("np.linalg.norm(x, 2)", IDENTITY),
        Point("np.linalg.norm(x, 'nuc')", [[1.0, 0.0], [0.0, 0.0]]),
        Point("np.linalg.slogdet(x)[1]", ZEROS),
        Point("np.linalg.pinv(x)[0, 0]", [[1.0, 0.0], [0.0, 0.0]]),
    ),
    SMOOTH: (
        Point("np.minimum(x, x)", 1.0),
        Point("np.maximum(x, x)", 1.0),
        Point("softsign(x)", 0.0),
        Point("np.linalg.det(x)", ONES),
        Point("np.linalg.det(x)", ZEROS),
        Point("np.prod(x)", [0.0, 2.0]),
        Point("np.prod(x)", [0.0, 0.0]),
        Point("np.cumprod(x)[1]", [0.0, 2.0]),
        Point("x ** 2.0", 0.0),
        Point("x ** 0.0", 0.0),
        Point("np.var(x)", [1.0, 1.0]),
        Point("np.sinc(x)", 0.0),
        Point("np.sum(np.linalg.eigvalsh(x))", IDENTITY),
    ),
}
# fmt: on


def points() -> Iterator[Point]:
    """All of them, in the order of the page."""
    for section in SECTIONS.values():
        yield from section
