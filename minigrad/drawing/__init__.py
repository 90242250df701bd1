"""Pictures of a computation and its gradients.

    survey    the data of a graph        letters, uses, sums, badges   facts computed from the data
    views/    a survey as a diagram      diagram   the picture in plain text and numbers: all outputs read it
    dot, svg, ...  one output each       findings, words, legend   titles, notes, numbers and ops as text
    render    calls Graphviz             theme, colours, markup, boxes   the look
    picture   the Drawing a user gets    boundary  decision boundaries of classifiers, over their data
    html      the viewer: one page that needs nothing else; telling  its words; snapshots  its steps of training

A picture never changes what it shows: nothing here writes to a Value.
"""

from .boundary import Boundary, decision_boundary
from .draw import Drawing, draw

__all__ = ["Boundary", "Drawing", "decision_boundary", "draw"]
