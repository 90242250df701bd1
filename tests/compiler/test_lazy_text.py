"""The text of a program that runs natively is written when someone asks for it, from what is kept of the trace."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import minigrad
from minigrad.compiler.codegen import Writer
from minigrad.compiler.guards import Guard
from minigrad.compiler.native import why_not
from minigrad.tracing.outlines import SMALL, Outline, outline
from minigrad.tracing.program import Program

pytestmark = pytest.mark.skipif(bool(why_not()), reason=why_not() or "the extension is there")

RNG = np.random.default_rng(0)
X = RNG.random((12, 10))
LONG = RNG.random((300, 200))
W = minigrad.Value(RNG.random((10, 12)), name="w")
PROGRAMS: dict[str, tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]] = {
    "numbers": (lambda a, b: np.tanh(a * b) / b, (0.5, 2.0), {}),
    "products": (lambda x: np.tanh(x @ x.T) @ x, (X,), {}),
    "a Fortran array": (lambda x: np.exp(x) + x.T.copy().T, (np.asfortranarray(X),), {}),
    "reversed and strided": (lambda x: (x * 2.0)[::-1, ::2] + 1.0, (X[:, ::-1],), {}),
    "powers": (lambda x: x**2 + x**0.5 + x**3 + x**1.5, (X,), {}),
    "a power of float32": (lambda x: np.sum(x**2 * x**-1), (X.astype(np.float32),), {}),
    "blocks": (lambda x: np.sum(np.tanh(x * 2.0 + 1.0) ** 2), (LONG,), {}),
    "donated": (lambda x, y: (x - 0.1 * y, np.sum(y)), (X + 1.0, X), {"donate": (0,)}),
    "a number as an array": (lambda x, y: x * y, (np.array(2.0), X), {}),
    "a reshape": (lambda x: (x.T.reshape(-1) * 2.0)[3:], (X,), {}),
}
PROGRAMS["a leaf"] = (lambda x: np.tanh(x @ W) * 2.0, (X,), {})


def fresh(name: str, gradient: bool) -> tuple[minigrad.compiler.Compiled[..., Any], tuple[Any, ...]]:
    """The compiled function, called once."""
    f, args, options = PROGRAMS[name]
    if gradient:
        g = minigrad.grad(lambda *args: np.sum(f(*args)))
        compiled = minigrad.compile(g, **options)
    else:
        compiled = minigrad.compile(f, **options)
    given = tuple(x.copy("K") if isinstance(x, np.ndarray) and options else x for x in args)
    compiled(*given)
    assert compiled.native
    return compiled, args


def cases() -> list[Any]:
    return [
        (name, gradient) for name in PROGRAMS for gradient in (False, True) if not (gradient and PROGRAMS[name][2])
    ]


@pytest.mark.parametrize(("name", "gradient"), cases())
def test_the_text_is_the_one_that_the_trace_itself_would_give(
    name: str, gradient: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    late, args = fresh(name, gradient)
    texts = late.source, late._entry().guard
    with monkeypatch.context() as patched:
        patched.setattr(Program, "forget_samples", lambda self: None)
        patched.setattr("minigrad.compiler.compiled.outline", lambda x: x)
        soon, _ = fresh(name, gradient)
        assert (soon.source, soon._entry().guard) == texts
    if not PROGRAMS[name][2]:
        want, got = late(*args), late._entry().enter_in_python(args, {})
        assert np.asarray(want).tobytes() == np.asarray(got).tobytes()


@pytest.mark.parametrize("name", PROGRAMS)
def test_no_text_is_written_before_someone_asks(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[str] = []
    for cls in (Writer, Guard):
        real = cls.text

        def text(self: Any, real: Any = real) -> str:
            written.append(type(self).__name__)
            return str(real(self))

        monkeypatch.setattr(cls, "text", text)
    compiled, _ = fresh(name, False)
    assert written == []
    assert compiled.source is compiled.source
    assert written == ["Writer"]
    assert compiled._entry().guard
    assert written == ["Writer", "Guard"]


@pytest.mark.parametrize("name", PROGRAMS)
def test_no_memory_of_the_trace_is_kept(name: str) -> None:
    compiled, args = fresh(name, False)
    entry = compiled._entry()
    texts = entry._texts._make_guard
    kept = [*entry.recorded.samples.values(), *entry.program.samples.values(), *texts.args[1]]  # type: ignore[attr-defined]
    arrays = [x for x in kept if isinstance(x, np.ndarray)]
    assert all(_memory(x) <= 8 * SMALL for x in arrays)
    given = [x for x in args if isinstance(x, np.ndarray)]
    assert not any(np.may_share_memory(np.asarray(x), y) for x in arrays for y in given)


def _memory(x: Any) -> int:
    """The bytes that an array keeps alive."""
    while isinstance(x, np.ndarray) and x.base is not None:
        x = x.base
    return x.nbytes if isinstance(x, np.ndarray) else len(x)


@pytest.mark.parametrize("x", [X, X.T, X[::-1, ::3], X[:2, ::-1], np.broadcast_to(X[0], (9, 10)), X[:0], X[0, 0]])
def test_an_outline_tells_the_layout_of_its_array(x: Any) -> None:
    found = outline(x)
    assert (np.shape(found), found.dtype) == (np.shape(x), x.dtype)
    assert found.strides == x.strides
    assert (found.flags.c_contiguous, found.flags.f_contiguous) == (x.flags.c_contiguous, x.flags.f_contiguous)
    plain = np.asarray(found)
    assert type(plain) is np.ndarray and plain.shape == np.shape(x)
    assert x.size > SMALL or np.array_equal(plain, x)


def test_a_picture_of_a_program_holds_plain_arrays() -> None:
    compiled, _ = fresh("reversed and strided", False)
    nodes = list(minigrad.engine.value.graph(*compiled.graph))
    assert all(type(node._array) is not Outline for node in nodes)
