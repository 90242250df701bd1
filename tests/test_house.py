"""The house: what may import what, how long files are, what the public face shows, that the README runs."""

from __future__ import annotations

import ast
import builtins
import functools
import importlib.util
import inspect
import io
import os
import re
import shutil
import subprocess
import sys
from contextlib import redirect_stdout
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from op_lists import lists_of_ops

import minigrad

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = Path(minigrad.__file__).resolve().parent
FILES = sorted(p for p in PACKAGE.rglob("*.py") if "__pycache__" not in p.parts)


ADAPTING = ("frameworks", "frontends")  # each of their folders is for the framework of its name


def needed_by(path: Path) -> str:
    """The package that a module is for: of its name in interop/, of its folder's in check/frameworks/ and so on."""
    interop = path.parent.name == "interop" and path.stem != "__init__"
    return path.stem if interop else path.parent.name if path.parent.parent.name in ADAPTING else "numpy"


IMPORTABLE = [p for p in FILES if find_spec(needed_by(p))]  # the package may not be installed
README = ROOT / "README.md"


def lines_of(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


# ------------------------------------------------------------------------------------------------ layers


def test_a_file_imports_from_floors_below_its_own() -> None:
    command = shutil.which("lint-imports", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    assert command, "import-linter belongs to the test extra"
    done = subprocess.run([command, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout and "21 kept" in done.stdout


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
    forbidden = {
        "value",
        "node",
        "backward",
        "transforms",
        "modes",
        "broadcasting",
        "array_methods",
        "conversions",
        "numpy_protocols",
    }
    rules = PACKAGE / "rules"
    for path in rules.rglob("*.py"):
        package = {*path.relative_to(rules).parts[:-1]}  # the folder is named after the one it is for
        assert not imports_of(path) & {"minigrad", "graphviz", "scipy"} - package, path.name
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.level:
                names = (
                    {node.module or "", *(alias.name for alias in node.names)} if not node.module else {node.module}
                )
                assert not {part for name in names for part in name.split(".")} & forbidden, (
                    f"{path.name}: {ast.unparse(node)}"
                )


def test_a_rule_never_reads_the_data_of_its_inputs() -> None:
    for path in (PACKAGE / "rules").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            assert not (isinstance(node, ast.Attribute) and node.attr in ("data", "_array")), path.name


# ----------------------------------------------------------------------------------------------- sizes


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_no_file_is_longer_than_400_lines(path: Path) -> None:
    assert lines_of(path) <= 400


# What a newcomer reads: the engine, and one page of rules.
NEWCOMER = [f"engine/{name}.py" for name in ("op", "node", "backward", "broadcasting", "value", "tree")]
NEWCOMER += ["rules/arithmetic.py"]
# What these may import of the engine.
BESIDES = {
    "errors",
    "modes",
    "name_scopes",
    "array_methods",
    "conversions",
    "numpy_protocols",
    "debugging",
    "sampling",
}
# More of the engine, which that does not import: it plugs in.
PLUGGED_IN = ["engine/name_scopes.py", "engine/debugging.py"]


def modules_imported_by(path: Path) -> set[Path]:
    """The files of the package that a file imports, anywhere in it; the faces of packages hold no code."""
    found: set[Path] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = path.parents[node.level - 1].joinpath(*(node.module or "").split("."))
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == PACKAGE.name:
            base = PACKAGE.parent.joinpath(*(node.module or "").split("."))
        else:
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            assert not any(name.split(".")[0] == PACKAGE.name for name in names), path
            continue
        candidates = [base, *(base / alias.name for alias in node.names)]
        found |= {c.with_suffix(".py") for c in candidates if c.with_suffix(".py").is_file()}
    return found


def closure_of(names: list[str]) -> set[Path]:
    found: set[Path] = set()
    todo = [PACKAGE / name for name in names]
    while todo:
        path = todo.pop()
        if path not in found:
            found.add(path)
            todo += modules_imported_by(path)
    return found


def test_what_a_newcomer_reads_with_all_that_it_imports_is_read_in_an_evening() -> None:
    reading = closure_of(NEWCOMER)
    assert {"modes.py", "errors.py", "limits.py"} <= {path.name for path in reading}, "imports are not followed"
    engine = {f"engine/{path.name}" for path in reading if path.parent.name == "engine"}
    assert engine <= {*NEWCOMER} | {f"engine/{name}.py" for name in BESIDES}
    assert sum(map(lines_of, reading)) <= 2300
    assert sum(map(lines_of_code, reading)) <= 1650


def lines_of_code(path: Path) -> int:
    """Lines that are neither blank, nor a comment, nor of a docstring."""
    text = path.read_text(encoding="utf-8")
    skipped = {k for k, line in enumerate(text.splitlines(), 1) if not line.strip() or line.strip()[0] == "#"}
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)) and ast.get_docstring(node):
            skipped |= set(range(node.body[0].lineno, (node.body[0].end_lineno or 0) + 1))
    return len(text.splitlines()) - len(skipped)


def words_of(path: Path) -> set[str]:
    """All words of a file, in lower case: of names too, which are taken apart."""
    return {word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+", path.read_text(encoding="utf-8"))}


# np.trace, of a matrix; and the property of an op that holds its vmap rule, of which the engine makes no use.
EXCEPT = {"array_methods.py": {"trace"}, "op.py": {"vmap"}}


def test_the_engine_names_nothing_that_plugs_into_it() -> None:
    """It knows one mode, recording: whatever records for other data comes from above, through one object."""
    for path in closure_of(NEWCOMER + PLUGGED_IN):
        words = words_of(path) - EXCEPT.get(path.name, set())
        found = {word for word in words if word.startswith(("trac", "tape", "taping", "batch", "compil", "vmap"))}
        assert not found, f"{path.relative_to(PACKAGE)}: {found}"


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
    for path in IMPORTABLE:
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        for_another = parts[0] == "rules" and len(parts) == 3 and not importlib.util.find_spec(parts[1])
        if parts[-1] != "__main__" and not for_another:
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
    base, ours = loaded_by("import numpy, numpy.random, dataclasses, pathlib, shutil"), loaded_by("import minigrad")
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
    assert not {"minigrad.cli.commands.tour", "minigrad.cli.main"} & loaded_by("import minigrad")


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


# ----------------------------------------------------------------------------------- one table of what an op is

# Lists of ops for another reason than a fact about an op, with that reason. "pairs": several lists of two.
_PYTHON, _STATEMENTS = "what Python's operators are to NumPy", "made of the statements"
_ALGEBRA = "the algebra of proofs itself, to which all meanings come down"
_CANDIDATES = "functions that a wrong gradient may be made of: candidates, not facts about ops"
_SIGNS = "a negation passes through sums and products: an identity between these four"
_MEASURED = "measured by a script: what other libraries do at kinks"
JUSTIFIED: dict[str, str] = {
    "check.comparison.convention_data:SHARES": _MEASURED,
    "check.comparison.convention_data:LOST": _MEASURED,
    "check.comparison.convention_data:INFINITE": _MEASURED,
    "check.diagnosis.patterns.factor_library:_OF": _CANDIDATES,
    "check.diagnosis.patterns.recurrent:_ACTIVATIONS": _CANDIDATES,
    "check.diagnosis.patterns.regions:_DIAGONAL": _CANDIDATES,
    "cli.expression:OPERATORS": _PYTHON,
    "cli.vocabulary:FUNCTIONS": "the table by name, for expressions of the command line",
    "compiler.buffers:_writes": "how NumPy's `out=` differs for products of matrices, and for x ** e",
    "compiler.powers:_find_power": "the ufuncs that NumPy itself calls for three exponents",
    "compiler.codegen:_RAISING": "operators that raise on Python's floats",
    "compiler.numpy_functions:UFUNCS": _PYTHON,
    "compiler.numpy_functions:SYMBOLS": _PYTHON,
    "compiler.numpy_functions:AS_OPERATORS": _PYTHON,
    "compiler.native.loop_choice:OURS": "functions that have a loop in C here",
    "compiler.native.loop_choice:_ROUNDED": "what IEEE 754 says of rounding",
    "compiler.passes.fuse_broadcasts:_OPERATORS": _PYTHON,
    "compiler.passes.negation:_Signs._add": _SIGNS,
    "compiler.passes.negation:pairs": _SIGNS,
    "compiler.scalar_codegen:_ARITHMETIC": _PYTHON,
    "compiler.native.strips:_BINARY": "the arithmetic that processors do on vectors, which arithmetic.c states",
    "compiler.scalar_codegen:_COMPARISONS": _PYTHON,
    "compiler.scalar_codegen:pairs": "what these return on Python's floats: True or False, or an operand as it is",
    "engine.op:COMPOSED": _STATEMENTS,
    "engine.op:UNDIFFERENTIATED": _STATEMENTS,
    "engine.op:FORWARDS": _STATEMENTS,
    "engine.op:UFUNC_METHODS": _STATEMENTS,
    "engine.op:_STATED": "parameters that Python cannot ask NumPy's C functions for before 2.4",
    "symmetry.changes:APART": _ALGEBRA,
    "symmetry.factor_text:RULES": "how a person writes these derivatives; any other is written as label′(x)",
    "symmetry.frontends.elementary:ELEMENTARY": "the table by the names that PyTorch and JAX share",
    "symmetry.identities:ALGEBRA": _ALGEBRA,
    "symmetry.semantics:DIRECT": _ALGEBRA,
    "tracing.lower:_PUBLIC": _STATEMENTS,
}
if find_spec("torch"):
    _ATEN = "what the operations of PyTorch are in terms of ops"
    JUSTIFIED |= {
        f"symmetry.frontends.torch.aten_{page}:{page.upper()}": _ATEN for page in ("elementwise", "shapes")
    }
    JUSTIFIED["symmetry.frontends.torch.traced_loss:ROWS"] = _ATEN
OUTSIDE = [p for p in IMPORTABLE if p.relative_to(PACKAGE).parts[0] not in ("rules", "__main__.py")]


@functools.cache
def found_in(path: Path) -> dict[str, list[str]]:
    """The lists of ops in a module of the package, by module and name, with the labels of what they list."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    module = importlib.import_module(".".join(("minigrad", *parts)).removesuffix(".__init__"))
    found = lists_of_ops(path.read_text(encoding="utf-8"), vars(module), str(module.__package__))
    return {f"{'.'.join(parts)}:{name}": sorted(op.label for op in ops) for name, ops in found.items()}


@pytest.mark.parametrize("path", OUTSIDE, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_no_module_outside_of_the_rules_lists_ops(path: Path) -> None:
    """A fact about ops belongs into their rows; who needs it asks the record."""
    assert {name: labels for name, labels in found_in(path).items() if name not in JUSTIFIED} == {}


def test_every_list_of_ops_that_is_justified_exists() -> None:
    assert {*JUSTIFIED} <= {name for path in OUTSIDE for name in found_in(path)}


@pytest.mark.parametrize(
    "source",
    [
        "ODD = {np.tanh, np.sin, np.tan}",
        "ODD = types.MappingProxyType({np.tanh: 1, np.sin: 1, np.tan: 1})",
        "ODD = frozenset(map(functools.partial(getattr, np), 'tanh sin tan'.split()))",
        "ODD = {}\nfor f in (np.tanh, np.sin):\n    ODD[f] = -1\nODD[np.tan] = -1",
        "ODD = [TABLE[np.tanh], TABLE[np.sin], TABLE[np.tan]]",
        "COLOURS = {'exp': 'red', 'tanh': 'blue', 'relu': 'green', 'sin': 'gold'}",
        "NAMES = dict(exp=1, tanh=2, relu=3)",
        "def names():\n    return 'exp, tanh, sigmoid'.split(', ')",
        "class Odd:\n    FUNCTIONS = (np.tanh, np.sin, np.tan)",
        "def odd(f):\n    return f in {np.tanh, np.sin, np.tan}",
        "def odd(f, known=(np.tanh, np.sin, np.tan)):\n    return f in known",
        "def odd(f):\n    return {np.tanh: 1, np.sin: 1, np.tan: 1}.get(f)",
        "def odd(f):\n    return dict([(np.tanh, 1), (np.sin, 1), (np.tan, 1)]).get(f)",
        "def odd(f):\n    return f is np.tanh or f is np.sin or f is np.tan",
        "def odd(f):\n    if f is np.tanh:\n        return True\n    if f == np.sin:\n        return True\n"
        "    return f == np.tan",
        "def odd(f):\n    match f:\n        case np.tanh | np.sin | np.tan:\n            return True",
        "def odd(f):\n    return f in set(map(functools.partial(getattr, np), ['tanh', 'sin', 'tan']))",
        "def odd(f):\n    return f.__name__ in 'tanh sin tan'.split()",
        "def bends(f):\n    return f in (relu, sigmoid, softplus, silu)",
        "def bends(f):\n    from minigrad.rules.activations import relu as r, sigmoid as s, softplus as t\n"
        "    return f in (r, s, t)",
        "def symbol(op):\n    return op.label in {'+', '-', '*', '/'}",
        "def symbol(op):\n    return op.label == '+' or op.label == '-' or op.label == '*'",
        "def multiplies(f):\n    return f in {operator.add, operator.mul, operator.matmul}",
        "A, B = {np.tanh, np.sin}, {np.tan, np.arctan}",
        "def odd(f):\n    return f in {np.tanh, np.sin}\ndef more(f):\n    return f in {np.tan, np.arctan}",
        "def odd(f):\n    return f in {np.tanh, np.sin} | {np.tan}",
    ],
)
def test_a_list_of_ops_that_comes_back_is_found(source: str) -> None:
    space: dict[str, Any] = {}
    exec("import functools, operator, types\nimport numpy as np\nfrom minigrad.engine.op import TABLE", space)
    exec(f"from minigrad import relu, sigmoid, softplus, silu\n{source}", space)
    assert lists_of_ops(source, space), source


@pytest.mark.parametrize(
    "source",
    [
        "def both(x):\n    return np.tanh(x), np.sin(x), np.tan(x)",
        "def is_dot(f):\n    return f in (np.matmul, np.dot)",
        "WORDS = ('the', 'sum', 'of', 'all', 'rows', 'or', 'none')",
        "def gradient(f):\n    return f is np.tanh and f.nin > 0 or f is np.sin",
    ],
)
def test_the_use_of_ops_is_no_list_of_them(source: str) -> None:
    space: dict[str, Any] = {}
    exec(f"import numpy as np\n{source}", space)
    assert not lists_of_ops(source, space), source


# ------------------------------------------------------------------------------------------- one pytree module

# Nestings are taken apart here: a walker elsewhere would not see dataclasses, or what will be registered next.
PYTREES = {f"engine/{name}.py" for name in ("tree", "tree_pairs", "tree_folds", "dataclass_trees")}

# Functions that call themselves and ask for lists, tuples or dicts, with the reason.
_SOURCE = "writes Python, in which each container has a text of its own"
_PATTERNS = "writes patterns for C, which has code of its own for each container"
_NUMPYS = "nested lists as NumPy takes them; a page of rules imports NumPy alone"
_OUTPUTS = "the result of an op: one array, or a tuple of several"
WALKERS: dict[str, str] = {
    "compiler/codegen.py:Writer.spell": _SOURCE,
    "compiler/result_text.py:ResultWriter.text": _SOURCE,
    "compiler/guards.py:Guard._any": _SOURCE,
    "compiler/native/entry.py:_patterns": _PATTERNS,
    "rules/borders.py:holds_values": _NUMPYS,
    "rules/composed.py:_depth": _NUMPYS,
    "rules/composed.py:_most_axes": _NUMPYS,
    "rules/composed.py:_join_blocks": _NUMPYS,
    "rules/indexing.py:scatter": "the parts of an index, of which one may be a Value",
    "rules/shaping.py:stack": _NUMPYS,
    "rules/vmap_rules.py:behind": "an axis, or a tuple of axes",
    "engine/node.py:record": _OUTPUTS,
    "tracing/program.py:same_bits": _OUTPUTS,
    "compiler/passes/inline.py:_final": _OUTPUTS,
    "compiler/passes/inline.py:_data": _OUTPUTS,
    "engine/node.py:_replace": "an axis or an index, in many ops: faster than tree_map, which does the rest",
    "compiler/retraces.py:_differing": "a key that this file made, no nesting",
    "drawing/outputs/json_output.py:_plain": "JSON has other containers: it follows the fields of a Diagram",
    "drawing/outputs/json_output.py:_read": "JSON has other containers: it follows the fields of a Diagram",
}


def asks_for_containers(function: ast.AST) -> bool:
    """Whether a function has a test such as isinstance(x, (list, dict)), type(x) is tuple or case list()."""
    for node in ast.walk(function):
        test: list[ast.AST] = []
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("isinstance", "issubclass"):
            test = [*node.args[1:]]
        elif isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
            test = [x for side in sides for x in (getattr(side, "elts", [side])) if isinstance(x, ast.Name)]
        elif isinstance(node, ast.MatchClass):
            test = [node.cls]
        names = {x.id for part in test for x in ast.walk(part) if isinstance(x, ast.Name)}
        if names & {"list", "tuple", "dict"} or isinstance(node, (ast.MatchSequence, ast.MatchMapping)):
            return True
    return False


def functions_by_place(tree: ast.AST, place: str = "", owner: str = "") -> dict[str, tuple[ast.AST, str]]:
    """Every function by its place, as Class.method or outer.inner, with the class that it is a method of."""
    found: dict[str, tuple[ast.AST, str]] = {}
    for node in ast.iter_child_nodes(tree):
        here, within = place, owner
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            here, within = f"{place}.{node.name}".strip("."), ""
            found[here] = node, owner
        elif isinstance(node, ast.ClassDef):
            here = within = f"{place}.{node.name}".strip(".")
        found |= functions_by_place(node, here, within)
    return found


def called_by(place: str, functions: dict[str, tuple[ast.AST, str]]) -> set[str]:
    """The functions of the same file that a function names, and the methods that it names of self."""
    function, owner = functions[place]
    outer = [place.rsplit(".", k)[0] for k in range(place.count(".") + 1)]
    local = {x.id for x in ast.walk(function) if isinstance(x, ast.Name) and isinstance(x.ctx, ast.Store)}
    found = set()
    for node in ast.walk(function):
        if isinstance(node, ast.Name) and node.id not in local:
            found |= {name for name in (node.id, *(f"{scope}.{node.id}" for scope in outer)) if name != owner}
        elif isinstance(node, ast.Attribute) and ast.unparse(node.value) in ("self", "cls", owner):
            found.add(f"{owner}.{node.attr}")
    return found & functions.keys()


def walkers_in(text: str) -> set[str]:
    """The functions that reach themselves by calls within the file, and ask for lists, tuples or dicts."""
    functions = functions_by_place(ast.parse(text))
    calls = {place: called_by(place, functions) for place in functions}
    found = set()
    for place, (function, _) in functions.items():
        reached: set[str] = set()
        todo = [*calls[place]]
        while todo:
            if (name := todo.pop()) not in reached:
                reached.add(name)
                todo += calls[name]
        if place in reached and asks_for_containers(function):
            found.add(place)
    return found


def test_nestings_are_walked_by_the_pytree_module_alone() -> None:
    """Others call flatten, tree_map, leaves, tree_fold, replace_leaves, tree_key or tree_pairs."""
    found = set()
    for path in FILES:
        name = path.relative_to(PACKAGE).as_posix()
        if name not in PYTREES:
            found |= {f"{name}:{place}" for place in walkers_in(path.read_text(encoding="utf-8"))}
    assert found - WALKERS.keys() == set()
    assert WALKERS.keys() - found == set(), "a reason for what is gone"


WALKS = {
    "by itself": """
def f(x):
    return [f(y) for y in x] if isinstance(x, (list, tuple)) else x
""",
    "by its type": """
def f(x):
    return tuple(map(f, x)) if type(x) is tuple else x
""",
    "as a method": """
class A:
    def f(self, x):
        return [self.f(y) for y in x] if type(x) in (list, dict) else x
""",
    "in a function": """
def g(x):
    def f(x):
        return {k: f(y) for k, y in x.items()} if isinstance(x, dict) else x
    return f(x)
""",
    "by turns": """
def f(x):
    return g(x) if isinstance(x, list) else x
def g(x):
    return [f(y) for y in x]
""",
    "by a match": """
def f(x):
    match x:
        case list():
            return [f(y) for y in x]
""",
}


@pytest.mark.parametrize("name", WALKS)
def test_a_walker_that_comes_back_is_found(name: str) -> None:
    assert len(walkers_in(WALKS[name])) == 1
    assert not walkers_in(WALKS[name].replace("list", "str").replace("tuple", "str").replace("dict", "str"))


# ------------------------------------------------------------------------------------------------- names

# Functions that each module of a folder defines, for its registry finds them by this name.
PROTOCOL = {"adapt", "add_options", "as_arrays", "parts", "run", "register", "unregister"}


def test_no_public_name_occurs_twice() -> None:
    """A reader who searches for a name finds one function or class."""
    found: dict[str, set[str]] = {}
    for path in FILES:
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and not node.name.startswith("_"):
                found.setdefault(node.name, set()).add(str(path.relative_to(PACKAGE)))
    assert {name: places for name, places in found.items() if len(places) > 1 and name not in PROTOCOL} == {}


def rooms_by_name() -> dict[str, list[tuple[str, str]]]:
    """For each name of a module or package: where it occurs, and the docstring there."""
    found: dict[str, list[tuple[str, str]]] = {}
    for path in FILES:
        room = path.parent if path.name == "__init__.py" else path.with_suffix("")
        if room != PACKAGE and room.name != "__main__":
            text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
            found.setdefault(room.name, []).append((str(room.relative_to(PACKAGE)), text))
    return found


def names_room(text: str, room: str) -> bool:
    """Whether a docstring leads to another room: by its path, or, as the help of a command, by a function there."""
    functions = [getattr(minigrad, name, None) for name in re.findall(r"`minigrad\.(\w+)`", text)]
    modules = [getattr(function, "__module__", "").replace(".", "/") + "/" for function in functions]
    return f"`{room}`" in text or any(module.startswith(f"minigrad/{room}/") for module in modules)


def test_modules_of_the_same_name_name_each_other() -> None:
    """Two rooms may have a module of one name if it is the same idea, and each docstring leads to the other.

    A package may also have a module of its own name, such as `check/diagnosis/diagnosis`.
    """
    twice = {name: places for name, places in rooms_by_name().items() if len(places) > 1}
    assert {"errors", "op", "draw", "check"} <= set(twice), "they are not found"
    for name, places in twice.items():
        for room, text in places:
            others = [other for other, _ in places if not f"{room}/".startswith(f"{other}/")]
            silent = [other for other in others if not other.startswith(f"{room}/") and not names_room(text, other)]
            assert not silent, f"the docstring of {room} does not say where the other {name} is: {silent}"


def test_a_docstring_that_does_not_lead_to_the_other_room_is_found() -> None:
    assert names_room("See `nn/losses`.", "nn/losses")
    assert names_room("In Python: `minigrad.ties`.", "symmetry/ties")
    for text in ("Losses.", "See `nn/losses_of_lists`.", "In Python: `minigrad.draw`.", "`minigrad.nothing`"):
        assert not names_room(text, "nn/losses") and not names_room(text, "symmetry/ties")


# The page on which a reader looks for each of these first.
PAGES = {
    "activations": "relu sigmoid softplus softmax log_softmax gelu silu elu selu leaky_relu relu6 hard_tanh "
    "softsign log_sigmoid glu erf erfc",
    "losses": "cross_entropy binary_cross_entropy_with_logits negative_log_likelihood focal_loss multiclass_hinge "
    "margin_ranking_loss",
    "layers": "layer_norm batch_norm embedding dropout",
    "reductions": "logsumexp",
}


def test_functions_of_networks_are_on_the_page_of_their_kind() -> None:
    for page, names in PAGES.items():
        for name in names.split():
            assert getattr(minigrad, name).__module__ == f"minigrad.rules.{page}", name


def names_of_code(path: Path) -> set[str]:
    """All identifiers of a file: what is defined, imported, read, passed or taken as an attribute."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef, ast.alias)):
            found |= {*node.name.split(".")}
        elif isinstance(node, ast.ImportFrom):
            found |= {*(node.module or "").split(".")}
        else:
            found |= {getattr(node, label, None) for label in ("id", "arg", "attr")} - {None}
    return found


def test_a_name_in_backticks_is_a_name_of_the_package() -> None:
    """Where a thing was renamed, the docstrings that send a reader there were, too."""
    files = [*FILES, ROOT / "pytest_minigrad.py"]
    known = {part for path in FILES for part in (path.stem, *path.relative_to(PACKAGE).parts[:-1])}
    known |= set(dir(builtins)).union(*map(names_of_code, files))
    stale = [
        f"{path.relative_to(ROOT)}: {name}"
        for path in files
        for name in re.findall(r"(?<!`)`([A-Za-z_][\w.]*)`(?!`)", path.read_text(encoding="utf-8"))
        if not {*name.split(".")} <= known
    ]
    assert stale == []
