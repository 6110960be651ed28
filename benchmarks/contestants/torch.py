"""PyTorch, eager, one thread; and once more with its fused optimizers."""

from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Any

from benchmarks.contestants import EAGER, FUSED, Contestant
from benchmarks.workloads import Array, Inference, Training

torch: Any = import_module("torch")  # often not installed, so nothing is known of its types
torch.set_num_threads(1)
torch.set_num_interop_threads(1)


def network_of(weights: list[Array]) -> Any:
    """Linear layers that begin at these weights, ReLU between them."""
    layers = []
    for W in weights:
        linear = torch.nn.Linear(*W.shape)
        with torch.no_grad():
            linear.weight.copy_(torch.from_numpy(W.T))
            linear.bias.zero_()
        layers += [linear, torch.nn.ReLU()]
    return torch.nn.Sequential(*layers[:-1])


def training(workload: Training, *, fused: bool) -> Callable[[], list[float]]:
    """The usual loop."""
    network = network_of(workload.weights)
    options = {"lr": workload.learning_rate, "fused": fused}
    if workload.optimizer == "SGD":
        options["momentum"] = 0.9
    optimizer = getattr(torch.optim, workload.optimizer)(network.parameters(), **options)
    measure = torch.nn.CrossEntropyLoss()
    X, y = torch.from_numpy(workload.X), torch.from_numpy(workload.y)

    def run() -> list[float]:
        history = []
        for order in workload.orders():
            total = 0.0
            for rows in torch.from_numpy(order).split(workload.batch_size):
                loss = measure(network(X[rows]), y[rows])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                total += loss.item() * len(rows)
            history.append(total / len(X))
        return history

    return run


def inference(workload: Inference) -> Callable[[], Any]:
    """A call of the network, from tensor to tensor, that keeps nothing for gradients."""
    network = network_of(workload.weights).eval()
    X = torch.from_numpy(workload.X)

    def run() -> Any:
        with torch.inference_mode():
            return network(X)

    return run


CONTESTANTS = {
    EAGER: Contestant(partial(training, fused=False), inference),
    FUSED: Contestant(partial(training, fused=True)),
}
