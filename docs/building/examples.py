"""The examples in the order in which the gallery shows them."""

from dataclasses import dataclass

# A folder of the gallery: its heading, its first sentence, and the examples with their titles.
FOLDERS = {
    "course": (
        "The course",
        "One after the other they go through the course, from the product of two matrices on.",
        {
            "matrix_operations": "Matrix operations",
            "gradient_descent": "Gradient descent",
            "mini_batches": "Mini-batches",
            "wrong_gradient": "A wrong gradient",
            "logic_gates": "Logic gates",
            "digits": "Digits",
            "vanishing_gradients": "Vanishing gradients",
            "digits_cnn": "A convolutional network",
            "overfitting": "Overfitting",
            "capstone": "The capstone",
        },
    ),
    "more": (
        "Beyond it",
        "Other data, layers of one's own, and gradients without layers.",
        {
            "two_moons": "Two moons",
            "diabetes": "Regression",
            "custom_layer": "A layer of your own",
            "objective_gradient": "An objective for scipy.optimize",
        },
    ),
    "sequences": (
        "Sequences",
        "Text, letter by letter, and rows of different lengths.",
        {
            "padded_sequences": "Padded sequences",
            "characters": "A network that writes",
            "addition": "A transformer that adds",
        },
    ),
    "scikit-learn": (
        "With scikit-learn",
        "Networks in pipelines and searches.",
        {
            "sklearn_pipeline": "A pipeline",
            "sklearn_imbalanced": "Rare classes",
            "sklearn_text": "Text in sparse rows",
            "sklearn_custom_layer": "A layer of one's own in a search",
        },
    ),
    "large": (
        "More than fits",
        "Data larger than memory, more than one process, and other runtimes.",
        {
            "larger_than_memory": "A file larger than memory",
            "sklearn_larger_than_memory": "Part by part",
            "sklearn_dask": "A search on a cluster",
            "distributed_digits": "One network on two processes",
            "onnx_digits": "A file for other runtimes",
        },
    ),
}
# Those that start processes run on their own, in front of the gallery: by what, with what.
APART: dict[str, tuple[list[str], list[str]]] = {
    "sklearn_dask": ([], []),
    "distributed_digits": (["mpiexec", "-n", "2"], ["20000"]),
}


@dataclass(frozen=True)
class Example:
    """Where an example stands in the gallery."""

    folder: str
    title: str


EXAMPLES = {
    name: Example(folder, title)
    for folder, (_, _, titles) in FOLDERS.items()
    for name, title in titles.items()
}
