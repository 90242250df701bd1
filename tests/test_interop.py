"""Other packages that take Values: each result and gradient as with NumPy's own functions."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigrad
from minigrad import Value, grad

einops = pytest.importorskip("einops")
import minigrad.interop.einops  # noqa: E402  # in case that minigrad was imported first

X = np.random.default_rng(0).normal(size=(2, 6, 4))
W = np.random.default_rng(1).normal(size=(4, 3))

CASES: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "rearrange": (
        lambda x: einops.rearrange(x, "b (h w) c -> (b c) w h", h=2),
        lambda x: x.reshape(2, 2, 3, 4).transpose(0, 3, 2, 1).reshape(8, 3, 2),
    ),
    "a list": (
        lambda x: einops.rearrange([x[0], x[1]], "b h c -> h (b c)"),
        lambda x: np.concatenate([*x], axis=1),
    ),
    "sum": (lambda x: einops.reduce(x, "b h c -> c", "sum"), lambda x: np.sum(x, axis=(0, 1))),
    "mean": (lambda x: einops.reduce(x, "b h c -> b 1 c", "mean"), lambda x: np.mean(x, axis=1, keepdims=True)),
    "max": (lambda x: einops.reduce(x, "b (h 2) c -> b h c", "max"), lambda x: x.reshape(2, 3, 2, 4).max(axis=2)),
    "min": (lambda x: einops.reduce(x, "b h c ->", "min"), np.min),
    "prod": (lambda x: einops.reduce(x, "b h c -> b h", "prod"), lambda x: np.prod(x, axis=-1)),
    "a function": (
        lambda x: einops.reduce(x, "b h c -> b h", lambda a, axes: minigrad.logsumexp(a, axis=axes)),
        lambda x: np.log(np.sum(np.exp(x), axis=-1)),
    ),
    "repeat": (
        lambda x: einops.repeat(x, "b h c -> b (h 2) c k", k=3),
        lambda x: np.repeat(x, 2, 1)[..., None] * np.ones(3),
    ),
    "einsum": (lambda x: einops.einsum(x, W, "b h c, c d -> b d h"), lambda x: np.swapaxes(x @ W, 1, 2)),
    "einsum, the Value second": (lambda x: einops.einsum(W, x, "c d, b h c -> b h d"), lambda x: x @ W),
    "pack": (
        lambda x: einops.unpack(einops.pack([x, x[:, 0]], "b * c")[0], [[5], [2]], "b * c")[0],
        lambda x: x[:, :5],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_einops_on_values_gives_numpys_results_and_gradients(name: str) -> None:
    ours, numpys = CASES[name]
    y = ours(Value(X))
    assert isinstance(y, Value)
    np.testing.assert_allclose(y.data, numpys(X), rtol=1e-12)
    expected = grad(lambda x: np.sum(np.sin(numpys(x))))(X)
    for run in (lambda f: f, minigrad.compile):
        np.testing.assert_allclose(run(grad(lambda x: np.sum(np.sin(ours(x)))))(X), expected, rtol=1e-12)
    second = minigrad.hvp(lambda x: np.sum(np.sin(ours(x))), X, X)
    np.testing.assert_allclose(second, minigrad.hvp(lambda x: np.sum(np.sin(numpys(x))), X, X), rtol=1e-10)


def test_einops_of_a_sample_inside_vmap() -> None:
    f = lambda x: einops.reduce(x, "(h 2) c -> c h", "sum") ** 2  # noqa: E731
    np.testing.assert_allclose(minigrad.vmap(f)(X), np.stack([f(x) for x in X]))


def test_asnumpy_leaves_the_graph_on_purpose() -> None:
    assert type(einops.asnumpy(Value(X))) is np.ndarray


def test_plain_arrays_stay_plain() -> None:
    assert type(einops.rearrange(X, "b h c -> h b c")) is np.ndarray


def printed_by(script: str) -> str:
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.mark.parametrize("imports", ["einops, minigrad", "minigrad, einops, minigrad.interop.einops"])
def test_values_are_registered_whichever_is_imported_first(imports: str) -> None:
    transpose = "einops.rearrange(minigrad.Value([[1.0, 2.0]]), 'a b -> b a')"
    assert printed_by(f"import {imports}\nprint({transpose}.shape)") == "(2, 1)"


def test_minigrad_does_not_load_einops() -> None:
    assert printed_by("import sys, minigrad\nprint('einops' in sys.modules)") == "False"
