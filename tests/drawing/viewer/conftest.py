"""One browser for all tests of the viewer, and the pages that they open."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from browser import Browser, find
from viewing import Page, opened

from minigrad.drawing import Drawing, draw
from minigrad.engine.value import Value, graph

Network = Callable[[Any], Value]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    executable = find()
    if executable is None:
        pytest.skip("no Chromium on the PATH: apt-get install chromium")
    running = Browser(executable)
    yield running
    running.close()


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("viewer")


@pytest.fixture(scope="session")
def plain(two_neurons: Network, folder: Path) -> Path:
    """Two neurons that differ, in two views."""
    loss = two_neurons([0.1, 0.2, 0.3, 0.4, 0.5, 0.6])
    other = replace(draw(loss, sums=False).diagram, view="values")
    return Drawing(draw(loss).diagram, others=[other]).save(folder / "plain.html")


@pytest.fixture(scope="session")
def trained(two_neurons: Network, folder: Path) -> Path:
    """Two tied neurons over six steps; the test breaks the tie at step 3."""
    weights, history = np.array([0.2, 0.4, 0.2, 0.4, 0.6, 0.6]), {}
    for step in range(6):
        weights[0] += 0.1 * (step == 3)
        loss = two_neurons(weights)
        history[step] = draw(loss)
        loss.backward()
        named = {v.name: v for v in graph(loss)}
        weights = np.array([float(named[f"w{k}"].data - 0.5 * named[f"w{k}"].grad) for k in range(1, 7)])
    return Drawing(history.pop(5).diagram, history=history).save(folder / "trained.html")


@pytest.fixture
def page(browser: Browser, plain: Path) -> Iterator[Page]:
    with opened(browser, plain) as found:
        yield found


@pytest.fixture
def training(browser: Browser, trained: Path) -> Iterator[Page]:
    with opened(browser, trained) as found:
        yield found
