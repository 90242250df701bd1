"""The other libraries: how each spells a function, and how it takes one call of a workload."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from types import SimpleNamespace
from typing import Any

import numpy as np

from .library import Library
from .workload import LR, Call


class Autograd(Library):
    def __init__(self, compiled: bool = False) -> None:
        super().__init__(compiled)
        import autograd
        import autograd.numpy

        self.autograd, self.xp = autograd, autograd.numpy

    def step(self, f: Any, parameters: list[Any], data: tuple[Any, ...]) -> Call:
        both = self.both(f, parameters, data)

        def step() -> Any:
            loss, gradients = both()
            for w, g in zip(parameters, gradients, strict=True):
                np.subtract(w, LR * g, out=w)
            return loss

        return step

    def both(self, f: Any, parameters: list[Any], data: tuple[Any, ...]) -> Call:
        return functools.partial(self.autograd.value_and_grad(lambda w: f(w, *data)), parameters)

    def value(self, f: Any, parameters: list[Any], data: tuple[Any, ...]) -> Call:
        return functools.partial(f, parameters, *data)

    def gradient(self, f: Any, parameters: list[Any], data: tuple[Any, ...]) -> Call:
        return functools.partial(self.autograd.grad(functools.partial(f, parameters)), *data)

    def product(self, f: Any, weights: list[Any], data: tuple[Any, ...]) -> Call:
        directions, x, y = data
        gradient = self.autograd.grad(lambda w: f(w, x, y))

        def along(w: Any) -> Any:
            return sum(self.xp.sum(g * d) for g, d in zip(gradient(w), directions, strict=True))

        return functools.partial(self.autograd.grad(along), weights)


class MyGrad(Library):
    """It has no Hessian, and its `einsum` and windows do not take what the workloads give them."""

    def __init__(self, compiled: bool = False) -> None:
        super().__init__(compiled)
        import mygrad
        import mygrad.nnet

        self.xp = self.mg = mygrad
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

    def both(self, f: Any, parameters: list[Any], data: tuple[Any, ...]) -> Call:
        tensors = [self.mg.tensor(w, copy=False) for w in parameters]

        def call() -> Any:
            loss = f(tensors, *data)
            loss.backward()
            return loss.data, [w.grad for w in tensors]

        return call

    def value(self, f: Any, parameters: list[Any], data: tuple[Any, ...]) -> Call:
        given = [_nested(self.mg.tensor, x) for x in data]
        return lambda: _nested(lambda y: y.data, f(parameters, *given))

    def gradient(self, f: Any, parameters: list[Any], data: tuple[Any, ...]) -> Call:
        def call() -> Any:
            x = _nested(self.mg.tensor, data[0])
            f(parameters, x).backward()
            return _nested(lambda a: a.grad, x)

        return call


class Torch(Library):
    def __init__(self, compiled: bool = False) -> None:
        super().__init__(compiled)
        import torch

        functional = torch.nn.functional
        self.torch, self.softplus, self.cross_entropy = torch, functional.softplus, functional.cross_entropy
        self.relu = torch.relu
        self.softmax = lambda z: functional.softmax(z, dim=-1)
        self.layer_norm = lambda x, a, b: functional.layer_norm(x, x.shape[1:], a, b)
        names = ("tanh", "abs", "sqrt", "maximum", "sum", "mean", "exp", "einsum", "linalg")
        self.xp = SimpleNamespace(**{name: getattr(torch, name) for name in names})

    def windows(self, x: Any, n: int) -> Any:
        return x.unfold(-2, n, 1).unfold(-2, n, 1)

    def _tensors(self, x: Any) -> Any:
        return _nested(lambda a: self.torch.from_numpy(np.array(a)), x)

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

    def both(self, f: Any, parameters: list[Any], data: tuple[Any, ...]) -> Call:
        loss = self._maybe(f)
        weights, given = [w.requires_grad_() for w in self._tensors(parameters)], self._tensors(data)

        def call() -> Any:
            y = loss(weights, *given)
            return y.item(), self.torch.autograd.grad(y, weights)

        return call

    def value(self, f: Any, parameters: list[Any], data: tuple[Any, ...]) -> Call:
        g, given = self._maybe(functools.partial(f, parameters)), self._tensors(data)
        return lambda: _nested(lambda y: y.numpy(), g(*given))

    def gradient(self, f: Any, parameters: list[Any], data: tuple[Any, ...]) -> Call:
        g = self._maybe(functools.partial(f, parameters))

        def call() -> Any:
            x = _nested(lambda a: self.torch.tensor(a, dtype=self.torch.float64, requires_grad=True), data[0])
            return self.torch.autograd.grad(g(x), x)

        return call

    def product(self, f: Any, weights: list[Any], data: tuple[Any, ...]) -> Call:
        directions, x, y = self._tensors(data)
        given, func = tuple(self._tensors(weights)), self.torch.func
        gradient = func.grad(lambda *w: f(w, x, y), argnums=tuple(range(len(weights))))

        def call(given: Any, directions: Any) -> Any:
            return func.jvp(gradient, given, directions)[1]

        return functools.partial(self._maybe(call), given, tuple(directions))


class Jax(Library):
    def __init__(self, compiled: bool = True) -> None:
        super().__init__(compiled)
        import jax

        jax.config.update("jax_enable_x64", True)
        self.jax, self.xp = jax, jax.numpy
        self.softplus = jax.nn.softplus

    def windows(self, x: Any, n: int) -> Any:
        rows, columns = (size - n + 1 for size in x.shape[-2:])
        parts = [[x[..., i : i + rows, j : j + columns] for j in range(n)] for i in range(n)]
        return self.xp.stack([self.xp.stack(row, axis=-1) for row in parts], axis=-2)

    def scan(self, f: Callable[[Any, Any], Any], state: Any, inputs: Iterable[Any]) -> Any:
        return self.jax.lax.scan(lambda h, x: (f(h, x), None), state, inputs)[0]

    def _arrays(self, x: Any) -> Any:
        return self.jax.tree.map(self.jax.numpy.array, x)

    def _ready(self, g: Callable[..., Any], *args: Any) -> Call:
        return lambda: self.jax.block_until_ready(g(*args))

    def step(self, f: Any, parameters: list[Any], data: tuple[Any, ...]) -> Call:
        jax = self.jax

        @functools.partial(jax.jit, donate_argnums=0)
        def update(w: Any, *given: Any) -> Any:
            loss, gradients = jax.value_and_grad(f)(w, *given)
            return jax.tree.map(lambda p, g: p - LR * g, w, gradients), loss

        weights, given = [self._arrays(parameters)], self._arrays(data)

        def step() -> Any:
            weights[0], loss = jax.block_until_ready(update(weights[0], *given))
            return loss

        return step

    def both(self, f: Any, parameters: list[Any], data: tuple[Any, ...]) -> Call:
        return self._ready(self.jax.jit(self.jax.value_and_grad(f)), *self._arrays((parameters, *data)))

    def value(self, f: Any, parameters: list[Any], data: tuple[Any, ...]) -> Call:
        return self._ready(self.jax.jit(functools.partial(f, parameters)), *self._arrays(data))

    def gradient(self, f: Any, parameters: list[Any], data: tuple[Any, ...]) -> Call:
        return self._ready(self.jax.jit(self.jax.grad(functools.partial(f, parameters))), *data)

    def product(self, f: Any, weights: list[Any], data: tuple[Any, ...]) -> Call:
        jax = self.jax

        @jax.jit
        def hvp(w: Any, v: Any, x: Any, y: Any) -> Any:
            return jax.jvp(jax.grad(lambda w: f(w, x, y)), (w,), (v,))[1]

        return self._ready(hvp, *self._arrays((weights, *data)))


def _nested(f: Callable[[Any], Any], x: Any) -> Any:
    """F of every array or number of a nesting."""
    if isinstance(x, (list, tuple)):
        return [_nested(f, part) for part in x]
    return {key: _nested(f, part) for key, part in x.items()} if isinstance(x, dict) else f(x)
