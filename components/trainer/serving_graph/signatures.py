"""The served model: one graph with two signatures."""

import keras
import tensorflow as tf

from customer_age.photos.spec import PhotoSpec
from customer_age.schema import features
from customer_age.schema.refusals import NO_AGE

from .. import images
from . import served_photos


class AgeModel(tf.Module):
    """The trained network with decoding in front; TensorFlow alone can load it.

    The graph's branches are written as `tf.cond`, so AutoGraph would find nothing to convert: to
    search for it takes a third of the time of an export.

    Ages are clipped to 0 to 120 years.

    Args:
        model: of `model.as_served`.
        spec: how the photos were prepared that the model was trained on.
        mirror: whether an age is the mean of the predictions for a photo and its mirror image. The
            network then computes twice as much.
    """

    def __init__(self, model: keras.Model, spec: PhotoSpec, mirror: bool = False):
        super().__init__(name="age_model")
        self.spec = spec
        self.mirror = mirror
        self.model_weights = [weight.value for weight in model.weights]
        self.input_size = model.input_shape[1]
        # Both signatures call one graph of the network: half as much to write and to load.
        # The SavedModel does not contain the Keras model, because no client needs its layers.
        self.network = tf.function(
            lambda photos: model(photos, training=False),
            input_signature=[tf.TensorSpec(model.input_shape, tf.float32, name="photos")],
            autograph=False,
        )

    @tf.function(
        input_signature=[tf.TensorSpec([None], tf.string, name="image_bytes")], autograph=False
    )
    def serve_photos(self, image_bytes: tf.Tensor) -> dict[str, tf.Tensor]:
        """Predict ages of encoded photos: the signature `serving_default`.

        Args:
            image_bytes: string [batch]. TensorFlow Serving's REST API decodes `{"b64": ...}` under
                any name; Google's prediction service requires a name that ends in `_bytes`.

        Returns:
            `age`, float32 [batch], years, and `reason`, string [batch]: empty, or a code such as
            `damaged` for a photo without an age. The age is then `NO_AGE`.
        """
        photos, reasons = tf.map_fn(
            lambda encoded: served_photos.prepare(encoded, self.input_size, self.spec),
            image_bytes,
            fn_output_signature=(self._square, tf.TensorSpec([], tf.string)),
        )
        usable = tf.equal(reasons, "")
        ages = self._ages(tf.where(usable[:, None, None, None], photos, 0.0))
        return {"age": tf.where(usable, ages, NO_AGE), "reason": reasons}

    @tf.function(
        input_signature=[tf.TensorSpec([None], tf.string, name="examples")], autograph=False
    )
    def serve_examples(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        """Predict ages of ingested examples: the signature `serving_examples`, for the Evaluator.

        Args:
            examples: string [batch], serialized `tf.train.Example`s.

        Returns:
            `age`, float32 [batch], years.
        """
        parsed = tf.io.parse_example(
            examples, {features.IMAGE_ENCODED: tf.io.FixedLenFeature([], tf.string)}
        )
        photos = tf.map_fn(
            lambda encoded: images.square(encoded, self.input_size),
            parsed[features.IMAGE_ENCODED],
            fn_output_signature=self._square,
        )
        return {"age": self._ages(photos)}

    @property
    def _square(self) -> tf.TensorSpec:
        return tf.TensorSpec([self.input_size, self.input_size, 3], tf.float32)

    def _ages(self, photos: tf.Tensor) -> tf.Tensor:
        if not self.mirror:
            ages = self.network(photos)
        else:
            both = self.network(tf.concat([photos, tf.reverse(photos, axis=[2])], axis=0))
            ages = tf.reduce_mean(tf.reshape(both, [2, -1, 1]), axis=0)
        return tf.clip_by_value(tf.squeeze(ages, axis=-1), 0.0, 120.0)


def export(
    model: keras.Model, folder: str, spec: PhotoSpec | None = None, mirror: bool = False
) -> AgeModel:
    """Write a SavedModel with both signatures.

    Args:
        model: of `model.as_served`.
        folder: must not exist yet.
        spec: as of `AgeModel`; None for the default.
        mirror: as of `AgeModel`.

    Returns:
        The written model.
    """
    module = AgeModel(model, spec or PhotoSpec(), mirror)
    tf.saved_model.save(
        module,
        folder,
        signatures={
            "serving_default": module.serve_photos,
            "serving_examples": module.serve_examples,
        },
    )
    return module
