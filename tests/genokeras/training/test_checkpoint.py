import json
import pathlib
import shutil
import subprocess

import numpy as np
import pytest

from genokeras.training import checkpoint
from tfrecords.errors import InputError

ARRAYS = {
    "model": {"conv/kernel": np.arange(6, dtype=np.float32).reshape(2, 3)},
    "optimizer": {"adam/iteration": np.array(7, np.int64)},
}
# One third has no exact decimal or binary form; a signalling pattern would be lost by text.
STATE = {"step": 7, "best": {"best_score": 1 / 3}}


@pytest.fixture
def folder(tmp_path):
    checkpoint.save(tmp_path, 7, ARRAYS, STATE)
    return tmp_path


def nothing(line):
    raise AssertionError(line)


def test_arrays_and_state_come_back_to_the_bit(folder):
    arrays, state = checkpoint.load(folder / "step-7")
    assert state == STATE
    assert arrays.keys() == ARRAYS.keys()
    for group, values in ARRAYS.items():
        for name, value in values.items():
            assert arrays[group][name].dtype == value.dtype
            np.testing.assert_array_equal(arrays[group][name], value)


def test_only_the_groups_asked_for_are_read(folder):
    (folder / "step-7" / "optimizer.npz").unlink()
    assert checkpoint.load(folder / "step-7", ["model"])[0].keys() == {"model"}


def test_the_standard_tool_checks_the_sums(folder):
    done = subprocess.run(
        ["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=folder / "step-7", check=False
    )
    assert done.returncode == 0


def test_nothing_is_pickled(folder):
    with np.load(folder / "step-7" / "model.npz", allow_pickle=False) as file:
        assert file.files == ["conv/kernel"]
    assert json.loads((folder / "step-7" / "state.json").read_text()) == STATE


@pytest.mark.parametrize("name", ["model.npz", "state.json"])
def test_flipped_byte_is_named(folder, name):
    path = folder / "step-7" / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(InputError) as error:
        checkpoint.load(folder / "step-7")
    assert str(error.value) == f"{path}: its sha256 is not the one in SHA256SUMS, it is damaged"


@pytest.mark.parametrize("name", ["model.npz", "state.json", "SHA256SUMS"])
def test_missing_file_is_named(folder, name):
    (folder / "step-7" / name).unlink()
    with pytest.raises(InputError) as error:
        checkpoint.load(folder / "step-7")
    missing = folder / "step-7" / name
    assert str(error.value) == f"{missing}: missing, this checkpoint is damaged"


def test_newest_is_found_by_number_and_not_by_name(folder):
    checkpoint.save(folder, 10, ARRAYS, STATE | {"step": 10})
    assert checkpoint.steps(folder) == [7, 10]
    assert checkpoint.load_newest(folder, nothing)[1]["step"] == 10


def test_damaged_one_is_passed_over_with_a_line(folder):
    checkpoint.save(folder, 8, ARRAYS, STATE | {"step": 8})
    truncated = folder / "step-8" / "optimizer.npz"
    truncated.write_bytes(truncated.read_bytes()[:-10])
    lines = []
    assert checkpoint.load_newest(folder, lines.append)[1]["step"] == 7
    assert lines == [
        f"{truncated}: its sha256 is not the one in SHA256SUMS, it is damaged; "
        "going back to the checkpoint before it"
    ]


@pytest.mark.parametrize("name", ["SHA256SUMS", "model.npz", "optimizer.npz", "state.json"])
@pytest.mark.parametrize(
    "damage", [lambda content: b"", lambda content: content[:40], lambda content: b"\xff" * 400]
)
def test_whatever_the_damage_the_one_before_is_taken(folder, name, damage):
    checkpoint.save(folder, 8, ARRAYS, STATE | {"step": 8})
    path = folder / "step-8" / name
    path.write_bytes(damage(path.read_bytes()))
    lines = []
    assert checkpoint.load_newest(folder, lines.append)[1]["step"] == 7
    assert len(lines) == 1
    assert lines[0].startswith(f"{folder / 'step-8'}")
    assert lines[0].endswith("; going back to the checkpoint before it")


def test_every_byte_of_the_sums_matters(folder):
    """Also to a reader that asks for some groups only: none is silently left out."""
    path = folder / "step-7" / "SHA256SUMS"
    content = path.read_bytes()
    for at in range(len(content) - 1):
        path.write_bytes(content[:at] + b"\xff" + content[at + 1 :])
        with pytest.raises(InputError, match="damaged"):
            checkpoint.load(folder / "step-7")
    wanted = content.index(b"model.npz")
    path.write_bytes(content[:wanted] + b"\xff" + content[wanted + 1 :])
    with pytest.raises(InputError) as error:
        checkpoint.load(folder / "step-7", ["model"])
    model = folder / "step-7" / "model.npz"
    assert str(error.value) == f"{model}: its sha256 is not the one in SHA256SUMS, it is damaged"


def test_arrays_that_are_none_are_damage_too(folder):
    """Sums that agree, as after a repair by hand, do not make a file of arrays."""
    path = folder / "step-7"
    (path / "model.npz").write_bytes(b"PK")
    sums = subprocess.run(
        ["sha256sum", "model.npz", "optimizer.npz", "state.json"], cwd=path, capture_output=True,
        check=True,
    )  # fmt: skip
    (path / "SHA256SUMS").write_bytes(sums.stdout)
    with pytest.raises(InputError, match=f"^{path}: .*; this checkpoint is damaged$"):
        checkpoint.load(path)


def test_all_damaged_is_an_error_and_not_a_fresh_start(folder):
    (folder / "step-7" / "state.json").write_text("{}")
    with pytest.raises(InputError) as error:
        checkpoint.load_newest(folder, lambda line: None)
    assert str(error.value).endswith(
        "it is damaged, and there is no other checkpoint to go back to; "
        "start the run again with --resume=never"
    )


def test_no_checkpoint_yet(tmp_path):
    assert checkpoint.load_newest(tmp_path / "checkpoints", nothing) is None


def test_half_written_and_half_deleted_ones_are_not_seen(folder):
    shutil.copytree(folder / "step-7", folder / ".step-9.writing")
    shutil.copytree(folder / "step-7", folder / ".step-5.deleting")
    assert checkpoint.steps(folder) == [7]
    checkpoint.prune(folder, 7, 1, ())
    assert [path.name for path in folder.iterdir()] == ["step-7"]


def test_best_outlives_the_newest(folder):
    for step in (8, 9, 10, 11):
        checkpoint.save(folder, step, ARRAYS, STATE)
        checkpoint.prune(folder, step, 2, {8, None})
    assert checkpoint.steps(folder) == [8, 10, 11]


def test_newly_written_one_outlives_later_ones_that_were_passed_over(folder):
    """Of 7, 20 and 30 the last two are damaged; the run has gone on from 7, and has come to 10."""
    for step in (10, 20, 30):
        checkpoint.save(folder, step, ARRAYS, STATE)
    checkpoint.prune(folder, 10, 1, ())
    assert checkpoint.steps(folder) == [10, 20, 30]


def test_saving_again_replaces(folder):
    checkpoint.save(folder, 7, ARRAYS, STATE | {"again": True})
    assert checkpoint.load(folder / "step-7")[1]["again"]
    assert [path.name for path in folder.iterdir()] == ["step-7"]


def test_kill_between_the_two_renames_of_a_replacement(folder, monkeypatch):
    """The old one is hidden, the new one not yet there: a run that goes on finds the old one."""
    rename = pathlib.Path.rename

    def killed(path, target):
        if path.name.endswith(".writing"):
            raise SystemExit
        return rename(path, target)

    monkeypatch.setattr(pathlib.Path, "rename", killed)
    with pytest.raises(SystemExit):
        checkpoint.save(folder, 7, ARRAYS, STATE | {"again": True})
    monkeypatch.undo()
    assert checkpoint.steps(folder) == []
    checkpoint.recover(folder)
    assert checkpoint.load_newest(folder, nothing)[1] == STATE
    checkpoint.save(folder, 7, ARRAYS, STATE | {"again": True})
    assert checkpoint.load_newest(folder, nothing)[1]["again"]
    assert [path.name for path in folder.iterdir()] == ["step-7"]


def test_old_one_that_was_replaced_does_not_come_back(folder):
    """Killed after the second rename, before the old one was removed."""
    shutil.copytree(folder / "step-7", folder / ".step-7.replaced")
    checkpoint.save(folder, 7, ARRAYS, STATE | {"again": True})
    shutil.copytree(folder / "step-7", folder / ".step-7.replaced")
    checkpoint.recover(folder)
    assert checkpoint.load_newest(folder, nothing)[1]["again"]


@pytest.mark.parametrize(
    ("most_bytes", "file"), [(1000, "model.npz"), (2500, "state.json"), (8, "model.npz")]
)
def test_what_cannot_be_written_is_named_and_leaves_nothing(
    folder, file_size_limit, most_bytes, file
):
    """A limit on the size of files stands in for a full disk; the one before is untouched."""
    arrays = {"model": {"kernel": np.zeros(300, np.float32)}}
    with file_size_limit(most_bytes), pytest.raises(OSError, match="File too large") as error:
        checkpoint.save(folder, 8, arrays, {"rows": "x" * 3000})
    assert error.value.filename == str(folder / ".step-8.writing" / file)
    assert [path.name for path in folder.iterdir()] == ["step-7"]
    assert checkpoint.load_newest(folder, nothing)[1] == STATE
