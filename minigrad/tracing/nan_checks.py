"""Checks of a recorded derivative for nan: where there is nan, only eager code finds the limit.

A graph that is computed again, compiled or for a batch, has fixed steps; what `engine.derivative_limits` does
depends on the data. So one step looks at the derivatives, and nan sends the caller back to the function itself.
"""

from __future__ import annotations

from typing import Any

from ..engine.broadcasting import has_nan
from ..engine.node import Node, new_node
from .tape import as_data, lift_values, step_of


class LimitNeeded(Exception):
    """A derivative holds nan. Never reaches the user: the function itself runs again."""


def refuse_nan(*derivatives: Any) -> float:
    """Raise LimitNeeded if there is nan in one of these; else return 0."""
    if any(map(has_nan, derivatives)):
        raise LimitNeeded
    return 0.0


def check_of(derivatives: list[Any]) -> Node:
    """The node that checks derivatives when the graph is computed again; nothing is checked now."""
    found: list[Node] = []
    places = lift_values((tuple(derivatives), {}), found)
    made_by = step_of(refuse_nan, "check")
    return new_node(type(found[0]), as_data(0.0), made_by, tuple(found), {"call": places})
