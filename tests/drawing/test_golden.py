"""Golden files: a change in a picture makes a test fail until somebody has looked at it and committed it.

PYTHONPATH=tests:tests/support:demos python tests/drawing/test_golden.py    writes the golden files again
python demos/gallery.py    writes the gallery, whose SVG is golden too: look at it, then commit both
"""

from __future__ import annotations

import importlib.metadata
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from everyday import thinned
from gallery import THEMES, VIEWS
from seeds import NETWORKS

from minigrad import Drawing, draw
from minigrad.drawing.outputs.json_output import to_json
from minigrad.drawing.outputs.render import find_engine

GOLDEN = Path(__file__).parent / "golden"
GALLERY = Path(__file__).parents[2] / "demos" / "gallery"
ENGINE = "0.2.2"  # of graphviz-pure: SVG of two engines differs
PICTURES = [f"{name}-{view}" for name in ("two-neurons-tied", "all-ones") for view in VIEWS]
NUMBER = re.compile(r"-?\d+\.\d+(?:e[+-]\d+)?")


def drawn(picture: str, theme: str = "light") -> Drawing:
    name, _, view = picture.rpartition("-")
    return draw(*NETWORKS[name][0], view=view, theme=theme)


def blunt(text: str) -> str:
    """The text with numbers in nine digits: further digits depend on the processor."""
    return NUMBER.sub(lambda match: f"{float(match[0]):.9g}", text)


def texts(picture: str) -> Iterator[tuple[Path, str]]:
    drawing = drawn(picture)
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


@pytest.mark.skipif(not is_pinned(), reason=f"the layout engine is not graphviz-pure {ENGINE}")
@pytest.mark.parametrize(
    "path", thinned([f"{theme}/{name}-{view}" for theme in THEMES for name in NETWORKS for view in VIEWS], 5)
)
def test_the_gallery_is_what_is_drawn(path: str) -> None:
    theme, _, picture = path.partition("/")
    kept = (GALLERY / f"{path}.svg").read_bytes().decode()
    assert drawn(picture, theme)._svg() == kept, "run  python demos/gallery.py  and look at what has changed"


if __name__ == "__main__":
    for picture in PICTURES:
        for path, text in texts(picture):
            path.write_text(text, encoding="utf-8", newline="\n")
