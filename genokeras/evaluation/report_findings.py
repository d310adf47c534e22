"""What a reader of a report should worry about, and what was checked and found in order."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from genokeras.evaluation.finding import Finding
from genokeras.evaluation.leak_findings import leak_findings
from genokeras.evaluation.scores import by_task
from genokeras.evaluation.verdict import leading, verdict_level
from genokeras.metrics.coverage import JSD_DIFFERENCE
from genokeras.metrics.supervised import TITLES
from tfrecords.manifest import Manifest

# Logits; half of one moves a probability from 0.5 to 0.62.
_MAX_STRAND_DIFFERENCE = 0.5
# A sequence without information that is called positive more surely than this is suspicious.
_MAX_PROBE = 0.9
_MIN_PER_CLASS = 50
# Short runs are for trying things out: the presets take some thousand steps.
_MIN_STEPS = 300
# A metric still rises if the last quarter of a run took this share of what is missing to 1. With a
# learning rate that falls to the end, complete runs of the presets gain up to 0.04.
_MIN_GAIN = 0.05

History = Sequence[Mapping[str, Any]]


def findings(
    result: Mapping[str, Any], manifest: Manifest, histories: Sequence[History] = ()
) -> list[Finding]:
    """Returns all checks, what is worst first.

    Args:
      result: Of the evaluation, as SPLIT.json holds it.
      manifest: Of the dataset.
      histories: The rows of `metrics.jsonl` of every run.
    """
    found = [
        *_comparison(result),
        *_split(result, manifest),
        *leak_findings(result["split"], manifest.audit),
        *_gc_content(result, manifest.tasks),
        *_training(histories, leading(result)),
        *_calibration(result, manifest.tasks),
        *_made_up_sequences(result["probes"]),
        *_sizes(result, manifest),
    ]
    order = ("bad", "warn", "good")
    return sorted(found, key=lambda finding: order.index(finding.level))


def _comparison(result: Mapping[str, Any]) -> Iterator[Finding]:
    if "profile_jsd" in result:
        yield from _mean_profile(result)
        return
    if result["baseline"] is None:
        text = "No baseline was scored, so nothing says how easy these data are."
        yield Finding("warn", "No baseline", text)
        return
    if result[leading(result)] is None:
        text = "The score that would say so is undefined on this split."
        yield Finding("warn", "Better than 6-mers", text)
        return
    level = verdict_level(result)
    ends = (result["difference"] or {}).get(f"{leading(result)}_ci")
    if not ends:
        text = "There is no interval of the difference, so it may be chance."
    elif level == "good":
        text = "The interval of the difference lies above zero."
    elif level == "bad":
        text = "The interval of the difference lies below zero: use the baseline."
    else:
        text = "The interval of the difference holds zero: the model may be no better at all."
    yield Finding(level, "Better than 6-mers", text)


def _mean_profile(result: Mapping[str, Any]) -> Iterator[Finding]:
    """Yields whether coverage has the shape of its window rather than that of all windows."""
    if None in (result["profile_jsd"], result["mean_profile_jsd"]):
        return
    level, little = verdict_level(result), "the model has learnt little of where coverage lies."
    if not result.get(f"{JSD_DIFFERENCE}_ci"):
        text = "There is no interval of the difference, so it may be chance."
    elif level == "good":
        text = "The interval of the difference lies below zero."
    elif level == "bad":
        text = f"The interval of the difference lies above zero: {little}"
    else:
        text = f"The interval of the difference holds zero: {little}"
    yield Finding(level, "Better than the mean profile", text)


def _split(result: Mapping[str, Any], manifest: Manifest) -> Iterator[Finding]:
    if result["split"] == "train":
        text = "The model has seen these examples: scores on train say nothing about new ones."
        yield Finding("bad", "Scored on train", text)
    elif result["split"] == "valid":
        text = "Checkpoint and thresholds were chosen on this split: its scores flatter the model."
        yield Finding("warn", "Scored on valid", text)
    if manifest.task_type == "binary" and not manifest.splits.get("valid"):
        text = "Without one the last checkpoint was taken, and there is no threshold but 0.5."
        yield Finding("warn", "No valid split", text)


def _gc_content(result: Mapping[str, Any], tasks: Sequence[str]) -> Iterator[Finding]:
    compared = [
        (task, scores["gc_by_class"])
        for task, scores in zip(tasks, by_task(result, tasks), strict=True)
        if scores.get("gc_by_class", {}).get("auroc") is not None
    ]
    if not compared:
        return
    apart = [(task, found) for task, found in compared if found["separates"]]
    task, found = max(apart or compared, key=lambda entry: abs(entry[1]["auroc"] - 0.5))
    of_which = f" of {task}" if len(tasks) > 1 else ""
    text = (
        f"GC content alone has an AUROC of {found['auroc']:.3f}: it is {found['positives']:.1%} in "
        f"positives{of_which} and {found['negatives']:.1%} in negatives."
    )
    if len(tasks) > 1:
        text += f" It separates the classes of {len(apart)} of {len(tasks)} tasks."
    if apart:
        text += (
            " The negatives are not matched for it, so part of the score may be GC content; choose "
            "negatives that are, and see the scores by GC content below."
        )
    yield Finding("warn" if apart else "good", "GC content of the classes", text)


def _training(histories: Sequence[History], metric: str) -> Iterator[Finding]:
    if not any(histories):
        return
    short = [rows[-1]["step"] for rows in histories if rows and rows[-1]["step"] < _MIN_STEPS]
    gains = [gain for rows in histories if (gain := _last_gain(rows, metric)) is not None]
    rising = [gain for gain in gains if gain > _MIN_GAIN]
    level, seen = "warn", []
    if short:
        seen.append(f"{_of_runs(short, histories)} had only {min(short):,} steps")
    if rising:
        seen.append(
            f"the valid {TITLES[metric]} of {_of_runs(rising, histories)} was best at the end, and "
            f"the last quarter of training took {max(rising):.0%} of what was missing to 1"
        )
    if seen:
        text = "; ".join(seen)
        text = (
            f"{text[0].upper()}{text[1:]}. It may not have learnt all it can: train anew, in "
            "another --workdir, with more --epochs."
        )
    elif gains:
        level, text = "good", f"The valid {TITLES[metric]} no longer rose clearly at the end."
    else:
        return
    yield Finding(level, "Trained to the end", text)


def _of_runs(some: Sequence[Any], histories: Sequence[History]) -> str:
    return "the run" if len(histories) == 1 else f"{len(some)} of {len(histories)} runs"


def _last_gain(rows: History, metric: str) -> float | None:
    """Returns which share of the way from its best before to 1 the last quarter of a run took.

    It is 0 if the last value is not the best one, and None if there is nothing to compare. The loss
    on training examples says less: it falls to the last step if the learning rate does.
    """
    points = [(row["step"], row.get("valid", {}).get(metric)) for row in rows if row["step"]]
    points = [(step, value) for step, value in points if value is not None]
    before = [value for step, value in points if step <= 0.75 * rows[-1]["step"]]
    if not before:
        return None
    values = [value for _, value in points]
    if values[-1] < max(values) or max(before) >= 1:
        return 0.0
    return (values[-1] - max(before)) / (1 - max(before))


def _calibration(result: Mapping[str, Any], tasks: Sequence[str]) -> Iterator[Finding]:
    checked, poor = 0, []
    for task, scores in zip(tasks, by_task(result, tasks), strict=True):
        of_task = scores.get("calibration") or {}
        expected = of_task.get("ece_if_calibrated_ci")
        if of_task.get("ece") is None or not expected:
            continue
        checked += 1
        if of_task["ece"] > expected[1]:
            poor.append((task, of_task))
    if not checked:
        return
    if not poor:
        text = "Calibration errors are no larger than those of a calibrated model would be."
        yield Finding("good", "Calibration", text)
        return
    task, worst = max(poor, key=lambda entry: entry[1]["ece"])
    of_which = f" (of {len(poor)} of {len(tasks)} tasks; worst: {task})" if len(tasks) > 1 else ""
    text = (
        f"Probabilities are off by {worst['ece']:.3f} on average{of_which}; those of a calibrated "
        f"model would be off by {worst['ece_if_calibrated_ci'][1]:.3f} at most."
    )
    after, allowed = worst["ece_after_temperature"], worst["ece_if_calibrated_ci"][1]
    if after is not None and after <= allowed:
        text += f" Dividing logits by {worst['temperature']:.2f} makes that {after:.3f}."
    elif after is not None:
        text += " No temperature mends that."
    yield Finding("warn", "Calibration", text)


def _made_up_sequences(probes: Mapping[str, Any] | None) -> Iterator[Finding]:
    if probes is not None:
        yield from _strands(probes["reverse_complement"])
        yield from _probes(probes["sequences"])


def _strands(strands: Mapping[str, Any] | None) -> Iterator[Finding]:
    if strands is None:
        return
    most = strands["max_logit_difference"]
    text = (
        f"The logits of the two strands of {strands['n']:,} sequences differ by {most:.2g} at most."
    )
    level = "warn" if most > _MAX_STRAND_DIFFERENCE else "good"
    if level == "warn":
        text += " Averaging both strands, as predictions do by default, hides that."
    yield Finding(level, "Reverse complement", text)


def _probes(sequences: Sequence[Mapping[str, Any]]) -> Iterator[Finding]:
    simple = [probe for probe in sequences if not probe["name"].endswith(" repeat")]
    if not all("probabilities" in probe for probe in simple):
        return
    called = [
        f"{probe['name']} ({max(probe['probabilities']):.2f})"
        for probe in simple
        if max(probe["probabilities"]) > _MAX_PROBE
    ]
    if called:
        text = f"Called positive: {', '.join(called)}. The model may read composition, not motifs."
        yield Finding("warn", "Sequences without information", text)
    else:
        text = "No homopolymer, and no sequence of N only, is surely positive."
        yield Finding("good", "Sequences without information", text)


def _sizes(result: Mapping[str, Any], manifest: Manifest) -> Iterator[Finding]:
    if result.get("num_undefined"):
        one = "one class only" if manifest.task_type == "binary" else "constant targets"
        number = f"{result['num_undefined']} of {len(manifest.tasks)}"
        text = f"Tasks with {one}, which have no {TITLES[leading(result)]}: {number}."
        yield Finding("warn", "Undefined scores", text)
    described = manifest.statistics.get("splits", {}).get(result["split"], {}).get("tasks", {})
    few = [
        task
        for task, counts in described.items()
        if "positives" in counts and min(counts["positives"], counts["negatives"]) < _MIN_PER_CLASS
    ]
    if few:
        text = f"Fewer than {_MIN_PER_CLASS} examples of one class in {', '.join(few[:3])}"
        text += f" and {len(few) - 3} more tasks" if len(few) > 3 else ""
        yield Finding("warn", "Few examples", f"{text}: intervals are wide.")
