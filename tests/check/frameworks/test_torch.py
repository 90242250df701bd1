"""PyTorch's functions, modules and autograd functions: their own derivatives are checked, with nothing given."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import minigrad
from minigrad import gradient_report as report

torch = pytest.importorskip("torch", reason="the checks of PyTorch's functions need PyTorch")

DTYPES = [torch.float64, torch.float32, torch.bfloat16, torch.float16]


def kinds(found: Any) -> set[str]:
    return {finding.kind for finding in found.findings}


def cube(factor: float = 3.0) -> Any:
    class Cube(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.save_for_backward(x)
            return x * x * x

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            (x,) = ctx.saved_tensors
            return factor * x * x * g

    return Cube


FORMS = {
    "apply": lambda cls: cls.apply,
    "class": lambda cls: cls,
    "inside a function": lambda cls: lambda x: cls.apply(x).sum(),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("requires_grad", [False, True])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_a_backward_that_is_ten_times_too_large_disagrees(form: str, requires_grad: bool, dtype: Any) -> None:
    """Its forward is plain arithmetic: whoever ran a Value through it would never call backward."""
    x = torch.tensor([0.5, -0.7, 1.1], dtype=dtype, requires_grad=requires_grad)
    assert report(FORMS[form](cube()), x).ok
    found = report(FORMS[form](cube(30.0)), x)
    assert found.verdict == "disagree" and kinds(found) == {"factor"}, found
    assert "x" in found.findings[0].path


class Linear(torch.autograd.Function):
    @staticmethod
    def forward(x: Any, w: Any, b: Any) -> Any:
        return x @ w + b

    @staticmethod
    def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
        ctx.save_for_backward(*inputs[:2])

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        x, w = ctx.saved_tensors
        return g @ w.T, x.T @ g, g


def normal(*shape: int, seed: int = 0, **options: Any) -> Any:
    made = torch.from_numpy(np.random.default_rng(seed).normal(size=shape))
    return made.to(**options) if options else made


def test_a_bias_gradient_that_was_not_summed_is_seen_before_torch_sums_it() -> None:
    args = (normal(5, 3), normal(3, 2, seed=1), normal(2, seed=2))
    found = report(Linear, args)
    assert "not summed" in kinds(found) and found.findings[0].path == "b", found
    assert report(Linear.apply, args, order=2).ok


def test_a_module_is_checked_in_its_parameters_by_name_and_its_inputs() -> None:
    module = torch.nn.Sequential(
        torch.nn.Linear(3, 4, bias=False), torch.nn.BatchNorm1d(4), torch.nn.Tanh()
    ).double()
    before = {name: x.clone() for name, x in module.state_dict().items()}
    found = report(module, normal(6, 3))
    assert found.ok and found.arguments == 4, found
    assert report(module, normal(6, 3), argnums=()).arguments == 3
    assert all(torch.equal(x, module.state_dict()[name]) for name, x in before.items()), "buffers were changed"
    assert all(p.grad is None for p in module.parameters())


class Scaled(torch.nn.Module):
    def __init__(self, factor: float) -> None:
        super().__init__()
        self.inner, self.scale = torch.nn.Linear(2, 2), torch.nn.Parameter(torch.ones(2))
        self.cube = cube(factor)

    def forward(self, x: Any) -> Any:
        return self.cube.apply(self.inner(x) + 1) + self.scale.detach() * 2 + self.scale


def test_a_wrong_module_is_named_by_its_parameters() -> None:
    found = report(Scaled(30.0), torch.ones(3, 2))
    assert {"inner.weight", "inner.bias", "x", "scale"} == {finding.path for finding in found.findings}, found


def test_double_backward_is_checked_as_the_derivative_of_the_gradient() -> None:
    class Detached(cube()):
        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            (x,) = ctx.saved_tensors
            return 3 * x.detach() * x * g

    x = normal(3)
    assert report(cube(), x, order=2).ok and report(cube().apply, x, order=2).ok
    for f in (Detached, Detached.apply):
        found = report(f, x, order=2)
        assert report(f, x).ok and "factor" in kinds(found) and "order 2" in str(found), found


def test_transforms_of_torch_func_are_functions_like_others() -> None:
    x = normal(4, 3)
    f = torch.func.vmap(torch.func.grad(lambda x: x.sin().sum()))
    assert report(f, x).ok
    assert report(lambda x, t: torch.func.jvp(torch.sin, (x,), (t,))[1], (x, x + 1)).ok


def test_forward_mode_is_checked_where_it_is_asked_for_or_stated() -> None:
    class Square(torch.autograd.Function):
        wrong = 1.0

        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.x = x
            return x * x

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return 2 * ctx.x * g

        @staticmethod
        def jvp(ctx: Any, t: Any) -> Any:
            return 2 * ctx.x * t * Square.wrong

    x = normal(3)
    assert report(Square, x).ok and report(torch.sin, x, modes="fwd").ok
    Square.wrong = 3.0
    for f in (Square, Square.apply):
        assert kinds(report(f, x)) == {"factor", "adjoint"} and report(f, x, modes="rev").ok
    with pytest.raises(minigrad.errors.ArgumentError, match="no forward mode"):
        report(cube().apply, x, modes="fwd")


# ------------------------------------------------------------------------------- what a class may do with ctx


class Everything(torch.autograd.Function):
    """All that a ctx offers, used rightly."""

    factor = 1.0

    @staticmethod
    def forward(ctx: Any, x: Any, n: int, w: Any, mask: Any) -> Any:
        ctx.n, ctx.shape = n, x.shape
        ctx.save_for_backward(x, w, None, mask)
        ctx.set_materialize_grads(False)
        order = x.argmax()
        floor = x.floor()
        ctx.mark_non_differentiable(order, floor)
        return x**n * w * mask, order, floor, x + w

    @staticmethod
    def backward(ctx: Any, g: Any, of_order: Any, of_floor: Any, h: Any) -> Any:
        assert of_order is None and of_floor is None
        assert ctx.needs_input_grad == (True, False, True, False)
        x, w, nothing, mask = ctx.saved_tensors
        assert nothing is None and ctx.shape == x.shape
        gx = g * ctx.n * x ** (ctx.n - 1) * w * mask + h
        gw = (g * x**ctx.n * mask).sum(0) + h.sum(0)
        return gx * Everything.factor, None, gw, None


def test_a_context_offers_what_that_of_torch_does() -> None:
    x, w = normal(3, 2).requires_grad_(), normal(2, seed=1).requires_grad_()
    mask = torch.tensor([1.0, 0.0], dtype=torch.float64)
    found = report(Everything, (x, 3, w, mask))
    assert found.ok and "not differentiated: mask" in str(found)
    Everything.factor = 2.0
    try:
        found = report(Everything, (x, 3, w, mask))
        assert kinds(found) == {"factor"} and found.findings[0].path == "x"
    finally:
        Everything.factor = 1.0


def test_another_number_of_gradients_than_inputs_is_an_error_as_in_torch() -> None:
    class Short(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any, n: int) -> Any:
            return x * n

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return g

    for f in (Short, Short.apply):
        found = report(f, (normal(3), 2))
        assert found.verdict == "disagree" and kinds(found) == {"raised"}
    sentence = report(Short, (normal(3), 2)).findings[0].sentence
    assert sentence == "Short.backward raised RuntimeError: backward returned 1 gradient for 2 inputs of forward"


def test_an_input_may_be_changed_where_it_is_marked() -> None:
    def doubled(marks: bool) -> Any:
        class Doubled(torch.autograd.Function):
            @staticmethod
            def forward(ctx: Any, x: Any) -> Any:
                if marks:
                    ctx.mark_dirty(x)
                return x.mul_(2)

            @staticmethod
            def backward(ctx: Any, g: Any) -> Any:
                return 2 * g

        return Doubled

    assert report(doubled(True), normal(3)).ok
    assert "mutated" in kinds(report(doubled(False), normal(3)))


def test_a_backward_that_changes_the_cotangent_is_found() -> None:
    class Halved(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return x / 2

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return g.mul_(0.5)

    for f in (Halved, Halved.apply):
        assert "mutated" in kinds(report(f, normal(3)))


def test_torch_casts_a_gradient_to_the_type_of_its_input_and_so_it_is_no_mistake() -> None:
    class Doubled(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return x * 2

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            return g.double() * 2

    for f in (Doubled, Doubled.apply):
        assert report(f, normal(3, dtype=torch.float32)).ok


def test_what_is_differentiable_once_has_no_second_derivative_at_order_2() -> None:
    """PyTorch raises only where the cotangent requires grad; elsewhere it leaves the term out without a word."""

    class Once(cube()):
        backward = staticmethod(torch.autograd.function.once_differentiable(cube().backward))

    assert report(Once, normal(3)).ok and report(Once.apply, normal(3)).ok
    assert kinds(report(Once, normal(3), order=2)) == {"zero"}
    both = report(lambda x: Once.apply(x).sum() + (x**2).sum(), normal(3), order=2)
    assert both.verdict == "disagree", both


# ------------------------------------------------------------------------------------- kinds of arguments


def test_parameters_lists_dicts_and_constants() -> None:
    w, b = torch.nn.Parameter(normal(4, 3)), torch.nn.Parameter(normal(3, seed=1))
    x, labels = normal(5, 4, seed=2), torch.tensor([0, 1, 2, 0, 1])

    def loss(p: Any, x: Any, labels: Any, scale: float) -> Any:
        y = torch.tanh(x @ p["w"] + p["b"][0]) * scale
        return {"loss": [torch.nn.functional.cross_entropy(y, labels)], "hidden": (y, 3), "hits": y.argmax(1)}

    found = report(loss, ({"w": w, "b": [b]}, x, labels, 2.0))
    assert found.ok and found.entries == 15 and "not differentiated: x" in str(found)
    assert w.grad is None
    assert report(loss, ({"w": w, "b": [b]}, x, labels, 2.0), argnums=(0, 1)).entries == 35
    assert report(loss, ({"w": w, "b": [b]}, x, labels, 2.0), argnums=1).entries == 20


def test_float32_is_checked_in_float64_with_its_constants() -> None:
    """Only then is the check as good as in float64."""
    w, x = normal(4, 3, dtype=torch.float32).requires_grad_(), normal(5, 4, dtype=torch.float32)
    found = report(lambda w, x: torch.tanh(x @ w), (w, x))
    assert found.ok and found.resolving_power < 1e-8
    module = torch.nn.Sequential(torch.nn.Linear(4, 3, bias=False), torch.nn.BatchNorm1d(3), torch.nn.Tanh()).eval()
    found = report(module, x)
    assert found.ok and found.resolving_power < 1e-8 and next(module.parameters()).dtype == torch.float32


def test_modules_with_tied_and_frozen_parameters_and_changing_inputs() -> None:
    class Tied(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embed, self.out = torch.nn.Embedding(5, 3), torch.nn.Linear(3, 5)
            self.out.weight = self.embed.weight
            self.out.bias.requires_grad_(False)

        def forward(self, tokens: Any) -> Any:
            return self.out(self.embed(tokens))

    found = report(Tied(), torch.tensor([1, 3]))
    assert found.ok and found.entries == 15
    inplace = torch.nn.Sequential(torch.nn.ELU(inplace=True), torch.nn.Linear(3, 2)).double()
    assert report(inplace, normal(4, 3)).ok
    with pytest.raises(minigrad.errors.ArgumentError, match="nothing to differentiate"):
        report(torch.nn.ReLU(), torch.tensor([1, 3]))


def test_random_modules_are_unresolved() -> None:
    assert kinds(report(torch.nn.Dropout(0.5), normal(4, 3))) == {"random"}


def test_numpy_arguments_of_a_torch_function_become_tensors() -> None:
    assert report(cube(), np.ones(3)).ok and not report(cube(30.0).apply, np.ones(3)).ok
    assert report(torch.nn.Tanh(), [0.5, 1.0]).ok is not None


def test_complex_tensors_are_refused() -> None:
    with pytest.raises(minigrad.errors.DTypeError, match="complex numbers"):
        report(lambda x, z: (x * z).abs(), (normal(3), torch.ones(3, dtype=torch.complex128)))


def test_a_result_that_was_detached_has_a_gradient_of_zero() -> None:
    for f in (lambda x: x.detach() ** 2, lambda x: float((x**2).sum())):
        assert kinds(report(f, normal(3))) == {"zero"}


def test_it_works_where_autograd_is_off() -> None:
    x = normal(3)
    with torch.no_grad():
        assert report(cube().apply, x).ok
    with torch.inference_mode():
        assert report(cube().apply, x).ok and report(cube(), x, order=2).ok


# -------------------------------------------------------------------------------------- given derivatives


def test_no_value_runs_through_a_torch_function_with_a_given_derivative() -> None:
    seen = set()

    def f(x: Any) -> Any:
        seen.add(type(x))
        return (x**3).sum() + x[0] * x[1]

    x, hessian = normal(3), lambda x: torch.autograd.functional.hessian(f, x)
    assert report(f, x, hess=hessian).ok
    assert not report(f, x, hess=lambda x: 2 * hessian(x)).ok
    assert report(f, x, grad=torch.func.grad(f), hess=hessian).ok
    assert not report(f, x, grad=lambda x: 2 * torch.func.grad(f)(x)).ok
    assert report(torch.sin, x, jac=torch.func.jacrev(torch.sin)).ok
    assert report(torch.abs, torch.zeros(2), vjp=lambda g, x: g * x.sign()).ok
    assert seen <= {torch.Tensor}, seen


def test_a_function_of_numpy_arrays_that_names_an_autograd_function_is_one_of_torch() -> None:
    wrong = cube(30.0)
    x = np.array([0.5, -0.7])
    assert report(lambda x: wrong.apply(x).sum(), x).verdict == "disagree"
    assert report(lambda x: torch.sin(x), x).ok
    assert report(lambda x: (x * x).sum() if not isinstance(x, torch.Tensor) else -x, x).resolving_power < 1e-9


def test_gradients_and_jacobians_may_be_sparse_tensors() -> None:
    rows = torch.tensor([0, 2, 2, 1])
    table = torch.randn(5, 3, dtype=torch.float64)

    def loss(table: Any) -> Any:
        return (torch.nn.functional.embedding(rows, table, sparse=True) ** 2).sum()

    def gradient(table: Any) -> Any:
        leaf = table.detach().requires_grad_()
        return torch.autograd.grad(loss(leaf), leaf)[0]

    assert gradient(table).layout == torch.sparse_coo
    assert report(loss, table) and report(loss, table, grad=gradient)
    assert report(loss, table, grad=lambda table: 1.5 * gradient(table)).verdict == "disagree"
    x = torch.randn(4, dtype=torch.float64)
    assert report(lambda x: x * x, x, jac=lambda x: torch.diag(2 * x).to_sparse())
    assert report(lambda x: x * x, x, jac=lambda x: torch.diag(3 * x).to_sparse_csr()).verdict == "disagree"
