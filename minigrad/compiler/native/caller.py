"""The base class of compiled functions: where the extension is there, C takes each call, before any Python runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import extension

if TYPE_CHECKING or extension is None:

    class Caller:
        """A class whose instances are called often."""

        __slots__ = ()

else:
    Caller = extension.Caller


def called_from_c(cls: Any) -> Any:
    """Class decorator: C takes the calls, and its method ``__call__``, now ``_call``, gets those that C passes on.

    C takes a call itself if no mode is active, `_enter` is an Entry, and the arguments fit. What the program raises
    goes to the method ``_recover(error, args, kwargs)``.
    """
    if extension is not None:
        cls._call = cls.__call__
        del cls.__call__  # the one that it inherits is in C
    return cls
