"""check_graph: is the rule of every op right, at the operands that it met in this graph?

Which nodes are looked at, and what is said of the first wrong one; how a single op is looked at stands in `local`.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..checkpointing import opened
from ..errors import ArgumentError, describe
from ..node import ARGUMENT, ITEM
from ..op import Op
from ..tree import leaves
from ..value import Value, graph
from .evaluation import Evaluator
from .kinds import REMARKS
from .local import Use, look
from .report import Finding, Report, block
from .subject import Subject
from .tracing import traced


@dataclass(frozen=True)
class GraphReport(Report):
    """The outcome of a check of a graph; what a `Report` has, and the first node, by serial, whose rule is wrong.

    node, op   that node and its op; None where no rule is wrong
    wrong      serials of the first wrong node of each op; `draw(y, wrong=report)` marks them
    looked     how many nodes were looked at, of `entries` that have a rule
    """

    node: Value | None = None
    op: Op | None = None
    wrong: tuple[int, ...] = ()
    looked: int = 0

    @property
    def line(self) -> list[str]:
        """The user's line that made the node, where it is known: file, number and text."""
        origin = getattr(self.node, "origin", None)
        return [origin.line] if origin else []

    def _headline(self) -> str:
        if self.op is not None:
            return f"{self.name}: the rule of {self.op.label} is wrong"
        return f"{self.name}: {self.looked:,} looked at"

    def _power(self) -> str:
        return super()._power() if self.looked else "no node has a rule to be looked at"


@dataclass(frozen=True)
class Met:
    """A node to be looked at.

    outer: the node of the graph; another one where it stands inside a checkpoint. rank: the place of that one in
    the graph, as pictures number it.
    """

    node: Value
    outer: Value
    rank: int
    use: Use
    chosen: tuple[int, ...]

    @property
    def place(self) -> str:
        """How a sentence names it."""
        within = "inside the checkpoint " if self.node is not self.outer else ""
        return f"{self.use.op.label} {within}at node {self.rank}"

    def rows(self) -> str:
        """The node, the user's line if it is known, and the operands: a table for a page."""
        origin = getattr(self.node, "origin", None)
        data, label = self.node._array, self.use.op.label
        made = f"{len(data)} outputs   made by {label}" if isinstance(data, tuple) else describe(self.node)
        rows = {f"node {self.rank}": made} | ({"line": origin.line} if origin else {})
        rows |= {name: describe(x) for name, x in zip(self.use.names, self.node.operands, strict=False)}
        return "\n".join(f"{label:<14}  {text}" for label, text in rows.items())


def check_graph(y: Any, *, order: int = 1, seed: int = 0, seconds: float | None = None) -> GraphReport:
    """Check the rule of every op in the graph of y, at the operands it met there, and name the first wrong one.

    y: a Value, or several in lists, tuples or dicts. Each op is looked at by itself: its forward function is
    measured (see `numeric_jacobian`), its rules, reverse and forward, are compared with that; a graph's own
    derivatives are not needed. The same op at the same operands is looked at once, operands of more than a few
    entries along random directions. Under `minigrad.debug` the report also has the line of code.

    order: 2 looks at the derivatives of the rules too. seed: of cotangents and directions. seconds: when they are
    over, no more nodes are looked at, and the report says so; each op is met once before any is met again.

    Raises nothing but ArgumentError: the report has `.ok`, `.verdict`, `.node`, `.op`, `.findings`.
    """
    ys = leaves(y)
    if not ys or not all(isinstance(x, Value) for x in ys):
        raise ArgumentError(f"check_graph takes a Value, or several in a list, got {describe(y)}")
    if order not in (1, 2):
        raise ArgumentError(f"order is 1 or 2, got {order!r}")
    return Look(order, seed, seconds).through(graph(*ys))


def culprit(subject: Subject, order: int = 1, seconds: float = 20.0) -> str:
    """In a line, the op whose rule makes a gradient of a function wrong; or that there is none.

    Nothing where f cannot be recorded as it is.
    """
    try:
        nodes = traced(subject)
    except Exception:
        return ""
    report = Look(order, subject.seed, seconds).through(nodes)
    if report.node is None:
        done = "every rule" if report.looked == report.entries else f"each of {report.looked:,} rules looked at"
        return f"{'culprit':<14}  none: {done} is right at what it met" if nodes else ""
    told = block("culprit", report.findings[0].sentence.partition("\n")[0])
    return "\n".join([*told, *(f"{'':<14}  {line}" for line in report.line)])


class Look:
    """Going through the nodes of a graph."""

    def __init__(self, order: int, seed: int, seconds: float | None) -> None:
        self.order, self.seed = order, seed
        self.end = float("inf") if seconds is None else time.monotonic() + seconds
        self.evaluator = Evaluator()
        self.wrong: dict[Op, tuple[Met, list[Finding]]] = {}
        self.others: list[Finding] = []
        self.powers: list[float] = []
        self.largest, self.looked = 0.0, 0

    def through(self, nodes: Sequence[Value]) -> GraphReport:
        """All of them that have a rule, one of each op first."""
        met = list(_met(nodes))
        first = {m.use.op: n for n, m in reversed([*enumerate(met)])}
        order = sorted(range(len(met)), key=lambda n: (first[met[n].use.op] != n, n))
        seen: set[Any] = set()
        for n in order:
            if time.monotonic() > self.end:
                break
            self.looked += 1
            key = _key(met[n])
            if key not in seen and met[n].use.op not in self.wrong:
                self._at(met[n])
            seen.add(key)
        return self._report(len(nodes), len(met))

    def _at(self, met: Met) -> None:
        """One node."""
        found = look(met.use, met.chosen, self.evaluator, seed=self.seed, order=self.order)
        findings = [*found.findings, *_stale(met)]
        report = Report(met.place, tuple(findings))
        findings = [replace(f, sentence=f"{met.place}: {f.sentence}") for f in findings]
        if report.verdict == "disagree":
            self.wrong[met.use.op] = met, [f for f in findings if f.kind not in REMARKS]
            return
        self.others += [f for f in findings if f.kind != "below resolution"]
        self.powers += found.powers
        self.largest = max(self.largest, found.largest)

    def _report(self, nodes: int, ruled: int) -> GraphReport:
        inside = {met.outer.serial for met, _ in self.wrong.values() if met.node is not met.outer}
        # What is wrong inside of a checkpoint makes its own gradient wrong: that is one mistake, not two.
        own = [
            (met, fs)
            for met, fs in self.wrong.values()
            if met.node is not met.outer or met.node.serial not in inside
        ]
        wrong = sorted(own, key=lambda pair: pair[0].rank)
        left = ruled - self.looked
        said = f"the time was over before {left:,} of {ruled:,} nodes with a rule were looked at"
        others = [*self.others, *[Finding("budget", sentence=said)] * (left > 0)]
        remarks = [f"{'also wrong':<14}  {met.place}" for met, _ in wrong[1:]]
        return GraphReport(
            name=f"graph of {nodes:,} node{'s' * (nodes != 1)}",
            findings=(*(f for _, findings in wrong for f in findings), *others),
            resolving_power=max(self.powers, default=float("inf")),
            largest=self.largest,
            evaluations=self.evaluator.count,
            entries=ruled,
            remarks=tuple(remarks),
            culprit=wrong[0][0].rows() if wrong else "",
            node=wrong[0][0].outer if wrong else None,
            op=wrong[0][0].use.op if wrong else None,
            wrong=tuple(met.outer.serial for met, _ in wrong),
            looked=self.looked,
        )


def _met(nodes: Sequence[Value]) -> Iterator[Met]:
    """The nodes that have a rule, in serial order; of a checkpointed one, those inside before itself."""
    for rank, outer in enumerate(nodes):
        for node, use in _uses(outer):
            chosen = tuple(k for k in use.real if _arrives(node.operands[k]))
            if chosen:
                yield Met(node, outer, rank, use, chosen)


def _uses(node: Value) -> Iterator[tuple[Value, Use]]:
    # What enters a level and the items of a tuple are the engine's own: items are looked at with their tuple.
    if node.op is None or node.op in (ARGUMENT, ITEM) or not node.op.vjps or not node.operands:
        return
    if (inside := opened(node)) is not None:
        function, data, nodes = inside
        for inner in nodes:
            yield from _uses(inner)
        yield node, Use(node.op, data, None, function)
        return
    data = tuple(x._array if isinstance(x, Value) else x for x in node.operands)
    yield node, Use(node.op, data, node.params)


def _arrives(x: Any) -> bool:
    return isinstance(x, Value) and x.has_gradient


def _stale(met: Met) -> list[Finding]:
    """Whether a node is no longer what its operands give: one of them has changed since."""
    with np.errstate(all="ignore"):
        now = met.use(*met.use.operands)
    before, after = met.node._array, now._array if isinstance(now, Value) else now
    pairs = zip(before, after, strict=True) if isinstance(before, tuple) else [(before, after)]
    if all(np.array_equal(a, b, equal_nan=np.asarray(a).dtype.kind == "f") for a, b in pairs):
        return []
    return [Finding("mutated", sentence="an operand was changed in place after it was used, so the sweep is wrong")]


def _key(met: Met) -> Any:
    """What tells one use of an op from another; a checkpointed function is like no other."""
    return (
        met.use.op,
        id(met.use.function) if met.use.function else None,
        met.chosen,
        tuple(map(_frozen, (*met.use.operands, met.use.params))),
    )


def _frozen(x: Any) -> Any:
    """A parameter or an operand as something that compares by what is in it."""
    if isinstance(x, (np.ndarray, np.generic)):
        return x.dtype.str, x.shape, x.tobytes()
    if isinstance(x, dict):
        return tuple((name, _frozen(part)) for name, part in x.items())
    if isinstance(x, (list, tuple)):
        return type(x), tuple(map(_frozen, x))
    return repr(x) if isinstance(x, (int, float, str, bool, slice, type(None), type(...))) else id(x)
