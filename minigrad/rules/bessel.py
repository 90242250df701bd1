"""np.i0, the modified Bessel function, and its derivatives by Bessel's integral. SciPy's: `rules/scipy/bessel`."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine.op import elementwise
from ..engine.sampling import REAL

# I₀(x) = the mean of cosh(x cos θ) over a quarter of a circle. The function is periodic and smooth, so the mean at
# equal distances converges faster than any power; where I₀ does not overflow, 64 angles give the last digit.
_COSINES = np.cos((np.arange(64) + 0.5) * (np.pi / 128))


def _i1(x: Any) -> Any:
    """I₁(x), the slope of I₀. No term has another sign than x, so no digits cancel."""
    cosines = _COSINES.astype(x.dtype) if x.dtype.kind == "f" else _COSINES
    return np.mean(np.sinh(np.expand_dims(x, -1) * cosines) * cosines, axis=-1)


elementwise(np.i0, "i0", "y = I₀(x), the mean of cosh(x cos θ)", lambda y, x: _i1(x), domain=REAL, parity="even")
