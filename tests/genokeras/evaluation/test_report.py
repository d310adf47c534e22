"""The report of real evaluations of a motif counter, read back with the parser of the library."""

import html.parser
import json
import re
import shutil

import numpy as np
import pytest

from genokeras.evaluation import report, report_runs
from genokeras.evaluation.evaluate import evaluate
from tfrecords import input_paths

VOID = {"meta", "link", "br", "img", "hr", "input", "path", "circle"}
HOSTILE = "<b>x&y"


class Page(html.parser.HTMLParser):
    """Ids, links, tags and the texts of table rows, headings and `pre`; checks that tags close."""

    def __init__(self, path):
        super().__init__()
        self.source = path.read_text()
        self.ids, self.tags, self.links, self.rows, self.texts = [], [], [], [], {}
        self._open, self._row = [], None
        self.feed(self.source)
        assert self._open == []

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.tags.append(tag)
        self.ids += [attrs["id"]] if "id" in attrs else []
        self.links += [attrs[name] for name in ("href", "src", "xlink:href") if name in attrs]
        if tag not in VOID:
            self._open.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        if {"td", "th"} & set(self._open):
            self.rows[-1][-1] += data
        for tag in ("pre", "h1", "h2", "h3", "p", "summary", "li", "style"):
            if tag in self._open:
                self.texts[tag] = self.texts.get(tag, "") + data

    def row(self, *beginning):
        """The cells after `beginning` in the one row that begins so."""
        (row,) = [
            row[len(beginning) :] for row in self.rows if row[: len(beginning)] == [*beginning]
        ]
        return row


@pytest.fixture(autouse=True)
def without_pictures(monkeypatch):
    """The report draws its own."""
    monkeypatch.setattr("genokeras.plots.figure.is_available", lambda: False)


@pytest.fixture
def splits(planted):
    """Every second example has the motif on the forward strand; 15% of labels are turned over."""

    def make(tasks=1, number=120, names=("train", "valid", "test")):
        rng, made = np.random.default_rng(0), {}
        for name in names:
            texts, labels = planted(rng, number)
            columns = [
                np.where(rng.random(number) < 0.15, 1 - labels, labels) for _ in range(tasks)
            ]
            made[name] = texts, np.stack(columns, axis=1), None
        return made

    return make


@pytest.fixture
def report_of(write_motif_run):
    """Evaluates a run on such splits; returns the page and what SPLIT.json holds."""

    def make(splits, split="test", num_bootstrap=30, **options):
        run = write_motif_run(splits, **options)
        evaluate(run.workdir, split, num_bootstrap=num_bootstrap)
        stored = json.loads((run.workdir / "evaluation" / f"{split}.json").read_text())
        return Page(run.workdir / "report.html"), stored

    return make


def check_self_contained(page):
    assert page.links != []
    assert [link for link in page.links if not link.startswith("#")] == []
    assert {link[1:] for link in page.links} <= set(page.ids)
    assert len(page.ids) == len(set(page.ids))
    assert not {"script", "link", "iframe", "object", "img"} & set(page.tags)
    assert not re.search(r"@import|url\(|https?:", page.source)


def test_numbers_are_those_of_the_json(report_of, splits):
    page, result = report_of(splits())
    check_self_contained(page)
    for name, title in [("auroc", "AUROC"), ("mcc", "MCC"), ("loss", "Loss")]:
        for cell, scores in zip(page.row(title)[:2], (result, result["baseline"]), strict=True):
            low, high = scores[f"{name}_ci"]
            assert cell == f"{scores[name]:.3f}[{low:.3f}, {high:.3f}]"
        assert page.row(title)[2].startswith(f"{result['difference'][name]:+.3f}")
    point = result["operating_points"][0]
    names = ("threshold", "precision", "recall", "specificity", "f1", "mcc")
    assert page.row("probability 0.5") == [f"{point[name]:.3f}" for name in names]
    cells = result["confusion"]["at_half"]
    assert [f"{cells['tp']}true positives", f"{cells['fn']}missed"] in [r[1:] for r in page.rows]
    assert result["verdict"] in page.texts["p"]
    gc = result["gc_by_class"]
    assert (
        f"Mean GC content on the test split: {gc['positives']:.1%} in positives, "
        f"{gc['negatives']:.1%} in negatives; AUROC of GC content alone {gc['auroc']:.3f}."
        in page.texts["p"]
    )
    assert "the mean over 20 backgrounds ± their standard deviation" in page.texts["p"]
    assert page.texts["h1"] == "small: motif_counter"
    for probe in result["probes"]["sequences"]:
        assert page.row(probe["name"]) == [f"{probe['probabilities'][0]:.3f}"]
    for mistake in result["mistakes"]:
        assert (
            f"row {mistake['row']} · probability {mistake['probability']:.3f}" in page.texts["li"]
        )
        assert mistake["sequence"] in page.texts["li"]


def test_pictures_are_there_and_the_file_is_small(report_of, splits):
    page, _ = report_of(splits())
    # ROC, precision and recall, calibration, two kinds of groups; no metrics.jsonl, no curves.
    assert page.tags.count("svg") == 5
    assert len(page.source) < 250_000


def test_learning_curves_are_drawn_from_the_rows_of_the_run(write_motif_run, splits):
    run = write_motif_run(splits())
    rows = [
        {"step": n, "train": {"loss": 1 / n}, "valid": {"loss": 1, "auroc": 0.7}} for n in (1, 7)
    ]
    (run.workdir / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    evaluate(run.workdir, num_bootstrap=0, baseline=False)
    page = Page(run.workdir / "report.html")
    assert page.tags.count("svg") == 7
    assert "training" in page.ids


@pytest.mark.parametrize("task", [HOSTILE, "'\" onload=x"])
def test_names_of_tasks_are_never_markup(report_of, splits, task):
    page, _ = report_of(splits(tasks=2), tasks=(task, "other"))
    check_self_contained(page)
    assert task in page.texts["summary"]
    assert page.row(task)
    assert task not in page.source
    assert not {"x&y"} & set(page.tags)


def test_several_tasks_have_their_table_and_their_own_pictures(report_of, splits):
    page, result = report_of(splits(tasks=2), tasks=("one", "two"))
    assert page.tags.count("svg") == 2 * 5
    for task in ("one", "two"):
        scores = result["tasks"][task]
        examples, model, baseline, difference = page.row(task)
        assert (examples, model[:5]) == ("120", f"{scores['auroc']:.3f}")
        assert baseline[:5] == f"{result['baseline']['tasks'][task]['auroc']:.3f}"
        gap = scores["auroc"] - result["baseline"]["tasks"][task]["auroc"]
        assert difference == f"{gap:+.3f}"


def test_more_tasks_than_are_drawn_are_in_the_table(report_of, splits, monkeypatch):
    monkeypatch.setattr(report, "_MAX_TASKS", 1)
    page, _ = report_of(splits(tasks=2), tasks=("one", "two"), num_bootstrap=0)
    assert page.row("two")
    assert page.tags.count("svg") == 5
    assert "The first 1 of 2 tasks; evaluation/test.json has all." in page.texts["p"]


def test_regression(report_of, splits):
    data = {
        name: (texts, targets + np.linspace(0, 0.3, len(texts))[:, None], None)
        for name, (texts, targets, _) in splits().items()
    }
    page, result = report_of(data, task_type="regression")
    check_self_contained(page)
    assert page.row("Pearson r")[0].startswith(f"{result['pearson_r']:.3f}")
    assert "True and predicted" in page.source
    assert "Operating points" not in page.texts["h3"]
    assert "MCC" not in page.source


def test_without_valid_split_baseline_and_intervals(write_motif_run, splits):
    run = write_motif_run(splits(names=("train", "test")))
    evaluate(run.workdir, num_bootstrap=0, baseline=False)
    page = Page(run.workdir / "report.html")
    check_self_contained(page)
    assert "There is no baseline to compare with, so no verdict." in page.texts["p"]
    assert "No valid split." in page.texts["li"]
    assert len(page.row("AUROC")) == 1
    assert "[" not in page.row("AUROC")[0]


def test_of_one_class_the_report_says_what_is_undefined(report_of, splits):
    made = splits()
    made["test"][1][:] = 1
    page, result = report_of(made)
    check_self_contained(page)
    assert result["auroc"] is None
    assert result["baseline"] is not None
    assert "AUROC is undefined here, so there is no verdict." in page.texts["p"]
    assert page.row("AUROC")[0].startswith("–")
    assert "ROC" not in page.source.replace("AUROC", "")


def test_commands_repeat_what_was_done(report_of, write_motif_run, splits):
    run = write_motif_run(splits())
    (run.workdir / "flags.txt").write_text("--data_dir=a b\n--workdir=run\n--set=filters=8\n")
    evaluate(run.workdir, "valid", num_bootstrap=20, baseline=False, reverse_complement=False)
    text = Page(run.workdir / "report.html").texts["pre"].replace(" \\\n  ", " ")
    assert "python -m launch.train '--data_dir=a b' --workdir=run --set=filters=8" in text
    assert (
        f"python -m launch.evaluate --workdir={run.workdir} --split=valid --num_bootstrap=20 "
        "--nobaseline --noreverse_complement" in text
    )


def test_commands_have_paths_probes_and_a_dataset_that_has_moved(write_motif_run, splits, tmp_path):
    run = write_motif_run(splits())
    options = {"num_bootstrap": 0, "baseline": False}
    evaluate(run.workdir, **options)
    page = Page(run.workdir / "report.html")
    assert "The dataset does not say where its input files lay" in page.texts["p"]
    assert "--data_dir" not in page.texts["pre"].split("launch.evaluate")[1]
    moved = run.data_dir.rename(tmp_path / "elsewhere")
    input_paths.save(moved, {"train": ["/tables/a b.csv"], "test": ["/tables/test.csv"]})
    evaluate(run.workdir, data_dir=moved, probe=["AP1:TGASTCA"], **options)
    page = Page(run.workdir / "report.html")
    text = page.texts["pre"].replace(" \\\n  ", " ")
    assert "'--train=/tables/a b.csv'" in text.split("launch.evaluate")[0]
    assert "--test=/tables/test.csv" in text.split("launch.evaluate")[0]
    assert f"--data_dir={moved}" in text.split("launch.evaluate")[1]
    assert "--probe=AP1:TGASTCA" in text.split("launch.evaluate")[1]
    assert "These commands find everything" in page.texts["p"]


def test_every_dataset_of_an_ensemble_is_built(write_motif_run, splits, tmp_path):
    runs = [write_motif_run(splits(), folder=tmp_path / name) for name in ("a", "b")]
    result = {
        "split": "test", "checkpoint": "best", "num_bootstrap": 1000, "seed": 0, "probe": [],
        "baseline": {}, "reverse_complement": True,
    }  # fmt: skip
    commands = dict(report_runs.commands(runs, result, tmp_path / "out"))
    assert list(commands) == ["Build dataset 1", "Build dataset 2", "Evaluate"]
    assert f"--data_dir={tmp_path}/b/data" in commands["Build dataset 2"]
    assert f"--workdir={tmp_path}/a/run,{tmp_path}/b/run" in commands["Evaluate"]


def test_a_preset_that_is_gone_is_said_to_be(write_motif_run, splits):
    run = write_motif_run(splits())
    assert "All settings are those of the preset." in render_model(run)
    del run.model_module.PRESETS["base"]
    assert "This version of genokeras has no such preset" in render_model(run)


def render_model(run):
    evaluate(run.workdir, num_bootstrap=0, baseline=False)
    texts = Page(run.workdir / "report.html").texts["p"]
    assert "All numbers are in evaluation/test.json" in texts
    return texts


def test_an_ensemble_shows_its_members(write_motif_run, splits, tmp_path):
    first = write_motif_run(splits())
    second = tmp_path / "second run"
    shutil.copytree(first.workdir, second)
    out = tmp_path / "together"
    result = evaluate([first.workdir, second], output=out, num_bootstrap=10)
    page = Page(out / "report.html")
    check_self_contained(page)
    assert not (first.workdir / "report.html").exists()
    assert page.row(str(second))[0].startswith(f"{result['members'][1]['auroc']:.3f}")
    assert page.texts["h1"] == "small: ensemble of 2 runs of motif_counter"
    assert f"Mean of the logits of {first.workdir}, {second}" in page.texts["p"]
    assert f"--output={out}" in page.texts["pre"]


def test_an_output_folder_of_one_run_has_its_report(write_motif_run, splits, tmp_path):
    run = write_motif_run(splits())
    evaluate(run.workdir, output=tmp_path / "out", num_bootstrap=0, baseline=False)
    page = Page(tmp_path / "out" / "report.html")
    assert f"--output={tmp_path}/out" in page.texts["pre"]
    assert "All numbers are in test.json" in page.texts["p"]


def test_without_jinja_evaluation_says_so_and_goes_on(write_motif_run, splits, monkeypatch):
    monkeypatch.setattr(report, "is_available", lambda: False)
    run, lines = write_motif_run(splits()), []
    evaluate(run.workdir, num_bootstrap=0, baseline=False, log=lines.append)
    assert "No report: it needs jinja2; pip install 'genokeras[plot]'." in lines
    assert not (run.workdir / "report.html").exists()
    assert (run.workdir / "evaluation" / "test.json").exists()


def test_bases_that_are_equal_stand_together():
    assert list(report._runs_of_bases("AANGT")) == [
        ("A", "AA"), ("", "N"), ("G", "G"), ("T", "T"),
    ]  # fmt: skip


def test_of_long_sequences_the_middle_is_shown():
    text = "A" * 500 + "C" * 100 + "G" * 500
    shown = list(report._runs_of_bases(text))
    assert (shown[0], shown[-1]) == (("", "…"), ("", "…"))
    assert "".join(letters for _, letters in shown[1:-1]) == "A" * 100 + "C" * 100 + "G" * 100
