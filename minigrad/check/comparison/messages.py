"""Turn judged entries into findings: one per wrong array, with a diagnosis of the mistake."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..diagnosis.diagnosis import Diagnosis, Evidence, diagnose
from ..diagnosis.report import Finding
from ..numeric.complex_step import sharpened
from ..numeric.extrapolation import Array
from ..numeric.flattening import Slot
from . import verdict
from .candidate import Answer, Claim
from .directions import Outcome
from .verdict import Judged

if TYPE_CHECKING:
    from .results import Gathered

_REASONS = {
    verdict.JUMP: ("jump", "the function jumps here"),
    verdict.INFINITE: ("infinite", "the slope of the function grows without bound towards this point"),
    verdict.NOWHERE: ("no neighbourhood", "the function is not finite on any side of this point"),
}


@dataclass(frozen=True)
class MessageContext:
    """The context of a finding: the claim, its first answer, and the cotangent of that.

    weights: a row per judged column, which is that weighted sum of the results; None: the columns are the results.
    """

    gathered: Gathered
    claim: Claim
    answer: Answer
    cotangent: Array | None
    ignored: frozenset[str] | set[str] = frozenset()
    weights: Array | None = None

    @property
    def mode(self) -> str:
        """The start of a sentence: order and mode, if they are not obvious."""
        order = self.gathered.order
        return "" if order == 1 else f"derivative of order {order}: "

    def kink_of(self, line: int | Array) -> str:
        """The op of the kink along a line, if known."""
        found = self.claim.witness(line) if self.claim.witness else None
        return f" of {found}" if found else ""

    def reference(self, i: int, j: int, value: float, error: float) -> float:
        """The slope of column j along axis i, to as many digits as possible; no verdict depends on it."""
        point = self.claim.point
        weights = np.arange(point.y.size) == j if self.weights is None else self.weights[j]
        return sharpened(point, i, weights.astype(float), value, error)

    def noise_of(self, outcome: Outcome) -> Finding:
        """The finding for a direction that decides nothing."""
        said = (
            f"along random directions the slope is {outcome.measured:.3g} ± {outcome.error:.0e}: "
            "the function is too noisy to decide"
        )
        return Finding("noise", sentence=self.mode + said)

    def curvature(self, u: Array, claimed: float, bend: float, error: float, tolerance: float) -> list[Finding]:
        """Compare a claimed curvature along a line with the function's; no finding if they agree."""
        if abs(claimed - bend) <= tolerance:
            wide = tolerance > verdict.RESOLVED * max(abs(claimed), abs(bend)) and claimed != 0
            said = f"the curvature of the function here is {bend:.3g} ± {error:.0e}: too noisy to decide"
            return [Finding("noise", sentence=said)] if wide and tolerance > verdict.RESOLVED else []
        axes = np.flatnonzero(u)
        where = tuple(int(axes[k]) for k in (0, -1)) if len(axes) <= 2 else None
        said = (
            "along this line"
            if where is None
            else f"along {' and '.join(f'entry {k}' for k in dict.fromkeys(where))}"
        )
        said = (
            f"{said} the curvature of the function is {bend:.6g} ± {error:.0e}, that of the Hessian {claimed:.6g}"
        )
        ratio = claimed / bend if bend else 0.0
        kind = "sign" if abs(claimed + bend) <= tolerance else "zero" if claimed == 0 else "wrong"
        if kind == "wrong" and abs(ratio - round(ratio)) < 1e-6 and round(ratio) > 1:
            kind = "factor"
        return [Finding(kind, "hess", where, claimed, bend, error, said)]

    def unexplained(self, outcome: Outcome) -> Finding:
        """The finding for a direction that fails although every checked entry agrees."""
        said = (
            f"along a random direction it gives {outcome.claimed:.9g}, and the function {outcome.measured:.9g} "
            f"± {outcome.error:.0e}; no single entry stands out"
        )
        return Finding("wrong", sentence=self.mode + said)


def compose_messages(
    told: MessageContext, given: Array, judged: Judged, which: Array, rest: Array | None = None
) -> list[Finding]:
    """Findings on judged entries, of shape (entries, columns).

    which: the numbers of the entries, in the row of all entries. rest: all given entries, if only the judged one is
    known to be wrong.
    """
    layout = told.claim.point.layout
    stretches = [(slot, (which >= slot.start) & (which < slot.stop)) for slot in layout.slots]
    stretches = [(slot, mine) for slot, mine in stretches if mine.any() and slot.path not in told.answer.missing]
    evidence = {slot.path: _evidence(told, slot, given, judged, which, mine, rest) for slot, mine in stretches}
    findings = _odd_shapes(told)
    for slot, mine in stretches:
        if judged.wrong[mine].any():
            others = [e for path, e in evidence.items() if path != slot.path]
            mistake = _wrong(told, slot, evidence[slot.path], others, given, judged, which, mine, rest is not None)
            findings.append(mistake)
        findings += _unresolved(told, slot, judged, which, mine) + _remarks(told, slot, judged, which, mine)
    return findings


def _evidence(
    told: MessageContext,
    slot: Slot,
    given: Array,
    judged: Judged,
    which: Array,
    mine: Array,
    rest: Array | None = None,
) -> Evidence:
    """Evidence in arrays of the shape of the argument, or (*outputs, *argument) for a whole matrix.

    rest: all given entries; those that were not judged are right.
    """
    point = told.claim.point
    whole = given.shape[1] == point.y.size and point.y.size > 1 and told.claim.kind in ("jvp", "jac")
    column = int(np.argmax(judged.wrong[mine].sum(axis=0)))
    places = which[mine] - slot.start
    unknown, free = (np.nan, np.nan) if rest is None else (rest[slot.stretch, column], 0.0)

    def array(entries: Array, empty: Any) -> Array:
        count = slot.stop - slot.start
        made = np.full((given.shape[1], count), empty) if whole else np.full(count, empty)
        made[..., places] = entries[mine].T if whole else entries[mine, column]
        outs = point.results.slots[0].shape if len(point.results.slots) == 1 else (point.y.size,)
        return made.reshape((outs if whole else ()) + slot.shape)

    reference = array(np.where(np.isfinite(judged.error), judged.reference, np.nan), unknown)
    x = point.x[slot.stretch].reshape(slot.shape)
    return Evidence(
        path=told.claim.names(slot.path),
        x=np.broadcast_to(x, reference.shape),
        given=array(given, unknown),
        reference=reference,
        bar=array(judged.tolerance, free),
        wrong=array(judged.wrong, False),
        y=point.y,
        cotangent=told.cotangent,
        constants=told.gathered.subject.constants(),
        y_shape=point.results.slots[0].shape if len(point.results.slots) == 1 else None,
    )


def _wrong(
    told: MessageContext,
    slot: Slot,
    evidence: Evidence,
    others: list[Evidence],
    given: Array,
    judged: Judged,
    which: Array,
    mine: Array,
    lone: bool,
) -> Finding:
    """The finding for a wrong array: its worst entry and its diagnosis."""
    with np.errstate(all="ignore"):
        gap = np.abs(given - judged.reference) / np.maximum(judged.tolerance, np.finfo(float).tiny)
    gap = np.where(judged.wrong & mine[:, None], np.where(np.isnan(gap), np.inf, gap), -1.0)
    i, j = (int(k) for k in np.unravel_index(int(np.argmax(gap)), gap.shape))
    found = diagnose(evidence, others, lone)
    if slot.path in told.ignored:
        found = Diagnosis(
            "cotangent ignored", "it is the same for every cotangent: right only for a cotangent of ones"
        )
    index = slot.index(int(which[i]))
    if evidence.given.shape != slot.shape:
        outs = evidence.given.shape[: evidence.given.ndim - len(slot.shape)]
        index = (*(int(k) for k in np.unravel_index(j, outs)), *index)
    wrong, measured = int(evidence.wrong.sum()), int(np.isfinite(evidence.reference).sum())
    count = f"wrong in {wrong:,} of {measured:,} entries"
    if measured < evidence.given.size:
        count += f" checked, of {evidence.given.size:,}"
    elif found.sentence.startswith(count):  # already stated
        count = "the others agree along a random direction" if lone else ""
    return Finding(
        kind=found.kind,
        path=evidence.path,
        index=index,
        given=float(given[i, j]),
        reference=told.reference(int(which[i]), j, float(judged.reference[i, j]), float(judged.error[i, j])),
        error=float(judged.error[i, j]),
        sentence="\n".join(line for line in (told.mode + found.sentence, count) if line),
    )


def _unresolved(told: MessageContext, slot: Slot, judged: Judged, which: Array, mine: Array) -> list[Finding]:
    """Findings on undecided entries."""
    findings = []
    for state in (verdict.UNRESOLVED, *_REASONS):
        rows = np.argwhere((judged.state == state) & mine[:, None])
        if not len(rows):
            continue
        i, j = rows[0]
        count = f" (and {len(rows) - 1} more entries)" if len(rows) > 1 else ""
        if state == verdict.UNRESOLVED:
            said = f"the slope here is {judged.reference[i, j]:.3g} ± {judged.error[i, j]:.0e}"
            kind, said = "noise", f"{said}: the function is too noisy to decide"
            if np.isnan(judged.reference[i, j]):
                said = "values change at random over the shortest steps: noise, or features finer than those steps"
        else:
            kind, said = _REASONS[state]
        path, index = told.claim.names(slot.path), slot.index(int(which[i]))
        findings.append(Finding(kind, path, index, sentence=f"{told.mode}{said}{count}"))
    return findings


def _remarks(told: MessageContext, slot: Slot, judged: Judged, which: Array, mine: Array) -> list[Finding]:
    findings, path = [], told.claim.names(slot.path)
    kinks = np.flatnonzero((judged.state == verdict.KINK).any(axis=1) & mine)
    if len(kinks):
        where = told.kink_of(int(which[kinks[0]]))
        said = f"{len(kinks)} entr{'ies are' if len(kinks) > 1 else 'y is'} at a kink{where}: subgradient accepted"
        findings.append(Finding("kink", path, sentence=told.mode + said))
    below = int(np.count_nonzero((judged.state == verdict.BELOW).any(axis=1) & mine))
    if below:
        bar = float(judged.error[(judged.state == verdict.BELOW) & mine[:, None]].max())
        said = f"{below} entr{'ies' if below > 1 else 'y'} too small to distinguish from 0: below {bar:.0e}"
        findings.append(Finding("below resolution", path, sentence=told.mode + said))
    return findings


def _odd_shapes(told: MessageContext) -> list[Finding]:
    """Findings on gradients that were not summed: they have the broadcast shape of an argument."""
    findings = []
    for slot in told.claim.point.layout.slots:
        array = told.answer.odd.get(slot.path)
        if array is None or (not slot.shape and not array.ndim):
            continue
        try:
            spread = np.broadcast_shapes(slot.shape, array.shape)
        except ValueError:
            continue
        if spread == array.shape and array.size > slot.stop - slot.start:
            lead = array.ndim - len(slot.shape)
            axes = [k for k in range(array.ndim) if k < lead or slot.shape[k - lead] != array.shape[k]]
            said = f"it has the broadcast shape {array.shape}, the argument has {slot.shape}: sum it over "
            said += f"ax{'es' if len(axes) > 1 else 'is'} {', '.join(map(str, axes))}"
            findings.append(Finding("not summed", told.claim.names(slot.path), sentence=said))
    return findings
