"""Initial numbers for weights and biases.

An initialiser is a function ``(shape, seed) -> array``: those below, or any other of that form. The shape is
``(inputs, outputs)`` for weights and ``(outputs,)`` for biases. The seed is a whole number, a
`numpy.random.Generator` (which moves on) or None for numbers that cannot be repeated; the same seed gives the
same bits.

``initial`` turns a name, a number, an array or a function into the array.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from numbers import Real
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from ..errors import ShapeError

Array: TypeAlias = npt.NDArray[Any]
Shape: TypeAlias = tuple[int, ...]
Seed: TypeAlias = int | np.random.Generator | None
Initializer: TypeAlias = Callable[..., Any]
Spec: TypeAlias = str | float | Array | Sequence[Any] | Initializer


def constant(shape: Shape, seed: Seed = None, *, value: float = 0.0) -> Array:
    """The same number everywhere; ``init=0.5`` does the same. ValueError for nan and inf."""
    if not math.isfinite(value):
        raise ValueError(f"cannot start from {value!r}\n  expected a finite number")
    return np.full(shape, value, dtype=np.float64)


def zeros(shape: Shape, seed: Seed = None) -> Array:
    """0 everywhere: with a hidden layer, no hidden weight will ever move."""
    return np.zeros(shape)


def ones(shape: Shape, seed: Seed = None) -> Array:
    """1 everywhere."""
    return np.ones(shape)


def normal(shape: Shape, seed: Seed = None, *, mean: float = 0.0, std: float = 1.0) -> Array:
    """Independent draws from N(mean, std²)."""
    return np.random.default_rng(seed).normal(mean, std, shape)


def uniform(shape: Shape, seed: Seed = None, *, low: float = -1.0, high: float = 1.0) -> Array:
    """Independent draws from [low, high)."""
    return np.random.default_rng(seed).uniform(low, high, shape)


def _for_matrices(draw: Initializer) -> Initializer:
    """Make an initialiser from one for matrices, which scales by inputs and outputs; biases start at 0."""

    @functools.wraps(draw)
    def initializer(shape: Shape, seed: Seed = None, **options: float) -> Array:
        if len(shape) == 1:
            return zeros(shape)
        if len(shape) != 2:
            raise ShapeError(f"{draw.__name__} expects the shape (inputs, outputs) or (outputs,), got {shape}")
        return np.asarray(draw(shape, seed, **options))

    return initializer


@_for_matrices
def xavier_normal(shape: Shape, seed: Seed = None, *, gain: float = 1.0) -> Array:
    """Weights from N(0, 2 gain² / (inputs + outputs)), biases 0 (Glorot and Bengio 2010, for tanh)."""
    return normal(shape, seed, std=gain * np.sqrt(2 / sum(shape)))


@_for_matrices
def xavier_uniform(shape: Shape, seed: Seed = None, *, gain: float = 1.0) -> Array:
    """Weights from ±gain √(6 / (inputs + outputs)), the same variance; biases 0 (the paper's own choice)."""
    bound = gain * np.sqrt(6 / sum(shape))
    return uniform(shape, seed, low=-bound, high=bound)


@_for_matrices
def he_normal(shape: Shape, seed: Seed = None, *, gain: float = 1.0) -> Array:
    """Weights from N(0, 2 gain² / inputs), biases 0 (He and others 2015, for relu)."""
    return normal(shape, seed, std=gain * np.sqrt(2 / shape[0]))


@_for_matrices
def he_uniform(shape: Shape, seed: Seed = None, *, gain: float = 1.0) -> Array:
    """Weights from ±gain √(6 / inputs), the same variance; biases 0."""
    bound = gain * np.sqrt(6 / shape[0])
    return uniform(shape, seed, low=-bound, high=bound)


glorot_normal, glorot_uniform = xavier_normal, xavier_uniform
kaiming_normal, kaiming_uniform = he_normal, he_uniform

NAMES: dict[str, Initializer] = {
    "zeros": zeros,
    "ones": ones,
    "normal": normal,
    "uniform": uniform,
    "xavier_normal": xavier_normal,
    "xavier_uniform": xavier_uniform,
    "glorot_normal": glorot_normal,
    "glorot_uniform": glorot_uniform,
    "he_normal": he_normal,
    "he_uniform": he_uniform,
    "kaiming_normal": kaiming_normal,
    "kaiming_uniform": kaiming_uniform,
    # Short names: the distribution that the paper itself used.
    "xavier": xavier_uniform,
    "glorot": xavier_uniform,
    "he": he_normal,
    "kaiming": he_normal,
}


def initial(spec: Spec, shape: Shape, seed: Seed = None, *, name: str = "the parameter") -> Array:
    """The initial numbers of one parameter.

    spec: the name of an initialiser, a number (the same everywhere), an array of that shape, or any
    function ``(shape, seed) -> array``. ShapeError where an array has another shape, ValueError where the
    name is unknown or the number not finite. name: of the parameter, for these messages.
    """
    numbers: Array
    if isinstance(spec, str):
        if spec not in NAMES:
            raise ValueError(f"{name}: no initialiser is called {spec!r}\n  expected one of {', '.join(NAMES)}")
        numbers = NAMES[spec](shape, seed)
    elif callable(spec):
        numbers = np.asarray(spec(shape, np.random.default_rng(seed)))
    elif isinstance(spec, Real) and not isinstance(spec, bool):
        try:
            numbers = constant(shape, value=float(spec))
        except (ValueError, OverflowError) as refused:
            raise ValueError(f"{name}: {refused}") from refused
    else:
        numbers = _numbers(spec, name)
    if numbers.shape != shape:
        raise ShapeError(
            f"{name}: its initial numbers have the wrong shape\n  expected {shape}, got {numbers.shape}"
        )
    return numbers


def _numbers(spec: object, name: str) -> Array:
    try:
        numbers: Array = np.asarray(spec)
    except ValueError as ragged:
        raise ShapeError(f"{name}: its rows have different lengths") from ragged
    if numbers.dtype.kind not in "iuf":
        raise TypeError(
            f"{name}: cannot start from {type(spec).__name__} {spec!r}\n"
            "  expected a name, a number, an array, or a function (shape, rng) -> array"
        )
    return numbers
