"""A search that outgrows one machine: GridSearchCV on a cluster, and a worker that dies in it.

Run `python examples/sklearn_dask.py`, with the extra `distributed`. It takes some seconds. The
code is that of one machine; joblib hands the fits to Dask, whose cluster here is two processes,
and elsewhere many machines. One worker is killed in the middle: its fits are made again.
"""

import os
import signal
from threading import Timer
from typing import Any

import dask
import joblib
import numpy as np
from dask.distributed import Client, LocalCluster
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV, StratifiedKFold

from layerwise.estimators import MLPClassifier

GRID = {"hidden_layer_sizes": [(16,), (32,)], "dropout": [0.0, 0.2]}


def main() -> None:
    """The same search here and on the cluster, where a worker is lost."""
    X, y = load_digits(return_X_y=True)
    folds = list(StratifiedKFold(3).split(X, y))
    network = MLPClassifier(tol=0.05, max_iter=500, random_state=0)
    search = GridSearchCV(network, GRID, cv=folds)
    here = scores(search.fit(X, y))

    # Each worker has all data, and keeps them: what lies on one only is lost with it.
    dask.config.set({"distributed.scheduler.active-memory-manager.start": False})
    data = [X, y, *(rows for fold in folds for rows in fold)]
    cluster = LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None)
    with cluster, Client(cluster) as client, joblib.parallel_backend("dask", scatter=data):
        victim = next(iter(client.run(os.getpid).values()))
        killer = Timer(0.5, os.kill, (victim, signal.SIGKILL))
        killer.start()
        there = scores(search.fit(X, y))
        killer.cancel()
        lost = victim not in client.run(os.getpid).values()
    print(f"A worker was killed in the middle: {lost}.")
    print(f"The search made {len(here) * 3} fits, and chose {search.best_params_}.")
    print(f"Shown: the cluster gives the same {len(there)} scores: {np.array_equal(here, there)}.")


def scores(search: Any) -> Any:
    """The mean score of each point of the grid."""
    return search.cv_results_["mean_test_score"]


if __name__ == "__main__":
    main()
