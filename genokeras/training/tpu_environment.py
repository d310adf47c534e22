"""What TensorFlow on a TPU VM must find in its environment before it is imported.

Needs no TensorFlow. Source of the variables: the tests that the Keras team runs on TPUs
(github.com/keras-team/keras-rs, .github/workflows/actions.yml).
"""

import glob
import importlib.util
import os
import pathlib

_DEVICES = ("/dev/accel*", "/dev/vfio/[0-9]*")


def prepare(tpu: str | None, strategy: str) -> None:
    """Sets the variables if a run is to use the TPU of this machine; those set already stay.

    `tpu` and `strategy` are the flags of the run. A TPU by its name is reached over the network,
    and `auto` takes the one of a TPU VM.
    """
    is_local = tpu == "local" or (tpu is None and strategy in ("auto", "tpu") and is_tpu_vm())
    if not is_local:
        return
    values = {
        "PJRT_DEVICE": "TPU",
        "NEXT_PLUGGABLE_DEVICE_USE_C_API": "true",
        "TF_XLA_FLAGS": "--tf_mlir_enable_mlir_bridge=true",
        "TPU_NAME": "local",
    }
    if library := _library():
        values["TF_PLUGGABLE_DEVICE_LIBRARY_PATH"] = str(library)
    for name, value in values.items():
        os.environ.setdefault(name, value)


def is_tpu_vm() -> bool:
    """Whether this machine has the devices of a TPU, and the library for it."""
    return _library() is not None and any(glob.glob(pattern) for pattern in _DEVICES)


def _library() -> pathlib.Path | None:
    found = importlib.util.find_spec("libtpu")
    if found is None or not found.submodule_search_locations:
        return None
    path = pathlib.Path(found.submodule_search_locations[0]) / "libtpu.so"
    return path if path.exists() else None
