import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from minigrad.drawing import Drawing, draw, render
from minigrad.errors import ArgumentError, RenderError
from minigrad.value import Value


@pytest.fixture
def drawing() -> Drawing:
    a = Value(3.0, "a")
    return draw(a * a)


@pytest.fixture
def no_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(render, "find_engine", lambda file_format="svg": None)


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
    with pytest.raises(ValueError, match=r"the suffix must be \.svg, \.png, .* or \.\w+"):
        drawing.save(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_notebooks_get_svg_and_a_line_of_text(drawing: Drawing) -> None:
    bundle = drawing._repr_mimebundle_()
    assert bundle["image/svg+xml"] == drawing._repr_svg_()
    assert bundle["text/plain"] == repr(drawing) == "<drawing of 2 values: y = 9 · dy/da = 6>"
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


def test_pictures_need_no_path(tmp_path: Path) -> None:
    program = (
        "import sys\nfrom minigrad.value import Value\nfrom minigrad.drawing import draw\n"
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


@pytest.mark.parametrize("thing", [3.0, [Value(1.0)], None])
def test_anything_but_a_value_is_refused(thing: object) -> None:
    with pytest.raises(ArgumentError, match="draw takes a Value or a model, got"):
        draw(thing)  # type: ignore[arg-type]
