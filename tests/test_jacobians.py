"""jacobian, hessian and hvp: blocks in their places, whichever sweep is the cheaper one."""

import numpy as np
import pytest

from minigrad import Value, grad, hessian, hvp, jacobian, jvp, vjp

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
