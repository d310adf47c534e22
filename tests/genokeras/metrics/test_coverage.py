"""Scores of coverage against NumPy, SciPy and scikit-learn on arrays that fit into memory."""

import numpy as np
import pytest
from scipy import stats
from scipy.spatial.distance import jensenshannon
from sklearn.metrics import r2_score

from genokeras.metrics.coverage import ALL, JSD_DIFFERENCE, CoverageScores, profile_jsd

TASKS = ("a", "b")


@pytest.fixture
def split():
    """Coverage, targets `[40, 16, 2]` and weights; some bins, tracks and windows are missing."""
    rng = np.random.default_rng(0)
    rates = rng.gamma(1.0, 4.0, (40, 16, 2))
    targets = rng.poisson(rates).astype(float)
    targets[3, 2:9, 0] = np.nan
    targets[7, :, 1] = np.nan
    targets[11, :, 0] = 0
    weight = np.ones((40, 2))
    weight[5, 1] = 0
    return rates, targets, weight


def scores(coverage, targets, weight, parts=1, tasks=TASKS, scale=()):
    found = CoverageScores(tasks, scale)
    for rows in np.array_split(np.arange(len(coverage)), parts):
        found.add({"coverage": coverage[rows]}, targets[rows], weight[rows])
    return found.result()


def by_hand(rates, targets, weight, track):
    true = np.where(weight[:, None, track] > 0, targets[..., track], np.nan)
    known = ~np.isnan(true)
    x, y = true[known], rates[..., track][known]
    windows = [w for w in range(len(true)) if known[w].any()]
    totals = np.array([(true[w][known[w]].sum(), rates[w, known[w], track].sum()) for w in windows])
    shaped = [w for w in windows if true[w][known[w]].sum() > 0]
    jsd = [jensenshannon(true[w][known[w]], rates[w, known[w], track], base=2) ** 2 for w in shaped]
    return {
        "pearson_r": np.corrcoef(x, y)[0, 1],
        "spearman_r": stats.spearmanr(x, y).statistic,
        "r2": r2_score(x, y),
        "log_total_r": np.corrcoef(*np.log1p(totals).T)[0, 1],
        "profile_jsd": np.mean(jsd),
        "n": len(windows),
    }


@pytest.mark.parametrize("parts", [1, 3, 40])
def test_equal_to_what_libraries_make_of_the_whole_split(split, parts):
    found = scores(*split, parts)
    for track, task in enumerate(TASKS):
        for name, expected in by_hand(*split, track).items():
            assert found["tasks"][task][name] == pytest.approx(expected, rel=1e-6), name
    for name in ("pearson_r", "spearman_r", "r2", "log_total_r", "profile_jsd", "mean_profile_jsd"):
        values = [found["tasks"][task][name] for task in TASKS]
        assert found[name] == pytest.approx(np.mean(values))
    assert (found["n"], found["num_undefined"]) == (40, 0)


def test_padding_counts_nowhere(split):
    """As the reader pads: with the first row, weight 0."""
    padded = [np.concatenate([part, part[:1], part[:1]]) for part in split]
    padded[2][-2:] = 0
    expected, found = scores(*split), scores(*padded, parts=7)
    for task, values in expected.pop("tasks").items():
        assert found["tasks"][task] == pytest.approx(values, rel=1e-9)
    assert {name: found[name] for name in expected} == pytest.approx(expected, rel=1e-9)
    nothing = [part[:4] for part in split]
    nothing[2] = np.zeros((4, 2))
    assert scores(*nothing)["pearson_r"] is None


def test_true_rates_are_nearer_than_the_mean_profile(split):
    rates, targets, weight = split
    found = scores(rates, targets, weight)
    assert found["profile_jsd"] < 0.5 * found["mean_profile_jsd"]
    flat = scores(np.ones_like(rates), targets, weight)
    assert flat["profile_jsd"] == pytest.approx(found["mean_profile_jsd"], rel=0.1)
    perfect = scores(np.nan_to_num(targets), targets, weight)
    assert perfect["profile_jsd"] == pytest.approx(0, abs=1e-9)
    assert perfect["pearson_r"] == pytest.approx(1)
    assert perfect["r2"] == pytest.approx(1)


def test_the_mean_profile_is_that_of_the_windows_before():
    """By hand: the second window is told by the first, the third by the mean of two shapes."""
    targets = np.array([[4.0, 0, 0, 0], [1.0, 1, 0, 0], [3.0, 0, 0, 0]])[..., None]
    told = ([0.5, 0.5, 0, 0], [1, 0, 0, 0]), ([1, 0, 0, 0], [0.75, 0.25, 0, 0])
    expected = np.mean([jensenshannon(*shapes, base=2) ** 2 for shapes in told])
    for parts in (1, 2, 3):
        found = scores(np.ones_like(targets), targets, np.ones((3, 1)), parts, tasks=("a",))
        assert found["mean_profile_jsd"] == pytest.approx(expected)
    assert "tasks" not in found


def test_where_a_flat_profile_is_closer_it_takes_the_place_of_the_mean():
    """Few windows with a bin each: their mean is told by chance, and half of the bins by none."""
    targets = np.eye(6)[[0, 5, 2, 3]][..., None]
    found = scores(np.ones_like(targets), targets, np.ones((4, 1)), tasks=("a",))
    expected = jensenshannon([1, 0, 0, 0, 0, 0], [1 / 6] * 6, base=2) ** 2
    assert found["mean_profile_jsd"] == pytest.approx(expected)
    # So a model that says nothing is not better than it.
    assert found["profile_jsd"] == pytest.approx(found["mean_profile_jsd"])


def test_one_bit_apart_is_the_most():
    x, y = np.array([[[1.0], [0.0]]]), np.array([[[0.0], [3.0]]])
    np.testing.assert_allclose(profile_jsd(x, y), [[1.0]])
    np.testing.assert_allclose(profile_jsd(x, 7 * x), [[0.0]])
    np.testing.assert_allclose(
        profile_jsd(x, np.array([[[1.0], [1.0]]])),
        [[jensenshannon([1, 0], [0.5, 0.5], base=2) ** 2]],
    )
    assert np.isnan(profile_jsd(x, 0 * x)).all()


def test_constant_tracks_are_counted_and_left_out_of_the_means(split):
    rates, targets, weight = split
    targets[..., 1] = 0
    found = scores(rates, targets, weight)
    assert found["num_undefined"] == 1
    assert found["tasks"]["b"]["pearson_r"] is None
    assert found["tasks"]["b"]["profile_jsd"] is None
    assert found["pearson_r"] == found["tasks"]["a"]["pearson_r"]


def test_stored_targets_are_scaled(split):
    rates, targets, weight = split
    found = scores(rates, targets / [1, 8], weight, scale=(1.0, 8.0))
    assert found == scores(rates, targets, weight)


def test_half_precision_is_enough_for_counts(split):
    rates, targets, weight = split
    halved = scores(rates.astype(np.float32), targets.astype(np.float16), weight)
    assert halved["pearson_r"] == pytest.approx(scores(rates, targets, weight)["pearson_r"], 1e-6)


def test_every_window_once_is_no_resample(split):
    found = CoverageScores(TASKS)
    for rows in np.array_split(np.arange(len(split[0])), 3):
        coverage, targets, weight = (part[rows] for part in split)
        found.add({"coverage": coverage}, targets, weight)
    result, once = found.result(), found.resampled(np.ones((1, found.num_groups)))
    for (task, name), values in once.items():
        of_task = result if task is ALL else result["tasks"][task]
        if name == JSD_DIFFERENCE:
            expected = of_task["profile_jsd"] - of_task["mean_profile_jsd"]
        else:
            expected = of_task[name]
        assert values == pytest.approx([expected], rel=1e-9), name
    expected = {name for name in result if "_" in name or name == "r2"} | {JSD_DIFFERENCE}
    assert {name for _, name in once} == expected - {"num_undefined"}


def test_a_difference_is_that_of_the_same_windows():
    """Windows of few reads are far from any shape: of the difference that cancels out."""
    rng = np.random.default_rng(0)
    depth = rng.choice([0.1, 100.0], (200, 1, 1))
    targets = rng.poisson(depth * np.ones((200, 16, 2))).astype(float)
    found = CoverageScores(TASKS)
    found.add({"coverage": np.ones_like(targets)}, targets, np.ones((200, 2)))
    counts = rng.multinomial(200, np.full(200, 1 / 200), size=200).astype(float)
    drawn = found.resampled(counts)
    names = "profile_jsd", "mean_profile_jsd"
    of_model, of_mean = (drawn[ALL, name] for name in names)
    np.testing.assert_allclose(drawn[ALL, JSD_DIFFERENCE], of_model - of_mean, atol=1e-12)
    assert drawn[ALL, JSD_DIFFERENCE].std() < 0.3 * min(of_model.std(), of_mean.std())


def test_a_resample_scores_as_if_its_windows_were_the_split(split):
    """The mean profile aside, which is that of the windows before."""
    drawn = np.random.default_rng(1).integers(40, size=40)
    found = CoverageScores(TASKS)
    found.add({"coverage": split[0]}, *split[1:])
    resampled = found.resampled(np.bincount(drawn, minlength=40)[None].astype(float))
    expected = scores(*(part[drawn] for part in split))
    for name in ("pearson_r", "r2", "log_total_r", "profile_jsd"):
        assert resampled[ALL, name] == pytest.approx([expected[name]], rel=1e-9), name
        for task in TASKS:
            assert resampled[task, name] == pytest.approx([expected["tasks"][task][name]], rel=1e-9)


def test_a_constant_has_no_correlation_in_any_resample(split):
    found = CoverageScores(TASKS)
    found.add({"coverage": np.full_like(split[0], 0.1)}, *split[1:])
    resampled = found.resampled(np.ones((3, 40)))
    assert np.isnan(resampled[ALL, "pearson_r"]).all()
    assert np.isfinite(resampled[ALL, "r2"]).all()
