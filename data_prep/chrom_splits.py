"""Splits by chromosome: a chromosome is in one split as a whole, so that no window leaks."""

import json
import os
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from data_prep.build_config import BuildConfig
from data_prep.chrom_names import listed, match_names
from data_prep.source import split_code
from data_prep.text_file import check_is_file
from tfrecords.chrom import Chrom
from tfrecords.errors import InputError, check_known
from tfrecords.input_copies import local_copy
from tfrecords.manifest import SPLITS

LEFT_OUT = -2


def split_of_chroms(chroms: Sequence[Chrom], config: BuildConfig) -> np.ndarray:
    """Returns the split of every chromosome, int8 `[len(chroms)]`: a position in `SPLITS`.

    Chromosomes that no flag names are for training; if those for training are named as well, they
    are `LEFT_OUT`.

    Raises:
        InputError: A name that no chromosome has.
    """
    rest = LEFT_OUT if config.train_chroms else SPLITS.index("train")
    found = np.full(len(chroms), rest, np.int8)
    names = {chrom.name: number for number, chrom in enumerate(chroms)}
    for code, wanted in enumerate(config.chroms_of_splits):
        for name in wanted:
            flag = f"--{SPLITS[code]}_chroms={name}"
            check_known(f"{flag}: there is no chromosome", name, names, "Chromosomes")
            found[names[name]] = code
    return found


def names_of(chrom_id: np.ndarray, chroms: Sequence[Chrom]) -> str:
    """Returns the names of the chromosomes that rows lie on, or some of very many."""
    return listed(chroms[number].name for number in np.unique(chrom_id))


def genome_names(
    given_by: str | os.PathLike,
    named: Mapping[str, tuple[str, ...]],
    chroms: Sequence[Chrom],
    alias: str,
    log: Callable[[str], None],
) -> dict[str, tuple[str, ...]]:
    """Returns the chromosomes of splits by the names that the genome has for them.

    Args:
        given_by: The file or flags that name them, for messages.
        named: The names of every split.
        chroms: Those of the genome.
        alias: As `chrom_names.match_names` takes it.
        log: Takes lines for the user: which names were taken for one.

    Raises:
        InputError: Names that the alias does not match.
    """
    given_by = os.fspath(given_by)
    ends = {name: 0 for names in named.values() for name in names}
    ids, notes = match_names(chroms, {given_by: ends}, alias)
    for line in notes:
        log(line)
    known = {name: chroms[place].name for name, place in ids[given_by].items()}
    return {split: tuple(known[name] for name in names) for split, names in named.items()}


def read_fold_file(path: str | os.PathLike) -> dict[str, tuple[str, ...]]:
    """Returns the chromosomes of every split that a fold file names.

    Such a file is JSON, `{"train": ["chr1", ...], "valid": [...], "test": [...]}`, as chrombpnet
    and others use it (`fold_0.json`).

    Args:
        path: The file.

    Raises:
        InputError: No such file, or it holds something else.
    """
    path = local_copy(path)
    check_is_file(path)
    wanted = 'expected {"train": ["chr1", ...], "valid": [...], "test": [...]}'
    if not (text := path.read_text(errors="replace").strip()):
        raise InputError(f"{path} is empty; {wanted}")
    try:
        # Pairs, because of a key that is there twice a dictionary would keep the last.
        content = json.loads(text, object_pairs_hook=tuple)
    except ValueError as error:
        raise InputError(f"{path}: not JSON ({error}); {wanted}") from None
    if not isinstance(content, tuple) or not all(_is_names(names) for _, names in content):
        raise InputError(f"{path}: {wanted}")
    found: dict[str, tuple[str, ...]] = {}
    for key, names in content:
        try:
            split = SPLITS[split_code(key)]
        except InputError as error:
            raise InputError(f"{path}: {error}") from None
        if split in found:
            raise InputError(
                f"{path}: {key!r} is {split}, which was there before; expected every split once"
            )
        found[split] = tuple(names)
    return found


def _is_names(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(name, str) for name in value)
