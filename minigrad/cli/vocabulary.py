"""The names in an expression: every function of the derivative table, by its NumPy and minigrad names.

An expression can call nothing outside the table.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import numpy as np

from ..engine.op import COMPOSED, TABLE
from ..op_table import qualified
from ..rules.shaping import stack

CONSTANTS = {f"{module}.{name}": x for module in ("np", "numpy") for name, x in (("pi", math.pi), ("e", math.e))}
_MODULES: dict[str, ModuleType] = {
    "": np,
    "linalg.": np.linalg,
    "fft.": np.fft,
    "lib.stride_tricks.": np.lib.stride_tricks,
}


def _named() -> Iterator[tuple[str, Callable[..., Any]]]:
    """Pairs of a name and its function: linalg.det and np.linalg.det, sigmoid and minigrad.sigmoid."""
    known = {*TABLE, *COMPOSED}
    for prefix, module in _MODULES.items():
        for name in sorted(vars(module)):
            function = vars(module)[name]
            if callable(function) and function.__hash__ and function in known:
                yield f"{prefix}{name}", function
                yield f"np.{prefix}{name}", function
                yield f"numpy.{prefix}{name}", function
    for function in (*TABLE, stack):
        owner, _, name = qualified(function).rpartition(".")
        if owner == "minigrad":
            yield name, function
            yield f"minigrad.{name}", function


FUNCTIONS: dict[str, Callable[..., Any]] = dict(_named())


def nearest(name: str) -> str:
    """The most similar known name; "" if none is similar."""
    short = name.rpartition(".")[2]
    inside = [word for word in FUNCTIONS if word.rpartition(".")[2] == short]
    return (inside or difflib.get_close_matches(name, FUNCTIONS, 1, 0.75) or [""])[0]
