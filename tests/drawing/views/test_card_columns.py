"""Cards fit the page: they become more compact, and the arrows thinner, before they become wider than it."""

from __future__ import annotations

import re
import subprocess
from collections import Counter
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from drawing import layout
from drawing.networks import SEEDS
from seeds import all_ones, classic, two_neurons

from minigrad import draw, nn
from minigrad.drawing.diagram import Diagram
from minigrad.drawing.outputs import card_layout
from minigrad.drawing.outputs.render import find_engine
from minigrad.drawing.samples import samples

RNG = np.random.default_rng(0)


def width(d: Diagram) -> float:
    """Of the cards, in pixels."""
    places = [node.at for node in d.nodes if node.at]
    return (max(x + w / 2 for x, _, w, _ in places) - min(x - w / 2 for x, _, w, _ in places)) / 0.75


def gaps(d: Diagram) -> list[float]:
    """Between the columns, in points."""
    columns: dict[str, tuple[float, float]] = {}
    for node in d.nodes:
        x, _, w, _ = node.at or (0, 0, 0, 0)
        columns[node.id.split("n")[0]] = (x - w / 2, x + w / 2)
    return [right[0] - left[1] for left, right in pairwise(columns.values())]


def deep(init: Any) -> tuple[Any, ...]:
    return nn.MLP((2, 3, 3, 3, 1), "sigmoid", init=init, seed=0), [[0.8, 0.4], [0.3, 0.3]], [[0.2], [1.0]]


def wide(size: int) -> tuple[Any, ...]:
    return nn.MLP((2, size, size, 1), "tanh", seed=0), RNG.normal(size=(4, 2)), RNG.normal(size=(4, 1))


@pytest.mark.parametrize("view", ["cards", "neurons", "quotient"])
@pytest.mark.parametrize("name", SEEDS)
def test_every_story_fits_a_page_of_1000_pixels_with_10_point_text(name: str, view: str) -> None:
    drawing = draw(*SEEDS[name], view=view, theme="light")
    assert width(drawing.diagram) < 1_080
    assert card_layout.TEXT >= 10
    labels = "".join(line for line in drawing.dot.splitlines() if " [id=" in line)
    sizes = Counter(map(int, re.findall(r'POINT-SIZE="(\d+)"', labels)))
    assert set(sizes) <= {9, 10, 11} and sizes.most_common(1)[0][0] == 10
    assert min(gaps(drawing.diagram)) >= 28


def test_three_hidden_layers_are_little_wider_than_the_page() -> None:
    assert width(draw(*deep("xavier")).diagram) < 1_200 and width(draw(*deep(1)).diagram) < 1_300


def test_the_cards_are_as_wide_as_the_page_says_and_no_more_compact_than_they_must_be() -> None:
    found = {page: draw(*all_ones("xavier"), width=page).diagram for page in (400, 1_000, 1_200, 2_000)}
    assert [d.nodes[2].compact for d in found.values()] == [2, 2, 1, 0]
    assert [round(width(d), -1) for d in found.values()][1:3] == [1_000, 1_200]
    assert max(gaps(found[2_000])) <= 84, "a wider page does not pull the cards apart"


def test_gradients_stand_below_values_in_compact_cards_and_arrows_still_end_at_their_rows() -> None:
    for page in (900, 1_200, 2_000):
        drawing = draw(*all_ones("xavier"), width=page, theme="light")
        text, d = drawing._svg(), drawing.diagram
        assert layout.overlapping(text) == [] and layout.struck_through(text) == []
        drawn, cards = layout.edges(text), {node.id: node for node in layout.nodes(text)}
        rows = {f"{n.id}:{row.port}": row for n in d.nodes for row in n.rows}
        for e in d.edges:
            start, end = drawn[e.id][0], drawn[e.id][-1]
            for card, port, (_, y) in ((e.tail, e.tail_port, start), (e.head, e.head_port, end)):
                box = next(box for words, box in cards[card].texts if words == rows[f"{card}:{port}"].name)
                assert box[1] - 3 < y < box[3] + 3
        node = next(n for n in d.nodes if n.id == "l1n0")
        texts = dict(reversed([(words.strip(), box) for words, box in cards["l1n0"].texts]))
        row = next(row for row in node.rows if row.kind == "op")
        assert row.gradient
        gradient = texts.get(row.gradient.lines[0]) or texts[f"∂ {row.gradient.lines[0]}"]
        below = gradient[1] - texts[row.name][1]
        assert (below > 8) is (node.compact > 0)
        for card in d.nodes:
            left, top, right, bottom = cards[card.id].box
            assert card.at and (right - left, bottom - top) == pytest.approx(card.at[2:], abs=2.1)


def test_every_text_of_a_compact_card_is_inside_it() -> None:
    for network in (deep(1), deep("xavier"), wide(4), classic()):
        for page in (600, 1_000, 1_300):
            for node in layout.nodes(draw(*network, width=page, theme="light")._svg()):
                for words, box in node.texts:
                    assert node.box[0] <= box[0] and box[2] <= node.box[2] + 1, words


@pytest.mark.skipif(find_engine() is None, reason="no layout engine")
@pytest.mark.parametrize("page", [600, 1_000, 1_200, 2_000])
def test_no_text_is_larger_than_its_cell(page: int) -> None:
    """The engine then makes the card larger than the diagram says, and warns."""
    for network in (all_ones(), all_ones("xavier"), two_neurons(), classic()):
        source = draw(*network, width=page, theme="light").dot
        command = [str(find_engine()), "-Kneato", "-n2", "-Tsvg"]
        run = subprocess.run(command, input=source, capture_output=True, text=True, encoding="utf-8", check=True)
        assert "too small" not in run.stderr


def test_tall_columns_do_not_become_taller() -> None:
    """Two lines for each weight of 8 neurons with 8 weights: 3,700 pixels."""
    d = draw(*wide(8)).diagram
    assert {node.compact for node in d.nodes} == {1}


def test_many_arrows_between_two_columns_are_thin_and_have_more_room() -> None:
    few, many = (draw(*wide(size)).diagram for size in (3, 8))
    assert max(e.width for e in few.edges) == 4.0 and max(e.width for e in many.edges) < 2.0
    assert gaps(many)[1] > 1.4 * gaps(many)[2]
    assert "size of the gradient, 0.43 pt per factor of 10" in {sample.words for sample in samples(many)}
    flows = [(e.flow, e.width) for e in many.edges if e.flow]
    assert all(a[1] <= b[1] for a, b in pairwise(sorted(flows))), "a wider arrow still carries more"
    assert len({w for _, w in flows}) > 20
