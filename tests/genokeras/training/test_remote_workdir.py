"""A work folder in a bucket is that of the last complete push, wherever a push was interrupted."""

import threading

import pytest

from genokeras.training import remote_workdir
from genokeras.training.lock import locked
from genokeras.training.remote_workdir import MARKER, local_folder, pull, push
from tfrecords import parallel
from tfrecords.errors import InputError

URL = "bucket://b/runs/one"


@pytest.fixture
def far(bucket, tmp_path):
    """The folder behind the URL."""
    return tmp_path / "b" / "runs" / "one"


def fill(folder, files):
    """Makes these the files of a folder."""
    for path in folder.rglob("*"):
        if path.is_file():
            path.unlink()
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)


def content(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_text()
        for path in folder.rglob("*")
        if path.is_file() and not path.name.startswith(".")
    }


def run_at(step, finished=False):
    """The files of a run that has kept two checkpoints."""
    files = {
        "config.json": "{}",
        "flags.txt": "--steps=9\n",
        "metrics.jsonl": "".join(f"row {x}\n" for x in range(step)),
        "model.keras": f"best {step}",
    }
    for kept in (step - 1, step):
        files |= {
            f"checkpoints/step-{kept}/{x}": f"{x} {kept}" for x in ("model.npz", "state.json")
        }
    return files | ({"result.json": "{}"} if finished else {})


def test_what_was_pushed_is_pulled_elsewhere(far, tmp_path):
    here, there = tmp_path / "here", tmp_path / "there"
    fill(here, run_at(2) | {".lock": "", "checkpoints/.step-3.writing/model.npz": "half"})
    push(here, URL)
    assert content(far).keys() == run_at(2).keys() | {MARKER}
    assert pull(URL, there)
    assert content(there) == run_at(2)


def test_a_place_without_a_run(far, tmp_path, bucket):
    assert not pull(URL, tmp_path / "here")
    assert not (tmp_path / "here").exists()
    fill(far, {"notes.txt": "mine"})
    with pytest.raises(InputError) as caught:
        pull(URL, tmp_path / "here")
    assert str(caught.value) == (
        f"{URL}: holds 'notes.txt' but no run; give another --workdir, one that is new or empty"
    )
    fill(far, {MARKER: "mine"})
    with pytest.raises(InputError, match=f"^{URL}/{MARKER}: not the list of the files of a run; g"):
        pull(URL, tmp_path / "here")


def test_a_network_that_is_gone(far, tmp_path, bucket):
    fill(tmp_path / "here", run_at(2))
    bucket.broken = ConnectionResetError("connection reset")
    for call in (lambda: push(tmp_path / "here", URL), lambda: pull(URL, tmp_path / "there")):
        with pytest.raises(InputError, match=f"^{URL}/{MARKER}: connection reset; tried 8 times"):
            call()
    assert not (tmp_path / "there").exists()


def test_a_run_that_was_deleted_does_not_come_back_from_its_copy(far, tmp_path):
    here = tmp_path / "here"
    fill(here, run_at(2))
    assert not pull(URL, here)
    # Never pushed: nobody else has it.
    assert content(here) == run_at(2)
    push(here, URL)
    fill(far, {})
    assert not pull(URL, here)
    assert not here.exists()


def test_only_what_has_changed_is_sent_and_what_is_gone_is_removed(far, tmp_path, bucket):
    here = tmp_path / "here"
    fill(here, run_at(2))
    push(here, URL)
    bucket.requests.clear()
    fill(here, run_at(3))
    push(here, URL)
    assert {what for what in bucket.requests if what.startswith(("put", "rm"))} == {
        "put model.npz", "put state.json", "put metrics.jsonl", "put model.keras",
        f"put {MARKER}", "rm model.npz", "rm state.json",
    }  # fmt: skip
    assert bucket.requests["put model.npz"] == 1
    assert content(far).keys() == run_at(3).keys() | {MARKER}


def test_a_push_interrupted_anywhere_is_not_taken_for_a_checkpoint(
    far, tmp_path, bucket, monkeypatch
):
    """The network goes after every possible number of requests, in the last push of a run."""
    monkeypatch.setattr(parallel, "_THREADS", 1)
    ask, outcomes = bucket._ask, []
    for allowed in range(12):
        fill(far, {})
        here, there = tmp_path / f"here_{allowed}", tmp_path / f"there_{allowed}"
        fill(here, run_at(2))
        push(here, URL)
        fill(here, run_at(3, finished=True) | {".pushed.json": (here / ".pushed.json").read_text()})
        left = allowed

        def asking(self, what, path):
            nonlocal left
            left -= what in ("put", "rm")
            if left < 0 and what in ("put", "rm"):
                raise ConnectionResetError("connection reset")
            return ask(self, what, path)

        with monkeypatch.context() as patch:
            patch.setattr(bucket, "_ask", asking)
            is_pushed = True
            try:
                push(here, URL)
            except InputError:
                is_pushed = False
        assert pull(URL, there)
        found = content(there)
        outcomes.append("result.json" in found)
        step = 3 if "result.json" in found else 2
        checkpoints = {name for name in found if "checkpoints" in name}
        assert {name: found[name] for name in checkpoints} == {
            name: text for name, text in run_at(step).items() if "checkpoints" in name
        }
        # Curves may be longer than the checkpoint knows, never shorter.
        assert found["metrics.jsonl"].startswith(run_at(step)["metrics.jsonl"])
        # The copy that could not be pushed goes on from where it is, and is pushed the next time.
        assert pull(URL, here)
        push(here, URL)
        assert pull(URL, there)
        assert content(there) == content(here) == run_at(3, finished=True)
        if is_pushed:
            break
    assert outcomes[0] is False
    assert outcomes[-1] is True
    assert outcomes == sorted(outcomes)
    assert is_pushed


def test_of_two_machines_the_last_push_counts(far, tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    fill(one, run_at(2))
    push(one, URL)
    pull(URL, two)
    (two / "metrics.jsonl").write_text("longer")
    push(two, URL)
    (one / "checkpoints" / "extra").write_text("of a step that nobody else knows")
    assert pull(URL, one)
    assert content(one) == content(two)


def test_a_run_that_something_else_has_copied_there_can_be_read(far, tmp_path):
    for step in (2, 3):
        fill(far, run_at(step) | {".lock": "", "checkpoints/.step-9.writing/x": ""})
        folder = remote_workdir.copy_to_read(URL)
        assert content(folder) == run_at(step)
        assert not list(folder.rglob(".*"))
    push(folder, URL)
    assert remote_workdir.copy_to_read(URL) == folder != local_folder(URL)
    assert content(folder) == run_at(3)
    fill(far, {})
    with pytest.raises(InputError, match=f"^{URL}: no run here; launch.train makes one$"):
        remote_workdir.copy_to_read(URL)


def test_an_evaluation_is_put_beside_the_run_and_stays_there(far, tmp_path):
    trains, scores = tmp_path / "trains", tmp_path / "scores"
    fill(trains, run_at(2))
    push(trains, URL)
    pull(URL, scores)
    evaluation = {"evaluation/test.json": "{}", "report.html": "report"}
    fill(scores, run_at(2) | evaluation)
    fill(trains, run_at(3))
    push(trains, URL)
    remote_workdir.push_evaluation(scores, URL)
    assert pull(URL, tmp_path / "there")
    assert content(tmp_path / "there") == run_at(3)
    push(trains, URL)
    assert content(far).keys() == {*run_at(3), *evaluation, MARKER}


def test_copies_are_in_the_cache_one_for_each_url(bucket, tmp_path):
    folders = {local_folder(f"bucket://{name}/run") for name in "ab"}
    assert len(folders) == 2
    assert {folder.parent for folder in folders} == {tmp_path / "cache" / "runs"}
    assert local_folder(f"{URL}/") == local_folder(URL)
    assert local_folder(URL, tmp_path / "x").parent == tmp_path / "x" / "runs"


def test_processes_of_one_machine_fetch_a_copy_once_and_whole(far, tmp_path, bucket):
    """As those of a host with several GPUs, which all start together."""
    here, there = tmp_path / "here", tmp_path / "there"
    fill(here, run_at(2))
    push(here, URL)
    bucket.requests.clear()
    bucket.seconds = 0.02
    threads = [threading.Thread(target=pull, args=(URL, there)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert content(there) == run_at(2)
    fetched = {what: n for what, n in bucket.requests.items() if what.startswith("get")}
    assert sum(fetched.values()) == len(run_at(2))


def test_a_copy_that_a_live_process_trains_in_is_left_to_it(far, tmp_path):
    here, there = tmp_path / "here", tmp_path / "there"
    fill(here, run_at(3))
    push(here, URL)
    fill(there, run_at(2))
    with locked(there):
        assert pull(URL, there)
        assert content(there) == run_at(2)
    assert pull(URL, there)
    assert content(there) == run_at(3)
