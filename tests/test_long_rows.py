"""Rows of features side by side: the same sums, whatever fits."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from layerwise.layers.long_rows import merge_rows, repeat_to, sum_merged


@given(st.integers(1, 5), st.integers(1, 70), st.integers(1, 7))
def test_sums_and_products_are_those_of_the_features(n: int, places: int, features: int) -> None:
    X = np.arange(float(n * places * features)).reshape(n, places, features)
    v = np.arange(1.0, features + 1)
    A = merge_rows(X)
    assert sum_merged(A, features).tolist() == X.sum(axis=(0, 1)).tolist()
    assert (A * repeat_to(v, A)).reshape(X.shape).tolist() == (X * v).tolist()


def test_how_many_fit() -> None:
    """As many as divide the places evenly, of the powers of two up to 32."""
    shapes = [merge_rows(np.ones((places, 3))).shape for places in (1, 6, 64, 33, 96)]
    assert shapes == [(1, 3), (3, 6), (2, 96), (33, 3), (3, 96)]
