"""The results of a check so far: findings, remarks and resolving power."""

from __future__ import annotations

from typing import Self

import numpy as np

from ..diagnosis.kinds import REMARKS
from ..diagnosis.report import Finding, Report
from ..numeric.derivative import Point
from ..numeric.extrapolation import Array
from . import verdict
from .problem import Subject
from .verdict import EntryVerdicts


class CheckResults:
    """The results for one function, of one or more derivatives.

    order: of the derivatives. powers: for each comparison, the smallest relative error that it would find. largest:
    the largest difference explained by rounding, relative to the largest entry. few: up to so many entries are
    checked one by one, more along random directions.
    """

    few = 100

    def __init__(self, subject: Subject, order: int = 1) -> None:
        self.subject, self.order = subject, order
        self.findings, self.remarks = list(subject.findings), list[str]()
        self.powers, self.largest = list[float](), 0.0

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
        self.largest = max(self.largest, other.largest)
        return self

    def report(self) -> Report:
        """The report, with the gravest findings first."""
        subject = self.subject
        groups = {slot.path[: slot.path.index("]")] for slot in subject.layout.slots}
        remarks = list(self.remarks)
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
        )

    def add_findings(self, findings: list[Finding], verdicts: EntryVerdicts, given: Array) -> None:
        """Add the findings on some entries, and their resolving power."""
        self.note(findings)
        known = np.isin(verdicts.state, (verdict.AGREE, verdict.BELOW_RESOLUTION, verdict.WRONG))
        known &= np.isfinite(verdicts.power)
        if known.any():
            self.powers.append(float(verdicts.power[known].max()))
        seen = known & (verdicts.state != verdict.WRONG)
        if seen.any():
            with np.errstate(all="ignore"):
                size = np.max(np.abs(verdicts.reference), initial=0.0)
                gap = np.abs(given - verdicts.reference)[seen] / size
                self.largest = max(self.largest, float(np.nan_to_num(gap).max()))
