"""The memory of this process."""

import pathlib

_STATUS = pathlib.Path("/proc/self/status")


def peak_bytes() -> int | None:
    """Returns the most memory that this process has had; None where the system does not say.

    `getrusage` may have the number of a larger process that started this one.
    """
    if not _STATUS.exists():
        return None
    kilobytes = _STATUS.read_text().partition("VmHWM:")[2].split(maxsplit=1)[0]
    return 1024 * int(kilobytes)
