"""Check gradients: numerical derivatives with error bars, and verdicts without tolerances.

`cli/commands/check` is the command.
"""

from .called_parts import PartsReport, check_graph
from .diagnosis.report import Finding, GradientMismatch, GradientUnresolved, Report
from .gradients import check_grads, gradient_report
from .graph import GraphReport
from .numeric.derivative import Estimate, derivative, directional, numeric_gradient, numeric_jacobian
from .op import OpReport, check_op

__all__ = [
    "Estimate",
    "Finding",
    "GradientMismatch",
    "GradientUnresolved",
    "GraphReport",
    "OpReport",
    "PartsReport",
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
