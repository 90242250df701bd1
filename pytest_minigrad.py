"""The pytest plugin: the fixture `check_gradients`.

It is no part of the package on purpose: pytest imports every plugin that is installed, and this one costs nothing
until a test asks for the fixture. What the fixture does stands in `minigrad.check.testing.assertions`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest


@pytest.fixture
def check_gradients(record_property: Callable[[str, object], None]) -> Callable[..., Any]:
    """`minigrad.check.testing.assert_gradients`, which also writes its result into the test's properties.

    They are found in the file of ``pytest --junitxml=...``: a line per check, with its resolving power.
    """
    from minigrad.check.testing.assertions import assert_gradients

    def check(f: Callable[..., Any], args: Any, **given: Any) -> Any:
        __tracebackhide__ = True
        report = assert_gradients(f, args, **given)
        record_property("gradients", " ".join(str(report).split()))
        return report

    return check
