"""quotient: the smaller network that computes the same as a network with tied neurons.

The neurons of a class become one. Its outgoing weights are multiplied by the size of the class, so that the next
layer gets the same sums: a weight from a class of m neurons to a class of n neurons becomes ``Q = m W``. The
gradient of Q is n times that of one W, and Q must move m times as far, so the learning rate is multiplied by
``m / n``. These factors are the `rates`. `drawing/views/quotient` draws a quotient.

Neurons that are equal up to sign become one in the same way. If the activation is odd, a neuron with the weights -w
before it and -v after it adds to the next layer what the neuron with w and v adds; if the activation is even, so
does one with -w and v. Gradients have the same signs, so Q, the gradient of Q and the rates are as above.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import ArgumentError, describe
from ..nn.mlp import MLP
from .holding import broken, drift
from .loss_graph import flat, plain_outputs
from .mlp_neurons import NeuronsAlike, by_name, neurons_alike
from .ties import Ties

AGREE = {8: 1e-9, 4: 1e-4}  # of the largest output, by bytes per number
DRIFT = 1e-12  # a larger drift of the numbers is said
RELATION = (
    "A weight from a ×m neuron to a ×n neuron is m times that of your network, its gradient n times; "
    "a bias of a ×n neuron has n times the gradient."
)
DESCENT = (
    "Gradient descent on it follows yours only if the learning rate of each weight is multiplied by m/n, and that "
    "of each bias by 1/n, as quotient(...).descend does."
)
ODD, EVEN, NEITHER = -1, 1, 0
WRITE = "  write  quotient(ties(model, x, y, loss))  with an MLP"


@dataclass(frozen=True, eq=False)
class Quotient:
    """The smaller network, and its relation to the original.

    model          the network of `nn` with one neuron per class; in the form of the original
    multiplicity   for each hidden layer, how many original neurons each of its neurons replaces
    rates          for each parameter, the factors of the learning rate: with them descent takes the same path
    alike          for each hidden layer, which neurons are one, and with which signs
    tied           how many groups the original parameters move as, and how many up to sign
    drift          how far equal neurons have drifted apart through rounding, relative to the largest number
    """

    model: MLP
    multiplicity: tuple[tuple[int, ...], ...]
    rates: dict[str, Any]
    original: MLP
    alike: tuple[NeuronsAlike, ...]
    tied: tuple[int, int]
    drift: float = 0.0

    @property
    def has_signs(self) -> bool:
        """Whether some of the neurons that became one are equal up to sign only."""
        return any(layer.has_signs for layer in self.alike)

    def summary(self) -> str:
        """One line: Your 2-3-3-2 network is this 2-1-1-2 network. It says what is equal up to sign only."""
        old, new = ("-".join(map(str, m.sizes)) for m in (self.original, self.model))
        signs = ""
        if self.has_signs:
            signs = "; neurons that are equal up to sign became one"
        elif self.tied[1] < self.tied[0]:
            signs = f"; its parameters move as {self.tied[0]:,}, {self.tied[1]:,} up to sign"
        if old == new:
            return f"Your {old} network has no equal neurons{signs}."
        apart = f", but for a drift of {self.drift:.1e} through rounding" if self.drift > DRIFT else ""
        return f"Your {old} network is this {new} network{apart}{signs}."

    def descend(self, lr: float) -> None:
        """Take one step of gradient descent with the gradients in `model`, scaled by `rates`."""
        rates = np.concatenate([np.ravel(rate) for rate in self.rates.values()])
        start = 0
        for p in self.model.parameters():
            if p.grad is not None:
                p.data -= lr * rates[start : start + p.size].reshape(p.shape) * p.grad
            start += p.size

    def expand(self) -> dict[str, Any]:
        """The parameters of the original network that correspond to this one, as `load` takes them."""
        found, groups = {}, _groups(self.original, self.alike)
        for name, q in self.model.state().items():
            k = int(name[1:])
            if name[0] == "W":
                before = groups[k - 1]
                q = (q / _count(before)[:, None])[before.classes] * before.out[:, None]
            found[name] = q[..., groups[k].classes] * groups[k].into
        return found

    def __repr__(self) -> str:
        """The summary."""
        return f"<quotient: {self.summary()}>"


def quotient(ties: Ties) -> Quotient:
    """Build the network with one neuron per class of tied neurons: same predictions, loss and path of descent.

    Neurons that are equal up to sign are one class if the activation is odd or even; `summary` says so.

    ties: of a network of `nn`. Raises ArgumentError for any other model, and if a hidden activation mixes neurons,
    as softmax does: then one neuron cannot replace three; and if the ties no longer hold on its parameters.
    """
    if not isinstance(ties, Ties):
        raise ArgumentError(f"quotient takes ties, got {describe(ties)}\n{WRITE}")
    model = ties.recording.model
    if not isinstance(model, MLP):
        raise ArgumentError(f"quotient takes the ties of a network of nn\n{WRITE}")
    parted = broken(ties)
    if parted and not parted.by_tensor:  # neurons are equal if each tensor's entries are
        raise ArgumentError(
            f"this network has no quotient now: {parted}\n"
            "  write  quotient(ties(model, x, y, loss))   for the ties of the parameters as they are now"
        )
    alike = _alike(model, ties)
    if alike is None:
        raise ArgumentError(
            "this network has no quotient: a hidden activation mixes its neurons, as softmax does\n"
            "  expected an activation that acts on each neuron alone"
        )
    groups = _groups(model, alike)
    return Quotient(
        _network(model, groups),
        tuple(tuple(_count(layer).tolist()) for layer in alike),
        _rates(model, groups),
        model,
        tuple(alike),
        (ties.independent, ties.independent_up_to_sign),
        0.0 if parted else drift(ties),
    )


def _alike(model: MLP, ties: Ties) -> list[NeuronsAlike] | None:
    """The fewest neurons that compute the same as all; None if not even equal neurons can be one."""
    p = ties.partition
    signed = (p.signed + 1) * p.signs_from(ties.now.values)
    parities = (NEITHER, ODD, EVEN) if (signed < 0).any() else (NEITHER,)
    found = [neurons_alike(model, signed, parity) for parity in parities]
    found.sort(key=lambda layers: sum(len(_count(layer)) for layer in layers))
    return next((layers for layers in found if _is_the_same(model, _groups(model, layers), ties)), None)


def _groups(model: MLP, alike: Sequence[NeuronsAlike]) -> list[NeuronsAlike]:
    """The neurons of all layers; inputs and outputs are alone."""
    return [NeuronsAlike.alone(model.sizes[0]), *alike, NeuronsAlike.alone(model.sizes[-1])]


def _is_the_same(model: MLP, groups: list[NeuronsAlike], ties: Ties) -> bool:
    """Whether both networks agree at random numbers that keep the ties: zeros might hide a difference now."""
    p = ties.partition
    numbers = np.random.default_rng(0).normal(size=int(p.signed.max(initial=-1)) + 1)[p.signed]
    large = _network(model, [NeuronsAlike.alone(size) for size in model.sizes])
    large.load(by_name(model, numbers * p.signs_from(ties.now.values)))
    x = np.asarray(ties.recording.call[0])
    with np.errstate(all="ignore"):
        ours, theirs = (flat([plain_outputs(net(x))]) for net in (_network(large, groups), large))
    width = min(p.data.dtype.itemsize for p in large.parameters())
    agree = AGREE.get(width, 1e-2)
    # Leave out nan and inf of single samples: a tolerance of inf would let anything pass.
    largest = np.abs(theirs).max(initial=0, where=np.isfinite(theirs))
    return bool(np.allclose(ours, theirs, rtol=agree, atol=agree * largest, equal_nan=True))


def _count(neurons: NeuronsAlike) -> Any:
    return np.bincount(neurons.classes)


def _first(neurons: NeuronsAlike) -> Any:
    return np.unique(neurons.classes, return_index=True)[1]


def _network(model: MLP, groups: list[NeuronsAlike]) -> MLP:
    start = {}
    for name, array in model.state().items():
        k = int(name[1:])
        start[name] = array[..., _first(groups[k])]
        if name[0] == "W":
            start[name] = start[name][_first(groups[k - 1])] * _count(groups[k - 1])[:, None].astype(array.dtype)
    return MLP(
        [len(_first(g)) for g in groups],
        model.layers[0].activation,
        model.layers[-1].activation,
        init=start,
        bias=any(name[0] == "b" for name in start),
        per_neuron=model.per_neuron,
    )


def _rates(model: MLP, groups: list[NeuronsAlike]) -> dict[str, Any]:
    rates = {}
    for name in model.state():
        k = int(name[1:])
        after = 1.0 / _count(groups[k])
        rates[name] = _count(groups[k - 1])[:, None] * after if name[0] == "W" else after
    return rates
