"""Run the benchmarks: `python -m benchmarks`, from the top of the repository; not on Windows."""

import os
import sys

ONE_THREAD = {  # read by the libraries when they are imported
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "VECLIB_MAXIMUM_THREADS": "1",
    "NPROC": "1",  # JAX's pool of threads
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false",
}


def main() -> None:
    """Start again with one thread for everything, then run."""
    if any(os.environ.get(name) != value for name, value in ONE_THREAD.items()):
        os.environ.update(ONE_THREAD)
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])
    from benchmarks.run import run  # noqa: PLC0415  # not before the environment is set

    run()


if __name__ == "__main__":
    main()
