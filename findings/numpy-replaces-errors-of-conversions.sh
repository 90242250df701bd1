#!/usr/bin/env bash
# A class that refuses to be converted (its __float__ or __array__ raises) says why in its error. NumPy replaces that
# error in three common places: `a[0] = x` and np.fromiter raise "setting an array element with a sequence", with the
# class's error as the cause, if the class has a __getitem__; np.nditer replaces every TypeError, without a cause, by
# one about WRITEBACKIFCOPY. The user sees words on sequences and flags in place of yours.
# What to do: in a test, look at `__cause__`; for np.nditer raise an error that is no TypeError.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q numpy==2.4.6
"$work/venv/bin/python" - <<'PY'
import numpy as np


class Refuses:
    """No array: whatever wants one is told why."""

    def __init__(self, kind):
        self.kind = kind

    def __getitem__(self, i):
        return self

    def __float__(self):
        raise self.kind("my reason")

    def __array__(self, dtype=None, copy=None):
        raise self.kind("my reason")


def error(call):
    try:
        call()
    except Exception as e:
        return e
    raise AssertionError("it passed")


def assign():
    a = np.zeros(2)
    a[0] = Refuses(TypeError)


for call in (assign, lambda: np.fromiter([Refuses(TypeError)], float)):
    e = error(call)
    print(f"{type(e).__name__}: {e}   cause: {e.__cause__!r}")
    assert type(e) is ValueError and str(e.__cause__) == "my reason"
e = error(lambda: np.nditer(Refuses(TypeError)))
print(f"np.nditer: {e}   cause: {e.__cause__!r}")
assert "WRITEBACKIFCOPY" in str(e) and e.__cause__ is None and e.__context__ is None
assert str(error(lambda: np.nditer(Refuses(RuntimeError)))) == "my reason"
assert str(error(lambda: np.asarray(Refuses(TypeError)))) == "my reason"
PY
