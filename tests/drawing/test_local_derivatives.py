"""The gradients that all uses of a value pass back add up to its gradient, for every op of the table."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from everyday import thinned
from hypothesis import given, settings
from hypothesis import strategies as st

from minigrad import Value, custom, forget
from minigrad.check.testing.op_calls import invoke
from minigrad.check.testing.op_sampling import random_calls
from minigrad.drawing.graph_data import Survey, survey
from minigrad.drawing.local_derivatives import uses_of
from minigrad.drawing.views.operations import ops_view
from minigrad.engine.op import TABLE
from minigrad.engine.value import graph

OPS = {f"{op.page}.{op.function.__name__}": op for op in TABLE.values() if op.vjps}


def summed(found: Survey) -> list[Any]:
    """For each value the sum of the gradients that its uses pass back; None if none does."""
    total: list[Any] = [None] * len(found.values)
    for k, v in enumerate(found.values):
        if isinstance(v._array, tuple):
            continue  # its outputs have their own
        for tail, use in zip(found.uses[k], uses_of(v, found.gradients[k]), strict=True):
            if use.contribution is not None and not isinstance(found.values[tail]._array, tuple):
                total[tail] = use.contribution if total[tail] is None else total[tail] + use.contribution
    return total


def agree(y: Value) -> None:
    found = survey(y)
    for k, (g, total) in enumerate(zip(found.gradients, summed(found), strict=True)):
        if k != found.result and not _of_tuple(found, k):
            assert (g is None) == (total is None)
            if g is not None:
                np.testing.assert_allclose(total, g, rtol=1e-12, atol=1e-300)


def _of_tuple(found: Survey, k: int) -> bool:
    """Whether a value is an input of an op with several outputs, or the hidden node of that op."""
    hidden = {place for place, v in enumerate(found.values) if isinstance(v._array, tuple)}
    return k in hidden or any(k in found.uses[place] for place in hidden)


@pytest.mark.parametrize("name", thinned(sorted(OPS), 6))
def test_what_the_uses_hand_back_adds_up_to_the_gradient(name: str) -> None:
    for call in random_calls(OPS[name], 2):
        lifted = [Value(x) if np.asarray(x).dtype.kind == "f" else x for x in call.inputs]
        out = invoke(OPS[name], lifted, call.params)
        parts = [part for part in (out if isinstance(out, (tuple, list)) else [out]) if isinstance(part, Value)]
        total: Any = 0
        for part in parts:
            if part.dtype.kind == "f":
                total = total + (part * part * 0.5).sum()
        if isinstance(total, Value):
            agree(total)


@settings(deadline=None, max_examples=30)
@given(st.lists(st.integers(0, 8), min_size=1, max_size=25))
def test_in_random_graphs_folded_or_not_contributions_add_up(choices: list[int]) -> None:
    values = [Value(1.5), Value(-0.5), Value(2.0)]
    for choice in choices:
        a, b = values[-choice % len(values)], values[choice * 5 % len(values)]
        values.append((a + b, a * b, a - b, np.tanh(a))[choice % 4])
    y = values[-1]
    agree(y)
    for fold in (False, True):
        d = ops_view(survey(y), fold=fold)
        total = {node.id: 0.0 for node in d.nodes}
        for edge in d.edges:
            total[edge.tail] += float(edge.exact_contribution or 0)
        for node in d.nodes:
            if node.kind != "result" and node.gradient:
                assert total[node.id] == pytest.approx(float(node.gradient.exact), rel=1e-12, abs=1e-300)


def test_the_two_uses_of_a_square_are_told_apart_from_its_gradient() -> None:
    a = Value(3.0, "a")
    y = a * a
    assert [(u.derivative, u.contribution) for u in uses_of(y, np.float64(2))] == [(3.0, 6.0), (3.0, 6.0)]
    b = Value(2.0)
    quotient = uses_of(a / b, np.float64(1))
    assert [u.derivative for u in quotient] == [0.5, -0.75]


def test_a_broadcast_input_is_handed_the_sum_and_the_derivative_stays_entry_by_entry() -> None:
    x, w = Value([1.0, 2.0, 3.0]), Value(2.0)
    use = uses_of(x * w, np.ones(3))[1]
    assert use.contribution == 6 and use.derivative.tolist() == [1, 2, 3]


def test_a_matrix_product_has_no_number_for_a_derivative() -> None:
    x, w = Value(np.ones((2, 3))), Value(np.ones((3, 2)))
    assert all(u.derivative is None and u.contribution is not None for u in uses_of(x @ w, np.ones((2, 2))))


def test_where_no_gradient_is_needed_there_is_none_and_where_it_is_zero_it_is_zero() -> None:
    w, table = Value(2.0, "w"), Value([1.0, 2.0], "table")
    steps = np.floor(w)
    y = w * 0.0 + table[Value([1.0, 5.0]).argmax()] * steps
    d = ops_view(survey(y), fold=False)
    name = {node.id: node.name or node.operation for node in d.nodes}
    flow = {(name[e.tail], name[e.head]): e.flow for e in d.edges}
    assert flow["w", "* 0"] == 0
    assert flow["argmax", "[·]"] is None
    assert flow["floor", "*"] == 2, "a gradient arrives there, and goes no further"
    assert {node.name: node.kind for node in d.nodes if node.name} == {"w": "parameter", "table": "parameter"}


def test_an_op_with_several_outputs_is_told_by_its_parts() -> None:
    a = Value(np.arange(6.0))
    first, second = np.split(a, 2)
    d = ops_view(survey((first * 2).sum() + second.sum()))
    back = [e for e in d.edges if e.tail == "n0"]
    assert len(back) == 1 and back[0].contribution == "[2, 2, 2, 1, 1, 1]"


def test_asking_changes_nothing_and_a_rule_of_a_users_own_is_asked() -> None:
    def cube(x: Any) -> Any:
        return x**3

    made = custom(cube, name="cubed", vjp=lambda g, y, x: g * 3 * x**2)
    try:
        x = Value(np.array([1.0, 2.0]))
        y = made(x).sum()
        before = [np.array(v._array) for v in graph(y)]
        agree(y)
        assert all((b == v._array).all() for b, v in zip(before, graph(y), strict=True))
        assert all(v.grad is None for v in graph(y))
    finally:
        forget(made)
