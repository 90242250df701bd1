from __future__ import annotations

import numpy as np
import pytest

from minigrad import Value, draw, nn
from minigrad.drawing.graph_data import survey
from minigrad.engine.value import graph


def test_names_come_from_the_callers_own_and_never_in_place_of_a_values_own() -> None:
    x, w = Value(2.0), Value(3.0, "weight")
    z = x * w
    y = z + 1
    _1 = z
    named = survey(y, names=dict(locals())).names
    assert named == ["x", "weight", "z", "y"]


def test_locals_of_the_caller_name_what_the_picture_shows() -> None:
    x = Value(2.0)
    loss = x * x
    drawing = draw(loss, names=locals())
    assert [node.name for node in drawing.diagram.nodes] == ["x", "loss"]
    assert drawing.diagram.title == "loss = 4 · dloss/dx = 4"
    assert x.name is None and loss.name is None, "nothing is written to a Value"


def test_parameters_of_a_module_and_entries_of_lists_and_dicts_have_their_path() -> None:
    class Two(nn.Module):
        def __init__(self) -> None:
            self.parts = [Value(1.0), Value(2.0)]

    net, ws, table = Two(), [Value(3.0), Value(4.0)], {"bias": Value(5.0)}
    y = net.parts[0] * net.parts[1] * ws[0] * ws[1] + table["bias"]
    names = survey(y, names={"net": net, "ws": ws, "table": table, "n": 3, "words": "ab"}).names
    assert [name for name in names if name] == ["net.parts.0", "net.parts.1", "ws[0]", "ws[1]", "table['bias']"]


def test_the_sweep_is_the_order_in_which_gradients_are_complete() -> None:
    a = Value(2.0)
    b = a * 3
    y = b + a
    found = survey(y)
    assert list(found.sweep) == [2, 1, 0]
    assert [node.step for node in draw(y).diagram.nodes] == [2, 1, 0]


def test_nothing_is_recorded_or_written_while_looking() -> None:
    a = Value(np.ones(3), "a")
    y = (np.tanh(a) * 2).sum()
    before = len(graph(y))
    draw(y, names=locals())
    assert len(graph(y)) == before and all(v.grad is None for v in graph(y))


@pytest.mark.parametrize("name", [None, ""])
def test_an_empty_name_counts_as_none(name: str | None) -> None:
    a = Value(2.0, name)
    assert survey(a * 1.0, names={"mine": a}).names[0] == "mine"
