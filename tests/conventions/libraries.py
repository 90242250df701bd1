"""The libraries: how each is given a point's code, and how it is asked for the gradient.

Each gets the function of its own that has NumPy's name. What it does not have it answers with an error.
"""

from __future__ import annotations

import functools
import importlib
import importlib.metadata
import importlib.util
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from .points import Point

Answer = list[Any] | str


@dataclass(frozen=True)
class Library:
    """One library: its name on the page, what pip installs, and its two parts.

    names: the names that the code uses, `np` among them. gradient: the gradients of a function at some arrays.
    """

    name: str
    requirement: str
    names: Callable[[], dict[str, Any]]
    gradient: Callable[[Callable[..., Any], list[Any]], Any]

    @property
    def package(self) -> str:
        """Its module, and its name on PyPI."""
        return self.requirement.partition("==")[0]

    @property
    def installed(self) -> bool:
        """Whether this Python has it."""
        return importlib.util.find_spec(self.package) is not None

    @property
    def version(self) -> str:
        """The version that this Python has, without the build's own mark."""
        return importlib.metadata.version(self.package).partition("+")[0]

    def function(self, point: Point) -> Callable[..., Any]:
        """The function of a point, made of this library's own."""
        names, code = self.names(), compile(point.code, point.key, "eval")
        return lambda *arguments: eval(code, {**names, **dict(zip("xy", arguments, strict=False))})

    def answers(self, asked: list[Point]) -> dict[str, Answer]:
        """Its gradient at each point: nested lists, one per argument; or the name of the error it raises."""
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            return {point.key: self._answer(point) for point in asked}

    def _answer(self, point: Point) -> Answer:
        try:
            found = self.gradient(self.function(point), [np.asarray(x) for x in point.inputs])
        except Exception as error:
            return type(error).__name__
        return "no gradient" if any(g is None for g in found) else [_numbers(np.asarray(g).tolist()) for g in found]


def _numbers(x: Any) -> Any:
    """To six digits, and 0 for -0: what differs beyond is rounding."""
    return [_numbers(one) for one in x] if isinstance(x, list) else float(f"{x:.6g}") + 0.0


def _module(path: str) -> Any:
    return importlib.import_module(path)


def _functions(module: Any, names: str) -> dict[str, Any]:
    """Those of some functions that a module has."""
    return {name: getattr(module, name) for name in names.split() if hasattr(module, name)}


OWN = "relu leaky_relu elu relu6 hard_tanh softsign logsumexp softmax"

# ---------------------------------------------------------------------------------------------------- each of them


def _minigrad(function: Callable[..., Any], inputs: list[Any]) -> Any:
    return _module("minigrad").grad(function, tuple(range(len(inputs))))(*inputs)


def _torch(function: Callable[..., Any], inputs: list[Any]) -> Any:
    torch = _module("torch")
    leaves = [torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in inputs]
    return torch.autograd.grad(function(*leaves), leaves, allow_unused=True)


def _jax(function: Callable[..., Any], inputs: list[Any]) -> Any:
    jax = _module("jax")
    jax.config.update("jax_enable_x64", True)
    return jax.grad(function, tuple(range(len(inputs))))(*map(jax.numpy.asarray, inputs))


def _autograd(function: Callable[..., Any], inputs: list[Any]) -> Any:
    return _module("autograd").grad(function, tuple(range(len(inputs))))(*inputs)


def _mygrad(function: Callable[..., Any], inputs: list[Any]) -> Any:
    leaves = [_module("mygrad").tensor(x) for x in inputs]
    y = function(*leaves)
    if not hasattr(y, "backward"):
        return [None]
    y.backward()
    return [leaf.grad for leaf in leaves]


def _advect(function: Callable[..., Any], inputs: list[Any]) -> Any:
    return _module("advect").grad(function, tuple(range(len(inputs))))(*inputs)


def _dualpy(function: Callable[..., Any], inputs: list[Any]) -> Any:
    return [_module("dualpy").gradient(function, k)(*inputs) for k in range(len(inputs))]


def _torch_names() -> dict[str, Any]:
    """PyTorch's functions under NumPy's names, where name or arguments differ."""
    torch = _module("torch")
    F = torch.nn.functional

    def of_tensors(function: Callable[..., Any], **attributes: Any) -> Callable[..., Any]:
        call = lambda *operands: function(*(torch.as_tensor(x, dtype=torch.float64) for x in operands))  # noqa: E731
        vars(call).update(attributes)
        return call

    def clip(x: Any, *bounds: Any) -> Any:
        numbers = all(isinstance(bound, float) for bound in bounds)
        return torch.clip(x, *bounds) if numbers else of_tensors(torch.clip)(x, *bounds)

    special = {
        "fabs": torch.abs,
        "maximum": of_tensors(torch.maximum, accumulate=lambda x: torch.cummax(x, 0).values),
        "minimum": of_tensors(torch.minimum),
        "heaviside": of_tensors(torch.heaviside),
        "clip": clip,
        "sort": lambda x: torch.sort(x).values,
        "std": functools.partial(torch.std, correction=0),
        "var": functools.partial(torch.var, correction=0),
        "cumprod": functools.partial(torch.cumprod, dim=0),
        "linalg": _Renamed(torch.linalg, {"svd": lambda x, compute_uv: torch.linalg.svdvals(x)}),
    }
    return {"np": _Renamed(torch, special)} | {
        "relu": F.relu, "leaky_relu": F.leaky_relu, "elu": F.elu, "relu6": F.relu6, "hard_tanh": F.hardtanh,
        "softsign": F.softsign, "logsumexp": functools.partial(torch.logsumexp, dim=0),
        "softmax": functools.partial(F.softmax, dim=0),
    }  # fmt: skip


class _Renamed:
    """A module with some of its functions replaced."""

    def __init__(self, module: Any, special: dict[str, Any]) -> None:
        self.module, self.special = module, special

    def __getattr__(self, name: str) -> Any:
        return self.special.get(name) or getattr(self.module, name)


def _jax_names() -> dict[str, Any]:
    nn = _module("jax.nn")
    return {"np": _module("jax.numpy"), **_functions(nn, OWN), "softsign": nn.soft_sign}


def _mygrad_names() -> dict[str, Any]:
    activations = _module("mygrad.nnet.activations")
    return {"np": np, **_functions(activations, OWN), "softsign": activations.soft_sign}


def _autograd_names() -> dict[str, Any]:
    return {"np": _module("autograd.numpy"), **_functions(_module("autograd.scipy.special"), OWN)}


# fmt: off
LIBRARIES = {
    library.name: library
    for library in (
        Library("minigrad", "minigrad", lambda: {"np": np, **_functions(_module("minigrad"), OWN)}, _minigrad),
        Library("PyTorch", "torch==2.13.0", _torch_names, _torch),
        Library("JAX", "jax", _jax_names, _jax),
        Library("autograd", "autograd", _autograd_names, _autograd),
        Library("MyGrad", "mygrad", _mygrad_names, _mygrad),
        Library("advect", "advect", lambda: {"np": np}, _advect),
        Library("dualpy", "dualpy", lambda: {"np": np}, _dualpy),
    )
}
# fmt: on
PEERS = [name for name in LIBRARIES if name != "minigrad"]
