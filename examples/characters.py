"""A network that learns to write, letter by letter, from the texts of Python's own `help()`.

Run `python examples/characters.py`. It takes about half a minute, and prints what an LSTM writes
before, during and after training. The text lies in every Python, as `pydoc_data.topics`; its words
differ a little from version to version.
"""

import re
from itertools import islice
from math import log
from pydoc_data.topics import topics
from typing import Any

import numpy as np

from layerwise import (
    LSTM,
    Adam,
    Dense,
    Embedding,
    Sequential,
    SoftmaxCrossEntropy,
    TimeDistributed,
    fit,
    generate,
)

PLACES = 64  # letters that the network reads in a row while it learns


def main(units: int = 128, letters: int = 100_000, epochs: int = 12) -> None:
    """Learn from so many letters, and write in between."""
    text = prose()[:letters]
    alphabet = sorted(set(text))
    tokens = np.array([alphabet.index(letter) for letter in text])
    cuts = tokens[: len(tokens) // PLACES * PLACES].reshape(-1, PLACES)
    cuts, others = cuts[: -len(cuts) // 10], cuts[-len(cuts) // 10 :]  # the end is to test on

    rng = np.random.default_rng(0)
    network = Sequential(
        Embedding(len(alphabet), 32, rng=rng, dtype=np.float32),
        LSTM(32, units, rng=rng, dtype=np.float32),
        TimeDistributed(Dense(units, len(alphabet), rng=rng, dtype=np.float32)),
    )
    optimizer = Adam(network.parameters(), learning_rate=5e-3, clip_norm=1.0)
    loss = SoftmaxCrossEntropy()
    words = set(re.findall(r"\w+", text))

    def look(when: str) -> tuple[float, float]:
        value, _ = loss(network(others[:, :-1]), others[:, 1:])
        line = written(network, alphabet, "The ", 300)
        found = re.findall(r"\w+", line)[1:-1]  # the last one may be cut short
        known = sum(word in words for word in found) / max(1, len(found))
        bits = value / log(2)
        print(f"{when}: {bits:.2f} bits for a letter, {known:.0%} of its words are words there\n")
        print(f"    {line[:150]}\n    {line[150:]}\n")
        return bits, known

    print(f"{len(text)} letters, {len(alphabet)} different ones; read in rows of {PLACES}\n")
    before, _ = look("Before training")
    for when, part in ("After an epoch", 1), (f"After {epochs} epochs", epochs - 1):
        X, y = cuts[:, :-1], cuts[:, 1:]  # to each letter the one after it
        fit(network, X, y, loss=loss, optimizer=optimizer, epochs=part, batch_size=32, rng=rng)
        after, known = look(when)

    print("Shown: a network that reads letter by letter, and is told only which one came next,")
    print(f"learns to write words: {known:.0%} of them are. On text that it has not seen a letter")
    print(f"costs it {after:.2f} bits, where it began with {before:.2f}.")


def prose() -> str:
    """The paragraphs of whole sentences in Python's help, without tables and code."""
    paragraphs = "\n\n".join(text for _, text in sorted(topics.items())).split("\n\n")
    kept = (p for p in paragraphs if re.match(r"[A-Z][^*]+\.$", p) and "\n " not in p)
    text = " ".join(" ".join(paragraph.split()) for paragraph in kept)
    return text.encode("ascii", "ignore").decode()


def written(network: Sequential[Any], alphabet: list[str], begin: str, letters: int) -> str:
    """What the network goes on to write; it always draws the same numbers for it."""
    prompt = np.array([[alphabet.index(letter) for letter in begin]])
    said = islice(generate(network, prompt, temperature=0.6, rng=0), letters - len(begin))
    return begin + "".join(alphabet[int(token[0])] for token in said)


if __name__ == "__main__":
    main()
