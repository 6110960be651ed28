"""The error expected, with all of its message."""

import re
from typing import TypeVar

import pytest

E = TypeVar("E", bound=BaseException)


def raises(error: type[E], message: str) -> "pytest.RaisesExc[E]":
    """Expect this error with exactly this message: a part of it would let the rest go wrong."""
    return pytest.raises(error, match=rf"\A{re.escape(message)}\Z")
