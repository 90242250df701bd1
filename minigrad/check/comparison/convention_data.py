"""The slopes of libraries at kinks, for `conventions`. docs/kinks.md shows them to readers, and more.

Made by `python -m tests.conventions`; do not edit.

SHARES: for each situation (op, operand, rank, tied, slope below, slope above) a row with an entry per library: how
far its slope lies on the way from the slope below to the slope above; nan if it gives nan. LOST: for ops and
conditions under which they have a slope, what a library returns that loses it: "0" or "nan". INFINITE: for ops with
an infinite slope somewhere, what a library returns there.
"""

from math import nan

# fmt: off
VERSIONS = {
    "minigrad": "",
    "PyTorch": "2.13.0",
    "JAX": "0.12.0.1",
    "autograd": "1.9.1",
    "MyGrad": "2.5.0",
    "advect": "0.3.1",
    "dualpy": "0.1.0",
}
SHARES: dict[tuple[str, int, int, int, float, float], tuple[float | None, ...]] = {
    ("absolute", 0, 0, 1, -1.0, 1.0): (0.5, 0.5, 1.0, 0.5, 0.5, 0.5, 0.5),
    ("clip", 0, 0, 1, 0.0, 1.0): (1.0, 1.0, 0.5, 0.0, 0.0, 1.0, 1.0),
    ("clip", 0, 0, 1, 1.0, 0.0): (0.0, 0.0, 0.5, 1.0, 1.0, 0.0, 0.0),
    ("clip", 1, 0, 1, 0.0, 1.0): (0.0, 0.0, 0.5, None, 0.0, 0.0, 0.0),
    ("copysign", 0, 0, 1, -1.0, 1.0): (0.5, 0.5, 1.0, None, None, 0.5, 1.0),
    ("cummax", 0, 0, 2, 1.0, 2.0): (0.5, 0.0, 0.5, None, None, None, None),
    ("cummax", 0, 1, 2, 0.0, 1.0): (0.5, 1.0, 0.5, None, None, None, None),
    ("fabs", 0, 0, 1, -1.0, 1.0): (0.5, 0.5, 1.0, 0.5, None, 0.5, 0.5),
    ("fmax", 0, 0, 1, 0.0, 1.0): (0.5, 1.0, 0.0, 0.5, None, 1.0, None),
    ("fmax", 1, 0, 1, 0.0, 1.0): (0.5, 0.0, 1.0, 0.5, None, 0.0, None),
    ("hard_tanh", 0, 0, 1, 1.0, 0.0): (0.0, 1.0, 0.0, None, 1.0, None, None),
    ("hypot", 0, 0, 1, -1.0, 1.0): (0.5, nan, nan, nan, None, 0.5, 0.5),
    ("hypot", 1, 0, 1, -1.0, 1.0): (0.5, nan, nan, nan, None, 0.5, 0.5),
    ("interp", 0, 0, 1, 0.0, 1.0): (1.0, None, 1.0, None, None, 1.0, 1.0),
    ("interp", 0, 0, 1, 1.0, 2.0): (1.0, None, 1.0, None, None, 1.0, 1.0),
    ("leaky_relu(negative_slope=0.01)", 0, 0, 1, 0.01, 1.0): (0.0, 0.0, 1.0, None, None, None, None),
    ("max", 0, 0, 2, 0.0, 1.0): (0.5, 0.5, 0.5, 0.5, 1.0, 1.0, 1.0),
    ("max", 0, 0, 3, 0.0, 1.0): (0.3333, 0.3333, 0.3333, 0.3333, 1.0, 1.0, 1.0),
    ("max", 0, 1, 2, 0.0, 1.0): (0.5, 0.5, 0.5, 0.5, 0.0, 0.0, 0.0),
    ("max", 0, 1, 3, 0.0, 1.0): (0.3333, 0.3333, 0.3333, 0.3333, 0.0, 0.0, 0.0),
    ("max", 0, 2, 3, 0.0, 1.0): (0.3333, 0.3333, 0.3333, 0.3333, 0.0, 0.0, 0.0),
    ("maximum", 0, 0, 1, 0.0, 1.0): (0.5, 0.5, 0.5, 0.5, 0.0, 1.0, 1.0),
    ("maximum", 1, 0, 1, 0.0, 1.0): (0.5, 0.5, 0.5, 0.5, 0.0, 0.0, 0.0),
    ("min", 0, 0, 2, 1.0, 0.0): (0.5, 0.5, 0.5, 0.5, 0.0, 0.0, 0.0),
    ("min", 0, 1, 2, 1.0, 0.0): (0.5, 0.5, 0.5, 0.5, 1.0, 1.0, 1.0),
    ("minimum", 0, 0, 1, 1.0, 0.0): (0.5, 0.5, 0.5, 0.5, 1.0, 0.0, 0.0),
    ("minimum", 1, 0, 1, 1.0, 0.0): (0.5, 0.5, 0.5, 0.5, 1.0, 1.0, 1.0),
    ("nanmax", 0, 0, 2, 0.0, 1.0): (0.5, None, 0.5, None, None, 1.0, 1.0),
    ("nanmax", 0, 1, 2, 0.0, 1.0): (0.5, None, 0.5, None, None, 0.0, 0.0),
    ("norm", 0, 0, 1, -1.0, 1.0): (0.5, 0.5, nan, nan, nan, 0.5, 0.5),
    ("norm(ord=1)", 0, 0, 1, -1.0, 1.0): (0.5, 0.5, 1.0, None, 0.5, 0.5, 0.5),
    ("norm(ord=2)", 0, 0, 2, -0.5, 0.5): (0.5, 0.5, 0.5, None, None, 0.5, 0.5),
    ("norm(ord=2)", 0, 0, 2, 0.0, 1.0): (0.5, 0.5, 0.5, None, None, 1.0, 1.0),
    ("norm(ord=2)", 0, 1, 2, -0.5, 0.5): (0.5, 0.5, 0.5, None, None, 0.5, 0.5),
    ("norm(ord=2)", 0, 1, 2, 0.0, 1.0): (0.5, 0.5, 0.5, None, None, 0.0, 1.0),
    ("norm(ord=inf)", 0, 0, 1, -1.0, 1.0): (0.5, 0.5, None, nan, 0.5, 0.5, 0.5),
    ("norm(ord=inf)", 0, 0, 2, 0.0, 1.0): (0.5, 0.5, 0.5, 1.0, 1.0, 1.0, 1.0),
    ("norm(ord=inf)", 0, 1, 2, -1.0, 0.0): (0.5, 0.5, 0.5, 0.0, 1.0, 1.0, 1.0),
    ("norm(ord=nuc)", 0, 0, 1, -1.0, 1.0): (0.5, 1.0, 1.0, 1.0, None, 1.0, 0.5),
    ("ptp", 0, 0, 2, -1.0, 1.0): (0.5, None, 0.5, None, None, 0.5, None),
    ("ptp", 0, 1, 2, -1.0, 1.0): (0.5, None, 0.5, None, None, 0.5, None),
    ("quantile(method=linear, q=0.5)", 0, 0, 2, 0.0, 0.5): (0.0, 0.0, 0.0, None, None, 0.0, None),
    ("quantile(method=linear, q=0.5)", 0, 0, 2, 0.5, 0.0): (0.0, 0.0, 0.0, None, None, 0.0, None),
    ("quantile(method=linear, q=0.5)", 0, 1, 2, 0.0, 0.5): (1.0, 1.0, 1.0, None, None, 1.0, None),
    ("quantile(method=linear, q=0.5)", 0, 1, 2, 0.5, 0.0): (1.0, 1.0, 1.0, None, None, 1.0, None),
    ("relu", 0, 0, 1, 0.0, 1.0): (0.0, 0.0, 0.0, None, 0.0, None, None),
    ("relu6", 0, 0, 1, 0.0, 1.0): (0.0, 0.0, 0.0, None, None, None, None),
    ("relu6", 0, 0, 1, 1.0, 0.0): (1.0, 1.0, 1.0, None, None, None, None),
    ("sort", 0, 0, 2, 1.0, 1.0): (0.0, 0.0, 0.0, 0.0, None, 0.0, 0.0),
    ("sort", 0, 1, 2, 1.0, 1.0): (1.0, 1.0, 1.0, 1.0, None, 1.0, 1.0),
    ("std", 0, 0, 2, -0.5, 0.5): (0.5, 0.5, nan, nan, nan, 0.5, 0.5),
    ("std", 0, 1, 2, -0.5, 0.5): (0.5, 0.5, nan, nan, nan, 0.5, 0.5),
}
LOST: dict[tuple[str, str], tuple[str, ...]] = {
    ("minimum", "its operands are equal"): ("", "", "", "", "0", "", ""),
    ("maximum", "its operands are equal"): ("", "", "", "", "0", "", ""),
    ("det", "it is 0"): ("", "0", "", "", "", "", ""),
    ("prod", "it is 0"): ("", "", "", "nan", "", "", ""),
}
INFINITE: dict[tuple[str, str], tuple[str, ...]] = {
    ("sqrt", "its slope is infinite"): ("inf", "inf", "inf", "inf", "inf", "inf", "inf"),
    ("cbrt", "its slope is infinite"): ("inf", "", "inf", "", "inf", "0", "inf"),
    ("arcsin", "its slope is infinite"): ("inf", "inf", "inf", "inf", "0", "inf", "inf"),
    ("arccos", "its slope is infinite"): ("inf", "inf", "inf", "inf", "0", "inf", "inf"),
    ("arccosh", "its slope is infinite"): ("inf", "inf", "inf", "inf", "inf", "inf", "inf"),
}
# fmt: on
