"""Tracing: records a function so that it can be computed again on other data, for `compile`, `vmap` and `ties`.

It plugs into the engine as an interpreter (`modes`). On a `tape` the engine's own work becomes nodes as well, and
`placeholders` stand for plain arguments.
"""

from . import whole_numbers as whole_numbers  # it gives Value its methods
from .interpreters import Tape, current_tape, is_tracing, taping, trace

__all__ = ["Tape", "current_tape", "is_tracing", "taping", "trace"]
