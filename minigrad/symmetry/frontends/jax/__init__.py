"""JAX: a function of parameters and data as a recording.

The derivatives that it computes itself: `check/frameworks/jax`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ...loss_graph import Recording


def record_jax_loss(f: Any, args: Sequence[Any], loss: Callable[..., Any] | None, for_all_data: bool) -> Recording:
    """The loss f(params, *data)."""
    raise NotImplementedError
