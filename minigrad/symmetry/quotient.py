"""quotient: the smaller network that computes the same as a network with tied neurons.

The neurons of a class become one. Its outgoing weights are multiplied by the size of the class, so that the next
layer gets the same sums: a weight from a class of m neurons to a class of n neurons becomes ``Q = m W``. The
gradient of Q is n times that of one W, and Q must move m times as far, so the learning rate is multiplied by
``m / n``. These factors are the `rates`. `drawing/views/quotient` draws a quotient.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import ArgumentError, describe
from ..nn.mlp import MLP
from .holding import broken, drift
from .loss_graph import flat, plain_outputs
from .mlp_neurons import by_name, neuron_classes
from .ties import Ties

AGREE = {8: 1e-9, 4: 1e-4}  # of the largest output, by bytes per number
DRIFT = 1e-12  # a larger drift of the numbers is said
WRITE = "  write  quotient(ties(model, x, y, loss))  with an MLP"


@dataclass(frozen=True, eq=False)
class Quotient:
    """The smaller network, and its relation to the original.

    model          the network of `nn` with one neuron per class; in the form of the original
    multiplicity   for each hidden layer, how many original neurons each of its neurons replaces
    rates          for each parameter, the factors of the learning rate: with them descent takes the same path
    drift          how far equal neurons have drifted apart through rounding, relative to the largest number
    """

    model: MLP
    multiplicity: tuple[tuple[int, ...], ...]
    rates: dict[str, Any]
    original: MLP
    classes: tuple[Any, ...]
    drift: float = 0.0

    def summary(self) -> str:
        """One line: Your 2-3-3-2 network is this 2-1-1-2 network."""
        old, new = ("-".join(map(str, m.sizes)) for m in (self.original, self.model))
        if old == new:
            return f"Your {old} network has no equal neurons."
        apart = f", but for a drift of {self.drift:.1e} through rounding" if self.drift > DRIFT else ""
        return f"Your {old} network is this {new} network{apart}."

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
        found, groups = {}, self._groups()
        for name, q in self.model.state().items():
            k = int(name[1:])
            if name[0] == "W":
                q = (q / _count(groups[k - 1])[:, None])[groups[k - 1]]
            found[name] = q[..., groups[k]]
        return found

    def _groups(self) -> list[Any]:
        return [np.arange(self.original.sizes[0]), *self.classes, np.arange(self.original.sizes[-1])]

    def __repr__(self) -> str:
        """The summary."""
        return f"<quotient: {self.summary()}>"


def quotient(ties: Ties) -> Quotient:
    """Build the network with one neuron per class of tied neurons: same predictions, loss and path of descent.

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
    classes = neuron_classes(model, ties.classes)
    groups = [np.arange(model.sizes[0]), *classes, np.arange(model.sizes[-1])]
    if not _is_the_same(model, groups, ties):
        raise ArgumentError(
            "this network has no quotient: a hidden activation mixes its neurons, as softmax does\n"
            "  expected an activation that acts on each neuron alone"
        )
    counts = tuple(tuple(_count(c).tolist()) for c in classes)
    return Quotient(
        _network(model, groups),
        counts,
        _rates(model, groups),
        model,
        tuple(classes),
        0.0 if parted else drift(ties),
    )


def _is_the_same(model: MLP, groups: list[Any], ties: Ties) -> bool:
    """Whether both networks agree at random numbers that keep the ties: zeros might hide a difference now."""
    numbers = np.random.default_rng(0).normal(size=int(ties.classes.max(initial=-1)) + 1)[ties.classes]
    large = _network(model, [np.arange(size) for size in model.sizes])
    large.load(by_name(model, numbers))
    x = np.asarray(ties.recording.call[0])
    with np.errstate(all="ignore"):
        ours, theirs = (flat([plain_outputs(net(x))]) for net in (_network(large, groups), large))
    width = min(p.data.dtype.itemsize for p in large.parameters())
    agree = AGREE.get(width, 1e-2)
    # Leave out nan and inf of single samples: a tolerance of inf would let anything pass.
    largest = np.abs(theirs).max(initial=0, where=np.isfinite(theirs))
    return bool(np.allclose(ours, theirs, rtol=agree, atol=agree * largest, equal_nan=True))


def _count(classes: Any) -> Any:
    return np.bincount(classes)


def _first(classes: Any) -> Any:
    return np.unique(classes, return_index=True)[1]


def _network(model: MLP, groups: list[Any]) -> MLP:
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


def _rates(model: MLP, groups: list[Any]) -> dict[str, Any]:
    rates = {}
    for name in model.state():
        k = int(name[1:])
        after = 1.0 / _count(groups[k])
        rates[name] = _count(groups[k - 1])[:, None] * after if name[0] == "W" else after
    return rates
