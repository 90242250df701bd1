"""Random graphs with shared nodes: every node's gradient against dual numbers pushed forwards.

The oracle knows nothing of the engine: it keeps its own list of what was computed from what, its own derivative
of each operation, and walks forwards, once for every entry of every node. Beside each tangent it carries the sum of
the sizes of all paths, which says how far rounding may take two ways of adding them up.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

import minigrad
from minigrad import Value
from minigrad.engine.value import graph, sweep

ROUNDINGS = 200 * float(np.finfo(np.float64).eps)  # dozens of nodes, a few roundings in each
TINY = 1e-300  # below, even a rounding of 0 has no digits left
TOO_LARGE, MOST_NODES = 1e3, 16

Push = Callable[..., Any]  # (tangents, inputs, size) -> tangent; size makes of every coefficient its absolute value


@dataclass
class Made:
    """The oracle's record of one node."""

    data: Any
    inputs: tuple[int, ...] = ()
    push: Push | None = None


def along_ones(t: Any, like: Any) -> Any:
    return np.broadcast_to(t, np.shape(like))


# Each operation: how a user writes it, and its derivative by hand. `s` is the identity, or `abs` for sizes.
UNARY: dict[str, tuple[Callable[[Any], Any], Push]] = {
    "neg": (lambda x: -x, lambda t, x, s: s(-1.0) * t),
    "square": (lambda x: x**2, lambda t, x, s: s(2 * x) * t),
    "exp of tanh": (lambda x: np.exp(np.tanh(x)), lambda t, x, s: s(np.exp(np.tanh(x)) / np.cosh(x) ** 2) * t),
    "tanh": (lambda x: x.tanh(), lambda t, x, s: s(1 / np.cosh(x) ** 2) * t),
    "sin": (np.sin, lambda t, x, s: s(np.cos(x)) * t),
    "relu": (lambda x: x.relu(), lambda t, x, s: np.where(x > 0, t, 0.0)),
    "abs": (abs, lambda t, x, s: s(np.sign(x)) * t),
    "reversed": (lambda x: x[::-1] if x.ndim else x * 1.0, lambda t, x, s: t[::-1] if np.ndim(x) else t),
    "twice the first": (
        lambda x: x[[0, 0, -1]] if x.ndim else x + x,
        lambda t, x, s: t[[0, 0, -1]] if np.ndim(x) else t + t,
    ),
    "row": (lambda x: x[0] if x.ndim else 3 - x, lambda t, x, s: t[0] if np.ndim(x) else s(-1.0) * t),
    "sum": (lambda x: x.sum(), lambda t, x, s: np.sum(t)),
    "mean of rows": (
        lambda x: x.mean(axis=0) if x.ndim else x / 4,
        lambda t, x, s: np.sum(t, axis=0) / len(x) if np.ndim(x) else t / 4,
    ),
    "in one row": (lambda x: x.reshape(-1), lambda t, x, s: np.ravel(t)),
    "transposed": (lambda x: x.T, lambda t, x, s: np.transpose(t)),
    "spread": (lambda x: x + np.zeros((2, 1)), lambda t, x, s: t + np.zeros((2, 1))),
}
BINARY: dict[str, tuple[Callable[[Any, Any], Any], Push]] = {
    "+": (lambda a, b: a + b, lambda t, u, a, b, s: t + u),
    "-": (lambda a, b: a - b, lambda t, u, a, b, s: t + s(-1.0) * u),
    "*": (lambda a, b: a * b, lambda t, u, a, b, s: s(b) * t + s(a) * u),
    "/": (
        lambda a, b: a / (b * b + 1),
        lambda t, u, a, b, s: s(1 / (b * b + 1)) * t + s(-2 * a * b / (b * b + 1) ** 2) * u,
    ),
    "larger": (
        np.maximum,
        lambda t, u, a, b, s: (np.sign(a - b) + 1) / 2 * t + (np.sign(b - a) + 1) / 2 * u,
    ),
    "where": (lambda a, b: np.where(a > b, a, b * 2), lambda t, u, a, b, s: np.where(a > b, t, 2 * u)),
    "inner": (
        lambda a, b: (a * b).sum() if a.ndim * b.ndim != 1 or a.shape != b.shape else a @ b,
        lambda t, u, a, b, s: np.sum(s(b) * t + s(a) * u),
    ),
    "stacked": (
        lambda a, b: minigrad.stack([a, b]) if a.shape == b.shape else a + b,
        lambda t, u, a, b, s: np.stack([t, u]) if np.shape(a) == np.shape(b) else t + u,
    ),
}
NUMBERS = [2.0, -0.5, 3, 0.1]


def seeded(made: list[Made], node: int, entry: int, last: int, size: bool) -> Any:
    """The tangent of node `last`, for a unit tangent in one entry of a node that is cut off from its inputs."""
    start = np.zeros(np.shape(made[node].data))
    start[(*np.unravel_index(entry, start.shape),)] = 1.0
    tangents: dict[int, Any] = {node: start[()]}
    for k in range(node + 1, last + 1):
        inputs, push = made[k].inputs, made[k].push
        if push is not None and any(i in tangents for i in inputs):
            values = [made[i].data for i in inputs]
            ts = [tangents.get(i, np.zeros(np.shape(made[i].data))) for i in inputs]
            t = push(*ts, *values, np.abs if size else lambda c: c)
            tangents[k] = np.broadcast_to(t, np.shape(made[k].data))
    return tangents.get(last, np.zeros(np.shape(made[last].data)))


def oracle(made: list[Made], last: int, v: Any) -> list[tuple[Any, Any]]:
    """For every node, the gradient of <v, node last> and the sum of the sizes of its terms."""
    found = []
    for k in range(last + 1):
        entries = range(int(np.size(made[k].data)))
        g = [np.sum(v * seeded(made, k, i, last, size=False)) for i in entries]
        sizes = [np.sum(np.abs(v) * seeded(made, k, i, last, size=True)) for i in entries]
        shape = np.shape(made[k].data)
        found.append((np.reshape(g, shape), np.reshape(sizes, shape)))
    return found


class Graphs(RuleBasedStateMachine):
    """Values on the engine's side, `Made` on the oracle's, in the same order."""

    def __init__(self) -> None:
        super().__init__()
        self.values: list[Value] = []
        self.made: list[Made] = []
        self.expected: dict[int, Any] = {}  # .grad of each node that has one, by its place
        self.allowed: dict[int, Any] = {}

    def keep(self, value: Value, record: Made) -> None:
        """Both sides must agree on the numbers; what has become too large to compare is not kept."""
        np.testing.assert_array_equal(value.data, record.data)
        size = np.max(np.abs(record.data), initial=0.0)
        if np.size(record.data) and np.size(record.data) <= 8 and np.ndim(record.data) <= 3 and size < TOO_LARGE:
            self.values.append(value)
            self.made.append(record)

    def chosen(self, place: int) -> int:
        """The latest nodes are the first choices: graphs grow deep."""
        return len(self.values) - 1 - place % len(self.values)

    @initialize(x=st.floats(-2, 2), entries=st.lists(st.floats(-2, 2), min_size=2, max_size=2))
    def start(self, x: float, entries: list[float]) -> None:
        for data in (np.float64(x), np.array(entries)):
            self.keep(Value(data), Made(data))

    @precondition(lambda self: len(self.values) < MOST_NODES)
    @rule(shape=st.sampled_from([(), (1,), (2,), (3,), (2, 2)]), seed=st.integers(0, 99))
    def leaf(self, shape: tuple[int, ...], seed: int) -> None:
        data = np.random.default_rng(seed).uniform(-2, 2, shape).round(1)[()]
        self.keep(Value(data), Made(data))

    @precondition(lambda self: len(self.values) < MOST_NODES)
    @rule(name=st.sampled_from(sorted(UNARY)), a=st.integers(0, 5))
    def unary(self, name: str, a: int) -> None:
        a = self.chosen(a)
        compute, derivative = UNARY[name]
        x = self.made[a].data
        plain = compute(_Methods(x))
        self.keep(compute(self.values[a]), Made(plain, (a,), derivative))

    @precondition(lambda self: len(self.values) < MOST_NODES)
    @rule(name=st.sampled_from(sorted(BINARY)), a=st.integers(0, 5), b=st.integers(0, 5))
    def binary(self, name: str, a: int, b: int) -> None:
        a, b = self.chosen(a), self.chosen(b)
        compute, derivative = BINARY[name]
        x, y = self.made[a].data, self.made[b].data
        if not fits(x, y):
            return
        self.keep(compute(self.values[a], self.values[b]), Made(compute(x, y), (a, b), derivative))

    @precondition(lambda self: len(self.values) < MOST_NODES)
    @rule(
        name=st.sampled_from(["+", "-", "*", "larger", "where"]),
        a=st.integers(0, 5),
        c=st.sampled_from([*NUMBERS, [0.5, -1.5]]),
        left=st.booleans(),
    )
    def with_constant(self, name: str, a: int, c: Any, left: bool) -> None:
        """A plain number or array on either side: an operand without a node."""
        a = self.chosen(a)
        compute, derivative = BINARY[name]
        c = np.array(c) if isinstance(c, list) else c
        x, still = self.made[a].data, np.zeros(np.shape(c))
        if not fits(x, c):
            return
        if left:
            push: Push = lambda t, x, s: derivative(still, t, c, x, s)  # noqa: E731
            self.keep(compute(c, self.values[a]), Made(compute(c, x), (a,), push))
        else:
            push = lambda t, x, s: derivative(t, still, x, c, s)  # noqa: E731
            self.keep(compute(self.values[a], c), Made(compute(x, c), (a,), push))

    @rule(last=st.integers(0, 3), seed=st.integers(0, 99))
    def every_gradient(self, last: int, seed: int) -> None:
        """One sweep gives each node its gradient, once, the latest node first, leaves last."""
        last = self.chosen(last)
        y = self.values[last]
        v = np.random.default_rng(seed).uniform(0.5, 1.5, y.shape)[()]
        want = oracle(self.made, last, v)
        places = {x.serial: k for k, x in enumerate(self.values)}
        swept = list(sweep(y, v))
        met, serials = [(x.serial, g) for x, g in swept], [x.serial for x, _ in swept]
        passing = [x.serial for x, _ in swept if x.operands]
        assert passing == sorted(passing, reverse=True) == serials[: len(passing)]
        assert len(set(serials)) == len(serials)
        assert set(serials) == {x.serial for x in graph(y) if x.has_gradient}
        found = {places[serial]: g for serial, g in met if serial in places}
        for k, (g, size) in enumerate(want):
            got = found.get(k, np.zeros(np.shape(g)))
            assert np.shape(got) == np.shape(g)
            assert np.all(np.abs(got - g) <= ROUNDINGS * size + TINY), (k, got, g)
            assert k in found or not size.any()

    @rule(last=st.integers(0, 3))
    def backward(self, last: int) -> None:
        """Into `.grad`: leaves add up over all sweeps, inner nodes keep that of the latest."""
        last = self.chosen(last)
        y = self.values[last]
        v = np.ones(y.shape)[()]
        y.backward(v)
        below = {x.serial for x in graph(y)}
        for k, (g, size) in enumerate(oracle(self.made, last, v)):
            if self.values[k].serial not in below:
                continue
            before = self.expected.get(k, 0.0) if not self.made[k].inputs else 0.0
            allowed = self.allowed.get(k, 0.0) if not self.made[k].inputs else 0.0
            self.expected[k], self.allowed[k] = before + g, allowed + size

    @invariant()
    def grads_are_as_expected(self) -> None:
        for k, x in enumerate(self.values):
            if k not in self.expected:
                assert x.grad is None
                continue
            assert np.all(np.abs(x.grad - self.expected[k]) <= ROUNDINGS * self.allowed[k] + TINY)

    @invariant()
    def data_is_not_mutated(self) -> None:
        for x, record in zip(self.values, self.made, strict=True):
            np.testing.assert_array_equal(x.data, record.data)


def fits(x: Any, y: Any) -> bool:
    try:
        np.broadcast_shapes(np.shape(x), np.shape(y))
    except ValueError:
        return False
    return True


class _Methods(np.ndarray):
    """A plain array with the two methods that arrays of NumPy lack."""

    def __new__(cls, x: Any) -> Any:
        return np.asarray(x).view(cls)

    def relu(self) -> Any:
        return np.maximum(np.asarray(self), 0)

    def tanh(self) -> Any:
        return np.tanh(np.asarray(self))


TestGraphs = Graphs.TestCase
TestGraphs.settings = settings(max_examples=10 * settings().max_examples, stateful_step_count=25)


def test_the_oracle_itself_on_a_graph_done_by_hand() -> None:
    """b = a + a; c = b b; d = c + a: d' = 8a + 1, and the paths are 8a and 1."""
    made = [Made(np.float64(-3.0))]
    made.append(Made(np.float64(-6.0), (0, 0), BINARY["+"][1]))
    made.append(Made(np.float64(36.0), (1, 1), BINARY["*"][1]))
    made.append(Made(np.float64(33.0), (2, 0), BINARY["+"][1]))
    assert [(float(g), float(size)) for g, size in oracle(made, 3, 1.0)] == [(-23, 25), (-12, 12), (1, 1), (1, 1)]
