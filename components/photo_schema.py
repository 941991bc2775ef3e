"""The TFX component PhotoSchema: provides the curated schema as an artifact.

It works on every orchestrator; no file has to be uploaded first.
"""

from tfx.dsl.component.experimental.annotations import OutputArtifact, Parameter
from tfx.dsl.component.experimental.decorators import component
from tfx.types import standard_artifacts

from customer_age.files.addresses import join
from customer_age.files.store import write_whole
from customer_age.schema.schema_file import SCHEMA_FILE


@component
def PhotoSchema(schema: OutputArtifact[standard_artifacts.Schema], code: Parameter[str]) -> None:
    """Provide `schema/photos.pbtxt`, the contract of an ingested example, as an artifact.

    Args:
        schema: gets one file, alone in its folder, where TFX's components expect it.
        code: a fingerprint of the schema; an edited schema gives a new artifact, so the data are
            validated again.
    """
    write_whole(join(schema.uri, "schema.pbtxt"), SCHEMA_FILE)
