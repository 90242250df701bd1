"""Names in compiled source, drawn from that source's own words: no choice of the user's changes a number."""

from __future__ import annotations

import ast
import builtins
import functools
import keyword
import re
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, make_dataclass
from typing import Any

import numpy as np
import pytest
from checking import OPS
from compiler.bits import assert_same
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

import minigrad
from minigrad import Value, value_and_grad
from minigrad.compiler import Compiled, runtime, scalar_codegen, scalar_runtime
from minigrad.compiler.buffers import plan_buffers
from minigrad.compiler.codegen import Writer, names_for_step
from minigrad.compiler.names import Names, identifier
from minigrad.tracing.program import Program, Ref, Step

rng = np.random.default_rng(0)
GRID = rng.normal(size=(66, 1001))
LINE = rng.normal(size=65_536)


def numbers(x: Any, y: Any, z: Any) -> Any:
    bounded = np.where(x > y, np.exp(-abs(x)) * np.sqrt(y), np.tanh(z) / y)
    return np.maximum(bounded, z) + np.hypot(x, y) ** 2 + np.sign(z) - np.minimum(np.inf, np.arctan(y)) + y**z


def arrays(x: Any, y: Any, z: Any) -> Any:
    chosen = np.where(x > y, np.exp(x) * np.sqrt(y), np.tanh(z)) @ np.array([0.5, 2.0, 1.5])
    loss = minigrad.cross_entropy(np.maximum(x, z), np.array([0, 2]))
    return np.sum(chosen[1:]) * loss + np.sum(x[:, [0, 2]]) + np.max(np.clip(y, 0.1, 1.0)) + x.sum() / y.sum()


def blocks(x: Any, y: Any, z: Any) -> Any:
    h = np.tanh(np.sin(x) * y + z) * np.where(x > y, x, GRID)
    return np.sum(np.maximum(h, z) - np.cos(y) * GRID + h) + np.sum(np.exp(-h * h) * x + y)


def even_blocks(x: Any, y: Any, z: Any) -> Any:
    return np.sum(np.tanh(np.sin(x) * y + z) * LINE - np.exp(-x) * y)


def results(x: Any, y: Any, z: Any) -> Any:
    drawn = np.divmod(x, y)
    fixed = OrderedDict(c=1), [2.0, "w0"], (1.0, [None])
    return {"c": [drawn[0], np.ones(2)], (1, 2): {"v3": drawn[1] * z, "k": fixed}, 3: x @ y.T}


def mixed(x: Any, y: Any, z: Any) -> Any:
    part = minigrad.put(x * (y / z), (slice(0, 1), slice(None)), x[:1] * (y // z))
    return np.sum(part) + np.where(x[0, 0] > x[1, 1], x[0, 0], x[1, 1]) * y**z


def updated(x: Any, y: Any, z: Any) -> Any:
    return np.tanh(np.tanh(x) * y + z), y - 0.5 * np.cos(x)


@dataclass
class Case:
    f: Callable[..., Any]
    shape: tuple[int, ...]
    differentiable: bool = True
    floats: int = 0  # of the three arguments, from the last on; the others are arrays


CASES = {
    "numbers": Case(numbers, (), floats=3),
    "arrays": Case(arrays, (2, 3)),
    "blocks": Case(blocks, (66, 1001)),
    "even blocks": Case(even_blocks, (65_536,)),
    "results": Case(results, (2, 3), False),
    "mixed": Case(mixed, (2, 3), floats=2),
    "updated": Case(updated, (66, 1001), False),
}
FORMS = ("arguments", "keywords", "dict", "dataclass", "part of an argument")


def run(
    names: list[str],
    case: Case,
    form: str,
    gradient: bool,
    weight: bool,
    donate: bool = False,
    native: bool = False,
) -> Compiled:
    """Compile a case whose three inputs have these names; eager results of the same function are the truth."""
    given: list[Any] = [np.abs(rng.normal(size=case.shape)) + 0.1 for _ in range(3 - case.floats)]
    given += [float(x) + 0.1 for x in rng.random(case.floats)]
    closed = Value(np.full(np.shape(given[2]), 0.75), name=names[0])
    # Without a gradient: else eager code computes the gradients as Values, and a power of numbers in other bits.
    times = minigrad.stop_gradient
    space: dict[str, Any] = {"_body_": lambda *xs: case.f(*xs[:2], xs[2] * times(closed) if weight else xs[2])}
    args: tuple[Any, ...] = tuple(given)
    kwargs: dict[str, Any] = {}
    if form == "arguments":
        exec(f"def f({', '.join(names)}): return _body_({', '.join(names)})", space)
    elif form == "keywords":
        space["f"], args, kwargs = lambda **p: _body(space, p), (), dict(zip(names, given, strict=True))
    elif form == "dict":
        space["f"], args = lambda p: _body(space, p), (dict(zip(names, given, strict=True)),)
    elif form == "dataclass":
        space["f"], args = lambda p: _body(space, vars(p)), (make_dataclass("D", names)(*given),)
    else:
        exec(f"def f({names[0]}, *{names[1]}): return _body_(*{names[0]}, *{names[1]})", space)
        args = (given[:2], given[2])
    f = value_and_grad(space["f"], argnums=None if form == "keywords" else 0) if gradient else space["f"]
    compiled = minigrad.compile(f, donate=(0,) if donate else (), native=native)
    for _ in range(2):
        mine = _copied(args) if donate else args
        want = f(*args, **kwargs)
        assert_same(compiled(*mine, **kwargs), want, compiled.source if compiled.traces else "")
    return compiled


def _body(space: dict[str, Any], named: dict[str, Any]) -> Any:
    return space["_body_"](*named.values())


def _copied(args: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(x.copy() if isinstance(x, np.ndarray) else x for x in args)


@functools.cache
def vocabulary(name: str) -> list[str]:
    """All words in the source and the guard of a case and of its gradient."""
    found: set[str] = set()
    for gradient in (False, True)[: 1 + CASES[name].differentiable]:
        compiled = run(["x", "y", "z"], CASES[name], "arguments", gradient, True)
        for text in (compiled.source, compiled._entry().guard):
            found |= set().union(*map(_words, ast.walk(ast.parse(text))))
    return sorted(found)


def _words(node: ast.AST) -> set[str]:
    return {x for x in (getattr(node, key, None) for key in ("id", "arg", "attr", "name")) if isinstance(x, str)}


HELPERS = [word for module in (runtime, scalar_runtime, scalar_codegen) for word in vars(module)]
OTHERS = sorted(
    word
    for word in {*dir(builtins), *keyword.kwlist, *HELPERS, "v12", "m3", "c_0", "k_0", "w0", "x_", "x_flat", "j"}
    if word.isidentifier()
)
SUFFIXES = ("", "_", "__", "_1", "_2", "_flat", "_flat_")


def words(own: list[str], form: str) -> st.SearchStrategy[list[str]]:
    """Three names that the text may use itself; some are made of one another."""
    one, suffix = st.sampled_from(own) | st.sampled_from(OTHERS), st.sampled_from(SUFFIXES)
    near = st.tuples(one, suffix, suffix).map(lambda t: [t[0], t[0] + t[1], t[0] + t[2]])
    names = near | st.lists(one, min_size=3, max_size=3)
    if form not in ("keywords", "dict"):  # no keywords, and no attributes that all objects have
        names = names.map(lambda found: [x.strip("_") + "_" if x.startswith("__") else x for x in found])
        names = names.map(lambda found: [f"{x}_" if keyword.iskeyword(x) else x for x in found])
    return names.filter(lambda found: len(set(found)) == 3)


# The other cases take seconds each.
SLOW, QUICK = [pytest.mark.slow], ("numbers", "arrays", "results")


@pytest.mark.parametrize("name", [pytest.param(x, marks=SLOW * (x not in QUICK)) for x in CASES])
@given(st.data())
@settings(phases=[Phase.explicit, Phase.generate])  # to shrink names takes minutes, and makes them no clearer
def test_names_from_the_vocabulary_of_the_text_change_no_bit(name: str, data: Any) -> None:
    case = CASES[name]
    form = data.draw(st.sampled_from(FORMS))
    names = data.draw(words(vocabulary(name), form))
    gradient = case.differentiable and form != "keywords" and data.draw(st.booleans())
    donate = not case.differentiable and form == "arguments" and data.draw(st.booleans())
    run(names, case, form, gradient, data.draw(st.booleans()), donate, native=data.draw(st.booleans()))


@pytest.mark.parametrize("name", [pytest.param(x, marks=SLOW * (x != "numbers")) for x in CASES if x != "blocks"])
def test_every_word_of_the_text_can_be_an_argument(name: str) -> None:
    own = [word for word in vocabulary(name) if not keyword.iskeyword(word) and word != "__debug__"]
    for start in range(0, len(own), 3):
        names = [*dict.fromkeys([*own[start : start + 3], "p", "q"])][:3]
        run(names, CASES[name], "arguments", CASES[name].differentiable, True)


def test_a_list_called_c_beside_a_constant() -> None:
    table = np.array([10.0, 20.0])
    f = minigrad.compile(lambda c, x: table * x + c[1])
    np.testing.assert_array_equal(f((np.ones(2), np.ones(2)), np.ones(2)), [11.0, 21.0])
    g = minigrad.compile(minigrad.grad(lambda c, x: np.sum(table * x * c[1])))
    np.testing.assert_array_equal(g([np.ones(2), np.ones(2)], np.ones(2))[1], table)


@pytest.mark.parametrize(
    "near", ["x_flat", "x_", "x_flat_", "i", "j", "range", "min", "c_0", "c_0_", "c_0_flat", "v2"]
)
def test_an_argument_with_the_name_of_a_block_of_another(near: str) -> None:
    for table in (GRID, LINE, LINE[:-1].copy()):
        space: dict[str, Any] = {"_body_": lambda x, y, table=table: np.tanh(np.sin(x) * y + x) * table + np.sum(y)}
        exec(f"def f(x, {near}): return _body_(x, {near})", space)
        args = [rng.normal(size=table.shape) for _ in range(2)]
        assert_same(minigrad.compile(space["f"])(*args), space["f"](*args), near)


def test_a_closed_over_value_and_an_argument_called_w0() -> None:
    weight = Value(np.array([2.0, 3.0]))
    f = minigrad.compile(lambda w0, leaf0: w0 * weight + leaf0)
    np.testing.assert_array_equal(f(np.ones(2), np.zeros(2)), [2.0, 3.0])


def test_an_attribute_of_a_dataclass_may_have_any_name() -> None:
    given = make_dataclass("D", ["x"])(np.ones(2))
    for k, name in enumerate(["class", "a b", "ﬁ", "", "\n", "1"]):
        setattr(given, name, k)
    f = minigrad.compile(lambda d: d.x * getattr(d, "a b"))
    for times in (1, 5):
        setattr(given, "a b", times)
        np.testing.assert_array_equal(f(given), np.full(2, float(times)))
    assert f.traces == 2


def test_no_name_is_given_twice() -> None:
    names, found = Names("make", np=np), [object() for _ in range(50)]
    given = [*(names.take("x") for _ in found), *(names.of(x, "x") for x in found), names.take("make"), "np"]
    given += [names.take(word) for word in ("lambda", "None", "__debug__", "__builtins__", "x_2", "np", "range")]
    assert len(set(given)) == len(given) and not {"make", "lambda", "None", "__debug__", "__builtins__"} & set(
        given
    )
    assert [names.of(x, "y") for x in found] == given[50:100], "an object keeps its name"
    assert given[:3] == ["x", "x_", "x_2"] and names.objects[given[70]] is found[20]


def test_only_a_builtin_is_called_like_one() -> None:
    names = Names()
    assert names.of(np.abs, "abs") != "abs" and names.of(abs) == "abs"
    taken = Names()
    assert taken.take("abs") == "abs" and taken.of(abs) == "abs_" and taken.objects["abs_"] is abs


def test_the_formulas_of_ops_name_their_functions_in_braces() -> None:
    """So that these get names beside the user's own."""
    for op in OPS.values():
        text = op.on_floats.format(*"01", **dict.fromkeys(scalar_codegen._HELPERS, "0"))
        assert {*re.findall(r"[a-z_]\w*", text)} <= {"if", "else", "not"}, op


def test_thousands_of_keys_that_make_one_word_are_named_quickly() -> None:
    names = Names()
    given = {names.take(identifier("+", "x_")) for _ in range(20_000)}
    assert len(given) == 20_000 and max(map(len, given)) < 10


def test_a_backward_part_of_views_that_were_made_is_left_out() -> None:
    x, y, z, out = map(Ref, range(4))
    steps = [
        Step(y, np.reshape, (x,), {"shape": (-1, 3)}, "reshape"),
        Step(z, np.reshape, (x,), {"shape": (2, 3), "order": "C"}, "reshape", backward=True),
        Step(out, np.add, (y, z), {}, "+"),
    ]
    row = np.arange(6.0)
    samples = {x: row, y: row.reshape(2, 3), z: row.reshape(2, 3), out: np.zeros((2, 3))}
    program, names = Program([x], [], steps, out, samples), names_for_step()
    text = Writer(program, plan_buffers(program, frozenset(), False), {x: names.take("x")}, names, []).text()
    space = {**names.objects}
    exec(text, space)
    np.testing.assert_array_equal(space["make"]()(row), 2 * row.reshape(2, 3))
    assert text.count("x.reshape") == 1 and "backward" not in text


def test_no_view_is_written_twice() -> None:
    def loss(w: Any, xs: Any) -> Any:
        h = np.zeros(5)
        for x in xs:
            h = np.tanh(w @ h + x)
        return np.sum(h * h)

    recurrent = minigrad.compile(value_and_grad(loss))
    assert_same(recurrent(np.eye(5), np.ones((6, 5))), value_and_grad(loss)(np.eye(5), np.ones((6, 5))), "")
    chained = minigrad.compile(value_and_grad(blocks, (0, 1)))
    chained(GRID, GRID, GRID)
    for source in (recurrent.source, chained.source):
        lines = [line.partition("  # ")[0].partition(" = ")[2] for line in source.splitlines()]
        views = [line for line in lines if re.search(r"\.(reshape|T)\b|_to\(", line)]
        assert views and len(set(views)) == len(views), source
