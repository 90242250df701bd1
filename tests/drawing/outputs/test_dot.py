import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from itertools import pairwise

import numpy as np
import pytest

from minigrad.drawing.diagram import Diagram
from minigrad.drawing.graph_data import survey
from minigrad.drawing.outputs import node_label
from minigrad.drawing.outputs.dot import styles, to_dot
from minigrad.drawing.outputs.legend import LISTED
from minigrad.drawing.outputs.markup import escape_html_label
from minigrad.drawing.outputs.render import render
from minigrad.drawing.theme import LIGHT
from minigrad.drawing.views.operations import ops_view
from minigrad.engine.value import Value

SVG = "{http://www.w3.org/2000/svg}"


def diagram(y: Value) -> Diagram:
    return ops_view(survey(y), fold=False)


def chain(n: int) -> Value:
    y = Value(1.0, "x")
    for _ in range(n):
        y = y * 0.9999
    return y


def test_deep_chain_is_written_without_recursion() -> None:
    text = to_dot(diagram(chain(5_000)))
    assert text.count("[id=e") == 5_000
    assert "n5000 [" in text


def test_time_grows_in_proportion_to_the_graph() -> None:
    def seconds(n: int) -> float:
        y = chain(n)
        start = time.perf_counter()
        to_dot(diagram(y))
        return time.perf_counter() - start

    seconds(100)
    short, long = min(seconds(200) for _ in range(3)), min(seconds(3200) for _ in range(2))
    assert long < 16 * 4 * short  # quadratic would be 256 times


def test_equal_graphs_give_equal_bytes_in_another_process() -> None:
    program = (
        "import numpy as np\nfrom minigrad.engine.value import Value\nfrom minigrad.drawing import draw\n"
        "junk = [Value(1.0) for _ in range(JUNK)]\n"
        "x, w = Value(np.arange(6.0).reshape(2, 3), 'x'), Value(np.ones((3, 2)), 'w')\n"
        "print(draw(np.tanh(x @ w / 9).sum()).dot)\n"
    )
    texts = [
        subprocess.run(
            [sys.executable, "-c", program.replace("JUNK", junk)], capture_output=True, text=True, check=True
        ).stdout
        for junk in ("0", "77")
    ]
    assert texts[0] == texts[1]
    assert texts[0].startswith("digraph")


def test_fill_is_shared_within_a_group_and_by_no_other(tied: Value) -> None:
    d = diagram(tied)
    looks = styles(d.groups, LIGHT)
    assert len({looks[g.letter].fill for g in d.groups if g.apart}) == sum(g.apart for g in d.groups)
    text = to_dot(d)
    for node in d.nodes:
        line = next(line for line in text.splitlines() if line.startswith(f"  {node.id} ["))
        assert f'fillcolor="{looks[node.group].fill}"' in line


def test_legend_of_very_many_groups_is_cut_and_says_so() -> None:
    leaves = [Value(float(i // 2 + 2)) for i in range(100)]
    y = leaves[0] * leaves[0]
    for leaf in leaves[1:]:
        y = y + leaf * leaf
    d = diagram(y)
    assert len(d.groups) > 50
    assert f"{len(d.groups) - LISTED} more marks are not listed here." in to_dot(d)
    assert ">AX<" in to_dot(d)


def test_leaf_op_and_result_are_told_apart() -> None:
    a = Value(2.0, "a")
    lines = to_dot(diagram((a * 3).tanh())).splitlines()
    leaf, op, result = (next(line for line in lines if line.startswith(f"  n{rank} [")) for rank in range(3))
    assert "rounded" in leaf.split("label=")[0] and "peripheries=1" in leaf
    assert "rounded" not in op.split("label=")[0] and "peripheries=1" in op
    assert "peripheries=2" in result


def test_escape_leaves_no_label_empty() -> None:
    assert escape_html_label("") == ""
    assert escape_html_label("  ") == "&#160;&#160;"
    assert escape_html_label("a b") == "a b"


def test_dot_text_needs_neither_graphviz_nor_an_engine() -> None:
    program = (
        "import sys\nsys.modules['graphviz'] = None\nfrom minigrad.engine.value import Value\n"
        "from minigrad.drawing import draw\nprint(draw(Value(2.0) * 3).dot)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, env={"PATH": ""})


def test_importing_the_drawing_does_not_import_graphviz() -> None:
    program = "import sys, minigrad.drawing\nassert 'graphviz' not in sys.modules"
    subprocess.run([sys.executable, "-c", program], check=True)


def test_numbers_of_a_vanishing_gradient_are_not_rounded_to_zero() -> None:
    text = to_dot(diagram(Value(3.0, "w") * np.float64(1.23e-6)))
    assert "1.23e-06<" in text
    assert "0.0000" not in text


def test_inputs_stand_in_order_and_would_not_if_it_were_not_asked_for() -> None:
    a, b, c = Value(1.5, "a"), Value(2.0, "b"), Value(3.0, "c")
    d = diagram((c * a) * (b * c))
    text = to_dot(d)
    assert text.count("ordering=") == text.count(' ordering="in",') == 1

    def in_order(text: str) -> bool:
        found = {g.get("id"): g for g in ET.fromstring(render(text, "svg")).iter(f"{SVG}g")}
        height = {e.id: float(found[e.id].find(f".//{SVG}text").get("y")) for e in d.edges}  # of its label
        pairs = [(e, f) for e, f in pairwise(d.edges) if e.head == f.head]
        return len(pairs) == 3 and all(height[e.id] < height[f.id] for e, f in pairs)

    assert in_order(text)
    assert not in_order(text.replace(' ordering="in",', ""))


def test_each_of_many_arrows_has_a_place_of_its_own_on_the_side(monkeypatch: pytest.MonkeyPatch) -> None:
    """A column of ports, each PORT high, and a box that grows with it."""
    d = diagram(np.stack([Value(float(i)) for i in range(60)]))
    text = to_dot(d)
    assert text.count(f' WIDTH="1" HEIGHT="{node_label.PORT}"') == text.count(" PORT=") == 60
    tall = render(text, "svg")
    monkeypatch.setattr(node_label, "PORT", 1)
    assert render(to_dot(d), "svg") != tall


def test_a_crowd_of_arrows_is_drawn_without_what_nobody_could_read_and_says_so() -> None:
    leaves = [Value(1.5, f"x{k}") for k in range(40)]
    few = diagram(np.stack(leaves[:10]).sum())
    y = leaves[0]
    for _ in range(20):
        y = (np.stack([*leaves, y]) * 2).sum()
    crowd = diagram(y)
    assert len(crowd.edges) > 800 and max(e.place for e in crowd.edges) == 40
    text = to_dot(crowd)
    assert "860 arrows: a quarter as wide as usual, without derivatives, in any order." in text
    assert text.count(" PORT=") == 0 and not any(" -> " in x and "label" in x for x in text.splitlines())
    assert "penwidth=1]" in text and "penwidth=4]" not in text
    assert "in any order" not in to_dot(few) and to_dot(few).count(" PORT=") == 10
