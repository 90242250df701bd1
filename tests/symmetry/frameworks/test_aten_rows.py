"""Every row for an ATen operation has the values and the gradients of PyTorch, at kinks too."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the rows of ATen's operations need PyTorch")

from minigrad.engine.tree import leaves  # noqa: E402
from minigrad.engine.value import argument  # noqa: E402
from minigrad.symmetry.frontends.torch.recorded_operations import apply_row  # noqa: E402
from minigrad.symmetry.frontends.torch.traced_loss import ROWS, name_of_operation  # noqa: E402
from minigrad.transforms.grad import vjp  # noqa: E402

RNG = np.random.default_rng(3)


def T(*shape: int) -> Any:
    return torch.from_numpy(np.asarray(RNG.normal(size=shape)))


def P(*shape: int) -> Any:
    """Positive numbers."""
    return T(*shape).abs() + 0.5


def U(*shape: int) -> Any:
    """Numbers between -1 and 1."""
    return torch.tanh(T(*shape))


def ints(*numbers: Any) -> Any:
    return torch.tensor([*numbers])


def at(*numbers: float) -> Any:
    """Floats, to stand at kinks."""
    return torch.tensor([*numbers], dtype=torch.float64)


STATISTICS: set[int] = set()  # identities of tensors that PyTorch does not differentiate


def S(*shape: int) -> Any:
    """Running statistics."""
    found = P(*shape)
    STATISTICS.add(id(found))
    return found


MASK = torch.tensor([True, False, True])
KINKS = at(-6.0, -3.0, -1.0, 0.0, 0.5, 1.0, 3.0, 6.0, 25.0)
COMPARISONS = ("eq", "ne", "lt", "le", "gt", "ge")
UNARY = (
    "neg reciprocal square sqrt rsqrt abs sign floor ceil trunc round exp exp2 expm1 log log1p log2 log10 sin cos"
)
UNARY += " tan asinh atan sinh cosh tanh erf erfc sigmoid silu relu log_sigmoid isnan isinf alias clone detach"
CASES: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = [
    *((f"{name}.default", (P(2, 3),), {}) for name in UNARY.split() if name not in ("square",)),
    ("square.default", (T(3),), {}),
    ("asin.default", (U(3),), {}),
    ("acos.default", (U(3),), {}),
    ("atanh.default", (U(3),), {}),
    ("acosh.default", (P(3) + 1,), {}),
    ("add.Tensor", (T(2, 3), T(3)), {}),
    ("add.Tensor", (T(2, 3), T(2, 1)), {"alpha": 2.5}),
    ("sub.Tensor", (T(2, 3), T(3)), {"alpha": 3}),
    ("rsub.Scalar", (T(2, 3), 2.0), {}),
    ("mul.Tensor", (T(2, 3), T(3)), {}),
    ("mul.Scalar", (T(2, 3), 0.7), {}),
    ("div.Tensor", (T(2, 3), P(3)), {}),
    ("div.Tensor_mode", (T(2, 3), P(3)), {"rounding_mode": "floor"}),
    ("div.Tensor_mode", (T(2, 3), P(3)), {"rounding_mode": "trunc"}),
    ("pow.Tensor_Scalar", (T(3), 2), {}),
    ("pow.Tensor_Scalar", (at(0.0, 1.0, -2.0), 3), {}),
    ("pow.Tensor_Tensor", (P(3), T(3)), {}),
    ("pow.Scalar", (2, T(3)), {}),
    ("addcmul.default", (T(3), T(3), T(3)), {"value": 2}),
    ("addcdiv.default", (T(3), T(3), P(3)), {"value": 2}),
    ("lerp.Scalar", (T(3), T(3), 0.3), {}),
    ("remainder.Scalar", (T(3), 0.4), {}),
    ("fmod.Scalar", (T(3), 0.4), {}),
    ("maximum.default", (at(1.0, 2.0, 3.0), at(1.0, 3.0, 2.0)), {}),
    ("minimum.default", (at(1.0, 2.0, 3.0), at(1.0, 3.0, 2.0)), {}),
    ("clamp.default", (KINKS, -1.0, 1.0), {}),
    ("clamp.default", (KINKS, -1.0), {}),
    ("clamp.default", (KINKS, None, 3.0), {}),
    ("clamp.default", (KINKS,), {"max": 3.0}),
    ("clamp_min.default", (KINKS, 0.0), {}),
    ("clamp_max.default", (KINKS, 0.0), {}),
    ("atan2.default", (T(3), P(3)), {}),
    ("logaddexp.default", (T(3), T(3)), {}),
    ("relu.default", (KINKS,), {}),
    ("relu6.default", (KINKS,), {}),
    ("abs.default", (KINKS,), {}),
    ("hardtanh.default", (KINKS,), {}),
    ("hardtanh.default", (KINKS, -3.0, 6.0), {}),
    ("hardsigmoid.default", (KINKS,), {}),
    ("hardswish.default", (KINKS,), {}),
    ("leaky_relu.default", (KINKS, 0.2), {}),
    ("elu.default", (KINKS,), {}),
    ("elu.default", (KINKS, 1.5, 1.1, 0.7), {}),
    ("gelu.default", (KINKS,), {}),
    ("gelu.default", (KINKS,), {"approximate": "tanh"}),
    ("softplus.default", (KINKS,), {}),
    ("softplus.default", (KINKS, 2.0, 5.0), {}),
    ("log_sigmoid_forward.default", (KINKS,), {}),
    ("where.self", (MASK, T(2, 3), T(3)), {}),
    ("masked_fill.Scalar", (T(2, 3), MASK, -2.0), {}),
    *(
        (f"{name}.Tensor", (at(1.0, 2.0, 3.0), at(1.0, 3.0, 2.0)), {})
        for name in ["eq", "ne", "lt", "le", "gt", "ge"]
    ),
    ("logical_and.default", (T(3) > 0, T(3) > 0), {}),
    ("logical_or.default", (T(3) > 0, T(3) > 0), {}),
    ("logical_not.default", (T(3) > 0,), {}),
    ("bitwise_and.Tensor", (T(3) > 0, T(3) > 0), {}),
    ("bitwise_or.Tensor", (T(3) > 0, T(3) > 0), {}),
    ("bitwise_not.default", (T(3) > 0,), {}),
    ("_to_copy.default", (T(3),), {"dtype": torch.float64}),
    ("_to_copy.default", (at(0.0, 1.5, -2.5),), {"dtype": torch.bool}),
    ("_to_copy.default", (at(0.0, 1.5, -2.5),), {"dtype": torch.int64}),
    ("_to_copy.default", (MASK,), {"dtype": torch.float64}),
    ("contiguous.default", (T(3),), {}),
    ("lift_fresh_copy.default", (T(3),), {}),
    ("fill.Tensor", (T(2, 3), T()), {}),
    ("copy.default", (T(2, 3) > 0, T(3) > 0), {}),
    # Shapes.
    ("view.default", (T(2, 3), [3, -1]), {}),
    ("reshape.default", (T(2, 3), [6]), {}),
    ("_unsafe_view.default", (T(2, 3), [1, 6]), {}),
    ("permute.default", (T(2, 3, 4), [2, 0, 1]), {}),
    ("transpose.int", (T(2, 3, 4), 0, -1), {}),
    ("t.default", (T(2, 3),), {}),
    ("unsqueeze.default", (T(2, 3), -1), {}),
    ("squeeze.default", (T(1, 3, 1),), {}),
    ("squeeze.dim", (T(1, 3, 1), -1), {}),
    ("squeeze.dim", (T(2, 3), 0), {}),
    ("squeeze.dims", (T(1, 3, 1), [0, 1]), {}),
    ("expand.default", (T(3, 1), [2, -1, 4]), {}),
    ("repeat.default", (T(2, 3), [2, 1, 2]), {}),
    ("cat.default", ([T(2, 3), T(0), T(1, 3)],), {}),
    ("cat.default", ([T(2, 3), T(2, 1)], -1), {}),
    ("stack.default", ([T(2, 3), T(2, 3)], 1), {}),
    ("split.Tensor", (T(2, 5), 2, 1), {}),
    ("split_with_sizes.default", (T(2, 5), [2, 3], -1), {}),
    ("unbind.int", (T(2, 3), 1), {}),
    ("slice.Tensor", (T(5, 3), 0, 1, 9223372036854775807, 2), {}),
    ("slice.Tensor", (T(5, 3), -1, -2), {}),
    ("select.int", (T(5, 3), -1, -2), {}),
    ("index.Tensor", (T(5, 3), [ints(0, 4, 0)]), {}),
    ("index.Tensor", (T(2, 5, 3), [None, ints(0, 4), ints(2, 0)]), {}),
    ("index.Tensor", (T(3, 2), [MASK]), {}),
    ("_unsafe_index.Tensor", (T(5, 3), [None, ints(0, 2, 0)]), {}),
    ("index_select.default", (T(5, 3), 1, ints(0, 2, 0)), {}),
    ("index_put.default", (T(5, 3), [ints(0, 4)], T(2, 3)), {}),
    ("index_put.default", (T(5, 3), [None, ints(0, 0)], T(1)), {"accumulate": True}),
    ("_unsafe_index_put.default", (T(5, 3), [ints(0, 4)], T(3)), {}),
    ("gather.default", (T(4, 3), 1, ints([0, 0], [2, 1])), {}),
    ("scatter.src", (T(4, 3), 1, ints([0, 1], [2, 1]), T(2, 2)), {}),
    ("scatter.value", (T(4, 3), 0, ints([0, 1], [2, 1]), 5.0), {}),
    ("scatter_add.default", (T(4, 3), 0, ints([0, 1], [0, 1]), T(2, 2)), {}),
    ("select_scatter.default", (T(4, 3), T(4), 1, 2), {}),
    ("slice_scatter.default", (T(4, 3), T(2, 3), 0, 1, 4, 2), {}),
    ("diagonal.default", (T(3, 4), 1), {}),
    ("tril.default", (T(3, 4), 1), {}),
    ("triu.default", (T(3, 4), -1), {}),
    ("flip.default", (T(3, 4), [0, -1]), {}),
    ("roll.default", (T(3, 4), [1, 2], [0, 1]), {}),
    ("roll.default", (T(3, 4), [5]), {}),
    ("constant_pad_nd.default", (T(2, 3, 4), [1, -1, 0, 2], 0.5), {}),
    ("embedding.default", (T(5, 3), ints([0, 1], [1, 4])), {}),
    ("embedding.default", (T(5, 3), ints([0, 1], [1, 4]), 1), {}),
    ("sort.default", (T(3, 4), -1, True), {}),
    ("sort.default", (T(3, 4), 0), {}),
    ("topk.default", (T(3, 4), 2), {}),
    ("topk.default", (T(3, 4), 2, 0, False), {}),
    ("cumsum.default", (T(3, 4), 1), {}),
    ("cumprod.default", (T(3, 4), 1), {}),
    ("sum.default", (T(3, 4),), {}),
    ("sum.dim_IntList", (T(3, 4), [-1], True), {}),
    ("sum.dim_IntList", (T(3, 4), []), {}),
    ("mean.default", (T(3, 4),), {}),
    ("mean.dim", (T(3, 4, 2), [0, 2]), {}),
    ("amax.default", (at(1.0, 3.0, 3.0), [0]), {}),
    ("amin.default", (at(1.0, 3.0, 1.0), [-1], True), {}),
    ("any.dim", (T(3, 4) > 1, 1), {}),
    ("all.dim", (T(3, 4) > -1, 1), {}),
    ("argmax.default", (T(3, 4), 1), {}),
    ("argmin.default", (T(3, 4),), {}),
    ("prod.dim_int", (T(3, 4), 1), {}),
    ("max.dim", (T(3, 4), 1, True), {}),
    ("min.dim", (T(3, 4), 0), {}),
    ("max.default", (at(1.0, 3.0, 3.0),), {}),
    ("min.default", (at(1.0, 3.0, 1.0),), {}),
    ("var.correction", (T(3, 4), [1]), {"correction": 0}),
    ("var.correction", (T(3, 4),), {"keepdim": True}),
    ("var_mean.correction", (T(3, 4), [0]), {"correction": 1, "keepdim": True}),
    ("logsumexp.default", (T(3, 4), [1]), {}),
    ("linalg_vector_norm.default", (T(3, 4), 2, [1], True), {}),
    ("linalg_vector_norm.default", (at(0.0, 0.0),), {}),
    ("linalg_vector_norm.default", (T(3, 4), 1), {}),
    ("_cdist_forward.default", (T(3, 4), T(2, 4), 2.0, None), {}),
    ("_cdist_forward.default", (T(5, 3, 4), T(5, 2, 4), 1.0, None), {}),
    ("full_like.default", (T(3, 4), 2), {}),
    ("full_like.default", (T(3, 4), 2), {"dtype": torch.int64}),
    # Layers.
    ("linear.default", (T(2, 4, 3), T(5, 3), T(5)), {}),
    ("linear.default", (T(3), T(5, 3)), {}),
    ("matmul.default", (T(2, 4, 3), T(3, 5)), {}),
    ("mm.default", (T(4, 3), T(3, 5)), {}),
    ("bmm.default", (T(2, 4, 3), T(2, 3, 5)), {}),
    ("mv.default", (T(4, 3), T(3)), {}),
    ("dot.default", (T(3), T(3)), {}),
    ("addmm.default", (T(5), T(4, 3), T(3, 5)), {"beta": 0.5, "alpha": 2}),
    ("baddbmm.default", (T(2, 4, 5), T(2, 4, 3), T(2, 3, 5)), {}),
    ("bilinear.default", (T(4, 3), T(4, 2), T(5, 3, 2), T(5)), {}),
    ("einsum.default", ("bij,bjk->ik", [T(2, 3, 4), T(2, 4, 3)]), {}),
    ("conv1d.default", (T(2, 4, 7), T(6, 4, 3), T(6), [2], [1], [2]), {}),
    ("conv1d.default", (T(4, 7), T(6, 2, 3), None, [1], [1], [1], 2), {}),
    ("conv2d.default", (T(2, 4, 7, 6), T(6, 2, 3, 2), T(6), [2, 1], [1, 2], [1, 2], 2), {}),
    ("conv2d.default", (T(2, 4, 7, 6), T(4, 1, 3, 3)), {"groups": 4, "padding": [1, 1]}),
    ("conv3d.default", (T(1, 2, 4, 4, 3), T(3, 2, 2, 3, 1), T(3)), {}),
    ("convolution.default", (T(2, 4, 5), T(4, 3, 3), T(3), [2], [1], [2], True, [1], 1), {}),
    ("convolution.default", (T(2, 4, 5, 3), T(4, 3, 3, 2), None, [2, 3], [1, 0], [1, 1], True, [1, 2], 2), {}),
    ("convolution.default", (T(2, 4, 5), T(6, 4, 3), T(6), [1], [1], [1], False, [0], 1), {}),
    ("max_pool1d.default", (T(2, 3, 7), [3], [2], [1]), {}),
    ("max_pool2d.default", (T(2, 3, 6, 7), [3, 2], [2, 2], [1, 0]), {}),
    ("max_pool2d.default", (T(3, 6, 6), [2], [2], [0], [1], True), {}),
    ("max_pool2d.default", (T(3, 6, 7), [3, 3], [2, 3], [0, 1], [1], True), {}),
    ("max_pool1d.default", (T(3, 5), [2], [3], [1], [1], True), {}),
    ("max_pool1d.default", (T(3, 7), [3], [2], [1], [1], True), {}),
    ("max_pool3d.default", (T(2, 4, 4, 4), [2]), {}),
    ("max_pool2d_with_indices.default", (T(2, 3, 6, 6), [2, 2]), {}),
    ("max_pool3d_with_indices.default", (T(2, 4, 4, 4), [2]), {}),
    ("avg_pool1d.default", (T(2, 3, 7), [3], [2], [1]), {}),
    ("avg_pool2d.default", (T(2, 3, 6, 6), [3, 2], [2, 2], [1, 1], False, False), {}),
    ("avg_pool2d.default", (T(2, 3, 6, 6), [3]), {"divisor_override": 5}),
    ("avg_pool3d.default", (T(2, 4, 4, 4), [2]), {}),
    ("adaptive_avg_pool1d.default", (T(2, 3, 7), [3]), {}),
    ("_adaptive_avg_pool2d.default", (T(2, 3, 7, 5), [3, 2]), {}),
    ("adaptive_avg_pool2d.default", (T(2, 3, 7, 5), [1, 1]), {}),
    ("adaptive_max_pool2d.default", (T(2, 3, 6, 4), [3, 2]), {}),
    ("adaptive_max_pool3d.default", (T(2, 3, 6, 4), [1, 1, 2]), {}),
    ("batch_norm.default", (T(4, 3, 2), T(3), T(3), S(3), S(3), False, 0.1, 1e-5, False), {}),
    ("batch_norm.default", (T(4, 3), None, None, S(3), S(3), True, 0.1, 1e-5, False), {}),
    ("_native_batch_norm_legit.default", (T(4, 3), T(3), T(3), S(3), S(3), True, 0.1, 1e-5), {}),
    ("_native_batch_norm_legit_functional.default", (T(4, 3), T(3), T(3), S(3), S(3), True, 0.1, 1e-5), {}),
    ("_native_batch_norm_legit.no_stats", (T(4, 3), T(3), T(3), True, 0.1, 1e-5), {}),
    ("_native_batch_norm_legit_no_training.default", (T(4, 3), T(3), T(3), S(3), S(3), 0.1, 1e-5), {}),
    ("layer_norm.default", (T(2, 3, 4), [3, 4], T(3, 4), T(3, 4)), {}),
    ("layer_norm.default", (T(2, 3, 4), [4]), {}),
    ("native_layer_norm.default", (T(2, 3, 4), [4], T(4), T(4), 1e-3), {}),
    ("group_norm.default", (T(2, 4, 3, 2), 2, T(4), T(4)), {}),
    ("native_group_norm.default", (T(2, 4, 3, 2), T(4), None, 2, 4, 6, 2, 1e-5), {}),
    ("softmax.int", (T(2, 3, 4), 1), {}),
    ("_softmax.default", (T(2, 3), -1, False), {}),
    ("log_softmax.int", (T(2, 3, 4), 1), {}),
    ("_log_softmax.default", (T(2, 3), -1, False), {}),
    ("scaled_dot_product_attention.default", (T(2, 2, 3, 4), T(2, 2, 5, 4), T(2, 2, 5, 4)), {}),
    ("scaled_dot_product_attention.default", (T(2, 3, 4), T(2, 3, 4), T(2, 3, 4), None, 0.0, True), {}),
    ("scaled_dot_product_attention.default", (T(2, 3, 4), T(2, 3, 4), T(2, 3, 4), T(3, 3)), {"scale": 0.3}),
    ("scaled_dot_product_attention.default", (T(2, 3, 4), T(2, 3, 4), T(2, 3, 4), MASK), {}),
    ("scaled_dot_product_attention.default", (T(4, 3, 2), T(2, 3, 2), T(2, 3, 2)), {"enable_gqa": True}),
    ("dropout.default", (T(3), 0.0, True), {}),
    ("dropout.default", (T(3), 0.5, False), {}),
    ("native_dropout.default", (T(3), 0.5, False), {}),
]
ELSEWHERE = {"getitem", "bernoulli.p"}  # no operation of ATen; draws: test_torch_models


def operation(name: str) -> Any:
    packet, _, overload = name.partition(".")
    return getattr(getattr(torch.ops.aten, packet), overload)


def is_differentiated(x: Any) -> bool:
    return isinstance(x, torch.Tensor) and x.is_floating_point() and id(x) not in STATISTICS


def weighted_sum(outputs: list[Any], weights: list[Any]) -> Any:
    """Σ w y over the outputs that depend on an input."""
    return sum((y * w).sum() for y, w in zip(outputs, weights, strict=True) if w is not None)


@pytest.mark.parametrize("case", CASES, ids=[f"{k}-{name}" for k, (name, _, _) in enumerate(CASES)])
def test_a_row_has_the_values_and_gradients_of_pytorch(case: Any) -> None:
    name, args, kwargs = case
    target = operation(name)
    tensors = [x.requires_grad_() for x in leaves((args, kwargs)) if is_differentiated(x)]

    def ours(*xs: Any) -> list[Any]:
        given = {id(x): value for x, value in zip(tensors, xs, strict=True)}
        replaced = torch.fx.node.map_aggregate((args, kwargs), lambda leaf: given.get(id(leaf), leaf))
        return leaves(apply_row(target, *replaced))

    numbers = [x.detach().numpy().copy() for x in tensors]
    found = ours(*map(argument, numbers))
    theirs = [y for y in leaves(target(*args, **kwargs)) if isinstance(y, torch.Tensor)][: len(found)]
    assert found and len(found) == len(theirs)
    for y, their in zip(found, theirs, strict=True):
        values = np.asarray(getattr(y, "_array", y))
        assert values.shape == tuple(their.shape) and values.dtype == their.detach().numpy().dtype
        np.testing.assert_allclose(values, their.detach().numpy(), atol=1e-10)
    weights = [
        RNG.normal(size=np.shape(y)) if their.requires_grad else None
        for y, their in zip(found, theirs, strict=True)
    ]
    if not any(w is not None for w in weights):
        return
    loss = weighted_sum(theirs, [None if w is None else torch.from_numpy(np.asarray(w)) for w in weights])
    grads = torch.autograd.grad(loss, tensors, allow_unused=True)
    mine = vjp(lambda *xs: weighted_sum(ours(*xs), weights), *numbers)[1](1.0)
    for g, their in zip(mine, grads, strict=True):
        np.testing.assert_allclose(g, np.zeros(g.shape) if their is None else their.numpy(), atol=1e-9)


def test_every_row_has_a_case() -> None:
    tried = {name for case in CASES for name in name_of_operation(operation(case[0]))}
    assert {*ROWS} - tried - ELSEWHERE == set()
