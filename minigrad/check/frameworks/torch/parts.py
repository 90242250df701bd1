"""The parts of a function of tensors: modules and autograd functions, with the inputs that they get.

Modules are seen by hooks. Of an autograd function, the graph tells the class; a second call shows what its forward
gets. Of PyTorch's own operations the graph keeps no inputs.

Those of JAX: `check/frameworks/jax/parts`.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator, Sequence
from typing import Any

import torch

from ....engine import tree
from ..framework import CalledPart, name_of_call
from . import adapt
from .functions import autograd_on, tracked

UNSEEN = (
    "PyTorch's graph keeps no inputs of its own operations: only modules and autograd functions can be told apart"
)


def parts(f: Any, args: tuple[Any, ...]) -> tuple[list[CalledPart], str]:
    """The parts of f in the order in which their calls end, f itself last; and why there may be no others."""
    function: Any = adapt(f, args, None)
    record = _Recorder(f)
    with autograd_on():
        inputs, _ = tracked(function.args)
        if not isinstance(f, type):
            result = function(*inputs)
            with record.modules(), record.functions(_classes(result)):
                function(*inputs)
    found = record.parts
    if not (found and found[-1].function is f):  # no module
        found.append(CalledPart(name_of_call(f), f, args, tuple(record.open)))
    return found, UNSEEN


class _Recorder:
    """Collects the parts while f is called."""

    def __init__(self, f: Any) -> None:
        modules = f.named_modules() if isinstance(f, torch.nn.Module) else ()
        self.names = {id(module): name for name, module in modules}
        self.parts: list[CalledPart] = []
        self.open: list[int] = []  # ended parts that no other one contains so far
        self.stack: list[tuple[list[int], tuple[Any, ...]]] = []

    def enter(self, args: tuple[Any, ...]) -> None:
        """A part is called."""
        self.stack.append((self.open, _copies(args)))
        self.open = []

    def leave(self, name: str, function: Any) -> None:
        """It ends: all that ended meanwhile is inside of it."""
        before, args = self.stack.pop()
        self.parts.append(CalledPart(name, function, args, tuple(self.open)))
        self.open = [*before, len(self.parts) - 1]

    @contextlib.contextmanager
    def modules(self) -> Iterator[None]:
        """Record the calls of all modules."""
        hooks = torch.nn.modules.module

        def leave(module: Any, args: Any, named: dict[str, Any], result: Any) -> None:
            function = functools.partial(module, **named) if named else module
            self.leave(self._name(module), function)

        handles = [
            hooks.register_module_forward_pre_hook(lambda module, args: self.enter(args)),
            hooks.register_module_forward_hook(leave, with_kwargs=True),
        ]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    @contextlib.contextmanager
    def functions(self, classes: Sequence[Any]) -> Iterator[None]:
        """Record the calls of the forward of these classes."""
        with contextlib.ExitStack() as stack:
            for cls in classes:
                stack.enter_context(self._function(cls))
            yield

    @contextlib.contextmanager
    def _function(self, cls: Any) -> Iterator[None]:
        forward, own = cls.forward, cls.__dict__.get("forward")
        with_ctx = cls.setup_context is torch.autograd.Function.setup_context

        @functools.wraps(forward)
        def recorded(*inputs: Any) -> Any:
            self.enter(inputs[with_ctx:])
            result = forward(*inputs)
            self.leave(cls.__name__, cls)
            return result

        cls.forward = staticmethod(recorded)
        try:
            yield
        finally:
            if own is None:
                del cls.forward
            else:
                cls.forward = own

    def _name(self, module: Any) -> str:
        kind = type(module).__name__
        name = self.names.get(id(module), "")
        return f"{name} ({kind})" if name else kind


def _classes(result: Any) -> list[Any]:
    """The classes of autograd's Function in the graph of a result, without those of PyTorch itself."""
    waiting = [leaf.grad_fn for leaf in tree.leaves(result) if isinstance(leaf, torch.Tensor) and leaf.grad_fn]
    seen, found = set(waiting), dict[Any, None]()
    while waiting:
        node = waiting.pop()
        if (cls := getattr(type(node), "_forward_cls", None)) is not None:
            found[cls] = None
        after = [below for below, _ in node.next_functions if below is not None and below not in seen]
        seen.update(after)
        waiting += after
    return list(found)


def _copies(args: tuple[Any, ...]) -> tuple[Any, ...]:
    copied: tuple[Any, ...] = tree.tree_map(
        lambda leaf, _: leaf.detach().clone() if isinstance(leaf, torch.Tensor) else leaf, args
    )
    return copied
