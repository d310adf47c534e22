"""A line goes on when the connection that started it is gone; its end is known afterwards."""

import http.server
import json
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from launch import cloud_tpu_host as host

LINE = ["slow", "--seconds=5"]
# In the place of a launcher: tells what it was given, waits, and at SIGTERM saves, or does not.
SLOW = """
import os, signal, sys, time
print("given", sys.argv[1:], flush=True)
signal.signal(signal.SIGTERM, lambda *_: sys.exit(75))
time.sleep(float(sys.argv[1].partition("=")[2]))
sys.exit(int(os.environ.get("CODE", 0)))
"""


@pytest.fixture
def call(tmp_path, monkeypatch):
    """Runs the module as a host does, where `launch.slow` is a launcher."""
    (tmp_path / "launch").mkdir()
    (tmp_path / "launch" / "slow.py").write_text(SLOW)
    source = os.path.dirname(host.__file__)
    for name in ("app.py", "cloud_tpu_host.py", "__init__.py"):
        (tmp_path / "launch" / name).symlink_to(f"{source}/{name}")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("TPU_WORKER_ID", "3")
    monkeypatch.setenv("GCE_METADATA_IP", "127.0.0.1:1")  # Nothing answers there.
    monkeypatch.setattr(host, "_GRACE_S", 0.5)

    def run(*words, **environment):
        return subprocess.run(
            [sys.executable, "-m", "launch.cloud_tpu_host", *map(str, words)],
            cwd=tmp_path, env=os.environ | environment | {"PYTHONPATH": str(tmp_path)},
            capture_output=True, check=False,
        )  # fmt: skip

    yield run
    host.stop()


def state(done):
    assert done.returncode == 0, done.stderr
    line = done.stdout.decode()
    assert line.startswith(host.MARK)
    return json.loads(line.removeprefix(host.MARK))


def wait_for(wanted, seconds=20.0):
    end = time.monotonic() + seconds
    while host.status()["state"] != wanted and time.monotonic() < end:
        time.sleep(0.02)
    assert host.status()["state"] == wanted


def wait_for_output(seconds=20.0):
    end = time.monotonic() + seconds
    while not host.log(0) and time.monotonic() < end:
        time.sleep(0.02)
    return host.log(0)


def test_a_line_goes_on_alone_and_its_exit_code_is_kept(call):
    assert state(call("status")) == {"worker": "3", "state": "lost", "code": None, "begin": 0}
    assert state(call("start", "slow", "--seconds=0.3", CODE="4"))["begin"] == 0
    wait_for("ended")
    assert state(call("status")) == {"worker": "3", "state": "ended", "code": 4, "begin": 0}
    assert call("log", 0).stdout == b"given ['--seconds=0.3']\n"
    assert call("log", 6).stdout == b"['--seconds=0.3']\n"
    assert call("log", -5).stdout == b".3']\n"
    # Started again, it writes behind what is there.
    assert state(call("start", "slow", "--seconds=0"))["begin"] == 24
    wait_for("ended")
    assert host.status()["code"] == 0
    assert host.log(24) == b"given ['--seconds=0']\n"


def test_the_same_line_is_not_started_twice_and_another_one_is_refused(call):
    assert state(call("start", *LINE))["state"] == "running"
    assert wait_for_output() == b"given ['--seconds=5']\n"
    pid = json.loads((host._folder() / "job.json").read_text())["pid"]
    assert state(call("start", *LINE))["state"] == "running"
    assert json.loads((host._folder() / "job.json").read_text())["pid"] == pid
    other = call("start", "slow", "--seconds=6")
    assert other.returncode == 2
    assert other.stderr.decode() == (
        "error: worker 3 is busy with another line: slow --seconds=5; wait for its end, or take "
        "another --tpu_name\n"
    )
    assert host.log(0).count(b"given") == 1


def test_stop_lets_it_save(call):
    call("start", *LINE)
    wait_for_output()
    assert state(call("stop"))["code"] == 75
    assert state(call("stop"))["state"] == "ended"


def test_what_does_not_stop_is_killed_and_lost(call):
    call("start", *LINE)
    wait_for_output()
    pid = json.loads((host._folder() / "job.json").read_text())["pid"]
    os.killpg(pid, signal.SIGSTOP)  # It hears no SIGTERM.
    host.stop()
    wait_for("lost")


def test_a_line_that_is_killed_ends_with_128_and_the_signal(call):
    call("start", *LINE)
    wait_for_output()
    pid = json.loads((host._folder() / "job.json").read_text())["pid"]
    (child,) = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=True
    ).stdout.split()
    os.kill(int(child), signal.SIGKILL)
    wait_for("ended")
    assert host.status()["code"] == 137


def test_name_of_the_worker(monkeypatch):
    monkeypatch.delenv("TPU_WORKER_ID", raising=False)
    monkeypatch.setattr(host.socket, "gethostname", lambda: "t1v-n-6d7c3d1c-w-12")
    assert host.worker() == "12"
    monkeypatch.setattr(host.socket, "gethostname", lambda: "laptop")
    assert host.worker() == "laptop"


@pytest.fixture
def metadata(monkeypatch):
    """A metadata server, whose attributes are the dictionary."""
    attributes = {}

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            key = self.path.removeprefix("/computeMetadata/v1/instance/attributes/")
            known = key in attributes and self.headers["Metadata-Flavor"] == "Google"
            self.send_response(200 if known else 404)
            self.end_headers()
            self.wfile.write(attributes.get(key, "").encode())

        def log_message(self, *_):
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        monkeypatch.setenv("GCE_METADATA_IP", f"127.0.0.1:{server.server_port}")
        monkeypatch.delenv("TPU_WORKER_HOSTNAMES", raising=False)
        yield attributes
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("endpoints", ["10.0.0.4,10.0.0.5", "a:1:10.0.0.4,b:2:10.0.0.5"])
def test_hosts_of_a_slice_know_one_another(metadata, monkeypatch, endpoints):
    metadata |= {"worker-network-endpoints": endpoints, "agent-worker-number": "1"}
    found = {"TPU_WORKER_HOSTNAMES": "10.0.0.4,10.0.0.5", "TPU_WORKER_ID": "1"}
    assert host.slice_variables() == found
    monkeypatch.setenv("TPU_WORKER_HOSTNAMES", "given,by,somebody")
    assert host.slice_variables() == {}


def test_a_machine_without_metadata_is_alone(metadata, monkeypatch):
    assert host.slice_variables() == {}
    monkeypatch.setenv("GCE_METADATA_IP", "127.0.0.1:1")
    assert host.slice_variables() == {}
