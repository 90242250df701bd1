"""``python -m minigrad compile``: the source of an expression and its gradients, and its errors."""

from __future__ import annotations

import numpy as np
import pytest

from minigrad.cli import main
from minigrad.cli.commands.compile import source
from minigrad.cli.expression import assignments, parse


def printed(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert main.main(["compile", *words]) == 0
    return capsys.readouterr().out


def test_numbers_are_compiled_forward_and_backward(capsys: pytest.CaptureFixture[str]) -> None:
    text = printed(capsys, "sigmoid(w*x + b)")
    assert "def step(w, x, b):" in text and "b + w * x  # * +" in text
    assert text.index("# forward") < text.index("# backward") < text.index("return (")


def test_what_is_printed_is_python_that_computes_the_expression() -> None:
    names: dict[str, object] = {"float64": np.float64, "np": np}
    exec(source(parse("w*x - w"), {}), names)
    step = names["make"]()  # type: ignore[operator]
    value, gradients = step(np.float64(3.0), np.float64(5.0))
    assert value == 12.0 and gradients == (4.0, 3.0)


def test_arrays_decide_the_shapes(capsys: pytest.CaptureFixture[str]) -> None:
    text = printed(capsys, "sum((x @ w - y)**2)", "x=[[1, 2], [3, 4]]", "w=[1, 2]", "y=[0, 1]")
    assert "@ (2,)" in text and "# backward" in text


def test_what_is_no_single_number_is_compiled_without_gradients(capsys: pytest.CaptureFixture[str]) -> None:
    text = printed(capsys, "x * 2", "x=[1, 2]")
    assert "# backward" not in text and "np.multiply(x, 2.0)" in text


def test_a_constant_is_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert "return" in printed(capsys, "3 * 4")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["sigmod(x)"], "write  sigmoid"),
        (["w", "x=1"], "the expression does not contain x"),
        (["x @ w"], "expected two arrays"),
        (["w", "w=q"], "q is a name"),
    ],
)
def test_a_mistake_is_told_on_stderr_and_1(words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(["compile", *words]) == 1
    captured = capsys.readouterr()
    assert captured.out == "" and said in captured.err and "Traceback" not in captured.err


def test_names_of_the_command_line_are_those_of_the_source() -> None:
    text = source(parse("alpha * np"), assignments(["np=2"]))
    assert "alpha" in text and "def step(alpha, np_):" in text
