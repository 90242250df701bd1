"""Losses that draw random numbers, or change from call to call: their ties hold for every draw."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad import Value, nn
from minigrad.errors import TracingError
from minigrad.nn.module import Module
from minigrad.symmetry import ties
from minigrad.symmetry.claims import OBSERVED
from minigrad.symmetry.every_draw import DRAWS

X, Y = np.random.default_rng(1).normal(size=(3, 2)), np.ones((3, 1))
P = {"W": np.ones((2, 6)), "V": np.ones((6, 1))}


def network(p: Any, x: Any, y: Any, keep: Any) -> Any:
    return np.mean(((np.tanh(x @ p["W"]) * keep) @ p["V"] - y) ** 2)


def test_two_equal_draws_are_no_sign_of_a_constant() -> None:
    """With this seed the first two draws are 0, so a loss recorded twice would never move."""
    rng = np.random.default_rng(4)
    assert [rng.random() < 0.5 for _ in range(2)] == [False, False]
    rng = np.random.default_rng(4)
    assert ties(lambda w: np.sum(w**2) * float(rng.random() < 0.5), np.ones(2)).frozen is None


def test_a_value_of_random_numbers_is_random() -> None:
    rng = np.random.default_rng(0)
    found = ties(lambda w: np.sum(w * Value((rng.random(3) < 0.5) * 2.0)), np.ones(3))
    assert (found.independent, found.recording.draws) == (3, 1)


@pytest.mark.parametrize("seed", range(5))
def test_a_dropout_mask_parts_what_one_draw_would_tie(seed: int) -> None:
    rng = np.random.default_rng(seed)

    def f(p: Any, x: Any, y: Any) -> Any:
        return network(p, x, y, (rng.random(6) < 0.5) * 2.0)

    before = rng.bit_generator.state
    found = ties(f, P, X, Y)
    assert rng.bit_generator.state == before
    assert (found.independent, found.frozen) == (18, None)
    assert found.scope == "for this data, whatever is drawn" and found.recording.draws == 1
    assert found.summary() == "18 parameters move as 18 (whatever is drawn)"
    assert not found.zero_now.any()  # what this draw drops, another one keeps


def test_one_random_number_for_all_neurons_keeps_them_tied() -> None:
    rng = np.random.default_rng(0)
    found = ties(lambda p, x, y: network(p, x, y, rng.normal()), P, X, Y)
    assert [len(group) for group in found.groups] == [6, 6, 6] and set(found.evidence) == {"proved"}


def test_an_array_of_random_numbers_that_is_used_twice_is_one_array() -> None:
    rng = np.random.default_rng(0)

    def f(p: Any) -> Any:
        noise = rng.normal(size=3)
        return np.sum(p["u"] * noise) + np.sum(p["v"] * noise)

    found = ties(f, {"u": np.ones(3), "v": np.ones(3)})
    assert found.labels["u"].tolist() == found.labels["v"].tolist() and len(found.groups) == 3


OLD = np.random.RandomState(0)
DRAWN: dict[str, Callable[[], Any]] = {
    "np.random": lambda: np.random.random(6) < 0.5,  # noqa: NPY002
    "random": lambda: np.array([random.random() < 0.5 for _ in range(6)]),
    "RandomState": lambda: OLD.rand(6) < 0.5,
}


def shared_states() -> tuple[Any, Any]:
    return random.getstate(), np.random.get_state(legacy=False)["state"]["key"].tolist()  # noqa: NPY002


@pytest.mark.parametrize("name", DRAWN)
def test_any_generator_is_noticed_and_put_back(name: str) -> None:
    draw = DRAWN[name]
    before = shared_states()
    found = ties(lambda p, x, y: network(p, x, y, draw()), P, X, Y)
    assert shared_states() == before
    assert found.independent == 18


def test_a_function_without_a_module_is_no_library() -> None:
    """Run by exec, it has no module; its globals are searched all the same."""
    space: dict[str, Any] = {"np": np, "rng": np.random.default_rng(0)}
    exec("def f(w):\n    return np.sum(w * ((rng.random(3) < 0.5) * 2.0))\n", space)
    assert space["f"].__module__ is None
    before = space["rng"].bit_generator.state
    assert ties(space["f"], np.ones(3)).independent == 3
    assert space["rng"].bit_generator.state == before


def test_a_generator_among_the_data_is_noticed() -> None:
    rng = np.random.default_rng(0)
    before = rng.bit_generator.state
    found = ties(lambda p, x, y, rng: network(p, x, y, mg.dropout(np.ones(6), 0.5, rng)), P, X, Y, rng)
    assert found.independent == 18 and rng.bit_generator.state == before


def test_a_model_with_dropout() -> None:
    class Net(Module):
        def __init__(self) -> None:
            self.W, self.V = Value(np.ones((2, 6))), Value(np.ones((6, 1)))
            self.rng = np.random.default_rng(0)
            self.calls = 0

        def __call__(self, x: Any) -> Any:
            self.calls += 1
            return mg.dropout(np.tanh(x @ self.W), 0.5, self.rng) @ self.V

    net = Net()
    state = net.rng.bit_generator.state
    assert ties(net, X, Y).independent == 18
    assert net.calls == 0 and net.rng.bit_generator.state == state


def test_a_branch_on_a_random_number_is_observed_in_several_draws() -> None:
    rng = np.random.default_rng(0)

    def f(p: Any) -> Any:
        return np.sum(p["u"] ** 2) if rng.random() < 0.5 else p["u"][0] * 3.0 + 0 * p["w"]

    found = ties(f, {"u": np.ones(3), "w": 2.0})
    assert found.labels["u"][0] != found.labels["u"][1] == found.labels["u"][2]
    assert found.evidence == ("single", "observed", "single")
    assert found.frozen is None and found.zero_everywhere.tolist() == [False, False, False, True]
    assert "1 of them has gradient 0 now and in all 16 draws" in found.summary()
    assert (
        found.recording.draws == DRAWS and found.scope == f"for this data, in {DRAWS} draws of its random numbers"
    )
    assert f"observed in {DRAWS} draws" in found.summary()


def test_random_indices_are_other_programs() -> None:
    rng = np.random.default_rng(0)
    found = ties(lambda p, x: np.sum((x @ p)[rng.permutation(3)[:2]] ** 2), np.ones(2), X)
    assert found.recording.draws == DRAWS and found.independent == 2


def test_a_counter_is_noticed_and_a_constant_is_not_random() -> None:
    count = [0]

    def f(w: Any) -> Any:
        count[0] += 1
        return w[0] ** 2 + count[0] * w[1] ** 2

    found = ties(f, np.ones(2))
    assert (found.independent, found.scope) == (2, "for this data, whatever changes from call to call")
    constant = ties(lambda w: np.sum(w**2 * np.linspace(1, 1, 2)), np.ones(2))
    assert (constant.independent, constant.scope) == (1, "for this data")


def test_for_all_data_and_whatever_is_drawn() -> None:
    rng = np.random.default_rng(0)
    found = ties(lambda p, x, y: network(p, x, y, rng.normal()), P, X, Y, for_all_data=True)
    assert found.scope == "for all data, whatever is drawn" and found.independent == 3


def test_a_function_that_cannot_be_called_twice_is_refused() -> None:
    batches = iter([1.0])
    with pytest.raises(TracingError, match=r"calls the function twice.*\n  write  ties\(f, params, \*data\)"):
        ties(lambda w: w * w * next(batches), 2.0)


def test_a_network_of_nn_is_recorded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    call = nn.MLP.__call__
    monkeypatch.setattr(nn.MLP, "__call__", lambda net, x: calls.append(0) or call(net, x))  # type: ignore[func-returns-value]
    module = nn.MLP.__call__
    module.__module__ = "minigrad.nn.mlp"
    ties(nn.MLP((2, 3, 1), init=0.5), X, Y)
    assert len(calls) == 1


def test_a_mask_that_nearly_never_drops_is_no_proof() -> None:
    rng = np.random.default_rng(3)

    def f(p: Any, x: Any, y: Any) -> Any:
        keep = np.ones(4)
        if rng.random() < 0.001:
            keep[0] = 0.0
        return np.sum((np.tanh(x @ p["W"]) * keep @ p["V"] - y) ** 2)

    found = ties(f, {"W": np.ones((2, 4)), "V": np.ones((4, 1))}, np.eye(3, 2), np.ones((3, 1)))
    assert set(found.evidence) == {OBSERVED}
    assert "observed in 16 draws of its random numbers" in found.summary()
    assert rng.random() == np.random.default_rng(3).random(), "the generator is as it was"


def test_a_program_that_changes_without_random_numbers_is_told_as_that() -> None:
    calls = [0]

    def f(w: Any) -> Any:
        calls[0] += 1
        return w[0] ** 2 + w[1] ** 2 if calls[0] % 2 else w[0] ** 2

    found = ties(f, np.ones(2))
    assert found.scope == "for this data, in 16 calls, which differ"
