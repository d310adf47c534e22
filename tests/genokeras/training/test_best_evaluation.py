import pytest

from genokeras.training.best_evaluation import BestEvaluation, best_evaluation
from genokeras.training.train_config import TrainConfig
from tfrecords.errors import InputError

METRICS = ["loss", "auroc", "auprc"]


def test_largest_auroc_and_smallest_loss_are_best():
    auroc, loss = BestEvaluation("auroc"), BestEvaluation("loss")
    values = [0.7, 0.9, 0.8, 0.9]
    assert [auroc.update(step, value) for step, value in enumerate(values)] == [
        True, True, False, False,
    ]  # fmt: skip
    assert [loss.update(step, value) for step, value in enumerate(values)] == [
        True, False, False, False,
    ]  # fmt: skip
    assert (auroc.best_step, auroc.best_score) == (1, 0.9)
    assert (loss.best_step, loss.best_score) == (0, 0.7)
    assert (auroc.criterion, loss.criterion) == ("auroc", "loss")


def test_the_last_is_the_best_if_it_is_to_be():
    tracker = BestEvaluation("last")
    assert all(tracker.update(step, value) for step, value in enumerate([0.7, 0.9, 0.8, None]))
    assert (tracker.best_step, tracker.best_score, tracker.criterion) == (3, None, "last")
    assert not tracker.should_stop


def test_stops_after_as_many_evaluations_as_patience():
    tracker = BestEvaluation("auroc", patience=2)
    stops = []
    for step, value in enumerate([0.6, 0.5, 0.7, 0.7, 0.65]):
        tracker.update(step, value)
        stops.append(tracker.should_stop)
    assert stops == [False, False, False, False, True]


def test_undefined_is_never_the_best_and_exhausts_patience():
    tracker = BestEvaluation("auroc", patience=2)
    assert not tracker.update(1, None)
    assert not tracker.update(2, None)
    assert tracker.should_stop
    assert tracker.best_step is None


def test_goes_on_from_a_state_as_if_nothing_had_happened():
    first = BestEvaluation("auroc", patience=2)
    first.update(1, 0.8)
    first.update(2, 0.7)
    second = BestEvaluation("auroc", patience=2)
    second.load_state(first.state())
    assert second == first


@pytest.mark.parametrize(
    ("training", "task_type", "metrics", "criterion", "shown", "patience"),
    [
        ({}, "binary", METRICS, "loss", "auroc", None),
        ({}, "regression", ["loss", "pearson_r"], "loss", "pearson_r", None),
        ({}, "coverage", ["loss", "pearson_r"], "loss", "pearson_r", None),
        ({}, "unlabelled", ["loss", "accuracy"], "loss", "accuracy", None),
        ({}, "binary", ["loss"], "loss", "loss", None),
        ({}, "binary", [], "last", "loss", None),
        ({"best_metric": "auprc"}, "binary", METRICS, "auprc", "auprc", None),
        ({"best_metric": "last"}, "binary", METRICS, "last", "auroc", None),
        ({"patience": 3}, "binary", METRICS, "loss", "auroc", 3),
        ({"best_metric": "auroc", "patience": 1}, "binary", METRICS, "auroc", "auroc", 1),
    ],
)
def test_what_is_followed(training, task_type, metrics, criterion, shown, patience):
    tracker = best_evaluation(TrainConfig(**training), task_type, metrics)
    assert (tracker.criterion, tracker.shown, tracker.patience) == (criterion, shown, patience)


def test_unknown_metric_lists_the_known_ones():
    with pytest.raises(InputError) as error:
        best_evaluation(TrainConfig(best_metric="auroK"), "binary", METRICS)
    assert str(error.value) == (
        "best_metric=auroK: evaluations have no such metric. Did you mean 'auroc'? "
        "Metrics: loss, auroc, auprc; or last"
    )
