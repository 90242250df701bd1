"""Check gradients: numerical derivatives with error bars, and verdicts without tolerances.

`cli/commands/check` is the command.
"""

from .diagnosis.report import Finding, GradientMismatch, GradientUnresolved, Report
from .gradients import check_grads, gradient_report
from .graph import GraphReport, check_graph
from .numeric.derivative import Estimate, derivative, directional, numeric_gradient, numeric_jacobian
from .op import OpReport, check_op

__all__ = [
    "Estimate",
    "Finding",
    "GradientMismatch",
    "GradientUnresolved",
    "GraphReport",
    "OpReport",
    "Report",
    "check_grads",
    "check_graph",
    "check_op",
    "derivative",
    "directional",
    "gradient_report",
    "numeric_gradient",
    "numeric_jacobian",
]
