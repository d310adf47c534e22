import json

import numpy as np
import pytest

from genokeras.evaluation import resamples
from genokeras.evaluation.evaluate import evaluate
from tfrecords.errors import InputError


def test_the_intervals_are_those_of_the_resamples_that_are_kept(motif_run):
    folder = motif_run.workdir / "evaluation"
    result = evaluate(motif_run.workdir, num_bootstrap=50, baseline=False, report=False)
    kept = resamples.read(folder, "test")
    assert {"auroc", "loss", "mcc_at_threshold"} <= kept.keys()
    for name, scores in kept.items():
        assert scores.shape == (50,)
        if result[f"{name}_ci"]:
            ends = np.quantile(scores[np.isfinite(scores)], [0.025, 0.975])
            assert result[f"{name}_ci"] == pytest.approx(list(ends), abs=1e-12), name
    # Without a report there are no pictures either.
    names = {path.name for path in folder.iterdir()}
    assert names == {"test.json", "test.predictions.tsv", "test.resamples.npz"}
    assert not (motif_run.workdir / "report.html").exists()
    evaluate(motif_run.workdir, num_bootstrap=0, baseline=False, report=False)
    assert resamples.read(folder, "test") == {}
    assert json.loads((folder / "test.json").read_text())["num_bootstrap"] == 0


def test_a_damaged_file(tmp_path):
    (tmp_path / "test.resamples.npz").write_bytes(b"PK")
    with pytest.raises(InputError, match=r"test\.resamples\.npz: not the resamples of an eval"):
        resamples.read(tmp_path, "test")
