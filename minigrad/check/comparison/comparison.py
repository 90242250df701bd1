"""Compare a claimed derivative of any kind with the function: ask for it, and check what needs no slope.

`probes` compares the answers with slopes of the function.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from ..diagnosis.report import Finding
from ..frameworks.framework import ModeMissing
from ..numeric.extrapolation import Array
from . import directions, verdict
from .answers import Answer
from .candidate import Claim
from .cotangent_memory import check_cotangent_memory
from .curvatures import Curvature, curvature_findings
from .exchanged import ORDERS, check_exchanged
from .invariants import (
    SEEN,
    check_linearity,
    check_repeatable,
    check_sparse_symmetry,
    check_symmetry,
    roundings,
)
from .messages import SAME_FOR_ALL, MessageContext
from .probes import Probe
from .results import CheckResults
from .sparse import as_sparse
from .verdict import Allowance

OUTPUTS = 256  # up to so many columns of a matrix are checked one by one; of more columns, weighted sums are
NUDGES = 3
# A difference of so many roundings of an entry is not a mistake: the roundings of f itself may be the same at every
# point (with the same factorisation); they then change its slope, but show in no difference.
ROUNDINGS = 2.0**11
COARSE = 2.0**-8  # but a few roundings of float16 are as large as many mistakes


class Comparison(CheckResults):
    """Asks for the claimed derivatives of one function and compares them with it."""

    def gradients(self, claim: Claim) -> None:
        """A gradient per cotangent: of a scalar, or of weighted sums of the outputs."""
        weights = self._cotangents() if claim.kind == "vjp" else np.ones((1, 1))
        answers = self._answers(claim, lambda: [claim.pull(v) for v in (weights[0], *weights)])
        if not answers:
            return
        found = check_repeatable(*answers[:2])
        self.note(answers[0].findings + claim.mutated)
        if found:  # its results are wrong from the second call on
            self.note(found)
            answers, weights = answers[:2], weights[:1]
        given = np.stack([answers[0].row, *(a.row for a in answers[2:])], axis=1)
        ignored = self._ignoring_cotangent(claim, given) if claim.kind == "vjp" and not found else set()
        if claim.kind == "vjp" and not found and not ignored:
            odd = check_linearity(claim.pull, weights[0], weights[1][::-1], "cotangent")
            if odd and (swapped := self._exchanged(claim)):
                self.note(swapped)
                return
            self.note(odd)
        if claim.kind == "vjp" and not (
            claim.any_memory or found or ignored or claim.mutated or answers[0].missing
        ):
            findings, remarks = check_cotangent_memory(claim, weights[0], answers[0])
            self.note(findings)
            self.remarks += remarks
        nudged = [] if found else [lambda row, v=v: claim.pull(v, row).row for v in weights]
        scaled = [lambda v=v: roundings(claim.pull, v) for v in weights] if claim.kind == "vjp" else []
        allowance = self._allowance(given, answers[0], nudged, scaled)
        context = MessageContext(
            self, claim, answers[0], weights[0] if claim.kind == "vjp" else None, ignored, weights
        )
        self._compare(context, weights, given, allowance)
        named = {finding.path for finding in self.findings if finding.kind == "cotangent ignored"}
        # Slopes of few digits may not tell: but no gradient is the same for all cotangents.
        unnamed = sorted({claim.names(path) for path in ignored} - named)
        self.note([Finding("cotangent ignored", path, sentence=SAME_FOR_ALL) for path in unnamed])

    def tangents(self, claim: Claim) -> None:
        """A tangent of the result per direction."""
        point = self.point
        rng, size = self.subject.rng(), point.x.size
        u, w = (rng.choice([-1.0, 1.0], size) * rng.uniform(0.5, 1.5, size) for _ in range(2))
        answers = self._answers(claim, lambda: [claim.push(u), claim.push(u)])
        if not answers:
            return
        self.note(answers[0].findings + claim.mutated)
        if found := check_repeatable(*answers):
            self.note(found)
            return
        odd = check_linearity(claim.push, u, w, "tangent")
        if odd and (swapped := self._exchanged(claim)):
            self.note(swapped)
            return
        self.note(odd)
        weights = self._few_outputs()
        context = MessageContext(self, claim, answers[0], None, weights=weights)

        def predict(u: Array) -> Array:
            row = claim.push(u).row
            return row if weights is None else weights @ row

        def rounding(u: Array, row: Array) -> Allowance:
            def nudged(there: Array) -> Array:
                moved = claim.push(u, there).row
                return moved if weights is None else weights @ moved

            def scaled() -> Array:
                seen = roundings(claim.push, u)
                return seen if weights is None else np.abs(weights) @ seen

            return self._allowance(row, answers[0], [nudged], [scaled])

        Probe(self, context, self.point.slopes(weights), predict, rounding=rounding).run()

    def matrix(self, claim: Claim, hessian: bool = False) -> None:
        """A whole matrix of derivatives."""
        point = self.point
        answers = self._answers(claim, lambda: [claim.matrix(), claim.matrix()])
        if not answers:
            return
        self.note(answers[0].findings + claim.mutated)
        if answers[0].sparse is not None:
            self._sparse_matrix(claim, answers, hessian)
            return
        self.note(check_repeatable(*answers))
        whole = answers[0].row.reshape(point.y.size, point.x.size)
        if hessian and not answers[0].missing:
            nearby = self._nearby(lambda row: claim.matrix(row).row.reshape(whole.shape))
            self.note(check_symmetry(whole, answers[0].unit, nearby))
        weights = self._few_outputs()
        given = (whole if weights is None else weights @ whole).T
        nudged = [lambda row: self._weighted(claim.matrix(row).row.reshape(whole.shape), weights).T]
        context = MessageContext(self, claim, answers[0], None, weights=weights)
        allowance = self._allowance(given, answers[0], nudged)
        self._compare(context, weights, given, allowance)

    def _sparse_matrix(self, claim: Claim, answers: list[Answer], hessian: bool) -> None:
        """A whole matrix, given as a sparse one: weighted sums of its rows."""
        if answers[0].missing:
            return
        first, second = (answer.sparse for answer in answers)
        assert first is not None
        if second is None or np.any(first.minus(second).values):
            self.note([Finding("unstable", sentence="a second call gives a different matrix")])
            return
        if hessian:
            self.note(check_sparse_symmetry(first))
        weights = self._cotangents()

        def nudged(row: Array) -> Array:
            there = claim.matrix(row).sparse
            return there.from_left(weights).T if there is not None else np.full(given.shape, np.nan)

        given = first.from_left(weights).T
        context = MessageContext(self, claim, answers[0], None, weights=weights)
        self._compare(context, weights, given, self._allowance(given, answers[0], [nudged]))

    def hessian_of_values(self, claim: Claim) -> None:
        """Compare a Hessian with curvatures of the function; for functions without a gradient to differentiate.

        The second derivative of the function along u is uᵀHu; u is an axis, a sum of two axes, or a random
        direction.
        """
        point = self.point
        answers = self._answers(claim, lambda: [claim.hessian(), claim.hessian()])
        if not answers:
            return
        size = point.x.size
        self.note(answers[0].findings + claim.mutated + check_repeatable(*answers))
        if answers[0].missing:
            return
        hessian = answers[0].sparse
        if hessian is None:
            hessian = as_sparse(answers[0].row.reshape(size, size))
            nearby = self._nearby(lambda row: claim.hessian(row).row.reshape(size, size))
            self.note(check_symmetry(hessian.dense(), answers[0].unit, nearby))
        else:
            self.note(check_sparse_symmetry(hessian))
        sizes = replace(hessian, values=np.abs(hessian.values))
        rng, axes = self.subject.rng(), np.eye(size)
        few = size * (size + 1) // 2 <= self.few
        lines = (
            [axes[i] + (i != j) * axes[j] for i in range(size) for j in range(i + 1)]
            if few
            else [
                rng.choice([-1.0, 1.0], size) * rng.uniform(0.5, 1.5, size)
                for _ in range(2 * directions.DIRECTIONS)
            ]
        )
        found, largest = [], float(np.max(sizes.values, initial=0.0))
        for u, measured in zip(lines, point.slopes().along(lines), strict=True):
            claimed, bend = float(hessian.from_left(u)[0] @ u), measured.curvature
            terms = float(sizes.from_left(np.abs(u))[0] @ np.abs(u))
            tolerance = verdict.BARS * float(bend.error[0]) + 64 * answers[0].unit * terms
            found.append(Curvature(u, claimed, float(bend.value[0]), float(bend.error[0]), tolerance))
            self.powers.append(tolerance / max(abs(claimed), largest, 1e-300))
        self.note(curvature_findings(found, hessian.dense() if few else None))

    @staticmethod
    def _weighted(matrix: Array, weights: Array | None) -> Array:
        return matrix if weights is None else weights @ matrix

    def _answers(self, claim: Claim, ask: Callable[[], list[Answer]]) -> list[Answer]:
        """The answers; if the gradient function raised an error, none, and a finding."""
        try:
            return ask()
        except ModeMissing:
            raise
        except Exception as error:
            raised = Finding("raised", sentence=f"{claim.title} raised {type(error).__name__}: {error}")
            self.note(self._exchanged(claim) or [raised])
            return []

    def _exchanged(self, claim: Claim) -> list[Finding]:
        """A finding if the derivative is right when its arguments are exchanged."""
        if claim.kind not in ORDERS:
            return []
        u = self.subject.rng().uniform(0.5, 1.5, self.point.x.size)
        return check_exchanged(claim, self._cotangents()[0], u)

    # ------------------------------------------------------------------------------------------ weights

    def _cotangents(self) -> Array:
        """Two random cotangents: one with entries of similar size, one that makes all terms of the sum similar."""
        point = self.point
        rng, y = self.subject.rng(), np.abs(point.y)
        random = rng.integers(512, 1537, (2, y.size)) / 1024 * rng.choice([-1.0, 1.0], (2, y.size))
        typical = float(np.median(y[y > 0])) if np.any(y > 0) else 1.0
        y = np.where(y > 1e-9 * typical, y, typical)  # a rounded 0 must not be scaled up
        even = np.exp2(np.round(np.log2(np.clip(typical / np.maximum(y, 1e-6 * typical), 1e-6, 1e6))))
        return random * np.stack([np.ones(y.size), even])

    def _few_outputs(self) -> Array | None:
        """Weights of the outputs, if there are too many outputs to check each of them."""
        point = self.point
        return None if point.y.size <= OUTPUTS else self._cotangents()

    def _ignoring_cotangent(self, claim: Claim, given: Array) -> set[str]:
        """The paths of arguments whose gradient is the same for every cotangent."""
        ones = claim.pull(np.ones(self.point.y.size)).row
        stretches = [(slot.path, ones[slot.stretch], given[slot.stretch]) for slot in self.point.layout.slots]
        known = (part for part in stretches if part[1].any() and np.isfinite(part[1]).all())
        return {path for path, one, rows in known if np.all(rows == one[:, None])}

    def _nearby(self, ask: Callable[[Array], Array]) -> Iterator[Array]:
        """Answers a few roundings beside the point; none from where it raises an error on."""
        point, rng = self.point, np.random.default_rng(self.subject.seed)
        for _ in range(NUDGES):
            row = point.inside(point.x * (1 + 4 * point.unit * rng.choice([-1.0, 1.0], point.x.size)))
            try:
                there = ask(row)
            except Exception:
                return
            yield there

    def _allowance(
        self,
        given: Array,
        answer: Answer,
        nudged: Sequence[Callable[[Array], Array]],
        scaled: Sequence[Callable[[], Array]] = (),
    ) -> Allowance:
        """The rounding errors of a given gradient: of its last operation, and its change when the point is nudged.

        A few roundings beside the point, a gradient changes by the rounding errors of its arithmetic. A large
        change is a jump, as at a kink, and no rounding error. scaled: asks for its rounding errors as a linear
        function, which has no kinks, but costs more.
        """
        own, found = min(ROUNDINGS * answer.unit, max(COARSE, 8 * answer.unit)) * np.abs(given), 0
        if nudged and not answer.missing:
            moves = np.empty((NUDGES, *given.shape))
            there = self._nearby(lambda row: np.stack([ask(row) for ask in nudged], axis=-1).reshape(given.shape))
            with np.errstate(all="ignore"):
                for found, beside in enumerate(there, 1):
                    np.abs(beside - given, out=moves[found - 1])
                if found == NUDGES:
                    moves.sort(axis=0)  # in place, as `np.median` is not
                    spread = moves[NUDGES // 2]
                    calm = spread < 1e-4 * np.max(np.abs(given), initial=0.0)
                    own = own + np.where(calm, 4 * spread, 0.0)

        def seen() -> Array:
            terms = np.stack([ask() for ask in scaled], axis=-1).reshape(given.shape) if scaled else 0.0
            return own + SEEN * terms

        return Allowance(own, seen)

    def _compare(self, context: MessageContext, weights: Array | None, given: Array, allowance: Allowance) -> None:
        """Compare all entries of a known derivative, of shape (entries, columns)."""
        Probe(self, context, self.point.slopes(weights), lambda u: given.T @ u, given, allowance).run()
