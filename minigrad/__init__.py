"""minigrad: automatic differentiation you can read in an evening, look at, and trust.

>>> import numpy as np, minigrad
>>> minigrad.grad(lambda x: np.tanh(x) ** 2)(0.5)
np.float64(0.7268619813835873)
"""

import sys as _sys
from types import ModuleType as _ModuleType
from typing import TYPE_CHECKING as _TYPE_CHECKING

__version__ = "0.1.0"

# First: the pages of rules fill the table, which the definition of Value reads.
from . import rules as rules  # isort: split

# It plugs into Value: the operators like +=.
from .engine import in_place as in_place  # isort: split

from . import check as check
from . import errors as errors
from . import nn as nn
from .check import Estimate as Estimate
from .check import Finding as Finding
from .check import GradientMismatch as GradientMismatch
from .check import GradientUnresolved as GradientUnresolved
from .check import GraphReport as GraphReport
from .check import OpReport as OpReport
from .check import Report as Report
from .check import check_grads as check_grads
from .check import check_graph as check_graph
from .check import check_op as check_op
from .check import derivative as derivative
from .check import directional as directional
from .check import gradient_report as gradient_report
from .check import numeric_gradient as numeric_gradient
from .check import numeric_jacobian as numeric_jacobian
from .compiler import compile as compile
from .drawing import Drawing as Drawing
from .drawing import decision_boundary as decision_boundary
from .drawing import draw as draw
from .engine import derivative_limits as _derivative_limits  # noqa: F401  # plugs itself in
from .engine import typed_calls as _typed_calls  # noqa: F401  # plugs itself in
from .engine.debugging import debug as debug
from .engine.modes import no_grad as no_grad
from .engine.name_scopes import scope as scope
from .engine.value import Value as Value
from .op_table import ops as ops
from .rules.activations import elu as elu
from .rules.activations import erf as erf
from .rules.activations import erfc as erfc
from .rules.activations import gelu as gelu
from .rules.activations import glu as glu
from .rules.activations import hard_tanh as hard_tanh
from .rules.activations import leaky_relu as leaky_relu
from .rules.activations import log_sigmoid as log_sigmoid
from .rules.activations import log_softmax as log_softmax
from .rules.activations import relu as relu
from .rules.activations import relu6 as relu6
from .rules.activations import selu as selu
from .rules.activations import sigmoid as sigmoid
from .rules.activations import silu as silu
from .rules.activations import softmax as softmax
from .rules.activations import softplus as softplus
from .rules.activations import softsign as softsign
from .rules.discrete import stop_gradient as stop_gradient
from .rules.entropies import entr as entr
from .rules.entropies import kl_div as kl_div
from .rules.entropies import rel_entr as rel_entr
from .rules.entropies import xlog1py as xlog1py
from .rules.entropies import xlogy as xlogy
from .rules.indexing import put as put
from .rules.layers import batch_norm as batch_norm
from .rules.layers import dropout as dropout
from .rules.layers import embedding as embedding
from .rules.layers import layer_norm as layer_norm
from .rules.losses import binary_cross_entropy_with_logits as binary_cross_entropy_with_logits
from .rules.losses import cross_entropy as cross_entropy
from .rules.losses import focal_loss as focal_loss
from .rules.losses import margin_ranking_loss as margin_ranking_loss
from .rules.losses import multiclass_hinge as multiclass_hinge
from .rules.losses import negative_log_likelihood as negative_log_likelihood
from .rules.polygamma import polygamma as polygamma
from .rules.reciprocals import arccot as arccot
from .rules.reciprocals import arccoth as arccoth
from .rules.reciprocals import arccsc as arccsc
from .rules.reciprocals import arccsch as arccsch
from .rules.reciprocals import arcsec as arcsec
from .rules.reciprocals import arcsech as arcsech
from .rules.reciprocals import cot as cot
from .rules.reciprocals import coth as coth
from .rules.reciprocals import csc as csc
from .rules.reciprocals import csch as csch
from .rules.reciprocals import sec as sec
from .rules.reciprocals import sech as sech
from .rules.reductions import logsumexp as logsumexp
from .rules.shaping import stack as stack
from .rules.windows import avg_pool as avg_pool
from .rules.windows import conv1d as conv1d
from .rules.windows import conv2d as conv2d
from .rules.windows import max_pool as max_pool
from .symmetry import SymmetryTracker as SymmetryTracker
from .symmetry import equal_gradients as equal_gradients
from .symmetry import explain as explain
from .symmetry import quotient as quotient
from .symmetry import ties as ties
from .tracing import trace as trace
from .transforms.checkpoint import checkpoint as checkpoint
from .transforms.custom_ops import custom as custom
from .transforms.custom_ops import forget as forget
from .transforms.grad import grad as grad
from .transforms.grad import jvp as jvp
from .transforms.grad import value_and_grad as value_and_grad
from .transforms.grad import vjp as vjp
from .transforms.jacobian import hessian as hessian
from .transforms.jacobian import hvp as hvp
from .transforms.jacobian import jacobian as jacobian
from .transforms.spectral import spectral as spectral
from .transforms.vmap import vmap as vmap

if "einops" in _sys.modules:
    from .interop import einops as _einops  # noqa: F401  # so that einops knows Values

if not _TYPE_CHECKING:  # a type checker reads the imports: `x as x` makes x public
    __all__ = sorted(
        name
        for name, x in globals().items()
        if name[0] != "_" and (x in (check, errors, nn) or not isinstance(x, _ModuleType))
    )
