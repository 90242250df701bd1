"""All errors of the package: those of the engine (`engine/errors`), and those of the code above it.

Each class also derives from the built-in error that a user of NumPy would catch.
"""

from __future__ import annotations

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


class TracingError(MinigradError, TypeError):
    """Code read the data of a value during tracing, when it has none."""


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
    "ExpressionError",
    "GradientLost",
    "InPlaceError",
    "IndexingError",
    "MinigradError",
    "MissingRule",
    "Mutated",
    "NameTaken",
    "NonFinite",
    "NotALeaf",
    "RenderError",
    "ShapeError",
    "TracingError",
    "UnknownFormat",
    "describe",
    "layout",
]
