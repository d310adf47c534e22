"""The benchmark of yeast without labels on three chromosomes, with smaller contexts."""

import json
import sys

import pytest


@pytest.mark.slow
def test_small_run(benchmark, yeast, tmp_path, monkeypatch):
    contexts, results = benchmark.contexts, tmp_path / "results.json"
    fasta, folder = yeast / "sacCer3_I_II_III.fa.gz", tmp_path / "runs"
    flags = [str(fasta), f"--folder={folder}", "--preset=tiny", "--steps=1", "--seeds=0,1"]
    with monkeypatch.context() as patch:
        patch.setattr(sys, "argv", ["yeast_mlm.py", *flags])
        patch.setattr(benchmark, "RESULTS", results)
        patch.setattr(benchmark, "SPLITS", {"valid_chroms": ("I",), "test_chroms": ("III",)})
        patch.setattr(
            benchmark,
            "contexts",
            lambda run, dataset, most, **how: contexts(run, dataset, 2, **how),
        )
        benchmark.main()
    found = json.loads(results.read_text())
    assert found["contexts"]["cross_entropy"] < 1.386
    # What knows more does better.
    assert found["contexts_shown"]["cross_entropy"] < found["contexts"]["cross_entropy"]
    assert len(found["mlm"]) == 2
    for of_seed in found["mlm"]:
        less = of_seed["less_contexts"]
        expected = of_seed["cross_entropy"] - found["contexts"]["cross_entropy"]
        assert less["cross_entropy"] == pytest.approx(expected)
        low, high = less["cross_entropy_ci"]
        # A network that has learnt nothing yet is worse, clearly: paired intervals are narrow.
        assert 0 < low < expected < high
