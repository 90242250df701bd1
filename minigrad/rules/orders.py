"""Arguments that select a member of a family of functions: an order, a shape parameter. No rule covers them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..engine.op import Rule, refuse
from ..engine.sampling import Domain

ORDER = Domain("whole", 0, 3, kind="i")
SHAPE = Domain("positive, constant", 1, 5, kind="i")


def refusal(op: str, argument: str) -> Rule:
    """The rule for an argument that has none: it refuses by name to differentiate in it.

    Such arguments come before those with rules: the sweep may ask again, after it met a refusal.
    """

    def rule(g: Any, *_: Any) -> Any:
        return refuse(
            f"{op} has no derivative here in its {argument}\n"
            f"  write  minigrad.stop_gradient(v)   as {argument}, to hold it constant\n"
            f"  or     minigrad.custom(...)        to give {op} a rule for it"
        )

    return rule


def member(of_order: Callable[..., Any], name: str) -> Callable[..., Any]:
    """f(n, *xs) for arrays of whole numbers n, from f of one n at a time; in the type of the xs."""

    def f(n: Any, *xs: Any) -> Any:
        orders = np.asarray(n)
        if np.any(orders != np.rint(orders)) or np.any(orders < 0):
            refuse(f"{name}: the order is a whole number from 0 on, got {n!r}")
        kind = np.result_type(*xs)
        orders, *zs = np.broadcast_arrays(orders, *(np.asarray(x, dtype=np.float64) for x in xs))
        y = np.empty(orders.shape)
        with np.errstate(all="ignore"):  # poles are infinite, and no accident
            for k in np.unique(orders):
                y[orders == k] = of_order(int(k), *(z[orders == k] for z in zs))
        return y.astype(kind if kind.kind == "f" else np.float64)[()]

    return f
