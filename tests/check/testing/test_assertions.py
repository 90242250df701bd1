"""In a test suite: a failed check is its report and no traceback, and the plugin costs nothing until it is used."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

import minigrad
import minigrad.check.testing.assertions as testing
from minigrad.check.testing import strategies

ROOT = Path(minigrad.__file__).parents[1]

SUITE = """
import numpy as np
import pytest
from minigrad.check.testing.assertions import assert_gradients

def f(x): return np.sum(np.sin(x))
def df(x): return np.cos(x)
def minus(x): return -np.cos(x)
def noisy(x): return float(np.sum(np.sin(x)) + 1e-3 * np.random.default_rng().normal())
X = np.array([0.5, -1.2])

def test_right(): assert assert_gradients(f, X, grad=df).ok
def test_wrong(): assert_gradients(f, X, grad=minus)
def test_untold(): assert_gradients(noisy, X, grad=df)
def test_allowed(): assert assert_gradients(noisy, X, grad=df, allow_unresolved=True).verdict == "unresolved"
def test_fixture(check_gradients): assert check_gradients(f, X, grad=df).ok
def test_fixture_wrong(check_gradients): check_gradients(f, X, grad=minus)
"""
HYPOTHESIS = """
import numpy as np
from hypothesis import given, settings
from minigrad.check.testing.assertions import assert_gradients, smooth_arrays

@settings(derandomize=True, database=None, deadline=None, max_examples=30)
@given(smooth_arrays(kinks=[0.0]))
def test_wrong_below_zero(x): assert_gradients(np.abs, x, vjp=lambda g, x: g)
"""


def run(folder: Path, suite: str, *options: str) -> subprocess.CompletedProcess[str]:
    (folder / "test_suite.py").write_text(suite)
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--rootdir", str(folder), *options]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    return subprocess.run(
        [*command, "test_suite.py"],
        cwd=folder,
        env=environment | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


def sections(output: str) -> dict[str, list[str]]:
    """The lines of each failure, by the name of its test."""
    found: dict[str, list[str]] = {}
    name = ""
    for line in output.splitlines():
        if line.startswith("___"):
            name = line.strip("_ ")
        elif line.startswith("==="):
            name = ""
        elif name:
            found.setdefault(name, []).append(line)
    return found


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    folder = tmp_path_factory.mktemp("suite")
    done = run(folder, SUITE, "-n", "2", "--junitxml", "out.xml")
    assert done.returncode == 1, done.stdout + done.stderr
    return done.stdout, folder / "out.xml"


@pytest.mark.slow
def test_right_ones_pass_and_wrong_and_untold_ones_fail_under_xdist(outcome: tuple[str, Path]) -> None:
    assert set(sections(outcome[0])) == {"test_wrong", "test_untold", "test_fixture_wrong"}
    assert "3 failed, 3 passed" in outcome[0]


@pytest.mark.parametrize("name", ["test_wrong", "test_fixture_wrong"])
@pytest.mark.slow
def test_a_failure_is_the_line_of_the_test_and_the_report(name: str, outcome: tuple[str, Path]) -> None:
    lines = sections(outcome[0])[name]

    def f(x: np.ndarray) -> np.ndarray:
        return np.sum(np.sin(x))

    report = minigrad.gradient_report(f, np.array([0.5, -1.2]), grad=lambda x: -np.cos(x))
    shown = [line.removeprefix("E").strip() for line in lines if line.startswith("E")]
    assert shown[0].endswith("GradientMismatch:")
    assert [line for line in shown[1:] if line] == [line.strip() for line in str(report).splitlines()]
    rest = [line for line in lines if line.strip() and not line.startswith(("E", "[gw"))]
    call = "check_gradients" if "fixture" in name else "assert_gradients"
    assert any(line.startswith((">", "    def", "def")) and call in line for line in rest)
    assert not any("minigrad" in line and ".py" in line for line in rest), "a line of the checker"
    assert "Traceback" not in "\n".join(lines) and "During handling" not in "\n".join(lines)


def test_what_cannot_be_told_fails_with_its_report_too(outcome: tuple[str, Path]) -> None:
    text = "\n".join(sections(outcome[0])["test_untold"])
    assert "GradientUnresolved" in text and "unresolved" in text and "random" in text


def test_the_fixture_writes_what_it_saw_into_the_properties_of_the_test(outcome: tuple[str, Path]) -> None:
    cases = {case.get("name"): case for case in ElementTree.parse(outcome[1]).iter("testcase")}
    (found,) = cases["test_fixture"].iter("property")
    assert found.get("name") == "gradients"
    assert "agree" in (found.get("value") or "") and "would find a relative error of" in found.get("value", "")


@pytest.mark.slow
def test_under_hypothesis_a_failure_shows_the_smallest_example_and_its_report(tmp_path: Path) -> None:
    done = run(tmp_path, HYPOTHESIS, "-n", "0")
    assert done.returncode == 1
    assert "test_wrong_below_zero(" in done.stdout
    assert "np.float64(-" in done.stdout or "x=-" in done.stdout or "array(-" in done.stdout
    assert "disagree" in done.stdout and "1 failed" in done.stdout


def loaded_by(statement: str) -> set[str]:
    script = f"import json, sys\n{statement}\nprint(json.dumps([*sys.modules]))"
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True
    )
    return set(json.loads(done.stdout))


def test_importing_the_plugin_loads_neither_numpy_nor_the_package_nor_hypothesis() -> None:
    """pytest imports it in every run of everyone who has minigrad installed."""
    more = loaded_by("import pytest_minigrad") - loaded_by("import pytest")
    assert {name.split(".")[0] for name in more} == {"pytest_minigrad"}


def test_the_plugin_is_found_where_the_package_is_installed() -> None:
    from importlib.metadata import distribution

    names = {(entry.group, entry.name, entry.value) for entry in distribution("minigrad").entry_points}
    assert ("pytest11", "minigrad", "pytest_minigrad") in names


def test_hypothesis_is_loaded_when_a_strategy_is_asked_for_and_not_before() -> None:
    before = loaded_by("from minigrad.check.testing.assertions import assert_gradients")
    after = loaded_by("from minigrad.check.testing.assertions import smooth_arrays")
    assert "hypothesis" not in before and "hypothesis" in after
    assert "pytest" not in before


def test_every_strategy_is_exported_again() -> None:
    assert [*testing.STRATEGIES] == strategies.__all__
    for name in strategies.__all__:
        assert getattr(testing, name) is getattr(strategies, name)
    with pytest.raises(AttributeError, match="has no attribute 'arrays'"):
        testing.arrays


def test_the_report_is_given_back() -> None:
    assert testing.assert_gradients(np.sin, 0.5).ok
    with pytest.raises(minigrad.GradientMismatch) as caught:
        testing.assert_gradients(np.sin, 0.5, grad=np.sin)
    assert caught.value.report.verdict == "disagree"
    assert caught.value.__suppress_context__
