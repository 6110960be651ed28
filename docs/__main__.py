"""The site, built strictly and looked through: `python -m docs` leaves it in build/site."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from docs.building.site import faults

DOCS = Path(__file__).parent
SITE = DOCS.parent / "build" / "site"
# Two processes run examples, each of one thread; bars of progress are for those who watch.
QUIET = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "TQDM_DISABLE": "1"}


def main() -> int:
    """Build all anew, every warning an error, then follow every link."""
    print("Running every example, building all pages: about two minutes", flush=True)
    shutil.rmtree(SITE, ignore_errors=True)
    shutil.rmtree(DOCS / "gallery", ignore_errors=True)
    sphinx = [sys.executable, "-m", "sphinx", "--fail-on-warning", "--fresh-env", "--quiet"]
    places = ["-d", str(SITE.parent / "doctrees"), str(DOCS), str(SITE)]
    code = subprocess.run(
        [*sphinx, *places], cwd=DOCS.parent, env=os.environ | QUIET, check=False
    ).returncode
    if code:
        return code
    found = faults(SITE)
    for fault in found:
        print(fault, file=sys.stderr)
    if not found:
        print(f"Built {SITE / 'index.html'}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
