"""Checking gradients: numerical derivatives with error bars, a verdict, and what is wrong, in words."""
