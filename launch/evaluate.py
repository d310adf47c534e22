"""Scores a trained model on a whole split, with 95% intervals, beside a 6-mer baseline.

python -m launch.evaluate --workdir=runs/tf0/run --split=test

Prints a table, and writes into the folder `evaluation` of the run SPLIT.json (all scores),
SPLIT.predictions.tsv (every example) and pictures: ROC and precision-recall curves in SPLIT.png,
learning_curves.png. Thresholds (`*_at_threshold`) are those with the best F1 on the valid split.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from absl import flags

from launch import app, progress

_WORKDIR = flags.DEFINE_string("workdir", None, "Folder of the run.", required=True)
_SPLIT = flags.DEFINE_string("split", "test", "Split to score: train, valid or test.")
_CHECKPOINT = flags.DEFINE_string("checkpoint", "best", "best, last, or the number of a step.")
_REVERSE_COMPLEMENT = flags.DEFINE_bool(
    "reverse_complement", True, "Average the logits of both strands."
)
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

_METRICS = (
    *("auroc", "auprc", "mcc", "accuracy", "f1", "pearson_r", "spearman_r", "r2", "loss"),
    *("threshold", "mcc_at_threshold", "accuracy_at_threshold", "f1_at_threshold"),
)
_MAX_TASK_NAME = 40


def main() -> None:
    # Keras takes seconds to import, which a mistyped flag should not have to wait for.
    from genokeras.evaluation.evaluate import FOLDER, evaluate

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
        log=print,
    )
    print(table(result))
    print(f"\nScores, predictions and pictures: {_WORKDIR.value}/{FOLDER}/{_SPLIT.value}.*")


def table(result: Mapping[str, Any]) -> str:
    """Returns the scores that `evaluate` returned, as aligned text."""
    strands = "both strands" if result["reverse_complement"] else "one strand"
    title = (
        f"{result['dataset']}, {result['split']} split: {result['n']:,} examples, {strands}, "
        f"checkpoint {result['checkpoint']} (step {result['step']})"
    )
    columns = {result["model"]: result}
    if result["baseline"]:
        columns |= {"6-mer baseline": result["baseline"], "difference": result["difference"]}
    names = [name for name in _METRICS if name in result]
    rows = [["", *columns]]
    rows += [[name, *(_cell(x, name, x is result["difference"]) for x in columns.values())]
             for name in names]  # fmt: skip
    text = [title, "", *_aligned(rows)]
    if "tasks" in result:
        rows = [["task", "n", *names[:2]]]
        for task, scores in result["tasks"].items():
            cells = [_cell(scores, name) for name in names[:2]]
            rows.append([task[:_MAX_TASK_NAME], f"{scores['n']:,}", *cells])
        text += ["", *_aligned(rows)]
    return "\n".join(text)


def _cell(scores: Mapping[str, Any], name: str, is_signed: bool = False) -> str:
    """A number with its interval; a dash where it is undefined."""
    if scores.get(name) is None:
        return "-"
    sign = "+" if is_signed else ""
    ends = scores.get(f"{name}_ci")
    interval = f" [{ends[0]:{sign}.4f}, {ends[1]:{sign}.4f}]" if ends else ""
    return f"{scores[name]:{sign}.4f}{interval}"


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["   ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
    return [lines[0], "-" * max(map(len, lines)), *lines[1:]]


if __name__ == "__main__":
    app.run(main)
