"""What is known about a wrong gradient, and what is said about it: what `diagnosis` and its patterns share.

Data only; what follows from it stands in `patterns`.
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
    y_shape  the shape of what f gave, if known: which axes were broadcast is guessed without it
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
    y_shape: tuple[int, ...] | None = None


@dataclass(frozen=True)
class Diagnosis:
    """A kind out of `kinds.WRONG`, and a sentence that says what was seen, with the number."""

    kind: str
    sentence: str
