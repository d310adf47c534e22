"""What makes features of windows: trained and untrained networks, 6-mers, one-hot DNA.

Shapes: `N` windows of `L` bp, packed uint8 `[N, ceil(L/2)]`; features `[N, F]`.
"""

import dataclasses
from collections.abc import Callable

import numpy as np
from scipy import sparse

from genokeras.evaluation.baseline import K, kmer_features
from genokeras.evaluation.embedder import Embedder
from genokeras.evaluation.linear_fit import Matrix
from genokeras.evaluation.split_windows import SplitWindows
from genokeras.probing.labelled_data import Part
from tfrecords import sequence

RUN, UNTRAINED, KMERS, ONE_HOT = KINDS = ("run", "untrained", "kmers", "one_hot")


@dataclasses.dataclass(frozen=True)
class Encoder:
    """A name, one of `KINDS`, and a function from packed windows to features.

    Features are dense float32, or sparse where nearly all are zero.
    """

    name: str
    kind: str
    encode: Callable[[np.ndarray], Matrix]

    @property
    def is_network(self) -> bool:
        """Whether its features are an embedding."""
        return self.kind in (RUN, UNTRAINED)

    def read(
        self, part: Part, turned: np.ndarray | None = None, progress: Callable | None = None
    ) -> Matrix:
        """Returns the features of a split's windows, or how they differ from its references.

        Args:
            part: The split.
            turned: Windows `[N]`, bool, to be read from the opposite strand.
            progress: Starts a progress bar, given a text and a total.
        """
        features = self._read(part.windows, turned, progress)
        if part.reference is not None:
            features -= self._read(part.reference, turned, progress)
        return features

    def _read(
        self, windows: SplitWindows, turned: np.ndarray | None, progress: Callable | None
    ) -> Matrix:
        bar = None
        if progress and self.is_network:
            bar = progress(f"Embedding {windows.name}", len(windows))
        dense, parts, start = None, [], 0
        try:
            for part in windows.parts():
                packed, end = part["sequence"], start + len(part["sequence"])
                if turned is not None:
                    packed = sequence.reverse_complement(packed, windows.length, turned[start:end])
                found = self.encode(packed)
                if sparse.issparse(found):
                    parts.append(found)
                else:
                    if dense is None:
                        dense = np.empty((len(windows), found.shape[1]), np.float32)
                    dense[start:end] = found
                start = end
                if bar:
                    bar.update(len(packed))
        finally:
            if bar:
                bar.close()
        return sparse.vstack(parts, format="csr") if dense is None else dense


def network(name: str, kind: str, embedder: Embedder) -> Encoder:
    """Returns the encoder whose features are embeddings."""
    return Encoder(name, kind, embedder.embed)


def kmers(length: int, is_stranded: bool) -> Encoder:
    """Returns the encoder that counts 6-mers, up to strand unless data are stranded."""
    return Encoder(f"{K}-mers", KMERS, lambda packed: kmer_features(packed, length, K, is_stranded))


def one_hot(length: int) -> Encoder:
    """Returns the encoder whose features are the bases themselves, `[N, 4 L]`."""

    def encode(packed: np.ndarray) -> sparse.csr_matrix:
        bases = sequence.kmer_ids(packed, length, 1)
        rows, places = np.nonzero(bases >= 0)
        columns = 4 * places + bases[rows, places]
        ones = np.ones(len(rows), np.float32)
        return sparse.csr_matrix((ones, (rows, columns)), shape=(len(packed), 4 * length))

    return Encoder("one-hot", ONE_HOT, encode)
