"""Mini-batches: part 2.3 of the course.

Run `python examples/mini_batches.py`. Batches in order give the course's numbers; shuffled ones
come down as well, the last may be short, and one seed gives one result.
"""

from typing import Any

import numpy as np

from layerwise import SGD, Dense, Matrix, MeanSquaredError, fit


def run(x: Matrix, y: Matrix, epochs: int, **options: Any) -> Dense:
    """Fit a line from W = b = 0. The course's rate is 0.01, for half of the gradient."""
    line = Dense(1, 1, W_init=lambda shape, rng: np.zeros(shape))
    optimizer = SGD(line.parameters(), learning_rate=0.005)
    fit(line, x, y, loss=MeanSquaredError(), optimizer=optimizer, epochs=epochs, **options)
    return line


def main() -> None:
    """Fit y = 2 x on eight rows in batches of two, of three and of all."""
    x = np.arange(1.0, 9.0).reshape(-1, 1)
    y = 2 * x

    line = run(x, y, 10, batch_size=2, shuffle=False)
    W, b = line.W.value.item(), line.b.value.item()
    print(f"Ten epochs of batches of two, in order: W = {W:.8f}, b = {b:.8f}")

    print("\nloss after 1, 10 and 100 epochs, shuffled, by the size of a batch")
    for size in 1, 2, 3, 8:
        lines = [run(x, y, epochs, batch_size=size, rng=0) for epochs in (1, 10, 100)]
        losses = [MeanSquaredError()(line(x), y)[0] for line in lines]
        short = len(x) % size
        note = f"   the last batch has {short} rows" if short else ""
        print(f"{size}: " + "  ".join(f"{loss:10.6f}" for loss in losses) + note)

    first, second = (run(x, y, 5, batch_size=3, rng=7).W.value.item() for _ in range(2))
    print(f"\nThe same seed twice: W = {first:.17g} and {second:.17g}")
    print("Shown: small batches take more steps an epoch, and come further in it; the mean over a")
    print("short batch is over its own rows, and one seed gives one result, bit for bit.")


if __name__ == "__main__":
    main()
