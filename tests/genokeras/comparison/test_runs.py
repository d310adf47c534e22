import json
import re

import pytest

from genokeras.comparison.runs import check_unchanged, cpu_seconds
from tfrecords.errors import InputError


def test_first_seeds_come_first(planned):
    assert [(run.seed, run.dataset.name, run.configuration.name) for run in planned][:7] == [
        (0, "d", "a"), (0, "d", "b"), (0, "d", "c"), (0, "e", "a"), (0, "e", "b"), (0, "e", "c"),
        (1, "d", "a"),
    ]  # fmt: skip
    assert planned[0].workdir == planned[0].folder / "runs" / "d" / "a" / "seed-0"
    assert planned[0].title == "d, a, seed 0"


def test_what_runs_have_cost_is_remembered(planned, finish):
    for run in planned[:3]:
        finish(run, {"auroc": 0.5})
    assert cpu_seconds(planned[0].folder) == 180
    assert planned[0].record().seconds == 30
    assert planned[0].parameters == 1234
    assert planned[3].record() is None


def test_scores_count_if_they_are_of_the_same_resamples_and_data(planned, finish):
    run = planned[0]
    assert run.scores("test") is None
    finish(run, {"auroc": 0.5})
    assert run.scores("test")["auroc"] == 0.5
    assert run.scores("valid") is None
    path = run.workdir / "evaluation" / "test.json"
    for name, value in {"num_bootstrap": 10, "checkpoint": "last", "manifest_sha256": "x"}.items():
        there = json.loads(path.read_text())
        path.write_text(json.dumps(there | {name: value}))
        assert run.scores("test") is None, name
        path.write_text(json.dumps(there))
    path.write_text("{")
    assert run.scores("test") is None


def test_other_flags_or_data_are_refused(planned, finish):
    finish(planned[0], {})
    check_unchanged(planned, ["--steps=2"])
    with pytest.raises(InputError, match=re.escape(
        "c.txt:1: a was begun with --steps=2 --preset=a and is now --steps=3 --preset=a; give it "
        f"another name, or delete {planned[0].folder}/runs/d/a"
    )):  # fmt: skip
        check_unchanged(planned, ["--steps=3"])
    record = planned[0].record()
    record.manifest_sha256 = "another"
    planned[0].save(record)
    with pytest.raises(InputError, match=re.escape(
        "data/d: not the dataset on which runs of d were begun; call it something else "
        f"(NAME=data/d), or delete {planned[0].folder}/runs/d"
    )):  # fmt: skip
        check_unchanged(planned, ["--steps=2"])
    planned[0].workdir.with_name("seed-0.json").write_text("{")
    with pytest.raises(InputError, match=r"seed-0\.json: not the record of a run; delete it, only"):
        check_unchanged(planned, ["--steps=2"])
