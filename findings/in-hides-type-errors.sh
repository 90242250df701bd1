#!/usr/bin/env bash
# `x in v` and `", ".join(v)` replace every TypeError that `v.__iter__` raises by their own "is not iterable", its text
# and its subclass included; list(v), sum(v), unpacking and the rest let it pass. So a class that refuses to be iterated
# with an error of its own, derived from TypeError so that callers may catch the built-in, loses its message there.
# What to do: define `__contains__` beside `__iter__`, and raise in it too. For `join` there is no such method.
set -euo pipefail
python3 - <<'PY'
class Refused(TypeError):
    pass


class Closed:
    def __iter__(self):
        raise Refused("write h = h + b")


class Better(Closed):
    def __contains__(self, x):
        raise Refused("write h = h + b")


def error_of(use):
    try:
        use()
    except TypeError as error:
        return type(error).__name__


v = Closed()
seen = {
    "list": error_of(lambda: list(v)),
    "sum": error_of(lambda: sum(v)),
    "in": error_of(lambda: 3 in v),
    "join": error_of(lambda: ", ".join(v)),
    "in, with __contains__": error_of(lambda: 3 in Better()),
}
print(seen)
assert [*seen.values()] == ["Refused", "Refused", "TypeError", "TypeError", "Refused"]
PY
