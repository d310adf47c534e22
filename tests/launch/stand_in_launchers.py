"""What stands in for launch.train and launch.evaluate: leaves their files at once.

Of the flags of a configuration `--burn=S` uses so much CPU time first, `--wait` waits for SIGTERM,
`--fail=TEXT` ends with a mistake, `--crash` with a traceback, `--kill` kills itself. Writes a line
per call into `calls` in the folder of the comparison.
"""

import json
import os
import pathlib
import signal
import sys
import time

launcher, *words = sys.argv[1:]
flags = dict(word.removeprefix("--").partition("=")[::2] for word in words)
workdir = pathlib.Path(flags["workdir"])
with (workdir.parents[3] / "calls").open("a") as calls:
    calls.write(f"{launcher} {'/'.join(workdir.parts[-3:])}\n")


def stopped(*_):
    print("stopped by SIGTERM at step 1, saved; the same command goes on", file=sys.stderr)
    sys.exit(75)


def train():
    workdir.mkdir(parents=True, exist_ok=True)
    if (workdir / "begun").exists():  # The second time nothing keeps it from its end.
        flags.clear()
    signal.signal(signal.SIGTERM, stopped)
    (workdir / "begun").touch()
    while time.process_time() < float(flags.get("burn", 0)):
        pass
    while "wait" in flags:
        time.sleep(0.05)
    if "fail" in flags:
        print(f"error: {flags['fail']}", file=sys.stderr)
        sys.exit(2)
    if "crash" in flags:
        raise RuntimeError("a bug")
    if "kill" in flags:
        os.kill(os.getpid(), signal.SIGKILL)
    result = {"steps": 2, "loss": 1.0, "metric": "loss", "best_step": 2, "scores": {}, "seconds": 1}
    (workdir / "result.json").write_text(json.dumps(result))


def evaluate():
    folder = workdir / "evaluation"
    folder.mkdir(exist_ok=True)
    about = {"checkpoint": "best", "seed": 0, "num_bootstrap": 1000, "manifest_sha256": "sha"}
    assert {f"--{name}={about[name]}" for name in ("checkpoint", "seed", "num_bootstrap")} < {
        *words
    }
    seed = int(workdir.name.removeprefix("seed-"))
    (folder / f"{flags['split']}.json").write_text(json.dumps(about | {"auroc": 0.5 + seed / 10}))


{"launch.train": train, "launch.evaluate": evaluate}[launcher]()
