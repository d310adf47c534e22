import numpy as np
import pytest
from scipy import stats

from genokeras.comparison import results, tables
from tfrecords.errors import InputError

SCORES = {  # Of configurations a and b, by dataset and seed.
    ("d", "a"): (0.80, 0.82), ("d", "b"): (0.90, 0.91), ("d", "c"): (0.80, None),
    ("e", "a"): (0.60, 0.60), ("e", "b"): (0.65, 0.66), ("e", "c"): (0.50, 0.52),
}  # fmt: skip
HEIGHTS = {"a": 1.0, "b": 0.5, "c": 1.5}


@pytest.fixture
def rows(planned, finish):
    """Two datasets; `c` has failed with seed 1 on the first. Errors from examples: 0.001 each."""
    rng = np.random.default_rng(0)
    of_dataset = {name: rng.normal(0, 0.01, 500) for name in "de"}
    for run in planned:
        score = SCORES[run.dataset.name, run.configuration.name][run.seed]
        if score is not None:
            own = rng.normal(0, 0.001 / np.sqrt(2), 500)
            samples = score + of_dataset[run.dataset.name] + own
            height = HEIGHTS[run.configuration.name] + run.seed
            height *= 1 + 1e-4 * run.seed  # So that differences vary a little.
            scores = {"auroc": score, "loss": height, "kl": height, "tasks": {"x.y": {"f1": 0.5}}}
            finish(run, scores, {"auroc": samples})
            continue
        finish(run, {})
        (run.workdir / "evaluation" / "test.json").unlink()
        record = run.record()
        record.problem, record.has_failed = "the loss is not finite", True
        run.save(record)
    return [results.row(run, "test", results.NOT_YET) for run in planned]


def line_of(lines, dataset, configuration):
    [found] = [x for x in lines if (x.dataset, x.configuration) == (dataset, configuration)]
    return found


def test_means_and_paired_differences(rows):
    lines = results.lines(rows, "auroc", "a")
    b = line_of(lines, "d", "b")
    assert b.score.mean == pytest.approx(0.905)
    assert b.score.covers == "examples and seeds"
    assert b.scores == {0: 0.90, 1: 0.91}
    assert b.difference.mean == pytest.approx(0.095)
    assert b.differences == {0: pytest.approx(0.1), 1: pytest.approx(0.09)}
    # What the choice of examples does to both runs drops out: 0.01 is left of the score's own
    # error, of the difference 0.001 over the square root of two seeds.
    assert b.score.error_of_examples == pytest.approx(0.01, rel=0.1)
    assert b.difference.error_of_examples == pytest.approx(0.001 / np.sqrt(2), rel=0.1)
    assert b.difference.error_of_seeds == pytest.approx(0.005)
    assert b.costs == {"parameters": 1234, "minutes": 0.5, "cpu_minutes": 1.0}
    of_reference = line_of(lines, "d", "a")
    assert (of_reference.difference, of_reference.p_corrected) == (None, None)


def test_p_values_are_corrected_within_a_dataset(rows):
    lines = results.lines(rows, "auroc", "a")
    b, c = line_of(lines, "e", "b"), line_of(lines, "e", "c")
    smaller, larger = sorted([b, c], key=lambda line: line.difference.p)
    assert smaller.p_corrected == pytest.approx(2 * smaller.difference.p)
    assert larger.p_corrected == pytest.approx(max(larger.difference.p, smaller.p_corrected))
    expected = stats.t.sf(0.055 / 0.005, 1) * 2  # Of the seeds alone.
    assert b.difference.p == pytest.approx(expected, rel=0.1)
    assert b.verdict == "not clear"


def test_a_missing_seed_is_missing_and_the_other_is_compared(rows):
    lines = results.lines(rows, "auroc", "a")
    c = line_of(lines, "d", "c")
    assert (c.scores, c.missing) == ({0: 0.80}, 1)
    assert c.score.covers == c.difference.covers == "examples"
    assert c.difference.mean == 0  # To the reference with the same seed.
    assert c.verdict == "not clear"
    failed = next(row for row in rows if row.state == results.FAILED)
    assert failed.reason == "the loss is not finite"
    assert tables.missing(lines, rows) == ["d, c, seed 1: the loss is not finite"]


def test_the_mean_of_datasets_is_over_seeds_that_all_have(rows):
    lines = results.lines(rows, "auroc", "a")
    b = line_of(lines, results.OF_ALL, "b")
    assert b.scores == {0: pytest.approx(0.775), 1: pytest.approx(0.785)}
    assert b.difference.mean == pytest.approx((0.1 + 0.05 + 0.09 + 0.06) / 4)
    assert b.score.error_of_examples == pytest.approx(0.01 / np.sqrt(2), rel=0.1)
    assert line_of(lines, results.OF_ALL, "c").scores == {0: pytest.approx(0.65)}


@pytest.mark.parametrize(
    ("metric", "expected"),
    [
        ("auroc", 1), ("loss", -1), ("cross_entropy_in_repeats", -1), ("mcc_at_threshold", 1),
        ("tasks.x.profile_jsd", -1), ("nll", -1), ("elbo", 1), ("kl", 0), ("active_units", 0),
    ],
)  # fmt: skip
def test_which_way_is_better(metric, expected):
    assert results.direction(metric) == expected


def test_better_and_worse(rows):
    for metric, expected in (("loss", ("better", "worse")), ("kl", ("lower", "higher"))):
        lines = results.lines(rows, metric, "a")
        assert tuple(line_of(lines, "e", name).verdict for name in "bc") == expected
        assert line_of(lines, "e", "b").difference.covers == "seeds"  # It has no resamples.


def test_scores_that_nobody_has(rows):
    assert results.default_metric(rows) == "auroc"
    results.check_metrics(rows, ["auroc", "tasks.x.y.f1", "parameters"])
    with pytest.raises(
        InputError, match=r"^no score 'aurok'. Did you mean 'auroc'\? Scores: auroc, loss, kl; and"
    ):
        results.check_metrics(rows, ["aurok"])
    assert results.default_metric([]) is None
    results.check_metrics([], ["anything"])


def test_tables(rows):
    lines = results.lines(rows, "auroc", "a")
    text = tables.markdown(lines, rows, "a", "test").splitlines()
    assert text[0] == "## d: auroc on test, more is better"
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text[2:7]]
    assert cells[0][:4] == ["configuration", "auroc", "difference to a", "p"]
    assert cells[2][0] == "a"
    assert cells[2][1].startswith("0.8100 [0.")
    assert cells[3][2].startswith("+0.0950 [+0.0")
    assert cells[3][5:] == ["2", "1,234", "0.5", "1.0"]
    assert cells[4][5] == "1 of 2"
    assert any(line.startswith("Where there is one seed, intervals and p are") for line in text)
    assert text[-1] == "- d, c, seed 1: the loss is not finite"
    columns, *values = [line.split("\t") for line in tables.tsv(lines).splitlines()]
    assert len(values) == 9
    of_b = dict(zip(columns, values[1], strict=True))
    assert of_b["configuration"] == "b"
    assert float(of_b["difference"]) == pytest.approx(0.095)
    assert of_b["seeds"] == "0,1"
    assert of_b["interval_covers"] == "examples and seeds"
    stored = tables.as_json(lines, rows, "a", "test")
    assert stored["rows"][0]["scores"]["auroc"] == 0.8
    assert {row["state"] for row in stored["rows"]} == {"done", "failed"}
