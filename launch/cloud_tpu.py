r"""Runs a launcher on a Cloud TPU VM or slice: creates it, copies the code, watches, fetches.

python -m launch.cloud_tpu --tpu_name=my-tpu --zone=us-east5-b --accelerator_type=v6e-8 --dry_run \
  -- train --data_dir=gs://my-bucket/data --workdir=gs://my-bucket/run

After `--` comes the line of a launcher, which runs on every host of the TPU. The TPU is created
unless it is there; the line is watched until it ends, and started again when it has saved (exit
code 75) or the TPU was preempted: then another TPU is created, and the same line goes on from its
last checkpoint, which has to be in a bucket for that. Ctrl-C ends only the watching; the same
command watches on. A TPU costs money until it is deleted, which is only done with
--delete_when_done. --dry_run prints the commands and runs nothing.

This has not met a real TPU: it was tested against a stand-in for gcloud that knows the sub-commands
and flags of its reference and nothing else.
"""

import contextlib
import pathlib
import shlex
import subprocess
import sys
from collections.abc import Iterator, Sequence

from absl import flags

from launch import app, cli, progress
from launch.cloud_tpu_code import EXTRAS, Code
from launch.cloud_tpu_gcloud import Gcloud
from launch.cloud_tpu_job import Job, LineFailed, fetch, plan
from launch.cloud_tpu_machine import Machine, Tpu, runtime_version
from tfrecords.errors import InputError, check_known

TAKES_LINE = True

_TPU_NAME = flags.DEFINE_string("tpu_name", None, "Name of the TPU, new or not.", required=True)
_ZONE = flags.DEFINE_string("zone", None, "Its zone, as us-east5-b.", required=True)
_ACCELERATOR_TYPE = flags.DEFINE_string(
    "accelerator_type", None, "Its type, as v6e-8 or v5litepod-16.", required=True
)
_PROJECT = flags.DEFINE_string("project", None, "Project; default: that of gcloud.")
_RUNTIME_VERSION = flags.DEFINE_string(
    "runtime_version", None, "Software of its hosts; default: what Google gives for the type."
)
_SPOT = flags.DEFINE_bool("spot", False, "Take a spot TPU: cheaper, and gone at any time.")
_QUEUED = flags.DEFINE_bool("queued", False, "Ask for it as a queued resource, and wait.")
_CREATE_FLAG = flags.DEFINE_multi_string(
    "create_flag", [], "Another flag of gcloud for creating it, as --create_flag=--network=NAME."
)
_INTERNAL_IP = flags.DEFINE_bool("internal_ip", False, "Reach its hosts in a network of your own.")
_WAIT_FOR_CAPACITY = flags.DEFINE_float(
    "wait_for_capacity",
    0.0,
    "Hours to try on when there is no capacity, also after a preemption; with --queued, until the "
    "request ends (0: never).",
    lower_bound=0.0,
)
_ENGINE = flags.DEFINE_enum("engine", "jax", list(EXTRAS), "KERAS_BACKEND on the hosts.")
_COMMAND = flags.DEFINE_string(
    "command", None, "The launcher line as one text, instead of what follows --."
)
_FETCH_TO = flags.DEFINE_string(
    "fetch_to", None, "New folder here to which the --workdir of the line is copied at the end."
)
_DELETE_WHEN_DONE = flags.DEFINE_bool(
    "delete_when_done",
    False,
    "Delete the TPU when the line has ended, well or not, and is fetched.",
)
_POLL_S = flags.DEFINE_float(
    "poll_s", 30.0, "Seconds between two looks at the TPU.", lower_bound=0.01
)
_MAX_RESTARTS = flags.DEFINE_integer(
    "max_restarts", 50, "How often the line is started again at most.", lower_bound=0
)
_DRY_RUN = flags.DEFINE_bool("dry_run", False, "Print the commands, run nothing.")

# Checks a line where its launcher would: in a process, as flags are global.
_CHECK = (
    "import importlib, sys\n"
    "from launch import app\n"
    "importlib.import_module('launch.' + sys.argv[1])\n"
    "with app.one_line_endings():\n"
    "    app.parse(sys.argv[1:])\n"
)


def main(line: Sequence[str]) -> None:
    line = _launcher_line(line)
    workdir, fetch_to = _workdir(line), _fetch_to()
    _check_ending(workdir, fetch_to)
    tpu, code = _tpu(), Code(_ENGINE.value)
    if _DRY_RUN.value:
        ends = {"fetch_to": fetch_to, "delete": _DELETE_WHEN_DONE.value}
        print("\n".join(plan(tpu, code, line, workdir=workdir, **ends)))
        return
    if _SPOT.value and workdir and "://" not in workdir:
        progress.log(
            f"--workdir={workdir} is on the disk of the TPU: with --spot a preemption ends the run "
            "and all of it; a folder in a bucket (gs://...) outlives it"
        )
    gcloud = Gcloud(_POLL_S.value, progress.log)
    waits = {"wait_s": _POLL_S.value, "capacity_hours": _WAIT_FOR_CAPACITY.value}
    machine = Machine(tpu, gcloud, **waits, log=progress.log)
    ends = {"poll_s": _POLL_S.value, "max_restarts": _MAX_RESTARTS.value}
    job = Job(machine, code, line, **ends, log=progress.log, show=_show)
    with _tells_what_is_left(machine):
        _run(job, machine, workdir, fetch_to)


def _run(job: Job, machine: Machine, workdir: str | None, fetch_to: pathlib.Path | None) -> None:
    failure = None
    try:
        job.run()
    except LineFailed as error:
        failure = error
    if fetch_to and workdir and (failure is None or _DELETE_WHEN_DONE.value):
        fetch(machine, workdir, fetch_to)
        progress.log(f"The work folder is in {fetch_to}")
    if _DELETE_WHEN_DONE.value:
        machine.delete()
    elif failure is None:
        tpu = machine.tpu
        progress.log(f"{tpu.name} costs money until it is deleted: {shlex.join(tpu.delete())}")
    if failure is not None:
        raise failure


@contextlib.contextmanager
def _tells_what_is_left(machine: Machine) -> Iterator[None]:
    """Says of what ends with an error whether the TPU is still there."""
    tpu = machine.tpu
    delete = shlex.join(tpu.delete())
    try:
        yield
    except KeyboardInterrupt:
        progress.log(f"the line goes on, and {tpu.name} costs money until it is deleted: {delete}")
        raise
    except InputError as error:
        try:
            state = machine.state(attempts=1)
        except InputError:
            raise InputError(f"{error}; {tpu.name} may be there still: {delete}") from None
        if state is None:
            raise
        left = f"{tpu.name} is {state} and costs money until it is deleted: {delete}"
        raise InputError(f"{error}; {left}") from None


def _launcher_line(words: Sequence[str]) -> list[str]:
    """Returns the name of the launcher and its flags, which it has read without complaint."""
    if bool(words) == bool(_COMMAND.value):
        raise InputError(
            "expected a launcher line either after -- or as --command, for example: "
            "-- train --data_dir=gs://my-bucket/data --workdir=gs://my-bucket/run"
        )
    words = list(words) or shlex.split(_COMMAND.value)
    for opening in (["python", "-m"], ["python3", "-m"], ["genokeras"]):
        if words[: len(opening)] == opening:
            words = words[len(opening) :]
    name = words[0].removeprefix("launch.") if words else ""
    launchers = [known for known in cli.available() if known != "cloud_tpu"]
    check_known("behind --: no launcher", name, launchers, "Launchers")
    # The files of --flagfile are here, not on the hosts.
    line = [name, *flags.FLAGS.read_flags_from_files(words[1:])]
    done = subprocess.run(
        [sys.executable, "-c", _CHECK, *line], capture_output=True, text=True, check=False
    )
    if done.returncode:
        message = done.stderr.strip().splitlines()[-1].removeprefix("error: ")
        raise InputError(f"launch.{name}: {message}")
    return line


def _workdir(line: Sequence[str]) -> str | None:
    """Returns the value of --workdir in a launcher line."""
    found = None
    for word, following in zip(line, [*line[1:], ""], strict=True):
        name, equals, value = word.partition("=")
        if name in ("--workdir", "-workdir"):
            found = value if equals else following
    return found


def _fetch_to() -> pathlib.Path | None:
    return pathlib.Path(_FETCH_TO.value) if _FETCH_TO.value else None


def _check_ending(workdir: str | None, fetch_to: pathlib.Path | None) -> None:
    if fetch_to and not workdir:
        raise InputError(f"--fetch_to={fetch_to}: the line has no --workdir that could be fetched")
    if fetch_to and fetch_to.exists():
        raise InputError(f"--fetch_to={fetch_to}: is there already; give a new folder")
    if _DELETE_WHEN_DONE.value and workdir and "://" not in workdir and not fetch_to:
        raise InputError(
            f"--delete_when_done would delete --workdir={workdir} with the TPU: give --fetch_to, "
            "or a folder in a bucket (gs://...)"
        )


def _tpu() -> Tpu:
    return Tpu(
        _TPU_NAME.value,
        _ZONE.value,
        _ACCELERATOR_TYPE.value,
        _RUNTIME_VERSION.value or runtime_version(_ACCELERATOR_TYPE.value),
        project=_PROJECT.value,
        spot=_SPOT.value,
        queued=_QUEUED.value,
        internal_ip=_INTERNAL_IP.value,
        create_flags=tuple(_CREATE_FLAG.value),
        hours=_WAIT_FOR_CAPACITY.value,
    )


def _show(text: str) -> None:
    print(text.encode(errors="surrogateescape").decode(errors="replace"), end="", flush=True)


if __name__ == "__main__":
    app.run(main)
