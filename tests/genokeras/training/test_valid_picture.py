import math

import numpy as np
import pytest

from genokeras.models.spec import Spec
from genokeras.training import valid_picture
from genokeras.training.scoring import Evaluation
from genokeras.training.valid_picture import ValidPicture

TARGETS = np.array([[0.0], [1.0], [0.0], [1.0]])
SCORES = {
    "binary": {"n": 4, "auroc": 0.75, "auprc": 0.8},
    "regression": {"n": 4, "pearson_r": 0.5},
}


def evaluation(task_type, output="logits"):
    logits = {output: np.array([[-1.0], [0.5], [0.7], [2.0]])}
    return Evaluation(SCORES[task_type], logits, TARGETS, np.ones((4, 1)))


def pictures(task_type="binary", **options):
    return ValidPicture(Spec(40, ("bound",), task_type), "tf0", **options)


@pytest.mark.parametrize("task_type", ["binary", "regression"])
def test_a_picture_of_the_evaluation(task_type):
    (value,) = pictures(task_type, share=math.inf).values(evaluation(task_type))
    assert value.tag == "valid/curves"
    assert value.image.encoded_image_string.startswith(b"\x89PNG")
    assert min(value.image.width, value.image.height) > 300


def test_pictures_take_no_more_than_their_share_of_the_time(monkeypatch):
    """Half a second each at 2%: the first one after 25 seconds, the second after 50."""
    now = [100.0]
    monkeypatch.setattr(valid_picture.time, "perf_counter", lambda: now[0])

    def draw(self, evaluation):
        now[0] += 0.5
        return b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1"

    monkeypatch.setattr(ValidPicture, "_draw", draw)
    drawing, drawn_at = pictures(), []
    for second in range(0, 120, 5):
        now[0] = 100.0 + second
        if drawing.values(evaluation("binary")):
            drawn_at.append(second)
    assert drawn_at == [25, 50, 75, 100]


def test_models_with_other_outputs_and_machines_without_matplotlib_have_none(monkeypatch):
    drawing = pictures(share=math.inf)
    assert drawing.values(evaluation("binary", output="latent")) == []
    monkeypatch.setattr("genokeras.plots.figure.is_available", lambda: False)
    assert drawing.values(evaluation("binary")) == []
