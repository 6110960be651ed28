"""Attention, a transformer's block and an embedding for JAX, as functions of X and parameters."""

from collections.abc import Callable
from functools import cache, partial
from importlib import import_module
from typing import Any

from benchmarks.workloads import Pass

jax: Any = import_module("jax")
jnp: Any = import_module("jax.numpy")


def layer(workload: Pass) -> Callable[[], Any]:
    """One compiled function for the layer and its way back."""
    call = pass_of(workload.layer, workload.heads)
    matrices = [jnp.array(W) for W in workload.weights]
    biases = [jnp.zeros(W.shape[1], jnp.float32) for W in workload.weights]
    arguments = jnp.array(workload.grad), jnp.array(workload.X), matrices, biases
    return lambda: jax.block_until_ready(call(*arguments))


@cache
def pass_of(layer: str, heads: int) -> Any:
    """The compiled pass: Y, and the gradients by X, zeros for tokens, and by the matrices."""
    functions = {"Embedding": embedding, "TransformerBlock": partial(block, heads)}
    function = functions.get(layer, partial(attention, heads, causal=True))

    def forward_and_back(grad: Any, X: Any, matrices: Any, biases: Any) -> Any:
        Y, way_back = jax.vjp(function, X, matrices, biases)
        dX, by_matrix, by_bias = way_back(grad)
        zeros = jnp.zeros(X.shape)
        dX = dX if jnp.issubdtype(X.dtype, jnp.floating) else zeros
        return Y, dX, *by_matrix, *(b[:0] for b in by_bias)

    return jax.jit(forward_and_back)


def embedding(X: Any, matrices: Any, biases: Any) -> Any:
    """Rows of a table."""
    return matrices[0][X]


def attention(heads: int, X: Any, matrices: Any, biases: Any, *, causal: bool) -> Any:
    """Y = [A₁ … Aₕ] Wₒ + bₒ."""
    (n, t, d), places = X.shape, jnp.arange(X.shape[1])
    Q, K, V = (
        (X @ W + b).reshape(n, t, heads, -1).swapaxes(1, 2)
        for W, b in zip(matrices[:3], biases[:3], strict=True)
    )
    S = Q @ K.swapaxes(2, 3) / jnp.sqrt(jnp.float32(d // heads))
    if causal:
        S = jnp.where(places[:, None] >= places, S, -jnp.inf)
    A = (jax.nn.softmax(S) @ V).swapaxes(1, 2).reshape(n, t, d)
    return A @ matrices[3] + biases[3]


def block(heads: int, X: Any, matrices: Any, biases: Any) -> Any:
    """Attention and two dense layers, each after a norm and added."""
    H = X + attention(heads, norm(X), matrices[:4], biases[:4], causal=False)
    inner = jax.nn.gelu(norm(H) @ matrices[4] + biases[4], approximate=False)
    return H + inner @ matrices[5] + biases[5]


def norm(X: Any) -> Any:
    """Mean 0 and deviation 1 in each place."""
    mean, variance = X.mean(-1, keepdims=True), X.var(-1, keepdims=True)
    return (X - mean) * jax.lax.rsqrt(variance + 1e-5)
