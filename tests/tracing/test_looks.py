"""Looks at a traced Value besides computing: its class, its text, its length."""

from __future__ import annotations

import collections.abc
import dataclasses
import functools
import logging
from io import StringIO
from typing import Any

import numpy as np
import pytest
from compiler.bits import assert_same

import minigrad
from minigrad import Value, compile, errors, grad

X = np.array([1.0, 2.0, 3.0])
NUMBER = np.float64(2.0)
GIVEN = [X, NUMBER, np.float32(2.0), np.int64(2), np.arange(3)]


def refused(f: Any, *args: Any) -> str:
    with pytest.raises(errors.TracingError) as caught:
        f(*args)
    assert "\n  write  " in str(caught.value)
    return str(caught.value)


# ------------------------------------------------------------------------------------------------- the class


@pytest.mark.parametrize("x", GIVEN)
@pytest.mark.parametrize(
    "name",
    ["Iterable", "Sized", "Hashable", "Container", "Collection", "Sequence", "Reversible", "Callable", "Mapping"],
)
def test_isinstance_of_an_abstract_class_answers_as_for_the_data_or_is_refused(name: str, x: Any) -> None:
    cls = getattr(collections.abc, name)

    def f(x: Any) -> Any:
        return x * 2 if isinstance(x, cls) else x * 3

    if isinstance(Value(0.0), cls) and not isinstance(x, cls):
        text = refused(compile(f), x)
        assert text.startswith(f"isinstance(x, {name}) while tracing") and "np.ndim(x) > 0" in text
    else:
        assert_same(compile(f)(x), f(x), name)


def test_isinstance_of_an_abstract_class_is_not_asked_for_a_value() -> None:
    w = Value(2.0)
    assert isinstance(w, collections.abc.Sized)
    minigrad.grad(lambda v: v * isinstance(v, collections.abc.Iterable))(2.0)


@pytest.mark.parametrize("x", GIVEN)
@pytest.mark.parametrize("name", ["__len__", "__iter__", "__getitem__", "__array__", "__float__", "shape", "T"])
def test_hasattr_answers_as_for_the_data(name: str, x: Any) -> None:
    def has(x: Any) -> Any:
        return x * 2 if hasattr(x, name) else x * 3

    def get(x: Any) -> Any:
        return x * 2 if getattr(x, name, None) is not None else x * 3

    for f in (has, get):
        assert_same(compile(f)(x), f(x), name)


def test_a_number_has_no_length_and_no_rows_as_before() -> None:
    def f(x: Any) -> Any:
        for ask in (len, iter, list, lambda v: [*v], np.iterable):
            try:
                if not ask(x):
                    return x * 5
            except TypeError:
                continue
            return x * 7
        return x

    assert_same(compile(f)(NUMBER), NUMBER * 5, "np.iterable says False, the others raise TypeError")
    assert_same(compile(lambda x: sum(row * len(x) for row in x))(X), sum(X) * 3, "rows")
    assert hasattr(Value(1.0), "__len__"), "outside of a trace, a Value is a Value"


@pytest.mark.parametrize(
    "f",
    [
        lambda x: x * (2 if hasattr(x, "__array_interface__") else 3),
        lambda x: x * x.__array_interface__["shape"][0],
        lambda x: x * (getattr(x, "__array_struct__", None) is None),
    ],
)
def test_the_address_of_an_array_is_refused(f: Any) -> None:
    assert refused(compile(f), X).startswith("v.__array_")
    assert not hasattr(Value(X), "__array_interface__")


# -------------------------------------------------------------------------------------------------- the text


@dataclasses.dataclass
class Pair:
    x: Any
    y: Any


TEXTS = [
    lambda x: f"{x}",
    lambda x: f"{x!r} {x!s}",
    lambda x: str(x),
    lambda x: repr([x]),
    lambda x: "{}".format(x),  # noqa: UP032
    lambda x: "%s" % x,  # noqa: UP031
    lambda x: format(x),
    lambda x: str(Pair(x, 1)),
    lambda x: ", ".join(map(str, [x * 1, x])),
]


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("x", [X, NUMBER])
def test_a_text_of_numbers_is_refused_with_what_to_write(text: Any, x: Any) -> None:
    f = compile(lambda x: {text(x): x})
    message = refused(f, x)
    assert message.startswith("the text of an array while tracing") and "  write  print(x) " in message
    assert refused(minigrad.vmap(lambda x: x * len(text(x))), X).startswith("the text of an array")


def test_the_text_of_a_value_from_outside_is_refused_too() -> None:
    w = Value(X)
    assert refused(compile(lambda x: x * len(f"{w}")), X).startswith("the text of an array")
    assert compile(lambda x: x * len(f"{w.shape} {x.dtype}"))(X)[0] == len("(3,) float64")


def test_a_text_made_by_a_call_inside_print_is_refused() -> None:
    def key(x: Any) -> str:
        return f"{x}"

    def f(x: Any) -> Any:
        kept = {}
        print(kept.setdefault("key", key(x)))
        return {kept["key"]: x}

    refused(compile(f), X)


def test_what_is_printed_or_logged_is_allowed(capsys: Any) -> None:
    log, written = logging.Logger("looks"), StringIO()  # a handler that keeps its records would keep a Value
    log.addHandler(logging.StreamHandler(written))

    def f(x: Any) -> Any:
        print(x)
        print("x is", x * 2, [x], sep=" ")
        print(f"x = {x}", "%s" % (x,), str(x), "and", Pair(x, 1))  # noqa: UP031
        print(
            "on lines of its own",
            f"{x}",
        )
        log.warning("x is %s", x)
        return x * 2

    compiled = compile(f)
    assert_same(compiled(X), X * 2, "printed")
    assert capsys.readouterr().out.count("2., 3.") == 14, "seven times in each of two runs"
    assert written.getvalue().count("[1., 2., 3.]") == 2
    compiled(X)
    assert not capsys.readouterr().out, "compiled code does not print"


def test_an_error_that_the_function_raises_with_a_text_comes_first() -> None:
    def f(x: Any) -> Any:
        if x.ndim == 1:
            raise ValueError(f"one axis: {x}")
        return x

    with pytest.raises(ValueError, match=r"one axis: .*1\., 2\., 3\."):
        compile(f)(X)
    assert_same(compile(f)(np.eye(2)), np.eye(2), "next call")


@pytest.mark.parametrize("value", [lambda x: x[0], lambda x: x.sum() * 2, lambda x: x])
def test_filling_an_array_is_refused_in_our_words(value: Any) -> None:
    """NumPy puts an error of its own in front, where an entry is set."""

    def f(x: Any) -> Any:
        a = np.zeros(3)
        a[... if value(x).ndim else 0] = value(x)
        return a

    assert "minigrad.put(a, i, v)" in refused(compile(f), X)


@functools.lru_cache
def doubled(s: Any) -> Any:
    return s * 2


@pytest.mark.parametrize(
    "f", [lambda x: x * len({x, 2.0}), lambda x: {2.0: x}.get(x, x * 5), lambda x: {x: 1}, lambda x: doubled(x)]
)
@pytest.mark.parametrize("x", [2.0, NUMBER, np.int64(2)])
def test_a_number_as_a_key_is_refused(f: Any, x: Any) -> None:
    """Its hash would be that of the Value, and it would never be found."""
    assert refused(compile(f), x).startswith("a number as a key of a dict or a set while tracing")


def test_values_are_hashed_by_identity_elsewhere() -> None:
    def f(x: Any) -> Any:
        seen = {id(x): x}
        return seen[id(x)] * grad(lambda v: v * len({v, v * 1.0, w}))(x.sum())

    w = Value(2.0)
    assert_same(compile(f)(X), X * 3, "a Value with a gradient")
    assert {w: 1}[w] == 1 and w not in {Value(2.0)}
