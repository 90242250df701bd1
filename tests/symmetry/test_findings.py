"""Findings: sentences on tensors, with evidence and a remedy that was tried; and why gradients are 0 now."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad import Value, nn
from minigrad.symmetry import TieFinding, ties
from minigrad.symmetry.slices import _sums, first_like, parts_of, parts_text, ranges_text, tensor_name

RNG = np.random.default_rng(11)
X, Y = RNG.normal(size=(6, 3)), RNG.normal(size=(6, 1))


def two_layers(p: Any, x: Any, y: Any) -> Any:
    return np.mean((np.tanh(x @ p["W"] + p["b"]) @ p["V"] - y) ** 2)


def said(f: Any, p: Any, *data: Any, **options: Any) -> list[str]:
    return [str(x) for x in ties(f, p, *data, **options).findings()]


def test_neurons_that_are_one_are_columns_and_whole_tensors() -> None:
    p = {"W": np.repeat(RNG.normal(size=(3, 1)), 4, axis=1), "b": np.zeros(4), "V": np.ones((4, 1))}
    found = ties(two_layers, p, X, Y).findings()
    assert found[0] == TieFinding(
        "tied",
        ("W",),
        (((None, 0), (None, 1), (None, 2), (None, 3)),),
        "proved",
        "random start",
        "W: columns 0 to 3 are one for ever",
    )
    assert [str(x) for x in found[1:]] == [
        "b: all 4 entries are one for ever",
        "V: all 4 entries are one for ever",
    ]


def test_channels_of_a_convolution_are_one() -> None:
    def f(p: Any, x: Any, y: Any) -> Any:
        hidden = np.sum(np.tanh(mg.conv1d(x, p["conv1"]["weight"])), axis=2)
        return np.mean((hidden @ p["fc"] - y) ** 2)

    one = RNG.normal(size=(1, 2, 3))
    p = {"conv1": {"weight": np.concatenate([np.repeat(one, 16, axis=0), 2 * one])}, "fc": np.ones((17, 1))}
    assert "conv1.weight: channels 0 to 15 are one for ever" in said(f, p, RNG.normal(size=(4, 2, 6)), Y[:4])


def test_many_classes_of_rows_have_one_finding() -> None:
    rows = np.tile(np.arange(1.0, 9.0), 2)[:, None]
    found = said(lambda w, x: np.sum(np.sin(w) ** 2 * 3), rows, X)
    assert found == ["params: rows 0 to 15 are 8 for ever, such as rows 0 and 8"]


def test_ties_that_span_tensors_are_said_to_need_one_rule_for_all() -> None:
    """A feature that is always 1 makes a weight do what the bias does."""
    x = np.column_stack([X, np.ones(6)])
    p = {"W": RNG.normal(size=(4, 2)), "b": np.zeros(2), "V": RNG.normal(size=(2, 1))}
    p["W"][3] = p["b"] = np.array([0.25, 0.5])
    (finding,) = ties(two_layers, p, x, Y).findings()
    assert finding.sentence == (
        "W and b: 2 groups of entries are one each for ever, such as W[3,0] and b[0]; a rule for one of these "
        "tensors alone, such as weight decay on weights only, parts them"
    )
    assert finding.indices == (((3, 0), (3, 1)), ((0,), (1,))) and finding.tensors == ("W", "b")


def test_what_the_loss_does_not_depend_on_shrinks_under_weight_decay() -> None:
    found = ties(lambda p: p["a"] ** 2 + 0.0, {"a": 1.0, "fc2": {"bias": np.ones(2)}, "z": np.zeros(2)}).findings()
    assert [str(x) for x in found] == [
        "fc2.bias never moves, because the loss does not depend on it; weight decay would only shrink it",
        "z never moves, because the loss does not depend on it",
    ]
    assert {(x.kind, x.evidence, x.remedy) for x in found} == {("frozen", "proved", None)}


def lora(p: Any, x: Any, y: Any) -> Any:
    return np.mean((x @ p["W"] + x @ p["lora_A"] @ p["lora_B"] - y) ** 2)


def test_two_factors_of_zeros_keep_each_other_at_zero() -> None:
    p = {"W": RNG.normal(size=(3, 1)), "lora_A": np.zeros((3, 3)), "lora_B": np.zeros((3, 1))}
    (finding,) = ties(lora, p, X, Y).findings()
    assert finding.sentence == "lora_A and lora_B: all 12 never move, because both are 0; nudge one"
    assert (finding.kind, finding.remedy, finding.indices) == ("frozen", "nudge lora_A", (((),), ((),)))


def test_two_pairs_of_factors_are_two_findings() -> None:
    zeros = {"A": np.zeros((3, 2)), "B": np.zeros((2, 1)), "C": np.zeros((3, 2)), "D": np.zeros((2, 1))}

    def f(p: Any, x: Any, y: Any) -> Any:
        return np.mean((x @ p["W"] + x @ p["A"] @ p["B"] + np.sin(x) @ p["C"] @ p["D"] - y) ** 2)

    found = said(f, zeros | {"W": RNG.normal(size=(3, 1))}, X, Y)
    assert found == [
        "A and B: all 8 never move, because both are 0; nudge one",
        "C and D: all 8 never move, because both are 0; nudge one",
    ]


def test_a_network_of_zeros_needs_another_start() -> None:
    (finding,) = ties(nn.MLP((2, 4, 4, 1), init="zeros"), X[:, :2], Y).findings()
    assert finding.sentence == (
        "W1, b1, W2, b2 and W3: all 36 never move, because all of them are 0; a random start gives them gradients"
    )
    assert finding.remedy == "random start"


def test_a_zero_that_is_not_the_reason_is_not_called_one() -> None:
    """u - u is 0 for ever, whatever u is: a random start does not help."""
    (finding,) = ties(lambda p: p["a"] ** 2 + p["u"] - p["u"], {"a": 1.0, "u": 0.0}).findings()
    assert (finding.sentence, finding.remedy) == ("u never moves", None)


def test_a_zero_initialised_block_moves_after_a_step() -> None:
    p = {"W": RNG.normal(size=(3, 1)), "lora_A": RNG.normal(size=(3, 3)), "lora_B": np.zeros((3, 1))}
    (finding,) = ties(lora, p, X, Y).findings()
    assert finding.sentence == "lora_A has gradient 0 now, because lora_B is 0; it will move after a step"
    assert (finding.kind, finding.evidence, finding.remedy) == ("zero gradient now", "observed", "steps of descent")


def dead(p: Any, x: Any, y: Any) -> Any:
    return np.mean((mg.relu(x @ p["w"]) @ p["v"] + p["b"] - y) ** 2)


def test_dead_relus_have_a_reason_and_no_step_helps() -> None:
    x, y = np.abs(X[:, :2]), np.ones((6, 1))
    p = {"w": np.array([[-0.03], [-0.01]]), "v": np.array([[0.04]]), "b": np.zeros(1)}
    found = ties(dead, p, x, y).findings()
    assert [(x.kind, str(x)) for x in found] == [
        ("dead now", "w has gradient 0 now, because relu has slope 0 there"),
        ("dead now", "v has gradient 0 now, because relu gives 0 there"),
    ]
    assert {x.remedy for x in found} == {"random start"}


def test_each_column_has_its_own_reason() -> None:
    """Neuron 0 is dead, neuron 1 has no outgoing weight, neuron 2 is well."""
    p = {
        "w": np.array([[-1.0, 1.0, 1.0], [-2.0, 2.0, 3.0]]),
        "v": np.array([[1.0], [0.0], [1.0]]),
        "b": np.zeros(1),
    }
    found = ties(dead, p, np.abs(X[:, :2]), np.ones((6, 1))).findings()
    assert [str(x) for x in found] == [
        "w: column 0 has gradient 0 now, because relu has slope 0 there",
        "w: column 1 has gradient 0 now, because v is 0; it will move after a step",
        "v: row 0 has gradient 0 now, because relu gives 0 there",
    ]


def test_a_saturated_unit_has_gradients_that_vanish() -> None:
    p = {"W": RNG.normal(size=(3, 3)) * [1, 500, 1], "b": np.zeros(3), "V": RNG.normal(size=(3, 1))}
    (finding,) = ties(two_layers, p, X, Y).findings()
    assert finding.kind == "vanishing now" and finding.indices == (((None, 1),), ((1,),))
    assert finding.sentence.startswith("W: column 1 and b[1]: gradients vanish now, at most ")
    assert finding.sentence.endswith(", because tanh is nearly flat there")


def test_paths_that_cancel_are_counted() -> None:
    def f(p: Any, x: Any, y: Any) -> Any:
        return mg.cross_entropy(np.tanh(x @ p["W"]) @ p["V"], y)

    p = {"W": RNG.normal(size=(3, 4)), "V": np.full((4, 3), 0.7)}
    found = said(f, p, X[:5], np.array([0, 1, 2, 1, 0]))
    assert found == ["W has gradient 0 now, because the 15 paths to each entry cancel; it will move after a step"]


def test_opposite_neurons_are_opposite_columns_and_rows() -> None:
    w, v = RNG.normal(size=(3, 1)), RNG.normal(size=(1, 1))
    p = {"W": np.hstack([w, -w]), "b": np.array([0.5, -0.5]), "V": np.vstack([v, -v])}
    found = ties(two_layers, p, X, Y).findings()
    assert [(x.kind, x.evidence, x.remedy, str(x)) for x in found] == [
        ("opposite", "proved", "random start", "W: column 0 is minus column 1 for ever"),
        ("opposite", "proved", "random start", "b: entry 0 is minus entry 1 for ever"),
        ("opposite", "proved", "random start", "V: row 0 is minus row 1 for ever"),
    ]
    assert found[0].indices == (((None, 0), (None, 1)),)


def test_equal_and_opposite_neurons_are_both_said() -> None:
    w, v = RNG.normal(size=(3, 1)), RNG.normal(size=(1, 1))
    p = {"W": np.hstack([w, w, -w]), "b": np.zeros(3), "V": np.vstack([v, v, -v])}
    found = said(two_layers, p, X, Y)
    assert found[0] == "W: columns 0 and 1 are one for ever"
    assert "W: column 0 is minus column 2 for ever" in found and "V: row 0 is minus row 2 for ever" in found
    assert sum("W" in text for text in found) == 2


def test_many_opposite_pairs_have_one_finding() -> None:
    half = RNG.normal(size=6)
    assert said(lambda w: np.sum(w**2), np.concatenate([half, -half])) == [
        "params: entries 0 to 11 are 6 opposite pairs for ever, such as entry 0 and entry 6"
    ]


def test_opposite_entries_of_two_tensors() -> None:
    found = ties(lambda p: np.sum(p["u"] ** 2) + np.sum(p["v"] ** 2), {"u": 2.0, "v": np.array([-2.0, 1.0])})
    (finding,) = found.findings()
    assert str(finding) == "u is minus v[0] for ever" and finding.indices == (((),), ((0,),))
    assert finding.remedy == "random start"
    (always,) = ties(lambda p: p["u"] - p["v"], {"u": 2.0, "v": -2.0}).findings()
    assert str(always) == "u is minus v for ever" and always.remedy is None  # their gradients are 1 and -1 anywhere


def test_a_slice_that_never_moves_is_not_called_tied() -> None:
    """Rows of zeros and rows of frozen numbers: one where they are equal, not where they differ."""
    p = {"W": np.array([[0.0, 0.0], [3.0, 4.0], [3.0, 4.0]]), "a": 1.0}
    found = said(lambda p: p["a"] ** 2 + 0 * np.sum(p["W"]), p)
    assert [text.partition(";")[0] for text in found] == ["W never moves"]


def test_findings_of_a_probe_say_so() -> None:
    def f(w: Any) -> Any:
        return np.linalg.det(np.stack([np.stack([w[0], 2.0 * w[2]]), np.stack([w[2], w[1]])]))

    (finding,) = ties(f, np.array([3.0, 3.0, 1.0])).findings()
    assert finding.sentence == "params: entries 0 and 1 are one for ever (probed, not proved)"
    assert finding.evidence == "probed"


def test_a_graph_that_cannot_be_computed_again_has_findings_without_remedies() -> None:
    u, v, w = Value(1.0, name="u"), Value(1.0, name="v"), Value(2.0, name="w")
    found = ties(w * (w > 0) + u * 3 + v * 3 + 0.0 * Value(1.0, name="z")).findings()
    assert ("u and v are one for ever; a rule for one of these tensors alone", None) in [
        (str(x).partition(", such")[0], x.remedy) for x in found
    ]


def test_no_ties_no_findings_and_json() -> None:
    net = nn.MLP((3, 4, 1), init="normal", seed=0)
    assert ties(net, X, Y).findings() == []
    found = ties(nn.MLP((3, 4, 1), init=0.5), X, Y).findings()
    again = json.loads(json.dumps([x.as_dict() for x in found]))
    assert again[0]["tensors"] == ["W1"] and set(again[0]) == set(TieFinding.__dataclass_fields__)


def test_slices_with_equal_sums_are_not_alike() -> None:
    rows = np.array([[1, 2], [2, 1], [1, 2], [3, 0]])
    assert first_like(rows, rows).tolist() == [0, 1, 0, 3]
    assert first_like(rows, -rows).tolist() == [-1] * 4
    weights = np.random.default_rng(0).integers(1, 2**63, size=2, dtype=np.uint64) | np.uint64(1)
    rows = np.diag(weights[::-1]).astype(np.int64)  # both have the sum w0 w1
    assert _sums(rows)[0] == _sums(rows)[1] and first_like(rows[1:], rows[:1]).tolist() == [-1]


def test_words_for_parts() -> None:
    mask = np.zeros((3, 4), dtype=bool)
    mask[:, [0, 1, 2]] = True
    assert parts_text("W", parts_of(mask)) == "W: columns 0 to 2"
    assert parts_text("W", parts_of(mask.T)) == "W: rows 0 to 2"
    mask[0, 0] = False
    assert parts_text("W", parts_of(mask)) == "W[0,1], W[0,2], W[1,0], W[1,1] and 4 more"
    assert parts_text("k", ((1, None, None), (3, None, None))) == "k: channels 1 and 3"
    assert ranges_text([0, 1, 2, 5, 6, 8, 9, 10]) == "0 to 2, 5, 6 and 8 to 10"


@pytest.mark.parametrize(
    ("path", "name"),
    [("['conv1']['weight']", "conv1.weight"), ("", "params"), ("[0]['a']", "[0].a"), ("W1", "W1")],
)
def test_names_of_tensors(path: str, name: str) -> None:
    assert tensor_name(path) == name


def test_rounding_gives_nothing_a_gradient_in_findings_as_in_remedies() -> None:
    """sin² + cos² is 1 but for a rounding, which is not what a random start gives."""

    def f(p: Any) -> Any:
        return np.sum(p["u"] * (np.sin(p["v"]) ** 2 + np.cos(p["v"]) ** 2 - 1)) * 1e6 + np.sum(p["w"])

    found = ties(f, {"u": np.ones(3), "v": np.full(3, 0.3), "w": np.ones(1)})
    assert [finding.remedy for finding in found.findings() if finding.tensors == ("v",)] == [None]
    assert not found.remedies()["random start"].frees


def test_a_parameter_that_is_one_number_without_a_gradient_has_a_reason() -> None:
    def f(p: Any) -> Any:
        return mg.relu(p["a"]) * p["b"] + p["c"] * p["d"] + (p["e"] - 1) ** 2

    found = ties(f, {"a": -1.0, "b": 2.0, "c": 0.0, "d": 3.0, "e": 1.0}).findings()
    assert {(finding.tensors, finding.indices) for finding in found} == {((name,), (((),),)) for name in "abde"}
    assert "because relu has slope 0 there" in str(found[0])
