import numpy as np

from genokeras.plots.label_efficiency import draw_label_efficiency


def row(encoder, kind, labels, auroc, ends=None):
    found = {"encoder": encoder, "kind": kind, "labels": labels, "auroc": auroc}
    return found | {"auroc_ci": ends}


def test_a_line_of_every_encoder_through_its_scores(pictures):
    rows = [
        row("run", "run", 100, 0.8, [0.7, 0.85]),
        row("run", "run", 10, 0.6, [0.5, 0.65]),
        row("6-mers", "kmers", 10, None),
        row("6-mers", "kmers", 100, 0.7),
    ]
    draw_label_efficiency(rows, ["auroc"], "unused.png", title="sites")
    [ax] = pictures.pop().axes
    assert ax.get_xscale() == "log"
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["10", "100"]
    bars = dict(zip([container.get_label() for container in ax.containers], ax.containers,
                    strict=True))  # fmt: skip
    line = bars["run"][0]
    np.testing.assert_allclose(line.get_ydata().astype(float), [0.6, 0.8])
    np.testing.assert_allclose(line.get_xdata().astype(float), [10, 100], rtol=0.1)
    assert (line.get_linestyle(), bars["6-mers"][0].get_linestyle()) == ("-", ":")
    np.testing.assert_allclose(bars["6-mers"][0].get_ydata().astype(float), [0.7])
    segments = bars["run"][2][0].get_segments()
    np.testing.assert_allclose(
        [part[:, 1].astype(float) for part in segments], [[0.5, 0.65], [0.7, 0.85]]
    )
