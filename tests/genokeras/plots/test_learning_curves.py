from genokeras.plots import learning_curves

ROWS = [
    {"step": 0, "valid": {"loss": 0.7, "auroc": 0.5, "tasks": {}}, "train": {"auroc": 0.5}},
    {"step": 5, "train": {"loss": 0.6, "learning_rate": 1e-3}},
    {"step": 10, "train": {"loss": 0.4, "auroc": 0.9}, "valid": {"loss": 0.5, "auroc": None}},
    {"step": 20, "train": {"loss": 0.3, "auroc": 0.95}, "valid": {"loss": 0.6, "auroc": 0.8}},
]


def drawn(pictures, rows, **options):
    learning_curves.draw_learning_curves(rows, "unused.png", **options)
    return pictures.pop().axes


def points(ax):
    return {line.get_label(): list(zip(*line.get_data(), strict=True)) for line in ax.get_lines()}


def test_curves_hold_what_was_measured(pictures):
    loss, auroc = drawn(pictures, ROWS)
    assert points(loss) == {
        "training examples": [(5, 0.6), (10, 0.4), (20, 0.3)],
        "valid split": [(0, 0.7), (10, 0.5), (20, 0.6)],
    }
    # What was undefined at step 10 is left out.
    assert points(auroc)["valid split"] == [(0, 0.5), (20, 0.8)]
    assert auroc.get_title() == "AUROC"


def test_the_best_step_is_marked(pictures):
    loss, _ = drawn(pictures, ROWS, best_step=10)
    assert points(loss)["best"] == [(10, 0), (10, 1)]


def test_a_regression_shows_its_correlations(pictures):
    rows = [{"step": 1, "valid": {"loss": 1.0, "pearson_r": 0.1, "spearman_r": 0.2, "r2": 0.0}}]
    panels = drawn(pictures, rows)
    assert [ax.get_title() for ax in panels] == ["Loss", "Pearson r", "Spearman r"]


def test_a_run_without_rows_is_an_empty_picture(tmp_path):
    learning_curves.draw_learning_curves([], tmp_path / "empty.png", title="new")
    assert (tmp_path / "empty.png").stat().st_size > 1000
