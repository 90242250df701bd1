"""Pictures of a computation and its gradients.

    diagram   what is shown              words    numbers and ops as text
    dot, svg  one file per output        render   the door to Graphviz     theme   colours and letters
    picture   what a user holds          boundary  of classifiers, over their data
    html      the viewer: one page that needs nothing else; telling  its words; snapshots  its steps of training

A picture never changes what it shows: nothing here writes to a Value.
"""

from .boundary import Boundary, decision_boundary
from .picture import Drawing, draw

__all__ = ["Boundary", "Drawing", "decision_boundary", "draw"]
