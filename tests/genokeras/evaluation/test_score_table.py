import pytest

from genokeras.evaluation.score_table import score_table


@pytest.fixture
def result():
    """As `evaluate` returns it, with few metrics."""
    return {
        "dataset": "tf0",
        "split": "test",
        "model": "cnn_attention",
        "checkpoint": "best",
        "step": 1080,
        "reverse_complement": True,
        "n": 1000,
        "auroc": 0.91412,
        "auroc_ci": [0.89771, 0.93104],
        "mcc": None,
        "threshold": 0.335,
        "baseline": {"auroc": 0.9, "auroc_ci": [0.88, 0.92], "mcc": 0.5, "threshold": 0.4},
        "difference": {"auroc": 0.01412, "auroc_ci": [-0.001, 0.02], "mcc": None},
    }


def test_columns_line_up(result):
    title, blank, *table = score_table(result).splitlines()
    assert title == "tf0, test split: 1,000 examples, both strands, checkpoint best (step 1080)"
    assert blank == ""
    assert [row[:64] for row in table] == [
        "            cnn_attention             6-mer baseline            ",
        "----------------------------------------------------------------",
        "auroc       0.9141 [0.8977, 0.9310]   0.9000 [0.8800, 0.9200]   ",
        "mcc         -                         0.5000                    ",
        "threshold   0.3350                    0.4000                    ",
    ]
    assert [row[64:] for row in table if row[0] != "-"] == [
        "difference",
        "+0.0141 [-0.0010, +0.0200]",
        "-",
        "-",
    ]


def test_without_a_baseline_there_is_one_column(result):
    text = score_table(result | {"baseline": None, "difference": None})
    assert "baseline" not in text
    assert "auroc       0.9141 [0.8977, 0.9310]\n" in text


def test_several_tasks_have_a_row_each(result):
    task = {"n": 600, "auroc": 0.8, "mcc": None}
    result["tasks"] = {"ctcf": task, "x" * 60: task | {"auroc": None}}
    result["baseline"]["tasks"] = dict.fromkeys(result["tasks"], {"auroc": 0.7})
    rows = score_table(result).splitlines()[-4:]
    assert rows[0].split() == ["task", "n", "auroc", "mcc", "6-mer", "auroc"]
    assert rows[2].split() == ["ctcf", "600", "0.8000", "-", "0.7000"]
    assert rows[3].split() == ["x" * 40, "600", "-", "-", "0.7000"]


def test_rows_at_a_threshold_are_explained(result):
    for scores in (result, result["baseline"]):
        scores["f1_at_threshold"] = 0.8
    assert "threshold: the probability with the best F1 on the valid split" in score_table(result)
    assert "f1_at_threshold   0.8000" in score_table(result)


def test_without_a_valid_split_there_are_no_rows_of_dashes(result):
    for scores in (result, result["baseline"]):
        scores |= {"threshold": None, "f1_at_threshold": None, "f1_at_threshold_ci": None}
    text = score_table(result)
    assert "threshold   " not in text
    assert text.endswith("\n\nNo rows at a threshold: there is no valid split to choose it on.")


def test_of_one_class_only_the_accuracy_at_a_threshold_is_left(result):
    """There is a valid split, so that there is none must not be said."""
    undefined = dict.fromkeys(("mcc_at_threshold", "f1_at_threshold"))
    text = score_table(result | {"accuracy_at_threshold": 0.9} | undefined)
    assert "no valid split" not in text
    assert "threshold: the probability with the best F1 on the valid split, of each model." in text


def test_who_is_better_is_the_last_line(result):
    sentence = "The 6-mer baseline beats the model: ..."
    assert score_table(result | {"verdict": sentence}).splitlines()[-2:] == ["", sentence]


def test_an_ensemble_has_a_row_per_member(result):
    members = [{"workdir": f"runs/fold{k}", "auroc": 0.9 + k / 100, "mcc": 0.5} for k in range(2)]
    text = score_table(result | {"members": members, "step": [900, 1080]})
    assert "checkpoint best (steps 900, 1080)" in text
    assert "            ensemble of 2             6-mer baseline" in text
    rows = [line.split() for line in text.splitlines()[-4:]]
    assert rows[0] == ["member", "auroc", "mcc"]
    assert rows[2:] == [["runs/fold0", "0.9000", "0.5000"], ["runs/fold1", "0.9100", "0.5000"]]
