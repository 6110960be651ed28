"""The error expected, with all of its message."""

import re

import pytest


def raises(error: type[Exception], message: str) -> "pytest.RaisesExc[Exception]":
    """Expect this error with exactly this message: a part of it would let the rest go wrong."""
    return pytest.raises(error, match=rf"\A{re.escape(message)}\Z")
