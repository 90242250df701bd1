#!/usr/bin/env bash
# At run time, __array_ufunc__ decides what array * x gives: the class of x may return itself. NumPy's type stubs do not
# look at it: any class with __array__ counts as an array there, and the product is promised to be an ndarray, so a type
# checker refuses the methods that the result really has, and accepts those that it has not.
# What to do: hide __array__ from type checkers, or make operators on such a class an overload that gives Any.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q numpy==2.4.6 mypy==2.4.1
cat >"$work/wrapped.py" <<'PY'
from typing import TYPE_CHECKING, Any

import numpy as np


class Wrapped:
    def __init__(self, x: Any) -> None:
        self.x = np.asarray(x)

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray[Any, Any]:
        return self.x

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> "Wrapped":
        return Wrapped(getattr(ufunc, method)(*map(np.asarray, inputs), **kwargs))

    def unwrap(self) -> Any:
        return self.x


result = np.ones(2) * Wrapped([1.0, 2.0])
print("run:", type(result).__name__, result.unwrap())  # type: ignore[attr-defined]
if TYPE_CHECKING:
    reveal_type(result)
PY
cd "$work"
run=$("$work/venv/bin/python" wrapped.py)
types=$("$work/venv/bin/mypy" --strict wrapped.py || true)
echo "numpy 2.4.6, mypy 2.4.1"
echo "$run"
echo "$types"
grep -q "run: Wrapped" <<<"$run"
grep -q 'Revealed type is "numpy.ndarray' <<<"$types"
