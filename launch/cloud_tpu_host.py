"""What `launch.cloud_tpu` runs on each host of a TPU: one launcher line, apart from any connection.

python -m launch.cloud_tpu_host start|supervise LAUNCHER [--flag=value ...]
python -m launch.cloud_tpu_host status|stop
python -m launch.cloud_tpu_host log OFFSET

A connection that breaks ends nothing: `start` leaves the line to a supervisor in a session of its
own. In `~/genokeras/job` are `lock`, which is held as long as it runs, `job.json`, `log.txt` and,
when the line has ended, `exit_code`.
"""

import fcntl
import json
import os
import pathlib
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

from launch import app
from tfrecords.errors import InputError

MARK = "genokeras-host "  # Before the JSON of a state, whatever else a login shell may print.
RUNNING, ENDED, LOST = "running", "ended", "lost"
LOG_BYTES = 1 << 20
_GRACE_S = 120.0  # Between SIGTERM, at which a run saves, perhaps to a bucket, and SIGKILL.


def _folder() -> pathlib.Path:
    return pathlib.Path.home() / "genokeras" / "job"


def worker() -> str:
    """Returns the number of this host in its slice, as far as its name tells, or its name."""
    host = socket.gethostname()
    numbered = re.search(r"-w-(\d+)$", host)
    return os.environ.get("TPU_WORKER_ID") or (numbered[1] if numbered else host)


def slice_variables() -> dict[str, str]:
    """Returns the variables that tell the hosts of a slice of one another, if they are not set.

    Kubernetes sets them; on a TPU VM the metadata server has what they say, where JAX looks too.
    """
    if "TPU_WORKER_HOSTNAMES" in os.environ:
        return {}
    endpoints, number = _metadata("worker-network-endpoints"), _metadata("agent-worker-number")
    if not endpoints or not number:
        return {}
    # Each is a name, or of the older form name:id:address.
    addresses = [endpoint.split(":")[-1] for endpoint in endpoints.split(",")]
    return {"TPU_WORKER_HOSTNAMES": ",".join(addresses), "TPU_WORKER_ID": number}


def _metadata(key: str) -> str | None:
    """Returns an attribute of this machine; None: it has none, or is none of Google's."""
    server = os.environ.get("GCE_METADATA_IP", "metadata.google.internal")
    request = urllib.request.Request(
        f"http://{server}/computeMetadata/v1/instance/attributes/{key}",
        headers={"Metadata-Flavor": "Google"},
    )
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(request, timeout=5) as answer:
            return answer.read().decode().strip()
    except urllib.error.URLError:
        return None


def start(line: list[str]) -> None:
    """Starts a launcher line, unless it runs already.

    Raises:
        InputError: Another line runs here.
    """
    folder = _folder()
    folder.mkdir(parents=True, exist_ok=True)
    if (lock := _lock(seconds=1.0)) is None:  # A look at the state holds it for a moment.
        running = json.loads((folder / "job.json").read_text())["line"]
        if running != line:
            raise InputError(
                f"worker {worker()} is busy with another line: {shlex.join(running)}; wait for its "
                "end, or take another --tpu_name"
            )
        return
    (folder / "exit_code").unlink(missing_ok=True)
    with (folder / "log.txt").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "launch.cloud_tpu_host", "supervise", *line],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=os.environ | slice_variables(),
            start_new_session=True,
            pass_fds=[lock],  # Held until the supervisor has ended, however that comes about.
        )
        job = {"line": line, "pid": process.pid, "begin": log.tell()}
    _write("job.json", json.dumps(job))
    os.close(lock)


def supervise(line: list[str]) -> None:
    """Runs a launcher line to its end, and writes down its exit code."""
    # SIGTERM is for the line, which saves at it. (A handler, as SIG_IGN would be inherited.)
    signal.signal(signal.SIGTERM, lambda *_: None)
    done = subprocess.run([sys.executable, "-m", f"launch.{line[0]}", *line[1:]], check=False)
    code = done.returncode if done.returncode >= 0 else 128 - done.returncode
    _write("exit_code", str(code))


def status() -> dict:
    """Returns how the line of this host stands: `worker`, `state`, `code`, `begin`.

    `state` is running, ended (then `code` is its exit code) or lost, as after a reboot; `begin` is
    where in the log its output begins.
    """
    job = json.loads(_read("job.json") or "{}")
    found = {"worker": worker(), "state": LOST, "code": None, "begin": job.get("begin", 0)}
    if job and (lock := _lock()) is None:
        return found | {"state": RUNNING}
    if job:
        os.close(lock)
    if code := _read("exit_code"):
        return found | {"state": ENDED, "code": int(code)}
    return found


def log(offset: int) -> bytes:
    """Returns what follows in the log, `LOG_BYTES` at most; below 0 `offset` is from its end."""
    path = _folder() / "log.txt"
    if not path.exists():
        return b""
    with path.open("rb") as file:
        file.seek(offset if offset >= 0 else max(path.stat().st_size + offset, 0))
        return file.read(LOG_BYTES)


def stop() -> None:
    """Ends the line that runs here, if any: it may save first."""
    for number, seconds in ((signal.SIGTERM, _GRACE_S), (signal.SIGKILL, 10.0)):
        end = time.monotonic() + seconds
        if status()["state"] != RUNNING:
            return
        os.killpg(json.loads(_read("job.json"))["pid"], number)
        while status()["state"] == RUNNING and time.monotonic() < end:
            time.sleep(0.1)


def _lock(seconds: float = 0.0) -> int | None:
    """Returns a descriptor that holds the lock; None: another process holds it for so long."""
    descriptor = os.open(_folder() / "lock", os.O_RDWR | os.O_CREAT)
    end = time.monotonic() + seconds
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= end:
                os.close(descriptor)
                return None
            time.sleep(0.05)
        else:
            return descriptor


def _read(name: str) -> str:
    path = _folder() / name
    return path.read_text() if path.exists() else ""


def _write(name: str, text: str) -> None:
    partial = _folder() / f".{name}"
    partial.write_text(text)
    partial.replace(_folder() / name)


def main() -> None:
    verb, *words = sys.argv[1:]
    if verb == "supervise":
        supervise(words)
    elif verb == "log":
        sys.stdout.buffer.write(log(int(words[0])))
    else:
        if verb == "start":
            start(words)
        elif verb == "stop":
            stop()
        print(MARK + json.dumps(status()))


if __name__ == "__main__":
    with app.one_line_endings():
        main()
