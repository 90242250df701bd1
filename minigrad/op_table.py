"""The table of operations for readers, page by page, as records and as Markdown."""

from __future__ import annotations

import importlib
from contextlib import suppress
from dataclasses import astuple, dataclass, fields
from typing import Any

import numpy as np

from .engine.op import COMPOSED, PAGES, TABLE, Op, find
from .engine.refusals import spelling
from .rules.layers import dropout
from .rules.shaping import stack
from .transforms.custom_ops import has_jvp, is_replaced


@dataclass(frozen=True)
class OpRow:
    """One line of the table.

    page: where the rule is stated. op: the function. forward, reverse, higher: the modes it has rules for
    (higher order: the rules run on Values). kink: the policy where there is no unique derivative.
    """

    page: str
    op: str
    label: str
    formula: str
    forward: str
    reverse: str
    higher: str
    domain: str
    kink: str


def ops() -> list[OpRow]:
    """The table of operations, ordered by page, then by name; with those of other packages that are installed."""
    read_pages()
    rows = {record: _row(record) for record in TABLE.values() if not is_replaced(record)}
    return sorted(rows.values(), key=lambda row: (row.page, row.op))


def read_pages() -> None:
    """Read the pages of rules for packages that are installed, which are otherwise read when they are needed."""
    for module in PAGES:
        with suppress(ImportError):
            importlib.import_module(module)
    find(None)


def markdown() -> str:
    """The table as Markdown, one section per page."""
    lines = ["# The derivative table", "", "Made by `python -m minigrad ops --markdown`; do not edit.", ""]
    names = [field.name for field in fields(OpRow)][1:]
    table = ops()
    for page in dict.fromkeys(row.page for row in table):
        lines += [f"## {page}", "", f"| {' | '.join(names)} |", f"|{' --- |' * len(names)}"]
        lines += [f"| {' | '.join(map(_cell, astuple(row)[1:]))} |" for row in table if row.page == page]
        lines.append("")
    lines += [
        "## composed functions",
        "",
        "These functions, or calls with these arguments, are written with functions that have a rule.",
        "",
        "| op | formula |",
        "| --- | --- |",
    ]
    lines += [f"| {_cell(name)} | {_cell(formula)} |" for name, formula in composites()]
    return "\n".join(lines).rstrip()


def composites() -> list[tuple[str, str]]:
    """Name and formula of each function that has no rule, but is written with functions that have one."""
    ours = [(f"minigrad.{f.__name__}", str(f.__doc__).splitlines()[0].rstrip(".")) for f in (dropout, stack)]
    return sorted([*((qualified(c.function) + c.arguments, c.formula) for c in COMPOSED.values()), *ours])


def table_text() -> str:
    """The table for a terminal: one line per op."""
    table = ops()
    widths = [max(len(getattr(row, name)) for row in table) for name in ("op", "label", "formula")]
    lines = []
    for page in dict.fromkeys(row.page for row in table):
        lines += [page, "─" * len(page)]
        for row in table:
            if row.page == page:
                cells = zip((row.op, row.label, row.formula), widths, strict=True)
                left = "  ".join(f"{cell:<{width}}" for cell, width in cells)
                modes = f"{row.forward:<7}  {row.reverse:<7}  {row.higher:<9}"
                lines.append(f"  {left}  {modes}  {row.domain}{'; kink: ' if row.kink else ''}{row.kink}".rstrip())
        lines.append("")
    width = max(len(name) for name, _ in composites())
    lines += ["composed functions", "─" * 18, *(f"  {name:<{width}}  {formula}" for name, formula in composites())]
    return "\n".join(lines).rstrip()


def _row(record: Op) -> OpRow:
    differentiable = bool(record.vjps)
    return OpRow(
        page=record.page,
        op=qualified(record.function),
        label=record.label,
        formula=record.formula,
        forward=("forward" if has_jvp(record) else "none") if differentiable else "zero",
        reverse="reverse" if differentiable else "zero",
        higher="any order" if differentiable else "zero",
        domain=", ".join(map(str, record.domain)),
        kink=record.kink,
    )


def op_name(record: Op) -> str:
    """The name of the function, as a user writes it."""
    return qualified(record.function)


def qualified(function: Any) -> str:
    """np.exp, np.linalg.norm, minigrad.relu, operator.getitem; bare names in a script and of other ufuncs."""
    if isinstance(function, np.ufunc):
        return spelling(function)
    if getattr(function, "__module__", "") == "__main__":
        return str(function.__name__)
    if isinstance(ufunc := getattr(function, "__self__", None), np.ufunc):
        return f"{qualified(ufunc)}.{function.__name__}"
    module = str(getattr(function, "__module__", "")) or "numpy"
    module = "minigrad" if module.startswith("minigrad") else module.lstrip("_").replace("numpy", "np")
    return f"{module}.{function.__name__}"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
