import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest

from minigrad.drawing import Drawing, draw
from minigrad.drawing.outputs import OUTPUTS, render
from minigrad.drawing.outputs.svg import NAMED
from minigrad.drawing.theme import THEMES, colour_map
from minigrad.engine.value import Value
from minigrad.errors import ArgumentError, RenderError


@pytest.fixture
def drawing() -> Drawing:
    a = Value(3.0, "a")
    return draw(a * a)


@pytest.fixture
def no_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(render, "find_engine", lambda: None)


def test_suffix_decides_and_the_path_comes_back(drawing: Drawing, tmp_path: Path) -> None:
    paths = [drawing.save(tmp_path / f"graph.{suffix}") for suffix in ("svg", "png", "dot", "SVG")]
    assert [path.name for path in paths] == ["graph.svg", "graph.png", "graph.dot", "graph.SVG"]
    assert ET.parse(paths[0]).getroot().tag.endswith("svg")
    assert paths[1].read_bytes().startswith(b"\x89PNG")
    assert paths[2].read_text(encoding="utf-8") == drawing.dot


def test_path_may_be_text(drawing: Drawing, tmp_path: Path) -> None:
    assert drawing.save(str(tmp_path / "graph.dot")) == tmp_path / "graph.dot"


@pytest.mark.parametrize("name", ["graph.gif", "graph", "svg", "graph.svg.gz"])
def test_unknown_suffix_is_refused_and_those_there_are_named(drawing: Drawing, tmp_path: Path, name: str) -> None:
    *suffixes, last = OUTPUTS
    with pytest.raises(ValueError, match=re.escape(f"the suffix must be {', '.join(suffixes)} or {last}")):
        drawing.save(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_notebooks_get_svg_and_a_line_of_text(drawing: Drawing) -> None:
    bundle = drawing._repr_mimebundle_()
    assert bundle["image/svg+xml"] == drawing._repr_svg_()
    assert repr(drawing) == "<drawing of 2 values: y = 9 · dy/da = 6>"
    assert bundle["text/plain"].startswith("y = 9 · dy/da = 6\n")
    assert "image/svg+xml" not in drawing._repr_mimebundle_(exclude={"image/svg+xml"})


@pytest.mark.usefixtures("no_engine")
def test_without_an_engine_the_dot_text_is_written_and_the_error_says_what_to_install(
    drawing: Drawing, tmp_path: Path
) -> None:
    with pytest.raises(RenderError) as caught:
        drawing.save(tmp_path / "graph.svg")
    assert "pip install graphviz graphviz-pure" in str(caught.value)
    assert str(tmp_path / "graph.dot") in str(caught.value)
    assert (tmp_path / "graph.dot").read_text(encoding="utf-8") == drawing.dot
    assert not (tmp_path / "graph.svg").exists()


@pytest.mark.usefixtures("no_engine")
def test_without_an_engine_a_notebook_still_gets_text(drawing: Drawing) -> None:
    assert drawing._repr_svg_() is None
    bundle = drawing._repr_mimebundle_()
    assert set(bundle) == {"text/plain"}
    assert "pip install" in bundle["text/plain"]


def test_an_engine_that_fails_is_an_error_with_its_own_words() -> None:
    with pytest.raises(RenderError, match=r"could not lay out this graph: .*syntax error"):
        render.render("digraph {", "svg")


def fake_engine(folder: Path, script: str) -> str:
    """A program called dot that runs the given script."""
    program = folder / "dot"
    program.write_text(f"#!{sys.executable}\nimport sys, time\n{script}\n")
    program.chmod(0o755)
    return str(program)


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("time.sleep(30)", r"dot took longer than 0\.2 s to lay out this graph"),
        ("sys.exit('out of ink')", r"could not lay out this graph: out of ink"),
        ("sys.exit(3)", r"could not lay out this graph: exit status 3"),
        ("", r"could not lay out this graph"),
    ],
)
def test_an_engine_that_hangs_fails_or_says_nothing_is_told_in_a_sentence(
    script: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = fake_engine(tmp_path, script)
    monkeypatch.setattr(render, "find_engine", lambda: program)
    with pytest.raises(RenderError, match=message):
        render.render("digraph {}", "svg", seconds=0.2 if "sleep" in script else 20)


def test_an_engine_that_cannot_start_is_told_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(render, "find_engine", lambda: str(tmp_path))
    with pytest.raises(RenderError, match="did not start"):
        render.render("digraph {}", "svg")


def test_pdf_comes_from_an_engine_that_writes_it(
    drawing: Drawing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_engine(tmp_path, "print('%PDF-', *sys.argv[1:], len(sys.stdin.read()))")
    monkeypatch.setenv("PATH", str(tmp_path))
    written = drawing.save(tmp_path / "graph.pdf").read_text()
    assert written.split() == ["%PDF-", "-Kdot", "-Tpdf", str(len(drawing.dot))]


def test_without_one_that_writes_pdf_the_error_says_what_installs_one_and_the_dot_text_is_written(
    drawing: Drawing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(render, "find_spec", lambda name: None)
    with pytest.raises(RenderError, match="pip install pygraphviz") as caught:
        drawing.save(tmp_path / "graph.pdf")
    assert "apt-get install graphviz" in str(caught.value) and "save .svg" in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["graph.dot"]


def test_pygraphviz_writes_pdf_in_a_process_of_its_own(
    drawing: Drawing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pygraphviz.py").write_text(
        "class AGraph:\n"
        "    def __init__(self, string): self.string = string\n"
        "    def draw(self, format, prog, args):\n"
        "        return f'%PDF- {format} {prog} [{args}] {len(self.string)}'.encode()\n"
    )
    monkeypatch.setenv("PATH", "")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(render, "find_spec", lambda name: name == "pygraphviz")
    assert drawing.save(tmp_path / "graph.pdf").read_text() == f"%PDF- pdf dot [] {len(drawing.dot)}"
    assert render.render("digraph {}", "pdf", "neato", placed=True) == b"%PDF- pdf neato [-n2] 10"


def test_pictures_need_no_path(tmp_path: Path) -> None:
    program = (
        "import sys\nfrom minigrad.engine.value import Value\nfrom minigrad.drawing import draw\n"
        "draw(Value(2.0) * 3).save(sys.argv[1])\n"
    )
    target = tmp_path / "graph.svg"
    subprocess.run([sys.executable, "-c", program, str(target)], check=True, env={"PATH": ""})
    assert target.exists()


def test_other_users_of_graphviz_keep_their_engine(drawing: Drawing, tmp_path: Path) -> None:
    from graphviz.backend import dot_command

    before = dot_command.DOT_BINARY
    drawing.save(tmp_path / "graph.svg")
    assert before == dot_command.DOT_BINARY
    with pytest.raises(RenderError):
        render.render("digraph {", "svg")
    assert before == dot_command.DOT_BINARY


@pytest.mark.parametrize("thing", [3.0, "a", None])
def test_anything_but_a_value_is_refused(thing: object) -> None:
    with pytest.raises(ArgumentError, match="draw takes a Value, a model or a function, got"):
        draw(thing)  # type: ignore[arg-type]


def test_engine_and_graph_attributes_pass_through(drawing: Drawing) -> None:
    a = Value(3.0, "a")
    turned = draw(a * a, rankdir="TB", nodesep=0.7, concentrate=False, label_scheme='1"]; evil [x="')
    for text in ('rankdir="TB"', 'nodesep="0.7"', 'concentrate="false"'):
        assert text in turned.dot and text not in drawing.dot
    wide, tall = (ET.fromstring(d._svg()).get("viewBox", "").split()[2:] for d in (drawing, turned))
    assert float(wide[1]) < float(tall[1])
    assert draw(a * a, engine="circo")._svg() != drawing._svg()


def test_what_the_caller_says_of_the_graph_stands_above_what_every_picture_says() -> None:
    y = Value(3.0, "a") * 2
    assert "sixty" in draw(y, label="sixty")._svg() and "In a box" not in draw(y, label="").dot
    assert 'fill="#ffeedd"' in draw(y, bgcolor="#ffeedd")._svg()


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"engine": "rm -rf"}, "no engine is called 'rm -rf'\n  expected one of dot, neato"),
        ({"theme": "sepia"}, "no theme is called 'sepia'\n  expected one of auto, light, dark, print"),
        (
            {"view": "upside down"},
            "no view is called 'upside down'\n  expected one of cards, layers",
        ),
        ({"rank_dir": "TB"}, "'rank_dir' is neither an option of draw nor a graph attribute"),
        ({"rank_dir": "TB"}, "of Graphviz\n  write  rankdir="),
        ({"them": "dark"}, "write  theme="),
        ({"x]; y": 1}, "nor a graph attribute of Graphviz\n  see  graphviz.org"),
        ({"names": ["x"]}, "names is a dict from names to Values, got list\n  such as  locals()"),
        ({"title": 3}, "a title is text, got int 3"),
        ({"seconds": "5"}, "seconds is the number of seconds a picture may take; got str '5'"),
        ({"seconds": -1.0}, "seconds is the number of seconds a picture may take; got float -1.0"),
        ({"history": [1.0]}, "history is a list of drawings of earlier steps, or a dict by step; got list"),
        ({"history": 5}, "history is a list of drawings of earlier steps, or a dict by step; got int 5"),
    ],
)
def test_what_is_no_option_is_refused_and_those_there_are_named(option: dict[str, Any], message: str) -> None:
    with pytest.raises(ArgumentError, match=re.escape(message)):
        draw(Value(2.0) * 3, **option)


def test_source_is_a_source_of_graphviz_that_renders_without_a_dot_on_the_path(
    drawing: Drawing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import graphviz
    from graphviz.backend import dot_command

    monkeypatch.setenv("PATH", "")
    before, source = dot_command.DOT_BINARY, drawing.source
    assert isinstance(source, graphviz.Source) and source.source == drawing.dot
    assert source.pipe().decode().count('class="node') == 2
    assert source.pipe(format="png").startswith(b"\x89PNG")
    assert source._repr_mimebundle_()["image/svg+xml"].count("<svg") == 1
    written = Path(source.render(tmp_path / "again", cleanup=True))
    assert written.suffix == ".svg" and written.exists()
    assert before == dot_command.DOT_BINARY


def test_a_notebook_scales_the_picture_to_its_cell_and_a_file_keeps_its_size(
    drawing: Drawing, tmp_path: Path
) -> None:
    shown = ET.fromstring(drawing._repr_svg_() or "")
    assert shown.get("width") == "100%" and shown.get("height") is None and shown.get("viewBox")
    assert "max-width:" in shown.get("style", "") and "max-height:" in shown.get("style", "")
    saved = ET.parse(drawing.save(tmp_path / "graph.svg")).getroot()
    assert saved.get("width", "").endswith("pt") and saved.get("style") is None


@pytest.mark.parametrize("theme", ["auto", "light", "dark", "print"])
def test_each_theme_is_drawn_in_its_own_colours_and_no_other(theme: str, tied: Value) -> None:
    drawing = draw(tied, theme=theme)
    svg = drawing._svg()
    ours = {c.lower() for c in THEMES["light" if theme == "auto" else theme].colours()} | {"none", "transparent"}
    written = {NAMED.get(c, c) for c in re.findall(r' (?:fill|stroke)="([^"]+)"', svg)}
    assert written <= ours
    assert ("prefers-color-scheme:dark" in svg) == (theme == "auto")


def test_the_dark_style_sheet_replaces_every_colour_that_the_dark_theme_has_another_for(tied: Value) -> None:
    svg = draw(tied)._svg()
    dark = {a.lower(): b for a, b in colour_map(THEMES["light"], THEMES["dark"]).items()}
    for attribute, colour in set(re.findall(r' (fill|stroke)="([^"]+)"', svg)):
        code = NAMED.get(colour, colour)
        assert (f'[{attribute}="{colour}"]{{{attribute}:{dark.get(code)}}}' in svg) == (code in dark)


def test_a_title_may_be_given(tied: Value) -> None:
    drawing = draw(tied, title="<two> & as one")
    assert drawing.diagram.title == "<two> & as one"
    assert ET.fromstring(drawing._svg()).findtext("{http://www.w3.org/2000/svg}title") == "<two> & as one"
