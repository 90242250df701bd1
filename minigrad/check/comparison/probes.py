"""Compare a derivative with slopes of the function: a few entries one by one, many along random directions."""

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
from .results import CheckResults
from .verdict import Allowance, Entries, EntryVerdicts, judge, level

ALONE = 8  # up to so many entries are checked one by one


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

    def run(self) -> None:
        """Compare one by one or along directions; the number of entries and the budget decide."""
        size, few = len(self.slopes.x), self.check.few
        if not size or not len(self.slopes.y):
            return
        if size > few or self.slopes.evaluator.limited:
            agreed = self.along_directions()
            if size > few or not agreed:
                return
        self.one_by_one()

    def entries(self, which: Array) -> tuple[Array, Allowance]:
        """The claimed values of some entries, and their rounding errors."""
        if self.given is not None and self.allowance is not None:
            return self.given[which], self.allowance.of(which)
        axes = np.eye(1, len(self.slopes.x))[0]
        columns = len(self.slopes.noise)
        rows = np.array([self.predict(np.roll(axes, int(k))) for k in which]).reshape(len(which), columns)
        if self.rounding is None:
            own = 8 * self.context.answer.unit * np.abs(rows)
            return rows, Allowance(own, lambda: own)
        blur = [self.rounding(np.roll(axes, int(k)), row) for k, row in zip(which, rows, strict=True)]
        usual = np.array([one.usual for one in blur]).reshape(rows.shape)
        return rows, Allowance(usual, lambda: np.array([one.seen() for one in blur]).reshape(rows.shape))

    # ------------------------------------------------------------------------------------ one by one

    def one_by_one(self) -> None:
        """Compare every entry with its own error bar."""
        which = np.arange(len(self.slopes.x))
        try:
            self._report_entries(which)
        except BudgetSpent:
            sentence = "the budget ran out before entries were checked one by one"
            self.check.remarks.append(f"random directions agree; {sentence}")

    def _report_entries(self, which: Array, single: bool = False) -> EntryVerdicts:
        """Judge some entries and report on them; single: all other entries are right."""
        given, verdicts = self._judge_entries(which)
        rest = self.given if single and self.context.claim.kind in ("grad", "vjp") else None
        self.check.add_findings(compose_messages(self.context, given, verdicts, which, rest), verdicts, given)
        return verdicts

    def _judge_entries(self, which: Array) -> tuple[Array, EntryVerdicts]:
        given, allowance = self.entries(which)
        measured = list(self.slopes.along([int(k) for k in which]))
        verdicts = judge(given, Entries(measured), allowance, self.check.subject.group()[which])
        self._question_kinks(verdicts, given, which)
        return given, verdicts

    def _question_kinks(self, verdicts: EntryVerdicts, given: Array, which: Array) -> None:
        """An entry at an apparent kink is wrong if the graph is known and none of its ops has a kink."""
        kinks, locate_kink = (verdicts.state == verdict.KINK) & np.isfinite(given), self.context.claim.locate_kink
        for i in np.flatnonzero(kinks.any(axis=1)):
            if locate_kink is not None and locate_kink(int(which[i])) is None:
                verdicts.state[i, kinks[i]] = verdict.WRONG

    # ------------------------------------------------------------------------------ along directions

    def along_directions(self) -> bool:
        """Compare along random directions; if one fails, find the wrong entry. Returns whether all agree."""
        outcomes: list[directions.Outcome] = []
        try:
            if self._not_finite():
                return False
            for u in self._directions():
                outcomes += self.ask(u)
                failed = next((o for o in outcomes if o.wrong), None)
                if failed is not None:
                    self.check.powers.append(min(o.power for o in outcomes))
                    self._locate_mistake(failed)
                    return False
        except BudgetSpent:
            if not outcomes:
                sentence = (
                    f"the budget ran out after {self.slopes.evaluator.count} evaluations, before any comparison"
                )
                self.check.note([Finding("budget", sentence=sentence)])
                return False
            self.check.remarks.append("the budget ran out before all random directions were checked")
        self._note_agreement(outcomes)
        kinked = next((o for o in outcomes if o.kinked), None)
        return kinked is None or self._split_at_kink(kinked)

    def _not_finite(self) -> bool:
        """Whether the given derivative is nan or inf at some entry, and wrong there."""
        if self.given is None or np.isfinite(self.given).all():
            return False
        bad = np.flatnonzero(~np.isfinite(self.given).all(axis=1))
        if not self._report_entries(bad[:ALONE]).wrong.any():
            return False
        self.check.remarks.append(f"nan or inf in {len(bad):,} of {len(self.given):,} entries")
        return True

    def ask(self, u: Array) -> list[directions.Outcome]:
        """Compare along one direction: an outcome per column."""
        (measured,) = self.slopes.along([u])
        given, allowance = self.given, self.allowance
        found = []
        for k, c in enumerate(row := self.predict(u)):
            g, spread = None, 8 * self.context.answer.unit * abs(c)
            if given is not None and allowance is not None:
                g, spread = given[:, k], allowance.usual[:, k]
            outcome = directions.outcome(u, c, g, spread, measured, k)
            if outcome.wrong and level(measured)[k]:
                outcome = directions.outcome(u, c, g, self._seen(u, row)[..., k], measured, k)
            if outcome.kinked and self.context.claim.locate_kink and self.context.claim.locate_kink(u) is None:
                outcome = replace(outcome, kinked=False)
            found.append(outcome)
        return found

    def _seen(self, u: Array, row: Array) -> Array:
        """The rounding errors that show in the answers: of all entries, or of the columns along a direction."""
        if self.allowance is not None:
            return self.allowance.seen()
        return 8 * self.context.answer.unit * np.abs(row) if self.rounding is None else self.rounding(u, row).seen()

    def _directions(self) -> Iterator[Array]:
        row = np.ones(len(self.slopes.x)) if self.given is None else self.given[:, 0]
        return directions.directions(self.slopes.x, row, self.check.subject.rng())

    def _note_agreement(self, outcomes: list[directions.Outcome]) -> None:
        self.check.powers += [min(o.power for o in outcomes)] * (not any(o.kinked for o in outcomes))
        self.check.largest = max([self.check.largest, *(o.gap for o in outcomes if not o.kinked)])
        blurred = next((o for o in outcomes if not o.resolved and not o.kinked), None)
        if blurred is not None:
            self.check.note([self.context.noisy_direction(blurred)])

    def _split_at_kink(self, kinked: directions.Outcome) -> bool:
        """Split a direction along which the point is a kink: the kink hides errors as large as itself in any entry.

        Parts without a kink are compared to all digits, and the entries of small parts one by one. The number of
        comparisons is limited; the remaining entries are only checked together. Returns whether all agree.
        """
        pieces = deque((u, kinked) for u in directions.suspects(self.slopes.x, kinked.u))
        alone, together, room = [np.arange(0)], list[directions.Outcome](), self.check.few
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
                    self._locate_mistake(failed)
                    return False
                if half := next((o for o in found if o.kinked), None):
                    pieces += [(part, half) for part in directions.halves(u)]
                else:
                    self._note_agreement(found)
            wrong = len(alone) > 1 and self._report_entries(np.concatenate(alone)).wrong.any()
        except BudgetSpent:
            together, wrong = [kinked], False
        if together and not wrong:
            self._note_kink(together)
        return not wrong

    def _note_kink(self, kinked: list[directions.Outcome]) -> None:
        """Report on entries that were checked only along directions with a kink."""
        where, count = self.context.kink_of(kinked[0].u), sum(np.count_nonzero(o.u) for o in kinked)
        sentence = f"the point is a kink{where} along random directions: subgradient accepted\n"
        sentence += f"{count:,} entries were checked only along these: the kink hides errors as large as itself"
        self.check.note([Finding("kink", sentence=sentence)])
        self.check.powers.append(max(o.power for o in kinked))

    def _locate_mistake(self, failed: directions.Outcome) -> None:
        """Find the wrong entry behind a direction that failed; check more entries if one does not explain it."""
        try:
            i = directions.bisect_entry(failed, lambda u: self.ask(u)[failed.column])
            which = np.array([i])
            single = self._explains(self._judge_entries(which), failed, i)
            if not single:
                which = directions.sample(len(self.slopes.x), i, self.check.subject.rng())
            if self._report_entries(which, single).wrong.any():
                return
        except BudgetSpent:
            self.check.remarks.append("the budget ran out before the mistake was located")
        self.check.note([self.context.unexplained_direction(failed)])

    @staticmethod
    def _explains(found: tuple[Array, EntryVerdicts], failed: directions.Outcome, i: int) -> bool:
        """Whether the error of one entry explains the error of a direction."""
        given, verdicts = found
        step, column = abs(failed.u[i]), failed.column
        error = (given - verdicts.reference)[0, column] * failed.u[i]
        allowed = failed.tolerance + verdicts.tolerance[0, column] * step
        return bool(abs(failed.claimed - failed.measured - error) <= allowed)
