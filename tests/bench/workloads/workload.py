"""What a workload is: a computation, as libraries write it and by hand. The modules beside this one hold them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

LR = 0.01
Call = Callable[[], Any]
Start = Callable[[str], tuple[list[Any], tuple[Any, ...]]]


@dataclass(frozen=True)
class Workload:
    """One computation, as libraries write it and as it is written by hand.

    kind: "step" (of gradient descent; gives the loss), "both" (the loss and the gradients of all parameters),
    "value" (of a function of the data), "gradient" (of a function of the data) or "product" (of the Hessian and a
    direction).
    start: parameters and data, for a dtype. f: the loss, or the function, ``(lib, parameters, *data)``.
    hand, buffered: ``(parameters, *data)`` return the call as most would write it in NumPy, and with ``out=``.
    targets: for each dtype that is measured, the most time that compiled code may take, relative to `against`;
    None where there is no target. small: parameters and data for a test, where `start` would take too long.
    """

    name: str
    kind: str
    start: Start
    f: Callable[..., Any]
    hand: Callable[..., Call]
    targets: Mapping[str, float | None]
    buffered: Callable[..., Call] | None = None
    against: str = "hand"
    small: Start | None = field(default=None, kw_only=True)
