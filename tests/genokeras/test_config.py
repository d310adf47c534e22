import dataclasses
from typing import Literal

import pytest

from genokeras import config
from tfrecords.errors import InputError


@dataclasses.dataclass(frozen=True)
class Sizes:
    filters: int = 64
    dropout: float = 0.2
    norm: Literal["none", "batch"] = "batch"
    dense_units: tuple[int, ...] = (128, 64)
    rates: tuple[float, ...] = ()
    words: tuple[str, ...] = ()
    use_bias: bool = True
    name: str = "net"
    steps: int | None = None

    def __post_init__(self):
        if self.filters < 1:
            raise InputError(f"filters must be at least 1, got {self.filters}")


@pytest.mark.parametrize(
    ("assignment", "field", "value"),
    [
        ("filters=8", "filters", 8),
        (" filters = 8 ", "filters", 8),
        ("dropout=0.5", "dropout", 0.5),
        ("dropout=0", "dropout", 0.0),
        ("dropout=1e-3", "dropout", 0.001),
        ("norm=none", "norm", "none"),
        ("dense_units=32,16", "dense_units", (32, 16)),
        ("dense_units=(32, 16)", "dense_units", (32, 16)),
        ("dense_units=32", "dense_units", (32,)),
        ("dense_units=", "dense_units", ()),
        ("dense_units=()", "dense_units", ()),
        ("rates=1,2.5", "rates", (1.0, 2.5)),
        ("words=GGATCC, CCWGG", "words", ("GGATCC", "CCWGG")),
        ("words=12", "words", ("12",)),
        ("words=", "words", ()),
        ("use_bias=false", "use_bias", False),
        ("use_bias=True", "use_bias", True),
        ("name=12", "name", "12"),
        ("name=a=b", "name", "a=b"),
        ("steps=10", "steps", 10),
        ("steps=none", "steps", None),
    ],
)
def test_a_text_becomes_a_value_of_the_fields_type(assignment, field, value):
    changed = config.override(Sizes(), [assignment])
    assert getattr(changed, field) == value
    assert repr(getattr(changed, field)) == repr(value)
    assert dataclasses.replace(changed, **{field: getattr(Sizes(), field)}) == Sizes()


def test_the_last_of_several_assignments_counts():
    assert config.override(Sizes(), ["filters=8", "filters=16"]).filters == 16
    assert config.override(Sizes(), []) == Sizes()


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        (
            "filtres=8",
            r"Sizes has no field 'filtres'. Did you mean 'filters'\? Fields: filters, dr",
        ),
        ("filters", "expected name=value, got 'filters'"),
        ("filters=many", "Sizes.filters must be a whole number, got 'many'"),
        ("filters=8.0", "Sizes.filters must be a whole number, got '8.0'"),
        ("filters=true", "Sizes.filters must be a whole number, got 'true'"),
        ("dropout=high", "Sizes.dropout must be a number, got 'high'"),
        ("dropout=True", "Sizes.dropout must be a number, got 'True'"),
        ("norm=layer", "Sizes.norm must be one of none, batch, got 'layer'"),
        ("dense_units=a,b", "Sizes.dense_units must be whole numbers with commas between them"),
        ("dense_units=1.5", "Sizes.dense_units must be whole numbers with commas between them"),
        ("rates=x", "Sizes.rates must be numbers with commas between them, got 'x'"),
        ("use_bias=2", "Sizes.use_bias must be true or false, got '2'"),
        ("steps=soon", "Sizes.steps must be a whole number or none, got 'soon'"),
        ("filters={[]:1}", r"Sizes.filters must be a whole number, got '\{\[\]:1\}'"),
        ("rates={[]:1}", "Sizes.rates must be numbers with commas between them, got '{"),
        ("filters=" + 9999 * "(", "Sizes.filters must be a whole number, got '"),
        ("filters=" + 9999 * "-" + "1", "Sizes.filters must be a whole number, got '"),
        ("filters=0", "filters must be at least 1, got 0"),
    ],
)
def test_a_mistake_is_named(assignment, message):
    with pytest.raises(InputError, match=message):
        config.override(Sizes(), [assignment])


def test_json_and_back():
    sizes = Sizes(filters=3, dense_units=(1, 2), steps=7, norm="none")
    values = dataclasses.asdict(sizes) | {"dense_units": [1, 2], "rates": []}
    assert config.from_dict(Sizes, values) == sizes
    assert config.from_dict(Sizes, {}) == Sizes()


def test_json_that_lacks_a_field_without_a_default_is_refused():
    @dataclasses.dataclass(frozen=True)
    class Needy:
        length: int
        name: str = "net"

    assert config.from_dict(Needy, {"length": 3}) == Needy(3)
    with pytest.raises(InputError, match="^Needy.length is missing$"):
        config.from_dict(Needy, {"name": "x"})


def test_words_in_json_are_words():
    assert config.from_dict(Sizes, {"words": ["a", "b"]}).words == ("a", "b")
    with pytest.raises(InputError, match=r"Sizes.words must be words with commas between them"):
        config.from_dict(Sizes, {"words": [1]})


def test_json_of_another_version_is_refused():
    with pytest.raises(InputError, match="Sizes has no field 'depth'"):
        config.from_dict(Sizes, {"depth": 3})
    with pytest.raises(InputError, match="Sizes.filters must be a whole number, got 'x'"):
        config.from_dict(Sizes, {"filters": "x"})
