import json
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
STATE = {"step": 7, "early_stopping": {"best_score": 1 / 3}}


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


def test_all_damaged_is_an_error_and_not_a_fresh_start(folder):
    (folder / "step-7" / "state.json").write_text("{}")
    with pytest.raises(InputError) as error:
        checkpoint.load_newest(folder, lambda line: None)
    assert str(error.value).endswith(
        "it is damaged, and there is no other checkpoint to go back to; "
        "start the run again with --noresume"
    )


def test_no_checkpoint_yet(tmp_path):
    assert checkpoint.load_newest(tmp_path / "checkpoints", nothing) is None


def test_half_written_and_half_deleted_ones_are_not_seen(folder):
    shutil.copytree(folder / "step-7", folder / ".step-9.writing")
    shutil.copytree(folder / "step-7", folder / ".step-5.deleting")
    assert checkpoint.steps(folder) == [7]
    checkpoint.prune(folder, 1, ())
    assert [path.name for path in folder.iterdir()] == ["step-7"]


def test_best_outlives_the_newest(folder):
    for step in (8, 9, 10, 11):
        checkpoint.save(folder, step, ARRAYS, STATE)
        checkpoint.prune(folder, 2, {8, None})
    assert checkpoint.steps(folder) == [8, 10, 11]


def test_saving_again_replaces(folder):
    checkpoint.save(folder, 7, ARRAYS, STATE | {"again": True})
    assert checkpoint.load(folder / "step-7")[1]["again"]
    assert [path.name for path in folder.iterdir()] == ["step-7"]
