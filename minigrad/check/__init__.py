"""Checking gradients: numerical derivatives with error bars, and verdicts without tolerances."""

from .derivative import Estimate, derivative, directional, numeric_gradient, numeric_jacobian
from .gradients import check_grads, gradient_report
from .report import Finding, GradientMismatch, GradientUnresolved, Report

__all__ = [
    "Estimate",
    "Finding",
    "GradientMismatch",
    "GradientUnresolved",
    "Report",
    "check_grads",
    "derivative",
    "directional",
    "gradient_report",
    "numeric_gradient",
    "numeric_jacobian",
]
