"""Errors name the call as the user wrote it, with a letter for each operand, and no name of ours."""

from __future__ import annotations

import builtins
import math
import re
from typing import Any

import numpy as np
import pytest

import minigrad
from minigrad import Value, errors

X, AT = np.ones((3, 4)), np.array([0, 7])


def headline(f: Any, *args: Any) -> str:
    with pytest.raises(errors.MinigradError) as caught:
        f(*args)
    text = str(caught.value)
    assert "object at 0x" not in text and "_Place" not in text
    return text.splitlines()[0].removeprefix("cannot compute ")


@pytest.mark.parametrize(
    ("index", "text"),
    [
        (7, "a[7]"),
        ((slice(1, None), 9), "a[1:, 9]"),
        ((..., slice(None, None, -1), 0, 0), "a[..., ::-1, 0, 0]"),
        (AT, "a[array([0, 7])]"),
        ((None, 5), "a[None, 5]"),
    ],
)
def test_an_index_is_written_in_brackets(index: Any, text: str) -> None:
    assert headline(lambda: Value(X)[index]) == text


@pytest.mark.parametrize(
    ("f", "text"),
    [
        (lambda x, i: x[i], "a[b]"),
        (lambda x, i: x[:, 1, i, 2], "a[:, 1, b, 2]"),
        (lambda x, i: np.take(x, i, axis=0), "take(a, indices=b, axis=0)"),
        (lambda x, i: minigrad.embedding(x, i), "embedding(a, indices=b)"),
        (lambda x, i: minigrad.put(x, i, 2.0 * x[0]), "put(a, b, index=c)"),
        (lambda x, i: x[i, i] * 1.0, "a[b, c]"),
    ],
)
def test_a_traced_index_is_shown_as_the_letter_of_its_operand(f: Any, text: str) -> None:
    assert headline(minigrad.compile(f), X, AT) == text
    assert headline(minigrad.compile(minigrad.grad(lambda x, i: np.sum(f(x, i)))), X, AT) == text


def test_a_function_that_only_ours_call_is_shown_as_the_users_expression() -> None:
    assert headline(lambda: np.maximum.accumulate(Value(X), axis=7)) == "np.maximum.accumulate(Value(X), axis=7)"
    of_each = minigrad.compile(minigrad.vmap(minigrad.grad(lambda x, i: x[i])))
    assert headline(of_each, X, np.array([0, 1, 9])) == "f(*args)"  # not scatter(a, b, index=...)


def test_without_a_source_it_is_a_derivative_or_a_call_without_arguments() -> None:
    space: dict[str, Any] = {"np": np, "v": Value(X)}
    exec(builtins.compile("def f(): return np.maximum.accumulate(v, axis=7)", "<no file>", "exec"), space)
    assert headline(space["f"]) == "np.maximum.accumulate()"
    exec(builtins.compile("def f(): return (lambda g: g(v, axis=7))(np.maximum.accumulate)", "<>", "exec"), space)
    assert re.fullmatch(r"a derivative|g\(\)", headline(space["f"]))


def test_each_of_many_operands_has_its_own_name() -> None:
    at = np.array([0])
    text = headline(minigrad.compile(lambda x, i: np.broadcast_to(x, (3,) * 8)[(i,) * 9]), np.ones(3), at)
    assert text == "x0[x1, x2, x3, x4, x5, x6, x7, x8, x9]"


@pytest.mark.parametrize("axis", [0, -1])
def test_a_product_of_a_number_along_an_axis_has_every_derivative(axis: int) -> None:
    assert minigrad.hessian(lambda x: np.prod(x, axis=axis))(0.5) == 0.0
    assert minigrad.hessian(lambda x: np.prod(x, axis=axis) ** 2)(0.5) == 2.0


@pytest.mark.parametrize("run", [minigrad.compile, minigrad.vmap])
@pytest.mark.parametrize(
    "f",
    [
        lambda x: float(x[0]),
        lambda x: int(x[0]),
        lambda x: np.asarray(x),
        lambda x: np.array([x, x]),
        lambda x: np.ones((x[0], 2)),
        lambda x: range(x[0]),
        lambda x: X[x],
        lambda x: math.fsum([x[0], x[1]]),
        lambda x: complex(x[0]),
        lambda x: x if x[0] else -x,
        lambda x: np.unique(x),
        lambda x: x.tolist(),
    ],
)
def test_who_passed_arrays_reads_of_arrays(f: Any, run: Any) -> None:
    for x in (np.ones((3, 4)), np.ones((3, 4), int)):
        with pytest.raises(errors.TracingError) as caught:
            run(f)(x)
        assert "Value" not in str(caught.value) and "a array" not in str(caught.value), str(caught.value)


def test_who_traces_with_values_reads_of_values() -> None:
    with minigrad.trace(), pytest.raises(errors.TracingError, match=r"while tracing: a Value stands for all data"):
        bool(Value(1.0) > 0)
