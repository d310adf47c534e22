"""Files for schedulers: what they say is understood by those who read it, and by launch.train."""

import json
import os
import pathlib
import re
import subprocess
import sys

import pytest
import yaml

from genokeras.training import tf_config
from launch.app import EXIT_AGAIN, EXIT_MISTAKE

ROOT = pathlib.Path(__file__).parents[2]
FLAG_FILES = sorted((ROOT / "launch" / "presets").glob("*.flags"))
SCRIPTS = sorted((ROOT / "examples" / "slurm").glob("*.sbatch"))
KUBERNETES = ROOT / "examples" / "kubernetes" / "train.yaml"
PAGE = ROOT / "docs" / "running_anywhere.md"
CHECK = (
    "import sys\n"
    "from launch import app, train\n"
    "for line in sys.stdin.read().splitlines():\n"
    "    app.parse(['train', '--data_dir=d', '--workdir=w', *line.split()])\n"
    "    train.Runtime(**train._given(train._RUNTIME))\n"
    "    train.TrainConfig(**train._given(train._TRAINING))\n"
    "    for name in [*train._RUNTIME, *train._TRAINING]:\n"
    "        train.flags.FLAGS[name].unparse()\n"
)


def understood(*lines):
    """Gives flags to launch.train, a line for each run."""
    done = subprocess.run(
        [sys.executable, "-c", CHECK],
        input="\n".join(lines), cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_flag_files_are_understood():
    assert [path.stem for path in FLAG_FILES] == ["gpu_box", "multiworker", "one_gpu", "tpu"]
    understood(*(f"--flagfile={path}" for path in FLAG_FILES))
    with pytest.raises(AssertionError, match="unknown flag --strategie"):
        understood("--strategie=tpu")
    with pytest.raises(AssertionError, match="strategy='many'"):
        understood("--strategy=many")


def test_every_flag_and_flag_file_that_the_pages_name_is_there():
    # Those of absl, sbatch, gcloud and XLA.
    known = {"flagfile", "nodes", "network", "xla_force_host_platform_device_count"}
    for name in ("train", "cloud_tpu", "build_dataset"):
        done = subprocess.run(
            [sys.executable, "-m", f"launch.{name}", "--help"],
            cwd=ROOT, capture_output=True, text=True, check=True,
        )  # fmt: skip
        known |= set(re.findall(r"^  --(?:\[no\])?(\w+):", done.stdout, re.MULTILINE))
    texts = [path.read_text() for path in (PAGE, PAGE.with_name("cloud_tpu.md"), KUBERNETES)]
    for text in texts:
        named = set(re.findall(r"(?<![\w-])--(\w+)(?![\w-])", text))
        assert named - known == set()
        for path in re.findall(r"launch/presets/\w+\.flags", text):
            assert (ROOT / path).exists()


@pytest.fixture
def slurm(tmp_path):
    """Runs a batch script where srun starts two tasks, which write down what they were given.

    As srun does, it returns the highest of their exit codes.
    """
    programs = {
        "srun": 'SLURM_PROCID=0 "$@" & chief=$!\nSLURM_PROCID=1 "$@"; second=$?\n'
        "wait $chief; first=$?\nexit $((first > second ? first : second))",
        "scontrol": 'case "$1" in show) printf "node-a\\nnode-b\\n";;\n'
        f'*) echo "$@" >> {tmp_path}/scontrol;; esac',
        "python": f'own={tmp_path}/$SLURM_PROCID; mkdir -p $own; printf "%s\\n" "$@" > $own/words\n'
        'echo "$KERAS_BACKEND" > $own/backend; echo "$TF_CONFIG" > $own/tf_config\n'
        "set -- $END_WITH; shift $SLURM_PROCID\n"
        'if [ "$1" -gt 128 ]; then kill -$(($1 - 128)) $$; fi; exit "$1"',
    }
    (tmp_path / "bin").mkdir()
    for name, text in programs.items():
        (tmp_path / "bin" / name).write_text(f"#!/bin/bash\n{text}\n")
        (tmp_path / "bin" / name).chmod(0o755)
    for name in ("examples", "launch"):
        (tmp_path / name).symlink_to(ROOT / name)

    def run(script, codes, code):
        (tmp_path / "scontrol").write_text("")
        given = {"PATH": f"{tmp_path}/bin:{os.environ['PATH']}"}
        given |= {"END_WITH": " ".join(map(str, codes))}
        given |= {"SLURM_JOB_ID": "12345", "SLURM_JOB_NODELIST": "node-[a-b]"}
        done = subprocess.run(
            ["bash", str(script), "--data_dir=d", "--workdir=my run"],
            cwd=tmp_path, env=os.environ | given, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == code, done.stderr
        assert list(tmp_path.glob("genokeras-*")) == []
        return (tmp_path / "scontrol").read_text()

    run.folder = tmp_path
    return run


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_slurm_starts_again_what_can_go_on_and_nothing_else(slurm, script):
    for path in (script, script.with_name("run.sh")):
        subprocess.run(["bash", "-n", str(path)], check=True)
    again, mistake = EXIT_AGAIN, EXIT_MISTAKE
    for codes, code, is_requeued in (
        ((0, 0), 0, False),
        ((again, again), again, True),
        ((again, 0), again, True),
        ((137, again), 137, True),  # Killed, as without enough memory; the other one noticed.
        ((mistake, again), mistake, False),
        ((again, mistake), mistake, False),
        ((137, mistake), mistake, False),
        ((1, 0), 1, False),  # A bug.
    ):
        assert slurm(script, codes, code) == "requeue 12345\n" * is_requeued, codes
    flags = ["--flagfile=launch/presets/multiworker.flags", "--data_dir=d", "--workdir=my run"]
    for task in ("0", "1"):
        seen = slurm.folder / task
        assert (seen / "words").read_text().splitlines() == ["-m", "launch.train", *flags]
        tensorflow = "tensorflow" in script.name
        assert (seen / "backend").read_text() == ("tensorflow\n" if tensorflow else "jax\n")


def test_slurm_task_that_gets_sigterm_still_says_how_it_ended(slurm):
    """The signal is for all processes, also for the shell of the task, which has to outlive it."""
    python = slurm.folder / "bin" / "python"
    python.write_text(
        "#!/bin/bash\ntrap 'sleep 0.2; exit 75' TERM\nkill -TERM $PPID $$\nsleep 20\n"
    )
    assert slurm(ROOT / "examples/slurm/train.sbatch", (), EXIT_AGAIN) == "requeue 12345\n"


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_slurm_is_asked_for_a_warning_that_reaches_training(script):
    options = re.findall(r"^#SBATCH --([\w-]+)(?:=(.*))?$", script.read_text(), re.MULTILINE)
    options = dict(options)
    # To all processes: with B: it would be for this script alone.
    assert re.fullmatch(r"TERM@\d+", options["signal"])
    assert int(options["signal"].partition("@")[2]) >= 60
    assert "requeue" in options
    assert options["open-mode"] == "append"
    tasks, gpus = int(options["ntasks-per-node"]), int(options["gres"].partition(":")[2])
    assert tasks == (1 if "tensorflow" in script.name else gpus)


def test_slurm_tells_tensorflow_who_takes_part(slurm, monkeypatch):
    slurm(ROOT / "examples" / "slurm" / "train_tensorflow.sbatch", (0, 0), 0)
    for index in (0, 1):
        text = (slurm.folder / str(index) / "tf_config").read_text()
        monkeypatch.setenv("TF_CONFIG", text)
        assert tf_config.read() == (("node-a:22345", "node-b:22345"), index)
        assert json.loads(text)["task"] == {"type": "worker", "index": index}


def test_kubernetes_file_fits_together():
    service, job = yaml.safe_load_all(KUBERNETES.read_text())
    spec, pod = job["spec"], job["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    (volume,) = pod["volumes"]
    args = container["args"]
    assert container["command"] == ["python", "-m", "launch.train"]
    index = next(e for e in container["env"] if e["name"] == "PROCESS_ID")["valueFrom"]
    assert index["fieldRef"]["fieldPath"] == (
        "metadata.annotations['batch.kubernetes.io/job-completion-index']"
    )
    understood(" ".join(args).replace("$(PROCESS_ID)", "1"))
    # Names of pods: of the job and the index, in the domain of a service without an address.
    name = service["metadata"]["name"]
    assert (pod["subdomain"], service["spec"]["clusterIP"]) == (name, "None")
    assert service["spec"]["selector"] == {"job-name": job["metadata"]["name"]}
    coordinator = f"--coordinator={job['metadata']['name']}-0.{name}:"
    assert [arg for arg in args if arg.startswith(coordinator)]
    assert f"--num_processes={spec['completions']}" in args
    assert spec["completions"] == spec["parallelism"]
    assert spec["completionMode"] == "Indexed"
    # What each exit code leads to; rules of a policy need pods that are not restarted in place.
    rules = {
        code: rule["action"]
        for rule in spec["podFailurePolicy"]["rules"]
        for code in rule.get("onExitCodes", {}).get("values", [])
    }
    assert rules == {EXIT_AGAIN: "Ignore", EXIT_MISTAKE: "FailJob"}
    assert pod["restartPolicy"] == "Never"
    assert pod["terminationGracePeriodSeconds"] >= 60
    (mount,) = container["volumeMounts"]
    assert mount["name"] == volume["name"]
    folders = [arg.partition("=")[2] for arg in args if re.match("--(data_dir|workdir)=", arg)]
    assert all(folder.startswith(mount["mountPath"] + "/") for folder in folders)
    assert len(folders) == 2
