"""Symmetry: which parameters stay equal in training, why, and for how long.

    ties      which entries always stay equal      explain   why two gradients are equal or differ
    quotient  the equivalent smaller network       tracker   follows ties through training

    recording  the loss as a graph     proof, probe      the two ways to find ties
    field, meaning, special, formulas  graphs read as formulas

Nothing here changes a Value or a model.
"""

from .equal_gradients import EqualGradients, equal_gradients
from .explain import explain
from .explanation_report import Explanation
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
