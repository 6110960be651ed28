"""matrix_multiply and the array types: ranks and dtypes.

Arrays come through variables. Of an inline np.ones(3) mypy takes an overload that says nothing of
the rank, and refuses nothing.
"""

from typing import Any, assert_type, reveal_type

import numpy as np
from numpy.typing import NDArray

from layerwise import Array, Matrix, Vector, matrix_multiply, relu

vector = np.ones(3)
matrix = np.ones((3, 3))
cube = np.ones((3, 3, 3))
integers = np.ones((3, 3), np.int64)
booleans = np.ones((3, 3), np.bool_)
complexes = np.ones((3, 3), np.complex128)
single = np.ones((3, 3), np.float32)
any_rank: NDArray[np.float64] = np.ones((3, 3))
any_float: Array = np.ones((3, 3))
anything: NDArray[Any] = np.ones((3, 3))

# The dtype is kept, and the result has two axes.
reveal_type(matrix_multiply(matrix, matrix))  # N: "ndarray[tuple[int, int], dtype[float64]]"
reveal_type(matrix_multiply(any_rank, any_rank))  # N: "ndarray[tuple[int, int], dtype[float64]]"
reveal_type(matrix_multiply(single, single))  # N: ndarray[tuple[int, int], dtype[floating[_32Bit]]]
assert_type(matrix_multiply(single, single), np.ndarray[tuple[int, int], np.dtype[np.float32]])

# An array whose rank or dtype mypy does not know is accepted.
matrix_multiply(any_float, matrix)
matrix_multiply(matrix, anything)
matrix_multiply(single.T, matrix_multiply(single, single))

matrix_multiply(vector, matrix)  # E: to "matrix_multiply" has incompatible type
matrix_multiply(matrix, vector)  # E: to "matrix_multiply" has incompatible type
matrix_multiply(cube, matrix)  # E: to "matrix_multiply" has incompatible type
matrix_multiply(matrix, integers)  # E: type variable "F" of "matrix_multiply" cannot be
matrix_multiply(integers, matrix)  # E: type variable "F" of "matrix_multiply" cannot be
matrix_multiply(booleans, booleans)  # E: type variable "F" of "matrix_multiply" cannot be
matrix_multiply(complexes, complexes)  # E: type variable "F" of "matrix_multiply" cannot be
matrix_multiply([[1.0]], matrix)  # E: incompatible type "list[list[float]]"

a_vector: Vector = vector
a_matrix: Matrix = matrix
an_array: Array = cube
from_any: Matrix = anything
not_a_matrix: Matrix = vector  # E: Incompatible types in assignment
not_a_vector: Vector = matrix  # E: Incompatible types in assignment
not_floating: Array = integers  # E: Incompatible types in assignment

relu(vector)
relu(cube)
relu(integers)  # E: to "relu" has incompatible type
