"""From a place to the runs there."""

from .kfp.endpoint import KubeflowPlace
from .kfp.runs import KubeflowRuns
from .runs import Runs
from .vertex_ai.location import VertexPlace
from .vertex_ai.runs import VertexRuns


def runs_at(place: KubeflowPlace | VertexPlace) -> Runs:
    """The runs of a place; nothing is asked before it is used."""
    if isinstance(place, KubeflowPlace):
        return KubeflowRuns(place)
    return VertexRuns(place)
