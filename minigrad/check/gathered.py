"""What has been found so far: findings, remarks, and what would have been seen."""

from __future__ import annotations

from typing import Self

import numpy as np

from . import judgement
from .derivative import Point
from .judgement import Judged
from .kinds import REMARKS
from .ladder import Array
from .report import Finding, Report
from .subject import Subject


class Gathered:
    """What was found about one function, of whose derivatives more than one may be looked at.

    order: of the derivatives. powers: the smallest relative error that each look would have seen. largest: the
    largest difference that is no more than rounding, as a share of the largest entry. few: so many entries are
    looked at one by one; more of them along random directions.
    """

    few = 100

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
        """Add findings, each once; of remarks, one of a kind about an argument."""
        for finding in findings:
            known = {(f.kind, f.path) for f in self.findings if f.kind in REMARKS}
            if finding not in self.findings and (finding.kind, finding.path) not in known:
                self.findings.append(finding)

    def merge(self, other: Gathered) -> Self:
        """What others found, beside one's own."""
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

    def take(self, findings: list[Finding], judged: Judged, given: Array) -> None:
        """Findings, and what the entries they are about would have shown."""
        self.note(findings)
        known = np.isin(judged.state, (judgement.AGREE, judgement.BELOW, judgement.WRONG))
        known &= np.isfinite(judged.power)
        if known.any():
            self.powers.append(float(judged.power[known].max()))
        seen = known & (judged.state != judgement.WRONG)
        if seen.any():
            with np.errstate(all="ignore"):
                size = np.max(np.abs(judged.reference), initial=0.0)
                gap = np.abs(given - judged.reference)[seen] / size
                self.largest = max(self.largest, float(np.nan_to_num(gap).max()))
