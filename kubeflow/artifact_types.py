"""The names of artifact types in Kubeflow and Vertex, and in TFX."""

from collections.abc import Iterable

SYSTEM_TITLES = {
    "customer_age.RunReportPage": "system.HTML",
    "customer_age.EdaPage": "system.HTML",
    "customer_age.RunMetrics": "system.Metrics",
}
"""The `TYPE_NAME` of an artifact type to the schema title of its outputs in a compiled pipeline,
for the types that the UIs display specially."""

_ARTIFACTS = "customer_age.components.artifacts.types"

_OF_SYSTEM_TITLES = {
    "system.Artifact": f"{_ARTIFACTS}.UntypedArtifact",
    "system.Dataset": "tfx.Examples",
    "system.HTML": f"{_ARTIFACTS}.HtmlPage",
    "system.Metrics": f"{_ARTIFACTS}.RunMetrics",
    "system.Model": "tfx.Model",
    "system.Statistics": "tfx.ExampleStatistics",
}
"""Several TFX types have the same system type: these are the most likely ones."""


def title_for_tfx(titles: Iterable[str]) -> str:
    """Choose the schema title from which TFX's entry point finds an artifact's class.

    The entry point knows TFX's own titles, and interprets any other title as the path of a class.

    Args:
        titles: the known titles of the type, the most reliable first; may be empty.
    """
    known = [title for title in titles if title and title != "tfx.Artifact"]
    exact = [title for title in known if not title.startswith(("system.", "google."))]
    if not exact:
        first = next(iter(known), "")
        return _OF_SYSTEM_TITLES.get(first, _OF_SYSTEM_TITLES["system.Artifact"])
    package, _, name = exact[0].partition(".")
    return f"{_ARTIFACTS}.{name}" if package == "customer_age" else exact[0]
