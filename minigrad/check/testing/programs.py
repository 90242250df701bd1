"""Random programs with arguments: straight-line code made of NumPy functions that uses values more than once.

A program is a text: the printed text is the code that runs. The operations come from the table; this file adds a
few ways to rearrange, reduce and index. Any source of integers will do; this file does not import hypothesis.
"""

from __future__ import annotations

import functools
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...engine.op import TABLE, Op
from ...engine.sampling import REAL, Domain, Draw
from ...op_table import op_name
from .op_calls import literal
from .op_sampling import clearance

# Names that a program may use. Programs are user code, so they import the package itself.
NAMESPACE: dict[str, Any] = {"np": np, "minigrad": sys.modules["minigrad"]}
LARGEST = 1e3  # no line uses larger entries: that would test overflow
MOST = 64  # entries of one value
TRIES = 4  # for each line, since many choices do not fit
NEAR = 3  # how many lines back an operand may be
OPERAND = re.compile(r"\bv(\d+)\b")

# Lines that need more than an op and its operands, with the least number of dimensions of the first operand. NumPy
# rejects other mismatches.
REARRANGING = {
    "np.sum({})": 1,
    "0.5 * {}": 0,
    "1.0 - {}": 0,
    "{} ** 2": 0,
    "{}[0]": 1,
    "{}[::-1]": 1,
    "{}[[0, 0, -1]]": 1,
    "np.sum({}, axis=0)": 1,
    "np.mean({}, axis=-1, keepdims=True)": 1,
    "np.transpose({})": 2,
    "np.ravel({})": 2,
    "{} @ {}": 1,
    "np.stack([{}, {}])": 0,
    "np.concatenate([{}, {}])": 1,
}


Template = tuple[str, tuple[Domain, ...]]  # the text of a line, and the domains of its operands


@dataclass(frozen=True, repr=False)
class SourceProgram:
    """A function given by its source, and the arguments to call it with; unpacks as ``f, args``.

    Printed, it is Python that defines ``f`` and ``args``. It can be pickled.
    """

    source: str
    args: tuple[Any, ...]

    @property
    def f(self) -> Callable[..., Any]:
        """The function, compiled."""
        space = dict(NAMESPACE)
        exec(compile(self.source, "<program>", "exec"), space)
        function: Callable[..., Any] = space["f"]
        return function

    def __call__(self, *args: Any) -> Any:
        """Call the function."""
        return self.f(*args)

    @property
    def __name__(self) -> str:
        """The name in reports."""
        return "f"

    def __iter__(self) -> Iterator[Any]:
        """The function and its arguments."""
        return iter((self.f, self.args))

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """Print the repr, in hypothesis and IPython."""
        printer.text(repr(self))

    def __repr__(self) -> str:
        """Source that runs as printed."""
        args = ", ".join(map(literal, self.args)) + "," * (len(self.args) == 1)
        return f"import minigrad\nimport numpy as np\n\n{self.source}\n\nargs = ({args})"


def draw_program(draw: Draw, most: int = 8, scalar: bool = False) -> SourceProgram | None:
    """Draw a program of at most `most` lines with one to three arguments; None if no line fits.

    scalar: a last line reduces the result to one number. The result depends on every argument and every line.
    """
    values = [draw.array(REAL, shape) for shape in draw.shapes(draw.integer(1, 3))]
    count, rooms = len(values), _templates()
    lines = [""] * count  # an argument has none
    for _ in range(TRIES * most):
        # Drawn before each line, and once more at the end: so hypothesis can leave out any line while later draws
        # keep their meaning. That lets programs shrink.
        done = len(values) > count and draw.integer(0, 2 * most) == 0
        if done or len(values) == count + most:
            break
        line = _line(draw, values, rooms)
        value = _value(line, values) if line else None
        if value is not None:
            values.append(value)
            lines.append(line)
    if len(values) == count:
        return None
    if scalar and np.ndim(values[-1]):
        lines.append(f"np.sum(v{len(values) - 1} ** 2)")
    return _prune(lines, values[:count])


def _line(draw: Draw, values: Sequence[Any], rooms: Sequence[Sequence[Template]]) -> str:
    """One more line; "" if the draw does not fit."""
    template, domains = draw.choice(draw.choice(rooms))
    # Use the latest few values, so that programs grow deep and use values repeatedly.
    latest = len(values) - 1
    chosen = [latest - draw.integer(0, min(NEAR, latest)) for _ in range(template.count("{}"))]
    operands = [values[k] for k in chosen]
    fit = np.ndim(operands[0]) >= REARRANGING.get(template, 0) and fits(domains, operands)
    return template.format(*(f"v{k}" for k in chosen)) if fit else ""


def _templates() -> list[list[Template]]:
    """Templates of lines in equally likely groups, the simplest first; two operands count twice."""
    found = {op for op in TABLE.values() if op.vjps and all(op.vjps) and isinstance(op.calls, functools.partial)}
    spelled = [(_template(op), op.domain) for op in found]
    spelled = sorted((s for s in spelled if s[0]), key=lambda s: (len(s[0]), s[0]))
    unary: list[Template] = [(template, domains) for template, domains in spelled if len(domains) == 1]
    more = [(template, domains) for template, domains in spelled if len(domains) > 1]
    return [unary, more, [(template, ()) for template in REARRANGING], more]


def _template(op: Op) -> str:
    """The op as a user types it: an operator between its operands, or a function by its public name."""
    symbol = isinstance(op.function, np.ufunc) and not op.label.isidentifier()
    on_floats = f"{{0}} {op.label} {{1}}"  # unless the row says otherwise
    if symbol and len(op.domain) == 2 and (op.on_floats or on_floats).startswith(on_floats):
        return f"{{}} {op.label} {{}}"
    name = op_name(op)
    try:
        found = functools.reduce(getattr, name.split(".")[1:], NAMESPACE[name.partition(".")[0]])
    except (KeyError, AttributeError):  # a user's own op
        return ""
    return f"{name}({', '.join(['{}'] * len(op.domain))})" if found is op.function else ""


def fits(domains: Sequence[Domain], operands: Sequence[Any]) -> bool:
    """Whether an op is smooth at the operands: inside its domains, and as far from kinks as drawn numbers are."""
    for domain, operand in zip(domains, operands, strict=False):
        x = np.ravel(operand)
        # Numbers are drawn from a part of the reals; a domain that covers this part counts as all of them.
        low = -LARGEST if domain.low <= REAL.low else domain.low
        high = LARGEST if domain.high >= REAL.high else domain.high
        if x.size and not (low <= x.min() and x.max() <= high):
            return False
        if any(np.abs(x - kink).min(initial=np.inf) < clearance(domain) for kink in domain.avoid):
            return False
    if any(domain.distinct for domain in domains):
        x = np.sort(np.concatenate([np.ravel(operand) for operand in operands]))
        return bool(np.diff(x).min(initial=np.inf) >= clearance(domains[0]))
    return True


def _value(line: str, values: Sequence[Any]) -> Any:
    """The result of the line; None if it raises an error or gives nothing usable."""
    space = NAMESPACE | {f"v{k}": x for k, x in enumerate(values)}
    try:
        with np.errstate(all="ignore"):
            y = eval(line, space)
    except (ValueError, IndexError, TypeError):
        return None
    if isinstance(y, tuple):  # several outputs, of which a line would have to pick one
        return None
    usable = 0 < np.size(y) <= MOST and np.all(np.abs(y) <= LARGEST)  # nan is not
    return y if usable else None


def _prune(lines: Sequence[str], args: Sequence[object]) -> SourceProgram:
    """The program without the lines that the last line does not need, with new names in order."""
    needed = {len(lines) - 1}
    for k in reversed(range(len(lines))):
        if k in needed:
            needed |= {int(i) for i in OPERAND.findall(lines[k])}
    kept = sorted(needed)
    inputs = [k for k in kept if k < len(args)]
    names = {k: "xyz"[i] if i < len(inputs) else f"v{i - len(inputs) + 1}" for i, k in enumerate(kept)}

    def renamed(k: int) -> str:
        return OPERAND.sub(lambda match: names[int(match[1])], lines[k])

    inner = [f"    {names[k]} = {renamed(k)}" for k in kept[len(inputs) : -1]]
    head = f"def f({', '.join(names[k] for k in inputs)}):"
    return SourceProgram(
        "\n".join([head, *inner, f"    return {renamed(kept[-1])}"]), tuple(args[k] for k in inputs)
    )
