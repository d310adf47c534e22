import pytest

from genokeras.training.early_stopping import EarlyStopping, early_stopping
from genokeras.training.train_config import TrainConfig
from tfrecords.errors import InputError

METRICS = ["loss", "auroc", "auprc"]


def test_largest_auroc_and_smallest_loss_are_best():
    auroc, loss = EarlyStopping("auroc"), EarlyStopping("loss")
    values = [0.7, 0.9, 0.8, 0.9]
    assert [auroc.update(step, value) for step, value in enumerate(values)] == [
        True, True, False, False,
    ]  # fmt: skip
    assert [loss.update(step, value) for step, value in enumerate(values)] == [
        True, False, False, False,
    ]  # fmt: skip
    assert (auroc.best_step, auroc.best_score) == (1, 0.9)
    assert (loss.best_step, loss.best_score) == (0, 0.7)


def test_stops_after_as_many_evaluations_as_patience():
    tracker = EarlyStopping("auroc", patience=2)
    stops = []
    for step, value in enumerate([0.6, 0.5, 0.7, 0.7, 0.65]):
        tracker.update(step, value)
        stops.append(tracker.should_stop)
    assert stops == [False, False, False, False, True]


def test_undefined_is_never_the_best_and_exhausts_patience():
    tracker = EarlyStopping("auroc", patience=2)
    assert not tracker.update(1, None)
    assert not tracker.update(2, None)
    assert tracker.should_stop
    assert tracker.best_step is None


def test_goes_on_from_a_state_as_if_nothing_had_happened():
    first = EarlyStopping("auroc", patience=2)
    first.update(1, 0.8)
    first.update(2, 0.7)
    second = EarlyStopping("auroc", patience=2)
    second.load_state(first.state())
    assert second == first


@pytest.mark.parametrize(
    ("training", "task_type", "metrics", "metric", "patience"),
    [
        ({}, "binary", METRICS, "auroc", None),
        ({}, "regression", ["loss", "pearson_r"], "pearson_r", None),
        ({}, "binary", ["loss"], "loss", None),
        ({"early_stopping": "auprc"}, "binary", METRICS, "auprc", 5),
        ({"patience": 3}, "binary", METRICS, "auroc", 3),
        ({"early_stopping": "loss", "patience": 1}, "binary", METRICS, "loss", 1),
    ],
)
def test_what_is_followed(training, task_type, metrics, metric, patience):
    tracker = early_stopping(TrainConfig(**training), task_type, metrics)
    assert (tracker.metric, tracker.patience) == (metric, patience)


def test_unknown_metric_lists_the_known_ones():
    with pytest.raises(InputError) as error:
        early_stopping(TrainConfig(early_stopping="auroK"), "binary", METRICS)
    assert str(error.value) == (
        "early_stopping=auroK: evaluations have no such metric. Did you mean 'auroc'? "
        "Metrics: loss, auroc, auprc"
    )
