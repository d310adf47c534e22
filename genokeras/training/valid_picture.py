"""The picture of an evaluation of the valid split in TensorBoard: ROC and precision-recall curves.

Of a regression: true against predicted values.
"""

import pathlib
import tempfile
import time

from genokeras.evaluation.scores import Labels
from genokeras.evaluation.split_pictures import draw_split
from genokeras.models.spec import Spec
from genokeras.plots import figure
from genokeras.training import events
from genokeras.training.scoring import Evaluation

TAG = "valid/curves"

_SHARE = 0.02  # Of the time of a run, the most that pictures may take.
_FIRST_SECONDS = 0.5  # What the first one takes, with the import of matplotlib.


class ValidPicture:
    """Draws evaluations as long as all pictures together take little of the run's time."""

    def __init__(self, spec: Spec, dataset: str, share: float = _SHARE):
        self._spec, self._dataset, self._share = spec, dataset, share
        self._started = time.perf_counter()
        self._spent, self._last = 0.0, _FIRST_SECONDS

    def values(self, evaluation: Evaluation) -> list[events.Value]:
        """Returns the picture, or nothing: it is not its time, or there is nothing to draw with."""
        elapsed = time.perf_counter() - self._started
        is_due = self._spent + self._last <= self._share * elapsed
        if not is_due or "logits" not in evaluation.outputs or not figure.is_available():
            return []
        began = time.perf_counter()
        png = self._draw(evaluation)
        self._last = time.perf_counter() - began
        self._spent += self._last
        return [events.picture(TAG, png)]

    def _draw(self, evaluation: Evaluation) -> bytes:
        spec, logits = self._spec, evaluation.outputs["logits"]
        labels = Labels(spec.task_type, spec.tasks, evaluation.targets, evaluation.weight)
        result = evaluation.scores | {"dataset": self._dataset, "split": "valid"}
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "valid.png")
            draw_split(result, labels, logits, None, path)
            return path.read_bytes()
