"""From a table to scores with the commands people type, on tables whose answer is known.

A 7-mer is planted in the positives and kept out of the negatives on both strands, so a model that
finds it separates the test split without a mistake; with shuffled labels no model can.
"""

import json
import pathlib
import subprocess
import sys

import numpy as np
import pytest

from genokeras.models import spec

YEAST = pathlib.Path(__file__).parents[1] / "examples" / "data" / "yeast"
MOTIF = "TGACTCA"
WINDOW_BP = 60
COMPLEMENT = str.maketrans("ACGT", "TGCA")


def random_dna(rng, number):
    rows = rng.choice(list("ACGT"), (number, WINDOW_BP))
    return ["".join(row) for row in rows]


def has_motif(text):
    return MOTIF in text or MOTIF in text.translate(COMPLEMENT)[::-1]


def planted(rng, number):
    """Sequences and labels, half of them with the motif at a random place of a random strand."""
    texts = [text for text in random_dna(rng, 2 * number) if not has_motif(text)][:number]
    labels = np.arange(number) % 2
    for row in np.flatnonzero(labels):
        at = rng.integers(WINDOW_BP - len(MOTIF))
        text = texts[row][:at] + MOTIF + texts[row][at + len(MOTIF) :]
        texts[row] = text if rng.random() < 0.5 else text.translate(COMPLEMENT)[::-1]
    return texts, labels


def write_table(path, texts, labels, rng):
    subsets = rng.choice(["train", "valid", "test"], len(texts), p=[0.7, 0.15, 0.15])
    rows = [
        f"{text},{label},{subset}"
        for text, label, subset in zip(texts, labels, subsets, strict=True)
    ]
    path.write_text("\n".join(["sequence,label,subset", *rows]) + "\n")


def launch(name, *flags, cwd):
    done = subprocess.run(
        [sys.executable, "-m", f"launch.{name}", *flags],
        cwd=cwd, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"{name} {flags}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def build_coverage(folder):
    """Builds a dataset of the coverage of three chromosomes of yeast."""
    launch("build_dataset", "--source=tracks", f"--fasta={YEAST / 'sacCer3_I_II_III.fa.gz'}",
           f"--bigwig={YEAST / 'atac_coverage.bw'}", "--chrom_alias=auto", "--window_bp=2048",
           "--bin_bp=64", "--valid_chroms=I", "--test_chroms=III", "--data_dir=data",
           "--name=yeast", cwd=folder)  # fmt: skip


def scores(folder, table, steps):
    """Runs the six commands of the README on a table and returns the test scores."""
    launch("build_dataset", "--source=csv", f"--input={table.name}", "--split_column=subset",
           "--data_dir=data", "--name=planted", cwd=folder)  # fmt: skip
    launch("train", "--data_dir=data", "--preset=tiny", "--workdir=run", f"--steps={steps}",
           cwd=folder)  # fmt: skip
    launch("evaluate", "--workdir=run", "--split=test", cwd=folder)
    return json.loads((folder / "run" / "evaluation" / "test.json").read_text())


@pytest.mark.slow
def test_planted_motif_is_found(tmp_path):
    rng = np.random.default_rng(1)
    texts, labels = planted(rng, 3000)
    write_table(tmp_path / "all.csv", texts, labels, rng)
    found = scores(tmp_path, tmp_path / "all.csv", steps=600)
    assert found["auroc"] > 0.999
    assert found["auprc"] > 0.999
    assert "planted" in launch("inspect_dataset", "--data_dir=data", cwd=tmp_path)

    new_texts, new_labels = planted(rng, 40)
    fasta = "".join(f">s{row}\n{text}\n" for row, text in enumerate(new_texts))
    (tmp_path / "new.fa").write_text(fasta)
    launch("predict", "--workdir=run", "--input=new.fa", "--output=new.tsv", cwd=tmp_path)
    header, *rows = (line.split("\t") for line in (tmp_path / "new.tsv").read_text().splitlines())
    assert [row[header.index("name")] for row in rows] == [f"s{row}" for row in range(40)]
    probability = np.array([row[header.index("label_probability")] for row in rows], float)
    assert probability[new_labels == 1].min() > probability[new_labels == 0].max()


@pytest.mark.slow
def test_shuffled_labels_teach_nothing(tmp_path):
    """The negative control: the same path gives .5 within three standard errors."""
    rng = np.random.default_rng(2)
    texts, labels = planted(rng, 3000)
    write_table(tmp_path / "all.csv", texts, rng.permutation(labels), rng)
    found = scores(tmp_path, tmp_path / "all.csv", steps=100)
    positives = found["n"] / 2
    standard_error = np.sqrt((2 * positives + 1) / (12 * positives**2))  # Mann-Whitney, no signal
    assert abs(found["auroc"] - 0.5) < 3 * standard_error


@pytest.mark.parametrize("model", spec.available())
def test_every_model_trains_its_tiny_preset(model, tmp_path):
    if "binary" not in spec.load(model).TASK_TYPES:
        build_coverage(tmp_path)
    else:
        rng = np.random.default_rng(3)
        write_table(tmp_path / "all.csv", *planted(rng, 300), rng)
        launch("build_dataset", "--source=csv", "--input=all.csv", "--split_column=subset",
               "--data_dir=data", "--name=planted", cwd=tmp_path)  # fmt: skip
    launch("train", "--data_dir=data", f"--model={model}", "--preset=tiny", "--workdir=run",
           "--steps=3", cwd=tmp_path)  # fmt: skip
    assert (tmp_path / "run" / "model.keras").exists()
