"""The report of a check: its findings, and the page that prints them."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass, field
from typing import Any, Literal

from ...errors import MinigradError
from .kinds import KINDS, UNRESOLVED, WRONG

Verdict = Literal["agree", "disagree", "unresolved"]
MOST_SHOWN = 8  # findings printed in full
PAGE, LABEL = 100, 14  # columns of a page; of the labels at its left


class GradientMismatch(MinigradError, AssertionError):
    """A gradient is wrong; `report` shows where and how."""

    def __init__(self, report: Report) -> None:
        super().__init__(f"\n{report}")
        self.report = report

    def __reduce__(self) -> Any:
        return type(self), (self.report,)


class GradientUnresolved(MinigradError, ArithmeticError):
    """The check could not decide whether a gradient is right; `report` shows why."""

    def __init__(self, report: Report) -> None:
        super().__init__(f"\n{report}")
        self.report = report

    def __reduce__(self) -> Any:
        return type(self), (self.report,)


@dataclass(frozen=True)
class Finding:
    """One finding of a check.

    kind       a word from `kinds`
    path       the argument: ``params['w'][0]``; "" if it concerns the whole
    index      the entry shown, () for a number, None if it concerns no entry
    given, reference   the given and the measured entry, with the error bar `error`; None if it concerns no entry
    sentence   the finding in words and numbers
    """

    kind: str
    path: str = ""
    index: tuple[int, ...] | None = None
    given: float | None = None
    reference: float | None = None
    error: float | None = None
    sentence: str = ""

    @property
    def gravity(self) -> int:
        """Its rank among findings: wrong, unresolved, remarks, each in the order of `kinds`."""
        return [*KINDS].index(self.kind)

    @property
    def place(self) -> str:
        """The entry as code: ``params['w'][0][2, 1]``."""
        return f"{self.path}[{', '.join(map(str, self.index))}]" if self.index else self.path

    def lines(self) -> list[str]:
        """The finding as lines of a page."""
        rows = []
        if self.given is not None and self.reference is not None:
            bar = "" if self.error is None else f" ± {self.error:.0e}"
            place = f"at {self.place}"
            digits, off = _digits(self.given, self.reference), relative_difference(self.given, self.reference)
            rows.append(
                f"{place:<14}  given  {self.given:.{digits}g}     reference  {self.reference:.{digits}g}{bar}"
                f"{'     ' + off if off else ''}"
            )
        return [f"  {row}" for row in [*rows, *block(self.kind, self.sentence)]]


def relative_difference(given: float | None, reference: float | None) -> str:
    """How far a number is off, relative to its reference, as "off by 0.1 %"; "" if that says nothing."""
    if given is None or not reference:
        return ""
    off = abs(given - reference) / abs(reference)
    if not 0 < off < float("inf"):
        return ""
    percent = f"{100 * off:,.0f}" if off >= 0.1 else f"{100 * off:.2g}"
    return f"off by {f'{percent} %' if 1e-4 <= off < 1e4 else f'{off:.1e} of it'}"


def block(label: str, text: str) -> list[str]:
    """A label and the text beside it, in lines that fit on a page."""
    width = PAGE - LABEL - 4
    pieces = [
        textwrap.wrap(line, width, break_long_words=False, break_on_hyphens=False) for line in text.split("\n")
    ]
    lines = [line for piece in pieces for line in piece or [""]]
    return [f"{'' if k else label:<{LABEL}}  {line}" for k, line in enumerate(lines)]


def _digits(given: float, reference: float) -> int:
    """The number of digits that show the difference of two numbers, at least six."""
    gap, size = abs(given - reference), max(abs(given), abs(reference))
    if not 0 < gap < float("inf") or not size:
        return 6
    return min(17, max(6, next(n for n in range(1, 20) if gap >= size * 10.0**-n) + 2))


@dataclass(frozen=True)
class Precision:
    """A comparison of derivatives in the given type with those in float64.

    name: of the type. largest: the largest finite difference. power: the smallest one that rounding does not
    explain. Both are relative to the largest entry. wide: the type in place of float64, if there is nothing wider.
    """

    name: str
    largest: float
    power: float
    wide: str = "float64"

    def __str__(self) -> str:
        """The line of a report."""
        if not self.power < 1:
            return f"in {self.name}: the numbers are too small to compare"
        return (
            f"in {self.name}: largest relative difference from {self.wide} {self.largest:.0e}; "
            f"rounding explains {self.power:.0e}"
        )


@dataclass(frozen=True)
class Report:
    """The outcome of a check.

    name             the function checked
    findings         its findings, the gravest first
    resolving_power  the smallest relative error of an entry that the check would find; inf if it compared nothing
    largest          the largest difference explained by rounding, relative to the largest entry
    evaluations      number of evaluations of the function
    arguments, entries   how many were differentiated
    remarks          which parts were not checked, and how the others were checked
    culprit          for minigrad's own derivatives: the op whose rule is wrong, as `check_graph` names it
    precision        the comparison in the given type, if that is not float64 and f was measured in float64
    """

    name: str
    findings: tuple[Finding, ...] = ()
    resolving_power: float = float("inf")
    largest: float = 0.0
    evaluations: int = 0
    arguments: int = 0
    entries: int = 0
    remarks: tuple[str, ...] = field(default=())
    culprit: str = ""
    precision: Precision | None = None

    @property
    def verdict(self) -> Verdict:
        """ "disagree" if anything is wrong, "unresolved" if anything is undecided, else "agree"."""
        kinds = {finding.kind for finding in self.findings}
        if kinds & WRONG.keys():
            return "disagree"
        return "unresolved" if kinds & UNRESOLVED.keys() else "agree"

    @property
    def ok(self) -> bool:
        """Whether the verdict is "agree"."""
        return self.verdict == "agree"

    def __bool__(self) -> bool:
        """The same, so that ``assert gradient_report(...)`` fails where a derivative is wrong."""
        return self.ok

    def __str__(self) -> str:
        """The page."""
        lines = [f"{self._headline():<68} {self.verdict}"]
        shown = self.findings[:MOST_SHOWN]
        for finding in shown:
            lines += finding.lines()
        if len(self.findings) > len(shown):
            lines.append(f"  and {len(self.findings) - len(shown)} more findings (report.findings)")
        if self.culprit:
            lines += [f"  {line}" for line in self.culprit.splitlines()]
        return "\n".join([*lines, *(f"  {remark}" for remark in self.remarks), f"  {self._power()}"])

    def _repr_html_(self) -> str:
        import html  # imported here because it takes longer than the rest of this file

        colour = {"agree": "#009E73", "disagree": "#D55E00", "unresolved": "#E69F00"}[self.verdict]
        return (
            f'<pre role="note" aria-label="gradient check: {self.verdict}" style="border-left: 4px solid {colour}; '
            f'padding-left: 1em; line-height: 1.35">{html.escape(str(self))}</pre>'
        )

    def _headline(self) -> str:
        paths = list(dict.fromkeys(f.path for f in self.findings if f.path and f.kind in WRONG))
        if self.verdict == "disagree":
            whose = " and ".join(paths[:3]) + (f" and {len(paths) - 3} more" if len(paths) > 3 else "")
            return f"{self.name}: {f'gradient of {whose}' if whose else 'the gradient'} is wrong"
        count = f"{self.arguments} argument{'s' * (self.arguments != 1)}"
        return f"{self.name}: {count}, {self.entries:,} entr{'ies' if self.entries != 1 else 'y'}"

    def _power(self) -> str:
        power = f"the check would find a relative error of {self.resolving_power:.0e}"
        if self.resolving_power == float("inf"):
            power = "there was nothing to compare" if not self.findings else "no error is ruled out, however large"
            if self.verdict == "agree" and self.findings:
                power = "an error between the slopes of both sides does not show"
        largest = (
            f"largest relative difference {self.largest:.0e}; " if self.verdict == "agree" and self.entries else ""
        )
        line = f"{largest}{power}; {self.evaluations:,} evaluations"
        return line if self.precision is None else f"in {self.precision.wide}: {line}\n  {self.precision}"
