"""Shows what is in a dataset: splits, labels, bases, origin and the audit for leakage.

python -m launch.inspect_dataset --data_dir=runs/tf0/data --examples=3
python -m launch.inspect_dataset --data_dir=runs/tf0/data --plot
python -m launch.inspect_dataset --data_dir=runs/tf0/data --audit
python -m launch.inspect_dataset --data_dir=runs/tf0/data --corruption
"""

import importlib
import os
import pathlib

from absl import flags

from data_prep.audit_dataset import audit_dataset
from data_prep.audit_text import describe_audit
from data_prep.coverage_survey import survey_coverage
from data_prep.describe import describe, verify
from data_prep.survey import survey
from genokeras.evaluation.gc_by_class import describe_gc
from genokeras.plots.coverage_overview import draw_coverage_overview
from genokeras.plots.dataset_overview import draw_overview
from genokeras.plots.figure import check_can_save
from launch import app, cache_flags, progress, quiet
from tfrecords.reader import Dataset
from tfrecords.remote_path import is_remote, path_of


class _PlotParser(flags.ArgumentParser):
    """Takes `--plot` alone, which absl gives as `true`, and `--plot=FILE`."""

    syntactic_help = "a file"

    def parse(self, argument: str) -> str:
        return {"true": _BESIDE, "false": ""}.get(argument, argument)


_BESIDE = "DATA_DIR-overview.png"
_DATA_DIR = flags.DEFINE_string(
    "data_dir", None, "Folder of the dataset, or its URL, as gs://BUCKET/FOLDER.", required=True
)
_EXAMPLES = flags.DEFINE_integer("examples", 0, "Also show so many examples of each split.")
_VERIFY = flags.DEFINE_bool("verify", False, "Also check every record and every shard's sha256.")
_AUDIT = flags.DEFINE_bool(
    "audit", False, "Also look anew, in the records, for what the splits share."
)
_CORRUPTION = flags.DEFINE_bool(
    "corruption",
    False,
    "Also measure what the corruptions of mlm hide and what they give away.",
)
_PLOT = flags.DEFINE_flag(
    flags.Flag(
        _PlotParser(),
        flags.ArgumentSerializer(),
        "plot",
        "",
        f"Also draw labels or coverage, GC content, k-mers, copies and examples; --plot=FILE says "
        f"where (.png, .svg, .pdf), --plot draws {_BESIDE}.",
        boolean=True,
    )
)

FLAG_MODULES = (cache_flags,)


def main() -> None:
    cache_flags.apply()
    # Without a dataset there is no place beside it either.
    dataset = Dataset(_DATA_DIR.value, progress=progress.start)
    manifest, path = dataset.manifest, _plot_path()
    if is_remote(_DATA_DIR.value):
        for split in manifest.splits:
            dataset.split(split)  # Fetches it, with a progress bar.
    print(describe(_DATA_DIR.value, examples=_EXAMPLES.value))
    for line in describe_gc(_DATA_DIR.value):
        print(line)
    if _VERIFY.value:
        print(verify(_DATA_DIR.value, progress=progress.start))
    if _AUDIT.value:
        print("\nAudit of the records as they are:")
        for line in describe_audit(audit_dataset(_DATA_DIR.value, progress=progress.start)):
            print(line)
    if _CORRUPTION.value:
        with quiet.loading():
            corruption = importlib.import_module("genokeras.evaluation.corruption")
        print("\n" + "\n".join(corruption.describe_corruption(dataset)))
    if path is not None:
        if manifest.task_type == "coverage":
            draw_coverage_overview(path, **vars(survey_coverage(_DATA_DIR.value)))
        else:
            draw_overview(path, **vars(survey(_DATA_DIR.value)))
        print(f"Picture: {path}")


def _plot_path() -> pathlib.Path | None:
    """Returns where to draw; by default beside the dataset, whose folder holds nothing else.

    Of a remote one that is here.
    """
    if not _PLOT.value:
        return None
    path = pathlib.Path(_PLOT.value)
    if _PLOT.value == _BESIDE and is_remote(_DATA_DIR.value):
        path = pathlib.Path(f"{path_of(_DATA_DIR.value).name}-overview.png")
    elif _PLOT.value == _BESIDE:
        data_dir = pathlib.Path(os.path.normpath(_DATA_DIR.value))
        if data_dir.name in ("", ".."):
            data_dir = pathlib.Path(os.path.abspath(data_dir))
        path = data_dir.with_name(f"{data_dir.name}-overview.png")
    check_can_save(path)
    return path


if __name__ == "__main__":
    app.run(main)
