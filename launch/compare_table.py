"""The table of a comparison while it grows: written again, and a line printed, with every run."""

import pathlib
from collections.abc import Sequence

from genokeras.comparison import results, written
from genokeras.comparison.results import Line, Row
from genokeras.comparison.runs import PlannedRun
from genokeras.plots import figure
from launch import progress


class Table:
    """All runs of a comparison as rows.

    Args:
        folder: Of the comparison.
        planned: All its runs.
        split: On which they are scored.
        reference: Name of the configuration that others are compared with.
        metrics: Scores to compare by; none: the first that such models are judged by.
        against: Another one, or one of `results.COSTS`, to draw them over; None: nothing.

    Raises:
        InputError: Runs that are done have no such score.
    """

    def __init__(
        self,
        folder: pathlib.Path,
        planned: Sequence[PlannedRun],
        split: str,
        *,
        reference: str,
        metrics: Sequence[str],
        against: str | None,
    ):
        self._folder, self._split, self._reference = folder, split, reference
        self._given, self._against = metrics, against
        self._rows = {run: results.row(run, split, results.NOT_YET) for run in planned}
        results.check_metrics(self.rows, self._metrics())

    @property
    def rows(self) -> list[Row]:
        """A row for each run."""
        return list(self._rows.values())

    def tell(self, run: PlannedRun, number: str) -> None:
        """Says how a run ended, and writes the tables.

        Raises:
            InputError: Runs have no such score.
        """
        row = self._rows[run] = results.row(run, self._split, results.NOT_YET)
        found = [(name, row.value(name)) for name in self._metrics()]
        said = [f"{name} {value:.4f}" for name, value in found if value is not None]
        said += [f"{row.state}: {row.reason}"] if row.state != results.DONE else []
        progress.log(f"{number} {run.title}: {', '.join(said)} ({row.cpu_minutes:.1f} CPU minutes)")
        results.check_metrics(self.rows, self._metrics())
        self._write()

    def finish(self, why_missing: str) -> None:
        """Writes everything and shows the tables; `why_missing` is said of runs not yet begun."""
        self._rows = {run: results.row(run, self._split, why_missing) for run in self._rows}
        progress.log(f"\n{self._write()}")
        lines = self._lines()
        if not any(line.score for line in lines):
            return
        if figure.is_available():
            written.draw(self._folder, lines, self._reference, self._against)
        else:
            progress.log("No pictures: they need matplotlib; pip install 'genokeras[plot]'.")
        progress.log(f"Tables and pictures: {self._folder}/{written.NAME}.*")

    def _metrics(self) -> list[str]:
        metrics = [*self._given] or [x for x in [results.default_metric(self.rows)] if x]
        if self._against is not None and self._against not in results.COSTS:
            metrics.append(self._against)
        return list(dict.fromkeys(metrics))

    def _lines(self) -> list[Line]:
        found = [results.lines(self.rows, name, self._reference) for name in self._metrics()]
        return [line for lines in found for line in lines]

    def _write(self) -> str:
        about = self._reference, self._split
        return written.write_text(self._folder, self._lines(), self.rows, *about)
