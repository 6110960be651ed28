"""What all tests share: how hypothesis draws its examples, and what is not to be imported."""

import os

from hypothesis import settings

# The same examples in every run: a failure seen once is seen again.
settings.register_profile("repeatable", max_examples=50, deadline=None, derandomize=True)
settings.load_profile("repeatable")

# Unless told before it is imported, ONNX Runtime keeps a number for this machine, and what it would
# report, in the user's home.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

# Read by mypy, never run: half of that code is wrong on purpose. See test_typing.py.
collect_ignore_glob = ["typing/*"]
