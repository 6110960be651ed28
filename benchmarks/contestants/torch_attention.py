"""PyTorch's embedding, its fused attention, and a transformer's block around that."""

from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

from benchmarks.workloads import Array, Pass

torch: Any = import_module("torch")
functional: Any = import_module("torch.nn.functional")

Made = tuple[Callable[[Any], Any], Any]  # a function, and the module that holds its parameters


def layer(workload: Pass) -> Callable[[], Any]:
    """A call and its way back, from gradients that are None."""
    made = {"Embedding": embedding, "MultiHeadAttention": attention, "TransformerBlock": block}
    function, module = made[workload.layer](workload)
    X, grad = torch.from_numpy(workload.X), torch.from_numpy(workload.grad)
    if X.is_floating_point():
        X.requires_grad_()
    parameters = list(module.parameters())

    def run() -> Any:
        for leaf in (X, *parameters):
            leaf.grad = None
        Y = function(X)
        Y.backward(grad)
        return answers(Y, X, parameters)

    return run


def answers(Y: Any, X: Any, parameters: list[Any]) -> Iterator[Any]:
    """Y and the gradients by X and by matrices, as Layerwise has them; zeros for tokens."""
    yield Y.detach().numpy()
    yield torch.zeros(X.shape).numpy() if X.grad is None else X.grad.numpy()
    for P in parameters:
        if P.ndim == 2:
            yield (P.grad if X.grad is None else P.grad.T).numpy()


def embedding(workload: Pass) -> Made:
    """A table that begins at the workload's."""
    (W,) = workload.weights
    module = torch.nn.Embedding.from_pretrained(torch.from_numpy(W.copy()), freeze=False)
    return module, module


def attention(workload: Pass, *, causal: bool = True) -> Made:
    """Attention by one fused function, between linear layers."""
    query, key, value, output = linears = [linear_of(W) for W in workload.weights[:4]]
    key.register_parameter("bias", None)  # it would do nothing

    def attend(X: Any) -> Any:
        n, t, d = X.shape
        parts = [
            f(X).reshape(n, t, workload.heads, -1).transpose(1, 2) for f in (query, key, value)
        ]
        A = functional.scaled_dot_product_attention(*parts, is_causal=causal)
        return output(A.transpose(1, 2).reshape(n, t, d))

    return attend, torch.nn.ModuleList(linears)


def block(workload: Pass) -> Made:
    """Attention and two linear layers, each after a norm and added."""
    attend, linears = attention(workload, causal=False)
    norms = [torch.nn.LayerNorm(workload.X.shape[-1]) for _ in range(2)]
    inner, outer = (linear_of(W) for W in workload.weights[4:])

    def both(X: Any) -> Any:
        H = X + attend(norms[0](X))
        return H + outer(functional.gelu(inner(norms[1](H))))

    return both, torch.nn.ModuleList([linears, inner, outer, *norms])


def linear_of(W: Array) -> Any:
    """A linear layer that begins at these weights."""
    linear = torch.nn.Linear(*W.shape)
    with torch.no_grad():
        linear.weight.copy_(torch.from_numpy(W.T))
        linear.bias.zero_()
    return linear
