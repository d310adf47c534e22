import numpy as np
import pytest

from genokeras.evaluation.mistakes import confident_mistakes, describe_mistakes
from genokeras.evaluation.scores import Labels
from genokeras.evaluation.split_windows import SplitWindows
from tfrecords import sequence
from tfrecords.reader import Dataset


def labels_of(targets, weight=None):
    targets = np.asarray(targets, np.float32).reshape(len(targets), -1)
    weight = np.ones_like(targets) if weight is None else np.asarray(weight, np.float32)
    tasks = tuple(f"t{column}" for column in range(targets.shape[1]))
    return Labels("binary", tasks, targets, weight.reshape(targets.shape))


def test_the_worst_of_both_kinds_come_first():
    targets = [0, 1, 0, 1, 0, 1, 1]
    logits = np.array([3.0, -4, 1, -1, -2, 5, 2])[:, None]
    assert confident_mistakes(labels_of(targets), logits, 0).tolist() == [0, 2, 1, 3]
    # A missing label is no mistake.
    weight = [0, 1, 1, 1, 1, 1, 1]
    assert confident_mistakes(labels_of(targets, weight), logits, 0).tolist() == [2, 1, 3]


def test_ten_of_each_kind_at_most():
    logits = np.concatenate([np.arange(1.0, 31), -np.arange(1.0, 31)])[:, None]
    found = confident_mistakes(labels_of(np.repeat([0, 1], 30)), logits, 0)
    assert found.tolist() == [*range(29, 19, -1), *range(59, 49, -1)]


@pytest.fixture
def found(write_dataset, tmp_path):
    """Describes four mistakes of four test examples; train has two of the sequences."""

    def describe(strands="online", with_train=True):
        first, second, third, fourth = "ACGTACAA", "GGGGGGCC", "ACACACAC", "TTTTGGTT"
        opposite = sequence.decode(sequence.reverse_complement(sequence.encode([third], 8), 8), 8)[
            0
        ]
        train = [first, "CATCATGG", opposite, opposite]
        splits = {
            "train": (train, [[1, 0], [0, 0], [0, 1], [1, 1]], [[1, 1], [1, 1], [1, 1], [1, 0]]),
            "test": ([first, second, third, fourth], [[0, 0], [0, 1], [1, 0], [1, 1]], None),
        }
        dataset = Dataset(write_dataset(tmp_path / strands, splits, ("a", "b"), strands=strands))
        labels = Labels(
            "binary", ("a", "b"), np.array(splits["test"][1], np.float32), np.ones((4, 2))
        )
        logits = np.array([[3.0, -3], [2, 3], [-3, -3], [-2, -5]])
        windows = SplitWindows(dataset, "test"), SplitWindows(dataset, "train")
        return describe_mistakes(labels, np.array([7, 8, 9, 10]), logits, -logits, windows[0],
                                 windows[1:] if with_train else ())  # fmt: skip

    return describe


def test_what_is_said_of_a_mistake(found):
    first, *others = found()
    assert first == {
        "row": 7,
        "task": "a",
        "target": 0.0,
        "probability": pytest.approx(1 / (1 + np.exp(-3))),
        "baseline_probability": pytest.approx(1 / (1 + np.exp(3))),
        "gc_content": 3 / 8,
        "longest_repeat_bp": 2,
        "sequence": "ACGTACAA",
        "in_train": "label 1",
    }
    assert [(mistake["task"], mistake["row"]) for mistake in others] == [
        *(("a", 8), ("a", 9), ("a", 10), ("b", 10)),
    ]
    assert [mistake["longest_repeat_bp"] for mistake in others] == [6, 8, 4, 4]


def test_the_same_sequence_is_found_on_either_strand_with_the_label_of_the_task(found):
    by_row = {(mistake["row"], mistake["task"]): mistake["in_train"] for mistake in found()}
    assert by_row == {
        (7, "a"): "label 1",
        (8, "a"): None,
        (9, "a"): "both labels",
        (10, "a"): None,
        (10, "b"): None,
    }


def test_of_stranded_data_only_the_given_strand_is_the_same(found):
    by_row = {(mistake["row"], mistake["task"]): mistake["in_train"] for mistake in found("none")}
    assert by_row[7, "a"] == "label 1"
    assert by_row[9, "a"] is None


def test_nowhere_to_look_and_nothing_wrong(found):
    assert {mistake["in_train"] for mistake in found(with_train=False)} == {None}
    labels = labels_of([0, 1])
    logits = np.array([[-1.0], [1.0]])
    assert describe_mistakes(labels, np.arange(2), logits, None, None, ()) == []
