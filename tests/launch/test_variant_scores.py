"""Variants from the file to the scores: what the command does, called from here to load Keras once.

`test_predict.py` calls the command itself.
"""

import csv
import dataclasses

import numpy as np
import pysam
import pytest

from launch import variant_scores
from tfrecords.errors import InputError

LETTERS = "".join(np.random.default_rng(3).choice(list("ACGT"), 400))
HEADER = """##fileformat=VCFv4.2
##INFO=<ID=HARM,Number=A,Type=Integer,Description="Whether it harms">
#CHROM	POS	ID	REF	ALT	QUAL	FILTER	INFO
"""
OTHER = {"A": "G", "G": "A", "C": "T", "T": "C"}


@pytest.fixture
def files(tmp_path, monkeypatch):
    """A genome, and variants of it: 30 substitutions, an insertion, a deletion, a symbol."""
    monkeypatch.setenv("GENOKERAS_CACHE", str(tmp_path / "cache"))
    (tmp_path / "x.fa").write_text(f">1\n{LETTERS}\n")
    at = np.random.default_rng(0).choice(398, 30, replace=False)
    lines = [f"chr1\t{p + 1}\t.\t{LETTERS[p]}\t{OTHER[LETTERS[p]]}\t.\t.\tHARM={p % 2}" for p in at]
    lines.append(f"chr1\t200\tins\t{LETTERS[199]}\t{LETTERS[199]}GG,<DUP>\t.\t.\t.")
    lines.append(f"chr1\t210\tdel\t{LETTERS[209:212]}\t{LETTERS[209]}\t.\t.\t.")
    (tmp_path / "v.vcf").write_text(HEADER + "\n".join(lines) + "\n")
    return tmp_path, at


def options(**changes):
    return {"checkpoint": "last", "batch_size": 16, "reverse_complement": None} | changes


def score(run, folder, output, **changes):
    given = str(folder / "v.vcf"), str(folder / "x.fa"), str(folder / output)
    variant_scores.write_variant_scores([run], *given, **options(**changes))


def window(start, size, length):
    first = start - (length - size) // 2
    return ("-" * 99 + LETTERS + "-" * 99)[first + 99 : first + 99 + length]


def test_a_table_of_a_model_with_a_task(tiny_run, files, capsys):
    """Windows of 40 bp, cut out here, and predicted by the function for texts."""
    from genokeras.evaluation.predict import predict
    from genokeras.training.workdir import Run

    folder, at = files
    run = Run.open(tiny_run.workdir)
    score(run, folder, "out.tsv", label_field="HARM", variant_shifts=["-1", "1"])
    with (folder / "out.tsv").open() as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    assert [row["pos"] for row in rows] == [str(p + 1) for p in at] + ["200", "210"]
    assert (rows[-1]["chrom"], rows[-1]["id"], rows[-1]["alt"]) == ("chr1", "del", LETTERS[209])
    assert [row["label"] for row in rows] == [str(p % 2) for p in at] + ["", ""]
    logits = []
    for changed in (False, True):
        texts = []
        for p in at:
            for shift in (-1, 1):
                text, place = window(p + shift, 1, 40), 19 - shift
                base = OTHER[LETTERS[p]] if changed else LETTERS[p]
                assert text[place] == LETTERS[p]
                texts.append(text[:place] + base + text[place + 1 :])
        p = predict(run, texts, "last")[:, 0]
        logits.append(np.log(p / (1 - p)).reshape(-1, 2).mean(axis=1))
    found = np.array([float(row["label_delta_logit"]) for row in rows])
    np.testing.assert_allclose(found[:30], logits[1] - logits[0], atol=1e-4)
    assert np.abs(found[30:]).min() > 0
    np.testing.assert_allclose([float(row["delta_l2"]) for row in rows], np.abs(found), rtol=1e-6)
    printed = capsys.readouterr().out.splitlines()
    assert "Chromosome names matched by prefix: chr1 = 1 (v.vcf)." in printed
    assert f"{folder / 'out.tsv'}: 32 alleles of 32 records" in printed
    assert "Left out: symbolic (<...>) 1" in printed
    assert [line.split()[0] for line in printed[-6:]] == [
        *("label_delta_logit", "-label_delta_logit", "|label_delta_logit|"),
        *("delta_l2", "-delta_l2", "|delta_l2|"),
    ]
    assert printed[-1].split()[1] == "30"


@pytest.fixture(scope="module")
def mlm_run(tmp_path_factory):
    """A masked language model of 32 bp, hardly trained."""
    from data_prep.build import build_dataset
    from data_prep.build_config import BuildConfig
    from data_prep.genome_windows import GenomeWindows
    from genokeras.training.train import recipe, train
    from genokeras.training.workdir import Run

    folder = tmp_path_factory.mktemp("mlm")
    rng = np.random.default_rng(0)
    texts = ["".join(rng.choice(list("ACGT"), size)) for size in (4000, 800)]
    (folder / "g.fa").write_text(f">a\n{texts[0]}\n>b\n{texts[1]}\n")
    source = GenomeWindows(folder / "g.fa", window_bp=32, cache_dir=folder)
    build_dataset(source, folder / "data", "g", config=BuildConfig(valid_chroms=("b",)))
    training = recipe("mlm", "tiny", steps=2, batch_size=16, jit="off")
    train(folder / "data", folder / "run", model="mlm", preset="tiny", training=training)
    return Run.open(folder / "run")


def test_variants_into_a_vcf_by_a_masked_language_model(mlm_run, files, capsys):
    """Its own class of hidden bases, at windows cut out here; the other tests judge that class."""
    from genokeras.evaluation.hidden_bases import HiddenBases
    from tfrecords import sequence

    folder, at = files
    score(mlm_run, folder, "out.vcf.gz")
    with pysam.VariantFile(str(folder / "out.vcf.gz")) as file:
        records = list(file)
    assert len(records) == 32
    hidden = HiddenBases.load(mlm_run, "last", batch_size=16)
    packed = sequence.encode([window(p, 1, 32) for p in at], 32)
    log_p = hidden.log_probabilities(packed, np.full(30, 15))
    rows, codes = (
        np.arange(30),
        [["ACGT".index(b) for b in (LETTERS[p], OTHER[LETTERS[p]])] for p in at],
    )
    given, changed = np.array(codes).T
    found = [record.info["log_likelihood_ratio"][0] for record in records[:30]]
    np.testing.assert_allclose(found, log_p[rows, changed] - log_p[rows, given], atol=1e-4)
    assert "pseudo_log_likelihood_difference" not in records[0].info
    insertion = LETTERS[:200] + "GG" + LETTERS[200:]
    windows = [window(200, 0, 32), insertion[200 - 15 : 200 + 17]]
    total, _ = hidden.pseudo_log_likelihood(sequence.encode(windows, 32))
    first, second = records[30].info["pseudo_log_likelihood_difference"]
    assert first == pytest.approx(total[1] - total[0], abs=1e-3)
    assert second is None
    assert "log_likelihood_ratio" not in records[31].info
    assert f"{folder / 'out.vcf.gz'}: 32 alleles of 32 records" in capsys.readouterr().out


def test_a_table_of_pseudo_log_likelihoods(mlm_run, tmp_path):
    from genokeras.evaluation.hidden_bases import HiddenBases
    from genokeras.evaluation.predict import write_pseudo_log_likelihoods
    from tfrecords import sequence

    texts = [LETTERS[:32], "-" * 10 + LETTERS[:22], "N" * 32]
    packed = sequence.encode(texts, 32)
    batches = [
        {"name": ["a", "b"], "sequence": packed[:2]},
        {"name": ["n"], "sequence": packed[2:]},
    ]
    given = {"checkpoint": "last", "batch_size": 8}
    assert write_pseudo_log_likelihoods(mlm_run, batches, tmp_path / "out.tsv", **given) == 3
    with (tmp_path / "out.tsv").open() as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    total, bases = HiddenBases.load(mlm_run, **given).pseudo_log_likelihood(packed)
    assert [row["bases"] for row in rows] == ["32", "22", "0"]
    np.testing.assert_allclose(
        [float(row["pseudo_log_likelihood"]) for row in rows], total, rtol=1e-6
    )
    means = [float(row["mean_log_likelihood"]) for row in rows[:2]]
    np.testing.assert_allclose(means, total[:2] / bases[:2], rtol=1e-6)
    assert rows[2]["mean_log_likelihood"] == ""


def test_mistakes(tiny_run, mlm_run, files):
    """Nothing is written of variants that do not fit, even at the end of the file."""
    from genokeras.training.workdir import Run

    folder, _ = files
    run = Run.open(tiny_run.workdir)
    for changes, message in (
        (
            {"variant_shifts": ["0", "x"]},
            "--variant_shifts=0,x: expected whole numbers of bp, each",
        ),
        ({"variant_shifts": ["20"]}, "--variant_shifts=20: expected .* of the window of 40 bp"),
        ({"label_field": "HARMS"}, "v.vcf has no INFO field 'HARMS'"),
    ):
        with pytest.raises(InputError, match=message):
            score(run, folder, "out.vcf", **changes)
    given = str(folder / "v.vcf"), str(folder / "x.fa"), str(folder / "out.vcf")
    with pytest.raises(InputError, match="2 runs of models without tasks have no mean prediction"):
        variant_scores.write_variant_scores([mlm_run, mlm_run], *given, **options())
    without = dataclasses.replace(mlm_run, model_name="contrastive")
    with pytest.raises(InputError, match="has neither tasks nor probabilities of bases, which var"):
        score(without, folder, "out.vcf")
    with (folder / "v.vcf").open("a") as file:
        file.write(f"chr1\t3\t.\t{OTHER[LETTERS[2]]}\t{LETTERS[2]}\t.\t.\t.\n")
    with pytest.raises(
        InputError, match=f"record 33, chr1:3 .>.: 1 of the genome has {LETTERS[2]}"
    ):
        score(run, folder, "out.vcf")
    assert not list(folder.glob("*out.vcf*"))
    with pytest.raises(
        InputError, match="--output=x.bw: scores of variants end in .vcf, .vcf.gz, "
    ):
        variant_scores.check("x.bw", "x.fa", "auto")
    with pytest.raises(
        InputError, match="--fasta is missing: give the genome that the variants we"
    ):
        variant_scores.check("x.vcf", None, "auto")
