"""decision_boundary: the regions of a classifier's two classes, one panel with axes for each classifier.

A grid of cells in two tints (neighbours of one class join into a rectangle), and the data on top: discs for class 0
and squares for class 1, so nothing depends on colour alone.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import ArgumentError, ShapeError, UnknownFormat, describe
from ..symmetry.loss_graph import plain_outputs
from .colours import BLACK, mix
from .format import number_text
from .outputs.render import render
from .plain_shapes import Box, Disc, Shape, Words, dot_of, svg_of
from .theme import LIGHT, PALETTE

CELLS, SIDE, LEFT, GAP, HEAD, FOOT = 80, 240, 46, 14, 42, 74  # cells per side; points
MARGIN = 0.15  # around the data, as a share of their range
TICKS, DPI = 4, 144  # about that many intervals of an axis; pixels per inch
COLOURS = (PALETTE[1], PALETTE[0])
REGIONS = (mix(COLOURS[0], 0.35), mix(COLOURS[1], 0.45))
LEGEND = "Discs: class 0. Squares: class 1. The colour of a region is the class predicted there."


@dataclass(frozen=True)
class Boundary:
    """The picture as SVG text, and the share of points each classifier gets right, by title."""

    svg: str
    accuracy: dict[str, float]
    dot: str = field(default="", repr=False)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the picture as .svg, .png or .pdf. Returns the path. Raises UnknownFormat.

        Pixels and pages need a layout engine. Raises RenderError if there is none.
        """
        path = Path(path)
        suffix = path.suffix.lower()
        if suffix not in (".svg", ".png", ".pdf"):
            raise UnknownFormat(f"cannot save {path.name!r}: the suffix must be .svg, .png or .pdf")
        path.write_bytes(
            self.svg.encode() if suffix == ".svg" else render(self.dot, suffix[1:], "neato", placed=True)
        )
        return path

    def _repr_svg_(self) -> str:
        """For notebooks."""
        return self.svg


def decision_boundary(
    classifiers: Callable[[Any], Any] | Mapping[str, Callable[[Any], Any]], x: Any, y: Any, level: float = 0.5
) -> Boundary:
    """Draw the decision regions of classifiers of points in the plane, with the data on top.

    classifiers: a function or model from (n, 2) to (n,) or (n, 1); or several of them, by title.
    Class 1 is where the output exceeds `level`: 0.5 for a probability, 0 for a logit. x: (n, 2), finite; its
    columns are the axes x[0] and x[1]. y: (n,) or (n, 1), 0 or 1. Equal numbers give equal bytes. Raises
    ShapeError, ArgumentError.
    """
    x, y = np.asarray(x, dtype=np.float64), np.ravel(np.asarray(y))
    named = classifiers if isinstance(classifiers, Mapping) else {"": classifiers}
    _check(classifiers, named, x, y)
    low, high = x.min(axis=0), x.max(axis=0)
    around = MARGIN * np.where(high > low, high - low, 1.0)
    low, high = low - around, high + around
    shapes: list[Shape] = []
    accuracy = {}
    for place, (title, classify) in enumerate(named.items()):
        left = LEFT + place * (LEFT + SIDE)
        accuracy[title] = float(np.mean(_classes(classify, x, level) == (y > 0.5)))
        shapes += _panel(left, title, accuracy[title], _grid(classify, low, high, level))
        shapes += _points(left, (x - low) / (high - low), y)
        shapes += _axes(left, low, high)
    shapes += _legend()
    width, height = len(named) * (LEFT + SIDE) + GAP, HEAD + SIDE + FOOT
    summary = "; ".join(f"{title or 'the classifier'}: {share:.0%} right" for title, share in accuracy.items())
    return Boundary(svg_of(shapes, width, height, summary, LEGEND), accuracy, dot_of(shapes, width, height, DPI))


def _check(classifiers: object, named: Mapping[str, object], x: Any, y: Any) -> None:
    if x.ndim != 2 or x.shape[1] != 2 or len(y) != len(x) or not len(x):
        raise ShapeError(f"expected points (n, 2) and a class for each, got {x.shape} and {y.shape}")
    if not np.isfinite(x).all():
        raise ArgumentError(
            f"point {int(np.argmin(np.isfinite(x).all(axis=1)))} of the data cannot be drawn: it has a nan or inf"
        )
    if not all(map(callable, named.values())):
        raise ArgumentError(
            f"a classifier is a function or a model, got {describe(classifiers)}\n"
            '  write  decision_boundary({"one neuron": a, "a network": b}, x, y)   for several'
        )


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


def _panel(left: float, title: str, accuracy: float, grid: Any) -> Iterator[Shape]:
    """The title, and the regions of class 1 on the ground of class 0."""
    cell = SIDE / CELLS
    yield Words(left, HEAD - 14, f"{title}: {accuracy:.0%} right" if title else f"{accuracy:.0%} right", 14)
    yield Box(left, HEAD, SIDE, SIDE, REGIONS[0])
    for row, cells in enumerate(grid):
        edges = np.flatnonzero(np.diff(np.concatenate([[0], cells.astype(int), [0]])))
        for start, end in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
            yield Box(left + start * cell, HEAD + row * cell, (end - start) * cell, cell, REGIONS[1])


def _points(left: float, x: Any, y: Any) -> Iterator[Shape]:
    for (across, up), kind in zip(x.tolist(), (y > 0.5).tolist(), strict=True):
        yield _point(round(left + across * SIDE, 2), round(HEAD + (1 - up) * SIDE, 2), kind)


def _point(x: float, y: float, kind: bool) -> Shape:
    fill = mix(BLACK, 0.3, COLOURS[kind])
    return Box(x - 4, y - 4, 8, 8, fill, LIGHT.paper) if kind else Disc(x, y, 4.5, fill, LIGHT.paper)


def _axes(left: float, low: Any, high: Any) -> Iterator[Shape]:
    """Ticks with numbers, and the names of the two columns."""
    bottom = HEAD + SIDE
    for t in ticks(low[0], high[0]):
        x = round(left + (t - low[0]) / (high[0] - low[0]) * SIDE, 2)
        yield Box(x - 0.5, bottom, 1, 4, LIGHT.line)
        yield Words(x, bottom + 16, number_text(t), 10, "middle", LIGHT.muted)
    for t in ticks(low[1], high[1]):
        y = round(bottom - (t - low[1]) / (high[1] - low[1]) * SIDE, 2)
        yield Box(left - 4, y - 0.5, 4, 1, LIGHT.line)
        yield Words(left - 7, y + 3.5, number_text(t), 10, "end", LIGHT.muted)
    yield Words(left + SIDE / 2, bottom + 30, "x[0]", 10, "middle", LIGHT.muted)
    yield Words(left - 7, HEAD - 4, "x[1]", 10, "end", LIGHT.muted)


def ticks(low: float, high: float) -> list[float]:
    """Round numbers between two: multiples of 1, 2 or 5 times a power of ten, some four intervals."""
    rough = (high - low) / TICKS
    power = 10.0 ** np.floor(np.log10(rough))
    step = next(float(power * k) for k in (1, 2, 5, 10) if power * k >= 0.7 * rough)
    return [k * step for k in range(int(np.ceil(low / step)), int(np.floor(high / step)) + 1)]


def _legend() -> Iterator[Shape]:
    """Below the first panel: a point and a region of each class."""
    y = HEAD + SIDE + 52
    for kind, x in ((False, LEFT), (True, LEFT + SIDE / 2)):
        yield Box(x, y - 9, 12, 12, REGIONS[kind])
        yield _point(x + 22, y - 3, kind)
        yield Words(x + 32, y + 1, f"class {int(kind)}")
