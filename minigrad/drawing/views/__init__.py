"""Views: what there is to draw, as a diagram. Each module is one way to look at it.

    ops   one node for each value, one edge for each use

Text is made here, and only of what is shown; how it is written down is the outputs' work.
"""
