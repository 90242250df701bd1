"""docs/kinks.md, made from the answers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .libraries import PEERS, Answer
from .points import SECTIONS, Point, points
from .reasons import reason
from .results import Results

HEAD = """# What libraries return where there is no unique derivative

Made by `python -m tests.conventions`; do not edit.

At a kink, a tie, a jump or the edge of a domain, every number is a convention, and libraries choose differently.
The same NumPy code was given to each: `np` is its own `numpy` (PyTorch: its functions of these names). The answers
are gradients in float64, of `x`, then of `y`, by reverse mode (dualpy has forward mode alone). Those that differ
from minigrad's are **bold**. – : the library has no such function, or no derivative of it. minigrad's reason is
that of its table, `minigrad/rules/README.md`.

`minigrad.check_grads` knows this page: at a kink, it names the libraries whose convention a given gradient follows;
of a wrong gradient at a smooth point, those that return the same.
"""
NO_ANSWER = "–"
FRACTIONS = {0.5: "½", 0.333333: "⅓", 0.25: "¼"}


def page(results: Results, own: dict[str, Answer]) -> str:
    """The whole page; own: minigrad's answers."""
    names = [name for name in PEERS if name in results.versions]
    parts = [HEAD.rstrip("\n"), _libraries(results, own, names)]
    if results.left_out:
        parts.append("Left out: " + "; ".join(f"{name} ({why})" for name, why in results.left_out.items()) + ".")
    for title, section in SECTIONS.items():
        rows = [_row(point, own[point.key], results.answers[point.key], names) for point in section]
        parts.append(f"## {title}\n\n{_table(['function', 'at', 'minigrad', *names, 'minigrad: why'], rows)}")
    return "\n\n".join(parts) + "\n"


def _libraries(results: Results, own: dict[str, Answer], names: list[str]) -> str:
    """How many points each library answers, and how often otherwise than minigrad."""
    rows = []
    for name in names:
        texts = [(text(results.answers[key][name]), text(own[key])) for key in (p.key for p in points())]
        answered = [pair for pair in texts if pair[0] != NO_ANSWER]
        differs = sum(a != b for a, b in answered)
        rows.append([name, results.versions[name], f"{len(answered)} of {len(texts)}", str(differs)])
    return _table(["library", "version", "points answered", "otherwise than minigrad"], rows)


def _row(point: Point, own: Answer, answers: dict[str, Answer], names: list[str]) -> list[str]:
    mine = text(own)
    texts = [text(answers[name]) for name in names]
    cells = [cell if cell in (mine, NO_ANSWER) else f"**{cell}**" for cell in texts]
    return [f"`{point.code}`", point.place, mine, *cells, reason(point)]


def text(answer: Answer) -> str:
    """An answer as on the page: ``½``, ``(1, 0)``, ``0 and 1`` for two arguments; LinAlgError by its name."""
    if isinstance(answer, str):
        return "LinAlgError" if "LinAlgError" in answer else NO_ANSWER
    return " and ".join(map(_array, answer))


def _array(x: Any) -> str:
    if not isinstance(x, list):
        return _number(x)
    if isinstance(x[0], list):
        return f"({'; '.join(', '.join(map(_number, row)) for row in x)})"
    return f"({', '.join(map(_number, x))})"


def _number(x: float) -> str:
    fraction = FRACTIONS.get(abs(x))
    return f"{'-' * (x < 0)}{fraction}" if fraction else f"{x:.4g}"


def _table(heads: list[str], rows: Iterable[list[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
