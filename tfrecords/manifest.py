"""`manifest.json`: what a dataset holds and how it came about. A folder without one is no dataset.

It holds no paths, times or host names: the same build anywhere gives the same file.
"""

import hashlib
import json
import os
import pathlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields

from tfrecords import bins
from tfrecords.chrom import Chrom
from tfrecords.errors import InputError
from tfrecords.files import replacing
from tfrecords.remote_path import RemotePath, path_of
from tfrecords.schema import NAME, Schema
from tfrecords.strands import check_cut_sites

FILE = "manifest.json"
FORMAT_VERSION = 1
SPLITS = ("train", "valid", "test")
_SPLIT_SYNONYMS = {"training": "train", "val": "valid", "dev": "valid", "validation": "valid"}
LABEL_TYPES = ("binary", "regression")  # One number per sequence and task.
TASK_TYPES = (*LABEL_TYPES, "coverage", "unlabelled")
STORES = ("sequences", "intervals")
CUT = ("sequence", "repeat")  # What the records of a store of intervals leave out.
STRANDS = ("online", "store", "none")
COMPRESSIONS = ("none", "gzip")
# Left out of the file at their default: datasets built before there were such keep their hash.
_OPTIONAL = (
    *("shift_bp", "bin_bp", "crop_bp", "target_scale", "cut_sites"),
    *("chroms", "genome_sha256", "genome_files"),
)
GENOME = "genome"  # The folder with these files.


@dataclass(frozen=True)
class Shard:
    """One file of records: its base name, its size and sha256 (of its bytes as they are)."""

    file: str
    num_examples: int
    num_bytes: int
    sha256: str


@dataclass(frozen=True)
class GenomeFile:
    """One file of a packed genome: its base name, its size and sha256."""

    file: str
    num_bytes: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """Description of a dataset.

    Attributes:
        name: Name of the dataset, with which the names of its shards begin.
        schema: The fields of an example, as readers give it.
        splits: The shards of every split.
        tasks: The columns of `targets`, `T` names.
        task_type: What targets are: `binary` (0 or 1) or `regression`, `[T]`; `coverage`, one
            number per bin and task, `[bins, T]`, NaN where missing; or `unlabelled`: none.
        inputs: The files it was built from: base name, sha256 and number of rows of each.
        flags: The flags that built it.
        reverse_complement: Who turns training examples: the reader (`online`), the build, which
            stored both strands (`store`), or nobody (`none`).
        compression: Of the shard files: `none`, or `gzip` for archiving.
        strand_pairs: For every task the one that it is on the other strand; None if all stay.
        base_composition: Share of A, C, G and T among the bases of the training examples.
        statistics: Of the build, as it likes.
        audit: Findings on duplicates and leakage.
        shift_bp: Bases stored on either side of the window that a model reads, for shifts of it.
        bin_bp: Bases per bin of `coverage`; else 0.
        crop_bp: Bases at either end of the window that have no bins.
        target_scale: By what stored `coverage` is multiplied, for each task; () where it is 1.
        cut_sites: Tasks that count cuts between bases; see `strands.turn`.
        chroms: Those of the genome that the windows are from; `chrom_id` is a place in it.
        genome_sha256: Of the FASTA file of that genome.
        genome_files: The packed genome (`packed_genome`), if the dataset holds it: then records
            are intervals, and readers cut `sequence` and `repeat` out of it.
        format_version: Of this file and the records.
    """

    name: str
    schema: Schema
    splits: Mapping[str, tuple[Shard, ...]]
    tasks: tuple[str, ...] = ()
    task_type: str = "binary"
    inputs: tuple[dict, ...] = ()
    flags: dict = field(default_factory=dict)
    reverse_complement: str = "online"
    compression: str = "none"
    strand_pairs: tuple[int, ...] | None = None
    base_composition: dict[str, float] = field(default_factory=dict)
    statistics: dict = field(default_factory=dict)
    audit: dict = field(default_factory=dict)
    shift_bp: int = 0
    bin_bp: int = 0
    crop_bp: int = 0
    target_scale: tuple[float, ...] = ()
    cut_sites: tuple[int, ...] = ()
    chroms: tuple[Chrom, ...] = ()
    genome_sha256: str = ""
    genome_files: tuple["GenomeFile", ...] = ()
    format_version: int = FORMAT_VERSION

    def __post_init__(self):
        if not isinstance(self.name, str) or not NAME.fullmatch(self.name):
            raise InputError(f"dataset name {self.name!r}, expected {NAME.pattern}")
        for split in self.splits:
            one_of("split", split, SPLITS)
        splits = {split: tuple(self.splits[split]) for split in SPLITS if split in self.splits}
        object.__setattr__(self, "splits", splits)
        one_of("task_type", self.task_type, TASK_TYPES)
        one_of("reverse_complement", self.reverse_complement, STRANDS)
        one_of("compression", self.compression, COMPRESSIONS)
        if "targets" in self.schema and self.schema["targets"].shape[-1:] != (len(self.tasks),):
            raise InputError(f"targets: {self.schema['targets']}, but {len(self.tasks)} tasks")
        _check_shift(self.shift_bp, self.schema)
        _check_bins(self)
        if self.strand_pairs is not None and not is_pairing(self.strand_pairs, len(self.tasks)):
            raise InputError(
                f"strand_pairs {list(self.strand_pairs)}, expected for each of the "
                f"{len(self.tasks)} tasks its partner, whose partner it is in turn"
            )
        check_cut_sites(self.cut_sites, len(self.tasks), self.bin_bp, self.strand_pairs)

    @property
    def window_bp(self) -> int:
        """Bases that a model reads of a sequence: all but `shift_bp` at either end."""
        return self.schema["sequence"].bases - 2 * self.shift_bp

    @property
    def stored_schema(self) -> Schema:
        """The fields of a record: all of an example, or those that are not cut out of a genome."""
        return self.schema.without(*CUT) if self.genome_files else self.schema

    @property
    def num_bins(self) -> int:
        """Bins of `coverage` per window; 0 where there are none."""
        return bins.count(self.window_bp, self.bin_bp, self.crop_bp)

    def num_examples(self, split: str) -> int:
        """Returns how many examples a split holds."""
        return sum(shard.num_examples for shard in self.splits[split])

    @property
    def sha256(self) -> str:
        """Hash of the content, whatever the layout of the file."""
        canonical = json.dumps(self.to_json(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()

    def to_json(self) -> dict:
        """Returns the manifest as JSON can hold it."""
        named = {
            item.name: getattr(self, item.name)
            for item in fields(self)
            if item.name not in _OPTIONAL or getattr(self, item.name) != item.default
        }
        for name in ("chroms", "genome_files"):
            if getattr(self, name):
                named[name] = [asdict(item) for item in getattr(self, name)]
        return {
            **named,
            "schema": self.schema.to_json(),
            "splits": {
                split: [asdict(shard) for shard in shards] for split, shards in self.splits.items()
            },
        }

    @classmethod
    def from_json(cls, content: dict) -> "Manifest":
        """The inverse of `to_json`."""
        pairs = content["strand_pairs"]
        splits = {
            split: tuple(Shard(**shard) for shard in shards)
            for split, shards in content["splits"].items()
        }
        known = {
            "schema": Schema.from_json(content["schema"]),
            "splits": splits,
            "tasks": tuple(content["tasks"]),
            "inputs": tuple(content["inputs"]),
            "strand_pairs": None if pairs is None else tuple(pairs),
            "target_scale": tuple(content.get("target_scale", ())),
            "cut_sites": tuple(content.get("cut_sites", ())),
            "chroms": tuple(Chrom(**chrom) for chrom in content.get("chroms", ())),
            "genome_files": tuple(GenomeFile(**file) for file in content.get("genome_files", ())),
        }
        return cls(**{**content, **known})

    def save(self, data_dir: str | os.PathLike) -> None:
        """Writes `manifest.json`, which makes `data_dir` a dataset; it appears by renaming."""
        content = json.dumps(self.to_json(), sort_keys=True, indent=2, allow_nan=False)
        with replacing(pathlib.Path(data_dir, FILE)) as partial:
            partial.write_text(content + "\n")

    @classmethod
    def load(cls, data_dir: str | os.PathLike | RemotePath) -> "Manifest":
        """Reads the manifest of a dataset, also of one at a URL.

        Raises:
            InputError: No folder, no manifest in it, or one that this version cannot read.
        """
        path = path_of(data_dir) / FILE
        content = _read(path)
        version = content.get("format_version")
        if version != FORMAT_VERSION:
            raise InputError(
                f"{path}: format version {version}, this version of genokeras reads "
                f"{FORMAT_VERSION}; update genokeras or build the dataset again"
            )
        try:
            return cls.from_json(content)
        except InputError as error:
            raise InputError(f"{path}: {error}") from None
        except (KeyError, TypeError, AttributeError, IndexError) as error:
            raise InputError(
                f"{path}: not a complete manifest ({type(error).__name__}: {error}); "
                "build the dataset again"
            ) from None


def _read(path: pathlib.Path | RemotePath) -> dict:
    try:
        content = json.loads(path.read_text())
    except (FileNotFoundError, NotADirectoryError):
        raise InputError(_no_dataset(path.parent)) from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not JSON ({error}); build the dataset again") from None
    if not isinstance(content, dict):
        raise InputError(f"{path}: expected a JSON object; build the dataset again")
    return content


def _no_dataset(data_dir: pathlib.Path | RemotePath) -> str:
    if data_dir.is_file():
        return f"{data_dir}: a file, expected the folder of a dataset"
    if not data_dir.is_dir():
        return f"{data_dir}: no such folder; build_dataset makes datasets"
    return (
        f"{data_dir}: not a dataset, it has no {FILE} (a build writes it last); "
        "finish the build or give another --data_dir"
    )


def _check_shift(shift_bp: int, schema: Schema) -> None:
    if not isinstance(shift_bp, int) or shift_bp < 0:
        raise InputError(f"shift_bp {shift_bp!r}, expected a number of bases from 0")
    stored = (schema["sequence"].bases or 0) if "sequence" in schema else 0
    if shift_bp and stored <= 2 * shift_bp:
        raise InputError(f"shift_bp {shift_bp} leaves no window of the {stored} bases stored")


def _check_bins(manifest: Manifest) -> None:
    """Raises unless bins, crop and scales fit the targets."""
    scale = manifest.target_scale
    if manifest.task_type != "coverage":
        if manifest.bin_bp or manifest.crop_bp or scale:
            raise InputError(
                f"bin_bp {manifest.bin_bp}, crop_bp {manifest.crop_bp}, {len(scale)} target scales:"
                f" they are of coverage, and task_type is {manifest.task_type}"
            )
        return
    bins.check(manifest.window_bp, manifest.bin_bp, manifest.crop_bp)
    bins.check_scale(scale, len(manifest.tasks))
    if manifest.schema["targets"].shape != (manifest.num_bins, len(manifest.tasks)):
        raise InputError(
            f"targets: {manifest.schema['targets']}, but {manifest.num_bins} bins of "
            f"{manifest.bin_bp} bp and {len(manifest.tasks)} tasks"
        )


def split_name(name: str) -> str:
    """Returns the split that a name stands for, in any case: val, dev and validation are valid.

    A name that stands for none comes back in small letters; callers know best what to say of it.
    """
    name = name.strip().lower()
    return _SPLIT_SYNONYMS.get(name, name)


def is_pairing(partners: Sequence[int], count: int) -> bool:
    """Whether these are `count` partners, each the partner of its own partner."""
    return sorted(partners) == list(range(count)) and all(
        partners[partner] == task for task, partner in enumerate(partners)
    )


def one_of(name: str, value: object, known: tuple[str, ...]) -> None:
    """Raises an InputError unless `value` is one of the known ones."""
    if value not in known:
        raise InputError(f"{name} {value!r}, expected one of {', '.join(known)}")
