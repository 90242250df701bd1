"""Looking at a derivative through the function: few entries one by one, many along random directions."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from . import judgement, search
from .evaluation import BudgetSpent
from .gathered import Gathered
from .judgement import Entries, Judged, judge
from .ladder import Array
from .report import Finding
from .slopes import Slopes
from .telling import Told, tell

ALONE = 8  # so few entries are looked at one by one, rather than together


@dataclass(frozen=True)
class Look:
    """A derivative to be looked at: what is claimed of it, as columns, one per weighted sum of the outputs.

    predict: the columns claimed along a direction. given, allowance: all entries (entries, columns) and their
    rounding errors, where they are known beforehand; else rounding: the errors of the columns claimed along a
    direction. slopes: what measures the function in the same columns.
    """

    gathered: Gathered
    told: Told
    slopes: Slopes
    predict: Callable[[Array], Array]
    given: Array | None = None
    allowance: Array | None = None
    rounding: Callable[[Array, Array], Array] | None = None

    def run(self) -> None:
        """Compare, in the way that the number of entries and the budget call for."""
        size, few = len(self.slopes.x), self.gathered.few
        if not size or not len(self.slopes.y):
            return
        if size > few or self.slopes.evaluator.limited:
            agreed = self.along_directions()
            if size > few or not agreed:
                return
        self.one_by_one()

    def entries(self, which: Array) -> tuple[Array, Array]:
        """What is claimed of some entries, and its rounding errors."""
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
        """Every entry, against its own error bar."""
        which = np.arange(len(self.slopes.x))
        try:
            self._judge(which)
        except BudgetSpent:
            said = "the budget ended before entries were looked at one by one"
            self.gathered.remarks.append(f"random directions agree; {said}")

    def _judge(self, which: Array, lone: bool = False) -> Judged:
        """Some entries judged, and told about; lone: the others are known to be right."""
        given, judged = self._judged(which)
        rest = self.given if lone and self.told.claim.kind in ("grad", "vjp") else None
        self.gathered.take(tell(self.told, given, judged, which, rest), judged, given)
        return judged

    def _judged(self, which: Array) -> tuple[Array, Judged]:
        given, allowance = self.entries(which)
        measured = list(self.slopes.along([int(k) for k in which]))
        judged = judge(given, Entries(measured), allowance, self.gathered.subject.group()[which])
        self._question_kinks(judged, given, which)
        return given, judged

    def _question_kinks(self, judged: Judged, given: Array, which: Array) -> None:
        """A kink that comes from no op of a known graph is none: the entry is wrong."""
        kinks, witness = (judged.state == judgement.KINK) & np.isfinite(given), self.told.claim.witness
        for i in np.flatnonzero(kinks.any(axis=1)):
            if witness is not None and witness(int(which[i])) is None:
                judged.state[i, kinks[i]] = judgement.WRONG

    # ------------------------------------------------------------------------------ along directions

    def along_directions(self) -> bool:
        """Random directions; where one fails, the entry behind it. Whether all agree."""
        outcomes: list[search.Outcome] = []
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
                said = f"the budget ended after {self.slopes.evaluator.count} evaluations, before any comparison"
                self.gathered.note([Finding("budget", sentence=said)])
                return False
            self.gathered.remarks.append("the budget ended before all random directions were looked at")
        self._agreed(outcomes)
        kinked = next((o for o in outcomes if o.kinked), None)
        return kinked is None or self._apart(kinked)

    def _not_finite(self) -> bool:
        """Whether what is given is nan or inf somewhere, and wrong there: no slope is needed to find it."""
        if self.given is None or np.isfinite(self.given).all():
            return False
        bad = np.flatnonzero(~np.isfinite(self.given).all(axis=1))
        if not self._judge(bad[:ALONE]).wrong.any():
            return False
        self.gathered.remarks.append(f"nan or inf in {len(bad):,} of {len(self.given):,} entries")
        return True

    def ask(self, u: Array) -> list[search.Outcome]:
        """What a direction says, a column at a time."""
        (measured,) = self.slopes.along([u])
        given, allowance = self.given, self.allowance
        found = []
        for k, c in enumerate(self.predict(u)):
            g, spread = None, 8 * self.told.answer.unit * abs(c)
            if given is not None and allowance is not None:
                g, spread = given[:, k], allowance[:, k]
            outcome = search.outcome(u, c, g, spread, measured, k)
            if outcome.kinked and self.told.claim.witness and self.told.claim.witness(u) is None:
                outcome = replace(outcome, kinked=False)
            found.append(outcome)
        return found

    def _directions(self) -> Iterator[Array]:
        row = np.ones(len(self.slopes.x)) if self.given is None else self.given[:, 0]
        return search.directions(self.slopes.x, row, self.gathered.subject.rng())

    def _agreed(self, outcomes: list[search.Outcome]) -> None:
        self.gathered.powers += [min(o.power for o in outcomes)] * (not any(o.kinked for o in outcomes))
        self.gathered.largest = max([self.gathered.largest, *(o.gap for o in outcomes if not o.kinked)])
        blurred = next((o for o in outcomes if not o.resolved and not o.kinked), None)
        if blurred is not None:
            self.gathered.note([self.told.noise_of(blurred)])

    def _apart(self, kinked: search.Outcome) -> bool:
        """Parts of a direction along which the point is a kink: it hides errors as large as itself, in any entry.

        Parts without a kink are told about to all digits, the entries of small ones are looked at one by one; what
        is left when the ladders that this is worth are used up has been looked at together only.
        """
        pieces = deque((u, kinked) for u in search.suspects(self.slopes.x, kinked.u))
        alone, together, room = [np.arange(0)], list[search.Outcome](), self.gathered.few
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
                    pieces += [(part, half) for part in search.halves(u)]
                else:
                    self._agreed(found)
            wrong = len(alone) > 1 and self._judge(np.concatenate(alone)).wrong.any()
        except BudgetSpent:
            together, wrong = [kinked], False
        if together and not wrong:
            self._together(together)
        return not wrong

    def _together(self, kinked: list[search.Outcome]) -> None:
        """What is to be said of entries that were looked at along a kink and in no other way."""
        where, count = self.told.kink_of(kinked[0].u), sum(np.count_nonzero(o.u) for o in kinked)
        said = f"the point is a kink{where} along random directions: subgradient accepted\n"
        said += f"{count:,} entries were looked at along it only: it hides errors of its own size"
        self.gathered.note([Finding("kink", sentence=said)])
        self.gathered.powers.append(max(o.power for o in kinked))

    def _blame(self, failed: search.Outcome) -> None:
        """Name the entry behind a direction that failed; look at more of them if it does not explain it all."""
        try:
            i = search.culprit(failed, lambda u: self.ask(u)[failed.column])
            which = np.array([i])
            lone = self._explains(self._judged(which), failed, i)
            if not lone:
                which = search.sample(len(self.slopes.x), i, self.gathered.subject.rng())
            if self._judge(which, lone).wrong.any():
                return
        except BudgetSpent:
            self.gathered.remarks.append("the budget ended before the mistake was looked at more closely")
        self.gathered.note([self.told.unexplained(failed)])

    @staticmethod
    def _explains(found: tuple[Array, Judged], failed: search.Outcome, i: int) -> bool:
        """Whether one entry's error is all of a direction's."""
        given, judged = found
        step, column = abs(failed.u[i]), failed.column
        error = (given - judged.reference)[0, column] * failed.u[i]
        allowed = failed.tolerance + judged.tolerance[0, column] * step
        return bool(abs(failed.claimed - failed.measured - error) <= allowed)
