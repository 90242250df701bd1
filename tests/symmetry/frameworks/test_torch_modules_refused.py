"""ties of PyTorch's modules: what is refused and how it says so, what newcomers write; nothing is changed."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest

import minigrad
from minigrad import ties
from minigrad.errors import ArgumentError, MissingRule, ShapeError, TracingError

torch = pytest.importorskip("torch", reason="the ties of PyTorch's modules need PyTorch")
nn = torch.nn
RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(5, 3)), RNG.normal(size=(5, 2))
CLASSES = torch.tensor([0, 1, 1, 0, 1])
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")


def linear(*more: Any) -> Any:
    """A linear layer that starts with equal rows, and what follows it."""
    layer = nn.Linear(3, 2)
    nn.init.constant_(layer.weight, 0.5)
    nn.init.constant_(layer.bias, 0.5)
    return nn.Sequential(layer, *more)


class Calling(nn.Module):  # type: ignore[misc,name-defined]
    """A module with two linear layers that calls a function of itself and x."""

    def __init__(self, call: Any) -> None:
        super().__init__()
        self.a, self.b, self.call = nn.Linear(3, 2), nn.Linear(2, 2), call

    def forward(self, x: Any) -> Any:
        return self.call(self, x)


# ---------------------------------------------------------------------------------------- what newcomers write


@pytest.mark.parametrize(
    ("data", "loss", "kind", "text"),
    [
        ((), None, ArgumentError, r"inputs and the target, got no data\n  write  ties\(module, x, target\)"),
        ((X,), None, ArgumentError, "got one array of data, which is the target"),
        ((X, Y[:, :1]), None, ShapeError, r"returns a tensor of shape \(5, 2\).*the target.*shape \(5, 1\)"),
        ((X[:, :2], Y), None, ShapeError, r"does not take these data\n  PyTorch says: RuntimeError: mat1.*5x2"),
        ((X, CLASSES), None, ArgumentError, r"whole numbers.*\n  write  loss=torch.nn.CrossEntropyLoss\(\)"),
        ((X > 0, Y), None, ShapeError, "must have the same dtype"),
        ((X.astype(complex), Y), None, ArgumentError, "no array of numbers"),
        ((X, Y), "mse", ArgumentError, "a function of outputs and target or a loss module, got str 'mse'"),
        ((X, Y), nn.MSELoss(reduction="none"), ArgumentError, r"the loss must be one number, got .*\(5, 2\)"),
        ((X, Y), lambda y, t: 1.0, ArgumentError, "the loss must be one number, got float 1.0"),
    ],
)
def test_a_mistake_in_the_call_is_named(data: Any, loss: Any, kind: Any, text: str) -> None:
    with pytest.raises(kind, match=f"(?s){text}"):
        ties(linear(), *data, loss=loss)


def test_a_module_that_returns_several_tensors_needs_a_loss_that_takes_them() -> None:
    with pytest.raises(ArgumentError, match=r"returns a tuple of 2.*\n  write  loss=lambda outputs, target"):
        ties(nn.GRU(3, 2), X, Y)
    with pytest.raises(ArgumentError, match="returns a dict of 'logits'"):
        ties(Calling(lambda m, x: {"logits": m.a(x)}), X, Y)
    found = ties(Calling(lambda m, x: {"logits": m.a(x)}), X, Y, loss=lambda y, t: (y["logits"] - t).pow(2).mean())
    assert found.frozen is not None and set(found.labels) == {"a.weight", "a.bias", "b.weight", "b.bias"}


@pytest.mark.parametrize(
    "form", [torch.tensor, np.float32, np.ndarray.tolist, lambda x: x, lambda x: torch.tensor(x).half()]
)
def test_data_may_be_tensors_arrays_or_lists_of_any_float(form: Any) -> None:
    assert ties(linear(), form(X), form(np.ones((5, 2)))).summary() == "8 parameters move as 4"


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_modules_of_any_float(dtype: Any) -> None:
    module = linear().to(dtype)
    assert ties(module, X, np.ones((5, 2))).summary() == "8 parameters move as 4"
    assert module[0].weight.dtype == dtype


@pytest.mark.parametrize("loss", [nn.MSELoss(), lambda y, t: ((y - t) ** 2).sum(), nn.functional.mse_loss])
def test_the_loss_may_be_a_module_or_a_function_and_stand_last(loss: Any) -> None:
    assert ties(linear(), X, np.ones((5, 2)), loss).summary() == "8 parameters move as 4"
    assert ties(linear(), X, np.ones((5, 2)), loss=loss).summary() == "8 parameters move as 4"


def test_a_loss_of_the_outputs_alone_leaves_all_data_to_the_module() -> None:
    assert ties(linear(), X, loss=lambda y: (y**2).sum()).summary() == "8 parameters move as 4"


def test_whole_numbers_as_inputs_and_rows_that_are_never_read() -> None:
    model = nn.Sequential(nn.Embedding(5, 3, padding_idx=0), nn.Flatten(), nn.Linear(6, 2))
    found = ties(model, np.array([[0, 1], [1, 2]]), torch.tensor([0, 1]), loss=nn.CrossEntropyLoss())
    assert set(found.labels["0.weight"][[0, 3, 4]].ravel()) == {found.frozen}, (
        "padding, and words that do not occur"
    )
    assert found.frozen not in found.labels["0.weight"][1:3]


def test_nested_data_functions_of_tensors_and_compiled_modules() -> None:
    found = ties(Calling(lambda m, x: m.b(m.a(x["x"]))), {"x": X}, Y)
    assert found.independent == 14
    params = {"W": torch.full((3, 2), 0.5), "more": [torch.zeros(2)]}
    found = ties(lambda p, x: ((x @ p["W"] + p["more"][0]) ** 2).sum(), params, X)
    assert found.labels["more"][0].tolist() == [3, 3] and found.groups[0] == (("['W']", (0, 0)), ("['W']", (0, 1)))
    assert ties(torch.compile(linear()), X, np.ones((5, 2))).summary() == "8 parameters move as 4"
    with pytest.raises(ArgumentError, match="loss= is for modules"):
        ties(lambda p, x: (x @ p).sum(), torch.ones(3), X, loss=nn.MSELoss())


def test_for_all_data() -> None:
    assert ties(linear(), X * 0 + 1, Y * 0 + 1).independent == 1
    found = ties(linear(), X * 0 + 1, Y * 0 + 1, for_all_data=True)
    assert (found.independent, found.scope) == (8, "for all data"), "no two targets are equal"
    with pytest.raises(ArgumentError, match="for_all_data= takes data of floats"):
        ties(linear(), X, CLASSES, loss=nn.CrossEntropyLoss(), for_all_data=True)


def test_a_class_in_place_of_a_module_and_arrays_in_place_of_tensors_are_named() -> None:
    with pytest.raises(ArgumentError, match=r"got the class Linear\n  write  Linear\(...\)"):
        ties(nn.Linear, X, Y)
    with pytest.raises(ShapeError, match="the function does not take these tensors\n  PyTorch says: RuntimeError"):
        ties(lambda w, x: (x @ w).sum(), torch.ones(2), X)


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_it_may_be_asked_for_where_autograd_is_off(mode: Any) -> None:
    with mode():
        assert ties(linear(), X, np.ones((5, 2))).summary() == "8 parameters move as 4"


# ------------------------------------------------------------------------------------ what the module keeps


def test_the_module_its_buffers_and_the_generator_stay_as_they_are() -> None:
    module = nn.Sequential(
        nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Dropout(0.5), nn.ReLU(inplace=True), nn.Linear(4, 2)
    )
    module[4].eval()
    before = {name: x.clone() for name, x in module.state_dict().items()}
    data, state = torch.from_numpy(X.copy()), torch.random.get_rng_state()
    ties(module, data, Y)
    assert torch.equal(state, torch.random.get_rng_state())
    assert all(torch.equal(x, before[name]) for name, x in module.state_dict().items())
    assert module.training and not module[4].training and module[1].num_batches_tracked == 0
    assert all(p.grad is None and p.requires_grad for p in module.parameters())
    np.testing.assert_array_equal(data.numpy(), X)


def test_a_module_may_change_its_inputs_in_place() -> None:
    data = torch.from_numpy(X.copy())
    assert ties(linear(), data, np.ones((5, 2))).summary() == "8 parameters move as 4"
    changing = Calling(lambda m, x: m.a(x.mul_(2)))
    assert ties(changing, data, Y).independent == 8
    np.testing.assert_array_equal(data.numpy(), X)
    start = torch.ones(3, dtype=torch.float64)
    ties(lambda w, x: (x.mul_(2) @ w).sum() ** 2, start, data)
    assert torch.equal(start, torch.ones(3, dtype=torch.float64))
    np.testing.assert_array_equal(data.numpy(), X)


def test_shared_parameters_count_once_and_frozen_ones_are_constants() -> None:
    module = Calling(lambda m, x: m.c(m.a(x)))
    module.c = nn.Linear(3, 3)
    module.a, module.b = nn.Linear(3, 3), nn.Identity()
    module.c.weight = module.a.weight
    module.c.bias.requires_grad_(False)
    assert set(ties(module, X, X[:, ::-1].copy()).labels) == {"a.weight", "a.bias"}
    with pytest.raises(ArgumentError, match="no parameter of the module requires grad"):
        ties(module.requires_grad_(False), X, X)


# -------------------------------------------------------------------------------------------- what is refused


def test_draws_other_than_dropout_are_refused_by_name_with_the_remedy() -> None:
    with pytest.raises(ArgumentError, match=r"(?s)draws random numbers.*randn_like in Calling"):
        ties(Calling(lambda m, x: m.a(x + torch.randn_like(x))), X, Y)
    with pytest.raises(ArgumentError, match=r"rrelu_with_noise_functional in 1 \(RReLU\)"):
        ties(linear(nn.RReLU()), X, Y)


def test_dropout_between_recurrent_layers_is_refused_for_a_trace_loses_it() -> None:
    """PyTorch's decompositions leave it out; see findings/."""
    module = nn.Sequential(nn.LSTM(3, 2, 2, dropout=0.5))
    with pytest.raises(ArgumentError, match=r"loses the dropout between the layers of 0 \(LSTM\)"):
        ties(module, X, Y, loss=lambda y, t: ((y[0] - t) ** 2).sum())
    assert ties(module.eval(), X, Y, loss=lambda y, t: ((y[0] - t) ** 2).sum()).scope == "for this data"


class Growing(nn.Module):  # type: ignore[misc,name-defined]
    """It multiplies by a buffer that grows at each call."""

    def __init__(self) -> None:
        super().__init__()
        self.a = nn.Linear(3, 2)
        self.register_buffer("scale", torch.ones(1))

    def forward(self, x: Any) -> Any:
        self.scale.mul_(1.1)
        return self.a(x) * self.scale


def test_a_module_that_changes_when_called_twice_is_refused() -> None:
    draws = np.random.default_rng(0)
    with pytest.raises(TracingError, match="another loss when it is called again, on the same data"):
        ties(Calling(lambda m, x: m.a(x) * float(draws.normal())), X, Y)
    with pytest.raises(TracingError, match="changes a buffer that it reads"):
        ties(Growing(), X, Y)
    with pytest.raises(TracingError, match="changes a buffer that it reads"):
        spectral = nn.utils.parametrizations.spectral_norm(nn.Linear(30, 40))
        ties(spectral, RNG.normal(size=(5, 30)), RNG.normal(size=(5, 40)))


def test_all_operations_without_a_counterpart_are_named_with_their_place() -> None:
    module = Calling(lambda m, x: torch.linalg.inv(m.a(x[:2])) @ torch.special.bessel_j0(m.a(x[:2])))
    with pytest.raises(MissingRule) as caught:
        ties(module, X, Y[:2])
    said = str(caught.value)
    assert "linalg_inv_ex in Calling" in said and "bessel_j0 in Calling" in said, said


def test_a_branch_on_numbers_is_refused() -> None:
    with pytest.raises(
        TracingError, match=r"(?s)a branch depends on numbers that are computed.*write  torch.where"
    ):
        ties(Calling(lambda m, x: m.a(x) if m.a(x).sum() > 0 else -m.a(x)), X, Y)


class RoundedStraightThrough(torch.autograd.Function):  # type: ignore[misc,name-defined]
    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        return torch.round(x)

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        return g


def test_a_derivative_of_its_own_that_the_trace_does_not_show_is_noticed() -> None:
    with pytest.raises(TracingError, match=r"gradient of a.weight in the traced graph differs from PyTorch's"):
        ties(Calling(lambda m, x: m.b(RoundedStraightThrough.apply(m.a(x)))), X, Y)


@pytest.mark.parametrize("stop", ["detach", "no_grad"])
def test_what_gets_no_gradient_never_moves(stop: str) -> None:
    def call(m: Any, x: Any) -> Any:
        if stop == "detach":
            return m.b(m.a(x).detach())
        with torch.no_grad():
            hidden = m.a(x)
        return m.b(hidden)

    found = ties(Calling(call), X, Y)
    assert {path for path, _ in found.groups[found.frozen]} == {"a.weight", "a.bias"} and found.independent == 6


def test_a_maximum_that_takes_the_first_of_equal_units_has_no_ties_and_says_so() -> None:
    """PyTorch's `max` gives the whole gradient to one of the equal units, so they part; `amax` shares it."""
    layer = nn.Linear(3, 4)
    nn.init.constant_(layer.weight, 0.3)
    nn.init.zeros_(layer.bias)
    maxout = nn.Sequential(layer, nn.Unflatten(1, (2, 2)))
    with pytest.raises(TracingError, match=r"gradient of 0.weight is not that of exact arithmetic"):
        ties(maxout, X, Y, loss=lambda y, t: ((y.max(-1).values - t) ** 2).sum())
    found = ties(maxout, X, Y, loss=lambda y, t: ((y.amax(-1) - t) ** 2).sum())
    assert found.summary().startswith("16 parameters move as 8")


class ScaledMaximum(nn.Module):  # type: ignore[misc,name-defined]
    """At the start its scale is 0, so that no gradient shows which of the equal units the maximum takes."""

    def __init__(self, largest: Any) -> None:
        super().__init__()
        self.a, self.scale, self.largest = linear()[0], nn.Parameter(torch.zeros(1)), largest

    def forward(self, x: Any) -> Any:
        return self.scale * self.largest(self.a(x))


def test_such_a_maximum_is_noticed_where_it_has_no_gradient_yet() -> None:
    with pytest.raises(TracingError, match=r"gradient of a.weight is not that of exact arithmetic"):
        ties(ScaledMaximum(lambda y: y.max(-1).values), X, Y[:, 0])
    assert ties(ScaledMaximum(lambda y: y.amax(-1)), X, Y[:, 0]).independent == 5


def test_numbers_so_large_that_rounding_decides_are_refused() -> None:
    """In exact arithmetic the logits are equal; around 1e18 rounding parts them by more than softmax bears."""
    deep = nn.Sequential(*[layer for _ in range(9) for layer in (nn.Linear(90, 90), nn.ReLU())], nn.Linear(90, 3))
    for p in deep.parameters():
        nn.init.constant_(p, 1.1)
    x = RNG.normal(size=(5, 90))
    try:
        found = ties(deep, x, torch.tensor([0, 1, 2, 0, 1]), loss=nn.CrossEntropyLoss())
    except TracingError as error:
        assert "rounding decides" in str(error)
    else:  # where the processor adds in an order that gives equal sums
        assert len(np.unique(found.labels["18.weight"])) == 3


def test_a_softmax_that_saturates_is_no_disagreement() -> None:
    """PyTorch rounds p - 1 to 0 where p rounds to 1; the table keeps the sum of the others."""
    model = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 3))
    for k, p in enumerate(model.parameters()):
        with torch.no_grad():
            p.copy_(100 * torch.from_numpy(np.random.default_rng(k).normal(size=tuple(p.shape))))
    assert ties(model, X, torch.tensor([0, 1, 2, 0, 1]), loss=nn.CrossEntropyLoss()).independent == 31


def test_code_that_computes_in_single_precision_is_compared_as_such() -> None:
    assert ties(Calling(lambda m, x: m.b(m.a(x).float().pow(2).double())), X, Y).independent == 14


def test_what_torch_export_refuses_is_traced_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: Any) -> Any:
        raise RuntimeError("no")

    monkeypatch.setattr(torch.export, "export", refuse)
    module = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.ReLU(inplace=True), nn.Linear(4, 2))
    found = ties(module, X, Y)
    assert set(found.labels["0.bias"]) == {found.frozen} and found.independent == 30


def test_a_row_that_is_wrong_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    from minigrad.symmetry.frontends.torch.traced_loss import ROWS

    monkeypatch.setitem(ROWS, "tanh", lambda x: minigrad.sigmoid(x) * 2 - 1)
    with pytest.raises(TracingError, match=r"gradient of 0.weight in the traced graph differs"):
        ties(linear(nn.Tanh()), X, Y)


def mlp() -> Any:
    module = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
    for p in module.parameters():
        nn.init.constant_(p, 0.3)
    return module


@pytest.mark.parametrize("how", ["register_hook", "register_post_accumulate_grad_hook"])
def test_hooks_on_the_gradient_of_a_parameter_are_named(how: str) -> None:
    module = mlp()
    getattr(module[0].weight, how)(lambda g: None)
    with pytest.raises(ArgumentError, match=r"0\.weight has a hook"):
        ties(module, torch.randn(5, 3), torch.randn(5, 2))


class Coin(nn.Module):  # type: ignore[misc]
    """A coin of Python or NumPy decides which program it is."""

    def __init__(self, draw: Any) -> None:
        super().__init__()
        self.inner, self.draw = mlp(), draw

    def forward(self, x: Any) -> Any:
        y = self.inner(x)
        return y * torch.arange(1.0, 3.0) if self.draw() < 1e-9 else y


@pytest.mark.parametrize("draw", [random.random, lambda: np.random.rand()], ids=["random", "numpy"])  # noqa: NPY002
def test_a_rare_coin_is_noticed_and_the_generators_are_put_back(draw: Any) -> None:
    def states() -> Any:
        return random.getstate(), np.random.get_state()[2]  # noqa: NPY002  # the module draws from it

    before = states()
    with pytest.raises(TracingError, match="draws random numbers of Python or NumPy"):
        ties(Coin(draw), torch.randn(5, 3), torch.randn(5, 2))
    assert states() == before


def test_empty_data_are_named() -> None:
    with pytest.raises(ArgumentError, match=r"the data are empty: a tensor of shape \(0, 3\)"):
        ties(mlp(), torch.randn(0, 3), torch.randn(0, 2))
