import numpy as np
from scipy import sparse

from genokeras.evaluation.split_windows import SplitWindows
from genokeras.probing import encoders
from genokeras.probing.encoders import Encoder
from genokeras.probing.features import Features, Scale
from genokeras.probing.labelled_data import Part
from tfrecords import sequence
from tfrecords.reader import Dataset


def test_features_get_the_scale_of_the_training_split():
    rng = np.random.default_rng(0)
    x = rng.normal([5, -3, 7], [2, 0.1, 0], (5000, 3)).astype(np.float32)
    scale = Scale.of(x)
    np.testing.assert_allclose(scale.mean, x.mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(scale.deviation, [x[:, 0].std(), x[:, 1].std(), 1], rtol=1e-4)
    scale.apply(x)
    np.testing.assert_allclose(x.mean(axis=0), 0, atol=1e-4)
    np.testing.assert_allclose(x[:, 2], 0, atol=1e-5)
    assert x.dtype == np.float32


def test_one_hot_features_by_hand():
    packed = sequence.encode(["ACN", "TTG"], 3)
    found = encoders.one_hot(3).encode(packed)
    assert sparse.issparse(found)
    expected = [[1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0], [0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 1, 0]]
    np.testing.assert_array_equal(found.toarray(), expected)


def test_kmers_are_counted_up_to_strand_unless_labels_are_of_one():
    packed = sequence.encode(["ACGTACGTAC"], 10)
    opposite = sequence.reverse_complement(packed, 10)
    both, one = encoders.kmers(10, False), encoders.kmers(10, True)
    assert (both.encode(packed) != both.encode(opposite)).nnz == 0
    assert (one.encode(packed) != one.encode(opposite)).nnz > 0
    assert (both.name, both.kind, one.encode(packed).shape) == ("6-mers", "kmers", (1, 4096))


def share_of_a(length):
    """An encoder whose only feature is the number of A."""
    return Encoder("a", "run", lambda packed: _unpacked(packed, length)[..., :1].sum(axis=1))


def _unpacked(packed, length):
    return np.asarray(sequence.unpack(packed, length), np.float32)


def split_of(write_dataset, folder, texts, **options):
    data = write_dataset(folder, {"train": (texts, [0] * len(texts), None)}, **options)
    return SplitWindows(Dataset(data), "train")


def test_windows_are_read_part_by_part(write_dataset, tmp_path, monkeypatch, bar):
    """Those in the middle of what is stored, some of them turned."""
    monkeypatch.setattr("genokeras.evaluation.split_windows._PART_BASES", 8)
    texts = ["GAAAT", "GATTT", "GCCCT", "GAACT", "GTTTT"]
    part = Part(split_of(write_dataset, tmp_path / "data", texts, shift_bp=1), None)
    encoder = share_of_a(3)
    found = encoder.read(part, None, lambda text, total: bar)
    np.testing.assert_array_equal(found, [[3], [1], [0], [2], [0]])
    assert (bar.done, bar.is_closed) == (5, True)
    turned = encoder.read(part, np.array([False, True, False, False, True]))
    np.testing.assert_array_equal(turned, [[3], [2], [0], [2], [3]])


def test_features_of_alleles_are_differences(write_dataset, tmp_path):
    alternative = split_of(write_dataset, tmp_path / "alt", ["AAAAAA", "ACGTAC"])
    reference = split_of(write_dataset, tmp_path / "ref", ["AATAAA", "ACGAAC"])
    part = Part(alternative, None, reference)
    np.testing.assert_array_equal(share_of_a(6).read(part), [[1], [-1]])
    found = encoders.one_hot(6).read(part).toarray()
    assert np.flatnonzero(found[0]).tolist() == [8, 11]
    assert (found[0, 8], found[0, 11]) == (1, -1)


def test_counts_keep_their_scale_and_embeddings_do_not(write_dataset, tmp_path):
    from genokeras.probing import labelled_data

    texts = ["AAAAAA", "ACGTAC", "CCCCCC"]
    splits = {name: (texts, [0, 1, 0], None) for name in ("train", "test")}
    folder = write_dataset(tmp_path / "data", splits)
    lines = []
    data = labelled_data.read(folder, max_windows=10, log=lines.append)
    assert lines == ["No valid split: penalties are not chosen, and there is no threshold."]
    counts = Features.read(encoders.kmers(6, False), data)
    assert counts.parts["test"].max() == 1
    embedded = Features.read(share_of_a(6), data)
    np.testing.assert_allclose(embedded.parts["train"].mean(), 0, atol=1e-6)
    turned = embedded.of_strands(data.parts["test"], np.array([True, False, False]))
    expected = (np.array([[0], [2], [0]]) - embedded.scale.mean) / embedded.scale.deviation
    np.testing.assert_allclose(turned, expected, rtol=1e-6)
