"""What a check found: findings, and the page they are printed on."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass, field
from typing import Any, Literal

from ..errors import MinigradError
from .kinds import KINDS, UNRESOLVED, WRONG

Verdict = Literal["agree", "disagree", "unresolved"]
SHOWN = 8  # findings printed in full
PAGE, LABEL = 100, 14  # columns of a page; of the words at its left


class GradientMismatch(MinigradError, AssertionError):
    """A gradient is wrong; `report` says where and how."""

    def __init__(self, report: Report) -> None:
        super().__init__(f"\n{report}")
        self.report = report

    def __reduce__(self) -> Any:
        return type(self), (self.report,)


class GradientUnresolved(MinigradError, ArithmeticError):
    """Whether a gradient is right cannot be told; `report` says why."""

    def __init__(self, report: Report) -> None:
        super().__init__(f"\n{report}")
        self.report = report

    def __reduce__(self) -> Any:
        return type(self), (self.report,)


@dataclass(frozen=True)
class Finding:
    """One thing that was noticed.

    kind       a word out of `kinds`
    path       the argument: ``params['w'][0]``; "" where it is about the whole
    index      the entry of it that is shown, () for a number, None where it is about no entry
    given, reference   the entry as it was given and as it was measured, with the error bar `error`; None likewise
    sentence   what it is, in words and numbers
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
        """Its place among findings: what is wrong, what cannot be told, remarks, each as `kinds` lists it."""
        return [*KINDS].index(self.kind)

    @property
    def place(self) -> str:
        """The entry as code names it: ``params['w'][0][2, 1]``."""
        return f"{self.path}[{', '.join(map(str, self.index))}]" if self.index else self.path

    def lines(self) -> list[str]:
        """The finding on a page."""
        rows = []
        if self.given is not None and self.reference is not None:
            bar = "" if self.error is None else f" ± {self.error:.0e}"
            place = f"at {self.place}"
            digits = _digits(self.given, self.reference)
            rows.append(
                f"{place:<14}  given  {self.given:.{digits}g}     reference  {self.reference:.{digits}g}{bar}"
            )
        return [f"  {row}" for row in [*rows, *block(self.kind, self.sentence)]]


def block(label: str, text: str) -> list[str]:
    """A label and what is said beside it, in lines that fit on a page."""
    width = PAGE - LABEL - 4
    pieces = [
        textwrap.wrap(line, width, break_long_words=False, break_on_hyphens=False) for line in text.split("\n")
    ]
    lines = [line for piece in pieces for line in piece or [""]]
    return [f"{'' if k else label:<{LABEL}}  {line}" for k, line in enumerate(lines)]


def _digits(given: float, reference: float) -> int:
    """As many digits as show where two numbers differ, six at least."""
    gap, size = abs(given - reference), max(abs(given), abs(reference))
    if not 0 < gap < float("inf") or not size:
        return 6
    return min(17, max(6, next(n for n in range(1, 20) if gap >= size * 10.0**-n) + 2))


@dataclass(frozen=True)
class Report:
    """The outcome of a check.

    name             what was checked
    findings         what was noticed, the gravest first
    resolving_power  the smallest relative error of an entry that would have been seen; inf where none would
    largest          the largest difference that was seen and is no more than rounding, as a share of its size
    evaluations      of the function
    arguments, entries   how many were differentiated
    remarks          what was not reached, and how it was looked at
    culprit          for minigrad's own graphs: the op whose rule is wrong, as `check_graph` names it
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

    @property
    def verdict(self) -> Verdict:
        """ "disagree" if anything is wrong, "unresolved" if anything cannot be told, else "agree"."""
        kinds = {finding.kind for finding in self.findings}
        if kinds & WRONG.keys():
            return "disagree"
        return "unresolved" if kinds & UNRESOLVED.keys() else "agree"

    @property
    def ok(self) -> bool:
        """Whether the verdict is "agree"."""
        return self.verdict == "agree"

    def __str__(self) -> str:
        """The page."""
        lines = [f"{self._headline():<68} {self.verdict}"]
        shown = self.findings[:SHOWN]
        for finding in shown:
            lines += finding.lines()
        if len(self.findings) > len(shown):
            lines.append(f"  and {len(self.findings) - len(shown)} findings more (report.findings)")
        if self.culprit:
            lines += [f"  {line}" for line in self.culprit.splitlines()]
        return "\n".join([*lines, *(f"  {remark}" for remark in self.remarks), f"  {self._power()}"])

    def _repr_html_(self) -> str:
        import html  # imported where it is used: it costs more than the rest of this file

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
        power = f"would have seen a relative error of {self.resolving_power:.0e}"
        if self.resolving_power == float("inf"):
            power = "nothing was there to be compared" if not self.findings else "no size of error was excluded"
        seen = (
            f"largest difference {self.largest:.0e} of its size; "
            if self.verdict == "agree" and self.entries
            else ""
        )
        return f"{seen}{power}; {self.evaluations:,} evaluations"
