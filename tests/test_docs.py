"""Runs every command and every Python snippet of the README and of docs/, file by file.

A `bash` fence holds commands as a reader would type them in the root of a checkout; here they run
in a folder where `examples` is the project's own. Training is cut short, nothing else is changed.
"""

import http.client
import pathlib
import re
import shlex
import socket
import subprocess
import sys
import time

import pytest

from launch import cli

ROOT = pathlib.Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
FENCE = re.compile(r"^```(bash|python)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# Commands that cannot run inside the tests, and what runs them instead.
ELSEWHERE = {
    "git clone": "a checkout is what the tests run in",
    "cd genokeras": "likewise",
    "make demo": "test_make_demo",
    "make test": "this very run, started by .ci/run",
    "make lint": ".ci/run",
    "pip install": "tests/test_wheel.py installs the package",
}
# tests/tfrecords/test_record_format_page.py runs these snippets, on the dataset of the page.
OWN_TEST = {"record_format.md"}
SHORT = {"launch.train": ["--steps=8", "--eval_every=8"]}


def snippets(page: pathlib.Path) -> list[tuple[str, str]]:
    return FENCE.findall(page.read_text())


def commands(script: str) -> list[str]:
    joined = script.replace("\\\n", " ")
    return [line for line in joined.splitlines() if line and not line.startswith("#")]


def shortened(command: str) -> list[str]:
    """A command as it is run here: this interpreter, and few training steps."""
    words = shlex.split(command, comments=True)
    if words[0] == "genokeras":
        words = ["python", "-m", f"launch.{words[1]}", *words[2:]]
    if words[0] == "python":
        words[0] = sys.executable
    for module, flags in SHORT.items():
        if module in words:
            words = [word for word in words if not word.startswith(("--steps", "--epochs"))] + flags
    return words


def run(words: list[str], folder: pathlib.Path) -> None:
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{shlex.join(words)}\n{done.stdout}\n{done.stderr}"


def serve(words: list[str], folder: pathlib.Path) -> None:
    """Starts a TensorBoard, waits for its first page, and stops it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    program = str(pathlib.Path(sys.executable).with_name("tensorboard"))
    server = subprocess.Popen(
        [program, *words[1:], f"--port={port}", "--host=127.0.0.1"],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        assert answers(port, until=time.monotonic() + 60)
    finally:
        server.terminate()
        server.wait(timeout=20)


def answers(port: int, until: float) -> bool:
    while time.monotonic() < until:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/")
            return connection.getresponse().status == 200
        except OSError:
            time.sleep(0.5)
    return False


def run_command(command: str, folder: pathlib.Path) -> None:
    words = shortened(command)
    if pathlib.Path(words[0]).name == "tensorboard":
        serve(words, folder)
    else:
        run(words, folder)


def is_known(command: str, known: str) -> bool:
    return command == known or command.startswith(f"{known} ")


def is_run_elsewhere(command: str) -> bool:
    return any(is_known(command, known) for known in ELSEWHERE)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_commands_of_the_page_work(page, tmp_path):
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    for language, text in snippets(page):
        if language == "python" and page.name not in OWN_TEST:
            run([sys.executable, "-c", text], tmp_path)
        elif language == "bash":
            for command in commands(text):
                if not is_run_elsewhere(command):
                    run_command(command, tmp_path)


def test_make_demo(tmp_path):
    """The demo without its installation, which `make test` has done, and with few steps."""
    here = ["INSTALLED=", f"RUN={sys.executable}", f"DEMO={tmp_path}/demo", "DEMO_STEPS=8"]
    run(["make", "-C", str(ROOT), "demo", *here], tmp_path)
    assert (tmp_path / "demo" / "run" / "evaluation" / "test.json").exists()


def test_the_pages_show_every_launcher():
    shown = " ".join(text for page in PAGES for _, text in snippets(page))
    missing = [name for name in cli.available() if not re.search(rf"\b{name}\b", shown)]
    assert missing == []


def test_every_exception_is_still_needed():
    shown = [command for page in PAGES for _, text in snippets(page) for command in commands(text)]
    assert [known for known in ELSEWHERE if not any(is_known(c, known) for c in shown)] == []


def test_readme_opens_with_a_picture_and_the_two_commands():
    opening = (ROOT / "README.md").read_text()[:2500]
    picture = re.search(r"!\[[^\]]+\]\(([^)]+)\)", opening)
    assert picture
    assert (ROOT / picture.group(1)).exists()
    assert "make demo" in opening
    assert "make test" in opening


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page):
    links = re.findall(r"\]\((?!https?:|#|mailto:)([^)#]+)", page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []
