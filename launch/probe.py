"""Judges embeddings: linear models of them on labelled windows, with few labels and with all.

python -m launch.probe --workdir=runs/mlm/run --data_dir=runs/sites/data --output=runs/probe.json

Networks stay as they are; what is fitted, with scikit-learn, are logistic regressions (of numbers
ridge regressions) of embeddings. Beside every run the same is done with the same network untrained,
with counts of 6-mers and with one-hot DNA: an embedding that is not better is of no use for these
labels. Penalty and threshold come from the valid split, scores with 95% intervals from the test
split. Writes a row per encoder and share of the labels to OUTPUT, which ends in .json, and curves
beside it (.png, .svg), and prints tables. Runs may be of any model, --workdir=RUN1,RUN2 or a
quoted pattern; the windows must be as long as those that they read.

--nuisance=gc,chromosome,strand asks what embeddings tell that they should not, --noise=0.5,1 how
much of a window they hold. docs/probing.md says how to read all of it.
"""

import importlib

from absl import flags

from genokeras.evaluation import run_folders
from genokeras.probing import probe_files
from genokeras.probing.probe_table import probe_table
from genokeras.probing.settings import Settings
from launch import app, cache_flags, progress, quiet
from tfrecords.errors import InputError
from tfrecords.manifest import Manifest

_WORKDIR = flags.DEFINE_string(
    "workdir", None, "Folder of the run; of several RUN1,RUN2,... or a quoted pattern.",
    required=True,
)  # fmt: skip
_DATA_DIR = flags.DEFINE_string(
    "data_dir", None, "Dataset with labels and with a train and a test split.", required=True
)
_OUTPUT = flags.DEFINE_string("output", None, "File of the numbers, NAME.json.", required=True)
_FRACTIONS = flags.DEFINE_string(
    "fractions", "0.01,0.1,1", "Shares of the labels, smaller ones as parts of larger ones."
)
_DRAWS = flags.DEFINE_integer(
    "draws", 5, "How many times labels are drawn where they are not all.", lower_bound=1
)
_NUISANCE = flags.DEFINE_string(
    "nuisance",
    "",
    "What embeddings should not tell: gc, chromosome, strand, or a number per window that the "
    "dataset has, as a task that is a batch; several with commas.",
)
_NOISE = flags.DEFINE_string(
    "noise",
    "",
    "Noise to add, in standard deviations of embeddings, for bounds on what they hold of a window; "
    "several with commas.",
)
_REFERENCE_DIR = flags.DEFINE_string(
    "reference_dir",
    None,
    "Dataset of the same rows, as reference beside alternative alleles: features are differences "
    "from its.",
)
_CHECKPOINT = flags.DEFINE_string("checkpoint", "best", "best, last, or the number of a step.")
_REVERSE_COMPLEMENT = flags.DEFINE_bool(
    "reverse_complement",
    None,
    "Average embeddings over both strands. Default: unless labels are of the given strand "
    "(--reverse_complement=none of build_dataset) or the run has rc=none.",
)
_NUM_BOOTSTRAP = flags.DEFINE_integer(
    "num_bootstrap", 1000, "Resamples behind the intervals; 0 = no intervals.", lower_bound=0
)
_BATCH_SIZE = flags.DEFINE_integer(
    "batch_size", 256, "Windows embedded at a time; scores do not depend on it.", lower_bound=1
)
_MAX_WINDOWS = flags.DEFINE_integer(
    "max_windows", 200_000, "Of larger splits so many are used, a random sample.", lower_bound=2
)
_SEED = flags.DEFINE_integer("seed", 0, "Of draws, resamples and random weights.", lower_bound=0)

FLAG_MODULES = (cache_flags,)


def main() -> None:
    cache_flags.apply()
    # What is mistyped should not have to wait for Keras to load.
    run_folders.find(_WORKDIR.value)
    Manifest.load(_DATA_DIR.value)
    settings = Settings(
        fractions=_numbers("fractions", _FRACTIONS.value),
        noise=_numbers("noise", _NOISE.value),
        nuisances=tuple(filter(None, _NUISANCE.value.split(","))),
        draws=_DRAWS.value,
        checkpoint=_CHECKPOINT.value,
        reverse_complement=_REVERSE_COMPLEMENT.value,
        num_bootstrap=_NUM_BOOTSTRAP.value,
        batch_size=_BATCH_SIZE.value,
        seed=_SEED.value,
        max_windows=_MAX_WINDOWS.value,
    )
    output = probe_files.check_output(_OUTPUT.value)
    with quiet.loading():
        probing = importlib.import_module("genokeras.probing.probe")
    result = probing.probe(
        _WORKDIR.value,
        _DATA_DIR.value,
        settings,
        reference_dir=_REFERENCE_DIR.value,
        progress=progress.start,
        log=progress.log,
    )
    written = probe_files.write_probe(output, result)
    print(probe_table(result))
    print(f"\nNumbers and pictures: {', '.join(map(str, written))}")


def _numbers(name: str, text: str) -> tuple[float, ...]:
    try:
        return tuple(float(word) for word in text.split(",") if word)
    except ValueError:
        raise InputError(f"--{name}={text}: expected numbers with commas between") from None


if __name__ == "__main__":
    app.run(main)
