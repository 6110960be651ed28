"""Windows that slide over images and sequences, and where they lie.

X has rows first and channels last, and between them the axes that windows slide over: two for
images (n, height, width, channels), one for sequences (n, t, channels).
"""

from __future__ import annotations

from functools import lru_cache
from itertools import product
from typing import Literal, NamedTuple, TypeAlias

from layerwise.arguments import Row, whole_numbers

Padding: TypeAlias = Literal["same", "valid"] | int | Row
View: TypeAlias = tuple[slice, ...]


class Windows(NamedTuple):
    """Windows of a size, one every `stride` entries, each of entries `dilation` apart."""

    size: Row
    stride: Row
    dilation: Row
    padding: Literal["same", "valid"] | Row

    @property
    def extent(self) -> Row:
        """How far a window reaches: its size, where dilation is 1."""
        pairs = zip(self.size, self.dilation, strict=True)
        return tuple((size - 1) * dilation + 1 for size, dilation in pairs)


class Placed(NamedTuple):
    """Windows over X of one shape.

    `frame` is the shape of X with its padding, `inside` where X lies in it, `counts` how many
    windows there are along each axis, `apart` whether no two of them share an entry, and `views`
    says for each entry of a window, in reading order, where all windows have theirs.
    """

    windows: Windows
    frame: Row
    inside: View
    counts: Row
    apart: bool
    views: list[View]


def windows_of(
    who: str, axes: int, size: object, *, stride: object, padding: object, dilation: object = 1
) -> Windows:
    """Windows over so many axes, from a number for all axes or one for each.

    Raises ValueError, which begins with `who`, for numbers that are too small or of another count
    and for another word, TypeError for what is no whole number.
    """
    if padding != "same" and padding != "valid":  # noqa: PLR1714  # mypy narrows by !=
        if isinstance(padding, str):
            raise ValueError(
                f"{who}: padding={padding!r} came, expected 'same', 'valid', a whole number, or "
                f"{axes} of them"
            )
        padding = whole_numbers(who, "padding", padding, axes, 0)
    return Windows(
        whole_numbers(who, "size", size, axes),
        whole_numbers(who, "stride", stride, axes),
        whole_numbers(who, "dilation", dilation, axes),
        padding,
    )


def placed(who: str, windows: Windows, shape: Row, channels: int | None = None) -> Placed:
    """The windows over X of this shape.

    "valid" pads nothing, a number p pads p entries at both ends, and "same" as many that there are
    ceil(length / stride) windows, the smaller half of them before X.

    Raises ValueError, which begins with `who`, for an X of another rank or number of channels, and
    for one that a window does not fit into.
    """
    refuse_other_axes(who, len(windows.size), shape, channels)
    return _placed(who, windows, shape)


def refuse_other_axes(who: str, axes: int, shape: Row, channels: int | None = None) -> None:
    """Refuse an X that has not one axis for rows, so many to slide over, and one for channels."""
    if len(shape) != axes + 2 or channels not in (None, shape[-1]):
        names = "t" if axes == 1 else "height, width"
        raise ValueError(
            f"{who}: X {shape} came, expected (n, {names}, {channels or 'channels'}): channels "
            "are the last axis"
        )


@lru_cache(maxsize=128)  # all batches but the last have one shape
def _placed(who: str, windows: Windows, shape: Row) -> Placed:
    lengths, frame, inside, counts = shape[1:-1], [], [], []
    for i, (length, extent, stride) in enumerate(
        zip(lengths, windows.extent, windows.stride, strict=True)
    ):
        before = after = 0
        if windows.padding == "same":
            total = max((-(-length // stride) - 1) * stride + extent - length, 0)
            before, after = total // 2, total - total // 2
        elif windows.padding != "valid":
            before = after = windows.padding[i]
        inside.append(slice(before, before + length))
        frame.append(before + length + after)
        counts.append((frame[-1] - extent) // stride + 1)
    if min(counts) < 1:
        raise ValueError(
            f"{who}: X {shape} came, {tuple(frame)} with its padding, expected at least "
            f"{windows.extent}, which is what a window covers: make that smaller, or pad more"
        )
    views = []
    for offset in product(*map(range, windows.size)):
        each = zip(offset, counts, windows.stride, windows.dilation, strict=True)
        starts = [(i * dilation, count, stride) for i, count, stride, dilation in each]
        along = (slice(at, at + (count - 1) * stride + 1, stride) for at, count, stride in starts)
        views.append((slice(None), *along))
    whole = (shape[0], *frame, shape[-1])
    apart = all(map(int.__ge__, windows.stride, windows.extent))
    return Placed(windows, whole, (slice(None), *inside), tuple(counts), apart, views)


def short(setting: str | Row) -> str | int | Row:
    """A setting as it may be given: one number where it is the same along all axes.

    >>> short((2, 2)), short((2, 1))
    (2, (2, 1))
    """
    return setting[0] if not isinstance(setting, str) and len({*setting}) == 1 else setting
