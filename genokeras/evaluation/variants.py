"""What the alternative allele of a variant changes in what trained models say.

Windows come as `variant_windows` of data_prep gives them, once for each shift; what models say is
averaged over shifts, and over both strands as in all predictions.

Shapes: `E` members of an ensemble, `N` alleles, windows of `L` bp, packed uint8 `[N, ceil(L/2)]`;
`T` tasks; scores float64 `[N]`, NaN where there is none.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from genokeras.evaluation import self_supervised
from genokeras.evaluation.coverage_scores import windows_at_a_time
from genokeras.evaluation.ensemble import Ensemble
from genokeras.evaluation.hidden_bases import HiddenBases, is_masked_model
from genokeras.evaluation.predictor import BATCH_SIZE
from genokeras.evaluation.scores import probability
from genokeras.metrics import classification
from genokeras.training.workdir import Run
from tfrecords.errors import InputError

Windows = Mapping[str, np.ndarray]


class Effects(Protocol):
    """Scores of variants by one kind of model.

    Attributes:
        fields: What each score is, by name, in order.
        judged: Those that say how much an allele changes.
        unscored: How many alleles had no score, by reason.
    """

    fields: dict[str, str]
    judged: tuple[str, ...]
    unscored: Counter[str]

    def scores(self, shifted: Sequence[Windows]) -> dict[str, np.ndarray]:
        """Returns the scores of alleles by name, given their windows for each shift."""


def load(runs: Sequence[Run], checkpoint: str | int = "best", **options: Any) -> Effects:
    """Returns the scores that fit the model of some runs; `options` are those of `Predictor.load`.

    Raises:
        InputError: Variants mean nothing to it, or there are several runs of a model without tasks.
    """
    first = runs[0]
    if is_masked_model(first):
        self_supervised.check(runs, ())
        return BaseEffects(HiddenBases.load(first, checkpoint, **options))
    if self_supervised.is_self_supervised(first):
        raise InputError(
            f"{first.workdir}: the model {first.model_name} has neither tasks nor probabilities of "
            "bases, which variants could change"
        )
    if first.spec.task_type == "coverage":
        size = windows_at_a_time(first.spec, options.get("batch_size", BATCH_SIZE))
        return CoverageEffects(Ensemble.load(runs, checkpoint, **options | {"batch_size": size}))
    return TaskEffects(Ensemble.load(runs, checkpoint, **options))


class TaskEffects:
    """Changes of logits, or of the predictions of a regression.

    The difference of logits is the logarithm of the ratio of odds, in nats. Of several runs it is
    the mean, with the standard deviation over them.
    """

    def __init__(self, ensemble: Ensemble):
        self._ensemble, self.unscored = ensemble, Counter()
        self._is_binary = ensemble.spec.task_type == "binary"
        self.fields, self.judged = {}, ()
        what = "Probability" if self._is_binary else "Prediction"
        change = "Difference of logits (log odds ratio)" if self._is_binary else "Difference"
        for task in ensemble.spec.tasks:
            names = self._names(task)
            self.judged += (names[2],)
            self.fields |= {
                names[0]: f"{what} of {task} with the reference allele",
                names[1]: f"{what} of {task} with the alternative allele",
                names[2]: f"{change} of {task}, alternative minus reference",
            }
            if len(ensemble.members) > 1:
                self.fields[names[3]] = f"Standard deviation of {names[2]} over the runs"
        self.fields["delta_l2"] = "Root of the sum over tasks of squared differences"
        self.judged += ("delta_l2",)

    def scores(self, shifted: Sequence[Windows]) -> dict[str, np.ndarray]:
        members = [
            _mean([self._ensemble.member_logits(x[name]) for x in shifted])
            for name in ("reference", "alternative")
        ]
        deltas = members[1] - members[0]
        given, changed, delta = (x.mean(axis=0) for x in (*members, deltas))
        if self._is_binary:
            given, changed = probability(given), probability(changed)
        columns = {}
        for column, task in enumerate(self._ensemble.spec.tasks):
            names = self._names(task)
            columns |= {names[0]: given[:, column], names[1]: changed[:, column]}
            columns[names[2]] = delta[:, column]
            if len(deltas) > 1:
                columns[names[3]] = deltas[:, :, column].std(axis=0, ddof=1)
        return columns | {"delta_l2": np.sqrt(np.sum(np.square(delta), axis=1))}

    def _names(self, task: str) -> tuple[str, str, str, str]:
        what = "probability" if self._is_binary else "prediction"
        delta = f"{task}_delta_logit" if self._is_binary else f"{task}_delta"
        return f"{task}_reference_{what}", f"{task}_alternative_{what}", delta, f"{delta}_std"


class CoverageEffects:
    """Changes of the coverage of a window, bin by bin, in the unit of the data (after Basenji).

    `sad` is the sum over bins of the differences, `sax` the largest of them, with its sign, and
    `log_fold` the binary logarithm of the ratio of sums, to each of which 1 is added
    (doi:10.1101/gr.227819.117).
    """

    def __init__(self, ensemble: Ensemble):
        self._ensemble, self.unscored, self.fields = ensemble, Counter(), {}
        for task in ensemble.spec.tasks:
            self.fields |= {
                f"{task}_sad": f"Sum over bins of the differences of {task}",
                f"{task}_sax": f"Largest difference of {task} in a bin, with its sign",
                f"{task}_log_fold": f"log2((sum + 1) / (sum + 1)) of {task} over bins",
            }
        self.judged = tuple(self.fields)

    def scores(self, shifted: Sequence[Windows]) -> dict[str, np.ndarray]:
        given, changed = (
            _mean([self._ensemble.logits(x[name]) for x in shifted]).astype(np.float64)
            for name in ("reference", "alternative")
        )
        delta = changed - given
        largest = np.abs(delta).argmax(axis=1)[:, None]
        sums = [np.log2(x.sum(axis=1) + 1) for x in (given, changed)]
        of_tasks = {
            "sad": delta.sum(axis=1),
            "sax": np.take_along_axis(delta, largest, axis=1)[:, 0],
            "log_fold": sums[1] - sums[0],
        }
        return {
            f"{task}_{name}": values[:, column]
            for column, task in enumerate(self._ensemble.spec.tasks)
            for name, values in of_tasks.items()
        }


class BaseEffects:
    """How much likelier the alternative is to a masked language model, in nats.

    Of a base in the place of another it is `ln p(alternative) - ln p(reference)` at that base,
    hidden, of which both windows are the same. Of all other alleles it is the difference of the
    pseudo-log-likelihoods of the two windows, each base of which is hidden in turn; where these
    have different numbers of bases, as next to an N or at the end of a chromosome, there is none.
    """

    fields = {
        "log_likelihood_ratio": "ln of alternative over reference at the hidden base",
        "pseudo_log_likelihood_difference": "Alternative minus reference, sums over the window",
    }
    judged = tuple(fields)

    def __init__(self, hidden: HiddenBases):
        self._hidden, self.unscored = hidden, Counter()

    def scores(self, shifted: Sequence[Windows]) -> dict[str, np.ndarray]:
        is_single = shifted[0]["reference_base"] >= 0
        ratio, difference = np.full((2, len(is_single)), np.nan)
        ratio[is_single] = _mean([self._ratio(x, is_single) for x in shifted])
        difference[~is_single] = _mean([self._difference(x, ~is_single) for x in shifted])
        if missing := int(np.isnan(difference[~is_single]).sum()):
            self.unscored["windows of different numbers of bases"] += missing
        return dict(zip(self.fields, (ratio, difference), strict=True))

    def _ratio(self, windows: Windows, chosen: np.ndarray) -> np.ndarray:
        shown, place = (windows[name][chosen] for name in ("reference", "place"))
        found = self._hidden.log_probabilities(shown, place)
        rows = np.arange(len(found))
        changed, given = (
            found[rows, windows[f"{name}_base"][chosen]].astype(np.float64)
            for name in ("alternative", "reference")
        )
        return changed - given

    def _difference(self, windows: Windows, chosen: np.ndarray) -> np.ndarray:
        (given, size), (changed, other_size) = (
            self._hidden.pseudo_log_likelihood(windows[name][chosen])
            for name in ("reference", "alternative")
        )
        return np.where(size == other_size, changed - given, np.nan)


def label_scores(
    columns: Mapping[str, np.ndarray], labels: np.ndarray
) -> dict[str, dict[str, float]]:
    """Returns `n`, `auroc` and `auprc` of each column, of its negative, and of its absolute value.

    Whether alleles that are labelled 1 raise or lower a score is not known beforehand. NaN, of
    scores or labels `[N]`, is left out.
    """
    found = {}
    for name, values in columns.items():
        known = ~(np.isnan(values) | np.isnan(labels))
        targets = labels[known]
        for title, scores in (
            (name, values[known]),
            (f"-{name}", -values[known]),
            (f"|{name}|", np.abs(values[known])),
        ):
            found[title] = {"n": len(targets)}
            for metric in (classification.auroc, classification.auprc):
                score = float(metric(targets, scores)) if len(targets) else float("nan")
                found[title][metric.__name__] = score
    return found


def _mean(parts: Sequence[np.ndarray]) -> np.ndarray:
    return np.mean(parts, axis=0)
