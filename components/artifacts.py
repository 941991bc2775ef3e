"""The artifact types that TFX has no standard type for."""

from tfx.types import artifact


class PhotoDataSet(artifact.Artifact):
    """A folder, or a bucket prefix, of label tables and photos.

    Properties:
        fingerprint: changes whenever a table or the listing of the photos does, so that a cached
            ingestion is reused exactly when the data are the same.
    """

    TYPE_NAME = "PhotoDataSet"
    PROPERTIES = {"fingerprint": artifact.Property(type=artifact.PropertyType.STRING)}


class DataApproval(artifact.Artifact):
    """`approval.json`: what the DataGate checked. It exists only where the data passed."""

    TYPE_NAME = "DataApproval"


class RunReportPage(artifact.Artifact):
    """`report.html`: one page, complete in itself, on what a run did and why it ended so."""

    TYPE_NAME = "RunReportPage"
