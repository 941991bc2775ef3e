"""The curated schema as an artifact, on every orchestrator: nothing has to be uploaded first."""

from typing import Any

from tfx import types
from tfx.dsl.components.base import base_component, base_executor, executor_spec
from tfx.dsl.io import fileio
from tfx.types import artifact_utils, component_spec, standard_artifacts

from customer_age.schema.schema_file import SCHEMA_FILE


class Executor(base_executor.BaseExecutor):
    """Copies the schema that comes with the code."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Write it where TFX's components look for it: one file, alone in its folder."""
        folder = artifact_utils.get_single_uri(output_dict["schema"])
        fileio.makedirs(folder)
        with fileio.open(f"{folder.rstrip('/')}/schema.pbtxt", "wb") as file:
            file.write(SCHEMA_FILE.read_bytes())


class PhotoSchemaSpec(component_spec.ComponentSpec):
    """Output and parameter of PhotoSchema."""

    INPUTS: dict[str, component_spec.ChannelParameter] = {}
    OUTPUTS = {"schema": component_spec.ChannelParameter(type=standard_artifacts.Schema)}
    PARAMETERS = {"code": component_spec.ExecutionParameter(type=str)}


class PhotoSchema(base_component.BaseComponent):
    """Gives `schema/photos.pbtxt`, the contract of an ingested example, to the graph."""

    SPEC_CLASS = PhotoSchemaSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(self, code: str):
        """Wire the component.

        Args:
            code: a fingerprint of the schema; an edited one is a new artifact, and what was
                validated against the old one is validated again.
        """
        super().__init__(
            PhotoSchemaSpec(code=code, schema=types.Channel(type=standard_artifacts.Schema))
        )
