"""Errors that are known: of networks with a symmetry, without it, and of a biased training."""

import dataclasses

import keras
import numpy as np
import pytest

from genokeras.evaluation import symmetry
from genokeras.models import cnn_attention, contrastive, mlm
from genokeras.models.spec import Spec
from tfrecords import sequence
from tfrecords.errors import InputError

DATA = Spec(128, ("plus", "minus"), strand_pairs=(1, 0))
ONE_TASK = Spec(80, ("bound",))


def random_dna(count, length, seed=0):
    letters = np.random.default_rng(seed).choice(list("ACGT"), (count, length))
    return sequence.encode(["".join(row) for row in letters], length)


def network(rc, data=DATA, seed=0):
    keras.utils.set_random_seed(seed)
    config = dataclasses.replace(cnn_attention.PRESETS["tiny"], rc=rc, members=1, kmer=0)
    return config, cnn_attention.build(config, data)


def test_layers_of_an_equivariant_network_turn_and_others_do_not():
    packed = random_dna(8, 128)
    for rc in ("equivariant", "augment"):
        rows = {row["layer"]: row for row in symmetry.measure(network(rc)[1], DATA, packed)}
        errors = {name: row["reverse_complement"] for name, row in rows.items()}
        inner = [name for name in errors if name.startswith(("stem_conv", "residual", "attention"))]
        assert len(inner) >= 4
        if rc == "equivariant":
            assert max(error for error in errors.values() if error is not None) < 1e-5
            assert rows["logits"]["action"] == "tasks swapped"
            # With copies of a batch, shifted to either side, those change places.
            assert rows["stem_conv"]["action"] == "copies and positions and channels backwards"
        else:
            assert min(errors[name] for name in inner) > 0.1
            assert errors["logits"] > 0.1


def test_an_average_is_blind_to_the_strand_at_its_end_only():
    rows = {
        r["layer"]: r for r in symmetry.measure(network("average")[1], DATA, random_dna(8, 128))
    }
    assert rows["logits"]["reverse_complement"] < 1e-5
    assert rows["stem_conv"]["stride_bp"] == 1
    assert rows["stem_pool"]["stride_bp"] == 2


@pytest.mark.parametrize(
    ("module", "action"),
    [(mlm, "positions and channels backwards"), (contrastive, "none")],
    ids=["mlm", "contrastive"],
)
def test_models_without_labels_are_measured_as_well(module, action):
    data, packed = Spec(48, (), "unlabelled"), random_dna(8, 48)
    for rc, is_exact in (("equivariant", True), ("average", True), ("augment", False)):
        keras.utils.set_random_seed(0)
        config = dataclasses.replace(module.PRESETS["tiny"], rc=rc)
        *_, last = symmetry.measure(module.build(config, data), data, packed)
        assert (last["reverse_complement"] < 1e-5) == is_exact
        assert last["action"] == action or not is_exact


def test_convolutions_follow_shifts_and_pooling_multiples_of_its_stride():
    rows = {
        r["layer"]: r for r in symmetry.measure(network("augment")[1], DATA, random_dna(8, 128))
    }
    assert max(rows["stem_conv"]["shifts"].values()) < 1e-5
    assert rows["stem_pool"]["shifts"][1] is None
    assert max(rows["stem_pool"]["shifts"][by] for by in (2, 4, 8)) < 1e-5
    assert rows["logits"]["shifts"][1] > 1e-3  # The end of the window is another.


def test_training_on_one_strand_leaves_an_equivariant_network_so():
    """A motif of the given strand only, 56 steps of Adam: others learn which strand it is."""
    rng = np.random.default_rng(0)
    rows = rng.choice(list("ACGT"), (256, 80))
    labels = np.arange(256) % 2
    rows[labels == 1, 40:47] = list("TGACGTT")
    packed = sequence.encode(["".join(row) for row in rows], 80)
    errors = {}
    for rc in ("equivariant", "augment"):
        _, model = network(rc, ONE_TASK)
        loss = keras.losses.BinaryCrossentropy(from_logits=True)
        model.compile(keras.optimizers.Adam(3e-3), loss)
        before = model.evaluate(packed, labels[:, None], verbose=0)
        model.fit(packed[:224], labels[:224, None], batch_size=32, epochs=8, verbose=0)
        assert model.evaluate(packed, labels[:, None], verbose=0) < before
        last = symmetry.measure(model, ONE_TASK, packed[:64])[-1]
        errors[rc] = last["reverse_complement"]
    assert errors["equivariant"] <= 1e-5
    assert errors["augment"] > 1e-2


def test_a_table_has_a_line_per_layer():
    found = symmetry.measure(network("augment")[1], DATA, random_dna(4, 128))
    lines = symmetry.table(found).splitlines()
    assert lines[0].split()[:3] == ["layer", "shape", "reverse"]
    assert len(lines) == len(found) + 1
    assert any(line.startswith("stem_conv ") and "128 x 8" in line for line in lines)


def test_shifts_of_more_than_a_quarter_of_a_window_are_left_out():
    data = Spec(24, ("bound",))
    rows = symmetry.measure(network("augment", data)[1], data, random_dna(4, 24))
    assert [by for by, error in rows[0]["shifts"].items() if error is not None] == [1, 2, 4]


def test_too_few_windows_are_refused():
    with pytest.raises(InputError, match="symmetry: got 1 windows, expected at least 2"):
        symmetry.measure(keras.Sequential(), DATA, random_dna(1, 128))
