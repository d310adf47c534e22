"""The benchmark of long windows runs, and keeps no result of a small run."""

import numpy as np


def test_small_run(small_run):
    found = small_run("--pairs=1", "--stride_bp=65536", "--regions=20")
    # Places of 131,072 bp in 230,218, 813,184 and 316,620 bp.
    assert found["windows"] == 2 + 11 + 3
    ways = ["packed_all_checksums", "packed_later_epochs", "unpacked_later_epochs", "baskerville"]
    assert list(found["read"]) == ways
    assert list(found["memory"]["peak_bytes"]) == ["20", "200"]


def test_unpacked_windows_are_one_hot_and_float32(benchmark):
    packed = np.zeros((1, benchmark.LENGTH // 2), np.uint8)
    packed[0, 0] = 0b1000_0001
    one_hot, targets = benchmark.unpack({"sequence": packed, "targets": np.float16([[[2.5]]])})
    assert one_hot[0, :3].tolist() == [[1, 0, 0, 0], [0, 0, 0, 1], [0, 0, 0, 0]]
    assert (one_hot.dtype, targets.dtype) == (np.float32, np.float32)
