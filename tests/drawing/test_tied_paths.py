"""An arrow on a path whose gradients stay equal has its letter and colour; no other arrow has."""

from __future__ import annotations

import re

import numpy as np
import pytest
from seeds import TIED, all_ones, two_neurons

from minigrad import Value, draw, nn
from minigrad.drawing import theme
from minigrad.drawing.colours import contrast
from minigrad.drawing.diagram import Diagram


def drawn_colours(d: Diagram, dot: str) -> dict[str, str]:
    """The colour of each arrow that does not have the colour of all."""
    found = {}
    for edge in d.edges:
        line = next(line for line in dot.splitlines() if f"[id={edge.id}," in line)
        if colour := re.search(r'color="(#\w+)"', line):
            found[edge.id] = colour[1]
    return found


@pytest.mark.parametrize("view", ["cards", "neurons"])
@pytest.mark.parametrize("network", [all_ones(), two_neurons(TIED)], ids=["all ones", "two neurons"])
def test_arrows_between_cards_have_letter_and_colour_of_the_weight_they_lead_to(network: tuple, view: str) -> None:
    picture = draw(*network, view=view, theme="light")
    d, colours = picture.diagram, {}
    rows = {f"{node.id}:{row.port}": row for node in d.nodes for row in node.rows}
    place = {group.letter: k for k, group in enumerate(group for group in d.groups if group.apart)}
    for edge in d.edges:
        row = rows[f"{edge.head}:{edge.head_port}"]
        if edge.head == "loss":
            assert edge.group is None and edge.tie == ""
            continue
        assert (edge.group, edge.tie) == (row.group, row.tie) and edge.tie != ""
        colours[edge.id] = theme.LIGHT.groups[place[row.group or ""]].path
    assert drawn_colours(d, picture.dot) == colours
    assert len(set(colours.values())) > 1


def test_no_arrow_has_a_colour_where_nothing_is_tied() -> None:
    for network in (two_neurons(), all_ones("xavier")):
        picture = draw(*network, theme="light")
        assert {edge.group for edge in picture.diagram.edges} == {None}
        assert drawn_colours(picture.diagram, picture.dot) == {}


def test_equal_now_and_always_zero_are_no_paths() -> None:
    now = draw(nn.MLP((2, 1), init=[np.array([[0.3], [0.7]])], bias=False), [1.0, 1.0]).diagram
    assert now.groups and {edge.group for edge in now.edges} == {None}, "equal now, but nothing keeps them equal"
    zero = draw(nn.MLP((2, 3, 1), "tanh", init=0), [[1.0, 2.0], [0.5, 1.0]], [[1.0], [2.0]]).diagram
    assert {edge.group for edge in zero.edges} == {None}


def test_arrows_between_values_have_the_letter_of_the_value_that_gets_the_gradient(tied: Value) -> None:
    picture = draw(tied, theme="light")
    d = picture.diagram
    nodes = {node.id: node for node in d.nodes}
    for edge in d.edges:
        tail = nodes[edge.tail]
        assert (edge.group, edge.tie) == ((tail.group, tail.tie) if tail.tie and edge.flow else (None, ""))
    coloured = {edge.group for edge in d.edges if edge.id in drawn_colours(d, picture.dot)}
    apart = {group.letter for group in d.groups if group.apart}
    assert len(coloured) > 2 and coloured <= apart, "one gradient that is passed on has no colour"
    assert {nodes[e.tail].name for e in d.edges if e.group == nodes["n2"].group} >= {"w1", "w3"}


def test_equal_values_merged_in_a_quotient_keep_the_colour_of_their_path(tied: Value) -> None:
    d = draw(tied, view="quotient").diagram
    nodes = {node.id: node for node in d.nodes}
    assert all(edge.group == nodes[edge.tail].group for edge in d.edges if edge.group)
    assert sum(edge.group is not None for edge in d.edges) > 2


@pytest.mark.parametrize("one", [theme.LIGHT, theme.DARK], ids=lambda one: one.name)
def test_the_colour_of_a_path_stands_out_from_other_arrows_even_in_grey(one: theme.Theme) -> None:
    paths = [style.path for style in one.groups]
    assert len(set(paths)) == len(paths)
    assert all(contrast(path, one.paper) > 1.1 * contrast(one.arrow, one.paper) for path in paths)
