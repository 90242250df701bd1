"""compile: a recorded graph as straight-line NumPy.

A function is traced (`tracing`) on a tape, on which the engine's own work with arrays is recorded too (`taped`);
read as a program (`reading`, `program`); improved by `passes`; given buffers (`plan`); written as Python (`source`)
behind a guard (`guards`); and called (`calling`).
"""

from .calling import Compiled
from .calling import compiled as compile

__all__ = ["Compiled", "compile"]
