"""A transformer of two blocks that learns to add numbers written as text, and what it looks at.

Run `python examples/addition.py`. It takes half a minute and saves addition.png: for one sum,
what each head of each block takes of each character when it writes the digits of the sum. The text
is like 587+646=3321: the sum, 1233, is written from its last digit on, as one adds on paper, so
that a digit needs two digits and a carry. Source of that help: Lee et al. 2023, arXiv:2307.03381.
Over six seeds, of the sums and the weights, it got all of 1000 sums right that it had not seen.
"""

from collections.abc import Sequence
from functools import partial
from itertools import islice
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from layerwise import (
    Adam,
    Array,
    Dense,
    Embedding,
    Indices,
    LayerNorm,
    PositionEmbedding,
    Sequential,
    SoftmaxCrossEntropy,
    TimeDistributed,
    TransformerBlock,
    check_layer,
    fit,
    generate,
    one_cycle,
)

CHARACTERS = "0123456789+="
FEATURES, HEADS, BATCH = 64, 4, 64


def main(folder: Path = Path(), digits: int = 3, epochs: int = 1, seed: int = 0) -> None:
    """Learn to add numbers of so many digits, and save the picture in `folder`."""
    rng = np.random.default_rng(seed)
    pairs = rng.permutation(100**digits)  # each stands for two numbers, 587646 for 587 and 646
    unseen, pairs = pairs[:1000], pairs[1000:81_000]
    rows, asked = texts(pairs, digits), 2 * digits + 2  # characters, with the equals sign
    X, y = rows[:, :-1], rows[:, 1:].copy()  # at each place, the character after it
    y[:, : asked - 1] = -1  # what nobody can foretell is left out of the loss

    new_block = partial(TransformerBlock, FEATURES, HEADS, causal=True, rng=rng, dtype=np.float32)
    blocks = [new_block(), new_block()]
    network = Sequential(
        Embedding(len(CHARACTERS), FEATURES, rng=rng, dtype=np.float32),
        PositionEmbedding(rows.shape[1], FEATURES, rng=rng, dtype=np.float32),
        *blocks,
        LayerNorm(FEATURES, dtype=np.float32),
        TimeDistributed(Dense(FEATURES, len(CHARACTERS), rng=rng, dtype=np.float32)),
        input_shape=X.shape[1:],
    )
    print(network)
    report = check_layer(network, X[:2])
    if not report.passed:
        raise SystemExit(f"addition: the gradient is {report.verdict}, so nothing was trained")

    steps = epochs * ceil(len(X) / BATCH)
    rate = one_cycle(5e-3, steps)
    optimizer = Adam(network.parameters(), learning_rate=rate, clip_norm=1.0)
    fit(
        *(network, X, y),
        loss=SoftmaxCrossEntropy(ignore=-1),
        optimizer=optimizer,
        epochs=epochs,
        batch_size=BATCH,
        rng=rng,
        progress=True,
    )

    answers = continued(network, texts(unseen, digits)[:, :asked], digits + 1)
    for row in answers[:3]:
        print(spelled(row))
    wrong = int((answers != texts(unseen, digits)).any(axis=1).sum())
    example = texts(np.array([int("587646"[-2 * digits :])]), digits)
    picture = folder / "addition.png"
    draw(example[0], asked, looks(network, blocks, example[:, :-1])).savefig(picture)
    print(f"Saved {picture.resolve()}")
    print(f"Shown: a transformer with a {report.verdict} gradient has learned to add from")
    print(f"{len(X):,} of {100**digits:,} sums. Of 1000 others {1 - wrong / 1000:.1%} are right.")


def texts(pairs: Indices, digits: int) -> Indices:
    """The tokens of a+b= and of the sum from its last digit on, for each pair of a and b."""
    numbers = zip(*divmod(pairs, 10**digits), strict=True)
    rows = [f"{a:0{digits}}+{b:0{digits}}=" + f"{a + b:0{digits + 1}}"[::-1] for a, b in numbers]
    return np.array([[CHARACTERS.index(character) for character in row] for row in rows])


def spelled(tokens: Indices) -> str:
    """The characters of these tokens."""
    return "".join(CHARACTERS[token] for token in tokens)


def continued(network: Sequential[Any], tokens: Indices, places: int) -> Indices:
    """The tokens, and after them so many that the network thinks the likeliest, one by one."""
    said = islice(generate(network, tokens, temperature=0), places)
    return np.column_stack([tokens, *said])


def looks(
    network: Sequential[Any], blocks: Sequence[TransformerBlock], tokens: Indices
) -> list[Array]:
    """How much each place takes of each other, (heads, t, t) for each block."""
    H, found = network[:2](tokens), []
    for block in blocks:
        found.append(block.weights(H)[0])
        H = block(H)
    return found


def draw(row: Indices, asked: int, weights: list[Array]) -> Figure:
    """For each block and head, a line for each digit of the sum: what it is written from."""
    text = spelled(row)
    page = Figure(figsize=(12, 5), dpi=100, layout="constrained")
    page.suptitle(f"{text}: what each digit of the sum is written from")
    grid = page.subplots(len(weights), HEADS)
    for i, of_heads in enumerate(weights):
        for head, P in enumerate(of_heads):
            axes = grid[i, head]
            axes.imshow(P[asked - 1 :], cmap="Blues", vmin=0, vmax=1, aspect="auto")
            axes.set_title(f"block {i}, head {head}", fontsize="medium")
            axes.set_xticks(range(len(P)), text[:-1])
            axes.set_yticks(range(len(row) - asked), text[asked:])
    return page


if __name__ == "__main__":
    main()
