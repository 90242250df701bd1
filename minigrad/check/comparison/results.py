"""The results of a check so far: findings, remarks and resolving power."""

from __future__ import annotations

from typing import Self

import numpy as np

from ..diagnosis.kinds import REMARKS
from ..diagnosis.report import Finding, Precision, Report
from ..numeric.derivative import Point
from ..numeric.extrapolation import Array
from . import verdict
from .problem import Subject
from .verdict import EntryVerdicts


class CheckResults:
    """The results for one function, of one or more derivatives.

    order: of the derivatives. powers: for each comparison, the smallest relative error that it would find. largest:
    the largest difference explained by rounding, relative to the largest entry. few: up to so many entries are
    all looked at if a direction fails. kinks: entries at which the point is a kink.
    failed: directions along which the function has another slope, and no entry explains it; each with the weights
    of the results.
    """

    few = 100

    def __init__(self, subject: Subject, order: int = 1) -> None:
        self.subject, self.order = subject, order
        self.findings, self.remarks = list(subject.findings), list[str]()
        self.powers, self.largest = list[float](), 0.0
        self.precisions: list[Precision] = []
        self.kinks, self.failed = set[int](), list[tuple[Array, Array]]()

    @property
    def point(self) -> Point:
        """The point of comparison. Raises ValueError if the function has no value there."""
        if self.subject.point is None:
            raise ValueError("the function has no value at this point")
        return self.subject.point

    def note(self, findings: list[Finding]) -> None:
        """Add findings, each only once; remarks only once per kind and argument."""
        for finding in findings:
            known = {(f.kind, f.path) for f in self.findings if f.kind in REMARKS}
            if finding not in self.findings and (finding.kind, finding.path) not in known:
                self.findings.append(finding)

    def merge(self, other: CheckResults) -> Self:
        """Add the results of another check."""
        self.note(other.findings)
        self.remarks += [r for r in other.remarks if r not in self.remarks]
        self.powers += other.powers
        self.kinks |= other.kinks
        self.failed += other.failed
        self.largest = max(self.largest, other.largest)
        self.precisions += other.precisions
        return self

    def report(self) -> Report:
        """The report, with the gravest findings first."""
        subject = self.subject
        groups = {slot.path[: slot.path.index("]")] for slot in subject.layout.slots}
        remarks = [*subject.remarks, *self.remarks]
        if subject.evaluator.first_error:
            remarks.append(f"nearby, the function raised {subject.evaluator.first_error}")
        return Report(
            name=subject.name,
            findings=tuple(sorted(self.findings, key=lambda f: f.gravity)),
            resolving_power=max(self.powers, default=0.0 if not subject.layout.size else float("inf")),
            largest=self.largest,
            evaluations=subject.evaluator.count,
            arguments=len(groups),
            entries=subject.layout.size,
            remarks=tuple(remarks),
            precision=self._precision(),
        )

    def _precision(self) -> Precision | None:
        """The comparisons in the given type, as one."""
        if not self.precisions:
            return None
        shares, powers = zip(*((one.largest, one.power) for one in self.precisions), strict=True)
        return Precision(self.precisions[0].name, max(shares), max(powers), self.precisions[0].wide)

    def add_findings(self, findings: list[Finding], verdicts: EntryVerdicts, given: Array) -> None:
        """Add the findings on some entries, and their resolving power."""
        self.note(findings)
        known = np.isin(
            verdicts.state, (verdict.AGREE, verdict.BELOW_RESOLUTION, verdict.WRONG, verdict.UNRESOLVED)
        )
        known &= np.isfinite(verdicts.power)
        hidden = np.abs(verdicts.reference) <= verdict.BARS * verdicts.error
        known &= ~(hidden & (verdicts.state == verdict.UNRESOLVED))  # a share of what nobody knows
        if known.any():  # also where nothing was decided a larger error would have been found
            self.powers.append(float(verdicts.power[known].max()))
        # Where the slope is exactly 0, rounding errors of the given one are all that differs.
        seen = known & np.isin(verdicts.state, (verdict.AGREE, verdict.BELOW_RESOLUTION)) & (verdicts.power > 0)
        if seen.any():
            with np.errstate(all="ignore"):
                size = np.max(np.fmax(np.abs(verdicts.reference), np.abs(given)), initial=0.0, where=seen)
                gap = np.abs(given - verdicts.reference)[seen] / size  # nan if all are 0
                self.largest = max(self.largest, float(np.nan_to_num(gap).max()))
