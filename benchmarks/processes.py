"""What needs a process of its own: peak memory, and the time of an import."""

import resource
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from statistics import median

from benchmarks import workloads
from benchmarks.contestants import BARE, LAST, load


def peak_memory(names: list[str]) -> dict[str, tuple[float, float]]:
    """MB (10⁶ bytes) that training on W3 takes at its peak, over data and imports.

    First for the first training in a process, during which some libraries load more of their
    code; then for one after a few small steps, when all is loaded.
    """
    rows = [name for name in names if name not in (BARE, LAST)]
    return {name: (_peak(name), _peak(name, "loaded")) for name in rows}


def _peak(*arguments: str) -> float:
    return float(_python("-m", "benchmarks.processes", *arguments))


def import_time(rounds: int) -> float:
    """Milliseconds of CPU that `import layerwise` takes where NumPy is imported already."""
    code = "import numpy, time; t = time.process_time(){}; print(time.process_time() - t)"
    spent = [float(_python("-c", code.format("; import layerwise"))) for _ in range(rounds)]
    return 1000 * median(spent)


def _python(*arguments: str) -> str:
    """What another Python prints as its last line."""
    command = [sys.executable, *arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout.splitlines()[-1]


def _measure(name: str, *, loaded: bool) -> float:
    """Train on W3 in this process."""
    contestant = load(name)
    workload = workloads.wide()
    if loaded:
        small = replace(
            workload,
            X=workload.X[:64, :8].copy(),
            y=workload.y[:64],
            weights=workloads.first_weights(8, 8, 10),
            batch_size=16,
        )
        contestant.training(small)()
    before = _resident("VmRSS")
    contestant.training(workload)()
    return _resident("VmHWM") - before


def _resident(field: str) -> float:
    """MB of memory in use (VmRSS) or in use at the peak (VmHWM).

    Linux hands the ru_maxrss of a process down to those it starts, so a child would begin with
    its parent's peak: there /proc is read. Elsewhere both are ru_maxrss, the peak so far.
    """
    status = Path("/proc/self/status")
    if status.exists():
        lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
        return int(lines[field].split()[0]) * 1024 / 1e6
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6


if __name__ == "__main__":
    print(_measure(sys.argv[1], loaded="loaded" in sys.argv[2:]))
