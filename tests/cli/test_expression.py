"""Expressions of the command line: what they mean, and that nothing else gets through."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest

import minigrad
from minigrad.cli.expression import assignments, parse
from minigrad.cli.vocabulary import FUNCTIONS
from minigrad.engine.op import PAGES, TABLE
from minigrad.errors import ExpressionError

GIVEN = {"x": np.array([0.5, -1.5]), "w": 0.3, "A": np.array([[1.0, 2.0], [3.0, 5.0]])}
MEANINGS: dict[str, Any] = {
    "w*w - 2*w/3 + 1": lambda x, w, A: w * w - 2 * w / 3 + 1,
    "-w**2 % 2 // .1": lambda x, w, A: -(w**2) % 2 // 0.1,
    "sum(exp(x) @ A)": lambda x, w, A: np.sum(np.exp(x) @ A),
    "np.tanh(x)*minigrad.relu(x)": lambda x, w, A: np.tanh(x) * minigrad.relu(x),
    "numpy.linalg.det(A) + linalg.det(A)": lambda x, w, A: 2 * np.linalg.det(A),
    "sum(A, axis=-1, keepdims=True)": lambda x, w, A: np.sum(A, axis=-1, keepdims=True),
    "sum(A, axis=(0, 1))": lambda x, w, A: np.sum(A),
    "[w, 2*w] @ [[1, 2], [3, 4]]": lambda x, w, A: np.array([w, 2 * w]) @ [[1, 2], [3, 4]],
    "where(x > 0, x, abs(x) * np.pi)": lambda x, w, A: np.where(x > 0, x, abs(x) * np.pi),
    "concatenate((x, [1, 2]))": lambda x, w, A: np.concatenate((x, [1, 2])),
    "reshape(A, [1, 4])": lambda x, w, A: A.reshape(1, 4),
    "1/0 + w": lambda x, w, A: np.inf,
    "9.0**9**9 + w": lambda x, w, A: np.inf,
}


@pytest.mark.parametrize("text", MEANINGS)
def test_an_expression_means_what_numpy_means(text: str) -> None:
    expression = parse(text)
    values = {name: minigrad.Value(GIVEN[name], name) for name in expression.names}
    np.testing.assert_allclose(expression.evaluate(values).data, MEANINGS[text](**GIVEN), rtol=1e-15)


def test_what_is_evaluated_is_recorded_from_the_values_that_were_given() -> None:
    w, x = minigrad.Value(2.0, "w"), minigrad.Value(3.0, "x")
    expression = parse("w*x + w")
    assert expression.names == ("w", "x")
    expression.evaluate({"x": x, "w": w}).backward()
    assert (w.grad, x.grad) == (4.0, 2.0)


def test_every_function_of_the_table_has_a_word_and_no_other_has() -> None:
    hidden = {function for function in TABLE if getattr(function, "__module__", "").endswith("operator")}
    hidden |= {function for function, record in TABLE.items() if record.page in PAGES}  # of other packages
    reached = {id(TABLE[f]) for f in FUNCTIONS.values() if f in TABLE} - {id(TABLE[f]) for f in hidden}
    assert {id(record) for function, record in TABLE.items() if function not in hidden} == reached
    assert not {"eval", "exec", "open", "getitem", "load", "save", "fromfile", "fromfunction"} & {*FUNCTIONS}


def test_a_function_that_calls_its_argument_gets_no_function() -> None:
    """Names in an expression are numbers, so it can call nothing but the words themselves."""
    with pytest.raises(ExpressionError, match="not callable"):
        parse("apply_along_axis(sum, 0, x)").evaluate({"x": minigrad.Value([1.0]), "sum": minigrad.Value(1.0)})


REFUSED = {
    "__import__('os').system('true')": "__import__('os').system",
    "w + ().__class__": "().__class__",
    "w*sigmod(w)": "sigmod",
    "ä*w.real": "w.real",
    "w[0]": "w[0]",
    "w^2": "w^2",
    "w and w": "w and w",
    "1 < w < 2": "1 < w < 2",
    "[v for v in w]": "[v for v in w]",
    "exp(lambda: w)": "lambda: w",
    "exp(*w)": "*w",
    "exp(w, **w)": "w",
    "(v := w)": "v := w",
    "'text' + w": "'text'",
    "w + 2j": "2j",
    "w + 1e999": "1e999",
    "sum(A, axis=7)": "sum(A, axis=7)",
    "x @ [1, 2, 3]": "x @ [1, 2, 3]",
}


@pytest.mark.parametrize("text", REFUSED)
def test_anything_else_is_refused_with_carets_under_the_place(text: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        expression = parse(text)
        expression.evaluate({name: minigrad.Value(GIVEN[name], name) for name in expression.names})
    line, carets = str(caught.value).splitlines()[-2:]
    assert line == f"  {text}"
    marked = "".join(letter for letter, mark in zip(line, carets, strict=False) if mark == "^")
    assert marked == REFUSED[text] and carets.count("^") == len(marked)


@pytest.mark.parametrize(("text", "column"), [("(w", 0), ("w ++* 2", 4), ("w; w", 1), ("w = 2", 2)])
def test_what_is_no_expression_is_refused_at_the_place(text: str, column: int) -> None:
    with pytest.raises(ExpressionError, match="this is not an expression") as caught:
        parse(text)
    assert str(caught.value).splitlines()[-1].index("^") == 2 + column


def test_a_misspelt_function_is_told_the_one_that_was_meant() -> None:
    for wrong, right in {"sigmod": "sigmoid", "det": "linalg.det", "math.sin": "sin"}.items():
        with pytest.raises(ExpressionError, match=rf"write  {right}\("):
            parse(f"{wrong}(x)")


def test_a_place_far_along_a_line_is_shown_with_what_is_near_it() -> None:
    with pytest.raises(ExpressionError) as caught:
        parse("w+" * 300 + "sigmod(w)" + "+w" * 300)
    line, carets = str(caught.value).splitlines()[-2:]
    at = carets.index("^")
    assert line[at : at + 6] == "sigmod" and len(line) < 120 and line.count("…") == 2


@pytest.mark.parametrize(
    "text",
    [
        "(" * 100_000,
        "(" * 9_000 + ")" * 9_000,
        "-" * 19_000 + "1",
        "+".join(["1"] * 9_000),
        "exp(" * 4_000,
        "\0",
        " ",
    ],
)
def test_no_text_crashes_or_hangs(text: str) -> None:
    started = time.perf_counter()
    with pytest.raises(ExpressionError):
        parse(text)
    assert time.perf_counter() - started < 5


def test_powers_of_whole_numbers_are_those_of_floats() -> None:
    started = time.perf_counter()
    assert parse("9**9**9**9").evaluate({}).data == np.inf
    assert time.perf_counter() - started < 5


def test_a_long_sum_is_read() -> None:
    assert parse("+".join(["x"] * 500)).evaluate({"x": minigrad.Value(1.0)}).data == 500


def test_names_without_a_value_and_values_without_a_name_are_told() -> None:
    values = assignments(["x=1"])
    with pytest.raises(ExpressionError, match=r"no value for w3, b\n  write  w3=0.3 b=0.3"):
        parse("w3*x + b").evaluate(values)
    with pytest.raises(ExpressionError, match=r"the expression does not contain x\n  its names are w"):
        parse("w").evaluate(assignments(["w=1", "x=1"]))
    with pytest.raises(ExpressionError, match=r"sin is a function: write  sin\("):
        parse("sin").evaluate({})


def test_values_are_numbers_lists_and_what_is_computed_of_them() -> None:
    values = assignments(["w=.1", "x=[[1, 2], [3, 4]]", "y=-1/3", "z=2*np.pi"])
    assert [v.name for v in values.values()] == ["w", "x", "y", "z"]
    assert values["x"].shape == (2, 2) and values["y"].data == -1 / 3 and values["w"].op is None


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["x"], "is not an assignment"),
        (["2=3"], "is not an assignment"),
        (["x="], "empty"),
        (["x=1", "x=2"], "two values"),
        (["x=y"], "a value consists of numbers, but y is a name"),
        (["x=[1, [2, 3]]"], "is not a number or an array"),
        (["x=None"], "None is not a number"),
    ],
)
def test_what_is_no_value_is_refused(words: list[str], said: str) -> None:
    with pytest.raises(ExpressionError, match=said):
        assignments(words)
