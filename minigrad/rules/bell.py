"""The bell curve, which the slopes of the error function and of the normal distribution are made of."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine.op import diagonal, dispatched

_BEYOND = 60.0  # exp(-x²/2) is 0 in floats from 38.6 on: x² must not overflow there


def gaussian(x: Any, c: float) -> Any:
    """exp(-c x²) for c = 1 or ½, to the last bits: x² is the exact square of a short number and a small rest."""
    x = np.clip(x, -_BEYOND, _BEYOND)
    short = x.astype(np.float32).astype(np.float64)
    return np.exp(-c * short * short) * np.exp(c * (short - x) * (short + x))


@dispatched
def bell(x: Any) -> Any:
    """exp(-x²/2), elementwise, to the last bits, however small."""
    kind = np.result_type(x)
    return gaussian(np.asarray(x, np.float64), 0.5).astype(kind if kind.kind == "f" else np.float64)[()]


# fmt: off
diagonal(bell, "bell", "y = e^(-x²/2)", lambda g, y, x: -g * (y * np.where(np.equal(y, 0), 0.0, x)), parity="even",
    meaning=lambda x: np.exp(-x * x / 2))
