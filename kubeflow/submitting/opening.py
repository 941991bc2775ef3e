"""From a place to the runs there."""

from customer_age.kubeflow.submitting.kubeflow_place import KubeflowPlace
from customer_age.kubeflow.submitting.kubeflow_runs import KubeflowRuns
from customer_age.kubeflow.submitting.runs import Runs
from customer_age.kubeflow.submitting.vertex_place import VertexPlace
from customer_age.kubeflow.submitting.vertex_runs import VertexRuns


def runs_at(place: KubeflowPlace | VertexPlace) -> Runs:
    """The runs of a place; nothing is asked before it is used."""
    if isinstance(place, KubeflowPlace):
        return KubeflowRuns(place)
    return VertexRuns(place)
