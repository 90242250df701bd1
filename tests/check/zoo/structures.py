"""Parameters in lists, tuples and dicts, several arguments, and arguments that are no numbers at all."""

from __future__ import annotations

from typing import Any

import numpy as np

from .case import Case, Function, Subject, normal, positive, scaled_at

X = normal(701, 5, 3)
PARAMS = {
    "w": [normal(702, 3, 4), normal(703, 4, 2)],
    "b": [normal(704, 4), normal(705, 2)],
    "scale": 1.4,
}


def mlp(params: Any) -> Any:
    """Sum of squares of a network with one hidden layer; gradient of everything in a dict of lists."""
    h = np.tanh(X @ params["w"][0] + params["b"][0])
    y = params["scale"] * (h @ params["w"][1] + params["b"][1])
    return np.sum(y * y)


def mlp_grad(params: Any) -> Any:
    h = np.tanh(X @ params["w"][0] + params["b"][0])
    z = h @ params["w"][1] + params["b"][1]
    s = params["scale"]
    dz = 2 * s * s * z
    dh = (dz @ params["w"][1].T) * (1 - h * h)
    return {"w": [X.T @ dh, h.T @ dz], "b": [dh.sum(0), dz.sum(0)], "scale": 2 * s * np.sum(z * z)}


MLP = Subject("network with its parameters in a dict", mlp, (PARAMS,), "grad", mlp_grad)


def at_path(*keys: Any) -> Function:
    """A way to change one leaf of a nested gradient: at_path(...)(change)."""

    def changing(change: Function) -> Function:
        def changed(tree: Any, rest: tuple[Any, ...] = keys) -> Any:
            if not rest:
                return change(tree)
            if isinstance(tree, tuple):
                items = list(tree)
                items[rest[0]] = changed(items[rest[0]], rest[1:])
                return tuple(items)
            copy = type(tree)(tree)
            copy[rest[0]] = changed(tree[rest[0]], rest[1:])
            return copy

        return lambda tree: changed(tree)  # of one parameter, as a slip wants it

    return changing


def planets(bodies: Any) -> Any:
    """Potential energy of named bodies: a dict of (mass, place)."""
    names = sorted(bodies)
    total = 0.0
    for k, a in enumerate(names):
        for b in names[:k]:
            (ma, ra), (mb, rb) = bodies[a], bodies[b]
            total = total - ma * mb / np.sqrt(np.sum((ra - rb) ** 2))
    return total


def planets_grad(bodies: Any) -> Any:
    masses, places = dict.fromkeys(bodies, 0.0), {name: np.zeros(3) for name in bodies}
    names = sorted(bodies)
    for k, a in enumerate(names):
        for b in names[:k]:
            (ma, ra), (mb, rb) = bodies[a], bodies[b]
            r = np.sqrt(np.sum((ra - rb) ** 2))
            masses[a] -= mb / r
            masses[b] -= ma / r
            places[a] = places[a] + ma * mb * (ra - rb) / r**3
            places[b] = places[b] - ma * mb * (ra - rb) / r**3
    return {name: (masses[name], places[name]) for name in bodies}


BODIES = {"earth": (1.1, normal(706, 3)), "moon": (0.4, 2 + normal(707, 3)), "sun": (3.0, 5 + normal(708, 3))}
PLANETS = Subject("energy of named bodies", planets, (BODIES,), "grad", planets_grad)


def options(x: Any, n: int, reverse: bool, name: str, extra: Any) -> Any:
    """An array among an integer, a flag, a string and None."""
    y = np.exp(x) if name == "exp" else np.sin(x)
    return (y[::-1] if reverse else y) * n


OPTIONS = Subject("array among options", options, (normal(709, 4), 3, True, "exp", None), "vjp",
                  lambda g, x, *_: (3 * g[::-1] * np.exp(x), None, None, None, None))  # fmt: skip


def list_of_rows(rows: Any) -> Any:
    return np.sum(rows[0] * rows[1]) + np.sum(rows[2] ** 3)


LIST = Subject("list of rows", list_of_rows, ([normal(710, 3), normal(711, 3), normal(712, 4)],), "grad",
               lambda rows: [rows[1].copy(), rows[0].copy(), 3 * rows[2] ** 2])  # fmt: skip


def with_tokens(table: Any, tokens: Any, w: Any) -> Any:
    """A table, the integers that pick from it, and weights."""
    return np.sum(table[tokens] * w)


def with_tokens_grad(table: Any, tokens: Any, w: Any) -> Any:
    d = np.zeros_like(table)
    np.add.at(d, tokens, w)
    return d, None, table[tokens]


TOKENS = Subject("table and tokens", with_tokens, (normal(713, 4, 2), np.array([3, 1, 3, 0]), normal(714, 4, 2)), "grad",
                 with_tokens_grad)  # fmt: skip


def five(a: Any, b: Any, c: Any, d: Any, e: Any) -> Any:
    return np.sin(a) * b + c / d - e * e * a


def five_vjp(g: Any, a: Any, b: Any, c: Any, d: Any, e: Any) -> Any:
    return g * (b * np.cos(a) - e * e), g * np.sin(a), g / d, -g * c / d**2, -2 * g * e * a


FIVE = Subject("five arguments", five, tuple(positive(715 + k, 3) for k in range(5)), "vjp", five_vjp)

SUBJECTS = [MLP, PLANETS, OPTIONS, LIST, TOKENS, FIVE]

MISTAKES: list[Case] = [
    MLP.slip("the hidden bias negative", "sign", at_path("b", 0)(lambda d: -d), path="params['b'][0]"),
    MLP.slip("the output bias averaged", {"averaged", "factor"},  # the function does not show which axis was summed
             at_path("b", 1)(lambda d: d / 5), path="params['b'][1]"),
    MLP.slip("one weight", "entries", at_path("w", 0)(scaled_at((2, 1), 1.01)), path="params['w'][0]", index=(2, 1)),
    MLP.slip("the scale used twice, counted once", "factor", at_path("scale")(lambda d: d / 2), path="params['scale']"),
    MLP.slip("the last weights detached", "zero", at_path("w", 1)(np.zeros_like), path="params['w'][1]"),
    MLP.slip("the last weights' shape", "shape", at_path("w", 1)(lambda d: d.T.copy()), path="params['w'][1]"),
    MLP.slip("the biases left out of the dict", "structure", lambda d: {"w": d["w"], "scale": d["scale"]}, path=None),
    MLP.slip("a flat list for the dict", "structure", lambda d: [*d["w"], *d["b"], d["scale"]], path=None),
    PLANETS.slip("the sun's place", "sign", at_path("sun", 1)(lambda d: -d), path="bodies['sun'][1]"),
    PLANETS.slip("the moon's mass left out", "zero", at_path("moon", 0)(lambda d: 0.0), path="bodies['moon'][0]"),
    PLANETS.slip("the earth's place, one coordinate", "entries", at_path("earth", 1)(scaled_at((1,), 0.9)),
                 path="bodies['earth'][1]", index=(1,)),
    PLANETS.slip("places only", "structure", lambda d: {name: part[1] for name, part in d.items()}, path=None),
    OPTIONS.slip("the integer left out", "factor", lambda d: d / 3),
    OPTIONS.slip("not reversed", "wrong", lambda d, g, x, *_: 3 * g * np.exp(x)),
    OPTIONS.slip("reversed once more", "flipped", lambda d: d[::-1].copy()),
    LIST.slip("the first two exchanged", "swapped", lambda d: [d[1], d[0], d[2]], path=None),
    LIST.slip("a row short", "structure", lambda d: d[:2], path=None),
    LIST.slip("the cube's three", "factor", at_path(2)(lambda d: d / 3), path="rows[2]"),
    TOKENS.wrong("repeated tokens overwrite", "entries",
                 lambda t, k, w: ((lambda d: (d.__setitem__(k, w), d)[1])(np.zeros_like(t)), None, t[k])),
    TOKENS.slip("the weights in the other order", "flipped", lambda d: d[::-1].copy(), at=2),
    TOKENS.wrong("one gradient too few", "structure", lambda t, k, w: with_tokens_grad(t, k, w)[:1], at=None),
    FIVE.slip("the second path of a left out", "missing term", lambda d, g, a, b, c, dd, e: d + g * e * e, deep=True),
    FIVE.slip("the fourth's sign", "sign", lambda d: -d, at=3),
    FIVE.slip("the fifth's two", "factor", lambda d: d / 2, at=4),
    FIVE.slip("the fifth's other factor", "missing factor", lambda d, g, a, *_: d / a, at=4),
    FIVE.wrong("the third and the fourth exchanged", "swapped",
               lambda *i: (lambda p: (p[0], p[1], p[3], p[2], p[4]))(five_vjp(*i)), at=None),
]  # fmt: skip
