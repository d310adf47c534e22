"""The house rules that a syntax tree can check: who may import whom, and what lives where."""

import ast
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[1]
TRAINING = ROOT / "genokeras" / "training"
# Imports point down only; data_prep and genokeras do not know each other.
ALLOWED = {
    "tfrecords": set(),
    "data_prep": {"tfrecords"},
    "genokeras": {"tfrecords"},
    "launch": {"tfrecords", "data_prep", "genokeras"},
}
FRAMEWORKS = {"tensorflow", "tensorflow_datasets", "jax", "torch", "keras"}
# The only files that may name a framework other than Keras; everything else is keras.ops or NumPy.
FRAMEWORK_FILES = {
    "data_prep/tfds_source.py",
    "genokeras/training/jax_ahead.py",
    "genokeras/training/jax_devices.py",
    "genokeras/training/jax_engine.py",
    "genokeras/training/jax_precision.py",
    "genokeras/training/jax_step.py",
    "tfrecords/tf_dataset.py",
    # The engines, a few files each.
    *(f"genokeras/training/{path.name}" for path in TRAINING.glob("tensorflow_*.py")),
    *(f"genokeras/training/{path.name}" for path in TRAINING.glob("jax_*.py")),
}
FORBIDDEN_NAMES = {"utils.py", "helpers.py", "common.py", "base.py", "misc.py"}
MAX_FILE_LINES, MAX_FUNCTION_LINES = 300, 80

FILES = sorted(path for package in ALLOWED for path in (ROOT / package).rglob("*.py"))


def name_of(path: pathlib.Path) -> str:
    return path.relative_to(ROOT).as_posix()


def imported(tree: ast.AST) -> set[str]:
    """Top-level names of all modules that a file imports, at any depth."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add((node.module or "").split(".")[0])
    return names


def forbidden_imports(name: str, source: str) -> set[str]:
    package, names = name.split("/")[0], imported(ast.parse(source))
    arrows = (names & set(ALLOWED)) - ALLOWED[package] - {package}
    frameworks = names & FRAMEWORKS
    if package == "genokeras":
        frameworks -= {"keras"}
    flags = names & {"absl"} if package != "launch" else set()
    return arrows | flags | (set() if name in FRAMEWORK_FILES else frameworks)


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_file_keeps_the_house_rules(path):
    source = path.read_text()
    tree = ast.parse(source)
    assert forbidden_imports(name_of(path), source) == set()
    assert path.name not in FORBIDDEN_NAMES
    assert source.count("\n") <= MAX_FILE_LINES
    calls = {node.func.id for node in ast.walk(tree) if is_named_call(node)}
    if name_of(path).split("/")[0] != "launch":
        assert not calls & {"print", "exit"}, "only launchers talk to the user"
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            assert node.end_lineno - node.lineno < MAX_FUNCTION_LINES, node.name
    if path.name == "__init__.py":
        assert [node for node in tree.body[1:] if not isinstance(node, ast.ImportFrom)] == []


def is_named_call(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name)


@pytest.mark.parametrize(
    ("name", "source", "found"),
    [
        ("data_prep/x.py", "import genokeras.models", {"genokeras"}),
        ("genokeras/x.py", "from data_prep import build", {"data_prep"}),
        ("tfrecords/x.py", "def f():\n    from launch import app", {"launch"}),
        ("data_prep/x.py", "import tensorflow as tf", {"tensorflow"}),
        (
            "data_prep/x.py",
            "def f():\n    import tensorflow_datasets as tfds",
            {"tensorflow_datasets"},
        ),
        ("tfrecords/x.py", "from absl import flags", {"absl"}),
        ("genokeras/layers/x.py", "import keras\nimport jax", {"jax"}),
        ("launch/x.py", "from absl import flags\nfrom genokeras import config", set()),
    ],
)
def test_the_check_finds_what_it_should(name, source, found):
    assert forbidden_imports(name, source) == found


def test_top_level_is_as_documented():
    tracked = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout.splitlines()
    if not tracked:
        pytest.skip("not a git checkout")
    assert {name.split("/")[0] for name in tracked} == {
        *ALLOWED, "setup.py", "tests", "README.md", "pyproject.toml", "Makefile", "constraints",
        "CONTRIBUTING.md", "CHANGELOG.md", "LICENSE", "benchmarks", "docs", "examples", ".ci",
        ".github", ".gitignore",
    }  # fmt: skip


def test_import_touches_no_device_and_no_global_policy():
    """`import genokeras` in a notebook must leave TensorFlow, JAX and Keras as they were."""
    code = (
        "import sys, genokeras, tfrecords, data_prep, launch\n"
        "assert not {'tensorflow', 'jax', 'keras'} & set(sys.modules), 'imported a framework'\n"
        "import keras\n"
        "before = keras.config.dtype_policy().name, keras.config.floatx()\n"
        "import genokeras.models.cnn_attention, genokeras.training.trainer\n"
        "assert before == (keras.config.dtype_policy().name, keras.config.floatx())\n"
        "from tensorflow.python.eager import context\n"
        "assert not context.context()._initialized, 'initialised the devices'\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_building_datasets_imports_no_framework():
    """Processes that write shards import what the launcher does, and stay small and quick."""
    modules = [f"data_prep.{path.stem}" for path in (ROOT / "data_prep").glob("[!_]*.py")]
    code = (
        f"import sys, launch.build_dataset, tfrecords.writer, {', '.join(modules)}\n"
        f"found = {FRAMEWORKS} & set(sys.modules)\n"
        "assert not found, found\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
