"""A stand-in of the back end of Kubeflow Pipelines v2, and of Vertex AI Pipelines.

Both run a compiled pipeline to its end on one machine, without a cluster: each container command
is a process of its own, and a folder plays the object store. What the real back end does was read
in the repository kubeflow/pipelines (commit 7b70c7b9, that of 2.17.0 and later); the modules name
the file each rule comes from. What it did is in `../recorded`, whose tests hold this against it.
Here is less than there: no loops, conditions or nested pipelines, for this project has none, and
such a pipeline is refused; no volumes; no network, of which only the addresses are told.
"""
