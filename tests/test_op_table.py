"""The table for readers says what the table holds, and the generated page is no older."""

import importlib.util
import itertools
import re
from pathlib import Path

import numpy as np

import minigrad
from minigrad.cli.main import main
from minigrad.engine.op import TABLE
from minigrad.op_table import composites, markdown, qualified, table_text

PAGE = Path(minigrad.__file__).parent / "rules" / "README.md"


def test_every_op_has_one_row_with_nothing_left_out():
    rows = minigrad.ops()
    assert len(rows) == len(set(TABLE.values()))
    for row in rows:
        assert row.page and row.op and row.label and row.formula and row.domain, row
        assert row.reverse in ("reverse", "zero"), row
    assert [row.page for row in rows] == sorted(row.page for row in rows)


def test_rows_say_where_a_rule_stands_and_what_it_does():
    rows = {row.op: row for row in minigrad.ops()}
    assert (rows["np.exp"].page, rows["np.exp"].formula, rows["np.exp"].higher) == (
        "elementwise",
        "y = e^x",
        "any order",
    )
    assert rows["np.sign"].reverse == "zero"
    assert rows["minigrad.relu"].kink


# Rows of what the NumPy at hand does not have yet.
MISSING = tuple(f"| np.{name} |" for name in ("matvec", "vecmat") if not hasattr(np, name))


def without_missing_packages(page: str) -> str:
    """The page without the sections on packages that are not installed, such as scipy.special."""
    sections = re.split(r"^(?=## )", page, flags=re.M)
    packages = [re.match(r"## (\w+)\.\w+\n", section) for section in sections]
    kept = (not found or importlib.util.find_spec(found[1]) for found in packages)
    return "".join(itertools.compress(sections, kept))


def test_the_generated_page_is_up_to_date():
    """If this fails: python -m minigrad ops --markdown > minigrad/rules/README.md"""
    page, made = (without_missing_packages(x).splitlines() for x in (PAGE.read_text(encoding="utf-8"), markdown()))
    if np.lib.NumpyVersion(np.__version__) < "2.4.0":
        # A page made by such a NumPy may be the one at hand. np.fix is trunc itself later.
        page, made = ([line for line in x if not line.startswith((*MISSING, "| np.fix |"))] for x in (page, made))
    assert page == made


def test_the_command_prints_both_forms(capsys):
    assert main(["ops"]) == 0
    assert capsys.readouterr().out == table_text() + "\n"
    assert main(["ops", "--markdown"]) == 0
    assert capsys.readouterr().out == markdown() + "\n"


def test_functions_made_of_others_are_listed_and_are_no_rows():
    """dropout is a function of the nn page without a rule; np.block is written with np.concatenate."""
    names = [name for name, _ in composites()]
    assert {"minigrad.dropout", "minigrad.stack", "np.block", "np.linalg.cond"} <= {*names}
    assert not {*names} & {row.op for row in minigrad.ops()}
    for name, formula in composites():
        assert formula
        assert f"| {name} |" in markdown() and f"  {name} " in table_text()


def test_a_function_of_a_script_is_called_by_its_bare_name():
    def slope(x):
        return x

    slope.__module__ = "__main__"
    assert qualified(slope) == "slope"
