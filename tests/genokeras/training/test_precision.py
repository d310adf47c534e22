import keras
import numpy as np
import pytest

from genokeras.evaluation.evaluate import evaluate
from genokeras.evaluation.predict import predict
from genokeras.evaluation.predictor import Predictor
from genokeras.plots import figure
from genokeras.training import precision
from genokeras.training.train import recipe, train
from genokeras.training.workdir import Run


def settings():
    return keras.config.dtype_policy().name, keras.config.floatx()


def dense_model():
    inputs = keras.Input((3,))
    return keras.Model(inputs, keras.layers.Dense(2, name="dense")(inputs))


@pytest.mark.parametrize(
    ("name", "compute", "stored"),
    [
        ("float32", "float32", "float32"),
        ("mixed_bfloat16", "bfloat16", "float32"),
        ("float64", "float64", "float64"),
    ],
)
def test_layers_compute_as_asked_and_the_policy_returns(name, compute, stored):
    before = settings()
    with precision.scope(name):
        model = dense_model()
    assert settings() == before
    layer = model.get_layer("dense")
    assert (layer.compute_dtype, layer.kernel.dtype) == (compute, stored)
    precision.check(model, name)


def test_policy_returns_after_an_error_too():
    before = settings()
    with pytest.raises(KeyError), precision.scope("float64"):
        raise KeyError
    assert settings() == before


def test_model_that_was_built_outside_is_found_out():
    with pytest.raises(ValueError, match="built for float64, but layers compute in {'float32'}"):
        precision.check(dense_model(), "float64")


@pytest.mark.parametrize(
    ("name", "dtype", "digits"), [("float64", np.float64, 12), ("mixed_bfloat16", np.float32, 2)]
)
def test_evaluation_and_prediction_compute_as_the_model_itself(
    data_dir, planted, tmp_path, monkeypatch, name, dtype, digits
):
    """They come after training, when the policy of the process is float32 again."""
    training = recipe(preset="tiny", steps=2, batch_size=16, precision=name, jit="off")
    train(data_dir, tmp_path, preset="tiny", training=training)
    run = Run.open(tmp_path)
    split = run.dataset().split("valid")
    packed = next(split.eval_batches(split.num_examples))["sequence"]
    expected = run.model()(packed, training=False).numpy()
    assert expected.std() > 10**-digits
    predicted = Predictor.load(run).logits(packed)
    assert expected.dtype == predicted.dtype == dtype
    np.testing.assert_allclose(predicted, expected, rtol=0, atol=10**-digits)
    np.testing.assert_allclose(
        predict(run, planted(400)[0][300:]), 1 / (1 + np.exp(-predicted)), rtol=1e-6
    )
    monkeypatch.setattr(figure, "is_available", lambda: False)
    evaluate(tmp_path, "valid", num_bootstrap=0, baseline=False)
    lines = (tmp_path / "evaluation" / "valid.predictions.tsv").read_text().splitlines()
    column = lines[0].split("\t").index("bound_logit")
    written = [float(line.split("\t")[column]) for line in lines[1:]]
    np.testing.assert_allclose(written, predicted[:, 0], rtol=1e-5, atol=10**-digits)
