"""The plan holds every row once (or once a strand), in random order, in shards of equal size."""

import numpy as np
import pytest

from data_prep.plan import make_plan
from data_prep.scratch import Scratch
from tfrecords.schema import Feature, Schema

SCHEMA = Schema((Feature("row", "int64", ()), Feature("targets", "float32", (1,))))
TRAIN, VALID, TEST, DROPPED = 0, 1, 2, -2


@pytest.fixture
def rows(tmp_path):
    """Scratch columns of a thousand rows."""
    columns = {
        "row": ("int64", ()),
        "key": ("uint64", ()),
        "is_reverse": ("uint8", ()),
        "targets": ("float32", (1,)),
    }
    scratch = Scratch(tmp_path / "rows", columns)
    scratch.write([{name: np.zeros((1000, *shape)) for name, (_, shape) in columns.items()}])
    return scratch


@pytest.fixture
def plan(rows, tmp_path):
    def make(split, seed=0, stores_both_strands=False, num_shards=None, name="x", **options):
        made = make_plan(
            tmp_path / "order",
            name=name,
            schema=SCHEMA,
            scratch=rows,
            split=np.array(split, np.int8),
            seed=seed,
            stores_both_strands=stores_both_strands,
            num_shards=num_shards,
            identity=("key", "is_reverse"),
            **options,
        )
        return made, made.order.read("order")[:]

    return make


SPLIT = np.repeat([TRAIN, VALID, DROPPED, TEST], [600, 150, 50, 200])


def of_split(made, order, split):
    shards = [shard for shard in made.shards if shard.split == split]
    return np.concatenate([order[shard.start : shard.stop] for shard in shards])


def test_every_row_is_in_its_split_once(plan):
    made, order = plan(SPLIT)
    assert sorted(of_split(made, order, "train")) == list(range(600))
    assert sorted(of_split(made, order, "valid")) == list(range(600, 750))
    assert sorted(of_split(made, order, "test")) == list(range(800, 1000))
    assert made.num_examples == len(order) == 950


def test_order_is_random_and_known_by_its_seed(plan):
    """A table sorted by its labels must not give records sorted by their labels."""
    made, order = plan(SPLIT)
    train = of_split(made, order, "train")
    assert 120 < (train[:300] < 300).sum() < 180
    again, other = plan(SPLIT), plan(SPLIT, seed=1)
    assert again[0].digest == made.digest != other[0].digest
    assert (other[1] != order).any()


def test_both_strands_of_training_rows_only(plan):
    made, order = plan(SPLIT, stores_both_strands=True)
    train = of_split(made, order, "train")
    assert sorted(train[train >= 0]) == sorted(~train[train < 0]) == list(range(600))
    assert 240 < (train[:600] < 0).sum() < 360
    assert sorted(of_split(made, order, "valid")) == list(range(600, 750))


def test_number_of_shards_is_that_of_the_largest_split(plan):
    made, _ = plan(SPLIT, num_shards=6)
    sizes = {}
    for shard in made.shards:
        sizes.setdefault(shard.split, []).append(shard.stop - shard.start)
    assert sizes == {"train": [100] * 6, "valid": [75] * 2, "test": [100] * 2}
    assert made.shards[1].file == "x-train.tfrecord-00001-of-00006"


def test_small_data_is_one_shard_a_split_and_never_an_empty_one(plan):
    made, _ = plan(SPLIT)
    assert [shard.file for shard in made.shards] == [
        f"x-{split}.tfrecord-00000-of-00001" for split in ("train", "valid", "test")
    ]
    made, _ = plan(np.repeat([TRAIN, TEST], [998, 2]), num_shards=5000)
    assert len(made.shards) == 1000
    assert all(shard.stop - shard.start == 1 for shard in made.shards)


def test_digest_tells_all_that_decides_the_bytes(plan, rows):
    before = plan(SPLIT)[0].digest
    assert plan(SPLIT, name="y")[0].digest != before
    assert plan(SPLIT, num_shards=3)[0].digest != before
    assert plan(SPLIT, compression="gzip")[0].digest != before
    assert plan(SPLIT, strand_pairs=(0,))[0].digest != before
    assert plan(SPLIT, cut_sites=(0,))[0].digest != before
    assert plan(SPLIT[::-1])[0].digest != before
    rows.write([{name: np.ones((1000, *shape)) for name, (_, shape) in rows.columns.items()}])
    assert plan(SPLIT)[0].digest != before
