"""Small networks to draw, and a real XML parser to count with."""

import xml.etree.ElementTree as ET
from collections.abc import Callable, Sequence

import numpy as np
import pytest

from minigrad.engine.value import Value


def _two_neurons(weights: Sequence[float]) -> Value:
    x1, x2 = Value(1.0, "x1"), Value(2.0, "x2")
    w1, w2, w3, w4, w5, w6 = (Value(w, f"w{i}") for i, w in enumerate(weights, start=1))
    z1, z2 = w1 * x1 + w2 * x2, w3 * x1 + w4 * x2
    a1, a2 = z1.sigmoid(), z2.sigmoid()
    a3 = (w5 * a1 + w6 * a2).sigmoid()
    loss = -np.log(a3)
    for value, name in zip((z1, z2, a1, a2, a3, loss), ("z1", "z2", "a1", "a2", "a3", "J"), strict=True):
        value.name = name
    return loss


@pytest.fixture(scope="session")
def two_neurons() -> Callable[[Sequence[float]], Value]:
    """The loss of two sigmoid neurons and a sigmoid output with the given six weights."""
    return _two_neurons


@pytest.fixture
def different() -> Value:
    return _two_neurons([0.1, 0.2, 0.3, 0.4, 0.5, 0.6])


@pytest.fixture
def tied() -> Value:
    return _two_neurons([0.2, 0.4, 0.2, 0.4, 0.6, 0.6])


@pytest.fixture
def groups_with_class() -> Callable[[str, str], list[ET.Element]]:
    """All elements of an SVG text, of whatever kind, that carry a class token."""

    def find(svg: str, token: str) -> list[ET.Element]:
        return [element for element in ET.fromstring(svg).iter() if token in element.get("class", "").split()]

    return find
