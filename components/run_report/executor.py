"""The RunReport's executor: from artifacts to the pages and metrics."""

import dataclasses
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from absl import logging
from tfx import types
from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils

from customer_age.model_registry import REPORT, open_registry
from customer_age.schema.batch_names import split_names

from .. import run_parameters
from ..artifacts.types import uri_for_readers
from . import metrics
from .facts.facts import Baseline, Limits, Publication, RunDescription, RunFacts, collect
from .pages import eda
from .pages.report import write_report


class Executor(base_executor.BaseExecutor):
    """Collects the facts from the artifacts and writes both pages and the metrics."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Write all outputs, and annotate the published version with the report's URI.

        Raises:
            OSError: an output cannot be written.
            RunError: the registry cannot be reached.
        """
        inputs = {
            key: artifact_utils.get_single_instance(artifacts)
            for key, artifacts in input_dict.items()
            if artifacts
        }
        started = _started(self._context.pipeline_run_id if self._context else None)
        facts = collect(
            {key: artifact.uri for key, artifact in inputs.items()},
            _description(exec_properties),
            started=started,
            seconds=(datetime.now(started.tzinfo) - started).total_seconds() if started else None,
            baseline=_baseline(inputs.get("baseline")),
            publication=_publication(inputs.get("pushed_model")),
        )
        facts = _named_by_uri(facts, inputs.values())
        report = artifact_utils.get_single_instance(output_dict["report"])
        write_report(facts, _within(report.uri, "report.html"))
        eda_page = artifact_utils.get_single_instance(output_dict["eda"])
        eda.write_eda(facts, _within(eda_page.uri, "eda.html"))
        _write_metrics(facts, artifact_utils.get_single_instance(output_dict["metrics"]))
        page_uri = _within(uri_for_readers(report), "report.html")
        if facts.publication is not None:
            registry = open_registry(facts.run.registry, facts.run.model_name)
            registry.annotate(facts.publication.version, REPORT, page_uri)
        logging.info("The run report is %s", page_uri)


def _named_by_uri(facts: RunFacts, inputs: Iterable[types.Artifact]) -> RunFacts:
    """Name unreadable files by their URI, because a container may mount them at another path."""
    unread = facts.unread
    for artifact in inputs:
        uri = uri_for_readers(artifact)
        unread = tuple(note.replace(artifact.uri.rstrip("/"), uri) for note in unread)
    return dataclasses.replace(facts, unread=unread)


def _write_metrics(facts: RunFacts, artifact: types.Artifact) -> None:
    """Write the metrics to a file, and as properties of the artifact, where UIs show them."""
    found = metrics.of(facts)
    metrics.write_metrics(found, _within(artifact.uri, "metrics.json"))
    for name, value in found.items():
        if isinstance(value, int):
            artifact.set_int_custom_property(name, value)
        else:
            artifact.set_float_custom_property(name, value)


def _within(folder: str, name: str) -> str:
    return f"{folder.rstrip('/')}/{name}"


def _description(exec_properties: dict[str, Any]) -> RunDescription:
    """Return the description in the graph, with the changes that the run parameters make."""
    described = RunDescription.model_validate_json(exec_properties["run_facts"])
    parameters = run_parameters.from_properties(exec_properties)
    if parameters is None:
        return described
    limits = described.limits and described.limits.model_copy(
        update={name: getattr(parameters, name) for name in Limits.model_fields}
    )
    fingerprints = {
        **described.fingerprints,
        "data": parameters.data_fingerprint,
        "run": run_parameters.run_key(described.fingerprints.get("run", ""), parameters),
    }
    return described.model_copy(
        update={
            "settings": run_parameters.applied(described.settings, parameters),
            "fingerprints": fingerprints,
            "limits": limits,
            "registry": parameters.registry_uri,
        }
    )


def _started(run_id: str | None) -> datetime | None:
    """Read the start time from a run id: LocalDagRunner uses it as the id, others do not."""
    try:
        return datetime.fromisoformat(run_id) if run_id else None
    except ValueError:
        return None


def _baseline(artifact: types.Artifact | None) -> Baseline | None:
    if artifact is None:
        return None
    return Baseline(
        kind=artifact.get_string_custom_property("kind"),
        version=_version(artifact, "version"),
        batches=tuple(split_names(artifact.get_string_custom_property("batches"))),
    )


def _publication(artifact: types.Artifact | None) -> Publication | None:
    if artifact is None or artifact.get_int_custom_property("pushed") != 1:
        return None
    return Publication(
        version=_version(artifact, "pushed_version"),
        destination=artifact.get_string_custom_property("pushed_destination"),
    )


def _version(artifact: types.Artifact, key: str) -> str:
    """Return a version as text: it is a number in some registries and a name in others."""
    value = artifact.get_custom_property(key)
    return "" if value is None else f"{value:g}" if isinstance(value, float) else str(value)
