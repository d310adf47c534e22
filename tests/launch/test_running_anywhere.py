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
    """Runs a batch script where srun starts one task, which writes down what it was given."""
    programs = {
        "srun": 'SLURM_PROCID=1 "$@"',
        "scontrol": 'case "$1" in show) printf "node-a\\nnode-b\\n";;\n'
        f'*) echo "$@" >> {tmp_path}/scontrol;; esac',
        "python": f'printf "%s\\n" "$@" > {tmp_path}/words; echo "$KERAS_BACKEND" > '
        f'{tmp_path}/backend\necho "$TF_CONFIG" > {tmp_path}/tf_config; exit "$ENDS_WITH"',
    }
    (tmp_path / "bin").mkdir()
    for name, text in programs.items():
        (tmp_path / "bin" / name).write_text(f"#!/bin/bash\n{text}\n")
        (tmp_path / "bin" / name).chmod(0o755)

    def run(script, code):
        (tmp_path / "scontrol").write_text("")
        given = {"PATH": f"{tmp_path}/bin:{os.environ['PATH']}", "ENDS_WITH": str(code)}
        given |= {"SLURM_JOB_ID": "12345", "SLURM_JOB_NODELIST": "node-[a-b]"}
        done = subprocess.run(
            ["bash", str(script), "--data_dir=d", "--workdir=my run"],
            cwd=ROOT, env=os.environ | given, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == code, done.stderr
        return {name: (tmp_path / name).read_text() for name in ("scontrol", "words", "backend")}

    run.folder = tmp_path
    return run


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_slurm_starts_again_what_has_saved_and_nothing_else(slurm, script):
    subprocess.run(["bash", "-n", str(script)], check=True)
    flags = ["--flagfile=launch/presets/multiworker.flags", "--data_dir=d", "--workdir=my run"]
    for code, said in ((EXIT_AGAIN, "requeue 12345\n"), (EXIT_MISTAKE, ""), (0, "")):
        seen = slurm(script, code)
        assert seen["scontrol"] == said
        assert seen["words"].splitlines() == ["-m", "launch.train", *flags]
    tensorflow = "tensorflow" in script.name
    assert seen["backend"] == ("tensorflow\n" if tensorflow else "jax\n")


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
    slurm(ROOT / "examples" / "slurm" / "train_tensorflow.sbatch", 0)
    text = (slurm.folder / "tf_config").read_text()
    monkeypatch.setenv("TF_CONFIG", text)
    assert tf_config.read() == (("node-a:22345", "node-b:22345"), 1)
    assert json.loads(text)["task"] == {"type": "worker", "index": 1}


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
