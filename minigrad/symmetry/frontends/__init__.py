"""Losses of other frameworks as recordings: traced by the framework, then recorded op by op with ops of the table.

    torch, jax           a package for each framework
    compare_gradients    compares the recorded gradient with the framework's
    convolution, dtypes  what their rows share

Nothing is claimed about a recording whose gradient differs from the framework's.
No framework is imported here: a model or an array of it is there only if the caller imported it before.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

from ...check.frameworks.framework import framework_in_code, framework_of, takes_values
from ..loss_graph import Recording

# The packages of each framework, each with a function `record_NAME_loss(f, args, loss, for_all_data) -> Recording`.
FRONTENDS = ("torch", "jax")


def record_framework_loss(
    f: Any, args: Sequence[Any], loss: Callable[..., Any] | None, for_all_data: bool
) -> Recording | None:
    """The loss of a model or function of another framework as a graph; None if f and args belong to none.

    loss: called with the model's outputs and the target, the last of the data; None: the framework's default.
    """
    name = framework_of(f, tuple(args)) or _beside_numpy(f, tuple(args))
    if name not in FRONTENDS:
        return None
    record = getattr(import_module(f".{name}", __package__), f"record_{name}_loss")
    found: Recording = record(f, args, loss, for_all_data)
    return found


def _beside_numpy(f: Any, args: tuple[Any, ...]) -> str | None:
    """The only framework that the code of a function names, NumPy beside it, if the function takes no Values."""
    name = framework_in_code(f, beside_numpy=True) if callable(f) and args else None
    return name if name is not None and not takes_values(f, args) else None
