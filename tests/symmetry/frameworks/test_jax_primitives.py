"""Every row for a primitive of JAX has the values and the gradients of JAX, at kinks too."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

jax = pytest.importorskip("jax", reason="the rows of JAX's primitives need JAX")

import jax.numpy as jnp  # noqa: E402
from jax import lax  # noqa: E402

from minigrad.engine.value import graph  # noqa: E402
from minigrad.symmetry.frontends.jax import record_jax_loss  # noqa: E402
from minigrad.symmetry.frontends.jax.elementwise_primitives import CUSTOM  # noqa: E402
from minigrad.symmetry.frontends.jax.indexed_primitives import INDEXED  # noqa: E402
from minigrad.symmetry.frontends.jax.recorded_primitives import ROWS  # noqa: E402

RNG = np.random.default_rng(3)


@pytest.fixture(autouse=True)
def x64() -> Iterator[None]:
    before = jax.config.jax_enable_x64
    jax.config.update("jax_enable_x64", True)
    yield
    jax.config.update("jax_enable_x64", before)


P3, P34 = np.array([0.3, 1.5, -0.8]), RNG.normal(size=(3, 4))
W = RNG.normal(size=(40,))


def tell(y: Any) -> Any:
    """A sum in which each entry counts otherwise."""
    y = jnp.ravel(jnp.asarray(y))
    return jnp.sum(y * jnp.resize(W, y.shape))


def assert_recorded(f: Any, params: Any, *data: Any) -> Any:
    """The recording has the loss and the gradient of JAX."""
    recording = record_jax_loss(f, (params, *data), None, False)
    loss, grads = jax.value_and_grad(f)(jax.tree_util.tree_map(jnp.asarray, params), *data)
    assert np.allclose(recording.loss(recording.values), loss, rtol=1e-9, atol=1e-12)
    flat = np.concatenate([np.ravel(g) for g in jax.tree_util.tree_leaves(grads)])
    assert np.allclose(recording.gradient(recording.values), flat, rtol=1e-9, atol=1e-12)
    return recording


def conv(dims: Any, shape: tuple[int, ...], **how: Any) -> Any:
    x = RNG.normal(size=shape)
    how = {"window_strides": (1, 1), "padding": "SAME", **how}
    return lambda k: tell(lax.conv_general_dilated(x, k, dimension_numbers=dims, **how))


def window(operation: Any, start: float, *how: Any) -> Any:
    return lambda p: tell(lax.reduce_window(p, start, operation, *how))


ONE = "abs cos sin tan tanh sinh cosh exp exp2 expm1 sign floor ceil erf erfc cbrt square asinh atan logistic"
ONE += " is_finite"
UNIT = "asin acos atanh sqrt log log1p rsqrt"


def unary(name: str) -> Any:
    return lambda p: tell(jnp.asarray(getattr(lax, name)(p), float))


FUNCTIONS: dict[str, tuple[Any, Any]] = {
    **{name: (unary(name), P3) for name in ONE.split()},
    **{name: (unary(name), np.array([0.3, 0.5, 0.9])) for name in UNIT.split()},
    "acosh": (lambda p: tell(lax.acosh(p)), np.array([1.5, 2.0])),
    "log2": (lambda p: tell(jnp.log2(p)), np.array([1.5, 2.0])),
    "arithmetic": (lambda p: tell(p + p[0] - p * p[1] / p[2]) - tell(-p), P3),
    "powers": (lambda p: tell(p**3 + p**2 + jnp.abs(p) ** 2.5 + jnp.abs(p) ** p[1]), P3),
    "rem": (lambda p: tell(lax.rem(p, 0.7)), P3),
    "atan2": (lambda p: tell(jnp.arctan2(p, p[::-1])), P3),
    "round": (lambda p: tell(jnp.round(p) * p), P3),
    "max, min": (lambda p: tell(jnp.maximum(p, 0.3)) + tell(jnp.minimum(p, 0.3)), P3),
    "clamp": (lambda p: tell(lax.clamp(-0.8, p, 1.0)), P3),
    "relu": (lambda p: tell(jax.nn.relu(p - 0.3) + jax.nn.relu6(6 * p)), P3),
    "activations": (lambda p: tell(jax.nn.gelu(p) + jax.nn.gelu(p, approximate=False) + jax.nn.elu(p)
        + jax.nn.silu(p) + jax.nn.softplus(p) + jax.nn.selu(p) + jax.nn.leaky_relu(p) + jax.nn.log_sigmoid(p)), P3),
    "comparisons": (lambda p: tell(jnp.where((p > 0) & ~(p >= 1) | (p < -1) ^ (p == 0.3), p, p**2)
        + jnp.where((p <= 0) | (p != 0.3), 2 * p, p)), P3),
    "select of three": (lambda p: tell(lax.select_n(jnp.sign(p).astype(jnp.int32) + 1, p, 2 * p, p**2)), P3),
    "bits": (lambda p: tell(p * ((jnp.argmax(p) & 1) | 2 ^ ~jnp.argmin(p))), P3),
    "whole numbers": (lambda p: tell(p * lax.div(-7 + jnp.argmax(p), 2)), P3),
    "stop_gradient": (lambda p: tell(lax.stop_gradient(p) * p), P3),
    "hints": (lambda p: tell(lax.optimization_barrier((p, p))[0] + jax.device_put(p) + jnp.copy(p)
        + jax.checkpoint(jnp.sin)(p) + lax.reduce_precision(p, 11, 52)), P3),
    "shapes": (lambda p: tell(jnp.flip(p.T.reshape(2, 6)[:, 1::2], 0)) + tell(jnp.squeeze(p[None, 1:2])), P34),
    "broadcast": (lambda p: tell(jnp.broadcast_to(p[:, None, 0], (2, 3, 2))), P34),
    "joined": (lambda p: tell(jnp.concatenate(jnp.split(p, (1, 3), axis=1)[::-1], axis=1))
        + tell(jnp.stack([p, 2 * p], axis=1)) + tell(jnp.tile(p, (2, 1))) + tell(jnp.unstack(p, axis=1)[2]), P34),
    "pad": (lambda p: tell(lax.pad(p, 0.0, ((1, -1, 1), (-1, 2, 0))))
        + tell(lax.pad(p, 2.0, ((1, 0, 2), (0, 0, 0)))), P34),
    "dynamic slices": (lambda p: tell(lax.dynamic_slice(p, (1, 9), (2, 2))
        + lax.dynamic_update_slice(p, 2 * p[:1], (1, 0))[:2, :2]), P34),
    "sort": (lambda p: tell(jnp.sort(p, axis=0)) + tell(lax.top_k(p, 2)[0] * (lax.top_k(p, 2)[1] + 1))
        + tell(jnp.argsort(p, axis=1) * p), P34),
    "sort of two": (lambda p: tell(lax.sort((p, p * p), dimension=1, num_keys=1)[1]), P34),
    "reductions": (lambda p: tell(p.sum(0) + p.max(0) + p.min(0) + p.prod(0) + jnp.any(p > 0, 0) * p[0]
        + jnp.all(p > -1, 0) * p[1]), P34),
    "best": (lambda p: tell(jnp.argmax(p, 0) * p[0] + jnp.argmin(p, 0) * p[1]), P34),
    "running": (lambda p: tell(jnp.cumsum(p, 0) + jnp.cumprod(p, 1)) + tell(lax.cummax(p, 1) + lax.cummin(p, 0)
        + lax.cumlogsumexp(p, 1) + lax.cumsum(p, 1, reverse=True)), P34),
    "gather": (lambda p: tell(p[np.array([0, 2, 2])]) + tell(jnp.take(p, np.array([0, 1, -1]), axis=1)), P34),
    "gather outside": (lambda p: jnp.nansum(p.at[np.array([0, 7])].get(mode="fill") * W[:4])
        + tell(p.at[np.array([0, 7])].get(mode="clip")), P34),
    "scatter": (lambda p: tell(p.at[np.array([0, 2])].set(p[:2] * 2)) + tell(p.at[1].add(p[0]))
        + tell(p.at[np.array([1, 1, 9])].add(p)) + tell(p.at[np.array([1, 1])].subtract(p[:2])), P34),
    "pooling": (window(lax.max, -np.inf, (2, 2), (1, 2), "SAME"), P34),
    "pooling, least": (window(lax.min, np.inf, (1, 2), (1, 1), "VALID"), P34),
    "pooling, sum": (window(lax.add, 0.0, (2, 1), (2, 1), "SAME"), P34),
    "products": (lambda p: tell(p.T @ p) + tell(p @ W[:4]) + tell(W[:3] @ p) + tell(jnp.outer(p, p)[:1]),
        P34),
    "batched products": (lambda p: tell(jnp.einsum("bij,bkj->bik", p.reshape(2, 3, 2), 2 * p.reshape(2, 3, 2))),
        P34),
    "conv": (conv(None, (2, 2, 5, 5), window_strides=(2, 1), padding=((1, 0), (0, 2))),
        RNG.normal(size=(3, 2, 2, 3))),
    "conv, channels last": (conv(("NHWC", "HWIO", "NHWC"), (2, 5, 5, 2), rhs_dilation=(2, 1)),
        RNG.normal(size=(2, 2, 2, 3))),
    "conv, groups": (conv(None, (1, 4, 4, 4), feature_group_count=2), RNG.normal(size=(4, 2, 2, 2))),
    "conv, transposed": (conv(None, (1, 1, 3, 3), lhs_dilation=(2, 2), padding=((1, 2), (2, 1))),
        RNG.normal(size=(2, 1, 2, 2))),
}  # fmt: skip


@pytest.mark.parametrize("name", FUNCTIONS)
def test_rows_have_the_values_and_the_gradients_of_jax(name: str) -> None:
    assert_recorded(*FUNCTIONS[name])


def primitives(jaxpr: Any) -> Iterator[str]:
    for eqn in jaxpr.eqns:
        yield eqn.primitive.name
        if eqn.primitive.name == "custom_jvp_call":
            yield f"custom {eqn.params['call_jaxpr'].eqns[0].params.get('name')}"
        for x in eqn.params.values():
            if hasattr(getattr(x, "jaxpr", x), "eqns"):
                yield from primitives(getattr(x, "jaxpr", x))


def test_every_row_is_compared() -> None:
    seen = {p for f, params in FUNCTIONS.values() for p in primitives(jax.make_jaxpr(f)(params).jaxpr)}
    # JAX writes log2 as a quotient of logarithms in old releases (0.10.2), and has no primitive of that name there.
    absent = set() if hasattr(lax, "log2_p") else {"log2"}
    assert sorted({*ROWS, *INDEXED} - seen - {"add_any"} - absent) == []
    assert {*CUSTOM} <= {"relu", "relu6", "logaddexp"}


@pytest.mark.parametrize("reverse", [False, True])
def test_a_scan_gives_all_its_states(reverse: bool) -> None:
    weights = RNG.normal(size=(5, 2))

    def f(p: Any, xs: Any) -> Any:
        _, ys = lax.scan(lambda h, x: (h * p + x, h * h), jnp.zeros(2), xs, reverse=reverse)
        return jnp.sum(ys * weights)

    assert_recorded(f, np.array([0.3, -0.7]), RNG.normal(size=(5, 2)))


@pytest.mark.parametrize("function", ["softmax", "log_softmax"])
@pytest.mark.parametrize("axis", [0, 1, -1])
def test_softmax_is_one_op(function: str, axis: int) -> None:
    y = RNG.normal(size=(3, 4))
    recording = assert_recorded(lambda p: jnp.sum(getattr(jax.nn, function)(p, axis) * y), P34)
    labels = [v.op.label for v in graph(recording.y) if v.op]
    assert function in labels
    assert "exp" not in labels


@pytest.mark.parametrize(
    "f",
    [
        lambda p: tell(jnp.exp(p) / jnp.sum(jnp.exp(2 * p), axis=1, keepdims=True)),
        lambda p: tell(jnp.exp(p) / jnp.sum(jnp.exp(p), axis=1)),
        lambda p: tell(jnp.exp(p) / jnp.sum(jnp.exp(p))),
        lambda p: tell(p - jnp.log(jnp.sum(jnp.exp(p), axis=0, keepdims=True)).T),
        lambda p: tell(jnp.exp(p - lax.stop_gradient(p)) / jnp.sum(jnp.exp(p - lax.stop_gradient(p)))),
    ],
)
def test_what_only_looks_like_softmax(f: Any) -> None:
    assert_recorded(f, P34[:, :3])
