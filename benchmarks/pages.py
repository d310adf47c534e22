"""Tables of results in pages of Markdown."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any


def table(heads: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Returns a table, without a line end behind its last row."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)


def with_interval(scores: Mapping[str, Any], metric: str, sign: str = "") -> str:
    """Returns a score with its 95% interval; with `sign="+"` that of a difference."""
    low, high = scores[f"{metric}_ci"]
    return f"{scores[metric]:{sign}.3f} [{low:{sign}.3f}, {high:{sign}.3f}]"


def with_tables(page: str, tables: Mapping[str, str]) -> str:
    """Returns a page with tables between the marks `<!-- name -->` and `<!-- end of name -->`."""
    for name, table in tables.items():
        marks = f"<!-- {name} -->", f"<!-- end of {name} -->"
        pattern = f"(?s){re.escape(marks[0])}.*?{re.escape(marks[1])}"
        page, found = re.subn(pattern, lambda _, t=table, m=marks: f"{m[0]}\n{t}\n{m[1]}", page)
        if found != 1:
            raise ValueError(f"the page has {found} places for {name!r}, expected one")
    return page


def number(measured: dict) -> str:
    """Returns a median with its interval, to three digits."""
    low, high = measured["ci95"]
    return f"{digits(measured['median'])} [{digits(low)}, {digits(high)}]"


def digits(value: float) -> str:
    """Returns a number to three digits, in thousands where it has some."""
    return f"{float(f'{value:.3g}'):,.10g}"


def percent(measured: dict) -> str:
    """Returns a share in whole percent."""
    return f"{100 * measured['median']:.0f}%"
