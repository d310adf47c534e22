"""`launch.predict` as people call it; its parts are tested in data_prep and genokeras."""

import csv
import gzip
import shutil

import numpy as np
import pytest


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
    }.items():
        done = launch(*args)
        assert done.returncode == 2
        assert done.stderr.startswith("error: ")
        assert message in done.stderr
        assert len(done.stderr.splitlines()) == 1
    assert (tmp_path / "in.fa").read_text() == ">a\nACGT\n"


def test_help_names_the_columns(launch):
    done = launch("--help")
    assert done.returncode == 0
    for word in ("TASK_probability", "--stride_bp", "--sequence_column", "start"):
        assert word in done.stdout
