"""Random programs: straight-line functions of NumPy functions in which values are used again, with their arguments.

They are text first: what is printed is what runs. Which operations appear is read off the table; a few ways to
rearrange, reduce and index stand here. Drawn over any source of integers; no hypothesis here.
"""

from __future__ import annotations

import functools
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..catalogue import name_of
from ..domain import REAL, Domain, Draw
from ..op import TABLE, Op
from .calls import literal
from .draws import clearance

# What a program may name. The package is a floor above: programs are written for its users.
NAMESPACE: dict[str, Any] = {"np": np, "minigrad": sys.modules["minigrad"]}
LARGEST = 1e3  # entries beyond are not computed on with: what follows would be a check of overflow
MOST = 64  # entries of one value
TRIES = 4  # per line: many a choice does not fit
NEAR = 3  # how far back an operand may lie
OPERAND = re.compile(r"\bv(\d+)\b")

# What the table cannot say in terms of operands alone, with the fewest dimensions that it makes sense for. NumPy
# refuses where more is wrong.
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


Template = tuple[str, tuple[Domain, ...]]  # of a line, with the domains that its operands must lie in


@dataclass(frozen=True, repr=False)
class Program:
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
        """The function of these arguments."""
        return self.f(*args)

    @property
    def __name__(self) -> str:
        """What a report calls it."""
        return "f"

    def __iter__(self) -> Iterator[Any]:
        """The function and its arguments."""
        return iter((self.f, self.args))

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        """As hypothesis and IPython print it: the same."""
        printer.text(repr(self))

    def __repr__(self) -> str:
        """Source that runs as it stands."""
        args = ", ".join(map(literal, self.args)) + "," * (len(self.args) == 1)
        return f"import minigrad\nimport numpy as np\n\n{self.source}\n\nargs = ({args})"


def draw_program(draw: Draw, most: int = 8, scalar: bool = False) -> Program | None:
    """A program of at most `most` lines over one to three arguments; None where no line could be made.

    scalar: a last line makes one number of the result. Every argument and every line is used.
    """
    values = [draw.array(REAL, shape) for shape in draw.shapes(draw.integer(1, 3))]
    count, rooms = len(values), _templates()
    lines = [""] * count  # an argument has none
    for _ in range(TRIES * most):
        # Asked before each line, and once more when there are enough: so that any line can be left out, and what
        # was asked after it means the same as before. That is what lets programs shrink.
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
    return _pruned(lines, values[:count])


def _line(draw: Draw, values: Sequence[Any], rooms: Sequence[Sequence[Template]]) -> str:
    """One line more; none where what was drawn does not fit."""
    template, domains = draw.choice(draw.choice(rooms))
    # From the latest few, so that programs grow deep and use values again.
    latest = len(values) - 1
    chosen = [latest - draw.integer(0, min(NEAR, latest)) for _ in range(template.count("{}"))]
    operands = [values[k] for k in chosen]
    fit = np.ndim(operands[0]) >= REARRANGING.get(template, 0) and fits(domains, operands)
    return template.format(*(f"v{k}" for k in chosen)) if fit else ""


def _templates() -> list[list[Template]]:
    """What a line may be, in rooms that are equally likely, the simplest first; two operands count twice."""
    found = {op for op in TABLE.values() if op.vjps and all(op.vjps) and isinstance(op.calls, functools.partial)}
    spelled = [(_template(op), op.domain) for op in found]
    spelled = sorted((s for s in spelled if s[0]), key=lambda s: (len(s[0]), s[0]))
    unary: list[Template] = [(template, domains) for template, domains in spelled if len(domains) == 1]
    more = [(template, domains) for template, domains in spelled if len(domains) > 1]
    return [unary, more, [(template, ()) for template in REARRANGING], more]


def _template(op: Op) -> str:
    """How it is typed: an operator between its operands, else a function by a name that leads to it."""
    if len(op.domain) == 2 and op.label in {"+", "-", "*", "/"}:
        return f"{{}} {op.label} {{}}"
    name = name_of(op)
    try:
        found = functools.reduce(getattr, name.split(".")[1:], NAMESPACE[name.partition(".")[0]])
    except (KeyError, AttributeError):  # a user's own
        return ""
    return f"{name}({', '.join(['{}'] * len(op.domain))})" if found is op.function else ""


def fits(domains: Sequence[Domain], operands: Sequence[Any]) -> bool:
    """Whether the operands lie where an op is smooth: in its domains, and as far from kinks as drawn numbers do."""
    for domain, operand in zip(domains, operands, strict=False):
        x = np.ravel(operand)
        # Numbers are drawn from a part of the reals; what reaches that far reaches everywhere.
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
    """What the line gives; None where it gives an error, or nothing to compute on with."""
    space = NAMESPACE | {f"v{k}": x for k, x in enumerate(values)}
    try:
        with np.errstate(all="ignore"):
            y = eval(line, space)
    except (ValueError, IndexError, TypeError):
        return None
    if isinstance(y, tuple):  # of several outputs a line would have to pick one
        return None
    usable = 0 < np.size(y) <= MOST and np.all(np.abs(y) <= LARGEST)  # nan is not
    return y if usable else None


def _pruned(lines: Sequence[str], args: Sequence[Any]) -> Program:
    """The program of what the last line needs, with names in order."""
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
    return Program("\n".join([head, *inner, f"    return {renamed(kept[-1])}"]), tuple(args[k] for k in inputs))
