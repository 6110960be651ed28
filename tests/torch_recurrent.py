"""What PyTorch's recurrent layers give: `python -m tests.torch_recurrent` stores it anew.

torch_recurrent.json beside this file holds what PyTorch 2.13 gave, in float64.
"""

import json
from importlib import import_module
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from layerwise import Array

FILE = Path(__file__).with_suffix(".json")
SHAPE, UNITS = (2, 4, 3), 2  # (n, t, inputs)

# Name: the class there, its options, and how many kinds of state it has.
LAYERS: dict[str, tuple[str, dict[str, Any], int]] = {
    "RNN": ("RNN", {}, 1),
    "RNN, ReLU": ("RNN", {"nonlinearity": "relu"}, 1),
    "LSTM": ("LSTM", {}, 2),
    "GRU": ("GRU", {}, 1),
    "LSTM in both directions": ("LSTM", {"bidirectional": True}, 2),
    "GRU in both directions": ("GRU", {"bidirectional": True}, 1),
}


def drawn(i: int, *shape: int) -> Array:
    """Numbers of this shape, others for each i, the same everywhere."""
    numbers: Array = np.sin(np.arange(prod(shape)) ** 2.0 + i).reshape(shape)
    return numbers


def made() -> dict[str, dict[str, Any]]:
    """The answers and all gradients, from the PyTorch that is installed."""
    torch: Any = import_module("torch")
    found: dict[str, dict[str, Any]] = {}
    for name, (kind, options, kinds) in LAYERS.items():
        module = getattr(torch.nn, kind)(
            SHAPE[2], UNITS, batch_first=True, dtype=torch.float64, **options
        )
        with torch.no_grad():
            for i, parameter in enumerate(module.parameters()):
                parameter.copy_(torch.from_numpy(drawn(i, *parameter.shape)))
        directions = 2 if options.get("bidirectional") else 1
        X = torch.from_numpy(drawn(90, *SHAPE)).requires_grad_()
        first = [
            torch.from_numpy(drawn(80 + i, directions, UNITS)).requires_grad_()
            for i in range(kinds)
        ]
        rows = tuple(state[:, None].expand(-1, SHAPE[0], -1).contiguous() for state in first)
        Y, _ = module(X, rows if kinds == 2 else rows[0])
        Y.backward(torch.from_numpy(drawn(92, *Y.shape)))
        tensors = {"Y": Y, "dX": X.grad}
        tensors |= {f"first {i}": state.grad for i, state in enumerate(first)}
        tensors |= {name: P.grad for name, P in module.named_parameters()}
        found[name] = {name: A.detach().numpy().tolist() for name, A in tensors.items()}
    return found


def stored() -> dict[str, dict[str, Any]]:
    """The numbers in the file."""
    found: dict[str, dict[str, Any]] = json.loads(FILE.read_text())
    return found


if __name__ == "__main__":
    FILE.write_text(json.dumps(made()) + "\n")
