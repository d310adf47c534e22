"""`launch.inspect_dataset` shows a dataset, checks it, and refuses what is none."""

import pytest

from data_prep.build import build_dataset
from data_prep.csv_table import CsvTable


@pytest.fixture
def data_dir(tmp_path):
    (tmp_path / "a.csv").write_text("sequence,label\nACGT,1\nAAGG,0\n")
    build_dataset(CsvTable({"train": tmp_path / "a.csv"}), tmp_path / "data", "mine")
    return tmp_path / "data"


def test_summary_examples_and_verification(launch, data_dir):
    done = launch(f"--data_dir={data_dir}", "--examples=5", "--verify")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("mine: 2 examples, 1 task (binary)\n")
    assert "label=1  ACGT" in done.stdout
    assert done.stdout.endswith("All 2 records are as they were written; shards checked: 1.\n")


def test_audit_of_the_records(launch, tmp_path):
    (tmp_path / "a.csv").write_text("sequence,label,split\nACGTA,1,train\nAAGGA,0,test\n")
    table = CsvTable(tmp_path / "a.csv", split_column="split")
    build_dataset(table, tmp_path / "data", "mine")
    done = launch(f"--data_dir={tmp_path / 'data'}", "--audit")
    assert done.returncode == 0, done.stderr
    audit = done.stdout[done.stdout.index("Audit of the records as they are:") :]
    assert audit.splitlines()[1:] == [
        "  train: 1 rows, 1 distinct, 0 repeats on the other strand, 0 dropped",
        "  test: 1 rows, 1 distinct, 0 repeats on the other strand, 0 dropped",
        "  train/test  copies               0 in both, 0 of them only on the other strand",
        "  train/test  near duplicates      0 of 1 rows of train, 0 of 1 rows of test",
        "  sequences with different labels: 0",
    ]


def test_damage_is_one_line_and_exit_code_2(launch, data_dir):
    shard = next(data_dir.glob("mine-train*"))
    shard.write_bytes(shard.read_bytes()[:-1])
    done = launch(f"--data_dir={data_dir}", "--verify")
    assert done.returncode == 2
    assert "mine-train.tfrecord-00000-of-00001: truncated in record 1" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_plot_draws_beside_the_dataset_or_where_it_is_told(launch, data_dir, tmp_path):
    done = launch(f"--data_dir={data_dir}", "--plot")
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith(f"Picture: {tmp_path}/data-overview.png\n")
    assert (tmp_path / "data-overview.png").read_bytes().startswith(b"\x89PNG")
    done = launch(f"--data_dir={data_dir}", f"--plot={tmp_path}/here.svg")
    assert done.stdout.endswith(f"Picture: {tmp_path}/here.svg\n")
    assert "<svg" in (tmp_path / "here.svg").read_text()[:500]


@pytest.mark.parametrize(("named", "inside"), [(".", "."), ("..", "sub")])
def test_plot_from_within_the_dataset(launch, data_dir, tmp_path, named, inside):
    (data_dir / inside).mkdir(exist_ok=True)
    done = launch(f"--data_dir={named}", "--plot", cwd=data_dir / inside)
    assert done.stdout.endswith(f"Picture: {tmp_path}/data-overview.png\n"), done.stderr
    assert (tmp_path / "data-overview.png").exists()


def test_a_dataset_at_a_url(launch, data_dir, tmp_path):
    """It is fetched into the cache once, and its picture is drawn here."""
    url = f"--data_dir=file://{data_dir}"
    args = (url, f"--cache_dir={tmp_path}/cache", "--examples=1", "--verify", "--plot")
    done = launch(*args, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "Fetching train (MB): 1/1" in done.stderr
    local = launch(f"--data_dir={data_dir}", "--examples=1", "--verify")
    # The last line is about the picture.
    assert done.stdout.splitlines()[:-1] == local.stdout.splitlines()
    assert (tmp_path / "data-overview.png").exists()
    shards = {path.name: path.read_bytes() for path in data_dir.glob("*.tfrecord-*")}
    copies = {path.name: path.read_bytes() for path in tmp_path.glob("cache/*/mine-*")}
    assert copies == shards
    again = launch(*args[:2], "--cache_limit=0", cwd=tmp_path)
    assert again.returncode == 0
    assert "Fetching" not in again.stderr


def test_plot_without_a_dataset_speaks_of_the_dataset(launch, tmp_path):
    data_dir = tmp_path / "none" / "data"
    done = launch(f"--data_dir={data_dir}", "--plot")
    assert done.returncode == 2
    assert done.stderr == f"error: {data_dir}: no such folder; build_dataset makes datasets\n"


def test_plot_where_nothing_may_be_written(launch, data_dir):
    done = launch(f"--data_dir={data_dir}", "--plot=/proc/overview.png")
    assert done.returncode == 2
    assert done.stderr == "error: No such file or directory: /proc/overview.png\n"


def test_plot_that_cannot_be_written_is_refused(launch, data_dir):
    done = launch(f"--data_dir={data_dir}", "--plot=overview.gif")
    assert done.returncode == 2
    assert done.stderr == "error: overview.gif: a picture ends in .png, .svg, .pdf\n"
    assert done.stdout == ""


def test_what_is_no_dataset(launch, tmp_path):
    done = launch(f"--data_dir={tmp_path}")
    assert done.returncode == 2
    assert "not a dataset, it has no manifest.json" in done.stderr
