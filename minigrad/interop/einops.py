"""einops on Values: rearrange, reduce, repeat, einsum, pack and unpack, with gradients.

Importing this module registers Values. ``import minigrad`` does it if einops was imported before; otherwise write
``import minigrad.interop.einops``.
"""

from __future__ import annotations

from typing import Any

from einops._backends import NumpyBackend

from ..engine.value import Value


class ValueBackend(NumpyBackend):  # type: ignore[misc,unused-ignore]
    """What einops computes with. It finds the class among the subclasses of its backends.

    The functions are NumPy's, which record a call with a Value.
    """

    framework_name = "minigrad"

    def is_appropriate_type(self, tensor: object) -> bool:
        """Whether the tensor is a Value."""
        return isinstance(tensor, Value)

    def from_numpy(self, x: Any) -> Value:
        """A leaf with that array."""
        return Value(x)

    def to_numpy(self, x: Value) -> Any:
        """The data; leaves the graph on purpose."""
        return x.data
