"""A Cloud TPU VM or slice: its commands, and how it comes to be ready and goes away.

With `queued` it is asked for as a queued resource, of the same name, which Google fills when it
can. Deleted is only what gcloud no longer finds.
"""

import dataclasses
import re
import shlex
import time
from collections.abc import Callable, Sequence

from launch.cloud_tpu_gcloud import CAPACITY, NOT_FOUND, PROGRAM, Gcloud, GcloudError
from tfrecords.errors import InputError

READY = "READY"
# States of a node, and of a queued resource, from https://cloud.google.com/tpu/docs/reference.
LOST = {"PREEMPTED", "TERMINATED", "SUSPENDED"}
_ON_THE_WAY = {
    *("CREATING", "STARTING", "RESTARTING", "REIMAGING", "REPAIRING", "STOPPING", "DELETING"),
    *("ACCEPTED", "WAITING_FOR_RESOURCES", "PROVISIONING", "SUSPENDING"),
}
_RUNTIMES = {
    "v6e": "v2-alpha-tpuv6e",
    "v5litepod": "v2-alpha-tpuv5-lite",
    "v5p": "v2-alpha-tpuv5",
    **dict.fromkeys(("v4", "v3", "v2"), "tpu-ubuntu2204-base"),
}
_NAME = re.compile(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?")
_TYPE = re.compile(r"(v\d+[a-z]*)-\d+")


def runtime_version(accelerator_type: str) -> str:
    """Returns the software that Google gives for a type of TPU, such as `v6e-8`.

    Raises:
        InputError: The type is none, or one that came after this was written.
    """
    kind = _TYPE.fullmatch(accelerator_type)
    if kind is None:
        raise InputError(
            f"--accelerator_type={accelerator_type}: expected a version and a number of chips or "
            "cores, as in v6e-8 or v5litepod-16"
        )
    if kind[1] not in _RUNTIMES:
        raise InputError(
            f"--accelerator_type={accelerator_type}: no software is known for {kind[1]}; give "
            "--runtime_version (https://cloud.google.com/tpu/docs/runtimes)"
        )
    return _RUNTIMES[kind[1]]


@dataclasses.dataclass(frozen=True)
class Tpu:
    """What a TPU is, and the commands of gcloud about it.

    Attributes:
        create_flags: More flags of `create`, as `--network=NAME`.
        hours: Of a queued resource, how long it may wait for a TPU; 0: for ever.
    """

    name: str
    zone: str
    accelerator_type: str
    runtime_version: str
    project: str | None = None
    spot: bool = False
    queued: bool = False
    internal_ip: bool = False
    create_flags: tuple[str, ...] = ()
    hours: float = 0.0

    def __post_init__(self):
        if not _NAME.fullmatch(self.name):
            raise InputError(
                f"--tpu_name={self.name}: expected small letters, digits and hyphens, at most 63, "
                "a letter first"
            )

    def create(self) -> list[str]:
        """Returns the command that creates it, or asks for it."""
        kind, software = "tpu-vm", "--version"
        node = []
        if self.queued:
            kind, software = "queued-resources", "--runtime-version"
            node = [f"--node-id={self.name}"]
            if self.hours:
                node.append(f"--valid-until-duration={round(self.hours * 3600)}s")
        flags = [f"--accelerator-type={self.accelerator_type}"]
        flags += [f"{software}={self.runtime_version}", *node]
        return self._command(kind, "create", *flags, *["--spot"] * self.spot, *self.create_flags)

    def describe(self) -> list[str]:
        """Returns the command that prints its state and type."""
        return self._command("tpu-vm", "describe", "--format=value(state,acceleratorType)")

    def describe_request(self) -> list[str]:
        """Returns the command that prints the state of its queued resource."""
        return self._command("queued-resources", "describe", "--format=value(state.state)")

    def start(self) -> list[str]:
        """Returns the command that starts it after it was stopped."""
        return self._command("tpu-vm", "start")

    def delete(self) -> list[str]:
        """Returns the command that deletes it; of a queued resource, with its TPU."""
        if self.queued:
            return self._command("queued-resources", "delete", "--force", "--quiet")
        return self._command("tpu-vm", "delete", "--quiet")

    def ssh(self, command: str, worker: str = "all") -> list[str]:
        """Returns the command that runs another one on its hosts."""
        flags = [f"--worker={worker}", f"--command={command}"]
        return self._command("tpu-vm", "ssh", *["--internal-ip"] * self.internal_ip, *flags)

    def upload(self, source: str) -> list[str]:
        """Returns the command that copies a file into the home folders of all hosts."""
        return self._scp(source, f"{self.name}:", "--worker=all")

    def download(self, source: str, destination: str) -> list[str]:
        """Returns the command that copies a folder from its first host to a new one here."""
        return self._scp(f"{self.name}:{source}", destination, "--recurse", "--worker=0")

    def _scp(self, source: str, destination: str, *flags: str) -> list[str]:
        flags = (*["--internal-ip"] * self.internal_ip, *flags)
        return [PROGRAM, "compute", "tpus", "tpu-vm", "scp", source, destination, *self._at(flags)]

    def _command(self, kind: str, verb: str, *flags: str) -> list[str]:
        return [PROGRAM, "compute", "tpus", kind, verb, self.name, *self._at(flags)]

    def _at(self, flags: Sequence[str]) -> list[str]:
        project = [f"--project={self.project}"] if self.project else []
        return [f"--zone={self.zone}", *project, *flags]


class Machine:
    """Brings a TPU to its states.

    Args:
        tpu: Which.
        gcloud: Runs the commands.
        wait_s: Seconds between two looks at a state that changes.
        capacity_hours: How long to go on when there is no capacity; 0: not at all.
        log: Takes lines for the user.
        patience_s: Seconds after which a state on the way to another one is given up.
    """

    def __init__(
        self,
        tpu: Tpu,
        gcloud: Gcloud,
        *,
        wait_s: float,
        capacity_hours: float,
        log: Callable[[str], None],
        patience_s: float = 3600.0,
    ):
        self.tpu, self.gcloud = tpu, gcloud
        self._wait_s, self._capacity_s = wait_s, capacity_hours * 3600
        self._log, self._patience_s = log, patience_s

    def state(self, attempts: int = 5) -> str | None:
        """Returns what gcloud says it is in, having asked `attempts` times; None: there is none."""
        if not self.tpu.queued:
            return self._node(attempts)
        request = self._ask(self.tpu.describe_request(), attempts)
        if request != ["ACTIVE"]:
            return request[0] if request else None
        # Between the end of a TPU and that of its queued resource there is some time.
        return self._node(attempts) or "SUSPENDED"

    def _node(self, attempts: int = 5) -> str | None:
        found = self._ask(self.tpu.describe(), attempts)
        if found and found[1:] not in ([], [self.tpu.accelerator_type]):
            raise InputError(
                f"{self.tpu.name} is a {found[1]}, not a {self.tpu.accelerator_type}: give another "
                f"--tpu_name, or delete it: {shlex.join(self.tpu.delete())}"
            )
        return found[0] if found else None

    def _ask(self, command: list[str], attempts: int) -> list[str]:
        try:
            return self.gcloud.run(command, quiet=True, attempts=attempts).split()
        except GcloudError as error:
            if error.kind == NOT_FOUND:
                return []
            raise

    def make_ready(self) -> None:
        """Creates it, starts it, or waits for it, until it is ready; one that is, is reused.

        Raises:
            InputError: It cannot be had, or is in a state that only a person can change.
        """
        began, seen = time.monotonic(), ""
        while (state := self.state()) != READY:
            name = self.tpu.name
            if state not in (None, seen):
                self._log(f"{name} is {state}")
                seen = state
            if state is None:
                self._create(began)
            elif state in LOST:
                self.delete()
            elif state == "FAILED":
                self.delete()
                raise InputError(
                    f"the queued resource {name} failed, and is deleted: no {self._what()} came "
                    "free in time; try another --zone, --spot, or more --wait_for_capacity=HOURS"
                )
            elif state == "STOPPED":
                self.gcloud.run(self.tpu.start())
            elif state in _ON_THE_WAY:
                self._be_patient(state, began)
            else:
                raise InputError(f"{name} is {state}, from which only you can bring it back")

    def _create(self, began: float) -> None:
        try:
            self.gcloud.run(self.tpu.create())
        except GcloudError as error:
            waited = time.monotonic() - began
            if error.kind != CAPACITY or waited >= self._capacity_s:
                raise
            self._log(f"no capacity for {self._what()}; trying on")
            time.sleep(self._wait_s)

    def _be_patient(self, state: str, began: float) -> None:
        waits = state in ("ACCEPTED", "WAITING_FOR_RESOURCES")  # In a queue, whose end it knows.
        if not waits and time.monotonic() - began >= self._patience_s + self._capacity_s:
            raise InputError(
                f"{self.tpu.name} has been {state} for {self._patience_s / 60:g} minutes: look at "
                f"it with {shlex.join(self.tpu.describe())}"
            )
        time.sleep(self._wait_s)

    def _what(self) -> str:
        return f"{self.tpu.accelerator_type} in {self.tpu.zone}"

    def delete(self) -> None:
        """Deletes it, and makes sure that it is gone.

        Raises:
            InputError: It is still there.
        """
        self.gcloud.run(self.tpu.delete())
        began = time.monotonic()
        while (state := self._left()) is not None:
            on_the_way = state in ("DELETING", "SUSPENDING")
            if not on_the_way or time.monotonic() - began >= self._patience_s:
                raise InputError(
                    f"{self.tpu.name} was to be deleted but is {state}, and may cost money: "
                    f"{shlex.join(dataclasses.replace(self.tpu, queued=False).delete())}"
                )
            time.sleep(self._wait_s)
        self._log(f"{self.tpu.name} is deleted")

    def _left(self) -> str | None:
        """Returns the state of what is left; a queued resource could be gone and its TPU not."""
        return self.state() or (self._node() if self.tpu.queued else None)
