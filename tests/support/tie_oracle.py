"""An independent oracle of ties: its own numbers, its own derivatives, real steps of each rule.

It shares nothing with the prover and nothing with the engine. Polynomial networks are computed with residues modulo
2^127 - 1, where a sum that is 0 is 0; all others with decimals of 60 digits (functions that `decimal` lacks come
from mpmath). The oracle takes three steps of gradient descent, momentum, Adam and weight decay, and says which
entries stayed equal, which stayed opposite and which never moved. Then it looks at random points with these ties
until they hold there too: what holds for three steps, such as a dead relu, need not hold for ever.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext
from typing import Any

import mpmath
import numpy as np

DIGITS, EQUAL, KINK = 60, 30, Decimal("1e-45")  # digits of a number, digits that must agree, what counts as 0
LEAK = Decimal(float("0.01"))  # as a float has it
PRIME = 2**127 - 1
STEPS = 3


class Residues:
    """Numbers modulo a prime. Rates and decays are random residues, so that nothing agrees by chance."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng

    def random(self) -> int:
        return int.from_bytes(self.rng.bytes(15), "little") + 1

    rate = decay = epsilon = random

    def enter(self, x: Any) -> Any:
        ratios = [float(v).as_integer_ratio() for v in np.ravel(x)]
        return shaped([n * pow(d, -1, PRIME) % PRIME for n, d in ratios], np.shape(x))

    @staticmethod
    def fix(a: Any) -> Any:
        return a % PRIME

    @staticmethod
    def inverse(a: Any) -> Any:
        return np.frompyfunc(lambda v: pow(v, -1, PRIME), 1, 1)(a)

    @staticmethod
    def root(a: Any) -> Any:
        """A function with root(v)² = v or -v: any function of v serves for Adam."""
        return np.frompyfunc(lambda v: pow(v, (PRIME + 1) // 4, PRIME), 1, 1)(a)

    @staticmethod
    def keys(moments: Any) -> Any:
        """Numbers to compare, of moments (…, entries)."""
        return moments

    @staticmethod
    def is_negative(v: Any) -> bool:
        return bool(v > PRIME // 2)

    @staticmethod
    def negative(v: Any) -> Any:
        return -v % PRIME


class Decimals:
    """Decimals of 60 digits; two are equal if they agree in 30 digits of the largest number beside them."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng

    def random(self) -> Decimal:
        return Decimal(float(self.rng.normal()))

    def rate(self) -> Decimal:
        return Decimal(float(self.rng.uniform(0.01, 0.1)))

    def decay(self) -> Decimal:
        return Decimal(float(self.rng.uniform(0.5, 0.95)))

    def epsilon(self) -> Decimal:
        return Decimal("1e-3")  # with a smaller one, three steps make numbers out of rounding

    def enter(self, x: Any) -> Any:
        return shaped([Decimal(float(v)) for v in np.ravel(x)], np.shape(x))

    @staticmethod
    def fix(a: Any) -> Any:
        return a

    @staticmethod
    def inverse(a: Any) -> Any:
        return 1 / a

    @staticmethod
    def root(a: Any) -> Any:
        return np.frompyfunc(Decimal.sqrt, 1, 1)(a)

    @staticmethod
    def keys(moments: Any) -> Any:
        largest = np.max(np.abs(moments), axis=-1, keepdims=True)
        largest = np.maximum(largest, Decimal("1e-10"))  # if all gradients cancel, only rounding is left
        return np.frompyfunc(lambda v: round(v, EQUAL), 1, 1)(moments / largest)

    @staticmethod
    def is_negative(v: Any) -> bool:
        return bool(v < 0)

    @staticmethod
    def negative(v: Any) -> Any:
        return -v


Numbers = Residues | Decimals


def shaped(numbers: Sequence[Any], shape: tuple[int, ...]) -> Any:
    """An array of objects."""
    out = np.empty(len(numbers), dtype=object)
    out[:] = numbers
    return out.reshape(shape)


# Derivatives, in reverse.

_made = itertools.count()


class Var:
    """An array of exact numbers, which knows how a gradient passes to the arrays it was computed from."""

    __array_ufunc__ = None

    def __init__(self, m: Numbers, a: Any, *pulls: tuple[Var, Callable[[Any], Any]]) -> None:
        self.m, self.a, self.pulls, self.number = m, np.asarray(a, dtype=object), pulls, next(_made)

    @property
    def shape(self) -> tuple[int, ...]:
        return self.a.shape

    def _enter(self, x: Any) -> Var:
        return x if isinstance(x, Var) else Var(self.m, self.m.enter(x))

    def __add__(self, other: Any) -> Var:
        b = self._enter(other)
        return Var(self.m, self.m.fix(self.a + b.a), (self, lambda g: g), (b, lambda g: g))

    def __mul__(self, other: Any) -> Var:
        b = self._enter(other)
        fix = self.m.fix
        return Var(self.m, fix(self.a * b.a), (self, lambda g: fix(g * b.a)), (b, lambda g: fix(g * self.a)))

    def __matmul__(self, other: Any) -> Var:
        b = self._enter(other)
        fix = self.m.fix
        pulls = (self, lambda g: fix(g @ b.a.T)), (b, lambda g: fix(self.a.T @ g))
        return Var(self.m, fix(self.a @ b.a), *pulls)

    def __neg__(self) -> Var:
        return self * -1.0

    def __sub__(self, other: Any) -> Var:
        return self + -self._enter(other)

    def __rmatmul__(self, other: Any) -> Var:
        return self._enter(other) @ self

    def __rsub__(self, other: Any) -> Var:
        return self._enter(other) - self

    def __truediv__(self, other: Any) -> Var:
        return self * inverse(self._enter(other))

    def __rtruediv__(self, other: Any) -> Var:
        return self._enter(other) * inverse(self)

    __radd__, __rmul__ = __add__, __mul__

    @property
    def T(self) -> Var:
        return Var(self.m, self.a.T, (self, lambda g: g.T))

    def __getitem__(self, index: Any) -> Var:
        def pull(g: Any) -> Any:
            out = np.zeros(self.shape, dtype=object)
            np.add.at(out, index, g)
            return out

        return Var(self.m, self.a[index], (self, pull))


def inverse(x: Var) -> Var:
    y = x.m.inverse(x.a)
    return Var(x.m, y, (x, lambda g: x.m.fix(-g * x.m.fix(y * y))))


def apply(x: Var, f: Callable[[Any], Any], slope: Callable[[Any, Any], Any]) -> Var:
    """f, entry by entry; slope(x, f(x)) is its derivative."""
    y = np.frompyfunc(f, 1, 1)(x.a)
    return Var(x.m, y, (x, lambda g: g * np.frompyfunc(slope, 2, 1)(x.a, y)))


def sign(v: Any) -> int:
    return 0 if abs(v) < KINK else 1 if v > 0 else -1


def by_mpmath(f: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def call(v: Any) -> Any:
        with mpmath.workdps(DIGITS + 10):
            return Decimal(mpmath.nstr(f(mpmath.mpf(str(v))), DIGITS))

    return call


def logistic(v: Any) -> Any:
    return 1 / (1 + (-v).exp())


sin, cos, erf = by_mpmath(mpmath.sin), by_mpmath(mpmath.cos), by_mpmath(mpmath.erf)
bell = by_mpmath(lambda v: 2 / mpmath.sqrt(mpmath.pi) * mpmath.exp(-v * v))
SCALAR: dict[str, tuple[Callable[[Any], Any], Callable[[Any, Any], Any]]] = {
    "exp": (lambda x: x.exp(), lambda x, y: y),
    "log": (lambda x: x.ln(), lambda x, y: 1 / x),
    "sqrt": (lambda x: x.sqrt(), lambda x, y: 1 / (2 * y)),
    "tanh": (lambda x: 1 - 2 / ((2 * x).exp() + 1), lambda x, y: 1 - y * y),
    "sigmoid": (logistic, lambda x, y: y * (1 - y)),
    "softplus": (lambda x: (1 + x.exp()).ln(), lambda x, y: logistic(x)),
    "relu": (lambda x: x if sign(x) > 0 else Decimal(0), lambda x, y: int(sign(x) > 0)),
    "leaky_relu": (
        lambda x: x if sign(x) > 0 else x * LEAK,
        lambda x, y: 1 if sign(x) > 0 else LEAK,
    ),
    "elu": (lambda x: x if sign(x) > 0 else x.exp() - 1, lambda x, y: 1 if sign(x) > 0 else x.exp()),
    "softsign": (lambda x: x / (1 + abs(x)), lambda x, y: 1 / (1 + abs(x)) ** 2),
    "abs": (lambda x: abs(x), lambda x, y: sign(x)),
    "sin": (sin, lambda x, y: cos(x)),
    "cos": (cos, lambda x, y: -sin(x)),
    "erf": (erf, lambda x, y: bell(x)),
}


class Exact:
    """The functions that networks are written in, for arrays of exact numbers."""

    def __getattr__(self, name: str) -> Callable[[Any], Any]:
        return lambda x: apply(x, *SCALAR[name])

    @staticmethod
    def sum(x: Any, axis: int | None = None, keepdims: bool = False) -> Any:
        def pull(g: Any) -> Any:
            return np.broadcast_to(g if axis is None or keepdims else np.expand_dims(g, axis), x.shape)

        return Var(x.m, x.m.fix(np.sum(x.a, axis=axis, keepdims=keepdims)), (x, pull))

    def mean(self, x: Any) -> Any:
        return self.sum(x) / float(x.a.size)

    def softmax(self, x: Any) -> Any:
        e = self.exp(x)
        return e / self.sum(e, -1, True)

    def cross_entropy(self, x: Any, targets: Any) -> Any:
        chosen = x[np.arange(len(targets)), targets]
        return self.sum(self.log(self.sum(self.exp(x), -1)) - chosen) / float(len(targets))

    def layer_norm(self, x: Any) -> Any:
        n = float(x.shape[-1])
        deviation = x - self.sum(x, -1, True) / n
        return deviation / self.sqrt(self.sum(deviation * deviation, -1, True) / n + 1e-5)

    @staticmethod
    def maximum(a: Any, b: Any) -> Any:
        share = np.frompyfunc(lambda v: {1: Decimal(1), 0: Decimal("0.5"), -1: Decimal(0)}[sign(v)], 1, 1)(
            a.a - b.a
        )
        return Var(a.m, np.maximum(a.a, b.a), (a, lambda g: g * share), (b, lambda g: g * (1 - share)))


def gradient_of(y: Var, leaves: Sequence[Var]) -> list[Any]:
    """The gradient of a number for each leaf."""
    found: dict[int, Any] = {y.number: np.array(1, dtype=object)}
    waiting = {y.number: y}
    while waiting:
        number = max(waiting)
        node = waiting.pop(number)
        for x, pull in node.pulls:
            g = unbroadcast(pull(found[number]), x.shape)
            found[x.number] = x.m.fix(found[x.number] + g) if x.number in found else g
            waiting[x.number] = x
    return [found.get(x.number, np.zeros(x.shape, dtype=object)) for x in leaves]


def unbroadcast(g: Any, shape: tuple[int, ...]) -> Any:
    g = np.asarray(g, dtype=object)
    while g.ndim > len(shape):
        g = np.asarray(g.sum(axis=0), dtype=object)
    for axis, n in enumerate(shape):
        if n == 1 and g.shape[axis] != 1:
            g = g.sum(axis=axis, keepdims=True)
    return g


# The rules, and what they leave equal.


@dataclass
class Truth:
    """Classes up to sign, the sign of each entry (0 for one that stays 0), and which entries never move."""

    signed: list[int]
    signs: list[int]
    frozen: list[bool]


class Oracle:
    """A loss f(m, params, x, y) in exact numbers."""

    def __init__(
        self, f: Callable[..., Any], params: Sequence[Any], x: Any, y: Any, exact: bool, seed: int
    ) -> None:
        rng = np.random.default_rng(seed)
        self.m: Any = Residues(rng) if exact else Decimals(rng)
        self.f, self.x, self.y = f, x, y
        self.shapes = [np.shape(p) for p in params]
        self.values = np.concatenate([self.m.enter(p).ravel() for p in params])

    def gradient(self, values: Any) -> Any:
        """The gradient for all entries at these numbers."""
        leaves, start = [], 0
        for shape in self.shapes:
            size = int(np.prod(shape))
            leaves.append(Var(self.m, values[start : start + size].reshape(shape)))
            start += size
        y = self.f(Exact(), leaves, Var(self.m, self.m.enter(self.x)), self.y)
        return self.m.fix(np.concatenate([np.ravel(g) for g in gradient_of(y, leaves)]))

    def truth(self, points: int = 3) -> Truth:
        """Which entries stay equal, opposite or where they are."""
        with localcontext() as context:
            context.prec = DIGITS
            first = self.gradient(self.values)
            seen = [self.values, first, *self.descent(first), *self.momentum(first), *self.adam(first)]
            gradients = [first, *self.descents]
            found = self.classes(seen + self.decayed(first), gradients)
            for _ in range(points):
                g = self.gradient(self.point(found))
                seen.append(g)
                gradients.append(g)
                found = self.classes(seen, gradients)
            return found

    def descent(self, g: Any) -> list[Any]:
        """The numbers after each step; the gradients on the way are in `descents`."""
        rate, w, out = self.m.rate(), self.values, []
        self.descents = []
        for _ in range(STEPS):
            w = self.m.fix(w - rate * g)
            out.append(w)
            g = self.gradient(w)
            self.descents.append(g)
        return out

    def momentum(self, g: Any) -> list[Any]:
        rate, keep, w, out = self.m.rate(), self.m.decay(), self.values, []
        v = g * 0
        for k in range(STEPS):
            g = self.gradient(w) if k else g
            v = self.m.fix(keep * v + g)
            w = self.m.fix(w - rate * v)
            out.append(w)
        return out

    def adam(self, g: Any) -> list[Any]:
        m = self.m
        rate, a, b, epsilon, w, out = m.rate(), m.decay(), m.decay(), m.epsilon(), self.values, []
        mean, square = g * 0, g * 0
        for k in range(STEPS):
            g = self.gradient(w) if k else g
            mean, square = m.fix(a * mean + (1 - a) * g), m.fix(b * square + (1 - b) * m.fix(g * g))
            w = m.fix(w - rate * m.fix(mean * m.inverse(m.fix(m.root(square) + epsilon))))
            out.append(w)
        return out

    def decayed(self, g: Any) -> list[Any]:
        rate, decay, w, out = self.m.rate(), self.m.rate(), self.values, []
        for k in range(STEPS):
            g = self.gradient(w) if k else g
            w = self.m.fix(w - rate * (g + decay * w))
            out.append(w)
        return out

    def classes(self, seen: Sequence[Any], gradients: Sequence[Any]) -> Truth:
        """The entries that agree, up to sign, in everything seen."""
        rows = self.m.keys(np.array(seen, dtype=object)).T
        frozen = (self.m.keys(np.array(gradients, dtype=object)) == 0).all(axis=0)
        numbers: dict[Any, int] = defaultdict(lambda: len(numbers))
        signed, signs = [], []
        for row in rows:
            first = next((v for v in row if v != 0), 0)
            s = 0 if first == 0 else -1 if self.m.is_negative(first) else 1
            signed.append(numbers[tuple(self.m.negative(v) for v in row) if s < 0 else tuple(row)])
            signs.append(s)
        return Truth(signed, signs, frozen.tolist())

    def point(self, found: Truth) -> Any:
        """Random numbers with these ties."""
        numbers = [self.m.random() for _ in range(max(found.signed, default=0) + 1)]
        drawn = [numbers[c] * s for c, s in zip(found.signed, found.signs, strict=True)]
        return self.m.fix(shaped(drawn, (len(drawn),)))
