"""Every kind of container through every transform: gradients nested like the argument, numbers of a plain list."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from containers import KINDS, Affine, Frozen, Layer, Outer, Pair, Slotted, kinds

from minigrad import (
    Value,
    check_grads,
    checkpoint,
    compile,
    directional,
    grad,
    gradient_report,
    hessian,
    hvp,
    jacobian,
    jvp,
    numeric_gradient,
    numeric_jacobian,
    ties,
    value_and_grad,
    vjp,
    vmap,
)
from minigrad.engine.tree import flatten, leaves, tree_map
from minigrad.engine.tree_pairs import tree_pairs
from minigrad.errors import ArgumentError, DTypeError, ShapeError
from minigrad.nn import MLP, Module

W, B = np.array([1.0, -2.0, 0.5]), np.array([0.3, 2.0, 1.5])


def f(w: Any, b: Any) -> Any:
    return np.sum(np.tanh(w * b) * b)


def of_container(kind: str) -> tuple[Any, Callable[[Any], Any], Callable[[Any], tuple[Any, Any]]]:
    make, take = KINDS[kind]
    return make(W.copy(), B.copy()), lambda x: f(*take(x)), take


def assert_pair(got: Any, kind: str, expected: Any) -> None:
    """Nested like the argument, with these numbers."""
    make, take = KINDS[kind]
    assert type(got) is type(make(W, B))
    for a, b in zip(take(got), expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12)


EXPECTED = grad(f, (0, 1))(W, B)


@kinds
def test_grad_and_value_and_grad(kind: str) -> None:
    x, g, _ = of_container(kind)
    assert_pair(grad(g)(x), kind, EXPECTED)
    value, gradient = value_and_grad(g)(x)
    assert value == f(W, B)
    assert_pair(gradient, kind, EXPECTED)
    of_values = "module" in kind  # the Values of a module are there outside too: it can be differentiated again
    assert all(type(leaf) is (Value if of_values else np.ndarray) for leaf in leaves(gradient))


@kinds
def test_vjp_takes_and_returns_containers(kind: str) -> None:
    make, take = KINDS[kind]
    y, pull = vjp(lambda x: make(*take(x)) if "module" not in kind else tree_map(lambda v, _: v * 1, x), make(W, B))
    assert_pair(y, kind, (W, B))
    (back,) = pull(y)
    assert_pair(back, kind, (W, B))


@kinds
def test_jvp_and_hvp_take_tangents_nested_alike(kind: str) -> None:
    x, g, _ = of_container(kind)
    direction = grad(g)(x)
    dy = jvp(g, (x,), (direction,))[1]
    np.testing.assert_allclose(dy, sum(np.sum(e * e) for e in EXPECTED))
    if kind != "tuple":  # of hvp, a tuple is all arguments
        assert_pair(hvp(g, x, direction), kind, hvp(f, (W, B), EXPECTED))


@kinds
def test_jacobian_and_hessian(kind: str) -> None:
    x, g, take = of_container(kind)
    assert_pair(jacobian(g)(x), kind, EXPECTED)
    rows = take(hessian(g)(x))
    expected = hessian(f, (0, 1))(W, B)
    for row, wanted in zip(rows, expected, strict=True):
        assert_pair(row, kind, wanted)


@kinds
def test_vmap_over_the_leaves(kind: str) -> None:
    make, take = KINDS[kind]
    many = make(np.stack([W, 2 * W]), np.stack([B, B - 1]))
    np.testing.assert_allclose(vmap(lambda x: f(*take(x)))(many), [f(W, B), f(2 * W, B - 1)])
    got = vmap(grad(lambda x: f(*take(x))))(many)
    rows = [grad(f, (0, 1))(W, B), grad(f, (0, 1))(2 * W, B - 1)]
    assert_pair(got, kind, [np.stack(pair) for pair in zip(*rows, strict=True)])


@kinds
def test_checkpoint(kind: str) -> None:
    x, g, _ = of_container(kind)
    assert_pair(grad(checkpoint(g))(x), kind, EXPECTED)


@kinds
def test_compile_returns_the_gradient_nested_alike(kind: str) -> None:
    x, g, take = of_container(kind)
    step = compile(value_and_grad(g))
    for _ in range(2):
        assert_pair(step(x)[1], kind, EXPECTED)
    if "module" in kind:
        take(x)[0].data = 2 * W
        assert_pair(step(x)[1], kind, grad(f, (0, 1))(2 * W, B))
    else:
        assert_pair(step(KINDS[kind][0](2 * W, B))[1], kind, grad(f, (0, 1))(2 * W, B))


def test_a_shared_weight_of_a_module_has_its_whole_gradient_in_each_place() -> None:
    model = Affine(W, B)
    model.again = model.w  # type: ignore[attr-defined]
    g = grad(lambda m: np.sum(m.w * m.again * B))(model)
    np.testing.assert_allclose(g.w, 2 * W * B)
    assert g.again is g.w and len(leaves(g)) == 2


def test_parameters_are_found_inside_the_function_that_got_the_module() -> None:
    """A penalty over m.parameters() must not vanish from the gradient."""
    model = Affine(W, B)

    def penalty(m: Any) -> Any:
        return sum(np.sum(p**2) for p in m.parameters())

    g = grad(penalty)(model)
    np.testing.assert_allclose(g.w, 2 * W)
    assert [p is q for p, q in zip(g.parameters(), leaves(g), strict=True)] == [True, True]
    assert model.parameters() == [model.w, model.held[0]["b"]] and model.w.grad is None


def test_gradient_of_a_module_is_that_of_backward() -> None:
    model, x = MLP((3, 4, 1)), np.ones((5, 3))
    g = grad(lambda m: np.sum(m(x) ** 2))(model)
    np.sum(model(x) ** 2).backward()
    for p, q in zip(model.parameters(), g.parameters(), strict=True):
        np.testing.assert_array_equal(p.grad, q)


def test_a_function_that_changes_its_module_changes_a_copy() -> None:
    model = Affine(W, B)

    def stores(m: Any) -> Any:
        m.last = m.w * 2
        m.held.append(m.last)
        return np.sum(m.last * m.held[0]["b"])

    np.testing.assert_allclose(grad(stores)(model).w, 2 * B)
    assert not hasattr(model, "last") and len(model.held) == 1


def test_names_of_parameters_in_every_container() -> None:
    class All(Module):
        def __init__(self) -> None:
            self.l, self.d, self.n = [Value(1.0)], {"k": (Value(2.0),)}, Pair(Value(3.0), Value(4.0))
            self.c, self.m = Frozen(Value(5.0), [Value(6.0)]), Affine(7.0, 8.0)
            self.shared = self.l[0]

    names = ["l.0", "d.k.0", "n.w", "n.b", "c.w", "c.b.0", "m.w", "m.held.0.b"]
    assert [name for name, _ in All().named_parameters()] == names
    assert [float(v.data) for v in leaves(All())] == [1, 2, 3, 4, 5, 6, 7, 8]


def test_paths_name_fields_attributes_and_keys() -> None:
    paths: list[str] = []
    tree_map(lambda _, path: paths.append(path), [Outer(1.0, 2.0), {"k": Slotted(1.0, (2.0,))}])
    assert paths == ["[0].inner.w", "[0].inner.held[0]['b']", "[1]['k'].w", "[1]['k'].b[0]"]
    with pytest.raises(DTypeError, match=r"argument 0\['p'\]\.b has no gradient"):
        grad(lambda x: 0.0)({"p": Layer(1.0, "text")})


@dataclass
class Named:
    w: Any
    name: str = "hi"


LEAF_BY_LEAF: dict[str, Callable[[Any], Any]] = {
    "grad": lambda x: grad(lambda x: 0.0)(x),
    "vjp": lambda x: vjp(lambda x: 0.0, x),
    "jvp": lambda x: jvp(lambda x: 0.0, (x,), (x,)),
    "hessian": lambda x: hessian(lambda x: 0.0)(x),
    "hvp": lambda x: hvp(lambda x: 0.0, x, x),
    "ties": lambda x: ties(lambda x: 0.0, x),
}


@pytest.mark.parametrize("transform", LEAF_BY_LEAF)
def test_a_field_without_a_gradient_is_refused_with_the_way_to_leave_it_out(transform: str) -> None:
    """The remedy works: `Frozen` states it, and every transform takes it."""
    said = (
        r"\.name has no gradient: str 'hi'\n  write  name: \.\.\. = field\(metadata=\{\"static\": True\}\)   in the"
    )
    with pytest.raises(DTypeError, match=said):
        LEAF_BY_LEAF[transform](Named(W))


@pytest.mark.parametrize("transform", ["grad", "vjp", "jvp", "hessian", "ties"])
@pytest.mark.parametrize(
    ("x", "said"),
    [
        ({"p": [1.0, "hi"]}, r"\['p'\]\[1\] has no gradient: str 'hi'\n  write  f\(x, other\)   with it as an arg"),
        ({"p": Layer(1.0, [f"{1}"])}, r"\['p'\]\.b\[0\] has no gradient: .*\n  write  f\(x, other\)"),
        ({"a.b": len}, r"\['a\.b'\] has no gradient: builtin.* <built-in function len>\n  write  f\(x, other\)"),
        ("hi", r" has no gradient: str 'hi'\n  write  lambda x: f\(x, \.\.\.\)   to close over it, .* argnums="),
        (Layer(1.0, 1j), r"\.b has no gradient: complex 1j\n  write  x\.real, x\.imag   as two arrays"),
    ],
    ids=["list", "list in a dataclass", "dict", "argument", "complex"],
)
def test_a_leaf_without_a_gradient_is_refused_with_what_to_write(transform: str, x: Any, said: str) -> None:
    with pytest.raises(DTypeError, match=f"^(argument 0|params){said}"):
        LEAF_BY_LEAF[transform](x)


CHECKS: dict[str, dict[str, Any]] = {
    "minigrad": {},
    "second order": {"order": 2},
    "grad": {"grad": lambda x: grad(lambda x: f(*x))(x)},
    "vjp": {"vjp": lambda c, x: vjp(lambda x: f(*x), x)[1](c)},
    "vjp, not in a tuple": {"vjp": lambda c, x: vjp(lambda x: f(*x), x)[1](c)[0]},
    "jvp": {"jvp": lambda args, ts: jvp(lambda x: f(*x), args, ts)[1]},
    "jac": {"jac": lambda x: jacobian(lambda x: f(*x))(x)},
    "hess": {"hess": lambda x: hessian(lambda x: f(*x))(x)},
}


@pytest.mark.parametrize("given", CHECKS)
def test_to_a_check_a_named_tuple_is_one_argument(given: str) -> None:
    """As to grad, hvp and ties."""
    assert gradient_report(lambda x: f(x.w, x.b), Pair(W, B), **CHECKS[given]).verdict == "agree"
    assert check_grads(lambda x: f(x.w, x.b), (Pair(W, B),), **CHECKS[given]).verdict == "agree"
    with pytest.raises(ArgumentError, match=r"f does not take 1 argument: .*\n.* a list or a named tuple, is one"):
        gradient_report(lambda w, b: f(w, b), Pair(W, B))


def test_to_a_check_a_named_tuple_of_one_item_is_one_argument() -> None:
    single = namedtuple("single", "w")
    wrong = gradient_report(lambda x: np.sum(x.w[0] ** 2), single((W,)), grad=lambda x: single((3 * x.w[0],)))
    right = gradient_report(lambda x: np.sum(x.w[0] ** 2), single((W,)), grad=lambda x: single((2 * x.w[0],)))
    assert (wrong.verdict, right.verdict) == ("disagree", "agree")
    assert "given = 1.5 ×" in str(wrong)


def test_to_numerical_derivatives_a_named_tuple_is_one_argument() -> None:
    x = Pair(W, B)
    for found in (numeric_gradient(lambda x: f(*x), x).value, numeric_jacobian(lambda x: f(*x), x).value):
        assert type(found) is Pair
        for got, want in zip(found, EXPECTED, strict=True):
            np.testing.assert_allclose(got, want, rtol=1e-8)
    slope = directional(lambda x: f(*x), x, Pair(*EXPECTED)).value
    np.testing.assert_allclose(slope, sum(np.sum(e * e) for e in EXPECTED), rtol=1e-8)


def test_another_class_or_other_keys_are_refused() -> None:
    with pytest.raises(ShapeError, match=r"expected a Layer of w, b at \[0\], got a Slotted of w, b"):
        tree_pairs([Layer(1, 2)], [Slotted(1, 2)])
    with pytest.raises(ShapeError, match="got one array"):
        tree_pairs(Layer(1, 2), 3)
    with pytest.raises(ShapeError, match="expected one array, got a Layer"):
        tree_pairs(3, Layer(1, 2))
    assert tree_pairs({"a": 1, "b": 2}, {"b": 4, "a": 3}) == [(1, 3, "['a']"), (2, 4, "['b']")]


@pytest.mark.parametrize("wrap", [lambda x: [x], lambda x: {"k": (x,)}, lambda x: Layer(1.0, x)])
def test_a_cycle_is_refused_by_name(wrap: Any) -> None:
    inner: list[Any] = [1.0]
    inner.append(wrap(inner))
    for call in (flatten, leaves, lambda x: tree_map(lambda v, _: v, x), grad(lambda x: 0.0)):
        with pytest.raises(ArgumentError, match="contains itself"):
            call(inner)


def test_a_module_that_knows_its_owner_is_refused_as_an_argument_and_has_parameters() -> None:
    model = Outer(W, B)
    model.inner.owner = model  # type: ignore[attr-defined]
    assert len(model.parameters()) == 2
    with pytest.raises(ArgumentError, match="contains itself"):
        leaves(model)


def test_a_function_that_recurses_too_deep_is_no_cycle() -> None:
    def deep(x: Any, _: str) -> Any:
        raise RecursionError

    with pytest.raises(RecursionError):
        tree_map(deep, [1.0])


@kinds
def test_unflatten_gives_fresh_containers_of_the_same_kind(kind: str) -> None:
    x, _, _ = of_container(kind)
    found, structure = flatten(x)
    again = structure.unflatten([1.0, 2.0])
    assert_pair(again, kind, (1.0, 2.0))
    assert again is not x and len(found) == 2
    with pytest.raises(ShapeError, match="expected 2 leaves, got 3"):
        structure.unflatten([1, 2, 3])
    if kind == "frozen dataclass":
        assert again.name == "layer"
    if kind == "default dict":
        assert again["new"] == []


@kinds
def test_the_checker_takes_the_container_and_sees_a_wrong_entry(kind: str) -> None:
    x, g, _ = of_container(kind)
    check_grads(g, (x,))

    def wrong(x: Any) -> Any:
        found, structure = flatten(grad(g)(x))
        return structure.unflatten([np.array(found[0]), 1.01 * np.array(found[1])])

    assert gradient_report(g, (x,), grad=wrong).verdict == "disagree"


@kinds
def test_ties_take_the_container(kind: str) -> None:
    make, take = KINDS[kind]
    found = ties(lambda x: np.sum(take(x)[0] * take(x)[0]) + np.sum(np.sin(take(x)[1])), make(np.ones(3), B))
    assert "6 parameters move as 4" in repr(found)


@dataclass
class Block(Module):
    """A dataclass that is a Module: its attributes."""

    w: Any


def test_a_module_that_is_a_dataclass_holds_its_values() -> None:
    block = Block(Value(W))
    assert block.parameters() == [block.w]
    g = grad(lambda m: np.sum(m.w**2))(block)
    assert type(g) is Block
    np.testing.assert_allclose(g.w, 2 * W)
