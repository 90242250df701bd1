"""Pictures of a computation and its gradients.

    survey    what there is to draw      letters, uses, sums, badges   what is found out about it
    views/    a survey as a diagram      diagram   what is shown, in plain text and numbers: all outputs read it
    dot, svg, ...  one output each       findings, words, legend   titles, notes, numbers and ops as text
    render    the door to Graphviz       theme, colours, markup, boxes   what it looks like
    picture   what a user holds          boundary  of classifiers, over their data
    html      the viewer: one page that needs nothing else; telling  its words; snapshots  its steps of training

A picture never changes what it shows: nothing here writes to a Value.
"""

from .boundary import Boundary, decision_boundary
from .picture import Drawing, draw

__all__ = ["Boundary", "Drawing", "decision_boundary", "draw"]
