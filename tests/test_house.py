"""The house: what may import what, how long files are, what the public face shows, that the README runs."""

from __future__ import annotations

import ast
import importlib
import inspect
import io
import os
import re
import shutil
import subprocess
import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minigrad

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = Path(minigrad.__file__).resolve().parent
FILES = sorted(p for p in PACKAGE.rglob("*.py") if "__pycache__" not in p.parts)
README = ROOT / "README.md"


def lines_of(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


# ------------------------------------------------------------------------------------------------ layers


def test_a_file_imports_from_floors_below_its_own() -> None:
    command = shutil.which("lint-imports", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    assert command, "import-linter belongs to the test extra"
    done = subprocess.run([command, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout and "1 kept" in done.stdout


def imports_of(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.add((node.module or "").split(".")[0])
    return found


def test_a_page_of_rules_imports_numpy_and_what_states_a_rule_alone() -> None:
    """A rule never asks for the engine: it runs on arrays and on Values alike."""
    allowed = {
        "value",
        "node",
        "sweep",
        "transforms",
        "context",
        "cotangent",
        "methods",
        "conversions",
        "protocols",
    }
    for path in (PACKAGE / "rules").glob("*.py"):
        assert not imports_of(path) & {"minigrad", "graphviz", "scipy"}, path.name
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.level:
                names = (
                    {node.module or "", *(alias.name for alias in node.names)} if not node.module else {node.module}
                )
                assert not {name.split(".")[0] for name in names} & allowed, f"{path.name}: {ast.unparse(node)}"


def test_a_rule_never_reads_the_data_of_its_inputs() -> None:
    for path in (PACKAGE / "rules").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            assert not (isinstance(node, ast.Attribute) and node.attr in ("data", "_array")), path.name


# ----------------------------------------------------------------------------------------------- sizes


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_no_file_is_longer_than_400_lines(path: Path) -> None:
    assert lines_of(path) <= 400


def test_the_engine_is_read_in_an_evening() -> None:
    """What records and sweeps, what differentiates functions, and one page of rules."""
    reading = ["op.py", "node.py", "sweep.py", "tree.py", "transforms.py", "rules/arithmetic.py"]
    assert sum(lines_of(PACKAGE / name) for name in reading) < 1100
    assert sum(lines_of_code(PACKAGE / name) for name in reading) < 800


def lines_of_code(path: Path) -> int:
    """Lines that are neither blank, nor a comment, nor of a docstring."""
    text = path.read_text(encoding="utf-8")
    skipped = {k for k, line in enumerate(text.splitlines(), 1) if not line.strip() or line.strip()[0] == "#"}
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)) and ast.get_docstring(node):
            skipped |= set(range(node.body[0].lineno, (node.body[0].end_lineno or 0) + 1))
    return len(text.splitlines()) - len(skipped)


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_every_module_says_what_the_room_is_for(path: Path) -> None:
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    assert text and "." in text and len(text) > 20, path.name


def functions_of(path: Path) -> list[tuple[str, int]]:
    """Name and length of every function, without its signature and docstring."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            body = node.body[1:] if ast.get_docstring(node) else node.body
            found.append((node.name, (node.end_lineno or 0) - body[0].lineno + 1 if body else 0))
    return found


def test_functions_are_short() -> None:
    long = [f"{p.name}:{name} ({n})" for p in FILES for name, n in functions_of(p) if n > 40]
    assert long == []


# -------------------------------------------------------------------------------------- the public face


def test_all_is_what_can_be_imported() -> None:
    assert len(set(minigrad.__all__)) == len(minigrad.__all__)
    assert minigrad.__all__ == sorted(minigrad.__all__)
    public = {
        name
        for name, x in vars(minigrad).items()
        if not name.startswith("_") and not (inspect.ismodule(x) and name not in minigrad.__all__)
    }
    assert public == set(minigrad.__all__)


def test_the_names_that_the_package_promises_are_there() -> None:
    promised = {"Value", "grad", "value_and_grad", "relu", "sigmoid", "softplus", "softmax", "log_softmax"}
    promised |= {"logsumexp", "cross_entropy", "put", "stack", "draw", "nn", "errors"}
    assert promised <= set(minigrad.__all__)


@pytest.mark.parametrize("name", minigrad.__all__)
def test_every_public_name_has_a_docstring_of_its_own(name: str) -> None:
    x = getattr(minigrad, name)
    text = inspect.getdoc(x) or ""
    assert text, name
    first = text.splitlines()[0]
    assert len(first) > 15 and len(first) <= 116 and "\n" not in first
    if inspect.isfunction(x):
        assert x.__doc__, "not one that was inherited"


def test_public_methods_have_docstrings_or_one_line_that_says_it() -> None:
    for name, x in inspect.getmembers(minigrad.Value):
        if name.startswith("_"):
            continue
        function = x.fget if isinstance(x, property) else x
        if not inspect.isfunction(function):
            continue
        short = len(inspect.getsource(function).splitlines()) <= 3
        assert function.__doc__ or short, name


def test_public_functions_are_typed() -> None:
    for name in minigrad.__all__:
        x = getattr(minigrad, name)
        if inspect.isfunction(x):
            signature = inspect.signature(x)
            assert signature.return_annotation is not inspect.Signature.empty, name
            for parameter in signature.parameters.values():
                assert parameter.annotation is not inspect.Parameter.empty, f"{name}({parameter.name})"


def test_no_module_has_the_name_of_a_public_function() -> None:
    """minigrad.draw is a function: a module of that name would take its place once it is imported."""
    functions = {name for name in minigrad.__all__ if not inspect.ismodule(getattr(minigrad, name))}
    modules = {p.stem for p in PACKAGE.glob("*.py")} | {p.name for p in PACKAGE.iterdir() if p.is_dir()}
    planned = {
        "draw",
        "compile",
        "vmap",
        "jacobian",
        "hessian",
        "checkpoint",
        "vjp",
        "jvp",
        "explain",
        "check_grads",
    }
    assert not modules & (functions | planned)


def test_public_names_survive_the_import_of_every_module() -> None:
    before = {name: getattr(minigrad, name) for name in minigrad.__all__}
    for path in FILES:
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        if parts[-1] != "__main__":
            importlib.import_module(".".join(("minigrad", *parts)).removesuffix(".__init__"))
    assert {name: getattr(minigrad, name) for name in minigrad.__all__} == before


def test_the_type_information_is_shipped() -> None:
    assert (PACKAGE / "py.typed").exists()


# ------------------------------------------------------------------------------------ what an import costs


def loaded_by(statement: str) -> set[str]:
    script = f"{statement}\nimport sys\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_import_loads_nothing_but_numpy_and_the_package() -> None:
    base, ours = loaded_by("import numpy, numpy.random, dataclasses, shutil"), loaded_by("import minigrad")
    more = {name.split(".")[0] for name in ours - base} - {"minigrad"}
    heavy = {"graphviz", "graphviz_pure", "hypothesis", "matplotlib", "tqdm", "scipy", "pytest", "dask", "IPython"}
    heavy |= {
        "subprocess",
        "asyncio",
        "argparse",
        "tempfile",
        "http",
        "urllib",
        "logging",
        "unittest",
        "xml",
        "html",
    }
    assert not more & heavy
    foreign = {name for name in more if name not in sys.stdlib_module_names and not name.startswith("_cython")}
    assert foreign <= {"numpy", "cython_runtime"}, "a package that is no part of Python"


def test_import_does_not_load_the_command_line() -> None:
    assert not {"minigrad.tour", "minigrad.cli"} & loaded_by("import minigrad")


# ------------------------------------------------------------------------------------------- the README


def blocks_of(text: str) -> list[tuple[str, str | None]]:
    """Each ```python block, with the ```text block that follows it, if one does before the next."""
    fences = re.findall(r"^```(\w*)\n(.*?)^```$", text, flags=re.M | re.S)
    blocks: list[tuple[str, str | None]] = []
    for language, body in fences:
        if language == "python":
            blocks.append((body, None))
        elif language == "text" and blocks and blocks[-1][1] is None:
            blocks[-1] = (blocks[-1][0], body)
    return blocks


def run_blocks(blocks: list[tuple[str, str | None]]) -> None:
    """All blocks in one namespace, in order; what is printed must be what stands below."""
    space: dict[str, Any] = {"__name__": "readme"}
    for code, expected in blocks:
        printed = io.StringIO()
        with redirect_stdout(printed):
            exec(compile(code, "README.md", "exec"), space)
        if expected is not None:
            assert printed.getvalue().strip() == expected.strip(), code


@pytest.mark.skipif(not README.exists(), reason="there is no README.md")
def test_the_code_of_the_readme_runs_and_prints_what_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    blocks = blocks_of(README.read_text(encoding="utf-8"))
    assert blocks, "a README without a line of code"
    assert any(expected is not None for _, expected in blocks)
    run_blocks(blocks)


def test_the_readme_is_really_compared() -> None:
    right, wrong = "```python\nprint(1)\n```\n\n```text\n1\n```\n", "```python\nprint(1)\n```\n\n```text\n2\n```\n"
    run_blocks(blocks_of(right))
    with pytest.raises(AssertionError):
        run_blocks(blocks_of(wrong))
    with pytest.raises(ZeroDivisionError):
        run_blocks(blocks_of("```python\nx = 1 / 0\n```"))


@pytest.mark.skipif(not README.exists(), reason="there is no README.md")
def test_the_links_of_the_readme_lead_somewhere() -> None:
    text = README.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#]+)\)", text):
        assert target.startswith("http") or (ROOT / target).exists(), target


@pytest.mark.skipif(not README.exists(), reason="there is no README.md")
def test_the_files_that_the_readme_names_exist() -> None:
    for name in re.findall(r"`((?:rules/)?\w+\.py)`", README.read_text(encoding="utf-8")):
        assert list(PACKAGE.rglob(name)) or list(ROOT.glob(name)) or (PACKAGE / name).exists(), name


def test_the_docstring_of_the_package_is_right() -> None:
    text = minigrad.__doc__ or ""
    source, expected = re.search(r">>> (minigrad\.grad.*)\n(.*)\n", text).groups()  # type: ignore[union-attr]
    assert repr(eval(source, {"minigrad": minigrad, "np": np})) == expected


# ----------------------------------------------------------------------------------------- words and traces


def test_nothing_names_a_path_of_the_machine_it_was_written_on() -> None:
    pattern = re.compile(r"/(?:work|home|tmp|root|Users)/|shared/|localhost")
    for path in [*FILES, *(README,) * README.exists()]:
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            assert not pattern.search(line), f"{path.name}:{number}: {line}"
