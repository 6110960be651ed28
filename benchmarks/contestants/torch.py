"""PyTorch, eager, one thread; also with its fused optimizers, and with images channels last."""

from collections.abc import Callable, Iterator
from functools import partial
from importlib import import_module
from typing import Any

from benchmarks.contestants import EAGER, FUSED, LAST, Contestant, torch_attention
from benchmarks.workloads import Array, Inference, Pass, Training

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


def network_of_images(workload: Training) -> Any:
    """Convolutions, ReLU and pooling before them; torch flattens channels first."""
    layers, side = [], workload.X.shape[1]
    for W in workload.kernels:
        layers += [convolution_of(W, padding="same"), torch.nn.ReLU(), torch.nn.MaxPool2d(2)]
        side //= 2
    first, *others = workload.weights
    first = first.reshape(side, side, -1, first.shape[1]).transpose(2, 0, 1, 3)
    dense = network_of([first.reshape(-1, first.shape[-1]), *others])
    return torch.nn.Sequential(*layers, torch.nn.Flatten(), *dense)


def convolution_of(W: Array, **options: Any) -> Any:
    """A convolution that begins at these weights."""
    *size, inputs, outputs = W.shape
    convolution = torch.nn.Conv2d(inputs, outputs, size, **options)
    with torch.no_grad():
        convolution.weight.copy_(torch.from_numpy(W.transpose(3, 2, 0, 1)))
        convolution.bias.zero_()
    return convolution


def training(
    workload: Training, *, fused: bool = False, last: bool = False
) -> Callable[[], list[float]]:
    """The usual loop. With images channels last, a batch of the rows becomes one by its strides."""
    network = network_of_images(workload) if workload.kernels else network_of(workload.weights)
    options = {"lr": workload.learning_rate, "fused": fused}
    if workload.optimizer == "SGD":
        options["momentum"] = 0.9
    optimizer = getattr(torch.optim, workload.optimizer)(network.parameters(), **options)
    measure = torch.nn.CrossEntropyLoss()
    X, y = torch.from_numpy(workload.X), torch.from_numpy(workload.y)
    if last:
        network.to(memory_format=torch.channels_last)
    elif workload.kernels:
        X = X.permute(0, 3, 1, 2).clone(memory_format=torch.contiguous_format)

    def run() -> list[float]:
        history = []
        for order in workload.orders():
            total = 0.0
            for rows in torch.from_numpy(order).split(workload.batch_size):
                batch = X[rows].permute(0, 3, 1, 2) if last else X[rows]
                loss = measure(network(batch), y[rows])
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


def layer(workload: Pass, *, last: bool) -> Callable[[], Any]:
    """A module's call and its way back, from gradients that are None."""
    if workload.weights:
        return torch_attention.layer(workload)
    module = module_of(workload)
    X, grad = torch.from_numpy(workload.X), torch.from_numpy(workload.grad)
    images = X.ndim == 4
    recurrent = workload.U is not None
    if images:
        X, grad = X.permute(0, 3, 1, 2), grad.permute(0, 3, 1, 2)
    if last:
        module.to(memory_format=torch.channels_last)
    else:
        first = torch.contiguous_format  # of one channel, contiguous() would keep it last
        X, grad = X.clone(memory_format=first), grad.clone(memory_format=first)
    X = X.detach().requires_grad_()
    parameters = list(module.parameters())

    def run() -> Any:
        for leaf in (X, *parameters):
            leaf.grad = None
        Y = module(X)[0] if recurrent else module(X)
        Y.backward(grad)
        return of_recurrent(Y, X, parameters) if recurrent else answers(Y, X, parameters)

    return run


def answers(Y: Any, X: Any, parameters: list[Any]) -> Iterator[Any]:
    """Y and the gradients as Layerwise has them; a generator, so that turning is not measured."""
    for A in Y.detach(), X.grad:
        yield (A.permute(0, 2, 3, 1) if A.ndim == 4 else A).numpy()
    for P in parameters:
        yield (P.grad.permute(2, 3, 1, 0) if P.ndim == 4 else P.grad).numpy()


def of_recurrent(Y: Any, X: Any, parameters: list[Any]) -> Iterator[Any]:
    """The same of a recurrent layer, of whose two biases the second is the GRU's c in its end."""
    W, U, b, c = (P.grad.numpy().T for P in parameters)
    yield from (Y.detach().numpy(), X.grad.numpy(), W, U, b)
    if len(b) == 3 * len(U):
        yield c[2 * len(U) :]


def module_of(workload: Pass) -> Any:
    """The module that does the same."""
    if workload.U is not None:
        return recurrent_of(workload)
    if workload.W is not None:
        return convolution_of(workload.W, stride=workload.stride, padding=workload.padding)
    features = workload.X.shape[-1]
    if workload.layer == "MaxPool2D":
        return torch.nn.MaxPool2d(2)
    norm = {"BatchNorm": torch.nn.BatchNorm2d, "LayerNorm": torch.nn.LayerNorm}[workload.layer]
    return norm(features)


def recurrent_of(workload: Pass) -> Any:
    """A recurrent layer that begins at the workload's weights, and remembers at first."""
    inputs, units = workload.X.shape[-1], workload.grad.shape[-1]
    module = getattr(torch.nn, workload.layer)(inputs, units, batch_first=True)
    W, U, b, c = module.parameters()
    with torch.no_grad():
        W.copy_(torch.from_numpy(workload.W).T)
        U.copy_(torch.from_numpy(workload.U).T)
        b.zero_()
        c.zero_()
        if workload.layer == "LSTM":
            b[units : 2 * units] = 1
    return module


CONTESTANTS = {
    EAGER: Contestant(training, inference, partial(layer, last=False), takes="both"),
    FUSED: Contestant(partial(training, fused=True), takes="both"),
    LAST: Contestant(partial(training, last=True), layer=partial(layer, last=True), takes="images"),
}
