"""Check one op at its operands, like any function with a gradient.

The slopes are those of its forward function on plain arrays; the derivatives to check come from its rules, as the
sweeps use them.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..engine.backward import sweep_from
from ..engine.forward import push
from ..engine.node import record, restore_parameters
from ..engine.op import Op
from ..engine.value import Value
from ..transforms.custom_ops import has_jvp
from ..transforms.grad import jvp
from .comparison.answers import ArgumentNames
from .comparison.comparison import Comparison
from .comparison.invariants import check_transpose
from .comparison.kinks import KinkLocator
from .comparison.minigrad_candidate import MinigradClaim, gradient_candidate, result_arrays
from .comparison.problem import Subject
from .comparison.subdifferential import judge_kinks
from .diagnosis.report import Finding
from .numeric.derivative import Point
from .numeric.evaluation import Evaluator
from .numeric.flattening import is_float, to_array


class OpAtOperands:
    """An op as a function of its operands: on arrays NumPy computes it, on Values the engine records it.

    operands: plain numbers and arrays; those inside parameters come last (see `node.lift_inputs`).
    function: a replacement for the op itself: a call as a user types it, or a checkpointed function.
    """

    def __init__(
        self,
        op: Op,
        operands: Sequence[Any],
        params: dict[str, Any] | None,
        function: Callable[..., Any] | None = None,
    ) -> None:
        self.op, self.operands, self.function = op, tuple(operands), function
        self.params = {name: p for name, p in (params or {}).items() if name != "saved"}  # each call saves anew
        self.__name__ = op.label
        kind = inspect.Parameter.POSITIONAL_ONLY
        self.__signature__ = inspect.Signature([inspect.Parameter(name, kind) for name in self.names])

    def __call__(self, *operands: Any) -> Any:
        """The result of the op at these operands."""
        if self.function is not None:
            return self.function(*operands)
        if any(isinstance(x, Value) for x in operands):
            return record(Value, self.op, operands, self.params)
        args, params = restore_parameters(self.op, list(operands), self.params)
        y = self.op.forward(*args, **params)
        return y[0] if self.op.saves else y

    @property
    def names(self) -> list[str]:
        """The names of the operands in errors: a, b, c, ..., or x if there is only one."""
        count = len(self.operands)
        if count == 1:
            return ["x"]
        return list("abcdefgh"[:count]) if count <= 8 else [f"x{k}" for k in range(count)]

    @property
    def proper(self) -> range:
        """The positions of the operands that have a rule; the others are inside parameters."""
        count = len(self.operands)
        return range(count if self.op.variadic else min(count, len(self.op.domain)))

    @property
    def real(self) -> tuple[int, ...]:
        """The positions of the differentiable operands."""
        return tuple(k for k in self.proper if is_float(self.operands[k]))


@dataclass(frozen=True)
class ProjectedResult:
    """<w, y> as a function of w and of the operands: its second derivatives are the derivatives of the vjp.

    A rule is linear in its cotangent w. Only the derivative with respect to w shows a rule that treats the
    cotangent as a constant.
    """

    use: OpAtOperands
    count: int

    def __call__(self, *args: Any) -> Any:
        """The sum over all outputs."""
        ys = result_arrays(self.use(*args[self.count :]))
        return sum((np.sum(w * y) for w, y in zip(args, _reals(ys), strict=False)), start=0.0)


@dataclass(frozen=True)
class TangentFunction:
    """The tangent of an op as a function of the operands: its derivative is the derivative of the jvp."""

    use: OpAtOperands
    chosen: tuple[int, ...]
    tangents: tuple[Any, ...]

    def __call__(self, *args: Any) -> Any:
        """The tangents of its outputs."""

        def of_chosen(*moved: Any) -> Any:
            found = dict(zip(self.chosen, moved, strict=True))
            return self.use(*(found.get(k, x) for k, x in enumerate(args)))

        return jvp(of_chosen, tuple(args[k] for k in self.chosen), self.tangents)[1]


def check_rules(
    use: OpAtOperands,
    chosen: tuple[int, ...],
    evaluator: Evaluator,
    *,
    seed: int = 0,
    order: int = 1,
    thorough: bool = False,
) -> Comparison:
    """Compare the rules of an op for the chosen operands with slopes of its forward function.

    thorough: compare tangents with slopes, too, and require the adjoint identity up to rounding. Otherwise tangents
    are compared with slopes only if they are not the transposes of the gradients.
    """
    setup = functools.partial(Subject, args=use.operands, argnums=chosen, evaluator=evaluator, seed=seed)
    subject = setup(use)
    found = Comparison(subject)
    if subject.point is None or not subject.point.y.size:
        return found
    found.note(mutations(use, chosen, seed))
    claim = MinigradClaim(use, subject.point, subject.names, subject.chosen)
    claim.locate_kink = KinkLocator(subject)
    back = _attempt(found, "its vjp", functools.partial(_gradients, claim))
    if use.op.kink:
        back = judge_kinks(claim, back)
    found.merge(back)
    if has_jvp(use.op) and back.report().verdict != "disagree":  # one mistake at a time
        found.merge(_attempt(found, "its jvp", lambda trial: _tangents(trial, claim, thorough)))
    # At a kink a second derivative has no meaning.
    if order > 1 and not found.findings:
        _second(found, use, setup, subject.point)
    return found


def _attempt(found: Comparison, rule: str, ask: Callable[[Comparison], None]) -> Comparison:
    """Check one rule. The findings name it."""
    trial = Comparison(found.subject, found.order)
    try:
        ask(trial)
    except Exception as error:
        trial.note([Finding("raised", sentence=f"{type(error).__name__}: {error}")])
    trial.findings = [f if f in found.subject.findings else _name_rule(rule, f) for f in trial.findings]
    return trial


def _name_rule(rule: str, finding: Finding) -> Finding:
    whose = f"{rule} for {finding.path}" if finding.path else rule
    return replace(finding, sentence=f"{whose}: {finding.sentence or finding.kind}")


def _tangents(found: Comparison, claim: MinigradClaim, thorough: bool) -> None:
    rng, point = found.subject.rng(), claim.point
    v, u = (rng.choice([-1.0, 1.0], n) * rng.uniform(0.5, 1.5, n) for n in (point.y.size, point.x.size))
    apart = check_transpose(claim, claim, v, u)
    if thorough or apart:
        ahead = MinigradClaim(claim.function, point, claim.names, claim.chosen)
        ahead.kind, ahead.locate_kink = "jvp", claim.locate_kink
        found.tangents(ahead)
    if thorough:
        found.note(apart)


def _second(found: Comparison, use: OpAtOperands, setup: Callable[..., Subject], point: Point) -> None:
    """Check the derivatives of the rules themselves; for these the rules run on Values."""
    rng, subject = found.subject.rng(), found.subject
    weights = [_direction(rng, y) for y in _reals(result_arrays(point.f.result(point.x)))]
    count = len(weights)
    args = (*weights, *use.operands)
    chosen = (*range(count), *(count + k for k in subject.chosen))
    whole = Subject(ProjectedResult(use, count), args, chosen, subject.evaluator, subject.seed)
    targets: list[tuple[str, Any, Any, tuple[int, ...]]] = [("vjp", gradient_candidate(whole), args, chosen)]
    if has_jvp(use.op):
        tangents = tuple(_direction(rng, use.operands[k]) for k in subject.chosen)
        targets.append(("jvp", TangentFunction(use, subject.chosen, tangents), use.operands, subject.chosen))
    for rule, function, args, chosen in targets:
        above = Subject(function, args, chosen, subject.evaluator, subject.seed)
        above.names = ArgumentNames([*["the cotangent"] * (len(args) - len(use.names)), *use.names])
        trial = Comparison(above)
        if above.point is not None:
            claim = MinigradClaim(function, above.point, above.names, above.chosen)
            trial = _attempt(trial, f"the derivative of its {rule}", functools.partial(_gradients, claim))
        found.merge(trial)


def _gradients(claim: MinigradClaim, trial: Comparison) -> None:
    trial.gradients(claim)


def _direction(rng: np.random.Generator, like: Any) -> Any:
    shape = np.shape(like)
    return (rng.choice([-1.0, 1.0], shape) * rng.integers(512, 1537, shape) / 1024)[()]


def _reals(ys: Sequence[Any]) -> list[Any]:
    return [y for y in ys if to_array(y).dtype.kind == "f"]


def mutations(use: OpAtOperands, chosen: Sequence[int], seed: int = 0) -> list[Finding]:
    """Findings on arrays that the rules of an op change in place; none if they change nothing."""
    leaves = {k: Value(use.operands[k]) for k in chosen}
    held: dict[str, Any] = {f"operand {name}": x for name, x in zip(use.names, use.operands, strict=True)}
    held |= {f"operand {use.names[k]}": leaf.data for k, leaf in leaves.items()}
    try:
        with np.errstate(all="ignore"):
            ys = [
                y
                for y in result_arrays(use(*(leaves.get(k, x) for k, x in enumerate(use.operands))))
                if y.has_gradient
            ]
            return _find_changes(use, leaves, ys, held, np.random.default_rng(seed))
    except Exception:  # the comparison with slopes reports it
        return []


def _find_changes(
    use: OpAtOperands, leaves: dict[int, Value], ys: list[Value], held: dict[str, Any], rng: np.random.Generator
) -> list[Finding]:
    """Findings on arrays that the two sweeps over one node change; the sweeps get the arrays, not copies."""
    gs = [_direction(rng, y) for y in ys]
    ts = {leaf.serial: _direction(rng, leaf) for leaf in leaves.values()}
    held = held | {"its output": [y.data for y in ys], "the cotangent": gs, "the tangent": [*ts.values()]}
    before = {name: _bytes(x) for name, x in held.items()}
    for _ in sweep_from(list(zip(ys, gs, strict=True))):
        pass
    if has_jvp(use.op) and ys:
        push(ys, ts)
    changed = [name for name, x in held.items() if _bytes(x) != before[name]]
    return [Finding("mutated", sentence=f"a rule changed {name} in place") for name in changed]


def _bytes(x: Any) -> Any:
    return [np.asarray(part).tobytes() for part in x] if isinstance(x, list) else np.asarray(x).tobytes()
