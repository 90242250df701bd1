"""Functions of NumPy without a derivative, with the facts that the rest of the package needs."""

from __future__ import annotations

import numpy as np

from ..engine.op import REMEDIES, undifferentiated

# Answered from shape, type and memory alone.
undifferentiated(np.shape, np.ndim, np.size, np.iscomplexobj, np.isrealobj, asks=True)
undifferentiated(np.result_type, np.can_cast, np.min_scalar_type, np.common_type, asks=True)
undifferentiated(np.may_share_memory, np.shares_memory, asks=True)

# Answered from the numbers.
undifferentiated(np.allclose, np.array_equal, np.array_equiv, reads=True)
undifferentiated(np.array2string, np.array_repr, np.array_str, np.save, np.savez, np.savetxt, reads=True)

# The size of the result depends on the numbers; for functions with a row, on numbers without a gradient.
undifferentiated(np.nonzero, np.flatnonzero, np.argwhere, np.bincount, np.trim_zeros, shape_depends_on_data=True)
undifferentiated(np.extract, np.compress, np.delete, np.repeat, shape_depends_on_data=True)
undifferentiated(np.union1d, np.intersect1d, np.setdiff1d, np.setxor1d, shape_depends_on_data=True)
undifferentiated(np.unique, np.unique_values, np.unique_counts, np.unique_all, shape_depends_on_data=True)
undifferentiated(np.unique_inverse, shape_depends_on_data=True)

# They fill an array that they are given, or return one to fill.
undifferentiated(np.put_along_axis, np.copyto, np.put, np.putmask, np.place, np.fill_diagonal, writes=True)
undifferentiated(np.empty_like, np.resize, writes=True)

# Complex numbers are out of scope: the results of these are complex, or made of complex numbers.
_TRANSFORM = (
    "np.cos(t) @ x  and  -np.sin(t) @ x   for the real and the imaginary part of {0}(x), with\n"
    "         t = 2 * np.pi * np.outer(np.arange({1}), np.arange(n)) / n: complex numbers are out of scope"
)
undifferentiated(np.fft.fft, instead=_TRANSFORM.format("np.fft.fft", "n"))
undifferentiated(np.fft.rfft, instead=_TRANSFORM.format("np.fft.rfft", "n // 2 + 1"))
undifferentiated(
    *(np.fft.ifft, np.fft.irfft, np.fft.hfft, np.fft.ihfft, np.fft.fft2, np.fft.ifft2, np.fft.rfft2, np.fft.irfft2),
    *(np.fft.fftn, np.fft.ifftn, np.fft.rfftn, np.fft.irfftn),
    instead="sums with np.cos and np.sin, over real numbers: complex numbers are out of scope",
)

# What to write instead.
undifferentiated(np.copyto, instead="np.broadcast_to(v, shape)   for np.full(shape, v) or np.full_like(x, v)")
undifferentiated(np.put, instead="minigrad.put(a, index, v)   for np.put(a, index, v)")
undifferentiated(np.putmask, instead="np.where(mask, v, a)   for np.putmask(a, mask, v)")
undifferentiated(np.place, instead="np.where(mask, v, a)   for np.place(a, mask, v)")
undifferentiated(
    np.linalg.eig, instead="np.linalg.eigh(a)   where a is symmetric: else its eigenvalues may be complex"
)
undifferentiated(
    np.linalg.eigvals, instead="np.linalg.eigvalsh(a)   where a is symmetric: else they may be complex"
)
for _at, _sign in ((np.add.at, "+"), (np.subtract.at, "-")):
    undifferentiated(_at, instead=f"x = x {_sign} np.bincount(index, v, len(x))   for rows of numbers x and v")

# The same for a parameter that an op does not take. No remedy changes the result.
REMEDIES[""] = "no rule covers it: compute it with other functions that have one"
REMEDIES["out"] = "write  a = f(...)   instead of filling an array"
REMEDIES["ufunc.out"] = "write  a = a + v   for a += v, or for np.add(a, v, out=a)"
REMEDIES["where"] = "write  np.where(mask, f(np.where(mask, v, 1.0)), old)   for f(v, where=mask, out=old)"
REMEDIES["dtype"] = "write  f(np.astype(v, dtype))   for f(v, dtype=dtype)"
REMEDIES.update(
    dict.fromkeys(("order", "subok", "casting", "like", "device"), "leave it out: it changes no number")
)
