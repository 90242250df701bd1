"""``python -m minigrad check``: its exit statuses, what it finds in files, and when it shows a bar."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minigrad
from minigrad.cli import locate, main
from minigrad.cli.locate import Misuse, point

MODEL = """
import numpy as np
from shared import scale

def loss(w, x): return scale * np.sum(np.sin(w) * x)
def right(w, x): return scale * np.cos(w) * x, scale * np.sin(w)
def wrong(w, x): return scale * np.cos(w) * x, scale * np.cos(w)
def f(x): return np.sum(np.sin(x))
def df(x): return np.cos(x)
def minus(x): return -np.cos(x)
def df2(x): return np.diag(-np.sin(x))
def vector(x): return np.sin(x)
def pull(g, x): return g * np.cos(x)
def push(args, tangents): return np.cos(args[0]) * tangents[0]
def matrix(x): return np.diag(np.cos(x))
def noisy(x): return float(np.sum(np.sin(x)) + 1e-3 * np.random.default_rng().normal())
def params(p): return np.sum(p["w"] * p["b"])
def pair(p): return p[0] * p[1] ** 2
class Model:
    @staticmethod
    def f(x): return np.sum(x * x)
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A model beside a module of its own, and nothing left behind of either."""
    (tmp_path / "model.py").write_text(MODEL)
    (tmp_path / "shared.py").write_text("scale = 2.0\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    for name in ("model", "shared"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    locate.load.cache_clear()
    return tmp_path


def check(*argv: str) -> int:
    try:
        return main.main(["check", *argv])
    except SystemExit as left:
        return int(left.code or 0)


AT = ["--at", "[0.5, -1.2]"]
AGREE: list[list[str]] = [
    ["model.py::f", "--grad", "df", *AT],
    ["model.py::f", *AT],
    ["model.py::f", "--order", "3", *AT],
    ["model.py::f", "--modes", "rev", *AT],
    ["model.py::f", "--grad", "model.py::df", *AT],
    ["model.py::f", "--hess", "df2", *AT],
    ["model.py::vector", "--vjp", "pull", *AT],
    ["model.py::vector", "--jvp", "push", *AT],
    ["model.py::vector", "--jac", "matrix", *AT],
    ["model.py::loss", "--grad", "right", *AT, "--at", "[1.0, 2.0]"],
    ["model.py::params", "--at", "{'w': [1.0, 2.0], 'b': 3.0}"],
    ["model.py::pair", "--at", "(2.0, 3.0)"],
    ["model.py::Model.f", *AT],
    ["model.py::f", "--at=-1e-3"],
]


@pytest.mark.parametrize("argv", AGREE, ids=" ".join)
def test_a_right_gradient_leaves_with_0(argv: list[str], folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status = check(*argv)
    captured = capsys.readouterr()
    assert status == 0, captured
    assert "agree" in captured.out.splitlines()[0] and captured.err == ""


@pytest.mark.parametrize(
    "argv",
    [
        ["model.py::f", "--grad", "minus", *AT],
        ["model.py::loss", "--grad", "wrong", *AT, "--at", "[1.0, 2.0]"],
        ["model.py::vector", "--vjp", "pull", "--jvp", "push", "--jac", "df2", *AT],
        ["model.py::f", "--hess", "matrix", *AT],
    ],
    ids=" ".join,
)
def test_a_wrong_gradient_leaves_with_1_and_the_report(
    argv: list[str], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert check(*argv) == 1
    captured = capsys.readouterr()
    assert "disagree" in captured.out.splitlines()[0] and "given" in captured.out and captured.err == ""


def test_what_cannot_be_told_leaves_with_2_unless_that_is_allowed(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    argv = ["model.py::noisy", "--grad", "df", *AT]
    assert check(*argv) == 2
    assert "unresolved" in capsys.readouterr().out.splitlines()[0]
    assert check(*argv, "--allow-unresolved") == 0
    assert check("model.py::f", "--grad", "df", "--evaluations", "5", *AT) == 2
    assert check("model.py::f", "--grad", "minus", "--allow-unresolved", *AT) == 1


MISUSED: dict[str, tuple[list[str], str]] = {
    "no such file": (["nowhere.py::f", *AT], "there is no file nowhere.py in"),
    "no such function": (["model.py::g", *AT], "model.py has no 'g'; it has loss, right, wrong, f,"),
    "no function named": (["model.py", *AT], "write  path/to/file.py::function"),
    "no such gradient": (["model.py::f", "--grad", "dg", *AT], "model.py has no 'dg'"),
    "not a function": (["model.py::scale", *AT], "model.py::scale is not a function, but float"),
    "no literal": (["model.py::f", "--at", "np.ones(3)"], "is neither a Python literal nor an .npy or .npz file"),
    "no such array": (["model.py::f", "--at", "x.npy"], "--at x.npy cannot be read"),
    "nothing to differentiate": (["model.py::f", "--at", "[1, 2]"], "float"),
    "no point": (["model.py::f"], "the following arguments are required: --at"),
    "unknown option": (["model.py::f", *AT, "--graad", "df"], "unrecognized arguments: --graad"),
    "order": (["model.py::f", *AT, "--order", "4"], "order is 1, 2 or 3, got 4"),
    "modes": (["model.py::f", *AT, "--modes", "back"], "modes are 'rev' and 'fwd', got 'back'"),
    "evaluations": (["model.py::f", *AT, "--evaluations", "much"], "invalid int value: 'much'"),
    "no evaluations": (["model.py::f", *AT, "--evaluations", "0"], "at least 1, got 0"),
    "a gradient of several numbers": (["model.py::vector", "--grad", "df", *AT], "grad= needs a function that"),
    "broken file": (
        ["broken.py::f", *AT],
        "broken.py cannot be imported\n  line 2: ZeroDivisionError: division by",
    ),
    "no Python": (["text.txt::f", *AT], "text.txt is not a Python file"),
}


@pytest.mark.parametrize("case", MISUSED)
def test_what_cannot_be_checked_leaves_with_3_and_a_sentence(
    case: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Neither 1 nor 2: those are verdicts."""
    (folder / "broken.py").write_text("import math\nx = 1 / 0\n")
    (folder / "text.txt").write_text("f")
    argv, sentence = MISUSED[case]
    assert check(*argv) == 3
    captured = capsys.readouterr()
    assert sentence in captured.err and captured.out == ""
    assert "Traceback" not in captured.err


def test_other_commands_still_leave_with_2_when_misused() -> None:
    with pytest.raises(SystemExit) as left:
        main.main(["ops", "--foo"])
    assert left.value.code == 2


def test_arrays_come_from_npy_and_npz_files(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    w, x = np.array([0.5, -1.2]), np.array([1.0, 2.0])
    np.save("w.npy", w)
    np.save("x.npy", x)
    np.savez("both.npz", w, x)
    np.savez("named.npz", x=x, w=w)
    outputs = []
    for at in (["w.npy", "x.npy"], ["both.npz"], ["named.npz"], ["[0.5, -1.2]", "x.npy"]):
        argv = [word for text in at for word in ("--at", text)]
        assert check("model.py::loss", "--grad", "right", *argv) == 0
        outputs.append(capsys.readouterr().out)
    assert len(set(outputs)) == 1 and "2 arguments, 4 entries" in outputs[0]


def test_an_npz_file_is_read_in_the_order_of_the_parameters_or_as_it_was_saved(folder: Path) -> None:
    np.savez("named.npz", x=np.ones(1), w=np.zeros(2))
    assert [a.shape for a in point(["named.npz"], ["w", "x"])] == [(2,), (1,)]
    assert [a.shape for a in point(["named.npz"], ["a", "b"])] == [(1,), (2,)]


def test_pickled_objects_are_not_loaded(folder: Path) -> None:
    np.save("objects.npy", np.array([{}, {}], dtype=object), allow_pickle=True)
    with pytest.raises(Misuse, match=r"objects.npy cannot be read: .*allow_pickle=False"):
        point(["objects.npy"])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[0.5, -1]", np.array([0.5, -1.0])),
        ("[[1.0], [2.0]]", np.array([[1.0], [2.0]])),
        ("3", 3),
        ("'mean'", "mean"),
        ("None", None),
        (" 2.5", 2.5),
        ("[True, False]", np.array([True, False])),
    ],
)
def test_a_literal_is_what_it_says_and_its_lists_are_arrays(text: str, expected: Any) -> None:
    (got,) = point([text])
    assert type(got) is type(expected)
    np.testing.assert_array_equal(got, expected)
    assert getattr(got, "dtype", None) == getattr(expected, "dtype", None)


def test_nested_literals_keep_their_nesting() -> None:
    ((pair, nested),) = point(["((1.0, [2.0, 3.0]), {'w': [[1.0], [1.0, 2.0]]})"])
    assert pair[0] == 1.0 and isinstance(pair[1], np.ndarray)
    assert isinstance(nested["w"], list) and [a.shape for a in nested["w"]] == [(1,), (2,)]


def test_a_file_of_a_package_is_imported_as_its_neighbours_would(folder: Path) -> None:
    (folder / "pack").mkdir()
    (folder / "pack" / "__init__.py").touch()
    (folder / "pack" / "inner.py").write_text("from .other import f\ndf = f\n")
    (folder / "pack" / "other.py").write_text("import numpy as np\ndef f(x): return np.sum(np.exp(x))\n")
    assert check("pack/inner.py::f", *AT) == 0


def test_a_file_with_the_name_of_a_module_of_python_does_not_take_its_place(folder: Path) -> None:
    (folder / "random.py").write_text("import numpy as np\ndef f(x): return np.sum(np.exp(x))\n")
    import random

    assert check("random.py::f", *AT) == 0
    assert sys.modules["random"] is random and "checked_random" in sys.modules


def run(folder: Path, script: str, **how: Any) -> subprocess.CompletedProcess[Any]:
    root = str(Path(minigrad.__file__).parents[1])
    environment = os.environ | {"PYTHONPATH": root}
    return subprocess.run(
        [sys.executable, "-c", script], cwd=folder, env=environment, check=False, timeout=120, **how
    )


BAR = """
import sys, tqdm
real = tqdm.tqdm
tqdm.tqdm = lambda **how: real(**(how | CHANGES))
sys.stderr.isatty = lambda: TERMINAL
from minigrad.cli.main import main
sys.exit(main(["check", "model.py::f", "--grad", "df", "--at", "[0.5, -1.2]"]))
"""


def with_bar(terminal: bool, **changes: Any) -> str:
    """changes: delay=0 shows the bar at once, so that no test waits for a second to pass."""
    return BAR.replace("TERMINAL", str(terminal)).replace("CHANGES", repr({"mininterval": 0} | changes))


@pytest.mark.parametrize("terminal", [True, False])
def test_a_bar_is_shown_on_a_terminal_alone(terminal: bool, folder: Path) -> None:
    done = run(folder, with_bar(terminal, delay=0), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert ("evaluations" in done.stderr) is terminal
    assert done.stdout.startswith("f: 1 argument, 2 entries") and done.stdout.count("\n") == 2


def test_a_quick_check_shows_no_bar_on_a_terminal_either(folder: Path) -> None:
    done = run(folder, with_bar(True), capture_output=True, text=True)
    assert done.returncode == 0 and "evaluations" not in done.stderr


@pytest.mark.skipif(os.name == "nt", reason="a POSIX pipe")
def test_a_reader_that_leaves_is_no_verdict(folder: Path) -> None:
    """Status 1 would say that the gradient is wrong."""
    read, write = os.pipe()
    os.close(read)
    done = run(folder, with_bar(False), stdout=write, stderr=subprocess.PIPE)
    os.close(write)
    assert done.returncode == 3 and done.stderr == b""


def test_help_states_every_exit_status(capsys: pytest.CaptureFixture[str]) -> None:
    assert check("--help") == 0
    text = capsys.readouterr().out
    assert "0  agree        1  disagree        2  unresolved" in text and "  3  nothing to check" in text
    assert "--at POINT" in text and "--evaluations N" in text
