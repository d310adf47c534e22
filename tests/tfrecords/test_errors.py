"""Misspelt names are answered with the nearest one there is."""

from tfrecords.errors import InputError, suggest


def test_the_nearest_name_is_suggested():
    assert suggest("filtres", ["heads", "filters"]) == " Did you mean 'filters'?"


def test_nothing_is_suggested_where_nothing_is_near():
    assert suggest("zzz", ["heads", "filters"]) == ""
    assert suggest("heads", []) == ""


def test_an_input_error_is_a_value_error():
    assert issubclass(InputError, ValueError)
