"""Compare a derivative with slopes of the function: few entries one by one, many along random directions."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from ..diagnosis.report import Finding
from ..numeric.evaluation import BudgetSpent
from ..numeric.extrapolation import Array
from ..numeric.finite_differences import Slopes
from . import directions, verdict
from .messages import MessageContext, compose_messages
from .results import Gathered
from .verdict import Entries, Judged, judge

ALONE = 8  # up to so many entries are checked one by one


@dataclass(frozen=True)
class Probe:
    """A derivative to compare, as columns: one per weighted sum of the outputs.

    predict: the columns claimed along a direction. given, allowance: all entries (entries, columns) and their
    rounding errors, if known beforehand. rounding: otherwise, the errors of the columns claimed along a direction.
    slopes: measures the function in the same columns.
    """

    gathered: Gathered
    told: MessageContext
    slopes: Slopes
    predict: Callable[[Array], Array]
    given: Array | None = None
    allowance: Array | None = None
    rounding: Callable[[Array, Array], Array] | None = None

    def run(self) -> None:
        """Compare one by one or along directions, by the number of entries and the budget."""
        size, few = len(self.slopes.x), self.gathered.few
        if not size or not len(self.slopes.y):
            return
        if size > few or self.slopes.evaluator.limited:
            agreed = self.along_directions()
            if size > few or not agreed:
                return
        self.one_by_one()

    def entries(self, which: Array) -> tuple[Array, Array]:
        """The claimed values of some entries, and their rounding errors."""
        if self.given is not None and self.allowance is not None:
            return self.given[which], self.allowance[which]
        axes = np.eye(1, len(self.slopes.x))[0]
        columns = len(self.slopes.noise)
        rows = np.array([self.predict(np.roll(axes, int(k))) for k in which]).reshape(len(which), columns)
        if self.rounding is None:
            return rows, 8 * self.told.answer.unit * np.abs(rows)
        blur = [self.rounding(np.roll(axes, int(k)), row) for k, row in zip(which, rows, strict=True)]
        return rows, np.array(blur).reshape(rows.shape)

    # ------------------------------------------------------------------------------------ one by one

    def one_by_one(self) -> None:
        """Compare every entry with its own error bar."""
        which = np.arange(len(self.slopes.x))
        try:
            self._judge(which)
        except BudgetSpent:
            said = "the budget ran out before entries were checked one by one"
            self.gathered.remarks.append(f"random directions agree; {said}")

    def _judge(self, which: Array, lone: bool = False) -> Judged:
        """Judge some entries and report on them; lone: the others are known to be right."""
        given, judged = self._judged(which)
        rest = self.given if lone and self.told.claim.kind in ("grad", "vjp") else None
        self.gathered.take(compose_messages(self.told, given, judged, which, rest), judged, given)
        return judged

    def _judged(self, which: Array) -> tuple[Array, Judged]:
        given, allowance = self.entries(which)
        measured = list(self.slopes.along([int(k) for k in which]))
        judged = judge(given, Entries(measured), allowance, self.gathered.subject.group()[which])
        self._question_kinks(judged, given, which)
        return given, judged

    def _question_kinks(self, judged: Judged, given: Array, which: Array) -> None:
        """If no op of a known graph has the kink, there is none: the entry is wrong."""
        kinks, witness = (judged.state == verdict.KINK) & np.isfinite(given), self.told.claim.witness
        for i in np.flatnonzero(kinks.any(axis=1)):
            if witness is not None and witness(int(which[i])) is None:
                judged.state[i, kinks[i]] = verdict.WRONG

    # ------------------------------------------------------------------------------ along directions

    def along_directions(self) -> bool:
        """Compare along random directions; if one fails, find the entry behind it. Whether all agree."""
        outcomes: list[directions.Outcome] = []
        try:
            if self._not_finite():
                return False
            for u in self._directions():
                outcomes += self.ask(u)
                failed = next((o for o in outcomes if o.wrong), None)
                if failed is not None:
                    self.gathered.powers.append(min(o.power for o in outcomes))
                    self._blame(failed)
                    return False
        except BudgetSpent:
            if not outcomes:
                said = f"the budget ran out after {self.slopes.evaluator.count} evaluations, before any comparison"
                self.gathered.note([Finding("budget", sentence=said)])
                return False
            self.gathered.remarks.append("the budget ran out before all random directions were checked")
        self._agreed(outcomes)
        kinked = next((o for o in outcomes if o.kinked), None)
        return kinked is None or self._apart(kinked)

    def _not_finite(self) -> bool:
        """Whether the given derivative is nan or inf somewhere, and wrong there; this needs no slope."""
        if self.given is None or np.isfinite(self.given).all():
            return False
        bad = np.flatnonzero(~np.isfinite(self.given).all(axis=1))
        if not self._judge(bad[:ALONE]).wrong.any():
            return False
        self.gathered.remarks.append(f"nan or inf in {len(bad):,} of {len(self.given):,} entries")
        return True

    def ask(self, u: Array) -> list[directions.Outcome]:
        """The outcomes of a direction, one per column."""
        (measured,) = self.slopes.along([u])
        given, allowance = self.given, self.allowance
        found = []
        for k, c in enumerate(self.predict(u)):
            g, spread = None, 8 * self.told.answer.unit * abs(c)
            if given is not None and allowance is not None:
                g, spread = given[:, k], allowance[:, k]
            outcome = directions.outcome(u, c, g, spread, measured, k)
            if outcome.kinked and self.told.claim.witness and self.told.claim.witness(u) is None:
                outcome = replace(outcome, kinked=False)
            found.append(outcome)
        return found

    def _directions(self) -> Iterator[Array]:
        row = np.ones(len(self.slopes.x)) if self.given is None else self.given[:, 0]
        return directions.directions(self.slopes.x, row, self.gathered.subject.rng())

    def _agreed(self, outcomes: list[directions.Outcome]) -> None:
        self.gathered.powers += [min(o.power for o in outcomes)] * (not any(o.kinked for o in outcomes))
        self.gathered.largest = max([self.gathered.largest, *(o.gap for o in outcomes if not o.kinked)])
        blurred = next((o for o in outcomes if not o.resolved and not o.kinked), None)
        if blurred is not None:
            self.gathered.note([self.told.noise_of(blurred)])

    def _apart(self, kinked: directions.Outcome) -> bool:
        """Split a direction along which the point is a kink, since it hides errors of its own size in any entry.

        Parts without a kink are compared to all digits, the entries of small parts one by one. The number of
        ladders is limited; the remaining entries have only been checked together.
        """
        pieces = deque((u, kinked) for u in directions.suspects(self.slopes.x, kinked.u))
        alone, together, room = [np.arange(0)], list[directions.Outcome](), self.gathered.few
        try:
            while pieces:
                u, whole = pieces.popleft()
                where = np.flatnonzero(u)
                if len(where) <= min(ALONE, room):
                    alone, room = [*alone, where], room - len(where)
                    continue
                if not room:
                    together.append(replace(whole, u=u))
                    continue
                room, found = room - 1, self.ask(u)
                if failed := next((o for o in found if o.wrong), None):
                    self._blame(failed)
                    return False
                if half := next((o for o in found if o.kinked), None):
                    pieces += [(part, half) for part in directions.halves(u)]
                else:
                    self._agreed(found)
            wrong = len(alone) > 1 and self._judge(np.concatenate(alone)).wrong.any()
        except BudgetSpent:
            together, wrong = [kinked], False
        if together and not wrong:
            self._together(together)
        return not wrong

    def _together(self, kinked: list[directions.Outcome]) -> None:
        """Report on entries that were checked only along a kink."""
        where, count = self.told.kink_of(kinked[0].u), sum(np.count_nonzero(o.u) for o in kinked)
        said = f"the point is a kink{where} along random directions: subgradient accepted\n"
        said += f"{count:,} entries were checked only along it: it hides errors of its own size"
        self.gathered.note([Finding("kink", sentence=said)])
        self.gathered.powers.append(max(o.power for o in kinked))

    def _blame(self, failed: directions.Outcome) -> None:
        """Find the entry behind a direction that failed; check more entries if it does not explain everything."""
        try:
            i = directions.bisect_entry(failed, lambda u: self.ask(u)[failed.column])
            which = np.array([i])
            lone = self._explains(self._judged(which), failed, i)
            if not lone:
                which = directions.sample(len(self.slopes.x), i, self.gathered.subject.rng())
            if self._judge(which, lone).wrong.any():
                return
        except BudgetSpent:
            self.gathered.remarks.append("the budget ran out before the mistake was located")
        self.gathered.note([self.told.unexplained(failed)])

    @staticmethod
    def _explains(found: tuple[Array, Judged], failed: directions.Outcome, i: int) -> bool:
        """Whether the error of one entry explains the error of a direction."""
        given, judged = found
        step, column = abs(failed.u[i]), failed.column
        error = (given - judged.reference)[0, column] * failed.u[i]
        allowed = failed.tolerance + judged.tolerance[0, column] * step
        return bool(abs(failed.claimed - failed.measured - error) <= allowed)
