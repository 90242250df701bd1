"""Symmetry: which parameters move as one, why, and for how long.

    ties      which entries stay equal for ever    explain   why two gradients are equal, or are not
    quotient  the smaller network it really is     tracker   what became of the ties in training

    recording  the loss as a graph     proof, probe      the two ways to decide
    field, meaning, special, formulas  graphs read as formulas

Nothing here changes a Value or a model.
"""

from .equal import EqualGradients, equal_gradients
from .explain import Explanation, explain
from .quotient import Quotient, quotient
from .remedies import Remedies, Remedy
from .ties import Ties, ties
from .tracker import SymmetryTracker

__all__ = [
    "EqualGradients",
    "Explanation",
    "Quotient",
    "Remedies",
    "Remedy",
    "SymmetryTracker",
    "Ties",
    "equal_gradients",
    "explain",
    "quotient",
    "ties",
]
