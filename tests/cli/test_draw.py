"""``python -m minigrad draw``: the picture of an expression, and its errors."""

from __future__ import annotations

from pathlib import Path

import pytest

from minigrad.cli import main

NET = "sigmoid(w5*sigmoid(w1*x1 + w2*x2) + w6*sigmoid(w3*x1 + w4*x2))"
VALUES = ["x1=1", "x2=2", *(f"w{k}=.1" for k in range(1, 7))]


def test_a_network_in_a_line_is_drawn_and_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "net.svg"
    assert main.main(["draw", NET, *VALUES, "-o", str(path)]) == 0
    title, where = capsys.readouterr().out.splitlines()
    assert "gradients that stay equal: w1 = w3, w2 = w4, w5 = w6; now also x1 = x2" in title and where == str(path)
    assert "sigmoid" in path.read_text(encoding="utf-8")


def test_values_may_stand_on_both_sides_of_an_option(tmp_path: Path) -> None:
    path = tmp_path / "net.dot"
    assert main.main(["draw", "w*x", "w=2", "-o", str(path), "x=3"]) == 0
    assert path.exists()


def test_an_unknown_option_is_refused_beside_words(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main.main(["draw", "w*x", "w=2", "--shade", "x=3"])
    assert left.value.code == 2 and "--shade" in capsys.readouterr().err


def test_without_a_file_the_picture_is_printed_as_text(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(["draw", "w*x", "w=2", "x=3"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("y = 6") and any("├─ w" in line or "└─ w" in line for line in lines)


@pytest.mark.parametrize(
    "words", [["--view", "quotient"], ["--theme", "dark"], ["--view", "ops", "--theme", "print"]]
)
def test_views_and_themes_are_passed_on(words: list[str], tmp_path: Path) -> None:
    plain, other = tmp_path / "plain.svg", tmp_path / "other.svg"
    assert main.main(["draw", NET, *VALUES, "-o", str(plain)]) == 0
    assert main.main(["draw", NET, *VALUES, *words, "-o", str(other)]) == 0
    assert plain.read_bytes() != other.read_bytes()


@pytest.mark.parametrize(
    "words", [["sigmod(w)", "w=1"], ["w*x", "w=1"], ["w", "w=1", "-o", "net.bmp"], ["w", "w=1", "--view", "cards"]]
)
def test_a_mistake_is_told_on_stderr_and_1(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(["draw", *words]) == 1
    captured = capsys.readouterr()
    assert captured.out == "" and captured.err.startswith("minigrad: ") and "Traceback" not in captured.err
