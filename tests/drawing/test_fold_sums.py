from __future__ import annotations

from minigrad import Value, draw
from minigrad.drawing.diagram import Diagram, DiagramNode
from minigrad.drawing.fold_sums import sums
from minigrad.drawing.graph_data import survey


def named(d: Diagram, edge_head: DiagramNode) -> list[str]:
    name = {node.id: node.name for node in d.nodes}
    return [name[e.tail] for e in d.edges if e.head == edge_head.id]


def leaves(n: int) -> list[Value]:
    return [Value(float(k + 1), f"x{k}") for k in range(n)]


def last(d: Diagram) -> DiagramNode:
    return next(node for node in d.nodes if node.kind == "result")


def test_a_long_sum_is_one_node_with_its_terms_in_order_however_it_is_bracketed() -> None:
    a, b, c, e = leaves(4)
    for y in (((a + b) + c) + e, a + (b + (c + e)), (a + b) + (c + e)):
        d = draw(y).diagram
        assert len(d.nodes) == 5 and last(d).operation == "Σ" and last(d).count == 3
        assert named(d, last(d)) == ["x0", "x1", "x2", "x3"]
        assert [e.place for e in d.edges] == [0, 1, 2, 3]
        assert {e.derivative for e in d.edges} == {"1"} and {e.contribution for e in d.edges} == {"1"}


def test_python_sum_starts_from_zero_which_adds_nothing_and_other_constants_are_told() -> None:
    xs = leaves(3)
    assert last(draw(sum(xs)).diagram).operation == "Σ"
    assert last(draw(sum(xs[:2])).diagram).operation == "+"
    assert last(draw(xs[0] + 0.5 + xs[1] + 2).diagram).operation == "Σ + 0.5 + 2"


def test_an_inner_sum_that_has_a_name_or_a_second_use_or_another_shape_stays() -> None:
    a, b, c = leaves(3)
    inner = a + b
    assert len(draw(inner + c).diagram.nodes) == 4
    used_twice = a + b
    assert len(draw((used_twice + c) * used_twice).diagram.nodes) == 6
    inner = a + b
    inner.name = "z"
    assert len(draw(inner + c).diagram.nodes) == 5
    v = Value([1.0, 2.0], "v")
    assert len(draw(((a + b) + v).sum()).diagram.nodes) == 6
    assert last(draw(a + a).diagram).operation == "+"


def test_a_repeated_term_keeps_both_its_edges() -> None:
    a, b = leaves(2)
    d = draw(a + b + a).diagram
    assert named(d, last(d)) == ["x0", "x1", "x0"]


def test_sums_can_be_left_as_they_are() -> None:
    a, b, c = leaves(3)
    assert len(draw(a + b + c, sums=False).diagram.nodes) == 5


def test_a_sum_of_ten_thousand_terms_takes_no_recursion() -> None:
    y = Value(0.5)
    for x in leaves(10_000):
        y = y + x
    (only,) = sums(survey(y)).values()
    assert len(only.terms) == 10_001 and len(only.parts) == 9_999


def test_a_wrong_sum_is_not_hidden_in_another() -> None:
    a, b, c = leaves(3)
    inner = a + b
    d = draw(inner + c, wrong=[inner.serial]).diagram
    assert [node.badges for node in d.nodes if node.badges] == [("wrong rule",)]
