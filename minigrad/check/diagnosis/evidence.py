"""Evidence on a wrong gradient, and its diagnosis: the data that `diagnosis` and its `patterns` share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from numpy.typing import NDArray


@dataclass(frozen=True)
class Evidence:
    """One argument's gradient beside its reference.

    path     the name of the argument: ``args[0]['w']``, or its parameter's name
    x        the argument, of any shape; the next four have the same shape
    given    the gradient to check
    reference, bar   the numerical derivative and its tolerance; nan where not measured
    wrong    which of the measured entries disagree
    y, cotangent     the result of f, flat, and its cotangent (None for a scalar f)
    constants        the plain numbers and arrays among the arguments: possible factors
    y_shape  the shape of f's result, if known; without it the broadcast axes are guessed
    """

    path: str
    x: NDArray[Any]
    given: NDArray[Any]
    reference: NDArray[Any]
    bar: NDArray[Any]
    wrong: NDArray[Any]
    y: NDArray[Any] | None = None
    cotangent: NDArray[Any] | None = None
    constants: Sequence[Any] = field(default=())
    y_shape: tuple[int, ...] | None = None


@dataclass(frozen=True)
class Diagnosis:
    """A kind from `kinds.WRONG`, and a sentence that describes the mistake with its numbers."""

    kind: str
    sentence: str
