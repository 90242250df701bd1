"""An explanation, and how to print it: as text in a terminal, as HTML in a notebook."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .paths import Path

SHOWN = 3  # tables
Cells = list[tuple[str, ...]]


@dataclass(frozen=True)
class Pair:
    """A path of the first gradient, the matching one of the second (or None), and the factors that differ."""

    first: Path
    second: Path | None
    differ: tuple[int, ...]


@dataclass(frozen=True)
class PathGroup:
    """Pairs of paths with the same kinds of steps that differ in the same factors; the largest comes first."""

    pairs: tuple[Pair, ...]


@dataclass(frozen=True, eq=False)
class Explanation:
    """Where one gradient comes from, or why two are equal or differ. Prints as text, and as HTML in notebooks.

    sentence   the finding            gradients  one number, or two
    groups     of paths               total      paths of each gradient
    equal      now, to rounding       opposite   now, to rounding
    proved     always equal, or always opposite
    """

    sentence: str
    titles: tuple[str, ...]
    gradients: tuple[float, ...]
    groups: tuple[PathGroup, ...]
    total: tuple[int, ...]
    seen: int
    equal: bool = False
    proved: bool = False
    opposite: bool = False

    def __str__(self) -> str:
        """The sentence, and a table for each of the largest groups."""
        return explanation_text(self)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        """For notebooks."""
        return html(self)


def explanation_text(explanation: Explanation) -> str:
    """The sentence, a table for each of the largest groups of paths, and a line that counts the rest."""
    lines = [explanation.sentence]
    for group in explanation.groups[:SHOWN]:
        lines += ["", *_align(_cells(group, explanation.titles))]
        if note := _others(group):
            lines.append(f"  {note}")
    if rest := _rest(explanation):
        lines += ["", rest]
    return "\n".join(lines)


def html(explanation: Explanation) -> str:
    """The same as a fragment of HTML: a table per group; rows that differ are bold and marked by ≠."""
    from html import escape  # only notebooks need it

    parts = [f"<p><strong>{escape(explanation.sentence)}</strong></p>"]
    for group in explanation.groups[:SHOWN]:
        head, *rows = _cells(group, explanation.titles)
        parts.append("<table><thead><tr>" + "".join(f"<th>{escape(c)}</th>" for c in head) + "</tr></thead><tbody>")
        for row in rows:
            tag = "th" if row[-1] == "≠" else "td"
            parts.append("<tr>" + "".join(f"<{tag}>{escape(c)}</{tag}>" for c in row) + "</tr>")
        parts.append("</tbody></table>")
        if note := _others(group):
            parts.append(f"<p>{escape(note)}</p>")
    if rest := _rest(explanation):
        parts.append(f"<p>{escape(rest)}</p>")
    return "\n".join(parts)


def _cells(group: PathGroup, titles: Sequence[str]) -> Cells:
    """The header, one row per factor, the product. Each row: the factor, both formulas and numbers, the mark."""
    pair = group.pairs[0]
    sides = [pair.first] + ([pair.second] if pair.second is not None else [])
    head = ["factor"]
    for path in sides:
        head += [f"via {_via(path)}", ""]
    rows = [(*head, "")]
    for k in range(len(pair.first.factors)):
        factors = [side.factors[k] for side in sides]
        row = [_of(pair, k)]
        for factor in factors:
            row += [factor.words, f"= {factor.number:.4g}"]
        rows.append((*row, "≠" if k in pair.differ and pair.second is not None else ""))
    last = ["product"]
    for path in sides:
        last += ["", f"= {path.product:.4g}"]
    return [*rows, (*last, "")]


def _via(path: Path) -> str:
    inner = [factor.lower for factor in path.factors[:-1]]
    if not path.factors:
        return "itself"
    return " ".join(inner[-3:][::-1]) if inner else path.factors[-1].lower


def _of(pair: Pair, k: int) -> str:
    """∂upper/∂lower; if two names differ, their common stem without numbers."""
    a = pair.first.factors[k]
    if pair.second is None:
        return f"∂{a.upper}/∂{a.lower}"
    b = pair.second.factors[k]
    return f"∂{_common(a.upper, b.upper)}/∂{_common(a.lower, b.lower)}"


def _common(a: str, b: str) -> str:
    if a == b:
        return a
    stem = a.split("[")[0]
    if stem == b.split("[")[0] and stem != a:
        return stem
    return stem.rstrip("0123456789") or stem


def _others(group: PathGroup) -> str:
    """A line about the other paths of a group."""
    n = len(group.pairs) - 1
    if not n:
        return ""
    first = sum(pair.first.product for pair in group.pairs[1:])
    sums = f"{first:.4g}"
    if group.pairs[0].second is not None:
        sums += f" and {sum(pair.second.product for pair in group.pairs[1:] if pair.second is not None):.4g}"
    return f"and {n:,} more path{'' if n == 1 else 's'} like it, together {sums}"


def _rest(explanation: Explanation) -> str:
    """A line about the paths not shown."""
    hidden = explanation.groups[SHOWN:]
    unseen = explanation.total[0] - explanation.seen
    notes = []
    if hidden:
        count = sum(len(group.pairs) for group in hidden)
        product: Any = sum(pair.first.product for group in hidden for pair in group.pairs)
        notes.append(
            f"{count:,} path{'' if count == 1 else 's'} of {len(hidden)} other kinds, together {product:.4g}"
        )
    if unseen:
        seen = sum(pair.first.product for group in explanation.groups for pair in group.pairs)
        notes.append(f"{unseen:,} smaller paths, together {explanation.gradients[0] - seen:.4g}")
    return f"left out: {'; '.join(notes)}" if notes else ""


def _align(rows: Cells) -> list[str]:
    """Pad each column to one width, two spaces apart."""
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    return [("  " + "  ".join(f"{c:<{w}}" for c, w in zip(row, widths, strict=True))).rstrip() for row in rows]
