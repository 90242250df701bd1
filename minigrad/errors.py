"""All errors of the package: those of the engine (`engine/errors`), and those of the code above it.

Each class also derives from the built-in error that a user of NumPy would catch.
"""

from __future__ import annotations

from .engine import failed_calls as failed_calls  # it plugs into the engine's errors
from .engine.debugging import EveryPair, StaleGradient
from .engine.errors import (
    ArgumentError,
    AxisError,
    DTypeError,
    GradientLost,
    IndexingError,
    InPlaceError,
    MinigradError,
    MissingRule,
    Mutated,
    NameTaken,
    NonFinite,
    NotALeaf,
    ShapeError,
    describe,
    layout,
)
from .engine.refusals import MissingAttribute, NotIterable


class TracingError(MinigradError, RuntimeError):
    """Code read the data of a value during tracing, when it has none.

    It is no TypeError: NumPy would put one of its own in its place, as in ``np.zeros(v)``.
    """


class DomainError(MinigradError, ValueError):
    """Numbers at which a function has no finite value."""


class ExpressionError(MinigradError, ValueError):
    """An expression on the command line that is invalid or cannot be computed."""


class UnknownFormat(MinigradError, ValueError):
    """A file name whose suffix is not a picture format."""


class RenderError(MinigradError, RuntimeError):
    """A picture could not be rendered."""


__all__ = [
    "ArgumentError",
    "AxisError",
    "DTypeError",
    "DomainError",
    "EveryPair",
    "ExpressionError",
    "GradientLost",
    "InPlaceError",
    "IndexingError",
    "MinigradError",
    "MissingAttribute",
    "MissingRule",
    "Mutated",
    "NameTaken",
    "NonFinite",
    "NotALeaf",
    "NotIterable",
    "RenderError",
    "ShapeError",
    "StaleGradient",
    "TracingError",
    "UnknownFormat",
    "describe",
    "layout",
]
