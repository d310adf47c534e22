"""Scores a trained model on a whole split, with 95% intervals, beside a 6-mer baseline.

python -m launch.evaluate --workdir=runs/tf0/run --split=test

Prints a table, and writes into the folder `evaluation` of the run SPLIT.json (all scores, with
calibration, operating points, groups, mistakes and probes), SPLIT.predictions.tsv (every example;
`row` is the number of the data row, from 0, counted through all input files) and pictures
SPLIT.*.png; and into the run report.html, all of it on one page. Of several runs,
--workdir=RUN1,RUN2 or a quoted pattern, the mean of logits or coverage is scored, and each; then
--output=DIR says where to write. Of coverage there are scores, windows as a picture and the report.
--symmetry measures how far the network is from the symmetries of DNA: SPLIT.symmetry.json.
"""

import importlib

from absl import flags

from genokeras.evaluation import run_folders
from launch import app, cache_flags, quiet, scoring
from tfrecords.errors import InputError

_WORKDIR = flags.DEFINE_string(
    "workdir", None, "Folder of the run; of an ensemble RUN1,RUN2,... or a quoted pattern.",
    required=True,
)  # fmt: skip
_OUTPUT = flags.DEFINE_string(
    "output", None, "Folder for what is written; default, of one run: evaluation in its folder."
)
_SPLIT = flags.DEFINE_string("split", "test", "Split to score: train, valid (or val, dev) or test.")
_CHECKPOINT = flags.DEFINE_string("checkpoint", "best", "best, last, or the number of a step.")
_REVERSE_COMPLEMENT = flags.DEFINE_bool("reverse_complement", None, scoring.BOTH_STRANDS)
_NUM_BOOTSTRAP = flags.DEFINE_integer(
    "num_bootstrap", 1000, "Resamples behind the intervals; 0 = no intervals.", lower_bound=0
)
_BASELINE = flags.DEFINE_bool(
    "baseline", True, "Fit and score a 6-mer logistic regression as well (a second or two)."
)
_SEED = flags.DEFINE_integer("seed", 0, "Of the resamples.", lower_bound=0)
_BATCH_SIZE = flags.DEFINE_integer(
    "batch_size", 256, "Sequences computed at a time; scores do not depend on it.", lower_bound=1
)
_PROBE = flags.DEFINE_multi_string(
    "probe", [], "Motif to ask the model about, NAME:WORD in IUPAC codes; may be given repeatedly."
)
_SYMMETRY = flags.DEFINE_bool(
    "symmetry", False, "Also measure every layer's error under reverse complement and shifts."
)
_REPORT = flags.DEFINE_bool("report", True, "Draw pictures and write report.html as well.")
_DATA_DIR = flags.DEFINE_string("data_dir", None, "Where the dataset is now, if it has moved.")
_STRATEGY = flags.DEFINE_enum("strategy", "auto", scoring.STRATEGIES, scoring.WHICH_DEVICES)

FLAG_MODULES = (cache_flags,)


def main() -> None:
    cache_flags.apply()
    # What is mistyped should not have to wait for TensorFlow to load.
    workdirs = run_folders.find(_WORKDIR.value)
    run_folders.destination(workdirs, _OUTPUT.value)
    if _SYMMETRY.value and len(workdirs) != 1:
        raise InputError(f"--symmetry is of one network, got {len(workdirs)} runs: name one")
    with quiet.loading():
        importlib.import_module("genokeras.evaluation.evaluate")

    scoring.score(
        workdirs,
        _SPLIT.value,
        output=_OUTPUT.value,
        reverse_complement=_REVERSE_COMPLEMENT.value,
        num_bootstrap=_NUM_BOOTSTRAP.value,
        baseline=_BASELINE.value,
        seed=_SEED.value,
        checkpoint=_CHECKPOINT.value,
        batch_size=_BATCH_SIZE.value,
        strategy=_STRATEGY.value,
        data_dir=_DATA_DIR.value,
        probe=_PROBE.value,
        report=_REPORT.value,
    )
    if _SYMMETRY.value:
        from genokeras.evaluation import symmetry  # Here, since it loads Keras.

        options = {"checkpoint": _CHECKPOINT.value, "data_dir": _DATA_DIR.value}
        rows = symmetry.report(workdirs[0], _SPLIT.value, output=_OUTPUT.value, **options)
        print(f"\n{symmetry.table(rows)}")
    if _OUTPUT.value is None:
        scoring.copy_back(workdirs[0], _WORKDIR.value)


if __name__ == "__main__":
    app.run(main)
