"""What a case is, and how a subject - one function with its right derivative - gives right and wrong ones.

Nothing here knows how a checker works: a case states a function, a derivative that somebody gave for it, and what
an honest check of the two must answer.
"""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Function = Callable[..., Any]
# A factor that is the same number for all entries, and that number depends on the input: it has two names.
OF_INPUT = {"factor", "missing factor"}

FLAVOURS = ("grad", "vjp", "jvp", "jac", "hess", "value_and_grad")


@dataclass(frozen=True)
class Case:
    """A function f at args, a derivative given for it, and what a check of the two may answer.

    verdicts: those that are acceptable, the best one first. kinds: the names of the mistake that are acceptable:
    one of them must be among the findings; more than one only where the mistake has two names, and then a comment
    says why. path, index: the entry that a finding must name. truth: a right derivative with the same signature,
    of a wrong one. formula: f of one number x, written as formula(m, x) for any module m of mathematics, so that
    it can be computed to any number of digits. deep: no check from outside can be expected to see what kind of
    mistake it is, only that it is one.
    """

    name: str
    f: Function
    args: Any
    verdicts: tuple[str, ...]
    grad: Function | None = None
    vjp: Function | None = None
    jvp: Function | None = None
    jac: Function | None = None
    hess: Function | None = None
    value_and_grad: Function | None = None
    kinds: frozenset[str] = frozenset()
    path: str | None = None
    index: tuple[int, ...] | None = None
    truth: Function | None = None
    formula: Function | None = None
    deep: bool = False
    digits: float = field(default=1e-11)  # how well the right derivative can be had in its own arithmetic

    def __post_init__(self) -> None:
        if len(self._given()) != 1 and set(self._given()) != {
            "vjp",
            "jvp",
        }:  # the pair: one is to be the other's adjoint
            raise ValueError(f"{self.name}: exactly one of {', '.join(FLAVOURS)}, or both vjp and jvp")

    def _given(self) -> dict[str, Function]:
        return {key: getattr(self, key) for key in FLAVOURS if getattr(self, key) is not None}

    @property
    def verdict(self) -> str:
        """The best of the acceptable answers."""
        return self.verdicts[0]

    @property
    def flavour(self) -> str:
        """Which of the six signatures the given derivative has."""
        return next(iter(self._given()))

    def fresh(self) -> tuple[Function, Any, dict[str, Function]]:
        """f, args and the given derivative, untouched by earlier runs: some keep a state, some write into args."""
        return copy.deepcopy((self.f, self.args, self._given()))

    def positional(self) -> tuple[Any, ...]:
        """The arguments as a tuple of its own, whatever form `args` has."""
        args = copy.deepcopy(self.args)
        return args if isinstance(args, tuple) else (args,)


@dataclass(frozen=True)
class Subject:
    """One function and its right derivative: what mistakes are planted into."""

    name: str
    f: Function
    args: Any
    flavour: str
    derivative: Function
    digits: float = 1e-11

    def right(self) -> Case:
        """The derivative as it should be."""
        given: dict[str, Any] = {self.flavour: self.derivative}
        return Case(self.name, self.f, self.args, ("agree",), digits=self.digits, **given)

    def wrong(
        self, mistake: str, kind: str | set[str], derivative: Function, at: int | None = 0, **more: Any
    ) -> Case:
        """The derivative as somebody wrote it. at: the position of the argument whose entries are wrong."""
        kinds = frozenset({kind} if isinstance(kind, str) else kind)
        if at is not None and self.flavour in ("grad", "vjp"):
            more.setdefault("path", self.parameter(at))
        given: dict[str, Any] = {self.flavour: derivative}
        return Case(
            f"{self.name}: {mistake}",
            self.f,
            self.args,
            ("disagree",),
            kinds=kinds,
            truth=self.derivative,
            **{**given, **more},
        )

    def slip(self, mistake: str, kind: str | set[str], change: Function, at: int = 0, **more: Any) -> Case:
        """The right derivative, with the part of argument `at` changed: change(part) or change(part, *args)."""
        takes_all = len(inspect.signature(change).parameters) > 1

        def derivative(*inputs: Any) -> Any:
            result = self.derivative(*inputs)
            parts = list(result) if isinstance(result, tuple) else [result]
            parts[at] = change(parts[at], *inputs) if takes_all else change(parts[at])
            return tuple(parts) if isinstance(result, tuple) else parts[0]

        return self.wrong(mistake, kind, derivative, at, **more)

    def parameter(self, at: int) -> str:
        """The name of the parameter of f at this position."""
        return list(inspect.signature(self.f).parameters)[at]


def normal(seed: int, *shape: int) -> np.ndarray:
    """Numbers of ordinary size, the same in every run; none nearer to 0 than 0.05, so that no sign is in doubt."""
    x = np.random.default_rng(seed).normal(size=shape)
    return np.where(np.abs(x) < 0.05, 0.3, x)


def positive(seed: int, *shape: int) -> np.ndarray:
    """Numbers between 0.5 and 1.5."""
    return np.random.default_rng(seed).uniform(0.5, 1.5, size=shape)


def definite(seed: int, n: int) -> np.ndarray:
    """A symmetric positive definite matrix, well conditioned, no two entries alike but by symmetry."""
    a = normal(seed, n, n)
    return a @ a.T + n * np.eye(n)


def scaled_at(index: tuple[int, ...], factor: float) -> Function:
    """A change of one entry: multiplied by factor."""

    def change(d: np.ndarray) -> np.ndarray:
        d = np.array(d)
        d[index] *= factor
        return d

    return change
