"""What is wrong with a gradient, in words: patterns of a given gradient beside its reference.

Arrays in, a kind and a sentence out; nothing here calls a function or knows the engine.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Evidence:
    """One argument's gradient beside its reference.

    path     where the argument stands: ``args[0]['w']``, or its parameter's name
    x        the argument, of any shape
    given    the gradient that was given, of its shape
    reference, bar   the numerical derivative and its tolerance, of its shape; nan where it was not measured
    wrong    which of the measured entries disagree, of its shape
    y, cotangent     what f gave, flat, and the cotangent it was pulled back from (None for a scalar f)
    constants        the plain numbers and arrays among the arguments, for factors that may be missing
    """

    path: str
    x: np.ndarray
    given: np.ndarray
    reference: np.ndarray
    bar: np.ndarray
    wrong: np.ndarray
    y: np.ndarray | None = None
    cotangent: np.ndarray | None = None
    constants: Sequence[Any] = field(default=())


@dataclass(frozen=True)
class Diagnosis:
    """A kind out of `kinds.WRONG`, and a sentence that says what was seen, with the number."""

    kind: str
    sentence: str


def diagnose(evidence: Evidence, others: Sequence[Evidence] = ()) -> Diagnosis:
    """What is wrong with one argument's gradient; others: those of the other arguments."""
    return Diagnosis("wrong", "")
