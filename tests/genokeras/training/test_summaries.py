import json

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.backend.event_processing.event_file_loader import EventFileLoader

from genokeras.training import events
from genokeras.training.summaries import Summaries, read_rows, scalars

NOTHING = {"rows": [], "events": [], "sizes": {}}


def add(summaries, *steps):
    for step in steps:
        summaries.add(step, step / 10, {"train": {"loss": 1 / step}})


def save(summaries):
    """What the writer of checkpoints does; returns what the checkpoint keeps."""
    held = summaries.take()
    state = summaries.state(held)
    summaries.commit(held)
    return state


def curve(workdir, tag="train/loss"):
    accumulator = EventAccumulator(str(workdir / "tensorboard")).Reload()
    return [(event.step, event.value) for event in accumulator.Scalars(tag)]


def steps(workdir):
    return [row["step"] for row in read_rows(workdir)]


def test_rows_wait_for_the_commit(tmp_path):
    summaries = Summaries(tmp_path)
    add(summaries, 1, 2)
    assert read_rows(tmp_path) == []
    save(summaries)
    assert steps(tmp_path) == [1, 2]
    assert curve(tmp_path) == [(1, 1.0), (2, 0.5)]


def test_killed_before_the_commit_nothing_is_lost_or_doubled(tmp_path):
    """The rows are in the checkpoint, and the files get them when the run goes on."""
    first = Summaries(tmp_path)
    add(first, 1, 2)
    state = first.state(first.take())
    second = Summaries(tmp_path)
    second.rewind(state)
    add(second, 3)
    save(second)
    assert steps(tmp_path) == [1, 2, 3]
    assert [step for step, _ in curve(tmp_path)] == [1, 2, 3]


def test_what_comes_while_a_checkpoint_is_written_is_for_the_next_one(tmp_path):
    """The trainer goes on; sizes are those after the checkpoint before."""
    summaries = Summaries(tmp_path)
    add(summaries, 1)
    first = summaries.take()
    add(summaries, 2)
    second = summaries.take()
    add(summaries, 3)
    assert summaries.state(first)["sizes"] == {}
    summaries.commit(first)
    state = summaries.state(second)
    assert state["sizes"].keys() >= {"metrics.jsonl"}
    assert [row["step"] for row in state["rows"]] == [2]
    again = Summaries(tmp_path)
    again.rewind(state)
    assert steps(tmp_path) == [1, 2]
    assert [step for step, _ in curve(tmp_path)] == [1, 2]


def test_killed_after_the_commit_nothing_is_doubled(tmp_path):
    first = Summaries(tmp_path)
    add(first, 1)
    save(first)
    add(first, 2, 3)
    state = save(first)
    for _ in range(2):
        again = Summaries(tmp_path)
        again.rewind(state)
        assert steps(tmp_path) == [1, 2, 3]
        assert [step for step, _ in curve(tmp_path)] == [1, 2, 3]


def test_killed_in_the_middle_of_the_commit(tmp_path):
    """A row of which half was written is cut off."""
    first = Summaries(tmp_path)
    add(first, 1)
    save(first)
    add(first, 2)
    state = first.state(first.take())
    with (tmp_path / "metrics.jsonl").open("a") as file:
        file.write('{"step": 2, "epo')
    second = Summaries(tmp_path)
    second.rewind(state)
    assert steps(tmp_path) == [1, 2]


def test_back_to_an_older_checkpoint_takes_later_rows_away(tmp_path):
    summaries = Summaries(tmp_path)
    add(summaries, 1)
    old = save(summaries)
    add(summaries, 2)
    save(summaries)
    again = Summaries(tmp_path)
    again.rewind(old)
    assert steps(tmp_path) == [1]
    assert curve(tmp_path) == [(1, 1.0)]


def test_start_from_nothing_leaves_nothing_but_what_is_not_ours(tmp_path):
    summaries = Summaries(tmp_path)
    add(summaries, 1)
    save(summaries)
    (tmp_path / "tensorboard" / "notes.txt").write_text("mine")
    Summaries(tmp_path).rewind(NOTHING)
    assert read_rows(tmp_path) == []
    assert [path.name for path in (tmp_path / "tensorboard").iterdir()] == ["notes.txt"]


def test_numbers_that_json_lacks_are_null_and_not_drawn(tmp_path):
    summaries = Summaries(tmp_path)
    valid = {"auroc": None, "loss": 0.5, "n": 3, "num_undefined": 1}
    parts = {"train": {"gradient_norm": float("inf")}, "valid": valid}
    summaries.add(4, 0.4, parts)
    save(summaries)
    row = json.loads((tmp_path / "metrics.jsonl").read_text())
    assert row["train"] == {"gradient_norm": None}
    assert row["valid"] == valid
    assert dict(scalars(row)) == {"valid/loss": 0.5}


def test_tasks_have_curves_of_their_own():
    valid = {"auroc": 0.75, "tasks": {"CTCF": {"auroc": 0.9}, "SRF": {"auroc": 0.6}}}
    assert dict(scalars({"step": 1, "valid": valid})) == {
        "valid/auroc": 0.75,
        "valid/auroc/CTCF": 0.9,
        "valid/auroc/SRF": 0.6,
    }


def test_wall_time_is_that_of_the_measurement(tmp_path):
    summaries = Summaries(tmp_path)
    add(summaries, 1)
    state = summaries.state(summaries.take())
    again = Summaries(tmp_path)
    again.rewind(state)
    accumulator = EventAccumulator(str(tmp_path / "tensorboard")).Reload()
    assert accumulator.Scalars("train/loss")[0].wall_time == pytest.approx(state["rows"][0]["time"])


def note(text):
    return events.text("note", text)


def notes(workdir):
    accumulator = EventAccumulator(str(workdir / "tensorboard")).Reload()
    if "note" not in accumulator.Tags()["tensors"]:
        return []
    return [event.tensor_proto.string_val[0].decode() for event in accumulator.Tensors("note")]


def num_ends(workdir):
    """How many notes of a successful end the files hold; readers keep only one for each tag."""
    files = sorted((workdir / "tensorboard").iterdir())
    values = (
        value.tag
        for path in files
        for event in EventFileLoader(str(path)).Load()
        for value in event.summary.value
    )
    return sum(tag == "_hparams_/session_end_info" for tag in values)


def test_other_values_wait_like_rows_and_come_once(tmp_path):
    first = Summaries(tmp_path)
    first.begin([note("beginning")])
    first.add(1, 0.1, {"train": {"loss": 1.0}}, [note("step 1")])
    held = first.take()
    state = json.loads(json.dumps(first.state(held)))
    assert not (tmp_path / "tensorboard").exists()
    first.commit(held)
    for _ in range(2):
        again = Summaries(tmp_path)
        again.rewind(state)
        assert notes(tmp_path) == ["beginning", "step 1"]
        assert curve(tmp_path) == [(1, 1.0)]


def test_what_began_before_the_first_checkpoint_is_not_lost(tmp_path):
    """Killed between the checkpoint and its commit: nothing was written, all is in the state."""
    first = Summaries(tmp_path)
    first.begin([note("beginning")])
    state = first.state(first.take())
    second = Summaries(tmp_path)
    second.rewind(state)
    assert notes(tmp_path) == ["beginning"]


def test_an_end_that_was_not_the_end_is_taken_back(tmp_path):
    summaries = Summaries(tmp_path)
    add(summaries, 1)
    state = save(summaries)
    for _ in range(2):
        summaries.end(1)
        assert num_ends(tmp_path) == 1
        summaries = Summaries(tmp_path)
        summaries.rewind(state)
        assert num_ends(tmp_path) == 0


def test_the_end_writes_nothing_that_is_still_held_back(tmp_path):
    summaries = Summaries(tmp_path)
    add(summaries, 1)
    summaries.end(1)
    accumulator = EventAccumulator(str(tmp_path / "tensorboard")).Reload()
    assert accumulator.Tags()["scalars"] == []
