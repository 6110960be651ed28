"""What a user writes, start to end: accepted as it stands."""

import numpy as np
from sklearn.datasets import load_digits

from layerwise import Adam, Dense, ReLU, Sequential, SoftmaxCrossEntropy, check_layer, fit

X, y = load_digits(return_X_y=True)
X /= 16
rng = np.random.default_rng(0)
network = Sequential(Dense(64, 64, rng=rng), ReLU(), Dense(64, 10, rng=rng))
print(check_layer(network, X[:8]))
optimizer = Adam(network.parameters(), learning_rate=1e-3)
history = fit(
    network,
    X,
    y,
    loss=SoftmaxCrossEntropy(),
    optimizer=optimizer,
    epochs=20,
    batch_size=32,
    shuffle=True,
    rng=rng,
    progress=True,
)
print(history.loss[-1], (network(X).argmax(axis=1) == y).mean())

logits, backward = network.forward(X[:8])
value, grad = SoftmaxCrossEntropy()(logits, y[:8])
backward(grad)
optimizer.step()
