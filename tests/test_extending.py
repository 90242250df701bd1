"""docs/extending.md: each recipe adds its thing to a copy of the package, uses it, and leaves no trace.

What the page says of packages of one's own is tested in the process itself: registered, used, taken away.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minigrad
from minigrad import Value, draw, nn
from minigrad.cli import main
from minigrad.drawing import outputs, views
from minigrad.drawing.views.operations import ops_view
from minigrad.errors import ArgumentError, UnknownFormat

PACKAGE = Path(minigrad.__file__).resolve().parent
PAGE = PACKAGE.parent / "docs" / "extending.md"
TEXT = PAGE.read_text(encoding="utf-8")
RECIPES = {
    section.partition("\n")[0].strip(): re.findall(r"^```(\w+)\n(.*?)^```$", section, flags=re.M | re.S)
    for section in re.split(r"^## ", TEXT, flags=re.M)[1:]
}
HEAD = re.compile(r"# (add to )?(minigrad/[\w/]+\.py)\n")


def placed(folder: Path, body: str) -> bool:
    """Write a block into the copy, if its first line names a file of the package."""
    found = HEAD.match(body)
    if not found:
        return False
    path = folder / found[2]
    code = body[found.end() :]
    assert path.exists() == bool(found[1]), f"{path.name}: a new file must not exist, one that is added to must"
    path.write_text(f"{path.read_text(encoding='utf-8')}\n\n{code}" if found[1] else code, encoding="utf-8")
    return True


def executed(folder: Path, code: str) -> str:
    """What code prints, run in a process of its own with the package in that folder."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_page_has_the_nine_recipes() -> None:
    kinds = [
        "operation",
        "activation",
        "output format",
        "view",
        "kind of mistake",
        "compiler pass",
        "layer of `nn`",
    ]
    assert [name.split(" ", 1)[1] for name in RECIPES] == [*kinds, "optimiser", "command"]


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_is_complete_and_prints_what_it_says(name: str, tmp_path: Path) -> None:
    shutil.copytree(PACKAGE, tmp_path / "minigrad", ignore=shutil.ignore_patterns("__pycache__"))
    code, expected = "", ""
    for language, body in RECIPES[name]:
        if language == "text":
            expected += body
        elif not placed(tmp_path, body):
            code += body
    assert code and expected
    assert executed(tmp_path, code).strip() == expected.strip()


def test_a_recipe_without_its_file_fails(tmp_path: Path) -> None:
    """The test above would notice if a block were not placed."""
    code = next(body for _, body in RECIPES["A view"] if not HEAD.match(body))
    with pytest.raises(AssertionError, match="no view is called 'leaves'"):
        executed(PACKAGE.parent, code)


# ------------------------------------------------------------------------------- from a package of one's own


def test_a_view_is_registered_drawn_listed_and_taken_away(capsys: pytest.CaptureFixture[str]) -> None:
    y = Value(3.0, name="a") * 2
    views.register("mine", lambda request: ops_view(request.survey), "as ops, under my name", draws=["value"])
    try:
        assert draw(y, view="mine").diagram.view == "mine"
        assert "mine" in [diagram.view for diagram in draw(y).others], "the viewer offers it"
        assert "mine" in views.VIEWS.help() and "as ops, under my name" in views.VIEWS.help()
        with pytest.raises(ArgumentError, match="'mine' is a view of a Value, not of a model"):
            draw(nn.MLP([1, 1]), [1.0], view="mine")
        with pytest.raises(SystemExit):
            main.main(["draw", "--help"])
        assert "as ops, under my name" in capsys.readouterr().out
    finally:
        views.unregister("mine")
    with pytest.raises(ArgumentError, match="no view is called 'mine'"):
        draw(y, view="mine")


def test_a_view_that_gives_no_diagram_or_draws_something_else_is_refused() -> None:
    with pytest.raises(ArgumentError, match="a view draws 'value' or 'model'"):
        views.register("mine", lambda request: None, "nothing", draws=["graph"])  # type: ignore[arg-type, return-value]
    views.register("mine", lambda request: "a picture", "text", in_viewer=False)  # type: ignore[arg-type, return-value]
    try:
        with pytest.raises(ArgumentError, match="the view 'mine' must return a Diagram, got str"):
            draw(Value(1.0) * 2, view="mine")
    finally:
        views.unregister("mine")


def test_a_format_is_registered_written_listed_and_taken_away(tmp_path: Path) -> None:
    drawing = draw(Value(3.0, name="a") * 2)
    outputs.register(".count", lambda picture: f"{len(picture.diagram.nodes)} nodes", "how many nodes")
    try:
        assert drawing.save(tmp_path / "y.COUNT").read_text() == "2 nodes"
        with pytest.raises(UnknownFormat, match=r"\.count"):
            drawing.save(tmp_path / "y.gif")
    finally:
        outputs.unregister(".count")
    with pytest.raises(UnknownFormat):
        drawing.save(tmp_path / "y.count")


@pytest.mark.parametrize("suffix", ["count", ".", ".tar.gz", ".Count", ""])
def test_what_no_file_name_could_end_with_is_no_suffix(suffix: str) -> None:
    with pytest.raises(ArgumentError, match="a suffix is a dot and lower-case letters"):
        outputs.register(suffix, lambda picture: "", "nothing")
    assert suffix not in outputs.OUTPUTS


def test_a_command_is_registered_run_listed_and_taken_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code = '"""Say hello.\n\n    python -m minigrad hello\n"""\nprint("imported")\n'
    code += "def add_options(parser):\n    parser.add_argument('--to')\n"
    code += "def run(arguments):\n    print('hello', arguments.to)\n    return 5\n"
    (tmp_path / "own_hello.py").write_text(code)
    (tmp_path / "own_nothing.py").write_text("x = 1\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    main.register("hello", "own_hello")
    try:
        assert main.commands()["hello"].help == "Say hello"
        with pytest.raises(SystemExit):
            main.main(["--help"])
        out = capsys.readouterr().out
        assert "Say hello" in out and "imported" not in out, "help reads a command, and does not import it"
        assert main.main(["hello", "--to", "you"]) == 5
        assert capsys.readouterr().out == "imported\nhello you\n"
    finally:
        main.unregister("hello")
        sys.modules.pop("own_hello", None)
    with pytest.raises(SystemExit):
        main.main(["hello"])
    with pytest.raises(ArgumentError, match="own_nothing is not a command"):
        main.register("nothing", "own_nothing")


class Signed(nn.optim.Optimiser):
    """Of one's own: no state, no settings."""

    def direction(self, w: Any, g: Any, state: Any, numbers: Any) -> Any:
        return np.sign(g), state


def test_an_optimiser_of_ones_own_trains() -> None:
    w = Value(2.0)
    optimiser = Signed([w], lr=0.25)
    for _ in range(4):
        optimiser.zero_grad()
        (w * w).backward()
        optimiser.step()
    assert w.data == 1.0
