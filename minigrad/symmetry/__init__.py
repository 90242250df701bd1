"""Symmetry: which parameters stay equal in training, why, and for how long.

    ties         which entries always stay equal        explain           why two gradients are equal or differ
    quotient     the equivalent smaller network         tracker           follows ties through training
    remedies     tries changes that may split ties      equal_gradients   which gradients are equal now

    loss_graph   the loss as a graph                    proof, probe      the two ways to find ties
    claims       which claims are proved                now               what the gradient at the start says
    zero_gradients   which gradients are 0 to rounding
    findings     sentences by tensor, with `tie_finding`, `tied_parts`, `still_parts` and `slices`
    why_zero     why gradients are 0 at the start       every_draw        losses that draw random numbers
    trials       tries other starts for a finding
    trial_start  where remedies are tried, with `training_trials` and `nudges`
    holding      whether ties still hold on the parameters as they are now
    frontends    the loss of a PyTorch or JAX model as a graph
    clustering   finds equal gradients                  mlp_neurons       finds equal neurons
    vectorise    makes graphs of single numbers smaller
    paths        the paths of the chain rule, with `factor_text` and `explanation_report`
    long_refinement, changes   proofs of many rounds that change little
    fingerprints, semantics, primitives, modular        read a graph as formulas

Nothing here changes a Value or a model.
"""

from .equal_gradients import EqualGradients, equal_gradients
from .explain import explain
from .explanation_report import Explanation
from .quotient import Quotient, quotient
from .remedies import Remedies, Remedy
from .tie_finding import TieFinding
from .ties import Ties, ties
from .tracker import SymmetryTracker

__all__ = [
    "EqualGradients",
    "Explanation",
    "Quotient",
    "Remedies",
    "Remedy",
    "SymmetryTracker",
    "TieFinding",
    "Ties",
    "equal_gradients",
    "explain",
    "quotient",
    "ties",
]
