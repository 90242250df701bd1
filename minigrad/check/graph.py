"""Is the rule of every op right at its operands in a graph? `called_parts` has the function, check_graph.

This file chooses the nodes and reports the first wrong one; `op_check` checks a single op.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..engine.node import ARGUMENT, ITEM
from ..engine.op import Op
from ..engine.tree_folds import tree_key
from ..engine.value import Value
from ..errors import describe
from ..transforms.checkpoint import open_checkpoint
from .comparison.problem import Subject
from .comparison.recorded_graph import record_graph
from .diagnosis.kinds import REMARKS
from .diagnosis.report import Finding, Report, block
from .lost_products import name_lost_product
from .numeric.evaluation import Evaluator
from .op_check import OpAtOperands, check_rules

LOST = "no rule:"  # before the op at which a product is lost though all rules are right


@dataclass(frozen=True)
class GraphReport(Report):
    """The outcome of `check_graph`: a `Report`, and the first node (by serial) whose rule is wrong.

    node, op   that node and its op; None if no rule is wrong
    wrong      serials of the first wrong node of each op; `draw(y, wrong=report)` marks them
    checked    how many nodes were checked, of `entries` with a rule
    """

    node: Value | None = None
    op: Op | None = None
    wrong: tuple[int, ...] = ()
    checked: int = 0

    @property
    def line(self) -> list[str]:
        """The user's line that made the node, if known: file, number and text."""
        origin = getattr(self.node, "origin", None)
        return [origin.line] if origin else []

    def _headline(self) -> str:
        if self.op is not None:
            return f"{self.name}: the rule of {self.op.label} is wrong"
        return f"{self.name}: {self.checked:,} checked"

    def _power(self) -> str:
        return super()._power() if self.checked else "no node has a rule to check"


@dataclass(frozen=True)
class NodeToCheck:
    """A node to check.

    inner: the node itself. outer: the node of the graph; it is another one if `inner` lies inside a checkpoint.
    rank: the number of the outer node in the graph, as in pictures.
    """

    inner: Value
    outer: Value
    rank: int
    use: OpAtOperands
    chosen: tuple[int, ...]

    @property
    def place(self) -> str:
        """Its name in a sentence."""
        within = "inside the checkpoint " if self.inner is not self.outer else ""
        return f"{self.use.op.label} {within}at node {self.rank}"

    def rows(self) -> str:
        """A table of the node, the user's line if known, and the operands."""
        origin = getattr(self.inner, "origin", None)
        data, label = self.inner._array, self.use.op.label
        result = f"{len(data)} outputs   made by {label}" if isinstance(data, tuple) else describe(self.inner)
        rows = {f"node {self.rank}": result} | ({"line": origin.line} if origin else {})
        rows |= {name: describe(x) for name, x in zip(self.use.names, self.inner.operands, strict=False)}
        return "\n".join(f"{label:<14}  {text}" for label, text in rows.items())


def name_wrong_op(subject: Subject, order: int = 1, seconds: float = 20.0) -> str:
    """A text that names the op whose wrong rule makes a gradient wrong, or says that no rule is wrong.

    If none is, it names the op at which 0·inf or an underflow loses the slope, if there is one.
    "" if the function cannot be recorded.
    """
    try:
        nodes = record_graph(subject)
    except Exception:
        return ""
    report = GraphWalk(order, subject.seed, seconds).check(nodes)
    if report.node is None:
        if nodes and (lost := name_lost_product(nodes[-1])):
            return f"{'culprit':<14}  {LOST} {lost}"
        done = "every rule" if report.checked == report.entries else f"each of the {report.checked:,} checked rules"
        return f"{'culprit':<14}  none: {done} is right at its operands" if nodes else ""
    lines = block("culprit", report.findings[0].sentence.partition("\n")[0])
    return "\n".join([*lines, *(f"{'':<14}  {line}" for line in report.line)])


class GraphWalk:
    """Checks the nodes of a graph in turn."""

    def __init__(self, order: int, seed: int, seconds: float | None) -> None:
        self.order, self.seed = order, seed
        self.end = float("inf") if seconds is None else time.monotonic() + seconds
        self.evaluator = Evaluator()
        self.wrong: dict[Op, tuple[NodeToCheck, list[Finding]]] = {}
        self.others: list[Finding] = []
        self.powers: list[float] = []
        self.largest, self.checked = 0.0, 0

    def check(self, nodes: Sequence[Value]) -> GraphReport:
        """Check all nodes that have a rule, one of each op first."""
        nodes_to_check = list(_nodes_to_check(nodes))
        first = {node.use.op: n for n, node in reversed([*enumerate(nodes_to_check)])}
        seen: set[Any] = set()
        for _, node in sorted(
            enumerate(nodes_to_check), key=lambda pair: (first[pair[1].use.op] != pair[0], pair[0])
        ):
            if time.monotonic() > self.end:
                break
            self.checked += 1
            key = _key(node)
            if key not in seen and node.use.op not in self.wrong:
                self._check_node(node)
            seen.add(key)
        return self._report(len(nodes), len(nodes_to_check))

    def _check_node(self, node: NodeToCheck) -> None:
        found = check_rules(node.use, node.chosen, self.evaluator, seed=self.seed, order=self.order)
        findings = [*found.findings, *_stale(node)]
        report = Report(node.place, tuple(findings))
        findings = [replace(f, sentence=f"{node.place}: {f.sentence}") for f in findings]
        if report.verdict == "disagree":
            self.wrong[node.use.op] = node, [f for f in findings if f.kind not in REMARKS]
            return
        self.others += [f for f in findings if f.kind != "below resolution"]
        self.powers += found.powers
        self.largest = max(self.largest, found.largest)

    def _report(self, nodes: int, with_rule: int) -> GraphReport:
        inside = {node.outer.serial for node, _ in self.wrong.values() if node.inner is not node.outer}
        # A mistake inside a checkpoint makes the gradient of the checkpoint wrong: one mistake, not two.
        own = [
            (node, fs)
            for node, fs in self.wrong.values()
            if node.inner is not node.outer or node.inner.serial not in inside
        ]
        wrong = sorted(own, key=lambda pair: pair[0].rank)
        left = with_rule - self.checked
        sentence = f"time ran out before {left:,} of {with_rule:,} nodes with a rule were checked"
        others = [*self.others, *[Finding("budget", sentence=sentence)] * (left > 0)]
        remarks = [f"{'also wrong':<14}  {node.place}" for node, _ in wrong[1:]]
        return GraphReport(
            name=f"graph of {nodes:,} node{'s' * (nodes != 1)}",
            findings=(*(f for _, findings in wrong for f in findings), *others),
            resolving_power=max(self.powers, default=float("inf")),
            largest=self.largest,
            evaluations=self.evaluator.count,
            entries=with_rule,
            remarks=tuple(remarks),
            culprit=wrong[0][0].rows() if wrong else "",
            node=wrong[0][0].outer if wrong else None,
            op=wrong[0][0].use.op if wrong else None,
            wrong=tuple(node.outer.serial for node, _ in wrong),
            checked=self.checked,
        )


def _nodes_to_check(nodes: Sequence[Value]) -> Iterator[NodeToCheck]:
    """The nodes that have a rule, in serial order; nodes inside a checkpoint come before the checkpoint."""
    for rank, outer in enumerate(nodes):
        for node, use in _uses(outer):
            chosen = tuple(k for k in use.real if _takes_gradient(node.operands[k]))
            if chosen:
                yield NodeToCheck(node, outer, rank, use, chosen)


def _uses(node: Value) -> Iterator[tuple[Value, OpAtOperands]]:
    # The engine makes the nodes for differentiated arguments and for items of a tuple; items are checked with it.
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


def _takes_gradient(x: object) -> bool:
    return isinstance(x, Value) and x.has_gradient


def _stale(node: NodeToCheck) -> list[Finding]:
    """A finding if a node no longer equals the result of its operands: then one of them has changed."""
    with np.errstate(all="ignore"):
        now = node.use(*node.use.operands)
    before, after = node.inner._array, now._array if isinstance(now, Value) else now
    pairs = zip(before, after, strict=True) if isinstance(before, tuple) else [(before, after)]
    if all(np.array_equal(a, b, equal_nan=np.asarray(a).dtype.kind == "f") for a, b in pairs):
        return []
    return [Finding("mutated", sentence="an operand changed in place after its use, so the gradient is wrong")]


def _key(node: NodeToCheck) -> Any:
    """A key that two nodes share if they need one check only; checkpointed functions never share one."""
    return (
        node.use.op,
        id(node.use.function) if node.use.function else None,
        node.chosen,
        tuple(map(tree_key, (*node.use.operands, node.use.params))),
    )
