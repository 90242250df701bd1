"""Numerical derivatives with error bars: finite differences, extrapolation, the complex step."""
