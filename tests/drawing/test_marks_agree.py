"""Every output of a picture gives a value the same mark, and the mark is true: plain NumPy trains beside it.

A subject is a loss or a network, and its gradients in plain NumPy by the names of the values.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from drawing import read_marks

from minigrad import Value, draw, nn
from minigrad.drawing.outputs.dot import styles
from minigrad.drawing.outputs.json_output import to_json
from minigrad.drawing.theme import LIGHT
from minigrad.symmetry.clustering import TOLERANCE, TOLERANCE_SINGLE

STEPS, RATE = 6, 0.1
Numbers = dict[str, Any]
Gradients = Callable[[Numbers], Numbers]


def leaves(numbers: Numbers) -> dict[str, Value]:
    return {name: Value(x, name=name) for name, x in numbers.items()}


def pairs() -> tuple[Any, Numbers, Gradients]:
    start = {"a1": 1.0, "a2": 1.0, "b1": 0.0, "b2": 0.0}
    v = leaves(start)
    y = (v["a1"] ** 2 + v["a2"] ** 2) / 2 + np.exp(v["b1"]) + np.exp(v["b2"])
    return (y,), start, lambda p: {n: x if n[0] == "a" else np.exp(x) for n, x in p.items()}


def signed() -> tuple[Any, Numbers, Gradients]:
    start = {"p": 1.0, "q": -1.0, "s": 0.0, "t": 5.0}
    v = leaves(start)
    y = v["p"] ** 2 + v["q"] ** 2 + (v["s"] ** 3 - 2 * v["s"]) + 3 * v["t"]
    return (y,), start, lambda p: {"p": 2 * p["p"], "q": 2 * p["q"], "s": 3 * p["s"] ** 2 - 2, "t": 3.0}


def zeros() -> tuple[Any, Numbers, Gradients]:
    start = {"f": 0.0, "g": 0.0, "u": 0.0, "v": 2.0}
    v = leaves(start)
    y = v["f"] * v["g"] + v["u"] * v["v"]
    return (y,), start, lambda p: {"f": p["g"], "g": p["f"], "u": p["v"], "v": p["u"]}


def many_groups() -> tuple[Any, Numbers, Gradients]:
    start = {f"{side}{k}": 1.0 + k for k in range(11) for side in "ab"}
    v = leaves(start)
    y = sum(np.sin(v[f"a{k}"]) * np.sin(v[f"b{k}"]) for k in range(11))
    other = {n: ("b" if n[0] == "a" else "a") + n[1:] for n in start}
    return (y,), start, lambda p: {n: np.cos(x) * np.sin(p[other[n]]) for n, x in p.items()}


def single_precision() -> tuple[Any, Numbers, Gradients]:
    start = {n: np.float32(x) for n, x in (("a", 0.3), ("b", 0.3), ("c", 0.1), ("e", 0.7))}
    v = leaves(start)
    y = v["a"] ** 3 + v["b"] ** 3 + v["c"] * np.float32(0.27) + v["e"] * v["e"]
    return (
        (y,),
        start,
        lambda p: {"a": 3 * p["a"] ** 2, "b": 3 * p["b"] ** 2, "c": np.float32(0.27), "e": 2 * p["e"]},
    )


def network(
    W1: Any, W2: Any, activation: str, b1: Any = 0.0, x: tuple[float, float] = (0.6, -0.4)
) -> tuple[Any, Numbers, Gradients]:
    """A network of two inputs, a hidden layer and one output, one sample, squared error."""
    W1, W2 = np.asarray(W1, dtype=float), np.asarray(W2, dtype=float)
    b1 = np.zeros(W1.shape[1]) + b1
    model = nn.MLP((2, W1.shape[1], 1), activation, init={"W1": W1, "b1": b1, "W2": W2, "b2": 0.25})
    start = _entries({"W1": W1, "b1": b1, "W2": W2, "b2": np.array([0.25])})

    def gradients(p: Numbers) -> Numbers:
        w, b, v, c = (np.array([p[n] for n in p if n.startswith(m)]) for m in ("W1", "b1", "W2", "b2"))
        w = w.reshape(2, -1)
        z = np.asarray(x) @ w + b
        a = np.tanh(z) if activation == "tanh" else np.maximum(z, 0.0)
        slope = 1 - a**2 if activation == "tanh" else (z > 0) * 1.0
        back = 2 * (a @ v + c - 1.0)
        da = back * v
        made = {"W1": np.outer(x, da * slope), "b1": da * slope, "W2": (back * a)[:, None], "b2": back}
        return _entries({**made, "z1": da * slope, "a1": da, "z2": back})

    return (model, [list(x)], [[1.0]]), start, gradients


def _entries(arrays: Numbers) -> Numbers:
    """Each entry by its name: W1[0,1]."""
    return {f"{n}[{','.join(map(str, at))}]": float(x) for n, a in arrays.items() for at, x in np.ndenumerate(a)}


def equal_in_pairs() -> tuple[Any, Numbers, Gradients]:
    """Neurons 0 and 2 are equal, and 1 and 3; the weights into all four have equal gradients now."""
    slope = 0.5
    z = np.arctanh(np.sqrt(1 - slope))
    W1 = np.outer([1.0, -1.0], [0.0, z, 0.0, z])  # for this input the sums are 0, z, 0, z
    return network(W1, [[0.5], [0.5 / slope], [0.5], [0.5 / slope]], "tanh")


def opposite_neurons() -> tuple[Any, Numbers, Gradients]:
    return network([[0.2, -0.2, 0.7], [0.3, -0.3, 0.1]], [[0.5], [-0.5], [0.3]], "tanh")


def dead_relu() -> tuple[Any, Numbers, Gradients]:
    return network([[-0.5, 0.4, -0.5], [0.5, 0.1, 0.5]], [[0.5], [0.6], [0.5]], "relu")


def from_zero() -> tuple[Any, Numbers, Gradients]:
    return network(np.zeros((2, 3)), np.zeros((3, 1)), "tanh")


SUBJECTS = (
    pairs,
    signed,
    zeros,
    many_groups,
    single_precision,
    equal_in_pairs,
    opposite_neurons,
    dead_relu,
    from_zero,
)
NETWORKS = (equal_in_pairs, opposite_neurons, dead_relu, from_zero)


def history(start: Numbers, gradients: Gradients) -> list[Numbers]:
    """The gradients at the start and after each step of descent."""
    found, p = [], dict(start)
    for _ in range(STEPS):
        found.append(gradients(p))
        p = {n: x - type(x)(RATE) * found[-1][n] for n, x in p.items()}
    return found


def agree(one: float, other: float, tolerance: float) -> bool:
    return bool(abs(one - other) <= tolerance * max(abs(one), abs(other)))


def check_truth(marks: dict[str, str], steps: list[Numbers], tolerance: float, complete: bool = True) -> None:
    """A solid frame holds at every step; a dashed one holds now and, if the proof is complete, not later."""
    for name, mark in marks.items():
        if name in steps[0] and mark[1:-1] == "0":
            stays = all(g[name] == 0 for g in steps)
            assert steps[0][name] == 0 and (stays or not mark.startswith("["))
            assert stays is mark.startswith("[") or not complete, (name, mark)
    known = {name: mark for name, mark in marks.items() if name in steps[0] and mark[1:-1] != "0"}
    for (one, first), (other, second) in combinations(known.items(), 2):
        signs = -1 if (first[1] == "-") != (second[1] == "-") else 1
        letters = [m[1:-1].lstrip("-").rstrip("₀₁₂₃₄₅₆₇₈₉") for m in (first, second)]
        now = agree(steps[0][one], signs * steps[0][other], tolerance)
        assert now is (letters[0] == letters[1]), (one, first, other, second)
        if now:
            always = all(agree(g[one], signs * g[other], 1e3 * tolerance) for g in steps)
            tied = first.replace("-", "") == second.replace("-", "") and first.startswith("[")
            assert tied is always or (always and not complete), (one, first, other, second)


def written(drawing: Any, suffix: str, folder: Path) -> str:
    path = folder / f"picture{suffix}"
    drawing.save(path)
    return path.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("subject", "view"),
    [*((subject, "ops") for subject in SUBJECTS), *((subject, "neurons") for subject in NETWORKS)],
    ids=lambda x: getattr(x, "__name__", x),
)
def test_every_output_gives_each_value_the_same_mark_and_it_is_true(
    subject: Callable[[], tuple[Any, Numbers, Gradients]], view: str, tmp_path: Path
) -> None:
    given, start, gradients = subject()
    drawing = draw(*given, view=view)
    marks = read_marks.of_json(to_json(drawing.diagram))
    tolerance = TOLERANCE_SINGLE if subject is single_precision else TOLERANCE
    # A relu that is closed, or open, stays so here. The proof knows no such thing.
    check_truth(marks, history(start, gradients), tolerance, complete=subject is not dead_relu)
    tied = Counter((g.letter.lstrip("-"), tie) for g in drawing.diagram.groups for tie in g.ties if g.letter != "0")
    assert all(count > 1 for (_, tie), count in tied.items() if tie), "nothing is tied to itself alone"
    shown = {name: mark for name, mark in marks.items() if view == "neurons" or "[" not in name}
    for suffix, readers in read_marks.READERS.items():
        text = written(drawing, suffix, tmp_path)
        for reader in readers:
            found = reader(text)
            if reader is read_marks.legend_of_txt:
                assert found and all(marks[name] == mark for name, mark in found.items() if name in marks), suffix
            else:
                assert {n: m for n, m in found.items() if n in shown} == shown, (suffix, reader.__name__)
    cells = [mark for name, mark in marks.items() if "[" in name] if view == "ops" else []
    assert sorted(read_marks.cells_of_dot(written(drawing, ".dot", tmp_path))) == sorted(cells)


@pytest.mark.parametrize("subject", SUBJECTS, ids=lambda subject: subject.__name__)
def test_a_quotient_claims_no_more_than_the_whole(
    subject: Callable[[], tuple[Any, Numbers, Gradients]], tmp_path: Path
) -> None:
    given, start, gradients = subject()
    drawing = draw(*given, view="quotient")
    marks = read_marks.of_json(to_json(drawing.diagram))
    if subject not in NETWORKS:  # the quotient of a network is another network
        tolerance = TOLERANCE_SINGLE if subject is single_precision else TOLERANCE
        check_truth(marks, history(start, gradients), tolerance)
    merged = {node.name for node in drawing.diagram.nodes} | {
        row.name for n in drawing.diagram.nodes for row in n.rows
    }
    shown = {name: mark for name, mark in marks.items() if name in merged}
    for suffix, readers in read_marks.READERS.items():
        found = readers[0](written(drawing, suffix, tmp_path))
        assert {name: mark for name, mark in found.items() if name in shown} == shown, suffix


def test_the_marks_of_equal_pairs_are_two_ties_of_one_letter() -> None:
    """The network whose title says that four neurons act as two: its frames say which two."""
    marks = read_marks.of_json(to_json(draw(*equal_in_pairs()[0], view="neurons").diagram))
    assert marks["W1[0,0]"] == marks["W1[0,2]"] == "[A₁]" and marks["W1[0,1]"] == marks["W1[0,3]"] == "[A₂]"


@pytest.mark.parametrize("subject", NETWORKS, ids=lambda subject: subject.__name__)
def test_a_parameter_has_the_same_mark_and_colour_on_its_card_and_among_the_operations(
    subject: Callable[[], tuple[Any, Numbers, Gradients]],
) -> None:
    cards, ops = (draw(*subject()[0], view=view).diagram for view in ("neurons", "ops"))
    marks, others = (read_marks.of_json(to_json(d)) for d in (cards, ops))
    shared = marks.keys() & others.keys()
    assert {name: marks[name] for name in shared} == {name: others[name] for name in shared}
    assert sum(name.startswith("W1") for name in shared) >= 4 and any("z" in name for name in marks)
    looks, theirs = (styles(d.groups, LIGHT) for d in (cards, ops))
    letters = {g.letter for g in cards.groups if g.apart} & {g.letter for g in ops.groups if g.apart}
    assert letters and all(looks[name] == theirs[name] for name in letters)
