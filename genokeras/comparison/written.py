"""The files of a comparison: `comparison.json`, `.tsv`, `.md`, and pictures `.png` and `.svg`."""

import math
import pathlib
from collections.abc import Sequence

from genokeras.comparison import results, tables
from genokeras.comparison.results import Line, Row
from genokeras.plots.comparison import Mark, Panel, draw_against, draw_comparison
from genokeras.training.run_files import write

NAME = "comparison"


def write_text(
    folder: pathlib.Path, lines: Sequence[Line], rows: Sequence[Row], reference: str, split: str
) -> str:
    """Writes what needs no matplotlib; returns the tables as text."""
    text = tables.markdown(lines, rows, reference, split)
    write(folder / f"{NAME}.md", text)
    write(folder / f"{NAME}.tsv", tables.tsv(lines))
    write(folder / f"{NAME}.json", tables.as_json(lines, rows, reference, split))
    return text


def draw(folder: pathlib.Path, lines: Sequence[Line], reference: str, against: str | None) -> None:
    """Draws all lines, a panel for each dataset and metric.

    Args:
        folder: Of the comparison.
        lines: As `results.lines` returns them, of all metrics.
        reference: Name of the reference.
        against: Another score, or one of `results.COSTS`, to draw each metric over as well.
    """
    x = {(line.dataset, line.configuration): _x(line, lines, against) for line in lines}
    metrics = [metric for metric in dict.fromkeys(x.metric for x in lines) if metric != against]
    panels = [
        Panel(dataset, metric, _marks(lines, dataset, metric, x), reference)
        for metric in metrics
        for dataset in dict.fromkeys(line.dataset for line in lines)
    ]
    draw_comparison(panels, [folder / f"{NAME}.png", folder / f"{NAME}.svg"])
    if against:
        draw_against(panels, against.replace("_", " "), folder / f"{NAME}.against_{against}.png")


def _x(line: Line, lines: Sequence[Line], against: str | None) -> float | None:
    if against in results.COSTS:
        return line.costs[against]
    place = line.dataset, line.configuration, against
    found = (o.score for o in lines if (o.dataset, o.configuration, o.metric) == place)
    score = next(found, None)
    return score and score.mean


def _marks(
    lines: Sequence[Line], dataset: str, metric: str, x: dict[tuple[str, str], float | None]
) -> list[Mark]:
    marks = []
    for line in lines:
        if (line.dataset, line.metric) == (dataset, metric):
            score, scores = line.score, list(line.scores.values())
            place = x[dataset, line.configuration]
            mean, ci = (
                (score.mean, score.ci) if score and math.isfinite(score.mean) else (None, None)
            )
            marks.append(Mark(line.configuration, scores, mean, ci, place))
    return marks
