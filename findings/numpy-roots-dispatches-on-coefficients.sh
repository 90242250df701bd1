#!/usr/bin/env bash
# np.roots and np.poly look for __array_function__ in the entries of their argument, not in the array that holds them:
# their dispatchers end in `return p` where `return (p,)` is meant, so NumPy walks through p and asks each entry. A class
# with __array_function__ that yields plain numbers is never asked, nor is an empty one; one without
# __iter__ gives "TypeError: dispatcher for __array_function__ did not return an iterable". np.polyder asks the array.
# What to do: let entries dispatch as well. (A list of such entries, np.roots([a, b, c]), then reaches the class, too.)
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat >"$work/ask.py" <<'PY'
import numpy as np


class Whole:
    """An array-like that notes which of NumPy's functions ask it."""

    def __array_function__(self, function, types, args, kwargs):
        asked.append(function)
        return function(np.array([1.0, -3.0, 2.0]))


class Iterable(Whole):
    def __iter__(self):
        return iter([1.0, -3.0, 2.0])


def outcome(f, x):
    asked.clear()
    try:
        f(x)
    except TypeError as error:
        return f"TypeError: {error}"
    return "asked" if f in asked else "not asked"


asked = []
for f in (np.polyder, np.roots, np.poly):
    print(f"NumPy {np.__version__} {f.__name__}: {outcome(f, Whole())} | yields floats: {outcome(f, Iterable())}")
PY
for version in 2.1.0 2.4.6; do
  python3 -m venv "$work/$version"
  "$work/$version/bin/pip" install -q "numpy==$version"
  "$work/$version/bin/python" "$work/ask.py" | tee -a "$work/seen"
done
test "$(grep -c 'polyder: asked | yields floats: asked' "$work/seen")" = 2
test "$(grep -c 'roots: TypeError: .* not return an iterable | yields floats: not asked' "$work/seen")" = 2
test "$(grep -c 'poly: TypeError: .* not return an iterable | yields floats: not asked' "$work/seen")" = 2
