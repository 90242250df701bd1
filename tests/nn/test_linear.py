"""The layers of a network: what they name, and which parameters they bring."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad import Value, nn
from minigrad.engine.value import graph


def test_everything_in_the_graph_that_a_picture_needs_has_a_name() -> None:
    net = nn.MLP((2, 2, 1), "sigmoid", "sigmoid", per_neuron=True)
    names = [v.name for v in graph(net([1.0, 2.0])[0]) if v.name]
    assert {"x[0]", "x[1]", "z1[0]", "z1[1]", "a1[0]", "a1[1]", "z2[0]", "a2[0]"} <= set(names)
    assert len(names) == len(set(names)) == 2 + 9 + 6
    batch = [v.name for row in net([[1.0, 2.0], [3.0, 4.0]]) for v in row]
    assert batch == ["a2[0,0]", "a2[1,0]"]


def test_tensors_of_each_layer_have_names_too() -> None:
    net = nn.MLP((2, 2, 1), "tanh")
    assert [v.name for v in graph(net(np.ones(2))) if v.op is not None and v.name] == ["z1", "a1", "z2"]


def test_an_activation_that_hands_its_input_through_does_not_rename_it() -> None:
    net = nn.MLP((2, 1), output=lambda z: z)
    assert net(np.ones(2)).name == "z1"


def test_a_module_as_activation_brings_its_parameters() -> None:
    class Scaled(nn.Module):
        def __init__(self) -> None:
            self.slope = Value(2.0, name="slope")

        def __call__(self, z: Value) -> Any:
            return self.slope * z

    for per_neuron in (False, True):
        net = nn.MLP((2, 2, 1), Scaled(), per_neuron=per_neuron)
        assert [name for name, _ in net.named_parameters()].count("slope") == 1
        nn.squared_error(net(np.ones(2)), np.zeros(1)).backward()
        assert dict(net.named_parameters())["slope"].grad is not None
