import copy

import pytest

from genokeras.evaluation.report_findings import findings
from tfrecords.manifest import Manifest
from tfrecords.schema import Feature, Schema

AUDIT = {
    "shared": {"train/test": {"sequences": 0}, "train/valid": {"sequences": 3}},
    "conflicts": {"sequences": 0},
    "on_leak": "drop",
}
COUNTS = {"test": {"tasks": {"bound": {"positives": 400, "negatives": 600}}}}
# A model with nothing to complain of.
SOUND = {
    "split": "test",
    "auroc": 0.9,
    "num_undefined": 0,
    "baseline": {"auroc": 0.8},
    "difference": {"auroc": 0.1, "auroc_ci": [0.05, 0.15]},
    "calibration": {
        "ece": 0.02, "ece_if_calibrated_ci": [0.01, 0.03], "ece_after_temperature": 0.01,
        "temperature": 1.5,
    },
    "gc_by_class": {"positives": 0.52, "negatives": 0.5, "auroc": 0.54, "separates": False},
    "probes": {
        "sequences": [
            {"name": "poly-A", "probabilities": [0.1]},
            {"name": "TGACTCA repeat", "probabilities": [0.99]},
        ],
        "reverse_complement": {"max_logit_difference": 0.0, "mean_logit_difference": 0.0, "n": 9},
    },
}  # fmt: skip


def manifest(audit=AUDIT, counts=COUNTS, splits=("train", "valid", "test"), tasks=("bound",)):
    schema = Schema((Feature("targets", "float32", (len(tasks),)),))
    statistics = {"splits": counts}
    shards = {name: ({},) for name in splits}
    return Manifest("tf0", schema, shards, tasks, audit=audit, statistics=statistics)


def found(changes=None, histories=(), **data):
    """Level and title -> text, of a sound result with changes (dotted names)."""
    result = copy.deepcopy(SOUND)
    for name, value in (changes or {}).items():
        *path, last = name.split(".")
        place = result
        for key in path:
            place = place[key]
        place[last] = value
    return {(f.level, f.title): f.text for f in findings(result, manifest(**data), histories)}


def test_nothing_is_wrong_with_a_sound_model():
    assert {level for level, _ in found()} == {"good"}
    assert len(found()) == 6


@pytest.mark.parametrize(
    ("changes", "finding", "text"),
    [
        (
            {"difference.auroc_ci": [-0.01, 0.02]},
            ("warn", "Better than 6-mers"),
            "The interval of the difference holds zero: the model may be no better at all.",
        ),
        (
            {"difference.auroc_ci": [-0.03, -0.01]},
            ("bad", "Better than 6-mers"),
            "The interval of the difference lies below zero: use the baseline.",
        ),
        (
            {"difference": {"auroc": 0.1}},
            ("warn", "Better than 6-mers"),
            "There is no interval of the difference, so it may be chance.",
        ),
        (
            {"baseline": None, "difference": None},
            ("warn", "No baseline"),
            "No baseline was scored, so nothing says how easy these data are.",
        ),
        (
            {"split": "valid"},
            ("warn", "Scored on valid"),
            "Checkpoint and thresholds were chosen on this split: its scores flatter the model.",
        ),
        (
            {"split": "train"},
            ("bad", "Scored on train"),
            "The model has seen these examples: scores on train say nothing about new ones.",
        ),
        (
            {"calibration.ece": 0.031},
            ("warn", "Calibration"),
            "Probabilities are off by 0.031 on average; those of a calibrated model would be off "
            "by 0.030 at most. Dividing logits by 1.50 makes that 0.010.",
        ),
        (
            {"calibration.ece": 0.041, "calibration.ece_after_temperature": 0.04},
            ("warn", "Calibration"),
            "Probabilities are off by 0.041 on average; those of a calibrated model would be off "
            "by 0.030 at most. No temperature mends that.",
        ),
        (
            {"probes.reverse_complement.max_logit_difference": 0.75},
            ("warn", "Reverse complement"),
            "The logits of the two strands of 9 sequences differ by 0.75 at most. Averaging both "
            "strands, as predictions do by default, hides that.",
        ),
        (
            {"probes.sequences": [{"name": "N only", "probabilities": [0.2, 0.95]}]},
            ("warn", "Sequences without information"),
            "Called positive: N only (0.95). The model may read composition, not motifs.",
        ),
        (
            {"num_undefined": 1},
            ("warn", "Undefined scores"),
            "Tasks with one class only, which have no AUROC: 1 of 1.",
        ),
        (
            {"auroc": None, "difference": {"auroc": None, "auroc_ci": None}},
            ("warn", "Better than 6-mers"),
            "The score that would say so is undefined on this split.",
        ),
    ],
)
def test_what_is_wrong_is_said(changes, finding, text):
    assert found(changes)[finding] == text


@pytest.mark.parametrize(
    ("data", "finding", "text"),
    [
        (
            {"audit": AUDIT | {"shared": {"train/test": {"sequences": 4}}, "on_leak": "warn"}},
            ("bad", "Leaks between splits"),
            "The test split shares sequences (4 with train) and they were kept: scores flatter.",
        ),
        (
            {"audit": AUDIT | {"shared": {"train/test": {"sequences": 4}}}},
            ("good", "Leaks between splits"),
            "The test split shared sequences (4 with train); they were taken out of training.",
        ),
        (
            {"audit": {}},
            ("warn", "No audit"),
            "The dataset does not say whether its splits share sequences.",
        ),
        (
            {"audit": AUDIT | {"conflicts": {"sequences": 7}}},
            ("warn", "Contradicting labels"),
            "7 sequences occur with different labels: no model gets all of them right.",
        ),
        (
            {"counts": {"test": {"tasks": {"bound": {"positives": 20, "negatives": 600}}}}},
            ("warn", "Few examples"),
            "Fewer than 50 examples of one class in bound: intervals are wide.",
        ),
        (
            {"splits": ("train", "test")},
            ("warn", "No valid split"),
            "Without one the last checkpoint was taken, and there is no threshold but 0.5.",
        ),
    ],
)
def test_what_is_wrong_with_the_data_is_said(data, finding, text):
    assert found(**data)[finding] == text


def test_copies_of_train_in_valid_are_no_matter_of_the_test_split():
    audit = AUDIT | {"on_leak": "warn"}
    assert found(audit=audit)[("good", "Leaks between splits")] == (
        "No sequence of the test split is in another one, on either strand. Those that are much "
        "alike were not looked for: build the dataset anew to know."
    )


def test_the_worst_comes_first():
    changes = {"split": "train", "calibration.ece": 0.5}
    levels = [level for level, _ in found(changes)]
    assert levels == sorted(levels, key=("bad", "warn", "good").index)
    assert {"bad", "warn", "good"} == set(levels)


def test_of_several_tasks_the_worst_calibrated_is_named():
    one = SOUND["calibration"]
    tasks = {"a": {"calibration": one}, "b": {"calibration": one | {"ece": 0.2}}}
    text = found({"tasks": tasks}, tasks=("a", "b"))[("warn", "Calibration")]
    assert text.startswith("Probabilities are off by 0.200 on average (of 1 of 2 tasks; worst: b)")


def test_stranded_models_and_regressions_have_fewer_checks():
    without = {"probes.reverse_complement": None, "calibration": None, "gc_by_class": {}}
    sequences = {"probes.sequences": [{"name": "poly-A", "predictions": [3.0]}]}
    titles = {title for _, title in found(without | sequences)}
    assert titles == {"Better than 6-mers", "Leaks between splits"}


def test_classes_that_differ_in_gc_content():
    gc = {"positives": 0.62, "negatives": 0.41, "auroc": 0.83, "separates": True}
    assert found()[("good", "GC content of the classes")] == (
        "GC content alone has an AUROC of 0.540: it is 52.0% in positives and 50.0% in negatives."
    )
    assert found({"gc_by_class": gc})[("warn", "GC content of the classes")] == (
        "GC content alone has an AUROC of 0.830: it is 62.0% in positives and 41.0% in negatives. "
        "The negatives are not matched for it, so part of the score may be GC content; choose "
        "negatives that are, and see the scores by GC content below."
    )


def test_of_several_tasks_the_one_that_gc_content_separates_most_is_shown():
    gc = SOUND["gc_by_class"]
    low = {"positives": 0.3, "negatives": 0.5, "auroc": 0.2, "separates": True}
    calibrated = {"calibration": SOUND["calibration"]}
    tasks = {"a": {"gc_by_class": gc, **calibrated}, "b": {"gc_by_class": low, **calibrated}}
    text = found({"tasks": tasks}, tasks=("a", "b"))[("warn", "GC content of the classes")]
    assert text.startswith("GC content alone has an AUROC of 0.200: it is 30.0% in positives of b")
    assert "It separates the classes of 1 of 2 tasks." in text
    tasks["b"] = {"gc_by_class": gc | {"auroc": None}, **calibrated}
    text = found({"tasks": tasks}, tasks=("a", "b"))[("good", "GC content of the classes")]
    assert "positives of a" in text


def history(*aurocs, steps=1000):
    """Evenly spaced evaluations, the last one at the end, after one of the start."""
    rows = [{"step": 0, "valid": {"auroc": 0.5}}]
    for number, auroc in enumerate(aurocs, start=1):
        step = steps * number // len(aurocs)
        rows += [{"step": step - 1, "train": {"loss": 1 / number}}]
        rows += [{"step": step, "valid": {"auroc": auroc}}]
    return rows


WAY_OUT = (
    " It may not have learnt all it can: train anew, in another --workdir, with more --epochs."
)
TITLE = "Trained to the end"


def test_a_run_that_still_rises_at_the_end():
    # At three quarters 0.3 was missing to 1, and 0.06 of it came since.
    assert found(histories=[history(0.6, 0.65, 0.7, 0.76)])[("warn", TITLE)] == (
        "The valid AUROC of the run was best at the end, and the last quarter of training took 20% "
        f"of what was missing to 1.{WAY_OUT}"
    )


@pytest.mark.parametrize(
    "aurocs",
    [(0.6, 0.8, 0.88, 0.885), (0.6, 0.9, 0.8, 0.85), (0.9, 1.0, 1.0, 1.0)],
    ids=["hardly rises", "was better before", "is perfect"],
)
def test_a_run_that_has_learnt_what_it_can(aurocs):
    assert found(histories=[history(*aurocs)])[("good", TITLE)] == (
        "The valid AUROC no longer rose clearly at the end."
    )


def test_a_run_of_few_steps_is_short_even_if_flat():
    flat = (0.6, 0.8, 0.88, 0.88)
    assert ("good", TITLE) in found(histories=[history(*flat, steps=300)])
    assert found(histories=[history(*flat, steps=299)])[("warn", TITLE)] == (
        f"The run had only 299 steps.{WAY_OUT}"
    )


def test_without_evaluations_only_the_steps_are_judged():
    rows = [{"step": step, "train": {"loss": 1.0}} for step in (1, 200)]
    assert found(histories=[rows])[("warn", TITLE)].startswith("The run had only 200 steps.")
    rows[-1]["step"] = 4000
    assert not [title for _, title in found(histories=[rows, []]) if title == TITLE]


def test_of_several_runs_those_that_ended_early_are_counted():
    flat, rising = history(0.8, 0.88, 0.88, 0.88), history(0.6, 0.65, 0.7, 0.76, steps=200)
    text = found(histories=[flat, rising, flat])[("warn", TITLE)]
    assert text.startswith(
        "1 of 3 runs had only 200 steps; the valid AUROC of 1 of 3 runs was best at the end"
    )


@pytest.mark.parametrize(
    ("jsd", "ends", "level", "said"),
    [
        (0.2, [-0.11, -0.09], "good", "The interval of the difference lies below zero."),
        (0.31, [-0.02, 0.04], "warn", "holds zero: the model has learnt little of where coverage"),
        (0.4, [0.08, 0.12], "bad", "lies above zero: the model has learnt little of where"),
        (0.2, None, "warn", "There is no interval of the difference, so it may be chance."),
    ],
)
def test_shapes_of_coverage_are_compared_with_the_mean_profile(jsd, ends, level, said):
    """By the difference: intervals of the two by themselves may overlap."""
    of_coverage = {"profile_jsd": jsd, "profile_jsd_ci": [0.1, 0.5], "mean_profile_jsd": 0.3}
    of_coverage["profile_jsd_difference_ci"] = ends
    seen = found(of_coverage | {"probes": None, "baseline": None})
    assert said in seen[level, "Better than the mean profile"]
    assert not {"No baseline", "Reverse complement"} & {title for _, title in seen}


def test_coverage_without_shapes_is_not_judged():
    none = {"profile_jsd": None, "mean_profile_jsd": None, "probes": None}
    assert "Better than the mean profile" not in {title for _, title in found(none)}
