"""`launch.predict` as people call it; its parts are tested in data_prep and genokeras."""

import csv
import gzip
import pathlib
import shutil

import numpy as np
import pytest

ROOT = pathlib.Path(__file__).parents[2]


def read(path):
    content = path.read_bytes()
    text = (gzip.decompress(content) if path.suffix == ".gz" else content).decode()
    return list(csv.DictReader(text.splitlines(), delimiter="\t"))


def test_windows_of_a_fasta_file(launch, tiny_run, tmp_path):
    """A long sequence, its reverse complement, one of the model's length and a short one."""
    from genokeras.evaluation.predict import predict
    from genokeras.training.workdir import Run

    text = "".join(np.random.default_rng(0).choice(list("ACGT"), 100))
    opposite = text.translate(str.maketrans("ACGT", "TGCA"))[::-1]
    records = {"long": text, "opposite": opposite, "exact": text[:40], "short": text[:20]}
    fasta = "".join(f">{name} of yeast\n{part}\n" for name, part in records.items())
    (tmp_path / "in.fa").write_text(fasta)
    done = launch(f"--workdir={tiny_run.workdir}", f"--input={tmp_path / 'in.fa'}",
                  f"--output={tmp_path / 'out.tsv'}", "--batch_size=4")  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout == (
        f"{tmp_path / 'out.tsv'}: 10 windows of 40 bp\n"
        "Padded on both sides, being shorter than 40 bp: 1\n"
    )
    rows = read(tmp_path / "out.tsv")
    assert list(rows[0]) == ["name", "start", "end", "label_probability", "label_logit"]
    places = [(row["name"], int(row["start"]), int(row["end"])) for row in rows]
    starts = [0, 20, 40, 60]
    assert places == [
        *(("long", start, start + 40) for start in starts),
        *(("opposite", start, start + 40) for start in starts),
        *(("exact", 0, 40), ("short", 0, 20)),
    ]
    found = np.array([float(row["label_probability"]) for row in rows])
    windows = [text[start : start + 40] for start in starts] + ["-" * 10 + text[:20] + "-" * 10]
    expected = predict(Run.open(tiny_run.workdir), windows)[:, 0]
    np.testing.assert_allclose(found[[0, 1, 2, 3, 9]], expected, atol=1e-6)
    # Window i of one strand is window 3 - i of the other.
    np.testing.assert_allclose(found[4:8], found[3::-1], atol=1e-6)
    assert found[8] == pytest.approx(found[0], abs=1e-6)


@pytest.mark.slow
def test_an_ensemble_of_a_pattern_with_its_spread(launch, tiny_run, tmp_path):
    """Of two copies of one run, so that the spread is zero."""
    for name in ("run_a", "run_b"):
        shutil.copytree(tiny_run.workdir, tmp_path / name)
    (tmp_path / "in.fa").write_text(">a\n" + "ACGT" * 10 + "\n")
    outputs = {f"{tmp_path}/run_*": "both.tsv", tiny_run.workdir: "one.tsv"}
    for workdir, name in outputs.items():
        done = launch(f"--workdir={workdir}", f"--input={tmp_path / 'in.fa'}",
                      f"--output={tmp_path / name}")  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert done.stdout.endswith(", mean of 2 runs\n" if "*" in str(workdir) else "40 bp\n")
    (both,), (one,) = read(tmp_path / "both.tsv"), read(tmp_path / "one.tsv")
    assert both.pop("label_logit_std") == "0"
    assert both == one


def test_a_table_without_labels_to_gzip(launch, tiny_run, tmp_path):
    rng = np.random.default_rng(1)
    texts = ["".join(row) for row in rng.choice(list("ACGT"), (600, 40))]
    lines = [f"p{row}\t{text}\n" for row, text in enumerate(texts)]
    with gzip.open(tmp_path / "in.tsv.gz", "wt") as file:
        file.write("probe\toligo\n" + "".join(lines))
    done = launch(f"--workdir={tiny_run.workdir}", f"--input={tmp_path / 'in.tsv.gz'}",
                  f"--output={tmp_path / 'out.tsv.gz'}", "--sequence_column=oligo",
                  "--name_column=probe", "--checkpoint=last")  # fmt: skip
    assert done.returncode == 0, done.stderr
    rows = read(tmp_path / "out.tsv.gz")
    assert [row["name"] for row in rows] == [f"p{row}" for row in range(600)]
    assert "Predicting (bytes)" in done.stderr
    assert "oneDNN" not in done.stderr
    assert "I0000" not in done.stderr


def test_a_wrong_letter_is_named_with_its_line_and_nothing_is_written(launch, tiny_run, tmp_path):
    (tmp_path / "in.fa").write_text(">a\nACGT\n>b\nAC\nXT\n")
    done = launch(f"--workdir={tiny_run.workdir}", f"--input={tmp_path / 'in.fa'}",
                  f"--output={tmp_path / 'out.tsv'}")  # fmt: skip
    assert done.returncode == 2
    errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert errors == [done.stderr.splitlines()[-1]]
    assert errors[0].startswith(f"error: {tmp_path / 'in.fa'}:3: position 2: 'X' is no base")
    assert [path.name for path in tmp_path.iterdir()] == ["in.fa"]


def test_mistakes_are_refused_before_tensorflow_is_loaded(launch, tiny_run, tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "none that exists")
    (tmp_path / "in.fa").write_text(">a\nACGT\n")
    run, source = f"--workdir={tiny_run.workdir}", f"--input={tmp_path / 'in.fa'}"
    for args, message in {
        (f"--workdir={tmp_path}", source, "--output=out.tsv"): "no run here, it has no config.json",
        (run, source, f"--output={tmp_path / 'in.fa'}"): "in.fa is the input, ",
        (run, source, "--output=gs://b/out.tsv"): "gs://b/out.tsv: expected a file of this machine",
        (run, source, "--output=out.tsv", "--fasta=x.fa"): "--fasta=x.fa does not go with --input=",
        (run, "--input=v.vcf", "--output=out.vcf"): "--fasta is missing: give the genome that the",
        (
            run,
            "--input=v.vcf",
            "--output=out.vcf",
            "--stride_bp=9",
        ): "--stride_bp=9 does not go with",
        (run, source, "--output=x.vcf"): "x.vcf holds variants, but --input=",
        (run, source, "--output=x.npz"): "x.npz is for --embeddings; predictions are a table",
        (run, source, "--output=x.bw", "--embeddings"): "--embeddings are of sequences, from FASTA",
    }.items():
        done = launch(*args)
        assert done.returncode == 2
        assert done.stderr.startswith("error: ")
        assert message in done.stderr
        assert len(done.stderr.splitlines()) == 1
    assert (tmp_path / "in.fa").read_text() == ">a\nACGT\n"


def test_variants_of_a_vcf_file(launch, tiny_run, tmp_path, monkeypatch):
    """What they score is told by test_variant_scores.py; here that the command reaches it."""
    monkeypatch.setenv("GENOKERAS_CACHE", str(tmp_path / "cache"))
    (tmp_path / "x.fa").write_text(">1\n" + "ACGTACGTTA" * 20 + "\n")
    lines = ["##fileformat=VCFv4.2", "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO"]
    lines += [f"chr1\t{pos}\tv{pos}\tA\tC,G\t.\t.\t." for pos in (1, 101)]
    (tmp_path / "v.vcf").write_text("\n".join(lines) + "\n")
    done = launch(f"--workdir={tiny_run.workdir}", f"--input={tmp_path / 'v.vcf'}",
                  f"--fasta={tmp_path / 'x.fa'}", f"--output={tmp_path / 'out.tsv'}",
                  "--variant_shifts=-1,0,1", "--batch_size=8")  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == f"{tmp_path / 'out.tsv'}: 4 alleles of 2 records"
    rows = read(tmp_path / "out.tsv")
    assert [(row["chrom"], row["pos"], row["alt"]) for row in rows][1:3] == [
        ("chr1", "1", "G"),
        ("chr1", "101", "C"),
    ]
    assert list(rows[0])[5:] == [
        *("label_reference_probability", "label_alternative_probability"),
        *("label_delta_logit", "delta_l2"),
    ]


def test_help_names_the_columns(launch):
    done = launch("--help")
    assert done.returncode == 0
    for word in ("TASK_probability", "--stride_bp", "--sequence_column", "start"):
        assert word in done.stdout


@pytest.fixture(scope="module")
def coverage_run(tmp_path_factory):
    """A model of coverage, hardly trained, and a genome of two chromosomes."""
    import pyBigWig

    from data_prep.build import build_dataset
    from data_prep.build_config import BuildConfig
    from data_prep.tracks import Tracks
    from genokeras.training.train import recipe, train

    folder = tmp_path_factory.mktemp("coverage")
    rng = np.random.default_rng(0)
    lengths = {"a": 12_000, "b": 3_050}
    texts = {name: "".join(rng.choice(list("ACGT"), n)) for name, n in lengths.items()}
    (folder / "x.fa").write_text("".join(f">{name}\n{text}\n" for name, text in texts.items()))
    with pyBigWig.open(str(folder / "reads.bw"), "w") as file:
        file.addHeader(list(lengths.items()))
        for name, length in lengths.items():
            values = rng.gamma(1.0, 1.0, length).tolist()
            file.addEntries(name, 0, values=values, span=1, step=1)
    sizes = {"window_bp": 256, "bin_bp": 32, "crop_bp": 64}
    source = Tracks(folder / "x.fa", bigwigs=[folder / "reads.bw"], cache_dir=folder, **sizes)
    build_dataset(source, folder / "data", "x", config=BuildConfig(valid_chroms=("b",)))
    training = recipe("track", "tiny", steps=2, batch_size=8, jit="off")
    train(folder / "data", folder / "run", model="track", preset="tiny", training=training)
    return folder, texts


def test_coverage_of_a_genome_as_bigwig(launch, coverage_run, tmp_path, monkeypatch):
    """Every base has the bin of one window, which reaches into padding at the ends."""
    import pyBigWig

    from genokeras.evaluation.predict import predict
    from genokeras.training.workdir import Run

    folder, texts = coverage_run
    monkeypatch.setenv("GENOKERAS_CACHE", str(tmp_path / "cache"))
    done = launch(f"--workdir={folder / 'run'}", f"--input={folder / 'x.fa'}",
                  f"--output={tmp_path / 'out.bw'}", "--batch_size=16")  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == f"{tmp_path / 'out.bw'}: reads in bins of 32 bp"
    run = Run.open(folder / "run")
    with pyBigWig.open(str(tmp_path / "out.bw")) as file:
        assert file.chroms() == {name: len(text) for name, text in texts.items()}
        for name, start in (("a", 0), ("a", 6400), ("b", 2944)):
            padded = f"{'-' * 64}{texts[name]}{'-' * 256}"
            (bins,) = predict(run, [padded[start : start + 256]])
            length = min(128, len(texts[name]) - start)
            found = file.values(name, start, start + length)
            np.testing.assert_allclose(found, np.repeat(bins[:, 0], 32)[:length], rtol=1e-5)
        assert not np.isnan(file.values("b", 0, 3050)).any()


@pytest.mark.parametrize(
    ("is_coverage", "args", "message"),
    [
        (True, ["--output=x.tsv"], "predicts coverage, which goes into a bigWig; give --output=NA"),
        (
            True,
            ["--output=x.bw", "--stride_bp=8"],
            "--stride_bp=8 does not go with --output=x.bw: ",
        ),
        (True, ["--output=x.bw", "--input=t.csv"], "t.csv"),
        (False, ["--output=x.bw"], "predicts one number per window (binary); give --output=NAME.t"),
    ],
)
def test_bigwig_and_coverage_go_together(
    launch, coverage_run, tiny_run, tmp_path, monkeypatch, is_coverage, args, message
):
    folder, _ = coverage_run
    monkeypatch.setenv("GENOKERAS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    (tmp_path / "t.csv").write_text("sequence\nACGT\n")
    workdir = folder / "run" if is_coverage else tiny_run.workdir
    done = launch(f"--workdir={workdir}", f"--input={folder / 'x.fa'}", *args, cwd=tmp_path)
    assert done.returncode == 2
    assert message in done.stderr.splitlines()[-1]
    assert not list(tmp_path.glob("x.*"))
