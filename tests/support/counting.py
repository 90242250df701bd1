"""Functions that count how often they are called."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class Counted:
    """A function that counts its calls."""

    def __init__(self, f: Callable[..., Any]) -> None:
        self.f, self.calls = f, 0

    def __call__(self, *args: Any) -> Any:
        self.calls += 1
        return self.f(*args)
