"""jacobian, hessian and hvp: blocks in their places, whichever sweep is the cheaper one."""

import numpy as np
import pytest

from minigrad import Value, checkpoint, compile, custom, forget, grad, hessian, hvp, jacobian, jvp, vjp, vmap
from minigrad.errors import MissingRule, ShapeError

A = np.array([[1.0, -2.0], [0.5, 3.0], [-1.5, 0.25]])


@pytest.mark.parametrize("matrix", [A, A.T], ids=["more outputs than inputs", "more inputs than outputs"])
def test_jacobian_of_a_linear_map_is_its_matrix(matrix):
    x = np.linspace(0.1, 1.0, matrix.shape[1])
    found = jacobian(lambda v: matrix @ v)(x)
    np.testing.assert_array_equal(found, matrix)
    assert type(found) is np.ndarray and found.flags.writeable


def test_both_sweeps_give_the_same_jacobian_of_a_function_that_is_not_linear():
    def f(x):
        return np.tanh(A @ x) * x[0]

    x = np.array([0.3, -0.7])
    by_rows = np.stack([vjp(f, x)[1](e)[0] for e in np.eye(3)])
    by_columns = np.stack([jvp(f, (x,), (e,))[1] for e in np.eye(2)], axis=1)
    np.testing.assert_allclose(by_rows, by_columns, rtol=1e-14)
    np.testing.assert_allclose(jacobian(f)(x), by_rows, rtol=1e-14)


def test_jacobian_of_containers_nests_outputs_outside_and_inputs_inside():
    def f(p, q):
        return {"u": p["a"] * q.sum(), "v": (p["b"][0] ** 2, q[:2])}

    p = {"a": np.array([1.0, 2.0]), "b": [3.0]}
    q = np.array([4.0, 5.0, 6.0])
    found = jacobian(f, (0, 1))(p, q)
    np.testing.assert_array_equal(found["u"][0]["a"], np.eye(2) * 15)
    np.testing.assert_array_equal(found["u"][1], np.array([[1.0] * 3, [2.0] * 3]))
    assert found["v"][0][0]["b"][0] == 6.0
    np.testing.assert_array_equal(found["v"][1][1], np.eye(3)[:2])
    np.testing.assert_array_equal(found["v"][1][0]["a"], np.zeros((2, 2)))


def test_outputs_that_depend_on_nothing_have_a_jacobian_of_zeros():
    assert jacobian(lambda x: 7.0)(2.0) == 0.0
    np.testing.assert_array_equal(jacobian(lambda x: np.ones(3))(np.ones(2)), np.zeros((3, 2)))
    assert jacobian(lambda x: x)(np.zeros(0)).shape == (0, 0)


def test_hessian_is_the_matrix_of_second_derivatives():
    def f(x):
        return x[0] ** 3 + x[0] * x[1] + np.sin(x[1])

    found = hessian(f)(np.array([1.0, 2.0]))
    np.testing.assert_allclose(found, [[6.0, 1.0], [1.0, -np.sin(2.0)]], rtol=1e-15)


def test_hessian_of_containers_nests_twice():
    found = hessian(lambda p: (p["a"] * p["b"].sum()).sum())({"a": np.ones(2), "b": np.ones(3)})
    np.testing.assert_array_equal(found["a"]["b"], np.ones((2, 3)))
    np.testing.assert_array_equal(found["b"]["a"], np.ones((3, 2)))
    np.testing.assert_array_equal(found["a"]["a"], np.zeros((2, 2)))


def test_hessian_vector_product_equals_the_hessian_times_the_vector():
    def f(p):
        return np.sum(np.tanh(A @ p["x"]) ** 2) * p["y"]

    p, v = {"x": np.array([0.4, -0.2]), "y": 1.5}, {"x": np.array([1.0, 2.0]), "y": -0.5}
    h = hessian(f)(p)
    product = hvp(f, p, v)
    np.testing.assert_allclose(product["x"], h["x"]["x"] @ v["x"] + h["x"]["y"] * v["y"], rtol=1e-13)
    np.testing.assert_allclose(product["y"], h["y"]["x"] @ v["x"] + h["y"]["y"] * v["y"], rtol=1e-13)


def test_a_jacobian_is_differentiated_again():
    def trace_of_hessian(t):
        return np.trace(hessian(lambda x: np.sum(t * x**3))(np.array([1.0, 2.0])))

    assert grad(trace_of_hessian)(2.0) == pytest.approx(18.0, rel=1e-15)


def test_a_jacobian_that_depends_on_a_value_is_a_value():
    w = Value(3.0, name="w")
    found = jacobian(lambda x: w * x)(np.ones(2))
    assert isinstance(found, Value)
    found.sum().backward()
    assert w.grad == 2.0


def test_hessian_products_over_several_arguments_are_given_as_a_tuple():
    def f(x, p):
        return np.sum(x**2 * p["w"]) + p["w"] ** 3

    x, p = np.array([1.0, 2.0]), {"w": 3.0}
    at_x, at_p = hvp(f, (x, p), (np.array([1.0, 0.0]), {"w": 2.0}))
    np.testing.assert_allclose(at_x, [2 * 3.0 + 2 * 1.0 * 2.0, 2 * 2.0 * 2.0])
    np.testing.assert_allclose(at_p["w"], 2 * 1.0 * 1.0 + 6 * 3.0 * 2.0)


def test_a_bad_axis_is_a_value_error_and_an_index_error():
    for kind in (ValueError, IndexError):
        with pytest.raises(kind, match="axis 3 is out of bounds"):
            Value(np.ones(2)).sum(axis=3)


# --------------------------------------------------------------------------------------- ops with a vjp alone

X, V = np.array([0.3, 0.5, 0.7]), np.array([1.0, -2.0, 0.5])


@pytest.fixture
def backward_only():
    """sin and a·b² as ops that state no jvp."""
    ops = (
        custom(np.sin, name="sine", vjp=lambda g, y, x: g * np.cos(x)),
        custom(
            lambda a, b: a * b**2,
            name="a_b2",
            vjp=(lambda g, y, a, b: g * b**2, lambda g, y, a, b: 2 * g * a * b),
        ),
    )
    yield ops
    for op in ops:
        forget(op)


def losses(backward_only):
    """One function of three numbers twice: with ops that have a vjp alone, and with NumPy's."""

    def loss(sine, a_b2):
        return lambda x: np.sum(a_b2(sine(x), x) * np.arange(1.0, 4.0)) * sine(x[0])

    return loss(*backward_only), loss(np.sin, lambda a, b: a * b**2)


def tall(sine):
    """More outputs than inputs: a jacobian would sweep forward."""
    return lambda x: np.concatenate([sine(x), sine(x) * x[0]])


def test_the_jacobian_of_an_op_without_a_jvp_sweeps_back(backward_only):
    sine, _ = backward_only
    np.testing.assert_allclose(jacobian(tall(sine))(X), jacobian(tall(np.sin))(X), rtol=1e-15)
    np.testing.assert_allclose(jacobian(checkpoint(tall(sine)))(X), jacobian(tall(np.sin))(X), rtol=1e-15)
    assert jacobian(lambda x: {"a": sine(x), "b": [x, sine(x)]})(0.3)["b"][1] == np.cos(0.3)


def test_hessians_and_their_products_need_no_jvp(backward_only):
    f, known = losses(backward_only)
    np.testing.assert_allclose(hessian(f)(X), hessian(known)(X), rtol=1e-13)
    np.testing.assert_allclose(hvp(f, X, V), hvp(known, X, V), rtol=1e-13)
    np.testing.assert_allclose(hvp(checkpoint(f), X, V), hvp(known, X, V), rtol=1e-13)


def test_derivatives_of_hessians_need_no_jvp(backward_only):
    f, known = losses(backward_only)
    np.testing.assert_allclose(jacobian(hessian(f))(X), jacobian(hessian(known))(X), rtol=1e-12)

    def of_product(f):
        return lambda x: hvp(f, x, V) @ V

    np.testing.assert_allclose(grad(of_product(f))(X), grad(of_product(known))(X), rtol=1e-12)
    np.testing.assert_allclose(hvp(of_product(f), X, V), hvp(of_product(known), X, V), rtol=1e-12)


def test_without_a_jvp_batches_and_compiled_code_have_the_same_derivatives(backward_only):
    f, known = losses(backward_only)
    xs, vs = np.stack([X, X + 1]), np.stack([V, V - 1])
    expected = np.stack([hvp(known, x, v) for x, v in zip(xs, vs, strict=True)])
    np.testing.assert_allclose(vmap(lambda x, v: hvp(f, x, v))(xs, vs), expected, rtol=1e-12)
    np.testing.assert_allclose(vmap(hessian(f))(xs), np.stack([hessian(known)(x) for x in xs]), rtol=1e-12)
    compiled = compile(lambda x, v: hvp(f, x, v))
    for x, v, product in zip(xs, vs, expected, strict=True):
        np.testing.assert_allclose(compiled(x, v), product, rtol=1e-12)
    sine = tall(backward_only[0])
    np.testing.assert_allclose(vmap(jacobian(sine))(xs), np.stack([jacobian(tall(np.sin))(x) for x in xs]))
    np.testing.assert_allclose(compile(jacobian(sine))(X), jacobian(tall(np.sin))(X))


def test_without_a_jvp_outer_values_get_their_gradients(backward_only):
    f, known = losses(backward_only)
    w = Value(2.0, name="w")
    hvp(lambda x: f(x) * w**2, X, V).sum().backward()
    np.testing.assert_allclose(w.grad, 4.0 * hvp(known, X, V).sum())
    w.grad = None
    jacobian(lambda x: tall(backward_only[0])(x) * w**2)(X).sum().backward()
    np.testing.assert_allclose(w.grad, 4.0 * jacobian(tall(np.sin))(X).sum())


def test_without_a_jvp_products_are_nested_like_the_arguments(backward_only):
    f, known = losses(backward_only)
    x, v = ({"a": X, "b": [2.0]}, 0.4), ({"a": V, "b": [1.0]}, -1.0)

    def of(f, sine):
        return lambda p, q: f(p["a"]) * sine(q) * p["b"][0]

    (at_p, at_q), (known_p, known_q) = (hvp(of(f, backward_only[0]), x, v), hvp(of(known, np.sin), x, v))
    np.testing.assert_allclose(at_p["a"], known_p["a"])
    np.testing.assert_allclose([at_p["b"][0], at_q], [known_p["b"][0], known_q])
    assert type(at_p["b"]) is list and type(at_q) is np.float64


def test_single_precision_stays_without_a_jvp(backward_only):
    product = hvp(losses(backward_only)[0], X.astype(np.float32), V)
    assert product.dtype == np.float32


def test_a_rule_that_is_no_true_derivative_gives_the_same_product_as_its_hessian():
    """Its second derivatives are not symmetric: sweeping back from v would give those of the transpose."""
    odd = custom(lambda a, b: a * b, name="odd", vjp=(lambda g, y, a, b: g * b**2, lambda g, y, a, b: g * a))
    try:

        def f(x):
            return odd(x[0], x[1]) * x[0]

        matrix = hessian(f)(X[1:])
        assert not np.allclose(matrix, matrix.T)
        np.testing.assert_allclose(hvp(f, X[1:], V[1:]), matrix @ V[1:])
    finally:
        forget(odd)


def test_jvp_itself_still_names_the_missing_rule_and_the_remedies(backward_only):
    f, _ = losses(backward_only)
    with pytest.raises(MissingRule, match=r"(?s)sine states no jvp.*custom\(\.\.\., jvp=.*hvp"):
        jvp(f, (X,), (V,))
    with pytest.raises(MissingRule):
        jacobian(lambda x: jvp(f, (x,), (V,))[1])(X)


def test_a_direction_of_another_shape_is_refused_without_a_jvp_too(backward_only):
    with pytest.raises(ShapeError, match="tangent"):
        hvp(losses(backward_only)[0], X, np.ones(2))
