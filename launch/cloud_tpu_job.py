"""A launcher line on all hosts of a TPU: started, watched, started again, its folder fetched."""

import json
import pathlib
import shlex
import shutil
import time
from collections.abc import Callable, Sequence
from typing import Any

from launch import cloud_tpu_host as host
from launch.cloud_tpu_code import Code
from launch.cloud_tpu_gcloud import PROGRAM, GcloudError
from launch.cloud_tpu_machine import LOST, READY, Machine, Tpu
from tfrecords.errors import InputError

# Exit codes after which a run goes on: it has saved, or SIGTERM came before it could.
_GO_ON = {75, 143}
_MAX_UNANSWERED = 10
_POLL_TIMEOUT_S = 600.0


class LineFailed(InputError):
    """The launcher line ended with an exit code that says it cannot go on."""


class Job:
    """Runs a launcher line on a machine.

    Args:
        machine: The TPU.
        code: What is copied to it.
        line: Name of the launcher, and its flags.
        poll_s: Seconds between two looks at how it stands.
        max_restarts: How often it is started again at most.
        log: Takes lines for the user.
        show: Takes what the launcher writes on the first host, as it comes.
    """

    def __init__(
        self,
        machine: Machine,
        code: Code,
        line: Sequence[str],
        *,
        poll_s: float,
        max_restarts: int,
        log: Callable[[str], None],
        show: Callable[[str], None],
    ):
        self._machine, self._tpu, self._gcloud = machine, machine.tpu, machine.gcloud
        self._code, self._line = code, line
        self._poll_s, self._max_restarts = poll_s, max_restarts
        self._log, self._show = log, show
        self._offset = 0

    def run(self) -> None:
        """Runs the line to its end, on as many TPUs as it takes.

        Raises:
            LineFailed: It failed.
        InputError: It had to be started again too often, or gcloud failed.
        """
        restarts = 0
        while (why := self._attempt()) is not None:
            if restarts == self._max_restarts:
                raise InputError(f"{why}, after {restarts} restarts; the same command goes on")
            restarts += 1
            self._log(f"{why}; starting again, {restarts} of {self._max_restarts} times")

    def _attempt(self) -> str | None:
        """Returns why the line is to be started again; None: it is done."""
        self._machine.make_ready()
        try:
            self._code.write()
            self._gcloud.run(self._tpu.upload(str(self._code.path)))
            self._gcloud.run(self._tpu.ssh(self._code.install()))
            started = _hosts(self._gcloud.run(start_command(self._tpu, self._code, self._line)))
            self._offset = started[0]["begin"]
            return self._watch()
        except GcloudError:
            if (state := self._machine.state()) in LOST:
                return f"{self._tpu.name} is {state}"
            raise

    def _watch(self) -> str | None:
        unanswered = 0
        while True:
            try:
                hosts = _hosts(self._poll(self._tpu.ssh(self._code.host("status"))))
                self._show_log()
            except GcloudError as error:
                unanswered += 1
                if why := self._unanswered(error, unanswered):
                    return why
            else:
                unanswered = 0
                running = [found for found in hosts if found["state"] == host.RUNNING]
                if len(running) < len(hosts) and (why := self._trouble(hosts)):
                    if running and self._machine.state() == READY:
                        self._gcloud.run(self._tpu.ssh(self._code.host("stop")))
                    return why
                if not running:
                    return None
            time.sleep(self._poll_s)

    def _unanswered(self, error: GcloudError, times: int) -> str | None:
        """Returns why the line is to be started again after a look failed; None: look again."""
        state = self._machine.state()
        if state is None:
            raise InputError(
                f"{self._tpu.name} is gone, deleted by somebody; the same command creates it anew, "
                "and a run goes on from its last checkpoint where --workdir is in a bucket"
            ) from None
        if state != READY:
            return f"{self._tpu.name} is {state}"
        if times == _MAX_UNANSWERED:
            raise error
        self._log(f"{error}; looking again")
        return None

    def _trouble(self, hosts: list[dict[str, Any]]) -> str | None:
        """Returns why the line is to be started again; None: no host that has ended failed."""
        for found in hosts:
            if found["state"] == host.LOST:
                return f"the run was lost on worker {found['worker']}"
        ended = [found for found in hosts if found["code"]]
        if not ended:
            return None
        # Where one has failed, the others end with 75: they have lost it.
        failed = next((found for found in ended if found["code"] not in _GO_ON), None)
        if failed is None:
            code, worker = ended[0]["code"], ended[0]["worker"]
            return f"the run ended with exit code {code} on worker {worker}"
        if (state := self._machine.state()) != READY:
            return f"{self._tpu.name} is {state}"
        self._gcloud.run(self._tpu.ssh(self._code.host("stop")))
        worker = failed["worker"]
        if failed is not hosts[0] and worker.isdigit():
            self._log(f"the end of the log of worker {worker}:")
            self._show(self._poll(self._tpu.ssh(self._code.host("log", "-4000"), worker)))
        raise LineFailed(
            f"{self._line[0]} ended with exit code {failed['code']} on worker {worker}; "
            "what it wrote is above"
        )

    def _show_log(self) -> None:
        while True:
            part = self._poll(log_command(self._tpu, self._code, self._offset))
            self._show(part)
            # What is no UTF-8 came as surrogates, so that bytes can be counted.
            self._offset += (size := len(part.encode(errors="surrogateescape")))
            if size < host.LOG_BYTES:
                return

    def _poll(self, command: list[str]) -> str:
        return self._gcloud.run(command, quiet=True, attempts=1, timeout_s=_POLL_TIMEOUT_S)


def start_command(tpu: Tpu, code: Code, line: Sequence[str]) -> list[str]:
    """Returns the command that starts a launcher line on all hosts."""
    return tpu.ssh(code.host("start", *line))


def log_command(tpu: Tpu, code: Code, offset: int) -> list[str]:
    """Returns the command that prints the log of the first host from `offset` on."""
    return tpu.ssh(code.host("log", str(offset)), "0")


def _hosts(printed: str) -> list[dict[str, Any]]:
    """Returns the states that hosts have printed, the first host first."""
    lines = [line.partition(host.MARK)[2] for line in printed.splitlines() if host.MARK in line]
    found = sorted(
        map(json.loads, lines), key=lambda state: (len(state["worker"]), state["worker"])
    )
    if not found:
        raise GcloudError(f"no host of the TPU said how it stands, but: {printed!r}", "other")
    return found


def fetch_command(tpu: Tpu, workdir: str, destination: pathlib.Path) -> list[str]:
    """Returns the command that copies a work folder, of a bucket or of the first host."""
    if "://" in workdir:
        return [PROGRAM, "storage", "rsync", workdir, str(destination), "--recursive"]
    return tpu.download(workdir, str(destination))


def fetch(machine: Machine, workdir: str, destination: pathlib.Path) -> None:
    """Copies the work folder of the run to a new folder here, which appears whole."""
    partial = partial_folder(destination)
    shutil.rmtree(partial, ignore_errors=True)
    destination.parent.mkdir(parents=True, exist_ok=True)
    if "://" in workdir:  # gcloud storage wants a folder, scp none.
        partial.mkdir()
    try:
        machine.gcloud.run(fetch_command(machine.tpu, workdir, partial))
        partial.rename(destination)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def partial_folder(destination: pathlib.Path) -> pathlib.Path:
    """Returns where a folder lies while it is being fetched."""
    return destination.with_name(f".{destination.name}.fetching")


def plan(
    tpu: Tpu,
    code: Code,
    line: Sequence[str],
    *,
    workdir: str | None,
    fetch_to: pathlib.Path | None,
    delete: bool,
) -> list[str]:
    """Returns the commands of a run that nothing disturbs, as a shell would read them.

    The commands that look at the state of the run (`status` and `log`) are there once.
    """
    look = [tpu.describe_request()] if tpu.queued else [tpu.describe()]
    commands = [*look, tpu.create(), *look, *[tpu.describe()] * tpu.queued]
    commands += [tpu.upload(str(code.path)), tpu.ssh(code.install())]
    commands += [start_command(tpu, code, line), tpu.ssh(code.host("status"))]
    commands.append(log_command(tpu, code, 0))
    if workdir and fetch_to:
        commands.append(fetch_command(tpu, workdir, partial_folder(fetch_to)))
    if delete:
        commands += [tpu.delete(), *look, *[tpu.describe()] * tpu.queued]
    return [shlex.join(command) for command in commands]
