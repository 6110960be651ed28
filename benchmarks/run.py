"""The command line: which workloads, how many rounds, where to save."""

import argparse
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks import measure, processes, report, scaling, sequences, workloads
from benchmarks.contestants import HOMES, installed
from benchmarks.workloads import Workload


def run() -> None:
    """Measure, print the table, save table.json and table.png; or the same for scaling."""
    options = _options()
    began = time.perf_counter()
    options.output.mkdir(parents=True, exist_ok=True)
    if options.scaling:
        scaling.run(options.output, rounds=3 if options.quick else 5)
    else:
        _table(options)
    print(f"\nsaved in {options.output}; took {time.perf_counter() - began:.0f} s")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    keys = ["W1", "W2", "W3", "W4", "W5", "W6", "W7", "W8"]
    parser.add_argument("--only", action="append", choices=keys, help="may be given repeatedly")
    parser.add_argument("--rounds", type=int, help="instead of each workload's own number")
    parser.add_argument("--quick", action="store_true", help="three rounds: a rough first look")
    parser.add_argument("--scaling", action="store_true", help="time against size, as a picture")
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "results")
    options = parser.parse_args()
    options.only = options.only or keys
    options.rounds = options.rounds or (3 if options.quick else None)
    return options


def _table(options: argparse.Namespace) -> None:
    names = installed()
    for name in HOMES.keys() - set(names):
        print(f"{name}: not installed, left out")
    results = []
    makers: dict[str, Callable[[], list[Workload]]] = {
        "W1": lambda: [workloads.digits()],
        "W2": lambda: [workloads.mnist_sized()],
        "W3": lambda: [workloads.wide()],
        "W4": lambda: [workloads.tiny()],
        "W5": lambda: [workloads.one_row(), workloads.many_rows()],
        "W7": lambda: [workloads.small_cnn(), *workloads.passes()],
        "W8": sequences.passes,
    }
    for key in [key for key in makers if key in options.only]:
        for workload in makers[key]():
            print(f"{workload.key}: {workload.title}", flush=True)
            results.append(measure.alternately(workload, names, options.rounds))
    memory, import_ms = None, None
    if "W6" in options.only:
        print("W6: peak memory of W3, and the time of the import", flush=True)
        memory = processes.peak_memory(names)
        import_ms = processes.import_time(options.rounds or 11)
    report.show(results, memory, import_ms)
    report.save(options.output, results, memory, import_ms)
