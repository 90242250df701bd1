"""minigrad: automatic differentiation you can read in an evening, look at, and trust.

>>> import numpy as np, minigrad
>>> minigrad.grad(lambda x: np.tanh(x) ** 2)(0.5)
np.float64(0.7268619813835873)
"""

from . import errors, nn
from .drawing import Drawing, draw
from .rules.indexing import put
from .rules.nn import cross_entropy, log_softmax, logsumexp, relu, sigmoid, softmax, softplus
from .rules.shaping import stack
from .transforms import grad, value_and_grad
from .value import Value

__all__ = [
    "Drawing",
    "Value",
    "cross_entropy",
    "draw",
    "errors",
    "grad",
    "log_softmax",
    "logsumexp",
    "nn",
    "put",
    "relu",
    "sigmoid",
    "softmax",
    "softplus",
    "stack",
    "value_and_grad",
]
