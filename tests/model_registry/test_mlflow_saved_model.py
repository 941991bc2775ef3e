"""MLflow's own tools load a published model without our code."""

from pathlib import Path

import pytest

from customer_age.model_registry import Publication, saved_model_fingerprint


@pytest.fixture
def lengths(tmp_path: Path) -> Path:
    """A SavedModel with the real signature; it returns the number of bytes of a photo."""
    import tensorflow as tf

    class Lengths(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="image_bytes")])
        def serve(self, image_bytes: tf.Tensor) -> dict[str, tf.Tensor]:
            ages = tf.cast(tf.strings.length(image_bytes), tf.float32)
            return {"age": ages, "reason": tf.fill(tf.shape(image_bytes), "")}

    module, folder = Lengths(), tmp_path / "lengths"
    tf.saved_model.save(module, str(folder), signatures={"serving_default": module.serve})
    return folder


@pytest.mark.slow
def test_mlflow_loads_and_serves_a_version(registry, uri, lengths):
    import mlflow

    registry.publish(Publication(lengths, saved_model_fingerprint(lengths), {"mae": 6.0}))
    try:
        mlflow.set_tracking_uri(uri.removeprefix("mlflow+"))
        model = mlflow.pyfunc.load_model("models:/customer-age@champion")
        predict = mlflow.tensorflow.load_model("models:/customer-age/1")
    finally:
        mlflow.set_tracking_uri(None)
    ages = model.predict({"image_bytes": [b"four", b"fifteen"]})["age"]
    assert ages.tolist() == [4.0, 7.0]
    assert model.metadata.signature.inputs.input_names() == ["image_bytes"]
    assert model.metadata.signature.outputs.input_names() == ["age", "reason"]
    assert predict(image_bytes=[b"photo"])["age"].numpy().tolist() == [5.0]
