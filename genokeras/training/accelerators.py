"""What is known of accelerators: their peak speeds, and whether one seems to be there unfound.

Speeds are those that the makers state for dense matrix products. Sources: NVIDIA's data sheets of
T4, V100, A100, L4, L40S, H100 and H200 (where one states speeds "with sparsity", half of that), and
docs.cloud.google.com/tpu/docs of each TPU.
"""

import pathlib
import re

_NVIDIA_DRIVER = pathlib.Path("/proc/driver/nvidia/version")
# In TFLOP/s, of a name: with bfloat16 (None: no units for it), with float32. On NVIDIA's GPUs since
# the A100 TensorFlow and JAX multiply float32 as TF32 by default, on a TPU as bfloat16.
_PEAKS = (
    (r"\bT4\b", None, 8.1),
    (r"\bV100S\b", None, 16.4),
    (r"\bV100-PCIE\b", None, 14.0),
    (r"\bV100\b", None, 15.7),
    (r"\bA100\b", 312.0, 156.0),
    (r"\bL4\b", 121.0, 60.0),
    (r"\bL40S\b", 362.0, 183.0),
    (r"\bH100 PCIe\b", 756.0, 378.0),
    (r"\b(H100|H200) NVL\b", 835.5, 417.5),
    (r"\b(H100|H200)\b", 989.5, 494.5),
    (r"^TPU v4$", 275.0, 275.0),
    (r"^TPU (v5 lite|v5e)$", 197.0, 197.0),
    (r"^TPU (v5|v5p)$", 459.0, 459.0),
    (r"^TPU (v6 lite|v6e)$", 918.0, 918.0),
)


def peak_flops(device: str, precision: str) -> float | None:
    """Returns the FLOP/s that a device could make at most, or None where that is not known.

    `device` is its name as TensorFlow and JAX have it, as `NVIDIA L4` or `TPU v5 lite`; `precision`
    is that of a run. A slice of a GPU (MIG) has no peak of its own, nor has a CPU.
    """
    if " MIG " in device or precision == "float64":
        return None
    for pattern, bfloat16, float32 in _PEAKS:
        if re.search(pattern, device):
            peak = bfloat16 if precision == "mixed_bfloat16" else float32
            return None if peak is None else 1e12 * peak
    return None


def missing_gpu(library: str, remedy: str) -> str:
    """Returns what to add to a line about CPUs where a GPU seems to be there; else nothing.

    Args:
        library: What found no GPU.
        remedy: The extra to install.
    """
    if not _NVIDIA_DRIVER.exists():
        return ""
    return (
        f"; this machine has an NVIDIA driver, but {library} found no GPU: install the extra "
        f"{remedy}"
    )
