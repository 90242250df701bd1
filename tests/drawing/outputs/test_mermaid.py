"""Mermaid text follows Mermaid's grammar, for any name."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nasty import DIRECTIONS, NASTY
from seeds import all_ones

from minigrad import Value, draw, nn
from minigrad.drawing.outputs.mermaid import CHARACTERS, EDGES, escape_mermaid, to_mermaid

LABEL = r'"[^"<>`\\;{}|\[\]]*?"'  # after <br/> and codes are taken out
STATEMENTS = [
    r"flowchart (LR|TB|RL|BT)",
    r"  accTitle: [^;#{}<>%\n]+",
    r"  accDescr: [^;#{}<>%\n]+",
    rf"  n\d+(\({LABEL}\)|\[{LABEL}\]|\[\[{LABEL}\]\])",
    rf"  n\d+ (--|-\.) {LABEL} (-->|\.->) n\d+",
    r"  n\d+ (-->|-\.->) n\d+",
    r"  classDef g\d+ fill:#[0-9A-F]{6},stroke:#[0-9A-F]{6},color:#[0-9A-F]{6}",
    r"  class n\d+(,n\d+)* g\d+",
    r"  linkStyle \d+(,\d+)* stroke-width:[0-9.]+px",
    rf"  subgraph c\d+\[{LABEL}\]",
    r"  end",
]


def check(text: str) -> None:
    for line in text.removesuffix("\n").split("\n"):
        bare = re.sub(r"#\d+;", "", line.replace("<br/>", ""))
        assert any(re.fullmatch(statement, bare) for statement in STATEMENTS), line
    assert not set(text) & set(DIRECTIONS)


def text_of(name: str) -> str:
    a = Value(2.0, name)
    y = a * 3 + a
    y.name = name
    return to_mermaid(draw(y).diagram)


@pytest.mark.parametrize("name", NASTY)
def test_a_nasty_name_says_nothing_to_mermaid(name: str) -> None:
    check(text_of(name))


@settings(deadline=None, max_examples=60)
@given(st.text())
def test_any_name_says_nothing_to_mermaid(name: str) -> None:
    check(text_of(name))


@given(st.text())
def test_an_escaped_text_can_be_read_back(text: str) -> None:
    if text.isprintable():
        assert re.sub(r"#(\d+);", lambda code: chr(int(code[1])), escape_mermaid(text)) == text


def test_nothing_is_taken_for_a_list_or_for_markdown() -> None:
    for text in ("- 1", "+ 2", "* 3", "1. x", "`x`", "**x**", "_x_"):
        assert not re.match(r"([-+*]|\d+\.) ", escape_mermaid(text)) and not set(escape_mermaid(text)) & set("`*_")


def test_nodes_and_edges_are_all_there(tied: Value) -> None:
    diagram = draw(tied).diagram
    text = to_mermaid(diagram)
    check(text)
    assert len(re.findall(r"^  n\d+[(\[]", text, flags=re.M)) == len(diagram.nodes)
    assert len(re.findall(r"^  n\d+ -", text, flags=re.M)) == len(diagram.edges)
    assert text == to_mermaid(draw(tied).diagram)
    styled = [int(k) for line in re.findall(r"linkStyle ([\d,]+)", text) for k in line.split(",")]
    assert sorted(styled) == list(range(len(diagram.edges)))


def test_a_value_used_twice_has_two_arrows() -> None:
    a = Value(3.0, "a")
    assert to_mermaid(draw(a * a).diagram).count('n0 -- "3" --> n1') == 2


def test_an_edge_through_which_nothing_comes_back_is_dotted() -> None:
    text = to_mermaid(draw(Value(0.0, "a") * Value(2.0, "b")).diagram)
    assert 'n1 -. "0" .-> n2' in text and 'n0 -- "2" --> n2' in text


def test_a_large_graph_is_condensed_to_what_mermaid_takes_and_says_so() -> None:
    net = nn.MLP([2, 16, 16, 1], activation="relu", per_neuron=True, seed=1)
    rng = np.random.default_rng(0)
    d = draw(net, rng.normal(size=(1, 2)), rng.normal(size=(1, 1)), view="ops", repeats=False, width=1e9).diagram
    text = to_mermaid(d)
    arrows = sum(" --> " in line or " .-> " in line or " -.-> " in line for line in text.splitlines())
    assert len(d.edges) > EDGES and 0 < arrows <= EDGES and len(text) <= CHARACTERS
    assert f"Mermaid takes {EDGES} arrows" in text and "save .svg" in text
    assert "Mermaid takes" not in to_mermaid(draw(Value(2.0, "a") * 3).diagram)


def test_cards_of_twins_have_one_colour_and_arrows_no_ones() -> None:
    text = to_mermaid(draw(*all_ones(), view="neurons").diagram)
    assert "class l1n0,l1n1,l1n2 g0" in text and "class l2n0,l2n1,l2n2 g1" in text and "l3n0,l3n1" not in text
    assert '"1"' not in text
