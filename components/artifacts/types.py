"""The artifact types that TFX has no standard type for.

Their names have the form that Kubeflow and Vertex ask of a schema's title, `<package>.<Name>`, and
they have custom properties alone: TFX's compiler for the two refuses any other.
"""

from tfx.types import artifact, system_artifacts

ORIGINAL_URI = "original_uri"
"""Custom property of an artifact whose files a container sees under another path than its URI:
the URI. It is there only while an executor works; `uri_for_readers` reads it."""


class PhotoDataSet(artifact.Artifact):
    """`data_set.json`: which label tables and photos a run read, for its lineage.

    Its custom properties are `place`, the folder or bucket prefix that they lie in, `fingerprint`,
    which changes whenever the content of a table or a photo does, and `batches`, names with commas
    between.
    """

    TYPE_NAME = "customer_age.PhotoDataSet"


class DataApproval(artifact.Artifact):
    """`approval.json`: what the DataGate checked. It exists only where the data passed."""

    TYPE_NAME = "customer_age.DataApproval"


class HtmlPage(artifact.Artifact):
    """One HTML page, complete in itself, alone in its folder."""

    TYPE_NAME = "customer_age.HtmlPage"


class RunReportPage(HtmlPage):
    """`report.html`: what a run did and why it ended so."""

    TYPE_NAME = "customer_age.RunReportPage"


class EdaPage(HtmlPage):
    """`eda.html`: what the data are like, and what was refused of them."""

    TYPE_NAME = "customer_age.EdaPage"


class RunMetrics(artifact.Artifact):
    """`metrics.json`: a run in numbers. Its custom properties are the same numbers, for UIs."""

    TYPE_NAME = "customer_age.RunMetrics"
    TYPE_ANNOTATION = system_artifacts.Metrics


class UntypedArtifact(artifact.Artifact):
    """What a back end hands over without a type that TFX knows."""

    TYPE_NAME = "customer_age.UntypedArtifact"


def uri_for_readers(instance: artifact.Artifact) -> str:
    """Where a person, or a later process, finds an artifact, as a URI without a slash at its end.

    An executor opens files under `instance.uri`, which in a container may be a local copy that
    is gone soon; what it writes down for others is this.
    """
    return (instance.get_string_custom_property(ORIGINAL_URI) or str(instance.uri)).rstrip("/")
