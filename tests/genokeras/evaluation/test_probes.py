import numpy as np
import pytest

from genokeras.evaluation.baseline import KmerModel
from genokeras.evaluation.ensemble import Ensemble
from genokeras.evaluation.predictor import Predictor
from genokeras.evaluation.probes import parse_words, sanity_probes, strongest_kmers
from genokeras.models.spec import Spec
from tfrecords import sequence
from tfrecords.errors import InputError

LENGTH = 40
SPEC = Spec(LENGTH, ("motif",), base_composition=(0.4, 0.1, 0.1, 0.4))
MOTIF = "TGACTCAC"


@pytest.fixture
def counter(motif_model):
    """4 times the number of motifs on the given strand, minus 2."""

    def make(spec=SPEC, **options):
        return Ensemble([Predictor(motif_model(spec), spec, **options)])

    return make


def packed(*texts):
    return sequence.encode(texts, LENGTH)


def test_repeats_and_homopolymers(counter):
    found = sanity_probes(counter(reverse_complement=False), {"AP1": MOTIF}, packed("A" * 40))
    shown = {probe["name"]: probe for probe in found["sequences"]}
    assert shown["poly-A"]["sequence"] == "A" * 40
    assert shown["N only"]["sequence"] == "N" * 40
    assert shown["CG repeat"]["sequence"] == "CG" * 20
    assert shown["AP1 repeat"]["sequence"] == MOTIF * 5
    assert len(shown) == 12
    assert shown["poly-A"]["probabilities"] == pytest.approx([1 / (1 + np.exp(2))])
    # Five motifs: a logit of 4 * 5 - 2.
    assert shown["AP1 repeat"]["probabilities"] == pytest.approx([1 / (1 + np.exp(-18))])


def test_a_motif_in_random_backgrounds_changes_what_the_model_knows_of_it(counter):
    """One motif more is 4 in the logit, in every background that has none of its own."""
    words = {"AP1": MOTIF, "nothing": "GGGGGGGG"}
    models = counter(reverse_complement=False)
    ap1, nothing = sanity_probes(models, words, packed("A" * 40))["motifs"]
    assert (ap1["name"], ap1["word"], ap1["n"]) == ("AP1", MOTIF, 20)
    assert ap1["logit_difference"] == pytest.approx([4])
    assert ap1["logit_difference_std"] == pytest.approx([0], abs=1e-6)
    assert ap1["background_probabilities"] == pytest.approx([1 / (1 + np.exp(2))])
    assert nothing["logit_difference"] == pytest.approx([0])


def test_backgrounds_have_the_base_composition_of_the_training_data(counter, monkeypatch):
    seen = []
    models = counter()
    logits = models.logits
    monkeypatch.setattr(models, "logits", lambda x: (seen.append(x), logits(x))[1])
    sanity_probes(models, {"AP1": MOTIF}, packed("A" * 40))
    plain, planted = np.split(seen[1], 2)
    texts = "".join(sequence.decode(plain, LENGTH))
    assert texts.count("A") / len(texts) == pytest.approx(0.4, abs=0.05)
    assert texts.count("C") / len(texts) == pytest.approx(0.1, abs=0.04)
    for text, with_motif in zip(
        *(sequence.decode(x, LENGTH) for x in (plain, planted)), strict=True
    ):
        assert with_motif == text[:16] + MOTIF + text[24:]


def test_a_base_is_drawn_for_every_ambiguous_code(counter):
    found = sanity_probes(counter(), {"any": "TGASTCA"}, packed("A" * 40))
    text = found["sequences"][-1]["sequence"]
    assert set(text[:7][:3] + text[4:7]) == set("TGACA")
    assert {text[start + 3] for start in range(0, 35, 7)} <= set("CG")
    again = sanity_probes(counter(), {"any": "TGASTCA"}, packed("A" * 40))
    assert again == found
    other = sanity_probes(counter(), {"any": "NNNNNNN"}, packed("A" * 40), seed=1)
    assert "N" not in other["sequences"][-1]["sequence"]


def test_strands_are_compared_before_they_are_averaged(counter):
    """The motif on one strand of one sequence: 2 there and -2 on the other."""
    real = packed("A" * 40, "A" * 32 + MOTIF)
    for reverse_complement in (True, False):
        models = counter(reverse_complement=reverse_complement)
        assert sanity_probes(models, {}, real)["reverse_complement"] == {
            "max_logit_difference": 4.0, "mean_logit_difference": 2.0, "n": 2,
        }  # fmt: skip


def test_tasks_of_a_strand_pair_are_compared_with_each_other(counter):
    """Of a model that swaps its two tasks on the opposite strand, both strands say the same."""
    spec = Spec(LENGTH, ("plus", "minus"), strand_pairs=(1, 0))
    found = sanity_probes(counter(spec), {}, packed("A" * 32 + MOTIF))
    assert found["reverse_complement"]["max_logit_difference"] == pytest.approx(0, abs=1e-6)
    assert len(found["sequences"][0]["probabilities"]) == 2


def test_strands_of_stranded_data_are_not_compared(counter):
    found = sanity_probes(counter(Spec(LENGTH, ("a",), stranded=True)), {}, packed("A" * 40))
    assert found["reverse_complement"] is None


def test_a_regression_has_predictions(counter):
    models = counter(Spec(LENGTH, ("a",), "regression"), reverse_complement=False)
    found = sanity_probes(models, {"AP1": MOTIF}, packed("A" * 40))
    assert found["sequences"][0]["predictions"] == [-2]
    assert found["motifs"][0]["prediction_difference"] == pytest.approx([4])
    assert found["motifs"][0]["background_predictions"] == pytest.approx([-2])


def kmer_model(k, tasks, stranded=False, **weights):
    columns = np.arange(4**k) if stranded else sequence.pair_of_kmer(k)
    values = np.zeros((columns.max() + 1, tasks))
    for word, of_tasks in weights.items():
        number = sequence.kmer_ids(sequence.encode([word], k), k, k)[0, 0]
        values[columns[number]] = of_tasks
    return KmerModel(k, stranded, values, np.zeros(tasks), (1.0,) * tasks)


def test_the_strongest_kmers_of_the_baseline_are_its_consensus_words():
    """GTG is the other strand of CAC, which is the one that is shown."""
    model = kmer_model(3, 1, GTG=[3], AAC=[2], CCG=[1], TTT=[-5])
    assert strongest_kmers(model, ("label",)) == {"CAC": "CAC", "AAC": "AAC", "CCG": "CCG"}
    stranded = kmer_model(3, 1, stranded=True, GTG=[3], AAC=[2], CCG=[1])
    assert list(strongest_kmers(stranded, ("label",))) == ["GTG", "AAC", "CCG"]


def test_each_of_several_tasks_has_one_word():
    model = kmer_model(3, 2, GTG=[3, 0], AAC=[2, 5])
    assert strongest_kmers(model, ("a", "b")) == {"a: CAC": "CAC", "b: AAC": "AAC"}
    many = tuple(f"t{task}" for task in range(40))
    assert len(strongest_kmers(kmer_model(3, 40), many)) == 10


def test_words_are_read_in_either_case():
    assert parse_words(["AP1:tgaSTCA", "ets:CCGGAAGu"], 40) == {"AP1": "TGASTCA", "ets": "CCGGAAGT"}
    assert parse_words([], 40) == {}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("TGASTCA", "--probe=TGASTCA: expected NAME:WORD, such as AP1:TGASTCA"),
        (":ACGT", "--probe=:ACGT: expected NAME:WORD"),
        ("x:", "--probe=x:: expected NAME:WORD"),
        ("x:ACXT", "--probe=x:ACXT: 'X' is no base and no IUPAC code"),
        ("x:AC-T", "'-' is no base and no IUPAC code"),
        ("x:ACGTA", "--probe=x:ACGTA: a word of 5 letters, the model reads 4 bp"),
    ],
)
def test_words_that_cannot_be_asked_about_are_refused(text, message):
    with pytest.raises(InputError) as caught:
        parse_words([text], 4)
    assert message in str(caught.value)


def test_a_name_has_one_word():
    with pytest.raises(InputError, match="--probe=x:CC: x is AA already; give another name"):
        parse_words(["x:AA", "y:AA", "x:CC"], 4)
