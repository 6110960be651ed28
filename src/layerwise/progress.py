"""A progress bar, from tqdm, for those who ask for one."""

from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tqdm import tqdm


def progress_bar(steps: int, unit: str, wanted: bool) -> "AbstractContextManager[tqdm[Any] | None]":
    """A context with a bar of that many steps, or with None where none is wanted.

    Raises ImportError where tqdm is not installed.
    """
    if not wanted:
        return nullcontext()
    try:
        from tqdm import tqdm  # noqa: PLC0415  # needed by nothing else
    except ImportError as error:
        raise ImportError(
            "progress=True needs tqdm, which is not installed: "
            "pip install 'layerwise[examples]', or leave progress out"
        ) from error
    return tqdm(total=steps, unit=unit)
