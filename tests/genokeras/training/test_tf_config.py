"""TF_CONFIG: who the hosts of a run are, and which one this is."""

import json

import pytest

from genokeras.training import tf_config
from tfrecords.errors import InputError

WORKERS = ["a:2222", "b:2222"]


def of(monkeypatch, value):
    text = value if isinstance(value, str) else json.dumps(value)
    monkeypatch.setenv("TF_CONFIG", text)
    return tf_config.read()


def config(kind="worker", index=0, **cluster):
    return {"cluster": cluster or {"worker": WORKERS}, "task": {"type": kind, "index": index}}


@pytest.mark.parametrize("text", [None, ""])
def test_without_it_there_is_no_cluster(monkeypatch, text):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    if text is not None:
        monkeypatch.setenv("TF_CONFIG", text)
    assert tf_config.read() is None


def test_workers_are_numbered_in_their_order(monkeypatch):
    assert of(monkeypatch, config(index=1)) == (("a:2222", "b:2222"), 1)
    assert of(monkeypatch, config(index="1")).host == 1


def test_chief_is_the_first_host(monkeypatch):
    cluster = {"worker": WORKERS, "chief": ["c:1"]}
    assert of(monkeypatch, config("chief", 0, **cluster)) == (("c:1", "a:2222", "b:2222"), 0)
    assert of(monkeypatch, config("worker", 1, **cluster)).host == 2


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("{", "it is no JSON (Expecting property name"),
        ("[]", "`cluster` and `task` must be there, and objects"),
        ({"cluster": {"worker": WORKERS}}, "`cluster` and `task` must be there, and objects"),
        (config(chief=["c:1"]), "its cluster has no worker"),
        (config(worker=WORKERS, ps=["p:1"]), "hosts of type ps have no work here; leave them out"),
        (config(worker="a:1"), 'worker must be a list of addresses, got "a:1"'),
        (config(worker=["a"]), '"a" is no address, which is HOST:PORT'),
        (config(worker=["a:99999"]), '"a:99999" is no address, which is HOST:PORT'),
        (config(worker=[7]), "7 is no address, which is HOST:PORT"),
        (config(worker=["a:1", "a:1"]), "a:1 is there twice; each host needs a port of its own"),
        (config("chief"), "its task is a chief, its cluster has worker"),
        (config(index=2), "its task is worker 2, expected 0 to 1"),
        (config(index=-1), "its task is worker -1, expected 0 to 1"),
        (config(index=None), "its task is worker null, expected 0 to 1"),
    ],
)
def test_what_is_wrong_is_said_with_an_example(monkeypatch, value, problem):
    with pytest.raises(InputError) as error:
        of(monkeypatch, value)
    said = str(error.value)
    assert said.startswith(f"TF_CONFIG: {problem}")
    assert said.endswith(f"; expected {tf_config.EXAMPLE}")
    assert "\n" not in said


def test_the_example_is_right(monkeypatch):
    text = tf_config.EXAMPLE.replace("HOST:PORT", "a:1", 1).replace("HOST:PORT", "b:1")
    assert of(monkeypatch, text) == (("a:1", "b:1"), 0)
