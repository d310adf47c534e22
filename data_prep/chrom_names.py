"""Chromosomes by the names that other files give them: `I`, `chrI` and `chr1` may be one.

Names of a file are matched with those of the genome by one rule for the whole file, before any work
is done. Without an alias they must be the same. The rule `auto` finds must match one to one and put
every interval inside its chromosome:

- prefix: `chr1` is `1`; `chrM`, `MT` and `Mito` are one.
- Roman numerals, where those are a complete series from I on: in yeast, X is the tenth of sixteen;
  beside I to V, as in worms, it is no number but a sex chromosome, and nothing is matched.
"""

import os
import pathlib
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

from data_prep.text_file import TextFile
from tfrecords.chrom import Chrom
from tfrecords.errors import InputError, suggest

ALIASES = ("none", "auto", "ucsc", "ensembl")
_PREFIX = re.compile("chr", re.IGNORECASE)
_MITOCHONDRION = ("M", "MT", "MITO", "MTDNA", "MITOCHONDRION")
_ROMAN = re.compile("(?=.)(M{0,3})(CM|CD|D?C{0,3})(XC|XL|L?X{0,3})(IX|IV|V?I{0,3})")
_ROMAN_VALUES = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100, "D": 500, "M": 1000}
_MOST_SHOWN = 20

# From the names of a file to names of the genome; a name that it does not find is missing.
_Rule = Callable[[Sequence[str]], dict[str, str]]


def check_alias(alias: str) -> None:
    """Raises an InputError if an alias is none of `ALIASES`, and no file."""
    if alias not in ALIASES and not os.path.exists(alias):
        raise InputError(
            f"--chrom_alias={alias}: expected {', '.join(ALIASES)} or a file, and there is no such "
            f"file.{suggest(alias, ALIASES)}"
        )


def match_names(
    chroms: Sequence[Chrom],
    files: Mapping[str, Mapping[str, int]],
    alias: str = "none",
    *,
    skips_unlisted: bool = False,
) -> tuple[dict[str, dict[str, int]], tuple[str, ...]]:
    """Returns the chromosome of each name in each file.

    Args:
        chroms: The chromosomes of the genome.
        files: For every file, by its path, the largest end of the intervals on each chromosome
            that it names.
        alias: `none`; `auto`; `ucsc` or `ensembl` if the files have those names (`chrM`, `MT`);
            or the path of a file with a line of names, separated by tabs or spaces, for each
            chromosome.
        skips_unlisted: Names that the file of `alias` does not have are left out, if any match.

    Returns:
        For every path the position in `chroms` of each name; and lines for the user that say which
        names that are not the same were taken for one.

    Raises:
        InputError: A file has names that are not matched; the message lists those of both sides.
    """
    rules = _rules(chroms, alias)
    chrom_ids = {chrom.name: number for number, chrom in enumerate(chroms)}
    found, told = {}, {}
    skips = skips_unlisted and alias not in ALIASES
    for path, ends in files.items():
        how, names = _match(path, ends, chroms, rules, alias, skips)
        found[path] = {name: chrom_ids[names[name]] for name in ends if name in names}
        told.setdefault(how, {})[path] = {x: y for x, y in names.items() if x != y}
    return found, tuple(
        _note(how, names, chrom_ids) for how, names in told.items() if any(names.values())
    )


def _match(
    path: str,
    ends: Mapping[str, int],
    chroms: Sequence[Chrom],
    rules: Mapping[str, _Rule],
    alias: str,
    skips: bool,
) -> tuple[str, dict[str, str]]:
    """Returns the first rule that matches all names of a file (or some), and the names by it."""
    lengths = {chrom.name: chrom.length for chrom in chroms}
    if ends.keys() <= lengths.keys():
        return "", {name: name for name in ends}
    reasons = []
    for how, rule in rules.items():
        names = rule(tuple(ends))
        wanted = {name: ends[name] for name in names} if skips and names else ends
        problem = _problem(wanted, names, lengths if alias == "auto" else {})
        if not problem:
            return how, names
        reasons.append(f"by {how} {problem}")
    unknown = [name for name in ends if name not in lengths]
    why = f" ({'; '.join(reasons)})" if reasons else ""
    raise InputError(
        f"{path} names the chromosomes {listed(ends)}; the genome has {listed(lengths)}; "
        f"--chrom_alias={alias} does not match {listed(unknown)}{why}; {_way_out(alias)}"
    )


def _way_out(alias: str) -> str:
    by_file = "--chrom_alias=FILE, a line for each chromosome with its names"
    if alias == "none":
        return f"if it is of this genome, give --chrom_alias=auto or {by_file}"
    return f"if it is of this genome, give {by_file}"


def _problem(ends: Mapping[str, int], names: Mapping[str, str], lengths: Mapping[str, int]) -> str:
    """Returns what is wrong with a match, or an empty string."""
    if missing := [name for name in ends if name not in names]:
        return f"{missing[0]} is none of them"
    partners: dict[str, str] = {}
    for name in ends:
        other = partners.setdefault(names[name], name)
        if other != name:
            return f"{other} and {name} are both {names[name]}"
        if lengths and ends[name] > lengths[names[name]]:
            return (
                f"{name} is {names[name]}, but has an interval up to {ends[name]}, past its "
                f"{lengths[names[name]]} bp, as in another assembly"
            )
    return ""


def _rules(chroms: Sequence[Chrom], alias: str) -> dict[str, _Rule]:
    """Returns the rules that an alias allows, by what they are called in lines for the user."""
    names = [chrom.name for chrom in chroms]
    if alias == "none":
        return {}
    if alias == "auto":
        return {
            "prefix": lambda others: _by_prefix(names, others),
            "Roman numerals": lambda others: _by_numerals(names, others),
        }
    if alias in ALIASES:
        is_ucsc = alias == "ucsc"
        return {
            f"{alias} names": lambda others: _by_prefix(
                names, [x for x in others if x in names or bool(_PREFIX.match(x)) == is_ucsc]
            )
        }
    check_alias(alias)
    synonyms = _read_synonyms(pathlib.Path(alias), set(names))
    return {
        os.path.basename(alias): lambda others: {x: synonyms[x] for x in others if x in synonyms}
    }


def _by_prefix(names: Sequence[str], others: Sequence[str]) -> dict[str, str]:
    return _by_key({name: _core(name) for name in names}, {name: _core(name) for name in others})


def _by_numerals(names: Sequence[str], others: Sequence[str]) -> dict[str, str]:
    ours, theirs = ({name: _core(name) for name in side} for side in (names, others))
    count = max(_series_length(ours.values(), _roman), _series_length(ours.values(), _arabic))
    return _by_key(_numbered(ours, count), _numbered(theirs, count))


def _by_key(ours: Mapping[str, str | int], theirs: Mapping[str, str | int]) -> dict[str, str]:
    """Matches names with equal keys; names of the genome that share a key match nothing."""
    count = Counter(ours.values())
    by_key = {key: name for name, key in ours.items() if count[key] == 1}
    return {name: by_key[key] for name, key in theirs.items() if key in by_key}


def _core(name: str) -> str:
    """Returns a name without the prefix chr; those of the mitochondrion are all MT."""
    core = _PREFIX.sub("", name, count=1) if _PREFIX.match(name) else name
    return "MT" if core.upper() in _MITOCHONDRION else core


def _numbered(cores: Mapping[str, str], count: int) -> dict[str, str | int]:
    """Puts numbers in the place of numerals up to `count`, Roman ones if they are all there."""
    is_roman = 0 < count == _series_length(cores.values(), _roman)
    numbered = {}
    for name, core in cores.items():
        number = _arabic(core) or (_roman(core) if is_roman else 0)
        numbered[name] = number if 0 < number <= count else core
    return numbered


def _series_length(cores: Iterable[str], number_of: Callable[[str], int]) -> int:
    """Returns n if the numerals among some names are just those from 1 to n; otherwise 0."""
    numbers = {number for core in cores if (number := number_of(core))}
    return len(numbers) if numbers == set(range(1, len(numbers) + 1)) else 0


def _arabic(text: str) -> int:
    return int(text) if re.fullmatch("[1-9][0-9]*", text) else 0


def _roman(text: str) -> int:
    """Returns the value of a Roman numeral, and 0 for any other text. XIV is 14."""
    if not _ROMAN.fullmatch(text):
        return 0
    values = [_ROMAN_VALUES[letter] for letter in text]
    following = [*values[1:], 0]
    return sum(-x if x < y else x for x, y in zip(values, following, strict=True))


def _read_synonyms(path: pathlib.Path, names: set[str]) -> dict[str, str]:
    """Returns the name in the genome of every name in an alias file."""
    synonyms = {name: name for name in names}
    for number, line in enumerate(TextFile(path).lines(), start=1):
        cells = {cell.strip() for cell in line.split("\t" if "\t" in line else None)} - {""}
        if line.startswith("#") or not cells & names:
            continue
        known = sorted(cells & names)
        if len(known) > 1:
            raise InputError(f"{path}:{number}: {' and '.join(known)} are both in the genome")
        for cell in cells:
            if synonyms.setdefault(cell, known[0]) != known[0]:
                raise InputError(
                    f"{path}:{number}: {cell} is {known[0]} here and {synonyms[cell]} further up"
                )
    return synonyms


def _note(how: str, names_of: Mapping[str, Mapping[str, str]], order: Mapping[str, int]) -> str:
    pairs = {pair for names in names_of.values() for pair in names.items()}
    shown = [f"{x} = {y}" for x, y in sorted(pairs, key=lambda pair: (order[pair[1]], pair))]
    files = ", ".join(os.path.basename(path) for path in names_of)
    return f"Chromosome names matched by {how}: {', '.join(shown)} ({files})."


def listed(names: Iterable[str]) -> str:
    """Returns names as a message says them, the first of very many."""
    # Blanks at either end, which nobody would see, are shown by quotes.
    names = [repr(name) if name != name.strip() else name for name in names]
    more = f" and {len(names) - _MOST_SHOWN} more" if len(names) > _MOST_SHOWN else ""
    return ", ".join(names[:_MOST_SHOWN]) + more
