"""Layers of images and sequences: convolution, pooling, and other shapes."""

from layerwise import (
    AveragePool2D,
    Conv1D,
    Conv2D,
    Flatten,
    GlobalAveragePool2D,
    MaxPool2D,
    ReLU,
    Reshape,
    Sequential,
    UpSample2D,
    glorot_uniform,
)
from tests.layer_cases.case import LayerCase

SMALL, PAIRS, DEEP, SEQUENCES = (3, 5, 4, 1), (3, 5, 4, 2), (3, 5, 4, 4), (3, 6, 2)

IMAGES = [
    LayerCase("Conv2D", lambda t: Conv2D(2, 3, 3, rng=1, dtype=t), PAIRS, square=False),
    LayerCase("Conv2D, same", lambda t: Conv2D(2, 2, 3, padding="same", rng=1, dtype=t), PAIRS),
    LayerCase(
        "Conv2D, same, stride",
        lambda t: Conv2D(1, 2, (2, 3), padding="same", stride=(2, 3), rng=1, dtype=t),
        SMALL,
        square=False,
    ),
    LayerCase(
        "Conv2D, dilation, numbers",
        lambda t: Conv2D(2, 1, 2, padding=(1, 0), dilation=(2, 3), rng=1, dtype=t),
        PAIRS,
        square=False,
    ),
    LayerCase(
        "Conv2D, many channels",
        lambda t: Conv2D(4, 4, (3, 2), padding="same", bias=False, rng=1, dtype=t),
        DEEP,
    ),
    LayerCase(
        "Conv2D, many channels, stride",
        lambda t: Conv2D(4, 3, 2, stride=2, padding=1, rng=1, dtype=t),
        DEEP,
        square=False,
    ),
    LayerCase(
        "Conv2D, 1 x 1",
        lambda t: Conv2D(4, 4, 1, W_init=glorot_uniform, rng=1, dtype=t),
        DEEP,
    ),
    LayerCase("Conv1D, same", lambda t: Conv1D(2, 2, 3, padding="same", rng=1, dtype=t), SEQUENCES),
    LayerCase(
        "Conv1D, many channels",
        lambda t: Conv1D(4, 2, 2, stride=2, dilation=2, rng=1, dtype=t),
        (3, 6, 4),
        square=False,
    ),
    LayerCase("MaxPool2D", lambda t: MaxPool2D(2), DEEP, square=False),
    LayerCase("MaxPool2D, overlap", lambda t: MaxPool2D(3, stride=1, padding="same"), PAIRS),
    LayerCase(
        "MaxPool2D, numbers",
        lambda t: MaxPool2D((2, 3), stride=(1, 2), padding=(1, 2)),
        PAIRS,
        square=False,
    ),
    LayerCase("AveragePool2D", lambda t: AveragePool2D(2), PAIRS, square=False),
    LayerCase("AveragePool2D, overlap", lambda t: AveragePool2D(3, stride=1, padding=1), PAIRS),
    LayerCase("GlobalAveragePool2D", lambda t: GlobalAveragePool2D(), PAIRS, square=False),
    LayerCase("UpSample2D", lambda t: UpSample2D((2, 3)), (3, 2, 2, 2), square=False),
    LayerCase("Flatten", lambda t: Flatten(), PAIRS, square=False),
    LayerCase("Reshape", lambda t: Reshape(5, 2, 4), PAIRS, square=False),
    LayerCase(
        "a small CNN",
        lambda t: Sequential(
            Conv2D(1, 4, 3, padding="same", rng=1, dtype=t),
            ReLU(),
            MaxPool2D(2),
            Conv2D(4, 2, 2, rng=2, dtype=t),
            Flatten(),
            input_shape=(5, 4, 1),
        ),
        SMALL,
        square=False,
    ),
]
