import numpy as np
import pytest

from genokeras.evaluation import report_charts
from genokeras.evaluation.coverage_scores import ShownWindow

TARGETS = np.array([0.0, 0.0, 1.0, 1.0])


def test_curves_of_the_model_and_the_baseline():
    logits = {"model": TARGETS, "6-mer baseline": 1 - TARGETS}
    roc, pr = report_charts.curves(TARGETS, logits)
    for chart in (roc, pr):
        assert chart.count('class="line model"') == chart.count('class="line baseline"') == 1
        assert chart.index("line baseline") < chart.index("line model"), "the model lies above"
    # A perfect ranking goes up to the corner, then along the top.
    assert 'class="line model" d="M52 248L52 26L348 26"' in roc


def test_one_class_has_no_curves():
    assert report_charts.curves(np.ones(4), {"model": TARGETS}) == []
    assert report_charts.curves(np.ones(0), {"model": np.ones(0)}) == []


def test_a_scatter_has_a_dot_for_each_example_up_to_a_limit():
    (chart,) = report_charts.scatter(TARGETS, TARGETS * 2)
    assert chart.count("<circle") == 4
    (chart,) = report_charts.scatter(np.arange(5000.0), np.arange(5000.0))
    assert 700 <= chart.count("<circle") <= 900
    assert report_charts.scatter(np.ones(0), np.ones(0)) == []


def test_coverage_of_many_bins_is_drawn_as_means_of_what_is_known():
    true = np.repeat([[4.0, 0.0, 0.0]], 300, axis=0).ravel()
    true[:7] = np.nan
    window = ShownWindow("worst", "I:1-900", 0.5, true[:, None], np.full((900, 1), 3.0))
    (chart,) = report_charts.coverage([window], 0, 1)
    assert "Coverage, means of 3 bins" in chart
    assert "Worst window, r 0.50" in chart
    area = chart.split('class="area" d="')[1].split('"')[0]
    assert (area.count("M"), area.count("L")) == (1, 300 - 2)
    # Of the third mean the 4 is missing: it lies on the bottom, the others above.
    first, second = (float(place.split()[1]) for place in area.split("L")[1:3])
    assert (first, second) == (248, pytest.approx(248 - 222 * (4 / 3) / 3.15, abs=0.1))


def test_coverage_of_few_bins_is_drawn_as_it_is():
    window = ShownWindow("best", "row 0", 1.0, np.zeros((8, 1)), np.zeros((8, 1)))
    (chart,) = report_charts.coverage([window], 0, 32)
    assert ">Coverage<" in chart
    assert chart.index('class="area"') < chart.index('class="line model"')


def reliability_bins(*pairs):
    return [
        {"mean_probability": p, "share_positive": s, "share_positive_ci": [0.0, 1.0]}
        for p, s in pairs
    ]


@pytest.mark.parametrize(("after", "lines"), [(None, 0), (reliability_bins((0.2, 0.2)), 1)])
def test_reliability_with_and_without_a_temperature(after, lines):
    bins = reliability_bins((0.1, 0.2), (0.9, 0.7))
    found = {"bins": bins, "bins_after_temperature": after, "temperature": 1.25}
    (chart,) = report_charts.reliability(found)
    assert chart.count("<circle") == chart.count("whisker model") == 2
    assert chart.count('class="line third"') == lines
    assert ("after temperature 1.25" in chart) == bool(lines)


def test_no_calibration_no_picture():
    assert report_charts.reliability(None) == []
    assert report_charts.reliability({"bins": []}) == []


def test_groups_are_named_by_their_range_and_undefined_ones_are_left_out():
    found = [
        {"from": 0.31, "to": 0.4, "auroc": 0.8, "auroc_ci": [0.7, 0.9], "baseline_auroc": 0.7,
         "baseline_auroc_ci": None},
        {"from": 0.5, "to": 0.5, "auroc": None, "auroc_ci": None, "baseline_auroc": None,
         "baseline_auroc_ci": None},
    ]  # fmt: skip
    chart = report_charts.groups("gc_content", found, "auroc")
    assert "31–40%" in chart
    assert ">50%<" in chart
    assert chart.count("<circle") == 2
    assert chart.count("whisker") == 1


def test_learning_curves_skip_what_was_not_measured():
    rows = [
        {"step": 0, "valid": {"loss": 0.7, "auroc": None}},
        {"step": 5, "train": {"loss": 0.6}},
        {"step": 10, "train": {"loss": 0.5, "auroc": 0.8}, "valid": {"loss": 0.4, "auroc": 0.9}},
    ]
    loss, auroc = report_charts.learning(rows, 10, "auroc")
    assert loss.count('class="line') == 3  # Valid, train, and the best step.
    assert ">AUROC<" in auroc
    assert report_charts.learning(rows[1:2], 5, "auroc") == report_charts.learning(
        rows[1:2], 5, "pearson_r"
    )
    assert report_charts.learning([], 0, "auroc") == []
