"""minigrad, eager and compiled, and all libraries by name. Nothing is measured here."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from .library import Library
from .peers import Autograd, Jax, MyGrad, Torch
from .workload import LR, Call


class Minigrad(Library):
    """Eager, and compiled. made: the compiled function, or training step, of the latest call that was asked for."""

    def __init__(self, compiled: bool = False) -> None:
        super().__init__(compiled)
        import minigrad

        self.m = minigrad
        self.softmax, self.layer_norm, self.relu = minigrad.softmax, minigrad.layer_norm, minigrad.relu
        self.softplus, self.cross_entropy = minigrad.softplus, minigrad.cross_entropy
        self.made: Any = None

    def native(self) -> Any:
        """Whether the latest compiled call ran in the native executor, and why not; None where there is none."""
        made = getattr(self.made, "_update", self.made)  # the compiled function within a training step
        return getattr(made, "native", None)

    def _maybe(self, f: Any) -> Any:
        if self.compiled:
            f = self.made = self.m.compile(f)
        return f

    def step(self, f: Any, parameters: list[Any], data: tuple[Any, ...]) -> Call:
        model = type("Model", (self.m.nn.Module,), {"__call__": lambda self, x: x})()
        model.weights = [self.m.Value(p) for p in parameters]

        def loss(x: Any, y: Any) -> Any:
            return f(model.weights, x, y)

        if self.compiled:
            step = self.made = self.m.nn.train_step(model, loss, LR)
            return functools.partial(step, *data)
        optimiser = self.m.nn.optim.SGD(model.weights, LR)

        def eager() -> Any:
            optimiser.zero_grad()
            y = loss(*data)
            y.backward()
            optimiser.step()
            return y.data

        return eager

    def both(self, f: Any, parameters: list[Any], data: tuple[Any, ...]) -> Call:
        return functools.partial(self._maybe(self.m.value_and_grad(f)), parameters, *data)

    def value(self, f: Any, parameters: list[Any], data: tuple[Any, ...]) -> Call:
        g = self._maybe(functools.partial(f, parameters))
        given = data if self.compiled else tuple(self._value(x) for x in data)
        return functools.partial(g, *given)

    def _value(self, x: Any) -> Any:
        return {k: self.m.Value(a) for k, a in x.items()} if isinstance(x, dict) else self.m.Value(x)

    def gradient(self, f: Any, parameters: list[Any], data: tuple[Any, ...]) -> Call:
        return functools.partial(self._maybe(self.m.grad(functools.partial(f, parameters))), *data)

    def product(self, f: Any, weights: list[Any], data: tuple[Any, ...]) -> Call:
        directions, x, y = data

        def hvp(w: Any, v: Any, x: Any, y: Any) -> Any:
            return self.m.hvp(lambda *w: f(w, x, y), tuple(w), tuple(v))

        return functools.partial(self._maybe(hvp), weights, directions, x, y)


LIBRARIES: dict[str, Callable[[], Library]] = {
    "eager": Minigrad,
    "compiled": lambda: Minigrad(True),
    "jax.jit": Jax,
    "torch": Torch,
    "torch.compile": lambda: Torch(True),
    "autograd": Autograd,
    "mygrad": MyGrad,
}
OURS = ("eager", "compiled")
PEERS = tuple(name for name in LIBRARIES if name not in OURS)
