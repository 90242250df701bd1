"""Findings on a claimed Hessian, held against curvatures of the function along lines.

A line is an axis, the sum of two axes, or a random direction u; the curvature there is uᵀHu.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..diagnosis.diagnosis import Diagnosis, Evidence, diagnose
from ..diagnosis.report import Finding
from ..numeric.extrapolation import Array
from .verdict import RESOLVED

OF_ALL = ("sign", "zero", "factor", "nan")  # kinds that curvatures along random lines tell

COMPARED = ("claimed", "measured", "tolerance")


@dataclass(frozen=True)
class Curvature:
    """A curvature along a line: as the Hessian gives it, and as measured, with the allowed difference."""

    line: Array
    claimed: float
    measured: float
    error: float
    tolerance: float

    @property
    def wrong(self) -> bool:
        """Whether the two differ."""
        return not abs(self.claimed - self.measured) <= self.tolerance

    @property
    def noisy(self) -> bool:
        """Whether the function is too noisy to compare them."""
        wide = self.tolerance > RESOLVED * max(abs(self.claimed), abs(self.measured))
        return wide and self.claimed != 0 and self.tolerance > RESOLVED

    @property
    def axes(self) -> tuple[int, int] | None:
        """The entry of the Hessian on which it depends: an axis twice, or two axes; None for other lines."""
        axes = np.flatnonzero(self.line)
        return (int(axes[-1]), int(axes[0])) if 0 < len(axes) <= 2 else None

    def __str__(self) -> str:
        """What differs, as a sentence."""
        axes = self.axes
        where = " and ".join(f"entry {k}" for k in sorted(set(axes))) if axes else "a random line"
        return (
            f"along {where} the function has curvature {self.measured:.6g} ± {self.error:.0e}, "
            f"but the Hessian gives {self.claimed:.6g}"
        )


def curvature_findings(found: Sequence[Curvature], hessian: Array | None) -> list[Finding]:
    """One finding if curvatures are wrong, else one if the function is too noisy for some.

    hessian: the claimed one, if the curvatures are those along all axes and all sums of two.
    """
    wrong = [one for one in found if one.wrong]
    if not wrong:
        noisy = [one for one in found if one.noisy]
        return [Finding("noise", sentence=_noise(noisy))] if noisy else []
    evidence = _lines(found) if hessian is None else _entries(found, hessian)
    diagnosis = diagnose(evidence)
    if hessian is None and diagnosis.kind not in OF_ALL:
        diagnosis = Diagnosis("wrong", "")
    worst = max(wrong, key=lambda one: abs(one.claimed - one.measured) / max(one.tolerance, 1e-300))
    index: tuple[int, ...] | None = worst.axes
    given, reference, error = worst.claimed, worst.measured, worst.error
    if hessian is not None and evidence.wrong.any():
        gap = np.where(
            evidence.wrong, np.abs(hessian - evidence.reference) / np.maximum(evidence.bar, 1e-300), -1.0
        )
        index = tuple(int(k) for k in np.unravel_index(int(np.argmax(gap)), gap.shape))
        given, reference, error = (float(a[index]) for a in (hessian, evidence.reference, evidence.bar))
    count = f"the curvature is wrong along {len(wrong)} of {len(found)} lines: {worst}"
    sentence = "\n".join(line for line in (diagnosis.sentence, count) if line)
    return [Finding(diagnosis.kind, "hess", index, given, reference, error, sentence)]


def _noise(noisy: Sequence[Curvature]) -> str:
    more = f" (and along {len(noisy) - 1} more lines)" if len(noisy) > 1 else ""
    return (
        f"the curvature of the function here is {noisy[0].measured:.3g} ± {noisy[0].error:.0e}: "
        f"too noisy to decide{more}"
    )


def _lines(found: Sequence[Curvature]) -> Evidence:
    """The curvatures themselves as entries."""
    claimed, measured, tolerance = (np.array([getattr(one, name) for one in found]) for name in COMPARED)
    wrong = np.array([one.wrong for one in found])
    return Evidence("hess", np.zeros(len(found)), claimed, measured, tolerance, wrong)


def _entries(found: Sequence[Curvature], hessian: Array) -> Evidence:
    """The entries of the Hessian: H[i, j] is half of what a sum of two axes has beyond them."""
    reference, bar = np.zeros_like(hessian), np.zeros_like(hessian)
    pairs = [(one, one.axes) for one in found]
    for one, axes in pairs:
        if axes and axes[0] == axes[1]:
            reference[axes], bar[axes] = one.measured, one.tolerance
    for one, axes in pairs:
        if axes and axes[0] != axes[1]:
            i, j = axes
            reference[i, j] = reference[j, i] = (one.measured - reference[i, i] - reference[j, j]) / 2
            bar[i, j] = bar[j, i] = (one.tolerance + bar[i, i] + bar[j, j]) / 2
    wrong = ~(np.abs(hessian - reference) <= bar)
    return Evidence("hess", np.zeros_like(hessian), hessian, reference, bar, wrong)
