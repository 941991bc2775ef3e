"""The TFX component Champion: the model that a candidate is compared with.

If the registry has no champion yet, the component exports a model that always returns the median
age. Of all constant predictions, the median has the lowest mean absolute error, so a model that is
not better than it has learned nothing from the photos.
"""

import tempfile
from pathlib import Path

import numpy as np
import tensorflow as tf
from absl import logging
from tfx.dsl.component.experimental.annotations import InputArtifact, OutputArtifact, Parameter
from tfx.dsl.component.experimental.decorators import component
from tfx.types import artifact_utils, standard_artifacts
from tfx.utils import path_utils

from customer_age.errors import DataRefused, SettingsError
from customer_age.files import store
from customer_age.model_registry import BATCHES, DEAL, ModelVersion, open_registry
from customer_age.schema import features
from customer_age.schema.split_deal import Deal

from .artifacts import ingestion
from .artifacts.shards import shard_files

_PARSED_AT_ONCE = 1024


@component
def Champion(
    examples: InputArtifact[standard_artifacts.Examples],
    model: OutputArtifact[standard_artifacts.Model],
    registry_uri: Parameter[str],
    model_name: Parameter[str],
    baseline: Parameter[str],
    code: Parameter[str],
) -> None:
    """Provide the registry's champion as the Evaluator's baseline.

    It does the work of a Resolver, which not every orchestrator supports. If there is no champion,
    it provides a model that always returns the median age of the train split.

    Args:
        examples: of PhotoExampleGen; the median is computed from its train split.
        model: a SavedModel in `Format-Serving`, with the custom properties `kind` (`champion` or
            `median`), `version` (of the registry, empty for the median) and `batches` (that the
            champion was trained on, comma-separated).
        registry_uri: of the model registry, as `open_registry` accepts it. RegistryPusher checks
            it when the graph is built, before TFX's metadata store it for ever.
        model_name: in the registry.
        baseline: a part of TFX's cache key, because TFX does not see changes of the registry; see
            `baseline_for`.
        code: a fingerprint of the code; a part of TFX's cache key.

    Raises:
        DataRefused: there is neither a champion nor an example.
        SettingsError: the champion was trained with another assignment of people to splits.
    """
    folder = path_utils.serving_model_dir(model.uri)
    registry = open_registry(registry_uri, model_name)
    champion = registry.champion()
    if champion is None:
        age = _median_age(artifact_utils.get_split_uri([examples], "train"))
        logging.info("There is no champion yet; median age of the train split: %g years.", age)
        export_median(age, folder)
    else:
        logging.info("The champion is version %s.", champion.version)
        require_same_deal(champion, ingestion.read_ingestion(examples.uri).deal)
        with tempfile.TemporaryDirectory() as scratch:  # the artifact may be in a bucket
            local = registry.download(champion.version, Path(scratch) / "model")
            store.copy_folder(str(local), folder)
    model.set_string_custom_property("kind", "champion" if champion else "median")
    model.set_string_custom_property("version", champion.version if champion else "")
    batches = champion.tags.get(BATCHES, "") if champion else ""
    model.set_string_custom_property("batches", batches)


def require_same_deal(champion: ModelVersion, deal: Deal | None) -> None:
    """Check that no person whom the champion was trained on is now in another split.

    Args:
        champion: the version to compare with, or to start training from.
        deal: the run's assignment of people to splits; None if an early release wrote it.

    Raises:
        SettingsError: the assignments differ.
    """
    recorded = champion.tags.get(DEAL)
    if recorded is None or deal is None:
        logging.warning(
            "The champion, version %s, has no record of how people were assigned to splits. It is "
            "accepted; the next version will have this record.",
            champion.version,
        )
        return
    changed = Deal.model_validate_json(recorded).differences(deal)
    if changed:
        raise SettingsError(
            f"the champion, version {champion.version}, was trained with another assignment of "
            f"people to splits ({', '.join(changed)}). It was trained on people who are now in "
            "test, so a model cannot be compared with it or start from it. Restore the former "
            "value, or set another registry.model_name to start without a champion"
        )


class MedianPredictor(tf.Module):
    """Takes the inputs of the trained model, and always returns the same age."""

    def __init__(self, age: float):
        super().__init__(name="median_predictor")
        self.age = tf.constant(age, tf.float32)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="image_bytes")])
    def serve_photos(self, image_bytes: tf.Tensor) -> dict[str, tf.Tensor]:
        """Serve `serving_default`: encoded photos, string [batch], to years, float32 [batch]."""
        return {"age": tf.fill(tf.shape(image_bytes), self.age)}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
    def serve_examples(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        """Serve `serving_examples`: serialized `tf.train.Example`s, string [batch], to years."""
        return {"age": tf.fill(tf.shape(examples), self.age)}


def export_median(age: float, folder: str) -> None:
    """Write a SavedModel that always returns one age, with both serving signatures.

    Args:
        age: years.
        folder: must not exist yet.
    """
    predictor = MedianPredictor(age)
    tf.saved_model.save(
        predictor,
        folder,
        signatures={
            "serving_default": predictor.serve_photos,
            "serving_examples": predictor.serve_examples,
        },
    )


def _median_age(split_folder: str) -> float:
    """Return the median label of a split, in years.

    Args:
        split_folder: of gzipped TFRecords from PhotoExampleGen; only the labels are kept in memory.

    Raises:
        DataRefused: the split is empty.
    """
    label = {features.REAL_AGE: tf.io.FixedLenFeature([], tf.float32)}
    records = tf.data.TFRecordDataset(shard_files(split_folder), compression_type="GZIP")
    batches = [
        tf.io.parse_example(batch, label)[features.REAL_AGE].numpy()
        for batch in records.batch(_PARSED_AT_ONCE)
    ]
    if not batches:
        raise DataRefused(f"Champion: {split_folder} has no examples, so there is no median age")
    return float(np.median(np.concatenate(batches)))
