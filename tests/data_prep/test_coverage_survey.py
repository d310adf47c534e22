"""What is added up for a picture of coverage is what the arrays of the records give."""

import numpy as np
import pytest

from data_prep import survey as surveys
from data_prep.build import build_dataset
from data_prep.build_config import BuildConfig
from data_prep.coverage_survey import survey_coverage
from data_prep.describe import describe
from data_prep.tracks import Tracks
from tfrecords.reader import Dataset

SIZES = {"I": 2000, "II": 600}


@pytest.fixture
def dataset(write, bigwig, tmp_path):
    """Two tracks, `fine` stored divided by a scale, without bases 8 to 16."""
    rng = np.random.default_rng(0)
    dna = {name: "".join(rng.choice(list("ACGT"), size)) for name, size in SIZES.items()}
    fasta = write("genome.fa", "".join(f">{name}\n{text}\n" for name, text in dna.items()))
    places = [
        (name, start, start + 4, rng.integers(1, 9) * scale)
        for scale in (1, 1e-3)
        for name, size in SIZES.items()
        for start in range(0, size, 8)
    ]
    half = len(places) // 2
    files = [bigwig("coarse.bw", SIZES, places[:half]), bigwig("fine.bw", SIZES, places[half:])]
    source = Tracks(
        fasta, bigwigs=files, window_bp=64, bin_bp=4, crop_bp=8, cache_dir=tmp_path / "cache",
        blacklist=write("blacklist.bed", "I\t8\t16\n"),
    )  # fmt: skip
    build_dataset(source, tmp_path / "data", "x", config=BuildConfig(valid_chroms=("II",)))
    return tmp_path / "data"


def coverage(data_dir, name):
    dataset = Dataset(data_dir)
    split = dataset.split(name)
    scale = np.array(dataset.manifest.target_scale)
    assert scale[1] < 1
    stored = split.read(np.arange(split.num_examples))
    return stored, stored["targets"].astype(np.float64) * scale


def test_sums_against_all_records_at_once(dataset, monkeypatch):
    monkeypatch.setattr(surveys, "_BLOCK_BYTES", 3000)
    found = survey_coverage(dataset)
    assert found.tasks == ("coarse", "fine")
    assert found.positions.tolist() == list(range(-22, 26, 4))
    for name in ("train", "valid"):
        _, values = coverage(dataset, name)
        assert found.num_read[name] == (len(values), len(values))
        np.testing.assert_allclose(found.profiles[name], np.nanmean(values, axis=0).T)
        above = values > 0
        is_known = ~np.isnan(values)
        share = 1 - above.sum(axis=(0, 1)) / is_known.sum(axis=(0, 1))
        np.testing.assert_allclose(found.no_coverage[name], share)
        assert found.value_counts[name].sum(axis=1).tolist() == above.sum(axis=(0, 1)).tolist()
    assert np.isnan(coverage(dataset, "train")[1]).sum() == 4


def test_coverage_by_gc_content(dataset):
    found = survey_coverage(dataset)
    stored, values = coverage(dataset, "valid")
    gc = np.isin(np.unpackbits(stored["sequence"], axis=1).reshape(-1, 64, 4).argmax(2), (1, 2))
    place = (gc.mean(axis=1) * 50).astype(int)
    for number in range(50):
        expected = values[place == number, :, 0]
        mean = expected.mean() if expected.size else np.nan
        np.testing.assert_allclose(found.gc_profiles["valid"][0, number], mean)


def test_the_windows_shown_are_those_at_the_quantiles(dataset):
    found = survey_coverage(dataset)
    stored, values = coverage(dataset, "valid")
    means = np.sort(values.mean(axis=(1, 2)))
    (high, of_high), (middle, of_middle) = found.examples["valid"]
    np.testing.assert_allclose(of_high.mean(), means[round(0.9 * (len(means) - 1))])
    np.testing.assert_allclose(of_middle.mean(), means[round(0.5 * (len(means) - 1))])
    for place in (high, middle):
        start = int(place.split(":")[1].split("-")[0])
        assert start in stored["start"]
        assert place == f"II:{start}-{start + 64}:+"


def test_the_summary_tells_of_bins_and_of_float16(dataset):
    text = describe(dataset, examples=1)
    assert "Coverage: 12 bins of 4 bp, none in the 8 bp at either end" in text
    assert "Stored as float16, values change by 0.00" in text
    assert "Strands of one assay" not in text
