"""Compare single entries of a derivative with slopes along their axes, and report on them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..numeric.evaluation import BudgetSpent
from ..numeric.extrapolation import Array
from ..numeric.short_slope import ShortSlope
from . import verdict
from .columns import ClaimedColumns
from .directions import CLEAR, step_length
from .messages import compose_messages
from .results import CheckResults
from .verdict import Allowance, Entries, EntryVerdicts, Measured, judge, largest_of_group

CLEAN = 1e-9  # an error bar this small, relative to the largest entry of its argument, is that of a smooth function
ROUGH = 1e-5  # the same, of one of many entries
BRIEF = (4, 6, 8)  # steps for an entry where a direction has shown the function to be smooth
AT_KINK = (13, 16, 18)  # the same, where it has shown it to have a kink: short ones, for the slopes of both sides
BESIDE = 0.01  # a slope so far outside of those of a clear kink, relative to their difference, is wrong
COARSE = (1, 2, 3, 4)  # the same, where it has shown it to be noisy


@dataclass(frozen=True)
class EntryProbe(ClaimedColumns):
    """The entries of a derivative."""

    @property
    def check(self) -> CheckResults:
        """The results so far."""
        return self.context.check

    def report(
        self, which: Array, single: bool = False, confirmed: bool = False, kinked: bool = False
    ) -> EntryVerdicts:
        """Judge some entries and report on them.

        single: all other entries are right. confirmed: a direction has shown that some entry is wrong. kinked: one
        has shown that the point is a kink.
        """
        which = np.unique(which)
        given, verdicts = self.judge(which, confirmed, kinked)
        rest = self.given if single and self.context.claim.kind in ("grad", "vjp") else None
        self.check.add_findings(compose_messages(self.context, given, verdicts, which, rest), verdicts, given)
        return verdicts

    def judge(self, which: Array, confirmed: bool = False, kinked: bool = False) -> tuple[Array, EntryVerdicts]:
        """The claimed entries, and the verdicts on them."""
        given, allowance = self.entries(which)
        steps: tuple[int, ...] | None = AT_KINK if kinked else None
        steps = (COARSE if self.ladder.coarse else BRIEF) if confirmed else steps
        measured = self._measure(which, given, allowance, confirmed, steps)
        verdicts = self._verdicts(which, given, allowance, measured)
        self._question_kinks(verdicts, given, which)
        self._look_for_edges(verdicts, given, which)
        return given, verdicts

    def entries(self, which: Array) -> tuple[Array, Allowance]:
        """The claimed values of some entries, and their rounding errors."""
        if self.given is not None and self.allowance is not None:
            return self.given[which], self.allowance.of(which)
        axes = np.eye(1, len(self.slopes.x))[0]
        rows = np.array([self.predict(np.roll(axes, int(k))) for k in which]).reshape(len(which), -1)
        if self.rounding is None:
            own = 8 * self.context.answer.unit * np.abs(rows)
            return rows, Allowance(own, lambda: own)
        blur = [self.rounding(np.roll(axes, int(k)), row) for k, row in zip(which, rows, strict=True)]
        usual = np.array([one.usual for one in blur]).reshape(rows.shape)
        return rows, Allowance(usual, lambda: np.array([one.seen() for one in blur]).reshape(rows.shape))

    def _verdicts(
        self, which: Array, given: Array, allowance: Allowance, measured: list[Measured]
    ) -> EntryVerdicts:
        return judge(given, Entries(measured), allowance, self.check.subject.group()[which], self.need)

    def _measure(
        self, which: Array, given: Array, allowance: Allowance, confirmed: bool, steps: tuple[int, ...] | None
    ) -> list[Measured]:
        """The slopes along axes: by a few calls, and by many where these leave a doubt."""
        lines, lengths = [int(k) for k in which], self._lengths(which, given)
        found: list[Measured] = list(self.ladder.along(lines, lengths, steps))
        try:
            doubted = np.flatnonzero(self._doubts(which, given, allowance, found, confirmed))
            if steps and len(doubted):
                longer = self.ladder.along([lines[n] for n in doubted], [lengths[n] for n in doubted])
                for n, slope in zip(doubted, longer, strict=True):
                    found[n] = slope
                doubted = np.flatnonzero(self._doubts(which, given, allowance, found, confirmed))
            for n, measured in zip(doubted, self.slopes.along([lines[n] for n in doubted]), strict=True):
                if not self._saw_better(found[n], measured, given[n]):
                    found[n] = measured
        except BudgetSpent:
            if not confirmed:
                raise
        return found

    def _saw_better(self, brief: Measured, whole: Measured, given: Array) -> bool:
        """Whether a few calls show clearly what many do not: these go far, where other entries drown this one."""
        with np.errstate(all="ignore"):
            gap = np.abs(given - brief.value)
            clear = (
                (gap < verdict.BARS * whole.error)
                & (brief.error < CLEAN * np.abs(brief.value))
                & (gap > brief.error / CLEAN)
            )
        return isinstance(brief, ShortSlope) and any(
            self.ladder.is_trusted(brief, int(k)) for k in np.flatnonzero(clear & ~brief.kinked)
        )

    def affordable(self, which: Array) -> Array:
        """As many entries as there are calls left for."""
        left = self.slopes.evaluator.left / (2 * len(COARSE if self.ladder.coarse else BRIEF))
        if left < 1:
            raise BudgetSpent
        return which if left >= len(which) else which[: int(left)]

    def _lengths(self, which: Array, given: Array) -> list[float]:
        """The lengths of the axes, in units in which the function may change by its own size."""
        axis = np.ones(1)
        lengths = []
        for i, row in zip(which, given, strict=True):
            scale = self.slopes.scale(int(i))
            with np.errstate(invalid="ignore"):
                share, effects = self.slopes.x[[i]] / scale, np.abs(row) * scale
            lengths.append(scale * step_length(share, axis, effects, self.ladder.size))
        return lengths

    def _doubts(
        self, which: Array, given: Array, allowance: Allowance, found: list[Measured], confirmed: bool
    ) -> Array:
        """Which entries a few calls do not settle."""
        verdicts, entries = self._verdicts(which, given, allowance, found), Entries(found)
        group, flat = self.check.subject.group()[which], entries.stack("flat")
        with np.errstate(all="ignore"):
            value, error = np.abs(verdicts.reference), verdicts.error
            top = largest_of_group(np.where(value > verdict.BARS * error, value, 0.0), group)
            swing = largest_of_group(entries.stack("swing"), group)
            floor = np.stack([np.broadcast_to(m.floor, top.shape[1:]) for m in found])  # type: ignore[union-attr]
            right, left = (np.stack([getattr(m, side).value for m in found]) for side in ("right", "left"))
            sides = np.abs(right - left)
            bars = np.stack([m.right.error + m.left.error for m in found])
            kinked = entries.stack("kinked")
            digits = CLEAN if len(self.slopes.x) <= self.check.few else ROUGH
            clean = (error <= digits * np.fmax(top, swing)) | (flat & ((top > 0) | (floor == 0)))
            beside = np.abs(given - (right + left) / 2) - sides / 2  # how far the given slope is from both sides
            told = np.isin(verdicts.state, (verdict.KINK, verdict.AGREE)) | (beside > BESIDE * sides)
            clear_kink = kinked & (bars <= CLEAR * sides) & told
            coarse = entries.stack("noisy") | self.ladder.coarse
            fine = (verdicts.state == verdict.AGREE) & coarse & (verdicts.power <= self.need.resolved)
            fine |= confirmed & self.ladder.coarse & np.isfinite(error)
        seen = np.isin(verdicts.state, (verdict.AGREE, verdict.BELOW_RESOLUTION))
        seen |= (verdicts.state == verdict.WRONG) & confirmed
        settled = (seen & clean & ~kinked) | (fine & ~kinked) | clear_kink
        return np.asarray(~settled.all(axis=1))

    def _question_kinks(self, verdicts: EntryVerdicts, given: Array, which: Array) -> None:
        """An entry at an apparent kink is wrong if the graph is known and none of its ops has a kink."""
        kinks, locate_kink = (verdicts.state == verdict.KINK) & np.isfinite(given), self.context.claim.locate_kink
        for i in np.flatnonzero(kinks.any(axis=1)):
            if locate_kink is not None and locate_kink(int(which[i])) is None:
                verdicts.state[i, kinks[i]] = verdict.WRONG

    def _look_for_edges(self, verdicts: EntryVerdicts, given: Array, which: Array) -> None:
        """A 0 is right where a function is flat up to an edge: nothing hides in its rounding errors."""
        for i, j in np.argwhere((verdicts.state == verdict.UNRESOLVED) & (np.abs(given) <= verdicts.tolerance)):
            line = int(which[i])
            measured = verdicts.measured[i]
            if (
                not measured.stairs[j]
                and verdict.level(measured)[j]
                and self.ladder.is_flat_to_an_edge(line, self.slopes.scale(line), j)
            ):
                verdicts.state[i, j], verdicts.power[i, j] = verdict.AGREE, 0.0
