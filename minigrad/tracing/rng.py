"""Records the draws of a random generator that is an argument; each call draws again from it."""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from ..engine.node import new_node
from ..engine.value import Value
from ..errors import TracingError
from . import current_tape
from .tape import DETACHED, call

# The methods that return new numbers and change only the generator's state.
_DRAWS = [
    *("beta", "binomial", "chisquare", "choice", "dirichlet", "exponential", "f", "gamma", "geometric", "gumbel"),
    *("hypergeometric", "integers", "laplace", "logistic", "lognormal", "logseries", "multinomial"),
    *("multivariate_hypergeometric", "multivariate_normal", "negative_binomial", "noncentral_chisquare"),
    *("noncentral_f", "normal", "pareto", "permutation", "permuted", "poisson", "power", "random", "rayleigh"),
    *("standard_cauchy", "standard_exponential", "standard_gamma", "standard_normal", "standard_t", "triangular"),
    *("uniform", "vonmises", "wald", "weibull", "zipf"),
]


class TracedGenerator(np.random.Generator):
    """Stands for a generator while tracing: draws from a copy, so the caller's generator does not advance."""

    def __init__(self, original: np.random.Generator) -> None:
        self.copy = np.random.Generator(copy.deepcopy(original.bit_generator))
        super().__init__(self.copy.bit_generator)
        self.node = new_node(Value, self.copy, DETACHED, (), None)

    def _refuse(self, *args: Any, **kwargs: Any) -> Any:
        raise TracingError(
            "this method of a random generator cannot be traced: it changes an array or creates generators\n"
            "  write  x = rng.permutation(x)   for rng.shuffle(x)"
        )

    shuffle = bytes = spawn = _refuse


@functools.cache
def draw_method(name: str) -> Callable[..., Any]:
    """A function that calls the method with that name on its first argument, a generator."""

    def draw(generator: Any, *args: Any, **kwargs: Any) -> Any:
        return getattr(generator, name)(*args, **kwargs)

    draw.__name__ = draw.__qualname__ = name
    return draw


def _method(name: str) -> Any:
    def method(self: TracedGenerator, *args: Any, **kwargs: Any) -> Any:
        onto = current_tape()
        if onto is None:
            return getattr(self.copy, name)(*args, **kwargs)
        drawn = call(Value, draw_method(name), f"rng.{name}", (self.node, *args), kwargs)
        onto.draws.append(drawn)
        return drawn

    method.__name__ = name
    return method


for _name in _DRAWS:
    setattr(TracedGenerator, _name, _method(_name))
