"""Names as TensorFlow, JAX and nvidia-smi give them, and peaks of the makers' data sheets."""

import pytest

from genokeras.training.accelerators import peak_flops


@pytest.mark.parametrize(
    ("device", "bfloat16", "float32"),
    [
        ("Tesla T4", None, 8.1),
        ("Tesla V100-SXM2-16GB", None, 15.7),
        ("Tesla V100-PCIE-32GB", None, 14.0),
        ("Tesla V100S-PCIE-32GB", None, 16.4),
        ("NVIDIA A100-SXM4-40GB", 312, 156),
        ("NVIDIA A100 80GB PCIe", 312, 156),
        ("NVIDIA L4", 121, 60),
        ("NVIDIA L40S", 362, 183),
        ("NVIDIA H100 80GB HBM3", 989.5, 494.5),
        ("NVIDIA H100 PCIe", 756, 378),
        ("NVIDIA H100 NVL", 835.5, 417.5),
        ("NVIDIA H200", 989.5, 494.5),
        ("NVIDIA H200 NVL", 835.5, 417.5),
        ("TPU v4", 275, 275),
        ("TPU v5 lite", 197, 197),
        ("TPU v5p", 459, 459),
        ("TPU v5", 459, 459),
        ("TPU v6 lite", 918, 918),
    ],
)
def test_peaks_are_those_of_dense_products(device, bfloat16, float32):
    peaks = [peak_flops(device, precision) for precision in ("mixed_bfloat16", "float32")]
    assert peaks == [x and pytest.approx(x * 1e12) for x in (bfloat16, float32)]
    assert peak_flops(device, "float64") is None


@pytest.mark.parametrize(
    "device",
    ["CPU", "NVIDIA L40", "NVIDIA A10G", "TPU v4 lite", "TPU", "NVIDIA A100-SXM4-40GB MIG 1g.5gb"],
)
def test_what_is_not_known_has_no_peak(device):
    assert peak_flops(device, "mixed_bfloat16") is None
    assert peak_flops(device, "float32") is None
