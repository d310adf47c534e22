"""Tables that list tracks: `targets.txt` of basenji and its successors.

Such a table is separated by tabs. Its first line names the columns; `identifier` and `file` are
needed, `index` (also without a name), `sum_stat`, `scale`, `clip_soft`, `clip` and `strand_pair`
may be there, all others are for people. What the numbers do: `data_prep/track.py`.
"""

import math
import os
import pathlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from data_prep import table_rows, text_rows
from data_prep.text_file import TextFile, check_is_file
from data_prep.track import STATISTICS, Track
from tfrecords.errors import InputError, check_known, suggest
from tfrecords.manifest import is_pairing

_NEEDED = ("identifier", "file")
_COLUMNS = ("index", *_NEEDED, "sum_stat", "scale", "clip_soft", "clip", "strand_pair")
_ROWS = 1 << 12


@dataclass(frozen=True)
class TargetsTable:
    """Tracks in their order, and for each the one that it is on the other strand (or None)."""

    tracks: tuple[Track, ...]
    strand_pairs: tuple[int, ...] | None = None


def tracks_of(paths: Sequence[str | os.PathLike], statistic: str = "mean") -> TargetsTable:
    """Returns a track for each bigWig, named after its file.

    Raises:
        InputError: Two files have one name.
    """
    tracks = [Track(pathlib.Path(path).stem, os.fspath(path), statistic) for path in paths]
    first = {}
    for track in tracks:
        if track.name in first:
            raise InputError(
                f"{first[track.name]} and {track.path} would both be the task {track.name!r}; "
                "name them in a table, --targets=FILE"
            )
        first[track.name] = track.path
    return TargetsTable(tuple(tracks))


def read_targets_table(path: str | os.PathLike) -> TargetsTable:
    """Reads a table of tracks; paths in it start where the table lies.

    Raises:
        InputError: A column or file is missing, or a cell cannot be understood (names the line).
    """
    text = TextFile(path)
    header = _header(text)
    tracks, lines, indices, partners = [], [], [], []
    for line, row in _rows(text, header):
        where = f"{text.path}:{line}"
        tracks.append(_track(row, where, text.path.parent))
        lines.append(where)
        indices.append(row.get("index") or str(len(tracks) - 1))
        partners.append(row.get("strand_pair") or indices[-1])
    if not tracks:
        raise InputError(f"{text.path} has a header and no tracks")
    _check_unique("identifier", [track.name for track in tracks], lines)
    _check_unique("index", indices, lines)
    return TargetsTable(tuple(tracks), _strand_pairs(indices, partners, lines))


def _header(text: TextFile) -> list[str]:
    lines = text.lines()
    header = table_rows.split_line(next(lines), "\t")
    lines.close()
    header[0] = header[0] or "index"
    for name in _NEEDED:
        if name not in header:
            raise InputError(
                f"{text.path}:1: no column {name!r}.{suggest(name, header)} Expected a header "
                f"line, separated by tabs: {', '.join(_COLUMNS)}, description"
            )
    for name in header:
        if header.count(name) > 1:
            raise InputError(f"{text.path}:1: two columns are named {name!r}")
        if name not in _COLUMNS and (hint := suggest(name, set(_COLUMNS) - set(header))):
            raise InputError(f"{text.path}:1: no column is named {name!r}.{hint}")
    return header


def _rows(text: TextFile, header: list[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """Yields line number and cells of each row."""
    for batch in table_rows.read_table(text, "\t", len(header), _ROWS):
        for number, cells in enumerate(zip(*batch.columns, strict=True)):
            cells = [cell.strip() for cell in cells]
            yield batch.line(number), dict(zip(header, cells, strict=True))


def _track(row: dict[str, str], where: str, folder: pathlib.Path) -> Track:
    for name in _NEEDED:
        if not row[name]:
            raise InputError(f"{where}: {name} is empty")
    statistic = row.get("sum_stat") or "mean"
    check_known(f"{where}: no sum_stat", statistic, STATISTICS, "There are")
    file = folder / row["file"]
    try:
        check_is_file(file)
    except InputError as error:
        raise InputError(f"{where}: {error}") from None
    scale = _number(row, "scale", where)
    if scale == 0:
        raise InputError(f"{where}: scale is 0, expected a number that leaves something")
    limits = {name: _number(row, name, where) for name in ("clip_soft", "clip")}
    for name, value in limits.items():
        if value is not None and value <= 0:
            raise InputError(f"{where}: {name} is {row[name]}, expected a number above 0")
    return Track(row["identifier"], str(file), statistic, 1.0 if scale is None else scale, **limits)


def _number(row: dict[str, str], name: str, where: str) -> float | None:
    """Returns the number in a cell, None if it is empty or says that there is none."""
    try:
        value = text_rows.parse_label(row.get(name, ""))
    except ValueError:
        raise InputError(f"{where}: {name} is {row[name]!r}, expected a number") from None
    return None if math.isnan(value) else value


def _check_unique(column: str, cells: Sequence[str], lines: Sequence[str]) -> None:
    seen = {}
    for cell, where in zip(cells, lines, strict=True):
        if cell in seen:
            raise InputError(f"{where}: {column} {cell!r} is that of {seen[cell]} already")
        seen[cell] = where


def _strand_pairs(
    indices: Sequence[str], partners: Sequence[str], lines: Sequence[str]
) -> tuple[int, ...] | None:
    """Returns for every row the place of its partner; None if each is its own."""
    place = {index: number for number, index in enumerate(indices)}
    for partner, where in zip(partners, lines, strict=True):
        if partner not in place:
            raise InputError(f"{where}: strand_pair {partner!r} is the index of no track")
    pairs = tuple(place[partner] for partner in partners)
    if not is_pairing(pairs, len(pairs)):
        row = next(row for row, pair in enumerate(pairs) if pairs[pair] != row)
        raise InputError(
            f"{lines[row]}: strand_pair is {partners[row]}, but there ({lines[pairs[row]]}) it is "
            f"{partners[pairs[row]]}; two strands name each other, a track without strand itself"
        )
    return None if pairs == tuple(range(len(pairs))) else pairs
