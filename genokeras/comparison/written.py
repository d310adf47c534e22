"""The files of a comparison: `comparison.json`, `.tsv`, `.md`, and pictures `.png` and `.svg`."""

import pathlib
from collections.abc import Mapping, Sequence

from genokeras.comparison import results, tables
from genokeras.comparison.results import Line, Row
from genokeras.comparison.spread import Estimate
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
    """Draws all lines: for each dataset and metric the scores, and beside them the differences.

    Args:
        folder: Of the comparison.
        lines: As `results.lines` returns them, of all metrics.
        reference: Name of the reference.
        against: Another score, or one of `results.COSTS`, to draw each metric over as well.
    """
    x = {(line.dataset, line.configuration): _x(line, lines, against) for line in lines}
    groups: dict[tuple[str, str], list[Line]] = {}
    for line in lines:
        if line.metric != against:
            groups.setdefault((line.metric, line.dataset), []).append(line)
    panels = [_panels(group, reference, x) for group in groups.values()]
    both = [panel for pair in panels for panel in pair]
    draw_comparison(both, [folder / f"{NAME}.png", folder / f"{NAME}.svg"])
    if against:
        path = folder / f"{NAME}.against_{against}.png"
        draw_against([scores for scores, _ in panels], against.replace("_", " "), path)


def _x(line: Line, lines: Sequence[Line], against: str | None) -> float | None:
    if against in results.COSTS:
        return line.costs[against]
    place = line.dataset, line.configuration, against
    found = (o.score for o in lines if (o.dataset, o.configuration, o.metric) == place)
    score = next(found, None)
    return score and score.mean


def _panels(
    group: Sequence[Line], reference: str, x: Mapping[tuple[str, str], float | None]
) -> tuple[Panel, Panel]:
    scores, differences, line_at = [], [], None
    for line in group:
        name, is_reference = line.configuration, line.configuration == reference
        more = {"x": x[line.dataset, name], "sweep": line.place}
        scores.append(Mark(name, [*line.scores.values()], *_mean_and_ci(line.score), **more))
        note = {"note": "reference"} if is_reference else {}
        gaps = [*line.differences.values()]
        differences.append(Mark(name, gaps, *_mean_and_ci(line.difference), **note))
        if is_reference and line.score:
            line_at = line.score.mean
    first = group[0]
    title = f"difference to {reference}"
    return (
        Panel(first.dataset, first.metric, scores, line_at),
        Panel(title, f"difference of {first.metric}", differences, 0.0),
    )


def _mean_and_ci(
    estimate: Estimate | None,
) -> tuple[float | None, tuple[float, float] | None]:
    return (estimate.mean, estimate.ci) if estimate else (None, None)
