"""Mistakes that models of DNA are easily made with, and the test that makes each of them.

Such a test is a negative control: it makes the mistake on purpose, and sees that something is
wrong. Without one, a test of what is right may hold for no good reason.
"""

import ast
import pathlib

import pytest

TESTS = pathlib.Path(__file__).parent
_CORRUPT = "genokeras/layers/test_corrupt.py"
_CONTRASTIVE = "genokeras/losses/test_contrastive.py"
_ROTARY = "genokeras/layers/test_rotary.py"
_RC = "genokeras/layers/test_rc_layers.py"
_MLM = "genokeras/models/test_mlm.py"
_TENSORFLOW = "genokeras/training/test_tensorflow_exactness.py"
_JAX = "genokeras/training/test_jax_exactness.py"

TRAPS = {
    # What is hidden from a masked language model.
    "overlapping k-mers are masked one by one: the neighbours tell their bases": (
        f"{_CORRUPT}::test_an_oracle_reads_masked_tokens_and_not_hidden_bases",
        f"{_MLM}::test_masking_overlapping_kmers_one_by_one_goes_below_what_can_be_known",
    ),
    "80/10/10 is drawn per token, not per span: one that is kept tells a hidden base": (
        f"{_CORRUPT}::test_a_fate_per_token_tells_hidden_bases_and_one_per_span_does_not",
    ),
    "a random base is never the original, which gives that away": (
        f"{_CORRUPT}::test_a_draw_that_avoids_the_original_gives_it_away",
    ),
    "bases that are kept lower the loss, as if DNA were known": (
        f"{_MLM}::test_of_uniform_dna_nothing_can_be_known_but_what_corruption_leaves",
    ),
    "the loss is that of all bases, most of which are not hidden": (
        f"{_MLM}::test_the_loss_is_that_of_an_independent_cross_entropy_of_selected_bases",
    ),
    # What views are told apart from.
    "the temperature is for B - 1 negatives, or those of a part of the batch": (
        f"{_CONTRASTIVE}::test_a_temperature_is_for_all_negatives_of_the_whole_batch",
    ),
    "the temperature is that of negatives which are all alike": (
        f"{_CONTRASTIVE}::"
        "test_the_exact_temperature_gives_the_probability_that_the_mean_field_one_misses",
    ),
    "every device has the negatives of its own part of the batch only": (
        f"{_CONTRASTIVE}::test_halves_see_the_negatives_of_the_whole_batch",
        f"{_TENSORFLOW}::test_two_devices_give_the_weights_of_one",
        f"{_TENSORFLOW}::test_two_hosts_give_the_weights_of_one",
        f"{_JAX}::test_two_devices_and_pieces_give_the_weights_of_one_device",
        f"{_JAX}::test_two_processes_give_the_weights_of_one",
    ),
    "views are gathered from all devices, but no gradient flows back": (
        f"{_TENSORFLOW}::test_every_case_is_exact_in_every_way",
    ),
    "the means of devices are averaged, whatever the weights of their parts": (
        f"{_TENSORFLOW}::test_two_devices_give_the_weights_of_one",
        f"{_JAX}::test_two_devices_and_pieces_give_the_weights_of_one_device",
    ),
    "the same DNA, or a window that overlaps, is taken for a negative": (
        f"{_CONTRASTIVE}::test_excluded_pairs_have_no_gradient",
        "genokeras/models/test_contrastive.py::test_windows_that_overlap_are_no_negatives",
    ),
    "the opposite strand is a view to an encoder that cannot tell strands apart": (
        "genokeras/models/test_contrastive.py::"
        "test_views_of_the_opposite_strand_say_nothing_to_an_encoder_that_is_blind_to_it",
    ),
    # Symmetries of DNA.
    "an even kernel is padded to the same length, or a stride leaves one end over": (
        f"{_RC}::test_what_is_refused_would_not_be_equivariant",
    ),
    "ordinary layers are taken for equivariant ones": (f"{_RC}::test_ordinary_layers_are_not",),
    "a network that was equivariant does not stay so while it is trained": (
        "genokeras/evaluation/test_symmetry.py::"
        "test_training_on_one_strand_leaves_an_equivariant_network_so",
    ),
    # Rotary positions.
    "channels are paired in the other one of two ways": (
        f"{_ROTARY}::test_the_two_pairings_differ_by_a_permutation_of_channels",
    ),
    "angles are computed in 16 bits": (
        f"{_ROTARY}::test_bfloat16_keeps_its_angles_at_far_positions",
    ),
    "the usual frequencies are taken to hold the turn of the helix": (
        f"{_ROTARY}::test_the_usual_frequencies_miss_the_turn_of_the_helix",
    ),
    # What a representation is judged by.
    "batch norm and dropout go on as in training where an encoder is to be frozen": (
        "genokeras/evaluation/test_embedder.py::test_nothing_is_learnt_and_nothing_drawn",
    ),
}


def functions_of(path: pathlib.Path) -> set[str]:
    tree = ast.parse(path.read_text())
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("trap", TRAPS)
def test_every_trap_has_its_negative_control(trap):
    for control in TRAPS[trap]:
        file, _, name = control.partition("::")
        assert name.startswith("test_")
        assert name in functions_of(TESTS / file), f"there is no {control}"
