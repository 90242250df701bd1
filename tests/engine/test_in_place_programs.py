"""Random programs with aliases, views and operators like +=: NumPy's number or an error, never another number.

A program is a list of instructions on numbered arrays. `run` runs it as a user would write it, on arrays and on
Values; `Memory` runs it without any operator in place, for the gradient.
"""

from __future__ import annotations

import operator
from collections import Counter
from collections.abc import Callable
from functools import reduce
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minigrad import Value, compile, errors, grad, hessian, jvp, no_grad, value_and_grad, vmap

X = np.array([[0.3, -0.7], [0.9, 0.4]])
NEW: tuple[Callable[..., Any], ...] = (operator.add, operator.sub, operator.mul, operator.matmul)
IN_PLACE: tuple[Callable[..., Any], ...] = (
    *(operator.iadd, operator.isub, operator.imul, operator.itruediv, operator.ipow, operator.imatmul),
)
VIEWS: tuple[Callable[[Any], Any], ...] = (
    *(lambda a: a.T, lambda a: a[::-1], lambda a: a[:, ::-1], lambda a: np.reshape(a, (2, 2)), np.real),
    *(lambda a: np.broadcast_to(a, (2, 2)), lambda a: np.stack([a[0], a[1]]).T),
)
COPIES: tuple[Callable[[Any], Any], ...] = (
    *(lambda a: a[[1, 0]], lambda a: a.copy(), np.tanh, lambda a: a @ np.eye(2), lambda a: +a, np.transpose),
)


def scaled(function: Any) -> Any:
    """The other operand of an operator in place: such that numbers neither grow nor shrink fast."""
    return {operator.itruediv: 2.0, operator.ipow: 2, operator.imul: 1.5}.get(function)


def instructions() -> Any:
    n = st.integers(0, 5)
    return st.lists(
        st.one_of(
            st.tuples(st.just("new"), n, n, st.sampled_from(NEW)),
            st.tuples(st.just("apply"), n, n, st.sampled_from(VIEWS + COPIES)),
            st.tuples(st.just("alias"), n, n, st.none()),
            st.tuples(st.just("keep"), n, n, st.none()),  # in a list, from which `alias` reads, too
            st.tuples(st.sampled_from(["in place", "element", "helper"]), n, n, st.sampled_from(IN_PLACE)),
            st.tuples(st.sampled_from(["number", "total"]), n, n, st.none()),
        ),
        min_size=2,
        max_size=9,
    )


def change(a: Any, b: Any, function: Any) -> Any:
    """A helper that changes its argument, and also returns it."""
    a = function(a, b)
    return a * 1.0


def run(program: list[Any], x: Any) -> Any:
    """What the program computes: its latest array, and a running total."""
    names, kept = [x * 1.0, x * 0.5, x], [x]
    total = last = np.sum(x) * 0.0
    for kind, i, j, function in program:
        i, j, k = i % len(names), j % len(names), j % len(kept)
        if kind == "new":
            names.append(function(names[i], names[j]))
        elif kind == "apply":
            names.append(function(names[i]))
        elif kind == "alias":
            names.append(kept[k] if i % 2 else names[j])
        elif kind == "keep":
            kept.append(names[i])
        elif kind == "in place":
            names[i] = function(names[i], scaled(function) or names[j])
        elif kind == "element":
            kept[k] = function(kept[k], scaled(function) or names[j])
        elif kind == "helper":
            names.append(change(names[i], scaled(function) or names[j], function))
        elif kind == "number":
            last = total
            total += np.mean(names[i])
        else:
            total *= 0.5
    return np.sum(np.sin(names[-1])) + total + 0.3 * last


class Memory:
    """An array in the program without operators in place: a cell, which may hold another array later, and views."""

    def __init__(self, cell: list[Any], views: tuple[Any, ...] = ()) -> None:
        self.cell, self.views = cell, views

    @property
    def now(self) -> Any:
        return reduce(lambda a, view: view(a), self.views, self.cell[0])

    def changed(self, other: Any, function: Any) -> Memory:
        if any(view is not NOTHING for view in self.views):
            raise errors.InPlaceError("a view")
        self.cell[0] = PLAIN[function](self.now, other)
        return self


NOTHING = VIEWS[3]  # a reshape to the same shape
PLAIN: dict[Any, Any] = {f: getattr(operator, f.__name__[1:]) for f in IN_PLACE}


def run_without(program: list[Any], x: Any) -> Any:
    """The same numbers with no operator in place; InPlaceError where a view is changed."""
    names = [Memory([x * 1.0]), Memory([x * 0.5]), Memory([x])]
    kept, total = [names[2]], np.sum(x) * 0.0
    last = total
    for kind, i, j, function in program:
        i, j, k = i % len(names), j % len(names), j % len(kept)
        other = scaled(function) if function in IN_PLACE else None
        if kind == "new":
            names.append(Memory([function(names[i].now, names[j].now)]))
        elif (kind == "apply" and function in VIEWS[:-1]) or function is np.transpose:
            names.append(Memory(names[i].cell, (*names[i].views, function)))
        elif kind == "apply":
            names.append(Memory([function(names[i].now)]))
        elif kind == "alias":
            names.append(kept[k] if i % 2 else names[j])
        elif kind == "keep":
            kept.append(names[i])
        elif kind == "in place":
            names[i] = names[i].changed(other or names[j].now, function)
        elif kind == "element":
            kept[k] = kept[k].changed(other or names[j].now, function)
        elif kind == "helper":
            names.append(Memory([names[i].changed(other or names[j].now, function).now * 1.0]))
        elif kind == "number":
            last = total
            total = total + np.mean(names[i].now)
        else:
            total = total * 0.5
    return np.sum(np.sin(names[-1].now)) + total + 0.3 * last


def close(a: Any, b: Any) -> None:
    np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)


def without_gradient(f: Any) -> Any:
    def value(x: Any) -> Any:
        with no_grad():
            return f(Value(x) * 1.0).data

    return value


def by_backward(f: Any) -> Any:
    """The value and the gradient from `backward` of a leaf."""

    def both(x: Any) -> Any:
        leaf = Value(x)
        y = f(leaf * 1.0)
        y.backward()
        return y.data, np.zeros_like(x) if leaf.grad is None else leaf.grad

    return both


def one_by_one(f: Any) -> Any:
    return lambda x: vmap(f)(np.stack([x, x]))[1]


VALUES = {"no_grad": without_gradient, "vmap": one_by_one, "compile": compile}
BOTH = {"grad": value_and_grad, "backward": by_backward, "compiled": lambda f: compile(value_and_grad(f))}
SEEN: Counter[str] = Counter()


@pytest.mark.parametrize("how", [*VALUES, *BOTH])
def test_numpys_number_or_an_error(how: str) -> None:
    seen: Counter[str] = Counter()
    slow = "compile" in how or how == "vmap"

    @settings(max_examples=settings().max_examples * (5 if slow else 15))
    @given(instructions())
    def try_program(program: list[Any]) -> None:
        try:
            expected = run(program, X.copy())
        except ValueError:  # np.broadcast_to gives an array that is not to be changed
            with pytest.raises(errors.InPlaceError):
                (VALUES | BOTH)[how](lambda x: run(program, x))(X.copy())
            return
        try:
            found = (VALUES | BOTH)[how](lambda x: run(program, x))(X.copy())
        except errors.InPlaceError:
            seen["refused"] += 1
            return
        changes = any(kind in ("in place", "element", "helper") for kind, *_ in program)
        seen["right, with a change" if changes else "right"] += 1
        if how in VALUES:
            close(found, expected)
            return
        close(found[0], expected)
        try:
            value, gradient = value_and_grad(lambda x: run_without(program, x))(X)
        except errors.InPlaceError:  # in place on a view, which nobody sees
            return
        close(value, expected)
        close(found[1], gradient)
        seen["gradient"] += 1

    try_program()
    assert min(seen["refused"], seen["right, with a change"], seen["right"]) >= 3, seen
    assert how in VALUES or seen["gradient"] >= 10, seen


def test_second_derivatives_and_forward_mode() -> None:
    seen: Counter[str] = Counter()
    direction = np.array([[0.1, 0.2], [-0.3, 0.5]])

    @settings(max_examples=settings().max_examples * 4)
    @given(instructions())
    def try_program(program: list[Any]) -> None:
        try:
            found = hessian(lambda x: run(program, x))(X), jvp(lambda x: run(program, x), (X,), (direction,))
            right = (
                hessian(lambda x: run_without(program, x))(X),
                jvp(lambda x: run_without(program, x), (X,), (direction,)),
            )
        except errors.InPlaceError:
            seen["refused"] += 1
            return
        close(found[0], right[0])
        close(found[1], right[1])
        seen["right"] += 1

    try_program()
    assert min(seen["refused"], seen["right"]) >= 5, seen


def test_the_program_without_operators_in_place_is_numpys() -> None:
    """The reference for gradients, itself against NumPy."""
    seen: Counter[str] = Counter()

    @settings(max_examples=settings().max_examples * 15)
    @given(instructions())
    def try_program(program: list[Any]) -> None:
        try:
            value = run_without(program, X)
        except errors.InPlaceError:
            return
        close(value, run(program, X.copy()))
        seen["compared"] += 1

    try_program()
    assert seen["compared"] >= 50


def test_a_program_is_what_it_says() -> None:
    program = [("keep", 1, 0, None), ("in place", 1, 0, operator.iadd), ("alias", 1, 1, None)]
    assert run(program, X.copy()) == np.sum(np.sin(X * 0.5 + X * 1.0))
    with pytest.raises(errors.InPlaceError, match=r"used after \+="):
        grad(lambda x: run(program, x))(X)
    close(grad(lambda x: run_without(program, x))(X), 1.5 * np.cos(1.5 * X))
