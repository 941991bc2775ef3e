"""The TFX component PhotoSchema: the curated schema as an artifact, on every orchestrator.

Nothing has to be uploaded first.
"""

from tfx.dsl.component.experimental.annotations import OutputArtifact, Parameter
from tfx.dsl.component.experimental.decorators import component
from tfx.types import standard_artifacts

from customer_age.files.addresses import join
from customer_age.files.store import write_whole
from customer_age.schema.schema_file import SCHEMA_FILE


@component
def PhotoSchema(schema: OutputArtifact[standard_artifacts.Schema], code: Parameter[str]) -> None:
    """Give `schema/photos.pbtxt`, the contract of an ingested example, to the graph.

    Args:
        schema: where TFX's components look for it: one file, alone in its folder.
        code: a fingerprint of the schema; an edited one is a new artifact, and what was validated
            against the old one is validated again.
    """
    write_whole(join(schema.uri, "schema.pbtxt"), SCHEMA_FILE)
