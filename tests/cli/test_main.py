"""The command line: its words, its exit statuses, and that it prints anywhere."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

import minigrad
from minigrad.cli import main
from minigrad.cli.commands import tour

ROOT = Path(minigrad.__file__).parents[1]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Where a tour was asked for; none is given."""
    folders: list[Path] = []
    monkeypatch.setattr(tour, "tour", folders.append)
    return folders


def test_no_command_is_the_tour_and_out_may_stand_on_either_side(asked: list[Path]) -> None:
    for argv in ([], ["tour"], ["--out", "a"], ["tour", "--out", "b"], ["--out", "c", "tour"]):
        assert main.main(argv) == 0
    assert list(map(str, asked)) == ["minigrad-tour", "minigrad-tour", "a", "b", "c"]


@pytest.mark.parametrize("argv", [["paint"], ["--colour"], ["tour", "--out"], ["tour", "x"]])
def test_an_unknown_word_exits_with_2(
    argv: list[str], asked: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        main.main(argv)
    assert left.value.code == 2 and asked == []
    assert "usage: minigrad" in capsys.readouterr().err


def test_the_version_says_whether_c_code_runs(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MINIGRAD_NATIVE", "0")
    with pytest.raises(SystemExit) as exit:
        main.main(["--version"])
    first, second = capsys.readouterr().out.splitlines()
    assert exit.value.code == 0 and first.startswith("minigrad ") and "NumPy" in first
    assert "MINIGRAD_NATIVE=0" in second or "cannot be used" in second


def test_help_says_what_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main.main(["--help"])
    assert left.value.code == 0
    text = capsys.readouterr().out
    assert "tour" in text and "--out DIR" in text and "minigrad-tour" in text


def test_a_folder_that_cannot_be_made_is_one_line_and_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    assert main.main(["--out", str(tmp_path / "file")]) == 1
    captured = capsys.readouterr()
    assert captured.out == "" and captured.err.startswith("minigrad: ") and captured.err.count("\n") == 1


def test_letters_that_stdout_cannot_take_are_spelled_plainly(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="ascii"))
    monkeypatch.setattr(tour, "tour", lambda out: print("∂J/∂w1 ≠ σ(z) ─ 漢"))
    assert main.main([]) == 0
    assert raw.getvalue().decode() == "dJ/dw1 != s(z) - ?" + os.linesep


def test_without_a_stdout_there_is_no_error(monkeypatch: pytest.MonkeyPatch, asked: list[Path]) -> None:
    monkeypatch.setattr(sys, "stdout", None)  # as under pythonw
    assert main.main([]) == 0 and len(asked) == 1


@pytest.mark.slow  # it is the whole tour
def test_python_m_minigrad_in_an_ascii_world_without_a_terminal(tmp_path: Path) -> None:
    environment = {k: v for k, v in os.environ.items() if k not in {"PYTHONUTF8", "LANG"}}
    run = subprocess.run(
        [sys.executable, "-m", "minigrad"],
        cwd=tmp_path,
        env=environment | {"PYTHONIOENCODING": "ascii", "LC_ALL": "C", "PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert run.returncode == 0 and run.stderr == b""
    assert b"differ because w5 != w6 and a1 != a2" in run.stdout
    assert b"?" not in run.stdout.replace(b"same thing?", b"")
    assert sorted(p.name for p in (tmp_path / "minigrad-tour").iterdir()) == [
        "all-ones.svg",
        "one-neuron-is-linear.svg",
        "two-neurons-tied.svg",
        "two-neurons.svg",
    ]


@pytest.mark.skipif(os.name == "nt", reason="a POSIX pipe")
def test_a_reader_that_leaves_is_no_traceback(tmp_path: Path) -> None:
    code = (
        "import sys, minigrad.cli.commands.tour as t; t.tour = lambda out: print('x' * 100_000); "
        "from minigrad.cli.main import main; sys.exit(main([]))"
    )
    read, write = os.pipe()
    os.close(read)
    run = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=write,
        stderr=subprocess.PIPE,
        timeout=60,
        check=False,
    )
    os.close(write)
    assert run.returncode == 1 and run.stderr == b""


def told(capsys: pytest.CaptureFixture[str], *argv: str) -> str:
    assert main.main(["ties", *argv]) == 0
    return capsys.readouterr().out


def test_ties_of_a_network_of_ones(capsys: pytest.CaptureFixture[str]) -> None:
    text = told(capsys, "2-3-3-2", "--init", "ones", "--activation", "sigmoid", "--loss", "squared")
    lines = text.splitlines()
    assert lines[0] == "29 parameters move as 9 · hidden layers of 3 and 3 act as 1 and 1"
    assert lines[1] == "for all data; groups of several: proved"
    assert len([line for line in lines if " × " in line]) == 9
    assert "    4     9 ×  W2[0,0], W2[0,1], W2[0,2], W2[1,0], W2[1,1], W2[1,2], … 3 more" in lines
    assert lines[-1] == "distinct neurons per hidden layer: 1, 1"


def test_ties_from_zeros_random_numbers_and_other_losses(capsys: pytest.CaptureFixture[str]) -> None:
    assert "36 ×  never move  W1[0,0]" in told(capsys, "2-4-4-1", "--init", "zeros")
    assert told(capsys, "2-3-1", "--init", "normal").startswith("13 parameters move as 13 ")
    assert told(capsys, "2-3-3", "--init", "0.5", "--loss", "cross-entropy").startswith(
        "21 parameters move as 9, 9 of them"
    )
    binary = told(capsys, "2-3-1", "--init", "0.5", "--output", "sigmoid", "--loss", "binary")
    assert binary.startswith("13 parameters move as 5 ")


def test_ties_of_a_wide_network_do_not_fill_the_screen(capsys: pytest.CaptureFixture[str]) -> None:
    text = told(capsys, "2-40-1", "--init", "normal")
    assert text.count("\n") < 70 and "… 101 more groups, 101 of them of one entry" in text


def test_ties_for_all_data_do_not_warn_of_numbers_that_stand_for_any(capsys: pytest.CaptureFixture[str]) -> None:
    """Without a sigmoid at the end the drawn numbers are no probabilities, and their logarithm is none."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert told(capsys, "2-3-1", "--loss", "binary").startswith("13 parameters move as 5 ")


def test_ties_of_what_is_no_network(capsys: pytest.CaptureFixture[str]) -> None:
    for argv in (["ties", "2-x"], ["ties", "3"], ["ties", "2-0-1"], ["ties"], ["ties", "2-1", "--loss", "guess"]):
        with pytest.raises(SystemExit) as left:
            main.main(argv)
        assert left.value.code == 2
    assert "write its sizes like 2-3-3-2" in capsys.readouterr().err
    assert main.main(["ties", "2-3-1", "--init", "guess"]) == 3
    assert "no initialiser is called 'guess'" in capsys.readouterr().err
