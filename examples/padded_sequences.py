"""A classifier of sequences of different lengths: whether brackets are balanced.

Run `python examples/padded_sequences.py`. It takes some ten seconds. A batch of sequences is one
array, so short ones are filled up with padding, and a mask says where there is none. The pair
(tokens, mask) goes into the network as it is: the mask reaches each layer that needs it, from the
Embedding to the last LSTM, whose state is kept from the last bracket to the end of the row.
"""

import numpy as np

from layerwise import (
    LSTM,
    Adam,
    Bidirectional,
    Dense,
    Embedding,
    Indices,
    Sequential,
    SoftmaxCrossEntropy,
    accuracy,
    check_layer,
    fit,
)
from layerwise.layers.masks import Mask

LETTERS = "()"


def main(rows: int = 3000, epochs: int = 12) -> None:
    """Learn from sequences of up to 24 brackets, and answer to longer ones."""
    rng = np.random.default_rng(0)
    sequences = [brackets(2 * int(rng.integers(2, 13)), rng) for _ in range(rows)]
    tokens, mask = padded(sequences)
    y = np.array([balanced(sequence) for sequence in sequences], int)
    print(f"{rows} sequences of 4 to {tokens.shape[1]} brackets, {y.mean():.0%} of them balanced.")
    print(f"As one array {tokens.shape}, {1 - mask.mean():.0%} of it is padding:")
    for row in range(3):
        print(f"    {sequences[row]:24}  {'balanced' if y[row] else 'not balanced'}")

    network = Sequential(
        Embedding(len(LETTERS), 4, rng=rng),
        Bidirectional(LSTM(4, 8, rng=rng), LSTM(4, 8, reverse=True, rng=rng)),
        LSTM(16, 16, return_sequences=False, rng=rng),
        Dense(16, 2, rng=rng),
    )
    report = check_layer(network, (tokens[:3], mask[:3]))
    print(f"Gradient {report.verdict}, with the mask.")
    fit(
        network,
        (tokens, mask),
        y,
        loss=SoftmaxCrossEntropy(),
        optimizer=Adam(network.parameters(), learning_rate=0.01, clip_norm=1.0),
        epochs=epochs,
        rng=rng,
    )

    longer = [brackets(2 * int(rng.integers(13, 21)), rng) for _ in range(500)]
    others = [brackets(2 * int(rng.integers(2, 13)), rng) for _ in range(500)]
    scores = []
    for unseen in others, longer:
        target = np.array([balanced(sequence) for sequence in unseen], int)
        scores.append(accuracy(network(padded(unseen)), target))
    alone = np.concatenate([network(padded([sequence])) for sequence in longer])
    apart = np.abs(network(padded(longer)) - alone).max()

    print(f"In a batch, with padding, or each by itself: the answers are {apart:.1e} apart.")
    print(f"Shown: {scores[0]:.3f} of other sequences as long are classified rightly, and")
    print(
        f"{scores[1]:.3f} of longer ones, of 26 to 40 brackets, with the mask as the only hint at"
    )
    print("where each ends.")


def padded(sequences: list[str]) -> tuple[Indices, Mask]:
    """The sequences as rows of one array, and where they are in it."""
    lengths = np.array([len(sequence) for sequence in sequences])
    mask = np.arange(lengths.max()) < lengths[:, np.newaxis]
    tokens = np.zeros(mask.shape, int)
    tokens[mask] = [LETTERS.index(letter) for letter in "".join(sequences)]
    return tokens, mask


def balanced(sequence: str) -> bool:
    """Whether each bracket that is opened is closed, and none before."""
    depths = np.cumsum([1 if letter == "(" else -1 for letter in sequence])
    return bool(depths.min() == 0 == depths[-1])


def brackets(length: int, rng: np.random.Generator) -> str:
    """As many opening as closing ones; half of the time made to be balanced."""
    steps = rng.permutation(np.repeat([1, -1], length // 2))
    if rng.random() < 0.5:
        # Begun after its lowest point, it never goes below where it begins.
        steps = np.roll(steps, -1 - int(np.cumsum(steps).argmin()))
    return "".join("(" if step > 0 else ")" for step in steps)


if __name__ == "__main__":
    main()
