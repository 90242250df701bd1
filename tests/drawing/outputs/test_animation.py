"""A picture with a history is an animated SVG: each step once, in turn, with the loss and the ties that break."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from gallery import training
from seeds import TIED, two_neurons

from minigrad import draw

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def animated(tmp_path_factory: pytest.TempPathFactory) -> str:
    path: Path = training().save(tmp_path_factory.mktemp("a") / "a.svg")
    return path.read_text(encoding="utf-8")


def test_each_step_is_seen_in_turn(animated: str) -> None:
    root = ET.fromstring(animated)
    frames = [g for g in root.iter(f"{SVG}g") if g.get("class") == "frame"]
    starts = [float(re.findall(r"delay:([\d.]+)s", g.get("style", ""))[0]) for g in frames]
    assert len(frames) == 6 and starts == [1.5 * k for k in range(6)]
    assert "animation:turn 9s infinite" in animated and "prefers-reduced-motion" in animated


def test_the_words_tell_the_loss_and_the_step_at_which_a_tie_breaks(animated: str) -> None:
    told = [
        (frame[0].text or "") for frame in ET.fromstring(animated).iter(f"{SVG}g") if frame.get("class") == "frame"
    ]
    assert told[0].startswith("step 0 · loss 0.3478 · a tie breaks at step 3")
    assert told[3].startswith("step 3 · loss 0.215 · A breaks: w1[0,0] | w1[0,1]")
    assert told[4].endswith("a tie broke at step 3")


def test_the_curve_has_a_point_for_each_loss_and_a_dashed_line_at_the_break(animated: str) -> None:
    root = ET.fromstring(animated)
    (curve,) = (line for line in root if line.tag == f"{SVG}polyline")
    points = [tuple(map(float, point.split(","))) for point in curve.get("points", "").split()]
    assert len(points) == 6 and [y for _, y in points] == sorted(y for _, y in points), "the loss falls"
    (dashed,) = (line for line in root if line.tag == f"{SVG}line")
    assert float(dashed.get("x1", 0)) == points[3][0]


def test_no_name_occurs_twice_and_no_script_does(animated: str) -> None:
    ids = re.findall(r' id="([^"]*)"', animated)
    assert len(ids) == len(set(ids)) and "<script" not in animated


def test_without_a_history_it_is_a_still_picture(tmp_path: Path) -> None:
    still = draw(*two_neurons(TIED)).save(tmp_path / "a.svg").read_text(encoding="utf-8")
    assert "frame" not in still and "animation" not in still


def test_steps_stand_below_the_curve_and_no_mark_crosses_a_number(animated: str) -> None:
    root = ET.fromstring(animated)
    below = {text.text: float(text.get("x", 0)) for text in root if text.tag == f"{SVG}text"}
    (dashed,) = (line for line in root if line.tag == f"{SVG}line")
    assert below["step 3"] == float(dashed.get("x1", 0)) and below["step 0"] < below["step 3"] < below["now"]
    heights = [float(text.get("y", 0)) for text in root if text.tag == f"{SVG}text"]
    for frame in (g for g in root.iter(f"{SVG}g") if g.get("class") == "frame"):
        (mark,) = (line for line in frame if line.tag == f"{SVG}line")
        assert not any(float(mark.get("y1", 0)) < y < float(mark.get("y2", 0)) for y in heights)
