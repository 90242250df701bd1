"""draw takes functions with their arguments, plain or compiled, and their gradients; it refuses all others."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad import Value, draw, nn
from minigrad.errors import ArgumentError

X, P = np.array([1.0, 2.0]), {"w": 3.0, "n": 2}


def f(x: Any, p: Any) -> Any:
    return np.sum(np.sin(x) * p["w"]) ** p["n"]


def leaves(d: Any) -> dict[str, Any]:
    return {node.name: node for node in d.diagram.nodes if not node.operation}


def test_arguments_are_leaves_with_their_names_and_gradients() -> None:
    d = draw(f, X, P)
    found = leaves(d)
    assert set(found) == {"x", "p['w']"} and found["p['w']"].gradient is not None
    assert float(found["p['w']"].gradient.exact) == pytest.approx(mg.grad(f, argnums=1)(X, P)["w"])
    assert d.diagram.nodes[-1].value is not None
    assert float(d.diagram.nodes[-1].value.exact) == pytest.approx(f(X, P))


def test_a_compiled_function_is_drawn_as_the_function_that_it_computes() -> None:
    compiled = mg.compile(f)
    compiled(X, P)
    assert draw(compiled, X, P).diagram == draw(f, X, P).diagram


def test_methods_partial_functions_and_many_arguments() -> None:
    class Model:
        def loss(self, w: Any) -> Any:
            return (w * w).sum()

    assert set(leaves(draw(Model().loss, X))) == {"w"}
    assert set(leaves(draw(lambda *a: a[0] * a[1], 2.0, 3.0))) == {"a[0]", "a[1]"}
    assert len(leaves(draw(np.multiply, 2.0, 3.0))) == 2
    w = Value(2.0, "w")
    assert set(leaves(draw(lambda v=w: v * 3))) == {"w"}


def test_the_gradient_is_drawn_with_the_ops_that_compute_it() -> None:
    d = draw(lambda x: np.sin(x) * x, 0.5, grad=True)
    result = d.diagram.nodes[-1]
    assert result.value is not None
    assert float(result.value.exact) == pytest.approx(np.cos(0.5) * 0.5 + np.sin(0.5))
    assert "cos" in {node.operation for node in d.diagram.nodes}
    (second,) = (float(n.gradient.exact) for n in d.diagram.nodes if n.name == "x" and n.gradient)
    assert second == pytest.approx(2 * np.cos(0.5) - 0.5 * np.sin(0.5))


def test_several_gradients_are_joined() -> None:
    d = draw(f, X, P, grad=True)
    assert d.diagram.nodes[-1].name == "gradient" and d.diagram.nodes[-1].shape == (3,)
    assert {"∂/∂x", "∂/∂p['w']"} <= {node.name for node in d.diagram.nodes}


@pytest.mark.parametrize(
    ("thing", "data", "words"),
    [
        (np.sin, (), "sin is a function, which is drawn at its arguments; got none\n  write  draw\\(sin"),
        (mg.compile(f), (), "f is a function, which is drawn"),
        ([Value(1.0), Value(2.0)], (), "got several\n  write  draw\\(sum"),
        (nn.MLP, (), "a model or a function, got"),
        (lambda x: 3.0, (1.0,), "f returns float 3.0, and draw takes a Value"),
        (lambda x: (x, x), (1.0,), "f returns tuple"),
        (np.ones(3), (), "a model or a function, got"),
    ],
)
def test_an_error_says_what_was_meant(thing: Any, data: tuple[Any, ...], words: str) -> None:
    with pytest.raises(ArgumentError, match=words):
        draw(thing, *data)
