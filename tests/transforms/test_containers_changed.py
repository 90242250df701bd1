"""A function may change the containers that it was given: derivatives stay those of the caller's arguments."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.engine.tree import leaves


def replace(p: Any) -> Any:
    p["s"] = np.exp(p["s"])
    return (p["m"] - 1.0) ** 2 / p["s"]


def pop(p: Any) -> Any:
    s = np.exp(p.pop("s"))
    return (p["m"] - 1.0) ** 2 / s


def clear(p: Any) -> Any:
    y = (p["m"] - 1.0) ** 2 / np.exp(p["s"])
    p.clear()
    return y


def add(p: Any) -> Any:
    p["new"], p["old"] = p["m"] * 2.0, dict(p)
    return (p["m"] - 1.0) ** 2 / np.exp(p["s"])


def reorder(p: Any) -> Any:
    p["m"] = p.pop("m")
    return (p["m"] - 1.0) ** 2 / np.exp(p["s"])


def loss(p: Any) -> Any:
    return (p["m"] - 1.0) ** 2 / np.exp(p["s"])


def nested(change: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The change one level down, in a list that changes as well."""

    def f(p: Any) -> Any:
        y = change(p["inner"][0])
        p["inner"].reverse()
        p["inner"].append(y)
        return y * p.pop("scale")

    return f


def both(f: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda p: (mg.grad(f)(p), f(copy.deepcopy(p)))


TRANSFORMS: dict[str, Callable[[Any], Callable[[Any], Any]]] = {
    "grad": mg.grad,
    "value_and_grad": mg.value_and_grad,
    "vjp": lambda f: lambda p: mg.vjp(f, p)[1](1.0),
    "jvp": lambda f: lambda p: mg.jvp(f, (p,), (ones_like(p),)),
    "jacobian": mg.jacobian,
    "hessian": mg.hessian,
    "hvp": lambda f: lambda p: mg.hvp(f, p, ones_like(p)),
    "grad of checkpoint": lambda f: mg.grad(mg.checkpoint(f)),
    "compiled grad": lambda f: mg.compile(mg.grad(f)),
    "compiled hessian": lambda f: mg.compile(mg.hessian(f)),
    "grad of grad": lambda f: mg.grad(lambda p: sum(leaves(mg.grad(f)(p)))),
}
CHANGES = (replace, pop, clear, add, reorder)


def ones_like(p: Any) -> Any:
    return mg.engine.tree.tree_map(lambda x, _: np.ones_like(x), p)


@pytest.mark.parametrize("change", CHANGES, ids=lambda f: f.__name__)
@pytest.mark.parametrize("transform", TRANSFORMS)
def test_the_derivative_is_that_of_the_callers_argument(transform: str, change: Callable[[Any], Any]) -> None:
    for f, untouched, p in (
        (change, loss, {"m": 3.0, "s": 0.5}),
        (nested(change), nested(loss), {"inner": [{"m": 3.0, "s": 0.5}, 1.0], "scale": 2.0}),
    ):
        before = copy.deepcopy(p)
        found, expected = TRANSFORMS[transform](f)(p), TRANSFORMS[transform](untouched)(p)
        assert p == before
        assert mg.engine.tree.flatten(found)[0] == mg.engine.tree.flatten(expected)[0]
        assert repr(found) == repr(expected)


def test_a_reversed_list_keeps_its_gradients_in_place() -> None:
    def f(p: list[Any]) -> Any:
        p.reverse()
        return p[0] * 1.0 + p[1] * 10.0

    assert mg.grad(f)([3.0, 1.0]) == [10.0, 1.0]
    assert mg.jvp(f, ([3.0, 1.0],), ([1.0, 0.0],))[1] == 10.0
    assert mg.grad(lambda p: (p.append(1.0), p[0] ** 2)[1])([3.0]) == [6.0]


def test_vmap_of_a_function_that_changes_its_argument() -> None:
    batch = {"m": np.array([3.0, 2.0]), "s": np.array([0.5, 0.1])}
    for change in CHANGES:
        np.testing.assert_allclose(mg.vmap(change)(batch), loss(batch), rtol=1e-15)
        slopes = mg.vmap(mg.grad(change))(batch)
        assert [*slopes] == ["m", "s"] and [*batch] == ["m", "s"]
        np.testing.assert_allclose(slopes["s"], -loss(batch), rtol=1e-15)


@dataclass
class Point:
    m: Any
    s: Any


def test_a_dataclass_and_a_module_may_be_changed() -> None:
    def f(p: Point) -> Any:
        p.s = np.exp(p.s)
        return (p.m - 1.0) ** 2 / p.s

    p = Point(3.0, 0.5)
    assert mg.grad(f)(p).s == pytest.approx(-4 / np.exp(0.5), rel=1e-15) and p == Point(3.0, 0.5)

    net, x = nn.MLP((2, 3, 1), seed=0), np.ones((1, 2))
    expected = mg.grad(lambda net: net(x).sum())(net)

    def g(net: Any) -> Any:
        y = net(x).sum()
        net.layers[0].W = net.layers[0].W * 2.0
        return y

    found = mg.grad(g)(net)
    for a, b in zip(leaves(found), leaves(expected), strict=True):
        np.testing.assert_array_equal(a, b)
