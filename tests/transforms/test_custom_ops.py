"""An op of a user's own: one statement, and it behaves like any other."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import minigrad
from minigrad import Value, check_graph, check_op, compile, custom, draw, forget, grad, hessian, jvp, ops, vmap
from minigrad.engine.op import TABLE
from minigrad.engine.sampling import POSITIVE, REAL, Domain
from minigrad.errors import ArgumentError, MissingRule, NameTaken


@pytest.fixture(autouse=True)
def nothing_is_left_behind() -> Iterator[None]:
    before = {**TABLE}
    yield
    for key in [key for key in TABLE if key not in before]:
        if key in TABLE:
            forget(key)
    assert before == TABLE


def labels() -> list[str]:
    return [row.label for row in ops()]


def twice(g: Any, y: Any, x: Any) -> Any:
    return 2 * g


CELL = """
import minigrad
nth = minigrad.custom(lambda x: x ** n, name="nth", vjp=lambda g, y, x: g * n * x ** (n - 1))
"""


def cell(module: str, n: int) -> Any:
    """The function that a cell (or a module) of that name defines."""
    space: dict[str, Any] = {"__name__": module, "n": n}
    exec(CELL, space)
    return space["nth"]


@pytest.fixture
def cube():
    function = custom(
        lambda x: x**3,
        name="cube",
        formula="y = x³",
        vjp=lambda g, y, x: 3 * g * x * x,
        jvp=lambda t, y, x: 3 * t * x * x,
    )
    yield function
    forget(function)


def test_it_is_recorded_labelled_and_differentiated_to_any_order(cube):
    y = cube(Value(2.0))
    assert (y.item(), y.op.label, y.op.formula) == (8.0, "cube", "y = x³")
    assert grad(cube)(2.0) == 12.0
    assert grad(grad(cube))(2.0) == 12.0
    assert grad(grad(grad(cube)))(2.0) == 6.0
    assert jvp(cube, (2.0,), (1.0,)) == (8.0, 12.0)
    assert cube(2.0) == 8.0 and type(cube(2.0)) is float


def test_it_broadcasts_and_sums_out_like_any_other():
    weighted = custom(lambda a, b: a * b, name="weighted", vjp=(lambda g, y, a, b: g * b, lambda g, y, a, b: g * a))
    try:
        b = np.array([[1.0, 2.0], [3.0, 4.0]])
        np.testing.assert_array_equal(grad(lambda a: weighted(a, b).sum())(np.ones(2)), [4.0, 6.0])
    finally:
        forget(weighted)


def test_it_stands_in_the_table_and_in_pictures_while_it_is_registered(cube):
    assert "cube" in [row.label for row in ops()]
    assert "cube" in draw(cube(Value(2.0))).dot


def test_forgotten_it_is_what_it_is_made_of_and_its_name_is_free():
    first = custom(np.square, name="mine", vjp=lambda g, y, x: 2 * g * x)
    forget(first)
    assert "mine" not in [row.label for row in ops()]
    assert grad(first)(3.0) == 6.0  # by the rules of what it is made of
    forget(custom(np.square, name="mine", vjp=lambda g, y, x: 2 * g * x))


@pytest.mark.parametrize("name", ["tanh", "+", "getitem", "multiply"])
def test_the_name_of_an_op_of_the_table_is_refused_and_nobody_is_told_to_forget_that(name):
    with pytest.raises(NameTaken, match="minigrad's own table has an op named") as told:
        custom(np.square, name=name, vjp=twice)
    assert "forget" not in str(told.value) and "name=..." in str(told.value)


def test_a_function_of_numpy_that_has_a_rule_keeps_it():
    rule = TABLE[np.square]
    mine = custom(np.square, name="mine", vjp=twice)
    assert TABLE[np.square] is rule and grad(np.square)(3.0) == 6.0 and grad(mine)(3.0) == 2.0


# --------------------------------------------------------------------------------------- a name given again


@pytest.mark.parametrize("module", ["__main__", "somewhere"])
def test_a_cell_that_runs_twice_replaces_its_op(module):
    cell(module, 2)
    again = cell(module, 3)
    assert labels().count("nth") == 1
    assert grad(again)(2.0) == 12.0 and check_op(again, examples=2).ok


def test_a_function_held_from_the_first_run_of_a_cell_keeps_its_own_rule():
    first, second = cell("__main__", 2), cell("__main__", 3)
    for _ in range(2):
        assert (first(Value(2.0)).item(), grad(first)(2.0)) == (4.0, 4.0)
        assert (second(Value(2.0)).item(), grad(second)(2.0)) == (8.0, 12.0)
        both = compile(lambda x, f=first, g=second: f(x) + g(x))
        np.testing.assert_array_equal(both(np.array([2.0, 3.0])), [12.0, 36.0])
    forget(first)
    assert labels().count("nth") == 1 and grad(second)(2.0) == 12.0


def test_a_name_of_another_module_is_refused_with_its_owner_and_a_remedy():
    cell("first_module", 2)
    for module in ("second_module", "__main__"):
        with pytest.raises(NameTaken, match="which module first_module defined") as told:
            cell(module, 3)
        assert "name=..." in str(told.value) and "forget(f)" in str(told.value)


def test_one_helper_that_registers_for_two_modules_does_not_mix_them_up():
    def registered(source: str, module: str) -> Any:
        space: dict[str, Any] = {"__name__": module}
        exec(source, space)
        return custom(space["f"], name="shared", vjp=twice)

    registered("def f(x): return 2 * x", "a")
    with pytest.raises(NameTaken):
        registered("def f(x): return 3 * x", "b")
    registered("def f(x): return 2 * x", "a")


def test_a_definition_that_fails_leaves_the_one_before_in_place():
    first = custom(lambda x: 2 * x, name="double", vjp=twice)
    with pytest.raises(TypeError, match="no_such_property"):
        custom(lambda x: 2 * x, name="double", vjp=twice, no_such_property=True)
    assert labels().count("double") == 1 and grad(first)(1.0) == 2.0


def test_a_function_wrapped_by_its_own_name_may_be_wrapped_again():
    def doubled(x):
        return 2 * x

    doubled = custom(doubled, vjp=twice)
    again = custom(doubled, vjp=lambda g, y, x: 5 * g)
    assert labels().count("doubled") == 1 and grad(again)(1.0) == 5.0
    other = custom(again, name="other", vjp=lambda g, y, x: 3 * g)  # another op of the same numbers
    assert (grad(again)(1.0), grad(other)(1.0)) == (5.0, 3.0)
    forget(again)
    assert "doubled" not in labels() and grad(again)(1.0) == 2.0


# ------------------------------------------------------------------------------------------ what forget refuses


@pytest.mark.parametrize("function", [np.tanh, np.sum, minigrad.relu], ids=lambda f: f.__name__)
def test_an_op_of_the_table_is_not_forgotten(function):
    with pytest.raises(ArgumentError, match=r"forget removes ops that custom made, and .* own table"):
        forget(function)
    assert function in TABLE


def test_what_is_no_op_is_not_forgotten_in_silence(cube):
    mine = custom(np.square, name="mine", vjp=twice)
    forget(mine)
    for other in (mine, len, lambda x: x):
        with pytest.raises(ArgumentError, match="is not, or no longer, in the table of operations"):
            forget(other)


# ------------------------------------------------------------------------------------------- rules and inputs


@pytest.mark.parametrize(
    ("forward", "vjp", "said"),
    [
        (
            lambda a, b: a * b,
            twice,
            r"takes 2 inputs \(a, b\), and vjp has 1 rule\n.*vjp=\(rule for a, rule for b\)",
        ),
        (lambda x: x, (twice, twice), r"takes 1 input \(x\), and vjp has 2 rules\n.*vjp=\(rule for x,\)"),
        (lambda x, by=1.0: x, (twice, twice), r"takes 1 input \(x\), and vjp has 2 rules"),
        (lambda x: x, (), r"takes 1 input \(x\), and vjp has 0 rules"),
        (np.frompyfunc(math.hypot, 2, 1), twice, r"takes 2 inputs \(x1, x2\), and vjp has 1 rule"),
        (lambda x: x, lambda g, x: g, r"vjp of op for x cannot be called .*\n  write  lambda g, y, x: "),
        (lambda x: x, lambda g, y, a, b: g, r"vjp of op for x cannot be called with the 3 arguments"),
        (lambda *xs: xs[0], twice, r"fixed number of inputs, and op takes \*xs"),
        (lambda x=1.0: x, (), r"op has no input"),
    ],
)
def test_rules_that_do_not_fit_the_inputs_are_refused_when_stated(forward, vjp, said):
    with pytest.raises(ArgumentError, match=f"(?s){said}"):
        custom(forward, name="op", vjp=vjp)
    assert "op" not in labels()


def test_forward_rules_are_counted_and_called_too():
    with pytest.raises(ArgumentError, match="jvp has 2 rules"):
        custom(lambda x: 2 * x, name="op", vjp=twice, jvp=(twice, twice))
    with pytest.raises(ArgumentError, match=r"the jvp of op for x cannot .*\n  write  lambda t, y, x:"):
        custom(lambda x: 2 * x, name="op", vjp=twice, jvp=lambda t, x: 2 * t)


@pytest.mark.parametrize(("vjp", "jvp"), [((twice,), (None,)), ((None,), (twice,))])
def test_a_tangent_that_is_dropped_where_a_gradient_flows_is_refused(vjp, jvp):
    with pytest.raises(ArgumentError, match="no gradient flows there"):
        custom(lambda x: 2 * x, name="op", vjp=vjp, jvp=jvp)


def test_rules_without_a_signature_are_taken_as_they_are():
    assert grad(custom(lambda x: 2 * x, name="op", vjp=lambda *args: 2 * args[0]))(1.0) == 2.0


def test_a_rule_takes_settings_by_keyword_alone():
    scaled = custom(lambda x, *, k: x * k, name="scaled", vjp=lambda g, y, x, *, k: g * k)
    x = np.array([1.0, 2.0])

    def loss(x):
        return np.sum(scaled(x * x, k=3.0))

    for f in (grad(loss), compile(grad(loss)), vmap(grad(lambda x: scaled(x * x, k=3.0)))):
        np.testing.assert_array_equal(f(x), 6 * x)
    np.testing.assert_array_equal(hessian(loss)(x), np.diag([6.0, 6.0]))
    scaled = custom(lambda x, *, k: x * k, name="scaled", vjp=lambda g, y, x, k: g * k)
    assert grad(loss)(2.0) == 12.0
    twice_over = custom(lambda x, *, k=1.0: x * k, name="twice_over", vjp=lambda g, y, x, *, k=1.0: g * k)
    assert (grad(twice_over)(1.0), grad(lambda x: twice_over(x, k=4.0))(1.0)) == (1.0, 4.0)


def test_a_rule_may_take_all_settings_at_once():
    scaled_power = custom(
        lambda x, n=2, *, by: by * x**n,
        name="scaled_power",
        vjp=lambda g, y, x, **given: g * given["by"] * given.get("n", 2) * x ** (given.get("n", 2) - 1),
    )
    assert grad(lambda x: scaled_power(x, by=5.0))(3.0) == 30.0
    assert grad(lambda x: scaled_power(x, 3, by=5.0))(2.0) == 60.0


def test_a_rule_may_capture_a_number_by_a_default():
    for n in (2, 3):
        nth = custom(lambda x, n=n: x**n, name="nth", vjp=lambda g, y, x, m=n: g * m * x ** (m - 1))
        assert grad(nth)(2.0) == n * 2.0 ** (n - 1)


@pytest.mark.parametrize(
    ("forward", "vjp", "said"),
    [
        (
            lambda x, *, k: x * k,
            twice,
            r"the 3 arguments of a rule, and k by name\n  write  lambda g, y, x, \*, k: ",
        ),
        (lambda x, k=1.0: x, lambda g, y, x, *, k: g, r"and k by name\n  write  lambda g, y, x, k=1\.0: "),
        (lambda x: x, lambda g, y, x, *, k: g, r"the 3 arguments of a rule\n  write  lambda g, y, x: "),
        (
            lambda a, b, k=2: a,
            (lambda g, y, a, b, k=2: g, lambda g, y, a, b: g),
            r"the vjp of op for b .* 4 arguments of a rule, and k by name\n  write  lambda g, y, a, b, k=2: ",
        ),
    ],
)
def test_a_rule_that_does_not_take_the_settings_of_a_call_is_refused(forward, vjp, said):
    with pytest.raises(ArgumentError, match=said):
        custom(forward, name="op", vjp=vjp)
    assert "op" not in labels()


@pytest.mark.parametrize(
    "rule",
    [lambda g, y, x, saved: g, lambda g, y, x, *, saved: g, lambda g, y, x: g],
    ids=["place", "name", "none"],
)
def test_a_rule_that_cannot_do_with_and_without_saved_data_is_told_so(rule):
    with pytest.raises(
        ArgumentError, match=r"and saved by name\n  write  lambda g, y, x, saved=None: .*\n.*Values"
    ):
        custom(lambda x: (x, x), name="op", saves=True, vjp=rule)


def test_an_argument_that_custom_does_not_have_is_refused_with_the_nearest():
    with pytest.raises(ArgumentError, match=r"custom has no argument elementwize=\n  write  elementwise="):
        custom(np.square, name="op", vjp=twice, elementwize=True)
    with pytest.raises(ArgumentError, match=r"custom has no argument qqq=\n  leave it out"):
        custom(np.square, name="op", vjp=twice, qqq=True)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"parity": "both"}, r"got 'both' for 1 input \(x\)\n  write  parity=\"odd\" .*\n  or     parity=\"even\""),
        ({"parity": True}, "got True for 1 input"),
        ({"elementwise": "yes"}, "elementwise of op is True or False, got 'yes'\n  write  elementwise=True"),
        ({"saves": 1}, "saves of op is True or False, got 1"),
    ],
)
def test_a_value_that_a_property_cannot_have_is_refused(given, said):
    with pytest.raises(ArgumentError, match=said):
        custom(lambda x: 2 * x, name="op", vjp=twice, **given)
    assert "op" not in labels()


def test_the_parity_of_two_inputs_is_refused():
    with pytest.raises(ArgumentError, match=r"a function of one input, got 'odd' for 2 inputs \(a, b\)"):
        custom(lambda a, b: a * b, name="op", vjp=(None, None), parity="odd")


@pytest.mark.parametrize("name", ["two\nlines", "a\rb", " ", "\t", "x\x00", "a\u2028b", 3], ids=repr)
def test_a_name_that_is_not_one_line_is_refused(name):
    with pytest.raises(ArgumentError, match=r"the name of an op is one line .*\n  write  name=\"cube\""):
        custom(lambda x: 2 * x, name=name, vjp=twice)


def test_a_vectorised_function_has_the_inputs_of_the_function_itself():
    def hyp(a, b, scale=1.0):
        return scale * math.hypot(a, b)

    def rule(k):
        return lambda g, y, a, b, scale=1.0: g * scale**2 * (a, b)[k] / y

    hyp = custom(np.vectorize(hyp, otypes=[float]), vjp=(rule(0), rule(1)))
    a, b = np.array([3.0, 6.0]), np.array([4.0, 8.0])
    assert labels().count("hyp") == 1 and hyp(3.0, 4.0) == 5.0
    np.testing.assert_allclose(grad(lambda a: np.sum(hyp(a, b)))(a), [0.6, 0.6])
    np.testing.assert_allclose(grad(lambda b: np.sum(hyp(a, b=b, scale=2.0)))(b), [1.6, 1.6])
    np.testing.assert_allclose(compile(grad(lambda a: np.sum(hyp(a, b))))(a), [0.6, 0.6])
    np.testing.assert_allclose(vmap(grad(lambda a: hyp(a, 4.0)))(np.array([3.0, 3.0])), [0.6, 0.6])
    assert check_op(hyp, examples=2).ok
    lgamma = custom(
        np.vectorize(math.lgamma), name="vectorised", vjp=lambda g, y, x: g * digamma(x), domain=POSITIVE
    )
    np.testing.assert_allclose(grad(lambda x: np.sum(lgamma(x)))(a), digamma(a))


@pytest.mark.parametrize("name", ["g", "y", "t", "saved"])
def test_a_parameter_with_a_name_that_rules_use_is_refused_by_name(name):
    space: dict[str, Any] = {}
    exec(
        f"def forward(x, {name}=1.0): return x * {name}\ndef rule(c, out, x, {name}=1.0): return c * {name}", space
    )
    with pytest.raises(ArgumentError, match=f"a parameter '{name}', .*\n.*{name}_"):
        custom(space["forward"], name="scaled", vjp=space["rule"])


def test_a_parameter_that_a_rule_takes_for_its_input_is_refused_by_name():
    with pytest.raises(ArgumentError, match="a parameter 'by'"):
        custom(lambda x, by=1.0: x * by, name="scaled", vjp=lambda g, y, by: g)
    with pytest.raises(ArgumentError, match="a parameter 'buffer'"):
        add = lambda buffer, g, y, x: None  # noqa: E731
        custom(lambda x, buffer=1.0: x, name="scaled", vjp=lambda g, y, x, buffer=1.0: g, add=add)


def test_inputs_may_have_any_name():
    product = custom(
        lambda g, y: g * y, name="product", vjp=(lambda c, out, g, y: c * y, lambda c, out, g, y: c * g)
    )
    assert grad(product, (0, 1))(2.0, 3.0) == (3.0, 2.0)
    assert grad(lambda x: product(g=x, y=3.0))(2.0) == 3.0


@pytest.mark.parametrize("name", ["before", "like", "op_name", "name", "function"])
def test_names_that_the_engine_uses_inside_are_free_for_parameters(name):
    space: dict[str, Any] = {"np": np}
    exec(
        f"def forward(x, *, {name}=1.0): return np.sin(x) * {name}\n"
        f"def rule(g, y, x, *, {name}=1.0): return g * np.cos(x) * {name}\n"
        f"def add(b, g, y, x, *, {name}=1.0): b += g * np.cos(x) * {name}",
        space,
    )
    for add in (None, space["add"]):
        scaled = custom(space["forward"], name="scaled", vjp=space["rule"], add=add)
        x = np.array([0.3, 0.5])

        def loss(x, f=scaled):
            return np.sum(f(x, **{name: 3.0}))

        np.testing.assert_allclose(grad(loss)(x), 3 * np.cos(x))
        np.testing.assert_allclose(compile(grad(loss))(x), 3 * np.cos(x))
        np.testing.assert_allclose(compile(hessian(loss))(x), np.diag(-3 * np.sin(x)))
        with pytest.raises(MissingRule, match="scaled states no jvp"):
            jvp(loss, (x,), (x,))


def test_an_op_through_which_no_gradient_flows_is_a_constant():
    steps = custom(lambda x, n=1: np.floor(x * n), name="steps", vjp=(None,))
    x = np.array([0.5, 1.7])
    np.testing.assert_array_equal(steps(Value(x), n=2).data, [1.0, 3.0])
    np.testing.assert_array_equal(grad(lambda x: np.sum(steps(x) * x))(x), np.floor(x))
    np.testing.assert_array_equal(jvp(lambda x: steps(x, n=2) * x, (x,), (x,))[1], np.floor(2 * x) * x)
    np.testing.assert_array_equal(compile(grad(lambda x: np.sum(steps(x, n=2) * x)))(x), np.floor(2 * x))
    np.testing.assert_array_equal(vmap(lambda x: steps(x, n=2))(x), np.floor(2 * x))
    assert [row.reverse for row in ops() if row.label == "steps"] == ["zero"]
    neither = custom(lambda a, b: a + b, name="neither", vjp=(None, None))
    np.testing.assert_array_equal(grad(lambda a: np.sum(neither(a, a)))(x), np.zeros(2))


def test_an_input_without_a_rule_is_constant_forwards_as_backwards():
    masked = custom(lambda a, m: a * m, name="masked", vjp=(lambda g, y, a, m: g * m, None))
    assert grad(lambda m: masked(2.0, m))(3.0) == 0.0
    assert jvp(lambda m: masked(2.0, m), (3.0,), (1.0,)) == (6.0, 0.0)
    with pytest.raises(MissingRule):
        jvp(lambda a: masked(a, 3.0), (2.0,), (1.0,))


def test_one_domain_serves_all_inputs_and_a_wrong_number_is_refused():
    rules = (lambda g, y, a, b: g / b, lambda g, y, a, b: -g * a / b**2)
    for domain in (POSITIVE, (POSITIVE,), (REAL, POSITIVE)):
        ratio = custom(lambda a, b: a / b, name="ratio", vjp=rules, domain=domain)
        assert TABLE[ratio].domain == (
            (POSITIVE, POSITIVE) if len(np.shape(domain)) < 1 or len(domain) < 2 else domain
        )
        assert grad(ratio, 1)(1.0, 2.0) == -0.25 and check_op(ratio, examples=2).ok
    with pytest.raises(ArgumentError, match="domain has 3 entries"):
        custom(lambda a, b: a / b, name="ratio", vjp=rules, domain=(POSITIVE,) * 3)


def test_one_tuple_of_rules_for_both_modes_does_not_make_an_op_elementwise():
    rules = (lambda g, y, x: y * (g - np.sum(g * y)),)
    soft = custom(lambda x: np.exp(x) / np.sum(np.exp(x)), name="soft", vjp=rules, jvp=rules)
    xs = np.array([[0.1, 0.2, 0.7], [1.0, -1.0, 0.5]])
    np.testing.assert_allclose(vmap(soft)(xs), [soft(x) for x in xs], rtol=1e-14)


def test_aliases_are_taken_and_given_back_with_their_op():
    def also(x):
        return 2 * x

    for _ in range(2):
        double = custom(lambda x: 2 * x, name="double", vjp=twice, aliases=(also,))
        assert TABLE[also] is TABLE[double]
    with pytest.raises(NameTaken):
        custom(lambda x: 2 * x, name="other", vjp=twice, aliases=(also,))
    assert "other" not in labels() and TABLE[also] is TABLE[double]
    forget(double)
    assert also not in TABLE


def test_what_an_op_saves_for_its_rule_is_not_given_to_the_caller():
    def forward(x):
        e = np.exp(x)
        return e - 1, e

    grow = custom(
        forward,
        name="grow",
        saves=True,
        vjp=lambda g, y, x, saved=None: g * (np.exp(x) if saved is None else saved),
    )
    x = np.array([0.5, 1.0])
    np.testing.assert_array_equal(grow(x), np.exp(x) - 1)
    np.testing.assert_allclose(grad(lambda x: np.sum(grow(x)))(x), np.exp(x))
    np.testing.assert_allclose(hessian(lambda x: np.sum(grow(x)))(x), np.diag(np.exp(x)))


# ------------------------------------------------------------------------------------- functions of other packages


@pytest.fixture
def lgamma():
    """A ufunc of another package, as scipy.special.gammaln is one."""
    return np.frompyfunc(math.lgamma, 1, 1)


def digamma(x: Any) -> Any:
    """Its derivative, by the asymptotic series."""
    shift = sum(1 / (x + k) for k in range(20))
    z = x + 20
    return np.log(z) - 1 / (2 * z) - 1 / (12 * z**2) + 1 / (120 * z**4) - 1 / (252 * z**6) - shift


def test_a_ufunc_of_another_package_gets_a_rule_under_its_own_name(lgamma):
    x = np.array([0.5, 2.5, 4.0])
    with pytest.raises(
        MissingRule, match=r"(?s)^lgamma has no rule, .* write  minigrad.custom\(lgamma, vjp="
    ) as told:
        lgamma(Value(x))
    assert "np.lgamma" not in str(told.value)
    assert custom(lgamma, vjp=lambda g, y, x: g * digamma(x), domain=POSITIVE) is lgamma
    y = lgamma(Value(x))
    assert y.op is not None and y.op.label == "lgamma" and y.dtype == np.float64
    np.testing.assert_array_equal(y.data, [math.lgamma(v) for v in x])
    np.testing.assert_allclose(grad(lambda x: np.sum(lgamma(x) * x))(x), digamma(x) * x + y.data)
    np.testing.assert_allclose(
        hessian(lambda x: np.sum(lgamma(x)))(x), np.diag(grad(lambda x: np.sum(digamma(x)))(x))
    )
    np.testing.assert_allclose(vmap(grad(lgamma))(x), digamma(x))
    np.testing.assert_allclose(compile(grad(lambda x: np.sum(lgamma(x))))(x), digamma(x))
    assert check_op(lgamma, examples=2).ok and "lgamma" in draw(y).dot
    assert check_graph(lgamma(Value(x) * 2).sum()).ok
    assert [row.op for row in ops() if row.label == "lgamma"] == ["lgamma"]


def test_a_wrong_rule_for_a_foreign_ufunc_is_caught(lgamma):
    custom(lgamma, vjp=lambda g, y, x: 1.01 * g * digamma(x), domain=POSITIVE)
    assert check_op(lgamma, examples=2).verdict == "disagree"


def test_forgotten_a_foreign_ufunc_is_as_it_was(lgamma):
    custom(lgamma, vjp=twice)
    forget(lgamma)
    with pytest.raises(MissingRule, match="lgamma"):
        lgamma(Value(0.5))
    assert lgamma(2.5) == math.lgamma(2.5)


def test_a_second_rule_for_a_foreign_ufunc_replaces_the_first(lgamma):
    custom(lgamma, vjp=twice)
    custom(lgamma, vjp=lambda g, y, x: 3 * g)
    assert grad(lgamma)(2.0) == 3.0 and labels().count("lgamma") == 1
    custom(lgamma, name="log_gamma", vjp=lambda g, y, x: 4 * g)
    assert grad(lgamma)(2.0) == 4.0 and "lgamma" not in labels()
    assert not [row for row in labels() if row == "lgamma"]


def test_a_foreign_ufunc_of_two_inputs_takes_plain_numbers_and_broadcasts():
    hypot = np.frompyfunc(math.hypot, 2, 1)
    custom(hypot, name="hypotenuse", vjp=(lambda g, y, a, b: g * a / y, lambda g, y, a, b: g * b / y))
    b = np.array([[3.0], [1.0]])
    np.testing.assert_allclose(
        grad(lambda a: np.sum(hypot(a, b)))(np.array([4.0, 2.0])),
        np.sum(np.array([4.0, 2.0]) / np.hypot([4.0, 2.0], b), axis=0),
    )
    assert grad(lambda b: hypot(4.0, b))(3.0) == 0.6


def test_numpys_own_ufunc_without_a_rule_takes_one():
    custom(np.spacing, vjp=(None,))
    assert np.spacing(Value(1.0)).item() == np.spacing(1.0)
    assert grad(lambda x: x * np.spacing(x))(1.0) == np.spacing(1.0)
    forget(np.spacing)
    with pytest.raises(MissingRule, match=r"np\.spacing has no rule"):
        np.spacing(Value(1.0))


def test_a_function_that_dispatches_by_array_function_takes_a_rule():
    x = np.array([0.5, 1.5])
    with pytest.raises(MissingRule):
        grad(lambda x: np.sum(np.fft.hfft(x)))(x)
    custom(np.fft.hfft, vjp=lambda g, y, x: 7 * g)
    np.testing.assert_array_equal(grad(lambda x: np.sum(np.fft.hfft(x)))(x), [7.0, 7.0])
    np.testing.assert_array_equal(np.fft.hfft(Value(x)).data, np.fft.hfft(x))
    forget(np.fft.hfft)
    with pytest.raises(MissingRule):
        np.fft.hfft(Value(x))


def test_a_function_of_scipy_without_a_rule_takes_one_and_is_differentiated_when_it_is_called_itself():
    """dK/dm = (E / (1 - m) - K) / 2m and dE/dm = (E - K) / 2m."""
    special = pytest.importorskip("scipy.special", reason="scipy is not installed")
    m = Domain("0 < m < 1", 0.1, 0.9)
    with pytest.raises(MissingRule, match=r"custom\(scipy\.special\.ellipk, vjp="):
        special.ellipk(Value(0.5))
    custom(special.ellipk, vjp=lambda g, y, m: g * (special.ellipe(m) / (1 - m) - y) / (2 * m), domain=m)
    custom(special.ellipe, vjp=lambda g, y, m: g * (y - special.ellipk(m)) / (2 * m), domain=m)
    x = np.array([0.3, 0.6])
    slope = (special.ellipe(x) / (1 - x) - special.ellipk(x)) / (2 * x)
    np.testing.assert_allclose(grad(lambda x: np.sum(special.ellipk(x)))(x), slope)
    assert np.isfinite(hessian(lambda x: np.sum(special.ellipk(x)))(x)).all()
    assert check_op(special.ellipk, examples=3).ok
    forget(special.ellipk)
    forget(special.ellipe)


def test_the_rule_that_a_function_of_scipy_has_is_not_replaced_unseen_and_its_name_is_free():
    special = pytest.importorskip("scipy.special", reason="scipy is not installed")
    with pytest.raises(NameTaken, match="gammaln"):
        custom(special.gammaln, vjp=lambda g, y, x: 2 * g)
    assert grad(special.gammaln)(2.5) == special.psi(2.5)
    other = custom(lambda x: x * 2, name="gammaln", vjp=lambda g, y, x: 2 * g)
    assert grad(other)(1.0) == 2.0
    forget(other)


def test_without_a_jvp_forward_mode_says_so_and_is_not_zero():
    half = custom(lambda x: x / 2, name="half", vjp=lambda g, y, x: g / 2)
    try:
        assert grad(half)(1.0) == 0.5
        assert [row.forward for row in ops() if row.label == "half"] == ["none"]
        with pytest.raises(MissingRule, match="half states no jvp"):
            jvp(half, (1.0,), (1.0,))
    finally:
        forget(half)


def test_a_parameter_the_rule_does_not_take_is_refused_by_name():
    scaled = custom(lambda x, by=1.0: x * by, name="scaled", vjp=lambda g, y, x, by=1.0: g * by)
    try:
        assert grad(lambda x: scaled(x, by=3.0))(2.0) == 3.0
        with pytest.raises((ArgumentError, TypeError), match="twice"):
            scaled(Value(1.0), twice=True)
    finally:
        forget(scaled)


def test_it_is_checked_as_the_ops_of_the_table_are(cube):
    assert check_op(cube, examples=2).ok
    assert check_graph(cube(Value([0.5, -2.0])).sum()).ok
    wrong = custom(lambda x: x**3, name="wrong", vjp=lambda g, y, x: 3 * g * x)
    try:
        assert check_op(wrong, examples=2).verdict == "disagree"
        assert check_graph(np.exp(wrong(cube(Value(0.5))))).op.label == "wrong"
    finally:
        forget(wrong)


def test_a_domain_that_is_none_is_refused() -> None:
    with pytest.raises(ArgumentError, match=r"write  domain=Domain\("):
        custom(lambda x: x * 2.0, name="twice", vjp=lambda g, y, x: 2.0 * g, domain="real")  # type: ignore[arg-type]
