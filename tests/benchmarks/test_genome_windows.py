"""The benchmark of windows of a genome runs, and keeps no result of a small run."""

import gzip
import random


def test_small_run(small_run, tmp_path):
    letters = random.Random(0)
    texts = ["".join(letters.choices("ACGT", k=length)) for length in (1000, 2000, 4000)]
    fasta = tmp_path / "g.fa.gz"
    rows = (f">{name}\n{text}\n" for name, text in zip("abc", texts, strict=True))
    fasta.write_bytes(gzip.compress("".join(rows).encode()))
    found = small_run(str(fasta), "--pairs=1")
    assert found["bases"] == 7000
    # The first two chromosomes on one strand, the third on both.
    sizes = [(length - 200) // 50 + 1 for length in (1000, 2000, 4000)]
    assert found["examples"] == sizes[0] + sizes[1] + 2 * sizes[2]
    assert list(found["memory"]["peak_bytes_by_stride"]) == ["50", "5"]
