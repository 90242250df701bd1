"""Every function of NumPy, by many calls, with a Value: right in value and gradient, or refused; never silent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from differences import X, agrees_with_differences, directions

from minigrad import Value, errors
from minigrad.engine.op import TABLE

# Not asked: they write files or print, their numbers are chance, or NumPy itself returns None.
SKIPPED = {
    *("save", "savez", "savez_compressed", "savetxt", "info", "test", "show_config", "show_runtime"),
    *("empty_like", "bmat", "setbufsize", "seterr", "seterrcall", "set_printoptions", "printoptions", "errstate"),
}
SQUARE = np.array([[2.23, 0.57, 0.72], [0.33, 3.18, 0.47], [0.64, 0.91, 4.26]])
CALLS: list[Callable[[Any, Any], Any]] = [
    lambda f, v: f(v),
    lambda f, v: f(v, 1),
    lambda f, v: f(v, 1.3 * v + 0.05),
    lambda f, v: f(0.7 * v + 0.03, v * v),  # no entries of both are nearly equal
    lambda f, v: f([v, v]),
    lambda f, v: f(v, np.array([0.4, 0.8, 0.3])),
    lambda f, v: f(np.array([0.4, 0.8, 0.3]), v),
    lambda f, v: f(SQUARE + 0.125, v),
    lambda f, v: f(v, [0, 1, 2]),
    lambda f, v: f([0, 1, 2], v),
    lambda f, v: f("i,i", v, v),
    lambda f, v: f("...,...->...", v, v),
    lambda f, v: f(v > 0.4, v, -v),
    lambda f, v: f(v, 0, 1),
    lambda f, v: f(1.0, v, 3),
]


def public_functions() -> list[str]:
    return sorted(
        prefix + name
        for prefix, space in {"": np, "linalg.": np.linalg, "fft.": np.fft}.items()
        for name in dir(space)
        if not name.startswith("_")
        and callable(function := getattr(space, name))
        and not isinstance(function, type)
        and name not in SKIPPED
    )


def parts_of(result: Any) -> list[Any]:
    return list(result) if isinstance(result, (tuple, list)) else [result]


def right_or_refused(call: Callable[[Any], Any], x: np.ndarray) -> bool:
    """Whether the call was answered; answered means: as on arrays, and with the gradient of that."""
    try:
        expected = call(x.copy())
    except Exception:
        return False  # no call of that function
    try:
        result = call(Value(x))
    except Exception as error:
        chain = [error, error.__cause__, error.__context__]
        assert any(isinstance(e, (errors.MinigradError, TypeError, AttributeError)) for e in chain), repr(error)
        return False
    finite = all(np.isfinite(want).all() for want in parts_of(expected) if np.asarray(want).dtype.kind == "f")
    for k, (part, want) in enumerate(zip(parts_of(result), parts_of(expected), strict=True)):
        if not isinstance(part, Value):
            if isinstance(part, str):  # as pictures of arrays are
                continue
            moved = parts_of(call(x + 0.01 * directions(x)[0]))[k]  # what does not move has no gradient to lose
            assert np.array_equal(moved, want), f"a plain result that depends on the Value: {part!r}"
            continue
        ulps = 4 if part.op is not None and "rounded as by" in part.op.formula else 0
        np.testing.assert_array_max_ulp(part.data, want, ulps) if ulps else np.testing.assert_array_equal(
            part.data, want
        )
        if part.dtype.kind == "f" and finite:
            agrees_with_differences(lambda y, k=k: parts_of(call(y))[k], x)
    return True


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", public_functions())
def test_every_function_of_numpy_is_right_or_says_no(name: str) -> None:
    """Called with a Value, it gives what it gives on arrays and the gradient of that, or it raises."""
    function: Any = np
    for part in name.split("."):
        function = getattr(function, part)
    for x in (X + 0.121, SQUARE):
        x = np.sort(x) if name == "interp" else x  # whose answer is undefined where xp does not grow
        for call in CALLS:
            right_or_refused(lambda v, call=call: call(function, v), x)


OPTIONS: list[str] = [
    "np.sum(v, axis=(0, -1))",
    "np.sum(v, axis=())",
    "np.mean(v, axis=-1, keepdims=True)",
    "np.std(v, axis=0, ddof=2)",
    "np.std(v, axis=(0, 1), keepdims=True)",
    "np.var(v, axis=1, ddof=0.5)",
    "np.max(v, axis=(0, 1), keepdims=True)",
    "np.min(v, axis=-2)",
    "np.prod(v, axis=0, keepdims=True)",
    "np.prod(v, axis=())",
    "np.ptp(v, axis=1)",
    "np.cumsum(v, axis=-1)",
    "np.cumprod(v, axis=0)",
    "np.cumulative_sum(v, axis=1, include_initial=True)",
    "np.diff(v)",
    "np.diff(v, n=2, axis=0)",
    "np.diff(v, axis=0, prepend=0)",
    "np.diff(v, axis=1, append=v[:, :1])",
    "np.ediff1d(v, to_begin=1.0, to_end=2.0)",
    "np.gradient(v, axis=0)",
    "np.gradient(v, 0.5, axis=1)",
    "np.gradient(v, np.array([0.0, 0.5, 2.0]), axis=0, edge_order=2)",
    "np.trapezoid(v, dx=0.5, axis=0)",
    "np.trapezoid(v[0], x=np.array([0.0, 0.5, 2.0]))",
    "np.trapezoid(np.ones(3), x=v[0])",
    "np.linalg.norm(v)",
    "np.linalg.norm(v, axis=0)",
    "np.linalg.norm(v, 'fro')",
    "np.linalg.norm(v, 1)",
    "np.linalg.norm(v, 2)",
    "np.linalg.norm(v, 'nuc')",
    "np.linalg.norm(v, np.inf)",
    "np.linalg.norm(v, -1)",
    "np.linalg.norm(v, 1, axis=1)",
    "np.linalg.norm(v, 3, axis=1, keepdims=True)",
    "np.linalg.norm(v, -np.inf, axis=1)",
    "np.linalg.norm(v, 0, axis=1)",
    "np.linalg.norm(v, -2.5, axis=0)",
    "np.linalg.norm(v, axis=(1, 0))",
    "np.linalg.norm(v, axis=None, keepdims=True)",
    "np.linalg.norm(v[None, ..., None])",
    "np.linalg.vector_norm(v, axis=None, ord=3)",
    "np.linalg.vector_norm(v, axis=(0, 1))",
    "np.linalg.matrix_norm(v)",
    "np.linalg.matrix_norm(v, ord=1)",
    "np.sort(v, axis=0)",
    "np.sort(v, axis=None)",
    "np.sort(v, kind='stable')",
    "np.sort(v, stable=True)",
    "np.partition(v, 1, axis=0)",
    "np.take(v, [2, 0])",
    "np.take(v, [[2, 0], [-1, 1]], axis=1)",
    "np.take(v, [5, -7], axis=0, mode='wrap')",
    "np.take(v, [5, -7], axis=0, mode='clip')",
    "np.take(v, 1, axis=-1)",
    "np.take_along_axis(v, np.array([[0, 2, 2]]), 0)",
    "np.compress([True, False, True], v, axis=1)",
    "np.extract(v > 0.6, v)",
    "np.delete(v, 1, axis=0)",
    "np.delete(v, [0, 0], axis=1)",
    "np.insert(v, 1, 5.0, axis=0)",
    "np.insert(v, [1, 2], v[:, :2], axis=1)",
    "np.append(v, v[:1], axis=0)",
    "np.append(v, 3.0)",
    "np.repeat(v, 2)",
    "np.repeat(v, [1, 0, 2], axis=1)",
    "np.repeat(v, 3, axis=0)",
    "np.tile(v, 2)",
    "np.tile(v, (2, 1, 2))",
    "np.tile(v[0], (2, 1))",
    "np.tile(v, ())",
    "np.roll(v, (1, -1), axis=(0, 1))",
    "np.roll(v, 4)",
    "np.roll(v, [1, 2], axis=1)",
    "np.flip(v, (0, 1))",
    "np.rot90(v, 3)",
    "np.rot90(v, k=-1, axes=(1, 0))",
    "np.moveaxis(v[None], [0, 1], [-1, 0])",
    "np.transpose(v, (-1, 0))",
    "np.squeeze(v[None, :, None], axis=(0, 2))",
    "np.expand_dims(v, (0, -1))",
    "np.pad(v, 1)",
    "np.pad(v, ((1, 0), (0, 2)), constant_values=3.0)",
    "np.pad(v, 1, mode='edge')",
    "np.pad(v, 2, mode='reflect')",
    "np.pad(v, (2, 1), mode='wrap')",
    "np.pad(v, 1, mode='symmetric')",
    "np.pad(v, 1, mode='mean')",
    "np.pad(v, 2, mode='linear_ramp')",
    "np.pad(v, 1, constant_values=v[0, 0])",
    "np.trace(v, offset=1)",
    "np.trace(v[None] * np.ones((2, 1, 1)), axis1=1, axis2=2)",
    "np.diagonal(v, offset=-1)",
    "np.diagonal(v[None] * np.ones((2, 1, 1)), axis1=2, axis2=0)",
    "np.diag(v, k=1)",
    "np.diag(v[0], k=-2)",
    "np.diagflat(v, 1)",
    "np.tril(v, -1)",
    "np.triu(v[None], 1)",
    "np.vander(v[0], 4, increasing=True)",
    "np.average(v, axis=0, weights=np.array([1.0, 2.0, 3.0]))",
    "np.average(v, weights=v * v)",
    "np.average(v, axis=1, weights=v[0], returned=True)",
    "np.average(v, axis=0, keepdims=True)",
    "np.median(v[:2], axis=0)",
    "np.median(v, axis=(0, 1), keepdims=True)",
    "np.quantile(v, 0.3)",
    "np.quantile(v, [0.1, 0.9], axis=1)",
    "np.quantile(v, 0.3, axis=0, method='lower')",
    "np.quantile(v, 0.3, axis=0, method='midpoint')",
    "np.quantile(v, 0.45, method='hazen')",
    "np.quantile(v, v[0] / 10)",
    "np.percentile(v, 30, axis=0, keepdims=True)",
    "np.percentile(v, 33, weights=np.ones((3, 3)), method='inverted_cdf')",
    "np.cov(v)",
    "np.cov(v, rowvar=False, ddof=0)",
    "np.cov(v[0], v[1])",
    "np.corrcoef(v)",
    "np.convolve(v[0], np.array([1.0, 2.0]), mode='same')",
    "np.convolve(v[0], v[1], mode='valid')",
    "np.convolve(np.array([1.0, 2.0, 3.0, 4.0]), v[0], mode='full')",
    "np.correlate(v[0], np.array([1.0, 2.0]), mode='full')",
    "np.correlate(np.array([1.0, 2.0, 4.0, 5.0]), v[0], mode='same')",
    "np.interp(v, np.array([0.0, 1.0, 5.0]), np.array([1.0, 3.0, 2.0]))",
    "np.interp(v, np.array([0.6, 1.0, 2.0]), np.array([1.0, 3.0, 2.0]), left=9.0)",
    "np.interp(1.5, np.array([0.0, 1.0, 5.0]), v[0])",
    "np.interp(v, np.array([0.0, 1.0, 5.0]), np.array([1.0, 3.0, 2.0]), period=2.0)",
    "np.cross(v[0], v[1])",
    "np.cross(v, v.T, axis=0)",
    "np.cross(v[:, :2], v[1:2, 1:])",
    "np.kron(v[0], v[:2])",
    "np.outer(v, v[0])",
    "np.inner(v, v[0])",
    "np.inner(v, v.T)",
    "np.vdot(v, v.T)",
    "np.dot(v, 2.0)",
    "np.dot(v[0], v)",
    "np.tensordot(v, v, axes=2)",
    "np.tensordot(v, v.T, axes=([0], [1]))",
    "np.tensordot(v, v, axes=0)",
    "np.einsum('ij,jk', v, v)",
    "np.einsum('ij->ji', v)",
    "np.einsum('ii', v)",
    "np.einsum('ii->i', v)",
    "np.einsum('i...,...j->...ij', v, v)",
    "np.einsum('ij,kj,k->', v, v, v[0], optimize=True)",
    "np.einsum('...->...', v)",
    "np.einsum(v, [0, 1], v, [1, 2], [0, 2])",
    "np.einsum('ij,j->', v, np.ones(3))",
    "np.einsum(' i j , j -> i ', v, v[0])",
    "np.einsum('ij->', v)",
    "np.linalg.multi_dot([v, v.T, v[0]])",
    "np.linalg.matrix_power(v, 3)",
    "np.linalg.matrix_power(v, -2)",
    "np.linalg.inv(v)",
    "np.linalg.det(v)",
    "np.linalg.slogdet(v)",
    "np.linalg.solve(v, v[0])",
    "np.linalg.solve(v, v.T)",
    "np.linalg.solve(v, np.ones(3))",
    "np.linalg.lstsq(v, v[0])",
    "np.linalg.pinv(v)",
    "np.linalg.cholesky(v @ v.T + np.eye(3))",
    "np.linalg.cholesky(v @ v.T + np.eye(3), upper=True)",
    "np.linalg.eigvalsh(v + v.T)",
    "np.linalg.eigh(v + v.T, 'U')[0]",
    "np.linalg.eigh(v)[0]",
    "np.linalg.svd(v, compute_uv=False)",
    "np.linalg.svd(v[:2], full_matrices=False)[1]",
    "np.linalg.qr(v, mode='r')",
    "np.linalg.cond(v)",
    "np.linalg.tensorinv(v.reshape(3, 3), ind=1)",
    "np.where(v > 0.6, v, 0.0)",
    "np.where([[True], [False], [True]], v[0], v)",
    "np.where(v, 1.0, v)",
    "np.select([v > 2.0, v > 0.6], [v**2, -v], default=7.0)",
    "np.select([v > 2.0, v > 0.6], [v**2, 1.0], v)",
    "np.choose(np.array([0, 1, 0]), [v, -v])",
    "np.piecewise(v, [v > 1], [lambda x: x * x, 0.5])",
    "np.clip(v, v.T, 2.0)",
    "np.clip(v, 2.0, 0.5)",
    "np.clip(v, None, v[0])",
    "np.clip(v, min=0.4)",
    "np.maximum(v, v.T + 0.01)",
    "np.fmax(v, 0.6)",
    "np.fmin(v[0], v)",
    "np.nan_to_num(v)",
    "np.nan_to_num(v, nan=1.0, posinf=3.0)",
    "np.nansum(v, axis=0)",
    "np.nanmean(v)",
    "np.nanmax(v, axis=1)",
    "np.heaviside(v, 0.5)",
    "np.copysign(v, -1.0)",
    "np.copysign(2.0, v)",
    "np.ldexp(v, 2)",
    "np.sinc(v)",
    "np.i0(v)",
    "np.unwrap(v * 4)",
    "np.float_power(v, 2)",
    "np.fmod(v, 0.35)",
    "np.fmod(-v, 0.35)",
    "np.remainder(-v, 0.35)",
    "np.divmod(v, 0.35)",
    "np.modf(v)",
    "np.logaddexp2(v, 1.0)",
    "np.angle(v)",
    "np.real(v) + np.conj(v) * np.imag(v)",
    "np.polyval([1.0, -2.0, 3.0], v)",
    "np.polyval(v[0], 2.0)",
    "np.polyval(v[0], v)",
    "np.meshgrid(v[0], v[1])",
    "np.meshgrid(v[0], np.ones(2), indexing='ij')",
    "np.meshgrid(v[0], v[1], sparse=True)",
    "np.broadcast_arrays(v, v[0])",
    "np.block([[v, v], [v, 2 * v]])",
    "np.block([v[0], 1.0])",
    "np.column_stack([v[0], v])",
    "np.hstack((v[0], 1.0))",
    "np.vstack((v, v[0]))",
    "np.dstack((v, v))",
    "np.stack([v, np.ones((3, 3))], axis=1)",
    "np.concatenate([v, np.ones((1, 3))], axis=-2)",
    "np.concatenate([v, v[0]], axis=None)",
    "np.split(v, [1], axis=1)",
    "np.array_split(v, 2, axis=1)",
    "np.linspace(v[0], v[1], 4)",
    "np.linspace(0.0, v, 3, endpoint=False, axis=1)",
    "np.geomspace(v[0], 2.0, 4)",
    "np.apply_along_axis(np.cumsum, 0, v)",
    "np.apply_over_axes(np.sum, v, [0, 1])",
    "np.full_like(v, v[0, 0])",
    "np.full_like(v, v[0], shape=(2, 3))",
    "np.zeros_like(v, dtype=float) + v",
    "np.ones_like(v, shape=(3,)) * v",
    "np.resize(v, (2, 7))",
    "np.reshape(v, (1, -1), order='F')",
    "np.ravel(v, 'F')",
    "np.bincount(np.array([0, 1, 1]), weights=v[0])",
    "np.add.reduce(v, axis=None)",
    "np.add.reduce(v)",
    "np.add.reduce(v, axis=1, keepdims=True)",
    "np.maximum.reduce(v, axis=0)",
    "np.logaddexp.reduce(v, axis=0)",
    "np.maximum.accumulate(v, axis=1)",
    "np.multiply.accumulate(v)",
    "np.add.outer(v[0], v[1])",
    "np.divide.outer(np.ones(2), v)",
    "np.fill_diagonal(v, 0.0)",
    "np.fft.fft(v).real",
    "np.fft.irfft(v)",
    "np.matvec(v, v[0])",
    "np.vecmat(v[0], v)",
    "np.vecdot(v, v[0])",
    "np.linalg.outer(v[0], v[1])",
    "np.linalg.cross(v, v.T)",
    "np.linalg.matrix_transpose(v)",
    "np.linalg.vecdot(v, v.T)",
    "np.linalg.tensordot(v, v)",
    "v[np.ix_([0, 2], [1, 1])]",
    "v[1:, ..., None][..., 0]",
    "v[[0, 0], [1, 1]]",
    "v[np.array([True, False, True]), 1:]",
    "v[v > 0.6]",
    "v[:, v[0].argsort()]",
    "v[-1, ::-2]",
    "v[True]",
    "v[..., [[0], [1]], [0, 2]]",
    "v.T[1:][:, [0, 0]]",
]


# What not every NumPy takes.
NUMPY = np.lib.NumpyVersion(np.__version__)
MISSING = {
    "np.matvec(v, v[0])": NUMPY < "2.2.0",
    "np.vecmat(v[0], v)": NUMPY < "2.2.0",
    "np.cross(v[:, :2], v[1:2, 1:])": NUMPY >= "2.5.0",
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("call", [call for call in OPTIONS if not MISSING.get(call)])
def test_options_of_functions_are_right_or_refused(call: str) -> None:
    """Each parameter that NumPy knows either counts in the gradient, or is refused by name."""
    eval(call, {"np": np, "v": SQUARE.copy()})  # a call that NumPy takes
    right_or_refused(lambda v: eval(call, {"np": np, "v": v}), SQUARE)


def test_the_sweep_over_numpy_can_fail() -> None:
    """Guards the test above: a function that drops the gradient is caught, and most of the table is reached."""
    with pytest.raises(AssertionError):
        right_or_refused(lambda v: np.sin(v.data if isinstance(v, Value) else v), X)
    with pytest.raises(AssertionError):
        right_or_refused(lambda v: np.sin(Value(v.data)) if isinstance(v, Value) else np.sin(v), X)
    with pytest.raises(AssertionError):
        right_or_refused(lambda v: v + 1 if isinstance(v, Value) else v, X)
    answered = [
        name
        for name in public_functions()
        if "." not in name and right_or_refused(lambda v, name=name: getattr(np, name)(v), X + 0.121)
    ]
    assert len(answered) > 80
    assert {"tanh", "sum", "transpose", "sort", "cumsum"} <= set(answered)


def test_the_sweep_over_numpy_finds_functions() -> None:
    """Guards the test above against a list that is empty."""
    names = public_functions()
    assert len(names) > 300 and {"tanh", "linalg.norm", "concatenate"} <= set(names)
    assert len(TABLE) > 80
