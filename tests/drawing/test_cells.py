"""Letters inside arrays: for equal entries and no others, solid if they are proved to stay equal; their look."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from typing import Any

import numpy as np
import pytest

from minigrad import Value, draw, nn
from minigrad.drawing.outputs.cells_dot import array_tables
from minigrad.drawing.outputs.dot import styles
from minigrad.drawing.theme import THEMES, colour_map

X = np.array([[0.0, 1.0], [1.0, 0.0], [1.0, 1.0], [0.0, 0.5]])
Y = np.array([[1.0], [1.0], [0.0], [0.0]])


def loss_of(init: Any) -> Value:
    model = nn.MLP((2, 3, 1), seed=0, init=init)
    return ((model(X) - Y) ** 2).mean()


def cells_of(diagram: Any, name: str) -> tuple[tuple[str, ...], ...]:
    (node,) = [node for node in diagram.nodes if node.name == name]
    return node.cell_groups


def test_neurons_that_start_equal_have_equal_letters_and_it_is_proved() -> None:
    diagram = draw(loss_of(0.5)).diagram
    first = cells_of(diagram, "W1")
    assert len(set(first[0])) == 1 == len(set(first[1])) and first[0] != first[1]
    letters = {letter for row in first for letter in row}
    assert all(set(group.ties) == {"1"} for group in diagram.groups if group.letter in letters)
    assert diagram.title.endswith(" · 13 parameters move as 5")


def test_neurons_that_start_different_have_no_letters() -> None:
    diagram = draw(loss_of("xavier_uniform")).diagram
    assert cells_of(diagram, "W1") == () and "move as" not in diagram.title


def test_equal_now_is_not_taken_for_tied() -> None:
    """Both gradients are 2 now, and differ after one step."""
    w = Value([1.0, 2.0, 5.0], "w")
    diagram = draw((w * np.array([2.0, 1.0, 3.0]) * w * np.array([0.5, 0.5, 1.0])).sum()).diagram
    assert cells_of(diagram, "w") == (("A", "A", ""),)
    (group,) = [group for group in diagram.groups if "n0:0,0" in group.members]
    assert group.ties == ("", "") and group.names == ("w[0]", "w[1]") and group.gradient == "2"
    assert "move as" not in diagram.title


def test_letters_reach_across_arrays() -> None:
    a, b = Value([1.0, 2.0], "a"), Value([1.0, 3.0], "b")
    diagram = draw((a * a).sum() + (b * b).sum()).diagram
    (group,) = [group for group in diagram.groups if group.gradient == "2" and len(group.members) == 2]
    assert group.names == ("a[0]", "b[0]")


def test_an_entry_is_named_as_it_is_written_in_code() -> None:
    """A picture shows a cube in rows and a vector in one row; the index of an entry ignores that."""
    t, b = Value(np.arange(8.0).reshape(2, 2, 2), "t"), Value([7.0, 9.0], "b")
    diagram = draw((t**2).sum() + (b * b).sum()).diagram
    (group,) = [group for group in diagram.groups if group.gradient == "14"]
    assert group.names == ("t[1,1,1]", "b[0]")


@pytest.mark.parametrize(
    ("weights", "told"),
    [([1.0, 1.0], "now share 1 gradient"), ([2.0, 2.0], "now share 2 gradients")],
)
def test_the_title_counts_single_numbers_with_the_entries_of_arrays(weights: Any, told: str) -> None:
    w, a, b = Value([1.0, 2.0], "w"), Value(1.0, "a"), Value([3.0], "b")
    diagram = draw((w * np.array(weights)).sum() + a + b.sum()).diagram
    assert diagram.title.endswith(f" · 4 parameters {told}")


def test_entries_without_gradient_are_of_the_group_of_0() -> None:
    w, z = Value([1.0, 2.0, 3.0], "w"), Value(4.0, "z")
    diagram = draw((w * np.array([0.0, 1.0, 0.0])).sum() + z * 0.0).diagram
    assert cells_of(diagram, "w") == (("0", "", "0"),)
    zeros = [group for group in diagram.groups if group.letter == "0"]
    assert len(zeros) == 1 and diagram.groups[-1] is zeros[0]
    assert {"n0:0,0", "n0:0,2"} < set(zeros[0].members)


@pytest.mark.parametrize("theme", THEMES)
def test_a_heat_map_has_a_bar_with_the_numbers_of_its_ends(theme: str) -> None:
    w = Value(np.linspace(-1, 1, 144).reshape(12, 12), "w")
    diagram = draw((w**3).sum()).diagram
    look = THEMES[theme]
    text = array_tables(diagram.nodes[0], styles(diagram.groups, look), look)
    squares = [cell for cell in ET.fromstring(text).iter("TD") if cell.get("BGCOLOR")]
    assert sum(int(cell.get("COLSPAN", "1")) for cell in squares) == 144 + 11 + 144 + 6
    assert "".join(ET.fromstring(text).itertext()) == "±1∂ 0 .. 3", "a gradient of one sign has half of the bar"
    assert {cell.get("BGCOLOR") for cell in squares} == set(look.heat)


def test_heat_maps_of_one_sign_and_of_zeros() -> None:
    def words(data: Any) -> str:
        diagram = draw(Value(data, "w").sum()).diagram
        return "".join(ET.fromstring(array_tables(diagram.nodes[0], {}, THEMES["light"])).itertext())

    assert words(np.full((5, 5), -2.5)) == "-2.5 .. 0∂ 0 .. 1"
    assert words(np.zeros((5, 5))) == "0∂ 0 .. 1"
    assert words(np.full((5, 5), np.nan)) == "0∂ 0 .. 1"


def test_in_print_grey_tells_the_sign() -> None:
    greys = [int(colour[1:3], 16) for colour in THEMES["print"].heat]
    assert greys == sorted(greys, reverse=True) and len(set(greys)) == len(greys)


def test_every_colour_of_the_scale_has_its_own_in_every_theme() -> None:
    light = THEMES["light"]
    for other in ("dark", "print"):
        mapped = colour_map(light, THEMES[other])
        for a, b in zip(light.heat, THEMES[other].heat, strict=True):
            assert a == b or mapped[a] == b, "two things of one colour would be mapped to one"


def test_a_cell_shows_value_gradient_and_letter_in_the_picture() -> None:
    diagram = draw(loss_of(0.5)).diagram
    svg = draw(loss_of(0.5))._repr_svg_() or ""
    (node,) = [node for node in diagram.nodes if node.name == "W1"]
    (group,) = re.findall(rf'<g id="{node.id}".*?</g>', svg, flags=re.S)
    shown = re.findall(r"<text[^>]*>([^<]*)</text>", group)
    assert shown.count("0.5") == 6
    assert node.cell_groups[0][0] in [text.strip() for text in shown]


def test_small_arrays_of_many_axes_and_empty_ones_are_drawn() -> None:
    t = Value(np.arange(24.0).reshape(2, 3, 4), "t")
    e = Value(np.zeros((0, 3)), "e")
    b = Value(np.full((3, 3, 3), np.nan), "b")
    svg = draw((t * t).sum() + e.sum() + b.sum())._repr_svg_() or ""
    assert "the last axis runs across" in svg and "0 .. 23" in svg
