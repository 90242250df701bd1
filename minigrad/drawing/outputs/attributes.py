"""The graph attributes that Graphviz knows, and the user's as text. Nothing else about Graphviz belongs here."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from difflib import get_close_matches

from ...errors import ArgumentError

# Attributes of the root graph: graphviz.org/doc/info/attrs.html.
NAMES = """
Damping K URL _background bb beautify bgcolor center charset class clusterrank colorscheme comment compound
concentrate defaultdist dim dimen diredgeconstraints dpi epsilon esep fontcolor fontname fontnames fontpath
fontsize forcelabels gradientangle href id imagepath inputscale label label_scheme labeljust labelloc landscape
layerlistsep layers layerselect layersep layout levels levelsgap lheight linelength lp lwidth margin maxiter
mclimit mindist mode model newrank nodesep nojustify normalize notranslate nslimit nslimit1 oneblock ordering
orientation outputorder overlap overlap_scaling overlap_shrink pack packmode pad page pagedir quadtree quantum
rankdir ranksep ratio remincross repulsiveforce resolution root rotate rotation scale searchsize sep showboxes
size smoothing sortv splines start style stylesheet target truecolor viewport voro_margin xdotversion
"""
DIRECTIONS = ("TB", "LR", "BT", "RL")
KNOWN = frozenset(NAMES.split())


def graph_attributes(given: Mapping[str, object], options: Collection[str]) -> tuple[tuple[str, str], ...]:
    """Graph attributes as text, in the order of their names.

    options: other names the user may have meant. Raises ArgumentError for a name or a direction that Graphviz would
    ignore.
    """
    for name in sorted(set(given) - KNOWN):
        meant = get_close_matches(name, [*options, *sorted(KNOWN)], n=1)
        remedy = f"write  {meant[0]}=" if meant else "see  graphviz.org/doc/info/attrs.html"
        raise ArgumentError(f"{name!r} is neither an option of draw nor a graph attribute of Graphviz\n  {remedy}")
    if given.get("rankdir", "LR") not in DIRECTIONS:
        raise ArgumentError(
            f"rankdir is the direction of a graph: {', '.join(DIRECTIONS)}; got {given['rankdir']!r}\n"
            '  write  rankdir="TB"   for top to bottom, or leave it out for the one that fits the page'
        )
    return tuple((name, _text(given[name])) for name in sorted(given))


def _text(x: object) -> str:
    return str(x).lower() if isinstance(x, bool) else str(x)
