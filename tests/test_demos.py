"""Each demo runs in an empty folder and prints and draws what it promises."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

DEMOS = Path(__file__).parents[1] / "demos"


def loaded(name: str) -> Any:
    spec = importlib.util.spec_from_file_location(name, DEMOS / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_why_neurons_differ(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    loaded("why_neurons_differ").main()
    text = capsys.readouterr().out
    widths = {line[:18].strip(): line[42:].split() for line in text.splitlines()[1:4]}
    assert widths["equal"][:-1] == ["1-1"] * 6
    assert widths["one weight changed"][:-1] == ["2-1"] * 6
    assert widths["random"][:-1] == ["3-2"] * 6
    assert float(widths["equal"][-1]) > 1 > 0.1 > float(widths["random"][-1])
    assert "equal: 20 parameters move as 6 · hidden layers of 3 and 2 act as 1 and 1" in text
    assert "all their factors match (proved)" in text and "dJ/dW1[0,0] ≠ dJ/dW1[0,1] because" in text
    assert text.endswith("Your 2-3-2-1 network is this 2-1-1-1 network.\n")
    pictures = sorted(tmp_path.iterdir())
    assert len(pictures) == 3
    shapes = set()
    for picture in pictures:
        root = ElementTree.fromstring(picture.read_text(encoding="utf-8"))
        kinds = [g.get("class", "").split()[:1] for g in root.iter("{http://www.w3.org/2000/svg}g")]
        shapes.add((kinds.count(["node"]), kinds.count(["edge"])))
    assert len(shapes) == 1, "one graph, three starts"
    changed = (tmp_path / "why-neurons-differ-one-weight-changed.svg").read_text(encoding="utf-8")
    letters = [re.search(rf'aria-label="w1\[0,{j}\] value [^"]*\(([^,")]+)[,)]', changed)[1] for j in range(3)]  # type: ignore[index]
    assert letters[0] != letters[1] == letters[2], "the picture shows that the changed neuron differs"


def test_seeds(capsys: pytest.CaptureFixture[str]) -> None:
    loaded("seeds").main()
    text = capsys.readouterr().out
    assert "all-ones              29 parameters move as 9 · hidden layers of 3 and 3 act as 1 and 1" in text
    assert "classic-3-4-2-equal   26 parameters move as 8, 7 up to sign · hidden layer of 4 acts as 1" in text


def test_the_gallery_has_its_pictures_and_no_others_shows_them_all_and_stays_small(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its pictures are golden files (tests/drawing/test_golden.py); here, that all are there, and shown."""
    gallery, kept = loaded("gallery"), DEMOS / "gallery"
    pages = {"auto": kept / "README.md", "dark": kept / "dark.md", "print": kept / "print.md"}
    assert set(pages) == set(gallery.THEMES)
    for theme, page in pages.items():
        shown = re.findall(rf"\({theme}/([\w-]+)\.svg\)", page.read_text(encoding="utf-8"))
        there = sorted(path.stem for path in (kept / theme).iterdir())
        assert sorted(shown) == sorted(gallery.pictures(theme)) == there, (
            f"remove demos/gallery/{theme}, make it again"
        )
    assert len(gallery.pictures("dark")) == 2
    texts = "".join(page.read_text(encoding="utf-8") for page in pages.values())
    assert texts == gallery.index() + gallery.page("dark") + gallery.page("print")
    besides = {path.name for path in kept.iterdir() if path.is_file()} - {"formula.svg"}  # the README's
    assert besides == {"README.md", *re.findall(r"\(([\w-]+\.\w+)\)", texts)}
    assert sum(path.stat().st_size for path in kept.rglob("*.*")) < 2_500_000
    monkeypatch.setattr(gallery, "NETWORKS", {})
    gallery.main(tmp_path)
    assert {path.name for path in tmp_path.iterdir() if path.is_file()} == besides
