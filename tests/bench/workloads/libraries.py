"""The libraries that run the workloads: how each spells a function, and how each takes a step.

Each gives one call of a workload: ``call(workload, parameters, data)``. Nothing is measured here.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np

from .workload import LR, Call, Workload


class Library:
    """What NumPy's own spelling leaves open. `setup` imports; ImportError says that the library is absent."""

    xp: Any = np

    def __init__(self, compiled: bool = False) -> None:
        self.compiled = compiled

    def call(self, workload: Workload, parameters: list[Any], data: tuple[Any, ...]) -> Call:
        """One call of a workload, ready to be timed."""
        make: Callable[..., Call] = getattr(self, workload.kind)
        return make(functools.partial(workload.f, self), parameters, data)

    def softmax(self, z: Any) -> Any:
        xp = self.xp
        e = xp.exp(z - xp.max(z, axis=1, keepdims=True))
        return e / xp.sum(e, axis=1, keepdims=True)

    def layer_norm(self, x: Any, scale: Any, shift: Any) -> Any:
        xp = self.xp
        deviation = x - xp.mean(x, axis=1, keepdims=True)
        size = xp.sqrt(xp.mean(deviation * deviation, axis=1, keepdims=True) + 1e-5)
        return deviation / size * scale + shift

    def softplus(self, z: Any) -> Any:
        return self.xp.logaddexp(z, 0.0)

    def cross_entropy(self, z: Any, classes: Any) -> Any:
        xp = self.xp
        shifted = z - xp.max(z, axis=1, keepdims=True)
        log_p = shifted - xp.log(xp.sum(xp.exp(shifted), axis=1, keepdims=True))
        return -xp.mean(log_p[np.arange(len(classes)), classes])


class Minigrad(Library):
    """Eager, and compiled."""

    def __init__(self, compiled: bool = False) -> None:
        super().__init__(compiled)
        import minigrad

        self.m = minigrad
        self.softmax, self.layer_norm = minigrad.softmax, minigrad.layer_norm
        self.softplus, self.cross_entropy = minigrad.softplus, minigrad.cross_entropy

    def step(self, f: Any, parameters: list[Any], data: tuple[Any, ...]) -> Call:
        model = type("Model", (self.m.nn.Module,), {"__call__": lambda self, x: x})()
        model.weights = [self.m.Value(p) for p in parameters]

        def loss(x: Any, y: Any) -> Any:
            return f(model.weights, x, y)

        if self.compiled:
            step = self.m.nn.train_step(model, loss, LR)
            return lambda: step(*data)
        optimiser = self.m.nn.optim.SGD(model.weights, LR)

        def eager() -> Any:
            optimiser.zero_grad()
            y = loss(*data)
            y.backward()
            optimiser.step()
            return y.data

        return eager

    def _maybe(self, f: Any) -> Any:
        return self.m.compile(f) if self.compiled else f

    def value(self, f: Any, parameters: list[Any], data: tuple[Any, ...]) -> Call:
        g = self._maybe(functools.partial(f, parameters))
        given = data if self.compiled else [self.m.Value(x) for x in data]
        return lambda: g(*given)

    def gradient(self, f: Any, parameters: list[Any], data: tuple[Any, ...]) -> Call:
        g = self._maybe(self.m.grad(functools.partial(f, parameters)))
        return lambda: g(*data)

    def product(self, f: Any, weights: list[Any], data: tuple[Any, ...]) -> Call:
        directions, x, y = data

        def hvp(w: Any, v: Any, x: Any, y: Any) -> Any:
            return self.m.hvp(lambda *w: f(w, x, y), tuple(w), tuple(v))

        g = self._maybe(hvp)
        return lambda: g(weights, directions, x, y)


class Autograd(Library):
    def __init__(self, compiled: bool = False) -> None:
        super().__init__(compiled)
        import autograd
        import autograd.numpy

        self.autograd, self.xp = autograd, autograd.numpy

    def step(self, f: Any, parameters: list[Any], data: tuple[Any, ...]) -> Call:
        both = self.autograd.value_and_grad(lambda w: f(w, *data))

        def step() -> Any:
            loss, gradients = both(parameters)
            for w, g in zip(parameters, gradients, strict=True):
                np.subtract(w, LR * g, out=w)
            return loss

        return step

    def value(self, f: Any, parameters: list[Any], data: tuple[Any, ...]) -> Call:
        return lambda: f(parameters, *data)

    def gradient(self, f: Any, parameters: list[Any], data: tuple[Any, ...]) -> Call:
        g = self.autograd.grad(functools.partial(f, parameters))
        return lambda: g(*data)

    def product(self, f: Any, weights: list[Any], data: tuple[Any, ...]) -> Call:
        directions, x, y = data
        gradient = self.autograd.grad(lambda w: f(w, x, y))

        def along(w: Any) -> Any:
            return sum(self.xp.sum(g * d) for g, d in zip(gradient(w), directions, strict=True))

        product = self.autograd.grad(along)
        return lambda: product(weights)


class MyGrad(Library):
    def __init__(self, compiled: bool = False) -> None:
        super().__init__(compiled)
        import mygrad
        import mygrad.nnet

        self.xp = self.mg = mygrad
        self.softplus = lambda z: mygrad.logaddexp(z, 0.0)
        self.softmax = mygrad.nnet.softmax
        self.cross_entropy = mygrad.nnet.softmax_crossentropy

    def step(self, f: Any, parameters: list[Any], data: tuple[Any, ...]) -> Call:
        tensors = [self.mg.tensor(w, copy=False) for w in parameters]

        def step() -> Any:
            loss = f(tensors, *data)
            loss.backward()
            for w in tensors:
                np.subtract(w.data, LR * w.grad, out=w.data)
            return loss.data

        return step

    def value(self, f: Any, parameters: list[Any], data: tuple[Any, ...]) -> Call:
        given = [self.mg.tensor(x) for x in data]
        return lambda: f(parameters, *given).data

    def gradient(self, f: Any, parameters: list[Any], data: tuple[Any, ...]) -> Call:
        def call() -> Any:
            x = [self.mg.tensor(a) for a in data[0]]
            f(parameters, x).backward()
            return [a.grad for a in x]

        return call


class Torch(Library):
    def __init__(self, compiled: bool = False) -> None:
        super().__init__(compiled)
        import torch

        functional = torch.nn.functional
        self.torch, self.softplus, self.cross_entropy = torch, functional.softplus, functional.cross_entropy
        self.softmax = lambda z: functional.softmax(z, dim=1)
        self.layer_norm = lambda x, a, b: functional.layer_norm(x, x.shape[1:], a, b)
        self.xp = SimpleNamespace(
            **{name: getattr(torch, name) for name in ("tanh", "abs", "sqrt", "maximum", "sum", "mean", "exp")}
        )

    def _tensors(self, arrays: Any) -> list[Any]:
        return [self._tensors(x) if isinstance(x, list) else self.torch.from_numpy(np.array(x)) for x in arrays]

    def _maybe(self, f: Any) -> Any:
        return self.torch.compile(f) if self.compiled else f

    def step(self, f: Any, parameters: list[Any], data: tuple[Any, ...]) -> Call:
        torch, loss = self.torch, self._maybe(f)
        weights, given = [w.requires_grad_() for w in self._tensors(parameters)], self._tensors(data)

        def step() -> Any:
            for w in weights:
                w.grad = None
            y = loss(weights, *given)
            y.backward()
            with torch.no_grad():
                for w in weights:
                    w.sub_(w.grad, alpha=LR)
            return y.item()

        return step

    def value(self, f: Any, parameters: list[Any], data: tuple[Any, ...]) -> Call:
        g, given = self._maybe(functools.partial(f, parameters)), self._tensors(data)
        return lambda: g(*given).numpy()

    def gradient(self, f: Any, parameters: list[Any], data: tuple[Any, ...]) -> Call:
        def call() -> Any:
            x = [self.torch.tensor(a, dtype=self.torch.float64, requires_grad=True) for a in data[0]]
            return self.torch.autograd.grad(f(parameters, x), x)

        return call

    def product(self, f: Any, weights: list[Any], data: tuple[Any, ...]) -> Call:
        directions, x, y = self._tensors(data)
        given, func = tuple(self._tensors(weights)), self.torch.func
        gradient = func.grad(lambda *w: f(w, x, y), argnums=(0, 1))

        def call(given: Any, directions: Any) -> Any:
            return func.jvp(gradient, given, directions)[1]

        g = self._maybe(call)
        return lambda: g(given, tuple(directions))


class Jax(Library):
    def __init__(self, compiled: bool = True) -> None:
        super().__init__(compiled)
        import jax

        jax.config.update("jax_enable_x64", True)
        self.jax, self.xp = jax, jax.numpy
        self.softplus = jax.nn.softplus

    def step(self, f: Any, parameters: list[Any], data: tuple[Any, ...]) -> Call:
        jax = self.jax

        @functools.partial(jax.jit, donate_argnums=0)
        def update(w: Any, *given: Any) -> Any:
            loss, gradients = jax.value_and_grad(f)(w, *given)
            return jax.tree.map(lambda p, g: p - LR * g, w, gradients), loss

        weights, given = [[jax.numpy.array(w) for w in parameters]], [jax.numpy.array(x) for x in data]

        def step() -> Any:
            weights[0], loss = jax.block_until_ready(update(weights[0], *given))
            return loss

        return step

    def value(self, f: Any, parameters: list[Any], data: tuple[Any, ...]) -> Call:
        g, given = self.jax.jit(functools.partial(f, parameters)), [self.jax.numpy.array(x) for x in data]
        return lambda: self.jax.block_until_ready(g(*given))

    def gradient(self, f: Any, parameters: list[Any], data: tuple[Any, ...]) -> Call:
        g = self.jax.jit(self.jax.grad(functools.partial(f, parameters)))
        return lambda: self.jax.block_until_ready(g(*data))

    def product(self, f: Any, weights: list[Any], data: tuple[Any, ...]) -> Call:
        jax, (directions, x, y) = self.jax, data
        given = jax.tree.map(jax.numpy.array, (weights, directions, x, y))

        @jax.jit
        def hvp(w: Any, v: Any, x: Any, y: Any) -> Any:
            return jax.jvp(jax.grad(lambda w: f(w, x, y)), (w,), (v,))[1]

        return lambda: jax.block_until_ready(hvp(*given))


LIBRARIES: dict[str, Callable[[], Library]] = {
    "eager": Minigrad,
    "compiled": lambda: Minigrad(True),
    "autograd": Autograd,
    "mygrad": MyGrad,
    "torch": Torch,
    "torch.compile": lambda: Torch(True),
    "jax.jit": Jax,
}
OURS = ("eager", "compiled")
