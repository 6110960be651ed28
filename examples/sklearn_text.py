"""Text: TF-IDF gives rows that are mostly zeros, and the network reads them as they are.

Run `python examples/sklearn_text.py`. It takes some seconds. The corpus is made here: short
reports on weather, football and cooking, with words that all of them share. The matrix of words
stays sparse on its whole way; made dense it would be a hundred times as large.
"""

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline

from layerwise.estimators import MLPClassifier

TOPICS = {
    "weather": "rain wind sun cloud storm frost snow heat north coast degrees evening fog thunder",
    "football": "goal match keeper corner season referee league header penalty coach stadium score",
    "cooking": "butter oven onion flour salt simmer garlic whisk dough pepper season score heat",
}
SHARED = "the a and today we then with after before long good new again still very more"
RARE = 20_000  # names and places that come up once or twice, as in every real corpus


def report(topic: str, rng: np.random.Generator) -> str:
    """Thirty words: a few of the topic, a few of another one, the rest of no topic."""
    other = rng.choice(list(TOPICS))
    words = [*rng.choice(TOPICS[topic].split(), 4), *rng.choice(TOPICS[other].split(), 2)]
    words += [*rng.choice(SHARED.split(), 18), *(f"name{i}" for i in rng.integers(RARE, size=6))]
    return " ".join(rng.permutation(words))


def main() -> None:
    """Write the reports, learn their topics from half of them, and judge by the others."""
    rng = np.random.default_rng(0)
    topics = rng.choice(list(TOPICS), 4000)
    reports = [report(topic, rng) for topic in topics]
    print(f"A report on {topics[0]}: {reports[0]}")
    train, test, y, y_test = train_test_split(reports, topics, test_size=0.5, random_state=0)
    model = make_pipeline(
        TfidfVectorizer(dtype=np.float32),
        MLPClassifier((32,), dropout=0.3, early_stopping=True, random_state=0),
    ).fit(train, y)

    X, network = model[0].transform(test), model[-1]
    dense = X.shape[0] * X.shape[1] * X.dtype.itemsize / 1e6
    sparse = (X.data.nbytes + X.indices.nbytes + X.indptr.nbytes) / 1e6
    print(
        f"{X.shape[0]} reports have {X.shape[1]:,} words, {X.nnz / X.shape[0]:.0f} in each: "
        f"{sparse:.1f} MB"
    )
    print(f"as they are, {dense:.0f} MB if they were dense.")
    print(network.network_)
    W = network.coefs_[0]
    print(f"Weights are {W.dtype}, as the words are.")
    for sentence in "rain and fog on the north coast", "a goal in the last match of the season":
        (chances,) = model.predict_proba([sentence])
        likely = zip(network.classes_, chances, strict=True)
        print(f"{sentence}: {', '.join(f'{topic} {chance:.2f}' for topic, chance in likely)}")
    print(
        f"Shown: {model.score(test, y_test):.3f} of the other reports are told rightly, from "
        "sparse rows."
    )


if __name__ == "__main__":
    main()
