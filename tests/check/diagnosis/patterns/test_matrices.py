import numpy as np
import pytest
from planting import draw, said

A, G, X = draw(4, 4, seed=1), draw(4, 3, seed=2), draw(4, 3, seed=3)


@pytest.mark.parametrize(
    ("given", "right", "words"),
    [
        (A @ G, A.T @ G, "given = A @ cotangent, but the derivative is A.T @ cotangent"),
        (A.T @ G, A @ G, "given = A.T @ cotangent, but the derivative is A @ cotangent"),
    ],
)
def test_a_matrix_on_the_left_that_is_not_transposed_is_named(
    given: np.ndarray, right: np.ndarray, words: str
) -> None:
    found = said(given, right, X, constants=[A], cotangent=G.ravel())
    assert (found.kind, words in found.sentence) == ("transposed", True)


@pytest.mark.parametrize(
    ("given", "right", "words"),
    [
        (G.T @ A, G.T @ A.T, "given = cotangent @ A, but the derivative is cotangent @ A.T"),
        (G.T @ A.T, G.T @ A, "given = cotangent @ A.T, but the derivative is cotangent @ A"),
    ],
)
def test_a_matrix_on_the_right_that_is_not_transposed_is_named(
    given: np.ndarray, right: np.ndarray, words: str
) -> None:
    found = said(given, right, X.T, constants=[A], cotangent=G.T.ravel())
    assert (found.kind, words in found.sentence) == ("transposed", True)


def test_a_quadratic_form_taken_for_symmetric_is_named() -> None:
    x = X[:, 0]
    assert "(A + A.T) @ x" in said(2 * A @ x, (A + A.T) @ x, x, constants=[A]).sentence
    assert said(2 * A @ x, (A + A.T) @ x + 1e-7, x, constants=[A]).kind == "wrong"


def test_a_nearly_symmetric_matrix_is_told_from_its_transpose_by_a_millionth() -> None:
    near = A + A.T + 1e-6 * draw(4, 4, seed=9)
    assert said(near @ G, near.T @ G, X, constants=[near], cotangent=G.ravel()).kind == "transposed"


def test_the_wrong_product_where_the_right_one_is_another_is_not_named_so() -> None:
    assert said(A @ G, A.T @ G + np.cos(X), X, constants=[A], cotangent=G.ravel()).kind == "wrong"
    assert said(A @ G + 1e-8 * X, A.T @ G, X, constants=[A], cotangent=G.ravel()).kind == "wrong"
