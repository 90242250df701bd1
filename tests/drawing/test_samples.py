"""The legend has a sample of every sign in the picture, and of none that is not there."""

from __future__ import annotations

import numpy as np
import pytest

from minigrad import Value, draw, nn
from minigrad.drawing.diagram import Diagram
from minigrad.drawing.draw import Drawing
from minigrad.drawing.samples import samples

DEAD = "lets no gradient through, for any sample"
A = np.random.default_rng(0).normal(size=(16, 16))


def words(d: Diagram) -> dict[str, str]:
    return {sample.words: sample.sign for sample in samples(d)}


def dead() -> Drawing:
    return draw(nn.MLP((2, 3, 1), "relu", init=0.5), [[-1.0, -2.0]], [[1.0]])


def frozen() -> Drawing:
    return draw(nn.MLP((2, 3, 1), "tanh", init=0), [[1.0, 2.0]], [[1.0]])


def chance() -> Drawing:
    a, b = Value(2.0, "a"), Value(4.0, "b")
    return draw(a * a + b * 4.0 + Value(1.0, "c") * Value(0.0, "d"))


def signed() -> Drawing:
    return draw(Value(1.0, "p") ** 2 + Value(-1.0, "q") ** 2)


def heat() -> Drawing:
    return draw((Value(A, "W") ** 2).sum())


def plain() -> Drawing:
    return draw(Value(2.0, "a") * Value(3.0, "b"))


@pytest.mark.parametrize(
    ("made", "there", "absent"),
    [
        (
            dead,
            ["stays equal (proved)", "0 now", "lets no gradient through, for any sample"],
            ["stays 0", "minus A"],
        ),
        (frozen, ["stays 0", "never moves", "gradient 0", "no gradient needed"], ["equal now", "minus A", "0 now"]),
        (chance, ["equal now", "0 now", "gradient 0"], ["stays equal (proved)", "stays 0", "never moves"]),
        (signed, ["minus A"], ["equal now", "gradient 0", "no gradient needed", "0 now"]),
        (heat, ["from negative (-) through 0 to positive"], ["equal now", "gradient 0", "stays equal (proved)"]),
        (plain, [], ["equal now", "stays equal (proved)", "gradient 0", "no gradient needed"]),
    ],
)
def test_signs_that_occur_are_explained_and_no_others(made, there: list[str], absent: list[str]) -> None:  # type: ignore[no-untyped-def]
    drawing = made()
    found = words(drawing.diagram)
    assert set(there) <= set(found) and not set(absent) & set(found)
    shown = drawing.dot.split("  n0 [")[0]
    assert all(word.split("(")[0] in shown for word in found), "the picture draws every sample"


def test_no_text_of_a_picture_speaks_of_colours_that_the_print_has_not() -> None:
    for made in (dead, frozen, chance, signed, heat, plain):
        assert "colour" not in " ".join([made().diagram.title, *made().diagram.notes])
