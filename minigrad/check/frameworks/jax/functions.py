"""Functions of JAX's arrays, with the derivatives that JAX computes.

Those of PyTorch: `check/frameworks/torch/functions`.
"""

from __future__ import annotations

import contextlib
import inspect
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ....engine import tree
from ..framework import ArgumentsOfF, ModeMissing, name_of_call
from .pytrees import Fixed, hide_others, is_differentiated, is_float_array, pack, unpack

REV, FWD = "rev", "fwd"
# What JAX says where a function has no derivative in one of the modes.
NO_MODE = re.compile(
    r"can't apply forward-mode|reverse-mode differentiation does not work|do(es)? not support JVP", re.I
)


class Differentiable:
    """A function that JAX differentiates."""

    args: tuple[Any, ...]
    argument_names: Sequence[str]
    remarks: tuple[str, ...] = ()

    @property
    def titles(self) -> tuple[str, str]:
        """What the derivatives are called where they raise an error."""
        return "JAX's vjp", "JAX's jvp"

    @property
    def modes(self) -> tuple[str, ...]:
        """The modes that JAX has for it: a custom_vjp has no forward mode, a while_loop no reverse mode."""
        found = tuple(
            mode for mode, derivative in ((REV, self._traced_vjp), (FWD, self._one_jvp)) if _has(derivative)
        )
        if not found:
            raise ModeMissing(
                f"JAX has neither reverse nor forward mode for {name_of_call(self)}\n"
                "  write  vjp=...   or  jvp=...   to check a derivative of your own"
            )
        return found

    def __call__(self, *args: Any) -> Any:
        """The result of the function."""
        raise NotImplementedError

    def vjp(self, g: Any, *args: Any) -> tuple[Any, ...]:
        """The gradients by jax.vjp."""
        with refusing("reverse", FWD):
            ys, pull = jax.vjp(*self.of_leaves(args))
            return per_argument(args, pull(cotangents(ys, tree.leaves(g))))

    def jvp(self, args: tuple[Any, ...], tangents: tuple[Any, ...]) -> Any:
        """The tangent of the result by jax.jvp."""
        f, *xs = self.of_leaves(args)
        moves = [leaf for leaf in tree.leaves(tangents) if is_differentiated(leaf)]
        ts, nesting = [jnp.array(t, jnp.result_type(x)) for x, t in zip(xs, moves, strict=True)], list[Any]()
        with refusing("forward", REV):
            _, found = jax.jvp(lambda *xs: f(*xs, nesting=nesting), tuple(xs), tuple(ts))
        rest = iter(found)
        return tree.tree_map(lambda leaf, _: None if isinstance(leaf, Fixed) else _seen(next(rest)), nesting[0])

    def gradient(self, weights: Sequence[Any]) -> GradientOf:
        """The gradient of <weights, f>, to be differentiated once more."""
        return GradientOf(self, tuple(weights))

    def of_leaves(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """The function of the leaves that are differentiated, which returns a list of arrays; and these leaves."""

        def call(*xs: Any, nesting: list[Any] | None = None) -> list[Any]:
            rest = iter(xs)
            result = self(*tree.tree_map(lambda leaf, _: next(rest) if is_differentiated(leaf) else leaf, args))
            if nesting is not None:
                nesting.append(result)
            return [leaf for leaf in tree.leaves(result) if not isinstance(leaf, Fixed)]

        # Copies: a jitted function may use up what it gets.
        return call, *(own_copy(leaf) for leaf in tree.leaves(args) if is_differentiated(leaf))

    def _traced_vjp(self) -> None:
        """Trace jax.vjp, which computes nothing."""
        f, *xs = self.of_leaves(self.args)

        def ask(*xs: Any) -> Any:
            ys, pull = jax.vjp(f, *xs)
            return pull(cotangents(ys, [np.ones(np.shape(y)) for y in ys]))

        with refusing("reverse", FWD):
            jax.eval_shape(ask, *xs)

    def _one_jvp(self) -> None:
        """Compute jax.jvp once: only then does JAX refuse a custom_vjp."""
        self.jvp(self.args, tree.tree_map(lambda leaf, _: leaf, self.args))


def _has(derivative: Callable[[], None]) -> bool:
    """Whether JAX does not refuse this mode."""
    try:
        derivative()
    except ModeMissing:
        return False
    except Exception:  # reported when the check asks for the derivative
        return True
    return True


@dataclass(frozen=True)
class FunctionOfArrays(Differentiable):
    """f, with what it does not differentiate hidden in args; narrow: none of what it does is in float64."""

    f: Any
    args: tuple[Any, ...]
    argument_names: Sequence[str]
    narrow: bool = False

    @property
    def __name__(self) -> str:
        return name_of_call(self.f)

    @property
    def __signature__(self) -> inspect.Signature:
        return inspect.signature(self.f)

    def __call__(self, *args: Any) -> Any:
        """The result of f, packed."""
        return pack(self.f(*self.opened(args)), hide_others)

    def opened(self, args: tuple[Any, ...]) -> list[Any]:
        """The arguments as f takes them; each call has its own, as a jitted function may use up what it gets."""
        leaves = tree.leaves(args)
        wide = self.narrow and any(is_float_array(x) and x.dtype == np.float64 for x in leaves)

        def own(leaf: Any) -> Any:
            if isinstance(leaf, Fixed):
                return leaf.copy(wide)
            return own_copy(leaf)

        return [unpack(arg, own) for arg in args]


@dataclass(frozen=True)
class GradientOf(ArgumentsOfF, Differentiable):  # type: ignore[override]
    """The gradient of <weights, f>: one array per array that f differentiates."""

    f: Differentiable
    weights: tuple[Any, ...]

    def __call__(self, *args: Any) -> tuple[Any, ...]:
        """The gradient, which can be differentiated once more."""
        ys, pull = jax.vjp(*self.f.of_leaves(args))
        found: tuple[Any, ...] = pull(cotangents(ys, self.weights))
        return found


@contextlib.contextmanager
def refusing(mode: str, other: str) -> Iterator[None]:
    """Turn JAX's error for a missing mode into ModeMissing."""
    try:
        yield
    except Exception as error:
        if not NO_MODE.search(str(error)):
            raise
        text = str(error).partition("\n")[0]
        raise ModeMissing(f"JAX has no {mode} mode here: {text}\n  write  modes={other!r}") from error


def cotangents(ys: Sequence[Any], weights: Sequence[Any]) -> list[Any]:
    """Weights as JAX takes them beside these results: in their types, and of no numbers beside integers."""
    numbers = [w for w in weights if not isinstance(w, Fixed)]
    return [
        jnp.array(w, jnp.result_type(y)) if is_differentiated(y) else np.zeros(np.shape(y), jax.dtypes.float0)
        for y, w in zip(ys, numbers, strict=True)
    ]


def per_argument(args: tuple[Any, ...], grads: Sequence[Any]) -> tuple[Any, ...]:
    """Gradients, one per leaf, nested like the arguments that contain such leaves."""
    rest, found = iter(grads), []
    for arg in args:
        mine, structure = tree.flatten(arg)
        if any(map(is_differentiated, mine)):
            found.append(structure.unflatten([next(rest) if is_differentiated(leaf) else None for leaf in mine]))
    return tuple(found)


def own_copy(leaf: Any) -> Any:
    """A copy of an array of JAX; anything else, also a tracer, as it is."""
    return leaf.copy() if isinstance(leaf, jax.Array) and not isinstance(leaf, jax.core.Tracer) else leaf


def _seen(tangent: Any) -> Any:
    """A tangent; None for that of integers."""
    return None if tangent.dtype == jax.dtypes.float0 else tangent
