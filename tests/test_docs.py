"""Runs every command and every Python snippet of the README and of docs/, page by page.

A `bash` fence holds commands as a reader would type them in the root of a checkout; here they run
in a folder where `examples` and `launch` are the project's own. Training is a few steps of the
preset `tiny` (of comparisons: of their presets, with one seed), nothing else is changed. Pages
share the folder: what one has done the next does not do again. The Python of a page is one
session, as in a notebook.
"""

import http.client
import itertools
import os
import pathlib
import re
import shlex
import socket
import subprocess
import sys
import time

import pytest

from launch import cli, model_help

ROOT = pathlib.Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
FENCE = re.compile(r"^```(bash|python)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# Commands that cannot run inside the tests, and what runs them instead.
ELSEWHERE = {
    "source": "the tests run in an environment",
    "git clone": "a checkout is what the tests run in",
    "cd genokeras": "likewise",
    "make demo": "test_make_demo",
    "make test": "this very run, started by .ci/run",
    "make test-beam": "it installs Apache Beam; the tests it runs are in test_beam_runner.py",
    "make lint": ".ci/run",
    "pip install": "tests/test_wheel.py installs the package",
    "sbatch": "tests/launch/test_running_anywhere.py runs the script, with a stand-in for srun",
    "kubectl apply": "tests/launch/test_running_anywhere.py reads the file",
}
# tests/tfrecords/test_record_format_page.py runs these snippets, on the dataset of the page.
OWN_TEST = {"record_format.md"}
# Pages that go on with what the commands of another page have made.
FOLLOWS = dict.fromkeys(("ensembles.md", "report.md"), ROOT / "docs" / "getting_started.md")
# Pages whose commands `make test` runs; those of all others are run by `make test-all`, since a
# page loads TensorFlow a dozen times.
SHORT = {"README.md", "CONTRIBUTING.md", "getting_started.md"}
QUICK = {"--preset": "tiny", "--steps": "8", "--eval_every": "8"}


def snippets(page: pathlib.Path) -> list[tuple[str, str]]:
    return FENCE.findall(page.read_text())


def commands(script: str) -> list[str]:
    joined = script.replace("\\\n", " ")
    return [line for line in joined.splitlines() if line and not line.startswith("#")]


def shortened(command: str) -> list[str]:
    """A command as it is run here: this interpreter, and hardly any training."""
    words = shlex.split(command, comments=True)
    if words[0] == "genokeras":
        words = ["python", "-m", f"launch.{words[1]}", *words[2:]]
    words = [sys.executable if word == "python" else word for word in words]
    words = [word.replace("gs://my-lab", "file://my-lab") for word in words]  # Of this folder.
    if "=" in words[0]:  # A variable before the command.
        words = ["env", *words]
    if "launch.train" in words and "--help" not in words:
        left_out = (*QUICK, "--epochs")
        words = [word for word in words if word.partition("=")[0] not in left_out]
        words += [f"{flag}={value}" for flag, value in QUICK.items()]
    if "launch.compare" in words and "--" not in words:
        words = [word for word in words if not word.startswith("--seeds=")]
        words += ["--seeds=0", "--", "--steps=8", "--eval_every=8"]
    return words


def run(words: list[str], folder: pathlib.Path) -> None:
    env = os.environ | {"GENOKERAS_CACHE": str(folder / "cache")}
    done = subprocess.run(words, cwd=folder, env=env, capture_output=True, text=True, check=False)
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


def work_through(page: pathlib.Path, folder: pathlib.Path, done: set[str]) -> None:
    """Does what a page says, except for what was done before."""
    if page.name in FOLLOWS:
        work_through(FOLLOWS[page.name], folder, done)
    for language, group in itertools.groupby(snippets(page), key=lambda snippet: snippet[0]):
        texts = [text for _, text in group]
        todo = commands("".join(texts)) if language == "bash" else ["\n".join(texts)]
        for text in todo:
            if text in done or is_run_elsewhere(text):
                continue
            if language == "bash":
                run_command(text, folder)
            elif page.name not in OWN_TEST:
                run([sys.executable, "-c", text], folder)
            done.add(text)


def is_known(command: str, known: str) -> bool:
    return command == known or command.startswith(f"{known} ")


def is_run_elsewhere(command: str) -> bool:
    return any(is_known(command, known) for known in ELSEWHERE)


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    """The folder in which the pages are worked through, and what was done in it."""
    folder = tmp_path_factory.mktemp("pages")
    for name in ("examples", "launch"):  # Of launch pages name the files with flags.
        (folder / name).symlink_to(ROOT / name)
    return folder, set()


@pytest.mark.timeout(900)  # A page that follows another may have to do that one's work as well.
@pytest.mark.parametrize(
    "page",
    [pytest.param(p, marks=() if p.name in SHORT else pytest.mark.slow) for p in PAGES],
    ids=lambda page: page.relative_to(ROOT).as_posix(),
)
def test_commands_of_the_page_work(page, desk):
    work_through(page, *desk)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_presets_and_fields_that_the_page_names_exist(page):
    text = page.read_text()
    models = {"cnn_attention", *re.findall(r"--model=(\w+)", text)} - {"NAME"}
    modules = [f"genokeras.models.{model}" for model in models]
    named = set(re.findall(r"--preset=(\w+)", text)) - {"NAME"}
    assert named <= set().union(*map(model_help.presets, modules))
    named = set(re.findall(r"--set=(\w+)=", text)) - {"NAME"}
    assert named <= set().union(*(model_help.fields(module, "Config") for module in modules))


def test_make_demo(tmp_path):
    """The demo without its installation, which `make test` has done, and with few steps."""
    flags = "--preset=fast --steps=8 --jit=off"
    here = ["INSTALLED=", f"RUN={sys.executable}", f"DEMO={tmp_path}/demo", f"DEMO_FLAGS={flags}"]
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
