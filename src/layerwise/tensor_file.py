"""Named arrays and a text in one file of the safetensors format.

The text is "layerwise" in the metadata, beside "crc32", a checksum of arrays and text.
The format: https://huggingface.co/docs/safetensors.
"""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

try:
    from safetensors import SafetensorError, safe_open
    from safetensors.numpy import save as serialized
except ImportError as error:
    raise ImportError(
        "layerwise.saving needs safetensors, which is not installed: "
        "pip install 'layerwise[saving]'"
    ) from error

Tensors: TypeAlias = dict[str, NDArray[Any]]

HELD = {"bool", "float16", "float32", "float64"} | {
    f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)
}


def packed(tensors: Tensors, text: str) -> bytes:
    """What is in the file. Raises TypeError for a dtype that the format does not hold."""
    for name, array in tensors.items():
        if array.dtype.name not in HELD or not array.dtype.isnative:
            raise TypeError(
                f"save: {name} has dtype {array.dtype}, which safetensors does not hold: keep it "
                "as another dtype"
            )
    # The library writes memory as it lies, and reads it in C order.
    tensors = {name: np.asarray(array, order="C") for name, array in tensors.items()}
    metadata = {"layerwise": text, "crc32": _checksum(tensors, text)}
    return serialized(tensors, metadata)


def read(path: Path) -> tuple[Tensors, str]:
    """Tensors and text ← file.

    Raises ValueError for a file that is damaged or that is not of `packed`, OSError.
    """
    try:
        with safe_open(path, framework="numpy") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            metadata = file.metadata() or {}
    except SafetensorError as error:
        raise ValueError(f"load: {path} is damaged, or no safetensors file: {error}") from error
    if not metadata.keys() >= {"layerwise", "crc32"}:
        raise ValueError(
            f"load: {path} was not written by layerwise.saving: "
            "network.load_state(safetensors.numpy.load_file(path)) takes any file that fits"
        )
    text: str = metadata["layerwise"]
    if metadata["crc32"] != _checksum(tensors, text):
        raise ValueError(f"load: {path} is damaged: its numbers are not those that were saved")
    return tensors, text


def _checksum(tensors: Tensors, text: str) -> str:
    """CRC-32 of names, forms and numbers, and of the text: the format itself has none."""
    total = zlib.crc32(text.encode())
    for name, array in sorted(tensors.items()):
        total = zlib.crc32(f"{name} {array.dtype} {array.shape}".encode(), total)
        total = zlib.crc32(array.data, total)
    return f"{total:08x}"
