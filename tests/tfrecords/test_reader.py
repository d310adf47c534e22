"""Batches are a pure function of dataset, seed, epoch and step, for any number of hosts."""

import itertools
import pickle
import subprocess
import sys

import numpy as np
import pytest

from tfrecords import mapped_shards, reader, sequence
from tfrecords.errors import InputError
from tfrecords.schema import Feature, Schema

LENGTH = 7


def equal(left, right):
    assert left.keys() == right.keys()
    for name, values in left.items():
        np.testing.assert_array_equal(values, right[name], err_msg=name)


def concatenate(batches):
    batches = list(batches)
    return {name: np.concatenate([batch[name] for batch in batches]) for name in batches[0]}


def take(iterator, count):
    return list(itertools.islice(iterator, count))


def test_what_is_written_is_read(save, make_columns):
    columns = make_columns(100)
    split = save(columns).split("train")
    assert split.num_examples == 100
    equal(split.read(np.arange(100)), columns)


def test_rows_come_in_the_order_asked_for(save, make_columns):
    columns = make_columns(50)
    rows = np.random.default_rng(0).integers(0, 50, 200)
    batch = save(columns).split("train").read(rows)
    equal(batch, {name: values[rows] for name, values in columns.items()})
    assert batch["targets"].flags.writeable


def test_pieces_and_dropped_pages_do_not_show(save, make_columns, schema, monkeypatch):
    monkeypatch.setattr(mapped_shards, "_PIECE_BYTES", 7 * schema.stride)
    monkeypatch.setattr(mapped_shards, "_KEEP_BYTES", 0)
    columns = make_columns(100)
    split = save(columns).split("train")
    for _ in range(2):
        rows = np.random.default_rng(1).permutation(100)
        equal(split.read(rows), {name: values[rows] for name, values in columns.items()})


def test_a_sample_is_read_like_a_split_of_its_own(save, make_columns):
    split = save(make_columns(100)).split("train")
    small, large = split.sampled(0.1, seed=3), split.sampled(0.5, seed=3)
    assert (small.num_examples, large.num_examples, split.num_examples) == (10, 50, 100)
    rows = [set(part.read(np.arange(part.num_examples))["row"]) for part in (small, large)]
    # The smaller is a part of the larger, and another seed draws others.
    assert [len(found) for found in rows] == [10, 50]
    assert rows[0] < rows[1]
    assert set(split.sampled(0.1, seed=4).read(np.arange(10))["row"]) != rows[0]
    # Both ways of reading give every example of it once an epoch; workers get the same.
    for part in (small, pickle.loads(pickle.dumps(small))):
        trained = concatenate(take(part.train_batches(0, batch_size=5, seed=0), 2))["row"]
        scored = concatenate(part.eval_batches(5))["row"]
        assert set(trained) == set(scored) == rows[0]
    assert split.sampled(0.001, seed=0).num_examples == 1
    with pytest.raises(InputError, match="a fraction of 0 of a split, expected above 0, up to 1"):
        split.sampled(0, seed=0)


def test_more_shards_than_rows(save, make_columns):
    columns = make_columns(2)
    equal(
        save(columns, num_shards=5).split("train").read([1, 0]),
        {name: values[::-1] for name, values in columns.items()},
    )


def test_no_rows(save, make_columns):
    split = save(make_columns(0)).split("train")
    assert split.read([])["sequence"].shape == (0, 4)
    assert list(split.eval_batches(4)) == []


@pytest.mark.parametrize("rows", [[50], [0, -1]])
def test_rows_out_of_range(save, make_columns, rows):
    with pytest.raises(InputError, match=r"rows -?\d+ to \d+ of split train, which has 50"):
        save(make_columns(50)).split("train").read(rows)


@pytest.mark.parametrize("rows", [np.ones(50, bool), [1.5], ["a"]])
def test_rows_that_are_no_numbers_of_rows(save, make_columns, rows):
    with pytest.raises(InputError, match="rows are .*, expected whole numbers"):
        save(make_columns(50)).split("train").read(rows)


def test_an_unknown_split_lists_those_there_are(save, make_columns):
    with pytest.raises(InputError, match="no split 'tarin', there are train. Did you mean 'train'"):
        save(make_columns(5)).split("tarin")


def test_an_epoch_holds_every_row_once_and_in_another_order(save, make_columns):
    split = save(make_columns(96)).split("train")
    steps = split.steps_per_epoch(8)
    assert steps == 12
    batches = take(split.train_batches(0, batch_size=8, seed=0), 2 * steps)
    first, second = (concatenate(part)["row"] for part in (batches[:steps], batches[steps:]))
    assert sorted(first) == sorted(second) == list(range(96))
    assert (first != second).any()
    assert (first != np.arange(96)).any()


@pytest.mark.parametrize("num_hosts", [1, 2, 4])
@pytest.mark.parametrize("shuffle_block", [1, 16])
def test_iterator_equals_single_batches(save, make_columns, num_hosts, shuffle_block, monkeypatch):
    monkeypatch.setattr(reader, "_AHEAD_EXAMPLES", 20)
    split = save(make_columns(50)).split("train")
    for host in range(num_hosts):
        options = {"batch_size": 8, "seed": 3, "shuffle_block": shuffle_block}
        options |= {"host": host, "num_hosts": num_hosts}
        batches = split.train_batches(4, **options)
        for step in range(4, 4 + 15):
            equal(next(batches), split.train_batch(*divmod(step, 6), **options))


@pytest.mark.parametrize("num_hosts", [2, 4, 8])
def test_hosts_share_the_batch_of_one_host(save, make_columns, num_hosts):
    split = save(make_columns(50)).split("train")
    for step in range(3):
        whole = split.train_batch(1, step, batch_size=8, seed=0)
        parts = [
            split.train_batch(1, step, batch_size=8, seed=0, host=host, num_hosts=num_hosts)
            for host in range(num_hosts)
        ]
        equal(concatenate(parts), whole)
        assert len(set(whole["row"])) == 8


HOST = """
import sys
import numpy as np
from tfrecords.reader import Dataset
data_dir, host, output = sys.argv[1:]
split = Dataset(data_dir).split("train")
batches = split.train_batches(2, batch_size=16, seed=7, host=int(host), num_hosts=2)
parts = [next(batches) for _ in range(5)]
np.savez(output, **{name: np.stack([part[name] for part in parts]) for name in parts[0]})
"""


def test_two_processes_read_disjoint_parts_of_one_batch(save, make_columns, tmp_path):
    dataset = save(make_columns(50))
    outputs = [tmp_path / f"host_{host}.npz" for host in range(2)]
    processes = [
        subprocess.Popen([sys.executable, "-c", HOST, tmp_path, str(host), output])
        for host, output in enumerate(outputs)
    ]
    assert [process.wait() for process in processes] == [0, 0]
    hosts = [np.load(output) for output in outputs]
    whole = take(dataset.split("train").train_batches(2, batch_size=16, seed=7), 5)
    for step, batch in enumerate(whole):
        for name, values in batch.items():
            joined = np.concatenate([host[name][step] for host in hosts])
            np.testing.assert_array_equal(joined, values)
        assert not set(hosts[0]["row"][step]) & set(hosts[1]["row"][step])


def test_batches_do_not_depend_on_what_was_read_before(save, make_columns):
    dataset = save(make_columns(50))
    fresh = dataset.split("train").train_batch(3, 1, batch_size=8, seed=0)
    used = dataset.split("train")
    take(used.train_batches(0, batch_size=5, seed=1), 30)
    equal(used.train_batch(3, 1, batch_size=8, seed=0), fresh)


def test_batches_depend_on_seed_and_epoch(save, make_columns):
    split = save(make_columns(200)).split("train")
    rows = {
        tuple(split.train_batch(epoch, 0, batch_size=20, seed=seed)["row"])
        for seed in range(4)
        for epoch in range(4)
    }
    assert len(rows) == 16


def test_keys_belong_to_examples(save, make_columns):
    split = save(make_columns(48)).split("train")
    epochs = [
        concatenate(take(split.train_batches(start, batch_size=size, seed=0), 48 // size))
        for start, size in ((0, 8), (0, 16), (6, 8))
    ]
    keys = [epoch["key"][np.argsort(epoch["row"])] for epoch in epochs]
    assert keys[0].dtype == np.uint32
    np.testing.assert_array_equal(keys[0], keys[1])
    assert (keys[0] != keys[2]).all()
    assert len(np.unique(keys[0])) == 48


def turned(split, batch, columns):
    """Returns which examples of a batch are on the opposite strand, and checks all of them."""
    stored = columns["sequence"][batch["row"]]
    opposite = sequence.reverse_complement(stored, LENGTH)
    is_turned = (batch["sequence"] != stored).any(axis=1)
    np.testing.assert_array_equal(batch["sequence"], np.where(is_turned[:, None], opposite, stored))
    return is_turned


def test_half_of_the_examples_are_turned_by_a_coin_of_their_key(save, make_columns):
    columns = make_columns(2000)
    split = save(columns, reverse_complement="online").split("train")
    batch = split.train_batch(0, 0, batch_size=2000, seed=0)
    is_turned = turned(split, batch, columns)
    assert abs(is_turned.mean() - 0.5) < 4 * 0.5 / np.sqrt(2000)
    coin = dict(zip(batch["key"], is_turned, strict=True))
    for part in take(split.train_batches(0, batch_size=100, seed=0), 20):
        np.testing.assert_array_equal(
            turned(split, part, columns), [coin[key] for key in part["key"]]
        )
    other_epoch = split.train_batch(1, 0, batch_size=2000, seed=0)
    order = np.argsort(batch["row"]), np.argsort(other_epoch["row"])
    agreement = is_turned[order[0]] == turned(split, other_epoch, columns)[order[1]]
    assert abs(agreement.mean() - 0.5) < 4 * 0.5 / np.sqrt(2000)


@pytest.mark.parametrize(
    ("manifest", "argument", "expected"),
    [
        ("online", None, True),
        ("store", None, False),
        ("none", None, False),
        ("online", False, False),
        ("none", True, True),
    ],
)
def test_who_turns_is_in_the_manifest(save, make_columns, manifest, argument, expected):
    columns = make_columns(100)
    split = save(columns, reverse_complement=manifest).split("train")
    batch = split.train_batch(0, 0, batch_size=100, seed=0, reverse_complement=argument)
    assert turned(split, batch, columns).any() == expected


def test_targets_are_turned_with_the_sequence(save, make_columns):
    columns = make_columns(300)
    split = save(columns, strand_pairs=(1, 0)).split("train")
    batch = split.train_batch(0, 0, batch_size=300, seed=0)
    is_turned = turned(split, batch, columns)
    stored = columns["targets"][batch["row"]]
    # A palindrome and its turned self look the same, so rows whose bytes did not change are free.
    np.testing.assert_array_equal(batch["targets"][is_turned], stored[is_turned][:, ::-1])
    assert (batch["targets"][~is_turned] == stored[~is_turned]).all(axis=1).mean() > 0.98


def test_weight_is_one_where_none_is_stored(save, make_columns):
    split = save(make_columns(20)).split("train")
    weight = split.train_batch(0, 0, batch_size=10, seed=0)["weight"]
    assert weight.dtype == np.float32
    np.testing.assert_array_equal(weight, np.ones((10, 2)))


def test_weight_of_tracks_is_one_per_example_and_task(save):
    schema = Schema((Feature("targets", "float16", (5, 2)),))
    split = save({"targets": np.zeros((9, 5, 2), np.float16)}, schema=schema).split("train")
    batch = split.train_batch(0, 0, batch_size=4, seed=0)
    np.testing.assert_array_equal(batch["weight"], np.ones((4, 2)))


def test_weight_without_targets_is_one_per_example(save):
    schema = Schema((Feature("row", "int64", ()),))
    split = save({"row": np.arange(9)}, schema=schema, tasks=()).split("train")
    batch = split.train_batch(0, 0, batch_size=4, seed=0)
    assert batch["weight"].shape == (4,)


def test_a_split_can_be_sent_to_another_process(save, make_columns):
    columns = make_columns(20)
    copy = pickle.loads(pickle.dumps(save(columns).split("train")))
    equal(copy.read(np.arange(20)), columns)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch_size": 51}, "batch_size=51, expected 1 to 50, the number of examples of split"),
        ({"batch_size": 0}, "batch_size=0, expected a positive multiple of num_hosts=1"),
        ({"num_hosts": 3}, "batch_size=8, expected a positive multiple of num_hosts=3"),
        ({"host": 2, "num_hosts": 2}, "host=2, expected 0 to 1 for num_hosts=2"),
        ({"shuffle_block": 0}, "shuffle_block=0, expected a positive number of records"),
        ({"seed": -1}, "seed=-1, expected a whole number"),
    ],
)
def test_options_that_cannot_be(save, make_columns, options, message):
    split = save(make_columns(50)).split("train")
    with pytest.raises(InputError, match=message):
        next(split.train_batches(0, **{"batch_size": 8, "seed": 0, **options}))


def test_a_step_past_the_epoch(save, make_columns):
    split = save(make_columns(50)).split("train")
    with pytest.raises(InputError, match="step 6 of an epoch that has 6 steps, counted from 0"):
        split.train_batch(0, 6, batch_size=8, seed=0)


def test_tracks_are_turned_with_the_sequence(save):
    # Three bins of two tasks, the two strands of one assay.
    schema = Schema((Feature("sequence", "uint8", (3,), 6), Feature("targets", "float32", (3, 2))))
    columns = {
        "sequence": sequence.encode(["AAACCC"] * 40, 6),
        "targets": np.tile(np.arange(6, dtype=np.float32).reshape(1, 3, 2), (40, 1, 1)),
    }
    split = save(columns, schema=schema, strand_pairs=(1, 0)).split("train")
    batch = split.train_batch(0, 0, batch_size=40, seed=0)
    texts = sequence.decode(batch["sequence"], 6)
    assert set(texts) == {"AAACCC", "GGGTTT"}
    for text, targets in zip(texts, batch["targets"].tolist(), strict=True):
        forward = text == "AAACCC"
        assert targets == ([[0, 1], [2, 3], [4, 5]] if forward else [[5, 4], [3, 2], [1, 0]])
