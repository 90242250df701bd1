"""Compare a derivative with slopes of the function: along a few directions, and entry by entry where one fails.

A direction takes the same few calls however many entries it moves. A short ladder of steps may accept a derivative;
what it does not accept is measured with the whole ladder before anything is called wrong.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..diagnosis.report import Finding
from ..numeric.evaluation import BudgetSpent
from ..numeric.extrapolation import Array
from ..numeric.finite_differences import Slopes
from ..numeric.short_ladder import ShortLadder
from . import directions
from .directions import Outcome
from .entries import EntryProbe
from .lines import Glance, LineProbe
from .messages import MessageContext
from .results import CheckResults
from .verdict import Allowance, Need

HALF = 2.0**-12  # functions that round to less than so many digits are noise along a line of many entries
ALMOST = 8.0  # times the error that is needed: single entries may be known that much better
ALONE = 8  # so many entries of a kink are looked at one by one
EACH = 6  # calls for an entry at a kink
OF_FEW = 1000  # calls to look at all entries, if there are few
AT_KINK = 250  # calls to find the entries at a kink
BLOCKS = 32  # of entries, if differences that are allowed add up
SHARED = 2**16  # directions of more entries are not kept for the next derivative
IN_ALL = 560  # calls for a wrong derivative of many entries; more entries are looked at while fewer were made
REACH = 1 / 4  # so long a step along a direction, or half as long, stays within bounds


@dataclass(frozen=True)
class Probe:
    """A derivative to compare, in columns: one per weighted sum of the outputs.

    slopes: measures the function in the same columns. predict: the claimed columns along a direction. given,
    allowance: all entries (entries, columns) and their rounding errors, if the whole derivative is known. rounding:
    otherwise, the rounding errors of the claimed columns along a direction.
    """

    check: CheckResults
    context: MessageContext
    slopes: Slopes
    predict: Callable[[Array], Array]
    given: Array | None = None
    allowance: Allowance | None = None
    rounding: Callable[[Array, Array], Allowance] | None = None

    @functools.cached_property
    def ladder(self) -> ShortLadder:
        """Measures slopes by a few calls."""
        return ShortLadder(self.slopes, self.check.subject.known)

    @functools.cached_property
    def need(self) -> Need:
        """The relative error that must be visible."""
        return Need(self.check.subject.need)

    @functools.cached_property
    def single(self) -> EntryProbe:
        """Compares single entries."""
        return EntryProbe(*self._claimed)

    @functools.cached_property
    def line(self) -> LineProbe:
        """Compares along single directions."""
        return LineProbe(*self._claimed)

    @property
    def _claimed(self) -> tuple[Any, ...]:
        measured = (self.context, self.slopes, self.ladder, self.need)
        return *measured, self.predict, self.given, self.allowance, self.rounding

    def run(self) -> None:
        """Compare along directions; of up to three entries, each by itself."""
        size = len(self.slopes.x)
        if not size or not len(self.slopes.y):
            return
        start = self.slopes.evaluator.count
        if size <= directions.DIRECTIONS:
            self._one_by_one(np.arange(size))
            if size > 1 and not self.check.findings:
                self._all_together()
        elif self.given is None or np.isfinite(self.given).all():
            self._along(self._directions(), np.arange(size), start)
        elif not self._not_finite():
            self._along_finite(self.given, start)

    def _along_finite(self, given: Array, start: int) -> None:
        """Compare the finite entries along directions; no slope is a sum with the others, which are not wrong."""
        finite = np.isfinite(given).all(axis=1)
        if finite.any():
            known, errors = np.where(finite[:, None], given, 0.0), self.allowance
            if errors is not None:
                errors = errors.where(finite[:, None])
            rest = replace(self, given=known, allowance=errors, predict=lambda u: known.T @ u)
            lines = (np.where(finite, u, 0.0) for u in rest._directions())
            rest._along(lines, np.flatnonzero(finite), start)

    def _one_by_one(self, which: Array, confirmed: bool = False) -> None:
        """Compare entries, each with its own error bar."""
        before = self.slopes.evaluator.count
        try:
            self.single.report(which, confirmed=confirmed)
        except BudgetSpent:
            self._note_budget(before)

    def _all_together(self) -> None:
        """Entries that agree one by one may be no derivative, as at a median of equal numbers: they must add up."""
        *_, u = itertools.islice(self._directions(), 2)  # in which all entries have similar effects
        with contextlib.suppress(BudgetSpent):
            if failed := next((o for o in self.line.ask(u) if o.wrong), None):
                self.check.note([self._unexplained(failed)])

    def _note_budget(self, before: int) -> None:
        """Report that the budget ended; before: the calls until then."""
        spent = self.slopes.evaluator.count
        when = "before any comparison" if spent == before else "in the middle of the first comparison"
        self.check.note([Finding("budget", sentence=f"the budget ran out after {spent:,} evaluations, {when}")])

    # ------------------------------------------------------------------------------ along directions

    def _along(self, lines: Iterable[Array], moved: Array, start: int) -> None:
        """Compare along directions that move some entries; start: the calls before the first one."""
        outcomes: list[Outcome] = []
        vague: list[Glance] = []
        before = self.slopes.evaluator.count
        try:
            failed = self._first_failure(lines, outcomes, vague)
        except BudgetSpent:
            outcomes += [self.line.without_second_look(o, glance.short) for glance in vague for o in glance.found]
            failed = next((o for o in outcomes if o.wrong), None)
            if not outcomes:
                self._note_budget(before)
                return
            self.check.remarks.append("the budget ran out before all random directions were checked")
        if failed is not None:
            self.check.powers.append(min((o.power for o in outcomes if o.power >= 0), default=np.inf))  # not nan
            self._locate_mistake(failed, moved, start)
            return
        if kinked := next((o for o in outcomes if o.kinked or o.bent), None):
            self._note_agreement([o for o in outcomes if not (o.kinked or o.bent)])
            self._split_at_kink(kinked, moved, start)
            return
        clear = {o.column for o in outcomes if o.resolved}
        if blurred := next((o for o in outcomes if o.odd or o.column not in clear), None):
            self._explain_blur(blurred, moved)
            return
        self._note_agreement(outcomes)
        self._compare_weak_arguments(outcomes, moved, start)

    def _first_failure(
        self, lines: Iterable[Array], outcomes: list[Outcome], vague: list[Glance]
    ) -> Outcome | None:
        """The first outcome that fails; fills lists of all outcomes, and of directions that were not settled."""
        for u in lines:
            glance = self.line.glance(u)
            settled = [o for o in glance.found if self.line.is_settled(o, glance.short)]
            if any(o.wrong or (o.kinked and not any(o is one for one in settled)) for o in glance.found):
                settled = glance.found = self.line.look(glance)
            outcomes += settled
            vague += [glance] * (len(settled) < len(glance.found))
            if failed := next((o for o in settled if o.wrong and not o.bent), None):
                return failed
        # What one direction leaves open, another one may show: all of them move every entry.
        while vague:
            glance = vague.pop(0)
            if {o.column for o in outcomes if o.resolved} >= {o.column for o in glance.found}:
                continue
            outcomes += (found := self.line.look(glance))
            if failed := next((o for o in found if o.wrong and not o.bent), None):
                return failed
        return None

    def _not_finite(self) -> bool:
        """Whether the given derivative, nan or inf at some entry, is wrong there."""
        assert self.given is not None
        bad, before = np.flatnonzero(~np.isfinite(self.given).all(axis=1)), self.slopes.evaluator.count
        try:
            if not self.single.report(bad[:ALONE]).wrong.any():
                return False
        except BudgetSpent:
            self._note_budget(before)
            return True
        self.check.remarks.append(f"nan or inf in {len(bad):,} of {len(self.given):,} entries")
        return True

    def _directions(self) -> Iterator[Array]:
        """Those that another derivative was compared along, or new ones."""
        asked = self.check.subject.asked
        if self.given is None and len(asked) == directions.DIRECTIONS:
            yield from asked
            return
        row = np.ones(len(self.slopes.x)) if self.given is None else self.given[:, 0]
        asked.clear()
        for direction in directions.directions(self.slopes.x, row, self.check.subject.rng()):
            u = self.slopes.inward(direction, REACH)
            asked += [u] * (u.size <= SHARED)
            yield u

    def _note_agreement(self, outcomes: list[Outcome]) -> None:
        if outcomes:
            self.check.powers.append(max(self._powers(outcomes).values()))
            self.check.largest = max([self.check.largest, *(o.gap for o in outcomes)])

    def _powers(self, outcomes: list[Outcome]) -> dict[int, float]:
        """The power in each column: that of the best direction."""
        best: dict[int, float] = {}
        for o in outcomes:
            best[o.column] = min(o.power, best.get(o.column, np.inf))
        return best

    def _explain_blur(self, blurred: Outcome, moved: Array) -> None:
        """Report on a direction whose bar is too wide; single entries may tell more of a few.

        They do where it has no slope at all, and where they are almost known as well as is needed.
        """
        close = blurred.power <= ALMOST * (self.need.wanted or 0.0)
        if (blurred.odd or close) and not self.slopes.evaluator.limited and len(moved) <= self.check.few:
            before = len(self.check.findings)
            self._one_by_one(moved)
            if len(self.check.findings) > before or close:
                return
        self.check.note([self.context.noisy_direction(blurred)])
        self.check.powers.append(blurred.power)

    def _compare_weak_arguments(self, outcomes: list[Outcome], moved: Array, start: int) -> None:
        """Compare arguments by themselves that contribute too little to the slopes along all arguments."""
        groups = np.unique(self.line.group[moved])
        if len(groups) < 2:
            return
        best = min(max(self._powers(outcomes).values()), self.need.resolved)
        for g in groups:
            seen = max(self.need.aim, 8 * best)
            power = min((o.tolerance / o.sizes[g] if o.sizes[g] else np.inf) for o in outcomes)
            if power <= seen:
                continue
            mine = np.flatnonzero(self.line.group == g)
            if len(mine) <= directions.DIRECTIONS:
                self._one_by_one(mine)
            else:
                self._along([np.where(self.line.group == g, u, 0.0) for u in self._directions()], mine, start)

    # ------------------------------------------------------------------------------ kinks, mistakes

    def _split_at_kink(self, kinked: Outcome, moved: Array, start: int) -> None:
        """Split a direction along which the point is a kink: the kink hides errors as large as itself in any entry.

        Parts without a kink are compared to all digits, and the entries of small parts one by one. The number of
        calls is limited; the remaining entries are only checked together.
        """
        pieces = deque((u, kinked) for u in directions.suspects(self.slopes.x, kinked.u))
        if len(moved) <= ALONE:
            pieces = deque([(kinked.u, kinked)])
        most = AT_KINK if len(moved) > self.check.few else OF_FEW
        alone, together, before = [np.arange(0)], list[Outcome](), self.slopes.evaluator.count
        try:
            while pieces:
                u, whole = pieces.popleft()
                where, spent = np.flatnonzero(u), self.slopes.evaluator.count - before
                if len(where) <= ALONE and spent + EACH * sum(map(len, alone)) < most:
                    alone.append(where)
                    continue
                if spent >= most or len(where) <= ALONE:
                    together.append(replace(whole, u=u))
                    continue
                found = self._ask_part(u)
                if failed := next((o for o in found if o.wrong and not o.bent), None):
                    self._locate_mistake(failed, where, start)
                    return
                if half := next((o for o in found if o.kinked or o.bent), None):
                    pieces += [(part, half) for part in directions.halves(u)]
                else:
                    self._note_agreement(found)
            wrong = len(alone) > 1 and self.single.report(np.concatenate(alone), kinked=True).wrong.any()
        except BudgetSpent:
            together, wrong = [kinked], False
        if together and not wrong:
            beside = next((o for o in together if o.bent), None)
            self.check.note([self._unexplained(beside)] if beside else [])
            self._note_kink([o for o in together if not o.bent])

    def _ask_part(self, u: Array) -> list[Outcome]:
        """The outcomes along a part of a direction; a kink that shows in a few calls need not be measured again."""
        glance = self.line.glance(u)
        settled = all(self.line.is_settled(o, glance.short) for o in glance.found)
        if any(o.kinked or o.bent for o in glance.found) and not any(o.wrong and not o.bent for o in glance.found):
            return glance.found
        return glance.found if settled else self.line.look(glance)

    def _note_kink(self, kinked: list[Outcome]) -> None:
        """Report on entries that were checked only along directions with a kink."""
        if not kinked:
            return
        where, count = self.context.kink_of(kinked[0].u), sum(np.count_nonzero(o.u) for o in kinked)
        sentence = f"the point is a kink{where} along random directions: subgradient accepted\n"
        sentence += f"{count:,} entries were checked only along these: the kink hides errors as large as itself"
        self.check.note([Finding("kink", sentence=sentence)])
        self.check.powers.append(max(o.power for o in kinked))
        self.check.kinks.update(k for o in kinked for k in np.flatnonzero(o.u).tolist())

    def _locate_mistake(self, failed: Outcome, moved: Array, start: int) -> None:
        """Find the wrong entries behind a direction that failed: of few entries all, of many one, and a sample."""
        searched = left = False
        try:
            self.ladder.learn_noise()
            if len(moved) <= self.check.few:
                some = self.single.affordable(moved)
                if self.single.report(some, confirmed=True).wrong.any():
                    return
                left = len(some) < len(moved)
            elif self._search(failed, start):
                return
            searched = True
        except BudgetSpent:
            left = True
            self.check.remarks.append("the budget ran out before the mistake was located")
        if abs(failed.claimed - failed.measured) > self.need.allowed * failed.total:
            self.check.note([self._unexplained(failed, searched)])
        elif left:
            self._note_open()
        elif len(moved) > self.check.few:
            self._compare_blocks(failed)

    def _note_open(self) -> None:
        """Report a difference along a direction: many allowed ones may add up to it, or one may be a mistake."""
        sentence = "the budget ran out before it was clear whether one entry is wrong along a random direction,\n"
        sentence += f"or many entries differ by less than need={self.need.wanted:g}"
        self.check.note([Finding("budget", sentence=sentence)])

    def _unexplained(self, failed: Outcome, searched: bool = True) -> Finding:
        """The finding on a direction whose mistake no entry shows; in half precision it may be rounding."""
        if self.slopes.unit >= HALF:
            return self.context.noisy_direction(failed)
        return self.context.unexplained_direction(failed, searched)

    def _compare_blocks(self, failed: Outcome) -> None:
        """Compare blocks of entries, if many small differences, all of which are allowed, add up to a failure.

        What they hide of a larger one is the power of the comparison.
        """
        most = abs(failed.claimed - failed.measured) / (failed.size or 1.0)
        try:
            hidden = [self._hidden_in_block(failed, b) for b in np.array_split(np.flatnonzero(failed.u), BLOCKS)]
            self.check.powers.append(min(most, max(hidden)))
        except BudgetSpent:
            self.check.powers.append(most)
            self._note_open()

    def _hidden_in_block(self, failed: Outcome, block: Array) -> float:
        """The relative error of one entry that the differences of a block may hide; reports on wrong entries."""
        u = np.zeros_like(failed.u)
        u[block] = failed.u[block]
        allowed = self.need.allowed * failed.size
        gap = abs(self.line.share(failed, u, allowed))
        if gap > allowed and len(block) <= self.check.few:
            self.single.report(block, confirmed=True)
            return 0.0
        return max(gap / failed.size, self.need.allowed)

    def _search(self, failed: Outcome, start: int) -> bool:
        """Find one wrong entry of many by halving, and look at others if it does not explain the direction."""
        if self.ladder.coarse and self._is_wrong_in_sample(start):  # halving by noisy slopes takes many calls
            return True
        i = directions.bisect_entry(failed, functools.partial(self.line.share, failed))
        given, verdicts = self.single.judge(np.array([i]), confirmed=True)
        single = directions.explains(failed, i, given - verdicts.reference, verdicts.tolerance)
        which = np.array([i])
        if not single:
            count = int(max(8, (IN_ALL - (self.slopes.evaluator.count - start)) // 10 - 9))
            which = directions.sample(len(self.slopes.x), i, self.check.subject.rng(), min(count, 48))
        return bool(self.single.report(which, single, confirmed=True).wrong.any())

    def _is_wrong_in_sample(self, start: int) -> bool:
        """Report on a sample of the entries; whether any of them is wrong."""
        size = len(self.slopes.x)
        count = int(max(4, (IN_ALL - (self.slopes.evaluator.count - start)) // 12))
        which = np.sort(self.check.subject.rng().choice(size, min(count, size), replace=False))
        if not self.single.judge(which, confirmed=True)[1].wrong.any():
            return False
        return bool(self.single.report(which, confirmed=True).wrong.any())
