import gc
import weakref
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad.drawing import draw
from minigrad.drawing.diagram import Diagram, DiagramNode
from minigrad.drawing.graph_data import survey
from minigrad.drawing.views.operations import ops_view
from minigrad.engine.value import Value, graph, sweep


def diagram(y: Value) -> Diagram:
    """One node for each value."""
    return ops_view(survey(y), fold=False)


def gradient(node: DiagramNode) -> tuple[str, ...]:
    return node.gradient.lines if node.gradient else ()


def value(node: DiagramNode) -> tuple[str, ...]:
    return node.value.lines if node.value else ()


def rank(node: DiagramNode) -> int:
    return int(node.id[1:])


def letters(d: Diagram) -> dict[str, str | None]:
    return {node.name: node.group for node in d.nodes if node.name}


def edges(d: Diagram) -> list[tuple[int, int, int]]:
    return [(int(e.tail[1:]), int(e.head[1:]), e.place) for e in d.edges]


def test_a_value_used_twice_by_one_op_has_two_edges() -> None:
    a = Value(3.0, "a")
    d = diagram(a * a)
    assert edges(d) == [(0, 1, 0), (0, 1, 1)]
    assert d.title == "y = 9 · dy/da = 6"


def test_edges_keep_operand_order_and_not_the_order_of_creation() -> None:
    b, a = Value(2.0, "b"), Value(8.0, "a")
    d = diagram((a - b) / b)
    used = [(d.nodes[tail].name, head) for tail, head, _ in edges(d)]
    assert used == [("a", 2), ("b", 2), ("", 3), ("b", 3)]


def test_edge_counts_operands_and_not_constants() -> None:
    a = Value(2.0)
    assert edges(diagram(1 / a)) == [(0, 1, 0)]


def test_numbers_stand_in_the_operation_and_arrays_are_nodes() -> None:
    a = Value(np.ones((2, 3)), "a")
    x = np.ones((4, 2))
    d = diagram(np.maximum(x @ (1 / a * 2), 0).sum(axis=0)[1:].sum())
    assert [node.operation for node in d.nodes] == [
        *("", "1 /", "* 2", "@", "maximum(·, 0)", "sum axis=0", "[1:]", "sum", "")
    ]
    assert (d.nodes[-1].id, d.nodes[-1].kind, d.nodes[-1].shape) == ("d0", "input", (4, 2))
    assert [(e.tail, e.place) for e in d.edges if e.head == "n3"] == [("n2", 1), ("d0", 0)]


def test_drawing_writes_no_gradient_and_keeps_the_one_that_is_there(different: Value) -> None:
    leaf = graph(different)[0]
    leaf.grad = 5.0
    diagram(different)
    assert leaf.grad == 5.0
    assert all(v.grad is None for v in graph(different) if v is not leaf)


def test_seed_is_one_for_one_element_whatever_its_grad_and_shape() -> None:
    a = Value([2.0], "a")
    y = a * 3
    y.grad = np.array([100.0])
    assert gradient(diagram(y).nodes[0]) == ("[3]",)


def test_seed_of_several_elements_is_their_grad() -> None:
    a = Value([2.0, 3.0], "a")
    y = a * a
    without = diagram(y)
    assert [gradient(node) for node in without.nodes] == [(), ()]
    assert without.notes == ("No gradients: the result has shape (2,). Draw its sum, or set its .grad first.",)
    y.grad = np.array([1.0, 10.0])
    assert gradient(diagram(y).nodes[0]) == ("[4, 60]",)
    assert any("y.grad" in note for note in diagram(y).notes)


def test_a_result_that_has_no_gradient_is_drawn_and_says_so() -> None:
    d = diagram(Value([1.0, 2.0]).argmax())
    assert d.notes == ("No gradients: the result is int64.",)
    assert all(node.gradient is None and node.group is None for node in d.nodes)


def test_the_tied_neurons_are_visibly_one(tied: Value) -> None:
    letter = letters(diagram(tied))
    for one, other in (("w1", "w3"), ("w2", "w4"), ("w5", "w6"), ("z1", "z2"), ("a1", "a2")):
        assert letter[one] == letter[other] is not None
    assert len({letter["w1"], letter["w2"], letter["w5"], letter["a1"]}) == 4
    assert diagram(tied).title == "J = 0.3478 · gradients that stay equal: w1 = w3, w2 = w4, w5 = w6"


def test_neurons_that_differ_share_no_letter(different: Value) -> None:
    letter = letters(diagram(different))
    given_letters = [letter[f"w{i}"] for i in range(1, 7) if letter[f"w{i}"]]
    assert len(given_letters) == len(set(given_letters))
    assert letter["a1"] is letter["a2"] is None
    assert diagram(different).title == "J = 0.3832 · all 8 leaf gradients differ"


def test_changing_any_one_of_the_six_weights_unties_the_neurons(
    two_neurons: Callable[[list[float]], Value],
) -> None:
    weights = [0.2, 0.4, 0.2, 0.4, 0.6, 0.6]
    for i in range(6):
        changed = [w + 0.1 * (i == j) for j, w in enumerate(weights)]
        letter = letters(diagram(two_neurons(changed)))
        # w5 and w6 multiply a1 and a2, which stay equal if only w5 or w6 is changed.
        for one, other, differ in (("w1", "w3", True), ("w2", "w4", True), ("w5", "w6", i < 4)):
            assert (letter[one] is None or letter[one] != letter[other]) == differ


def test_letters_are_shared_exactly_where_gradients_are_equal(tied: Value) -> None:
    gradients = {v.serial: g for v, g in sweep(tied, np.float64(1))}
    by_rank = [gradients[v.serial] for v in graph(tied)]
    nodes = diagram(tied).nodes
    for one in nodes:
        twins = [other for other in nodes if abs(by_rank[rank(one)] - by_rank[rank(other)]) < 1e-14]
        assert (one.group is not None) == (len(twins) > 1)
        assert all(other.group == one.group for other in twins)


def test_equal_in_separate_places_comes_before_handed_on() -> None:
    a, b, c = Value(2.0, "a"), Value(2.0, "b"), Value(5.0, "c")
    d = diagram((a * b) * 3 + c)
    handed_on, apart = (letters(d)[name] for name in ("c", "a"))
    assert (apart, handed_on) == ("A", "B")
    assert [group.apart for group in d.groups] == [True, False]


def test_zero_gradients_are_marked_zero_even_when_alone() -> None:
    a, b = Value(2.0, "a"), Value(3.0, "b")
    d = diagram(a * 0 + b)
    assert letters(d)["a"] == "0"
    assert d.groups[-1].members == ("n0",)
    both = diagram((a * 0) * b)
    assert both.title == "y = 0 · gradients that stay equal: a = b = 0"


def test_many_ties_are_counted_and_not_listed() -> None:
    leaves = [Value(float(i % 3), f"weight[{i}]") for i in range(30)]
    y = leaves[0] * leaves[0]
    for leaf in leaves[1:]:
        y = y + leaf * leaf
    assert diagram(y).title == "y = 50 · 30 leaves always share 3 gradients"


def test_nan_and_inf_are_shown_as_such() -> None:
    a = Value(0.0, "a")
    with np.errstate(divide="ignore"):
        d = diagram(np.log(a))
    assert value(d.nodes[1]) == ("-inf",)
    assert gradient(d.nodes[0]) == ("inf",)
    assert gradient(diagram(a * np.nan).nodes[0]) == ("nan",)


def test_float32_is_told() -> None:
    d = diagram(Value(np.float32(0.1)) * np.float32(3))
    assert [node.dtype for node in d.nodes] == ["float32", "float32"]
    assert "(relative tolerance 1e-05, as they are float32)" in " ".join(d.notes), "and no word of float64"
    mixed = diagram(Value(np.float32(0.1), "a") * 3.0 + Value(2.0, "b"))
    assert "(relative tolerance 1e-12, float32 1e-05)" in " ".join(mixed.notes)


def test_a_drawing_keeps_no_graph_alive_and_does_not_follow_it() -> None:
    a = Value(2.0, "a")
    y = a * 3
    d, watch = diagram(y), weakref.ref(y)
    a.data -= 1.0
    gc.disable()
    try:
        del y
        assert watch() is None
    finally:
        gc.enable()
    assert value(d.nodes[0]) == ("2",)


def test_equal_graphs_give_equal_diagrams_whatever_was_made_between() -> None:
    def build() -> Value:
        a, b = Value(0.5, "a"), Value(1.5)
        return np.tanh(a * b + a)

    first = diagram(build())
    strangers = [Value(float(i)) for i in range(100)]
    assert diagram(build()) == first
    assert [node.id for node in first.nodes] == [f"n{k}" for k in range(5)] and len(strangers) == 100


@given(st.data())
def test_every_value_is_a_node_and_every_use_an_edge_in_random_graphs(data: st.DataObject) -> None:
    values = [Value(float(i + 1)) for i in range(3)]
    for _ in range(data.draw(st.integers(1, 15))):
        a, b = data.draw(st.sampled_from(values)), data.draw(st.sampled_from(values))
        function = data.draw(st.sampled_from([np.add, np.multiply, np.subtract, np.tanh]))
        values.append(function(a) if function is np.tanh else function(a, b))
    y = values[-1]
    d, nodes = diagram(y), graph(y)
    assert len(d.nodes) == len(nodes)
    place = {v.serial: i for i, v in enumerate(nodes)}
    uses = [(place[x.serial], place[v.serial]) for v in nodes for x in v.inputs]
    assert [(tail, head) for tail, head, _ in edges(d)] == uses


@pytest.mark.parametrize("name", [None, ""])
def test_a_value_without_a_name_is_drawn_without_one(name: str | None) -> None:
    assert diagram(Value(2.0, name) * 2).nodes[0].name == ""


def test_title_of_a_single_leaf_is_its_gradient_whatever_its_shape() -> None:
    small, large = Value(np.ones((2, 2)), "w"), Value(np.ones(16), "w")
    assert diagram((small * 2).sum()).title == "y = 8 · dy/dw = [[2, 2], [2, 2]]"
    assert diagram((large * 2).sum()).title == "y = 32 · dy/dw has norm 8"


@pytest.mark.parametrize("name", [5, 0, 2.5, ("w", 1), False])
def test_a_name_that_is_no_text_is_shown_as_one(name: object) -> None:
    """The constructor refuses such a name; an assignment does not."""
    a = Value(2.0)
    a.name = name  # type: ignore[assignment]
    y = a * 3
    y.name = name  # type: ignore[assignment]
    drawing = draw(y)
    assert [node.name for node in drawing.diagram.nodes] == [str(name)] * 2
    assert drawing.diagram.title == f"{name} = 6 · d{name}/d{name} = 3"
    assert f">{name}<" in drawing.dot
    assert str(name) in (drawing._repr_svg_() or "")
