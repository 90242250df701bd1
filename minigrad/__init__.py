"""minigrad: automatic differentiation you can read in an evening, look at, and trust.

>>> import numpy as np, minigrad
>>> minigrad.grad(lambda x: np.tanh(x) ** 2)(0.5)
np.float64(0.7268619813835873)
"""

from . import errors, nn
from .catalogue import ops
from .checkpointing import checkpoint
from .context import debug, no_grad
from .drawing import Drawing, draw
from .extension import custom, forget
from .jacobians import hessian, hvp, jacobian
from .rules.discrete import stop_gradient
from .rules.indexing import put
from .rules.nn import cross_entropy, log_softmax, logsumexp, relu, sigmoid, softmax, softplus
from .rules.shaping import stack
from .transforms import grad, jvp, value_and_grad, vjp
from .value import Value

__all__ = [
    "Drawing",
    "Value",
    "checkpoint",
    "cross_entropy",
    "custom",
    "debug",
    "draw",
    "errors",
    "forget",
    "grad",
    "hessian",
    "hvp",
    "jacobian",
    "jvp",
    "log_softmax",
    "logsumexp",
    "nn",
    "no_grad",
    "ops",
    "put",
    "relu",
    "sigmoid",
    "softmax",
    "softplus",
    "stack",
    "stop_gradient",
    "value_and_grad",
    "vjp",
]
