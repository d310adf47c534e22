"""Which columns of a table hold sequence, targets, split and group, found from their names."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from data_prep import file_kind, text_rows
from data_prep.table_rows import split_line
from tfrecords.errors import InputError, suggest

_SEPARATORS = (",", "\t", ";", "|")
_SEQUENCE_NAMES = ("sequence", "seq", "dna", "dna_sequence")
_TARGET_NAMES = ("label", "labels", "target", "targets", "bound", "class", "y")
_TARGET_PREFIXES = ("label_", "target_", "task_")
_SPLIT_NAMES = ("split", "subset", "partition", "set")
# Columns of numbers that are never taken for targets unless they are asked for.
_BOOKKEEPING = (
    *("id", "index", "idx", "row", "name", "fold", "foldid", "length", "gc"),
    *("chrom", "chr", "chromosome", "start", "end", "strand"),
)
_MAX_CLASSES = 10  # A column that repeats more values than these is hardly one of labels.


@dataclass(frozen=True)
class TableColumns:
    """The columns of a table that are read, by name.

    Attributes:
        sequence: The column with the sequence.
        targets: The columns with the labels, one task each.
        split: The column that names each row's split, or None.
        group: The column that names each row's group, or None.
        unread: The other columns.
    """

    sequence: str
    targets: tuple[str, ...]
    split: str | None
    group: str | None
    unread: tuple[str, ...]


def find_separator(header: str) -> str:
    """Returns comma, tab, semicolon or pipe: what splits the header into the most names."""
    return max(_SEPARATORS, key=lambda separator: len(split_line(header, separator)))


def find_columns(
    names: Sequence[str],
    sample: Iterable[Sequence[str]],
    *,
    where: str,
    sequence: str | None = None,
    targets: Sequence[str] = (),
    split: str | None = None,
    group: str | None = None,
    may_lack_targets: bool = False,
) -> TableColumns:
    """Returns the columns to read of a table.

    Args:
        names: Of all columns.
        sample: The cells of some rows; only looked at if no column is named like a target.
        where: Where the names stand, for error messages.
        sequence: Column with the sequence; default: the one that is named so.
        targets: Columns with the labels. Default: the one column named `label`, `target`, `bound`
            or the like; else all columns named `label_...`, `target_...` or `task_...`; else all
            other columns, if each holds numbers and none is named like a row number or a place.
        split: Column with the split of each row.
        group: Column with the group of each row.
        may_lack_targets: Return no targets where none can be told and nothing repeats a few values
            as labels would, instead of raising an error.

    Raises:
        InputError: A column is missing, double, or cannot be told.
    """
    _check_unique(names, where)
    sequence = find_sequence(names, where, sequence)
    split = given(split, names, where) if split else None
    group = given(group, names, where) if group else None
    _check_distinct([sequence, split, group], where)
    others = [name for name in names if name not in (sequence, split, group)]
    if targets:
        targets = [given(name, names, where) for name in targets]
        _check_distinct([sequence, split, group, *targets], where)
    else:
        rows = list(sample)
        position = {name: names.index(name) for name in others}
        cells = {n: [row[at] for row in rows if len(row) > at] for n, at in position.items()}
        targets = _find_targets(cells, where, may_lack_targets)
    unread = tuple(name for name in others if name not in targets)
    return TableColumns(sequence, tuple(targets), split, group, unread)


def split_candidates(names: Sequence[str]) -> list[str]:
    """Returns those of the names that a column with the split usually has."""
    return [name for name in names if name.lower() in _SPLIT_NAMES]


def _check_unique(names: Sequence[str], where: str) -> None:
    twice = [name for name in names if name and names.count(name) > 1]
    if twice:
        raise InputError(f"{where}: there are several columns named {twice[0]!r}; rename them")


def _check_distinct(names: list[str | None], where: str) -> None:
    twice = [name for name in names if name and names.count(name) > 1]
    if twice:
        raise InputError(f"{where}: column {twice[0]!r} cannot be used for two things")


def given(name: str, names: Sequence[str], where: str) -> str:
    """Returns `name`, which was asked for, if the table at `where` has such a column."""
    if name not in names:
        raise InputError(
            f"{where}: there is no column {name!r}; the columns are {', '.join(names)}."
            + suggest(name, names)
        )
    return name


def find_sequence(names: Sequence[str], where: str, name: str | None = None) -> str:
    """Returns the column with the sequence: `name` if it is given, else the one named so."""
    if not any(names):
        raise InputError(f"{where}: a blank line, expected the names of the columns")
    if name:
        return given(name, names, where)
    found = [name for name in names if name.lower() in _SEQUENCE_NAMES]
    if len(found) == 1:
        return found[0]
    if not found and {"start", "end"} <= {name.lower() for name in names}:
        raise InputError(
            f"{where}: intervals ({_shown(names)}), and no column is named like a sequence; "
            f"{file_kind.FROM_GENOME}, or --sequence_column=NAME says which one it is"
        )
    problem = f"columns {', '.join(found)} all look like" if found else "no column is named like"
    raise InputError(
        f"{where}: {problem} a sequence; the columns are {_shown(names)} (a table's first line "
        "must name them); --sequence_column=NAME says which one it is"
    )


def _find_targets(cells: Mapping[str, list[str]], where: str, may_be_none: bool) -> list[str]:
    """Returns the columns with the labels; `cells` are those of some rows, by column."""
    names = list(cells)
    found = [name for name in names if name.lower() in _TARGET_NAMES]
    if len(found) == 1:
        return found
    if found:
        raise InputError(
            f"{where}: columns {', '.join(found)} all look like labels; "
            f"--target_columns={','.join(found)} takes them all, or name one"
        )
    found = [name for name in names if name.lower().startswith(_TARGET_PREFIXES)]
    if found:
        return found
    usable = [name for name in names if name and name.lower() not in _BOOKKEEPING]
    if names and usable == names and all(map(_are_numbers, cells.values())):
        return names
    if may_be_none:
        _check_no_labels(cells, where)
        return []
    raise InputError(
        f"{where}: no column is named like a label; the other columns are "
        f"{_shown(names) or 'none'}; --target_columns=NAME,NAME says which ones to use, and if all "
        "rows are positives, --negatives=dinucleotide_shuffle makes the others"
    )


def _check_no_labels(cells: Mapping[str, list[str]], where: str) -> None:
    """Refuses to take all rows for positives if a column repeats a few values, as labels do."""
    for name, values in cells.items():
        classes = sorted(set(filter(None, values)))
        is_known = name.lower() in (*_BOOKKEEPING, *_SPLIT_NAMES)
        if not is_known and 1 < len(classes) <= min(_MAX_CLASSES, len(values) // 2):
            raise InputError(
                f"{where}: not all rows may be positives, since column {name!r} holds "
                f"{_shown(classes)}; --target_columns={name} reads labels of 0 and 1, and what is "
                "no label must be left out of a table of positives"
            )


def _are_numbers(values: Sequence[str]) -> bool:
    """Whether cells are all numbers or missing, and not all missing."""
    try:
        parsed = [text_rows.parse_label(value) for value in values]
    except ValueError:
        return False
    return not all(map(math.isnan, parsed))


def _shown(names: list[str]) -> str:
    shown = ", ".join(name if len(name) <= 30 else f"{name[:27]}..." for name in names[:12])
    return shown + (f" and {len(names) - 12} more" if len(names) > 12 else "")
