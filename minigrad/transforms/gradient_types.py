"""The types of the functions that grad, vmap, compile and others return, for type checkers."""

from __future__ import annotations

from typing import Any, ParamSpec, Protocol, TypeVar, overload

P = ParamSpec("P")
R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)


class Gradient(Protocol[P, R_co]):
    """A gradient: a function of the same arguments, which also takes ``cotangent=`` by name."""

    @overload
    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R_co: ...
    @overload
    def __call__(self, *args: Any, cotangent: Any, **kwargs: Any) -> R_co: ...
