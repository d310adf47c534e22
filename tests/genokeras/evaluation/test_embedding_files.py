import csv
import gzip

import numpy as np
import pytest

from genokeras.evaluation.embedder import Embedder
from genokeras.evaluation.embedding_files import write_embeddings
from genokeras.models.spec import Spec
from genokeras.training.workdir import Run
from tfrecords import sequence
from tfrecords.errors import InputError

SPEC = Spec(24, (), "unlabelled")


@pytest.fixture(scope="module")
def run(write_run, tmp_path_factory):
    return Run.open(write_run(tmp_path_factory.mktemp("run") / "run", "contrastive", SPEC))


def batches(sizes):
    rng = np.random.default_rng(0)
    for size in sizes:
        texts = ["".join(row) for row in rng.choice(list("ACGT"), (size, 24))]
        start = rng.integers(0, 100, size)
        packed = sequence.encode(texts, 24)
        yield {"name": [t[:5] for t in texts], "start": start, "end": start + 24} | {
            "sequence": packed
        }


def test_tables_and_arrays_hold_what_the_embedder_gives(run, tmp_path):
    given = list(batches((5, 3)))
    whole = {name: np.concatenate([batch[name] for batch in given]) for name in given[0]}
    expected = Embedder.load(run, batch_size=4).embed(whole["sequence"])
    assert expected.shape == (8, 16)
    for name in ("x.npz", "x.tsv.gz"):
        assert write_embeddings(run, batches((5, 3)), tmp_path / name, batch_size=4) == 8
    with np.load(tmp_path / "x.npz") as arrays:
        assert set(arrays) == {"names", "starts", "ends", "embeddings"}
        np.testing.assert_array_equal(arrays["embeddings"], expected)
        for name in ("name", "start", "end"):
            np.testing.assert_array_equal(arrays[f"{name}s"], whole[name])
    text = gzip.decompress((tmp_path / "x.tsv.gz").read_bytes()).decode()
    rows = list(csv.DictReader(text.splitlines(), delimiter="\t"))
    assert list(rows[0]) == ["name", "start", "end", *(f"embedding_{n}" for n in range(16))]
    found = [[float(row[f"embedding_{n}"]) for n in range(16)] for row in rows]
    np.testing.assert_allclose(found, expected, rtol=1e-7)


@pytest.mark.parametrize("name", ["x.npz", "x.tsv"])
def test_without_sequences_there_is_no_file(run, tmp_path, name):
    with pytest.raises(InputError, match=f"{name}: not written, there are no sequences to predict"):
        write_embeddings(run, iter([]), tmp_path / name)
    assert not list(tmp_path.iterdir())
