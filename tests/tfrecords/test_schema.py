"""What a record may hold, and what is refused when it is declared."""

import numpy as np
import pytest

from tfrecords.errors import InputError
from tfrecords.schema import Feature, Schema


def test_fields_are_sorted_by_name():
    schema = Schema((Feature("targets", "float32", (1,)), Feature("row", "int64", ())))
    assert schema.names == ("row", "targets")
    assert schema == Schema(tuple(reversed(schema.features)))


def test_underscore_sorts_between_digits_and_letters_as_bytes_do():
    names = ("a", "a0", "a_b", "ab")
    schema = Schema(tuple(Feature(name, "uint8", ()) for name in reversed(names)))
    assert schema.names == names == tuple(sorted(names, key=str.encode))


def test_json_keeps_everything():
    schema = Schema((Feature("sequence", "uint8", (4,), bases=7), Feature("x", "float16", (2, 3))))
    assert Schema.from_json(schema.to_json()) == schema
    assert schema.to_json()[0] == {"name": "sequence", "dtype": "uint8", "shape": [4], "bases": 7}
    assert "bases" not in schema.to_json()[1]


def test_number_of_bytes():
    assert Feature("x", "float16", (2, 3)).num_bytes == 12
    assert Feature("x", "int64", ()).num_bytes == 8


def test_numbers_are_stored_little_endian():
    assert Feature("x", "int32", ()).stored == np.dtype("<i4")


def test_unknown_field_gets_a_suggestion():
    schema = Schema((Feature("sequence", "uint8", (4,), bases=8),))
    assert schema["sequence"].bases == 8
    assert "sequence" in schema
    assert "targets" not in schema
    with pytest.raises(InputError, match="no field 'sequnce'.*Did you mean 'sequence'?"):
        schema["sequnce"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("Targets", "float32", (1,)), r"field name 'Targets', expected \[a-z\]"),
        (("my-field", "float32", (1,)), r"field name 'my-field', expected \[a-z\]"),
        (("key", "uint32", ()), "field name 'key' is taken"),
        (("x", "flaot32", ()), "x: type 'flaot32' is not stored. Did you mean 'float32'?"),
        (("x", "<f4", ()), "x: type '<f4' is not stored"),
        (("x", "float32", (0,)), r"x: shape \(0,\), expected positive whole numbers"),
        (("x", "float32", (2.0,)), r"x: shape \(2.0,\), expected positive whole numbers"),
        (("x", "uint8", (3,), 7), r"x: 7 bases are packed as uint8\(4,\), got uint8\(3,\)"),
        (("x", "int8", (4,), 7), r"x: 7 bases are packed as uint8\(4,\), got int8\(4,\)"),
    ],
)
def test_a_field_that_cannot_be_stored(arguments, message):
    with pytest.raises(InputError, match=message):
        Feature(*arguments)


def test_a_schema_needs_fields_and_each_once():
    with pytest.raises(InputError, match="a schema needs at least one field"):
        Schema(())
    with pytest.raises(InputError, match="a field is there twice: x, x"):
        Schema((Feature("x", "uint8", ()), Feature("x", "int8", ())))
