"""Slopes at ordinary points: formulas over ordinary numbers, their slopes against hundreds of digits.

The value is right in that type at every point, and every slope is an ordinary number of it. What is wrong is named:
formulas that take nearly equal numbers from each other, so that even the value does not show the slope.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("mpmath")
from smooth_points import BEFORE, KINDS, MARKS, MODES, PAGE, all_points, found

pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("smooth points"),
]  # one process computes the 1500 digits of their slopes
# Two products cancel: in e^x / (1 + e^x), the slope of the numerator and that of the denominator.
CANCEL = {
    "Hill's curve", "a share", "resistors side by side", "saturation", "sigmoid, the other way",
    "squashing an exponential", "squashing by a root", "tanh by exponentials", "tanh by its argument",
    "tanh by one exponential", "weight of a mixture",
}  # fmt: skip
# A number of the graph lies below the smallest with all digits, or the product of two entries above the largest.
LOST = {"float64": set[str](), "float32": {"log of a share", "log of a product of three"}}


def rows() -> dict[tuple[str, str], list[str]]:
    """The cells of the table on the page, by type and mode."""
    text = PAGE.read_text(encoding="utf-8").partition(MARKS[0])[2].partition(MARKS[1])[0]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.strip().splitlines()[2:]]
    return {tuple(name.split(", ")): rest for name, *rest in cells}  # type: ignore[misc]


def test_the_points_are_many() -> None:
    """The formulas that each type has points for, and their slopes."""
    for kind, formulas, slopes in ((np.float64, 85, 470), (np.float32, 85, 320)):
        at = all_points(kind)
        assert len({p.name for p in at}) >= formulas
        assert sum(len(p.slopes) for p in at) >= slopes


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_only_what_cancels_is_wrong(kind: Any, mode: str) -> None:
    each = [found(p, mode) for p in all_points(kind)]
    assert {f.point.name for f in each if f.wrong.any()} <= CANCEL
    assert {f.point.name for f in each if f.lost.any()} <= LOST[kind.__name__]
    if mode != "second":
        assert all(f.explained[f.wrong].all() for f in each), "off by more than the value's own rounding"


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_no_more_is_wrong_than_the_page_says(kind: Any, mode: str) -> None:
    before = BEFORE[kind.__name__, mode]
    cells = rows()[kind.__name__, mode]
    old, new = zip(*([int(n) for n in cell.split(" → ")] for cell in cells[1:]), strict=True)
    assert old == before and int(cells[0]) == sum(new[:3]) == sum(old[:3]), "run  python -m tests.smooth_points"
    assert sum(int(found(p, mode).wrong.sum()) for p in all_points(kind)) <= new[2]
