#!/usr/bin/env bash
# `inspect.signature` raises for some of NumPy's most used functions up to 2.3 and works from 2.4 on, so code that reads
# parameter names at run time works only on the newest NumPy. np.concatenate, np.where and np.dot are such functions:
# Python wrappers around C without a text signature. (In 2.1 a ufunc has no `__module__` either: AttributeError.)
# What to do: never ask for the signature of a NumPy function without a fallback. Keep the names of the parameters
# beside the function, and run the tests on the lowest NumPy that you support, not only on the newest.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cat >"$work/ask.py" <<'PY'
import inspect

import numpy as np


def answer(f):
    try:
        return str(inspect.signature(f))
    except ValueError:
        return "ValueError"


print(np.__version__, "concatenate:", answer(np.concatenate), "where:", answer(np.where),
      "ufunc module:", getattr(np.exp, "__module__", "none"))
PY
for version in 2.1.0 2.3.5 2.4.0; do
  python3 -m venv "$work/$version"
  "$work/$version/bin/pip" install -q "numpy==$version"
  "$work/$version/bin/python" "$work/ask.py" | tee -a "$work/seen"
done
grep -q '^2.1.0 concatenate: ValueError where: ValueError ufunc module: none' "$work/seen"
grep -q '^2.3.5 concatenate: ValueError where: ValueError ufunc module: numpy' "$work/seen"
grep -q '^2.4.0 concatenate: (' "$work/seen"
