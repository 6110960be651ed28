"""JAX: one compiled function for a training step. Compiling it is not measured."""

from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import Any

from benchmarks.contestants import JAX, Contestant, jax_attention
from benchmarks.workloads import Array, Inference, Pass, Training

jax: Any = import_module("jax")  # often not installed, so nothing is known of its types
jnp: Any = import_module("jax.numpy")
jax.config.update("jax_cpu_enable_async_dispatch", False)  # else it computes in a second thread


def forward(parameters: Any, X: Any) -> Any:
    """The logits; parameters of four axes are those of convolutions, each with a pooling."""
    kernels = [(W, b) for W, b in parameters if W.ndim == 4]
    for W, b in kernels:
        X = max_pool(jax.nn.relu(convolve(X, W, b, padding="SAME")))
    X = X.reshape(len(X), -1)
    *hidden, last = parameters[len(kernels) :]
    for W, b in hidden:
        X = jax.nn.relu(X @ W + b)
    W, b = last
    return X @ W + b


def convolve(X: Any, W: Any, b: Any, *, padding: Any, stride: int = 1) -> Any:
    """A convolution, channels last."""
    layout = ("NHWC", "HWIO", "NHWC")
    strides = (stride, stride)
    return jax.lax.conv_general_dilated(X, W, strides, padding, dimension_numbers=layout) + b


def max_pool(X: Any) -> Any:
    """The maxima of 2 x 2, channels last."""
    blocks = (1, 2, 2, 1)
    return jax.lax.reduce_window(X, -jnp.inf, jax.lax.max, blocks, blocks, "VALID")


def normalize(X: Any, gain: Any, shift: Any, axes: tuple[int, ...]) -> Any:
    """Mean 0 and deviation 1 along these axes."""
    mean, variance = X.mean(axes, keepdims=True), X.var(axes, keepdims=True)
    return (X - mean) * jax.lax.rsqrt(variance + 1e-5) * gain + shift


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
    return [(jnp.array(W), jnp.zeros(W.shape[-1], jnp.float32)) for W in weights]


def training(workload: Training) -> Callable[[], list[float]]:
    """The usual loop around a compiled step. Gathering inside it is faster than before it."""
    step = step_of(workload.optimizer, workload.learning_rate)
    parameters = on_device([*workload.kernels, *workload.weights])
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


def layer(workload: Pass) -> Callable[[], Any]:
    """One compiled function for the layer and its way back."""
    if workload.weights:
        return jax_attention.layer(workload)
    X, grad, parameters = jnp.array(workload.X), jnp.array(workload.grad), []
    if workload.U is not None:
        parameters = first_of_recurrent(workload)
    elif workload.W is not None:
        ((W, b),) = on_device([workload.W])
        parameters = [W, b]
    elif workload.layer != "MaxPool2D":
        features = workload.X.shape[-1]
        parameters = [jnp.ones(features, jnp.float32), jnp.zeros(features, jnp.float32)]

    call = pass_of(workload.layer, workload.stride, workload.padding)
    return lambda: jax.block_until_ready(call(grad, X, *parameters))


def first_of_recurrent(workload: Pass) -> list[Any]:
    """W, U, b, and the GRU's c."""
    W, U = jnp.array(workload.W), jnp.array(workload.U)
    units, b = len(U), jnp.zeros(U.shape[1], jnp.float32)
    if workload.layer == "LSTM":
        b = b.at[units : 2 * units].set(1)
    c = [jnp.zeros(units, jnp.float32)] if workload.layer == "GRU" else []
    return [W, U, b, *c]


def rnn(state: Any, a: Any, U: Any) -> Any:
    """One step, from A = X W + b."""
    (h,) = state
    return (jnp.tanh(a + h @ U),)


def lstm(state: Any, a: Any, U: Any) -> Any:
    """One step, from A = X W + b."""
    h, c = state
    i, f, g, o = jnp.split(a + h @ U, 4, axis=1)
    c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
    return jax.nn.sigmoid(o) * jnp.tanh(c), c


def gru(state: Any, a: Any, U: Any, c: Any) -> Any:
    """One step, from A = X W + b."""
    (h,) = state
    (r, z, n), (r_h, z_h, n_h) = jnp.split(a, 3, axis=1), jnp.split(h @ U, 3, axis=1)
    r, z = jax.nn.sigmoid(r + r_h), jax.nn.sigmoid(z + z_h)
    n = jnp.tanh(n + r * (n_h + c))
    return (n + z * (h - n),)


STEPS = {"RNN": rnn, "LSTM": lstm, "GRU": gru}


def through_time(step: Any, X: Any, W: Any, U: Any, b: Any, *c: Any) -> Any:
    """All steps, from zero states; the products with W before the loop."""

    def turn(state: Any, a: Any) -> Any:
        state = step(state, a, U, *c)
        return state, state[0]

    zero = jnp.zeros((len(X), len(U)), jnp.float32)
    kinds = 2 if step is lstm else 1
    _, H = jax.lax.scan(turn, (zero,) * kinds, (X @ W + b).swapaxes(0, 1))
    return H.swapaxes(0, 1)


@cache
def pass_of(layer: str, stride: int, padding: int) -> Any:
    """The compiled pass: compiled once, however often it is run from the start."""

    def function(X: Any, *parameters: Any) -> Any:
        if layer in STEPS:
            return through_time(STEPS[layer], X, *parameters)
        if layer == "Conv2D":
            W, b = parameters
            return convolve(X, W, b, padding=[(padding, padding)] * 2, stride=stride)
        if layer == "MaxPool2D":
            return max_pool(X)
        gain, shift = parameters
        return normalize(X, gain, shift, (-1,) if layer == "LayerNorm" else (0, 1, 2))

    def forward_and_back(grad: Any, *arguments: Any) -> Any:
        Y, way_back = jax.vjp(function, *arguments)
        return Y, *way_back(grad)

    return jax.jit(forward_and_back)


CONTESTANTS = {JAX: Contestant(training, inference, layer, takes="both")}
