"""Every graph fits a page, in size and in text, in any engine that is there."""

from __future__ import annotations

import re
import shutil
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from drawing import graphs, layout

from minigrad import Value, draw
from minigrad.drawing import Drawing
from minigrad.drawing.outputs import render
from minigrad.drawing.outputs.page import fit_page
from minigrad.errors import ArgumentError

# The most pixels across and down, three quarters of a point each.
SIZES: dict[str, tuple[Callable[[], Any], int, int]] = {
    "transformer": (graphs.transformer, 1_600, 4_200),
    "convolution": (graphs.convolution, 1_450, 2_000),
    "chain of 100 sines": (graphs.sines, 1_050, 2_100),
    "nine scalars": (graphs.nine_scalars, 1_050, 2_200),
    "2-3-3-2 by layers": (lambda: graphs.network([2, 3, 3, 2], False), 1_100, 1_600),
    "2-3-3-2 by numbers": (lambda: graphs.network([2, 3, 3, 2], True), 2_000, 2_200),
    "337 parameters": (lambda: graphs.network([2, 16, 16, 1], True), 1_600, 4_000),
    "recurrent": (graphs.recurrent, 1_450, 2_500),
    "blocks": (graphs.blocks, 1_050, 2_700),
}
ENGINES = ("graphviz-pure", "dot")


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """An engine that is installed."""
    found = shutil.which("dot") if request.param == "dot" else render.find_engine()
    if not found or request.param not in found:
        pytest.skip(f"{request.param} is not installed")
    monkeypatch.setattr(render, "find_engine", lambda: found)
    yield request.param


def drawing(subject: Any, **given: Any) -> Drawing:
    options = {"view": "ops", "theme": "light"} | given
    options.setdefault("repeats", False)
    return draw(*subject, **options) if isinstance(subject, tuple) else draw(subject, **options)


def size(svg: str) -> tuple[float, float]:
    """Width and height in pixels."""
    found = re.search(r'width="([\d.]+)pt" height="([\d.]+)pt"', svg)
    assert found
    return float(found[1]) / 0.75, float(found[2]) / 0.75


@pytest.mark.parametrize("name", SIZES)
def test_a_graph_fits_its_page_with_text_of_10_points(name: str, engine: str) -> None:
    make, widest, tallest = SIZES[name]
    repeats = name in ("337 parameters", "recurrent")  # drawn as a user gets them; the others one by one
    svg = drawing(make(), repeats=repeats)._svg()
    width, height = size(svg)
    assert width <= widest and height <= tallest
    assert min(float(points) for points in re.findall(r'font-size="([\d.]+)"', svg)) >= 10


@pytest.mark.parametrize("name", ["chain of 100 sines", "2-3-3-2 by layers", "blocks", "transformer"])
def test_columns_stand_in_order_and_arrows_between_them_meet_no_text(name: str, engine: str) -> None:
    made = drawing(SIZES[name][0]())
    svg, page = made._svg(), fit_page(made.diagram)
    boxes = {node.id: node.box for node in layout.nodes(svg)}
    assert set(boxes) == {node.id for node in made.diagram.nodes}
    columns = sorted(set(page.column.values()))
    assert len(columns) > 1
    middles = [
        np.mean([sum(boxes[n][::2]) / 2 for n, k in page.column.items() if k == column]) for column in columns
    ]
    assert middles == sorted(middles)
    assert layout.overlapping(svg) == []
    assert name == "transformer" or layout.struck_through(svg) == [], "it takes long for many texts"


def test_a_chain_is_wrapped_like_text() -> None:
    made = drawing(graphs.sines())
    page = fit_page(made.diagram)
    order = [page.column[node.id] for node in made.diagram.nodes]
    assert order == sorted(order) and set(order) == set(range(6))
    lengths = [order.count(column) for column in range(6)]
    assert max(lengths) - min(lengths) <= 3
    climbing = [edge.id for edge in made.diagram.edges if page.climbs(edge)]
    assert len(climbing) == 5 and made.dot.count("dir=back") == 5


def test_an_arrow_to_the_next_column_ends_at_the_left_of_its_head_and_starts_at_the_right_of_its_tail() -> None:
    made = drawing(graphs.sines())
    svg, page = made._svg(), fit_page(made.diagram)
    boxes, lines = {node.id: node.box for node in layout.nodes(svg)}, layout.edges(svg)
    tips = {
        group.get("id"): np.array(re.findall(r"-?[\d.]+", group.find(f"{layout.SVG}polygon").get("points")), float)  # type: ignore[union-attr, arg-type]
        for group in ET.fromstring(svg).iter(f"{layout.SVG}g")
        if group.get("class") == "edge"
    }
    climbing = [edge for edge in made.diagram.edges if page.climbs(edge)]
    assert len(climbing) == 5
    for edge in climbing:
        left, top, _, bottom = boxes[edge.head]
        x, y = tips[edge.id].reshape(-1, 2).T
        assert abs(x.max() - left) < 8 and top < y.mean() < bottom
        assert np.abs(lines[edge.id][:, 0] - boxes[edge.tail][2]).min() < 8


def test_width_and_rankdir_change_the_page() -> None:
    narrow, wide = (size(drawing(graphs.sines(), width=width)._svg()) for width in (600, 1_000))
    assert narrow[0] < 650 < 800 < wide[0] < 1_050 and narrow[1] > 1.4 * wide[1]
    across = drawing(graphs.sines(), rankdir="LR")
    assert size(across._svg())[1] < 400 and fit_page(across.diagram).column == {}
    a = Value(2.0, "a")
    assert fit_page(draw(np.tanh(a * 3)).diagram).rankdir == "LR", "what fits is read from left to right"
    assert fit_page(draw(np.tanh(a * 3), rankdir="BT").diagram).side == "s"


def test_wide_sums_stand_in_rows() -> None:
    made = drawing(graphs.convolution())
    tops = {node.id: node.box[1] for node in layout.nodes(made._svg())}
    products = [tops[node.id] for node in made.diagram.nodes if node.operation.startswith("* array")]
    assert len(products) == 9 and len({round(top) for top in products}) == 2


@pytest.mark.parametrize("rankdir", ["XX", "tb", "", 3])
def test_another_direction_is_refused(rankdir: Any) -> None:
    with pytest.raises(ArgumentError, match="rankdir is the direction of a graph: TB, LR, BT, RL; got"):
        draw(Value(2.0) * 3, rankdir=rankdir)


@pytest.mark.parametrize("width", [0, -5, float("nan"), float("inf"), "wide"])
def test_another_width_is_refused(width: Any) -> None:
    with pytest.raises(ArgumentError, match="width is that of the page in pixels"):
        draw(Value(2.0) * 3, width=width)


def test_the_page_of_an_equal_diagram_is_the_same() -> None:
    made = drawing(graphs.sines(3_000), seconds=1e9, width=1e6).diagram
    assert fit_page(replace(made, width=1_000.0)) == fit_page(replace(made, width=1_000.0))
