"""A folder with the stand-in for gcloud, and what its hosts have in place of pip and training."""

import contextlib
import json
import os
import pathlib
import shlex
import shutil
import signal
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).parents[2]
PACKAGES = ("tfrecords", "data_prep", "genokeras", "launch")
FILES = ("setup.py", "pyproject.toml", "README.md", "LICENSE")
STAND_IN = pathlib.Path(__file__).with_name("stand_in_gcloud.py")
NAME = "my-tpu"
TPU = [f"--tpu_name={NAME}", "--zone=us-east5-b", "--accelerator_type=v6e-8"]
BUCKET = "gs://bucket/run"
LINE = ["--", "train", "--data_dir=gs://bucket/data", f"--workdir={BUCKET}", "--steps=4"]
ALL_STEPS = ["0", "1", "2", "3"]

_PYTHON3 = """#!/bin/bash
[ "$*" = "-m pip install --quiet --user uv" ] || { echo "python3: $*" >&2; exit 9; }
mkdir -p ~/.local/bin && cp "$STAND_IN/shims/uv.sh" ~/.local/bin/uv
"""
_UV = f"""#!/bin/bash
echo "$*" >> "$STAND_IN/uv.txt"
case "$*" in
  "venv --quiet --python=3.12 venv")
    mkdir -p venv/bin
    printf '#!/bin/bash\\nPYTHONPATH=%s exec {sys.executable} "$@"\\n' "$PWD" > venv/bin/python
    chmod +x venv/bin/python;;
  "pip install --quiet --python=venv/bin/python --editable "*)
    cp "$STAND_IN/shims/train.py" launch/train.py;;
  *) echo "uv: $*" >&2; exit 9;;
esac
"""
# Training of four steps, a line of steps.txt each. The first host writes; after two steps it waits
# for the file `go`, and so do the others; it makes it at its end. At SIGTERM they end with 75; a
# file exit-W ends host W.
_TRAIN = """
import os, pathlib, signal, sys, time
world, worker = pathlib.Path(os.environ["STAND_IN"]), os.environ["TPU_WORKER_ID"]
flags = dict(word.removeprefix("--").split("=", 1) for word in sys.argv[1:])
bucket, home = world / "buckets" / flags["workdir"][5:], pathlib.Path(flags["workdir"])
folder = bucket if flags["workdir"].startswith("gs://") else home
stop = []
signal.signal(signal.SIGTERM, lambda *_: stop.append(1))

def end(code):
    print("host", worker, "ends with", code, flush=True)
    sys.exit(code)

def wait():
    while not (world / "go").exists() and not stop:
        time.sleep(0.01)

sys.stdout.buffer.write(b"\\xff is no UTF-8\\n")
print("host", worker, os.environ["KERAS_BACKEND"], *sys.argv[1:], flush=True)
if (world / f"exit-{worker}").exists():
    end(int((world / f"exit-{worker}").read_text()))
if worker == "0":
    folder.mkdir(parents=True, exist_ok=True)
    steps = folder / "steps.txt"
    done = len(steps.read_text().split()) if steps.exists() else 0
    for step in range(done, 4):
        with steps.open("a") as file:
            print(step, file=file)
        if step == 1:
            (world / "half").touch()
            wait()
        if stop:
            end(75)
    (world / "go").touch()
else:
    wait()
    if stop:
        end(75)
end(0)
"""


def copy_checkout(folder: pathlib.Path) -> pathlib.Path:
    """A copy of what a host is given, which stays as it is while others work on the project."""
    for package in PACKAGES:
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / package, folder / package, ignore=ignored)
    for name in FILES:
        shutil.copy(ROOT / name, folder / name)
    return folder


class World:
    """Calls the launcher with the stand-in on the PATH, and looks at what has become of the TPUs.

    Args:
        folder: An empty folder.
        checkout: Where the launcher is called.
        workers: Hosts of a TPU.
    """

    def __init__(self, folder: pathlib.Path, checkout: pathlib.Path, workers: int = 1):
        self.folder, self.checkout = folder, checkout
        shims, programs = folder / "shims", folder / "bin"
        for made in (shims, programs, folder / "hosts", folder / "buckets"):
            made.mkdir()
        gcloud = f'#!/bin/bash\nexec {sys.executable} -I -S {STAND_IN} "$@"\n'
        for path, text in {
            programs / "gcloud": gcloud,
            shims / "python3": _PYTHON3,
            shims / "uv.sh": _UV,
            shims / "train.py": _TRAIN,
        }.items():
            path.write_text(text)
            path.chmod(0o755)
        self.environment = os.environ | {
            "PATH": f"{programs}:{os.environ['PATH']}",
            "STAND_IN": str(folder),
            "GENOKERAS_CACHE": str(folder / "cache"),
        }
        (folder / "go").touch()
        (folder / "calls.jsonl").touch()
        self.set_state(nodes={}, requests={}, workers=workers)
        self.set_faults()

    def set_state(self, **state):
        (self.folder / "state.json").write_text(json.dumps(state))

    def set_faults(self, *faults):
        (self.folder / "faults.json").write_text(json.dumps(faults))

    def hold(self):
        """Lets training wait after two of its four steps."""
        (self.folder / "go").unlink()

    def release(self):
        (self.folder / "go").touch()

    def command(self, *args, tpu=TPU, line=LINE):
        return [sys.executable, "-m", "launch.cloud_tpu", *tpu, "--poll_s=0.3", *args, *line]

    def run(self, *args, **parts):
        return subprocess.run(
            self.command(*args, **parts),
            cwd=self.checkout, env=self.environment, capture_output=True, check=False, text=True,
        )  # fmt: skip

    def start(self, *args):
        return subprocess.Popen(
            self.command(*args),
            cwd=self.checkout, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True,
            # Tests that run in the background of a shell have been told to ignore it.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )  # fmt: skip

    def wait_for(self, name, seconds=20):
        end = time.monotonic() + seconds
        while not (self.folder / name).exists():
            assert time.monotonic() < end, f"no {name} within {seconds} s"
            time.sleep(0.02)

    def nodes(self):
        """The TPUs that there are, and their states."""
        nodes = json.loads((self.folder / "state.json").read_text())["nodes"]
        return {name: node["state"] for name, node in nodes.items()}

    def calls(self):
        """All commands so far, as a shell would read them."""
        lines = (self.folder / "calls.jsonl").read_text().splitlines()
        return [shlex.join(json.loads(line)) for line in lines]

    def count(self, part):
        return sum(part in call for call in self.calls())

    def steps(self):
        return (self.folder / "buckets/bucket/run/steps.txt").read_text().split()

    def end(self):
        """Ends what still runs on the hosts."""
        for job in self.folder.glob("hosts/*/*/genokeras/job/job.json"):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(json.loads(job.read_text())["pid"], signal.SIGKILL)
