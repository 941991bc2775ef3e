"""The component runs in a real pipeline, with all of its inputs and with the fewest."""

import json
from pathlib import Path

import pytest
from tfx import types
from tfx.dsl.components.common import importer
from tfx.orchestration import metadata, pipeline
from tfx.orchestration.local import local_dag_runner
from tfx.types import standard_artifacts

from customer_age.components.run_parameters import RunParameters
from customer_age.components.run_report import executor
from customer_age.components.run_report.component import RunReport, RunReportSpec
from customer_age.model_registry import Publication, open_registry, saved_model_fingerprint

TYPES = {
    "examples": standard_artifacts.Examples,
    "statistics": standard_artifacts.ExampleStatistics,
    "anomalies": standard_artifacts.ExampleAnomalies,
    "model_run": standard_artifacts.ModelRun,
    "blessing": standard_artifacts.ModelBlessing,
    "infra_blessing": standard_artifacts.InfraBlessing,
    "pushed_model": standard_artifacts.PushedModel,
    "baseline": standard_artifacts.Model,
}


def imported(key: str, uri: str, **properties) -> importer.Importer:
    return importer.Importer(
        source_uri=uri, artifact_type=TYPES[key], custom_properties=properties
    ).with_id(key)


def report_of(run, sources: list[importer.Importer], root: Path) -> str:
    """Run a pipeline of importers and the report; return the page."""
    channels = {source.id: source.outputs["result"] for source in sources}
    report = RunReport(run_facts=run, code="1", **channels)
    local_dag_runner.LocalDagRunner().run(
        pipeline.Pipeline(
            pipeline_name="report",
            pipeline_root=str(root / "pipeline"),
            components=[*sources, report],
            metadata_connection_config=metadata.sqlite_metadata_connection_config(
                str(root / "metadata.db")
            ),
        )
    )
    (page,) = (root / "pipeline").rglob("report.html")
    return page.read_text(encoding="utf-8")


@pytest.fixture
def registry_of_one(run, tmp_path: Path):
    """A registry with one version, and a run that names it."""
    uri = f"mlflow+sqlite:///{tmp_path}/registry/mlflow.db"
    (tmp_path / "saved_model").mkdir()
    (tmp_path / "saved_model" / "saved_model.pb").write_text("graph")
    registry = open_registry(uri, "customer-age")
    model = tmp_path / "saved_model"
    registry.publish(Publication(model, saved_model_fingerprint(model), {"mae": 6.0}))
    return registry, run.model_copy(update={"registry": uri, "model_name": "customer-age"})


def test_a_published_run(registry_of_one, uris, tmp_path: Path):
    registry, run = registry_of_one
    (tmp_path / "blessing").mkdir()
    (tmp_path / "blessing" / "BLESSED").touch()
    (tmp_path / "model").mkdir()
    html = report_of(
        run,
        [
            *(imported(key, uri) for key, uri in uris.items()),
            imported("blessing", str(tmp_path / "blessing")),
            imported(
                "pushed_model",
                str(tmp_path / "model"),
                pushed=1,
                pushed_version="1",
                pushed_destination="models:/customer-age/1",
            ),
            imported("baseline", str(tmp_path / "model"), kind="champion", version="6"),
        ],
        tmp_path,
    )
    assert "Published as version 1" in html
    assert "models:/customer-age/1" in html
    assert 'id="training"' in html
    assert 'id="canary"' in html
    assert "<dt>Started</dt>" in html  # LocalDagRunner's run id is the start time
    report = Path(registry.champion().tags["report"])
    assert report.read_text(encoding="utf-8") == html, "the version names its report"
    (eda,) = (tmp_path / "pipeline").rglob("eda.html")
    assert eda.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


def test_the_metrics_are_a_file_and_the_artifacts_properties(run, uris, tmp_path: Path):
    report_of(run, [imported(key, uri) for key, uri in uris.items()], tmp_path)
    (file,) = (tmp_path / "pipeline").rglob("metrics.json")
    written = json.loads(file.read_text())
    assert (written["photos"], written["published"]) == (730, 0)
    assert written["valid_mae"] == 6.37
    (artifact,) = artifacts_of("customer_age.RunMetrics", tmp_path)
    kept = artifact.custom_properties
    assert {name: kept[name].int_value or kept[name].double_value for name in written} == written


def test_in_a_container_the_pages_name_artifacts_by_uri(run, tmp_path: Path):
    """There, an executor opens a local copy that nobody finds later."""
    examples, outputs = TYPES["examples"](), {}
    examples.uri = str(tmp_path / "minio/bucket/examples")
    examples.set_string_custom_property("original_uri", "minio://bucket/examples")
    Path(examples.uri).mkdir(parents=True)
    (Path(examples.uri) / "ingestion.json").write_text("cut sho")
    for key, channel in RunReportSpec.OUTPUTS.items():
        outputs[key] = [channel.type()]
        outputs[key][0].uri = str(tmp_path / key)
    executor.Executor().Do(
        {"examples": [examples]}, outputs, {"run_facts": run.model_dump_json(), "code": "1"}
    )
    for page in ("report/report.html", "eda/eda.html"):
        html = (tmp_path / page).read_text(encoding="utf-8")
        assert "examples in minio://bucket/examples: ingestion.json" in html
        assert str(tmp_path) not in html


def artifacts_of(type_name: str, root: Path):
    config = metadata.sqlite_metadata_connection_config(str(root / "metadata.db"))
    with metadata.Metadata(config) as store:
        return store.store.get_artifacts_by_type(type_name)


def test_the_examples_alone_are_enough(run, uris, tmp_path: Path):
    html = report_of(run, [imported("examples", uris["examples"])], tmp_path)
    assert "Failed" in html
    assert 'id="training"' not in html


def test_a_model_that_was_not_pushed_is_not_called_published(run, uris, tmp_path: Path):
    (tmp_path / "NOT_BLESSED").touch()
    html = report_of(
        run,
        [
            imported("examples", uris["examples"]),
            imported("blessing", str(tmp_path)),
            imported("pushed_model", str(tmp_path), pushed=0),
        ],
        tmp_path / "run",
    )
    assert "Refused by the gate" in html


def test_only_the_examples_are_required():
    needed = {key for key, channel in RunReportSpec.INPUTS.items() if not channel.optional}
    assert needed == {"examples"}


def test_no_secret_gets_into_the_metadata(run):
    examples = types.Channel(type=standard_artifacts.Examples)
    component = RunReport(examples, run, code="1")
    parameter = component.spec.exec_properties["run_facts"]
    assert "pa55w0rd" not in parameter
    assert "s3cr3t" not in parameter
    assert json.loads(parameter)["name"] == run.name


def test_the_report_of_a_compiled_run_shows_its_parameters(run, uris, tmp_path: Path):
    started = RunParameters(
        data_path="gs://b/photos",
        batches="b1,b2",
        data_fingerprint="of the run",
        epochs=9,
        learning_rate=0.001,
        max_mae=7.25,
        min_test_photos=20,
        champion_tolerance=0.5,
        registry_uri="mlflow+http://host",
        run_id="spring",
    )
    examples = types.Channel(type=standard_artifacts.Examples)
    wired = RunReport(examples, run, code="1", run_parameters=started).exec_properties
    assert executor._description({"run_facts": run.model_dump_json()}) == run, "a local run"
    described = executor._description(wired)
    assert described.limits.model_dump() == {
        "max_mae": 7.25,
        "min_test_photos": 20,
        "champion_tolerance": 0.5,
    }
    assert described.settings["trainer"]["epochs"] == 9
    assert described.settings["trainer"]["weights"] == "imagenet", "as it was compiled"
    assert described.settings["data"]["batches"] == ("b1", "b2")
    assert described.registry == "mlflow+http://host"
    assert described.fingerprints["data"] == "of the run"
    assert described.fingerprints["code"] == run.fingerprints["code"]
