"""Kill a process that saves, many times, and count the files that are lost: on Linux or macOS.

    python -m benchmarks.killed_saves [--in-place] [kills]

The process saves one network of 4 MB over and over into one file, each time with all its numbers
one larger, and prints that number when `save` has returned. At a random moment after its first
save it is killed (SIGKILL), 200 times unless told. Then the file must load and hold one number
throughout, and none before the one printed last; else it is lost. Measured with NumPy 2.4 and
safetensors 0.8 on two cores: 0 of 200 lost; with --in-place, which writes over the old file as
programs usually do, 58 of 200.

A kill is no loss of power. That the numbers are on the disk before the name is, and the name
before `save` returns, tests/test_saving.py proves by the order of the calls.
"""

import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from layerwise import Dense, saving

SIZE = 700  # rows and columns
SECONDS = 0.2  # from the first save to the last moment of a kill


def save_for_ever(path: Path) -> None:
    """What the process does until it is killed."""
    dense, number = Dense(SIZE, SIZE, rng=0), 0
    while True:
        number += 1
        for parameter in dense.parameters():
            parameter.value.fill(number)
        saving.save(path, dense)
        print(number, flush=True)


def write_in_place(path: Path, data: bytes) -> None:
    """As programs usually write a file: for --in-place."""
    path.write_bytes(data)


def kill_one(path: Path, moment: float, arguments: list[str]) -> int:
    """Start a process, kill it so long after its first save; the number it printed last."""
    command = [sys.executable, "-m", "benchmarks.killed_saves", *arguments, "--into", str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None  # for mypy
        printed = [process.stdout.readline()]
        time.sleep(moment)
        process.kill()
        printed += process.stdout.readlines()
    return int([line for line in printed if line.endswith("\n")][-1])


def wrong(path: Path, printed: int) -> str:
    """What is wrong with the file, if anything."""
    dense = Dense(SIZE, SIZE, rng=0)
    try:
        saving.load(path, dense)
    except (ValueError, OSError) as error:
        return str(error)
    numbers = np.unique(np.concatenate([p.value.ravel() for p in dense.parameters()]))
    fits = len(numbers) == 1 and numbers[0] >= printed
    return "" if fits else f"the file holds {numbers}, {printed} was printed"


def main() -> int:
    """Count and print; the answer to the shell is whether any file was lost."""
    arguments = [a for a in sys.argv[1:] if not a.isdigit()]
    kills = next((int(a) for a in sys.argv[1:] if a.isdigit()), 200)
    lost = 0
    with tempfile.TemporaryDirectory() as folder:
        for i in range(kills):
            path = Path(folder) / f"{i}.safetensors"
            printed = kill_one(path, random.uniform(0, SECONDS), arguments)
            if reason := wrong(path, printed):
                lost += 1
                print(f"kill {i + 1}: {reason}")
            path.unlink()
        left = len(list(Path(folder).glob("*.partial")))
    print(f"{lost} of {kills} files lost; {left} kills came in the middle of writing")
    return int(lost > 0)


if __name__ == "__main__":
    if "--into" in sys.argv:
        if "--in-place" in sys.argv:
            vars(saving)["write"] = write_in_place
        save_for_ever(Path(sys.argv[-1]))
    sys.exit(main())
