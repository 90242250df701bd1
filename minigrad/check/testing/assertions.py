"""Gradient checks in a test suite: an assertion for pytest, and the strategies for hypothesis.

The fixture `check_gradients` is available wherever minigrad is installed. This module also has every name of
`strategies`, and imports hypothesis at the first use of one.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

from ..diagnosis.report import GradientMismatch, GradientUnresolved, Report
from ..gradients import check_grads

STRATEGIES = (
    "broadcastable_arrays",
    "broadcastable_shapes",
    "kink_arrays",
    "magnitudes",
    "op_calls",
    "programs",
    "shapes",
    "smooth_arrays",
)
__all__ = ["assert_gradients", *STRATEGIES]


def assert_gradients(f: Callable[..., Any], args: Any, **given: Any) -> Report:
    """`check_grads` for tests: returns the report, or fails and shows only the report.

    given: options of `check_grads`. Raises GradientMismatch and GradientUnresolved like `check_grads`; the
    traceback that pytest shows ends at the line of the test.
    """
    __tracebackhide__ = True
    try:
        return check_grads(f, args, **given)
    except (GradientMismatch, GradientUnresolved) as error:
        raise error.with_traceback(None) from None


def __getattr__(name: str) -> Any:
    if name in STRATEGIES:
        return getattr(importlib.import_module(f"{__package__}.strategies"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
