"""A progress bar, from tqdm, for those who ask for one."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def progress_bar(
    steps: int, unit: str, wanted: bool, text: str = ""
) -> Iterator[Callable[..., None]]:
    """A context in which `advance(...)` moves a bar of that many steps, where one is wanted.

    What advance is called with is shown beside the bar, in the places that `text` has for it.

    Raises ImportError where tqdm is not installed.
    """
    if not wanted:
        yield _stand_still
        return
    try:
        from tqdm import tqdm  # noqa: PLC0415  # needed by nothing else
    except ImportError as error:
        raise ImportError(
            "progress=True needs tqdm, which is not installed: "
            "pip install 'layerwise[examples]', or leave progress out"
        ) from error
    with tqdm(total=steps, unit=unit) as bar:

        def advance(*shown: object) -> None:
            bar.set_postfix_str(text.format(*shown), refresh=False)
            bar.update()

        yield advance


def _stand_still(*_: object) -> None:
    pass
