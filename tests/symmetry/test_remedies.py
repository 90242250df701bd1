"""Which remedies split ties: one test per remedy and kind of tie."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from minigrad import Value, nn, ties
from minigrad.errors import ArgumentError

RNG = np.random.default_rng(2)
X, Y = RNG.normal(size=(5, 2)), RNG.normal(size=(5, 1))
SPLIT = ("random start", "noise", "masks", "dropout")
DO_NOT = ("more steps", "another rate", "momentum", "Adam", "weight decay", "another activation")


@pytest.fixture(scope="module")
def tied() -> Any:
    found = ties(nn.MLP((2, 4, 4, 1), init=0.5), X, Y)
    return found, found.remedies()


@pytest.fixture(scope="module")
def frozen() -> Any:
    return ties(nn.MLP((2, 4, 4, 1), init=0.0), X, Y).remedies()


@pytest.mark.parametrize("name", SPLIT)
def test_splits_tied_neurons(tied: Any, name: str) -> None:
    assert tied[1][name].splits and tied[1][name].works


@pytest.mark.parametrize("name", DO_NOT)
def test_does_not_split_tied_neurons(tied: Any, name: str) -> None:
    assert not tied[1][name].works


@pytest.mark.parametrize(
    ("name", "frees"),
    [
        *((name, True) for name in ("random start", "noise", "another activation")),
        *((name, False) for name in ("masks", "dropout", "more steps", "another rate", "momentum", "Adam")),
        ("weight decay", False),
    ],
)
def test_a_layer_frozen_at_zero(frozen: Any, name: str, frees: bool) -> None:
    assert frozen[name].frees == frees and not frozen[name].splits


def test_another_activation_frees_a_relu_layer_frozen_at_zero_and_leaves_its_neurons_tied() -> None:
    found = ties(nn.MLP((2, 4, 1), "relu", init=0.0), X, Y)
    assert found.frozen is not None
    remedy = found.remedies()["another activation"]
    assert remedy.frees and not remedy.splits
    fresh = ties(nn.MLP((2, 4, 1), "sigmoid", init=0.0), X, Y)
    assert fresh.frozen is None and fresh.width == (1,)


def test_the_nudge_is_one_entry_and_does_what_it_says(tied: Any) -> None:
    found, tried = tied
    path, index = tried.nudge
    net = nn.MLP((2, 4, 4, 1), init=0.5)
    dict(net.named_parameters())[path].data[index] += 0.05
    after = ties(net, X, Y)
    assert len(after.groups) == tried.groups_after_nudge > len(found.groups) + 1
    assert after.width is not None and max(after.width) > 1


def test_no_ties_no_nudge_and_nothing_works() -> None:
    tried = ties(nn.MLP((2, 3, 1), init="normal", seed=0), X, Y).remedies()
    assert tried.nudge is None and not any(remedy.works for remedy in tried)


def test_a_function_has_remedies_too_but_no_activation_to_change() -> None:
    def f(p: Any, x: Any, y: Any) -> Any:
        return np.sum((np.tanh(x @ p[0]) @ p[1] - y) ** 2)

    tried = ties(f, [np.full((2, 3), 0.5), np.ones((3, 1))], X, Y).remedies()
    assert [remedy.name for remedy in tried if remedy.works] == list(SPLIT)
    assert "another activation" not in [remedy.name for remedy in tried]


def test_a_table_for_a_reader(tied: Any) -> None:
    text = repr(tied[1])
    assert text.count("\n") == len(SPLIT) + len(DO_NOT)
    assert "smallest nudge: " in text and "groups" in text


def test_a_graph_with_masks_that_cannot_be_computed_anew_is_refused() -> None:
    a = Value(1.0)
    with pytest.raises(ArgumentError, match="so that it can be computed at other numbers"):
        ties(a * (a > 0)).remedies()


def test_float32_has_more_rounding_within_a_tie_and_the_same_remedies() -> None:
    """33 neurons, 64 samples: the order of sums makes gradients of equal neurons differ by 1e-7 of the largest."""
    rng = np.random.default_rng(0)
    net = nn.MLP((2, 33, 1), init=lambda shape, rng: np.full(shape, 0.3, np.float32))
    data = (rng.normal(size=(64, n)).astype(np.float32) for n in (2, 1))
    tried = ties(net, *data).remedies()
    assert [remedy.name for remedy in tried if remedy.works] == list(SPLIT)


def test_a_remedy_by_another_name_is_refused_with_the_names_there_are(tied: Any) -> None:
    with pytest.raises(KeyError, match="no remedy is called 'drop out'; expected one of random start"):
        tied[1]["drop out"]
