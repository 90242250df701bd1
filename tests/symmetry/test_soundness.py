"""Never a false tie: proved ties hold wherever training may go. Random networks and graphs are tried."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from symmetric_networks import Network, network, point, spread

import minigrad as mg
from minigrad import Value
from minigrad.symmetry import ties
from minigrad.symmetry.probe import probe, split
from minigrad.tracing import trace

NOTHING = 1e-9  # gradients of frozen entries are rounding errors, which layer_norm of equal entries enlarges
ROUNDING = 1e-8  # share of the largest gradient: products of five layers at random points


@st.composite
def networks(draw: Any) -> Network:
    return network(lambda low, high: draw(st.integers(low, high)))


@given(networks(), st.integers(0, 2**16))
@settings(max_examples=150, deadline=None)
def test_a_proved_group_has_equal_gradients_at_random_points_of_its_subspace(case: Network, seed: int) -> None:
    found = ties(case.f, case.params, case.x, case.y, method="prove")
    still, rng = found.partition.frozen, np.random.default_rng(seed)
    for size in (1.0, 0.3, 0.1):
        g = found.recording.gradient(point(found, rng, size))
        if np.isfinite(g).all() and np.abs(g).max() > NOTHING:
            assert spread(g, found) < ROUNDING, case.words
            assert np.abs(g[still]).max(initial=0) <= ROUNDING * np.abs(g).max(), case.words


Step = Callable[[int, Any, Any], Any]


def sgd() -> Step:
    return lambda k, g, w: 0.02 * g


def momentum() -> Step:
    v: list[Any] = [0.0]

    def step(k: int, g: Any, w: Any) -> Any:
        v[0] = 0.9 * v[0] + g
        return 0.005 * v[0]

    return step


def adam() -> Step:
    m: list[Any] = [0.0, 0.0]

    def step(k: int, g: Any, w: Any) -> Any:
        m[0], m[1] = 0.9 * m[0] + 0.1 * g, 0.999 * m[1] + 0.001 * g * g
        return 0.01 * m[0] / (1 - 0.9**k) / (np.sqrt(m[1] / (1 - 0.999**k)) + 1e-8)

    return step


def decay() -> Step:
    return lambda k, g, w: 0.02 * (g + 0.1 * w)


@pytest.mark.parametrize("rule", [sgd, momentum, adam, decay])
@given(case=networks())
@settings(max_examples=15, deadline=None)
def test_a_proved_group_stays_equal_over_100_steps(rule: Callable[[], Step], case: Network) -> None:
    """Rounding may change a last bit and training may enlarge that, so entries must be equal to a millionth.

    A gradient that is only rounding counts as 0: Adam divides by its size, which makes steps out of it.
    """
    found = ties(case.f, case.params, case.x, case.y, method="prove")
    values, step = found.recording.values, rule()
    for k in range(1, 101):
        g = found.recording.gradient(values)
        g = g / max(1.0, np.abs(g).max())
        g = np.where(np.abs(g) < 1e-12 * np.abs(g).max(), 0.0, g)
        if np.abs(g).max() < 1e-6:
            break
        assert spread(g, found) < 1e-6, case.words
        values = values - step(k, g, values)
    assert spread(values, found, least=1.0) < 1e-6, case.words


@given(networks(), st.integers(0, 2**16))
@settings(max_examples=100, deadline=None)
def test_no_pair_whose_gradients_differ_is_called_tied(case: Network, seed: int) -> None:
    """The converse: gradients that differ by more than rounding, now or nearby, are in different groups."""
    found = ties(case.f, case.params, case.x, case.y, method="prove")
    classes, signs, values = found.partition.signed, found.partition.signs, found.recording.values
    nearby = values + point(found, np.random.default_rng(seed), 0.1)
    for at in (values, nearby):
        g = found.recording.gradient(at)
        if np.isfinite(g).all() and np.abs(g).max() > NOTHING:
            parted = split(classes, g * signs, 1e-7, 1e-7 * np.abs(g).max())
            assert parted.max() == classes.max(), case.words


OPS: list[Callable[[Any, Any], Any]] = [
    *(lambda a, b: a + b, lambda a, b: a - b, lambda a, b: a * b, lambda a, b: np.maximum(a, b)),
    *(lambda a, b: np.tanh(a), lambda a, b: a.sigmoid(), lambda a, b: -a, lambda a, b: a * 0.5 + 1.0),
    *(lambda a, b: a / (b * b + 1.0), lambda a, b: np.sin(a), lambda a, b: a**2, lambda a, b: a.relu()),
]


@st.composite
def scalar_graphs(draw: Any) -> tuple[Callable[[Any], Any], Any]:
    """A function that uses each number of a list in random ways, and a start with few different numbers."""
    n = draw(st.integers(2, 6))
    plan = draw(
        st.lists(st.tuples(st.integers(0, len(OPS) - 1), st.integers(0, 40), st.integers(0, 40)), max_size=20)
    )

    def f(w: Any) -> Any:
        values = [w[k] for k in range(n)]
        for op, a, b in plan:
            values.append(OPS[op](values[a % len(values)], values[b % len(values)]))
        total = values[-1]
        for v in values[n:-1]:
            total = total + v * v
        return total

    return f, np.array(draw(st.lists(st.sampled_from([0.0, 0.5, -1.0]), min_size=n, max_size=n)))


@given(scalar_graphs(), st.integers(0, 2**16))
@settings(max_examples=200, deadline=None)
def test_a_proved_group_of_a_scalar_graph_has_equal_gradients_everywhere(graph: Any, seed: int) -> None:
    f, start = graph
    found = ties(f, start, method="prove")
    still, rng = found.partition.frozen, np.random.default_rng(seed)
    for _ in range(4):
        g = found.recording.gradient(point(found, rng))
        if np.isfinite(g).all() and np.abs(g).max() > NOTHING:
            assert spread(g, found) < ROUNDING
            assert np.abs(g[still]).max(initial=0) <= ROUNDING * np.abs(g).max()


@given(scalar_graphs())
@settings(max_examples=100, deadline=None)
def test_a_recorded_graph_says_what_the_function_says(graph: Any) -> None:
    f, start = graph
    leaves = [Value(x) for x in start]
    with trace():
        y = f(leaves)
    used = {v.serial for v in mg.engine.value.graph(y)}
    found, whole = ties(y, method="prove"), ties(f, list(start), method="prove")
    kept = [k for k, leaf in enumerate(leaves) if leaf.serial in used]
    ours, theirs = np.array([int(x) for x in found.labels]), np.array([int(x) for x in whole.labels])[kept]
    assert ((ours[:, None] == ours) == (theirs[:, None] == theirs)).all()


def test_a_wrong_proof_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Plants a proof that takes all residues of a class for equal. The comparison at random points must fail."""
    from minigrad.symmetry import proof

    monkeypatch.setattr(proof, "number_rows", lambda x, *more: (more[0], int(more[0].max()) + 1))
    x, y = np.random.default_rng(0).normal(size=(4, 3)), np.ones((4, 1))
    false = ties(lambda w, x, y: np.sum((x @ w - y) ** 2), np.ones((3, 1)), x, y)
    assert false.independent == 1
    g = false.recording.gradient(point(false, np.random.default_rng(0)))
    assert spread(g, false) > 0.01


def test_what_the_proof_misses_against_the_probe_is_counted_and_has_a_name() -> None:
    """The proof misses one kind: two equal formulas in a head of softmax, one of which is a deep fraction. It is
    rare, so a case of it is added (109), and two that were missed once (209, 215)."""
    kinds = {"cross_entropy": 0, "layer_norm": 0, "none of these": 0}
    ties_in_all = 0
    for seed in (*range(60), 109, 209, 215):
        rng = np.random.default_rng(seed)
        case = network(lambda low, high, rng=rng: int(rng.integers(low, high, endpoint=True)))
        found = ties(case.f, case.params, case.x, case.y, method="prove")
        seen = probe(found.recording)
        probed = np.unique(np.where(seen.frozen, -1, seen.classes)).size
        ties_in_all += found.numbers.size - probed
        assert probed <= len(found.groups), f"a false tie, or rounding: {case.words}"
        if probed < len(found.groups):
            kinds[next((kind for kind in kinds if kind in case.words), "none of these")] += 1
    assert kinds == {"cross_entropy": 1, "layer_norm": 0, "none of these": 0} and ties_in_all > 3000
