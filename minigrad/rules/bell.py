"""The bell curve, which the slopes of the error function and of the normal distribution are made of."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine.op import diagonal, dispatched
from .limits import times

_BEYOND = 40.0  # exp(-x²/2) is 0 in floats from 38.6 on


@dispatched
def bell(x: Any) -> Any:
    """exp(-x²/2), elementwise, to the last bits: x² is split into the exact square of a short number and a rest."""
    kind = np.result_type(x)
    z = np.minimum(np.abs(np.asarray(x, dtype=np.float64)), _BEYOND)
    short = z.astype(np.float32).astype(np.float64)
    y = np.exp(-0.5 * short * short) * np.exp(0.5 * (short - z) * (short + z))
    return np.where(np.isnan(z), z, y).astype(kind if kind.kind == "f" else np.float64)[()]


# fmt: off
# times: 0·∞ at an infinite x
diagonal(bell, "bell", "y = e^(-x²/2)", lambda g, y, x: -g * times(y, x), parity="even",
    meaning=lambda x: np.exp(-x * x / 2))
