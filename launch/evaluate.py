"""Scores a trained model on a whole split, with 95% intervals, beside a 6-mer baseline.

python -m launch.evaluate --workdir=runs/tf0/run --split=test

Prints a table, and writes into the folder `evaluation` of the run SPLIT.json (all scores),
SPLIT.predictions.tsv (every example; `row` is the number of the data row, from 0, counted through
all input files) and pictures: ROC and precision-recall curves in SPLIT.png, learning_curves.png.
Thresholds (`*_at_threshold`) are those with the best F1 on the valid split.
"""

from absl import flags

from genokeras.training import settings
from launch import app, progress, quiet

_WORKDIR = flags.DEFINE_string("workdir", None, "Folder of the run.", required=True)
_SPLIT = flags.DEFINE_string("split", "test", "Split to score: train, valid or test.")
_CHECKPOINT = flags.DEFINE_string("checkpoint", "best", "best, last, or the number of a step.")
_REVERSE_COMPLEMENT = flags.DEFINE_bool(
    "reverse_complement", None,
    "Average the logits of both strands. Default: unless the dataset was built with "
    "--reverse_complement=none, whose labels are of the given strand.",
)  # fmt: skip
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
_DATA_DIR = flags.DEFINE_string("data_dir", None, "Where the dataset is now, if it has moved.")


def main() -> None:
    # What is mistyped should not have to wait for TensorFlow to load.
    settings.require(_WORKDIR.value)
    with quiet.loading():
        from genokeras.evaluation.evaluate import FOLDER, evaluate
        from genokeras.evaluation.score_table import score_table

    result = evaluate(
        _WORKDIR.value,
        _SPLIT.value,
        reverse_complement=_REVERSE_COMPLEMENT.value,
        num_bootstrap=_NUM_BOOTSTRAP.value,
        baseline=_BASELINE.value,
        seed=_SEED.value,
        checkpoint=_CHECKPOINT.value,
        batch_size=_BATCH_SIZE.value,
        data_dir=_DATA_DIR.value,
        progress=progress.start,
        log=_log,
    )
    print(score_table(result))
    print(f"\nScores, predictions and pictures: {_WORKDIR.value}/{FOLDER}/{_SPLIT.value}.*")


def _log(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    app.run(main)
