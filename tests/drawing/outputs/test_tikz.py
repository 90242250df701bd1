"""TikZ shows what the SVG shows, and LaTeX compiles it, whatever the names."""

from __future__ import annotations

import re
import shutil
import subprocess
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest
from nasty import NASTY
from seeds import all_ones, two_neurons

from minigrad import Drawing, Value, draw
from minigrad.drawing.outputs import Picture
from minigrad.drawing.outputs.svg import to_svg
from minigrad.drawing.outputs.tikz import escape_latex, to_tikz

LATEX = shutil.which("pdflatex")
DOCUMENT = (
    r"\documentclass{article}\usepackage{tikz}\begin{document}\resizebox{\linewidth}{!}{\input{%s}}\end{document}"
)


def heat_map() -> Drawing:
    W = Value(np.random.default_rng(0).normal(size=(20, 30)), name="W")
    return draw(np.sum(np.tanh(W) ** 2))


def nasty() -> Drawing:
    return draw(sum((Value(1.0 + k, name) for k, name in enumerate(NASTY)), Value(0.5, "a")))


PICTURES = {
    "cards": lambda: draw(*all_ones()),
    "ops": lambda: draw(*two_neurons(), view="ops"),
    "heat map": heat_map,
    "nasty names": nasty,
}


@pytest.mark.parametrize("name", PICTURES)
def test_every_text_and_every_shape_of_the_svg_is_there(name: str) -> None:
    diagram = PICTURES[name]().diagram
    tex, svg = to_tikz(Picture(diagram)), ET.fromstring(to_svg(diagram, "light"))
    kinds = [element.tag.rpartition("}")[2] for element in svg.iter()]
    texts = ["".join(e.itertext()) for e in svg.iter() if e.tag.endswith("}text")]
    assert all(f"{{{escape_latex(t)}}};" in tex for t in texts)
    assert tex.count(r"\node") == len(texts)
    assert tex.count(r"\path") == sum(kinds.count(kind) for kind in ("polygon", "polyline", "path", "ellipse"))
    used = set(re.findall(r"(?:fill|draw|text)=minigrad([0-9A-F]{6})", tex))
    assert used == set(re.findall(r"\\definecolor\{minigrad([0-9A-F]{6})\}", tex))


def test_words_have_no_meaning_for_latex() -> None:
    assert escape_latex(r"\a{b}_1^2 50% #&~$") == (
        r"\textbackslash{}a\{b\}\_1\textasciicircum{}2 50\% \#\&\textasciitilde{}\$"
    )
    assert escape_latex("A₁ ∂ é") == r"A$_1$ $\partial$ é"
    assert escape_latex("漢") == r"\minigradletter{漢}{U+6F22}"


def test_the_theme_is_that_of_the_picture() -> None:
    d = draw(Value(2.0, "a") * 3).diagram
    assert to_tikz(Picture(d, "dark")) != to_tikz(Picture(d, "light")) == to_tikz(Picture(d, "auto"))


@pytest.mark.skipif(LATEX is None, reason="pdflatex is not installed: TikZ is not compiled")
@pytest.mark.parametrize("name", PICTURES)
def test_latex_compiles_it(name: str, tmp_path: Path) -> None:
    PICTURES[name]().save(tmp_path / "a.tex")
    (tmp_path / "b.tex").write_text(DOCUMENT % "a", encoding="utf-8")
    command = [LATEX, "-interaction=nonstopmode", "-halt-on-error", "b.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, errors="replace", timeout=120)  # type: ignore[arg-type]
    assert done.returncode == 0, [line for line in done.stdout.splitlines() if line.startswith("!")]
    assert (tmp_path / "b.pdf").stat().st_size > 1_000
