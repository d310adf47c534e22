import pytest

from genokeras.evaluation.verdict import leading, verdict, verdict_level


def scores(model, baseline, ends, name="auroc"):
    return {
        name: model,
        "baseline": {name: baseline},
        "difference": {name: model - baseline, f"{name}_ci": ends},
    }


@pytest.mark.parametrize(
    ("model", "baseline", "ends", "sentence"),
    [
        (0.95, 0.9, [0.02, 0.08], "The model beats the 6-mer baseline: "),
        (0.91, 0.9, [-0.01, 0.03], "The model is not clearly better than the 6-mer baseline: "),
        (0.89, 0.9, [-0.03, 0.01], "The 6-mer baseline is ahead of the model, which may be chance"),
        (0.85, 0.9, [-0.08, -0.02], "The 6-mer baseline beats the model: "),
        (0.95, 0.9, None, "The model is ahead of the 6-mer baseline (no interval was asked for): "),
        (0.85, 0.9, None, "The 6-mer baseline is ahead of the model (no interval was asked for): "),
    ],
)
def test_the_sentence_is_as_sure_as_the_interval(model, baseline, ends, sentence):
    assert verdict(scores(model, baseline, ends)).startswith(sentence)


def test_numbers_are_in_it():
    assert verdict(scores(0.85, 0.9, [-0.08, -0.02])) == (
        "The 6-mer baseline beats the model: AUROC 0.8500 against 0.9000, difference -0.0500 "
        "[-0.0800, -0.0200]."
    )
    found = verdict(scores(0.5, 0.25, None, "pearson_r"))
    assert found.endswith("Pearson r 0.5000 against 0.2500, difference +0.2500.")


def test_without_baseline_or_score_there_is_none():
    assert verdict({"auroc": 0.9, "baseline": None, "difference": None}) is None
    missing = {"auroc": None, "baseline": {"auroc": 0.5}, "difference": {"auroc": None}}
    assert verdict(missing) is None


def test_the_leading_score_is_that_of_the_task_type():
    assert leading({"loss": 1, "auroc": 0.5}) == "auroc"
    assert leading({"loss": 1, "pearson_r": 0.5}) == "pearson_r"


@pytest.mark.parametrize(
    ("ends", "level"), [([0.1, 0.2], "good"), ([-0.1, 0.2], "warn"), ([-0.2, -0.1], "bad")]
)
def test_level_of_the_verdict(ends, level):
    assert verdict_level({"auroc": 1, "difference": {"auroc_ci": ends}}) == level


def coverage(jsd, ends, of_mean=0.3):
    scores = {"profile_jsd": jsd, "mean_profile_jsd": of_mean, "pearson_r": 0.5}
    return scores | {"profile_jsd_difference_ci": ends}


@pytest.mark.parametrize(
    ("jsd", "ends", "level", "sentence"),
    [
        (0.2, [-0.12, -0.08], "good", "are closer to the true ones than the mean or a flat"),
        (0.31, [-0.02, 0.04], "warn", "are not clearly closer to the true ones than the mean or a"),
        (0.4, [0.08, 0.12], "bad", "are further from the true ones than the mean or a flat"),
        (0.2, None, "warn", "are closer to the true ones than the mean or a flat profile (there"),
        (0.4, None, "warn", "are further from the true ones than the mean or a flat profile ("),
    ],
)
def test_coverage_is_judged_by_its_shapes(jsd, ends, level, sentence):
    found = coverage(jsd, ends)
    assert verdict(found).startswith(f"Predicted shapes {sentence}")
    assert verdict_level(found) == level


def test_numbers_of_shapes_are_in_it():
    assert verdict(coverage(0.2, [-0.12, -0.08])).endswith(
        "profile: profile JSD 0.2000 against 0.3000 bits, difference -0.1000 [-0.1200, -0.0800]."
    )
    assert verdict(coverage(None, None)) is None
    assert verdict(coverage(0.2, None, of_mean=None)) is None
