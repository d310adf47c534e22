"""`launch.cloud_tpu` from its first command to its last, against a stand-in for gcloud.

What a host is told to do is really done, here. Whatever goes wrong, the launcher ends with one line
that says so, and what it says of the TPU is true.
"""

import signal

import pytest

from tests.launch.cloud_tpu_world import ALL_STEPS, LINE, NAME, TPU, World, copy_checkout
from tests.launch.stand_in_gcloud import check

STOCKOUT = (
    'There is no more capacity in the zone "us-east5-b"; you can try in another zone where Cloud '
    "TPU Nodes are offered (see https://cloud.google.com/tpu/docs/regions) [EID: 0x1]"
)
DELETE = f"gcloud compute tpus tpu-vm delete {NAME} --zone=us-east5-b --quiet"
LEFT = f"; {NAME} is READY and costs money until it is deleted: {DELETE}"


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    return copy_checkout(tmp_path_factory.mktemp("checkout"))


@pytest.fixture
def world(tmp_path, checkout):
    made = World(tmp_path, checkout)
    yield made
    made.end()


@pytest.fixture
def slice_of_two(tmp_path, checkout):
    made = World(tmp_path, checkout, workers=2)
    yield made
    made.end()


def ended_with(done, *messages):
    assert done.returncode == 2, done.stdout + done.stderr
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
    for message in messages:
        assert message in done.stderr
    return done.stderr.strip()


def test_undisturbed_run_does_what_dry_run_prints(slice_of_two):
    world, folder = slice_of_two, slice_of_two.folder / "fetched"
    ends = [f"--fetch_to={folder}", "--delete_when_done"]
    printed = world.run(*ends, "--dry_run")
    assert printed.returncode == 0, printed.stderr
    assert world.calls() == []
    assert not (world.folder / "cache").exists()

    done = world.run(*ends)
    assert done.returncode == 0, done.stderr
    looks = [" status'", " log "]
    told = [line for line in printed.stdout.splitlines() if not any(x in line for x in looks)]
    assert [call for call in world.calls() if not any(x in call for x in looks)] == told
    for look in looks:
        assert world.count(look) >= 1
        assert any(look in line for line in printed.stdout.splitlines())
    assert (folder / "steps.txt").read_text().split() == ALL_STEPS
    assert "host 0 jax --data_dir=gs://bucket/data" in done.stdout
    assert "\ufffd is no UTF-8" in done.stdout
    assert "host 1" not in done.stdout
    assert f"{NAME} is deleted" in done.stdout
    assert world.nodes() == {}


def test_no_capacity_is_one_line_and_leaves_nothing(world):
    world.set_faults({"contains": "create", "stderr": f"ERROR: (gcloud.x) {STOCKOUT}", "times": 9})
    line = ended_with(world.run(), "exit code 1: ERROR: (gcloud.x) There is no more capacity")
    assert line.endswith("--queued or --wait_for_capacity=HOURS waits for one")
    assert world.count(" create ") == 1
    assert world.nodes() == {}


def test_capacity_is_waited_for(world):
    world.set_faults({"contains": "create", "stderr": f"ERROR: (gcloud.x) {STOCKOUT}", "times": 3})
    done = world.run("--wait_for_capacity=1")
    assert done.returncode == 0, done.stderr
    assert world.count(" create ") == 4
    assert world.steps() == ALL_STEPS
    assert done.stdout.splitlines()[-1] == f"{NAME} costs money until it is deleted: {DELETE}"
    assert world.nodes() == {NAME: "READY"}


def test_preempted_in_the_middle_goes_on_from_the_bucket(slice_of_two):
    world = slice_of_two
    world.hold()
    preempted = {"contains": " status", "when": "half", "node": NAME, "state": "PREEMPTED"}
    world.set_faults(preempted)
    done = world.run("--spot", "--delete_when_done")
    assert done.returncode == 0, done.stderr
    assert f"{NAME} is PREEMPTED; starting again, 1 of 50 times" in done.stdout
    assert world.steps() == ALL_STEPS
    assert world.count(" create ") == 2
    assert world.count(" create ") == world.count("--spot")
    assert world.nodes() == {}


@pytest.mark.slow
def test_a_tpu_that_vanishes_is_not_created_again(world):
    world.hold()
    world.set_faults({"contains": " status", "when": "half", "node": NAME, "state": None})
    line = ended_with(world.run("--delete_when_done"))
    assert line.startswith(f"error: {NAME} is gone, deleted by somebody; the same command creates")
    assert world.nodes() == {}
    assert world.count(" create ") == 1


def test_a_run_that_saved_goes_on_on_the_same_tpu(slice_of_two):
    world = slice_of_two
    (world.folder / "exit-1").write_text("75")
    world.hold()
    done = world.run("--max_restarts=1")
    line = ended_with(done, "the run ended with exit code 75 on worker 1, after 1 restarts; the")
    assert line.endswith(LEFT)
    assert "on worker 1; starting again, 1 of 1 times" in done.stdout
    assert world.count(" create ") == 1
    # Asked to save after two steps, the first host did, and went on with the third.
    assert world.steps() == ALL_STEPS


def test_a_mistake_on_one_worker_is_not_started_again_because_the_other_lost_it(slice_of_two):
    world = slice_of_two
    (world.folder / "exit-0").write_text("75")
    (world.folder / "exit-1").write_text("2")
    ended_with(world.run(), "train ended with exit code 2 on worker 1; what it wrote is above")


def test_one_worker_fails_and_the_others_are_stopped(slice_of_two):
    world = slice_of_two
    (world.folder / "exit-1").write_text("3")
    world.hold()
    done = world.run("--delete_when_done")
    line = ended_with(done, "train ended with exit code 3 on worker 1; what it wrote is above")
    assert line.endswith("above")
    assert "the end of the log of worker 1:" in done.stdout
    assert "host 1 ends with 3" in done.stdout
    assert world.count(" stop'") == 1
    assert f"{NAME} is deleted" in done.stdout
    assert world.nodes() == {}


def unreached(times):
    said = [
        "ssh: connect to host 10.0.0.3 port 22: Connection timed out",
        "Failed to execute command on multiple workers. This may have happened if",
        "Retrying: SSH command error: [/usr/bin/ssh] exited with return code [255].",
    ]
    return {"contains": "installed", "stderr": "\n".join(said), "code": 255, "times": times}


@pytest.mark.slow
def test_a_host_that_is_reached_later(world):
    world.set_faults(unreached(times=2))
    done = world.run()
    assert done.returncode == 0, done.stderr
    assert world.count("installed") == 3


def test_a_host_that_is_never_reached(world):
    world.set_faults(unreached(times=99))
    line = ended_with(world.run("--delete_when_done", "--poll_s=0.01"))
    assert line == (
        f"error: gcloud compute tpus tpu-vm ssh {NAME}: exit code 255: ssh: connect to host "
        "10.0.0.3 port 22: Connection timed out; it may pass: give the same command again" + LEFT
    )
    assert world.nodes() == {NAME: "READY"}


def test_what_cannot_be_fetched_is_not_deleted(world):
    folder = world.folder / "deep" / "fetched"
    local = [*LINE[:3], "--workdir=run", "--steps=4"]
    world.set_faults({"contains": "--recurse", "stderr": "scp: lost connection", "times": 1})
    ends = ["--delete_when_done", f"--fetch_to={folder}"]
    line = ended_with(world.run(*ends, line=local), "exit code 1: scp: lost connection")
    assert line.endswith(LEFT)
    assert world.nodes() == {NAME: "READY"}
    assert list(folder.parent.iterdir()) == []
    # The same command finds it done, fetches and deletes.
    done = world.run(*ends, line=local)
    assert done.returncode == 0, done.stderr
    assert (folder / "steps.txt").read_text().split() == ALL_STEPS
    assert world.nodes() == {}


def test_a_tpu_is_said_to_be_deleted_only_when_it_is(world):
    world.set_faults({"contains": "tpu-vm delete", "nothing": True})
    done = world.run("--delete_when_done")
    ended_with(done, f"{NAME} was to be deleted but is READY, and may cost money: {DELETE}")
    assert "is deleted" not in done.stdout
    assert world.nodes() == {NAME: "READY"}


def test_ctrl_c_ends_only_the_watching(world):
    world.hold()
    process = world.start()
    world.wait_for("half")
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=30)
    assert process.returncode == 130, stderr
    assert f"the line goes on, and {NAME} costs money until it is deleted: {DELETE}" in stdout
    world.release()
    done = world.run()
    assert done.returncode == 0, done.stderr
    assert world.steps() == ALL_STEPS
    assert world.count(" create ") == 1


@pytest.mark.slow
def test_a_tpu_with_another_line_is_left_alone(world):
    world.hold()
    process = world.start()
    world.wait_for("half")
    line = ended_with(world.run(line=[*LINE[:-1], "--steps=5"]))
    assert "worker 0 is busy with another line: train --data_dir=gs://bucket/data" in line
    world.release()
    process.communicate(timeout=30)
    assert process.returncode == 0
    assert world.steps() == ALL_STEPS


def test_queued_resource_is_waited_for_and_deleted_with_its_tpu(world):
    done = world.run("--queued", "--spot", "--wait_for_capacity=2", "--delete_when_done")
    assert done.returncode == 0, done.stderr
    assert f"{NAME} is WAITING_FOR_RESOURCES" in done.stdout
    assert f"queued-resources create {NAME} --zone=us-east5-b --accelerator-type=v6e-8" in (
        done.stdout
    )
    assert "--valid-until-duration=7200s --spot" in done.stdout
    assert world.steps() == ALL_STEPS
    assert world.nodes() == {}


@pytest.mark.slow
def test_queued_resource_is_asked_for_again_after_a_preemption(world):
    world.hold()
    preempted = {"contains": " status", "when": "half", "node": NAME, "state": "PREEMPTED"}
    world.set_faults(preempted)
    done = world.run("--queued", "--delete_when_done")
    assert done.returncode == 0, done.stderr
    assert f"{NAME} is SUSPENDED; starting again" in done.stdout
    assert world.count("queued-resources create") == 2
    assert world.steps() == ALL_STEPS
    assert world.nodes() == {}


@pytest.mark.parametrize(
    ("args", "line", "message"),
    [
        ([], [], "error: expected a launcher line either after -- or as --command, for example"),
        (["--command=train"], LINE, "error: expected a launcher line either after -- or as"),
        ([], ["--", "trian"], "error: behind --: no launcher 'trian'. Did you mean 'train'?"),
        ([], ["--", "cloud_tpu"], "error: behind --: no launcher 'cloud_tpu'"),
        (
            [],
            [*LINE, "--stpes=3"],
            "error: launch.train: unknown flag --stpes. Did you mean 'steps'?",
        ),
        (["--engine=torch"], LINE, "error: --engine=torch: expected one of jax, tensorflow"),
        (["--tpu_name=My_TPU"], LINE, "error: --tpu_name=My_TPU: expected small letters, digits"),
        (["--accelerator_type=v6e"], LINE, "error: --accelerator_type=v6e: expected a version"),
        (["--accelerator_type=v9x-8"], LINE, "no software is known for v9x; give --runtime_versi"),
        (
            ["--fetch_to=launch"],
            LINE,
            "error: --fetch_to=launch: is there already; give a new folder",
        ),
        (
            ["--fetch_to=x"],
            ["--", "inspect_dataset", "--data_dir=d"],
            "error: --fetch_to=x: the line has no --workdir that could be fetched",
        ),
        (
            ["--delete_when_done"],
            [*LINE[:3], "--workdir=run"],
            "error: --delete_when_done would delete --workdir=run with the TPU: give --fetch_",
        ),
    ],
)
def test_mistakes_are_found_before_gcloud_is_called(world, args, line, message):
    assert message in ended_with(world.run(*args, line=line))
    assert world.calls() == []


def test_without_gcloud_it_says_where_to_get_it(world):
    world.environment["PATH"] = "/nonexistent"
    ended_with(world.run(), "error: gcloud is not on the PATH: install the Google Cloud CLI (https")
    assert world.run("--dry_run").returncode == 0


def test_help_says_what_it_was_tested_on(world):
    done = world.run("--help")
    assert done.returncode == 0
    assert "This has not met a real TPU: it was tested against a stand-in" in done.stdout
    assert world.run(tpu=TPU[:1]).stderr == "error: --zone is missing: give --zone=VALUE\n"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("compute tpus tpu-vm create x --version=v --zne=z", "unrecognized arguments: --zne=z"),
        ("compute tpus tpu-vm create x --zone=z", "argument --version: Must be specified"),
        ("compute tpus tpu-vm ssh x --worker", "unrecognized arguments: --worker"),
        ("compute tpus tpu-vm delete x y", "expected "),
        ("compute tpus tpu-vm destroy x", "Invalid choice"),
    ],
)
def test_the_stand_in_refuses_what_the_reference_does_not_have(words, message):
    with pytest.raises(ValueError, match=message):
        check(words.split())
