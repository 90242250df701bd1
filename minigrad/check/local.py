"""One op at the operands that it met: a function with a rule, looked at as any function with a gradient is.

Its own forward function, on plain arrays, is what is measured; its rules, as the sweeps use them, are
what is claimed.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..extension import has_jvp
from ..node import placed, record
from ..op import Op
from ..sweep import push, sweep_from
from ..transforms import jvp
from ..value import Value
from .around import subgradient
from .claims import Names
from .compare import Comparison
from .contract import transposed
from .derivative import Point
from .evaluation import Evaluator
from .kinks import Witness
from .layout import is_float, plain
from .own import OwnClaim, below, parts
from .report import Finding
from .subject import Subject

FEW = 6  # entries looked at one by one: there is an op to be told right from wrong, no entry to be named


class Use:
    """An op at the operands that it met, as a function of them: of arrays as NumPy computes it, of Values recorded.

    operands: plain numbers and arrays, those that stand inside parameters last (see `node.lifted`).
    function: what to call instead of the op itself: a call as a user types it, or a checkpointed function.
    """

    def __init__(
        self,
        op: Op,
        operands: Sequence[Any],
        params: dict[str, Any] | None,
        function: Callable[..., Any] | None = None,
    ) -> None:
        self.op, self.operands, self.function = op, tuple(operands), function
        self.params = {name: p for name, p in (params or {}).items() if name != "saved"}  # saved anew by each call
        self.__name__ = op.label
        kind = inspect.Parameter.POSITIONAL_ONLY
        self.__signature__ = inspect.Signature([inspect.Parameter(name, kind) for name in self.names])

    def __call__(self, *operands: Any) -> Any:
        """What the op makes of these operands."""
        if self.function is not None:
            return self.function(*operands)
        if any(isinstance(x, Value) for x in operands):
            return record(Value, self.op, operands, self.params)
        args, params = placed(self.op, list(operands), self.params)
        y = self.op.forward(*args, **params)
        return y[0] if self.op.saves else y

    @property
    def names(self) -> list[str]:
        """What errors call the operands: a, b, c, ..., or x where there is but one."""
        count = len(self.operands)
        if count == 1:
            return ["x"]
        return list("abcdefgh"[:count]) if count <= 8 else [f"x{k}" for k in range(count)]

    @property
    def proper(self) -> range:
        """The numbers of the operands that have a rule; the others stand inside parameters."""
        count = len(self.operands)
        return range(count if self.op.variadic else min(count, len(self.op.domain)))

    @property
    def real(self) -> tuple[int, ...]:
        """The numbers of the operands in which the op can be differentiated."""
        return tuple(k for k in self.proper if is_float(self.operands[k]))


@dataclass(frozen=True)
class Projected:
    """<w, y> as a function of w and of the operands: its second derivatives are all that a vjp has.

    A rule is linear in its cotangent, so one that takes the cotangent for a constant shows in no derivative else.
    """

    use: Use
    count: int

    def __call__(self, *args: Any) -> Any:
        """The sum over all outputs."""
        ys = parts(self.use(*args[self.count :]))
        return sum((np.sum(w * y) for w, y in zip(args, _reals(ys), strict=False)), start=0.0)


@dataclass(frozen=True)
class Pushed:
    """The tangent of an op as a function of the operands: its derivative is that of the jvp itself."""

    use: Use
    chosen: tuple[int, ...]
    tangents: tuple[Any, ...]

    def __call__(self, *args: Any) -> Any:
        """The tangents of its outputs."""

        def of_chosen(*moved: Any) -> Any:
            found = dict(zip(self.chosen, moved, strict=True))
            return self.use(*(found.get(k, x) for k, x in enumerate(args)))

        return jvp(of_chosen, tuple(args[k] for k in self.chosen), self.tangents)[1]


def look(
    use: Use,
    chosen: tuple[int, ...],
    evaluator: Evaluator,
    *,
    seed: int = 0,
    order: int = 1,
    thorough: bool = False,
) -> Comparison:
    """The rules of an op for the chosen operands, beside the slopes of its own forward function.

    thorough: the tangents are measured too, and the adjoint identity must hold to rounding; otherwise they are
    measured only where they are not the transposes of the gradients.
    """
    setup = functools.partial(Subject, args=use.operands, argnums=chosen, evaluator=evaluator, seed=seed)
    subject = setup(use)
    found = Comparison(subject)
    if subject.point is None or not subject.point.y.size:
        return found
    found.note(mutations(use, chosen, seed))
    claim = OwnClaim(use, subject.point, subject.names, subject.chosen)
    claim.witness = Witness(subject)
    back = _attempt(found, "its vjp", functools.partial(_gradients, claim))
    if not back.report().ok and use.op.kink:
        back = subgradient(claim, back) or back
    found.merge(back)
    if has_jvp(use.op) and back.report().verdict != "disagree":  # one mistake at a time
        found.merge(_attempt(found, "its jvp", lambda trial: _tangents(trial, claim, thorough)))
    # At a kink a second derivative is whatever the rule gives when run again, and means nothing.
    if order > 1 and not found.findings:
        _second(found, use, setup, subject.point)
    return found


def _attempt(found: Comparison, rule: str, ask: Callable[[Comparison], None]) -> Comparison:
    """One rule looked at: a few entries or directions first, and every entry where they leave a doubt.

    Its findings say which rule they are about.
    """
    trial = Comparison(found.subject, found.order)
    for few in (FEW, Comparison.few):
        trial = Comparison(found.subject, found.order)
        trial.few = few
        try:
            ask(trial)
        except Exception as error:
            trial.note([Finding("raised", sentence=f"{type(error).__name__}: {error}")])
        if trial.report().ok or not few < trial.point.x.size <= Comparison.few:
            break
    trial.findings = [f if f in found.subject.findings else _said(rule, f) for f in trial.findings]
    return trial


def _said(rule: str, finding: Finding) -> Finding:
    whose = f"{rule} for {finding.path}" if finding.path else rule
    return replace(finding, sentence=f"{whose}: {finding.sentence or finding.kind}")


def _tangents(found: Comparison, claim: OwnClaim, thorough: bool) -> None:
    rng, point = found.subject.rng(), claim.point
    v, u = (rng.choice([-1.0, 1.0], n) * rng.uniform(0.5, 1.5, n) for n in (point.y.size, point.x.size))
    apart = transposed(claim, claim, v, u)
    if thorough or apart:
        ahead = OwnClaim(claim.function, point, claim.names, claim.chosen)
        ahead.kind, ahead.witness = "jvp", claim.witness
        found.tangents(ahead)
    if thorough:
        found.note(apart)


def _second(found: Comparison, use: Use, setup: Callable[..., Subject], point: Point) -> None:
    """The derivatives of the rules themselves, which a second derivative runs on Values."""
    rng, subject = found.subject.rng(), found.subject
    weights = [_direction(rng, y) for y in _reals(parts(point.f.result(point.x)))]
    count = len(weights)
    args = (*weights, *use.operands)
    chosen = (*range(count), *(count + k for k in subject.chosen))
    whole = Subject(Projected(use, count), args, chosen, subject.evaluator, subject.seed)
    targets: list[tuple[str, Any, Any, tuple[int, ...]]] = [("vjp", below(whole), args, chosen)]
    if has_jvp(use.op):
        tangents = tuple(_direction(rng, use.operands[k]) for k in subject.chosen)
        targets.append(("jvp", Pushed(use, subject.chosen, tangents), use.operands, subject.chosen))
    for rule, function, args, chosen in targets:
        above = Subject(function, args, chosen, subject.evaluator, subject.seed)
        above.names = Names([*["the cotangent"] * (len(args) - len(use.names)), *use.names])
        trial = Comparison(above)
        if above.point is not None:
            claim = OwnClaim(function, above.point, above.names, above.chosen)
            trial = _attempt(trial, f"the derivative of its {rule}", functools.partial(_gradients, claim))
        found.merge(trial)


def _gradients(claim: OwnClaim, trial: Comparison) -> None:
    trial.gradients(claim)


def _direction(rng: np.random.Generator, like: Any) -> Any:
    shape = np.shape(like)
    return (rng.choice([-1.0, 1.0], shape) * rng.integers(512, 1537, shape) / 1024)[()]


def _reals(ys: Sequence[Any]) -> list[Any]:
    return [y for y in ys if plain(y).dtype.kind == "f"]


def mutations(use: Use, chosen: Sequence[int], seed: int = 0) -> list[Finding]:
    """What the rules of an op change in place: nothing, if they are right."""
    leaves = {k: Value(use.operands[k]) for k in chosen}
    held: dict[str, Any] = {f"operand {name}": x for name, x in zip(use.names, use.operands, strict=True)}
    held |= {f"operand {use.names[k]}": leaf.data for k, leaf in leaves.items()}
    try:
        with np.errstate(all="ignore"):
            ys = [y for y in parts(use(*(leaves.get(k, x) for k, x in enumerate(use.operands)))) if y.has_gradient]
            return _changed(use, leaves, ys, held, np.random.default_rng(seed))
    except Exception:  # told where the rule is asked for its answer
        return []


def _changed(
    use: Use, leaves: dict[int, Value], ys: list[Value], held: dict[str, Any], rng: np.random.Generator
) -> list[Finding]:
    """What is no longer as it was, after both sweeps over one node, with nothing copied on the way."""
    gs = [_direction(rng, y) for y in ys]
    ts = {leaf.serial: _direction(rng, leaf) for leaf in leaves.values()}
    held = held | {"its output": [y.data for y in ys], "the cotangent": gs, "the tangent": [*ts.values()]}
    before = {name: _prints(x) for name, x in held.items()}
    for _ in sweep_from(list(zip(ys, gs, strict=True))):
        pass
    if has_jvp(use.op) and ys:
        push(ys, ts)
    changed = [name for name, x in held.items() if _prints(x) != before[name]]
    return [Finding("mutated", sentence=f"a rule changed {name} in place") for name in changed]


def _prints(x: Any) -> Any:
    return [np.asarray(part).tobytes() for part in x] if isinstance(x, list) else np.asarray(x).tobytes()
