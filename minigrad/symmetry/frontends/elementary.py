"""Functions of one or two numbers that PyTorch and JAX call by the same name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...rules.activations import erf, erfc

ELEMENTARY: dict[str, Callable[..., Any]] = {
    "square": np.square,
    "sqrt": np.sqrt,
    "abs": np.absolute,
    "neg": np.negative,
    "sign": np.sign,
    "floor": np.floor,
    "ceil": np.ceil,
    "exp": np.exp,
    "exp2": np.exp2,
    "expm1": np.expm1,
    "log": np.log,
    "log1p": np.log1p,
    "log2": np.log2,
    "sin": np.sin,
    "cos": np.cos,
    "tan": np.tan,
    "asin": np.arcsin,
    "acos": np.arccos,
    "atan": np.arctan,
    "atan2": np.arctan2,
    "sinh": np.sinh,
    "cosh": np.cosh,
    "tanh": np.tanh,
    "asinh": np.arcsinh,
    "acosh": np.arccosh,
    "atanh": np.arctanh,
    "erf": erf,
    "erfc": erfc,
}
