import xml.etree.ElementTree as ET
from collections.abc import Callable
from typing import Any

import pytest
from seeds import FIRST
from seeds import TIED as WEIGHTS_TIED
from seeds import two_neurons as network

from minigrad.drawing import Drawing, draw
from minigrad.drawing.diagram import Diagram
from minigrad.drawing.outputs.history import Snapshot, broken_ties, captions, chart, timeline
from minigrad.engine.value import Value
from minigrad.errors import ArgumentError

Network = Callable[[Any], Value]
TIED = [0.2, 0.4, 0.2, 0.4, 0.6, 0.6]
LATER = [0.3, 0.5, 0.3, 0.5, 0.7, 0.7]
BROKEN = [0.3, 0.5, 0.3, 0.5, 0.7, 0.8]


@pytest.fixture
def of(two_neurons: Network) -> Callable[[Any], Diagram]:
    return lambda weights: draw(two_neurons(weights)).diagram


def test_a_tie_that_holds_is_not_broken(of: Callable[[Any], Diagram]) -> None:
    assert broken_ties(of(TIED), of(LATER)) == ""


def test_a_broken_tie_is_told_with_its_names(of: Callable[[Any], Diagram]) -> None:
    assert broken_ties(of(LATER), of(BROKEN)) == "A breaks: w1 | w3; B breaks: w2 | w4; C breaks: w5 | w6"


def test_what_is_equal_by_chance_is_no_tie(of: Callable[[Any], Diagram]) -> None:
    letter = {node.name: node.group for node in of(LATER).nodes}
    assert letter["x2"] == letter["w1"] == letter["w3"]  # w2 + w4 happens to be x1
    assert "x2" not in broken_ties(of(LATER), of(BROKEN))


def test_the_first_break_is_told_in_advance(of: Callable[[Any], Diagram]) -> None:
    shots = [Snapshot(of(TIED), "0"), Snapshot(of(LATER), "10"), Snapshot(of(BROKEN), "now")]
    told = captions(shots)
    assert told[:2] == ["step 0 · loss 0.3478 · a tie breaks at now", "step 10 · loss 0.2873 · a tie breaks at now"]
    assert told[2].startswith("now · loss 0.2682 · A breaks: ")
    assert captions(shots[:2]) == ["step 0 · loss 0.3478 · no tie breaks", "step 10 · loss 0.2873 · no tie breaks"]


def test_tied_parameters_are_one_line_of_the_chart_until_they_part(of: Callable[[Any], Diagram]) -> None:
    root = ET.fromstring(chart([Snapshot(of(w), str(k)) for k, w in enumerate([TIED, LATER, BROKEN])]))
    lines = {line[0].text: line for line in root.iter("polyline")}
    (loss,) = (line for line in lines.values() if line.get("class") == "loss")
    assert loss[0].text == "loss: 0.3478 .. 0.2682, on a scale of its own"
    assert set(lines) - {loss[0].text} == {"x1", "x2", *(f"w{k}" for k in range(1, 7))}
    assert lines["w1"].get("points") == lines["w3"].get("points")
    five, six = (lines[name].get("points", "").split() for name in ("w5", "w6"))
    assert five[:2] == six[:2]
    assert five[2] != six[2]
    assert [line.get("x1") for line in root.iter("line")] == ["1000.00"]


def test_a_chart_of_one_constant_parameter_divides_by_nothing() -> None:
    made = draw(Value(2.0, "w") * 3).diagram
    assert "polyline" in chart([Snapshot(made, "0"), Snapshot(made, "1")])


def test_names_in_the_chart_are_text() -> None:
    made = draw(Value(2.0, "</title><script>") * 3).diagram
    root = ET.fromstring(chart([Snapshot(made, "0"), Snapshot(made, "1")]))
    assert next(root.iter("polyline"))[0].text == "</title><script>"


def test_what_is_now_comes_last_and_once(of: Callable[[Any], Diagram]) -> None:
    assert [s.step for s in timeline(of(LATER), {"0": [of(TIED)]})] == ["0", "now"]
    assert [s.step for s in timeline(of(LATER), {"0": [of(TIED)], "1": [of(LATER)]})] == ["0", "1"]
    assert [s.step for s in timeline(of(LATER), {})] == [""]


def test_a_quotient_may_grow_where_a_tie_breaks(two_neurons: Network) -> None:
    before, now = (draw(two_neurons(w), view="quotient").diagram for w in (TIED, BROKEN))
    assert len(before.nodes) < len(now.nodes)
    assert [s.step for s in timeline(now, {"0": [before]})] == ["0", "now"]


def test_stacks_are_opened_in_a_history_because_they_fall_apart_where_a_tie_breaks() -> None:
    net, x, y, loss = network(WEIGHTS_TIED)
    before = draw(net, x, y, loss)
    net.parameters()[0].data += 0.1
    now = draw(net, x, y, loss, history={0: before})
    assert [len(d.nodes) for d in (before.diagram, now.diagram)] == [5, 6]
    picture = now._picture
    shots = timeline(picture.diagram, picture.history)
    assert [len(shot.diagram.nodes) for shot in shots] == [6, 6]
    parted = ("A breaks: w1[0,0] | w1[0,1]", "B breaks: w1[1,0] | w1[1,1]", "C breaks: w2[0,0] | w2[1,0]")
    assert captions(shots)[1] == f"now · loss 0.3444 · {'; '.join(parted)}"
    for views in ((picture.diagram, *picture.others), *picture.history.values()):
        assert [d.view for d in views] == ["neurons", "ops", "quotient"]


def test_stacks_that_stay_are_opened_too_and_without_a_history_they_stay_stacks() -> None:
    drawing = draw(*network(WEIGHTS_TIED))
    assert drawing._picture.diagram is drawing.diagram
    step = draw(*network(WEIGHTS_TIED), history=[drawing])._picture
    assert [d.view for d in (step.diagram, step.history["0"][0])] == ["neurons", "neurons"]


def test_stacks_without_an_open_form_are_refused_with_what_to_write_if_they_fall_apart() -> None:
    before = Drawing(draw(*network(WEIGHTS_TIED)).diagram)
    now = draw(*network(FIRST), history=[before])._picture
    with pytest.raises(ArgumentError, match="view='neurons'"):
        timeline(now.diagram, now.history)
