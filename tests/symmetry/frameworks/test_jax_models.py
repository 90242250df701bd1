"""Ties of JAX's functions: those of the same function in NumPy, and nothing where the gradients differ."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest

jax = pytest.importorskip("jax", reason="ties of JAX's functions need JAX")

import jax.numpy as jnp  # noqa: E402
from jax import lax  # noqa: E402

import minigrad as mg  # noqa: E402
from minigrad import ties  # noqa: E402
from minigrad.engine.errors import ArgumentError, ShapeError  # noqa: E402
from minigrad.errors import GradientLost, MissingRule, TracingError  # noqa: E402
from minigrad.symmetry.frontends.jax.recorded_primitives import ROWS  # noqa: E402

RNG = np.random.default_rng(3)
X, Y, CLASSES = RNG.normal(size=(6, 3)), RNG.normal(size=(6, 2)), np.array([0, 1, 2, 0, 1, 2])


def in_jax(params: Any) -> Any:
    return jax.tree_util.tree_map(jnp.asarray, params)


def same_groups(a: Any, b: Any) -> bool:
    """Whether two labellings, nested alike, group alike."""
    a, b = (np.concatenate([np.ravel(x) for x in jax.tree_util.tree_leaves(labels)]) for labels in (a, b))
    return bool(((a[:, None] == a) == (b[:, None] == b)).all())


# Models: each once with numpy and once with jax.numpy.


def mlp(np: Any, p: Any, x: Any, y: Any) -> Any:
    for layer in p[:-1]:
        x = np.tanh(x @ layer["w"] + layer["b"])
    return np.mean((x @ p[-1]["w"] + p[-1]["b"] - y) ** 2)


def layer_norm(np: Any, p: Any, x: Any, y: Any) -> Any:
    h = np.tanh(x @ p["w"])
    h = (h - np.mean(h, axis=-1, keepdims=True)) / np.sqrt(np.var(h, axis=-1, keepdims=True) + 1e-5)
    return np.mean(((h * p["g"] + p["b"]) @ p["o"] - y) ** 2)


def cross_entropy(np: Any, p: Any, x: Any, y: Any) -> Any:
    z = np.tanh(x @ p["w"]) @ p["v"]
    return np.mean(np.log(np.sum(np.exp(z), axis=1)) - z[np.arange(6), y])


def rnn(np: Any, p: Any, x: Any, y: Any) -> Any:
    h = np.zeros((6, 4))
    for k in range(3):
        h = np.tanh(x[:, k : k + 1] @ p["w"] + h @ p["u"])
    return np.sum((h @ p["v"] - y) ** 2)


def layers(w: Any, b: Any, v: Any, c: Any) -> Any:
    return [{"w": w, "b": b}, {"w": v, "b": c}]


TWO = [0, 1, 1, 2]  # two neurons alike
SAME = {
    "mlp, filled": (mlp, layers(np.full((3, 4), 0.5), np.zeros(4), np.full((4, 2), 0.5), np.zeros(2)), Y),
    "mlp, two alike": (mlp, layers(X[:3, TWO], X[0, TWO], Y[TWO], Y[0]), Y),
    "layer norm": (layer_norm, {"w": X[:3, TWO], "g": np.ones(4), "b": np.zeros(4), "o": Y[TWO]}, Y),
    "cross-entropy": (cross_entropy, {"w": np.ones((3, 4)), "v": np.zeros((4, 3))}, CLASSES),
    "rnn": (rnn, {"w": np.full((1, 4), 0.1), "u": np.full((4, 4), 0.1), "v": Y[[0, 0, 1, 2]]}, Y),
}  # fmt: skip


@pytest.mark.parametrize("name", SAME)
def test_ties_are_those_of_the_function_in_numpy(name: str) -> None:
    model, params, y = SAME[name]
    ours = ties(lambda p, x, y: model(np, p, x, y), params, X, y)
    found = ties(lambda p, x, y: model(jnp, p, x, y), in_jax(params), jnp.asarray(X), jnp.asarray(y))
    assert same_groups(found.labels, ours.labels)
    assert found.independent == ours.independent
    assert set(found.evidence) <= {"proved", "single"}


def step(h: Any, x: Any, p: Any) -> Any:
    h = jnp.tanh(x @ p["w"] + h @ p["u"])
    return h, h


SCANNED = {"w": np.full((1, 4), 0.1), "u": np.full((4, 4), 0.1), "v": Y[[0, 0, 1, 2]]}


def scanned(p: Any, x: Any, y: Any) -> Any:
    h, _ = lax.scan(lambda h, x: step(h, x, p), jnp.zeros((6, 4)), x.T[:, :, None])
    return jnp.sum((h @ p["v"] - y) ** 2)


def test_a_scan_is_unrolled() -> None:
    found = ties(scanned, in_jax(SCANNED), X, Y)
    assert same_groups(found.labels, ties(lambda p, x, y: rnn(np, p, x, y), SCANNED, X, Y).labels)


def test_a_scan_that_insists_on_float32_is_recorded_in_float32() -> None:
    def f(p: Any, xs: Any) -> Any:
        h, _ = lax.scan(lambda h, x: (jnp.tanh(x @ p + h), None), jnp.zeros(4, jnp.float32), xs)
        return jnp.sum(h**2)

    found = ties(f, jnp.full((3, 4), 0.1), jnp.asarray(X, jnp.float32))
    assert found.independent == 3
    assert found.frozen is None


def attention(np: Any, softmax: Any, p: Any, x: Any) -> Any:
    return np.mean((softmax((x @ p["q"]) @ (x @ p["k"] + p["b"]).T) @ (x @ p["v"])) ** 2)


ATTENTION = {"q": X[:3], "k": X[3:], "b": np.array([0.1, 0.2, 0.3]), "v": X[1:4, [0, 0, 1]]}


def test_attention_has_the_ties_of_softmax() -> None:
    ours = ties(lambda p, x: attention(np, mg.softmax, p, x), ATTENTION, X)
    found = ties(lambda p, x: attention(jnp, jax.nn.softmax, p, x), in_jax(ATTENTION), X)
    assert found.summary() == ours.summary()
    assert [(t.kind, t.tensors, t.indices) for t in found.findings()] == [
        (t.kind, t.tensors, t.indices) for t in ours.findings()
    ]


IMAGES = RNG.normal(size=(2, 1, 8, 8))


def test_channels_of_a_filled_convolution_are_one() -> None:
    def f(p: Any, x: Any) -> Any:
        h = jax.nn.relu(lax.conv_general_dilated(x, p["k"], (1, 1), "SAME"))
        h = lax.reduce_window(h, -jnp.inf, lax.max, (1, 1, 2, 2), (1, 1, 2, 2), "VALID")
        return jnp.mean((jnp.mean(h, axis=(2, 3)) @ p["o"]) ** 2)

    found = ties(f, {"k": jnp.full((4, 1, 3, 3), 0.1), "o": jnp.full((4, 1), 0.1)}, IMAGES)
    assert [t.sentence for t in found.findings()] == [
        "k: channels 0 to 3 are one for ever",
        "o: all 4 entries are one for ever",
    ]


def test_arrays_that_the_function_closes_over_keep_their_type() -> None:
    weights = np.ones(40)

    def f(p: Any) -> Any:
        return jnp.sum(p * jnp.resize(weights, (9,)))

    assert ties(f, jnp.ones(9)).independent == 1
    assert jax.jit(f)(jnp.ones(9)).dtype == jnp.float32


def test_gradients_that_are_rounding_in_float32_are_no_difference() -> None:
    def f(p: Any, x: Any) -> Any:
        return jnp.mean(jax.nn.softmax(x @ p["w"] + p["shift"])[:, 0] ** 2) + jnp.sum((x @ p["w"]) ** 2)

    found = ties(f, {"w": jnp.asarray(X[:3]), "shift": jnp.ones(())}, X)
    assert [t.tensors for t in found.findings()] == [("shift",)]


def test_a_vmapped_function() -> None:
    found = ties(lambda p, x: jax.vmap(lambda v: jnp.sum(jnp.tanh(p @ v)) ** 2)(x).sum(), jnp.ones((2, 3)), X)
    assert found.labels.tolist() == [[0, 1, 2], [0, 1, 2]]


def test_a_jitted_function_for_all_data() -> None:
    found = ties(jax.jit(lambda p, x: jnp.sum((x @ p) ** 2)), jnp.ones((3, 2)), jnp.asarray(X), for_all_data=True)
    assert (found.independent, found.scope) == (3, "for all data")


def test_parameters_have_the_names_that_jax_prints() -> None:
    params = {"layers": [{"w": jnp.ones(2)}, {"w": jnp.ones(2)}]}
    found = ties(lambda p: p["layers"][0]["w"] @ p["layers"][1]["w"], params)
    assert [*found.recording.paths] == ["['layers'][0]['w']", "['layers'][1]['w']"]
    assert found.labels["layers"][1]["w"].tolist() == [0, 0]


# Which functions belong to JAX.


def test_numpy_arrays_in_a_function_that_names_numpy_too() -> None:
    def f(p: Any, x: Any) -> Any:
        return jnp.sum(jnp.tanh(x @ p)) * np.pi

    assert ties(f, np.ones((3, 2)), X).independent == 3


def test_a_function_of_numpy_that_names_jax_stays_one() -> None:
    def f(p: Any, x: Any) -> Any:
        if isinstance(x, jnp.ndarray):
            raise AssertionError
        return np.sum(mg.relu(x @ p))

    assert ties(f, np.ones((3, 2)), X).independent == 3


def test_jax_is_not_imported_for_others() -> None:
    code = (
        "import sys, numpy, minigrad; minigrad.ties(lambda w: w @ w, numpy.ones(2)); sys.exit('jax' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], timeout=120).returncode == 0


# Random numbers.


def dropped(p: Any, x: Any, key: Any) -> Any:
    return jnp.mean((jnp.tanh(x @ p["w"]) * jax.random.bernoulli(key, 0.5, (4,)) @ p["v"]) ** 2)


FILLED = {"w": jnp.ones((3, 4)), "v": jnp.ones((4, 1))}


@pytest.mark.parametrize("make", [jax.random.PRNGKey, jax.random.key])
def test_a_key_that_is_an_argument_stands_for_every_key(make: Any) -> None:
    found = ties(dropped, FILLED, X, make(0))
    assert (found.independent, found.frozen) == (16, None)
    assert found.scope == "for this data, whatever is drawn"


def test_a_key_inside_of_the_function_is_the_same_each_time() -> None:
    found = ties(lambda p, x: dropped(p, x, jax.random.PRNGKey(0)), FILLED, X)
    assert found.scope == "for this data"
    assert found.independent < 16


def test_random_numbers_of_numpy_are_noticed() -> None:
    rng = np.random.default_rng(1)
    before = rng.bit_generator.state
    found = ties(lambda p, x: jnp.sum(jnp.tanh(x @ p) * (rng.random(4) < 0.5)), FILLED["w"], X)
    assert found.scope == "for this data, whatever is drawn"
    assert found.independent == 12
    assert rng.bit_generator.state == before


# What is refused.


def test_all_operations_without_a_counterpart_are_named_at_once() -> None:
    def f(p: Any) -> Any:
        grown = lax.while_loop(lambda s: s.sum() < 10, lambda s: s * 2, p)
        chosen = lax.cond(p.sum() > 0, lambda p: p.sum(), lambda p: 0.0 * p.sum(), p)
        return jnp.sum(jax.scipy.special.gammaln(grown)) + chosen

    with pytest.raises(MissingRule) as error:
        ties(f, jnp.ones(3))
    text = str(error.value)
    assert "while in test_jax_models.py, line" in text
    assert "how often the loop runs depends on the parameters" in text
    assert "lgamma" in text
    assert "cond" in text
    assert "which branch is taken depends on the parameters" in text


def test_a_derivative_of_its_own_is_noticed() -> None:
    @jax.custom_vjp
    def clipped(x: Any) -> Any:
        return x

    clipped.defvjp(lambda x: (x, None), lambda _, g: (jnp.clip(g, -0.1, 0.1),))
    with pytest.raises(TracingError, match=r"gradient of .* differs from JAX's"):
        ties(lambda p: jnp.sum(clipped(p) ** 2), jnp.ones(3))


def test_a_wrong_row_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ROWS, "tanh", np.sin)
    with pytest.raises(TracingError, match="differs from JAX's"):
        ties(lambda p: jnp.sum(jnp.tanh(p)), jnp.ones(3))


@pytest.mark.parametrize(
    ("f", "params", "kind", "text"),
    [
        (lambda p: p.sum() if p.sum() > 0 else 0 * p.sum(), jnp.ones(3), TracingError, "write  jnp.where"),
        (lambda p: jnp.sum(p["a"]), {"a": jnp.ones(2, int)}, ArgumentError, r"params\['a'\] is an array of int32"),
        (lambda p: p, jnp.ones(3), ShapeError, r"got an array of shape \(3,\)"),
        (lambda p: (p.sum(), p), jnp.ones(3), ArgumentError, "got a tuple of 2"),
        (lambda p: jnp.sum(X), jnp.ones(3), GradientLost, "does not depend on the parameters"),
        (lambda p, x: jnp.sum(x), ({}, jnp.ones(3)), ArgumentError, "params hold no arrays"),
    ],
)
def test_errors_say_what_to_write(f: Any, params: Any, kind: type[Exception], text: str) -> None:
    with pytest.raises(kind, match=text):
        ties(f, *(params if isinstance(params, tuple) else (params,)))


def test_whole_numbers_are_no_data_of_any_kind() -> None:
    with pytest.raises(ArgumentError, match="data of floats"):
        ties(lambda p, y: jnp.sum(p[y]), jnp.ones(3), CLASSES, for_all_data=True)
