"""What TensorBoard is told of a run, read back from the files of one."""

import json
import math

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import metadata

from genokeras.training import train as train_module
from genokeras.training.train import train
from genokeras.training.train_config import TrainConfig
from genokeras.training.valid_picture import ValidPicture
from tfrecords.manifest import Manifest

SETTINGS = TrainConfig(steps=4, batch_size=32, eval_every=2, jit="off", histograms=True)


@pytest.fixture(scope="module")
def run(data_dir, tmp_path_factory):
    """A run of four steps, with pictures however short it is; and its events."""
    workdir = tmp_path_factory.mktemp("about") / "a run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ValidPicture.__init__, "__defaults__", (math.inf,))
        options = {"preset": "single_conv_only", "overrides": ["filters=8"], "training": SETTINGS}
        result = train(data_dir, workdir, **options)
    sizes = {"tensors": 0, "images": 0, "scalars": 0}
    return result, EventAccumulator(str(workdir / "tensorboard"), sizes).Reload()


def text(events, tag):
    (event,) = events.Tensors(tag)
    return event.tensor_proto.string_val[0].decode()


def test_settings_of_model_training_and_data_are_in_the_hparams_table(run, data_dir):
    content = run[1].SummaryMetadata(metadata.SESSION_START_INFO_TAG).plugin_data.content
    start = metadata.parse_session_start_info_plugin_data(content)
    values = {name: getattr(x, x.WhichOneof("kind")) for name, x in start.hparams.items()}
    expected = {
        "model": "cnn_attention", "preset": "single_conv_only", "model.filters": 8,
        "batch_size": 32, "steps": 4, "eval_every": 2, "seed": 0, "histograms": True,
        "data": f"planted {Manifest.load(data_dir).sha256[:12]}",
    }  # fmt: skip
    assert {name: values[name] for name in expected} == expected
    # Worked out, not None as in the configuration.
    assert values["log_every"] == 1


def test_the_best_scores_are_the_last_points_of_their_curves(run):
    result, events = run
    for name in ("auroc", "auprc", "loss"):
        last = events.Scalars(f"best/{name}")[-1]
        assert last.step == result.best_step
        assert last.value == pytest.approx(result.scores[name])


def test_the_command_repeats_the_run_in_a_shell(run, data_dir):
    command = text(run[1], "run/1_command")
    assert command.startswith("```\npython -m launch.train \\\n")
    assert f"'--workdir={run[0].workdir}'" in command  # Quoted: there is a blank in it.
    for flag in (f"--data_dir={data_dir}", "--steps=4", "--histograms=True", "--set=filters=8"):
        assert flag in command


def test_configuration_and_dataset_are_tables(run, data_dir):
    _, events = run
    config = json.loads((run[0].workdir / "config.json").read_text())
    model = text(events, "run/2_model")
    for name, value in config["config"].items():
        shown = tuple(value) if isinstance(value, list) else value
        assert f"| {name} | {shown} |" in model
    assert "| trainable parameters | " in model
    assert "| learning_rate | 0.0015 |" in text(events, "run/3_training")
    dataset = text(events, "run/4_dataset")
    assert "| train examples | 300 |" in dataset
    assert f"| manifest sha256 | {Manifest.load(data_dir).sha256} |" in dataset


def test_histograms_of_weights_and_updates_at_every_evaluation(run):
    tags = [tag for tag in run[1].Tags()["tensors"] if tag.startswith(("weights/", "updates/"))]
    kinds = {tag.split("/")[0] for tag in tags}
    assert kinds == {"weights", "updates"}
    for tag in tags:
        assert [event.step for event in run[1].Tensors(tag)] == [2, 4]


def test_a_picture_of_every_new_best(run):
    steps = {event.step for event in run[1].Scalars("best/auroc")}
    assert {image.step for image in run[1].Images("valid/curves")} == steps


def test_many_tasks_are_shortened():
    assert train_module.about._shortened(["a", "b"]) == "a, b"
    assert train_module.about._shortened(list("abcdefg")) == "a, b, c, d, e and 2 more"
