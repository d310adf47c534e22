r"""Trains and scores a table of configurations, and says which differences are more than chance.

python -m launch.compare --configs=examples/compare/chapter.txt --data_dir=runs/tf0/data \
  --seeds=0,1,2 --output=runs/chapter

A configuration is a line of the file: a name, then flags of launch.train, where {A,B} stands for a
sweep (--set=dropout={0.1,0.2}). What comes after -- is for all of them. Every configuration is
trained on every dataset with every seed, the first seed of all first, and scored as launch.evaluate
does. The same command goes on where it stopped, a run that fails is told and the others go on, and
--budget_minutes is kept over all attempts. In --output are then comparison.md, .tsv, .json, .png
and .svg: means over seeds, differences to the reference on the same examples and seeds, 95%
intervals, p-values, and every run that is missing.
"""

import json
import pathlib
import re
import signal
import subprocess
import sys
from collections.abc import Sequence

from absl import flags

from genokeras.comparison import configurations, results, runs
from genokeras.comparison.results import Row
from genokeras.comparison.runs import ComparedDataset, PlannedRun
from genokeras.evaluation import run_folders
from genokeras.training import lock
from genokeras.training.stopping import Stopped, StopRequest, listening
from launch import app, cache_flags, compare_runs, progress
from launch.compare_table import Table
from tfrecords.errors import InputError, check_known
from tfrecords.manifest import Manifest, split_name

TAKES_LINE = True
FLAG_MODULES = (cache_flags,)

_CONFIGS = flags.DEFINE_string(
    "configs", None, "File of the configurations: NAME --flag=value ... on each line.",
    required=True,
)  # fmt: skip
_DATA_DIR = flags.DEFINE_list(
    "data_dir", None, "Folder or URL of the dataset, or several with commas between; NAME=DIR says "
    "what one is called here, by default it is the name it was built with.", required=True,
)  # fmt: skip
_OUTPUT = flags.DEFINE_string(
    "output", None, "Folder of the comparison: new, or one to go on with.", required=True
)
_SEEDS = flags.DEFINE_list("seeds", ["0", "1", "2"], "Seeds of training, with commas between.")
_SPLIT = flags.DEFINE_string("split", "test", "Split to score: train, valid (or val, dev) or test.")
_METRIC = flags.DEFINE_list(
    "metric", None, "Score to compare by, or several with commas between. Default: auroc, "
    "pearson_r, cross_entropy, nll or loss, the first that the runs have.",
)  # fmt: skip
_REFERENCE = flags.DEFINE_string(
    "reference", None, "Configuration that the others are compared with; default: the first."
)
_BUDGET_MINUTES = flags.DEFINE_float(
    "budget_minutes", None, "CPU minutes, over all cores, that the runs in --output may take "
    "together; 0: none, which makes the tables anew.", lower_bound=0,
)  # fmt: skip
_AGAINST = flags.DEFINE_string(
    "against", None, "Also draw the scores over another one, or over parameters, minutes or "
    "cpu_minutes: comparison.against_NAME.png.",
)  # fmt: skip

# What every run gets from the comparison.
_RESERVED = ("data_dir", "workdir", "seed", "resume", "evaluate")


def main(line: Sequence[str]) -> None:
    cache_flags.apply()
    folder, split = run_folders.destination([], _OUTPUT.value), split_name(_SPLIT.value)
    configurations.check_flags(line, "after --", _RESERVED)
    found = configurations.read(_CONFIGS.value, _RESERVED)
    reference = _REFERENCE.value or found[0].name
    known = [configuration.name for configuration in found]
    check_known("--reference: no configuration", reference, known, "Configurations")
    planned = runs.plan(folder, found, _datasets(split), _seeds())
    _check_folder(folder)
    runs.check_unchanged(planned, line)
    shown = {"reference": reference, "metrics": _METRIC.value or [], "against": _AGAINST.value}
    table = Table(folder, planned, split, **shown)
    is_all_there = all(row.state == results.DONE for row in table.rows)
    if not is_all_there:
        _check(planned, line)
    minutes = _BUDGET_MINUTES.value
    with lock.locked(folder), listening() as stop:
        is_enough = is_all_there or compare_runs.make(
            planned, split, line,
            budget_seconds=compare_runs.NO_BUDGET if minutes is None else 60 * minutes,
            stop=stop, log=progress.log, done=table.tell,
        )  # fmt: skip
        used_up = "" if is_enough else f": the budget of {minutes:g} CPU minutes is used up"
        table.finish(f"{results.NOT_YET}{used_up}")
    _end(table.rows, stop, is_enough)


def _end(rows: Sequence[Row], stop: StopRequest, is_enough: bool) -> None:
    """Says what is missing, with the exit code that belongs to it."""
    done, failed = (
        [x for x in rows if x.state == state] for state in (results.DONE, results.FAILED)
    )
    told = f"{len(done)} of {len(rows)} runs are done"
    if stop or (is_enough and len(done) + len(failed) < len(rows)):
        raise Stopped(f"{told}; the same command goes on", stop.signal or signal.SIGTERM)
    if failed:
        first = failed[0]
        raise InputError(f"{told}, {len(failed)} failed; {first.run.title}: {first.reason}")
    if not is_enough:
        progress.log(f"{told}; a larger --budget_minutes goes on")


def _datasets(split: str) -> list[ComparedDataset]:
    """Returns the datasets that are asked for; all have the split."""
    found: dict[str, ComparedDataset] = {}
    for text in _DATA_DIR.value:
        named = re.fullmatch(r"([A-Za-z0-9][\w.+-]*)=(.+)", text)
        data_dir = named[2] if named else text
        manifest = Manifest.load(data_dir)
        check_known(f"--split: {data_dir} has no split", split, manifest.splits, "Splits")
        name = named[1] if named else manifest.name
        if name in found:
            raise InputError(
                f"--data_dir: {found[name].data_dir} and {data_dir} are both called {name}; give "
                f"one another name: NAME={data_dir}"
            )
        found[name] = ComparedDataset(name, data_dir, manifest.sha256)
    if not found:
        raise InputError("--data_dir is empty: give --data_dir=VALUE")
    return list(found.values())


def _seeds() -> list[int]:
    texts = [text.strip() for text in _SEEDS.value]
    is_right = texts and all(text.isdecimal() and int(text) < 2**31 for text in texts)
    if not is_right or len(set(map(int, texts))) < len(texts):
        raise InputError(
            f"--seeds={','.join(texts)}: expected different whole numbers from 0 to 2147483647 "
            "with commas between, as 0,1,2"
        )
    return list(map(int, texts))


def _check(planned: Sequence[PlannedRun], line: Sequence[str]) -> None:
    """Refuses what launch.train would refuse, of any configuration; `compare_check` says how."""
    found = dict.fromkeys(run.configuration for run in planned)
    asked = {
        "lines": [(one.place, [*line, *one.flags]) for one in found],
        "data_dirs": list(dict.fromkeys(run.dataset.data_dir for run in planned)),
    }
    done = subprocess.run(
        [sys.executable, "-m", "launch.compare_check"],
        input=json.dumps(asked), capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode == app.EXIT_MISTAKE:
        raise InputError(done.stderr.strip().splitlines()[-1].removeprefix("error: "))
    if done.returncode:
        raise RuntimeError(f"the configurations could not be checked:\n{done.stderr}")


def _check_folder(folder: pathlib.Path) -> None:
    """Refuses a folder of something else, and one in which a comparison is being made."""
    there = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
    if there and not {runs.RUNS_FOLDER, lock.LOCK_FILE} & set(there):
        raise InputError(
            f"--output={folder}: holds {there[0]!r} but no comparison; give a new or empty folder"
        )
    if (holder := lock.holder(folder)) is not None:
        raise InputError(
            f"--output={folder}: process {holder.pid} on {holder.host} makes this comparison; wait "
            "for it to end, or give another --output"
        )


if __name__ == "__main__":
    app.run(main)
