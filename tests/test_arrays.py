"""matrix_multiply: values, dtypes, memory layouts, memory used, and every refusal."""

import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse
from hypothesis import given
from hypothesis import strategies as st

from layerwise import Array, SoftmaxCrossEntropy, matrix_multiply
from layerwise.arrays import CHUNK, KEPT, add_multiple, ones, scalar, sum_rows
from tests.raising import raises

LAYOUTS = ["C", "Fortran", "transposed", "strided", "reversed", "read-only"]


def in_layout(A: Array, layout: str) -> Array:
    """The numbers of A in another arrangement in memory."""
    if layout == "Fortran":
        return np.asfortranarray(A)
    if layout == "transposed":
        return np.ascontiguousarray(A.T).T
    if layout == "strided":
        wide = np.full((2 * A.shape[0], 3 * A.shape[1]), np.nan, A.dtype)
        wide[::2, ::3] = A
        return wide[::2, ::3]
    if layout == "reversed":
        return np.ascontiguousarray(A[::-1, ::-1])[::-1, ::-1]
    A = np.ascontiguousarray(A)
    A.flags.writeable = layout != "read-only"
    return A


def test_product_by_hand() -> None:
    X, W = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[5.0, 6.0], [7.0, 8.0]])
    np.testing.assert_array_equal(matrix_multiply(X, W), [[19.0, 22.0], [43.0, 50.0]])


@given(data=st.data())
def test_every_entry_is_the_sum_of_its_definition(data: st.DataObject) -> None:
    """Whole numbers below 100 are exact in floating point, so the comparison is, too."""
    m, n, p = (data.draw(st.integers(0, 4)) for _ in range(3))
    dtype = data.draw(st.sampled_from([np.float32, np.float64]))
    numbers = st.integers(-99, 99)
    rows = [[data.draw(numbers) for _ in range(n)] for _ in range(m)]
    columns = [[data.draw(numbers) for _ in range(n)] for _ in range(p)]
    X = in_layout(np.array(rows, dtype).reshape(m, n), data.draw(st.sampled_from(LAYOUTS)))
    W = in_layout(np.array(columns, dtype).reshape(p, n).T, data.draw(st.sampled_from(LAYOUTS)))

    Y = matrix_multiply(X, W)

    assert Y.dtype == dtype
    assert Y.shape == (m, p)
    expected = [
        [sum(a * b for a, b in zip(row, col, strict=True)) for col in columns] for row in rows
    ]
    assert Y.tolist() == expected


@pytest.mark.parametrize("layout_W", LAYOUTS)
@pytest.mark.parametrize("layout_X", LAYOUTS)
def test_layout_changes_nothing(layout_X: str, layout_W: str) -> None:
    """Large enough for BLAS to be called, which has rules of its own on memory."""
    X = np.arange(40.0 * 30).reshape(40, 30) % 7
    W = np.arange(30.0 * 50).reshape(30, 50) % 5
    Y = matrix_multiply(in_layout(X, layout_X), in_layout(W, layout_W))
    np.testing.assert_array_equal(Y, (X[:, :, np.newaxis] * W).sum(axis=1))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("layout_W", ["C", "Fortran", "transposed"])
@pytest.mark.parametrize("layout_X", ["C", "Fortran", "transposed"])
def test_memory_is_the_result_and_nothing_else(
    layout_X: str, layout_W: str, dtype: type[np.floating[Any]]
) -> None:
    X = in_layout(np.ones((100, 300), dtype), layout_X)
    W = in_layout(np.ones((300, 200), dtype), layout_W)
    matrix_multiply(X, W)  # what the first call loads is not the product's
    tracemalloc.start()
    try:
        Y = matrix_multiply(X, W)
        now, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert Y.nbytes <= now <= peak < Y.nbytes + 2000


def test_memory_of_a_matrix_times_its_own_transpose() -> None:
    X = np.ones((200, 300))
    tracemalloc.start()
    try:
        Y = matrix_multiply(X.T, X)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < Y.nbytes + 2000


@pytest.mark.parametrize(
    ("m", "n", "p"), [(0, 3, 2), (2, 0, 3), (2, 3, 0), (0, 0, 0), (0, 0, 3), (2, 0, 0)]
)
def test_zero_rows_and_columns(m: int, n: int, p: int) -> None:
    """An empty sum is 0."""
    Y = matrix_multiply(np.ones((m, n)), np.ones((n, p)))
    np.testing.assert_array_equal(Y, np.zeros((m, p)))
    assert Y.shape == (m, p)


def test_a_product_that_is_too_large_is_no_misfit() -> None:
    with pytest.raises(ValueError, match=r"too (big|large)"):
        matrix_multiply(np.ones((2**40, 0)), np.ones((0, 2**40)))


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int32, np.int64, np.uint64])
def test_integers_become_float64_before_the_product(dtype: type[np.integer[Any]]) -> None:
    """100 times 100 is beyond int8 and uint8."""
    X: Any = np.array([[100, 2]], dtype)
    Y = matrix_multiply(X, X.T)
    assert Y.dtype == np.float64
    assert Y.tolist() == [[10004.0]]


def test_booleans_become_float64_before_the_product() -> None:
    X: Any = np.array([[True, True]])
    Y = matrix_multiply(X, X.T)
    assert Y.dtype == np.float64
    assert Y.tolist() == [[2.0]]


def test_integers_beside_float32_become_float64() -> None:
    X: Any = np.array([[1, 2]])
    assert matrix_multiply(X, np.ones((2, 1), np.float32)).dtype == np.float64


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.longdouble])
def test_floating_dtypes_are_kept(dtype: type[np.floating[Any]]) -> None:
    X = np.array([[1.0, 2.0]], dtype)
    Y = matrix_multiply(X, X.T)
    assert Y.dtype == dtype
    assert Y.tolist() == [[5.0]]


def test_lists_are_matrices() -> None:
    X: Any = [[1, 2], [3, 4]]
    W: Any = [[0.5], [1.0]]
    assert matrix_multiply(X, W).tolist() == [[2.5], [5.5]]


def test_the_result_is_new_and_the_arguments_are_untouched() -> None:
    X, W = np.array([[1.0, 2.0], [3.0, 4.0]]), np.eye(2)
    Y = matrix_multiply(X, W)
    Y += 1
    assert X.tolist() == [[1.0, 2.0], [3.0, 4.0]]
    assert W.tolist() == [[1.0, 0.0], [0.0, 1.0]]


@pytest.mark.parametrize("name", ["X", "W"])
@pytest.mark.parametrize(
    ("numbers", "dtype"),
    [
        (np.ones((2, 2), np.complex128), "complex128"),
        (np.ones((2, 2), np.complex64), "complex64"),
        (np.ones((2, 2), object), "object"),
        (np.full((2, 2), "1"), "<U1"),
        (np.full((2, 2), b"1"), "|S1"),
        (np.zeros((2, 2), "datetime64[s]"), "datetime64[s]"),
    ],
)
def test_other_dtypes_are_refused(name: str, numbers: Any, dtype: str) -> None:
    message = f"matrix_multiply: {name} has dtype {dtype}, expected real numbers: convert it first"
    X, W = (numbers, np.eye(2)) if name == "X" else (np.eye(2), numbers)
    with raises(TypeError, message):
        matrix_multiply(X, W)


@pytest.mark.parametrize(
    ("X", "W", "message"),
    [
        ((5, 3), (4, 4), "X has 3 columns, W has 4 rows"),
        ((4, 3), (4, 2), "X has 3 columns, W has 4 rows; X.T has as many columns as W has rows"),
        ((5, 3), (4, 3), "X has 3 columns, W has 4 rows; W.T has as many rows as X has columns"),
        (
            (3,),
            (3, 4),
            "X is a vector, expected a matrix: X.reshape(1, -1) makes it a row of shape (1, 3), "
            "X.reshape(-1, 1) a column of shape (3, 1)",
        ),
        (
            (5, 3),
            (3,),
            "W is a vector, expected a matrix: W.reshape(1, -1) makes it a row of shape (1, 3), "
            "W.reshape(-1, 1) a column of shape (3, 1)",
        ),
        (
            (2,),
            (2,),
            "X is a vector, expected a matrix: X.reshape(1, -1) makes it a row of shape (1, 2), "
            "X.reshape(-1, 1) a column of shape (2, 1)",
        ),
        (
            (2, 3, 4),
            (4, 5),
            "X has 3 axes, expected 2: reshape it to (rows, columns); in a network Flatten() makes "
            "a row of each example, and TimeDistributed(layer) takes each place as a row",
        ),
        ((3, 4), (2, 4, 5), "W has 3 axes, expected 2: reshape it to (rows, columns)"),
        ((), (2, 2), "X has 0 axes, expected 2: reshape it to (rows, columns)"),
        ((0, 3), (0, 3), "X has 3 columns, W has 0 rows; X.T has as many columns as W has rows"),
    ],
)
def test_shapes_that_do_not_fit_are_refused(
    X: tuple[int, ...], W: tuple[int, ...], message: str
) -> None:
    message = f"matrix_multiply: X {X} and W {W} do not fit: {message}"
    left: Any = np.ones(X)
    right: Any = np.ones(W)
    with raises(ValueError, message):
        matrix_multiply(left, right)


def test_the_reshapes_that_the_message_shows_work() -> None:
    x = np.array([1.0, 2.0])
    assert matrix_multiply(x.reshape(1, -1), np.eye(2)).tolist() == [[1.0, 2.0]]
    assert matrix_multiply(np.eye(2), x.reshape(-1, 1)).tolist() == [[1.0], [2.0]]


def test_ones_that_all_share_cannot_be_written() -> None:
    shared = ones(3, np.dtype(np.float64))
    assert ones(3, np.dtype(np.float64)) is shared
    with pytest.raises(ValueError, match="read-only"):
        shared[0] = 2.0


def test_one_list_beside_a_matrix_is_a_matrix() -> None:
    A, rows = np.array([[1.0, 2.0], [3.0, 4.0]]), [[0.0, 1.0], [1.0, 0.0]]
    swap: Any = rows
    assert matrix_multiply(A, swap).tolist() == [[2.0, 1.0], [4.0, 3.0]]
    assert matrix_multiply(swap, A).tolist() == [[3.0, 4.0], [1.0, 2.0]]


@pytest.mark.filterwarnings("ignore:the matrix subclass")
def test_arrays_with_rules_of_their_own_are_refused() -> None:
    A = np.ones((2, 2))
    for other, message in (
        (np.asmatrix(A), "a matrix, expected a plain array: np.asarray(...) makes it one"),
        (
            np.ma.masked_array(A),
            "a MaskedArray, expected a plain array: np.asarray(...) makes it one",
        ),
        (scipy.sparse.csr_array(A), "a csr_array, expected a plain array: its .toarray() is one"),
    ):
        wrong: Any = other
        with raises(TypeError, f"matrix_multiply: X is {message}"):
            matrix_multiply(wrong, A)
        with raises(TypeError, f"matrix_multiply: W is {message}"):
            matrix_multiply(A, wrong)


def test_a_memory_map_is_a_matrix(tmp_path: Path) -> None:
    mapped = np.memmap(tmp_path / "numbers", np.float64, "w+", shape=(2, 2))
    mapped[...] = [[1.0, 2.0], [3.0, 4.0]]
    product = matrix_multiply(mapped, np.eye(2))
    assert type(product) is np.ndarray
    assert product.tolist() == [[1.0, 2.0], [3.0, 4.0]]


@pytest.mark.parametrize("rows", [0, 1, 3, KEPT, KEPT + 1])
def test_the_sum_of_rows(rows: int) -> None:
    A = np.arange(2.0 * rows).reshape(rows, 2)
    assert sum_rows(A).tolist() == A.sum(axis=0).tolist()


@pytest.mark.parametrize("n", [0, 1, CHUNK, CHUNK + 1, 3 * CHUNK - 1])
def test_a_multiple_is_added_whole_and_needs_a_part_of_the_memory(n: int) -> None:
    A, B = np.arange(n, dtype=np.float32), np.ones(n, np.float32)
    tracemalloc.start()
    add_multiple(A, 0.5, B)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert np.array_equal(A, np.arange(n, dtype=np.float32) + np.float32(0.5))
    assert peak < 4 * CHUNK + 10_000


def test_what_is_kept_between_calls_is_small() -> None:
    """Whatever sizes come: of many rows nothing is kept."""
    tracemalloc.start()
    for n in range(10):
        ones(1_000_000 + n, np.dtype(np.float64))
        sum_rows(np.ones((500_000 + n, 1)))
        SoftmaxCrossEntropy()(np.zeros((100_000 + n, 2)), np.zeros(100_000 + n, int))
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept < 3_000_000


def test_a_scalar_that_all_share_cannot_be_written() -> None:
    with pytest.raises(ValueError, match="read-only"):
        scalar(1, np.dtype(np.float64))[...] = 2
