"""Everything that is checked, in one command: `python -m tests`."""

import os
import subprocess
import sys
from pathlib import Path

CHECKS = [
    ["ruff", "check"],
    ["ruff", "format", "--check"],
    ["mypy"],
    ["pytest", "-n", "auto", "--cov", "--cov-report=term-missing:skip-covered"],
]

# As many processes of pytest as there are cores, so one thread for each.
ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}


def main() -> int:
    """Run the checks in order, from the project's folder, and stop at the first that fails."""
    for check in CHECKS:
        print(f"\n$ {' '.join(check)}", flush=True)
        code = subprocess.run(
            [sys.executable, "-m", *check],
            cwd=Path(__file__).parent.parent,
            env=os.environ | ONE_THREAD,
            check=False,
        ).returncode
        if code:
            return code
    return 0


if __name__ == "__main__":
    sys.exit(main())
