"""Names in compiled source: an op, an argument, a key or a Value may be called anything."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import minigrad
from minigrad import Value, compile, value_and_grad
from minigrad.compiler import runtime
from minigrad.compiler.names import identifier

WORDS = (
    *("lambda", "None", "print", "float", "range", "bool", "object", "ndarray", "np", "step", "make", "like"),
    *("deepcopy", "apply_as_numpy", "number", "w", "v2", "v12", "m0", "c", "c_0", "k_0", "x", "x_", "y", "i", "j"),
    *("x_flat", "x_finite", "errstate", "inf", "root", "float64", "slope_of_tanh", "times_into", "__class__", "_"),
)
SYMBOLS = [
    "größe",
    "x²",
    "①",
    "ﬁ",
    "𝐱",
    "ª",
    "Δ",
    "日本",
    "a b",
    "a-b",
    "a.b",
    "--",
    "#",
    '"',
    "\\",
    "{x}",
    "{0}",
    "%s",
]
X, SMALL = np.linspace(0.5, 2.0, 100_000), np.linspace(0.5, 2.0, 3)


def rule(g: Any, y: Any, x: Any) -> Any:
    return g * 3 * x * x


def of_array(x: Any) -> Any:
    return np.asarray([v**3 for v in np.ravel(x).tolist()]).reshape(np.shape(x))


def of_number(x: Any) -> Any:
    return np.float64(float(x) ** 3)


@pytest.fixture
def op(request: pytest.FixtureRequest) -> Iterator[Any]:
    name, forward = request.param
    function = minigrad.custom(forward, name=name, vjp=rule, jvp=rule, elementwise=True)
    yield function
    minigrad.forget(function)


def assert_same(f: Any, *args: Any) -> str:
    compiled = compile(f)
    for got, want in zip(compiled(*args), f(*args), strict=True):
        np.testing.assert_array_equal(got, want)
    return str(compiled.source)


@pytest.mark.parametrize(
    "op", [(name, of_array) for name in [*WORDS, *SYMBOLS]], indirect=True, ids=[*WORDS, *SYMBOLS]
)
def test_an_op_of_any_name_is_compiled_for_arrays(op: Any) -> None:
    def loss(x: Any, w: Any, y: Any) -> Any:
        return np.sum(np.maximum(op(x) * w, y) + np.tanh(op(x) / y) * np.sqrt(x))

    assert_same(value_and_grad(loss), SMALL, 1.0, 2.0)


@pytest.mark.parametrize(
    "op", [(name, of_number) for name in [*WORDS, *SYMBOLS]], indirect=True, ids=[*WORDS, *SYMBOLS]
)
def test_an_op_of_any_name_is_compiled_for_numbers_under_its_own_name(op: Any) -> None:
    def loss(x: Any, y: Any) -> Any:
        return np.exp(op(x) * 0.01) * np.sqrt(x) / y + np.tanh(x) * abs(op(y))

    source = assert_same(value_and_grad(loss), 1.5, 2.5)
    assert f" = {identifier(op.__name__)}" in source, source


@pytest.mark.parametrize("name", [*WORDS[2:], "self", "times_into_", "v2_", "w0", "größe", "ª", "ﬁ"])
def test_an_argument_of_any_name_is_compiled(name: str) -> None:
    space: dict[str, Any] = {"nm": np} if name == "w" else {"nm": np, "w": Value(0.5)}
    body = f"nm.sum(nm.exp({name}) * nm.sqrt({name}) + q / {name} + nm.tanh({name} * q) + nm.sin(w * q))"
    exec(f"def f({name}, q): return {body}", space)
    for x in (X, SMALL, 1.5):
        assert_same(value_and_grad(space["f"]), x, 2.0)


@pytest.mark.parametrize("name", sorted(n for n in vars(runtime) if n.endswith("_into")))
def test_an_argument_with_the_name_of_a_helper_does_not_hide_it(name: str) -> None:
    space: dict[str, Any] = {"np": np, "minigrad": minigrad}
    terms = "np.where(x > y, np.exp(x) * np.sqrt(x), np.tanh(x)) * np.maximum(x, y)"
    loss = "minigrad.cross_entropy(np.reshape(x, (-1, 2)), np.zeros(np.size(x) // 2, int))"
    exec(re.sub(r"\bx\b", name, f"def f(x, y): return np.sum({terms}) + {loss}"), space)
    source = assert_same(value_and_grad(space["f"]), X, np.ones(len(X)))
    assert "_into" in source.replace(f"({name},", "")


def test_keys_of_any_name_are_compiled() -> None:
    keys = ["class", "x²", "ﬁ", "fi", "a b", "a-b", "a_b", "1", "", "v2", "\n", "é", "e\u0301"]
    p = {key: np.full(3, float(k + 1)) for k, key in enumerate(keys)}

    def loss(p: Any) -> Any:
        return sum(np.sum(np.exp(p[key] * 0.1) * (k + 1)) for k, key in enumerate(keys))

    got, want = compile(minigrad.grad(loss))(p), minigrad.grad(loss)(p)
    for key in keys:
        np.testing.assert_array_equal(got[key], want[key])
    given = {"class": 2.0, "x²": 3.0}
    assert compile(lambda **k: k["class"] * np.exp(k["x²"]))(**given) == 2.0 * np.exp(3.0)


@pytest.mark.parametrize("name", ["two\nlines", "a\rb", "x\x00", "w"])
def test_a_value_of_any_name_is_read_by_compiled_code(name: str) -> None:
    weight = Value([1.0, 2.0, 3.0], name=name)
    compiled = compile(lambda x: np.sum(x * weight))
    assert compiled(SMALL) == np.sum(SMALL * weight.data)
    assert (name if name == "w" else repr(name)) in compiled.source


def test_a_name_of_an_argument_changes_only_where_it_must() -> None:
    f = compile(lambda input, number, like, x_1, m, lambda_, np_: input + number + like + x_1 + m + lambda_ + np_)
    f(*(np.ones(2),) * 7)
    assert "def step(input, number, like, x_1, m, lambda_, np_):" in f.source
