"""Evaluation reads every example once, in order, on the strand it was stored."""

import numpy as np
import pytest

from tfrecords.schema import Feature, Schema


def concatenate(batches):
    batches = list(batches)
    return {name: np.concatenate([batch[name] for batch in batches]) for name in batches[0]}


def test_stored_weight_is_kept_and_padding_has_none(save):
    schema = Schema((Feature("targets", "float32", (2,)), Feature("weight", "float32", (2,))))
    weight = np.array([[0, 1]] * 5, np.float32)
    columns = {"targets": np.zeros((5, 2), np.float32), "weight": weight}
    batches = concatenate(save(columns, schema=schema).split("train").eval_batches(4))
    np.testing.assert_array_equal(batches["weight"], [[0, 1]] * 5 + [[0, 0]] * 3)


def test_evaluation_reads_everything_once_in_order_and_never_turned(save, make_columns):
    columns = make_columns(50)
    split = save(columns, "test").split("test")
    batches = list(split.eval_batches(8))
    assert {len(batch["row"]) for batch in batches} == {8}
    joined = concatenate(batches)
    for name, values in columns.items():
        np.testing.assert_array_equal(joined[name][:50], values)
        np.testing.assert_array_equal(joined[name][50:], values[[0] * 6])
    np.testing.assert_array_equal(joined["weight"], [[1, 1]] * 50 + [[0, 0]] * 6)
    again = concatenate(split.eval_batches(8))
    for name, values in joined.items():
        np.testing.assert_array_equal(again[name], values)


def test_evaluation_keys_do_not_depend_on_the_batch_size(save, make_columns):
    split = save(make_columns(50)).split("train")
    small, large = (concatenate(split.eval_batches(size))["key"][:50] for size in (4, 50))
    np.testing.assert_array_equal(small, large)
    assert len(set(small)) == 50


@pytest.mark.parametrize(("limit", "rows"), [(None, 50), (20, 20), (21, 21), (999, 50)])
def test_evaluation_can_be_limited(save, make_columns, limit, rows):
    joined = concatenate(save(make_columns(50)).split("train").eval_batches(10, limit=limit))
    assert joined["weight"][:, 0].sum() == rows


@pytest.mark.parametrize("num_hosts", [2, 4])
def test_evaluation_is_shared_by_hosts(save, make_columns, num_hosts):
    split = save(make_columns(50)).split("train")
    hosts = [
        list(split.eval_batches(8, host=host, num_hosts=num_hosts)) for host in range(num_hosts)
    ]
    for parts, whole in zip(zip(*hosts, strict=True), split.eval_batches(8), strict=True):
        joined = concatenate(parts)
        for name, values in whole.items():
            np.testing.assert_array_equal(joined[name], values)
