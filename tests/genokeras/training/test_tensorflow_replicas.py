"""What is so on two replicas: the facts of two files, where TensorFlow has two devices."""

import os
import pathlib
import subprocess
import sys

FOLDER = pathlib.Path(__file__).parent


def test_two_replicas_keep_the_facts():
    paths = os.pathsep.join(map(str, (FOLDER, FOLDER / "exactness")))
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*command, FOLDER / "replica_facts.py", FOLDER / "prediction_facts.py"],
        env=os.environ | {"PYTHONPATH": paths},
        cwd=FOLDER.parents[2],
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout.decode()[-5000:]
