"""train_step: one step of gradient descent as one function, compiled where that can be done.

What a step computes is written here once; compiled and eager code run the same lines.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from ..closures import value_and_leaf_grads
from ..compiler import compile as compiled
from ..errors import MinigradError
from .optim import SGD


class TrainStep:
    """``step(x, y)`` moves the parameters of a model once, in the memory they have, and gives the loss before it.

    learning_rate: may be changed between steps. compiled: whether the steps are; `reason` says why not.
    """

    def __init__(self, model: Any, loss: Callable[..., Any], learning_rate: float, compile: bool) -> None:
        self.model, self.loss, self.compiled, self.reason = model, loss, compile, ""
        self._optimiser = SGD(model.parameters(), learning_rate)  # which checks both
        self.parameters = self._optimiser.parameters
        self._gradients = value_and_leaf_grads(lambda x, y: loss(model(x), y), self.parameters)
        self._update = compiled(self._moved, donate=self.parameters)

    def __call__(self, x: Any, y: Any) -> Any:
        """One step on inputs x and targets y, arrays or numbers; the loss, as a number."""
        x, y = (a if type(a) is np.ndarray else np.asarray(a) for a in (x, y))
        if not self.compiled:
            return self._eagerly(x, y)
        try:
            loss, moved = self._update(x, y, self._optimiser.lr)
        except MinigradError as error:
            return self._instead(error, x, y)
        for w, data in moved.items():
            self.parameters[w]._array = data  # the array it was, now with other numbers
        return loss

    @property
    def learning_rate(self) -> float:
        """How far a step goes along the gradient."""
        return self._optimiser.lr

    @learning_rate.setter
    def learning_rate(self, rate: float) -> None:
        self._optimiser.lr = rate

    @property
    def source(self) -> str:
        """The Python that the latest compiled step ran."""
        return str(self._update.source)

    def _moved(self, x: Any, y: Any, rate: Any) -> Any:
        """The loss, and where each parameter goes that it depends on, by number."""
        loss, gradients = self._gradients(x, y)
        pairs = zip(self.parameters, gradients, strict=True)
        return loss, {k: w - rate * g for k, (w, g) in enumerate(pairs) if g is not None}

    def _eagerly(self, x: Any, y: Any) -> Any:
        loss, gradients = self._gradients(x, y)
        for w, g in zip(self.parameters, gradients, strict=True):
            if g is not None:
                w.data -= self._optimiser.lr * g
        return loss

    def _instead(self, error: MinigradError, x: Any, y: Any) -> Any:
        """The step, eagerly, from now on; one that cannot be taken at all raises what eager code raises."""
        loss = self._eagerly(x, y)
        self.compiled, self.reason = False, str(error)
        warnings.warn(f"train_step goes on without compiling: {error}", RuntimeWarning, stacklevel=3)
        return loss


def train_step(
    model: Any, loss: Callable[..., Any], learning_rate: float = 0.01, compile: bool = True
) -> TrainStep:
    """A function that takes one step of gradient descent: ``step = train_step(model, loss); step(x, y)``.

    model: a `Module`, called as ``model(x)``. loss: ``loss(prediction, y)``, one number. Each step does what
    ``loss.backward()`` and ``SGD(...).step()`` do, to the last bit, writes no ``.grad``, and gives the loss.
    compile: whether steps run as straight-line NumPy (`minigrad.compile`), traced anew for other shapes; where the
    model or the loss cannot be traced, a RuntimeWarning says why, once, and the steps are eager.
    """
    return TrainStep(model, loss, learning_rate, compile)
