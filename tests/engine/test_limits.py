"""How large and how long: deep chains, many paths, loops over rows, memory given back. Work is counted."""

from __future__ import annotations

import gc
import subprocess
import sys
import textwrap
import tracemalloc
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import numpy as np
import pytest

import minigrad
from minigrad import Value, grad
from minigrad.engine.value import graph, sweep


def run(script: str) -> str:
    """Standard output of a script in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


@contextmanager
def no_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


# ------------------------------------------------------------------------------------------------- depth


def test_a_million_ops_forwards_and_backwards_in_one_gigabyte() -> None:
    """Built, swept and freed without recursion (60 frames), with the collector on as Python starts it."""
    out = run(
        """
        import resource, sys
        import numpy
        from minigrad import Value
        sys.setrecursionlimit(60)
        x = y = Value(1.0)
        for _ in range(500_000):
            y = y * 1.000001 + 1e-7
        y.backward()
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(y.data, x.grad, peak)
        del y
        print(x.grad)
        """
    )
    value, slope, peak = map(float, out.split()[:3])
    assert slope == pytest.approx(1.000001**500_000, rel=1e-9)
    assert value == pytest.approx(1.000001**500_000 + 0.1 * (1.000001**500_000 - 1), rel=1e-6)
    assert peak < 1024, f"{peak:.0f} MB"
    assert float(out.split()[3]) == slope


def test_a_deep_chain_of_everything_else_needs_no_recursion() -> None:
    """50,000 ops deep: grad, grad of grad (forward part), graph, picture of nothing, copies of leaves, freeing."""
    out = run(
        """
        import sys
        import numpy as np
        from minigrad import Value, grad
        from minigrad.engine.value import graph, sweep
        sys.setrecursionlimit(120)

        def chain(x):
            for _ in range(25_000):
                x = np.sin(x) + x * 0.5
            return x.sum()

        print(grad(chain)(np.array([0.1, 0.2])).shape)
        w = Value(2.0)
        g = grad(lambda x: chain(w * x))(np.array([0.1]))
        g.sum().backward()
        print(np.isfinite(w.grad))
        y = chain(w * 0.1)
        print(len(graph(y)), sum(1 for _ in sweep(y, 1.0)))
        parts = w * np.ones(2)
        for _ in range(20_000):
            a, b = np.split(parts, 2)
            parts = np.concatenate([b, a])
        parts.sum().backward()
        del parts, a, b, y, g
        print("freed")
        """
    )
    lines = out.splitlines()
    assert lines[0] == "(2,)" and lines[1] == "True" and lines[3] == "freed"
    nodes, swept = map(int, lines[2].split())
    assert nodes == swept > 75_000


def test_sixty_diamonds() -> None:
    """2⁶⁰ paths: a sweep that follows paths never ends."""
    x = y = Value(1.0)
    for _ in range(60):
        y = y + y
    y.backward()
    assert y.data == 2.0**60 and x.grad == 2.0**60
    assert grad(lambda x: stacked(x, 60))(1.0) == 2.0**60
    assert len(graph(y)) == 61


def stacked(x: Any, n: int) -> Any:
    for _ in range(n):
        x = x + x
    return x


def test_sixty_diamonds_twice_differentiated() -> None:
    def f(x: Any) -> Any:
        for _ in range(60):
            x = (x + x) * 0.5
        return x * x * x

    assert grad(grad(f))(2.0) == 12.0


def test_every_node_is_visited_once() -> None:
    visits: dict[int, int] = {}
    x = y = Value(1.0)
    for k in range(40):
        y = y * x + y if k % 2 else y + y
    for node, _ in sweep(y, 1.0):
        visits[node.serial] = visits.get(node.serial, 0) + 1
    assert set(visits.values()) == {1} and len(visits) == len(graph(y))


# ------------------------------------------------------------------------------------------- linear work


def allocated(work: Callable[[], Any]) -> int:
    """Bytes that NumPy asked for during the work, freed ones included: a count of work on arrays."""
    total, held = 0, 0
    tracemalloc.start()
    try:
        result = work()
        total = tracemalloc.get_traced_memory()[1]
        held = tracemalloc.get_traced_memory()[0]
        del result
    finally:
        tracemalloc.stop()
    return max(total, held)


class Counting:
    """How many numbers each call of a NumPy function made, by watching the rules' scatter and zeros."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.numbers = 0
        for name in ("zeros", "zeros_like"):
            original = getattr(np, name)

            def counted(*args: Any, original: Any = original, **kwargs: Any) -> Any:
                result = original(*args, **kwargs)
                self.numbers += int(np.size(result))
                return result

            monkeypatch.setattr(np, name, counted)


@pytest.mark.parametrize(
    "read",
    [
        lambda x, i: np.tanh(x[i]).sum(),
        lambda x, i: x[i, 1] * 2.0,
        lambda x, i: (x[i : i + 1] ** 2).sum(),
        lambda x, i: x[[i]].sum(),
    ],
)
def test_a_loop_over_rows_makes_no_array_of_the_whole_per_row(
    read: Callable[[Any, int], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    n = 3000
    x = Value(np.linspace(0, 1, n * 4).reshape(n, 4))
    total = sum(read(x, i) for i in range(n))
    count = Counting(monkeypatch)
    total.backward()
    monkeypatch.undo()
    assert count.numbers <= 10 * x.size, f"{count.numbers / x.size:.0f} arrays of the whole for {n} rows"
    assert x.grad.shape == (n, 4) and x.grad.any(axis=1).all()


def test_counting_can_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    """Guards the test above: one array of the whole per row is noticed."""
    count = Counting(monkeypatch)
    for _ in range(30):
        np.zeros((30, 4))
        np.zeros_like(np.ones(4))
    assert count.numbers == 30 * 124


def test_a_loop_over_rows_in_grad_and_iteration() -> None:
    n = 3000
    x = np.linspace(0, 1, n * 2).reshape(n, 2)
    g = grad(lambda x: sum((row * row).sum() for row in x))(x)
    np.testing.assert_allclose(g, 2 * x, rtol=1e-15)
    peak = allocated(lambda: grad(lambda x: sum((row * row).sum() for row in x))(x))
    assert peak < 30e6, "a whole array kept for each row would be 144 MB"


def test_the_gradient_of_many_uses_is_added_in_place() -> None:
    """1,000 reads of one array of 10⁵ numbers: their gradients are not held side by side."""
    x = Value(np.ones(100_000))
    total = sum(x[i::1000].sum() for i in range(1000))
    assert allocated(total.backward) < 20e6
    assert (x.grad == 1).all()


def blocks_per_op(n: int) -> float:
    """Memory blocks that one op of a chain of n costs, forwards and backwards."""
    y = Value(1.0)
    before = sys.getallocatedblocks()
    for _ in range(n):
        y = y * 1.0001
    y.backward()
    return (sys.getallocatedblocks() - before) / n


def test_a_node_costs_the_same_in_a_small_and_a_large_graph() -> None:
    with no_collector():
        small, large = blocks_per_op(1_000), blocks_per_op(50_000)
    assert large == pytest.approx(small, rel=0.2)
    assert large < 12


def test_a_scalar_node_has_no_dict_and_few_bytes() -> None:
    node = Value(1.0) * 2.0
    assert not hasattr(node, "__dict__")
    assert sys.getsizeof(node) <= 144


# ------------------------------------------------------------------------------------ memory given back


CALLS: dict[str, Callable[[Value], Any]] = {
    "operators": lambda x: ((x * 2 + 1) / 3 - x).sum(),
    "ufunc": lambda x: np.tanh(np.exp(x)).sum(),
    "reduction": lambda x: (x.sum(axis=0) * x.mean(axis=1).max() + x.std()).sum(),
    "index": lambda x: (x[0] + x[:, 1].sum() + x[[0, 0]].sum() + x[x > 0].sum()).sum(),
    "index by values": lambda x: x[x[:, 0].argsort()].sum(),
    "shapes": lambda x: x.T.reshape(-1)[None].sum(),
    "product": lambda x: (x @ x.T).sum(),
    "several outputs": lambda x: sum(p.sum() for p in np.split(x, 3)),
    "joined": lambda x: np.concatenate([x, x * 2, x]).sum() + np.stack([x, x]).sum(),
    "where": lambda x: np.where(x > 0, x, -x).sum() + np.clip(x, 0.2, None).sum(),
    "softmax": lambda x: minigrad.cross_entropy(x, np.array([0, 1, 2])) + minigrad.softmax(x)[0, 0],
    "put": lambda x: minigrad.put(x, (0, 0), x[1, 1]).sum(),
    "norm": lambda x: np.linalg.norm(x) + np.sort(x, axis=0)[0].sum(),
    "second order": lambda x: (grad(lambda y: (np.tanh(x * y) ** 2).sum())(np.ones(3)) ** 2).sum(),
}


@pytest.mark.parametrize("name", CALLS)
def test_a_graph_is_freed_without_the_collector(name: str) -> None:
    x = Value(np.arange(9.0).reshape(3, 3) / 9 + 0.05)
    with no_collector():
        loss = CALLS[name](x)
        watch = [weakref.ref(node) for node in graph(loss) if node.op is not None]
        loss.backward()
        del loss
        assert watch and [ref for ref in watch if ref() is not None] == []
        assert x.grad.shape == (3, 3)


@pytest.mark.parametrize("name", CALLS)
def test_no_call_leaves_garbage_for_the_collector(name: str) -> None:
    x = Value(np.arange(9.0).reshape(3, 3) / 9 + 0.05)
    work = CALLS[name]
    work(x).backward()
    grad(work)(x.data)
    with no_collector():
        for _ in range(20):
            work(x).backward()
            grad(work)(x.data)
        assert gc.collect() < 20, "a reference cycle for each call"


def test_a_long_chain_is_freed_when_its_last_name_goes() -> None:
    with no_collector():
        y = Value(1.0)
        for _ in range(100_000):
            y = y * 1.0
        before = sys.getallocatedblocks()
        y.backward()
        middle = weakref.ref(y.inputs[0].inputs[0])
        del y
        assert middle() is None
        assert before - sys.getallocatedblocks() > 100_000


def test_an_error_does_not_keep_the_graph() -> None:
    with no_collector():
        x = Value(np.ones(3))
        h = x * 2
        watch = weakref.ref(h)
        with suppress(minigrad.errors.ShapeError):
            h @ np.ones(4)
        del h
        assert watch() is None


def training_step(parameters: list[Value], x: np.ndarray, t: np.ndarray, history: list[Any]) -> None:
    h = x
    for w in parameters[:-1]:
        h = np.tanh(h @ w)
    logits = h @ parameters[-1]
    loss = minigrad.cross_entropy(logits, t)
    history[0] = (logits.argmax(axis=1) == t).mean()
    loss.backward()
    for w in parameters:
        w.data -= 0.1 * w.grad
        w.grad = None


def test_ten_thousand_training_steps_do_not_grow_memory() -> None:
    rng = np.random.default_rng(0)
    parameters = [Value(rng.normal(size=s)) for s in ((2, 4), (4, 4), (4, 3))]
    x, t = rng.normal(size=(6, 2)), np.array([0, 1, 2, 0, 1, 2])
    history: list[Any] = [None]
    with no_collector():
        for _ in range(3_000):  # Python keeps up to 2,000 freed tuples of a size: let it fill its list
            training_step(parameters, x, t, history)
        before = sys.getallocatedblocks()
        for _ in range(10_000):
            training_step(parameters, x, t, history)
        grown = sys.getallocatedblocks() - before
    assert grown < 500, f"{grown / 10_000:.2f} blocks per step"


def test_ten_thousand_pure_steps_do_not_grow_memory() -> None:
    f = minigrad.value_and_grad(lambda w: (np.tanh(w * np.arange(3.0)) ** 2).sum())
    w: Any = np.ones(3)
    with no_collector():
        for _ in range(3_000):
            w = w - 0.1 * f(w)[1]
        before = sys.getallocatedblocks()
        for _ in range(10_000):
            w = w - 0.1 * f(w)[1]
        assert sys.getallocatedblocks() - before < 500


def test_accuracies_that_are_kept_keep_no_graph() -> None:
    rng = np.random.default_rng(0)
    w, x, t = Value(rng.normal(size=(50, 3))), rng.normal(size=(200, 50)), rng.integers(3, size=200)
    kept = []
    tracemalloc.start()
    try:
        for _ in range(200):
            h = np.tanh(x @ w)
            kept.append((h.argmax(axis=1) == t).mean())
        held = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert held < 200 * 1000, "each graph holds two arrays of 4,800 bytes"
    assert len(kept) == 200
