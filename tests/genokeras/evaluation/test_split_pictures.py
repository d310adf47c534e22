import numpy as np
import pytest

from genokeras.evaluation import split_pictures
from genokeras.evaluation.scores import Labels, score_split


@pytest.fixture
def drawn(monkeypatch):
    """What would have been drawn: the curves or clouds, and the title."""
    calls = []
    for name in ("draw_roc_pr", "draw_scatter"):
        monkeypatch.setattr(
            split_pictures, name, lambda parts, path, title: calls.append((parts, title))
        )
    return calls


def scored(task_type, num_tasks):
    rng = np.random.default_rng(0)
    targets = rng.integers(0, 2, (50, num_tasks)).astype(np.float32)
    weight = np.ones_like(targets)
    weight[:10, 0] = 0
    tasks = tuple(f"tf{task}" for task in range(num_tasks))
    labels = Labels(task_type, tasks, targets, weight)
    logits = rng.normal(targets)
    scores = score_split(labels, logits, num_bootstrap=20).values
    return {"dataset": "gue", "split": "test", "baseline": scores, **scores}, labels, logits


def test_one_task_is_labelled_by_model_and_baseline(drawn):
    result, labels, logits = scored("binary", 1)
    split_pictures.draw_split(result, labels, logits, logits, "unused.png")
    (model, baseline), title = drawn[0]
    assert title == "gue, test split: 40 examples"
    low, high = result["auroc_ci"]
    assert model.auroc == f"model: AUROC {result['auroc']:.3f} [{low:.3f}, {high:.3f}]"
    assert baseline.auprc.startswith("6-mer baseline: AUPRC 0.")
    assert (model.is_baseline, baseline.is_baseline) == (False, True)
    assert len(model.scores) == 40, "missing labels are left out"


@pytest.mark.parametrize(("num_tasks", "num_curves"), [(2, 4), (4, 4)])
def test_several_tasks_have_a_curve_each_and_few_of_them_the_baseline(drawn, num_tasks, num_curves):
    result, labels, logits = scored("binary", num_tasks)
    split_pictures.draw_split(result, labels, logits, logits, "unused.png")
    curves, _ = drawn[0]
    assert len(curves) == num_curves
    assert curves[1].auroc.startswith(f"tf1: AUROC {result['tasks']['tf1']['auroc']:.3f}")
    baselines = [curve.auprc.split(": AUPRC")[0] for curve in curves if curve.is_baseline]
    assert baselines == ["tf0, 6-mer baseline", "tf1, 6-mer baseline"][: num_curves - num_tasks]


def test_without_a_baseline_there_is_one_curve(drawn):
    result, labels, logits = scored("binary", 1)
    split_pictures.draw_split({**result, "baseline": None}, labels, logits, None, "unused.png")
    assert len(drawn[0][0]) == 1


def test_an_undefined_score_is_said_to_be(drawn):
    result, labels, logits = scored("binary", 1)
    result |= {"auroc": None, "auroc_ci": None}
    split_pictures.draw_split(result, labels, logits, None, "unused.png")
    assert drawn[0][0][0].auroc == "model: AUROC undefined"


def test_a_regression_is_drawn_as_points(drawn):
    result, labels, predictions = scored("regression", 2)
    split_pictures.draw_split(result, labels, predictions, None, "unused.png")
    clouds, _ = drawn[0]
    assert [len(cloud.targets) for cloud in clouds] == [40, 50]
    assert clouds[0].title.startswith("tf0\nPearson r 0.")
