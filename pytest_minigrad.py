"""The pytest plugin: the fixture `check_gradients`.

This file lies outside the package on purpose: pytest imports every installed plugin, and this one costs nothing
until a test asks for the fixture. The fixture calls `minigrad.check.testing.assertions`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest


@pytest.fixture
def check_gradients(record_property: Callable[[str, object], None]) -> Callable[..., Any]:
    """`minigrad.check.testing.assert_gradients`, which also writes its result into the test's properties.

    ``pytest --junitxml=...`` writes them into its file: a line per check, with its resolving power.
    """
    from minigrad.check.testing.assertions import assert_gradients

    def check(f: Callable[..., Any], args: Any, **given: Any) -> Any:
        __tracebackhide__ = True
        report = assert_gradients(f, args, **given)
        record_property("gradients", " ".join(str(report).split()))
        return report

    return check
