"""The commands about a TPU are those of the reference, and every state leads where it should."""

import dataclasses

import pytest

from launch.cloud_tpu_gcloud import GcloudError
from launch.cloud_tpu_machine import Machine, Tpu, runtime_version
from tests.launch.stand_in_gcloud import check
from tfrecords.errors import InputError

PLAIN = Tpu("my-tpu", "us-east5-b", "v6e-8", "v2-alpha-tpuv6e")
FULL = dataclasses.replace(
    PLAIN, project="p", spot=True, internal_ip=True, create_flags=("--network=n", "--labels=a=b")
)
AT = "my-tpu --zone=us-east5-b"


def test_commands():
    assert " ".join(PLAIN.create()) == (
        f"gcloud compute tpus tpu-vm create {AT} --accelerator-type=v6e-8 --version=v2-alpha-tpuv6e"
    )
    asked = dataclasses.replace(FULL, queued=True, hours=1.5)
    assert " ".join(asked.create()) == (
        f"gcloud compute tpus queued-resources create {AT} --project=p --accelerator-type=v6e-8 "
        "--runtime-version=v2-alpha-tpuv6e --node-id=my-tpu --valid-until-duration=5400s --spot "
        "--network=n --labels=a=b"
    )
    assert PLAIN.ssh("a 'b' c", "1")[-2:] == ["--worker=1", "--command=a 'b' c"]
    assert " ".join(FULL.upload("x.gz")) == (
        "gcloud compute tpus tpu-vm scp x.gz my-tpu: --zone=us-east5-b --project=p --internal-ip "
        "--worker=all"
    )
    assert " ".join(PLAIN.download("runs/a", "b")) == (
        "gcloud compute tpus tpu-vm scp my-tpu:runs/a b --zone=us-east5-b --recurse --worker=0"
    )


@pytest.mark.parametrize("queued", [False, True])
@pytest.mark.parametrize("tpu", [PLAIN, FULL])
def test_the_reference_knows_every_command(tpu, queued):
    tpu = dataclasses.replace(tpu, queued=queued, hours=24.0)
    commands = [tpu.create(), tpu.describe(), tpu.describe_request(), tpu.start(), tpu.delete()]
    for command in [*commands, tpu.ssh("x"), tpu.upload("f"), tpu.download("a", "b")]:
        assert command[0] == "gcloud"
        check(command[1:])


@pytest.mark.parametrize(
    ("accelerator_type", "software"),
    [
        ("v6e-8", "v2-alpha-tpuv6e"),
        ("v5litepod-16", "v2-alpha-tpuv5-lite"),
        ("v5p-8", "v2-alpha-tpuv5"),
        ("v4-8", "tpu-ubuntu2204-base"),
    ],
)
def test_software_of_the_types(accelerator_type, software):
    assert runtime_version(accelerator_type) == software


class Scripted:
    """A gcloud that finds a TPU in one state after the other, and notes what else it is told.

    An exception in the place of a state, or of the answer to a verb, is raised.
    """

    def __init__(self, *states, **answers):
        self.states, self.answers, self.done = list(states), answers, []

    def run(self, words, **options):
        verb = words[4]
        if verb == "describe":
            answer = self.states.pop(0) if self.states else None
        else:
            self.done.append(verb)
            answer = self.answers[verb].pop(0) if self.answers.get(verb) else ""
        if answer is None:
            raise GcloudError("NOT_FOUND", "not found")
        if isinstance(answer, Exception):
            raise answer
        return answer + ("\tv6e-8\n" if words[3] == "tpu-vm" else "\n")


def machine(gcloud, tpu=PLAIN, hours=0.0, patience_s=3600.0):
    options = {"wait_s": 0.0, "capacity_hours": hours, "patience_s": patience_s}
    return Machine(tpu, gcloud, log=lambda line: None, **options)


@pytest.mark.parametrize(
    ("states", "done"),
    [
        (["READY"], []),
        ([None, "READY"], ["create"]),
        ([None, "CREATING", "CREATING", "READY"], ["create"]),
        (["STOPPED", "STARTING", "READY"], ["start"]),
        (["RESTARTING", "REPAIRING", "READY"], []),
        (["PREEMPTED", None, None, "READY"], ["delete", "create"]),
        (["TERMINATED", "DELETING", None, None, "READY"], ["delete", "create"]),
        (["DELETING", None, "READY"], ["create"]),
    ],
)
def test_from_every_state_it_becomes_ready(states, done):
    gcloud = Scripted(*states)
    machine(gcloud).make_ready()
    assert gcloud.done == done
    assert gcloud.states == []


QUEUED = dataclasses.replace(PLAIN, queued=True)


@pytest.mark.parametrize(
    ("states", "done"),
    [
        (["ACTIVE", "READY"], []),
        ([None, "ACCEPTED", "WAITING_FOR_RESOURCES", "ACTIVE", "READY"], ["create"]),
        # The TPU of an active request is gone: the request goes after it.
        (["ACTIVE", None, None, None, None, "ACTIVE", "READY"], ["delete", "create"]),
        (["SUSPENDING", "SUSPENDED", None, None, None, "ACTIVE", "READY"], ["delete", "create"]),
    ],
)
def test_from_every_state_of_a_queued_resource_it_becomes_ready(states, done):
    gcloud = Scripted(*states)
    machine(gcloud, QUEUED).make_ready()
    assert gcloud.done == done
    assert gcloud.states == []


def test_a_queued_resource_that_failed_is_taken_back():
    gcloud = Scripted("FAILED")
    with pytest.raises(InputError, match="my-tpu failed, and is deleted: no v6e-8 in us-east5-b"):
        machine(gcloud, QUEUED).make_ready()
    assert gcloud.done == ["delete"]


def test_a_tpu_that_outlives_its_queued_resource_is_not_said_to_be_deleted():
    gcloud = Scripted(None, "READY")
    with pytest.raises(InputError, match="was to be deleted but is READY.*tpu-vm delete my-tpu"):
        machine(gcloud, QUEUED).delete()


def test_a_deletion_that_does_not_come_to_its_end():
    with pytest.raises(InputError, match="my-tpu was to be deleted but is DELETING, and may cost"):
        machine(Scripted("DELETING"), patience_s=0.0).delete()


def test_a_state_that_does_not_change_is_given_up():
    with pytest.raises(InputError, match="my-tpu has been REPAIRING for 0 minutes: look at it"):
        machine(Scripted("REPAIRING"), patience_s=0.0).make_ready()


def test_a_state_that_nobody_knows_is_left_alone():
    gcloud = Scripted("HIDDEN")
    with pytest.raises(InputError, match="my-tpu is HIDDEN, from which only you can bring it"):
        machine(gcloud).make_ready()
    assert gcloud.done == []


def test_a_tpu_of_another_type_is_left_alone():
    gcloud = Scripted("READY")
    tpu = dataclasses.replace(PLAIN, accelerator_type="v6e-16")
    with pytest.raises(InputError, match="my-tpu is a v6e-8, not a v6e-16: give another --tpu_na"):
        machine(gcloud, tpu).make_ready()
    assert gcloud.done == []


def test_capacity_is_waited_for_only_when_asked():
    none = GcloudError("no more capacity", "capacity")
    gcloud = Scripted(None, None, "READY", create=[none, ""])
    machine(gcloud, hours=1.0).make_ready()
    assert gcloud.done == ["create", "create"]
    for hours, error in ((0.0, none), (1.0, GcloudError("Quota", "quota"))):
        gcloud = Scripted(None, create=[error])
        with pytest.raises(GcloudError) as raised:
            machine(gcloud, hours=hours).make_ready()
        assert raised.value is error
        assert gcloud.done == ["create"]
