"""The types of the functions that grad, vmap, compile and others return, for type checkers."""

from __future__ import annotations

from typing import Any, Concatenate, ParamSpec, Protocol, Self, TypeVar, overload

P = ParamSpec("P")
Q = ParamSpec("Q")
R = TypeVar("R")
S = TypeVar("S")
R_co = TypeVar("R_co", covariant=True)


class Gradient(Protocol[P, R_co]):
    """A gradient: a function of the same arguments, which also takes ``cotangent=`` by name."""

    @overload
    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R_co: ...
    @overload
    def __call__(self, *args: Any, cotangent: Any, **kwargs: Any) -> R_co: ...

    # A gradient is a function: in a class it is a method.
    @overload
    def __get__(self, instance: None, owner: Any = None, /) -> Self: ...
    @overload
    def __get__(
        self: Gradient[Concatenate[S, Q], R_co], instance: S, owner: Any = None, /
    ) -> Gradient[Q, R_co]: ...
