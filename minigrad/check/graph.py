"""check_graph: is the rule of every op right at its operands in this graph?

This file chooses the nodes and reports the first wrong one; `local` checks a single op.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..engine.node import ARGUMENT, ITEM
from ..engine.op import Op
from ..engine.tree import leaves
from ..engine.value import Value, graph
from ..errors import ArgumentError, describe
from ..transforms.checkpoint import open_checkpoint
from .comparison.problem import Subject
from .comparison.recorded_graph import record_graph
from .diagnosis.kinds import REMARKS
from .diagnosis.report import Finding, Report, block
from .numeric.evaluation import Evaluator
from .op_check import OpAtOperands, look


@dataclass(frozen=True)
class GraphReport(Report):
    """The outcome of a check of a graph: a `Report`, and the first node (by serial) whose rule is wrong.

    node, op   that node and its op; None if no rule is wrong
    wrong      serials of the first wrong node of each op; `draw(y, wrong=report)` marks them
    looked     how many nodes were checked, of `entries` with a rule
    """

    node: Value | None = None
    op: Op | None = None
    wrong: tuple[int, ...] = ()
    looked: int = 0

    @property
    def line(self) -> list[str]:
        """The user's line that made the node, if known: file, number and text."""
        origin = getattr(self.node, "origin", None)
        return [origin.line] if origin else []

    def _headline(self) -> str:
        if self.op is not None:
            return f"{self.name}: the rule of {self.op.label} is wrong"
        return f"{self.name}: {self.looked:,} checked"

    def _power(self) -> str:
        return super()._power() if self.looked else "no node has a rule to check"


@dataclass(frozen=True)
class Met:
    """A node to check.

    outer: the node of the graph, which differs from `node` if that lies inside a checkpoint. rank: the number of
    the outer node in the graph, as in pictures.
    """

    node: Value
    outer: Value
    rank: int
    use: OpAtOperands
    chosen: tuple[int, ...]

    @property
    def place(self) -> str:
        """Its name in a sentence."""
        within = "inside the checkpoint " if self.node is not self.outer else ""
        return f"{self.use.op.label} {within}at node {self.rank}"

    def rows(self) -> str:
        """A table of the node, the user's line if known, and the operands."""
        origin = getattr(self.node, "origin", None)
        data, label = self.node._array, self.use.op.label
        made = f"{len(data)} outputs   made by {label}" if isinstance(data, tuple) else describe(self.node)
        rows = {f"node {self.rank}": made} | ({"line": origin.line} if origin else {})
        rows |= {name: describe(x) for name, x in zip(self.use.names, self.node.operands, strict=False)}
        return "\n".join(f"{label:<14}  {text}" for label, text in rows.items())


def check_graph(y: Any, *, order: int = 1, seed: int = 0, seconds: float | None = None) -> GraphReport:
    """Check the rule of every op in the graph of y at its operands, and name the first wrong one.

    y: a Value, or several in lists, tuples or dicts. Each op is checked by itself: its reverse and forward rules
    are compared with slopes of its forward function (see `numeric_jacobian`); derivatives of the whole graph
    are not needed. The same op at the same operands is checked once, and operands of more than a few entries
    along random directions. Under `minigrad.debug` the report also has the line of code.

    order: 2 checks the derivatives of the rules, too. seed: of cotangents and directions. seconds: a time limit;
    the report says how many nodes were left. Each op is checked once before any is checked again.

    Raises only ArgumentError: the report has `.ok`, `.verdict`, `.node`, `.op`, `.findings`.
    """
    ys = leaves(y)
    if not ys or not all(isinstance(x, Value) for x in ys):
        raise ArgumentError(f"check_graph takes a Value, or several in a list, got {describe(y)}")
    if order not in (1, 2):
        raise ArgumentError(f"order is 1 or 2, got {order!r}")
    return GraphWalk(order, seed, seconds).through(graph(*ys))


def name_wrong_op(subject: Subject, order: int = 1, seconds: float = 20.0) -> str:
    """One line that names the op whose rule makes a gradient of a function wrong, or says that there is none.

    "" if f cannot be recorded.
    """
    try:
        nodes = record_graph(subject)
    except Exception:
        return ""
    report = GraphWalk(order, subject.seed, seconds).through(nodes)
    if report.node is None:
        done = "every rule" if report.looked == report.entries else f"each of the {report.looked:,} checked rules"
        return f"{'culprit':<14}  none: {done} is right at its operands" if nodes else ""
    told = block("culprit", report.findings[0].sentence.partition("\n")[0])
    return "\n".join([*told, *(f"{'':<14}  {line}" for line in report.line)])


class GraphWalk:
    """Checks the nodes of a graph in turn."""

    def __init__(self, order: int, seed: int, seconds: float | None) -> None:
        self.order, self.seed = order, seed
        self.end = float("inf") if seconds is None else time.monotonic() + seconds
        self.evaluator = Evaluator()
        self.wrong: dict[Op, tuple[Met, list[Finding]]] = {}
        self.others: list[Finding] = []
        self.powers: list[float] = []
        self.largest, self.looked = 0.0, 0

    def through(self, nodes: Sequence[Value]) -> GraphReport:
        """Check all nodes that have a rule, one of each op first."""
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
        """Check one node."""
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
        # A mistake inside a checkpoint makes the gradient of the checkpoint wrong: one mistake, not two.
        own = [
            (met, fs)
            for met, fs in self.wrong.values()
            if met.node is not met.outer or met.node.serial not in inside
        ]
        wrong = sorted(own, key=lambda pair: pair[0].rank)
        left = ruled - self.looked
        said = f"time ran out before {left:,} of {ruled:,} nodes with a rule were checked"
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
    """The nodes that have a rule, in serial order; those inside a checkpoint come before it."""
    for rank, outer in enumerate(nodes):
        for node, use in _uses(outer):
            chosen = tuple(k for k in use.real if _arrives(node.operands[k]))
            if chosen:
                yield Met(node, outer, rank, use, chosen)


def _uses(node: Value) -> Iterator[tuple[Value, OpAtOperands]]:
    # Inputs of a level and items of a tuple belong to the engine: items are checked with their tuple.
    if node.op is None or node.op in (ARGUMENT, ITEM) or not node.op.vjps or not node.operands:
        return
    if (inside := open_checkpoint(node)) is not None:
        function, data, nodes = inside
        for inner in nodes:
            yield from _uses(inner)
        yield node, OpAtOperands(node.op, data, None, function)
        return
    data = tuple(x._array if isinstance(x, Value) else x for x in node.operands)
    yield node, OpAtOperands(node.op, data, node.params)


def _arrives(x: Any) -> bool:
    return isinstance(x, Value) and x.has_gradient


def _stale(met: Met) -> list[Finding]:
    """A finding if a node no longer equals the result of its operands: one of them has changed."""
    with np.errstate(all="ignore"):
        now = met.use(*met.use.operands)
    before, after = met.node._array, now._array if isinstance(now, Value) else now
    pairs = zip(before, after, strict=True) if isinstance(before, tuple) else [(before, after)]
    if all(np.array_equal(a, b, equal_nan=np.asarray(a).dtype.kind == "f") for a, b in pairs):
        return []
    return [Finding("mutated", sentence="an operand was changed in place after it was used, so the sweep is wrong")]


def _key(met: Met) -> Any:
    """A key for a use of an op; each checkpointed function has a key of its own."""
    return (
        met.use.op,
        id(met.use.function) if met.use.function else None,
        met.chosen,
        tuple(map(_frozen, (*met.use.operands, met.use.params))),
    )


def _frozen(x: Any) -> Any:
    """A parameter or an operand in a form that compares by value."""
    if isinstance(x, (np.ndarray, np.generic)):
        return x.dtype.str, x.shape, x.tobytes()
    if isinstance(x, dict):
        return tuple((name, _frozen(part)) for name, part in x.items())
    if isinstance(x, (list, tuple)):
        return type(x), tuple(map(_frozen, x))
    return repr(x) if isinstance(x, (int, float, str, bool, slice, type(None), type(...))) else id(x)
