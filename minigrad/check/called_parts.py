"""check_graph: is every rule in a graph right? Of a Value by its ops (`graph`), of other frameworks by their parts.

A part is a module, an autograd function, a call of custom_vjp: see `frameworks`. Each is checked at the inputs that
it got, like any function; one that contains a wrong one is not accused.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, overload

from ..engine.tree import leaves
from ..engine.value import Value, graph
from ..errors import ArgumentError, DTypeError, describe
from ..transforms.grad import holds_arguments
from .diagnosis.kinds import REMARKS
from .diagnosis.report import Finding, Report, block
from .frameworks.framework import CalledPart, find_parts
from .gradients import gradient_report
from .graph import GraphReport, GraphWalk


@dataclass(frozen=True)
class PartsReport(Report):
    """The outcome of `check_graph` of a function: a `Report`, and the first part whose gradient is wrong.

    part      the name of that part; "" if none is wrong
    wrong     the names of all of them that contain no other
    checked   how many parts were checked
    """

    part: str = ""
    wrong: tuple[str, ...] = ()
    checked: int = 0

    def _headline(self) -> str:
        if self.part:
            return f"{self.name}: the gradient of {self.part} is wrong"
        return f"{self.name}: {self.checked:,} part{'s' * (self.checked != 1)} checked"


@overload
def check_graph(y: Any, *, order: int = 1, seed: int = 0, seconds: float | None = None) -> GraphReport: ...
@overload
def check_graph(
    y: Callable[..., Any], args: Any, *, order: int = 1, seed: int = 0, seconds: float | None = None
) -> PartsReport: ...
def check_graph(
    y: Any, args: Any = None, *, order: int = 1, seed: int = 0, seconds: float | None = None
) -> GraphReport | PartsReport:
    """Check the rule of every op in the graph of y at its operands, and name the first wrong one.

    y: a Value, or several in lists, tuples or dicts. Each op is checked by itself: its reverse and forward rules
    are compared with slopes of its forward function (see `numeric_jacobian`), not with derivatives of the whole
    graph. The same op at the same operands is checked only once. Operands of more than a few entries are checked
    along random directions. Under `minigrad.debug` the report also shows the line of code.

    Or y: a function of PyTorch or JAX, a module; args: its arguments, as for `check_grads`. Then each module and
    autograd function, or each function with custom_vjp or custom_jvp, is checked at the inputs that it got. Parts
    inside of others come first; the function itself comes last.

    order: 2 checks the derivatives of the rules, too. seed: of cotangents and directions. seconds: a time limit;
    the report says how many nodes were left. Each op is checked once before any is checked again.

    Raises only ArgumentError. A wrong rule raises nothing: see `.ok`, `.verdict`, `.node`, `.op`, `.part` and
    `.findings` of the report.
    """
    if order not in (1, 2):
        raise ArgumentError(f"order is 1 or 2, got {order!r}")
    if args is not None:
        return _check_function(y, args if holds_arguments(args) else (args,), order, seed, seconds)
    ys = leaves(y)
    if not ys or not all(isinstance(x, Value) for x in ys):
        remedy = "\n  write  check_graph(f, args)   for a function of PyTorch or JAX" if callable(y) else ""
        raise ArgumentError(f"check_graph takes a Value, or several in a list, got {describe(y)}{remedy}")
    return GraphWalk(order, seed, seconds).check(graph(*ys))


def _check_function(
    f: Callable[..., Any], args: tuple[Any, ...], order: int, seed: int, seconds: float | None
) -> PartsReport:
    parts, unseen = find_parts(f, args)
    if not parts:
        raise ArgumentError(
            "check_graph of a function takes one of PyTorch or JAX\n"
            "  write  check_graph(f(minigrad.Value(x)))   for one of NumPy functions"
        )
    walk = _Walk(parts, order, seed, float("inf") if seconds is None else time.monotonic() + seconds)
    return walk.report(unseen)


class _Walk:
    """Checks parts in turn, unless they contain a wrong one."""

    def __init__(self, parts: Sequence[CalledPart], order: int, seed: int, end: float) -> None:
        self.parts, self.order, self.seed, self.end = parts, order, seed, end
        self.wrong: dict[str, list[Finding]] = {}
        self.others: list[Finding] = []
        self.reports: list[Report] = []
        self.tainted: set[int] = set()  # wrong, or around a wrong one
        self.left = 0
        for number, part in enumerate(parts):
            if self.tainted.intersection(part.inside):
                self.tainted.add(number)
            else:
                self._check(number, part)

    def _check(self, number: int, part: CalledPart) -> None:
        seconds = None if self.end == float("inf") else self.end - time.monotonic()
        if seconds is not None and seconds <= 0:
            self.left += 1
            return
        try:
            report = gradient_report(part.function, part.args, order=self.order, seed=self.seed, seconds=seconds)
        except (ArgumentError, DTypeError):  # it has no floats to differentiate, or returns none
            return
        self.reports.append(report)
        name = self._name(number)
        place = f"{name}, outside of its parts" if part.inside else name
        findings = [replace(f, sentence=f"{place}: {f.sentence or f.kind}") for f in report.findings]
        if report.verdict == "disagree":
            self.tainted.add(number)
            self.wrong.setdefault(name, [f for f in findings if f.kind not in REMARKS])
        else:
            self.others += [f for f in findings if f.kind not in REMARKS]

    def _name(self, number: int) -> str:
        """The name of a part, and of the one that it is inside of."""
        own = self.parts[number].name
        around = next((part for part in self.parts[:-1] if number in part.inside), None)
        if number == len(self.parts) - 1:
            return f"{own} itself"
        return own if around is None else f"{own} in {around.name}"

    def report(self, unseen: str) -> PartsReport:
        """The report on all parts."""
        others = self.others
        if self.left:
            sentence = f"time ran out before {self.left:,} of {len(self.parts):,} parts were checked"
            others = [*others, Finding("budget", sentence=sentence)]
        names = [*self.wrong]
        whole = self.parts[-1]
        remarks = [line for name in names[1:] for line in block("also wrong", name)]
        if names[:1] == [self._name(len(self.parts) - 1)]:
            remarks += block("not seen", unseen)
        return PartsReport(
            name=whole.name,
            findings=(*(f for found in self.wrong.values() for f in found), *others),
            resolving_power=max((r.resolving_power for r in self.reports), default=float("inf")),
            largest=max((r.largest for r in self.reports), default=0.0),
            evaluations=sum(r.evaluations for r in self.reports),
            arguments=max((r.arguments for r in self.reports), default=0),
            entries=sum(r.entries for r in self.reports),
            remarks=tuple(remarks),
            part=names[0] if names else "",
            wrong=tuple(names),
            checked=len(self.reports),
        )
