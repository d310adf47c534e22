"""What the help says of a model is what the model is, though it is read from its source."""

import dataclasses
import re
import subprocess
import sys
import typing

import pytest

from genokeras.config import override
from genokeras.models import spec as specs
from launch import model_help
from tfrecords.errors import InputError

SOURCE = '''
"""A model."""
import dataclasses
from typing import Literal
from genokeras.augmentation import Augmentation

SIZES = {"a": 1}

@dataclasses.dataclass(frozen=True)
class Config(Augmentation):
    """Sizes."""

    depth: int = 3  # How deep it is.
    shape: Literal["round", "flat"] = "round"
    units: tuple[int, ...] = (4, 5)  # Of #1 and #2.
    mask_rate: float = 0.5

PRESETS: dict[str, Config] = {
    "base": Config(),  # The usual one.
    "deep": Config(
        depth=9,
    ),  # Slow.
    "plain": Config(),
}
'''


@pytest.fixture
def module(tmp_path, monkeypatch):
    (tmp_path / "a_model_for_help.py").write_text(SOURCE)
    monkeypatch.syspath_prepend(tmp_path)
    return "a_model_for_help"


def test_presets_and_their_comments(module):
    assert model_help.presets(module) == {"base": "The usual one.", "deep": "Slow.", "plain": ""}


def test_fields_with_types_defaults_and_comments(module):
    found = model_help.fields(module, "Config")
    assert list(found)[:4] == ["depth", "shape", "units", "mask_rate"]
    assert found["depth"] == model_help.Field("a whole number", 3, "How deep it is.")
    assert found["shape"] == model_help.Field("one of round, flat", "round", "")
    assert found["units"].meaning == "Of #1 and #2."
    assert found["units"].text == "4,5"
    assert found["mask_rate"].default == 0.5
    assert found["mask_rate"].meaning.startswith("Share of bases that become N")
    assert found["max_shift_bp"].kind == "a whole number or none"
    assert found["max_shift_bp"].text == "none"
    assert found["insert_motifs"].text == ""


@pytest.mark.parametrize("name", specs.available())
def test_help_agrees_with_the_model(name):
    module = specs.load(name)
    assert list(model_help.presets(module.__name__)) == list(module.PRESETS)
    found = model_help.fields(module.__name__, "Config")
    base = module.PRESETS["base"]
    hints = typing.get_type_hints(module.Config)
    assert {n: field.default for n, field in found.items()} == dataclasses.asdict(base)
    for field_name, field in found.items():
        assert field.meaning, f"{field_name} has no comment that says what it is for"
        choices = [c for c in typing.get_args(hints[field_name]) if isinstance(c, str)]
        assert not choices or field.kind == f"one of {', '.join(choices)}"


def test_description_is_aligned_and_says_all():
    lines = model_help.describe("cnn_attention").splitlines()
    assert lines[0] == "Presets of cnn_attention, for --preset:"
    assert any(line.startswith("  tiny                        For tests.") for line in lines)
    assert any(line.startswith("  filters=") and line[30:].startswith("Chan") for line in lines)
    assert max(map(len, lines)) <= 100
    assert lines == [line.rstrip() for line in lines]


def test_unknown_model_lists_the_known_ones():
    with pytest.raises(InputError) as error:
        model_help.describe("cnn_atention")
    assert str(error.value) == (
        "no model 'cnn_atention'. Did you mean 'cnn_attention'? "
        f"Models: {', '.join(specs.available())}"
    )


@pytest.mark.parametrize(("preset", "field"), [("tinny", "filters"), ("tiny", "filtres")])
def test_check_refuses_what_the_model_would_in_its_words(preset, field):
    model_help.check("cnn_attention", "tiny", [" filters = 3"])
    with pytest.raises(InputError) as expected:
        override(specs.preset("cnn_attention", preset), [f"{field}=3"])
    with pytest.raises(InputError) as error:
        model_help.check("cnn_attention", preset, [f"{field}=3"])
    # Fields that are inherited come in another order.
    words = [sorted(re.findall("[^ ,]+", str(found.value))) for found in (error, expected)]
    assert words[0] == words[1]


def test_help_loads_no_framework():
    code = (
        "import sys\nfrom launch import model_help, train\n"
        "train.more_help(['train', '--model=cnn_attention'])\n"
        "model_help.check('cnn_attention', 'base', ['filters=3'])\n"
        "assert not {'tensorflow', 'jax', 'keras'} & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
