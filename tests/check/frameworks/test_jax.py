"""JAX's functions, jitted ones and those with derivatives of their own: JAX's derivatives are checked."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import pytest

import minigrad
from minigrad import gradient_report as report

jax = pytest.importorskip("jax", reason="the checks of JAX's functions need JAX")
jnp = jax.numpy


@pytest.fixture
def x64() -> Iterator[None]:
    before = jax.config.jax_enable_x64
    jax.config.update("jax_enable_x64", True)
    yield
    jax.config.update("jax_enable_x64", before)


def kinds(found: Any) -> set[str]:
    return {finding.kind for finding in found.findings}


def cube(factor: float = 3.0) -> Any:
    @jax.custom_vjp
    def cube(x: Any) -> Any:
        return x**3

    cube.defvjp(lambda x: (x**3, x), lambda x, g: (factor * x * x * g,))
    return cube


def square(factor: float = 2.0) -> Any:
    @jax.custom_jvp
    def square(x: Any) -> Any:
        return x * x

    square.defjvp(lambda xs, ts: (xs[0] * xs[0], factor * xs[0] * ts[0]))
    return square


X = np.array([0.5, -0.7, 1.1], dtype=np.float32)
FORMS = {
    "itself": lambda f: f,
    "jitted": lambda f: jax.jit(f),
    "inside a function": lambda f: lambda x: jnp.sum(f(x)),
}
ARRAYS = {
    "of JAX": lambda: jnp.asarray(X),
    "of NumPy": lambda: X,
    "of NumPy in float64": lambda: X.astype(np.float64),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("array", ARRAYS)
def test_a_backward_that_is_ten_times_too_large_disagrees(form: str, array: str) -> None:
    """In JAX's default, float32, NumPy's float64 is no dtype to compare with."""
    x = ARRAYS[array]()
    assert report(FORMS[form](cube()), x).ok
    found = report(FORMS[form](cube(30.0)), x)
    assert found.verdict == "disagree" and kinds(found) == {"factor"}, found


def test_both_modes_are_checked_where_jax_has_them() -> None:
    assert report(square(), jnp.asarray(X)).ok
    found = report(square(20.0), jnp.asarray(X))
    assert {f.index for f in found.findings} == {(2,), (2, 2)}, found  # a gradient, and a matrix of tangents
    assert kinds(report(square(20.0), jnp.asarray(X), modes="fwd")) == {"factor"}
    with pytest.raises(minigrad.errors.ArgumentError, match="no forward mode"):
        report(cube(), jnp.asarray(X), modes="fwd")
    powers = jax.jit(lambda x: jax.lax.while_loop(lambda c: c[0] < 3, lambda c: (c[0] + 1, c[1] * x), (0, x))[1])
    assert report(powers, jnp.asarray(X)).ok  # without reverse mode
    with pytest.raises(minigrad.errors.ArgumentError, match="neither reverse nor forward"):
        report(lambda x: jax.pure_callback(np.sin, x, x), jnp.asarray(X))


class Parameters(NamedTuple):
    w: Any
    b: Any


@jax.tree_util.register_dataclass
@dataclasses.dataclass
class Layer:
    w: Any
    b: Any
    scale: float = dataclasses.field(metadata={"static": True})


@jax.tree_util.register_pytree_with_keys_class
class Node:
    """A nesting that JAX alone knows."""

    def __init__(self, w: Any, b: Any) -> None:
        self.w, self.b = w, b

    def tree_flatten_with_keys(self) -> Any:
        key = jax.tree_util.GetAttrKey
        return ((key("w"), self.w), (key("b"), self.b)), None

    @classmethod
    def tree_unflatten(cls, _: Any, children: Any) -> Node:
        return cls(*children)


def weights() -> tuple[Any, Any]:
    return jnp.asarray(X), jnp.asarray(np.float32(0.4))


NESTINGS = {
    "a named tuple": (lambda: Parameters(*weights()), ".w"),
    "a dataclass": (lambda: Layer(*weights(), scale=2.0), ".w"),
    "a class of JAX": (lambda: Node(*weights()), ".w"),
    "a dict": (lambda: dict(zip("wb", weights(), strict=True), n=None), "['w']"),
}


def item(p: Any, name: str) -> Any:
    return p[name] if isinstance(p, dict) else getattr(p, name)


@pytest.mark.parametrize("kind", NESTINGS)
def test_a_nesting_of_parameters_is_one_argument(kind: str) -> None:
    make, path = NESTINGS[kind]

    def loss(factor: float) -> Any:
        f = cube(factor)
        # Its result is nested as well.
        return lambda p: jax.tree.map(lambda x: x * item(p, "b"), {"a": f(item(p, "w")), "b": [item(p, "b")]})

    found = report(loss(3.0), make())
    assert found.ok and found.arguments == 1 and found.entries == 4, found
    found = report(loss(30.0), make())
    assert found.verdict == "disagree" and {f.path for f in found.findings} == {f"p{path}"}, found


def test_a_function_is_one_of_jax_by_arrays_in_a_nesting_that_jax_alone_knows() -> None:
    found = report(lambda p: p.w * p.b, Node(*weights()))  # its code names nothing
    assert found.ok and found.entries == 4, found


@pytest.mark.parametrize("key", [lambda: jax.random.PRNGKey(0), lambda: jax.random.key(0)])
def test_keys_and_integers_pass_through(key: Any) -> None:
    def noisy(x: Any, key: Any, which: Any, name: str) -> Any:
        assert name == "relu" and which.dtype == jnp.int32
        key, other = jax.random.split(key)
        return cube(30.0)(x)[which] * jax.random.normal(other, which.shape), key, which

    args = (jnp.asarray(X), key(), jnp.array([0, 2]), "relu")
    found = report(noisy, args)
    assert found.verdict == "disagree" and {f.path for f in found.findings} == {"x"}, found
    with pytest.raises(minigrad.errors.ArgumentError, match="nothing to differentiate"):
        report(noisy, args, argnums=1)


def test_only_chosen_arguments_are_differentiated() -> None:
    args = (jnp.asarray(X), jnp.asarray(X) + 1, 2.0)

    def f(x: Any, y: Any, p: float) -> Any:
        return cube(30.0)(x) * y * p

    assert report(f, args, argnums=(1, 2)).ok and report(f, args).verdict == "disagree"
    whole = jax.jit(lambda x, n: x**n, static_argnums=1)
    assert report(whole, (jnp.asarray(X), 3)).ok


def test_kinks_and_nan_are_judged_as_of_any_library() -> None:
    found = report(jax.nn.relu, jnp.array([0.0, 1.0, -1.0]))
    assert found.ok and "kink" in kinds(found), found
    assert report(jnp.max, jnp.array([1.0, 1.0])).ok  # an even split
    found = report(lambda x: jnp.sum(jnp.where(x > 0, jnp.sqrt(x), 0.0)), jnp.array([0.0, 1.0]))
    assert found.verdict == "disagree" and "nan" in kinds(found), found


def test_the_gradient_of_a_gradient_is_checked_at_order_2() -> None:
    @jax.custom_vjp
    def detached(x: Any) -> Any:
        return x**3

    detached.defvjp(lambda x: (x**3, x), lambda x, g: (3 * jax.lax.stop_gradient(x) * x * g,))
    x = jnp.asarray(X)
    assert report(cube(), x, order=2).ok and report(detached, x).ok
    found = report(detached, x, order=2)
    assert "factor" in kinds(found) and "order 2" in str(found), found


def test_a_wrong_shape_and_an_error_are_those_of_jax() -> None:
    @jax.custom_vjp
    def add(x: Any, b: Any) -> Any:
        return x + b

    add.defvjp(lambda x, b: (x + b, None), lambda _, g: (g, g))
    found = report(add, (jnp.ones((2, 3)), jnp.ones(3)))
    assert kinds(found) == {"raised"} and "JAX's vjp raised ValueError" in str(found), found
    with pytest.raises(minigrad.errors.ArgumentError, match="does not take 1 argument"):
        report(lambda x, y: jnp.sin(x) * y, jnp.asarray(X))


def test_in_float64_the_formula_is_compared_there_and_in_the_given_type(x64: None) -> None:
    x = jnp.asarray(X)
    found = report(cube(), x)
    assert found.ok and found.resolving_power < 1e-9 and found.precision.name == "float32", found
    assert report(cube(30.0), x).verdict == "disagree"
    assert report(cube(), x.astype(jnp.float64)).precision is None
    # Primitives take no mixed types: what is not differentiated is widened, too.
    found = report(jax.lax.mul, (x, x), argnums=0)
    assert found.ok and found.resolving_power < 1e-9, found
    narrow = jax.jit(lambda x: jnp.where(x.dtype == jnp.float32, cube(30.0)(x), cube()(x)))
    assert "precision" in kinds(report(narrow, x))


@pytest.mark.parametrize("dtype", [jnp.bfloat16, jnp.float16])
def test_half_precision_is_measured_in_the_widest_type_that_jax_has(dtype: Any) -> None:
    found = report(cube(), jnp.asarray(X, dtype))
    assert found.ok and "  in float32: largest" in str(found), found
    assert f"  in {jnp.dtype(dtype).name}: largest" in str(found), found
    assert kinds(report(cube(30.0), jnp.asarray(X, dtype))) == {"factor"}


def test_a_derivative_that_is_given_is_one_of_arrays_of_jax() -> None:
    def loss(x: Any) -> Any:
        return jnp.sum(jnp.sin(x) * x)

    x = jnp.asarray(X)
    assert report(loss, x, grad=jax.grad(loss)).ok and report(loss, x, hess=jax.hessian(loss)).ok
    assert report(jax.value_and_grad(loss), x, value_and_grad=True).ok
    assert not report(loss, x, grad=lambda x: 2 * jax.grad(loss)(x))


def test_what_a_jitted_function_uses_up_is_a_copy() -> None:
    x = jnp.asarray(X)
    doubled = jax.jit(lambda x: x * 2, donate_argnums=0)
    assert report(doubled, x).ok and np.array_equal(x, X)


def test_a_function_of_numpy_that_asks_for_arrays_of_jax_stays_one_of_numpy() -> None:
    def f(x: Any) -> Any:
        return (x * x).sum() if not isinstance(x, jax.Array) else -x

    assert report(f, X.astype(np.float64)).resolving_power < 1e-9
