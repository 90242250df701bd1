"""Every sentence on a mistake holds of the numbers beside it: those that are arithmetic are evaluated."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from check import zoo
from check.zoo.case import Case
from everyday import thinned

import minigrad
from minigrad.check.comparison import messages
from minigrad.check.diagnosis.evidence import Evidence
from minigrad.check.diagnosis.patterns import factors, subsets
from minigrad.check.diagnosis.patterns.phrases import factor_phrase, number_phrase
from minigrad.check.diagnosis.report import Finding

Told = tuple[Evidence, list[Evidence], Finding]


def told_of(case: Case, monkeypatch: pytest.MonkeyPatch) -> list[Told]:
    """The findings on wrong arrays, each with the evidence behind it."""
    found, original = list[Told](), messages._wrong

    def recorded(context: Any, slot: Any, evidence: Evidence, others: list[Evidence], *rest: Any) -> Finding:
        finding = original(context, slot, evidence, others, *rest)
        found.append((evidence, others, finding))
        return finding

    monkeypatch.setattr(messages, "_wrong", recorded)
    f, args, given = case.fresh()
    minigrad.gradient_report(f, args, **given)
    return found


def number(text: str) -> tuple[float, float]:
    """A printed number, and half a unit of its last digit; of one close to 1, of the distance from 1."""
    sign, text = (-1, text[1:]) if text.startswith("-(") else (1, text)
    if found := re.fullmatch(r"\(?1 ([+-]) (\S+?)\)?", text):
        distance, half = number(found[2])
        return sign * (1 + (distance if found[1] == "+" else -distance)), half
    mantissa, _, exponent = text.partition("e")
    decimals = len(mantissa.partition(".")[2])
    return float(text), 0.5 * 10.0 ** (int(exponent or 0) - decimals)


class Numbers:
    """The measured entries of an array, and what holds of them within their bars."""

    def __init__(self, evidence: Evidence, others: list[Evidence]) -> None:
        self.evidence, self.others = evidence, others
        self.known = np.isfinite(evidence.reference)
        self.given, self.reference = np.asarray(evidence.given), np.asarray(evidence.reference)
        self.bar = np.asarray(evidence.bar)
        self.wrong = np.asarray(evidence.wrong, dtype=bool)

    def equal(self, a: Any, b: Any, room: Any = 0.0, where: Any = True) -> bool:
        """Whether two arrays agree where both are known, within the bars, 1e-9 of both, and some room."""
        with np.errstate(invalid="ignore"):
            slack = 2 * self.bar + 1e-9 * (np.abs(a) + np.abs(b)) + room
            known = np.isfinite(a) & np.isfinite(b) & where
            return bool(np.any(known) and np.all((np.abs(a - b) <= slack)[known]))

    def is_multiple(self, text: str, where: Any = True) -> bool:
        c, half = number(text)
        room = half * np.abs(self.reference) + abs(c) * 2 * self.bar
        return self.equal(self.given, c * self.reference, room, where)

    def differs_by(self, text: str, where: Any = True) -> bool:
        c, half = number(text)
        return self.equal(
            self.given - self.reference, np.full_like(self.given, c), half + 1e-9 * np.abs(self.given), where
        )

    def is_split(self, right: str, wrong: str) -> bool:
        """Whether the entries are right on one side of a number, and wrong on the other."""
        sides = [(re.fullmatch(r"(x|\|x\|) ([<>≤≥]) (\S+)", side), side) for side in (right, wrong)]
        if not all(found for found, _ in sides):
            return True  # of another variable
        compare: dict[str, Callable[..., Any]] = {
            "<": np.less, ">": np.greater, "≤": np.less_equal, "≥": np.greater_equal,
        }  # fmt: skip
        x = np.asarray(self.evidence.x)
        held = []
        for found, _ in sides:
            assert found is not None
            value, half = number(found[3])
            variable = np.abs(x) if "|" in found[1] else x
            held.append(compare[found[2]](variable, value) | (np.abs(variable - value) <= half * (value != 0)))
        return bool(np.all(held[0][self.known & ~self.wrong]) and np.all(held[1][self.known & self.wrong]))

    def counts(self, wrong: str, total: str) -> bool:
        bad = ~np.isfinite(self.given) & self.known
        counted = {int(self.wrong.sum()), int(bad.sum())}
        return int(wrong.replace(",", "")) in counted and int(total.replace(",", "")) == int(self.known.sum())

    def has_factor(self, words: str) -> bool:
        """Whether given times a function is the reference."""
        x = np.asarray(self.evidence.x)
        y = np.asarray(self.evidence.y)
        y = y.reshape(x.shape) if y.size == x.size else np.full(x.shape, np.nan)
        of: dict[str, Callable[[Any], Any]] = {
            "{}": lambda z: z, "{}²": lambda z: z**2, "1/{}": lambda z: 1 / z, "exp {}": np.exp, "cos {}": np.cos,
            "sin {}": np.sin, "(1 - {}²)": lambda z: 1 - z**2, "(1 - {})": lambda z: 1 - z, "√{}": np.sqrt,
            "{0}(1 - {0})": lambda z: z * (1 - z), "log {}": np.log, "(1 + {}²)": lambda z: 1 + z**2,
        }  # fmt: skip
        named = {e.path: np.asarray(e.x) for e in self.others if np.shape(e.x) == x.shape}
        for shape, function in of.items():
            for letter, z in ({"x": x, "y": y} | named).items():
                if words == shape.format(letter):
                    value = self.given * function(z)
                    return not np.isfinite(z).all() or self.equal(value, self.reference, 1e-6 * np.abs(value))
        return True

    def derivative_of(self, path: str, own: float = 0.0) -> bool:
        """Whether given is the derivative of another argument, and `own` times that of this one."""
        return any(
            e.path == path and self.equal(self.given, np.asarray(e.reference) + own * self.reference, 2 * e.bar)
            for e in self.others
        )


NUMBER = r"(-?\([^)]*\)|-?[\d.]+(?:e[+-]\d+)?)"
CLAIMS: dict[str, Callable[..., bool]] = {
    rf"given = {NUMBER} × reference(?! there)": lambda n, c: n.is_multiple(c),
    rf"; given = {NUMBER} × reference there": lambda n, c: n.is_multiple(c, n.wrong),
    r"; given - reference = (-?[\d.e+-]+|1 [+-] \S+) there": lambda n, c: n.differs_by(c, n.wrong),
    r"given - reference is (-?[\d.e+-]+) (?:everywhere|in all)": lambda n, c: n.differs_by(c),
    r"given is 0 there": lambda n: not np.any(n.given[n.wrong]),
    r"the derivative is 0 there": lambda n: bool(np.all(np.abs(n.reference) <= 2 * n.bar, where=n.wrong)),
    r"the given gradient is 0 everywhere": lambda n: not np.any(n.given),
    r"([\d,]+) of ([\d,]+) entr": lambda n, a, b: n.counts(a, b),
    r"the derivative reversed along axis (\d)": lambda n, k: n.equal(n.given, np.flip(n.reference, int(k))),
    r"shifted cyclically by (-?\d+) along axis (\d)": lambda n, by, k: n.equal(
        n.given, np.roll(n.reference, int(by), int(k))
    ),
    r"the derivative with axes (\d) and (\d) exchanged$": lambda n, a, b: n.equal(
        n.given, np.swapaxes(n.reference, int(a), int(b)), np.swapaxes(2 * n.bar, int(a), int(b))
    ),
    r"right where (.*?), wrong where (.*?)(?:;|$)": lambda n, a, b: n.is_split(a, b),
    r"given × (.*?) = reference: the factor": lambda n, words: n.has_factor(words),
    r"given is the derivative of ([^\s:;,]+)(?:,|$)": lambda n, path: n.derivative_of(path),
    r"given is the derivative of \S+ plus that of ([^\s:;,]+)": lambda n, path: n.derivative_of(path, own=1.0),
}  # fmt: skip


def untrue(told: list[Told]) -> tuple[list[str], int]:
    """The sentences that do not hold, and the number of those that were evaluated."""
    wrong, count = [], 0
    for evidence, others, finding in told:
        numbers = Numbers(evidence, others)
        for line in finding.sentence.split("\n"):
            for claim, holds in CLAIMS.items():
                if found := re.search(claim, line):
                    count += 1
                    wrong += [] if holds(numbers, *found.groups()) else [line]
        if finding.index is not None and finding.given is not None:
            here = np.asarray(evidence.given)[finding.index]
            wrong += [] if here == finding.given or np.isnan(here) else [finding.place]
    return wrong, count


@pytest.mark.parametrize("case", thinned(zoo.MISTAKES, 4), ids=lambda case: case.name)
def test_a_sentence_holds_of_its_numbers(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    told = told_of(case, monkeypatch)
    wrong, _ = untrue(told)
    assert not wrong, (wrong, [finding for *_, finding in told])


def test_most_sentences_are_evaluated(monkeypatch: pytest.MonkeyPatch) -> None:
    findings = evaluated = 0
    for case in zoo.MISTAKES[::12]:
        told = told_of(case, monkeypatch)
        findings, evaluated = findings + len(told), evaluated + untrue(told)[1]
        monkeypatch.undo()
    assert findings > 20 and evaluated > 1.2 * findings


def case_with(word: str, monkeypatch: pytest.MonkeyPatch) -> list[Told]:
    for case in zoo.MISTAKES:
        told = told_of(case, monkeypatch)
        if any(word in finding.sentence for *_, finding in told):
            return told
    raise AssertionError(word)


@pytest.mark.parametrize(
    ("page", "name", "change"),
    [
        (factors, "factor_phrase", lambda value, slack=0.0: "3.5"),
        (subsets, "several", lambda count, total: f"{count + 1} of {total} entries"),
    ],
)
def test_an_untrue_sentence_is_found(page: Any, name: str, change: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """What these tests are worth."""
    monkeypatch.setattr(page, name, change)
    wrong = [w for case in zoo.MISTAKES[:60] for w in untrue(told_of(case, monkeypatch))[0]]
    assert wrong


@pytest.mark.parametrize(
    ("value", "slack", "phrase"),
    [
        (1.001, 1e-12, "(1 + 0.001)"),
        (1 - 1e-6, 1e-12, "(1 - 1e-06)"),
        (-1.0005, 0, "-(1 + 0.0005)"),
        (2.0001, 1e-9, "2.0001"),
        (2.0000000001, 1e-9, "2"),
        (np.pi, 1e-12, "3.142"),
        (1 / 3, 0, "0.3333"),
        (0.0, 0, "0"),
        (1.0, 0, "1"),
        (1.0005, 1e-2, "1"),
        (2e-9, 0, "2e-09"),
    ],
)
def test_a_number_looks_no_rounder_than_it_is(value: float, slack: float, phrase: str) -> None:
    assert factor_phrase(value, slack) == phrase
    assert number_phrase(value, slack) == (phrase[1:-1] if phrase.startswith("(") else phrase)


def test_a_gradient_that_is_zero_where_looked_at_alone_is_not_called_zero_everywhere() -> None:
    n = 4000
    weights = np.random.default_rng(0).normal(size=n)

    def gradient(x: np.ndarray) -> np.ndarray:
        return np.where(np.arange(n) % 1999 == 17, weights, 0.0)

    report = minigrad.gradient_report(lambda x: x @ weights, np.ones(n), grad=gradient)
    assert report.verdict == "disagree" and "0 everywhere" not in str(report), report
    report = minigrad.gradient_report(lambda x: x @ weights, np.ones(n), grad=np.zeros_like)
    assert report.verdict == "disagree" and "0 everywhere" not in str(report), report


def test_entries_are_counted_once_however_many_cotangents_there_are() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(4, 5)).astype("f4"), rng.normal(size=(5, 3)).astype("f4")

    def product(a: Any, b: Any) -> Any:
        return (a.astype("f2") @ b.astype("f2")).astype("f4")

    def back(g: Any, a: Any, b: Any) -> Any:
        g, a, b = (z.astype("f2") for z in (g, a, b))
        return (g @ b.T).astype("f4"), (a.T @ g).astype("f4")

    report = minigrad.gradient_report(product, (a, b), vjp=back)
    assert report.verdict != "disagree", report
    for finding in report.findings:
        for count in re.findall(r"(\d+) (?:more )?entr", finding.sentence):
            assert int(count) <= {"a": 20, "b": 15}[finding.path], report


@pytest.mark.parametrize("off", [1e-3, 0.5, 2.0, 20.0, 1e-6])
def test_the_relative_size_of_a_disagreement_is_printed(off: float) -> None:
    x = np.array([1.0, 2.0])
    report = minigrad.gradient_report(lambda x: np.sum(x**3), x, grad=lambda x: (1 + off) * 3 * x**2)
    shown = re.search(r"off by ([\d,.e+-]+)( %| of it)", str(report))
    assert shown is not None, report
    assert float(shown[1].replace(",", "")) * (0.01 if shown[2] == " %" else 1) == pytest.approx(off, rel=0.05)
