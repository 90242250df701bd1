from __future__ import annotations

import numpy as np
import pytest

from minigrad import Value, draw, relu
from minigrad.drawing.diagram import Diagram


def badges(d: Diagram) -> dict[str, tuple[str, ...]]:
    return {node.name or node.operation: node.badges for node in d.nodes if node.badges}


def test_nan_and_inf_of_value_or_gradient_are_marked() -> None:
    a, b = Value(0.0, "a"), Value(np.nan, "b")
    with np.errstate(divide="ignore"):
        assert badges(draw(np.log(a)).diagram) == {"a": ("inf",), "log": ("inf",)}
    assert badges(draw(b * a).diagram) == {"b": ("nan",), "a": ("nan",), "*": ("nan",)}
    assert "nan" in draw(b * a).dot


@pytest.mark.parametrize("function", [relu, lambda x: np.maximum(x, 0.0), lambda x: np.clip(x, 0.0, 10.0)])
def test_dead_is_zero_for_every_sample_of_the_batch(function: object) -> None:
    x = np.array([[-1.0, 2.0, -3.0], [-2.0, -1.0, 0.5]])
    for weight, expected in ((1.0, "1 of 3 dead"), (-1.0, None), (0.0, "dead")):
        w = Value(weight, "w")
        y = function(w * x - (1e-3 if weight == 0 else 0))  # type: ignore[operator]
        found = badges(draw((y * y).sum()).diagram)
        marks = [mark for marks in found.values() for mark in marks if "dead" in mark]
        assert marks == ([expected] if expected else [])


def test_a_product_with_zero_is_not_dead() -> None:
    w = Value(2.0, "w")
    assert badges(draw(w * 0.0).diagram) == {"w": ("frozen",)}


def test_a_badge_is_words_in_the_box_and_in_the_description() -> None:
    w = Value(-2.0, "w")
    drawing = draw(relu(w) * 3)
    assert ">dead<" in drawing.dot.replace("<B>", "").replace("</B>", "")
    assert "dead: relu." in (drawing._repr_svg_() or "")
