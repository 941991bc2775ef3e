"""Converts the output of an executor to the form that Kubeflow or Vertex expects.

Kubeflow's launcher merges each artifact's URI and metadata into its own record of the output, and
uploads the local file or folder of the URI (uploadOutputArtifacts in kubeflow/pipelines,
backend/src/v2/component/launcher_v2.go). If there is none, it only warns up to 2.17; later
releases fail.
"""

from collections.abc import Mapping
from pathlib import Path

from google.protobuf import json_format
from kfp.pipeline_spec.pipeline_spec_pb2 import ExecutorOutput, RuntimeArtifact

from customer_age.components.artifacts.types import ORIGINAL_URI
from customer_age.files import store
from customer_age.files.addresses import join

from .executor_input import Invocation
from .launcher_paths import LauncherPaths, with_original_uris


def converted(executor_output: str, invocation: Invocation) -> str:
    """Convert TFX's output, and create a local folder for each output that the launcher uploads.

    Args:
        executor_output: an ExecutorOutput as JSON.
        invocation: of the executor.

    Returns:
        An ExecutorOutput as JSON.
    """
    message = json_format.Parse(executor_output, ExecutorOutput())
    for key, several in message.artifacts.items():
        for one in several.artifacts:
            title = invocation.titles.get(key, "")
            if title == "system.HTML":
                point_to_the_page(one)
            if title == "system.Metrics":
                keep_only_numbers(one)
            drop_internal_metadata(one)
            restore_original_uris(one, invocation.originals)
    if invocation.uploaded:
        for side in (invocation.message.outputs, message):
            for several in side.artifacts.values():
                for one in several.artifacts:
                    leave_a_local_folder(one, invocation.paths)
    return str(json_format.MessageToJson(message))


def point_to_the_page(one: RuntimeArtifact) -> None:
    """Set the URI of a page's artifact to its HTML file, because the UIs open the URI itself."""
    pages = [entry.name for entry in store.list(one.uri, deep=False) if not entry.is_folder]
    pages = [name for name in pages if name.endswith(".html")]
    if len(pages) == 1:
        one.uri = join(one.uri, pages[0])


def keep_only_numbers(one: RuntimeArtifact) -> None:
    """Remove non-numbers from metrics, such as TFX's version: the UIs show all metadata."""
    fields = one.metadata.fields
    for name in [name for name, value in fields.items() if not value.HasField("number_value")]:
        del fields[name]


def drop_internal_metadata(one: RuntimeArtifact) -> None:
    """Remove the custom property with the original URI, and nulls.

    The launcher fails at a null ("unknown/unsupported value type"), which TFX writes for a property
    that was never set.
    """
    fields = one.metadata.fields
    fields.pop(ORIGINAL_URI, None)
    for name in [name for name, value in fields.items() if value.HasField("null_value")]:
        del fields[name]


def leave_a_local_folder(one: RuntimeArtifact, paths: LauncherPaths) -> None:
    """Create an empty folder where the launcher expects an output that was written in place.

    This also applies to a page, whose URI is a file's: the launcher would upload an empty file over
    the page.
    """
    if paths.is_in_place(one.uri):
        Path(paths.local(one.uri)).mkdir(parents=True, exist_ok=True)


def restore_original_uris(one: RuntimeArtifact, originals: Mapping[str, str]) -> None:
    """Replace opened paths by URIs, in the artifact's URI and in its metadata."""
    one.uri = with_original_uris(one.uri, originals)
    for value in one.metadata.fields.values():
        if value.HasField("string_value"):
            value.string_value = with_original_uris(value.string_value, originals)
