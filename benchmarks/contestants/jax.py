"""JAX: one compiled function for a training step. Compiling it is not measured."""

from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import Any

from benchmarks.contestants import JAX, Contestant
from benchmarks.workloads import Array, Inference, Training

jax: Any = import_module("jax")  # often not installed, so nothing is known of its types
jnp: Any = import_module("jax.numpy")
jax.config.update("jax_cpu_enable_async_dispatch", False)  # else it computes in a second thread


def forward(parameters: Any, X: Any) -> Any:
    """The logits."""
    *hidden, last = parameters
    for W, b in hidden:
        X = jax.nn.relu(X @ W + b)
    W, b = last
    return X @ W + b


def mean_loss(parameters: Any, X: Any, y: Any) -> Any:
    """Softmax cross-entropy."""
    logs = jax.nn.log_softmax(forward(parameters, X))
    return -jnp.take_along_axis(logs, y[:, None], axis=1).mean()


@cache
def step_of(optimizer: str, rate: float) -> Any:
    """The compiled step, from one state to the next, for these rows of X and y."""

    def step(state: Any, X: Any, y: Any, rows: Any) -> Any:
        parameters, m, v, t, total = state
        loss, grads = jax.value_and_grad(mean_loss)(parameters, X[rows], y[rows])
        t = t + 1
        each = jax.tree.map
        if optimizer == "SGD":
            v = each(lambda v, g: 0.9 * v - rate * g, v, grads)
            parameters = each(lambda p, v: p + v, parameters, v)
        else:
            m = each(lambda m, g: 0.9 * m + 0.1 * g, m, grads)
            v = each(lambda v, g: 0.999 * v + 0.001 * g * g, v, grads)
            slow, fast = 1 - 0.9**t, jnp.sqrt(1 - 0.999**t)
            parameters = each(
                lambda p, m, v: p - rate * (m / slow) / (jnp.sqrt(v) / fast + 1e-8),
                parameters,
                m,
                v,
            )
        return parameters, m, v, t, total + loss * len(rows)

    return jax.jit(step, donate_argnums=0)


def on_device(weights: list[Array]) -> Any:
    """Weights and zero biases as JAX's arrays."""
    return [(jnp.array(W), jnp.zeros(W.shape[1], jnp.float32)) for W in weights]


def training(workload: Training) -> Callable[[], list[float]]:
    """The usual loop around a compiled step. Gathering inside it is faster than before it."""
    step = step_of(workload.optimizer, workload.learning_rate)
    parameters = on_device(workload.weights)
    zeros = jax.tree.map(jnp.zeros_like, parameters)
    m, v = zeros, jax.tree.map(jnp.copy, zeros)
    state: Any = (parameters, m, v, jnp.float32(0), jnp.float32(0))
    X, y = jnp.array(workload.X), jnp.array(workload.y)
    n, size = len(X), workload.batch_size

    def run() -> list[float]:
        nonlocal state
        history = []
        for order in workload.orders():
            for start in range(0, n, size):
                state = step(state, X, y, order[start : start + size])
            *learned, total = state
            history.append(float(total) / n)
            state = (*learned, jnp.float32(0))
        return history

    return run


def inference(workload: Inference) -> Callable[[], Any]:
    """A call of the compiled network, from JAX's array to JAX's array."""
    call = jax.jit(forward)
    parameters, X = on_device(workload.weights), jnp.array(workload.X)
    return lambda: call(parameters, X).block_until_ready()


CONTESTANTS = {JAX: Contestant(training, inference)}
