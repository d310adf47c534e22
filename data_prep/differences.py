"""What tells a dataset that is there from the one that a build would give."""

from collections.abc import Iterator, Mapping, Sequence

from tfrecords.errors import InputError
from tfrecords.files import file_sha256
from tfrecords.input_copies import local_copy
from tfrecords.manifest import Manifest

_MAX_SHOWN = 3


def describe_differences(
    manifest: Manifest, *, name: str, flags: Mapping, paths: Sequence[str] | None
) -> str:
    """Returns in what a build would differ, as an error message says it; empty if it would not.

    Args:
        manifest: Of the dataset that is there.
        name: Of the dataset that is to be built.
        flags: All that decides about it beside the input.
        paths: Of the input files, which are read only if all else is the same; None: they are not
            compared.
    """
    found = list(_differing_flags(manifest, name, flags))
    if not found and paths is not None:
        found = list(_changed_files(manifest, paths))
    more = f" and {len(found) - _MAX_SHOWN} more" if len(found) > _MAX_SHOWN else ""
    return ", ".join(found[:_MAX_SHOWN]) + more


def another_dataset(shown: str, differences: str) -> InputError:
    """Returns the error that a folder holds a dataset that differs from the one to be built."""
    return InputError(f"{shown} holds another dataset ({differences}); --overwrite replaces it")


def _differing_flags(manifest: Manifest, name: str, flags: Mapping) -> Iterator[str]:
    if manifest.name != name:
        yield f"--name was {manifest.name}, now {name}"
    for flag in dict.fromkeys((*flags, *manifest.flags)):
        before, now = manifest.flags.get(flag), flags.get(flag)
        if before != now:
            called = "the input" if flag == "files" else f"--{flag}"
            yield f"{called} was {_shown(before)}, now {_shown(now)}"


def _changed_files(manifest: Manifest, paths: Sequence[str]) -> Iterator[str]:
    files = [local_copy(path) for path in paths]
    before, now = [entry["file"] for entry in manifest.inputs], [path.name for path in files]
    if before != now:
        yield f"the order of the input was {', '.join(before)}, now {', '.join(now)}"
        return
    for entry, path in zip(manifest.inputs, files, strict=True):
        if entry["sha256"] != file_sha256(path):
            yield f"{path} was another file"


def _shown(value: object) -> str:
    if value in (None, [], {}):
        return "not given"
    if isinstance(value, Mapping):
        return " ".join(f"{key}={_shown(entry)}" for key, entry in sorted(value.items()))
    return ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
