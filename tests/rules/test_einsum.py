"""einsum: every form of subscripts, against the functions that say the same, and against finite differences."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from checking import EPS, assert_close, jacobian

import minigrad
from minigrad import Value, errors
from minigrad.check.testing.op_sampling import random_calls
from minigrad.engine.op import TABLE

EINSUM = TABLE[np.einsum]
rng = np.random.default_rng(0)


def arrays(*shapes: tuple[int, ...]) -> list[Any]:
    return [rng.uniform(-2, 2, shape) for shape in shapes]


def pulled(f: Any, *xs: Any) -> list[Any]:
    y = f(*xs)
    g = np.linspace(0.5, 1.5, np.size(y)).reshape(np.shape(y))
    return [y, *minigrad.grad(f, tuple(range(len(xs))))(*xs, cotangent=g)]


@pytest.mark.parametrize(
    ("subscripts", "same", "shapes"),
    [
        ("ij,jk->ik", np.matmul, [(2, 3), (3, 4)]),
        ("ij,jk", np.matmul, [(2, 3), (3, 4)]),
        ("...ij,...jk", np.matmul, [(5, 1, 2, 3), (4, 3, 2)]),
        ("ij,j", np.dot, [(2, 3), (3,)]),
        ("i,i", np.dot, [(3,), (3,)]),
        ("i,j", np.outer, [(3,), (2,)]),
        ("ii", np.trace, [(3, 3)]),
        ("ij->", np.sum, [(3, 2)]),
        ("ji", np.transpose, [(3, 2)]),
        (" i j -> j i ", np.transpose, [(3, 2)]),
        ("i...->...", lambda x: np.sum(x, axis=0), [(3, 2, 2)]),
        ("...,...->...", np.multiply, [(3, 1), (2,)]),
        (",i->i", np.multiply, [(), (3,)]),
        ("ij,kl->ikjl", lambda a, b: np.kron(a, b).reshape(2, 2, 3, 2), [(2, 3), (2, 2)]),
        ("i,i->", lambda a, b: a[0] * np.sum(b), [(1,), (3,)]),
        ("ii,i->", lambda a, b: a[0, 0] * np.sum(b), [(1, 1), (3,)]),
        ("ii,i->i", lambda a, b: np.sum(a * np.eye(3), axis=1) * b, [(3, 3), (1,)]),
        ("ba", np.transpose, [(2, 3)]),
    ],
)
def test_einsum_equals_the_function_that_says_the_same(subscripts: str, same: Any, shapes: Any) -> None:
    xs = arrays(*shapes)
    for optimize in (False, True, "greedy", "optimal"):
        found = pulled(lambda *xs, o=optimize: np.einsum(subscripts, *xs, optimize=o), *xs)
        for a, b in zip(found, pulled(same, *xs), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize(
    ("subscripts", "shapes"),
    [
        ("iij->j", [(2, 2, 3)]),
        ("iji", [(2, 3, 2)]),
        ("iii->i", [(3, 3, 3)]),
        ("iijj->ij", [(2, 2, 3, 3)]),
        ("...ii->...i", [(2, 3, 3)]),
        ("i...i->...", [(2, 3, 2)]),
        ("iij,jki->k", [(2, 2, 3), (3, 2, 2)]),
        ("ij,kk->i", [(2, 3), (2, 2)]),
        ("a...b,...cb->c...a", [(2, 3, 1, 2), (4, 3, 2)]),
        ("ij,jk,kl->il", [(2, 3), (3, 2), (2, 2)]),
        ("i,ij,ik,il->jkl", [(2,), (2, 1), (2, 2), (2, 3)]),
        ("i...,ij,j...->...", [(2, 3), (2, 2), (2, 1, 3)]),
        ("ij,ij,ij", [(2, 2), (2, 2), (2, 2)]),
        ("...,i,...i", [(3,), (2,), (1, 2)]),
        ("Ab,bA", [(2, 3), (3, 2)]),
        ("ij,i", [(2, 1), (2,)]),
        ("ij,ij->i", [(2, 1), (1, 3)]),
    ],
)
def test_forms_against_finite_differences(subscripts: str, shapes: Any) -> None:
    xs, params = tuple(arrays(*shapes)), {"subscripts": subscripts}
    y, *found = pulled(lambda *xs: np.einsum(subscripts, *xs), *xs)
    g = np.linspace(0.5, 1.5, np.size(y))
    terms = np.max(np.einsum(subscripts, *map(np.abs, xs)))  # y may be what is left of larger ones
    for k, c in enumerate(found):
        slopes = jacobian(TABLE[np.einsum], xs, params, k)
        assert_close(c, slopes @ g, 1e-11 * (np.abs(slopes) @ g + terms), f"{subscripts} in {k}")


@pytest.mark.parametrize(
    ("places", "subscripts", "shapes"),
    [
        (([0, 1], [1, 2], [0, 2]), "ij,jk->ik", [(2, 3), (3, 4)]),
        (([0, 1], [1, 2]), "ij,jk", [(2, 3), (3, 4)]),
        (([1, 0],), "ji", [(2, 3)]),
        (([27, 3],), "bD", [(2, 3)]),
        (([0, 0],), "ii", [(2, 2)]),
        (([Ellipsis, 0], [0, Ellipsis], [Ellipsis]), "...i,i...->...", [(3, 2), (2, 3)]),
    ],
)
def test_numbered_axes_are_another_spelling(places: Any, subscripts: str, shapes: Any) -> None:
    xs = arrays(*shapes)

    def numbered(*xs: Any) -> Any:
        call = [part for pair in zip(xs, places, strict=False) for part in pair]
        return np.einsum(*call, *places[len(xs) :])

    np.testing.assert_array_equal(numbered(*xs), np.einsum(subscripts, *xs))
    for a, b in zip(pulled(numbered, *xs), pulled(lambda *xs: np.einsum(subscripts, *xs), *xs), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_path_worked_out_beforehand_is_for_the_forward_pass_alone() -> None:
    xs = arrays((2, 3), (3, 4), (4, 2))
    path = np.einsum_path("ij,jk,kl->il", *xs, optimize="optimal")[0]
    found = pulled(lambda *xs: np.einsum("ij,jk,kl->il", *xs, optimize=path), *xs)
    for a, b in zip(found, pulled(lambda a, b, c: a @ b @ c, *xs), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-13)


def test_one_value_as_every_factor() -> None:
    """Each place has its share:  d (Σ x³) = 3 x²."""
    (x,) = arrays((3,))
    np.testing.assert_allclose(minigrad.grad(lambda x: np.einsum("i,i,i", x, x, x))(x), 3 * x**2, rtol=1e-14)
    hessian = minigrad.hessian(lambda x: np.einsum("i,i,i", x, x, x))(x)
    np.testing.assert_allclose(hessian, np.diag(6 * x), rtol=1e-14)


def test_constants_among_the_factors() -> None:
    a, b = arrays((2, 3), (3,))
    v = Value(b)
    y = np.einsum("ij,j,->i", a, v, 2.0)
    y.sum().backward()
    np.testing.assert_allclose(v.grad, 2 * a.sum(axis=0), rtol=1e-15)
    assert y.op is EINSUM
    assert y.inputs == (v,)


def test_gradients_through_a_view_are_not_shared() -> None:
    """einsum("ii->i") and einsum("ij->ji") look into their operand, and so do their rules into g."""
    v = Value(arrays((3, 3))[0])
    y, z = np.einsum("ij->ji", v), np.einsum("ii->i", v)
    g = np.arange(9.0).reshape(3, 3)
    y.backward(g)
    z.backward(np.ones(3))
    np.testing.assert_array_equal(v.grad, g.T + np.eye(3))
    np.testing.assert_array_equal(g, np.arange(9.0).reshape(3, 3))


def test_float32_stays_float32_on_the_way() -> None:
    """The ones and identities that a rule brings in are of the type of g: no silent work in float64."""
    x = np.ones((3, 3), np.float32)
    rule = EINSUM.vjps[0]
    for subscripts, g in (("ii", np.float32(1)), ("ij->j", np.ones(3, np.float32)), ("iij->i", None)):
        if g is not None:
            (c,) = rule(g, None, x, subscripts=subscripts)  # type: ignore[misc]
            assert c().dtype == np.float32


@pytest.mark.parametrize("name", ["out", "dtype", "order", "casting"])
def test_other_parameters_are_refused_by_name(name: str) -> None:
    with pytest.raises(errors.ArgumentError, match=f"einsum of a Value does not take {name}="):
        np.einsum("i,i", Value([1.0, 2.0]), np.ones(2), **{name: {"out": np.zeros(())}.get(name, "f")})


def test_subscripts_that_do_not_fit() -> None:
    with pytest.raises(errors.ShapeError, match=r"cannot compute einsum\(a, subscripts='ijk', optimize=False\)"):
        np.einsum("ijk", Value(np.ones((2, 2))))


def test_every_drawn_form_is_linear_in_every_factor() -> None:
    """Euler: of a product of n factors, each has <cotangent, factor> = <g, y>."""
    forms = set()
    for example in random_calls(EINSUM, 200):
        y, *found = pulled(lambda *xs, p=example.params: np.einsum(p["subscripts"], *xs), *example.inputs)
        forms.add(example.params["subscripts"])
        total = np.sum(np.linspace(0.5, 1.5, np.size(y)).reshape(np.shape(y)) * y)
        for x, c in zip(example.inputs, found, strict=True):
            np.testing.assert_allclose(np.sum(x * c), total, rtol=1e-11, atol=1e5 * EPS)
    assert len(forms) > 25


# Sums of products that are products of matrices, with the shapes of their factors.
MATRICES = [
    ("ij,jk->ik", (5, 7), (7, 4)), ("ij,kj->ik", (5, 7), (4, 7)), ("ji,jk->ki", (7, 5), (7, 4)),
    ("bij,bjk->bik", (3, 5, 7), (3, 7, 4)), ("bihd,bjhd->bhij", (2, 5, 3, 7), (2, 6, 3, 7)),
    ("nchwij,ocij->nohw", (2, 3, 4, 5, 2, 2), (6, 3, 2, 2)), ("ijk,kjl", (4, 5, 6), (6, 5, 3)),
    ("...ij,...jk->...ik", (3, 5, 7), (3, 7, 4)), ("...ij,...jk->...ik", (3, 5, 7), (7, 4)),
    ("ij,jk->ik", (5, 0), (0, 4)),
]  # fmt: skip
VECTORS = [
    ("ij,j->i", (5, 7), (7,)), ("j,ij", (7,), (5, 7)), ("bij,bj->bi", (3, 5, 7), (3, 7)), ("i,ij->j", (5,), (5, 0)),
]  # fmt: skip
OTHERS = [
    ("i,i", (5,), (5,)), ("i,j->ij", (5,), (4,)), ("ij,ij->ij", (5, 7), (5, 7)), ("ij,ij->i", (5, 7), (5, 7)),
    ("ii,ij->j", (5, 5), (5, 4)), ("ij,jk->i", (5, 7), (7, 4)), ("ij,jk->ik", (5, 7), (1, 4)),
]  # fmt: skip


@pytest.mark.parametrize(("subscripts", "shape", "other"), MATRICES + VECTORS)
def test_a_product_of_matrices_goes_through_matmul(
    subscripts: str, shape: Any, other: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=shape), rng.normal(size=other)
    want = np.einsum(subscripts, a, b)
    y = np.einsum(subscripts, Value(a), Value(b))
    np.testing.assert_allclose(y.data, want, rtol=1e-13, atol=1e-13)
    for x in (a, b):  # in other layouts, too
        turned = np.asfortranarray(x)
        np.testing.assert_allclose(
            np.einsum(subscripts, *[Value(turned) if z is x else z for z in (a, b)]).data, want, 1e-13, 1e-13
        )
    monkeypatch.setattr(np, "einsum", None)
    again = y.op.forward(a, b, subscripts=subscripts)
    assert np.array_equal(again, y.data)
    if (subscripts, shape, other) in MATRICES:  # its gradients are, too
        y.backward(np.ones(y.shape))


@pytest.mark.parametrize(("subscripts", "shape", "other"), OTHERS)
def test_what_is_no_product_of_matrices_is_numpys(subscripts: str, shape: Any, other: Any) -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=shape), rng.normal(size=other)
    assert np.array_equal(np.einsum(subscripts, Value(a), Value(b)).data, np.einsum(subscripts, a, b))
    mixed = np.einsum("ij,jk->ik", Value(np.ones((2, 3), np.float32)), np.ones((3, 2)))
    assert mixed.dtype == np.float64


def test_derivatives_of_every_order_of_a_product_of_matrices() -> None:
    rng = np.random.default_rng(0)
    x, w = rng.normal(size=(2, 3, 6)), rng.normal(size=(4, 3, 2))

    def f(x: Any, w: Any) -> Any:
        windows = np.lib.stride_tricks.sliding_window_view(x, 2, axis=2)
        return np.sum(np.sin(np.einsum("nchi,oci->noh", windows, w)))

    def by_sums(x: Any, w: Any) -> Any:
        parts = [np.sum(x[:, None, :, h : h + 2] * w, axis=(2, 3)) for h in range(5)]
        return np.sum(np.sin(np.stack(parts, axis=2)))

    for derivative in (minigrad.grad, minigrad.hessian):
        for argnums in (0, 1):
            got, want = (derivative(g, argnums)(x, w) for g in (f, by_sums))
            np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-12)
    vs = (np.cos(x), np.cos(w))
    for got, want in zip(minigrad.hvp(f, (x, w), vs), minigrad.hvp(by_sums, (x, w), vs), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-12)
