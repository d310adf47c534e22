"""Shards written by Apache Beam, on any of its runners, instead of a pool of processes.

A task names columns on disk and a range of rows, and that is all that travels. So every worker must
see the folder of the dataset, and the hidden one beside it in which it is built, under the path
that this process has for them.

A runner may give a task to a second worker while the first is still at it, and a worker may go on
after the build was killed. So each writes in the folder of its run, and renames: what it renames is
the same to the byte whoever writes it, and the folder is gone when another build begins.
"""

import contextlib
import dataclasses
import functools
import importlib
import io
import json
import multiprocessing
import os
import pathlib
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from types import ModuleType

from data_prep.destination import UnfinishedError
from data_prep.shards import ShardTask, start_worker, write_shard
from tfrecords.errors import InputError
from tfrecords.files import replacing
from tfrecords.manifest import Shard

_RUN = "beam-"
_FAILURE = "failure.txt"
_LOG = "beam.log"
_POLL_SECONDS = 0.2


class BeamRunner:
    """Writes shards with Apache Beam; a `runner` of `build.build_dataset`.

    Args:
        args: Options of Beam, such as `--runner=DirectRunner` and `--direct_num_workers=2`.

    Raises:
        InputError: Beam is not installed, or does not take these options.
    """

    def __init__(self, args: Sequence[str] = ()):
        self._args = tuple(args)
        beam = _import_beam()
        said = io.StringIO()
        try:
            with contextlib.redirect_stderr(said):
                options = beam.options.pipeline_options.PipelineOptions(self._args)
                options.get_all_options()
                beam.Pipeline(options=options)
        except (SystemExit, ValueError, ImportError) as error:
            # Beam ends the program where an option has a wrong value, after saying which.
            why = said.getvalue() if isinstance(error, SystemExit) else str(error)
            raise InputError(f"--beam_args={' '.join(self._args)}: {_last_line(why)}") from None

    def __call__(self, tasks: Sequence[ShardTask], when_done: Callable[[Shard], None]) -> None:
        """Writes shards, and reports each as it is done, in any order.

        Raises:
            UnfinishedError: Beam gave up; the shards reported until then are complete.
        """
        if not tasks:
            return
        building = tasks[0].path.parents[1]
        for left in building.glob(f"{_RUN}*"):
            shutil.rmtree(left, ignore_errors=True)
        folder = pathlib.Path(tempfile.mkdtemp(prefix=_RUN, dir=building))
        log = building / _LOG
        # In a process of its own: if it waits for a dead worker it can be ended.
        process = multiprocessing.get_context("spawn").Process(
            target=_run, args=(self._args, tasks, folder, log), daemon=True
        )
        process.start()
        num_done = 0
        try:
            for shard in _finished(folder, process):
                when_done(shard)
                num_done += 1
        finally:
            process.kill()
            process.join()
        if num_done < len(tasks):
            raise UnfinishedError(
                f"{_what_went_wrong(folder, process.exitcode)} ({num_done} of {len(tasks)} shards "
                f"are there, {log} has more); the same command goes on"
            )


def _finished(folder: pathlib.Path, process: multiprocessing.Process) -> Iterator[Shard]:
    """Yields the shards that workers note in `folder`, until the process has ended."""
    seen = set()
    is_over = False
    while not is_over:
        process.join(_POLL_SECONDS)
        is_over = not process.is_alive()
        for note in sorted(folder.glob("[!.]*.json")):
            if note.name not in seen:
                seen.add(note.name)
                yield Shard(**json.loads(note.read_text()))


def _what_went_wrong(folder: pathlib.Path, exitcode: int) -> str:
    failure = folder / _FAILURE
    if failure.exists():
        return f"Apache Beam: {failure.read_text()}"
    if exitcode:
        return "a worker of Apache Beam ended early, out of memory or killed"
    return "Apache Beam is done, but its workers do not write into the folder of the dataset"


def _run(
    args: Sequence[str], tasks: Sequence[ShardTask], folder: pathlib.Path, log: pathlib.Path
) -> None:
    """Runs the pipeline, in a process of its own; what Beam says goes into `log`."""
    start_worker()
    with log.open("w") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    # The local runner waits for ever for a worker that was killed; one of its threads notices.
    threading.excepthook = functools.partial(_end, threading.excepthook)
    beam = _import_beam()
    pipeline = beam.Pipeline(options=beam.options.pipeline_options.PipelineOptions(args))
    write = functools.partial(_write, folder=folder)
    _ = pipeline | beam.Create(list(tasks)) | beam.Reshuffle() | beam.Map(write)
    try:
        pipeline.run().wait_until_finish()
    except Exception as error:
        (folder / _FAILURE).write_text(_last_line(str(error)))
        raise


def _end(report: Callable, args: threading.ExceptHookArgs) -> None:
    report(args)
    os._exit(1)


def _write(task: ShardTask, folder: pathlib.Path) -> None:
    """Writes a shard, and a note of it into `folder`; what a worker does."""
    with tempfile.TemporaryDirectory(dir=folder) as own:
        partial = pathlib.Path(own, task.path.name)
        shard = write_shard(dataclasses.replace(task, path=partial))
        partial.replace(task.path)
        with replacing(folder / f"{shard.file}.json") as note:
            note.write_text(json.dumps(dataclasses.asdict(shard)))


def _last_line(text: str) -> str:
    """Returns the last line of what Beam said, which is long, without Python's quotes."""
    lines = [line.strip(" '\"") for line in text.replace("\\n", "\n").splitlines()]
    return next((line for line in reversed(lines) if line), "Apache Beam failed")


def _import_beam() -> ModuleType:
    try:
        importlib.import_module("apache_beam.options.pipeline_options")
        return importlib.import_module("apache_beam")
    except ImportError:
        raise InputError(
            "--runner=beam needs the package apache-beam, in an environment of its own (docs/"
            "scale.md): pip install 'genokeras[beam,prep]' -c constraints/beam-py3.11.txt"
        ) from None
