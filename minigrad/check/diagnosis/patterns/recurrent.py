"""Patterns of a recurrent network: h_t = activation(h_{t-1} W + x_t U + b), run again from the arrays at hand.

If the states give the result, and their backward pass the reference, the network is known. Then the given gradient
is compared with backward passes that have a mistake. Nothing here has a free number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..evidence import Diagnosis
from .case import Case
from .formulas import Mistake, arrays_of, first_mistake, is_reference, is_same, result_and_cotangent
from .order import pattern

MOST_STEPS = 64  # of a recurrence
MOST_NETWORKS = 2000  # that are tried
LARGEST = 40_000  # entries of the matrix of a network that is run again

Array = NDArray[Any]

# The function and its slope in terms of its value, by name.
_ACTIVATIONS: Final[dict[str, tuple[Callable[[Array], Array], Callable[[Array], Array]]]] = {
    "tanh": (np.tanh, lambda h: (1 - h) * (1 + h)),
    "sigmoid": (lambda z: 1 / (1 + np.exp(-z)), lambda h: h * (1 - h)),
    "relu": (lambda z: np.maximum(z, 0), lambda h: (h > 0).astype(float)),
    "identity": (lambda z: z, lambda h: np.ones_like(h)),
}


@dataclass(frozen=True)
class Network:
    """A recurrent network: the position of each part in the row of arrays; None for a part that it has not.

    w_turned, u_turned: whether a matrix stands at the left of its vector, W @ h.
    """

    w: int
    u: int | None
    inputs: int | None
    bias: int | None
    start: int | None
    w_turned: bool
    u_turned: bool
    activation: str


@dataclass(frozen=True)
class Unrolled:
    """A network with its numbers: matrices for rows of states, and the states, the first one before any step."""

    network: Network
    w: Array
    u: Array | None
    inputs: Array | None
    states: list[Array] = field(default_factory=list)

    @property
    def steps(self) -> int:
        """How many there are."""
        return len(self.states) - 1

    def slope(self, t: int) -> Array:
        """The slope of the activation at a state."""
        slope: Array = _ACTIVATIONS[self.network.activation][1](self.states[t])
        return slope


@dataclass(frozen=True)
class RecurrentPass:
    """A backward pass; the values as they stand here are the right ones.

    through: how many steps back a cotangent of a state reaches. first, last: the steps whose contributions count.
    late: the state after a step is used for the one before it. untransposed: W for its transpose. slope_early: the
    slope is that of the state before the step. flat: without slopes.
    """

    through: int = MOST_STEPS
    first: int = 1
    last: int = MOST_STEPS
    late: bool = False
    untransposed: bool = False
    slope_early: bool = False
    flat: bool = False

    def deltas(self, run: Unrolled, cotangents: list[Array]) -> list[Array]:
        """For each step, the gradient before its activation; by step, from 1."""
        total = [np.zeros_like(h) for h in run.states]
        for end in range(1, run.steps + 1) if self.through < run.steps else [0]:
            sources = {end: cotangents[end]} if end else dict(enumerate(cotangents))
            back = np.zeros_like(run.states[0])
            stop = max(end - self.through, 0) if end else 0
            for t in range(end or run.steps, stop, -1):
                slope = 1.0 if self.flat else run.slope(t - 1 if self.slope_early else t)
                delta = (sources.get(t, 0) + back) * slope
                total[t] += delta
                back = delta @ (run.w if self.untransposed else run.w.T)
        return total

    def gradient(self, run: Unrolled, cotangents: list[Array], role: str) -> Array:
        """The gradient of one part."""
        deltas = self.deltas(run, cotangents)
        steps = range(self.first, min(self.last, run.steps) + 1)
        if role == "start":
            return deltas[1] @ (run.w if self.untransposed else run.w.T)
        if role == "bias":
            return sum((d.reshape(-1, d.shape[-1]).sum(axis=0) for d in (deltas[t] for t in steps)), np.zeros(1))
        if role == "w":
            parts = [_outer(run.states[t if self.late else t - 1], deltas[t]) for t in steps]
            return _turn(np.sum(parts, axis=0), run.network.w_turned)
        assert run.inputs is not None
        if role == "inputs":
            return np.stack([d if run.u is None else d @ run.u.T for d in deltas[1:]])
        parts = [_outer(run.inputs[(t if self.late else t - 1) % run.steps], deltas[t]) for t in steps]
        return _turn(np.sum(parts, axis=0), run.network.u_turned)


@pattern(117)
def recurrent_network(case: Case) -> Diagnosis | None:
    """Steps that are left out, the state of another step, W for its transpose."""
    known, arrays = result_and_cotangent(case), [array for _, array in arrays_of(case)]
    if known is None or case.evidence.x.shape != case.shape:
        return None
    y, g = known
    for count, network in enumerate(_networks(arrays)):
        roles = [role for role in ("w", "u", "inputs", "bias", "start") if getattr(network, role) == 0]
        if count > MOST_NETWORKS:
            return None
        for run in _runs(network, arrays, y) if len(roles) == 1 else ():
            for cotangents in _cotangents(run, y, g):
                right = RecurrentPass().gradient(run, cotangents, roles[0])
                if is_reference(case, right):
                    return first_mistake(case, right, _mistakes(run, cotangents, roles[0]))
    return None


def _mistakes(run: Unrolled, cotangents: list[Array], role: str) -> Iterator[Mistake]:
    """Gradients with a mistake in the backward pass."""

    def mistake(kind: str, sentence: str, **wrong: Any) -> Mistake:
        return Mistake(kind, sentence, RecurrentPass(**wrong).gradient(run, cotangents, role))

    steps = run.steps
    for k in range(1, steps):
        what = f"backpropagation through time is truncated: only the last {k} of {steps} steps count"
        summed = role != "start" and role != "inputs"
        if summed:
            yield mistake("time step", what, first=steps - k + 1)
        each = f"backpropagation through time is truncated: each result reaches back {k} of {steps} steps"
        yield mistake("time step", each, through=k)
        if summed and k > 1:
            yield mistake("time step", f"only the first {k} of {steps} steps count", last=k)
    if role in ("w", "u", "bias") and steps > 1:
        yield mistake(
            "time step", "only the first step counts: contributions are assigned, and should be added", last=1
        )
    if role == "w":
        yield mistake(
            "time step",
            "the state after a step is used where the one before it belongs: h_t for h_{t-1}",
            late=True,
        )
    if role == "u":
        yield mistake("time step", "the input of the next step is used: x_{t+1} for x_t", late=True)
    yield mistake(
        "time step", "the slope of the activation is taken at the state before the step: h_{t-1}", slope_early=True
    )
    sentence = "a matrix is not transposed: the gradient flows back from step to step through W, not its transpose"
    yield mistake("transposed", sentence, untransposed=True)
    yield mistake("missing factor", f"the slope of {run.network.activation} is missing at each step", flat=True)


# ------------------------------------------------------------------------------------ networks that may be meant


def _networks(arrays: list[Array]) -> Iterator[Network]:
    """Every network that the shapes allow."""
    for w, matrix in enumerate(arrays):
        if matrix.ndim != 2 or len(set(matrix.shape)) > 1 or len(matrix) < 2 or matrix.size > LARGEST:
            continue
        n = len(matrix)
        rest = [k for k in range(len(arrays)) if k != w]
        starts = [None, *(k for k in rest if arrays[k].ndim in (1, 2) and arrays[k].shape[-1] == n)]
        for start in starts:
            biases = [None, *(k for k in rest if k != start and arrays[k].shape == (n,))]
            for bias in biases:
                free = [k for k in rest if k not in (start, bias)]
                for u, inputs, u_turned in _drives(arrays, free, n):
                    if start is None and inputs is None and bias is None:
                        continue
                    for w_turned in (True, False):
                        for name in _ACTIVATIONS:
                            yield Network(w, u, inputs, bias, start, w_turned, u_turned, name)


def _drives(arrays: list[Array], free: list[int], n: int) -> Iterator[tuple[int | None, int | None, bool]]:
    """The matrix of the inputs, the inputs, and whether the matrix stands at the left."""
    yield None, None, False
    for inputs in free:
        if arrays[inputs].ndim not in (2, 3) or not 1 <= len(arrays[inputs]) <= MOST_STEPS:
            continue
        m = arrays[inputs].shape[-1]
        if m == n:
            yield None, inputs, False
        for u in free:
            if u != inputs and arrays[u].shape == (m, n):
                yield u, inputs, False
            if u != inputs and arrays[u].shape == (n, m):
                yield u, inputs, True


def _runs(network: Network, arrays: list[Array], y: Array) -> Iterator[Unrolled]:
    """The runs of a network whose states are the result."""
    w = _turn(arrays[network.w].astype(float), network.w_turned)
    u = None if network.u is None else _turn(arrays[network.u].astype(float), network.u_turned)
    inputs = None if network.inputs is None else arrays[network.inputs].astype(float)
    lead = () if inputs is None else inputs.shape[1:-1]
    h = np.zeros((*lead, len(w))) if network.start is None else arrays[network.start].astype(float)
    run = Unrolled(network, w, u, inputs, [h])
    for t in range(MOST_STEPS if inputs is None else len(inputs)):
        drive: Any = 0.0 if inputs is None else inputs[t] if u is None else inputs[t] @ u
        bias: Any = 0.0 if network.bias is None else arrays[network.bias]
        z = run.states[-1] @ w + drive + bias
        if z.shape != h.shape or not np.isfinite(z).all():
            return
        run.states.append(_ACTIVATIONS[network.activation][0](z))
        ends = t > 0 and (inputs is None or t == len(inputs) - 1)  # one step alone is a layer
        if ends and any(is_same(states, y) for states in (run.states[-1], np.stack(run.states[1:]))):
            yield run
            return


def _cotangents(run: Unrolled, y: Array, g: Array) -> Iterator[list[Array]]:
    """The cotangent of each state: the result is the last state, or all of them."""
    none = [np.zeros_like(h) for h in run.states]
    if is_same(run.states[-1], y):
        yield [*none[:-1], g.reshape(run.states[-1].shape)]
    elif is_same(np.stack(run.states[1:]), y):
        yield [none[0], *g.reshape((run.steps, *run.states[0].shape))]


def _outer(a: Array, d: Array) -> Array:
    """The gradient of a matrix that took rows a to rows with the gradient d."""
    found: Array = a.reshape(-1, a.shape[-1]).T @ d.reshape(-1, d.shape[-1])
    return found


def _turn(a: Array, turned: bool) -> Array:
    return a.T if turned else a
