"""Pictures of a computation and its gradients.

    draw          the function, and the Drawing it returns
    subjects      functions and models of other frameworks, recorded as a Value
    graph_data    the data of a graph: values, gradients, uses, names
    equal_groups, cells, local_derivatives, fold_sums, clusters, badges   facts computed from these data
    coarsen, dag  a smaller graph in place of one that would take too long to draw
    condense      a smaller diagram for outputs that take only so many boxes
    views/        make a diagram of a graph or a model
    diagram       the content of a picture in plain text and numbers: all outputs read it
    captions, card_text, format, array_summary   titles, notes, numbers and operations as text
    theme, colours                               the look
    outputs/      write a diagram: one file per format, and `render`, which calls Graphviz
    viewer/       script and style of the .html page
    plain_shapes, boundary   decision boundaries of classifiers, drawn without layout
Nothing here writes to a Value.
"""

from .boundary import Boundary, decision_boundary
from .draw import Drawing, draw

__all__ = ["Boundary", "Drawing", "decision_boundary", "draw"]
