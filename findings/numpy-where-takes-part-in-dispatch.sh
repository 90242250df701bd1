#!/usr/bin/env bash
# The mask of a ufunc takes part in the choice of `__array_ufunc__`, its initial value does not: np.add.reduce(array,
# where=x), and with it np.sum(array, where=x), calls x.__array_ufunc__ although no operand is an x; with initial=x it
# converts x. So an `__array_ufunc__` that answers add.reduce by np.sum calls itself without end as soon as the mask
# is its own class. The documents of `__array_ufunc__` name inputs and `out` as what is asked.
# What to do: expect `where` among the keyword arguments and no own object among the inputs; answer a method of a
# ufunc by your own code for it, never by the public function that calls the method.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat >"$work/ask.py" <<'PY'
import numpy as np


class Mask:
    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        return f"{ufunc.__name__}.{method} with {type(inputs[0]).__name__}"


def answer(f):
    try:
        return f()
    except TypeError:
        return "TypeError"


print(np.__version__, "where:", answer(lambda: np.sum(np.ones(3), where=Mask())),
      "initial:", answer(lambda: np.sum(np.ones(3), initial=Mask())))
PY
for version in 2.1.0 2.4.0; do
  python3 -m venv "$work/$version"
  "$work/$version/bin/pip" install -q "numpy==$version"
  "$work/$version/bin/python" "$work/ask.py" | tee -a "$work/seen"
done
test "$(grep -c 'where: add.reduce with ndarray initial: TypeError' "$work/seen")" = 2
