"""One run of a network (in either form) as arrays: the input, output and gradient of every neuron.

Numbers only: no text and no places. Nothing is written to the model or to any `.grad`.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...engine import modes
from ...engine.derivative_limits import all_gradients
from ...engine.tree import leaves, tree_map
from ...engine.tree_folds import tree_fold
from ...engine.value import Value, graph, seed
from ...errors import ArgumentError, MinigradError, describe
from ...nn.losses import squared_error
from ...nn.mlp import MLP
from ...symmetry.loss_graph import plain_outputs
from ...symmetry.mlp_neurons import by_name, neuron_classes
from ...symmetry.ties import Ties, ties

Loss = Callable[[Any, Any], Any]

SECONDS = 5.0  # time limit of a picture
# Seconds that `ties` takes per value of the graph and per entry of a parameter; the share of a picture's time that
# it may take.
PER_NODE, PER_ENTRY, SHARE = 1.5e-5, 2.2e-6, 1 / 3


@dataclass(frozen=True, eq=False)
class LayerRun:
    """One layer. W, dW: (inputs, neurons); b, db: (neurons,) or None; z, dz, a, da: (samples, neurons).

    activation: its name, "" if there is none. dead: for each neuron, whether its output is 0 for every sample.
    """

    number: int
    activation: str
    W: Any
    dW: Any
    b: Any
    db: Any
    z: Any
    dz: Any
    a: Any
    da: Any
    dead: Any

    @property
    def results(self) -> tuple[tuple[str, Any, Any], ...]:
        """The results by name, value and gradient: the sum, and the output if it is a different one."""
        z, a = ("z", self.z, self.dz), ("a", self.a, self.da)
        return (z, a) if self.activation else (z,)


@dataclass(frozen=True, eq=False)
class NetworkTies:
    """The result of `ties`: by parameter, group numbers and which entries never move; by hidden layer, classes."""

    found: Ties
    groups: dict[str, Any]
    frozen: dict[str, Any]
    twins: list[Any]

    def proof(self, parameter: str, index: tuple[int, ...]) -> tuple[str, int]:
        """The group that an entry is proved to belong to, up to sign, and its sign; "" if nothing is proved."""
        group = int(self.groups[parameter][index])
        if self.found.evidence[group] not in ("proved", "single"):
            return "", 1
        other = self.found.opposite[group]
        if other is None or self.found.opposite_evidence[group] != "proved":
            return str(group), 1
        return str(min(group, other)), 1 if group < other else -1

    def is_proved(self, layer: int, neuron: int) -> bool:
        """Whether the group of each weight into and out of a neuron, and of its bias, is proved."""
        own = [self.groups[f"W{layer}"][:, neuron], self.groups[f"W{layer + 1}"][neuron]]
        own += [self.groups[f"b{layer}"][[neuron]]] if f"b{layer}" in self.groups else []
        return all(self.found.evidence[group] in ("proved", "single") for group in np.unique(np.concatenate(own)))

    def output_proof(self, layer: int, j: int) -> tuple[str, int]:
        """What is proved of the gradient of a hidden neuron's output, and its sign: its weights decide."""
        name, classes = f"W{layer + 1}", self._neurons(layer + 1)
        found = [(classes(k), *self.proof(name, (j, k))) for k in range(self.groups[name].shape[1])]
        sign = found[0][2]
        return self._proof_of([(k, proof, s * sign) for k, proof, s in found]), sign

    def sum_proof(self, layer: int, j: int) -> str:
        """What is proved of the gradient of a hidden neuron's sum: the weights into it decide, too."""
        name, classes = f"W{layer}", self._neurons(layer - 1)
        found = [(classes(i), *self.proof(name, (i, j))) for i in range(len(self.groups[name]))]
        found += [(-1, *self.proof(f"b{layer}", (j,)))] if f"b{layer}" in self.groups else []
        after, sign = self.output_proof(layer, j)
        parts = [self._proof_of(found), after]
        return f"{parts} {sign}" if all(parts) else ""

    def _neurons(self, layer: int) -> Callable[[int], int]:
        """The class of each neuron of a layer; without a proof of every group, the neuron itself."""
        proved = 0 < layer <= len(self.twins) and {"proved", "single"}.issuperset(self.found.evidence)
        return (lambda k: int(self.twins[layer - 1][k])) if proved else (lambda k: k)

    def _proof_of(self, found: list[tuple[int, str, int]]) -> str:
        """One proof for several entries, in any order; "" if one is missing."""
        return str(sorted(found)) if all(proof for _, proof, _ in found) else ""


@dataclass(frozen=True, eq=False)
class Run:
    """A whole network. x, dx: (samples, inputs), dx None if the inputs are plain numbers; y as given.

    loss_name: the name of the function, for the picture. remark: why the ties are unknown, or "".
    """

    model: MLP
    layers: tuple[LayerRun, ...]
    x: Any
    dx: Any
    y: Any
    loss_name: str
    loss: float
    tied: NetworkTies | None
    remark: str

    @property
    def single(self) -> bool:
        """Whether there is one sample, so that every quantity is one number."""
        return len(self.x) == 1

    def one(self, samples: Any) -> Any:
        """The only number of a row if there is one sample, else the whole row."""
        return samples[0] if self.single else samples


def run_mlp(model: MLP, x: object, y: object = None, loss: Loss | None = None, seconds: float = SECONDS) -> Run:
    """The network at x, its loss, all gradients, and which parameters are tied.

    Without y, the loss is the sum of the outputs. Raises ArgumentError if the loss is not one number.
    """
    chosen = loss_or_default(y, loss)
    _, result = record_prediction(model, x, y, chosen)
    with np.errstate(all="ignore"):
        gradients = {v.serial: g for v, g in all_gradients(result, seed(result))}
    plain = np.asarray(plain_outputs(x), dtype=np.float64)
    tied, remark = _network_ties(model, x, y, chosen, result, seconds)
    return Run(
        model=model,
        layers=tuple(_layers(model, plain, _GradientsByName(result, gradients))),
        x=np.atleast_2d(plain),
        dx=_of_inputs(x, gradients, np.atleast_2d(plain).shape),
        y=y,
        loss_name=function_name(chosen),
        loss=float(np.ravel(result.data)[0]),
        tied=tied,
        remark=remark,
    )


def loss_or_default(y: object, loss: Loss | None) -> Loss:
    """The given loss; by default the squared error, or without a target the sum of the outputs."""
    return loss or (sum_outputs if y is None else squared_error)


def record_prediction(model: Any, x: Any, y: Any, loss: Loss) -> tuple[Any, Value]:
    """The prediction and the loss, recorded. Raises ArgumentError if the loss is not one number."""
    with modes.recording():
        prediction = model(x)
        result = loss(prediction, y)
    if not isinstance(result, Value):
        raise ArgumentError(
            f"the loss must be a Value that depends on the model, got {describe(result)}\n"
            "  expected parameters that are Values, and a loss computed from the prediction"
        )
    if result.size != 1:
        raise ArgumentError(
            f"a picture shows the gradients of one number, got {describe(result)}\n"
            "  write  draw(model, x, y, loss=...)   with a loss(prediction, y) that gives one number"
        )
    return prediction, result


def sum_outputs(prediction: Any, _: Any = None) -> Any:
    """The sum of all outputs, however they are nested."""
    return tree_fold(prediction, np.sum, lambda x, split, parts: _added(parts))


def _added(parts: Sequence[Any]) -> Any:
    there = [part for part in parts if part is not None]  # as an output that a model leaves out
    return functools.reduce(operator.add, there) if there else None


def function_name(f: object) -> str:
    """The name of a function as words; "loss" if it has none."""
    if f is sum_outputs:
        return "sum of outputs"
    name = str(getattr(f, "__name__", ""))
    return "loss" if not name or name == "<lambda>" else name.replace("_", " ")


class _GradientsByName:
    """Gradients by the names of a network's sums and outputs: z1, z1[2], z1[sample,2]."""

    def __init__(self, result: Value, gradients: dict[int, Any]) -> None:
        self.gradients = gradients
        self.made = {v.name: v for v in graph(result) if v.op is not None and v.name}

    def of(self, value: Value | None) -> Any:
        """The gradient of a value; 0 if the loss does not depend on it."""
        found = None if value is None else self.gradients.get(value.serial)
        return 0.0 if found is None else found

    def of_parameter(self, parameter: Any) -> Any:
        """The gradient of a parameter, a Value or nested lists of scalar Values."""
        return np.array(tree_map(lambda v, _: np.broadcast_to(self.of(v), v.shape), parameter))

    def rows(self, name: str, shape: tuple[int, int], alone: bool) -> Any:
        """The gradient of a layer's sums or outputs, (samples, neurons)."""
        if name in self.made:
            return np.reshape(self.of(self.made[name]), shape)
        names = [[f"{name}[{'' if alone else f'{s},'}{j}]" for j in range(shape[1])] for s in range(shape[0])]
        return np.array([[self.of(self.made.get(n)) for n in row] for row in names])


def _layers(model: MLP, x: Any, gradients: _GradientsByName) -> Iterator[LayerRun]:
    state, h, alone = model.state(), np.atleast_2d(x), x.ndim == 1
    for layer in model.layers:
        k, g = layer.number, layer.activation
        W, b = state[f"W{k}"], state.get(f"b{k}")
        with np.errstate(all="ignore"):
            z = h @ W if b is None else h @ W + b
            h = z if g is None else np.asarray(g(z))
        dz, da = (gradients.rows(f"{kind}{k}", z.shape, alone) for kind in "za")
        yield LayerRun(
            number=k,
            activation="" if g is None else function_name(g),
            W=W,
            dW=gradients.of_parameter(layer.W),
            b=b,
            db=None if b is None else gradients.of_parameter(layer.b),
            z=z,
            dz=dz,
            a=h,
            da=dz if g is None else da,
            dead=(h == 0).all(axis=0) & ((z != 0).any(axis=0) | (function_name(g) == "relu")),
        )


def _of_inputs(x: Any, gradients: dict[int, Any], shape: tuple[int, ...]) -> Any:
    """The gradient of the inputs, if the caller passed Values."""
    found = leaves(x)
    if not any(isinstance(v, Value) for v in found):
        return None
    parts = [np.broadcast_to(gradients.get(getattr(v, "serial", -1), 0.0), np.shape(v)) for v in found]
    return np.concatenate([np.ravel(part) for part in parts]).reshape(shape)


def find_ties(model: Any, x: Any, y: Any, loss: Loss, result: Value, seconds: float) -> tuple[Ties | None, str]:
    """The ties of the parameters, or None and the reason why they are unknown.

    result: the loss, recorded; seconds: the time limit of the whole picture.
    """
    nodes, entries = len(graph(result)), sum(p.size for p in model.parameters())
    if nodes * PER_NODE + entries * PER_ENTRY > seconds * SHARE:
        size = f"{entries:,} parameters in a graph of {nodes:,} values"
        return (
            None,
            f"Ties were not computed ({size}); pass seconds={12 * seconds:g} to compute them.",
        )
    try:
        return ties(model, x, y, loss), ""
    except (MinigradError, ValueError, TypeError) as error:
        return None, f"Ties are unknown: {str(error).splitlines()[0]}."


def _network_ties(
    model: MLP, x: object, y: object, loss: Loss, result: Value, seconds: float
) -> tuple[NetworkTies | None, str]:
    found, remark = find_ties(model, x, y, loss, result, seconds)
    if found is None:
        return None, remark
    numbers, frozen = (by_name(model, entries) for entries in (found.numbers, found.never_moves))
    return NetworkTies(found, numbers, frozen, neuron_classes(model, found.classes)), ""
