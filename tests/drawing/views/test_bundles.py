"""Neurons that stay equal are one card, a stack; the view "neurons" has a card for each, with the same letters."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from drawing import layout
from drawing.networks import SEEDS
from seeds import TIED, all_ones, two_neurons

from minigrad import draw, nn, ties
from minigrad.drawing.diagram import Diagram
from minigrad.drawing.views.mlp_run import run_mlp
from minigrad.drawing.views.shown import bundled, index_text, neuron_text, side_by_side
from minigrad.symmetry.mlp_neurons import by_name

RNG = np.random.default_rng(0)


def wide(size: int, init: Any = 1.0) -> tuple[Any, ...]:
    return nn.MLP((2, size, size, 1), "tanh", init=init), RNG.normal(size=(4, 2)), RNG.normal(size=(4, 1))


def in_pairs(size: int, order: Sequence[int]) -> tuple[Any, ...]:
    """A random network in which neuron order[2k] of each hidden layer equals neuron order[2k + 1]."""
    net = nn.MLP((2, size, size, 1), "tanh", seed=0)
    start, a, b = net.state(), list(order[::2]), list(order[1::2])
    for k in (1, 2):
        start[f"W{k}"][:, b] = start[f"W{k}"][:, a]
        start[f"b{k}"][b] = start[f"b{k}"][a]
        start[f"W{k + 1}"][b] = start[f"W{k + 1}"][a]
    net.load(start)
    return net, RNG.normal(size=(4, 2)), RNG.normal(size=(4, 1))


def stacks(d: Diagram) -> dict[str, tuple[str, ...]]:
    return {node.name: node.bundle for node in d.nodes if node.bundle}


def test_each_hidden_layer_of_equal_neurons_is_one_stack_that_names_them() -> None:
    d = draw(*all_ones()).diagram
    assert stacks(d) == {f"layer {k} · neurons 0–2": tuple(f"l{k}n{j}" for j in range(3)) for k in (1, 2)}
    names = [row.name for node in d.nodes if node.bundle for row in node.rows]
    assert names == ["W1[0,:]", "W1[1,:]", "b1[:]", "z1[:]", "a1[:]", "W2[:,:]", "b2[:]", "z2[:]", "a2[:]"]
    assert [node.times for node in d.nodes] == [1, 1, 3, 3, 1, 1, 1]
    assert [edge.count for edge in d.edges] == [3, 3, 9, 3, 3, 1, 1], "all the uses that an arrow stands for"
    assert any("stack" in note for note in d.notes)


@pytest.mark.parametrize("size", [8, 16, 300])
def test_a_layer_of_any_size_is_one_stack_if_its_neurons_are_one(size: int) -> None:
    started = time.perf_counter()
    d = draw(*wide(size)).diagram
    assert time.perf_counter() - started < 10, "not each of 90,000 weights has a row of its own to compare"
    assert [node.times for node in d.nodes if node.kind == "card"] == [size, size, 1]
    if size < 20:
        assert len(draw(*wide(size), view="neurons").diagram.nodes) == 2 + 2 * size + 2
    assert len(d.edges) == 2 + 1 + 1 + 1


def test_pairs_are_stacks_of_two_wherever_they_are_in_the_layer() -> None:
    d = draw(*in_pairs(4, [0, 2, 1, 3])).diagram
    assert stacks(d) == {
        f"layer {k} · neurons {a}, {b}": (f"l{k}n{a}", f"l{k}n{b}") for k in (1, 2) for a, b in ((0, 2), (1, 3))
    }
    d = draw(*in_pairs(16, range(16))).diagram
    assert [len(bundle) for bundle in stacks(d).values()] == [2] * 16
    assert max(len(node.rows) for node in d.nodes) == 8 + 3, "the weights from two equal neurons are one row"


def test_neurons_that_differ_are_no_stack() -> None:
    for network in (two_neurons(), all_ones("xavier"), wide(8, "xavier")):
        whole, opened = (draw(*network, view=view).diagram for view in ("cards", "neurons"))
        assert stacks(whole) == {}
        assert (whole.nodes, whole.edges, whole.notes) == (opened.nodes, opened.edges, opened.notes)


@pytest.mark.parametrize("network", [all_ones(), two_neurons(TIED), in_pairs(4, [0, 2, 1, 3])])
def test_every_number_and_letter_of_a_stack_is_that_of_all_its_neurons(network: tuple[Any, ...]) -> None:
    d, opened = (draw(*network, view=view).diagram for view in ("cards", "neurons"))
    cards = {node.id: node for node in opened.nodes}
    rows = {f"{node.id}:{row.port}": row for node in opened.nodes for row in node.rows}
    checked = 0
    for node in d.nodes:
        assert set(node.bundle) <= cards.keys() and node.id in (node.bundle or (node.id,))
        for row in node.rows:
            for twin in node.bundle or (node.id,):
                other = rows[f"{twin}:{row.port}"]
                same = [(r.value.lines, r.gradient and r.gradient.lines, r.group, r.tie) for r in (row, other)]
                assert same[0] == same[1]
                checked += 1
    assert checked > len(rows) / 2
    assert [(g.letter, g.gradient, set(g.ties)) for g in d.groups] == [
        (g.letter, g.gradient, set(g.ties)) for g in opened.groups
    ]
    names = {f"{node.id}:{row.port}": row.name for node in d.nodes for row in node.rows}
    assert all(group.names == tuple(names[member] for member in group.members) for group in d.groups)
    there = names.keys()
    assert {member for group in d.groups for member in group.members} <= there
    shown = {member: group.letter for group in d.groups for member in group.members}
    assert all(shown.get(key) == rows[key].group for key in there)


def test_what_flows_back_into_a_stack_is_the_gradient_of_each_of_its_neurons() -> None:
    """An arrow out of a stack has the contribution of one neuron to one weight, as wide as in the open picture."""
    d, opened = (draw(*all_ones(), view=view).diagram for view in ("cards", "neurons"))
    open_edges = {(e.tail, e.head): e for e in opened.edges}
    for edge in d.edges:
        other = open_edges[edge.tail, edge.head]
        assert (edge.flow, edge.width, edge.contribution) == (other.flow, other.width, other.contribution)


def test_neurons_that_are_equal_only_as_far_as_was_tried_are_no_stack() -> None:
    run = run_mlp(*two_neurons(TIED))
    assert bundled(run).cards == (((0,), (1,)), ((0, 1),), ((0,),))
    tried = ties(*two_neurons(TIED), method="probe")
    assert set(tried.evidence) == {"probed"} and run.tied
    numbers = by_name(run.model, tried.numbers)
    run = replace(run, tied=replace(run.tied, found=tried, groups=numbers))
    assert bundled(run).cards == side_by_side(run).cards == (((0,), (1,)), ((0,), (1,)), ((0,),))


def test_equal_neurons_stand_together_when_opened_and_no_arrow_crosses_in_vain() -> None:
    drawing = draw(*in_pairs(4, [0, 2, 1, 3]), view="neurons", theme="light")
    columns = [node.id for node in drawing.diagram.nodes if node.id.startswith("l1n")]
    assert columns == ["l1n0", "l1n2", "l1n1", "l1n3"]
    drawn = layout.edges(drawing._svg())
    into = [e for e in drawing.diagram.edges if e.head.startswith("l2n")]
    found = sum(layout.crossings(drawn[a.id], drawn[b.id]) for k, a in enumerate(into) for b in into[:k])
    assert found <= layout.bipartite_minimum(4, 4)


def test_the_sheets_of_a_stack_have_a_place_of_their_own() -> None:
    drawing = draw(*all_ones(), theme="light")
    boxes = {node.id: node.box for node in layout.nodes(drawing._svg())}
    opened = {n.id: n.at for n in draw(*all_ones(), view="neurons").diagram.nodes}
    for node in drawing.diagram.nodes:
        left, top, right, bottom = boxes[node.id]
        assert node.at and (right - left, bottom - top) == pytest.approx(node.at[2:], abs=2.1)
    assert 'SIDES="TR"' in drawing.dot and 'SIDES="TR"' not in draw(*all_ones(), view="neurons").dot
    assert opened.keys() > boxes.keys()


def test_the_page_offers_the_open_form_only_where_something_is_stacked() -> None:
    assert [d.view for d in draw(*all_ones()).others] == ["neurons", "ops", "quotient"]
    assert "neurons" not in [d.view for d in draw(*two_neurons()).others]


def test_a_layer_may_be_cut_after_some_stacks() -> None:
    d = draw(*in_pairs(8, range(8)), neurons=2).diagram
    assert [len(node.bundle) for node in d.nodes if node.id.startswith("l1n")] == [2, 2, 0]
    rest = next(node for node in d.nodes if node.id == "l1n4")
    assert (rest.name, rest.count) == ("… 4 more neurons", 4)
    assert d.hidden == (
        "Not shown: 4 of 8 in layer 1, 4 of 8 in layer 2 (layer 0: inputs); write neurons=8 to show all.",
    )
    (more,) = [e for e in d.edges if (e.tail, e.head) == ("l1n4", "l2n4")]
    assert more.count == 16
    one = draw(nn.MLP((2, 3, 1), seed=0), [1.0, 2.0], neurons=2).diagram
    assert next(e.head_port for e in one.edges if (e.tail, e.head) == ("l1n2", "l2n0")) == "more"


def test_members_are_written_as_numpy_takes_them() -> None:
    net: Any = np.arange(12)
    for members in ((3,), (0, 1, 2), (1, 2), tuple(range(12)), (0, 2, 4), (1, 4, 7, 10)):
        text = index_text(members, 12)
        assert np.ravel(eval(f"net[{text}]", {"net": net})).tolist() == list(members), text
    assert index_text((0, 3, 4), 12) == "{0,3,4}" and index_text((0, 1, 3, 5, 8), 12) == "{0,1,3,…}"
    assert [neuron_text(m) for m in ((2,), (0, 1), (0, 1, 2), (0, 2, 3), (0, 2, 4, 6, 9))] == [
        "neuron 2",
        "neurons 0, 1",
        "neurons 0–2",
        "neurons 0, 2, 3",
        "neurons 0, 2, 4, …",
    ]


@pytest.mark.parametrize("name", SEEDS)
def test_the_stories_show_as_many_cards_as_their_layers_act_as(name: str) -> None:
    d = draw(*SEEDS[name]).diagram
    small = draw(*SEEDS[name], view="quotient").diagram
    assert [node.id[:2] for node in d.nodes] == [node.id[:2] for node in small.nodes]
    assert [node.times for node in d.nodes] == [node.times for node in small.nodes]
