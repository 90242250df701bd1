"""What ``mypy --strict`` says of files: one of a user, whose lines end with what it must say; pages; demos."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import minigrad

pytest.importorskip("mypy", reason="mypy is not installed")

# ``# is: X`` after a reveal_type; ``# error: code`` where the line must be refused.
USER = """
from typing import Any, Callable, TypeAlias

import numpy as np
from numpy.typing import NDArray

import minigrad
from minigrad import Value, checkpoint, compile, custom, debug, draw, grad, hessian, hvp, jacobian, nn, no_grad
from minigrad import scope, value_and_grad, vmap

v, w = Value(2.0, name="v"), Value(np.ones(3))
a: NDArray[np.float64] = np.ones(3)
i: NDArray[np.int64] = np.arange(3)

# ---- operators: Values, arrays, numbers and lists on the other side
reveal_type(v + w)  # is: Value
reveal_type(w - a)  # is: Value
reveal_type(w * i)  # is: Value
reveal_type(w / 2)  # is: Value
reveal_type(w @ [1.0, 2.0, 3.0])  # is: Value
reveal_type(v**2)  # is: Value
reveal_type(w // np.float64(2.0))  # is: Value
reveal_type(w % True)  # is: Value
reveal_type(2 + w)  # is: Value
reveal_type(2.0 - w)  # is: Value
reveal_type([1.0, 2.0, 3.0] - w)  # is: Value
reveal_type(1 / w)  # is: Value
reveal_type(2**w)  # is: Value
reveal_type(7 // w)  # is: Value
reveal_type(7 % w)  # is: Value
reveal_type(-w)  # is: Value
reveal_type(+w)  # is: Value
reveal_type(abs(w))  # is: Value
reveal_type(round(v, 2))  # is: Value
reveal_type(divmod(w, 2))  # is: tuple[Value, Value]
w + object()  # error: arg-type
w += 1.0
w *= a
reveal_type(w)  # is: Value

# ---- an array on the left: NumPy's stubs know no Value, and must not promise an array
reveal_type(a + w)  # is: Any
reveal_type(a - w)  # is: Any
reveal_type(a * w)  # is: Any
reveal_type(a / w)  # is: Any
reveal_type(a**w)  # is: Any
reveal_type(a @ w)  # is: Any
reveal_type(a // w)  # is: Any
reveal_type(a % w)  # is: Any
reveal_type(i + w)  # is: Any
reveal_type(i @ w)  # is: Any
reveal_type((a > 0) * w)  # is: Any
reveal_type(a == w)  # is: Any
reveal_type(np.sum(np.where(a < w, w, a)))  # is: Any
reveal_type(np.sum(np.where(a <= w, w, a)))  # is: Any
reveal_type(np.sum(np.where(i > w, w, a)))  # is: Any
reveal_type(np.sum(np.where(i >= w, w, a)))  # is: Any
reveal_type(np.float64(2.0) * w)  # is: Value
reveal_type(np.float32(2.0) - w)  # is: Value
(a @ w).backward()

# ---- NumPy's functions: a result is no array either, so that it can be differentiated and drawn
reveal_type(np.tanh(w))  # is: Any
reveal_type(np.tanh(w * v))  # is: Any
reveal_type(np.exp(-w.sum()))  # is: Any
reveal_type(np.matmul(a, w))  # is: Any
reveal_type(np.dot(a, w))  # is: Any
reveal_type(np.mean(w))  # is: Any
reveal_type(np.mean(w**2))  # is: Any
reveal_type(np.mean(w[0]))  # is: Any
reveal_type(np.sum(w))  # is: Any
reveal_type(np.max(w.T))  # is: Any
reveal_type(np.einsum("i,i", a, w))  # is: Any
reveal_type(np.linalg.norm(w, axis=0))  # is: Any
reveal_type(np.sum(np.where(w > 0, w, 0.0)))  # is: Any
reveal_type(np.mean(np.maximum(a @ w, 0.0)))  # is: Any
reveal_type(np.sum(np.concatenate([w, w])))  # is: Any
reveal_type(np.sum(np.stack([w, w]), axis=0).sum())  # is: Any
y = np.tanh(w * v) + v**2
draw(y)

Layers: TypeAlias = list[tuple[Value, Value]]
Named: TypeAlias = "dict[str, Value]"


def network(x: NDArray[np.float64], layers: Layers, named: Named) -> Value:
    for weights, bias in layers:
        x = np.tanh(x @ weights + bias)
    reveal_type(np.mean(layers[0][0]))  # is: Any
    reveal_type(np.tanh(named["w"]))  # is: Any
    reveal_type(a @ named["w"])  # is: Any
    return named["w"] @ x


# ---- comparisons and logic
reveal_type(v == w)  # is: Value
reveal_type(v == 2.0)  # is: Value
reveal_type(v != a)  # is: Value
reveal_type(v < w)  # is: Value
reveal_type(v <= 2.0)  # is: Value
reveal_type(w > a)  # is: Value
reveal_type(w >= 1)  # is: Value
reveal_type(2.0 < w)  # is: Value
reveal_type((w > 0) & (w < 2))  # is: Value
reveal_type(~(w > 0) | (w < 2))  # is: Value
reveal_type((w > 0) ^ (w < 2))  # is: Value

# ---- indexing, methods, attributes
reveal_type(w[0])  # is: Value
reveal_type(w[w > 0])  # is: Value
reveal_type(w[..., None])  # is: Value
reveal_type([row for row in w])  # is: list[Value]
reveal_type(w.sum())  # is: Value
reveal_type(w.mean(axis=0, keepdims=True))  # is: Value
reveal_type(w.reshape(3, 1).T)  # is: Value
reveal_type(w.reshape((3, 1)).transpose(1, 0).mT)  # is: Value
reveal_type(w.clip(0.0).exp().log().tanh().softmax())  # is: Value
reveal_type(w.dot(a))  # is: Value
reveal_type(w.take([0, 1]))  # is: Value
reveal_type(w.repeat(2))  # is: Value
reveal_type(w.astype(np.float32))  # is: Value
reveal_type(w.nonzero())  # is: tuple[Value, ...]
reveal_type(w.shape)  # is: tuple[int, ...]
reveal_type(w.ndim)  # is: int
reveal_type(w.dtype)  # is: dtype[Any]
reveal_type(len(w))  # is: int
reveal_type(float(v))  # is: float
reveal_type(((w - a) ** 2).mean())  # is: Value
reveal_type(((w @ a) > 0).any())  # is: Value
reveal_type(v.backward())  # is: None
v.backward(1.0)
w.data -= 0.1 * w.grad
w.sum(axis="rows")  # error: arg-type
w.no_such_method()  # error: attr-defined


# ---- derivatives and transformations keep the parameters of the function
def loss(x: Value, scale: float = 1.0) -> Value:
    return (x**2).sum() * scale


def text(x: Value) -> str:
    return str(x)


reveal_type(grad(loss))  # is: Gradient[[x: Value, scale: float =], Any]
reveal_type(grad(loss)(w, 2.0))  # is: Any
reveal_type(grad(loss)(w, cotangent=2.0))  # is: Any
reveal_type(grad(grad(loss)))  # is: Gradient[[x: Value, scale: float =], Any]
reveal_type(value_and_grad(loss, argnums=(0, 1)))  # is: Gradient[[x: Value, scale: float =], tuple[Any, Any]]
reveal_type(value_and_grad(loss)(w))  # is: tuple[Any, Any]
reveal_type(vmap(loss, in_axes=(0, None)))  # is: def (x: Value, scale: float =) -> Any
reveal_type(vmap(grad(loss)))  # is: def (x: Value, scale: float =) -> Any
reveal_type(jacobian(grad(loss)))  # is: def (x: Value, scale: float =) -> Any
reveal_type(hessian(loss))  # is: def (x: Value, scale: float =) -> Any
reveal_type(hvp(loss, w, w))  # is: Any
reveal_type(checkpoint(loss))  # is: def (x: Value, scale: float =) -> Value
reveal_type(compile(loss))  # is: Compiled[[x: Value, scale: float =], Value]
reveal_type(compile(loss)(w))  # is: Value
reveal_type(compile(value_and_grad(loss))(w))  # is: tuple[Any, Any]
reveal_type(compile(vmap(grad(loss))).source)  # is: str
grad(loss)("text")  # error: call-overload
grad(loss)(w, scle=2.0)  # error: call-overload
value_and_grad(loss)()  # error: call-overload
vmap(loss)(w, "text")  # error: arg-type
jacobian(loss)(scale=2.0)  # error: call-arg
hessian(loss)(w, 1.0, 2.0)  # error: call-arg
checkpoint(loss)(w, scle=2.0)  # error: call-arg
compile(loss)(w, scale="text")  # error: arg-type
compile(loss, no_such_option=True)  # error: call-overload


# ---- as decorators, of functions and methods
@no_grad()
def predict(x: Value) -> Value:
    return x * 2


@debug()
def watched(x: Value, n: int = 1) -> Value:
    return x * n


@compile
def step(x: list[float], n: int) -> list[float]:
    return x * n


@compile(static="n", donate=["x"], cache=2)
def fixed(x: list[float], n: int) -> list[float]:
    return x * n


@grad
def slope(x: Value) -> Value:
    return x**2


@scope("layer")
def layer(x: Value) -> Value:
    return x * 2


class Model:
    @compile
    def step(self, n: int) -> float:
        return 1.0 * n

    @checkpoint
    def block(self, x: Value) -> Value:
        return x * 2

    @no_grad()
    def predict(self, x: Value) -> Value:
        return x * 2


class Net(nn.Module):
    def __call__(self, x: NDArray[np.float64], n: int = 1) -> Value:
        return Value(2.0) * x * n

    def loss(self, x: NDArray[np.float64], n: int) -> Value:
        return self(x, n).sum()

    @grad
    def slope(self, n: int) -> Value:
        return Value(2.0) * n

    @value_and_grad
    def both(self, n: int) -> Value:
        return Value(2.0) * n

    @vmap
    def rows(self, n: int) -> Value:
        return Value(2.0) * n


net = Net()
reveal_type(compile(net)(a, 2))  # is: Value
reveal_type(checkpoint(net.loss)(a, n=2))  # is: Value
reveal_type(grad(net.loss)(a, 2))  # is: Any
reveal_type(net.slope)  # is: Gradient[[n: int], Any]
reveal_type(net.both(2))  # is: tuple[Any, Any]
reveal_type(Net.slope)  # is: Gradient[[self: Net, n: int], Any]
grad(net)("text")  # error: call-overload
grad(net.loss)(a)  # error: call-overload
net.slope("text")  # error: call-overload
value_and_grad(net)(a, n="text")  # error: call-overload
value_and_grad(net.loss)(a, 1, 2)  # error: call-overload
net.both(m=1)  # error: call-overload
vmap(net)("text")  # error: arg-type
vmap(net.loss)(a, m=2)  # error: call-arg
net.rows("text")  # error: arg-type
compile(net)(a, "text")  # error: arg-type
compile(net.loss)(a)  # error: call-arg
checkpoint(net)(a, m=2)  # error: call-arg
checkpoint(net.loss)("text", 2)  # error: arg-type

reveal_type(predict)  # is: def (x: Value) -> Value
reveal_type(watched)  # is: def (x: Value, n: int =) -> Value
reveal_type(step)  # is: Compiled[[x: list[float], n: int], list[float]]
reveal_type(fixed([1.0], 2))  # is: list[float]
reveal_type(slope)  # is: Gradient[[x: Value], Any]
reveal_type(layer)  # is: def (x: Value) -> Value
reveal_type(Model().step)  # is: def (n: int) -> float
reveal_type(Model().block)  # is: def (x: Value) -> Value
reveal_type(Model().predict)  # is: def (x: Value) -> Value
Model().step("text")  # error: arg-type
step([1.0], "text")  # error: arg-type


# ---- an op of a user's own
def cube(x: Any, scale: float = 1.0) -> Any:
    return x**3 * scale


own = custom(cube, vjp=lambda g, y, x, scale=1.0: 3 * g * x**2 * scale)
reveal_type(own)  # is: def (x: Any, scale: float =) -> Any
own(v, scale="text")  # error: arg-type

reveal_type(custom(lambda x: x * x, vjp=lambda g, y, x: 2 * g * x, name="own")(v))  # is: Any

typed: Callable[[Value], Value] = np.tanh
reveal_type(typed(v) * 2)  # is: Value

# ---- every public name
"""
USER += "".join(f"minigrad.{name}\n" for name in minigrad.__all__)


ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", *(ROOT / "docs" / f"{name}.md" for name in ("checking", "compiling", "ties"))]
DEMOS = sorted((ROOT / "demos").glob("*.py"))
# Functions of the pages take anything: they have no annotations, and what they compute is checked all the same.
UNTYPED = "# mypy: allow-untyped-defs, allow-untyped-calls\n"
# The last line of each page and demo, which shows that mypy looks at the file.
WRONG = "__import__('minigrad').Value(1.0) + ''.no_such_method()\n"


def code_of(page: Path) -> str:
    """All Python of a page, as one file: its blocks continue each other. Without sections for PyTorch and JAX."""
    sections = page.read_text(encoding="utf-8").split("\n## ")
    text = "\n## ".join(s for s in sections if not re.search(r"^import (torch|jax)$", s, flags=re.M))
    return "\n".join(re.findall(r"^```python\n(.*?)^```$", text, flags=re.M | re.S))


@pytest.fixture(scope="module")
def said_of(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[tuple[int, str, str]]]:
    """What mypy says of each file: line, "error" or "note", and the text. It runs once."""
    folder = tmp_path_factory.mktemp("user")
    files = {"user": USER} | {page.stem.lower(): UNTYPED + code_of(page) + WRONG for page in PAGES}
    files |= {demo.stem: demo.read_text(encoding="utf-8") + WRONG for demo in DEMOS}
    for name, code in files.items():
        (folder / f"{name}.py").write_text(code, encoding="utf-8")
    command = [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", "--cache-dir", "cache"]
    done = subprocess.run(
        [*command, *(f"{name}.py" for name in files)],
        cwd=folder,
        env=os.environ | {"MYPYPATH": str(Path(minigrad.__file__).resolve().parent.parent)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in (0, 1) and not done.stderr, done.stderr + done.stdout
    found: dict[str, list[tuple[int, str, str]]] = {name: [] for name in files}
    for line in done.stdout.splitlines():
        if parts := re.match(r"(.+?)\.py:(\d+): (error|note): (.*)", line):
            assert parts[1] in found, line
            found[parts[1]].append((int(parts[2]), parts[3], parts[4]))
    return found


@pytest.fixture(scope="module")
def said(said_of: dict[str, list[tuple[int, str, str]]]) -> list[tuple[int, str, str]]:
    """What mypy says of the file of a user."""
    return said_of["user"]


@pytest.mark.parametrize("file", [*PAGES, *DEMOS], ids=lambda path: path.name)
@pytest.mark.slow
def test_the_code_of_the_pages_and_the_demos_is_clean(
    file: Path, said_of: dict[str, list[tuple[int, str, str]]]
) -> None:
    found = [(line, text) for line, kind, text in said_of[file.stem.lower()] if kind == "error"]
    assert len(found) == 1 and "no_such_method" in found[0][1], found


def expected(mark: str) -> dict[int, str]:
    """What stands behind that mark, by line."""
    lines = enumerate(USER.splitlines(), start=1)
    return {k: line.partition(mark)[2].strip() for k, line in lines if mark in line}


def test_operators_methods_and_transformations_have_the_types_that_they_give(
    said: list[tuple[int, str, str]],
) -> None:
    revealed = {k: text.partition('"')[2][:-1] for k, _, text in said if text.startswith("Revealed type is")}
    names = {k: re.sub(r"(\w+\.)+(?=\w)", "", text).replace("*", "") for k, text in revealed.items()}
    names = {k: text.replace("Value[Any]", "Value") for k, text in names.items()}
    wanted = expected("# is: ")
    assert len(wanted) > 75 and {k: names.get(k) for k in wanted} == wanted


def test_wrong_uses_are_refused_and_right_ones_are_not(said: list[tuple[int, str, str]]) -> None:
    errors = {k: text.rpartition("[")[2].rstrip("]") for k, kind, text in said if kind == "error"}
    assert errors == expected("# error: "), [line for line in said if line[1] == "error"]
