import dataclasses
import types

import numpy as np
import pytest

from genokeras.models import cnn_attention, spec
from tfrecords.errors import InputError
from tfrecords.manifest import Manifest
from tfrecords.schema import Feature, Schema


def manifest(**changes):
    features = (
        Feature("sequence", "uint8", (51,), bases=101),
        Feature("targets", "float32", (2,)),
    )
    given = {"tasks": ("plus", "minus"), "task_type": "regression"} | changes
    return Manifest("name", Schema(features), {}, **given)


def test_a_manifest_says_what_a_model_must_fit():
    shares = {"T": 0.4, "A": 0.3, "G": 0.2, "C": 0.1}
    found = spec.Spec.from_manifest(manifest(strand_pairs=(1, 0), base_composition=shares))
    assert found == spec.Spec(101, ("plus", "minus"), "regression", (1, 0), (0.3, 0.1, 0.2, 0.4))
    assert (found.num_tasks, found.packed_width) == (2, 51)
    assert spec.Spec.from_manifest(manifest()).base_composition is None


def test_a_window_is_what_is_stored_but_for_the_flanks():
    found = spec.Spec.from_manifest(manifest(shift_bp=15))
    assert (found.length, found.shift_bp, found.packed_width) == (71, 15, 36)
    windows = found.without_flanks()
    assert (windows.length, windows.shift_bp) == (71, 0)
    assert spec.Spec.from_manifest(manifest()) == dataclasses.replace(windows, length=101)


def test_coverage_is_binned():
    features = (
        Feature("sequence", "uint8", (32,), bases=64),
        Feature("targets", "float16", (6, 2)),
    )
    binned = {"bin_bp": 8, "crop_bp": 8, "target_scale": (1.0, 0.5)}
    tracks = Manifest("n", Schema(features), {}, ("a", "b"), "coverage", **binned)
    found = spec.Spec.from_manifest(tracks)
    assert found == spec.Spec(64, ("a", "b"), "coverage", **binned)
    assert (found.num_bins, spec.Spec(64, ("a",)).num_bins) == (6, 0)
    assert spec.Spec(64, (), "unlabelled").num_tasks == 0


@pytest.mark.parametrize(("strands", "stranded"), [("online", 0), ("store", 0), ("none", 1)])
def test_data_whose_strands_nobody_turns_are_stranded(strands, stranded):
    assert spec.Spec.from_manifest(manifest(reverse_complement=strands)).stranded == stranded


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"task_type": "ranks"}, "must be one of binary, regression, coverage, unlabelled, got 'r"),
        ({"task_type": "coverage", "bin_bp": 3}, "windows of 8 bp, expected whole bins of 3 bp"),
        ({"task_type": "coverage", "bin_bp": 4, "target_scale": (1,)}, r"target_scale \[1\], exp"),
        ({"shift_bp": -1}, "shift_bp must be at least 0, got -1"),
        ({"length": 0}, "need length >= 1 and a task, got self.length=0"),
        ({"tasks": ()}, r"need length >= 1 and a task, got .*self.tasks=\(\)"),
        ({"strand_pairs": (1, 1)}, r"strand_pairs must swap tasks in pairs, got \(1, 1\)"),
        ({"strand_pairs": (0,)}, r"strand_pairs must swap tasks in pairs, got \(0,\)"),
        ({"strand_pairs": (2, 0)}, r"strand_pairs must swap tasks in pairs"),
    ],
)
def test_what_no_model_can_fit_is_refused(changes, message):
    with pytest.raises(InputError, match=message):
        spec.Spec(**{"length": 8, "tasks": ("a", "b")} | changes)


def test_models_are_the_modules_of_the_folder():
    assert "cnn_attention" in spec.available()
    assert not {"spec", "__init__"} & set(spec.available())
    assert spec.load("cnn_attention") is cnn_attention
    assert isinstance(spec.load(spec.available()[0]), types.ModuleType)


def test_misspelt_names_get_a_suggestion():
    with pytest.raises(
        InputError, match=r"no model 'cnn_atention'. Did you mean 'cnn_attention'\?"
    ):
        spec.load("cnn_atention")
    with pytest.raises(
        InputError, match=r"cnn_attention has no preset 'bas'. Did you mean 'base'\?"
    ):
        spec.preset("cnn_attention", "bas")
    assert spec.preset("cnn_attention", "tiny") == cnn_attention.PRESETS["tiny"]


def test_without_one_hot_shares_its_weights():
    model = cnn_attention.build(cnn_attention.PRESETS["tiny"], spec.Spec(20, ("a",)))
    rest = spec.without_one_hot(model)
    packed = np.random.default_rng(0).integers(0, 256, (3, 10)).astype(np.uint8)
    np.testing.assert_array_equal(rest(model.get_layer("one_hot")(packed)), model(packed))
    assert {id(w) for w in rest.weights} == {id(w) for w in model.weights}
