"""Compare a derivative along one direction: by a few calls, and by many where these leave a doubt."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..numeric.evaluation import BudgetSpent
from ..numeric.extrapolation import Array
from ..numeric.short_slope import ShortSlope
from . import directions
from .columns import ClaimedColumns
from .directions import Outcome, Terms
from .verdict import BARS, STILL, level

# The steps for a part of a direction that failed: long ones, or short ones where kinks lie close by.
PARTS = ((5, 9, 18), (16, 18))
LOOK = 72  # calls to measure along a direction for the first time: with fewer left, entries are a better use
SURE = 30  # error bars: a difference this clear needs no second measurement if there is no budget for it


@dataclass
class Glance:
    """A comparison along a direction by a few calls: the claim, its terms, the slopes, an outcome per column."""

    u: Array
    row: Array
    terms: list[Terms]
    short: ShortSlope
    found: list[Outcome]


@dataclass(frozen=True)
class LineProbe(ClaimedColumns):
    """A derivative along directions."""

    @functools.cached_property
    def group(self) -> Array:
        """The number of the argument of each entry, among those with entries."""
        return np.unique(self.context.check.subject.group(), return_inverse=True)[1]

    def ask(self, u: Array) -> list[Outcome]:
        """Compare along one direction: an outcome per column."""
        glance = self.glance(u)
        settled = all(self.is_settled(o, glance.short) for o in glance.found)
        return glance.found if settled else self.look(glance)

    def glance(self, u: Array) -> Glance:
        """Compare along one direction by a few calls."""
        row = self.predict(u)
        terms = self._terms(u, row, None)
        wanted = self.need.aim / BARS * np.array([max(one.sizes) for one in terms])
        length = self.ladder.known_length(u) or self._length(u, terms)
        (short,) = self.ladder.along([u], [length], wanted=wanted)
        found = [directions.outcome(u, c, terms[k], short, k, self.need) for k, c in enumerate(row)]
        marked = [self._mark_kink(o, short) for o in found]
        return Glance(u, row, terms, short, [self._question_kink(o) for o in marked])

    def look(self, glance: Glance) -> list[Outcome]:
        """Compare along the same direction by as many calls as it takes."""
        u, row, terms = glance.u, glance.row, glance.terms
        try:
            self.slopes.evaluator.afford(LOOK)
            (measured,) = self.slopes.along([u])
        except BudgetSpent:
            return [self.without_second_look(o, glance.short) for o in glance.found]
        found = [directions.outcome(u, c, terms[k], measured, k, self.need) for k, c in enumerate(row)]
        for k, one in enumerate(found):
            if one.wrong and level(measured)[k]:
                seen = self._terms(u, row, self._seen(u, row))
                found[k] = directions.outcome(u, row[k], seen[k], measured, k, self.need)
            elif self._saw_better(glance.found[k], one) and self.ladder.is_trusted(glance.short, k):
                found[k] = glance.found[k]
            elif not (one.resolved or one.wrong or measured.stairs[k]) and level(measured)[k]:
                found[k] = replace(one, still=self.ladder.is_flat_to_an_edge(u, 1.0, k))
        return [self._question_kink(o) for o in found]

    @staticmethod
    def _saw_better(brief: Outcome, whole: Outcome) -> bool:
        """Whether a few calls show clearly what many do not: these go far, where some entries drown the others."""
        gap = abs(brief.claimed - brief.measured)
        return brief.wrong and not brief.bent and SURE * brief.tolerance < gap < whole.tolerance

    def _length(self, u: Array, terms: Sequence[Terms]) -> float:
        effects = np.array([one.total for one in terms])
        return directions.step_length(self.slopes.x, u, effects, self.ladder.size)

    def _terms(self, u: Array, row: Array, spread: Array | None) -> list[Terms]:
        """What the claimed slopes consist of. spread: rounding errors that show in the answers, if measured."""
        if self.given is not None and self.allowance is not None:
            errors = self.allowance.usual if spread is None else spread
            return [Terms.of_entries(self.given[:, k] * u, self.group, errors[:, k] * u) for k in range(len(row))]
        rounding = 8 * self.context.answer.unit * np.abs(row) if spread is None else spread
        numbers = np.unique(self.group)
        parts = [self.predict(np.where(self.group == g, u, 0.0)) for g in numbers] if len(numbers) > 1 else [row]
        return [
            Terms.of_arguments(np.array(one), float(r))
            for one, r in zip(np.transpose(parts), rounding, strict=True)
        ]

    def is_settled(self, o: Outcome, short: ShortSlope) -> bool:
        """Whether a few calls suffice: the claim is right as far as is needed, or lies inside of a clear kink."""
        k = o.column
        if o.kinked:
            return self._is_clear_kink(short, k)
        if o.wrong or short.kinked[k]:
            return False
        if short.flat[k] and o.claimed == 0:
            return bool(short.floor[k] == 0)
        coarse = short.noisy[k] or self.ladder.coarse
        return o.resolved if coarse else o.tolerance <= (self.need.aim * o.size or STILL * o.swing)

    @staticmethod
    def _is_clear_kink(short: ShortSlope, k: int) -> bool:
        apart = abs(short.right.value[k] - short.left.value[k])
        return bool(short.right.error[k] + short.left.error[k] <= directions.CLEAR * apart)

    def _mark_kink(self, o: Outcome, short: ShortSlope) -> Outcome:
        """A claim that is just the mean of the slopes of both sides is at a kink as well."""
        k = o.column
        if o.wrong or o.kinked or not (short.kinked[k] and self._is_clear_kink(short, k)):
            return o
        half = abs(float(short.right.value[k] - short.left.value[k])) / 2
        return replace(o, kinked=bool(half > o.tolerance), hidden=half)

    def _question_kink(self, o: Outcome) -> Outcome:
        """An apparent kink is none if the graph is known, and none of its ops has a kink."""
        locate_kink = self.context.claim.locate_kink
        none = o.kinked and locate_kink is not None and locate_kink(o.u) is None
        return replace(o, kinked=False) if none else o

    def without_second_look(self, o: Outcome, short: ShortSlope) -> Outcome:
        """An outcome that no budget is left to confirm: it stands if it is clear beyond doubt."""
        gap = abs(o.claimed - o.measured)
        clear = gap > SURE * o.error and gap > SURE * o.tolerance and not short.kinked[o.column]
        return o if clear or not o.wrong else replace(o, tolerance=gap)

    def _seen(self, u: Array, row: Array) -> Array:
        """The rounding errors that show in the answers: of all entries, or of the columns along a direction."""
        if self.allowance is not None:
            return self.allowance.seen()
        return 8 * self.context.answer.unit * np.abs(row) if self.rounding is None else self.rounding(u, row).seen()

    def share(self, failed: Outcome, u: Array, error: float) -> float:
        """By how much the claim is wrong along a part of a direction that failed."""
        row = self.predict(u)
        length, k = self._length(u, self._terms(u, row, None)), failed.column
        for depths, share in ((PARTS[0], 8), (PARTS[1], 8), (None, 2)):
            (found,) = self.ladder.along([u], [length], depths)
            if share * found.error[k] <= error:
                return float(row[k] - found.value[k])
        (measured,) = self.slopes.along([u])
        return float(row[k] - measured.value[k])
