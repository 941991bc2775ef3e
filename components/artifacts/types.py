"""The artifact types for which TFX has no standard type.

Their names have the form that Kubeflow and Vertex require of a schema's title, `<package>.<Name>`.
They only have custom properties, because TFX's compiler for Kubeflow and Vertex refuses others.
"""

from tfx.types import artifact, system_artifacts

ORIGINAL_URI = "original_uri"
"""Custom property with the URI of an artifact, if a container has its files under another path.
It only exists while an executor runs; `uri_for_readers` reads it."""


class PhotoDataSet(artifact.Artifact):
    """`data_set.json`: the label tables and photos that a run read, for its lineage.

    Its custom properties are `place`, their folder or bucket prefix, `fingerprint`, which changes
    when the content of a table or a photo changes, and `batches`, comma-separated names.
    """

    TYPE_NAME = "customer_age.PhotoDataSet"


class DataApproval(artifact.Artifact):
    """`approval.json`: the DataGate's record. It only exists if the data passed."""

    TYPE_NAME = "customer_age.DataApproval"


class HtmlPage(artifact.Artifact):
    """One HTML page, complete in itself, alone in its folder."""

    TYPE_NAME = "customer_age.HtmlPage"


class RunReportPage(HtmlPage):
    """`report.html`: the result of a run and its reason."""

    TYPE_NAME = "customer_age.RunReportPage"


class EdaPage(HtmlPage):
    """`eda.html`: an analysis of the data, and the refused photos."""

    TYPE_NAME = "customer_age.EdaPage"


class RunMetrics(artifact.Artifact):
    """`metrics.json`: the metrics of a run. Its custom properties are the same, for UIs."""

    TYPE_NAME = "customer_age.RunMetrics"
    TYPE_ANNOTATION = system_artifacts.Metrics


class UntypedArtifact(artifact.Artifact):
    """An artifact from a back end whose type TFX does not know."""

    TYPE_NAME = "customer_age.UntypedArtifact"


def uri_for_readers(instance: artifact.Artifact) -> str:
    """Return an artifact's URI for people and later processes, without a slash at its end.

    An executor opens files under `instance.uri`, which in a container may be a temporary local
    copy. When it records the artifact's location for others, it must use this URI.
    """
    return (instance.get_string_custom_property(ORIGINAL_URI) or str(instance.uri)).rstrip("/")
