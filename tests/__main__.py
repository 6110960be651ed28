"""Everything that is checked, in one command: `python -m tests`."""

import subprocess
import sys
from pathlib import Path

CHECKS = [
    ["ruff", "check"],
    ["ruff", "format", "--check"],
    ["mypy"],
    ["pytest", "--cov", "--cov-report=term-missing:skip-covered"],
]


def main() -> int:
    """Run the checks in order, from the project's folder, and stop at the first that fails."""
    for check in CHECKS:
        print(f"\n$ {' '.join(check)}", flush=True)
        code = subprocess.run(
            [sys.executable, "-m", *check], cwd=Path(__file__).parent.parent, check=False
        ).returncode
        if code:
            return code
    return 0


if __name__ == "__main__":
    sys.exit(main())
