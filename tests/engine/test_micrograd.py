"""micrograd's own example and tests, as they stand but for the import, with the numbers they are known by."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest

from minigrad import Value


def readme(a: Any, b: Any) -> Any:
    """The example of micrograd's README."""
    c = a + b
    d = a * b + b**3
    c += c + 1
    c += 1 + c + (-a)
    d += d * 2 + (b + a).relu()
    d += 3 * d + (b - a).relu()
    e = c - d
    f = e**2
    g = f / 2.0
    g += 10.0 / f
    return g


def test_readme_example() -> None:
    a = Value(-4.0)
    b = Value(2.0)
    g = readme(a, b)
    assert f"{g.data:.4f}" == "24.7041"
    g.backward()
    assert f"{a.grad:.4f}" == "138.8338"
    assert f"{b.grad:.4f}" == "645.5773"


def test_sanity_check() -> None:
    x = Value(-4.0)
    z = 2 * x + 2 + x
    q = z.relu() + z * x
    h = (z * z).relu()
    y = h + q + q * x
    y.backward()
    assert y.data == -20.0
    assert x.grad == 46.0


def test_more_ops() -> None:
    a = Value(-4.0)
    b = Value(2.0)
    g = readme(a, b)
    g.backward()
    tol = 1e-12
    assert abs(g.data - 24.704081632653061) < tol
    assert abs(a.grad - 138.83381924198251) < tol * 100
    assert abs(b.grad - 645.57725947521865) < tol * 100


def test_every_node_has_its_gradient() -> None:
    a, b = Value(2.0), Value(-3.0)
    c = a * b
    d = c + 10.0
    e = d.tanh()
    e.backward()
    slope = 1 - np.tanh(4.0) ** 2
    assert e.grad == 1.0
    for node, expected in ((d, slope), (c, slope), (a, -3 * slope), (b, 2 * slope)):
        assert node.grad == pytest.approx(expected, rel=1e-12)


def test_numbers_on_either_side() -> None:
    a = Value(3.0)
    assert (2 + a).data == 5 and (a + 2).data == 5
    assert (2 - a).data == -1 and (a - 2).data == 1
    assert (2 * a).data == 6 and (a * 2).data == 6
    assert (6 / a).data == 2 and (a / 6).data == 0.5
    assert (a**2).data == 9 and (2**a).data == 8 and (-a).data == -3


def test_methods() -> None:
    a = Value(0.5)
    for name, function in (("exp", np.exp), ("tanh", np.tanh), ("log", np.log)):
        assert getattr(a, name)().data == function(0.5)
    assert a.relu().data == 0.5 and Value(-0.5).relu().data == 0.0
    assert a.sigmoid().data == pytest.approx(1 / (1 + np.exp(-0.5)), rel=1e-15)


def test_the_lecture_neuron() -> None:
    """The neuron of the lecture, with tanh made of exponentials, and the weights' known gradients."""
    x1, x2 = Value(2.0), Value(0.0)
    w1, w2 = Value(-3.0), Value(1.0)
    b = Value(6.8813735870195432)
    n = x1 * w1 + x2 * w2 + b
    e = (2 * n).exp()
    o = (e - 1) / (e + 1)
    o.backward()
    for value, gradient in ((x1, -1.5), (w1, 1.0), (x2, 0.5), (w2, 0.0), (n, 0.5)):
        assert value.grad == pytest.approx(gradient, abs=1e-12)


class Neuron:
    """As in micrograd's nn.py."""

    def __init__(self, nin: int, nonlin: bool = True) -> None:
        self.w = [Value(random.uniform(-1, 1)) for _ in range(nin)]
        self.b = Value(0)
        self.nonlin = nonlin

    def __call__(self, x: Any) -> Any:
        act = sum((wi * xi for wi, xi in zip(self.w, x, strict=True)), self.b)
        return act.relu() if self.nonlin else act

    def parameters(self) -> list[Value]:
        return [*self.w, self.b]


def test_a_network_of_neurons_learns() -> None:
    random.seed(1337)
    layers = [[Neuron(2) for _ in range(8)], [Neuron(8) for _ in range(8)], [Neuron(8, nonlin=False)]]
    parameters = [p for layer in layers for n in layer for p in n.parameters()]
    data = [((0.0, 0.0), -1.0), ((0.0, 1.0), 1.0), ((1.0, 0.0), 1.0), ((1.0, 1.0), -1.0)]

    def loss() -> Value:
        losses = []
        for x, target in data:
            out: Any = x
            for layer in layers:
                out = [n(out) for n in layer]
            losses.append((1 + -target * out[0]).relu())
        return sum(losses) * (1.0 / len(losses)) + 1e-4 * sum(p * p for p in parameters)

    start = loss().data
    for _ in range(60):
        total = loss()
        for p in parameters:
            p.grad = 0
        total.backward()
        for p in parameters:
            p.data -= 0.2 * p.grad
    assert start > 0.5 and loss().data < 0.1
