"""Measures the layout of an SVG: the boxes of nodes and texts, points along edges, overlaps and crossings."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

import numpy as np

SVG = "{http://www.w3.org/2000/svg}"
STEPS = 24  # points along each piece of an edge
NARROW = 0.42  # width of the narrowest letter as a share of its height, so that no overlap is reported in error

Box = tuple[float, float, float, float]  # left, top, right, bottom


@dataclass
class Drawn:
    """A node: its box, and its texts with their boxes."""

    id: str
    box: Box
    texts: list[tuple[str, Box]] = field(default_factory=list)


def nodes(svg: str) -> list[Drawn]:
    """Every node of an SVG."""
    found = []
    for group in _groups(svg, "node"):
        points = np.concatenate(
            [_numbers(shape) for shape in group.iter() if shape.tag in (f"{SVG}path", f"{SVG}polygon")]
        )
        box = (*points.min(axis=0), *points.max(axis=0))
        found.append(Drawn(group.get("id", ""), box, [_text(t) for t in group.iter(f"{SVG}text")]))
    return found


def edges(svg: str) -> dict[str, Any]:
    """Points along each edge, (points, 2), by its id."""
    return {g.get("id", ""): _along(next(g.iter(f"{SVG}path"))) for g in _groups(svg, "edge")}


def overlapping(svg: str) -> list[tuple[str, str]]:
    """Pairs of nodes that overlap."""
    return [(a.id, b.id) for a, b in combinations(nodes(svg), 2) if _meet(a.box, b.box)]


def struck_through(svg: str) -> list[tuple[str, str]]:
    """Edges that run through a text in a node."""
    found = []
    for edge, points in edges(svg).items():
        for node in nodes(svg):
            for words, box in node.texts:
                inside = (points > box[:2]) & (points < box[2:])
                if inside.all(axis=1).any():
                    found.append((edge, words))
    return found


def crossings(one: Any, other: Any) -> int:
    """How often two edges between the same two columns cross. Both are sampled at the same x."""
    apart = np.round((one - other)[:, 1], 3)
    signs = np.sign(apart[apart != 0])
    return int(np.count_nonzero(signs[1:] != signs[:-1]))


def looks(node: Drawn) -> tuple[Any, ...]:
    """The form of a node, without its position: its size, and the place and height of each text."""
    left, top, right, bottom = node.box
    texts = [(box[0] - left, box[1] - top, box[3] - top) for _, box in node.texts]
    return tuple(np.round([right - left, bottom - top, *np.ravel(texts)], 2).tolist())


def _groups(svg: str, token: str) -> list[ET.Element]:
    return [g for g in ET.fromstring(svg).iter(f"{SVG}g") if token in g.get("class", "").split()]


def _numbers(shape: ET.Element) -> Any:
    text = shape.get("d") or shape.get("points") or ""
    return np.array(re.findall(r"-?\d+(?:\.\d+)?", text), dtype=float).reshape(-1, 2)


def _text(element: ET.Element) -> tuple[str, Box]:
    words, size = element.text or "", float(element.get("font-size", "11"))
    x, y = float(element.get("x", "0")), float(element.get("y", "0"))
    return words, (x, y - 0.7 * size, x + NARROW * size * len(words), y)


def _along(path: ET.Element) -> Any:
    """Points along a path of cubic curves, evenly in their parameter."""
    corners = _numbers(path)
    t = np.linspace(0, 1, STEPS)[:, None]
    pieces = [corners[k : k + 4] for k in range(0, len(corners) - 3, 3)]
    curve = [
        (1 - t) ** 3 * a + 3 * (1 - t) ** 2 * t * b + 3 * (1 - t) * t**2 * c + t**3 * d for a, b, c, d in pieces
    ]
    return np.concatenate(curve)


def _meet(a: Box, b: Box) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def bipartite_minimum(tails: int, heads: int) -> int:
    """The fewest crossings of a drawing of all edges from one column to another."""
    return tails * (tails - 1) // 2 * (heads * (heads - 1) // 2)
