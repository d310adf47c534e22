"""Numbers for the alleles of a VCF file, into a copy of it with INFO fields more."""

import contextlib
import os
import pathlib
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from data_prep.htslib import quiet_pysam
from data_prep.vcf import Variants, declare
from tfrecords.errors import InputError
from tfrecords.files import replacing

SUFFIXES = (".vcf", ".vcf.gz")
_NOT_IN_NAMES = re.compile("[^0-9A-Za-z_.]")


def info_fields(fields: Mapping[str, str], header: Any) -> dict[str, str]:
    """Returns the INFO field of each of some scores, whose names it may not be able to have.

    Args:
        fields: What each score is.
        header: pysam's header of the file that is to have them.

    Raises:
        InputError: The file has such a field already, or two scores would have one.
    """
    names: dict[str, str] = {}
    for field in fields:
        name = _NOT_IN_NAMES.sub("_", field)
        name = f"_{name}" if name[0].isdigit() or name[0] == "." else name
        if name in names.values():
            raise InputError(
                f"two scores would be the INFO field {name}; give --output=NAME.tsv, whose columns "
                "can have any name"
            )
        if name in header.info:
            raise InputError(
                f"the input has an INFO field {name} already, as of scores of another model; "
                f"`bcftools annotate -x INFO/{name}` takes it out, or give --output=NAME.tsv"
            )
        names[field] = name
    return names


@contextlib.contextmanager
def open_vcf(
    path: str | os.PathLike, header: Any, info: Mapping[str, str]
) -> Iterator[Callable[[Variants, Mapping[str, np.ndarray]], None]]:
    """Gives a function that writes records with scores; the file appears when the block ends.

    The function takes variants, of which all records are written, and for each INFO field a number
    per allele; NaN, and alleles that were left out, are `.`.

    Args:
        path: `.vcf`, or `.vcf.gz`, which bgzip packs.
        header: pysam's header of the records.
        info: What each INFO field is, a number for every alternative.
    """
    path = pathlib.Path(path)
    header = header.copy()
    declare(header, info)
    with quiet_pysam(path, "writing variants") as pysam, replacing(path) as partial:
        is_packed = path.name.lower().endswith(".gz")
        with pysam.BGZFile(str(partial), "wb") if is_packed else partial.open("wb") as file:
            file.write(str(header).encode())

            def write(variants: Variants, columns: Mapping[str, np.ndarray]) -> None:
                _annotate(variants, columns)
                file.write("".join(map(str, variants.records)).encode())

            yield write


def _annotate(variants: Variants, columns: Mapping[str, np.ndarray]) -> None:
    edges = np.searchsorted(variants.record, np.arange(len(variants.records) + 1)).tolist()
    numbers = variants.number.tolist()
    for name, column in columns.items():
        values = [None if value != value else value for value in column.tolist()]
        for record, begin, end in zip(variants.records, edges, edges[1:], strict=False):
            found = dict(zip(numbers[begin:end], values[begin:end], strict=True))
            if any(value is not None for value in found.values()):
                record.info[name] = tuple(found.get(place) for place in range(len(record.alts)))
