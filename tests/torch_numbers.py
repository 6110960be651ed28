"""What PyTorch's optimizers, schedules and layers give.

`python -m tests.torch_numbers` stores it anew: torch_numbers.json beside this file holds what
PyTorch 2.13 gave, in float64; it has no Lion.
"""

import json
from importlib import import_module
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from layerwise import Array

FILE = Path(__file__).with_suffix(".json")
SEEN = (1, 10, 100)  # steps after which the values are kept
STEPS = 20  # of a schedule

W, b = np.array([[0.5, -1.0], [2.0, 0.0], [-0.25, 3.0]]), np.array([1.0, -2.0])

# Name: the class, its options there, and the norm that gradients are clipped to.
OPTIMIZERS: dict[str, tuple[str, dict[str, Any], float | None]] = {
    "SGD": ("SGD", {"lr": 0.05}, None),
    "SGD, defaults, clipped": ("SGD", {"lr": 0.01}, 0.75),
    "SGD, momentum": ("SGD", {"lr": 0.05, "momentum": 0.9}, None),
    "SGD, Nesterov": ("SGD", {"lr": 0.05, "momentum": 0.9, "nesterov": True}, None),
    "Adam": ("Adam", {}, None),
    "Adam, large, clipped": ("Adam", {"lr": 0.1, "betas": (0.8, 0.9), "eps": 1e-3}, 0.75),
    "AdamW": ("AdamW", {}, None),
    "AdamW, large": ("AdamW", {"lr": 0.1, "weight_decay": 0.5}, None),
    "RMSprop": ("RMSprop", {}, None),
    "RMSprop, large": ("RMSprop", {"lr": 0.1, "alpha": 0.8, "eps": 1e-2}, None),
    "Adagrad": ("Adagrad", {}, None),
    "Adagrad, large": ("Adagrad", {"lr": 0.5, "eps": 1e-2}, None),
}
SCHEDULES: dict[str, tuple[str, dict[str, Any]]] = {
    "exponential_decay": ("ExponentialLR", {"gamma": 0.9}),
    "step_decay": ("StepLR", {"step_size": 6, "gamma": 0.5}),
    "cosine": ("CosineAnnealingLR", {"T_max": STEPS, "eta_min": 0.01}),
    "one_cycle": ("OneCycleLR", {"max_lr": 0.8, "total_steps": STEPS}),
}


# What attention is given: X (2, 3, 4), and a memory (2, 5, 4) or none; whether causal, whether the
# last places of the second sequence are padding.
ATTENTION = {
    "self": (False, False, False),
    "causal": (False, True, False),
    "padding": (False, False, True),
    "causal, padding": (False, True, True),
    "memory": (True, False, False),
    "memory, padding": (True, False, True),
}
PLACES = {False: 3, True: 5}  # without and with a memory
PADDING = {3: np.array([[1, 1, 1], [1, 1, 0]], bool), 5: np.array([[1] * 5, [1, 1, 0, 0, 1]], bool)}


def drawn(i: int, *shape: int) -> Array:
    """Numbers of this shape, others for each i, the same everywhere."""
    numbers: Array = np.sin(np.arange(prod(shape)) ** 2.0 + i).reshape(shape)
    return numbers


def gradient(value: Array, step: int) -> Array:
    """That of a bowl, with a wave of its own for each number and step."""
    i = 1.0 + np.arange(value.size).reshape(value.shape)
    slope: Array = i / 4 * (value - 1) + np.sin(i * step)
    return slope


def made() -> dict[str, dict[str, Any]]:
    """All numbers, from the PyTorch that is installed."""
    torch: Any = import_module("torch")
    found: dict[str, dict[str, Any]] = {"values": {}, "rates": {}}
    found["attention"] = {name: attention(torch, *ATTENTION[name]) for name in ATTENTION}
    found["block"] = {
        name: block(torch, *ATTENTION[name][1:]) for name in ATTENTION if "memory" not in name
    }
    for name, (kind, options, norm) in OPTIMIZERS.items():
        weight, bias = (torch.nn.Parameter(torch.from_numpy(start.copy())) for start in (W, b))
        groups = [{"params": [weight]}, {"params": [bias], "weight_decay": 0.0}]
        optimizer = getattr(torch.optim, kind)(groups, **options)
        found["values"][name] = {}
        for step in range(1, SEEN[-1] + 1):
            for parameter in weight, bias:
                grad = gradient(parameter.detach().numpy(), step)
                parameter.grad = torch.from_numpy(grad)
            if norm is not None:
                torch.nn.utils.clip_grad_norm_([weight, bias], norm)
            optimizer.step()
            if step in SEEN:
                values = [parameter.detach().numpy().tolist() for parameter in (weight, bias)]
                found["values"][name][str(step)] = values
    for name, (kind, options) in SCHEDULES.items():
        optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.8)
        schedule = getattr(torch.optim.lr_scheduler, kind)(optimizer, **options)
        rates = found["rates"][name] = [float(schedule.get_last_lr()[0])]
        while len(rates) < STEPS:
            optimizer.step()
            schedule.step()
            rates.append(float(schedule.get_last_lr()[0]))
    return found


def attention(torch: Any, memory: bool, causal: bool, padding: bool) -> dict[str, Any]:
    """The answer, the weights and all gradients of attention with two heads."""
    module = torch.nn.MultiheadAttention(4, 2, batch_first=True, dtype=torch.float64)
    filled(torch, module)
    s = PLACES[memory]
    X, M = (leaf(torch, drawn(i, 2, places, 4)) for i, places in ((90, 3), (91, s)))
    seen = M if memory else X
    masks = {
        "attn_mask": torch.ones(3, s, dtype=bool).triu(1) if causal else None,
        "key_padding_mask": torch.from_numpy(~PADDING[s]) if padding else None,
    }
    Y, weights = module(X, seen, seen, average_attn_weights=False, **masks)
    Y.backward(torch.from_numpy(drawn(92, 2, 3, 4)))
    tensors = {"Y": Y, "weights": weights, "dX": X.grad} | ({"dM": M.grad} if memory else {})
    return listed(tensors | {name: P.grad for name, P in module.named_parameters()})


def block(torch: Any, causal: bool, padding: bool) -> dict[str, Any]:
    """The answer and all gradients of a layer of an encoder, its norms first."""
    options = {"dropout": 0.0, "activation": "gelu", "batch_first": True, "norm_first": True}
    module = torch.nn.TransformerEncoderLayer(4, 2, 6, dtype=torch.float64, **options)
    filled(torch, module)
    X = leaf(torch, drawn(90, 2, 3, 4))
    Y = module(
        X,
        src_mask=torch.ones(3, 3, dtype=bool).triu(1) if causal else None,
        src_key_padding_mask=torch.from_numpy(~PADDING[3]) if padding else None,
    )
    Y.backward(torch.from_numpy(drawn(92, 2, 3, 4)))
    tensors = {"Y": Y, "dX": X.grad}
    return listed(tensors | {name: P.grad for name, P in module.named_parameters()})


def filled(torch: Any, module: Any) -> None:
    """Give each parameter its numbers."""
    with torch.no_grad():
        for i, parameter in enumerate(module.parameters()):
            parameter.copy_(torch.from_numpy(drawn(i, *parameter.shape)))


def leaf(torch: Any, A: Array) -> Any:
    """A tensor that gets a gradient."""
    return torch.from_numpy(A).requires_grad_()


def listed(tensors: dict[str, Any]) -> dict[str, Any]:
    """The tensors as lists."""
    return {name: tensor.detach().numpy().tolist() for name, tensor in tensors.items()}


def stored() -> dict[str, dict[str, Any]]:
    """The numbers in the file."""
    found: dict[str, dict[str, Any]] = json.loads(FILE.read_text())
    return found


if __name__ == "__main__":
    FILE.write_text(json.dumps(made()) + "\n")
