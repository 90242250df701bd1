"""What holds of every view, output format, command, optimiser and activation: each is found here by itself."""

from __future__ import annotations

import importlib
import inspect
import itertools
import re
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import write_lists
from seeds import NETWORKS

import minigrad
from minigrad import Value, draw, nn, ties
from minigrad.cli import main
from minigrad.drawing.outputs import OUTPUTS
from minigrad.drawing.views import VIEWS
from minigrad.errors import RenderError
from minigrad.nn import optim
from minigrad.nn.mlp import activations

ROOT = Path(minigrad.__file__).resolve().parents[1]
BEGINS = {".png": b"\x89PNG", ".pdf": b"%PDF", ".svg": b"<?xml", ".json": b"{", ".dot": b"digraph", ".mmd": b"flow"}

# ------------------------------------------------------------------------------------------- views and formats


# What a view is shown, by name: the kind of subject, and the arguments of draw.
SUBJECTS: dict[str, tuple[str, Any]] = {
    "a model": ("model", lambda: NETWORKS["two-neurons-tied"][0]),
    "a model of another kind": ("model", lambda: (Spare("float64"), *batch(3, "float64"))),
    "one letter": ("value", lambda: (Value(3.0, name="a") + Value(2.0, name="b"),)),
    "letters in cells": ("value", lambda: (np.sum(np.tanh(Value(np.ones((2, 3)), name="W")) @ np.arange(3.0)),)),
    "zeros": ("value", lambda: (Value(3.0, name="a") * 0 + Value(2.0, name="b") * 2 + 1,)),
    "boxes": ("value", lambda: (scoped(),)),
    "a sum": ("value", lambda: (sum([Value(float(k)) * 2 for k in range(4)]),)),
    "a leaf": ("value", lambda: (Value(3.0, name="a"),)),
    "no gradient": ("value", lambda: (Value(np.arange(3.0), name="v") * 2,)),
}
SHOWN = [(name, k) for name, view in VIEWS.items() for k, (kind, _) in SUBJECTS.items() if kind in view.draws]


def scoped() -> Value:
    a = Value(0.5, name="a")
    with minigrad.scope("outer"), minigrad.scope("inner"):
        b = np.tanh(a)
    return b * a


@pytest.mark.parametrize("suffix", OUTPUTS)
@pytest.mark.parametrize("name", VIEWS)
def test_every_view_is_written_in_every_format(name: str, suffix: str, tmp_path: Path) -> None:
    """Of one subject; equal graphs give equal bytes."""
    arguments = next(make for view, subject in SHOWN if view == name for make in (SUBJECTS[subject][1],))
    try:
        content = draw(*arguments(), view=name).save(tmp_path / f"y{suffix}").read_bytes()
    except RenderError as error:  # PDF is written by an engine that may be missing
        assert suffix == ".pdf" and "no layout engine" in str(error)
        return
    assert content.startswith(BEGINS.get(suffix, b""))
    again = draw(*arguments(), view=name).save(tmp_path / f"again{suffix}").read_bytes()
    assert again == content or suffix == ".pdf"


@pytest.mark.parametrize(("name", "subject"), SHOWN)
def test_every_view_of_every_subject_is_written_in_every_format(name: str, subject: str, tmp_path: Path) -> None:
    """The page shows it beside the other views. PDF and PNG are made from the same DOT text as SVG."""
    drawing = draw(*SUBJECTS[subject][1](), view=name)
    assert drawing.diagram.view == name and drawing.diagram.nodes
    for suffix in OUTPUTS:
        if suffix not in (".pdf", ".png"):
            assert drawing.save(tmp_path / f"y{suffix}").exists(), suffix


@pytest.mark.parametrize("suffix", [suffix for suffix in OUTPUTS if suffix != ".pdf"])
def test_every_format_tells_two_graphs_apart(suffix: str, tmp_path: Path) -> None:
    """An empty file could not."""
    a, b = Value(3.0, name="a"), Value(2.0, name="b")
    one, other = (draw(y).save(tmp_path / f"{k}{suffix}").read_bytes() for k, y in enumerate((a * b, a + b * 7)))
    assert one != other


@pytest.mark.parametrize("registry", [VIEWS, OUTPUTS], ids=["views", "outputs"])
def test_every_view_and_format_says_in_a_line_what_it_is(registry: Any) -> None:
    for name, thing in registry.items():
        assert 5 < len(thing.help) < 80 and "\n" not in thing.help and not thing.help.endswith("."), name


@pytest.mark.parametrize("registry", [VIEWS, OUTPUTS], ids=["views", "outputs"])
def test_help_lists_every_view_and_format(registry: Any, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main.main(["draw", "--help"])
    out = capsys.readouterr().out
    assert f"models only: {', '.join(name for name, view in VIEWS.items() if view.draws == ('model',))})" in out
    lines = [line.split(maxsplit=1) for line in out.splitlines()]
    assert [[name, thing.help] for name, thing in registry.items() if [name, thing.help] not in lines] == []


def test_help_lists_every_activation(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main.main(["ties", "--help"])
    assert ", ".join(activations()) in " ".join(capsys.readouterr().out.split())


def test_the_lists_of_the_documentation_are_up_to_date() -> None:
    """If this fails: python docs/write_lists.py"""
    made = write_lists.pages()
    assert {"lists.md", "checking.md"} <= {path.name for path in made}
    for path, text in made.items():
        if path.parent.name != "rules":  # test_op_table compares that one: it differs from NumPy to NumPy
            assert path.read_text(encoding="utf-8") == text, f"{path.name}: python docs/write_lists.py"


def test_the_lists_of_the_documentation_have_everything() -> None:
    page = write_lists.lists_page()
    things = [f'`"{name}"`' for name in VIEWS] + [f"`{suffix}`" for suffix in OUTPUTS]
    things += [f"`python -m minigrad {name}`" for name in main.commands()]
    things += [f'`"{name}"`' for name in activations()] + [f"`nn.optim.{name}`" for name in OPTIMISERS]
    assert [thing for thing in things if f"\n| {thing} |" not in page] == []


# -------------------------------------------------------------------------------------------------- commands


@pytest.mark.parametrize("name", main.commands())
def test_every_command_has_help_and_an_example_of_its_usage(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    command = main.commands()[name]
    assert 10 < len(command.help) < 120
    examples = re.findall(rf"^ *python -m minigrad ({name}\b.*)$", command.doc, flags=re.M)
    assert examples, f"the docstring of {command.module} ends with an example of {name}"
    if name == main.DEFAULT:
        monkeypatch.setattr(importlib.import_module(command.module), "tour", print)
    (tmp_path / "model.py").write_text(
        "import numpy as np\n"
        "def loss(x, y): return np.sum((x * 2 - y) ** 2)\n"
        "def loss_gradient(x, y): return 4 * (x * 2 - y), -2 * (x * 2 - y)\n"
        "def build(): from minigrad import nn; return nn.MLP([2, 3, 2], init='normal', seed=0)\n"
    )
    np.savez(tmp_path / "data.npz", np.eye(5, 2) + 0.3, np.eye(5, 2))
    np.save(tmp_path / "labels.npy", np.array([1.0, 2.0]))
    monkeypatch.chdir(tmp_path)
    for example in examples:
        assert main.main(shlex.split(example)) == 0, example
        assert capsys.readouterr().out.strip(), example
    with pytest.raises(SystemExit) as left:
        main.main([name, "--help"])
    assert left.value.code == 0 and command.help.split(",")[0] in capsys.readouterr().out


def test_the_commands_are_those_that_there_were() -> None:
    assert {"check", "compile", "draw", "ops", "ties", "tour"} <= set(main.commands())
    assert not {"expression", "locate", "vocabulary"} & set(main.commands()), "these only help"


# ------------------------------------------------------------------------------------------------ optimisers

OPTIMISERS = {
    name: x
    for name, x in vars(optim).items()
    if inspect.isclass(x) and issubclass(x, optim.Optimiser) and x is not optim.Optimiser
}
# Of each optimiser as it is by default, and with each setting that is a number changed.
SETTINGS: list[tuple[str, dict[str, Any]]] = [(name, {}) for name in OPTIMISERS]
SETTINGS += [
    (name, {key: 0.3})
    for name, make in OPTIMISERS.items()
    for key, parameter in inspect.signature(make).parameters.items()
    if type(parameter.default) is float and key != "lr"
]


def batch(n: int, dtype: str) -> tuple[Any, Any]:
    rng = np.random.default_rng(n)
    return rng.normal(size=(n, 2)).astype(dtype), rng.normal(size=(n, 1)).astype(dtype)


class Spare(nn.Module):
    """A network whose second bias is used for larger batches alone, and a number that is never used."""

    def __init__(self, dtype: str) -> None:
        self.net = nn.MLP([2, 3, 1], seed=0)
        for w in self.net.parameters():
            w.data = w.data.astype(dtype)
        self.shift, self.unused = Value(np.dtype(dtype).type(0.5)), Value(np.ones(2, dtype))

    def __call__(self, x: Any) -> Any:
        y = self.net(x)
        return y + self.shift if len(x) > 4 else y


def stepped(make: Any, compile: bool | None, dtype: str = "float64") -> tuple[list[Any], list[Any], Any]:
    """Losses, parameters and the step after batches of several sizes, and rates. None: `backward` and `step`."""
    model = Spare(dtype)
    optimiser = make(model.parameters())
    step = None if compile is None else nn.train_step(model, nn.squared_error, optimiser, compile=compile)
    losses = []
    for k, n in enumerate((4, 4, 6, 6, 4, 3, 6)):
        x, y = batch(n, dtype)
        if k == 3:
            optimiser.lr = 0.02
        if step is not None:
            losses.append(step(x, y))
            continue
        optimiser.zero_grad()
        loss = nn.squared_error(model(x), y)
        loss.backward()
        optimiser.step()
        losses.append(loss.data)
    return losses, [w.data.tobytes() for w in model.parameters()], step


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(("name", "settings"), SETTINGS, ids=str)
def test_every_optimiser_gives_the_same_bits_eagerly_and_compiled(
    name: str, settings: dict[str, Any], dtype: str
) -> None:
    def make(parameters: Any) -> Any:
        return OPTIMISERS[name](parameters, lr=0.05, **settings)

    losses, parameters, _ = stepped(make, None, dtype)
    for compile in (True, False):
        ours, moved, step = stepped(make, compile, dtype)
        assert ours == losses and moved == parameters, compile
        assert step.compiled is compile, step.reason


@pytest.mark.parametrize("name", OPTIMISERS)
def test_every_optimiser_descends_a_quadratic(name: str) -> None:
    """To a tenth: how fast, with a rate that suits it or not, is its own matter."""
    w = Value(np.array([1.0, -2.0]))
    optimiser = OPTIMISERS[name]([w], lr=0.05)
    losses = []
    for _ in range(400):
        optimiser.zero_grad()
        loss = (w**2 * np.array([1.0, 3.0])).sum()
        losses.append(loss.item())
        loss.backward()
        optimiser.step()
    assert losses[-1] < losses[0] / 10


@pytest.mark.parametrize(("name", "settings"), SETTINGS, ids=str)
def test_every_optimiser_forgets_its_state(name: str, settings: dict[str, Any]) -> None:
    w = Value(np.array([1.0, -2.0]))
    optimiser = OPTIMISERS[name]([w], lr=0.05, **settings)
    steps = []
    for k in range(6):
        if k == 3:
            optimiser.reset()
        if k % 3 == 0:
            w.data = np.array([1.0, -2.0])
        w.grad = np.array([0.5, 3.0])
        optimiser.step()
        steps.append(w.data.tobytes())
    assert steps[:3] == steps[3:]


@pytest.mark.parametrize("compile", [True, False])
def test_settings_that_are_assigned_are_taken_up_and_the_state_is_kept(compile: bool) -> None:
    def trained(compile: bool | None) -> Any:
        model = Spare("float64")
        optimiser = optim.SGD(model.parameters(), 0.05, momentum=0.9)
        step = nn.train_step(model, nn.squared_error, optimiser, compile=bool(compile))
        for momentum, decay in [(0.9, 0.0), (0.5, 0.0), (0.5, 0.1), (0.0, 0.1), (0.9, 0.0), (0.9, 0.0)]:
            optimiser.momentum, optimiser.weight_decay = momentum, decay
            x, y = batch(5, "float64")
            if compile is None:
                optimiser.zero_grad()
                nn.squared_error(model(x), y).backward()
                optimiser.step()
            else:
                step(x, y)
        return [w.data.tobytes() for w in model.parameters()]

    assert trained(compile) == trained(None)


def test_a_parameter_of_another_shape_begins_anew_compiled_and_eagerly() -> None:
    results = []
    for compile in (True, False):
        w = Value(np.ones(2))
        model = nn.Module()
        model.w = w  # type: ignore[attr-defined]
        step = nn.train_step(_Of(w), lambda a, y: np.sum((a - y) ** 2), optim.Adam([w], lr=0.1), compile=compile)
        step(1.0, 0.0), step(1.0, 0.0)
        w.data = np.ones(3)
        results.append((step(1.0, 0.0), w.data.tobytes(), step.optimiser.states[0].count))
        assert step.compiled is compile
    assert results[0] == results[1] and results[0][2] == 1


class _Of(nn.Module):
    def __init__(self, w: Value) -> None:
        self.w = w

    def __call__(self, x: Any) -> Any:
        return self.w * x


class Counting(optim.Optimiser):
    """Changes itself in its formula: a compiled step would do that once."""

    steps = 0

    def direction(self, w: Any, g: Any, state: Any, numbers: Any) -> Any:
        self.steps += 1
        return g * float(self.steps), state


class Watched(optim.Optimiser):
    """Changes itself where the formula does not look: a compiled step would not."""

    seen = 0

    def direction(self, w: Any, g: Any, state: Any, numbers: Any) -> Any:
        self.seen += 1
        return g, state


class Holding(optim.Optimiser):
    """Holds an array among its settings, which could change unseen."""

    def __init__(self, parameters: Any, lr: float) -> None:
        super().__init__(parameters, lr)
        self.scale = np.array([2.0])

    def direction(self, w: Any, g: Any, state: Any, numbers: Any) -> Any:
        return g * self.scale[0], state


@pytest.mark.parametrize(
    ("kind", "reason"),
    [(Counting, "changes the optimiser"), (Watched, "changes the optimiser"), (Holding, "Holding.scale is no")],
)
def test_an_optimiser_that_cannot_be_compiled_steps_eagerly_and_says_why(kind: Any, reason: str) -> None:
    found = []
    for compile in (True, False):
        w = Value(np.array([1.0, 2.0]))
        step = nn.train_step(_Of(w), lambda a, y: np.sum((a - y) ** 2), kind([w], 0.01), compile=compile)
        if compile:
            with pytest.warns(RuntimeWarning, match=reason):
                step(1.0, 0.0)
        for _ in range(3 if compile else 4):
            step(1.0, 0.0)
        found.append((w.data.tobytes(), getattr(step.optimiser, "steps", 0), getattr(step.optimiser, "seen", 0)))
        assert not step.compiled
    assert found[0] == found[1]


class Wrong(optim.Optimiser):
    slots = ("mean",)

    def direction(self, w: Any, g: Any, state: Any, numbers: Any) -> Any:
        return np.sum(g), state


class Short(Wrong):
    def direction(self, w: Any, g: Any, state: Any, numbers: Any) -> Any:
        return g, ()


@pytest.mark.parametrize(
    ("kind", "words"), [(Wrong, "shape and type, got"), (Short, "keeps 1 arrays in its slots, got 0")]
)
def test_a_direction_of_another_shape_is_refused_not_broadcast(kind: Any, words: str) -> None:
    w = Value(np.ones(2))
    w.grad = np.ones(2)
    with pytest.raises(minigrad.errors.ArgumentError, match=words):
        kind([w], 0.1).step()
    assert w.data.tolist() == [1.0, 1.0]


def test_an_optimiser_of_another_model_is_refused() -> None:
    with pytest.raises(minigrad.errors.ArgumentError, match="holds no parameter of this model"):
        nn.train_step(nn.MLP([2, 1]), nn.squared_error, optim.Adam(nn.MLP([2, 1]).parameters()))


def test_a_state_is_no_view_of_the_gradient() -> None:
    class Last(optim.Optimiser):
        slots = ("last",)

        def direction(self, w: Any, g: Any, state: Any, numbers: Any) -> Any:
            return state[0], (g,)

    w = Value(np.ones(2))
    optimiser = Last([w], 1.0)
    w.grad = np.ones(2)
    optimiser.step()
    w.grad *= 100
    w.grad = np.zeros(2)
    optimiser.step()
    assert w.data.tolist() == [0.0, 0.0]


# ----------------------------------------------------------------------------------------------- activations


@pytest.mark.parametrize(("name", "per_neuron"), [*itertools.product(activations(), [False, True])])
def test_every_activation_is_trained_drawn_and_tied_in_a_network(name: str, per_neuron: bool) -> None:
    x, y = np.array([[0.3, -0.7], [1.0, 0.2]]), np.array([[1.0], [0.0]])
    model = nn.MLP([2, 3, 1], activation=name, init=0.5, per_neuron=per_neuron)
    step = nn.train_step(model, nn.squared_error, 0.01)
    assert np.isfinite([step(x, y) for _ in range(3)]).all() and step.compiled, step.reason
    assert draw(model, x, y).diagram.nodes
    assert ties(model, x, y).width == (1,)
    other = nn.MLP([2, 3, 1], activation=name, seed=0, per_neuron=per_neuron)
    minigrad.check_grads(lambda x: np.stack(other(list(x))) if per_neuron else other(x), (x[0],))


def test_an_unknown_activation_is_refused_with_all_that_there_are() -> None:
    with pytest.raises(ValueError, match="no activation is called 'tanhh'") as caught:
        nn.MLP([2, 1, 1], activation="tanhh")
    assert all(name in str(caught.value) for name in activations())
