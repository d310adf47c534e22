"""Misspelt names are answered with the nearest one there is."""

import pytest

from tfrecords.errors import InputError, check_known, suggest


def test_the_nearest_name_is_suggested():
    assert suggest("filtres", ["heads", "filters"]) == " Did you mean 'filters'?"


def test_nothing_is_suggested_where_nothing_is_near():
    assert suggest("zzz", ["heads", "filters"]) == ""
    assert suggest("heads", []) == ""


def test_an_input_error_is_a_value_error():
    assert issubclass(InputError, ValueError)


def test_an_unknown_name_is_answered_with_all_that_are_known():
    check_known("no model", "vae", ["cnn", "vae"], "Models")
    with pytest.raises(InputError) as error:
        check_known("no model", "vea", ["cnn", "vae"], "Models")
    assert str(error.value) == "no model 'vea'. Did you mean 'vae'? Models: cnn, vae"
