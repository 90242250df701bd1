"""docs/digits.md: every op with a gradient has a line, and a sample of the lines is measured again."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest

pytest.importorskip("mpmath")
from checking import DIFFERENTIABLE
from digits import ELEMENTWISE, HEAD, KINDS, PAGE, by_calls, elementwise, measure, ops, units

from minigrad import custom, forget
from minigrad.engine.op import TABLE

THIN = 7  # one point in so many
SAMPLE = [*sorted(DIFFERENTIABLE)[::9], "gelu", "softmax", "cross_entropy", "linalg.norm", "std", "sinc", "divide"]


@cache
def lines() -> dict[str, list[str]]:
    """The cells of the table, by the name of the op."""
    rows = [
        line.strip("|").split("|") for line in PAGE.read_text(encoding="utf-8").splitlines() if line[:2] == "| "
    ]
    return {name.strip(): [cell.strip() for cell in cells] for name, *cells in rows[2:]}


def test_the_page_has_a_line_for_every_op_with_a_gradient() -> None:
    assert PAGE.read_text(encoding="utf-8").startswith(HEAD), "run  python -m tests.digits"
    assert [*lines()] == [*ops()], "run  python -m tests.digits"


@pytest.mark.parametrize("name", sorted({*SAMPLE} & {*ops()}))
def test_no_gradient_is_further_off_than_the_page_says(name: str) -> None:
    found = measure(ops()[name], THIN)
    for kind, cell in zip(KINDS, lines()[name], strict=False):
        if cell:
            assert found.units[kind] <= int(cell), (kind.__name__, found.where[kind])


def test_an_error_of_a_few_units_is_seen() -> None:
    """By the script itself: in a slope, and in a gradient of several entries."""

    def rule(g: Any, y: Any, x: Any) -> Any:
        return g * y * (1 + 2.0**-49)

    slow = custom(lambda x: np.exp(x), name="slow", vjp=rule, jvp=rule)
    try:
        found = elementwise(TABLE[slow], ELEMENTWISE["exp"], THIN)
        assert 7 < found.units[np.float64] < 40
        assert 7 < by_calls(TABLE[slow], 3).units[np.float64] < 40
    finally:
        forget(slow)


def test_units_in_the_last_place() -> None:
    x = 1.0 + 2.0**-52
    assert units(x, 1.0, 1.0, np.float64) == 1.0
    assert units(x, 1.0, 4.0, np.float64) == 0.25
    assert units(np.nan, 1.0, 1.0, np.float64) == np.inf
