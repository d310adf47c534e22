"""What gcloud says, as one line with a way out; what passes by itself is tried again."""

import shlex

import pytest

from launch.cloud_tpu_gcloud import Gcloud, GcloudError

LATER = "; it may pass: give the same command again"
QUOTA = "; ask for more in the console (IAM & Admin, Quotas), or take another --accelerator_type"
RIGHTS = "; gcloud auth login, the role roles/tpu.admin, and gcloud services enable"
ELSEWHERE = "; try another --zone, or --spot; --queued or --wait_for_capacity=HOURS waits for one"
UNREACHED = "; can you reach it by gcloud ... ssh? --internal_ip is for networks of your own"


@pytest.fixture
def gcloud(tmp_path, monkeypatch):
    """A gcloud whose n-th call does what the n-th script says, and the last one from then on."""
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")

    def make(*scripts):
        for stale in tmp_path.glob("*.sh"):
            stale.unlink()
        for number, script in enumerate(scripts):
            (tmp_path / f"{number}.sh").write_text(script)
        program = tmp_path / "gcloud"
        program.write_text(
            f"#!/bin/bash\ncd {tmp_path}; number=$(wc -c < calls); echo -n x >> calls\n"
            f"[ -e $number.sh ] || number={len(scripts) - 1}\n. ./$number.sh\n"
        )
        program.chmod(0o755)
        (tmp_path / "calls").write_text("")
        made = Gcloud(0.0, log=lambda line: lines.append(line))
        made.calls = lambda: len((tmp_path / "calls").read_text())
        return made

    lines = make.lines = []
    return make


def failing(message, code=1):
    return f"echo {shlex.quote(message)} >&2; exit {code}"


@pytest.mark.parametrize(
    ("said", "code", "kind", "way_out"),
    [
        ("NOT_FOUND: Resource 'projects/p/nodes/x' was not found", 1, "not found", "; look with"),
        ('There is no more capacity in the zone "z"', 1, "capacity", ELSEWHERE),
        ("Insufficient reserved capacity. [EID: 0x7]", 1, "capacity", ELSEWHERE),
        ("RESOURCE_EXHAUSTED: Quota limit 'TPUV5s' has been exceeded. Limit: 0", 1, "quota", QUOTA),
        ("Quota exceeded for 'requests' per minute of service tpu", 1, "transient", LATER),
        ("UNAVAILABLE: The service is currently unavailable", 1, "transient", LATER),
        ("PERMISSION_DENIED: Permission 'tpu.nodes.create' denied", 1, "permission", RIGHTS),
        ("please run: gcloud auth login", 1, "permission", RIGHTS),
        ("Host key verification failed", 255, "transient", UNREACHED),
        ("tar: not found in archive", 2, "other", ""),
    ],
)
def test_each_trouble_has_its_kind_and_its_way_out(gcloud, said, code, kind, way_out):
    made = gcloud(failing(said, code))
    with pytest.raises(GcloudError) as raised:
        made.run(["gcloud", "compute", "tpus", "x y", "--zone=z", "w"], attempts=1)
    assert raised.value.kind == kind
    text = f"gcloud compute tpus 'x y': exit code {code}: {said}"
    assert str(raised.value).startswith(text + way_out)
    assert way_out or str(raised.value) == text


def test_the_worker_and_what_it_wrote_are_told(gcloud):
    made = gcloud(
        "cat >&2 <<'E'\n"
        "Using ssh batch size of 1. Attempting to SSH into 1 nodes with a total of 2 workers.\n"
        "SSH: Attempting to connect to worker 1...\n"
        "ERROR: Could not find a version that satisfies the requirement jax\n"
        "##### Command execution on worker 1 failed with exit status 7. Continuing.\n"
        "E\nexit 7"
    )
    with pytest.raises(
        GcloudError, match="exit code 7 on worker 1: ERROR: Could not find a version that"
    ):
        made.run(["gcloud", "x"])
    assert made.calls() == 1


def test_silence_is_told_too(gcloud):
    with pytest.raises(GcloudError, match="gcloud x: exit code 3: no message$"):
        gcloud("exit 3").run(["gcloud", "x"])


def test_what_may_pass_is_tried_again_and_the_rest_is_not(gcloud):
    made = gcloud(failing("INTERNAL: oops"), failing("503 Service Unavailable"), "echo done")
    assert made.run(["gcloud", "x", "a b"]) == "done\n"
    assert made.calls() == 3
    assert gcloud.lines == ["+ gcloud x 'a b'"]

    made = gcloud(failing("UNAVAILABLE"))
    with pytest.raises(GcloudError, match="UNAVAILABLE"):
        made.run(["gcloud", "x"], attempts=3)
    assert made.calls() == 3

    made = gcloud(failing("INVALID_ARGUMENT: no such type"), "echo done")
    with pytest.raises(GcloudError, match="INVALID_ARGUMENT"):
        made.run(["gcloud", "x"])
    assert made.calls() == 1


def test_what_does_not_end_is_given_up(gcloud):
    made = gcloud("exec sleep 30")
    with pytest.raises(GcloudError, match="gcloud x: no end within 0.2 s; it may pass") as raised:
        made.run(["gcloud", "x"], attempts=1, timeout_s=0.2)
    assert raised.value.kind == "transient"


def test_bytes_that_are_no_text_can_be_counted(gcloud):
    printed = gcloud(r"printf '\xff\xc3\xa9'").run(["gcloud", "x"], quiet=True)
    assert printed.encode(errors="surrogateescape") == b"\xff\xc3\xa9"
    assert gcloud.lines == []
