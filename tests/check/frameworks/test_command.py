"""``minigrad check`` of functions of PyTorch and JAX: the framework is named, or found in the file."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from minigrad.cli import locate, main

TORCH = """
import torch

def sine(x): return x.sin()

class Cube(torch.autograd.Function):
    factor = 3
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x**3
    @staticmethod
    def backward(ctx, g): return Cube.factor * ctx.saved_tensors[0] ** 2 * g

class Wrong(Cube):
    @staticmethod
    def backward(ctx, g): return 10 * Cube.backward(ctx, g)

class Scaled(torch.nn.Module):
    def __init__(self, function):
        super().__init__()
        self.w, self.function = torch.nn.Parameter(torch.ones(2)), function
    def forward(self, x): return self.function.apply(x * self.w)

right, wrong = Scaled(Cube), Scaled(Wrong)
"""
JAX = """
import jax
import jax.numpy as jnp
import numpy as np

def sine(x): return twice(x)
def twice(x): return jnp.sin(x) * 2
def numbers(x): return np.sum(np.sin(x))
def minus(x): return -jnp.cos(x)

def cube(factor):
    @jax.custom_vjp
    def cube(x): return x**3
    cube.defvjp(lambda x: (x**3, x), lambda x, g: (factor * x * x * g,))
    return cube

right, wrong, fast = cube(3), cube(30), jax.jit(cube(30))
def loss(x): return jnp.sum(right(x))
"""
METHODS = """
import jax
def sine(x): return x.sum() ** 2
"""
AT = ["--at", "[0.5, -1.2]"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, text in {"of_torch": TORCH, "of_jax": JAX, "methods": METHODS}.items():
        (tmp_path / f"{name}.py").write_text(text)
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    locate.load.cache_clear()
    return tmp_path


def check(*argv: str) -> int:
    return main.main(["check", *argv])


@pytest.mark.parametrize(
    ("name", "status"),
    [("sine", 0), ("Cube", 0), ("Wrong", 1), ("right", 0), ("wrong", 1), ("sine --framework torch", 0)],
)
def test_a_torch_function_is_checked_with_its_own_derivatives(name: str, status: int, folder: Path) -> None:
    """A module gets points in the type of its parameters, float32."""
    pytest.importorskip("torch", reason="PyTorch's functions need PyTorch")
    name, *more = name.split()
    assert check(f"of_torch.py::{name}", *more, *AT) == status


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("of_jax.py::sine", 0),
        ("of_jax.py::loss", 0),
        ("of_jax.py::right", 0),
        ("of_jax.py::wrong", 1),
        ("of_jax.py::fast", 1),
        ("of_jax.py::sine --grad minus", 3),
        ("methods.py::sine", 0),
        ("of_jax.py::numbers", 0),
        ("of_jax.py::numbers --framework numpy", 0),
        ("of_jax.py::numbers --framework jax", 1),
    ],
)
def test_a_jax_function_is_found_by_the_names_in_its_code(
    name: str, status: int, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A function of NumPy in the same file stays one."""
    pytest.importorskip("jax", reason="JAX's functions need JAX")
    assert check(*name.split(), *AT) == status, capsys.readouterr()


def test_arrays_from_files_become_arrays_of_the_framework(folder: Path) -> None:
    pytest.importorskip("torch", reason="PyTorch's functions need PyTorch")
    np.save("x.npy", np.array([0.5, -1.2], np.float32))
    assert check("of_torch.py::sine", "--at", "x.npy") == 0


def test_a_framework_that_is_not_installed_is_named(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "plain.py").write_text("def f(x): return x * x\n")
    monkeypatch.setitem(sys.modules, "torch", None)
    for name in [name for name in sys.modules if name.startswith("minigrad.check.frameworks.torch")]:
        monkeypatch.delitem(sys.modules, name)
    assert check("plain.py::f", "--framework", "torch", *AT) == 3
    assert "write  pip install torch" in capsys.readouterr().err
