"""The multilayer perceptron: layers of neurons, one after the other, in either form of `linear`.

`init` makes the initial numbers.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..engine.op import TABLE
from ..engine.value import Value
from ..errors import ShapeError
from .init import Seed, Spec, initial
from .linear import Array, Function, Layer, Neurons
from .module import Module


def activations() -> dict[str, Function | None]:
    """The activations by name: the ops of the table that are marked as activations, and "linear"."""
    named = {op.label: op.function for op in TABLE.values() if op.activation}
    return {"linear": None} | dict(sorted(named.items()))


class MLP(Module):
    """A multilayer perceptron: layers of neurons, each connected to all of the layer before.

    sizes        inputs, hidden layers, outputs: (2, 3, 3, 2)
    activation   of the hidden layers; a name such as "tanh" (``nn.mlp.activations()`` has all), None for
                 linear, or a function of a Value whose last axis is the neurons
    output       likewise, of the last layer
    init         a start for all parameters: a name in `nn.init`, a number, a function (shape, rng) -> array
                 (biases as well, but Xavier and He start those at 0); or one for each parameter, as a dict
                 ({"W1": ..., "b1": ...}) or a list in the order W1, b1, W2, b2 ...
    seed         a whole number or a numpy.random.Generator: the same seed gives the same bits, in both forms
    bias         whether there are any biases
    per_neuron   compute with scalar Values, w1[0,2] (from input 0 to neuron 2) in place of W1[0, 2]
    """

    def __init__(
        self,
        sizes: Sequence[int],
        activation: str | Function | None = "tanh",
        output: str | Function | None = None,
        init: Spec | Mapping[str, Spec] = "xavier_uniform",
        seed: Seed = None,
        bias: bool = True,
        per_neuron: bool = False,
    ) -> None:
        self.sizes, self.per_neuron = _check_sizes(sizes), per_neuron
        shapes = self._shapes(bias)
        rng = np.random.default_rng(seed)
        numbers = {
            name: initial(spec, shapes[name], rng, name=name) for name, spec in _one_each(init, shapes).items()
        }
        last = len(self.sizes) - 1
        functions = [_function(activation)] * (last - 1) + [_function(output)]
        kind = Neurons if per_neuron else Layer
        self.layers: list[Any] = [  # all of that kind
            kind(k, numbers[f"W{k}"], numbers.get(f"b{k}"), functions[k - 1]) for k in range(1, last + 1)
        ]

    def __call__(self, x: Any) -> Any:
        """The outputs for one sample (inputs,) or a batch (samples, inputs) of numbers or Values.

        A layer at a time: a Value (outputs,) or (samples, outputs). A neuron at a time: a list of scalar
        Values, one for each output (a list even for one output), or a list of such lists; numbers given
        as inputs become Values x[i], or x[k,i] in sample k. ShapeError where a sample has another length.
        """
        if self.per_neuron:
            return self._sample(x) if _is_sample(x) else [self._sample(row, f"{k},") for k, row in enumerate(x)]
        h = x if isinstance(x, Value) else np.asarray(x)
        self._check(np.shape(h)[-1:])
        return functools.reduce(lambda h, layer: layer(h), self.layers, h)

    def __repr__(self) -> str:
        """Sizes, form and number of parameters."""
        form = "a neuron at a time" if self.per_neuron else "a layer at a time"
        count = sum(value.size for value in self.parameters())
        return f"<MLP {'-'.join(map(str, self.sizes))}, {form}, {count} parameters>"

    def state(self) -> dict[str, Array]:
        """Copies of all parameters as plain arrays, {"W1": ..., "b1": ...}: the same in both forms."""
        return {name: _read(held) for name, held in self._by_name().items()}

    def load(self, arrays: Mapping[str, Spec] | Sequence[Spec]) -> None:
        """Set all parameters, from the `state` of a network in either form, or from a list in that order."""
        shapes = {name: array.shape for name, array in self.state().items()}
        numbers = {k: initial(spec, shapes[k], name=k) for k, spec in _one_each(arrays, shapes).items()}
        for name, held in self._by_name().items():
            _write(held, numbers[name])

    def _by_name(self) -> dict[str, object]:
        """Every parameter by name: a Value, or nested lists of scalar Values."""
        every = {f"{kind}{layer.number}": getattr(layer, kind) for layer in self.layers for kind in ("W", "b")}
        return {name: held for name, held in every.items() if held is not None}

    def _sample(self, x: Any, sample: str = "") -> list[Value]:
        """One sample, a neuron at a time."""
        self._check((len(x),), scalars=all(np.ndim(v) == 0 for v in x))
        h = [v if isinstance(v, Value) else Value(v, name=f"x[{sample}{i}]") for i, v in enumerate(x)]
        for layer in self.layers:
            h = layer(h, sample)
        return h

    def _check(self, got: tuple[int, ...], scalars: bool = True) -> None:
        if got != self.sizes[:1] or not scalars:
            found = f"{got[0]}" if got and scalars else "something else"
            raise ShapeError(f"{self!r} takes {self.sizes[0]} inputs per sample, got {found}")

    def _shapes(self, bias: bool) -> dict[str, tuple[int, ...]]:
        """The shape of every parameter, by name, in order."""
        shapes: dict[str, tuple[int, ...]] = {}
        for k, (before, after) in enumerate(zip(self.sizes, self.sizes[1:], strict=False), start=1):
            shapes[f"W{k}"] = (before, after)
            if bias:
                shapes[f"b{k}"] = (after,)
        return shapes


def _check_sizes(sizes: Sequence[int]) -> tuple[int, ...]:
    found = tuple(sizes) if isinstance(sizes, (Sequence, np.ndarray)) else ()
    if len(found) < 2 or not all(isinstance(n, (int, np.integer)) and n > 0 for n in found):
        raise ValueError(f"sizes must be two or more positive whole numbers, like (2, 3, 1), got {sizes!r}")
    return tuple(int(n) for n in found)


def _function(activation: str | Function | None) -> Function | None:
    if activation is None or callable(activation):
        return activation
    known = activations()
    if not isinstance(activation, str) or activation not in known:
        names = ", ".join(known)
        raise ValueError(f"no activation is called {activation!r}\n  expected a function or one of {names}")
    return known[activation]


def _one_each(specs: Any, shapes: Mapping[str, Any]) -> dict[str, Any]:
    """The entry for each parameter, by name, in the order of `shapes`."""
    if isinstance(specs, (list, tuple)):
        if len(specs) != len(shapes):
            raise ValueError(f"expected one entry for each of {', '.join(shapes)}, got {len(specs)} entries")
        return dict(zip(shapes, specs, strict=True))
    if not isinstance(specs, Mapping):
        return dict.fromkeys(shapes, specs)
    if set(specs) != set(shapes):
        raise ValueError(f"expected entries for {', '.join(shapes)}, got {', '.join(map(str, specs))}")
    return {name: specs[name] for name in shapes}


def _read(held: Any) -> Array:
    return np.array(held.data if isinstance(held, Value) else [_read(part) for part in held])


def _write(held: Any, numbers: Any) -> None:
    if not isinstance(held, Value):
        for part, own in zip(held, numbers, strict=True):
            _write(part, own)
    elif held.ndim:
        held.data[...] = numbers  # in the memory it has
    else:
        held.data = held.data.dtype.type(numbers)


def _is_sample(x: Any) -> bool:
    return bool(len(x)) and not isinstance(x[0], (list, tuple)) and np.ndim(x[0]) == 0
