"""What a workload is. What is in one stands in the modules beside this one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

LR = 0.01
Call = Callable[[], Any]


@dataclass(frozen=True)
class Workload:
    """One computation, as libraries write it and as it is written by hand.

    kind: "step" (of gradient descent; gives the loss), "value" (of a function of the data), "gradient" (of a
    function of a list of numbers) or "product" (of the Hessian and a direction).
    start: parameters and data, of a type. f: the loss, or the function, ``(lib, parameters, *data)``.
    hand, buffered: ``(parameters, *data)`` give the call as most would write it in NumPy, and with ``out=``.
    aim: the most that compiled code may take, relative to `hand`.
    """

    name: str
    kind: str
    start: Callable[[str], tuple[list[Any], tuple[Any, ...]]]
    f: Callable[..., Any]
    hand: Callable[..., Call]
    buffered: Callable[..., Call] | None
    aim: float
    rounds: int
    dtypes: tuple[str, ...] = ("float64", "float32")
