"""Runs gcloud: what went wrong is one line, and what passes by itself is tried again.

The sub-commands and flags are those of the reference of gcloud 528 (September 2025), `gcloud
compute tpus` in its general release; its own code says how `ssh --worker=all` ends: when all hosts
have, with the first exit code that is not 0, and 255 where a host was not reached.
"""

import re
import shlex
import shutil
import subprocess
import time
from collections.abc import Callable, Sequence

from tfrecords.errors import InputError

PROGRAM = "gcloud"
NOT_FOUND, CAPACITY, TRANSIENT = "not found", "capacity", "transient"

# What gcloud says, by what can be done about it; the first that fits counts.
_TROUBLES = (
    (NOT_FOUND, "NOT_FOUND|was not found|not found in project", "look with gcloud ... list"),
    (
        TRANSIENT,
        "per minute|UNAVAILABLE|DEADLINE_EXCEEDED|ABORTED|INTERNAL|[Ii]nternal error"
        r"|\b50[0234]\b|[Cc]onnection (?:reset|refused|timed out)|Could not reach",
        "it may pass: give the same command again",
    ),
    (
        "quota",
        "[Qq]uota",
        "ask for more in the console (IAM & Admin, Quotas), or take another --accelerator_type or "
        "--zone; --spot has a quota of its own",
    ),
    (
        CAPACITY,
        "no more capacity|RESOURCE_EXHAUSTED|[Ii]nsufficient .*capacity|STOCKOUT|enough resources",
        "try another --zone, or --spot; --queued or --wait_for_capacity=HOURS waits for one",
    ),
    (
        "permission",
        "PERMISSION_DENIED|UNAUTHENTICATED|auth login|[Rr]eauthentication",
        "gcloud auth login, the role roles/tpu.admin, and gcloud services enable "
        "tpu.googleapis.com are what it takes",
    ),
)
_UNREACHED = 255
# Lines of gcloud on its own progress, and empty ones, which explain nothing.
_NOISE = re.compile(r"\s*$|#####|SSH: |SCP: |Using (?:ssh|scp) batch|Retrying: |Failed to execute ")
_FAILED_WORKER = re.compile(r"on worker (\d+) failed with exit status")


class GcloudError(InputError):
    """A command of gcloud failed; `kind` says whether something can be done about it."""

    def __init__(self, message: str, kind: str):
        super().__init__(message)
        self.kind = kind


class Gcloud:
    """The one place where gcloud is called.

    Args:
        wait_s: Seconds before something is tried a second time; then twice as many, and so on.
        log: Takes lines for the user: each command before it is run.
    """

    def __init__(self, wait_s: float, log: Callable[[str], None]):
        if shutil.which(PROGRAM) is None:
            raise InputError(
                f"{PROGRAM} is not on the PATH: install the Google Cloud CLI "
                "(https://cloud.google.com/sdk/docs/install); --dry_run works without"
            )
        self._wait_s, self._log = wait_s, log

    def run(
        self,
        words: Sequence[str],
        *,
        quiet: bool = False,
        attempts: int = 5,
        timeout_s: float = 3600.0,
    ) -> str:
        """Returns what a command writes; bytes that are not UTF-8 become surrogates.

        Args:
            words: The command, of which the first is gcloud.
            quiet: Whether to keep the command from the log.
            attempts: How often it is run at most, where the failure may pass.
            timeout_s: Seconds after which it counts as failed.

        Raises:
            GcloudError: It failed.
        """
        if not quiet:
            self._log(f"+ {shlex.join(words)}")
        for attempt in range(attempts):
            try:
                return _run_once(words, timeout_s)
            except GcloudError as error:
                if error.kind != TRANSIENT or attempt + 1 == attempts:
                    raise
                time.sleep(self._wait_s * 2**attempt)
        raise ValueError(f"{attempts=}: expected a number above 0")


def _run_once(words: Sequence[str], timeout_s: float) -> str:
    try:
        done = subprocess.run(
            words,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=timeout_s,
            check=False,
        )
    except subprocess.TimeoutExpired:
        message = f"{_title(words)}: no end within {timeout_s:g} s"
        raise GcloudError(f"{message}; {_TROUBLES[1][2]}", TRANSIENT) from None
    if done.returncode:
        raise _error(words, done.returncode, done.stderr.decode(errors="replace"))
    return done.stdout.decode(errors="surrogateescape")


def _title(words: Sequence[str]) -> str:
    """Returns the sub-command and what it is about, as the whole command may be long."""
    flags = next((i for i, word in enumerate(words) if word.startswith("-")), len(words))
    return shlex.join(words[:flags])


def _error(words: Sequence[str], code: int, stderr: str) -> GcloudError:
    lines = stderr.splitlines()
    telling = [line.strip() for line in lines if not _NOISE.match(line)] or lines or ["no message"]
    hosts = sorted(set(_FAILED_WORKER.findall(stderr)), key=int)
    where = f" on worker {', '.join(hosts)}" if hosts else ""
    message = f"{_title(words)}: exit code {code}{where}: {telling[-1]}"
    for kind, pattern, way_out in _TROUBLES:
        if re.search(pattern, telling[-1]):
            return GcloudError(f"{message}; {way_out}", kind)
    if code == _UNREACHED:
        way_out = "can you reach it by gcloud ... ssh? --internal_ip is for networks of your own"
        return GcloudError(f"{message}; {way_out}", TRANSIENT)
    return GcloudError(message, "other")
