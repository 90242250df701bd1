"""Decision boundaries: regions follow the classifier, points are at their places."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from minigrad import Value, decision_boundary, nn
from minigrad.drawing.boundary import CELLS, HEAD, LEFT, SIDE, ticks
from minigrad.errors import ArgumentError, ShapeError, UnknownFormat

X, Y = nn.data.xor()
SVG = "{http://www.w3.org/2000/svg}"


def right(x: Any) -> Any:
    """Class 1 where x is large."""
    return (x[:, 0] > 0.5).astype(float)


def regions(svg: str) -> list[Any]:
    """The rectangles of class 1: left, top, width, height."""
    rects = list(ElementTree.fromstring(svg).iter(f"{SVG}rect"))
    fill = rects[2].get("fill")
    cells = [
        [float(r.get(k, 0)) for k in ("x", "y", "width", "height")] for r in rects[2:] if r.get("fill") == fill
    ]
    return cells[:-1]  # the last one is the sample of the legend


def test_the_region_of_class_1_is_where_the_classifier_says() -> None:
    found = regions(decision_boundary(right, X, Y).svg)
    assert len(found) == CELLS, "one run of cells in each row"
    for left, _, width, _ in found:
        assert left == pytest.approx(LEFT + SIDE / 2) and width == pytest.approx(SIDE / 2)
    assert min(top for _, top, _, _ in found) == HEAD


def test_up_is_up() -> None:
    found = regions(decision_boundary(lambda x: x[:, 1:] * 1.0, X, Y).svg)
    assert min(top for _, top, _, _ in found) == HEAD and len(found) == CELLS // 2


def test_accuracy_points_and_titles() -> None:
    picture = decision_boundary({"a line": right, "<xor> & more": lambda x: np.abs(x[:, 0] - x[:, 1])}, X, Y)
    assert picture.accuracy == {"a line": 0.5, "<xor> & more": 1.0}
    root = ElementTree.fromstring(picture.svg)
    texts = [text.text for text in root.iter(f"{SVG}text")]
    assert [t for t in texts if "right" in str(t)] == ["a line: 50% right", "<xor> & more: 100% right"]
    assert len(list(root.iter(f"{SVG}circle"))) == 5, "two discs in each panel, and one in the legend"
    assert texts[-2:] == ["class 0", "class 1"] and texts.count("x[0]") == texts.count("x[1]") == 2
    assert root.findtext(f"{SVG}title") == "a line: 50% right; <xor> & more: 100% right"
    assert "Discs: class 0" in (root.findtext(f"{SVG}desc") or "")


def test_models_values_and_the_level_of_logits() -> None:
    net = nn.MLP((2, 3, 1), "tanh", "sigmoid", seed=0)
    logits = nn.MLP((2, 3, 1), "tanh", None, seed=0)
    same = decision_boundary(net, X, Y), decision_boundary(logits, X, Y, level=0.0)
    assert same[0].svg == same[1].svg
    assert decision_boundary(lambda x: Value(right(x)), X, Y.ravel()).accuracy == {"": 0.5}


def test_the_axes_have_round_numbers_at_their_places() -> None:
    root = ElementTree.fromstring(decision_boundary(right, X * [[10, 1]] - [[5, 0]], Y).svg)
    below = [t for t in root.iter(f"{SVG}text") if float(t.get("y", 0)) == HEAD + SIDE + 16]
    places = {float(t.text or "nan"): float(t.get("x", 0)) for t in below}
    assert places == pytest.approx({x: LEFT + SIDE * (x + 6.5) / 13 for x in (-5.0, 0.0, 5.0)}, abs=0.01)
    assert ticks(0.0, 1.5) == [0.0, 0.5, 1.0, 1.5] and ticks(-3e-9, 1e-9)[0] == pytest.approx(-3e-9)
    assert all(2 <= len(ticks(0.1, 0.1 + width)) <= 6 for width in np.geomspace(1e-3, 1e9, 200))


def test_pixels_have_the_same_content(tmp_path: Path) -> None:
    picture = decision_boundary({"a <b>": right}, X, Y)
    data = picture.save(tmp_path / "b.png").read_bytes()
    width, height = (int.from_bytes(data[k : k + 4]) for k in (16, 20))
    root = ElementTree.fromstring(picture.svg)
    assert width == pytest.approx(2 * float(root.get("width", 0)), abs=2)
    assert height == pytest.approx(2 * float(root.get("height", 0)), abs=2)
    shapes = [e for e in root.iter() if e.tag in (f"{SVG}rect", f"{SVG}circle", f"{SVG}text")]
    assert picture.dot.count("\n  s") == len(shapes)


def test_equal_numbers_give_equal_bytes_and_save_asks_for_svg(tmp_path: Path) -> None:
    one, two = (decision_boundary(right, X, Y) for _ in range(2))
    assert one.svg == two.svg == one._repr_svg_()
    assert one.save(tmp_path / "b.svg").read_text(encoding="utf-8") == one.svg
    with pytest.raises(UnknownFormat, match="the suffix must be"):
        one.save(tmp_path / "b.gif")


def test_wrong_shapes_are_refused() -> None:
    with pytest.raises(ShapeError, match="points"):
        decision_boundary(right, np.ones((3, 3)), np.ones(3))
    with pytest.raises(ShapeError, match="one number per point"):
        decision_boundary(lambda x: np.ones(3), X, Y)
    with pytest.raises(ShapeError, match="points"):
        decision_boundary(right, np.ones((0, 2)), np.ones(0))


def test_a_network_a_neuron_at_a_time_is_a_classifier_too() -> None:
    by_layer, by_neuron = (nn.MLP((2, 3, 1), "tanh", "sigmoid", seed=0, per_neuron=form) for form in (False, True))
    assert decision_boundary(by_neuron, X, Y).accuracy == decision_boundary(by_layer, X, Y).accuracy


def test_slips_are_refused_with_a_remedy() -> None:
    with pytest.raises(ArgumentError, match=r"got list.*\n  write  decision_boundary\(\{"):
        decision_boundary([right, right], X, Y)  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="point 1 of the data cannot be drawn: it has a nan"):
        decision_boundary(right, np.where(np.arange(4)[:, None] == 1, np.nan, X), Y)
