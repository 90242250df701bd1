"""A graph of numbers becomes a graph of vectors: the same value and gradient, far fewer nodes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from minigrad import Value, nn
from minigrad.engine.value import graph, sweep
from minigrad.symmetry import ties
from minigrad.symmetry.vectorise import vectorise
from minigrad.tracing import trace

RNG = np.random.default_rng(1)


def network(activation: str = "tanh") -> Any:
    net = nn.MLP((3, 6, 5, 2), activation, init="normal", seed=0, per_neuron=True)
    with trace():
        y = nn.squared_error(net(RNG.normal(size=(4, 3))), RNG.normal(size=(4, 2)))
    return y, net.parameters()


@pytest.mark.parametrize("activation", ["tanh", "relu", "sigmoid", "softplus", "linear"])
def test_value_and_gradient_are_those_of_the_old_graph(activation: str) -> None:
    y, params = network(activation)
    found = vectorise(y, params, [])
    assert found is not None
    loss, entries, free = found
    assert loss.item() == pytest.approx(y.item(), rel=1e-13) and free.size == 0
    y.backward()
    g = next(c for v, c in sweep(loss, np.float64(1)) if v is entries)
    np.testing.assert_allclose(g, [p.grad for p in params], rtol=1e-10, atol=1e-13)
    assert len(graph(loss)) * 20 < len(graph(y))


def test_sums_used_twice_constants_powers_and_free_data() -> None:
    with trace():
        w = [Value(x) for x in RNG.normal(size=8)]
        x = [Value(v) for v in RNG.normal(size=8)]
        parts = []
        for a, b in zip(w, x, strict=True):
            s = a + b + 1.5
            parts.append((s + a) * (s + 2 * b) + s**2 + a**3 - (b / (a * a + 1)).tanh())
        y = sum(parts[1:], start=parts[0])
    found = vectorise(y, w, x)
    assert found is not None
    loss, entries, free = found
    assert loss.item() == pytest.approx(y.item(), rel=1e-13)
    y.backward()
    grads = {v.serial: g for v, g in sweep(loss, np.float64(1))}
    np.testing.assert_allclose(grads[entries.serial], [v.grad for v in w], rtol=1e-12)
    np.testing.assert_allclose(grads[free.serial], [v.grad for v in x], rtol=1e-12)


def test_a_chain_of_ten_thousand_sums_is_one() -> None:
    with trace():
        w = [Value(1.0) for _ in range(10_000)]
        total = w[0] * 2.0
        for v in w[1:]:
            total = total + v * 2.0
        found = vectorise(total * total, w, [])
    assert found is not None and len(graph(found[0])) < 20
    assert len(ties(total * total).groups) == 1


def test_arrays_masks_without_inputs_and_graphs_without_width_are_left_alone() -> None:
    a = Value(1.0)
    assert vectorise((Value(np.ones(3)) * 2).sum(), [a], []) is None
    assert vectorise(a * (a > 0), [a], []) is None
    deep = a
    for _ in range(50):
        deep = deep.tanh()
    assert vectorise(deep, [a], []) is None
    assert vectorise(a, [a], []) is None


def test_masks_are_combined_as_masks() -> None:
    with trace():
        w, x = [Value(v) for v in RNG.normal(size=40)], [Value(v) for v in RNG.normal(size=40)]
        both = [a * ((a > 0) & (b > 0)) + b * ((a > 1.0) & True) for a, b in zip(w, x, strict=True)]
        y = sum(both[1:], start=both[0])
        either = [a * ((a > 0) + (b > 0)) for a, b in zip(w, x, strict=True)]
        z = sum(either[1:], start=either[0])
    found = vectorise(y, w, x)
    assert found is not None and found[0].item() == pytest.approx(y.item(), rel=1e-13)
    assert vectorise(z, w, x) is None, "the sum of two masks is no sum of numbers"
