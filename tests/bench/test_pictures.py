"""What the table of pictures says is what stands in the SVG, and a missed aim is named."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from bench.picture_models import MODELS
from bench.pictures import ALONE, NAMES, VIEWS, Row, Size, drawn, misses, one_more, size_of

SVG = b"""<svg xmlns="http://www.w3.org/2000/svg" width="1200pt" height="300pt" viewBox="0 0 2400 600">
<g class="graph" transform="scale(0.5 0.5) rotate(0)"><text font-size="40">a</text><text font-size="4"> </text>
<g class="node wrong"><text font-size="36">b<tspan font-size="24">1</tspan></text></g>
<g class="edge"/><g class="node"/></g></svg>"""


def test_the_size_is_in_pixels_of_the_scaled_text_that_is_there() -> None:
    size = size_of(SVG)
    assert (size.width, size.height, size.boxes) == (1600.0, 400.0, 2)
    assert size.smallest == pytest.approx(24 * 0.5 * 0.5 * 4 / 3)
    assert size.on_a_page == pytest.approx(size.smallest / 2)
    assert Size(1.0, 700.0, 1.0, 8.0, 1).on_a_page == 8.0, "a narrow picture is not made larger"


def test_misses_name_what_is_slow_illegible_large_or_not_done() -> None:
    fine, tiny = Size(1.0, 800.0, 100.0, 8.0, 3), Size(1.0, 8000.0, 100.0, 8.0, 3)

    def found(ours: Size | None, seconds: float, model: str = "convolution") -> list[str]:
        rows = [
            Row(
                model,
                "ours",
                VIEWS.get(model, ("",))[0],
                (seconds,) if ours else (),
                ours,
                "" if ours else "crashed",
            ),
            Row(model, "torchviz", "", (0.3,), fine),
            Row(model, "torchview", "", (0.1, 0.2, 9.0), fine),
        ]
        return list(misses(rows))

    assert found(fine, 0.29) == []
    assert found(fine, 0.4) == ["convolution: 2.0 times the time of torchview."]
    assert found(tiny, 0.1) == ["convolution: not legible at 800 px."]
    assert found(None, 0.1) == ["convolution: crashed."]
    (large,) = found(Size(1.0, 1500.0, 4001.0, 14.0, 3), 0.1, "337-parameters")
    (small,) = found(Size(1.0, 1500.0, 4000.0, 13.0, 3), 0.1, "337-parameters")
    assert "1,500 × 4,001 px" in large and "9.8 pt" in small
    assert found(Size(1.0, 1500.0, 4000.0, 40 / 3, 3), 0.1, "337-parameters") == []


def test_each_model_has_a_name_and_ours_is_drawn(tmp_path: Path) -> None:
    assert set(MODELS) == set(NAMES) and set(ALONE) | set(VIEWS) <= set(NAMES)
    told = drawn("ours", "2-3-3-2", "quotient", tmp_path)
    size = size_of(Path(told["path"]).read_bytes())
    assert size.boxes == 7 and 0 < told["seconds"] < 60 and size.smallest > 8


def test_a_side_that_takes_too_long_or_fails_is_named(tmp_path: Path) -> None:
    late = one_more(Row("convolution", "ours"), sys.executable, 0.01, tmp_path)
    assert late.failed == "not done in 0 s" and late.size is None and "not done" in late.line()
    gone = one_more(Row("no such model", "ours"), sys.executable, 60.0, tmp_path)
    assert gone.failed == "failed, exit status 1"
