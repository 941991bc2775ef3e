"""A stand-in of the back end of Kubeflow Pipelines v2, and of Vertex AI Pipelines.

Both run a compiled pipeline to its end on one machine, without a cluster: each container command
is a separate process, and a folder is the object store. The rules come from the repository
kubeflow/pipelines (commit 7b70c7b9, that of 2.17.0 and later); each module names the file of its
rules. The tests of `../recorded` compare this stand-in with recordings of the real back end.
It supports less: a pipeline with loops, conditions or nested pipelines is refused, because this
project has none; there are no volumes, and no network, only its addresses.
"""
