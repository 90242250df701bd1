"""`check_graph` of a function of PyTorch or JAX: the part whose derivative is wrong is named, or why none is."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import minigrad
from minigrad import check_graph
from minigrad.check.frameworks.framework import find_parts
from minigrad.errors import ArgumentError

X = np.array([[0.5, -0.7], [1.1, 0.3], [-0.4, 0.9]])


@pytest.fixture
def of_torch() -> Any:
    torch = pytest.importorskip("torch", reason="the parts of PyTorch's functions need PyTorch")

    def cube(factor: float) -> Any:
        class Cube(torch.autograd.Function):
            @staticmethod
            def forward(ctx: Any, x: Any) -> Any:
                ctx.save_for_backward(x)
                return x**3

            @staticmethod
            def backward(ctx: Any, g: Any) -> Any:
                return factor * ctx.saved_tensors[0] ** 2 * g

        return Cube

    class Layer(torch.nn.Module):
        def __init__(self, function: Any, share: float = 0.0) -> None:
            super().__init__()
            self.linear, self.function, self.share = torch.nn.Linear(2, 2).double(), function, share

        def forward(self, x: Any, shift: float = 0.0) -> Any:
            return self.function.apply(self.linear(x)) * (1 + self.share * x.detach()) + shift

    made = SimpleNamespace(torch=torch, right=cube(3.0), wrong=cube(30.0), Layer=Layer, x=torch.from_numpy(X))
    torch.manual_seed(0)
    torch.set_num_threads(1)  # its threads wait for each other where other tests run beside
    return made


def test_the_deepest_wrong_part_of_a_module_is_named(of_torch: Any) -> None:
    net = of_torch.torch.nn.Sequential(of_torch.Layer(of_torch.right), of_torch.Layer(of_torch.wrong))
    forward = of_torch.wrong.__dict__["forward"]
    found = check_graph(net, of_torch.x)
    assert found.wrong == ("Cube in 1 (Layer)",) and found.verdict == "disagree", found
    assert of_torch.wrong.__dict__["forward"] is forward  # it was recorded for one call
    assert check_graph(net[0], of_torch.x).ok


def test_a_module_that_is_wrong_outside_of_its_parts_is_named(of_torch: Any) -> None:
    layers = (of_torch.Layer(of_torch.right), of_torch.Layer(of_torch.right, share=0.5))
    found = check_graph(of_torch.torch.nn.Sequential(*layers), of_torch.x)
    assert found.part == "1 (Layer)" and "outside of its parts" in str(found), found


def test_modules_and_autograd_functions_are_found_inside_of_a_function(of_torch: Any) -> None:
    layer, apply = of_torch.Layer(of_torch.right), of_torch.wrong.apply

    def f(x: Any) -> Any:
        return apply(layer(x, shift=1.0)).sum()

    found = check_graph(f, of_torch.x)
    assert found.wrong == ("Cube",) and found.checked == 4, found
    assert check_graph(lambda x: layer(x, shift=1.0), of_torch.x).ok


def test_of_operations_of_torch_it_says_why_none_can_be_named(of_torch: Any) -> None:
    found = check_graph(lambda x: (x * x.detach()).sum(), of_torch.x)
    assert found.part == "f itself" and "keeps no inputs" in " ".join(str(found).split()), found


def test_buffers_of_a_module_stay_as_they_were(of_torch: Any) -> None:
    net = of_torch.torch.nn.Sequential(of_torch.torch.nn.BatchNorm1d(2), of_torch.Layer(of_torch.right)).double()
    before = {name: x.clone() for name, x in net.state_dict().items()}
    assert check_graph(net, of_torch.x).ok
    assert all(of_torch.torch.equal(x, net.state_dict()[name]) for name, x in before.items())
    assert not net._forward_hooks and not of_torch.torch.nn.modules.module._global_forward_hooks


@pytest.fixture
def of_jax() -> Any:
    jax = pytest.importorskip("jax", reason="the parts of JAX's functions need JAX")

    def cube(factor: float) -> Any:
        @jax.custom_vjp
        def cube(x: Any) -> Any:
            return x**3

        cube.defvjp(lambda x: (x**3, x), lambda x, g: (factor * x * x * g,))
        return cube

    x = jax.numpy.asarray(X[:, 0], jax.numpy.float32)
    return SimpleNamespace(jax=jax, np=jax.numpy, lax=jax.lax, right=cube(3.0), wrong=cube(30.0), x=x)


PLACES = {
    "jit": lambda m, cube: m.jax.jit(lambda x: m.np.sin(cube(m.right(x)))),
    "remat": lambda m, cube: m.jax.checkpoint(lambda x: cube(x) * x),
    "vmap": lambda m, cube: m.jax.vmap(lambda x: cube(x) * x),
    "cond": lambda m, cube: m.jax.jit(lambda x: m.lax.cond(x[0] > 0, cube, m.right, x)),
    "scan": lambda m, cube: m.jax.jit(lambda x: m.lax.scan(lambda c, y: (c + cube(y), c), 0 * x[0], x)[0]),
    "while": lambda m, cube: m.jax.jit(lambda x: m.lax.fori_loop(0, 2, lambda _, y: cube(y) + x, x)),
}


@pytest.mark.parametrize("place", PLACES)
def test_a_wrong_custom_vjp_is_named_wherever_it_is_called(place: str, of_jax: Any) -> None:
    found = check_graph(PLACES[place](of_jax, of_jax.wrong), of_jax.x)
    assert len(found.wrong) == 1 and found.part.startswith("cube at ") and "test_parts.py" in found.part, found
    found = check_graph(PLACES[place](of_jax, of_jax.right), of_jax.x)
    assert found.ok and found.checked >= 2, found


@pytest.mark.parametrize("place", ["jit", "scan", "while"])
def test_a_part_is_checked_at_the_values_that_reach_it(place: str, of_jax: Any) -> None:
    x = of_jax.x
    parts, _ = find_parts(PLACES[place](of_jax, of_jax.wrong), (x,))
    reached = {"jit": x**3, "scan": x[0], "while": x}[place]
    assert np.array_equal(parts[-2].args[-1], reached) and parts[-1].inside[-1] == len(parts) - 2


def test_of_primitives_of_jax_it_says_why_none_can_be_named(of_jax: Any) -> None:
    found = check_graph(lambda x: x * of_jax.lax.stop_gradient(x), of_jax.x)
    assert found.part == "f itself" and "custom_vjp or custom_jvp" in " ".join(str(found).split()), found


def test_a_time_limit_leaves_parts_out(of_jax: Any) -> None:
    found = check_graph(of_jax.right, of_jax.x, seconds=1e-9)
    assert found.verdict == "unresolved" and "time ran out before 2 of 2 parts" in str(found), found


def test_a_function_of_numpy_is_called_with_a_value_instead() -> None:
    with pytest.raises(ArgumentError, match=r"check_graph\(f\(minigrad.Value\(x\)\)\)"):
        check_graph(np.sin, 0.5)
    with pytest.raises(ArgumentError, match=r"check_graph\(f, args\)"):
        check_graph(np.sin)
    assert check_graph(np.sin(minigrad.Value(0.5))).ok
