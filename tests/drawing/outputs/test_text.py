"""The tree for terminals: every node once, no line too wide, any depth."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from nasty import DIRECTIONS, NASTY

from minigrad import Value, draw
from minigrad.drawing.outputs.text import to_text


def test_the_tree_reads_from_the_result_to_the_leaves() -> None:
    a, b = Value(2.0, "a"), Value(3.0, "b")
    y = a * b
    y.name = "y"
    assert to_text(draw(y).diagram) == (
        "y = 6 · dy/da = 3, dy/db = 2\n"
        "\n"
        "      value  gradient  local\n"
        "y  *  6      1\n"
        "├─ a  2      3         3\n"
        "└─ b  3      2         2\n"
    )


def test_what_is_used_twice_is_written_once_and_then_named() -> None:
    a = Value(3.0, "a")
    h = a * 2.0
    h.name = "h"
    lines = to_text(draw(h * h).diagram).splitlines()
    (first,) = [line for line in lines if line.startswith("├─ h")]
    (again,) = [line for line in lines if line.startswith("└─ h")]
    assert "* 2" in first and "n1" in first and "↑ n1" in again
    assert sum("a" in line.split() for line in lines[2:]) == 1


def test_every_node_is_written_once(different: Value) -> None:
    diagram = draw(different, sums=False).diagram
    body = to_text(diagram, width=200).split("local\n")[1].splitlines()
    written = [line for line in body if "↑" not in line]
    assert len(written) == len(diagram.nodes)
    assert len(body) == len(diagram.edges) + 1


def test_the_letters_are_explained(tied: Value) -> None:
    text = to_text(draw(tied).diagram)
    assert "[B] proved to stay equal, -0.0693: w2, w4" in text
    assert "-0.0693 [B]" in text


@pytest.mark.parametrize("width", [30, 60, 110])
@pytest.mark.parametrize("name", NASTY)
def test_no_name_makes_a_line_too_wide_or_two_of_one(name: str, width: int) -> None:
    a = Value(2.0, name)
    y = a * 3 + a
    y.name = name
    text = to_text(draw(y, sums=False).diagram, width)
    lines = text.split("\n")
    assert all(len(line) <= width for line in lines) and text.endswith("\n")
    body = lines[lines.index("") + 1 : -1]
    assert len(body) == 5, "a line of names, the sum, the product, the leaf, the leaf again"
    assert not set(text) & set(DIRECTIONS)
    assert all(c == "\n" or c.isprintable() or ord(c) > 127 for c in text)


def test_a_deep_chain_goes_on_below_and_stays_narrow() -> None:
    v = w = Value(0.5, "v")
    for _ in range(sys.getrecursionlimit() + 100):
        w = np.tanh(w)
    text = to_text(draw(w, seconds=1e9, width=1e9, repeats=False).diagram)
    assert max(map(len, text.splitlines())) <= 110
    assert text.count("↓ n") > 50
    del v


def test_of_large_arrays_the_range_is_told() -> None:
    text = to_text(draw((Value(np.arange(12.0).reshape(3, 4), "w") ** 2).sum()).diagram)
    assert "w  (3, 4)" in text and "0 .. 11" in text and "norm" in text


def test_neither_the_reference_to_a_node_nor_a_badge_is_cut() -> None:
    """Both stand at the end of a line; where there is no room, they continue below."""
    x = Value(-np.arange(1.0, 37.0).reshape(6, 6) * [1, 1, 1, 1, 1, -1], "a name that fills the line " * 2)
    h = np.maximum(x, 0.0)
    h.name = "a name of some length that leaves little room beside it"
    text = to_text(draw((h * h).sum() + (h * 2.0).sum()).diagram)
    (number,) = {word for line in text.splitlines() for word in line.split() if word == "n1"}
    assert text.count(f"↑ {number}") == 2 and "5 of 6 dead" in text and "3…" not in text


def test_names_of_several_words_are_in_brackets_in_a_title() -> None:
    a, b = Value(2.0, "just a leaf"), Value(3.0, "w")
    assert draw(a * b).diagram.title == "y = 6 · dy/d(just a leaf) = 3, dy/dw = 2"
    one, other = Value(2.0, "w"), Value(3.0, "w")
    assert draw(one * other).diagram.title == "y = 6 · both leaf gradients differ", "not dy/dw twice"
