"""check_op: are the rules of one op (`engine/op`) right over its whole domain? `op_check` checks each call."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..engine.op import TABLE, Op, find
from ..engine.sampling import Shape
from ..errors import ArgumentError
from ..transforms.custom_ops import has_jvp
from .diagnosis.kinds import REMARKS
from .diagnosis.report import Finding, Report
from .numeric.evaluation import Evaluator
from .op_check import OpAtOperands, check_rules
from .testing.fitting_calls import CallsOfOp, draws_by_domain, find_calls
from .testing.op_calls import OpCall, user_name
from .testing.op_sampling import OpCallDraw

SMALL = ((), (3,), (1, 3), (2, 1))  # shapes that broadcast to (2, 3)
WHOLE = (2, 3)


@dataclass(frozen=True)
class OpReport(Report):
    """The outcome of `check_op`: a `Report`, and the first call for which a rule is wrong.

    op, call   the record of the op, and that call as a user types it (None if no rule is wrong)
    examples   how many calls were checked
    """

    op: Op | None = None
    call: OpCall | None = None
    examples: int = 0

    def _headline(self) -> str:
        if self.verdict == "disagree":
            return f"{self.name}: its rule is wrong"
        return f"{self.name}: {self.examples} call{'s' * (self.examples != 1)}"


def check_op(
    op: Op | Callable[..., Any], *, examples: int | Sequence[Any] = 12, order: int = 2, seed: int = 0
) -> OpReport:
    """Check the rules of one op over its domain: reverse, forward, their derivatives, and general requirements.

    op: its function (np.exp, minigrad.relu, a result of `custom`), or its record. examples: how many calls to draw
    from its domain, in shapes that it takes, the same for the same seed; or the calls themselves: tuples of
    arguments, with a dict of named ones last. If the op broadcasts, calls in which one input is small are checked,
    too. order: 2 checks the derivatives of the rules, too.

    For each call, the vjp and the jvp are compared with slopes of the op's own forward function, and with each
    other (<v, Ju> = <Jᵀv, u>). Both must be linear, give the same result twice, have the right shape, and change
    nothing in place. An op without a derivative (a comparison, rounding) must be flat. Returns the report; never
    raises it. Raises ArgumentError for a function that has no row in the table.
    """
    record = _record(op)
    evaluator, results = Evaluator(), _CallResults(record)
    found = find_calls(record, seed) if isinstance(examples, int) else None
    if isinstance(found, str):
        results.refuse(found)
    calls = _draw_calls(found, examples, seed) if isinstance(examples, int) else _given_calls(record, examples)
    for call in calls:
        results.check(call, evaluator, order)
    for call in _broadcast_calls(found, seed):
        results.check(call, evaluator, order=1)  # broadcasting is the engine's job
    return results.report(evaluator)


class _CallResults:
    """The results of the calls so far."""

    def __init__(self, op: Op) -> None:
        self.op = op
        self.calls: list[OpCall] = []
        self.wrong: OpCall | None = None
        self.findings: list[Finding] = []
        self.powers: list[float] = []
        self.largest, self.entries = 0.0, 0

    def refuse(self, error: str) -> None:
        """Note that no call could be drawn."""
        if error:
            inputs = ", ".join(self.op.names[: len(self.op.domain)])
            remedy = f"write  check_op(..., examples=[({inputs}, {{...}})])   with numbers, and settings by name"
            self.findings.append(Finding("not finite", sentence=f"no call could be drawn: {error}\n{remedy}"))

    def check(self, call: OpCall, evaluator: Evaluator, order: int) -> None:
        """Check one more call, unless a previous one was wrong."""
        if self.wrong is not None:
            return
        self.calls.append(call)
        use = OpAtOperands(self.op, call.inputs, call.params, call)
        if not use.real:
            return
        self.entries += sum(int(np.size(use.operands[k])) for k in use.real)
        found = check_rules(use, use.real, evaluator, seed=call.seed, order=order, thorough=True)
        report = found.report()
        if report.verdict == "disagree":
            self.wrong = call
            self.findings = []
        left_out = REMARKS if self.op.vjps else {*REMARKS, "jump"}  # an op without a derivative may jump
        self.findings += [f for f in report.findings if f.kind not in left_out and f not in self.findings]
        self.powers += found.powers
        self.largest = max(self.largest, found.largest)

    def report(self, evaluator: Evaluator) -> OpReport:
        """The report on all calls."""
        remarks = [f"{'called as':<14}  {self.wrong!r}"] if self.wrong is not None else []
        if not has_jvp(self.op):
            remarks.append("the op has no jvp: forward mode was not checked")
        return OpReport(
            name=user_name(self.op),
            findings=tuple(sorted(self.findings, key=lambda f: f.gravity)),
            resolving_power=max(self.powers, default=float("inf")),
            largest=self.largest,
            evaluations=evaluator.count,
            entries=self.entries,
            remarks=tuple(remarks),
            op=self.op,
            call=self.wrong,
            examples=len(self.calls),
        )


def _record(op: object) -> Op:
    record = op if isinstance(op, Op) else find(op) if callable(op) else None
    if record is None or TABLE.get(record.function) is not record:
        raise ArgumentError(
            f"{getattr(op, '__name__', op)} has no row in the table of operations\n"
            "  write  minigrad.ops()        to see it\n"
            "  or     minigrad.custom(...)  to add one"
        )
    return record


def _source(seed: int) -> Callable[[int, int], int]:
    rng = np.random.default_rng(seed)
    return lambda low, high: int(rng.integers(low, high, endpoint=True))


def _draw_calls(found: CallsOfOp | str | None, count: int, seed: int) -> list[OpCall]:
    """Draw calls from the domain of an op."""
    integer = _source(seed)
    return [found.draw(integer, size=6) for _ in range(count)] if isinstance(found, CallsOfOp) else []


def _broadcast_calls(found: CallsOfOp | str | None, seed: int) -> list[OpCall]:
    """Calls of a broadcasting op; in each of them another input is small."""
    if not isinstance(found, CallsOfOp) or found.fixed is not None or not draws_by_domain(found.op):
        return []
    integer, op, calls = _source(seed), found.op, []
    for k in range(len(op.domain) if len(op.domain) > 1 else 0):
        inputs, params = op.calls(_Small(integer, small=k, side=SMALL[(seed + k) % len(SMALL)]))
        calls.append(OpCall(op, inputs, found.settings | params, integer(0, 2**16)))
    return calls


def _given_calls(op: Op, examples: Sequence[object]) -> list[OpCall]:
    """The given calls; integers become floats where the domain is real."""
    calls = []
    for seed, example in enumerate(examples):
        if isinstance(example, OpCall):
            calls.append(example)
            continue
        args = example if isinstance(example, tuple) else (example,)
        named = args[-1] if args and isinstance(args[-1], dict) else {}
        inputs = args[: len(args) - bool(named)]
        inputs = tuple(inputs[0]) if op.variadic and len(inputs) == 1 else inputs
        kinds = [op.domain[min(k, len(op.domain) - 1)].kind for k in range(len(inputs))]
        numbers = (np.asarray(x, float if kind == "f" else None) for x, kind in zip(inputs, kinds, strict=True))
        calls.append(OpCall(op, tuple(x[()] for x in numbers), named, seed))
    return calls


@dataclass
class _Small(OpCallDraw):
    """Draws a call in which one input has a small shape, and all others the full one."""

    small: int = 0
    side: Shape = ()

    def shapes(self, count: int) -> list[Shape]:
        """One small shape, the others full."""
        return [self.side if k == self.small else WHOLE for k in range(count)]
