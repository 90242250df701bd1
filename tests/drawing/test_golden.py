"""Golden files: a change in a picture makes a test fail until somebody has looked at it and committed it.

PYTHONPATH=tests:tests/support:demos python tests/drawing/test_golden.py    writes the golden files again
python demos/gallery.py    writes the gallery, whose SVG is golden too: look at it, then commit both
It removes nothing: remove the folders auto, dark and print first if a picture has another name.
"""

from __future__ import annotations

import importlib.metadata
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from everyday import thinned
from gallery import LATEX, THEMES, drawn, pictures, training

from minigrad import Drawing
from minigrad.drawing.outputs.json_output import to_json
from minigrad.drawing.outputs.render import find_engine

GOLDEN = Path(__file__).parent / "golden"
GALLERY = Path(__file__).parents[2] / "demos" / "gallery"
ENGINE = "0.2.2"  # of graphviz-pure: SVG of two engines differs
PICTURES = [f"{name}-{view}" for name in ("two-neurons-tied", "all-ones") for view in ("cards", "quotient", "ops")]
NUMBER = re.compile(r"-?\d+\.\d+(?:e[+-]\d+)?")


def blunt(text: str) -> str:
    """The text with numbers in nine digits: further digits depend on the processor."""
    return NUMBER.sub(lambda match: f"{float(match[0]):.9g}", text)


def texts(picture: str) -> Iterator[tuple[Path, str]]:
    drawing = drawn(picture, "light")
    yield GOLDEN / f"{picture}.dot", drawing.dot
    yield GOLDEN / f"{picture}.json", to_json(drawing.diagram)


@pytest.mark.parametrize("picture", PICTURES)
def test_dot_and_json_are_what_they_were(picture: str) -> None:
    for path, text in texts(picture):
        assert blunt(text) == blunt(path.read_text(encoding="utf-8")), f"{path.name}: see the head of this file"


def is_pinned() -> bool:
    try:
        version = importlib.metadata.version("graphviz-pure")
    except importlib.metadata.PackageNotFoundError:
        return False
    return version == ENGINE and Path(find_engine() or "").stem == "graphviz-pure"


pinned = pytest.mark.skipif(not is_pinned(), reason=f"the layout engine is not graphviz-pure {ENGINE}")


@pinned
@pytest.mark.parametrize(
    "path", thinned([f"{theme}/{picture}" for theme in THEMES for picture in pictures(theme)], 5)
)
def test_the_gallery_is_what_is_drawn(path: str, tmp_path: Path) -> None:
    theme, _, picture = path.partition("/")
    same_as_kept(drawn(picture, theme), f"{path}.svg", tmp_path)


@pinned
@pytest.mark.slow
def test_the_training_and_the_picture_for_latex_are_what_is_drawn(tmp_path: Path) -> None:
    same_as_kept(training(), "training.svg", tmp_path)
    same_as_kept(drawn(LATEX), f"{LATEX}.tex", tmp_path)


def same_as_kept(drawing: Drawing, name: str, folder: Path) -> None:
    """The gallery's file is byte for byte what is saved now."""
    now, kept = drawing.save(folder / Path(name).name).read_bytes(), (GALLERY / name).read_bytes()
    assert now == kept, "run  python demos/gallery.py  and look at what has changed"


if __name__ == "__main__":
    for picture in PICTURES:
        for path, text in texts(picture):
            path.write_text(text, encoding="utf-8", newline="\n")
