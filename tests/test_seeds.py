"""The networks and numbers of the threads that the project grew out of: tests by the name of each.

Numbers are typed as the threads give them; to 2e-7 where no other tolerance is named.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import subprocess
import sys
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minigrad
from minigrad import SymmetryTracker, Value, decision_boundary, explain, nn, quotient, ties
from minigrad.engine.value import graph, sweep

TOLERANCE = 2e-7
NAMES = ("w1", "w2", "w3", "w4", "w5", "w6")
TWINS = (("w1", "w3"), ("w2", "w4"), ("w5", "w6"))
FIRST = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6)
TIED = (0.2, 0.4, 0.2, 0.4, 0.6, 0.6)


def close(computed: Any, expected: Any, tolerance: float = TOLERANCE) -> None:
    np.testing.assert_allclose(computed, expected, rtol=0, atol=tolerance)


# Two neurons: every number a value with a name.


def named(value: Value, name: str) -> Value:
    value.name = name
    return value


def two_neurons(weights: Sequence[float]) -> dict[str, Value]:
    """2 inputs, 2 sigmoid neurons, 1 sigmoid output, no biases; all values by name."""
    v = {name: Value(w, name=name) for name, w in zip(NAMES, weights, strict=True)}
    v |= {"x1": Value(1.0, name="x1"), "x2": Value(2.0, name="x2"), "y": Value(1.0, name="y")}
    v["z1"] = named(v["w1"] * v["x1"] + v["w2"] * v["x2"], "z1")
    v["z2"] = named(v["w3"] * v["x1"] + v["w4"] * v["x2"], "z2")
    v["a1"], v["a2"] = named(v["z1"].sigmoid(), "a1"), named(v["z2"].sigmoid(), "a2")
    v["z3"] = named(v["w5"] * v["a1"] + v["w6"] * v["a2"], "z3")
    v["a3"] = named(v["z3"].sigmoid(), "a3")
    v["J"] = named(-v["y"] * np.log(v["a3"]) - (1 - v["y"]) * np.log(1 - v["a3"]), "J")
    v["J"].backward()
    return v


def step(weights: Sequence[float], rate: float = 0.5) -> list[float]:
    """One step of gradient descent, one weight at a time."""
    v = two_neurons(weights)
    return [float(v[name].data - rate * v[name].grad) for name in NAMES]


def after(weights: Sequence[float], steps: int) -> dict[str, float]:
    for _ in range(steps):
        weights = step(weights)
    return dict(zip(NAMES, weights, strict=True))


def slope(y: Value, x: Value) -> float:
    """dy/dx."""
    return float(next(g for node, g in sweep(y, np.float64(1)) if node is x))


def letters(y: Value) -> dict[str, str | None]:
    """The letter at each named value in the picture; values that share one have equal gradients."""
    return {node.name: node.group for node in minigrad.draw(y).diagram.nodes if node.name}


FORWARD = ("z1", "z2", "a1", "a2", "z3", "a3", "J")


def test_two_neurons() -> None:
    v = two_neurons(FIRST)
    close(
        [v[name].item() for name in FORWARD],
        [0.5, 1.1, 0.6224593, 0.7502601, 0.7613857, 0.6816545, 0.3832323],
    )
    close(v["a3"].grad, -1.4670188)
    close(
        [v[name].grad for name in NAMES],
        [-0.0374062, -0.0748124, -0.0357890, -0.0715780, -0.1981571, -0.2388419],
    )


def test_two_neurons_chain_rule_of_dw1_and_which_factors_differ() -> None:
    v = two_neurons(FIRST)
    via_1 = [slope(v[a], v[b]) for a, b in (("J", "a3"), ("a3", "z3"), ("z3", "a1"), ("a1", "z1"), ("z1", "w1"))]
    via_2 = [slope(v[a], v[b]) for a, b in (("J", "a3"), ("a3", "z3"), ("z3", "a2"), ("a2", "z2"), ("z2", "w3"))]
    close(via_1[0], -1.4670188)
    assert via_1[2] == v["w5"].item() and via_2[2] == v["w6"].item()
    assert via_1[4] == via_2[4] == v["x1"].item()
    assert [a == b for a, b in zip(via_1, via_2, strict=True)] == [True, True, False, False, True]
    assert np.prod(via_1) == pytest.approx(v["w1"].grad, rel=1e-14)
    assert np.prod(via_2) == pytest.approx(v["w3"].grad, rel=1e-14)


def test_two_neurons_w1_and_w2_differ_as_x1_and_x2_do() -> None:
    v = two_neurons(FIRST)
    assert slope(v["z1"], v["w1"]) == 1.0 and slope(v["z1"], v["w2"]) == 2.0
    assert v["w2"].grad == pytest.approx(2 * v["w1"].grad, rel=1e-15)


def test_two_neurons_are_two_groups_in_the_picture() -> None:
    group = letters(two_neurons(FIRST)["J"])
    for a, b in (*TWINS, ("z1", "z2"), ("a1", "a2")):
        assert group[a] is None or group[a] != group[b]


def test_two_neurons_tied() -> None:
    v = two_neurons(TIED)
    close(
        [v[name].item() for name in FORWARD],
        [1, 1, 0.7310586, 0.7310586, 0.8772703, 0.7062562, 0.3477772],
    )
    close(v["a3"].grad, -1.4159167)
    close(
        [v[name].grad for name in NAMES],
        [-0.0346521, -0.0693042, -0.0346521, -0.0693042, -0.2147439, -0.2147439],
    )


def test_two_neurons_tied_are_one_group_in_the_picture() -> None:
    group = letters(two_neurons(TIED)["J"])
    for a, b in (*TWINS, ("z1", "z2"), ("a1", "a2")):
        assert group[a] is not None and group[a] == group[b]
    assert len({group["w1"], group["w2"], group["w5"]}) == 3


def test_two_neurons_tied_stay_tied_to_the_last_bit_at_every_step() -> None:
    weights: Sequence[float] = TIED
    for _ in range(1000):
        weights = step(weights)
        assert weights[0] == weights[2] and weights[1] == weights[3] and weights[4] == weights[5]
    assert abs(weights[0] - TIED[0]) > 0.1, "it did learn"


def test_two_neurons_tied_the_same_in_the_network_of_nn() -> None:
    tied = {"W1": [[0.2, 0.2], [0.4, 0.4]], "W2": [[0.6], [0.6]]}
    net = nn.MLP((2, 2, 1), "sigmoid", "sigmoid", init=tied, bias=False, per_neuron=True)
    optimiser = nn.optim.SGD(net.parameters(), 0.5)
    for _ in range(200):
        net.zero_grad()
        nn.binary_cross_entropy(net([1.0, 2.0]), [1.0]).backward()
        optimiser.step()
        W1, W2 = net.state().values()
        assert W1[0, 0] == W1[0, 1] and W1[1, 0] == W1[1, 1] and W2[0, 0] == W2[1, 0]
    close(list(after(TIED, 200).values()), [*W1.T.ravel(), *W2.ravel()], 1e-12)


@pytest.mark.parametrize("changed", range(6))
def test_two_neurons_tied_changing_any_one_of_the_six_unties_them(changed: int) -> None:
    weights = [w + 0.01 * (i == changed) for i, w in enumerate(TIED)]
    w = after(weights, 100)
    assert all(abs(w[a] - w[b]) > 1e-4 for a, b in TWINS)


def test_two_neurons_equal_output_weights_alone_tie_nothing() -> None:
    weights = (0.1, 0.2, 0.3, 0.4, 0.6, 0.6)
    v = two_neurons(weights)
    assert abs(v["w5"].grad - v["w6"].grad) > 1e-3
    w = after(weights, 100)
    assert all(abs(w[a] - w[b]) > 1e-3 for a, b in TWINS)


def test_hidden_needs_no_target() -> None:
    v = two_neurons(FIRST)
    for hidden in ("z1", "z2", "a1", "a2", "z3", "a3"):
        assert not any(node is v["y"] for node in graph(v[hidden])), "the target plays no part in any activation"
        assert v[hidden].grad != 0, "and yet the loss reaches it"
    picture = minigrad.draw(v["J"]).diagram
    name = {node.id: node.name for node in picture.nodes}
    below_a3 = {node.serial for node in graph(v["a3"])}
    serials = [node.serial for node in graph(v["J"])]
    fed_by_y = {edge.head for edge in picture.edges if name[edge.tail] == "y"}
    assert len(fed_by_y) == 2, "-y and 1 - y"
    assert not any(serials[int(head[1:])] in below_a3 for head in fed_by_y), (
        "the picture shows y beside the loss only"
    )


# Starts.


@pytest.mark.parametrize("start", [0, 1, -0.5, 3])
def test_logistic_from_zero(start: float) -> None:
    x = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [2.0, 1.0], [3.0, -1.0]])
    y = np.array([[0.0], [0.0], [1.0], [1.0], [1.0]])
    net = nn.MLP((2, 1), output="sigmoid", init=start)
    before = nn.binary_cross_entropy(net(x), y).item()
    optimiser = nn.optim.SGD(net.parameters(), 0.5)
    for _ in range(500):
        net.zero_grad()
        nn.binary_cross_entropy(net(x), y).backward()
        optimiser.step()
    assert nn.binary_cross_entropy(net(x), y).item() < before / 10
    assert ((net(x).data > 0.5) == y).all()
    w1, w2 = net.state()["W1"].ravel()
    assert abs(w1 - w2) > 1, "the weights part, because the inputs differ"


def trained(seed: Any, steps: int = 50) -> dict[str, Any]:
    net = nn.MLP((2, 3, 3, 2), "sigmoid", "sigmoid", init="normal", seed=seed)
    optimiser = nn.optim.SGD(net.parameters(), 0.5)
    for _ in range(steps):
        net.zero_grad()
        nn.squared_error(net(ONES_X), ONES_Y).backward()
        optimiser.step()
    return net.state()


def fingerprint(state: dict[str, Any]) -> str:
    return hashlib.sha256(b"".join(array.tobytes() for array in state.values())).hexdigest()


def test_seeded() -> None:
    assert fingerprint(trained(1)) == fingerprint(trained(1)) == fingerprint(trained(np.random.default_rng(1)))
    for a, b in zip(trained(1).values(), trained(2).values(), strict=True):
        assert np.abs(a - b).max() > 1e-3


def test_seeded_in_every_run_of_the_interpreter() -> None:
    code = "from tests_seeds import *; print(fingerprint(trained(1)))"
    loader = (
        "import importlib.util, sys; "
        f"spec = importlib.util.spec_from_file_location('tests_seeds', {str(Path(__file__))!r}); "
        "module = importlib.util.module_from_spec(spec); sys.modules['tests_seeds'] = module; "
        "spec.loader.exec_module(module); "
    )
    root = str(Path(minigrad.__file__).parents[1])
    runs = {
        subprocess.run(
            [sys.executable, "-c", loader + code],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": root},  # on the same kernels
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for seed in ("1", "2")
    }
    assert runs == {fingerprint(trained(1))}


def test_deterministic_two_runs_give_the_same_bits() -> None:
    assert after(FIRST, 200) == after(FIRST, 200)


def test_deterministic_all_weights_step_at_once() -> None:
    net = nn.MLP((2, 3, 3, 2), "sigmoid", "sigmoid", init="normal", seed=4)
    nn.squared_error(net(ONES_X), ONES_Y).backward()
    expected = [p.data - 0.5 * p.grad for p in net.parameters()]
    nn.optim.SGD(reversed(net.parameters()), 0.5).step()
    for p, value in zip(net.parameters(), expected, strict=True):
        assert np.array_equal(p.data, value), "no weight saw another one's step, whatever the order"


def test_deterministic_the_initial_values_alone_decide_which_neuron_is_which() -> None:
    """The two neurons start in each other's place, and end there."""
    swapped = (0.3, 0.4, 0.1, 0.2, 0.6, 0.5)
    w, s = after(FIRST, 200), after(swapped, 200)
    assert [s[b] for _, b in TWINS] == [w[a] for a, _ in TWINS]
    assert [s[a] for a, _ in TWINS] == [w[b] for _, b in TWINS]


@pytest.mark.parametrize("function", ["sigmoid", "tanh", "relu"])
def test_vectorised(function: str) -> None:
    x = np.array([[0.5, -1.0, 2.0], [0.25, 0.75, -0.5]])
    targets = np.array([[1.0, 0.0], [0.0, 1.0]])
    layers = nn.MLP((3, 4, 2), function, "sigmoid", init="normal", seed=11)
    neurons = nn.MLP((3, 4, 2), function, "sigmoid", init=layers.state(), per_neuron=True)
    g: Any = {"sigmoid": lambda z: 1 / (1 + np.exp(-z)), "tanh": np.tanh, "relu": lambda z: np.maximum(z, 0)}[
        function
    ]
    p = layers.state()
    by_hand = g(x @ p["W1"] + p["b1"])
    a1 = next(v for v in graph(layers(x)) if v.name == "a1")
    one_by_one = {v.name: v.item() for row in neurons(x) for out in row for v in graph(out) if v.name}
    close(a1.data, by_hand, 1e-14)
    close([[one_by_one[f"a1[{k},{j}]"] for j in range(4)] for k in range(2)], by_hand, 1e-14)

    nn.squared_error(layers(x), targets).backward()
    nn.squared_error(neurons(x), targets).backward()
    per_neuron = {name: p.grad for name, p in neurons.named_parameters()}
    for name, tensor in layers.named_parameters():
        for index in np.ndindex(tensor.shape):
            scalar = f"{name.lower()}[{','.join(map(str, index))}]"
            close(per_neuron[scalar], tensor.grad[index], 1e-14)


# 3-4-2 through softmax, drawn neuron by neuron.

EQUAL = {"W1": 0.5, "b1": 0.1, "W2": [[0.3, -0.2]] * 4, "b2": 0.0}


def classic(function: str, init: Any, seed: int | None = None) -> Value:
    """The cross-entropy of one sample of class 0; both outputs have a part in it."""
    net = nn.MLP((3, 4, 2), function, "softmax", init=init, seed=seed, per_neuron=True)
    a = net([1.0, 0.5, 2.0])
    return named(-(1.0 * np.log(a[0]) + 0.0 * np.log(a[1])), "J")


@pytest.mark.parametrize("function", ["relu", "sigmoid"])
def test_classic_3_4_2_equal_weights_the_four_are_one(function: str) -> None:
    group = letters(classic(function, EQUAL))
    for kind in ("z1[{}]", "a1[{}]", "w1[0,{}]", "w1[1,{}]", "w1[2,{}]", "b1[{}]", "w2[{},0]", "w2[{},1]"):
        shared = {group[kind.format(j)] for j in range(4)}
        assert len(shared) == 1 and None not in shared, kind
    assert group["w2[0,0]"] != group["w2[0,1]"], "the two outputs have different targets"


@pytest.mark.parametrize("function", ["relu", "sigmoid"])
def test_classic_3_4_2_random_weights_four(function: str) -> None:
    J = classic(function, lambda shape, rng: rng.uniform(0.1, 1, shape), seed=3)  # positive: every relu is alive
    gradient = {node.name: g for node, g in sweep(J, np.float64(1))}
    group = letters(J)
    for kind in ("z1[{}]", "a1[{}]", "w1[0,{}]", "b1[{}]", "w2[{},0]"):
        for i, j in combinations(range(4), 2):
            assert gradient[kind.format(i)] != gradient[kind.format(j)]
            assert group[kind.format(i)] is None or group[kind.format(i)] != group[kind.format(j)]


@pytest.mark.parametrize("function", ["relu", "sigmoid"])
def test_classic_3_4_2_drawn(function: str, tmp_path: Path) -> None:
    J = classic(function, "normal", seed=3)
    picture = minigrad.draw(J).diagram
    shown = {node.name for node in picture.nodes if node.name}
    expected = {f"x[{i}]" for i in range(3)} | {f"a1[{j}]" for j in range(4)} | {"a2[0]", "a2[1]"}
    assert expected <= shown
    assert sum(node.operation == function for node in picture.nodes) == 4
    assert sum(node.operation.startswith("softmax") for node in picture.nodes) == 1
    path = tmp_path / "classic.dot"
    minigrad.draw(J).save(path)
    assert "a1[3]" in path.read_text(encoding="utf-8")


# Luck against gradients.


def random_search() -> Any:
    path = Path(__file__).parents[1] / "demos" / "random_search.py"
    spec = importlib.util.spec_from_file_location("random_search", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_random_search_the_printed_weights() -> None:
    x = np.array([[8, 5], [7, 5], [8, 4], [8, 1], [4, 3], [5, 2], [4, 2]]) / 8
    y = np.array([100, 90, 88, 60, 50, 45, 40]).reshape(7, 1) / 100
    W1 = [[-0.13787113, -1.30913914, 0.64624687], [-1.76733779, 0.77449265, 1.61122177]]
    w2 = [[-1.42489674], [-1.94360005], [2.56365303]]
    net = nn.MLP((2, 3, 1), "sigmoid", "sigmoid", init=[W1, w2], bias=False)
    close(nn.squared_error(net(x), y).item(), 0.1906347)
    close(net(np.array([[8, 4], [7, 1], [3, 3]]) / 8).data.ravel(), [0.7589595, 0.6579798, 0.6109259])


@pytest.mark.parametrize(("lr", "seed"), [(0.3, 0), (0.5, 1), (1.0, 2)])
def test_random_search_loses_to_gradient_descent_with_a_hundredth_of_its_evaluations(lr: float, seed: int) -> None:
    demo = random_search()
    found = demo.error(demo.search(100_000, seed))
    assert 0.15 < found < 0.2
    descended = demo.error(demo.descend(999, lr, seed))
    assert descended < 0.05 < found
    assert 999 < 0.01 * 100_000


def test_random_search_prints_both_side_by_side(capsys: pytest.CaptureFixture[str]) -> None:
    random_search().main(draws=500, steps=3)
    head, *rows = capsys.readouterr().out.splitlines()
    assert "evaluations" in head and "error" in head and "predictions" in head
    assert len(rows) == 1 + 3 + 15
    assert "100,000   0.1906347   0.7589595  0.6579798  0.6109259" in rows[0]
    assert all("500" in row for row in rows[1:4]) and all(row.startswith("gradient, rate") for row in rows[4:])


# All ones.

ONES_X, ONES_Y = np.array([[0.8, 0.4], [0.3, 0.3]]), np.array([[0.2, 0.4], [1.0, 0.0]])


def all_ones(**options: Any) -> nn.MLP:
    return nn.MLP((2, 3, 3, 2), "sigmoid", "sigmoid", **({"init": 1} | options))


def descend(net: nn.MLP, steps: int) -> nn.MLP:
    optimiser = nn.optim.SGD(net.parameters(), 0.5)
    for _ in range(steps):
        net.zero_grad()
        nn.squared_error(net(ONES_X), ONES_Y).backward()
        optimiser.step()
    return net


def columns(*values: float, n: int) -> Any:
    """The same column n times."""
    return np.repeat(np.array(values)[:, None], n, axis=1)


def test_all_ones_forwards() -> None:
    value = {v.name: v.data for v in graph(all_ones()(ONES_X)) if v.name}
    close(value["z1"], columns(2.2, 1.6, n=3))
    close(value["a1"], columns(0.9002495, 0.8320184, n=3))
    close(value["a2"], columns(0.9758906, 0.9705753, n=3))
    close(value["a3"], columns(0.9806908, 0.9803864, n=2))


def test_all_ones_backwards() -> None:
    C = nn.squared_error(all_ones()(ONES_X), ONES_Y)
    C.backward()
    v = {v.name: v for v in graph(C) if v.name}
    close(v["a3"].grad, [[1.5613816, 1.1613816], [-0.0392272, 1.9607728]])
    local = next(g for node, g in sweep(v["a3"], np.ones((2, 2))) if node is v["z3"])
    close(local, [[0.01893635, 0.01893635], [0.01922891, 0.01922891]], 1e-7)
    close(v["z3"].grad, [[0.02956687, 0.02199233], [-0.0007543, 0.03770352]])
    close(v["b3"].grad, [0.0288126, 0.0596958])
    close(v["W3"].grad, [[0.028122, 0.0580562]] * 3)


def test_all_ones_after_1000_steps_is_on_a_plateau() -> None:
    net = descend(all_ones(), 1000)
    close(net(ONES_X).data, [[0.5992708, 0.1997655], [0.5993174, 0.2004307]], 1e-6)
    other = all_ones()
    optimiser = nn.optim.SGD(other.parameters(), 0.49)
    for _ in range(1000):
        other.zero_grad()
        nn.squared_error(other(ONES_X), ONES_Y).backward()
        optimiser.step()
    difference = np.abs(other(ONES_X).data - [[0.5992708, 0.1997655], [0.5993174, 0.2004307]]).max()
    assert difference > 1e-6, "the rate is 0.5: 0.49 does not reproduce the thread"


def test_all_ones_after_10_000_steps_reaches_the_targets_still_tied() -> None:
    net = descend(all_ones(), 10_000)
    close(net(ONES_X).data, [[0.2003056, 0.3995875], [0.9888525, 0.0147637]])
    numbers = np.sort(np.concatenate([array.ravel() for array in net.state().values()]))
    assert numbers.size == 29
    assert 1 + np.count_nonzero(np.diff(numbers) > 1e-9) == 9, "29 parameters move as 9"
    for k in (1, 2):
        p = net.state()
        neurons = np.vstack([p[f"W{k}"], p[f"b{k}"], p[f"W{k + 1}"].T])
        assert np.ptp(neurons, axis=1).max() < 1e-9, "3 and 3 hidden neurons move as 1 and 1"


def test_all_ones_one_weight_at_a_time_stays_tied_to_the_last_bit() -> None:
    net = descend(all_ones(per_neuron=True), 200)
    assert len({p.data.tobytes() for p in net.parameters()}) == 9
    tensor = descend(all_ones(), 200)
    for a, b in zip(net.state().values(), tensor.state().values(), strict=True):
        close(a, b, 1e-12)


def test_all_ones_a_random_start_reaches_the_targets_untied() -> None:
    net = descend(all_ones(init="normal", seed=0), 10_000)
    close(net(ONES_X).data, [[0.2002, 0.3998], [0.993, 0.008]], 0.003)
    numbers = np.sort(np.concatenate([array.ravel() for array in net.state().values()]))
    assert np.diff(numbers).min() > 1e-6, "29 parameters move as 29"


# Who moves as one, and why.


def test_two_neurons_the_tool_names_the_factors_that_differ() -> None:
    v = two_neurons(FIRST)
    assert explain(v["J"], v["w1"], v["w3"]).sentence == "dJ/dw1 ≠ dJ/dw3 because w5 ≠ w6 and a1 ≠ a2"
    assert explain(v["J"], v["w1"], v["w2"]).sentence == "dJ/dw1 ≠ dJ/dw2 because x1 ≠ x2"
    factors = explain(v["J"], v["w1"]).groups[0].pairs[0].first.factors
    assert [(f.upper, f.lower) for f in factors] == [
        *(("J", "a3"), ("a3", "z3"), ("z3", "a1"), ("a1", "z1"), ("z1", "w1"))
    ]
    assert [f.words for f in factors[2::2]] == ["w5", "x1"]


def test_two_neurons_tied_is_proved_and_any_one_of_the_six_unties_them() -> None:
    v = two_neurons(TIED)
    assert explain(v["J"], v["w1"], v["w3"]).sentence == (
        "dJ/dw1 and dJ/dw3 are equal and stay equal: all their factors match (proved)"
    )
    for changed in range(7):
        weights = [w + 0.01 * (i == changed) for i, w in enumerate(TIED)]
        found = ties(tied_loss, weights, 1.0, 2.0, 1.0)
        assert [found.labels[i] == found.labels[j] for i, j in ((0, 2), (1, 3), (4, 5))] == [changed == 6] * 3
    alone = ties(tied_loss, [0.1, 0.2, 0.3, 0.4, 0.6, 0.6], 1.0, 2.0, 1.0)
    assert len(alone.groups) == 6, "w5 = w6 alone ties nothing"


def tied_loss(w: Any, x1: Any, x2: Any, y: Any) -> Any:
    a1, a2 = (w[0] * x1 + w[1] * x2).sigmoid(), (w[2] * x1 + w[3] * x2).sigmoid()
    a3 = (w[4] * a1 + w[5] * a2).sigmoid()
    return -y * np.log(a3) - (1 - y) * np.log(1 - a3)


def test_logistic_from_zero_has_no_ties() -> None:
    x, y = np.array([[0.0, 0.5], [1.0, 2.0], [3.0, -1.0]]), np.array([[0.0], [1.0], [1.0]])
    for start in (0, 1, -0.5):
        found = ties(nn.MLP((2, 1), output="sigmoid", init=start), x, y, nn.binary_cross_entropy)
        assert found.frozen is None and found.independent == 3


def classifier(sizes: tuple[int, ...], x: Any, y: Any, seed: int = 3) -> nn.MLP:
    net = nn.MLP(sizes, "tanh", "sigmoid", seed=seed)
    optimiser = nn.optim.Adam(net.parameters(), 0.05)
    for _ in range(600):
        net.zero_grad()
        nn.binary_cross_entropy(net(x), y).backward()
        optimiser.step()
    return net


@pytest.mark.parametrize("data", ["xor", "two_moons"])
def test_one_neuron_is_linear(data: str) -> None:
    x, y = getattr(nn.data, data)()
    nets = {"one neuron": classifier((2, 1), x, y), "2-8-1 network": classifier((2, 8, 1), x, y)}
    picture = decision_boundary(nets, x, y)
    assert picture.accuracy["one neuron"] <= {"xor": 0.75, "two_moons": 0.92}[data]
    assert picture.accuracy["2-8-1 network"] == 1
    for title, share in picture.accuracy.items():
        assert f"{title}: {share:.0%} right" in picture.svg
    # On any line, one neuron changes its mind at most once.
    for line in (np.linspace([-1, 2], [2, -1], 99), np.linspace([-1, 0.3], [2, 0.3], 99)):
        chosen = (nets["one neuron"](line).data > 0.5).ravel()
        assert np.count_nonzero(np.diff(chosen)) <= 1


def test_one_effective_neuron_the_smaller_network_has_the_same_loss_and_predictions() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(6, 3)), rng.normal(size=(6, 2))
    net = nn.MLP((3, 5, 2), "tanh", init={"W1": 0.4, "b1": -0.2, "W2": [[0.3, -0.6]] * 5, "b2": [0.1, 0.2]})
    found = ties(net, x, y)
    small = quotient(found).model
    assert found.width == (1,) and small.sizes == (3, 1, 2)
    close(small(x).data, net(x).data, 1e-14)
    close(nn.squared_error(small(x), y).item(), nn.squared_error(net(x), y).item(), 1e-13)


@pytest.mark.parametrize("function", ["relu", "sigmoid"])
def test_classic_3_4_2_acts_as_one_or_as_four(function: str) -> None:
    x, y = np.array([[1.0, 0.5, 2.0]]), np.array([0])
    equal, random = (
        ties(nn.MLP((3, 4, 2), function, init=init, seed=3), x, y, minigrad.cross_entropy)
        for init in (EQUAL, lambda shape, rng: rng.uniform(0.1, 1, shape))
    )
    assert equal.width == (1,) and random.width == (4,)
    assert set(equal.evidence) == {"proved", "single"}  # the two biases of the outputs stand alone


def test_deterministic_the_same_start_has_the_same_ties_and_no_step_breaks_them() -> None:
    net = nn.MLP((2, 3, 3, 2), "sigmoid", "sigmoid", init=1)
    found = ties(net, ONES_X, ONES_Y)
    tracker = SymmetryTracker(found)
    optimiser = nn.optim.SGD(net.parameters(), 0.5)
    for step in range(300):
        net.zero_grad()
        nn.squared_error(net(ONES_X), ONES_Y).backward()
        tracker.observe(step, net.parameters(), [p.grad for p in net.parameters()])
        optimiser.step()
    assert {(seen.width, seen.independent) for seen in tracker.observations[1:]} == {((1, 1), 9)}
    assert not [b for b in tracker.breaks if b.cause != "rounding"]


def test_all_ones_29_parameters_move_as_9() -> None:
    for per_neuron in (False, True):
        found = ties(all_ones(per_neuron=per_neuron), ONES_X, ONES_Y)
        assert found.summary() == "29 parameters move as 9 · hidden layers of 3 and 3 act as 1 and 1"
        assert found.evidence == ("proved",) * 7 + ("single",) * 2
        assert quotient(found).summary() == "Your 2-3-3-2 network is this 2-1-1-2 network."
    assert ties(all_ones(init="normal", seed=0), ONES_X, ONES_Y).independent == 29


# Who stays tied: 2-4-4-1, tanh, 5 random samples, squared error.

INTERLEAVED = lambda shape, rng: np.where(np.indices(shape).sum(axis=0) % 2, 0.7, 0.3)  # noqa: E731
NORMAL = lambda shape, rng: rng.normal(size=shape)  # noqa: E731


def only(layer: int) -> dict[str, Any]:
    return {f"{kind}{k}": NORMAL if k == layer else 0.5 for k in (1, 2, 3) for kind in "Wb"}


WHO_STAYS_TIED: dict[str, tuple[Any, int, tuple[int, int]]] = {
    "all random": (NORMAL, 37, (4, 4)),
    "constant 0.5": (0.5, 7, (1, 1)),
    "all zero": (0.0, 2, (1, 1)),
    "two interleaved values": (INTERLEAVED, 15, (2, 2)),
    "only the output layer random": (only(3), 16, (1, 4)),
    "only the first layer random": (only(1), 19, (4, 1)),
    "only the middle layer random": (only(2), 37, (4, 4)),
    "random weights, zero biases": (
        {f"{b}{k}": NORMAL if b == "W" else 0 for k in (1, 2, 3) for b in "Wb"},
        37,
        (4, 4),
    ),
}


def five_samples() -> tuple[Any, Any]:
    rng = np.random.default_rng(5)
    return rng.normal(size=(5, 2)), rng.normal(size=(5, 1))


@pytest.mark.parametrize("method", ["prove", "probe"])
@pytest.mark.parametrize("per_neuron", [False, True])
@pytest.mark.parametrize("name", WHO_STAYS_TIED)
def test_who_stays_tied(name: str, per_neuron: bool, method: str) -> None:
    init, groups, widths = WHO_STAYS_TIED[name]
    net = nn.MLP((2, 4, 4, 1), init=init, seed=2, per_neuron=per_neuron)
    found = ties(net, *five_samples(), method=method)
    assert (found.numbers.size, len(found.groups), found.width) == (37, groups, widths)
    assert set(found.evidence) <= {"proved" if method == "prove" else "probed", "single"}
    if name == "all zero":
        assert [len(group) for group in found.groups] == [36, 1]
        still = found.never_moves if method == "prove" else found.zero_everywhere
        assert still.sum() == 36 and found.frozen == (0 if method == "prove" else None)
        assert found.groups[1] == (("b3[0]" if per_neuron else "b3", () if per_neuron else (0,)),)
    else:
        assert found.frozen is None


@pytest.mark.parametrize("method", ["prove", "probe"])
def test_who_stays_tied_constant_with_the_xor_data(method: str) -> None:
    found = ties(nn.MLP((2, 4, 4, 1), init=0.5), *nn.data.xor(), method=method)
    assert (len(found.groups), found.width) == (6, (1, 1))
    assert found.labels["W1"][0, 0] == found.labels["W1"][1, 0], "swapping the inputs maps the data to itself"


@pytest.mark.parametrize("loss", [nn.squared_error, "softmax"])
def test_who_stays_tied_no_hidden_layer_from_zeros(loss: Any) -> None:
    x = np.random.default_rng(5).normal(size=(5, 2))
    y: Any = np.random.default_rng(6).normal(size=(5, 3)) if callable(loss) else np.array([0, 1, 2, 0, 1])
    found = ties(nn.MLP((2, 3), init=0), x, y, loss if callable(loss) else minigrad.cross_entropy)
    assert (found.numbers.size, found.independent, found.frozen) == (9, 9, None)


@pytest.mark.parametrize("name", ["constant 0.5", "two interleaved values", "only the first layer random"])
@pytest.mark.parametrize("rule", ["sgd", "momentum", "adam", "decay"])
def test_who_stays_tied_every_rule_keeps_every_tie_to_the_bit_one_weight_at_a_time(name: str, rule: str) -> None:
    net = nn.MLP((2, 4, 4, 1), init=WHO_STAYS_TIED[name][0], seed=2, per_neuron=True)
    x, y = five_samples()
    numbers, p = ties(net, x, y).numbers, net.parameters()
    optimiser: Any = {
        "sgd": lambda: nn.optim.SGD(p, 0.01),
        "momentum": lambda: nn.optim.SGD(p, 0.005, momentum=0.9),
        "adam": lambda: nn.optim.Adam(p, 0.01),
        "decay": lambda: nn.optim.SGD(p, 0.01, weight_decay=0.1),
    }[rule]()
    for _ in range(100):
        net.zero_grad()
        nn.squared_error(net(x), y).backward()
        optimiser.step()
    values = np.array([w.item() for w in p])
    assert all(np.ptp(values[numbers == k]) == 0 for k in range(numbers.max() + 1))
