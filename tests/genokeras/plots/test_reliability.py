import numpy as np

from genokeras.evaluation.calibration import reliability_bins
from genokeras.plots import reliability
from genokeras.plots.reliability import Reliability


def drawn(pictures, curves, probabilities):
    reliability.draw_reliability(curves, probabilities, "unused.png", "title")
    return pictures.pop().axes


def test_points_are_the_bins_and_bars_their_intervals(pictures):
    probabilities = np.repeat([0.25, 0.75], 20)
    bins = reliability_bins((np.arange(40) % 2).astype(float), probabilities)
    curves = [
        Reliability("model", bins),
        Reliability("k-mers", bins, is_baseline=True),
        Reliability("mended", bins, is_secondary=True),
    ]
    left, right = drawn(pictures, curves, {"positives": probabilities[:20], "negatives": []})
    model, baseline, mended = left.containers
    np.testing.assert_allclose(model.lines[0].get_xydata(), [[0.25, 0.5], [0.75, 0.5]])
    (segments,) = [bars.get_segments() for bars in model.lines[2]]
    np.testing.assert_allclose(
        [segment[:, 1] for segment in segments], [part["share_positive_ci"] for part in bins]
    )
    assert baseline.lines[0].get_linestyle() == "--"
    assert mended.lines[2] == ()
    texts = [text.get_text() for text in left.get_legend().get_texts()]
    assert sorted(texts) == ["calibrated", "k-mers", "mended", "model"]
    assert [text.get_text() for text in right.get_legend().get_texts()] == [
        "positives",
        "negatives",
    ]
