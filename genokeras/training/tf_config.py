"""TF_CONFIG: what TensorFlow's way to run on several hosts reads from the environment of each.

A JSON object: `cluster` maps `worker` (and `chief`, the first of all, where there is one) to the
addresses of the hosts, HOST:PORT; `task` says which of them this one is, by `type` and `index`.
Kubernetes operators and Vertex AI set it. Needs no TensorFlow.
"""

import json
import os
from typing import Any, NamedTuple

from tfrecords.errors import InputError

VARIABLE = "TF_CONFIG"
EXAMPLE = (
    '{"cluster": {"worker": ["HOST:PORT", "HOST:PORT"]}, "task": {"type": "worker", "index": 0}}'
)
_KINDS = ("chief", "worker")


class Cluster(NamedTuple):
    """The hosts of a run in their order, and the number of this one."""

    addresses: tuple[str, ...]
    host: int


def read() -> Cluster | None:
    """Returns the cluster of TF_CONFIG; None where it is not set.

    Raises:
        InputError: It is not as it must be.
    """
    text = os.environ.get(VARIABLE)
    if not text:
        return None
    try:
        found = json.loads(text)
    except ValueError as error:
        raise _wrong(f"it is no JSON ({error})") from None
    parts = [found.get(name) if isinstance(found, dict) else None for name in ("cluster", "task")]
    if not all(isinstance(part, dict) for part in parts):
        raise _wrong("`cluster` and `task` must be there, and objects")
    cluster, task = parts
    if strange := sorted(set(cluster) - set(_KINDS)):
        raise _wrong(f"hosts of type {strange[0]} have no work here; leave them out")
    addresses = {kind: _addresses(kind, cluster[kind]) for kind in _KINDS if kind in cluster}
    if "worker" not in addresses:
        raise _wrong("its cluster has no worker")
    everyone = tuple(address for kind in _KINDS for address in addresses.get(kind, ()))
    for number, address in enumerate(everyone):
        if address in everyone[:number]:
            raise _wrong(f"{address} is there twice; each host needs a port of its own")
    return Cluster(everyone, _host(task, addresses))


def _addresses(kind: str, given: Any) -> tuple[str, ...]:
    if not isinstance(given, list) or not given:
        raise _wrong(f"{kind} must be a list of addresses, got {json.dumps(given)}")
    for address in given:
        host, _, port = address.rpartition(":") if isinstance(address, str) else ("", "", "")
        if not (host and port.isdigit() and 0 < int(port) < 1 << 16):
            raise _wrong(f"{json.dumps(address)} is no address, which is HOST:PORT")
    return tuple(given)


def _host(task: dict[str, Any], addresses: dict[str, tuple[str, ...]]) -> int:
    kind, index = task.get("type"), task.get("index")
    if kind not in addresses:
        raise _wrong(f"its task is a {kind}, its cluster has {' and '.join(addresses)}")
    # Some systems write the index as a text.
    if not str(index).isdigit() or int(index) >= len(addresses[kind]):
        raise _wrong(
            f"its task is {kind} {json.dumps(index)}, expected 0 to {len(addresses[kind]) - 1}"
        )
    before = len(addresses.get("chief", ())) if kind == "worker" else 0
    return before + int(index)


def _wrong(problem: str) -> InputError:
    return InputError(f"{VARIABLE}: {problem}; expected {EXAMPLE}")
