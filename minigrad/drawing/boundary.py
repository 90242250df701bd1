"""decision_boundary: the regions of a classifier's two classes as SVG, one panel for each classifier.

It needs no plotting library: it draws a grid of cells in two tints (neighbours of one class join into a rectangle)
and the data on top, discs for class 0 and squares for class 1, so nothing depends on colour alone.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import ArgumentError, ShapeError, UnknownFormat, describe
from ..symmetry.loss_graph import plain_outputs
from .colours import BLACK, mix
from .outputs.svg import xml
from .theme import FONT, LIGHT, PALETTE

CELLS, SIDE, GAP, HEAD = 80, 240, 20, 42  # cells per side; points
MARGIN = 0.15  # around the data, as a share of their range
COLOURS = (PALETTE[1], PALETTE[0])


@dataclass(frozen=True)
class Boundary:
    """The picture as SVG text, and the share of points each classifier gets right, by title."""

    svg: str
    accuracy: dict[str, float]

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the picture; the suffix must be .svg. Returns the path. Raises UnknownFormat."""
        path = Path(path)
        if path.suffix.lower() != ".svg":
            raise UnknownFormat(f"cannot save {path.name!r}: the suffix must be .svg")
        path.write_text(self.svg, encoding="utf-8", newline="\n")
        return path

    def _repr_svg_(self) -> str:
        """For notebooks."""
        return self.svg


def decision_boundary(
    classifiers: Callable[[Any], Any] | Mapping[str, Callable[[Any], Any]], x: Any, y: Any, level: float = 0.5
) -> Boundary:
    """Draw the decision regions of classifiers of points in the plane, with the data on top.

    classifiers: a function or model from (n, 2) to (n,) or (n, 1); or several of them, by title.
    Class 1 is where the output exceeds `level`: 0.5 for a probability, 0 for a logit. x: (n, 2), finite. y: (n,) or
    (n, 1), 0 or 1. Equal numbers give equal bytes. Raises ShapeError, ArgumentError.
    """
    x, y = np.asarray(x, dtype=np.float64), np.ravel(np.asarray(y))
    if x.ndim != 2 or x.shape[1] != 2 or len(y) != len(x) or not len(x):
        raise ShapeError(f"expected points (n, 2) and a class for each, got {x.shape} and {y.shape}")
    if not np.isfinite(x).all():
        raise ArgumentError(
            f"point {int(np.argmin(np.isfinite(x).all(axis=1)))} of the data cannot be drawn: it has a nan or inf"
        )
    named = classifiers if isinstance(classifiers, Mapping) else {"": classifiers}
    if not all(map(callable, named.values())):
        raise ArgumentError(
            f"a classifier is a function or a model, got {describe(classifiers)}\n"
            '  write  decision_boundary({"one neuron": a, "a network": b}, x, y)   for several'
        )
    low, high = x.min(axis=0), x.max(axis=0)
    around = MARGIN * np.where(high > low, high - low, 1.0)
    low, high = low - around, high + around
    panels, accuracy = [], {}
    for place, (title, classify) in enumerate(named.items()):
        accuracy[title] = float(np.mean(_classes(classify, x, level) == (y > 0.5)))
        panels.append(_panel(place, title, accuracy[title], _grid(classify, low, high, level)))
        panels.append(_points(place, (x - low) / (high - low), y))
    width, height = GAP + len(named) * (SIDE + GAP), HEAD + SIDE + GAP
    summary = "; ".join(f"{title or 'the classifier'}: {share:.0%} right" for title, share in accuracy.items())
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'role="graphics-document" font-family="{FONT}, Arial, sans-serif">'
    )
    legend = "Discs: class 0. Squares: class 1. The colour of a region is the class predicted there."
    rest = [f"<title>{xml(summary)}</title>", f"<desc>{legend}</desc>"]
    background = f'<rect width="{width}" height="{height}" fill="{LIGHT.paper}"/>'
    return Boundary("\n".join([head, *rest, background, *panels, "</svg>", ""]), accuracy)


def _classes(classify: Callable[[Any], Any], x: Any, level: float) -> Any:
    found = classify(x)
    numbers = np.asarray(plain_outputs(found))
    if numbers.size != len(x):
        raise ShapeError(f"a classifier gives one number per point, got {numbers.shape} for {len(x)} points")
    return np.ravel(numbers) > level


def _grid(classify: Callable[[Any], Any], low: Any, high: Any, level: float) -> Any:
    """The class at the middle of each cell; the first row is the top one."""
    middle = (np.arange(CELLS) + 0.5) / CELLS
    across, down = np.meshgrid(low[0] + middle * (high[0] - low[0]), high[1] - middle * (high[1] - low[1]))
    return _classes(classify, np.stack([across.ravel(), down.ravel()], axis=1), level).reshape(CELLS, CELLS)


def _panel(place: int, title: str, accuracy: float, grid: Any) -> str:
    left, cell = GAP + place * (SIDE + GAP), SIDE / CELLS
    words = f"{title}: {accuracy:.0%} right" if title else f"{accuracy:.0%} right"
    parts = [f'<text x="{left}" y="{HEAD - 14}" font-size="14" fill="{LIGHT.ink}">{xml(words)}</text>']
    parts.append(f'<rect x="{left}" y="{HEAD}" width="{SIDE}" height="{SIDE}" fill="{mix(COLOURS[0], 0.35)}"/>')
    for row, cells in enumerate(grid):
        edges = np.flatnonzero(np.diff(np.concatenate([[0], cells.astype(int), [0]])))
        for start, end in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
            parts.append(
                f'<rect x="{left + start * cell:g}" y="{HEAD + row * cell:g}" width="{(end - start) * cell:g}" '
                f'height="{cell:g}" fill="{mix(COLOURS[1], 0.45)}"/>'
            )
    return "\n".join(parts)


def _points(place: int, x: Any, y: Any) -> str:
    left, parts = GAP + place * (SIDE + GAP), []
    for (across, up), kind in zip(x.tolist(), (y > 0.5).tolist(), strict=True):
        cx, cy = left + across * SIDE, HEAD + (1 - up) * SIDE
        fill = f'fill="{mix(BLACK, 0.3, COLOURS[kind])}" stroke="{LIGHT.paper}"'
        if kind:
            parts.append(f'<rect x="{cx - 4:.2f}" y="{cy - 4:.2f}" width="8" height="8" {fill}/>')
        else:
            parts.append(f'<circle cx="{cx:.2f}" cy="{cy:.2f}" r="4.5" {fill}/>')
    return "\n".join(parts)
