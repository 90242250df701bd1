"""Models of PyTorch and functions of JAX are drawn with their parameters by name, and with their own gradients."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from minigrad import draw
from minigrad.errors import ArgumentError, MinigradError


def by_name(d: Any) -> dict[str, Any]:
    return {node.name: node for node in d.diagram.nodes if node.name}


def test_a_model_of_pytorch() -> None:
    torch = pytest.importorskip("torch", reason="models of PyTorch need PyTorch")
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.Tanh(), torch.nn.Linear(2, 1)).double()
    x, y = torch.randn(5, 3, dtype=torch.float64), torch.randn(5, 1, dtype=torch.float64)
    found = by_name(draw(model, x))
    model(x).sum().backward()
    assert {"0.weight", "0.bias", "2.weight", "2.bias"} <= set(found)
    assert found["0.weight"].gradient.norm == pytest.approx(float(model[0].weight.grad.norm()))
    d = draw(model, x, y, loss=torch.nn.MSELoss())
    (result,) = (node for node in d.diagram.nodes if node.kind == "result")
    assert float(result.value.exact) == pytest.approx(torch.nn.MSELoss()(model(x), y).item())
    with pytest.raises(ArgumentError, match=r"Sequential is a model.*\n  write  draw\(model, x\)"):
        draw(model)
    with pytest.raises(MinigradError, match="PyTorch says"):
        draw(model, torch.randn(5, 7))


def test_a_function_of_jax() -> None:
    jax = pytest.importorskip("jax", reason="functions of JAX need JAX")
    jnp = jax.numpy

    def f(params: Any, x: Any) -> Any:
        return jnp.tanh(x @ params["w"] + params["b"])

    params = {"w": np.full((3, 2), 0.5, np.float32), "b": np.zeros(2, np.float32)}
    x = jnp.ones((4, 3))
    found = by_name(draw(f, params, x))
    g = jax.grad(lambda p: f(p, x).sum())(params)
    (w,) = (node for name, node in found.items() if "'w'" in name)
    assert w.gradient.norm == pytest.approx(float(jnp.linalg.norm(g["w"])), rel=1e-5)
    assert draw(jax.jit(f), params, x).diagram.title == draw(f, params, x).diagram.title
    with pytest.raises(ArgumentError, match="grad=True is for functions of NumPy"):
        draw(f, params, x, grad=True)
