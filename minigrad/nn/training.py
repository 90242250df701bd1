"""train_step: one step of an optimiser as one function, compiled where possible.

The optimiser defines the computation of a step; compiled and eager code run the same lines.
"""

from __future__ import annotations

import warnings
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any

import numpy as np

from ..compiler import compile as compiled
from ..errors import ArgumentError, MinigradError
from ..tracing import current_tape
from ..tracing.side_effects import ModelChanged
from ..tracing.state import may_catch
from ..transforms.leaf_grads import value_and_leaf_grads
from .carried import Carried
from .optim import SGD, Optimiser

KEPT = 8  # settings of an optimiser whose compiled steps are kept
PLAIN = (bool, int, float, str, type(None))


class TrainStep:
    """``step(x, y)`` moves the parameters of a model once, in place, and returns the loss before the move.

    optimiser: holds the state; its rate and other settings may be changed between steps. compiled: whether steps
    are compiled; `reason` says why not.
    """

    def __init__(self, model: Any, loss: Callable[..., Any], optimiser: Optimiser | float, compile: bool) -> None:
        self.model, self.loss, self.compiled, self.reason = model, loss, compile, ""
        self.optimiser = _optimiser(model, optimiser)
        self.parameters = self.optimiser.parameters
        self._gradients = value_and_leaf_grads(lambda x, y: loss(model(x), y), self.parameters)
        self._updates: OrderedDict[Hashable, Any] = OrderedDict()
        self._latest: tuple[Hashable, Any] = None, None  # of these, with its key
        self._carried = Carried(model)
        self._settings: Hashable = ()
        self._version = -1  # of the optimiser, when its settings were read

    def __call__(self, x: Any, y: Any) -> Any:
        """One step on inputs x and targets y, arrays or numbers; the loss, as a number."""
        x = x if type(x) is np.ndarray else np.asarray(x)
        y = y if type(y) is np.ndarray else np.asarray(y)
        if not self.compiled:
            return self._run_eagerly(x, y)
        results = None
        try:
            results = self._compiled_step(x, y)
        except _Eagerly:
            pass
        except MinigradError as error:
            if not self._carried.will_settle(error):
                return self._fall_back(error, x, y)
        if results is None:
            return self._run_eagerly(x, y)
        loss, moved, kept, changed = results
        for w, state, data in zip(self.parameters, self.optimiser.states, moved, strict=True):
            if data is not None:
                state.count += 1
                if data is not w._array:  # a donated array has its new numbers already
                    _renew(w, data)
        for state, arrays in zip(self.optimiser.states, kept, strict=False):
            for held, array in zip(state.arrays, arrays, strict=False):
                _renew(held, array)
        if changed:
            self._carried.store(changed)
        return loss

    @property
    def source(self) -> str:
        """The Python that the latest compiled step ran."""
        if self._update is None:
            raise ArgumentError("no step is compiled yet\n  write  step(x, y)   first")
        return str(self._update.source)

    @property
    def _update(self) -> Any:
        """The latest compiled step."""
        return self._latest[1]

    def _compiled_step(self, x: Any, y: Any) -> Any:
        """The result of one step, compiled for the settings of the optimiser."""
        optimiser = self.optimiser
        if self._version != optimiser.version:
            self._settings, self._version = _settings(optimiser), optimiser.version
        if slots := len(optimiser.slots):
            for w, state in zip(self.parameters, optimiser.states, strict=True):
                state.fit(w, slots)
        numbers, which = ([], ()) if type(optimiser).numbers is Optimiser.numbers else self._numbers()
        key = self._settings, which
        known, update = self._latest
        if key != known:
            update = self._update_for(key)
            self._latest = key, update
        try:
            return update(x, y, optimiser.lr, numbers, self._carried.values())
        except ModelChanged as error:
            if not self._carried.extend(error.changes):
                raise
        self._updates.clear()
        self._latest = None, None
        return self._compiled_step(x, y)

    def _numbers(self) -> tuple[list[tuple[float, ...]], tuple[int, ...]]:
        """The numbers of the optimiser for each count of steps, and the place there of each parameter's.

        All parameters take the same, at 0, if the places are (), as is usual: none has moved less often.
        """
        counts = [state.count for state in self.optimiser.states]
        distinct = sorted(set(counts))
        numbers = [self.optimiser.numbers(count + 1) for count in distinct]
        if not any(numbers):
            return [], ()
        return numbers, tuple(map(distinct.index, counts)) if len(distinct) > 1 else ()

    def _update_for(self, key: tuple[Hashable, tuple[int, ...]]) -> Any:
        """The compiled step for these settings, and places of numbers."""
        update = self._updates.get(key)
        if update is None:
            states, (_, which) = self.optimiser.states, key
            moved = self._step_function(which or (0,) * len(states))
            # A step that overwrites its arrays cannot be taken again, where the model catches an error.
            arrays = [x for state in states for x in state.arrays]
            donated = [] if may_catch({"f": self._gradients}) else [*self.parameters, *arrays]
            update = self._updates[key] = compiled(moved, donate=donated)
            while len(self._updates) > KEPT:
                self._updates.popitem(last=False)
        return update

    def _step_function(self, which: tuple[int, ...]) -> Callable[..., Any]:
        """The step as a function. which: the place of each parameter's numbers."""

        def moved(x: Any, y: Any, rate: Any, numbers: Any, carried: Any) -> Any:
            """The loss, the new data and state of each parameter (None if it does not move), and what the model
            changed."""
            if current_tape() is None:  # compiled code found nan or raised an error, or `debug` watches
                raise _Eagerly
            with self._carried.holding(carried):
                loss, gradients = self._gradients(x, y)
                changed = self._carried.changed(carried, loss)
            found, kept = [], []
            slots = len(self.optimiser.slots)
            for k, (w, g) in enumerate(zip(self.parameters, gradients, strict=True)):
                state = tuple(self.optimiser.states[k].arrays[:slots])
                after = state
                if g is not None:
                    mine = tuple(numbers[which[k]]) if numbers else ()
                    d, after = self.optimiser.formula(w, g, state, mine)
                found.append(None if g is None else w - rate * d)
                kept.append([] if all(a is b for a, b in zip(after, state, strict=True)) else list(after))
            return loss, found, kept if any(kept) else [], changed

        return moved

    def _run_eagerly(self, x: Any, y: Any) -> Any:
        loss, gradients = self._gradients(x, y)
        for k, g in enumerate(gradients):
            if g is not None:
                self.optimiser.move(k, g)
        return loss

    def _fall_back(self, error: MinigradError, x: Any, y: Any) -> Any:
        """Take this and all later steps eagerly; a step that fails raises the error of eager code."""
        loss = self._run_eagerly(x, y)
        self.compiled, self.reason = False, str(error)
        warnings.warn(f"train_step goes on without compiling: {error}", RuntimeWarning, stacklevel=3)
        return loss


class _Eagerly(Exception):
    """A step must be taken by eager code. Never reaches the user."""


def _renew(held: Any, data: Any) -> None:
    """Give a Value new numbers in the memory that it has. A donated array has them already."""
    if isinstance(data, np.ndarray) and data is not held._array:
        held._array[...] = data
    else:
        held._array = data


def _optimiser(model: Any, given: Any) -> Optimiser:
    """The given optimiser; a number is the rate of gradient descent."""
    if not isinstance(given, Optimiser):
        return SGD(model.parameters(), given)
    own = {id(w) for w in model.parameters()}
    if not any(id(w) in own for w in given.parameters):
        raise ArgumentError(
            "the optimiser holds no parameter of this model\n  write  SGD(model.parameters(), lr)   for this model"
        )
    return given


def _settings(optimiser: Optimiser) -> Hashable:
    """The settings of an optimiser: all but parameters, rate and state.

    A compiled step is made for these: a change of one causes a new compilation. Raises ArgumentError for a setting
    that cannot be compared, and for a `direction` that changes one.
    """
    found = []
    for name, x in vars(optimiser).items():
        if name in ("parameters", "states", "version", "_lr"):
            continue
        if not all(isinstance(part, PLAIN) for part in (x if isinstance(x, tuple) else (x,))):
            raise ArgumentError(
                f"{type(optimiser).__name__}.{name} is not a number, string or tuple of these: a compiled step "
                'would not see it change\n  write  slots = ("mean",)   for an array that changes at each step'
            )
        found.append((name, repr(x)))
    before, w = dict(vars(optimiser)), np.ones(1)
    with np.errstate(all="ignore"):
        optimiser.direction(w, w, (w,) * len(optimiser.slots), optimiser.numbers(1))
    if optimiser.version != before["version"]:
        vars(optimiser).clear()
        vars(optimiser).update(before)
        raise ArgumentError(
            f"{type(optimiser).__name__}.direction changes the optimiser: a compiled step would not\n"
            '  write  slots = ("mean",)   for an array that changes at each step\n'
            "  or     def numbers(self, count): ...   for numbers that depend on the count of steps"
        )
    return tuple(found)


def train_step(
    model: Any, loss: Callable[..., Any], optimiser: Optimiser | float = 0.01, compile: bool = True
) -> TrainStep:
    """A function that takes one step of an optimiser: ``step = train_step(model, loss, optimiser); step(x, y)``.

    model: a `Module`, called as ``model(x)``. loss: ``loss(prediction, y)``, one number. optimiser: from
    `nn.optim`, or a custom one; it moves the parameters that it holds. A number is the learning rate of plain
    gradient descent. Each step computes the same bits as ``loss.backward()`` and ``optimiser.step()``, writes no
    ``.grad``, and returns the loss. The optimiser keeps the state (momentum, means, counts). Arrays and numbers
    that the model changes (running means), and its random generators, are carried from step to step.
    compile: whether steps run as straight-line NumPy (`minigrad.compile`), traced anew for other shapes; where the
    model, the loss or the optimiser cannot be traced, a RuntimeWarning says why, once, and the steps are eager.

    >>> step = nn.train_step(model, nn.squared_error, nn.optim.Adam(model.parameters(), lr=1e-3))
    """
    return TrainStep(model, loss, optimiser, compile)
