"""docs/extending.md: each recipe adds its thing to a copy of the project, uses it, and leaves the tests green.

What the page says of packages of one's own is tested in the process itself: registered, used, taken away.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from everyday import thinned

import minigrad
from minigrad import Value, draw, nn
from minigrad.cli import main
from minigrad.drawing import outputs, views
from minigrad.drawing.diagram import Diagram
from minigrad.drawing.views.operations import ops_view
from minigrad.errors import ArgumentError, UnknownFormat

ROOT = Path(minigrad.__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "extending.md"
TEXT = PAGE.read_text(encoding="utf-8")
RECIPES = {
    section.partition("\n")[0].strip(): re.findall(r"^```(\w+)\n(.*?)^```$", section, flags=re.M | re.S)
    for section in re.split(r"^## ", TEXT, flags=re.M)[1:]
}
HEAD = re.compile(r"# (add to )?([\w/]+\.py)\n")
# Bytecode is copied: a file that a recipe leaves alone need not be compiled again.
IGNORED = shutil.ignore_patterns(".*", "*-pytest-*.pyc", "*.egg-info", "build", "dist")

OPS = "rules/test_properties rules/test_wrong_rules compiler/test_table check/test_ops symmetry/test_semantics"
# For each recipe: a word in the names of the thing's own tests, the files of tests that try it every day, and more
# that it is fed to.
FED = {
    "An operation": ("bump", "test_op_table rules/test_table", f"{OPS} transforms/test_vmap cli/test_expression"),
    "An activation": ("signed_square", "test_op_table test_registries", f"{OPS} rules/test_table nn/test_mlp"),
    "An output format": ("tsv", "test_registries", "drawing/test_draw drawing/test_safety cli/test_draw"),
    "A view": ("leaves", "test_registries", "drawing/test_draw drawing/outputs/test_html cli/test_draw test_demos"),
    "A kind of mistake": ("truncated", "check/test_docs check/test_zoo check/test_zoo_itself check/diagnosis", ""),
    "A compiler pass": (
        "test_compiled",
        "compiler/test_passes compiler/test_compiled",
        "compiler nn/test_training",
    ),
    "A layer of `nn`": ("test_modules", "nn/test_modules", "nn/test_training drawing/views/test_module_cards"),
    "An optimiser": ("RMSprop", "test_registries", "nn/test_optim symmetry/test_remedies"),
    "A command": ("slope", "test_registries", "cli/test_main"),
}
# What every addition could break, and a name could be taken by: a list of the documentation, a count, a contract.
ALWAYS = "up_to_date or lists or occurs_twice or floors or public or vocabulary or every_pattern or every_kind"


def written(folder: Path, language: str, body: str) -> bool:
    """Write a block into the copy, if its first line names a file."""
    found = HEAD.match(body)
    if not found:
        return False
    path, code = folder / found[2], body[found.end() :]
    is_change = bool(found[1]) or language == "diff"
    assert path.exists() == is_change, f"{path.name}: a new file must not exist, one that is changed must"
    before = path.read_text(encoding="utf-8") if is_change else ""
    after = changed(before, code) if language == "diff" else f"{before}\n\n{code}" if before else code
    path.write_text(after, encoding="utf-8")
    return True


def changed(text: str, diff: str) -> str:
    """A text after a change: lines with + are added, those with - removed; ... stands for lines in between."""
    for part in diff.split("...\n"):
        lines = part.splitlines(keepends=True)
        before, after = ("".join(line[1:] for line in lines if line[0] in signs) for signs in (" -", " +"))
        assert text.count(before) == 1, f"occurs {text.count(before)} times:\n{before}"
        text = text.replace(before, after)
    return text


def run(folder: Path, *arguments: str) -> str:
    """What Python prints, run in the copy with its package."""
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={name: x for name, x in os.environ.items() if not name.startswith("PYTEST_")}
        | {"PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        timeout=1800,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def copied(folder: Path, name: str) -> str:
    """Copy the project, follow a recipe; returns the code that uses the new thing."""
    shutil.copytree(ROOT, folder, ignore=IGNORED, dirs_exist_ok=True)
    blocks = [(language, body) for language, body in RECIPES[name] if language != "text"]
    code = "".join(body for language, body in blocks if not written(folder, language, body))
    run(folder, "docs/write_lists.py")
    return code


def run_tests(folder: Path, names: str, *options: str) -> None:
    """Run the tests in files of these names, and those of the house, with options of pytest."""
    files = [path for name in names.split() for path in (folder / "tests" / name, folder / "tests" / f"{name}.py")]
    found = [str(path) for path in files if path.exists()]
    assert 2 * len(found) == len(files)
    run(folder, "-m", "pytest", "-n", "0", "-p", "no:cacheprovider", "tests/test_house.py", *found, *options)


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


@pytest.mark.parametrize("name", thinned([*RECIPES], 9))
@pytest.mark.slow
def test_a_recipe_prints_what_it_says_and_its_tests_pass(name: str, tmp_path: Path) -> None:
    """Of the tests that the thing is fed to: those that bear its name, and those that compare lists."""
    code = copied(tmp_path, name)
    expected = "".join(body for language, body in RECIPES[name] if language == "text")
    assert code and expected
    assert run(tmp_path, "-W", "error", "-c", code).strip() == expected.strip()
    word, files, _ = FED[name]
    run_tests(tmp_path, files, "-k", f"{word} or {ALWAYS}")


# Those of ops are fed to all tests of the table, which take minutes: MINIGRAD_PROFILE=thorough runs them too.
_THOROUGH = pytest.mark.skipif(
    os.environ.get("MINIGRAD_PROFILE") != "thorough", reason="minutes of table tests: MINIGRAD_PROFILE=thorough"
)
WHOLE = [
    pytest.param(name, marks=_THOROUGH if name in ("An operation", "An activation") else ()) for name in RECIPES
]


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("name", WHOLE)
def test_a_recipe_leaves_all_tests_green_that_its_thing_is_fed_to(name: str, tmp_path: Path) -> None:
    copied(tmp_path, name)
    for command in (["check", "."], ["format", "--check", "."]):
        run(tmp_path, "-m", "ruff", *command, "--no-cache")
    run(tmp_path, "-m", "mypy", "--cache-dir", str(tmp_path / "cache"))
    run_tests(tmp_path, " ".join(FED[name][1:]))


@pytest.mark.slow
def test_the_thing_of_a_recipe_is_fed_to_tests_of_its_name(tmp_path: Path) -> None:
    """The test above would notice a view that cannot be written: here one whose letters have no group."""
    copied(tmp_path, "A view")
    path = tmp_path / "minigrad" / "drawing" / "views" / "leaves.py"
    text = path.read_text(encoding="utf-8").replace("return ops_view(", "return _without_letters(")
    text += "\n\ndef _without_letters(found, shown):\n"
    text += "    return __import__('dataclasses').replace(ops_view(found, shown=shown), groups=())\n"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(AssertionError, match=r"FAILED tests/test_registries.py.*leaves"):
        run_tests(tmp_path, "test_registries", "-k", "leaves")


def test_a_recipe_without_its_file_fails() -> None:
    """The tests above would notice if a block were not written."""
    code = next(body for language, body in RECIPES["A view"] if not HEAD.match(body))
    with pytest.raises(AssertionError, match="no view is called 'leaves'"):
        run(ROOT, "-c", code)


def test_a_diff_that_does_not_fit_is_refused() -> None:
    assert changed("a\nb\nc\nd\n", " a\n-b\n+e\n...\n+f\n d\n") == "a\ne\nc\nf\nd\n"
    with pytest.raises(AssertionError, match="occurs 0 times"):
        changed("a\nb\n", " a\n+x\n c\n")
    with pytest.raises(AssertionError, match="occurs 2 times"):
        changed("a\na\n", " a\n+x\n")


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
        views.register("mine", lambda request: ops_view(request.survey), "a cell that runs twice")
        assert views.VIEWS.help().count("mine") == 1 and "runs twice" in views.VIEWS.help()
    finally:
        views.unregister("mine")
    with pytest.raises(ArgumentError, match="no view is called 'mine'"):
        draw(y, view="mine")


@pytest.mark.parametrize(
    ("room", "name", "thing"),
    [(views, "ops", lambda request: None), (outputs, ".svg", lambda picture: ""), (main, "draw", "own_draw")],
)
def test_what_belongs_to_minigrad_is_neither_replaced_nor_removed(
    room: Any, name: str, thing: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "own_draw.py").write_text('"""Own."""\ndef add_options(p): ...\ndef run(a): ...\n')
    monkeypatch.syspath_prepend(str(tmp_path))
    y = Value(3.0, name="a") * 2
    before = (
        draw(y).save(tmp_path / "y.svg").read_bytes(),
        main.commands()["draw"],
        [*views.VIEWS, *outputs.OUTPUTS],
    )
    more = () if room is main else ("mine",)
    with pytest.raises(ArgumentError, match=f"called '{name}' already\n  write  another name than .*{name}"):
        room.register(name, thing, *more)
    for removed, reason in ((name, f"'{name}' belongs to minigrad"), ("nope", "is called 'nope'")):
        with pytest.raises(ArgumentError, match=f"{reason}\n  unregister removes what register added: none now"):
            room.unregister(removed)
    after = draw(y).save(tmp_path / "y.svg").read_bytes(), main.commands()["draw"], [*views.VIEWS, *outputs.OUTPUTS]
    assert after == before


def test_the_name_of_a_view_of_minigrad_is_taken_before_any_view_was_looked_up() -> None:
    code = "from minigrad.drawing import views\nviews.register('quotient', lambda request: None, 'mine')"
    with pytest.raises(AssertionError, match="there is a view called 'quotient' already"):
        run(ROOT, "-c", code)


def test_a_decorator_in_a_package_of_ones_own_registers_what_can_be_removed() -> None:
    @outputs.output(".mine", "mine")
    def write(picture: outputs.Picture) -> str:
        return "mine"

    assert ".mine" in outputs.OUTPUTS
    outputs.unregister(".mine")
    assert ".mine" not in outputs.OUTPUTS


def without_letters(made: Diagram) -> Diagram:
    return replace(made, groups=())


FAULTS = {
    "node n0 has the letter A, which no group has": without_letters,
    "edge e0 ends at n7, which is no node": lambda made: replace(made, edges=(replace(made.edges[0], tail="n7"),)),
    "group A has the member n0, which is no node": lambda made: replace(made, nodes=made.nodes[1:], edges=()),
    "two nodes have the same id": lambda made: replace(made, nodes=made.nodes[:1] * 2),
    "node n0 is in cluster 3 of 0": lambda made: replace(made, nodes=(replace(made.nodes[0], cluster=3),)),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_diagram_that_does_not_fit_together_is_refused_and_other_pictures_are_drawn(
    fault: str, tmp_path: Path
) -> None:
    y = Value(3.0, name="a") + Value(2.0, name="b")
    right = draw(y).save(tmp_path / "right.html").read_bytes()
    views.register("mine", lambda request: FAULTS[fault](ops_view(request.survey)), "broken")
    try:
        with pytest.raises(ArgumentError, match=f"of the view 'mine' does not fit together: {fault}\n  write"):
            draw(y, view="mine")
        with pytest.warns(RuntimeWarning, match=f"will not offer the view 'mine': .*{fault}") as warned:
            assert draw(y).save(tmp_path / "y.html").read_bytes() == right
        assert [Path(one.filename).name for one in warned] == [Path(__file__).name]
    finally:
        views.unregister("mine")


def test_a_view_that_raises_takes_no_other_picture_away() -> None:
    y = Value(3.0, name="a") * 2
    views.register("mine", lambda request: {}["A"], "broken")  # type: ignore[arg-type, return-value]
    try:
        with pytest.raises(KeyError):
            draw(y, view="mine")
        with pytest.warns(RuntimeWarning, match=r"will not offer the view 'mine': it raised KeyError\('A'\)"):
            assert [made.view for made in draw(y).others] == ["quotient"]
    finally:
        views.unregister("mine")


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
