"""A claimed derivative beside the slopes of the function: few entries one by one, many along directions.

Gathers findings for the report. What a state means is decided in `judgement`, what a mistake looks like in
`diagnosis`; here is which questions are asked, and in which order.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from . import judgement, search
from .claims import Answer, Claim
from .contract import linear, repeated, symmetric
from .derivative import Point
from .evaluation import BudgetSpent
from .judgement import Entries, Judged, judge
from .ladder import Array
from .report import Finding, Report
from .slopes import Measured
from .subject import Subject
from .telling import Told, tell

ONE_BY_ONE = 100  # entries; above, directions
OUTPUTS = 256  # columns of a matrix looked at one by one; above, weighted sums of them
NUDGES = 3


class Comparison:
    """What was found about one function; more derivatives of it may be compared, one after the other."""

    def __init__(self, subject: Subject, order: int = 1) -> None:
        self.subject, self.order = subject, order
        self.findings, self.remarks = list(subject.findings), list[str]()
        self.powers, self.largest = list[float](), 0.0

    @property
    def point(self) -> Point:
        """The point, where there is one to be compared at."""
        if self.subject.point is None:
            raise ValueError("the function has no value at this point")
        return self.subject.point

    def note(self, findings: list[Finding]) -> None:
        """Add findings, each once."""
        self.findings += [f for f in findings if f not in self.findings]

    def merge(self, other: Comparison) -> Comparison:
        """The findings of another comparison beside one's own."""
        self.note(other.findings)
        self.remarks += [r for r in other.remarks if r not in self.remarks]
        self.powers += other.powers
        self.largest = max(self.largest, other.largest)
        return self

    def report(self) -> Report:
        """All that was found, the gravest first."""
        subject = self.subject
        groups = {slot.path[: slot.path.index("]")] for slot in subject.layout.slots}
        remarks = list(self.remarks)
        if subject.evaluator.said:
            remarks.append(f"nearby, the function raised {subject.evaluator.said}")
        return Report(
            name=subject.name,
            findings=tuple(sorted(self.findings, key=lambda f: f.gravity)),
            resolving_power=max(self.powers, default=0.0 if not subject.layout.size else float("inf")),
            largest=self.largest,
            evaluations=subject.evaluator.count,
            arguments=len(groups),
            entries=subject.layout.size,
            remarks=tuple(remarks),
        )

    # ---------------------------------------------------------------------------------- what is claimed

    def gradients(self, claim: Claim) -> None:
        """A gradient per cotangent: of a scalar, or of weighted sums of the outputs."""
        weights = self._cotangents() if claim.kind == "vjp" else np.ones((1, 1))
        answers = self._asked(claim, lambda: [claim.pull(v) for v in (weights[0], *weights)])
        if not answers:
            return
        found = repeated(*answers[:2])
        self.note(answers[0].findings + claim.mutated)
        if found:  # what it gives from the second time on is known to be wrong
            self.note(found)
            answers, weights = answers[:2], weights[:1]
        given = np.stack([answers[0].row, *(a.row for a in answers[2:])], axis=1)
        ignored = not found and claim.kind == "vjp" and self._ignored(claim, given, weights)
        if claim.kind == "vjp" and not found and not ignored:
            self.note(linear(claim.pull, weights[0], weights[1][::-1], "cotangent"))
        nudged = [] if found else [lambda row, v=v: claim.pull(v, row).row for v in weights]
        allowance = self._allowance(given, answers[0], nudged)
        told = Told(self, claim, answers[0], weights[0] if claim.kind == "vjp" else None, ignored)
        self._compare(told, weights, given, allowance)

    def tangents(self, claim: Claim) -> None:
        """A tangent of the result per direction."""
        point = self.point
        rng, size = self.subject.rng(), point.x.size
        u, w = (rng.choice([-1.0, 1.0], size) * rng.uniform(0.5, 1.5, size) for _ in range(2))
        answers = self._asked(claim, lambda: [claim.push(u), claim.push(u)])
        if not answers:
            return
        self.note(answers[0].findings + claim.mutated)
        if found := repeated(*answers):
            self.note(found)
            return
        self.note(linear(claim.push, u, w, "tangent"))
        weights = self._few_outputs()
        told = Told(self, claim, answers[0], None)

        def predict(u: Array) -> Array:
            row = claim.push(u).row
            return row if weights is None else weights @ row

        if size > ONE_BY_ONE:
            self._search(told, weights, predict, None)
            return
        given = np.stack([predict(np.eye(1, size, i)[0]) for i in range(size)]) if size else np.zeros((0, 1))
        self._compare(told, weights, given, 8 * answers[0].unit * np.abs(given))

    def matrix(self, claim: Claim, hessian: bool = False) -> None:
        """A whole matrix of derivatives."""
        point = self.point
        answers = self._asked(claim, lambda: [claim.matrix(), claim.matrix()])
        if not answers:
            return
        self.note(answers[0].findings + claim.mutated + repeated(*answers))
        whole = answers[0].row.reshape(point.y.size, point.x.size)
        if hessian and not answers[0].missing:
            self.note(symmetric(whole, answers[0].unit))
        weights = self._few_outputs()
        given = (whole if weights is None else weights @ whole).T
        nudged = [lambda row: self._weighted(claim.matrix(row).row.reshape(whole.shape), weights).T]
        self._compare(
            Told(self, claim, answers[0], None), weights, given, self._allowance(given, answers[0], nudged)
        )

    def hessian_of_values(self, claim: Claim) -> None:
        """A Hessian beside the curvatures of the function itself, where there is no gradient to be differentiated.

        Along u, the function's second derivative is uᵀHu: of axes and sums of two axes, or of random directions.
        """
        point = self.point
        answers = self._asked(claim, lambda: [claim.hessian(), claim.hessian()])
        if not answers:
            return
        size = point.x.size
        hessian = answers[0].row.reshape(size, -1) if not answers[0].missing else np.zeros((0, 0))
        self.note(answers[0].findings + claim.mutated + repeated(*answers))
        if hessian.shape != (size, size):
            return
        self.note(symmetric(hessian, answers[0].unit))
        rng, axes = self.subject.rng(), np.eye(size)
        few = size * (size + 1) // 2 <= ONE_BY_ONE
        lines = (
            [axes[i] + (i != j) * axes[j] for i in range(size) for j in range(i + 1)]
            if few
            else [rng.choice([-1.0, 1.0], size) * rng.uniform(0.5, 1.5, size) for _ in range(2 * search.DIRECTIONS)]
        )
        told = Told(self, claim, answers[0], None)
        for u, measured in zip(lines, point.slopes().along(lines), strict=True):
            bend = measured.curvature
            claimed = float(u @ hessian @ u)
            tolerance = judgement.BARS * float(bend.error[0]) + 64 * answers[0].unit * float(
                np.abs(u) @ np.abs(hessian) @ np.abs(u)
            )
            self.note(told.curvature(u, claimed, float(bend.value[0]), float(bend.error[0]), tolerance))
            self.powers.append(tolerance / max(abs(claimed), float(np.max(np.abs(hessian), initial=0.0)), 1e-300))

    @staticmethod
    def _weighted(matrix: Array, weights: Array | None) -> Array:
        return matrix if weights is None else weights @ matrix

    def _asked(self, claim: Claim, ask: Callable[[], list[Answer]]) -> list[Answer]:
        """Answers; none, and a finding, where the gradient function raised an error."""
        try:
            return ask()
        except Exception as error:
            self.note(
                [Finding("raised", sentence=f"the {claim.kind} function raised {type(error).__name__}: {error}")]
            )
            return []

    # ------------------------------------------------------------------------------------------ weights

    def _cotangents(self) -> Array:
        """Cotangents in general position: one of even sizes, one that makes the parts of the result of one size."""
        point = self.point
        rng, y = self.subject.rng(), np.abs(point.y)
        random = rng.integers(512, 1537, (2, y.size)) / 1024 * rng.choice([-1.0, 1.0], (2, y.size))
        typical = float(np.median(y[y > 0])) if np.any(y > 0) else 1.0
        even = np.exp2(np.round(np.log2(np.clip(typical / np.maximum(y, 1e-6 * typical), 1e-6, 1e6))))
        return random * np.stack([np.ones(y.size), even])

    def _few_outputs(self) -> Array | None:
        """Weighted sums in place of outputs that are too many to be looked at each."""
        point = self.point
        return None if point.y.size <= OUTPUTS else self._cotangents()

    def _ignored(self, claim: Claim, given: Array, weights: Array) -> bool:
        """Whether the gradient is the same, up to a factor, whatever the cotangent."""
        ones = claim.pull(np.ones(weights.shape[1])).row
        if given.shape[0] == 0 or not np.any(ones) or weights.shape[1] == 0:
            return False
        for k in range(given.shape[1]):
            same = bool(np.array_equal(given[:, k], ones))
            if not same:
                return False
        return True

    def _allowance(self, given: Array, answer: Answer, nudged: Sequence[Callable[[Array], Array]]) -> Array:
        """The rounding errors of what was given: of its last operation, and those it shows when it is nudged.

        Evaluated a few roundings beside the point, a gradient moves by what its own arithmetic loses. Where it
        moves by much it jumps, as at a kink, and that is no rounding.
        """
        point = self.point
        own = 8 * answer.unit * np.abs(given)
        if not nudged or answer.missing:
            return own
        rng, moves = np.random.default_rng(self.subject.seed), []
        for _ in range(NUDGES):
            row = point.x * (1 + 4 * point.unit * rng.choice([-1.0, 1.0], point.x.size))
            try:
                there = np.stack([ask(row) for ask in nudged], axis=-1).reshape(given.shape)
            except Exception:
                return own
            moves.append(np.abs(there - given))
        with np.errstate(all="ignore"):
            spread = np.median(moves, axis=0)
            calm = spread < 1e-4 * np.max(np.abs(given), initial=0.0)
            return own + np.where(calm, 4 * spread, 0.0)

    # ---------------------------------------------------------------------------------------- comparing

    def _compare(self, told: Told, weights: Array | None, given: Array, allowance: Array) -> None:
        """Entries (entries, columns) of a derivative, one by one if they are few."""
        budgeted = self.subject.evaluator.limited
        if len(given) > ONE_BY_ONE or budgeted:
            done = self._search(told, weights, lambda u: given.T @ u, allowance, given)
            if len(given) > ONE_BY_ONE or not done:
                return
        self._one_by_one(told, weights, given, allowance)

    def _one_by_one(self, told: Told, weights: Array | None, given: Array, allowance: Array) -> None:
        point = self.point
        measured: list[Measured] = []
        try:
            measured.extend(point.slopes(weights).along(range(len(given))))
        except BudgetSpent:
            self.remarks.append(
                "random directions agree; the budget ended before entries were looked at one by one"
            )
            return
        if measured:
            judged = judge(given, Entries(measured), allowance, self.subject.group())
            self._take(tell(told, given, judged, np.arange(len(given))), judged, given)

    def _take(self, findings: list[Finding], judged: Judged, given: Array) -> None:
        self.note(findings)
        known = np.isin(judged.state, (judgement.AGREE, judgement.BELOW, judgement.WRONG)) & np.isfinite(
            judged.power
        )
        if known.any():
            self.powers.append(float(judged.power[known].max()))
        seen = known & (judged.state != judgement.WRONG)
        if seen.any():
            with np.errstate(all="ignore"):
                size = np.max(np.abs(judged.reference), initial=0.0)
                gap = np.abs(given - judged.reference)[seen] / size
                self.largest = max(self.largest, float(np.nan_to_num(gap).max()))

    def _search(
        self,
        told: Told,
        weights: Array | None,
        predict: Callable[[Array], Array],
        allowance: Array | None,
        given: Array | None = None,
    ) -> bool:
        """Random directions; where one fails, the entry behind it. Whether all agree."""
        point = self.point
        row = given[:, 0] if given is not None else np.ones(point.x.size)
        slopes, outcomes = point.slopes(weights), list[search.Outcome]()

        def ask(u: Array) -> list[search.Outcome]:
            (measured,) = slopes.along([u])
            claimed = predict(u)
            roundings = [
                8 * told.answer.unit * abs(c) if allowance is None else allowance[:, k]
                for k, c in enumerate(claimed)
            ]
            return [
                search.outcome(u, claimed[k], given if given is None else given[:, k], roundings[k], measured, k)
                for k in range(len(claimed))
            ]

        try:
            for u in search.directions(point.x, row, self.subject.rng()):
                found = ask(u)
                outcomes += found
                failed = next((o for o in found if o.wrong), None)
                if failed is not None:
                    self.powers.append(min(o.power for o in outcomes))
                    self._blame(told, weights, predict, allowance, failed, ask)
                    return False
        except BudgetSpent:
            if not outcomes:
                said = f"the budget ended after {self.subject.evaluator.count} evaluations, before any comparison"
                self.note([Finding("budget", sentence=said)])
                return False
            self.remarks.append(f"the budget ended after {len(outcomes)} of {search.DIRECTIONS} random directions")
        self.powers += [min(o.power for o in outcomes)] * bool(outcomes)
        unresolved = [o for o in outcomes if not o.resolved and not o.kinked]
        if unresolved:
            self.note([told.noise_of(unresolved[0])])
        else:
            self.largest = max(self.largest, max(o.gap for o in outcomes))
            if any(o.kinked for o in outcomes):
                self.note(
                    [Finding("kink", sentence="the point is a kink: the gradient lies between the two sides")]
                )
        return True

    def _blame(
        self,
        told: Told,
        weights: Array | None,
        predict: Callable[[Array], Array],
        allowance: Array | None,
        failed: search.Outcome,
        ask: Callable[[Array], list[search.Outcome]],
    ) -> None:
        """Name the entry behind a direction that failed; look at more of them if it does not explain it all."""
        point = self.point
        i = search.culprit(failed, lambda u: ask(u)[failed.column])
        slopes, size = point.slopes(weights), point.x.size

        def look(which: Array) -> tuple[Array, Judged]:
            measured = list(slopes.along([int(k) for k in which]))
            rows = np.stack([predict(np.eye(1, size, int(k))[0]) for k in which])
            own = 8 * told.answer.unit * np.abs(rows) if allowance is None else allowance[which]
            return rows, judge(rows, Entries(measured), own, np.zeros(len(which), dtype=int))

        which = np.array([i])
        try:
            given, judged = look(which)
            explained = (given - judged.reference)[0, failed.column] * failed.u[i]
            rest = abs(failed.claimed - failed.measured - explained)
            if not rest <= failed.tolerance + judged.tolerance[0, failed.column] * abs(failed.u[i]):
                which = search.sample(size, i, self.subject.rng())
                given, judged = look(which)
        except BudgetSpent:
            self.remarks.append("the budget ended before the mistake was looked at more closely")
        findings = tell(told, given, judged, which)
        self._take(findings, judged, given)
        if not judged.wrong.any():
            self.note([told.unexplained(failed)])
