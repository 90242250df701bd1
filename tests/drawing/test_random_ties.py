"""What a solid frame promises, on random graphs and networks with equal and opposite starts: training keeps it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from minigrad import Value, nn
from minigrad.drawing.diagram import Diagram
from minigrad.drawing.equal_groups import letters
from minigrad.drawing.graph_data import Survey, survey
from minigrad.drawing.views.cards import cards
from minigrad.drawing.views.mlp_run import LayerRun, run_mlp

STEPS, RATE = 5, 0.05
Claims = Mapping[tuple[str, str], Sequence[tuple[Any, int]]]  # by letter and tie: members and their signs


def check(claims: Claims, gradients: Mapping[Any, Any]) -> int:
    """Whether the gradients are as claimed; the number of claims with two signs."""
    for (letter, _), members in claims.items():
        sides = [sign * np.asarray(gradients[member]) for member, sign in members]
        size = max(float(np.abs(side).max()) for side in sides)
        gap = size if letter == "0" else max(float(np.abs(side - sides[0]).max()) for side in sides)
        assert gap <= 1e-9 * max(size, 1e-6), (letter, members)
    return sum(len({sign for _, sign in members}) > 1 for members in claims.values())


def graph_of(seed: int, start: Sequence[float]) -> tuple[list[Value], Survey]:
    rng = np.random.default_rng(seed)
    leaves = [Value(float(x)) for x in start]
    pool = list(leaves)
    for _ in range(rng.integers(4, 14)):
        a, b = (pool[k] for k in rng.integers(len(pool), size=2))
        ops = (lambda a, b: a + b, lambda a, b: a - b, lambda a, b: np.sin(a) * b, lambda a, _: np.tanh(a))
        more = (
            lambda a, _: np.sin(a) ** 2,
            lambda a, _: -a,
            lambda a, _: np.cos(a),
            lambda a, b: np.tanh(np.abs(a)) * b,
        )
        pool.append((*ops, *more)[rng.integers(8)](a, b))
    y = pool[0] * 0.3
    for part in pool[-4:]:
        y = y + part * rng.choice([1.0, -1.0])
    return leaves, survey(y)


def test_claims_about_random_graphs_hold_while_they_are_trained() -> None:
    signed = total = 0
    for seed in range(80):
        start = np.random.default_rng(seed).choice([1.0, -1.0, 0.5, -0.5, 0.0], size=4)
        leaves, found = graph_of(seed, start)
        claims = defaultdict(list)
        for group in letters(found).groups:
            for member, tie in zip(group.members, group.ties, strict=True):
                if tie:
                    claims[group.letter.lstrip("-"), tie].append((member, -1 if group.letter[0] == "-" else 1))
        total += len(claims)
        for _ in range(STEPS):
            signed += check(claims, dict(enumerate(found.gradients)))
            place = {v.serial: k for k, v in enumerate(found.values)}
            slopes = [found.gradients[place[v.serial]] if v.serial in place else 0.0 for v in leaves]
            start = start - RATE * np.array(slopes, dtype=float)
            leaves, found = graph_of(seed, start)
    assert total > 100 and signed > 100


def network_of(seed: int) -> tuple[tuple[int, ...], Any, dict[str, Any]]:
    """A network whose second neurons are equal or opposite to the first, or almost."""
    rng = np.random.default_rng(seed)
    sizes = (2, *map(int, rng.integers(2, 4, size=rng.integers(1, 3))), int(rng.integers(1, 3)))
    init: dict[str, Any] = {}
    for k in range(1, len(sizes)):
        init[f"W{k}"] = rng.choice([0.5, -0.5, 0.3, 0.0, 0.8], size=(sizes[k - 1], sizes[k]))
        init[f"b{k}"] = rng.choice([0.2, -0.2], size=sizes[k]) * (rng.random() < 0.5)
        if rng.random() < 0.6 and sizes[k] > 1:
            sign = rng.choice([1, -1])
            init[f"W{k}"][:, 1], init[f"b{k}"][1] = sign * init[f"W{k}"][:, 0], sign * init[f"b{k}"][0]
        if k > 1 and rng.random() < 0.7:
            init[f"W{k}"][1] = rng.choice([1, -1]) * init[f"W{k}"][0]
    return sizes, [np.tanh, np.sin, "relu", "sigmoid"][seed % 4], init


def gradients_of(layers: Sequence[LayerRun]) -> dict[str, Any]:
    """The gradients by the keys of rows: "l1n0:w1"."""
    found: dict[str, Any] = {}
    for layer in layers:
        for j in range(layer.W.shape[1]):
            mine = f"l{layer.number}n{j}"
            found |= {f"{mine}:w{i}": g for i, g in enumerate(layer.dW[:, j])}
            found |= {f"{mine}:b": layer.db[j], f"{mine}:z": layer.dz[:, j], f"{mine}:a": layer.da[:, j]}
    return found


def claims_of(diagram: Diagram) -> Claims:
    claims = defaultdict(list)
    for group in diagram.groups:
        for member, tie in zip(group.members, group.ties, strict=True):
            if tie:
                claims[group.letter.lstrip("-"), tie].append((member, -1 if group.letter[0] == "-" else 1))
    return claims


def test_claims_about_the_rows_of_random_networks_hold_while_they_are_trained() -> None:
    signed = total = 0
    for seed in range(24):
        sizes, activation, init = network_of(seed)
        rng = np.random.default_rng(seed)
        samples = 1 + seed % 3
        x, y = rng.normal(size=(samples, 2)), rng.normal(size=(samples, sizes[-1]))
        run = run_mlp(nn.MLP(sizes, activation, init=init), x, y)
        claims = claims_of(cards(run))
        total += len(claims)
        for _ in range(STEPS):
            signed += check(claims, gradients_of(run.layers))
            moved = {f"W{layer.number}": layer.W - RATE * layer.dW for layer in run.layers}
            moved |= {f"b{layer.number}": layer.b - RATE * layer.db for layer in run.layers}
            run = run_mlp(nn.MLP(sizes, activation, init=moved), x, y)
    assert total > 20 and signed > 20
