"""Ops of a user's own in compiled code: inlined where they are composed of others, else under their own name."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minigrad
from minigrad import compile, custom, forget, nn, ties
from minigrad.errors import TracingError

X = np.linspace(-1.0, 2.0, 7)


@pytest.fixture
def cube() -> Iterator[Any]:
    f = minigrad.custom(
        lambda x: np.asarray([v**3 for v in np.ravel(x).tolist()]).reshape(np.shape(x)),
        name="cube",
        formula="y = x³",
        vjp=lambda g, y, x: g * 3 * x * x,
        jvp=lambda t, y, x: t * 3 * x * x,
        elementwise=True,
    )
    yield f
    minigrad.forget(f)


def test_an_op_that_cannot_be_inlined_stands_under_its_own_name(cube: Any) -> None:
    f = minigrad.compile(lambda x: minigrad.value_and_grad(lambda x: cube(x).sum())(x))
    for found, expected in zip(f(X), ((X**3).sum(), 3 * X * X), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-14)
    assert "cube(x)" in f.source


def test_an_op_composed_of_others_is_inlined() -> None:
    f: Any = minigrad.custom(
        lambda x: np.exp(-x) * x,
        name="decay",
        formula="y = x e^-x",
        vjp=lambda g, y, x: g * np.exp(-x) * (1 - x),
        jvp=lambda t, y, x: t * np.exp(-x) * (1 - x),
    )
    try:
        compiled = minigrad.compile(lambda x: f(x) + np.exp(-x))
        np.testing.assert_array_equal(compiled(X), np.exp(-X) * X + np.exp(-X))
        assert "decay" not in compiled.source.replace("# decay", "") and compiled.source.count("np.exp(") == 1
    finally:
        minigrad.forget(f)


@pytest.mark.parametrize("page", ["call", "held", "input", "saved"])
def test_an_op_stated_in_a_file_of_any_name_is_compiled(page: str, tmp_path: Path) -> None:
    """The compiler once knew its own steps by the name of a page, `call.py` among them."""
    path = tmp_path / f"{page}.py"
    path.write_text(
        "import numpy as np\n"
        "from minigrad.engine.op import TABLE, dispatched, op\n"
        "@dispatched\n"
        "def twice(x):\n"
        "    return np.multiply(x, 2.0)\n"
        "op(twice, 'twice', 'y = 2 x', vjp=(lambda g, y, x: 2.0 * g,), jvp=(lambda t, y, x: 2.0 * t,))\n"
    )
    spec = importlib.util.spec_from_file_location(page, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    try:
        f = minigrad.compile(lambda x: minigrad.grad(lambda x: np.sum(module.twice(x) ** 2))(x))
        np.testing.assert_allclose(f(X), 8 * X)
        np.testing.assert_allclose(minigrad.vmap(module.twice)(X), 2 * X)
    finally:
        for key in [key for key, record in module.TABLE.items() if record.function is module.twice]:
            del module.TABLE[key]


def test_rules_that_are_one_tuple_do_not_make_an_op_elementwise() -> None:
    """Softmax with one tuple for vjp and jvp: taken for elementwise, it gave wrong batches and a false tie."""
    rules = (lambda g, y, x: y * (g - np.sum(g * y)),)
    f: Any = minigrad.custom(
        lambda x: np.exp(x) / np.sum(np.exp(x)), name="shares", formula="y = e^x / Σ e^x", vjp=rules, jvp=rules
    )
    try:
        x = np.random.default_rng(0).normal(size=(3, 4))
        np.testing.assert_allclose(minigrad.vmap(f)(x), np.stack([np.exp(r) / np.exp(r).sum() for r in x]))
        w = np.array([0.3, 0.3, 1.0, 1.0])
        found = ties(lambda w: np.sum(f(w)[:2] * np.array([1.0, 2.0])), w)
        assert not any({0, 1} <= set(map(int, np.ravel(group))) for group in _entries(found))
    finally:
        minigrad.forget(f)


def _entries(found: Any) -> list[list[int]]:
    return [[int(i) for i in np.ravel([index[-1] for index in group])] for group in _groups(found)]


def _groups(found: Any) -> list[Any]:
    return [[entry if isinstance(entry, tuple) else (entry,) for entry in group] for group in found.groups]


def test_a_custom_activation_is_offered_drawn_tied_and_trained() -> None:
    f: Any = minigrad.custom(
        lambda x: x * np.abs(x),
        name="signed_square",
        formula="y = x |x|",
        vjp=lambda g, y, x: 2 * g * np.abs(x),
        jvp=lambda t, y, x: 2 * t * np.abs(x),
        elementwise=True,
        activation=True,
    )
    try:
        model = nn.MLP([2, 3, 1], activation="signed_square", init=0.5)
        x, y = np.array([[0.3, -0.7], [1.0, 0.2]]), np.array([[1.0], [0.0]])
        assert ties(model, x, y).width == (1,)
        assert "signed_square" in minigrad.draw(model, x, y).dot or minigrad.draw(model(x)).dot
        step = nn.train_step(model, nn.squared_error, 0.01)
        assert step(x, y) > step(x, y)
    finally:
        minigrad.forget(f)


def test_an_op_whose_shape_depends_on_the_data_is_refused() -> None:
    positives = custom(lambda x: x[x > 0], name="positives", vjp=(None,), shape_depends_on_data=True)
    try:
        with pytest.raises(TracingError, match="positives, whose result has a shape that depends on the data"):
            compile(lambda x: positives(x).shape[0] * x)(np.array([1.0, -1.0, 2.0]))
    finally:
        forget(positives)


LAYOUTS: dict[str, Any] = {
    "rows": lambda x: np.ascontiguousarray(x) * 2,
    "columns": lambda x: np.asfortranarray(x) * 2,
    "strided": lambda x: np.repeat(x * 2, 2, 1)[:, ::2],
    "reversed": lambda x: (x * 2)[::-1].copy()[::-1],
    "broadcast": lambda x: np.broadcast_to(x[:1] * 2, x.shape),
}
OTHERS: dict[str, Any] = {
    "one row": lambda x: x[:1] * 2,
    "more axes": lambda x: x[None] * 2,
    "a number": lambda x: x[0, 0],
    "float32": lambda x: x.astype(np.float32),
    "complex": lambda x: x * 1j,
    "objects": lambda x: x.astype(object),
    "None": lambda x: None,
    "text": lambda x: "text",
    "list": lambda x: x.tolist(),
}


@pytest.fixture
def by_entry() -> Iterator[Any]:
    """An op whose first entry chooses what it returns: the layout, or even the shape."""
    choices = [*LAYOUTS.values(), *OTHERS.values()]
    f = minigrad.custom(
        lambda x: choices[int(np.asarray(x).tolist()[0][0])](x), name="by_entry", vjp=lambda g, y, x: g * 2
    )
    yield f
    minigrad.forget(f)


@pytest.mark.filterwarnings("ignore:compiled code raised:RuntimeWarning")
@pytest.mark.parametrize("traced", range(len(LAYOUTS)))
def test_an_op_may_lay_out_its_result_by_the_data(traced: int, by_entry: Any) -> None:
    f = minigrad.compile(lambda x: np.tanh(by_entry(x)) + 1.0)
    x = np.arange(6.0).reshape(2, 3) / 7
    for k in (traced, *range(len(LAYOUTS))):
        x[0, 0] = k
        np.testing.assert_array_equal(f(x), np.tanh(by_entry(x)) + 1.0)


@pytest.mark.filterwarnings("ignore:compiled code raised:RuntimeWarning")
@pytest.mark.parametrize("name", OTHERS)
def test_an_op_that_gives_another_shape_or_type_runs_as_it_is(name: str, by_entry: Any) -> None:
    f = minigrad.compile(lambda x: by_entry(x) + 1.0)
    x = np.arange(6.0).reshape(2, 3) / 7
    f(x)
    x[0, 0] = len(LAYOUTS) + [*OTHERS].index(name)
    try:
        want = by_entry(x) + 1.0
    except TypeError:
        if name != "list":  # Python's code of the plan takes a list for an array
            with pytest.raises((TypeError, minigrad.errors.ArgumentError)):
                f(x)
        return
    got = f(x)
    np.testing.assert_array_equal(got, want, strict=True)


@pytest.mark.filterwarnings("ignore:compiled code raised:RuntimeWarning")
def test_an_op_that_gives_a_number_of_another_type_runs_as_it_is() -> None:
    kinds = [np.float32, np.float64, np.longdouble, np.complex128]
    op: Any = minigrad.custom(
        lambda x: kinds[int(x.tolist()[0])](x.tolist()[1]), name="number_by_entry", vjp=lambda g, y, x: g * x
    )
    try:
        f = minigrad.compile(lambda x: op(x) * x)
        for k in range(len(kinds)):
            x = np.array([k, 1.5], np.float32)
            np.testing.assert_array_equal(f(x), op(x) * x, strict=True)
    finally:
        minigrad.forget(op)
