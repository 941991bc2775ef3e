"""Champion's work."""

import tempfile
from pathlib import Path
from typing import Any

from absl import logging
from tfx import types
from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils
from tfx.utils import io_utils, path_utils

from customer_age.model_registry import open_registry
from customer_age.model_registry.registry import BATCHES

from . import median


class Executor(base_executor.BaseExecutor):
    """Fetches the champion, or builds the median predictor where there is none."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Write the model that the new one is measured against."""
        model = artifact_utils.get_single_instance(output_dict["model"])
        folder = path_utils.serving_model_dir(model.uri)
        registry = open_registry(exec_properties["registry_uri"], exec_properties["model_name"])
        champion = registry.champion()
        if champion is None:
            train = artifact_utils.get_split_uri(input_dict["examples"], "train")
            age = median.median_age(train)
            logging.info("No champion yet; the median age of the train split is %g years.", age)
            median.export(age, folder)
        else:
            logging.info("The champion is version %s.", champion.version)
            with tempfile.TemporaryDirectory() as scratch:  # the artifact may be in a bucket
                local = registry.download(champion.version, Path(scratch) / "model")
                io_utils.copy_dir(str(local), folder)
        model.set_string_custom_property("kind", "champion" if champion else "median")
        model.set_string_custom_property("version", champion.version if champion else "")
        learnt = champion.tags.get(BATCHES, "") if champion else ""
        model.set_string_custom_property("batches", learnt)
