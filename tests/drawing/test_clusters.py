"""Boxes: each value is in the scopes it was computed in, and in the layer and neuron it belongs to."""

from __future__ import annotations

import gc
import threading
from typing import Any

import numpy as np

from minigrad import Value, draw, nn, scope
from minigrad.drawing.clusters import clusters
from minigrad.drawing.diagram import Diagram
from minigrad.drawing.graph_data import survey


def boxes(diagram: Diagram) -> dict[str, str]:
    """The path of boxes of each node, by name or operation."""
    paths: list[str] = []
    for cluster in diagram.clusters:
        around = "" if cluster.parent is None else f"{paths[cluster.parent]}/"
        paths.append(around + cluster.name)
    return {n.name or n.operation: "" if n.cluster is None else paths[n.cluster] for n in diagram.nodes}


def test_values_stand_in_the_scopes_they_were_computed_in() -> None:
    x = Value(2.0, "x")
    with scope("outer"):
        w = Value(3.0, "w")
        with scope("inner"):
            h = x * w
        y = np.tanh(h)
    assert boxes(draw(y + 1.0).diagram) == {
        "x": "",
        "w": "outer",
        "*": "outer/inner",
        "tanh": "outer",
        "+ 1": "",
    }


def test_each_run_of_a_scope_is_a_box_of_its_own() -> None:
    h = Value(0.5, "x")
    for _ in range(3):
        with scope("step"):
            h = np.tanh(h)
    diagram = draw(h).diagram
    assert [cluster.name for cluster in diagram.clusters] == ["step"] * 3
    assert len({node.cluster for node in diagram.nodes}) == 4


def test_a_scope_of_another_graph_makes_no_box() -> None:
    a, b = Value(1.0, "a"), Value(2.0, "b")
    with scope("other"):
        other = a * 2
    y = b * 3
    assert draw(y).diagram.clusters == () and draw(other).diagram.clusters


def test_scopes_of_another_thread_make_no_box_here() -> None:
    """Their serials lie between ours."""
    x = Value(1.0, "x")
    inside, done = threading.Event(), threading.Event()
    results: list[Value] = []

    def other() -> None:
        with scope("other"):
            results.append(x * 7)
            inside.set()
            assert done.wait(10)

    thread = threading.Thread(target=other)
    thread.start()
    assert inside.wait(10)
    y = np.tanh(x * 2) * 3
    done.set()
    thread.join()
    assert draw(y).diagram.clusters == ()
    assert draw(results[0]).diagram.clusters[0].name == "other"


def test_scopes_of_two_threads_at_a_time_take_nothing_from_each_other() -> None:
    """Serials do not show in which of the two a value was made, so only marked values get a box."""
    x = Value(0.5, "x")
    turn = threading.Barrier(2)
    results: list[Any] = [None, None]

    def work(me: int, function: Any) -> None:
        with scope(f"thread {me}"):
            turn.wait(10)
            first = function(x)
            turn.wait(10)
            results[me] = function(first * 2)
            turn.wait(10)

    threads = [threading.Thread(target=work, args=pair) for pair in enumerate((np.sin, np.exp))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with scope("after"):
        total = results[0] + results[1]
    diagram = draw(total).diagram
    told = {
        (node.operation, diagram.clusters[node.cluster].name) for node in diagram.nodes if node.cluster is not None
    }
    assert told == {("sin", "thread 0"), ("exp", "thread 1"), ("+", "after")}


def test_neurons_of_a_model_have_boxes_in_their_layers_and_the_loss_has_none() -> None:
    model = nn.MLP((2, 2, 1), init=0.5, per_neuron=True)
    (out,) = model([1.0, 2.0])
    found = boxes(draw((out - 1.0) ** 2).diagram)
    assert found["w1[1,0]"] == found["b1[0]"] == found["z1[0]"] == found["a1[0]"] == "layer 1/neuron 0"
    assert found["w1[0,1]"] == found["a1[1]"] == "layer 1/neuron 1"
    assert found["w2[0,0]"] == found["w2[1,0]"] == found["z2[0]"] == "layer 2/neuron 0"
    assert found["x[0]"] == found["- 1"] == found["** 2"] == ""


def test_a_layer_at_a_time_has_boxes_of_layers() -> None:
    model = nn.MLP((2, 3, 1), init=0.5)
    found = boxes(draw(((model(np.ones((4, 2))) - 1.0) ** 2).mean()).diagram)
    assert found["W1"] == found["z1"] == found["a1"] == "layer 1"
    assert found["W2"] == found["b2"] == found["z2"] == "layer 2"
    assert found["mean"] == ""


def test_samples_of_a_batch_share_the_box_of_a_neuron() -> None:
    model = nn.MLP((2, 2, 1), init=0.5, per_neuron=True)
    (one,), (other,) = model([[1.0, 2.0], [0.0, 1.0]])
    found = boxes(draw(one * other).diagram)
    assert found["a1[0,1]"] == found["a1[1,1]"] == "layer 1/neuron 1"


def test_a_model_in_a_scope_has_its_boxes_inside_and_its_parameters_with_them() -> None:
    model = nn.MLP((2, 2, 1), init=0.5)
    with scope("critic"):
        y = model(np.ones(2))
    found = boxes(draw(y.sum()).diagram)
    assert found["W1"] == found["a1"] == "critic/layer 1"


def test_two_models_do_not_share_their_boxes() -> None:
    one, other = nn.MLP((1, 1), init=0.5), nn.MLP((1, 1), init=0.25)
    diagram = draw((one(np.ones(1)) + other(np.ones(1))).sum()).diagram
    assert [cluster.name for cluster in diagram.clusters] == ["layer 1", "layer 1"]


def test_boxes_cost_nothing_where_there_are_none_and_keep_nothing() -> None:
    y = Value(1.0) * 2
    assert clusters(survey(y)) == ((), [None, None])
    with scope("gone"):
        diagram: Any = draw(Value(1.0) * 2).diagram
    del y
    gc.collect()
    assert not [thing for thing in gc.get_objects() if type(thing) is scope]
    assert diagram.clusters[0].name == "gone"


def test_every_output_has_the_boxes() -> None:
    with scope('<b> & "q"'):
        y = Value(1.0, "a") * 2
    drawing = draw(y)
    assert "subgraph cluster_0" in drawing.dot and "&lt;b&gt; &amp; &quot;q&quot;" in drawing.dot
    assert "&lt;b&gt;" in (drawing._repr_svg_() or "")
