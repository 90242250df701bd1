"""``python -m minigrad ties FILE.py::NAME``: its exit statuses, what it prints, and what it says of mistakes."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from minigrad.cli import locate, main

MODEL = """
import numpy as np
from minigrad import nn

def ones(): return nn.MLP([3, 4, 2], init="ones")
def random(): return nn.MLP([3, 4, 2], init="normal", seed=0)
def drawn(): return nn.MLP([3, 4, 2], init=lambda shape, rng: np.random.normal(size=shape))
network = random()
def absolute(a, b): return np.sum(np.abs(a - b))

def f(p, x, y): return np.mean((np.tanh(x @ p["w"]) @ p["v"] - y) ** 2)
def pair(): return f, {"w": np.ones((3, 4)), "v": np.ones((4, 2))}
def frozen(): return f, {"w": np.zeros((3, 4)), "v": np.zeros((4, 2))}
def inverse(): return (lambda p, x, y: np.sum(np.linalg.inv(p + x[:3]))), np.zeros((3, 3))

def number(): return 3
def leaves(): raise SystemExit(0)
def prints():
    print("loading")
    return ones()
def needs(x): return x
def fails():
    raise ValueError("no weights\\nsecond line")
def late(): return (lambda p, x, y: np.sum(p["nothing"])), {"w": np.ones(3)}
"""
TORCH = """
import torch
from torch import nn

def build(fill=True):
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
    for p in model.parameters():
        if fill: nn.init.constant_(p, 0.1)
    return model
def random(): return build(fill=False)
"""
JAX = """
import jax.numpy as jnp

def f(p, x, y): return jnp.mean((jnp.tanh(x @ p["w"]) @ p["v"] - y) ** 2)
def build(): return f, {"w": jnp.ones((3, 4)), "v": jnp.ones((4, 2))}
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Models and data, and nothing left behind of them."""
    for name, text in {"model": MODEL, "in_torch": TORCH, "in_jax": JAX, "absent": "import jax.nothing"}.items():
        (tmp_path / f"{name}.py").write_text(text)
        monkeypatch.delitem(sys.modules, name, raising=False)
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(5, 3)), rng.normal(size=(5, 2))
    np.savez(tmp_path / "data.npz", x, y)
    np.savez(tmp_path / "named.npz", y=y, x=x)
    np.savez(tmp_path / "classes.npz", x, np.array([0, 1, 0, 1, 1]))
    np.savez(tmp_path / "empty.npz")
    np.save(tmp_path / "x.npy", x)
    np.save(tmp_path / "y.npy", y)
    (tmp_path / "broken.npz").write_text("PK")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    locate.load.cache_clear()
    return tmp_path


def run(capsys: pytest.CaptureFixture[str], words: str) -> tuple[int, str, str]:
    """The exit status, and what was printed on stdout and stderr."""
    try:
        status = main.main(["ties", *words.split()])
    except SystemExit as left:
        status = int(left.code or 0)
    return status, *capsys.readouterr()


def test_the_findings_stand_under_the_summary(capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = run(capsys, "model.py::ones --data data.npz")
    assert (status, err) == (0, "")
    lines = out.splitlines()
    assert lines[0] == "26 parameters move as 8 · hidden layer of 4 acts as 1"
    assert lines[1] == "for this data; groups of several: proved"
    assert "  tied: W1: columns 0 to 3 are one for ever (proved; random start was tried and helps)" in lines


@pytest.mark.parametrize(
    ("words", "status"),
    [
        ("model.py::ones", 1),
        ("model.py::random", 0),
        ("model.py::network", 0),
        ("model.py::pair", 1),
        ("model.py::frozen", 1),
        ("model.py::frozen --allow w --allow v", 0),
        ("model.py::ones --allow W*", 1),
        ("model.py::ones --allow W* --allow b1", 0),
        ("model.py::random --loss cross-entropy", 0),
        ("model.py::ones --loss absolute", 1),
        ("model.py::ones --loss model.py::absolute --for-all-data", 1),
    ],
)
def test_check_exits_with_1_where_something_is_tied_or_frozen(
    words: str, status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    data = "classes.npz" if "cross-entropy" in words else "data.npz"
    assert run(capsys, f"{words} --data {data} --check")[0] == status
    assert run(capsys, f"{words} --data {data}")[0] == 0


def test_check_of_sizes(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "2-3-1 --check")[0] == 1
    assert run(capsys, "2-3-1 --init normal --check")[0] == 0


def test_json_holds_the_findings_alone(capsys: pytest.CaptureFixture[str]) -> None:
    first, second = (run(capsys, "model.py::pair --data named.npz --json --check") for _ in range(2))
    assert first == second and first[0] == 1
    findings = json.loads(first[1])
    assert [set(f) for f in findings] == [{"kind", "tensors", "indices", "evidence", "remedy", "sentence"}] * 2
    assert findings[0]["kind"] == "tied" and findings[0]["evidence"] == "proved"
    assert json.loads(run(capsys, "2-3-1 --init normal --json")[1]) == []


def test_data_may_be_named_or_in_several_files(capsys: pytest.CaptureFixture[str]) -> None:
    wanted = run(capsys, "model.py::pair --data data.npz")
    assert run(capsys, "model.py::pair --data named.npz") == wanted
    assert run(capsys, "model.py::pair --data x.npy --data y.npy") == wanted


def test_ops_that_the_proof_does_not_know_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert "the proof does not know inv" in run(capsys, "model.py::inverse --data data.npz")[1]


def test_a_model_that_draws_its_start_is_the_same_each_time(capsys: pytest.CaptureFixture[str]) -> None:
    first, second = (run(capsys, "model.py::drawn --data data.npz --seed 3") for _ in range(2))
    assert first == second


@pytest.mark.parametrize(
    ("words", "status", "text"),
    [
        ("model.py::nothing --data data.npz", 3, "model.py has no 'nothing'; it has"),
        ("none.py::build --data data.npz", 3, "there is no file none.py"),
        ("model.py::number --data data.npz", 3, "gives int, and ties takes a model or a pair"),
        ("model.py::needs --data data.npz", 3, "missing 1 required positional argument"),
        ("model.py::fails --data data.npz", 3, "line 23: ValueError: no weights\n"),
        ("model.py::late --data data.npz", 3, "line 24: KeyError: 'nothing'"),
        ("model.py::ones", 3, "--data is missing"),
        ("model.py::ones --data empty.npz", 3, "--data empty.npz holds no arrays"),
        ("model.py::ones --data broken.npz", 3, "--data broken.npz cannot be read"),
        ("model.py::ones --data nothing.npz", 3, "--data nothing.npz cannot be read"),
        ("model.py::ones --data model.py", 3, "is no .npy or .npz file"),
        (
            "model.py::ones --data x.npy",
            3,
            "x.npy holds 1 array; the model takes its inputs x and the target y",
        ),
        ("model.py::ones --data data.npz --loss guess", 3, "--loss guess: model.py has no 'guess'"),
        ("model.py::pair --data data.npz --loss squared", 3, "f returns the loss itself"),
        ("absent.py::build --data data.npz", 3, "line 1: ModuleNotFoundError"),
        ("2-3-1 --init guess", 3, "no initialiser is called 'guess'"),
        ("2-3-1 --loss guess", 2, "invalid choice: 'guess'"),
        ("2-3-1 --data data.npz", 2, "ties of sizes hold for all data"),
        ("model.py::ones --data data.npz --init ones", 2, "argument --init: it is for sizes such as 2-3-3-2"),
        ("model.py::ones --data data.npz --activation relu", 2, "argument --activation: it is for sizes"),
        ("model.py", 2, "write its sizes like 2-3-3-2 or FILE.py::NAME"),
        ("model.py::ones --data", 2, "expected one argument"),
    ],
)
def test_mistakes_have_a_status_of_their_own(
    words: str, status: int, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    found, out, err = run(capsys, f"{words}")
    assert (found, out) == (status, "")
    assert text in err and "Traceback" not in err and "second line" not in err


def test_constant_is_a_start(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "2-3-1 --init constant") == run(capsys, "2-3-1 --init 0.1")
    assert run(capsys, "2-3-1 --init constant=0") == run(capsys, "2-3-1 --init zeros")


def test_every_activation_of_the_table_has_a_name(capsys: pytest.CaptureFixture[str]) -> None:
    names = "elu gelu hard_tanh leaky_relu log_sigmoid relu relu6 selu sigmoid silu softplus softsign tanh"
    for name in names.split():
        assert run(capsys, f"2-3-1 --activation {name}")[1].startswith("13 parameters move as 5"), name


def test_a_module_of_torch(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("torch", reason="the command on a module of PyTorch needs it")
    status, out, _ = run(capsys, "in_torch.py::build --data data.npz --check")
    assert status == 1
    assert "tied: 0.weight: all 12 entries" in out or "tied: 0.weight: rows 0 to 3 are one for ever" in out
    assert run(capsys, "in_torch.py::random --data data.npz --check")[0] == 0
    assert run(capsys, "in_torch.py::random --data classes.npz --loss cross-entropy")[0] == 0
    status, _, err = run(capsys, "in_torch.py::random --data classes.npz")
    assert status == 3 and "whole numbers" in err


def test_a_function_of_jax(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("jax", reason="the command on a function of JAX needs it")
    status, out, _ = run(capsys, "in_jax.py::build --data named.npz --check")
    assert status == 1 and "tied: w: columns 0 to 3 are one for ever" in out


def test_a_framework_that_is_not_there_is_named(capsys: pytest.CaptureFixture[str], monkeypatch: Any) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    status, _, err = run(capsys, "in_torch.py::build --data data.npz")
    assert status == 3 and "line 2: ModuleNotFoundError" in err and "write  pip install torch" in err


def test_gradients_that_are_no_numbers_fail_a_check(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    np.savez(tmp_path / "nan.npz", np.full((5, 3), np.nan), np.ones((5, 2)))
    status, out, _ = run(capsys, "model.py::random --data nan.npz --check")
    assert status == 1 and "26 entries have a gradient that is no finite number" in out
    assert "everything moves" not in out


def test_arrays_named_x_and_y_are_taken_by_name(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(5, 3)), rng.normal(size=(5, 2))
    np.savez(tmp_path / "one.npz", x=x, y=y)
    np.savez(tmp_path / "other.npz", y=y, x=x)
    assert run(capsys, "model.py::ones --data one.npz") == run(capsys, "model.py::ones --data other.npz")


def test_an_allowed_name_that_no_tensor_has_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    status, _, err = run(capsys, "model.py::ones --data data.npz --check --allow nosuch --allow W*")
    assert status == 1 and err == "minigrad ties: --allow nosuch: no tensor has that name\n"


def test_an_exit_of_the_model_is_no_success(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert run(capsys, "model.py::leaves --data data.npz --check")[0] == 3
    (tmp_path / "ends.py").write_text(MODEL + "\nimport sys\nsys.exit(0)\n")
    status, out, err = run(capsys, "ends.py::ones --data data.npz --check")
    assert (status, out) == (3, "") and "ends.py cannot be imported" in err and "SystemExit" in err


def test_a_file_that_reads_its_own_options_gets_none(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "argp.py").write_text("import argparse\nargparse.ArgumentParser().parse_args()\n" + MODEL)
    assert run(capsys, "argp.py::random --data data.npz --check")[0] == 0


def test_what_the_model_prints_is_no_part_of_the_json(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, err = run(capsys, "model.py::prints --data data.npz --json")
    assert json.loads(out) and "loading" in err
