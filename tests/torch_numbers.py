"""What PyTorch's optimizers and schedules give: `python -m tests.torch_numbers` stores it anew.

torch_numbers.json beside this file holds what PyTorch 2.13 gave, in float64; it has no Lion.
"""

import json
from importlib import import_module
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


def gradient(value: Array, step: int) -> Array:
    """That of a bowl, with a wave of its own for each number and step."""
    i = 1.0 + np.arange(value.size).reshape(value.shape)
    slope: Array = i / 4 * (value - 1) + np.sin(i * step)
    return slope


def made() -> dict[str, dict[str, Any]]:
    """All numbers, from the PyTorch that is installed."""
    torch: Any = import_module("torch")
    found: dict[str, dict[str, Any]] = {"values": {}, "rates": {}}
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


def stored() -> dict[str, dict[str, Any]]:
    """The numbers in the file."""
    found: dict[str, dict[str, Any]] = json.loads(FILE.read_text())
    return found


if __name__ == "__main__":
    FILE.write_text(json.dumps(made()) + "\n")
