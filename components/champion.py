"""The TFX component Champion: the model that a new one is measured against.

Where the registry has no champion yet, it is a model that learned nothing but the ages: it always
answers their median. Of all constant answers, the median is the one with the lowest mean absolute
error, so a model that does not beat it reads nothing from a photo.
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
    """Bring the registry's champion into the graph, as the Evaluator's baseline.

    It does a Resolver's work, which not every orchestrator can do, and it also has an answer where
    there is no champion: a model that always answers the median age of the train split.

    Args:
        examples: of PhotoExampleGen; its train split gives the median.
        model: a SavedModel in `Format-Serving`, with the custom properties `kind` (`champion` or
            `median`), `version` (of the registry, empty for the median) and `batches` (that the
            champion has learnt from, comma-separated).
        registry_uri: of the model registry, as `open_registry` takes it. RegistryPusher checks it
            when the graph is made, before TFX's metadata keep it for ever.
        model_name: in the registry.
        baseline: keys TFX's cache: the registry changes behind TFX's back, see `baseline_for`.
        code: a fingerprint of the code; keys TFX's cache.

    Raises:
        DataRefused: there is neither a champion nor an example.
        SettingsError: the champion was trained under another deal of people to splits.
    """
    folder = path_utils.serving_model_dir(model.uri)
    registry = open_registry(registry_uri, model_name)
    champion = registry.champion()
    if champion is None:
        age = _median_age(artifact_utils.get_split_uri([examples], "train"))
        logging.info("No champion yet; the median age of the train split is %g years.", age)
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
    """See that nobody whom the champion has learnt from now stands in another split.

    Args:
        champion: to be compared with, and perhaps to start from.
        deal: of the run; None in what an early release wrote.

    Raises:
        SettingsError: the deals differ.
    """
    recorded = champion.tags.get(DEAL)
    if recorded is None or deal is None:
        logging.warning(
            "The champion, version %s, has no record of how people were dealt to splits. It is "
            "accepted; the version that follows it has one.",
            champion.version,
        )
        return
    changed = Deal.model_validate_json(recorded).differences(deal)
    if changed:
        raise SettingsError(
            f"the champion, version {champion.version}, was trained under another deal of people "
            f"to splits ({', '.join(changed)}): it has learnt from people who now stand in test, "
            "so nothing can be compared with it or start from it. Set the former value again, or "
            "give another registry.model_name to begin anew"
        )


class MedianPredictor(tf.Module):
    """Takes what the trained model takes, and looks at none of it."""

    def __init__(self, age: float):
        super().__init__(name="median_predictor")
        self.age = tf.constant(age, tf.float32)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="image_bytes")])
    def serve_photos(self, image_bytes: tf.Tensor) -> dict[str, tf.Tensor]:
        """`serving_default`: encoded photos, string [batch], to years, float32 [batch]."""
        return {"age": tf.fill(tf.shape(image_bytes), self.age)}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
    def serve_examples(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        """`serving_examples`: serialized `tf.train.Example`s, string [batch], to years."""
        return {"age": tf.fill(tf.shape(examples), self.age)}


def export_median(age: float, folder: str) -> None:
    """Write a SavedModel that always answers one age, with both signatures of the design.

    Args:
        age: years.
        folder: that does not exist yet.
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
    """The median label of a split, in years.

    Args:
        split_folder: of gzipped TFRecords, as PhotoExampleGen writes them; only the labels are
            kept in memory.

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
        raise DataRefused(f"Champion: no examples in {split_folder}, so there is no median age")
    return float(np.median(np.concatenate(batches)))
