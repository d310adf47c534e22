"""Sequences no one would measure, whose prediction tells what a model has learnt.

A classifier of binding that calls poly-A or nothing but N a strong site has learnt the composition
of its data; one that is indifferent to repeats of the motif has not learnt the motif. What a motif
itself does is measured by putting it in the middle of random backgrounds, with the base composition
of the training split and no other order (marginalisation).

Shapes: `N` sequences of `L` bp, `T` tasks, `M` letters of a motif.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from genokeras.evaluation.baseline import KmerModel
from genokeras.evaluation.ensemble import Ensemble
from genokeras.evaluation.scores import probability
from genokeras.models.spec import Spec
from tfrecords import sequence
from tfrecords.errors import InputError

NUM_BACKGROUNDS = 20
NUM_KMERS = 3
_MAX_TASKS = 10
_SIMPLE = {
    "poly-A": "A", "poly-C": "C", "poly-G": "G", "poly-T": "T", "N only": "N",
    "AC repeat": "AC", "AG repeat": "AG", "AT repeat": "AT", "CG repeat": "CG",
    "CT repeat": "CT", "GT repeat": "GT",
}  # fmt: skip
_BASES = np.array(list("ACGT"))


def parse_words(texts: Sequence[str], length: int) -> dict[str, str]:
    """Returns motifs by name from texts `NAME:WORD`, words in IUPAC codes.

    Raises:
      InputError: A text of another form, a letter that is no IUPAC code, a word longer than the
        window of `length` bp, or a name given twice.
    """
    words: dict[str, str] = {}
    for text in texts:
        name, colon, word = text.partition(":")
        word = word.upper().replace("U", "T")
        if not (name and colon and word):
            raise InputError(f"--probe={text}: expected NAME:WORD, such as AP1:TGASTCA")
        wrong = sorted(set(word) - set("ACGTRYSWKMBDHVN"))
        if wrong:
            raise InputError(f"--probe={text}: {wrong[0]!r} is no base and no IUPAC code")
        if len(word) > length:
            raise InputError(
                f"--probe={text}: a word of {len(word)} letters, the model reads {length} bp"
            )
        if name in words:
            raise InputError(f"--probe={text}: {name} is {words[name]} already; give another name")
        words[name] = word
    return words


def strongest_kmers(model: KmerModel, tasks: Sequence[str]) -> dict[str, str]:
    """Returns the k-mers that speak most for a positive in the baseline, by name.

    `NUM_KMERS` of one task; the strongest one of each of several, the first `_MAX_TASKS` of them.
    """
    kmers = np.arange(4**model.k) if model.stranded else sequence.canonical_kmers(model.k)[0]
    per_task = NUM_KMERS if len(tasks) == 1 else 1
    words = {}
    for column, task in enumerate(tasks[:_MAX_TASKS]):
        best = np.argsort(-model.weights[:, column], kind="stable")[:per_task]
        for word in sequence.kmer_texts(kmers[best], model.k):
            words[f"{task}: {word}" if len(tasks) > 1 else word] = word
    return words


def sanity_probes(
    models: Ensemble, words: Mapping[str, str], windows: np.ndarray, seed: int = 0
) -> dict[str, Any]:
    """Asks a model about made-up sequences, and about the two strands of real ones.

    Args:
      models: One or several, whose logits are averaged.
      words: Motifs by name, in IUPAC codes; where several bases may stand one is drawn.
      windows: Real sequences, packed.
      seed: Of what is drawn.

    Returns:
      `sequences`: of homopolymers, dinucleotide repeats, N only, and repeats of each word: `name`,
      `sequence`, `probabilities` `[T]` (`predictions` of a regression). `motifs`: of each word
      `name`, `word`, `n` backgrounds, and for every task the mean over them of `logit_difference`
      (with the word minus without; `prediction_difference` of a regression), its standard deviation
      `..._std`, and the mean `background_probabilities` (`background_predictions`).
      `reverse_complement`: `max_logit_difference` and `mean_logit_difference` of the two strands of
      `n` real sequences, before these are averaged; None if the data are stranded.
    """
    spec, rng = models.spec, np.random.default_rng(seed)
    texts = {name: _repeated(word, spec.length, rng) for name, word in _SIMPLE.items()}
    texts |= {f"{name} repeat": _repeated(word, spec.length, rng) for name, word in words.items()}
    answers = models.logits(sequence.encode(list(texts.values()), spec.length))
    kind, shown = _shown(spec)
    return {
        "sequences": [
            {"name": name, "sequence": text, kind: shown(answer).tolist()}
            for (name, text), answer in zip(texts.items(), answers, strict=True)
        ],
        "motifs": [_marginal(models, *item, rng) for item in words.items()],
        "reverse_complement": None if spec.stranded else _strands(models, windows),
    }


def _marginal(models: Ensemble, name: str, word: str, rng: np.random.Generator) -> dict[str, Any]:
    """What a word in the middle changes, over random backgrounds."""
    spec = models.spec
    shares = np.array(spec.base_composition or [0.25] * 4)
    shape = NUM_BACKGROUNDS, spec.length
    plain = _BASES[rng.choice(4, shape, p=shares / shares.sum())]
    planted, start = plain.copy(), (spec.length - len(word)) // 2
    planted[:, start : start + len(word)] = _drawn(word, NUM_BACKGROUNDS, rng)
    texts = ["".join(row) for row in np.concatenate([plain, planted])]
    without, having = np.split(models.logits(sequence.encode(texts, spec.length)), 2)
    kind, shown = _shown(spec)
    difference = (having - without).astype(np.float64)
    key = "prediction_difference" if spec.task_type == "regression" else "logit_difference"
    return {
        "name": name,
        "word": word,
        "n": NUM_BACKGROUNDS,
        key: difference.mean(axis=0).tolist(),
        f"{key}_std": difference.std(axis=0, ddof=1).tolist(),
        f"background_{kind}": shown(without).mean(axis=0).tolist(),
    }


def _strands(models: Ensemble, windows: np.ndarray) -> dict[str, Any]:
    given, opposite = models.logits_by_strand(windows)
    difference = np.abs(given.astype(np.float64) - opposite)
    return {
        "max_logit_difference": float(difference.max(initial=0.0)),
        "mean_logit_difference": float(difference.mean()) if difference.size else None,
        "n": len(windows),
    }


def _shown(spec: Spec) -> tuple[str, Any]:
    """What predictions are called, and how they come from logits."""
    if spec.task_type == "regression":
        return "predictions", np.asarray
    return "probabilities", probability


def _repeated(word: str, length: int, rng: np.random.Generator) -> str:
    """A word over and over, cut at `length`; bases are drawn for every copy, but N only stays."""
    copies = -(-length // len(word))
    if word == "N":
        return word * length
    return "".join(_drawn(word, copies, rng).ravel())[:length]


def _drawn(word: str, count: int, rng: np.random.Generator) -> np.ndarray:
    """Returns letters `[count, M]`: each one of the bases that the IUPAC code allows."""
    allowed = sequence.unpack(sequence.encode([word], len(word)), len(word), "one")
    return _BASES[np.argmax(rng.random((count, len(word), 4)) * allowed, axis=2)]
