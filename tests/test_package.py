"""The package as a whole: what it loads, what it shows, and which file may know which."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import layerwise
from tests.raising import raises

PACKAGE = Path(layerwise.__file__).parent

# From the ground up: a file imports only from the files before it. `layers.*` is any other family
# of layers, `optimizers.*` any other of optimizers, and a package such as `gradients` is one room,
# whose files know each other.
HOUSE = [
    "arguments",
    "forms",
    "arrays",
    "parameter",
    "initializers",
    "layers.base",
    "layers.dense",
    "layers.activations",
    "layers.erfcx",
    "layers.fitting",
    "layers.long_rows",
    "layers.masks",
    "layers.dot_product",
    "layers.embedding",
    "layers.memory",
    "layers.time_distributed",
    "layers.rectifiers",
    "layers.steps",
    "layers.gates",
    "layers.recurrent",
    "layers.windows",
    "layers.patches",
    "layers.*",
    "network",
    "layers.transformer",
    "generation",
    "losses",
    "optimizers.base",
    "optimizers.*",
    "schedules",
    "metrics",
    "penalties",
    "data",
    "history",
    "early_stopping",
    "evaluation",
    "diagnosis",
    "snapshot",
    "progress",
    "gradients",
    "testing",
    "training",
    "whole_file",
    "tensor_file",
    "saving",
    "estimators",
    "onnx",
    "distributed",
]
# Beyond numpy and the standard library, where it is asked for; the second test below shows that
# nothing of it is loaded unasked.
OUTSIDE = {
    "diagnosis": {"matplotlib"},
    "distributed": {"mpi4py"},
    "estimators": {"matplotlib", "scipy", "sklearn"},
    "onnx": {"onnx"},
    "progress": {"tqdm"},
    "tensor_file": {"safetensors"},
    "gradients": {"matplotlib", "tqdm"},
}

FOLDERS = {"estimators", "gradients", "losses", "onnx"}  # rooms whose files know each other
FILES = sorted(
    path.relative_to(PACKAGE).as_posix()
    for path in PACKAGE.rglob("*.py")
    if path.name != "__init__.py" or path.parent.name in FOLDERS
)


def room(module: str) -> str:
    """The entry of the house list that a module inside the package belongs to."""
    for entry in HOUSE:
        if module == entry or module.startswith(f"{entry}."):
            return entry
    folder = f"{module.partition('.')[0]}.*"
    if folder in HOUSE:
        return folder
    raise AssertionError(f"{module} is not in the house list")


def imports(tree: ast.Module, package: str) -> set[str]:
    """The modules that this source imports, anywhere in it; `package` is the one it lies in."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: -node.level + 1 or None] if node.level else []
            module = ".".join([*above, *([node.module] if node.module else [])])
            # `from layerwise.layers import dense` names a module only together with `dense`
            is_folder = (PACKAGE.parent / Path(*module.split("."))).is_dir()
            inside = module.startswith("layerwise") and is_folder
            modules = {f"{module}.{name.name}" for name in node.names}
            known = {m for m in modules if inside and is_module(m)}
            found |= known or {module}
    return found


def is_module(name: str) -> bool:
    path = PACKAGE.parent / Path(*name.split("."))
    return path.is_dir() or path.with_suffix(".py").is_file()


@pytest.mark.parametrize("file", FILES)
def test_a_file_imports_only_from_the_rooms_below_it(file: str) -> None:
    module = file.removesuffix(".py").replace("/", ".").removesuffix(".__init__")
    package = f"layerwise.{file}".replace("/", ".").rsplit(".", 2)[0]
    own = room(module)
    tree = ast.parse((PACKAGE / file).read_text(encoding="utf-8"))
    for name in imports(tree, package):
        top, _, inside = name.partition(".")
        if top != "layerwise":
            allowed = {"numpy", *sys.stdlib_module_names, *OUTSIDE.get(own, set())}
            assert top in allowed, f"{file} imports {name}"
            continue
        assert inside, f"{file} imports from the package's face, which imports everything"
        other = room(inside)
        below = HOUSE.index(other) < HOUSE.index(own)
        assert below or (other == own and own in FOLDERS), (
            f"{file} imports {name}, which is not below it"
        )


def test_the_reading_of_imports_sees_all_kinds() -> None:
    """The test above is worth what this function finds."""
    source = """
import a.b, c
from layerwise.layers import dense
from layerwise.layers.dense import Dense
from layerwise import fit, training
from . import base
from .base import walk
from ..network import Sequential
def f():
    import late
if TYPE_CHECKING:
    from typed.only import Name
"""
    assert imports(ast.parse(source), "layerwise.layers") == {
        "a.b",
        "c",
        "layerwise.layers.dense",
        "layerwise.training",
        "layerwise.layers.base",
        "layerwise.network",
        "late",
        "typed.only",
    }


def test_importing_it_loads_numpy_and_the_standard_library_only() -> None:
    """What numpy itself brings, for its compiled files, is none of our doing."""
    program = (
        "import sys, numpy.random, numpy.typing; before = set(sys.modules); import layerwise; "
        "print(*{name.partition('.')[0] for name in set(sys.modules) - before})"
    )
    command = [sys.executable, "-W", "error", "-c", program]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.stderr == ""
    loaded = set(run.stdout.split()) - set(sys.stdlib_module_names)
    assert loaded - {"numpy"} == {"layerwise"}


def test_importing_it_leaves_for_later_what_takes_long() -> None:
    program = (
        "import sys, numpy; before = set(sys.modules); import layerwise; "
        "print(*set(sys.modules) - before); layerwise.check_layer"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    loaded = set(run.stdout.split())
    late = {"gradients", "losses", "metrics", "penalties", "diagnosis"}
    assert not {f"layerwise.{name}" for name in late} & loaded
    assert "numpy.random" not in loaded


def test_its_public_names() -> None:
    assert sorted(layerwise.__all__) == [
        "Adagrad",
        "Adam",
        "AdamW",
        "Array",
        "AveragePool2D",
        "BatchNorm",
        "Bidirectional",
        "Conv1D",
        "Conv2D",
        "Dense",
        "Diagnosis",
        "Dropout",
        "ELU",
        "EarlyStopping",
        "Embedding",
        "Epoch",
        "Flatten",
        "GELU",
        "GRU",
        "GaussianNoise",
        "GlobalAveragePool2D",
        "GradientReport",
        "GroupNorm",
        "HardSigmoid",
        "Hinge",
        "History",
        "Huber",
        "Indices",
        "L1",
        "L2",
        "LSTM",
        "Layer",
        "LayerNorm",
        "LeakyReLU",
        "Lion",
        "LogSoftmax",
        "Matrix",
        "MaxPool2D",
        "MeanAbsoluteError",
        "MeanSquaredError",
        "MultiHeadAttention",
        "Optimizer",
        "PReLU",
        "Parallel",
        "Parameter",
        "ParameterVector",
        "Poisson",
        "PositionEmbedding",
        "PositionalEncoding",
        "RMSNorm",
        "RMSprop",
        "RNN",
        "ReLU",
        "Reshape",
        "Residual",
        "SELU",
        "SGD",
        "Sequential",
        "SiLU",
        "Sigmoid",
        "SigmoidCrossEntropy",
        "Softmax",
        "SoftmaxCrossEntropy",
        "Softplus",
        "Standardize",
        "Tanh",
        "TimeDistributed",
        "TransformerBlock",
        "UpSample2D",
        "Vector",
        "accuracy",
        "check_gradient",
        "check_layer",
        "check_loss",
        "constant",
        "cosine",
        "diagnose",
        "elu",
        "exponential_decay",
        "fit",
        "gelu",
        "generate",
        "glorot_normal",
        "glorot_uniform",
        "hard_sigmoid",
        "he_normal",
        "he_uniform",
        "leaky_relu",
        "lecun_normal",
        "lecun_uniform",
        "log_softmax",
        "matrix_multiply",
        "normal",
        "numerical_gradient",
        "one_cycle",
        "orthogonal",
        "relu",
        "selu",
        "sigmoid",
        "silu",
        "softmax",
        "softplus",
        "step_decay",
        "train",
        "uniform",
        "zeros",
    ]


def test_they_are_all_there_and_no_others() -> None:
    """A star import brings them; what else is visible are the package's own files."""
    names: dict[str, object] = {}
    exec("from layerwise import *", names)
    assert names.keys() - {"__builtins__"} == set(layerwise.__all__)
    others = {name for name in vars(layerwise) if not name.startswith("_")} - names.keys()
    assert {name for name in others if not is_module(f"layerwise.{name}")} <= {"TYPE_CHECKING"}


def test_dir_lists_them_all_before_any_is_used() -> None:
    program = "import layerwise; print(set(layerwise.__all__) - set(dir(layerwise)))"
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert run.stdout == "set()\n"


def test_rooms_are_attributes_before_any_is_used() -> None:
    program = "import layerwise as l; print(l.losses, l.training, l.saving, l.estimators, l.onnx)"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)
    assert run.returncode == 0, run.stderr
    assert layerwise.__getattr__("losses") is sys.modules["layerwise.losses"]


def test_a_name_that_it_lacks_is_an_error() -> None:
    with raises(AttributeError, "module 'layerwise' has no attribute 'nothing'"):
        getattr(layerwise, "nothing")  # noqa: B009  # mypy refuses layerwise.nothing


def test_it_is_typed_for_those_who_import_it() -> None:
    assert (PACKAGE / "py.typed").is_file()
