"""Add an operation in one call: minigrad then records it, differentiates it to any order, and draws it."""

import sys
from pathlib import Path

import numpy as np

import minigrad

# This takes a NumPy function and its derivative, also in NumPy, so that minigrad can differentiate it again.
bump = minigrad.custom(
    lambda x: np.exp(-x * x) * np.cos(x),
    name="bump",
    formula="y = e^(-x²) cos x",
    vjp=lambda g, y, x: g * (-2 * x * y - np.exp(-x * x) * np.sin(x)),
    jvp=lambda t, y, x: t * (-2 * x * y - np.exp(-x * x) * np.sin(x)),
)


def main(folder: Path) -> None:
    x, h = 0.3, 1e-4
    first, second = minigrad.grad(bump), minigrad.grad(minigrad.grad(bump))
    print("            rule          differences")
    print(f"  y'        {first(x):.9f}  {(bump(x + h) - bump(x - h)) / (2 * h):.9f}")
    print(f"  y''       {second(x):.9f}  {(first(x + h) - first(x - h)) / (2 * h):.9f}")
    print(f"  forwards  {minigrad.jvp(bump, (x,), (1.0,))[1]:.9f}")

    # Check its rules over the whole domain, as for an op of the table; then check an op with a wrong rule.
    print(minigrad.check_op(bump))
    slope = minigrad.custom(lambda x: np.arctan(x), name="slope", vjp=lambda g, y, x: g / np.sqrt(1 + x * x))
    print(minigrad.check_op(slope))
    minigrad.forget(slope)

    v = minigrad.Value(x, name="x")
    print(minigrad.draw(bump(v) * v).save(folder / "extend.svg"))


if __name__ == "__main__":
    main(Path(sys.argv[1] if sys.argv[1:] else "."))
