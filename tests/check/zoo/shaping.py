"""Broadcasting, sums along axes, running sums, sorting, and the many ways to index: where entries get lost."""

from __future__ import annotations

from typing import Any

import numpy as np

from .case import OF_INPUT, Case, Subject, normal, positive, scaled_at

# ------------------------------------------------------------------------------------------- broadcasting


def broadcast_add(a: Any, b: Any) -> Any:
    return np.sin(a + b)


def broadcast_add_vjp(g: Any, a: Any, b: Any) -> Any:
    d = g * np.cos(a + b)
    return d, d.sum(0)


BROADCAST = Subject(
    "broadcasting sum", broadcast_add, (normal(501, 4, 3), normal(502, 3)), "vjp", broadcast_add_vjp
)


def broadcast_column(a: Any, c: Any) -> Any:
    return a * c


COLUMN = Subject("column times matrix", broadcast_column, (normal(503, 4, 3), normal(504, 4, 1)), "vjp",
                 lambda g, a, c: (g * c, (g * a).sum(1, keepdims=True)))  # fmt: skip


def scale(x: Any, s: Any) -> Any:
    return x * s


SCALE = Subject("array times number", scale, (normal(505, 6), 1.7), "vjp", lambda g, x, s: (g * s, (g * x).sum()))


def both_ways(a: Any, b: Any) -> Any:
    return a[:, None] * np.exp(b[None, :])


BOTH_WAYS = Subject("column and row", both_ways, (normal(506, 4), normal(507, 3)), "vjp",
                    lambda g, a, b: (g @ np.exp(b), (a @ g) * np.exp(b)))  # fmt: skip

# ------------------------------------------------------------------------------------------ sums and means


def column_means(x: Any) -> Any:
    return np.mean(x, axis=0)


MEANS = Subject("column means", column_means, (normal(508, 4, 3),), "vjp",
                lambda g, x: np.broadcast_to(g / 4, x.shape).copy())  # fmt: skip


def row_sums_of_squares(x: Any) -> Any:
    return np.sum(x * x, axis=1)


ROW_SUMS = Subject("row sums of squares", row_sums_of_squares, (normal(509, 4, 4),), "vjp",
                   lambda g, x: 2 * x * g[:, None])  # fmt: skip


def variance(x: Any) -> Any:
    return np.sum((x - np.mean(x)) ** 2) / (x.shape[0] - 1)


VARIANCE = Subject("variance", variance, (1 + normal(510, 6),), "grad", lambda x: 2 * (x - x.mean()) / 5)


def centred(x: Any) -> Any:
    return x - np.mean(x)


CENTRED = Subject("centred vector", centred, (normal(511, 5),), "vjp", lambda g, x: g - g.mean())


def proportions(x: Any) -> Any:
    return x / np.sum(x)


PROPORTIONS = Subject("proportions", proportions, (positive(512, 5),), "vjp",
                      lambda g, x: g / x.sum() - (g @ x) / x.sum() ** 2)  # fmt: skip

# ---------------------------------------------------------------------------------------- running, ordered


def cumsum(x: Any) -> Any:
    return np.cumsum(x)


CUMSUM = Subject("running sum", cumsum, (normal(513, 6),), "vjp", lambda g, x: np.cumsum(g[::-1])[::-1].copy())


def cumprod(x: Any) -> Any:
    return np.cumprod(x)


def cumprod_vjp(g: Any, x: Any) -> Any:
    return np.cumsum((g * np.cumprod(x))[::-1])[::-1] / x


CUMPROD = Subject("running product", cumprod, (positive(514, 6),), "vjp", cumprod_vjp)


def product(x: Any) -> Any:
    return np.prod(x)


PRODUCT = Subject("product", product, (positive(515, 5),), "grad", lambda x: np.prod(x) / x)


def differences(x: Any) -> Any:
    return x[1:] - x[:-1]


def differences_vjp(g: Any, x: Any) -> Any:
    return np.concatenate([[0], g]) - np.concatenate([g, [0]])


DIFFERENCES = Subject("differences of neighbours", differences, (normal(516, 6),), "vjp", differences_vjp)


def ordered(x: Any) -> Any:
    return np.sort(x)


def ordered_vjp(g: Any, x: Any) -> Any:
    d = np.empty_like(x)
    d[np.argsort(x)] = g
    return d


# An order that is not its own inverse: else forgetting the inverse would be right.
UNSORTED = np.array([0.9, -0.4, 1.7, 0.1, -1.3, 0.5])
SORT = Subject("sort", ordered, (UNSORTED,), "vjp", ordered_vjp)


def circular(x: Any) -> Any:
    """A smoothing filter on a ring."""
    return 0.6 * x + 0.3 * np.roll(x, 1) + 0.1 * np.roll(x, 2)


CIRCULAR = Subject("filter on a ring", circular, (normal(517, 7),), "vjp",
                   lambda g, x: 0.6 * g + 0.3 * np.roll(g, -1) + 0.1 * np.roll(g, -2))  # fmt: skip


def reversed_squares(x: Any) -> Any:
    return x[::-1] ** 2


REVERSED = Subject("reversed squares", reversed_squares, (normal(518, 6),), "vjp", lambda g, x: 2 * x * g[::-1])


def reshaped(x: Any) -> Any:
    return np.exp(np.reshape(x, (3, 4)))


RESHAPED = Subject("reshaped", reshaped, (normal(519, 2, 6),), "vjp",
                   lambda g, x: g.reshape(2, 6) * np.exp(x))  # fmt: skip

# ------------------------------------------------------------------------------------------------ indexing

PICKS, COLS, MASK = np.array([4, 1, 4, 0]), np.array([0, 2, 1, 2]), np.array([1, 0, 0, 1, 1], dtype=bool)


OTHER_COLS = np.array([2, 1, 0, 2])


def gathered(x: Any) -> Any:
    return x[PICKS] ** 2


def gathered_vjp(g: Any, x: Any) -> Any:
    d = np.zeros_like(x)
    np.add.at(d, PICKS, 2 * x[PICKS] * g)
    return d


def gathered_overwrites(g: Any, x: Any) -> Any:
    d = np.zeros_like(x)
    d[PICKS] = 2 * x[PICKS] * g
    return d


GATHERED = Subject("index with repeats", gathered, (normal(520, 5),), "vjp", gathered_vjp)


def pairs(x: Any) -> Any:
    return x[PICKS, COLS]


def pairs_vjp(g: Any, x: Any) -> Any:
    d = np.zeros_like(x)
    np.add.at(d, (PICKS, COLS), g)
    return d


def pairs_in_other_columns(g: Any, x: Any) -> Any:
    d = np.zeros_like(x)
    np.add.at(d, (PICKS, OTHER_COLS), g)
    return d


PAIRS = Subject("pairs of indices", pairs, (normal(521, 5, 3),), "vjp", pairs_vjp)


def masked(x: Any) -> Any:
    return x[MASK] * 3


def masked_vjp(g: Any, x: Any) -> Any:
    d = np.zeros_like(x)
    d[MASK] = 3 * g
    return d


MASKED = Subject("boolean mask", masked, (normal(522, 5),), "vjp", masked_vjp)


def strided(x: Any) -> Any:
    return np.sin(x[1::2, ::-1])


def strided_vjp(g: Any, x: Any) -> Any:
    d = np.zeros_like(x)
    d[1::2, ::-1] = g * np.cos(x[1::2, ::-1])
    return d


STRIDED = Subject("strided slice", strided, (normal(523, 5, 3),), "vjp", strided_vjp)


def joined(a: Any, b: Any) -> Any:
    return np.concatenate([a, b]) ** 2


JOINED = Subject("concatenation", joined, (normal(524, 4), normal(525, 4)), "vjp",
                 lambda g, a, b: (2 * a * g[:4], 2 * b * g[4:]))  # fmt: skip

SUBJECTS = [
    BROADCAST, COLUMN, SCALE, BOTH_WAYS, MEANS, ROW_SUMS, VARIANCE, CENTRED, PROPORTIONS, CUMSUM, CUMPROD, PRODUCT,
    DIFFERENCES, SORT, CIRCULAR, REVERSED, RESHAPED, GATHERED, PAIRS, MASKED, STRIDED, JOINED,
]  # fmt: skip

MISTAKES: list[Case] = [
    BROADCAST.slip("not summed over the broadcast axis", {"not summed", "shape"},  # it is both
                   lambda d, g, a, b: g * np.cos(a + b), at=1),
    BROADCAST.slip("the first row in place of the sum", "not summed", lambda d, g, a, b: (g * np.cos(a + b))[0], at=1),
    BROADCAST.slip("the mean in place of the sum", "averaged", lambda d: d / 4, at=1),
    BROADCAST.slip("one row of the larger one", "entries", lambda d: d * (np.arange(4) != 2)[:, None]),
    COLUMN.slip("not summed", {"not summed", "shape"}, lambda d, g, a, c: g * a, at=1),  # it is both
    COLUMN.slip("summed, the axis not kept", "shape", lambda d: d[:, 0], at=1),
    COLUMN.slip("the first column in place of the sum", "not summed", lambda d, g, a, c: (g * a)[:, :1], at=1),
    COLUMN.slip("the mean in place of the sum", "averaged", lambda d: d / 3, at=1),
    SCALE.slip("an array for a number", {"not summed", "shape"}, lambda d, g, x, s: g * x, at=1),  # it is both
    SCALE.slip("the mean in place of the sum", "averaged", lambda d: d / 6, at=1),
    SCALE.slip("the number left out", OF_INPUT, lambda d, g, x, s: g.copy()),
    BOTH_WAYS.slip("the first row in place of the sum", "not summed", lambda d, g, a, b: a[0] * g[0] * np.exp(b), at=1),
    BOTH_WAYS.slip("the slope of exp left out", "missing factor", lambda d, g, a, b: a @ g, at=1),
    MEANS.slip("not divided by the rows", "factor", lambda d: d * 4),
    MEANS.slip("divided by all entries", "factor", lambda d: d / 3),
    MEANS.slip("the first row only", "entries", lambda d: d * (np.arange(4) == 0)[:, None]),
    ROW_SUMS.slip("the cotangent along the other axis", {"wrong", "entries"},  # its diagonal is right
                  lambda d, g, x: 2 * x * g),
    ROW_SUMS.slip("a column forgotten", "entries", lambda d: d * (np.arange(4) != 3)),
    ROW_SUMS.slip("transposed", "transposed", lambda d: d.T.copy()),
    VARIANCE.slip("n in place of n - 1", "factor", lambda d: d * 5 / 6),
    VARIANCE.slip("the mean's part left out", "missing term", lambda d, x: 2 * x / 5),
    CENTRED.wrong("the mean's part left out", "missing term", lambda g, x: g.copy()),
    CENTRED.wrong("the mean's part added", "missing term", lambda g, x: g + g.mean()),
    PROPORTIONS.wrong("the total taken for a constant", "missing term", lambda g, x: g / x.sum()),
    PROPORTIONS.wrong("only the total", "missing term", lambda g, x: np.full_like(x, -(g @ x) / x.sum() ** 2)),
    CUMSUM.wrong("summed forwards", "wrong", lambda g, x: np.cumsum(g)),
    CUMSUM.wrong("not reversed back", "flipped", lambda g, x: np.cumsum(g[::-1])),
    CUMSUM.wrong("an entry late", "missing term", lambda g, x: np.cumsum(g[::-1])[::-1] - g),
    CUMPROD.slip("not divided by the entry", "missing factor", lambda d, g, x: d * x),
    CUMPROD.wrong("the last factor only", "missing term", lambda g, x: g * np.cumprod(x) / x, deep=True),
    PRODUCT.wrong("not divided by the entry", "missing factor", lambda x: np.full_like(x, np.prod(x))),
    PRODUCT.slip("one part in ten million", "factor", lambda d: d * (1 + 1e-7)),
    DIFFERENCES.slip("the sign", "sign", lambda d: -d),
    DIFFERENCES.wrong("the left neighbour's part left out", "missing term",
                      lambda g, x: np.concatenate([[0], g]), deep=True),
    DIFFERENCES.slip("the ends forgotten", "entries", lambda d: d * (np.arange(6) % 5 > 0)),
    SORT.wrong("gathered in place of scattered", "permuted", lambda g, x: g[np.argsort(x)]),
    SORT.wrong("in sorted order", "permuted", lambda g, x: g.copy()),
    SORT.wrong("in descending order", "permuted", lambda g, x: ordered_vjp(g[::-1], x)),
    CIRCULAR.wrong("the filter in its own direction", "wrong",
                   lambda g, x: 0.6 * g + 0.3 * np.roll(g, 1) + 0.1 * np.roll(g, 2)),
    CIRCULAR.slip("a place off", "rolled", lambda d: np.roll(d, 1)),
    CIRCULAR.slip("two places off", "rolled", lambda d: np.roll(d, -2)),
    REVERSED.wrong("the cotangent not reversed", "wrong", lambda g, x: 2 * x * g),
    REVERSED.slip("the result reversed", "flipped", lambda d: d[::-1].copy()),
    RESHAPED.slip("left in the output's shape", "shape", lambda d: d.reshape(3, 4)),
    RESHAPED.slip("in the order of columns", {"permuted", "transposed"},  # an exchange of axes, in another shape
                  lambda d: d.reshape(6, 2).T.copy()),
    RESHAPED.slip("flat", "shape", lambda d: d.reshape(-1)),
    GATHERED.wrong("repeated indices overwrite", "entries", gathered_overwrites, index=(4,)),
    GATHERED.slip("repeated indices averaged", "entries", scaled_at((4,), 0.5), index=(4,)),
    PAIRS.wrong("columns in the other order", "permuted", pairs_in_other_columns),
    PAIRS.slip("shifted by a row", "rolled", lambda d: np.roll(d, 1, axis=0)),
    MASKED.slip("those not picked get ones", "entries", lambda d: d + ~MASK),
    MASKED.wrong("packed at the front", "permuted", lambda g, x: np.concatenate([3 * g, np.zeros(2)])),
    STRIDED.slip("not reversed", "flipped", lambda d: d[:, ::-1].copy()),
    STRIDED.slip("the rows before", "rolled", lambda d: np.roll(d, -1, axis=0)),
    JOINED.wrong("the halves exchanged", "wrong", lambda g, a, b: (2 * a * g[4:], 2 * b * g[:4]), at=None),
    JOINED.wrong("the results exchanged", "swapped", lambda g, a, b: (2 * b * g[4:], 2 * a * g[:4]), at=None),
]  # fmt: skip
