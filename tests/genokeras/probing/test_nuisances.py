import dataclasses
import types

import numpy as np
import pytest

from genokeras.evaluation.scores import Labels
from genokeras.probing import nuisance_probe, nuisances
from genokeras.probing.encoders import Encoder
from genokeras.probing.features import Features, Scale
from genokeras.probing.invariance import Sample
from genokeras.probing.labelled_data import LabelledData, Part
from tfrecords import sequence
from tfrecords.chrom import Chrom
from tfrecords.errors import InputError
from tfrecords.manifest import Manifest
from tfrecords.schema import Feature, Schema

LENGTH = 8


@dataclasses.dataclass
class Windows:
    """Stands for `SplitWindows`: the fields of windows in memory."""

    fields: dict
    length: int = LENGTH
    name: str = "train"

    def __len__(self):
        return len(self.fields["sequence"])

    def parts(self):
        for start in range(0, len(self), 7):
            yield {name: values[start : start + 7] for name, values in self.fields.items()}

    def select(self, rows):
        return Windows({name: values[rows] for name, values in self.fields.items()})


def data_of(count=400, seed=0, **more):
    """Windows of two chromosomes, their label being whether they begin with A."""
    rng = np.random.default_rng(seed)
    texts = ["".join(row) for row in rng.choice(list("ACGT"), (count, LENGTH))]
    starts = [text[0] == "A" for text in texts]
    fields = {
        "sequence": sequence.encode(texts, LENGTH),
        "chrom_id": rng.integers(0, 2, count).astype(np.int32),
        "start": np.arange(count) * 100,
        "donor": rng.integers(0, 3, count),
        "targets": np.stack([starts, rng.integers(0, 2, count)], axis=1).astype(np.float32),
        "weight": np.ones((count, 2), np.float32),
    } | more
    schema = Schema(
        (
            Feature("row", "int64", ()),
            Feature("sequence", "uint8", (LENGTH // 2,), bases=LENGTH),
            Feature("chrom_id", "int32", ()),
            Feature("start", "int64", ()),
            Feature("strand", "int8", ()),
            Feature("donor", "int64", ()),
            Feature("targets", "float32", (2,)),
        )
    )
    chroms = (Chrom("chrI", 50000), Chrom("chrII", 50000))
    manifest = Manifest("small", schema, {}, ("site", "batch"), chroms=chroms)
    half = count // 2
    parts = {}
    for split, rows in (("train", slice(0, half)), ("test", slice(half, count))):
        own = Windows({name: values[rows] for name, values in fields.items()})
        kept = own.fields["targets"][:, :1], own.fields["weight"][:, :1]
        parts[split] = Part(own, Labels("binary", ("site",), *kept))
    return LabelledData(manifest, parts), texts


def test_what_can_be_asked_for():
    data, _ = data_of()
    known = ["gc", "strand", "chromosome", "site", "batch", "donor"]
    assert nuisances.known(data.manifest) == known
    nuisances.check(known, data.manifest)
    message = (
        "no nuisance 'chromosom'. Did you mean 'chromosome'? Nuisances of this dataset: gc, "
        "strand, chromosome, site, batch, donor"
    )
    with pytest.raises(InputError, match=message.replace("?", r"\?")):
        nuisances.check(["gc", "chromosom"], data.manifest)
    with pytest.raises(InputError, match="nuisance gc: given twice"):
        nuisances.check(["gc", "gc"], data.manifest)


def test_gc_content_is_cut_into_quarters():
    data, texts = data_of()
    found = nuisances.read("gc", data)
    gc = np.array([text.count("G") + text.count("C") for text in texts]) / LENGTH
    for number in range(3):
        assert gc[found.classes == number].max() < gc[found.classes == number + 1].min()
    assert found.names == ("quarter 1", "quarter 2", "quarter 3", "quarter 4")


def test_numbers_of_windows_are_classes():
    data, _ = data_of()
    fields = [part.windows.fields for part in data.parts.values()]
    for name, field in (("donor", "donor"), ("chromosome", "chrom_id")):
        expected = np.concatenate([each[field] for each in fields])
        np.testing.assert_array_equal(nuisances.read(name, data).classes, expected)
    assert nuisances.read("chromosome", data).names == ("chrI", "chrII")
    batch = np.concatenate([each["targets"][:, 1] for each in fields])
    np.testing.assert_array_equal(nuisances.read("batch", data).classes, batch)
    assert nuisances.read("strand", data).classes.mean() == pytest.approx(0.5, abs=0.1)


def test_missing_labels_are_of_no_class():
    weight = np.ones((400, 2), np.float32)
    weight[::2, 1] = 0
    data, _ = data_of(weight=weight)
    classes = nuisances.read("batch", data).classes
    assert (classes[::2] == nuisances.MISSING).all()
    assert set(classes[1::2]) == {0, 1}


def test_a_nuisance_that_does_not_vary_is_refused():
    data, _ = data_of(chrom_id=np.ones(400, np.int32))
    message = "nuisance chromosome: of all windows it is chrII, so there is nothing to tell apart"
    with pytest.raises(InputError, match=message):
        nuisances.read("chromosome", data)


def test_neighbours_share_a_block():
    """Of 100 windows' lengths, here 800 bp: eight windows 100 bp apart; by chromosome."""
    data, _ = data_of(chrom_id=np.zeros(400, np.int32))
    blocks = nuisances.blocks(data)
    assert len(np.unique(blocks)) == 50
    np.testing.assert_array_equal(blocks, np.arange(400) // 8)
    two, _ = data_of()
    assert len(np.unique(nuisances.blocks(two))) > 90


def features_of(data, encode):
    encoder = Encoder("made", "run", encode)
    parts = {split: encoder.read(part) for split, part in data.parts.items()}
    width = parts["train"].shape[1]
    scale = Scale(np.zeros(width, np.float32), np.ones(width, np.float32))
    return Features(encoder, parts, scale)


def counts(packed):
    """How many A, C, G, T there are."""
    return sequence.unpack(packed, LENGTH).sum(axis=1).astype(np.float32)


def first_base(packed):
    return sequence.unpack(packed, LENGTH)[:, 0].astype(np.float32)


def test_what_embeddings_tell():
    data, _ = data_of(600)
    sample = Sample(data, ["gc", "chromosome"], seed=0)
    rows = sample.measure(features_of(data, counts))
    assert [(row["nuisance"], row["within"], row["probe"]) for row in rows[:4]] == [
        ("gc", None, "linear"),
        ("gc", None, "mlp"),
        ("gc", "site", "linear"),
        ("gc", "site", "mlp"),
    ]
    found = {(row["nuisance"], row["within"]): row for row in rows if row["probe"] == "linear"}
    assert found["gc", None]["accuracy"] > 0.9
    assert found["gc", "site"]["p_value"] == 1 / 1000
    assert found["chromosome", None]["p_value"] > 0.01
    assert {row["encoder"] for row in rows} == {"made"}


def test_the_strand_is_told_where_windows_have_one(monkeypatch):
    """Windows that begin with A and end with anything: turned, they end with T."""
    monkeypatch.setattr(nuisance_probe, "PROBES", ("linear",))
    data, _ = data_of(2000)
    for part in data.parts.values():
        packed = part.windows.fields["sequence"]
        packed[:, 0] = packed[:, 0] & 0x0F | 0x80
    sample = Sample(data, ["strand"], seed=0)
    row = sample.measure(features_of(data, first_base))[0]
    # Turned, a window begins with A as well in one case of four.
    assert row["accuracy"] == pytest.approx(7 / 8, abs=0.03)
    both = features_of(
        data, lambda packed: first_base(packed) + first_base(sequence.reverse_complement(packed, 8))
    )
    blind = sample.measure(both)[0]
    assert blind["accuracy"] == pytest.approx(0.5, abs=0.05)
    assert blind["p_value"] > 0.05


def test_a_sample_is_of_all_splits(monkeypatch):
    monkeypatch.setattr(nuisance_probe, "PROBES", ("linear",))
    data, _ = data_of(600)
    sample = Sample(data, ["gc"], max_windows=200)
    rows = sample.measure(features_of(data, counts))
    assert 70 < rows[0]["n"] < 130


def test_names_of_fields_do_not_clash():
    """A dataset without places has neither chromosomes nor blocks."""
    manifest = types.SimpleNamespace(
        schema=Schema((Feature("sequence", "uint8", (4,), bases=8),)), tasks=("a",)
    )
    assert nuisances.known(manifest) == ["gc", "strand", "a"]
    data, _ = data_of(10)
    plain = LabelledData(manifest, data.parts)
    np.testing.assert_array_equal(nuisances.blocks(plain), np.arange(10))
