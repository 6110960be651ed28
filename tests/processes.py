"""Programs on many processes, by mpiexec."""

import os
import shutil
import signal
import subprocess
import sys
import sysconfig
from pathlib import Path

ROOT = Path(__file__).parent.parent
# That of the wheel `mpich`, which lies beside Python, or else the system's.
WHERE = f"{sysconfig.get_path('scripts')}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
MPIEXEC = shutil.which("mpiexec", path=WHERE) or "mpiexec"
LIMIT = 120  # seconds, on a machine that is busy with other tests: alone each takes about two


def start(size: int, arguments: list[str], folder: Path) -> "subprocess.Popen[str]":
    """`mpiexec -n size python arguments`, in a group of its own."""
    quiet = {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": str(ROOT)}
    single = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [MPIEXEC, "-n", str(size), sys.executable, *arguments],
        cwd=folder,
        env=os.environ | quiet | single,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def outcome(process: "subprocess.Popen[str]") -> tuple[str, str]:
    """What it prints, and its errors. One that hangs is ended, and fails the test."""
    try:
        return process.communicate(timeout=LIMIT)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        raise


def run(size: int, arguments: list[str], folder: Path) -> tuple[int, str, str]:
    """Its status, what it printed, and its errors."""
    with start(size, arguments, folder) as process:
        printed, errors = outcome(process)
    return process.returncode, printed, errors
