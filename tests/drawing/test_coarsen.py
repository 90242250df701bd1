"""Large graphs: a picture within the time limit, always the same one, with a note about what it hides."""

from __future__ import annotations

import gc
import re
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from everyday import thinned
from hypothesis import given, settings
from hypothesis import strategies as st

from minigrad import Value, draw, errors, nn, scope
from minigrad.drawing.coarsen import cost
from minigrad.drawing.dag import crossed_ranks, depths, is_acyclic, pairs
from minigrad.drawing.diagram import Diagram
from minigrad.drawing.outputs.json_output import to_json
from minigrad.drawing.outputs.page import fit_page
from minigrad.drawing.views.coarse import BOXES

WIDE = 10_000  # pixels: a page on which any of these graphs fits


def chain(length: int) -> Value:
    v = Value(0.5, "v")
    for k in range(length):
        v = v * 0.999 if k % 2 else v + 0.01
    return v


def network(width: int, init: Any = "xavier_uniform") -> Value:
    model = nn.MLP((3, width, width, 1), seed=0, init=init, per_neuron=True)
    total: Any = 0.0
    for (out,) in model([[0.1, 0.2, -0.3], [1.0, -1.0, 0.5]]):
        total = total + (out - 1.0) ** 2
    return total  # type: ignore[no-any-return]


def tangle(size: int) -> Value:
    """A graph without scopes, chains or equal values."""
    rng = np.random.default_rng(0)
    values = [Value(float(x), f"v{k}") for k, x in enumerate(rng.uniform(-1, 1, 30))]
    for k in range(size):
        i, j = rng.integers(len(values) - 30, len(values), 2)
        values.append(np.tanh(values[i] + values[j]) if k % 2 else values[i] * values[j])
    return sum(values[-30:], start=Value(0.0))


def alike(size: int) -> Value:
    x, y = Value(0.3, "x"), Value(0.0)
    for _ in range(size):
        y = y + np.tanh(x * 2.0) * np.exp(x)
    return y


GRAPHS: dict[str, Callable[[], Value]] = {
    "a chain": lambda: chain(6_000),
    "a network": lambda: network(24),
    "a tangle": lambda: tangle(6_000),
    "much that is alike": lambda: alike(2_000),
}


def check_whole(diagram: Diagram, values: int) -> None:
    """Check that the boxes cover every value, and that arrows join boxes without a cycle."""
    ids = [node.id for node in diagram.nodes]
    assert len(set(ids)) == len(ids) and len({edge.id for edge in diagram.edges}) == len(diagram.edges)
    place = {one: k for k, one in enumerate(ids)}
    heads = np.array([place[edge.head] for edge in diagram.edges], np.int64)
    tails = np.array([place[edge.tail] for edge in diagram.edges], np.int64)
    assert is_acyclic(heads, tails)
    assert not len(heads) or (heads != tails).all()
    assert all(node.cluster is None or 0 <= node.cluster < len(diagram.clusters) for node in diagram.nodes)
    assert diagram.nodes[-1].kind == "result"
    if all(node.times == 1 for node in diagram.nodes):
        assert sum(node.count for node in diagram.nodes) == values


@pytest.mark.parametrize("name", GRAPHS)
def test_a_large_graph_is_cut_down_and_it_is_said_how_to_get_the_rest(name: str) -> None:
    y = GRAPHS[name]()
    found = len(graph_of(y))
    diagram = draw(y, repeats=False).diagram
    assert len(diagram.nodes) < found / 4
    assert cost(0, len(diagram.nodes), len(diagram.edges)) <= 5
    check_whole(diagram, found)
    told = " ".join(diagram.hidden)
    assert f"{found:,} values are shown in {len(diagram.nodes)} boxes" in told and "draw(y, seconds=" in told
    assert f"{found:,} values in" in diagram.title


def graph_of(y: Value) -> list[Value]:
    from minigrad.engine.value import graph

    return graph(y)


@pytest.mark.parametrize("name", thinned([*GRAPHS], 4))
def test_the_same_graph_gives_the_same_bytes(name: str) -> None:
    assert to_json(draw(GRAPHS[name](), repeats=False).diagram) == to_json(
        draw(GRAPHS[name](), repeats=False).diagram
    )


def test_a_small_graph_is_shown_as_it_is() -> None:
    diagram = draw(chain(100), repeats=False).diagram
    assert diagram.hidden == () and len(diagram.nodes) == 101


def test_more_time_shows_more_and_enough_time_shows_all() -> None:
    y = network(12)
    counts = [len(draw(y, seconds=seconds, width=WIDE, repeats=False).diagram.nodes) for seconds in (0.0, 0.3, 2.0)]
    assert counts == sorted(counts) and counts[0] < counts[-1]
    assert draw(y, seconds=2.0, width=WIDE, repeats=False).diagram.hidden == ()


def named(diagram: Diagram) -> dict[str, int]:
    """The options that a picture names, with which all is shown."""
    return {name: int(number) for name, number in re.findall(r"(seconds|width)=(\d+)", " ".join(diagram.hidden))}


def test_the_options_that_are_named_are_enough() -> None:
    slow = named(draw(network(12), seconds=1.0, repeats=False).diagram)
    assert set(slow) == {"seconds", "width"}
    assert draw(network(12), **slow, repeats=False).diagram.hidden == ()  # type: ignore[arg-type]
    long = draw(network(12), seconds=1e9, repeats=False).diagram
    assert "To fit the page" in long.hidden[0] and set(named(long)) == {"width"} and len(long.nodes) <= BOXES
    assert draw(network(12), seconds=1e9, **named(long), repeats=False).diagram.hidden == ()  # type: ignore[arg-type]


def test_a_weight_that_each_step_of_a_loop_uses_takes_no_longer_than_asked() -> None:
    """Its arrows run past the whole loop: for 70 steps with 284 values an engine took more than a minute."""

    def loop(steps: int) -> Value:
        w, u, h = Value(np.eye(2), "w"), Value(np.eye(2), "u"), np.zeros(2)
        for k in range(steps):
            h = np.tanh(np.full(2, float(k)) @ u + h @ w)
        return h.sum()

    assert draw(loop(20), repeats=False).diagram.hidden == ()
    y = loop(70)
    diagram = draw(y, repeats=False).diagram
    check_whole(diagram, len(graph_of(y)))
    assert len(diagram.nodes) < 100 < named(diagram)["seconds"]


@pytest.mark.parametrize(
    ("arrows", "ranks"),
    [
        ([(1, 0), (2, 1), (3, 2)], 0),
        ([(1, 0), (2, 1), (3, 2), (3, 0)], 2),
        ([(1, 0), (2, 1), (3, 2), (3, 9), (2, 8), (8, 7)], 0),  # 9, 8 and 7 are one rank before their users
        ([(1, 0), (1, 0), (1, 1)], 0),
        ([], 0),
    ],
)
def test_ranks_that_arrows_pass_are_counted(arrows: list[tuple[int, int]], ranks: int) -> None:
    heads, tails = np.array(arrows, np.int64).reshape(-1, 2).T
    assert crossed_ranks(heads, tails) == ranks


def test_an_engine_gets_the_time_that_was_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise a picture with seconds=1000 would be stopped after a minute."""
    import subprocess

    given = []

    def run(*command: Any, timeout: float, **options: Any) -> Any:
        given.append(timeout)
        raise subprocess.TimeoutExpired("dot", timeout)

    monkeypatch.setattr(subprocess, "run", run)
    for seconds in (5.0, 1_000.0):
        with pytest.raises(errors.RenderError, match=r"took longer than \d+ s(.|\n)*seconds="):
            draw(Value(1.0) * 2, seconds=seconds, repeats=False)._svg()
    assert 5 < given[0] < 1_000 <= given[1]


def test_a_chain_in_pieces_shows_how_its_gradient_fades() -> None:
    diagram = draw(chain(20_000), repeats=False).diagram
    pieces = [node for node in diagram.nodes if node.kind == "chain"]
    assert len(pieces) > 8 and all(piece.gradient and piece.value for piece in pieces)
    sizes = [abs(float(piece.gradient.exact)) for piece in pieces if piece.gradient]
    assert sizes == sorted(sizes) and sizes[0] < 1e-3 < 0.5 < sizes[-1]
    assert fit_page(diagram).rankdir == "TB", "one below the other: side by side nobody can read them"
    assert fit_page(draw(chain(20_000), rankdir="LR", repeats=False).diagram).rankdir == "LR"


def test_neurons_are_closed_before_layers_and_layers_before_anything_is_lost() -> None:
    some = draw(network(12), seconds=0.5, repeats=False).diagram
    assert any(node.name == "layer 1 / neuron 3" and node.kind == "cluster" for node in some.nodes)
    assert [c.name for c in some.clusters] == ["layer 1", "layer 2", "layer 3"]
    few = draw(network(12), seconds=0.0, repeats=False).diagram
    assert [node.name for node in few.nodes if node.kind == "cluster"] == ["layer 1", "layer 2", "layer 3"]
    assert few.clusters == ()


def test_scopes_are_closed_into_boxes_with_their_names() -> None:
    h = Value(0.5, "x")
    for name in ("encoder", "decoder"):
        with scope(name):
            for k in range(2_000):
                h = h + np.tanh(h) * Value(0.1, f"{name} {k}")
    diagram = draw(h, repeats=False).diagram
    closed = {node.name: node for node in diagram.nodes if node.kind == "cluster"}
    assert list(closed) == ["encoder", "decoder"]
    assert "2,000 leaves" in closed["encoder"].hides and "2,000 tanh" in closed["encoder"].operation
    check_whole(diagram, len(graph_of(h)))


def test_one_scope_around_everything_does_not_hide_everything() -> None:
    with scope("all"):
        y = chain(20_000)
    assert len(draw(y, repeats=False).diagram.nodes) > 8


def test_what_is_alike_is_one_box_with_how_many_there_are() -> None:
    diagram = draw(alike(2_000), repeats=False).diagram
    assert any(node.times == 2_000 for node in diagram.nodes) or any(node.count > 2_000 for node in diagram.nodes)


def test_no_claim_is_made_of_gradients_that_cannot_be_seen() -> None:
    diagram = draw(chain(20_000), repeats=False).diagram
    assert not any("No two gradients" in note for note in diagram.notes)
    assert diagram.groups == ()


@pytest.mark.parametrize("name", thinned([*GRAPHS], 4))
def test_letters_of_a_cut_picture_begin_with_a_and_have_two_members_to_be_seen(name: str) -> None:
    diagram = draw(GRAPHS[name](), repeats=False).diagram
    letters = [group.letter for group in diagram.groups]
    assert letters[:1] in ([], ["A"], ["0"])
    assert all(len(group.members) > 1 for group in diagram.groups if group.letter != "0")
    assert {node.group for node in diagram.nodes} - {None} <= set(letters)


def test_the_collector_of_garbage_runs_again_afterwards() -> None:
    assert gc.isenabled()
    draw(chain(3_000), repeats=False)
    assert gc.isenabled()


def test_nothing_is_recursive() -> None:
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(200)
    try:
        drawing = draw(chain(30_000), repeats=False)
        drawing.save
        assert drawing.dot and to_json(drawing.diagram)
    finally:
        sys.setrecursionlimit(before)


@pytest.mark.slow
def test_a_million_values_in_a_chain_are_drawn(tmp_path: Any) -> None:
    drawing = draw(chain(1_000_000), repeats=False)
    assert len(drawing.diagram.nodes) < 40
    assert drawing.save(tmp_path / "y.svg").stat().st_size < 200_000


@settings(deadline=None, max_examples=30)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=30))
def test_depths_are_those_of_the_longest_way(arrows: list[tuple[int, int]]) -> None:
    """Compares with the plain recursion, on arrows that all lead to larger numbers."""
    forward = sorted({(max(a, b), min(a, b)) for a, b in arrows if a != b})
    heads, tails = pairs(np.array([h for h, _ in forward], np.int64), np.array([t for _, t in forward], np.int64))
    assert list(zip(heads.tolist(), tails.tolist(), strict=True)) == forward

    def longest(box: int) -> int:
        return max((longest(tail) + 1 for head, tail in forward if head == box), default=0)

    assert depths(heads, tails) == {box: longest(box) for box in {b for pair in forward for b in pair}}
    assert is_acyclic(heads, tails)


def test_a_circle_is_found() -> None:
    assert not is_acyclic(np.array([1, 2, 0, 3]), np.array([0, 1, 2, 2]))
    assert is_acyclic(np.array([1, 2, 2]), np.array([0, 1, 0]))
