import re
import subprocess
import sys

import pytest

from genokeras.training import settings
from tfrecords.errors import InputError


def test_a_run_is_a_folder_with_settings(motif_run):
    found = settings.require(motif_run.workdir)
    assert found == settings.require(str(motif_run.workdir))
    assert found["model"] == motif_run.model_name


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "run: no run here, it has no config.json; launch.train makes one"),
        ("{", "config.json: not the settings of a run"),
        ('{"format_version": 99}', "config.json: format version 99, this version of genokeras re"),
    ],
)
def test_what_is_no_run_is_named(tmp_path, content, message):
    (tmp_path / "run").mkdir()
    if content:
        (tmp_path / "run" / "config.json").write_text(content)
    with pytest.raises(InputError, match=re.escape(message)):
        settings.require(tmp_path / "run")


def test_neither_keras_nor_tensorflow_is_loaded():
    code = (
        "import sys\n"
        "from genokeras.evaluation import output_file\n"
        "from genokeras.training import settings\n"
        "assert not {'keras', 'tensorflow'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
