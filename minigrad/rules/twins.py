"""What to write in place of functions that take no Values: errors show it.

A twin gives the same result, and has rules. Keys are names as users write them: of a function, of a package, of a
method (".dot") or of an attribute ("Value.flat"). Several remedies stand on lines of their own; ``{name}`` is the
name of the call, which `engine/refusals` finds.
"""

from __future__ import annotations

from ..engine.op import TWINS

_ITSELF = "v   as it is: it is an array already"
_INTEGER = "int(v.item())   for a size or a count\nv.argmax()   or another integer Value, for an index"
_LIST = "minigrad.stack([v, w])   for a list of Values"
_INSIDE = "minigrad.stack(vs)   in place of each list vs that holds Values"
_NO_GRADIENT = "v.data   as {name} needs no gradient"
_ENTRIES = "v[i]   for each i of np.ndindex(v.shape)"
_SOLVE = "np.linalg.solve(a, b)   with the matrix a that was factored"
_NOISE = "noise that does not depend on v, and v outside: v + scale * rng.normal(size=v.shape)"


def _each(names: str, twin: str) -> dict[str, str]:
    """The same twin for several names."""
    return dict.fromkeys(names.split(), twin)


# NumPy's conversions.
_CAST = "v.astype(dtype)   for another type"
TWINS |= _each("np.array np.asarray np.asanyarray np.asarray_chkfinite", f"{_ITSELF}\n{_CAST}\n{_LIST}")
TWINS |= _each("np.ascontiguousarray np.asfortranarray", f"{_ITSELF}\nnp.atleast_1d(v)   if it may be one number")
TWINS |= _each("np.require np.float64 np.double", f"{_ITSELF}\n{_CAST}")
TWINS |= _each("np.float32 np.float16 np.longdouble np.single np.half", "v.astype({name})")
TWINS |= _each(
    "np.int64 np.int32 np.int16 np.int8 np.intp np.uint64 np.uint32 np.uint8 np.bool", "v.astype({name})"
)
TWINS |= {
    "np.take": f"minigrad.embedding(a, i)   for np.take(a, i, axis=0) of a plain array a\n{_INSIDE}",
    "np.repeat": f"np.repeat(a, n)   with a plain n, which decides the shape of the result\n{_INSIDE}",
}
TWINS |= {
    "np.r_": "np.concatenate([np.atleast_1d(a), v])   for np.r_[a, v]",
    "np.c_": "np.column_stack([v, w])   for np.c_[v, w]",
    "np.full": "np.broadcast_to(v, shape)   for np.full(shape, v)",
    "np.arange": "start + step * np.arange(n)   with a plain n",
    "np.fromiter": "minigrad.stack(list(vs))   for an iterator vs of Values",
    "np.ndenumerate": _ENTRIES,
    "np.nditer": _ENTRIES,
    "np.broadcast": "np.broadcast_arrays(v, w)",
    "np.vectorize": "minigrad.vmap(f)(v)   or f(v), where f computes with arrays",
    "np.lib.stride_tricks.as_strided": "np.lib.stride_tricks.sliding_window_view(v, n)   for windows of n entries",
    "np.random": _NOISE,
    ".normal": _NOISE,
    ".uniform": "low + (high - low) * rng.random(size)",
    ".choice": _NOISE,
    ".fill": "np.broadcast_to(v, x.shape)   for x.fill(v)",
    ".put": "minigrad.put(x, index, v)   for x.put(index, v)",
    "np.matrix": "v   as it is: @ multiplies matrices",
    "np.asmatrix": "v   as it is: @ multiplies matrices",
    "np.ma": "np.where(mask, v, 0)   and its kin, with a mask of truth values",
    "np.poly1d": "np.polyval(p, x)   for np.poly1d(p)(x)",
    "np.polynomial": "np.polyval(p[::-1], x)   for the coefficients p, lowest first",
    "lists": _INSIDE,
    "minigrad.Value": _LIST,
    "a[v]": "minigrad.embedding(a, i)   for a[i] with an integer Value i",
    "a[i] = v": "a = minigrad.put(a, i, v)\nminigrad.stack(vs)   of a list vs that collects the Values",
}
TWINS |= _each("np.concatenate np.hstack np.vstack np.dstack np.column_stack", _INSIDE)

# Attributes of arrays.
TWINS |= {
    "Value.view": "v   as it is, for v.view(): no op changes it in place\nv.astype(dtype)   for other numbers",
    "Value.strides": "v.shape   which does not depend on the layout",
    "Value.flags": "v   as it is: no result depends on the layout alone",
    "Value.base": "v   as it is: no op changes it in place",
    "Value.byteswap": "v   as it is: its numbers do not depend on the order of bytes",
    "Value.flat": "np.ravel(v)",
    "Value.fill": "v = np.full(v.shape, x)",
    "Value.put": "v = minigrad.put(v, index, values)",
    "Value.itemset": "v = minigrad.put(v, index, value)",
    "Value.choose": "np.choose(v, choices)",
    "Value.partition": "np.partition(v, k)",
    "Value.argpartition": "np.argpartition(v, k)",
    "Value.resize": "np.reshape(v, shape)   for an equal number of entries",
    "Value.setfield": "v = minigrad.put(v, index, values)",
}

# Conversions of Python, by what they do; the texts are those of `engine/conversions`.
TWINS |= {
    "float": "v   as it is: a Value of one number computes like a float",
    "int": "np.trunc(v)   to stay on the graph",
    "complex": "v   as it is: minigrad differentiates real numbers alone",
    "np.array() of a Value": f"{_LIST}\na = minigrad.put(a, i, v)   for a[i] = v",
    "float() of a Value": "np.sin(v)   and its kin: functions of math take plain floats alone",
    "int() of a Value": "np.trunc(v)   to stay on the graph",
    "a Value as an integer": _INTEGER,
    "complex() of a Value": "v   as it is: minigrad differentiates real numbers alone",
    "an exact fraction of a Value": "sum(vs) / len(vs)   for the mean of a list vs of Values",
    "array.array": _LIST,
    "math.log": "np.log(v)   and np.log(v) / np.log(b) for math.log(v, b)",
    "math.fsum": "np.sum(minigrad.stack(vs))   for a list vs of Values",
    "math.dist": "np.linalg.norm(v - w)",
    "statistics.median": "np.median(minigrad.stack(vs))",
    "statistics.variance": "np.var(minigrad.stack(vs), ddof=1)",
    "statistics.stdev": "np.std(minigrad.stack(vs), ddof=1)",
    "statistics.pstdev": "np.std(minigrad.stack(vs))",
    "statistics.pvariance": "np.var(minigrad.stack(vs))",
}
TWINS |= _each("range operator.index bytes bytearray chr", _INTEGER)
TWINS |= _each("statistics.mean statistics.fmean", "np.mean(minigrad.stack(vs))")

# SciPy.
TWINS |= {
    f"scipy.linalg.{name}": f"np.linalg.{name}(a)" for name in ("inv", "det", "norm", "svd", "eigh", "eigvalsh")
}
TWINS |= _each(
    "scipy.linalg.cho_factor scipy.linalg.cho_solve scipy.linalg.lu_factor scipy.linalg.lu_solve", _SOLVE
)
TWINS |= {
    "scipy.linalg.cholesky": "np.linalg.cholesky(a).T   and without .T for lower=True",
    "scipy.linalg.solve": "np.linalg.solve(a, b)",
    "scipy.linalg.solve_triangular": "np.linalg.solve(np.triu(a), b)   and np.tril(a) for lower=True",
    "scipy.linalg.pinv": "np.linalg.pinv(a, rcond=max(a.shape) * np.finfo(a.dtype).eps)",
    "scipy.linalg.svdvals": "np.linalg.svd(a, compute_uv=False)",
    "scipy.linalg.qr": "np.linalg.qr(a)   for mode='economic'",
    "scipy.linalg.toeplitz": "v[np.abs(np.subtract.outer(i, i))]   with i = np.arange(len(v))",
    "scipy.linalg.block_diag": "np.block([[a, zeros], [zeros, b]])   with zeros = np.zeros of the shape in between",
    "scipy.special.logsumexp": "minigrad.logsumexp(v)   with axis= as there",
    "scipy.special.softmax": "np.exp(v - minigrad.logsumexp(v))   and minigrad.softmax(v, axis=axis) along an axis",
    "scipy.special.log_softmax": "v - minigrad.logsumexp(v)   and minigrad.log_softmax(v, axis=axis) along an axis",
    "scipy.special.polygamma": "minigrad.polygamma(n, v)",
    "scipy.stats.norm.logpdf": "-(((x - m) / s) ** 2 + np.log(2 * np.pi)) / 2 - np.log(s)   (mean m, deviation s)",
    "scipy.stats.norm.pdf": "np.exp(-(((x - m) / s) ** 2) / 2) / (s * np.sqrt(2 * np.pi))   (mean m, deviation s)",
    "scipy.stats.norm.cdf": "(1 + minigrad.erf((x - m) / (s * np.sqrt(2)))) / 2   (mean m, deviation s)",
    "scipy.stats": "the formula of its density, with functions that have rules",
    "scipy.fft": "sums with np.cos and np.sin, over real numbers: complex numbers are out of scope",
    "scipy.integrate.trapezoid": "np.trapezoid(y, x)",
    "scipy.interpolate.interp1d": "np.interp(x, xp, fp)   for linear interpolation",
    "scipy.signal.convolve": "np.convolve(v, w)   in one dimension",
    "scipy.spatial.distance.cdist": "np.linalg.norm(a[:, None] - b, axis=-1)   for Euclidean distances",
    "scipy.sparse": "A.toarray() @ v",
    "scipy.optimize.minimize": "{name}(f, x0, jac=minigrad.grad(f))   with an f of plain arrays",
    "scipy.optimize.root": "{name}(f, x0, jac=minigrad.jacobian(f))   with an f of plain arrays",
    "scipy.optimize.least_squares": "{name}(f, x0, jac=minigrad.jacobian(f))   with an f of plain arrays",
    "scipy.optimize": "y.data   for the result y of the function that it calls",
    "scipy.integrate": "minigrad.custom(solve, vjp=...)   of a function of arrays that calls it",
}

# Pictures, tables and estimators take plain arrays.
TWINS |= _each("matplotlib seaborn plotly pandas xarray sklearn PIL json pickle", _NO_GRADIENT)
TWINS |= _each("pandas.DataFrame pandas.Series", f"{_NO_GRADIENT}\nx.to_numpy() @ v   for x @ v")
