"""minigrad: automatic differentiation you can read in an evening, look at, and trust.

>>> import numpy as np, minigrad
>>> minigrad.grad(lambda x: np.tanh(x) ** 2)(0.5)
np.float64(0.7268619813835873)
"""

# First: the pages of rules fill the table, which the definition of Value reads.
from . import rules as rules  # isort: split

from . import check, errors, nn
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
from .compiler import compile
from .drawing import Drawing, decision_boundary, draw
from .engine.debugging import debug
from .engine.modes import no_grad
from .engine.name_scopes import scope
from .engine.value import Value
from .op_table import ops
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
from .symmetry import SymmetryTracker, equal_gradients, explain, quotient, ties
from .tracing import trace
from .transforms.checkpoint import checkpoint
from .transforms.custom_ops import custom, forget
from .transforms.grad import grad, jvp, value_and_grad, vjp
from .transforms.jacobian import hessian, hvp, jacobian
from .transforms.vmap import vmap

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
    "trace",
    "value_and_grad",
    "vjp",
    "vmap",
]
