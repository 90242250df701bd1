"""The derivative in the type that was given, beside its own answer in float64, where it was compared with slopes.

Slopes of float32 have few digits, so f is measured in float64 if it runs there. But the same code may do something
else in float32: take another branch, overflow, lose a small constant. A second look asks for the derivative there.
No slope is needed: what float32 loses by rounding is measured on the derivative itself, where its answers differ by
more than a few roundings.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from ..diagnosis.report import Finding, Precision
from ..numeric.derivative import Point
from ..numeric.extrapolation import Array
from ..numeric.flattening import Slot
from ..numeric.rounding import float_name, unit_of
from .answers import Answer
from .candidate import Claim
from .invariants import NEAR_ONE, SEEN
from .results import CheckResults

FEW = 64  # roundings of the largest entry, or of the function, that need no closer look
NUDGES = 3
OTHER = 2.0**-6  # two values of the function that differ by such a share are not the same but for rounding


@dataclass(frozen=True)
class Question:
    """What to ask of a derivative: for one cotangent, along one tangent, or for the whole matrix.

    ask: the answer of a claim, to the question times a factor, at a row. linear: whether the factor counts. slots:
    the arrays of the answer, named by `name`. blur: per entry, how far one relative rounding of the function moves
    its slope.
    """

    ask: Callable[[Claim, float, Array], Answer]
    linear: bool
    slots: list[Slot]
    blur: Array
    name: Callable[[Slot], str]


def question(claim: Claim, mode: str, rng: np.random.Generator) -> Question:
    """The question to a claim; mode: "pull", "push" or "matrix"."""
    point = claim.point
    steps = 1 / np.maximum(1.0, np.abs(point.x))
    if mode == "matrix":
        blur = np.multiply.outer(np.abs(point.y), steps).ravel()
        whole = Slot("", None, (len(point.y), len(point.x)), np.dtype(np.float64), 0, blur.size)
        return Question(lambda c, factor, row: c.matrix(row), False, [whole], blur, lambda slot: "")
    count = len(point.y if mode == "pull" else point.x)
    v = rng.choice([-1.0, 1.0], count) * rng.integers(512, 1537, count) / 1024
    if mode == "push":
        blur = np.abs(point.y) * float(np.max(np.abs(v) * steps, initial=0.0))
        of_results = point.results.slots
        return Question(
            lambda c, factor, row: c.push(factor * v, row), True, of_results, blur, "tangent{0.path}".format
        )
    v = v if claim.kind == "vjp" else np.ones(count)
    blur = float(np.abs(v) @ np.abs(point.y)) * steps
    slots, linear = point.layout.slots, claim.kind == "vjp"
    return Question(
        lambda c, factor, row: c.pull(factor * v, row), linear, slots, blur, lambda slot: claim.names(slot.path)
    )


def check_given_precision(claim: Claim, mode: str, found: CheckResults) -> None:
    """Compare a derivative in the given type with the same in float64, where it is right; mode: as for `question`.

    Nothing is compared if f was measured in the given type itself.
    """
    given = claim.point.given
    if given is None:
        return
    there = f"in {float_name(_unit(given))}"
    if not np.isfinite(given.y).all():
        value = given.y[~np.isfinite(given.y)][0]
        found.note([Finding("not finite", sentence=f"{there} the function is {value} at the point")])
        return
    asked, below = question(claim, mode, found.subject.rng()), claim.at(given)
    try:
        answers = [asked.ask(one, 1.0, claim.point.x) for one in (below, claim)]
    except Exception as error:
        found.note([Finding("raised", sentence=f"{there} it raised {type(error).__name__}: {error}")])
        return
    both = _Comparison(claim, below, given, asked, *answers)
    found.note([*answers[0].findings, *below.mutated, *both.findings(there)])
    found.precisions.append(both.precision())


def _unit(given: Point) -> float:
    """The unit roundoff of the coarsest type among arguments and results."""
    return max(given.unit, unit_of(given.layout))


@dataclass
class _Comparison:
    """Two answers, the coarse one and that in float64, and what rounding may make of their difference."""

    claim: Claim
    below: Claim
    given: Point
    asked: Question
    coarse: Answer
    fine: Answer

    def __post_init__(self) -> None:
        self.unit, self.wide = max(_unit(self.given), self.coarse.unit), float_name(self.claim.point.own)
        self.type = np.finfo(np.float16 if self.unit == 2.0**-11 else np.float32)
        with np.errstate(all="ignore"):
            self.gap = np.abs(self.coarse.row - self.fine.row)
            self.size = self._largest(np.where(np.isfinite(self.fine.row), np.abs(self.fine.row), 0.0))
            self.allowed = FEW * (self.unit * (self.size + self.asked.blur) + float(self.type.tiny))
            # What is too large for the type, or no number in float64 either, cannot be compared.
            self.known = np.isfinite(self.fine.row) & (np.abs(self.fine.row) < float(self.type.max) / 2)
            for slot in self.asked.slots:
                self.known[slot.stretch] &= slot.path not in self.coarse.missing | self.fine.missing
            if np.any(self.known & ~(self.gap <= self.allowed)):
                self.allowed = self.allowed + SEEN * self._lost()
            self.wrong = self.known & ~(self.gap <= self.allowed)

    def _largest(self, row: Array) -> Array:
        """For each entry, the largest of its array."""
        found = np.zeros(len(row))
        for slot in self.asked.slots:
            found[slot.stretch] = np.max(row[slot.stretch], initial=0.0)
        return found

    def _lost(self) -> Array:
        """How much the difference changes, and the answer in float64, when the question changes by roundings."""
        lost, least = np.zeros(len(self.gap)), self.coarse.row - self.fine.row
        for factor, row in self._beside():
            try:
                coarse, fine = (self.asked.ask(one, factor, row).row for one in (self.below, self.claim))
            except Exception:
                continue
            change = np.abs(coarse - fine - least) + np.abs(fine - factor * self.fine.row)
            lost = np.fmax(lost, np.where(np.isfinite(change), change, 0.0))
        return lost

    def _beside(self) -> Iterator[tuple[float, Array]]:
        """Factors, and points that the given type tells apart."""
        layout, x, rng = self.claim.point.layout, self.claim.point.x, np.random.default_rng(0)
        for _ in range(NUDGES):
            row = x * (1 + 4 * self.unit * rng.choice([-1.0, 1.0], len(x)))
            yield 1.0, layout.row(layout.build(row))
        if self.asked.linear:
            yield from ((1 + 2 * self.unit * c, x) for c in NEAR_ONE[::2])

    def findings(self, there: str) -> list[Finding]:
        """The finding on the worst entry of each array that is wrong in the given type."""
        if not self.wrong.any():
            return []
        if sentence := self._other_function(there):
            return [Finding("noise", sentence=sentence)]
        return [self._finding(slot, there) for slot in self.asked.slots if self.wrong[slot.stretch].any()]

    def _other_function(self, there: str) -> str:
        """A sentence if f itself gives something else in the given type; else ""."""
        values, truth = self.given.y, self.claim.point.y
        off = np.abs(values - truth)
        if not np.any(off > OTHER * np.max(np.abs(truth), initial=0.0)):
            return ""
        k = int(np.argmax(off))
        return (
            f"{there} the function itself gives {values[k]:.6g}, in {self.wide} {truth[k]:.6g}: "
            "there is nothing to compare its derivative with"
        )

    def _finding(self, slot: Slot, there: str) -> Finding:
        here = slot.stretch
        with np.errstate(all="ignore"):
            excess = self.gap[here] / self.allowed[here]
            rank = np.where(self.wrong[here], np.where(np.isnan(excess), np.inf, excess), -1.0)
        i = slot.start + int(np.argmax(rank))
        one = float(self.coarse.row[i])
        count = f"{int(self.wrong[here].sum()):,} of {int(self.known[here].sum()):,} entries"
        what = f"right in {self.wide}, {'wrong' if np.isfinite(one) else one} {there}"
        return Finding(
            kind="precision" if np.isfinite(one) else "nan",
            path=self.asked.name(slot),
            index=slot.index(i),
            given=one,
            reference=float(self.fine.row[i]),
            error=float(self.allowed[i]),
            sentence=f"{what}: in {count}",
        )

    def precision(self) -> Precision:
        """What the comparison saw, and could have seen, relative to the largest entry of an array."""
        seen = self.known & (self.size > 0) & np.isfinite(self.gap)
        shares = (np.max(part[seen] / self.size[seen], initial=0.0) for part in (self.gap, self.allowed))
        largest, power = map(float, shares)
        return Precision(float_name(_unit(self.given)), largest, power, self.wide)
