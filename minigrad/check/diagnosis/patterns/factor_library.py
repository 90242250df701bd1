"""Factors that occur in derivatives, evaluated at x, at y and at the arrays among the arguments."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from .case import ROUNDING, Case
from .constants import is_numeric


@dataclass(frozen=True)
class Factor:
    """A factor at the measured entries: its words, its values, and their rounding errors.

    is_array: the factor is an argument itself, not a function of x or y.
    """

    words: str
    inverse: str
    values: NDArray[Any]
    rounding: NDArray[Any]
    kind: str = "missing factor"
    is_array: bool = False

    @property
    def is_mask(self) -> bool:
        """Whether it is 0, 1 or -1 everywhere, unless it is an argument itself."""
        size = np.abs(self.values)
        return not self.is_array and bool(np.all((size <= self.rounding) | (np.abs(size - 1) <= self.rounding)))


def _sigmoid(z: NDArray[Any]) -> NDArray[Any]:
    value: NDArray[Any] = 1 / (1 + np.exp(-z))
    return value


# The name of a factor, the name of its inverse, the function, and whether a subtraction loses digits in it.
_OF: Final[list[tuple[str, str, Callable[[NDArray[Any]], NDArray[Any]], bool]]] = [
    ("{}", "1/{}", lambda z: z, False),
    ("sign({})", "sign({})", np.sign, False),
    ("{}²", "1/{}²", np.square, False),
    ("√{}", "1/√{}", np.sqrt, False),
    ("|{}|", "1/|{}|", np.abs, False),
    ("{}³", "1/{}³", lambda z: z**3, False),
    ("(1 - {0})", "1/(1 - {0})", lambda z: 1 - z, True),
    ("(1 + {0})", "1/(1 + {0})", lambda z: 1 + z, True),
    ("(1 - {0}²)", "1/(1 - {0}²)", lambda z: (1 - z) * (1 + z), True),
    ("(1 + {0}²)", "1/(1 + {0}²)", lambda z: 1 + z * z, False),
    ("√(1 - {0}²)", "1/√(1 - {0}²)", lambda z: np.sqrt((1 - z) * (1 + z)), True),
    ("√(1 + {0}²)", "1/√(1 + {0}²)", lambda z: np.sqrt(1 + z * z), False),
    ("{0}(1 - {0})", "1/({0}(1 - {0}))", lambda z: z * (1 - z), True),
    ("exp {}", "exp(-{})", np.exp, False),
    ("log {}", "1/log {}", np.log, True),
    ("cos {}", "1/cos {}", np.cos, True),
    ("sin {}", "1/sin {}", np.sin, True),
    ("tan {}", "1/tan {}", np.tan, True),
    ("cosh {}", "1/cosh {}", np.cosh, False),
    ("sinh {}", "1/sinh {}", np.sinh, False),
    ("tanh {}", "1/tanh {}", np.tanh, False),
    ("cos² {}", "1/cos² {}", lambda z: np.cos(z) ** 2, True),
    ("cosh² {}", "1/cosh² {}", lambda z: np.cosh(z) ** 2, False),
    ("sigmoid({})", "1/sigmoid({})", _sigmoid, False),
    (
        "σ(1 - σ), σ the sigmoid of {},",
        "1/(σ(1 - σ)), σ the sigmoid of {},",
        lambda z: _sigmoid(z) * _sigmoid(-z),
        False,
    ),
    ("exp({}²)", "exp(-{}²)", lambda z: np.exp(z * z), False),
    ("exp({}²/2)", "exp(-{}²/2)", lambda z: np.exp(z * z / 2), False),
]


def factors(case: Case) -> Iterator[Factor]:
    """All factors that can be evaluated, the simplest first: of x, of y, then whole arrays."""
    evidence = case.evidence
    if evidence.cotangent is not None:
        for values in broadcast_candidates(case, evidence.cotangent, evidence.y_shape):
            yield Factor("cotangent", "1/cotangent", values, ROUNDING * np.abs(values), "cotangent ignored")
    sources = [("x", case.x)]
    if evidence.y is not None and np.size(evidence.y) > 1:
        sources += [("y", values) for values in broadcast_candidates(case, evidence.y, evidence.y_shape)]
    for shape, inverse, function, loses in _OF:
        for letter, argument in sources:
            values = function(argument)
            rounding = ROUNDING * (np.abs(values) + (1.0 if loses else 0.0))
            yield Factor(shape.format(letter), inverse.format(letter), values, rounding)
    for words, array in other_arguments(case):
        for values in broadcast_candidates(case, array, np.shape(array)):
            for label, inverse, of in (
                (words, f"1/{words}", values),
                (f"{words}²", f"1/{words}²", values**2),
                (f"log {words}", f"1/log {words}", np.log(values)),
            ):
                rounding = ROUNDING * (np.abs(of) + (label[:3] == "log"))
                yield Factor(label, inverse, of, rounding, is_array=True)
    yield from _of_the_wrong_letter(case, sources)


def _of_the_wrong_letter(case: Case, sources: list[tuple[str, NDArray[Any]]]) -> Iterator[Factor]:
    """Factors of a mistake that evaluates a slope in terms of y at x, or the other way round."""
    for _, y in sources[1:]:
        for shape, _, function, loses in _OF:
            if shape in ("(1 - {0}²)", "{0}(1 - {0})", "{}", "exp {}"):
                of_x, of_y = function(case.x), function(y)
                values = of_y / of_x
                rounding = np.abs(values) + (np.abs((1 + np.abs(values)) / of_x) if loses else 0.0)
                words = f"{shape.format('y')}/{shape.format('x')}", f"{shape.format('x')}/{shape.format('y')}"
                yield Factor(*words, values, ROUNDING * rounding)


def broadcast_candidates(case: Case, array: NDArray[Any], shape: tuple[int, ...] | None) -> list[NDArray[Any]]:
    """The values of an array at the measured entries of x, for each way in which it may broadcast to x.

    shape: the shape of the array; if unknown, that of x is tried, with and without one axis.
    """
    array = np.asarray(array, dtype=np.float64)
    shapes = [shape] if shape is not None else [case.shape]
    for known in [shape] if shape is not None else []:
        if len(known) == len(case.shape) - 1:  # without one axis
            shapes += [(*known[:k], 1, *known[k:]) for k in range(len(case.shape))]
    if shape is None:
        shapes += [(*case.shape[:k], 1, *case.shape[k + 1 :]) for k in range(len(case.shape))]
    found, seen = [], set()
    for candidate in shapes:
        if candidate in seen or int(np.prod(candidate)) != array.size or array.size <= 1 < case.whole.size:
            continue
        seen.add(candidate)
        try:
            whole = np.broadcast_to(array.reshape(candidate), case.shape)
        except ValueError:
            continue
        found.append(np.ravel(whole)[case.at])
    return found


def other_arguments(case: Case) -> Iterator[tuple[str, NDArray[Any]]]:
    """The other arrays that f was called with, and their names."""
    for other in case.others:
        yield other.path, np.asarray(other.x)
    for constant in case.evidence.constants:
        if is_numeric(constant) and np.size(constant) > 1:
            yield f"a constant of shape {np.shape(constant)}", np.asarray(constant)
