"""Where an operation is defined and smooth. Tests, benchmarks and checkers draw inputs from it.

Domains are plain data, and calls are drawn through the small protocol `Draw`: nothing here knows hypothesis,
random generators or the engine.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

T = TypeVar("T")
Shape = tuple[int, ...]


@dataclass(frozen=True)
class Domain:
    """An interval, without the points where the derivative jumps.

    low, high: ends of the interval (both allowed). avoid: kinks; drawn numbers keep away from them.
    distinct: no two numbers of one call are equal or nearly so (where ties are kinks: max, sort).
    kind: "f" for floats, "i" for integers, "b" for booleans.
    """

    name: str
    low: float
    high: float
    avoid: tuple[float, ...] = ()
    distinct: bool = False
    kind: str = "f"

    def __str__(self) -> str:
        """The name in the table of operations."""
        return self.name


REAL = Domain("real", -3.0, 3.0)
POSITIVE = Domain("positive", 0.2, 4.0)
NONZERO = Domain("nonzero", -3.0, 3.0, avoid=(0.0,))
UNIT = Domain("|x| < 1", -0.9, 0.9)
OVER_ONE = Domain("x > 1", 1.2, 4.0)
OVER_MINUS_ONE = Domain("x > -1", -0.8, 3.0)
DISTINCT = Domain("real, no ties", -3.0, 3.0, distinct=True)
SIZED = Domain("real, no zeros, no ties in size", 0.2, 3.0, distinct=True)
BOOLEAN = Domain("true or false", 0, 1, kind="b")
UNEVEN = Domain("real, no integers", -3.0, 3.0, avoid=(-3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0))


class Draw(Protocol):
    """The random choices behind one call of an operation."""

    def array(self, domain: Domain, shape: Shape) -> Any:
        """An array of that shape with entries from the domain."""

    def shape(self, min_dims: int = 0, max_dims: int = 3, min_side: int = 1) -> Shape:
        """A shape."""

    def shapes(self, count: int) -> Sequence[Shape]:
        """Shapes that broadcast together."""

    def integer(self, low: int, high: int) -> int:
        """An integer, both ends included."""

    def choice(self, options: Sequence[T]) -> T:
        """One of the options."""


Call = tuple[tuple[Any, ...], dict[str, Any]]
