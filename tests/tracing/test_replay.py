"""Replay: every special op has its meaning, and nothing is computed twice."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from minigrad import Value
from minigrad.engine.node import record
from minigrad.engine.value import argument, graph
from minigrad.nn import MLP
from minigrad.tracing.replay import Evaluate, own_params, replay


class Again(Evaluate):
    """Computes with the functions of the ops, and counts."""

    count = 0

    def leaf(self, node: Any) -> Any:
        return node._array if node.op is None else NotImplemented

    def apply(self, node: Any, operands: list[Any]) -> Any:
        self.count += 1
        given = [x if isinstance(x, Value) else Value(x) for x in operands]
        y = record(Value, node.op, tuple(given), own_params(node) or None)
        return [part._array for part in y] if isinstance(y, (tuple, list)) else y._array


def test_items_aliases_and_parameters_are_computed_with_other_numbers() -> None:
    def f(x: Any) -> Any:
        low, high = np.split(argument(x * 3), 2)
        return np.sum(low * np.max(high, keepdims=True)) + low[1]

    x = Value(np.arange(1.0, 5.0))
    y = f(x)
    other = np.array([2.0, -1.0, 0.5, 4.0])
    again = Again()
    env = replay(graph(y), {x.serial: other}, again)
    np.testing.assert_allclose(env[y.serial], f(Value(other)).data)


def test_known_results_stay_and_are_not_computed_again() -> None:
    x = Value(2.0)
    a = x * 3
    y = a + 1
    again = Again()
    assert float(replay(graph(y), {a.serial: np.float64(10.0)}, again)[y.serial]) == 11.0
    assert again.count == 1


def test_an_evaluation_without_a_meaning_for_ops_fails_aloud() -> None:
    y = MLP((2, 1))(np.ones((1, 2)))
    env = {node.serial: node._array for node in graph(y) if node.op is None}
    with pytest.raises(NotImplementedError):
        replay(graph(y), env, Evaluate())
