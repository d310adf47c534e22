"""How launchers end: exit codes and the one line a mistake gets."""

import os
import signal
import subprocess
import sys

import pytest

from launch import cli

LAUNCHER = '''"""Says hello.

python -c ... --name=you
"""
import sys
from absl import flags
from launch import app
from genokeras.training.stopping import HostLost, Stopped
from tfrecords.errors import InputError
NAME = flags.DEFINE_string("name", None, "Whom to greet.", required=True)
COUNT = flags.DEFINE_integer("count", 1, "How often.", lower_bound=1)
SHARE = flags.DEFINE_float("share", None, "How much.")
LOUD = flags.DEFINE_bool("loud", False, "How loudly.")
WORD = flags.DEFINE_enum("word", "hello", ["hello", "good day"], "What to say.")
ALSO = flags.DEFINE_multi_string("also", [], "Whom else; may be repeated.")
FLAG_GROUPS = {"How": ["share", "count"]}
def more_help(argv):
    return f"More of {argv[1]}."
def main():
    if NAME.value == "missing":
        open("no/such/file.txt")
    if NAME.value == "wrong":
        raise InputError("name: got 'wrong',\\n expected a right one")
    if NAME.value == "stop":
        raise KeyboardInterrupt
    if NAME.value in ("2", "15"):
        raise Stopped("stopped at step 3", int(NAME.value))
    if NAME.value == "alone":
        raise HostLost
    if NAME.value == "bug":
        raise RuntimeError("a bug")
    print("hello " * COUNT.value + NAME.value)
app.run(main)
'''


@pytest.fixture
def launch(tmp_path):
    script = tmp_path / "hello.py"
    script.write_text(LAUNCHER)

    def run(*args):
        return subprocess.run(
            [sys.executable, str(script), *args], capture_output=True, text=True, check=False
        )

    return run


@pytest.mark.parametrize(
    ("args", "code", "message"),
    [
        (["--name=wrong"], 2, "error: name: got 'wrong', expected a right one\n"),
        (["--name=missing"], 2, "error: No such file or directory: no/such/file.txt\n"),
        (["--nam=you"], 2, "error: unknown flag --nam. Did you mean 'name'?"),
        (["--name=you", "extra"], 2, "error: unexpected argument 'extra'"),
        (["--name=you", "--count=0"], 2, "flag --count=0: 0 is not a positive integer"),
        (["--name=you", "--count=x"], 2, "error: --count=x: expected a whole number\n"),
        (["--name=you", "--count="], 2, "error: --count=: expected a whole number\n"),
        (["--name=you", "--share=half"], 2, "error: --share=half: expected a number\n"),
        (["--name=you", "--loud=very"], 2, "error: --loud=very: expected true or false\n"),
        (
            ["--name=you", "--word=helo"],
            2,
            "error: --word=helo: expected one of hello, good day. Did you mean 'hello'?\n",
        ),
        (["--name=you", "--noloud=1"], 2, "error: --noloud=1 does not take an argument\n"),
        ([], 2, "error: --name is missing: give --name=VALUE\n"),
        (["--name="], 2, "error: --name is empty: give --name=VALUE\n"),
        (["--name=stop"], 130, "error: interrupted"),
        (["--name=2"], 130, "stopped at step 3\n"),
        (["--name=15"], 75, "stopped at step 3\n"),
        (["--name=alone"], 75, "error: another host of this run has ended; start all of"),
    ],
)
def test_a_mistake_is_one_line(launch, args, code, message):
    done = launch(*args)
    assert done.returncode == code
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""


def test_a_bug_keeps_its_traceback(launch):
    done = launch("--name=bug")
    assert done.returncode == 1
    assert "Traceback" in done.stderr
    assert "RuntimeError: a bug" in done.stderr


def test_success(launch):
    done = launch("--name=you", "--count=2")
    assert (done.returncode, done.stdout, done.stderr) == (0, "hello hello you\n", "")


def test_nothing_is_said_when_nobody_reads_on(tmp_path):
    """As behind `| head`: the pipe is closed before there is anything in it."""
    script = tmp_path / "hello.py"
    script.write_text(LAUNCHER)
    code = "from launch import cli; cli.main()"
    for command in ([str(script), "--help"], [str(script), "--name=you"], ["-c", code]):
        reading, writing = os.pipe()
        os.close(reading)
        done = subprocess.run(
            [sys.executable, *command], stdout=writing, stderr=subprocess.PIPE, check=False
        )
        os.close(writing)
        assert (done.returncode, done.stderr) == (141, b"")


def test_a_full_disk_is_one_line(tmp_path):
    script = tmp_path / "hello.py"
    script.write_text(LAUNCHER)
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, str(script), "--name=you"],
            stdout=full, stderr=subprocess.PIPE, check=False,
        )  # fmt: skip
    assert (done.returncode, done.stderr) == (2, b"error: No space left on device\n")


@pytest.mark.parametrize("flag", ["--help", "--helpshort", "-h"])
def test_help_exits_zero_and_lists_the_flags(launch, flag):
    done = launch(flag)
    assert done.returncode == 0
    assert (
        done.stdout
        == f"""Says hello.

python -c ... --name=you

Flags:
  --name: Whom to greet.
  --[no]loud: How loudly. (default: false)
  --word: <hello|good day>: What to say. (default: hello)
  --also: Whom else; may be repeated.

How:
  --share: How much.
  --count: How often. (default: 1)

More of {flag}.
"""
    )


def console(*args):
    code = "from launch import cli; cli.main()"
    return subprocess.run(
        [sys.executable, "-c", code, *args], capture_output=True, text=True, check=False
    )


def test_console_script_lists_the_launchers():
    done = console()
    assert done.returncode == 0
    for name, summary in cli.available().items():
        assert f"{name:16} {summary}" in done.stdout


def test_console_script_interrupted_while_it_loads():
    code = (
        "import importlib, sys\n"
        "from launch import cli\n"
        "def interrupted(name): raise KeyboardInterrupt\n"
        "importlib.import_module = interrupted\n"
        "sys.argv = ['genokeras', 'train']\n"
        "cli.main()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 130
    assert done.stderr.startswith("error: interrupted")
    assert done.stderr.count("\n") == 1


def test_console_script_suggests_a_name():
    done = console("trian")
    assert done.returncode == 2
    assert "no launcher 'trian'" in done.stderr
    assert "Did you mean 'train'?" in done.stderr


@pytest.mark.parametrize(
    ("is_joined", "ending", "code"),
    [
        (True, "raise InputError('mended by a person')", 2),
        (True, "raise HostLost", 75),
        (True, "raise LookupError('a bug')", 1),
        (True, "os.abort()", 75),
        (False, "raise InputError('mended by a person')", 2),
        (False, "os.abort()", -signal.SIGABRT),
    ],
)
def test_one_of_several_processes_does_not_wait_for_the_others(is_joined, ending, code):
    """What is done when Python ends would wait for them: here, it says so."""
    text = (
        "import atexit, os, sys, types\n"
        "from launch import app\n"
        "from genokeras.training.stopping import HostLost\n"
        "from tfrecords.errors import InputError\n"
        f"jax_devices = types.SimpleNamespace(is_joined=lambda: {is_joined})\n"
        "sys.modules['genokeras.training.jax_devices'] = jax_devices\n"
        "atexit.register(print, 'waiting')\n"
        "app.start_again_when_aborted()\n"
        f"def main():\n    print('said', flush='abort' in {ending!r})\n    {ending}\n"
        "app.run(main, ['x'])\n"
    )
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr
    waits = not is_joined and code > 0
    assert done.stdout == ("said\nwaiting\n" if waits else "said\n")
    said = {
        75: "error: another host of this run has ended; start all",
        2: "error: mended by a pers",
    }
    assert said.get(code, "LookupError: a bug" if code == 1 else "") in done.stderr
