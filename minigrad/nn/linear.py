"""A layer of a network: a = g(h W + b), a layer at a time or a neuron at a time.

Both forms hold the same numbers under the same names. The first is fast; the second is for pictures, where every
weight is a separate Value.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from ..engine.name_scopes import ModelPart
from ..engine.op import TABLE
from ..engine.value import Value
from .module import Module

Array: TypeAlias = npt.NDArray[Any]
Function: TypeAlias = Callable[[Any], Any]


class Layer(Module):
    """A layer at a time: ``a = g(h @ W + b)`` for one sample (inputs,) or a batch (samples, inputs)."""

    def __init__(self, number: int, weights: Array, biases: Array | None, activation: Function | None) -> None:
        self.number = number
        self.W = Value(weights, name=f"W{number}")
        self.b = None if biases is None else Value(biases, name=f"b{number}")
        self.activation = activation
        _set_part(ModelPart(f"layer {number}", "layer"), self.W, self.b)

    def __call__(self, h: Any) -> Value:
        """The outputs of all neurons, (outputs,) or (samples, outputs)."""
        z: Value = h @ self.W if self.b is None else h @ self.W + self.b
        _set_name(z, f"z{self.number}")
        return z if self.activation is None else _set_name(self.activation(z), f"a{self.number}")


class Neurons(Module):
    """A neuron at a time: ``a[j] = g(Σᵢ h[i] w[i][j] + b[j])`` out of scalar Values."""

    def __init__(self, number: int, weights: Array, biases: Array | None, activation: Function | None) -> None:
        self.number = number
        self.W = [
            [Value(x, name=f"w{number}[{i},{j}]") for j, x in enumerate(row)] for i, row in enumerate(weights)
        ]
        self.b = None if biases is None else [Value(x, name=f"b{number}[{j}]") for j, x in enumerate(biases)]
        self.activation = activation
        layer = ModelPart(f"layer {number}", "layer")
        for j, column in enumerate(zip(*self.W, strict=True)):
            _set_part(ModelPart(f"neuron {j}", "neuron", layer), *column, *(() if self.b is None else (self.b[j],)))

    def __call__(self, h: Sequence[Value], sample: str = "") -> list[Value]:
        """The outputs of all neurons; `sample` comes before the neuron in the names: z1[sample,neuron]."""
        z = [self._weighted_sum(h, j) for j in range(len(self.W[0]))]
        for j, value in enumerate(z):
            _set_name(value, f"z{self.number}[{sample}{j}]")
        if self.activation is None:
            return z
        a = _neuron_by_neuron(self.activation, z)
        return [_set_name(value, f"a{self.number}[{sample}{j}]") for j, value in enumerate(a)]

    def _weighted_sum(self, h: Sequence[Value], j: int) -> Value:
        products = [x * row[j] for x, row in zip(h, self.W, strict=True)]
        total: Value = functools.reduce(operator.add, products)
        return total if self.b is None else total + self.b[j]


def _neuron_by_neuron(activation: Function, z: list[Value]) -> list[Value]:
    """g of every neuron's z; a function that might mix neurons, as softmax does, gets them all at once."""
    if activation in TABLE and TABLE[activation].elementwise:
        return [activation(value) for value in z]
    together = activation(np.stack(z))
    return [together[j] for j in range(len(together))]


def _set_part(part: ModelPart, *parameters: Value | None) -> None:
    """Note which part of the model the parameters belong to, for pictures."""
    for value in parameters:
        if value is not None:
            value.mark = part


def _set_name(value: Value, name: str) -> Value:
    """Name the value, unless it has a name already (g may be the identity) or is an array."""
    if getattr(value, "name", name) is None:
        value.name = name
    return value
