"""The story the tour tells: its numbers, its findings, its pictures, and what it does without a renderer."""

from __future__ import annotations

import re
import xml.etree.ElementTree
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from minigrad import nn
from minigrad.cli.commands import tour
from minigrad.drawing import Drawing
from minigrad.errors import RenderError

Capture = pytest.CaptureFixture[str]
TWIN = "all their factors match (proved)"
SVG = "{http://www.w3.org/2000/svg}"


def told(capsys: Capture, tell: Any, *args: Any) -> str:
    tell(*args)
    return capsys.readouterr().out


def test_the_whole_story(capsys: Capture, tmp_path: Path) -> None:
    out = tmp_path / "new" / "folder"
    text = told(capsys, tour.tour, out)
    for row in ("two-neurons", "two-neurons-tied", "all-ones"):
        assert f"\n{row}: " in text
        assert f"  {out / row}.svg\n" in text
        picture = (out / f"{row}.svg").read_text(encoding="utf-8")
        assert xml.etree.ElementTree.fromstring(picture).tag.endswith("svg")
    assert "\n  " + str(out / "one-neuron-is-linear.svg") + "\n" in text
    assert {path.suffix for path in out.iterdir()} == {".svg"} and len(list(out.iterdir())) == 4
    assert max(map(len, text.splitlines())) <= 110
    assert not any(line != line.rstrip() for line in text.splitlines())


class Picture:
    """What a reader of an SVG file sees: its title, its boxes and arrows, the letter of each named value."""

    def __init__(self, path: Path) -> None:
        root = xml.etree.ElementTree.fromstring(path.read_text(encoding="utf-8"))
        groups = [(g, g.get("class", "").split()) for g in root.iter(f"{SVG}g")]
        self.title = root.findtext(f"{SVG}title", "")
        self.shown = [text.text or "" for text in root.iter(f"{SVG}text")]
        self.nodes = [g for g, tokens in groups if "node" in tokens]
        self.edges = [g for g, tokens in groups if "edge" in tokens]
        self.letters: dict[str, str | None] = {}
        for node in self.nodes:
            heading, *_, gradient = node.findtext(f"{SVG}title", "").splitlines()
            found = re.fullmatch(r"gradient .* \((-?[A-Z]+)([₀-₉]*), .*\)", gradient)
            chips = {text.text for text in node.iter(f"{SVG}text")}
            assert found is None or found[1] + found[2] in chips, heading  # as it is told, so it is drawn
            self.letters[heading.split()[0]] = found[1] if found else None


def test_the_three_pictures_show_what_their_titles_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stories = ("print_who_stays_tied", "print_remedies", "print_starts", "print_luck", "print_linear")
    for story in ("print_different", "print_tied", "print_all_ones", *stories):
        monkeypatch.setattr(tour, story, lambda *args: None)
    tour.tour(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {
        *("two-neurons.svg", "two-neurons-tied.svg", "all-ones.svg")
    }
    different, tied, ones = (
        Picture(tmp_path / f"{name}.svg") for name in ("two-neurons", "two-neurons-tied", "all-ones")
    )
    assert different.title == "∂J/∂w1 = -0.0374062 and ∂J/∂w3 = -0.0357890 differ because w5 ≠ w6 and a1 ≠ a2"
    assert tied.title == "∂J/∂w1 = -0.0346521 and ∂J/∂w3 = -0.0346521 are equal and stay equal: " + TWIN
    assert ones.title == "all ones: 29 parameters share 9 gradients"
    assert all(picture.title in picture.shown for picture in (different, tied, ones))
    assert [len(p.nodes) for p in (different, tied, ones)] == [29, 29, 144]
    assert [len(p.edges) for p in (different, tied, ones)] == [32, 32, 198]
    for a, b in tour.TWINS:
        assert tied.letters[a] is not None and tied.letters[a] == tied.letters[b]
        assert different.letters[a] is None or different.letters[a] != different.letters[b]
    assert tied.letters["w1"] != tied.letters["w2"]
    parameters = {name: x for name, x in ones.letters.items() if re.fullmatch(r"[wb]\d\[[\d,]+\]", name)}
    assert len(parameters) == 29
    assert len({x or name for name, x in parameters.items()}) == 9  # without a letter: like no other


def test_the_gradients_that_a_title_counts_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """With equal targets both outputs move as one: one gradient fewer for W3, and one for b3."""
    monkeypatch.setattr(tour, "Y", np.array([[0.2, 0.2], [1.0, 1.0]]))
    assert tour.all_ones_picture()[1] == "all ones: 29 parameters share 7 gradients"


def test_different_neurons_every_number_and_what_tells_the_gradients_apart(capsys: Capture) -> None:
    text = told(capsys, tour.print_different, tour.two_neurons(tour.DIFFERENT))
    numbers = """0.5000000 1.1000000 0.6224593 0.7502601 0.7613857 0.6816545 0.3832323 -1.4670188
                 -0.0374062 -0.0748124 -0.0357890 -0.0715780 -0.1981571 -0.2388419"""
    assert set(numbers.split()) <= set(text.split())
    assert "∂J/∂w1 = -0.0374062 and ∂J/∂w3 = -0.0357890 differ because w5 ≠ w6 and a1 ≠ a2\n" in text
    assert "∂J/∂w1 = -0.0374062 and ∂J/∂w2 = -0.0748124 differ because x1 ≠ x2\n" in text
    assert [line.split()[0] for line in text.splitlines() if line.endswith("≠")] == ["∂z3/∂a", "∂a/∂z"]


def test_tied_neurons_have_no_factor_that_differs_and_stay_equal(capsys: Capture) -> None:
    text = told(capsys, tour.print_tied, tour.two_neurons(tour.TIED))
    numbers = """1.0000000 0.7310586 0.8772703 0.7062562 0.3477772 -1.4159167
                 -0.0346521 -0.0693042 -0.2147439"""
    assert set(numbers.split()) <= set(text.split())
    assert "≠" not in text and f"are equal and stay equal: {TWIN}" in text
    assert "After 1,000 steps" in text and "equal to the last bit after every step." in text
    assert "With 0.1 added to any one of w1, w2, w3, w4, w5, w6 the two neurons grow apart." in text


@pytest.mark.slow
def test_all_ones_every_number_beside_the_expected_one(capsys: Capture) -> None:
    text = told(capsys, tour.print_all_ones)
    expected = """2.2 1.6 0.9002495 0.8320184 0.9758906 0.9705753 0.9806908 0.9803864
        1.5613816 1.1613816 -0.0392272 1.9607728 0.01893635 0.01922891
        0.02956687 0.02199233 -0.0007543 0.03770352 0.0288126 0.0596958 0.028122 0.0580562
        0.5992708 0.1997655 0.5993174 0.2004307 0.2003056 0.3995875 0.9888525 0.0147637"""
    assert set(expected.split()) <= set(text.split())
    for number in map(float, expected.split()):
        computed = [float(word) for word in re.findall(r"-?\d\.\d{8}\b", text)]
        assert min(abs(x - number) for x in computed) < (1e-6 if abs(number - 0.4) < 0.21 else 2e-7)
    assert re.search(r"all ones +29 +9 +3 and 3 +1 and 1 +0\.400230 +0\.000342", text)
    assert re.search(r"random +29 +29 +3 and 3 +3 and 3 ", text)
    assert "It has 9 parameters" in text and "near 0.6 and 0.2, the means of the targets" in text


def test_a_wrong_number_would_show_in_the_table(capsys: Capture) -> None:
    assert tour.print_row("z1", [[2.2, 1.6], [2.2, 1.75]], [[2.2, 1.6]]) == pytest.approx(0.15)
    assert "2e-01" in capsys.readouterr().out.split()


def test_the_largest_difference_is_told_by_a_bound_that_holds(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tour, "EARLY", 1)
    monkeypatch.setattr(tour, "LATE", 2)
    computed = tour.first_pass(nn.MLP(tour.SIZES, *tour.SIGMOID, init=1))
    differences = {name: float(np.abs(computed[name] - tour.ALL_ONES[name]).max()) for name in tour.ALL_ONES}
    worst = max(differences.values())
    text = told(capsys, tour.print_all_ones)
    (bound,) = re.findall(r"Every number is within (\S+) of the expected one", text)
    assert worst <= float(bound) <= 2 * worst
    for name, difference in differences.items():
        row = next(line for line in text.splitlines() if line.startswith(f"  {name} "))
        if difference:
            assert difference <= float(row.split()[-1]) <= 2 * difference, row


@pytest.mark.parametrize("x", [0.0, 1.4e-7, 1e-7, 0.1, 0.10000000000000003, 9.5, 9.99e-3, 1.0, 5e-324, 1 / 3])
def test_a_bound_is_rounded_up_to_one_digit(x: float) -> None:
    assert x <= float(tour.at_most(x)) <= 2 * x
    assert re.fullmatch(r"0|\de[+-]\d+", tour.at_most(x))


def test_one_neuron_each_computes_the_same_and_another_network_would_be_found_out(capsys: Capture) -> None:
    ones, random = (nn.MLP(tour.SIZES, *tour.SIGMOID, init=init, seed=0) for init in (1, "normal"))
    tour.train(ones, 50)
    small = tour.train_quotient(50)
    assert sum(p.size for p in small.parameters()) == 9
    assert np.abs(small(tour.X).data - ones(tour.X).data).max() < 1e-14

    def off_by(net: nn.MLP) -> float:
        (said,) = re.findall(r"\(off by (\S+)\)", told(capsys, tour.print_truth, ones, random, [1.0] * 4, net))
        return float(said)

    assert off_by(small) < 1e-14
    last = small.state()
    changed = nn.MLP((2, 1, 1, 2), *tour.SIGMOID, init=[*list(last.values())[:-1], last["b3"] + 1e-3])
    apart = float(np.abs(changed(tour.X).data - ones(tour.X).data).max())
    assert apart > 1e-5
    assert apart <= off_by(changed) <= 2 * apart


def test_the_causes_are_read_off_the_numbers() -> None:
    """Other weights, other causes: only what differs is named."""
    same_output = tour.two_neurons((0.1, 0.2, 0.3, 0.4, 0.6, 0.6))
    assert tour.finding(same_output, "w1", "w3").endswith("differ because a1 ≠ a2")
    same_neurons = tour.two_neurons((0.2, 0.4, 0.2, 0.4, 0.5, 0.6))
    assert tour.finding(same_neurons, "w1", "w3").endswith("differ because w5 ≠ w6")


def test_who_stays_tied_is_the_table(capsys: Capture) -> None:
    text = told(capsys, tour.print_who_stays_tied)
    rows = {line[2:34].strip(): line[34:].split() for line in text.splitlines() if re.search(r"\d and \d$", line)}
    assert {name: (int(row[0]), " ".join(row[-3:])) for name, row in rows.items()} == {
        "all random": (37, "4 and 4"),
        "constant 0.5": (7, "1 and 1"),
        "all zero": (2, "1 and 1"),
        "two interleaved values": (15, "2 and 2"),
        "only the output layer random": (16, "1 and 4"),
        "only the first layer random": (19, "4 and 1"),
        "only the middle layer random": (37, "4 and 4"),
        "random weights, zero biases": (37, "4 and 4"),
        "constant 0.5, the XOR data": (6, "1 and 1"),
    }
    assert rows["all zero"][1] == "36"


def test_the_shorter_stories_have_their_numbers(capsys: Capture, tmp_path: Path) -> None:
    assert "from 0: 3 parameters move as 3; the loss falls from 3.4657 to 0.0" in told(capsys, tour.print_starts)
    luck = told(capsys, tour.print_luck)
    assert "error 0.1906347" in luck and float(luck.split("descent")[1].split()[1]) < 0.05
    remedies = told(capsys, tour.print_remedies)
    assert remedies.count("splits  ") == 4 and remedies.count("  no  ") == 8
    linear = told(capsys, tour.print_linear, tmp_path)
    shares = [int(share) for share in re.findall(r"(\d+)% of the two moons", linear)]
    assert shares[0] < 95 and shares[1] < 95 and shares[2] == 100
    picture = (tmp_path / "one-neuron-is-linear.svg").read_text(encoding="utf-8")
    assert all(f"{share}% right" in picture for share in shares)


def test_without_a_renderer_the_text_is_written_and_the_remedy_told_once(
    capsys: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save = Drawing.save

    def no_engine(self: Drawing, path: Path) -> Path:
        if Path(path).suffix != ".dot":
            raise RenderError("no layout engine was found\n  write  pip install graphviz-pure")
        return save(self, path)

    monkeypatch.setattr(Drawing, "save", no_engine)
    J = tour.two_neurons(tour.DIFFERENT)
    text = told(capsys, tour.print_pictures, {tmp_path / "a": (J, "one"), tmp_path / "b": (J, "two")})
    assert f"  {tmp_path / 'a.dot'}\n  {tmp_path / 'b.dot'}\n" in text
    assert text.count("pip install graphviz-pure") == 1
    assert (tmp_path / "a.dot").read_text(encoding="utf-8").startswith("digraph")
