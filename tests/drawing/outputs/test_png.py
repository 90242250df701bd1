"""A PNG is sharp, at most 8,000 pixels a side, and shows less before it shows what nobody can read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from seeds import all_ones

from minigrad import Drawing, Value, draw, nn
from minigrad.drawing.outputs.png import DPI, LEAST, LONGEST, MOST, dots_per_inch


def size(path: Path) -> tuple[int, int]:
    data = path.read_bytes()
    return int.from_bytes(data[16:20]), int.from_bytes(data[20:24])


def test_a_small_picture_has_the_density_of_a_good_screen(tmp_path: Path) -> None:
    assert dots_per_inch(700, 400) == DPI
    width, height = size(draw(*all_ones()).save(tmp_path / "a.png"))
    assert width > 1_000 and height > 400


@pytest.mark.parametrize(("width", "height"), [(700, 9_000), (9_000, 700), (20_000, 20_000), (100, 1e6)])
def test_no_size_goes_beyond_the_limits(width: float, height: float) -> None:
    pixels = np.array([width, height]) * dots_per_inch(width, height) / 72
    assert pixels.max() <= LONGEST and pixels.prod() <= MOST


def wide() -> Drawing:
    rng = np.random.default_rng(0)
    net = nn.MLP([16, 32, 32, 4], activation="relu", seed=0)
    return draw(net, rng.normal(size=(8, 16)), rng.normal(size=(8, 4)), view="cards", neurons=32)


def long() -> Drawing:
    y = Value(0.3, name="x")
    for _ in range(600):
        y = np.sin(y) * 1.01
    return draw(y, seconds=1e4)


@pytest.mark.parametrize("make", [wide, long])
def test_one_that_would_be_too_large_shows_less(make: object, tmp_path: Path) -> None:
    path = make().save(tmp_path / "a.png")  # type: ignore[operator]
    assert max(size(path)) <= LONGEST
    assert path.stat().st_size < 2_000_000


def test_text_stays_legible() -> None:
    assert LEAST / 72 * 11 > 7  # pixels of a letter
