"""Turn the verdicts on entries into findings: one per wrong array, with a diagnosis of the mistake."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..diagnosis.diagnosis import Diagnosis, Evidence, diagnose
from ..diagnosis.report import Finding, relative_difference
from ..numeric.complex_step import sharpen
from ..numeric.extrapolation import Array
from ..numeric.flattening import Slot
from . import verdict
from .answers import Answer
from .candidate import Claim
from .directions import Outcome
from .verdict import EntryVerdicts

if TYPE_CHECKING:
    from .results import CheckResults

SAME_FOR_ALL = "it is the same for three different cotangents: the cotangent is not used"
NAMED = 8  # entries at a kink whose convention is looked up
_REASONS = {
    verdict.JUMP: ("jump", "the function jumps here"),
    verdict.INFINITE: ("infinite", "the slope of the function grows without bound towards this point"),
    verdict.NOWHERE: ("no neighbourhood", "the function is not finite on either side of this point"),
}


@dataclass(frozen=True)
class MessageContext:
    """The context of a finding: the claim, its first answer, and the cotangent that it answers.

    weights: one row per column of verdicts, which concerns that weighted sum of the results; None if the columns
    are the results themselves.
    """

    check: CheckResults
    claim: Claim
    answer: Answer
    cotangent: Array | None
    ignored: frozenset[str] | set[str] = frozenset()
    weights: Array | None = None

    @property
    def mode(self) -> str:
        """The start of a sentence: the order of the derivative, if it is not 1."""
        order = self.check.order
        return "" if order == 1 else f"derivative of order {order}: "

    def weights_of(self, column: int) -> Array:
        """The weights of the results in a column of verdicts."""
        count = self.claim.point.y.size
        return np.eye(1, count, column)[0] if self.weights is None else np.ravel(self.weights[column])

    def kink_of(self, line: int | Array) -> str:
        """The op of the kink along a line, if known."""
        found = self.claim.locate_kink(line) if self.claim.locate_kink else None
        return f" of {found}" if found else ""

    def reference(self, i: int, j: int, value: float, error: float) -> float:
        """The slope of column j along axis i, to as many digits as possible; verdicts do not depend on it."""
        point = self.claim.point
        weights = np.arange(point.y.size) == j if self.weights is None else self.weights[j]
        return sharpen(point, i, weights.astype(float), value, error)

    def noisy_direction(self, outcome: Outcome) -> Finding:
        """The finding for a direction whose error bar is too wide to decide."""
        sentence = f"along random directions the slope is {outcome.measured:.3g} ± {outcome.error:.0e}: "
        sentence += _blurred(outcome.measured, outcome.tolerance, outcome.error)
        if 0 < outcome.power < np.inf:
            sentence += f"\nonly an error of {outcome.power:.0e} in an entry would show"
        return Finding("noise", sentence=self.mode + sentence)

    def unexplained_direction(self, outcome: Outcome, searched: bool = True) -> Finding:
        """The finding for a direction that fails; searched: some entries were checked, and each of them agrees."""
        self.check.failed.append((outcome.u, self.weights_of(outcome.column)))
        sentence = (
            f"along a random direction the given slope is {outcome.claimed:.9g}, but that of the function "
            f"{outcome.measured:.9g} ± {outcome.error:.0e}"
        )
        if off := relative_difference(outcome.claimed, outcome.measured):
            sentence += f", {off}"
        sentence += "; no single entry stands out" * searched
        return Finding("wrong", sentence=self.mode + sentence)


def compose_messages(
    context: MessageContext, given: Array, verdicts: EntryVerdicts, which: Array, rest: Array | None = None
) -> list[Finding]:
    """Findings on entries; given and verdicts have shape (entries, columns).

    which: the positions of these entries in the row of all entries. rest: all given entries, if the one of these is
    wrong and all others are right.
    """
    layout = context.claim.point.layout
    stretches = [(slot, (which >= slot.start) & (which < slot.stop)) for slot in layout.slots]
    stretches = [(slot, mine) for slot, mine in stretches if mine.any() and slot.path not in context.answer.missing]
    evidence = {slot.path: _evidence(context, slot, given, verdicts, which, mine, rest) for slot, mine in stretches}
    findings = _odd_shapes(context)
    for slot, mine in stretches:
        if verdicts.wrong[mine].any():
            others = [e for path, e in evidence.items() if path != slot.path]
            mistake = _wrong(
                context, slot, evidence[slot.path], others, given, verdicts, which, mine, rest is not None
            )
            findings.append(mistake)
        findings += _unresolved(context, slot, given, verdicts, which, mine)
        findings += _remarks(context, slot, given, verdicts, which, mine)
    return findings


def _evidence(
    context: MessageContext,
    slot: Slot,
    given: Array,
    verdicts: EntryVerdicts,
    which: Array,
    mine: Array,
    rest: Array | None = None,
) -> Evidence:
    """Evidence in arrays of the shape of the argument, or (*outputs, *argument) for a whole matrix.

    rest: all given entries, if those without a verdict are right.
    """
    point = context.claim.point
    whole = context.weights is None and given.shape[1] == point.y.size > 1 and context.claim.kind in ("jvp", "jac")
    column = _worst_column(verdicts, mine)
    places = which[mine] - slot.start
    unknown, free = (np.nan, np.nan) if rest is None else (rest[slot.stretch, column], 0.0)

    def array(entries: Array, empty: object) -> Array:
        count = slot.stop - slot.start
        made = np.full((given.shape[1], count), empty) if whole else np.full(count, empty)
        made[..., places] = entries[mine].T if whole else entries[mine, column]
        outs = point.results.slots[0].shape if len(point.results.slots) == 1 else (point.y.size,)
        return made.reshape((outs if whole else ()) + slot.shape)

    reference = array(np.where(np.isfinite(verdicts.error), verdicts.reference, np.nan), unknown)
    x = point.x[slot.stretch].reshape(slot.shape)
    return Evidence(
        path=context.claim.names(slot.path),
        x=np.broadcast_to(x, reference.shape),
        given=array(given, unknown),
        reference=reference,
        bar=array(verdicts.tolerance, free),
        wrong=array(verdicts.wrong, False),
        y=point.y,
        cotangent=context.cotangent if context.cotangent is None else context.weights_of(column),
        constants=context.check.subject.constants(),
        y_shape=point.results.slots[0].shape if len(point.results.slots) == 1 else None,
    )


def _worst_column(verdicts: EntryVerdicts, mine: Array) -> int:
    """The column with the most wrong entries."""
    return int(np.argmax(verdicts.wrong[mine].sum(axis=0)))


def _worst(given: Array, verdicts: EntryVerdicts, mine: Array, whole: bool) -> tuple[int, int]:
    """The wrong entry farthest outside of its bar; whole: of all columns, else of that which the sentence is on."""
    with np.errstate(all="ignore"):
        gap = np.abs(given - verdicts.reference) / np.maximum(verdicts.tolerance, np.finfo(float).tiny)
    shown = verdicts.wrong & mine[:, None]
    if not whole:
        shown[:, np.arange(shown.shape[1]) != _worst_column(verdicts, mine)] = False
    gap = np.where(shown, np.where(np.isnan(gap), np.inf, gap), -1.0)
    i, j = (int(k) for k in np.unravel_index(int(np.argmax(gap)), gap.shape))
    return i, j


def _wrong(
    context: MessageContext,
    slot: Slot,
    evidence: Evidence,
    others: list[Evidence],
    given: Array,
    verdicts: EntryVerdicts,
    which: Array,
    mine: Array,
    single: bool,
) -> Finding:
    """The finding for a wrong array: its worst entry and its diagnosis."""
    i, j = _worst(given, verdicts, mine, whole=evidence.given.shape != slot.shape)
    found = diagnose(evidence, others, single)
    if slot.path in context.ignored:
        found = Diagnosis("cotangent ignored", SAME_FOR_ALL)
    conventions = context.claim.conventions
    same = conventions.at_mistake(which[mine], context.weights_of(j), given[mine, j]) if conventions else ""
    sides, kink = verdicts.sides(i, j), ""
    if sides is not None:
        kink = f"the point is a kink: the slopes of its two sides are {sides[0]:.6g} and {sides[1]:.6g}"
    index = slot.index(int(which[i]))
    if evidence.given.shape != slot.shape:
        outs = evidence.given.shape[: evidence.given.ndim - len(slot.shape)]
        index = (*(int(k) for k in np.unravel_index(j, outs)), *index)
    wrong, measured = int(evidence.wrong.sum()), int(np.isfinite(evidence.reference).sum())
    count = f"wrong in {wrong:,} of {measured:,} entries"
    if measured < evidence.given.size:
        count += f" checked, of {evidence.given.size:,}"
    elif found.sentence.startswith(count):  # already stated
        count = "the others agree along a random direction" if single else ""
    return Finding(
        kind=found.kind,
        path=evidence.path,
        index=index,
        given=float(given[i, j]),
        reference=context.reference(int(which[i]), j, float(verdicts.reference[i, j]), float(verdicts.error[i, j])),
        error=float(verdicts.error[i, j]),
        sentence="\n".join(line for line in (context.mode + found.sentence, count, kink, same) if line),
    )


def _unresolved(
    context: MessageContext, slot: Slot, given: Array, verdicts: EntryVerdicts, which: Array, mine: Array
) -> list[Finding]:
    """Findings on entries that could not be decided."""
    findings = []
    for state in (verdict.UNRESOLVED, *_REASONS):
        rows = np.argwhere((verdicts.state == state) & mine[:, None])
        if not len(rows):
            continue
        i, j = rows[0]
        more = len(np.unique(rows[:, 0])) - 1
        count = f" (and {more:,} more entr{'ies' if more > 1 else 'y'})" if more else ""
        if state == verdict.UNRESOLVED:
            sentence = f"the slope here is {verdicts.reference[i, j]:.3g} ± {verdicts.error[i, j]:.0e}"
            kind = "noise"
            sentence = (
                f"{sentence}: {_blurred(verdicts.reference[i, j], verdicts.tolerance[i, j], verdicts.error[i, j])}"
            )
            if steps := verdicts.measured[i].stairs[j]:
                sentence = f"steps of {steps:.1g} found: the function is constant here, and no slope shows"
            elif np.isnan(verdicts.reference[i, j]):
                sentence = (
                    "values change at random over the shortest steps: noise, or features finer than those steps"
                )
        else:
            kind, sentence = _REASONS[state]
        conventions = context.claim.conventions if state == verdict.INFINITE else None
        same = conventions.at_infinity(given[i, j]) if conventions and not np.isinf(given[i, j]) else ""
        path, index = context.claim.names(slot.path), slot.index(int(which[i]))
        sentence = "\n".join(line for line in (f"{context.mode}{sentence}{count}", same) if line)
        findings.append(Finding(kind, path, index, sentence=sentence))
    return findings


def _remarks(
    context: MessageContext, slot: Slot, given: Array, verdicts: EntryVerdicts, which: Array, mine: Array
) -> list[Finding]:
    findings, path = [], context.claim.names(slot.path)
    kinks = np.flatnonzero((verdicts.state == verdict.KINK).any(axis=1) & mine)
    lines = _conventions(context, slot, given, verdicts, which, mine)
    context.check.kinks.update(which[kinks].tolist())
    if len(kinks):
        where = context.kink_of(int(which[kinks[0]]))
        sentence = (
            f"{len(kinks)} entr{'ies are' if len(kinks) > 1 else 'y is'} at a kink{where}: subgradient accepted"
        )
        lines.insert(0, context.mode + sentence)
    if lines:
        findings.append(Finding("kink", path, sentence="\n".join(lines)))
    if sentence := _below_resolution(verdicts, (verdicts.state == verdict.BELOW_RESOLUTION) & mine[:, None]):
        findings.append(Finding("below resolution", path, sentence=context.mode + sentence))
    return findings


def _below_resolution(verdicts: EntryVerdicts, below: Array) -> str:
    """A sentence on small entries: those that nothing tells from 0, and those of which few digits are known."""
    parts = []
    tiny = np.abs(verdicts.reference) <= verdicts.tolerance
    for which, words in ((below & tiny, "too small to distinguish from 0"), (below & ~tiny, "known to few digits")):
        count = int(np.count_nonzero(which.any(axis=1)))
        if count:
            size = np.max(verdicts.tolerance[which])
            bound = f"smaller than {size + np.max(np.abs(verdicts.reference[which])):.0e}"
            bound = bound if words.startswith("too") else f"± {size:.0e}"
            parts.append(f"{count:,} entr{'ies' if count > 1 else 'y'} {words} ({bound})")
    return ", ".join(parts)


def _blurred(slope: float, tolerance: float, error: float) -> str:
    """Why a difference cannot be decided: errors of the function, or the rounding of the given derivative."""
    own = tolerance - verdict.BARS * error
    if own > verdict.BARS * error:
        return f"the given derivative has rounding errors of {own:.0e}, too many to decide"
    if abs(slope) <= verdict.BARS * error:
        return "errors of the function's values hide it"
    return "the function is too noisy to decide"


def _conventions(
    context: MessageContext, slot: Slot, given: Array, verdicts: EntryVerdicts, which: Array, mine: Array
) -> list[str]:
    """Whose conventions the first entries at a kink follow."""
    found: dict[str, list[str]] = {}
    conventions = context.claim.conventions
    if conventions is None:
        return []
    accepted = np.isin(verdicts.state, (verdict.AGREE, verdict.KINK)) | np.isnan(given)
    seen: dict[int, tuple[int, tuple[float, float]]] = {}  # a column for each entry
    for i, j in np.argwhere(accepted & mine[:, None]):
        if len(seen) < NAMED and i not in seen and (sides := verdicts.sides(i, j)):
            seen[i] = j, sides
    for i, j in np.argwhere((verdicts.state == verdict.KINK) & np.isinf(given) & mine[:, None])[:NAMED]:
        if text := conventions.at_infinity(given[i, j]):
            found.setdefault(text, []).append(_place(context, slot, int(which[i])))
    for i, (j, sides) in seen.items():
        axis = int(which[i])
        if text := conventions.at_kink(axis, context.weights_of(j), given[i, j], *sides):
            found.setdefault(text, []).append(_place(context, slot, axis))
    return [f"{', '.join(places)}: {text}" for text, places in found.items()]


def _place(context: MessageContext, slot: Slot, axis: int) -> str:
    return Finding("kink", context.claim.names(slot.path), slot.index(axis)).place


def _odd_shapes(context: MessageContext) -> list[Finding]:
    """Findings on gradients that were not summed: they have the broadcast shape of an argument."""
    findings = []
    for slot in context.claim.point.layout.slots:
        array = context.answer.odd.get(slot.path)
        if array is None or (not slot.shape and not array.ndim):
            continue
        try:
            spread = np.broadcast_shapes(slot.shape, array.shape)
        except ValueError:
            continue
        if spread == array.shape and array.size > slot.stop - slot.start:
            lead = array.ndim - len(slot.shape)
            axes = [k for k in range(array.ndim) if k < lead or slot.shape[k - lead] != array.shape[k]]
            sentence = f"it has the broadcast shape {array.shape}, but the argument has {slot.shape}: sum it over "
            sentence += f"ax{'es' if len(axes) > 1 else 'is'} {', '.join(map(str, axes))}"
            findings.append(Finding("not summed", context.claim.names(slot.path), sentence=sentence))
    return findings
