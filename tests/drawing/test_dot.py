import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from itertools import pairwise

import numpy as np
import pytest

from minigrad.drawing import dot
from minigrad.drawing.diagram import diagram
from minigrad.drawing.dot import LEGEND_GROUPS, escape, styles, to_dot
from minigrad.drawing.render import render
from minigrad.value import Value

SVG = "{http://www.w3.org/2000/svg}"


def chain(n: int) -> Value:
    y = Value(1.0, "x")
    for _ in range(n):
        y = y * 0.9999
    return y


def test_deep_chain_is_written_without_recursion() -> None:
    text = to_dot(diagram(chain(100_000)))
    assert text.count(" -> ") == 100_000
    assert "n100000 [" in text


def test_time_grows_in_proportion_to_the_graph() -> None:
    def seconds(n: int) -> float:
        y = chain(n)
        start = time.perf_counter()
        to_dot(diagram(y))
        return time.perf_counter() - start

    seconds(1000)
    short, long = min(seconds(2000) for _ in range(3)), min(seconds(32_000) for _ in range(2))
    assert long < 16 * 4 * short  # quadratic would be 256 times


def test_equal_graphs_give_equal_bytes_in_another_process() -> None:
    program = (
        "import numpy as np\nfrom minigrad.value import Value\nfrom minigrad.drawing import draw\n"
        "junk = [Value(1.0) for _ in range(JUNK)]\n"
        "x, w = Value(np.arange(6.0).reshape(2, 3), 'x'), Value(np.ones((3, 2)), 'w')\n"
        "print(draw(np.tanh(x @ w / 9).sum()).source)\n"
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
    looks = styles(d.groups)
    coloured = [(group.letter, looks[group.letter]) for group in d.groups]
    assert len({(style.fill, style.outline) for _, style in coloured}) == len(coloured)
    text = to_dot(d)
    for node in d.nodes:
        line = next(line for line in text.splitlines() if line.startswith(f"  n{node.rank} ["))
        assert f'fillcolor="{looks[node.group].fill}"' in line


def test_legend_of_very_many_groups_is_cut_and_says_so() -> None:
    leaves = [Value(float(i // 2 + 2)) for i in range(100)]
    y = leaves[0] * leaves[0]
    for leaf in leaves[1:]:
        y = y + leaf * leaf
    d = diagram(y)
    assert len(d.groups) > 50
    assert f"{len(d.groups) - LEGEND_GROUPS} more letters are not listed here." in to_dot(d)
    assert ">AX<" in to_dot(d)


def test_leaf_op_and_result_are_told_apart() -> None:
    a = Value(2.0, "a")
    lines = to_dot(diagram((a * 3).tanh())).splitlines()
    leaf, op, result = (next(line for line in lines if line.startswith(f"  n{rank} [")) for rank in range(3))
    assert "rounded" in leaf.split("label=")[0] and "peripheries=1" in leaf
    assert "rounded" not in op.split("label=")[0] and "peripheries=1" in op
    assert "peripheries=2" in result


def test_escape_leaves_no_label_empty() -> None:
    assert escape("") == ""
    assert escape("  ") == "&#160;&#160;"
    assert escape("a b") == "a b"


def test_dot_text_needs_neither_graphviz_nor_an_engine() -> None:
    program = (
        "import sys\nsys.modules['graphviz'] = None\nfrom minigrad.value import Value\n"
        "from minigrad.drawing import draw\nprint(draw(Value(2.0) * 3).source)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, env={"PATH": ""})


def test_importing_the_drawing_does_not_import_graphviz() -> None:
    program = "import sys, minigrad.drawing\nassert 'graphviz' not in sys.modules"
    subprocess.run([sys.executable, "-c", program], check=True)


def test_numbers_of_a_vanishing_gradient_are_not_rounded_to_zero() -> None:
    text = to_dot(diagram(Value(3.0, "w") * np.float64(1.23e-6)))
    assert ">1.23e-06<" in text
    assert "0.0000" not in text


def test_inputs_stand_in_order_and_would_not_if_it_were_not_asked_for() -> None:
    a, b, c = Value(1.0, "a"), Value(2.0, "b"), Value(3.0, "c")
    d = diagram((c - a) * (b - c))
    text = to_dot(d)
    assert text.count("ordering=") == text.count(" ordering=in,") == 1

    def in_order(text: str) -> bool:
        nodes = {node.get("id"): node for node in ET.fromstring(render(text, "svg")).iter(f"{SVG}g")}
        height = {n: float(nodes[f"n{n}"].find(f"{SVG}text").get("y")) for n in range(len(d.nodes))}
        pairs = [(e, f) for e, f in pairwise(d.edges) if e.head == f.head]
        return len(pairs) == 3 and all(height[e.tail] < height[f.tail] for e, f in pairs)

    assert in_order(text)
    assert not in_order(text.replace(" ordering=in,", ""))


def test_each_of_many_arrows_has_a_place_of_its_own_on_the_side(monkeypatch: pytest.MonkeyPatch) -> None:
    """A column of ports as high as PORT_HEIGHT says, and a box that grows with it."""
    d = diagram(np.stack([Value(float(i)) for i in range(20)]))
    text = to_dot(d)
    assert text.count(f' WIDTH="1" HEIGHT="{dot.PORT_HEIGHT}"') == text.count(" PORT=") == 20
    tall = render(text, "svg")
    monkeypatch.setattr(dot, "PORT_HEIGHT", 1)
    assert render(to_dot(d), "svg") != tall
