"""minigrad: automatic differentiation you can read in an evening, look at, and trust.

>>> import numpy as np, minigrad
>>> minigrad.grad(lambda x: np.tanh(x) ** 2)(0.5)
np.float64(0.7268619813835873)
"""

from . import check, errors, nn
from .batching import vmap
from .catalogue import ops
from .check import (
    Estimate,
    Finding,
    GradientMismatch,
    GradientUnresolved,
    GraphReport,
    OpReport,
    Report,
    check_grads,
    check_graph,
    check_op,
    derivative,
    directional,
    gradient_report,
    numeric_gradient,
    numeric_jacobian,
)
from .checkpointing import checkpoint
from .compiler import compile
from .context import debug, no_grad
from .drawing import Drawing, decision_boundary, draw
from .extension import custom, forget
from .jacobians import hessian, hvp, jacobian
from .rules.activations import (
    elu,
    erf,
    erfc,
    gelu,
    hard_tanh,
    leaky_relu,
    log_sigmoid,
    relu6,
    selu,
    silu,
    softsign,
)
from .rules.discrete import stop_gradient
from .rules.indexing import put
from .rules.layers import binary_cross_entropy_with_logits, dropout, embedding, layer_norm
from .rules.losses import (
    batch_norm,
    focal_loss,
    glu,
    margin_ranking_loss,
    multiclass_hinge,
    negative_log_likelihood,
)
from .rules.nn import cross_entropy, log_softmax, logsumexp, relu, sigmoid, softmax, softplus
from .rules.reciprocals import arccot, arccoth, arccsc, arccsch, arcsec, arcsech, cot, coth, csc, csch, sec, sech
from .rules.shaping import stack
from .rules.windows import avg_pool, conv1d, conv2d, max_pool
from .scopes import scope
from .symmetry import SymmetryTracker, equal_gradients, explain, quotient, ties
from .transforms import grad, jvp, value_and_grad, vjp
from .value import Value

__all__ = [
    "Drawing",
    "Estimate",
    "Finding",
    "GradientMismatch",
    "GradientUnresolved",
    "GraphReport",
    "OpReport",
    "Report",
    "SymmetryTracker",
    "Value",
    "arccot",
    "arccoth",
    "arccsc",
    "arccsch",
    "arcsec",
    "arcsech",
    "avg_pool",
    "batch_norm",
    "binary_cross_entropy_with_logits",
    "check",
    "check_grads",
    "check_graph",
    "check_op",
    "checkpoint",
    "compile",
    "conv1d",
    "conv2d",
    "cot",
    "coth",
    "cross_entropy",
    "csc",
    "csch",
    "custom",
    "debug",
    "decision_boundary",
    "derivative",
    "directional",
    "draw",
    "dropout",
    "elu",
    "embedding",
    "equal_gradients",
    "erf",
    "erfc",
    "errors",
    "explain",
    "focal_loss",
    "forget",
    "gelu",
    "glu",
    "grad",
    "gradient_report",
    "hard_tanh",
    "hessian",
    "hvp",
    "jacobian",
    "jvp",
    "layer_norm",
    "leaky_relu",
    "log_sigmoid",
    "log_softmax",
    "logsumexp",
    "margin_ranking_loss",
    "max_pool",
    "multiclass_hinge",
    "negative_log_likelihood",
    "nn",
    "no_grad",
    "numeric_gradient",
    "numeric_jacobian",
    "ops",
    "put",
    "quotient",
    "relu",
    "relu6",
    "scope",
    "sec",
    "sech",
    "selu",
    "sigmoid",
    "silu",
    "softmax",
    "softplus",
    "softsign",
    "stack",
    "stop_gradient",
    "ties",
    "value_and_grad",
    "vjp",
    "vmap",
]
