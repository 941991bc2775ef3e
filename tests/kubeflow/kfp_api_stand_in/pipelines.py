"""Pipelines and their versions: {pipeline_upload,pipeline}_server.go."""

import uuid

import yaml
from backend_stand_in.documents import Refused, check_name, read_documents

from .records import Answer, Record, found, must_be_new, now, page, shown


class Pipelines:
    """The pipelines by id; each with its `versions` by id."""

    def __init__(self) -> None:
        self.table: dict[str, Record] = {}

    def upload(self, query: Record, file_name: str, content: str) -> Record:
        name = query.get("name") or file_name
        _check(content)
        must_be_new(self.table, name)
        pipeline = {
            "pipeline_id": str(uuid.uuid4()),
            "display_name": name,
            "description": query.get("description", ""),
            "created_at": now(),
            "versions": {},
        }
        self.table[pipeline["pipeline_id"]] = pipeline
        self._add_version(pipeline, name, query.get("description", ""), content)
        return shown(pipeline)

    def upload_version(self, query: Record, file_name: str, content: str) -> Record:
        pipeline = self.table.get(query.get("pipelineid", ""))
        if pipeline is None:
            raise Answer(400, "Failed to create a pipeline version")
        name = query.get("name") or file_name
        _check(content)
        must_be_new(pipeline["versions"], name)
        version = self._add_version(pipeline, name, query.get("description", ""), content)
        return shown(version)

    def list(self, query: Record) -> Record:
        return page("pipelines", self.table, query)

    def get(self, pipeline_id: str) -> Record:
        return shown(found(self.table, pipeline_id, "Pipeline"))

    def delete(self, pipeline_id: str) -> Record:
        if found(self.table, pipeline_id, "Pipeline")["versions"]:
            raise Answer(400, f"Failed to delete pipeline {pipeline_id}: it has versions")
        del self.table[pipeline_id]
        return {}

    def list_versions(self, pipeline_id: str, query: Record) -> Record:
        versions = found(self.table, pipeline_id, "Pipeline")["versions"]
        return page("pipeline_versions", versions, query)

    def get_version(self, pipeline_id: str, version_id: str) -> Record:
        versions = found(self.table, pipeline_id, "Pipeline")["versions"]
        return shown(found(versions, version_id, "PipelineVersion"))

    def delete_version(self, pipeline_id: str, version_id: str) -> Record:
        versions = found(self.table, pipeline_id, "Pipeline")["versions"]
        found(versions, version_id, "PipelineVersion")
        del versions[version_id]
        return {}

    def _add_version(self, pipeline: Record, name: str, description: str, content: str) -> Record:
        version = {
            "pipeline_id": pipeline["pipeline_id"],
            "pipeline_version_id": str(uuid.uuid4()),
            "display_name": name,
            "description": description,
            "created_at": now(),
            "pipeline_spec": _spec_of(content),
            "template": content,
        }
        pipeline["versions"][version["pipeline_version_id"]] = version
        return version


def _check(content: str) -> None:
    try:
        spec, _ = read_documents(content)
        check_name(spec)
    except Refused as error:
        raise Answer(400, str(error)) from error


def _spec_of(content: str) -> Record:
    documents = [document for document in yaml.safe_load_all(content) if document]
    if len(documents) == 1:
        return documents[0]
    return {"pipeline_spec": documents[0], "platform_spec": documents[1]}
