import json

import pytest
from google.protobuf import json_format
from kfp.pipeline_spec.pipeline_spec_pb2 import ComponentInputsSpec
from tfx.orchestration.kubeflow.v2.container import kubeflow_v2_entrypoint_utils
from tfx.types import standard_artifacts

from customer_age.components.artifacts.types import PhotoDataSet, UntypedArtifact, uri_for_readers
from customer_age.errors import SettingsError
from customer_age.kubeflow.container import executor_input
from customer_age.kubeflow.container.launcher_paths import LauncherPaths

SPEC = {
    "artifacts": {
        "examples": {"artifactType": {"instanceSchema": "title: tfx.Examples\ntype: object\n"}},
        "data_set": {
            "artifactType": {"instanceSchema": "title: customer_age.PhotoDataSet\ntype: object\n"}
        },
    },
    "parameters": {
        "max_wrong_ages": {"parameterType": "NUMBER_INTEGER"},
        "max_refused_share": {"parameterType": "NUMBER_DOUBLE"},
        "code": {"parameterType": "STRING"},
    },
}


def message(artifacts=None, parameters=None, outputs=None):
    """An ExecutorInput as Kubeflow's driver writes it."""

    def lists(given):
        return {key: {"artifacts": [one]} for key, one in (given or {}).items()}

    return {
        "inputs": {"artifacts": lists(artifacts), "parameterValues": parameters or {}},
        "outputs": {
            "artifacts": lists(outputs),
            "outputFile": "/tmp/kfp_outputs/output_metadata.json",
        },
    }


def invoked(given, paths=None, spec=None):
    return executor_input.invocation(
        json.dumps(given), json.dumps(spec or SPEC), paths or LauncherPaths()
    )


def as_tfx_reads(artifacts):
    """The one artifact among inputs, parsed by TFX."""
    invocation = invoked(message(artifacts))
    parsed = kubeflow_v2_entrypoint_utils.parse_raw_artifact_dict(
        invocation.message.inputs.artifacts, {}
    )
    ((one,),) = parsed.values()
    return one


EXAMPLES = {"name": "17", "uri": "minio://b/run/examples", "metadata": {}}


@pytest.mark.parametrize(
    "arrived",
    [
        {"instanceSchema": ""},  # as Kubeflow's driver writes it
        None,
        {},
        {"schemaTitle": "system.Dataset"},
        {"schemaTitle": "tfx.Examples"},
    ],
)
def test_an_input_gets_the_type_that_the_pipeline_was_compiled_with(arrived):
    one = as_tfx_reads({"examples": {**EXAMPLES, "type": arrived}})
    assert isinstance(one, standard_artifacts.Examples)


def test_our_own_types_are_found():
    one = as_tfx_reads({"data_set": {**EXAMPLES, "type": {"instanceSchema": ""}}})
    assert isinstance(one, PhotoDataSet)


def test_an_input_without_a_type_is_still_an_artifact():
    assert isinstance(as_tfx_reads({"unheard_of": EXAMPLES}), UntypedArtifact)


def test_properties_and_custom_properties_survive_the_back_ends_metadata():
    """Kubeflow keeps every number as a double, and wraps lists and objects."""
    metadata = {
        "split_names": '["train", "valid", "test"]',
        "span": 3.0,
        "version": 2.0,
        "kind": "champion",
        "pushed_version": "12",
        "pushed": 1.0,
        "mae": 6.25,
        "empty": "",
        "groups": {"list": ["0-17", "18+"]},
        "per_split": {"struct": {"train": 1.0}},
        "ours": {"list": "a text, so no wrapping"},
        "display_name": "examples",
        "never_set": None,
    }
    one = as_tfx_reads({"examples": {**EXAMPLES, "metadata": metadata}})
    assert one.split_names == '["train", "valid", "test"]'
    assert (one.span, one.version) == (3, 2)
    assert one.get_string_custom_property("kind") == "champion"
    assert one.get_string_custom_property("pushed_version") == "12"
    assert one.get_int_custom_property("pushed") == 1
    assert one.get_float_custom_property("mae") == 6.25
    assert one.get_string_custom_property("empty") == ""
    assert one.get_json_value_custom_property("groups") == ["0-17", "18+"]
    assert one.get_json_value_custom_property("per_split") == {"train": 1.0}
    assert one.get_json_value_custom_property("ours") == {"list": "a text, so no wrapping"}
    assert not one.has_custom_property("never_set")


def test_parameters_have_the_types_that_they_were_compiled_with():
    given = {"max_wrong_ages": 5.0, "max_refused_share": 1, "code": "c0ffee", "batches": None}
    invocation = invoked(message(parameters=given))
    spec = json_format.ParseDict(SPEC, ComponentInputsSpec())
    read = kubeflow_v2_entrypoint_utils.parse_execution_properties(
        invocation.message.inputs.parameter_values, {}, spec
    )
    assert read == {"max_wrong_ages": 5, "max_refused_share": 1.0, "code": "c0ffee"}
    assert isinstance(read["max_wrong_ages"], int)


def test_artifacts_are_opened_in_place_and_keep_their_uri():
    outputs = {"approval": {"name": "approval", "uri": "minio://b/run/approval"}}
    invocation = invoked(message({"examples": EXAMPLES}, outputs=outputs))
    (examples,) = invocation.message.inputs.artifacts["examples"].artifacts
    (approval,) = invocation.message.outputs.artifacts["approval"].artifacts
    assert (examples.uri, approval.uri) == ("/minio/b/run/examples", "/minio/b/run/approval")
    assert invocation.originals == {
        "/minio/b/run/examples": "minio://b/run/examples",
        "/minio/b/run/approval": "minio://b/run/approval",
    }
    assert uri_for_readers(as_tfx_reads({"examples": EXAMPLES})) == "minio://b/run/examples"


def test_an_artifact_in_place_keeps_its_uri():
    given = message({"examples": {**EXAMPLES, "uri": "gs://b/examples/"}})
    invocation = invoked(given, LauncherPaths.of("/", "gs://"))
    (examples,) = invocation.message.inputs.artifacts["examples"].artifacts
    assert examples.uri == "gs://b/examples/"
    assert not invocation.originals


def test_the_launchers_own_log_is_not_an_output_of_the_component():
    outputs = {
        "approval": {"name": "approval", "uri": "minio://b/approval"},
        "executor-logs": {
            "name": "executor-logs",
            "uri": "minio://b/executor-logs",
            "type": {"schemaTitle": "system.Artifact"},
        },
    }
    assert list(invoked(message(outputs=outputs)).message.outputs.artifacts) == ["approval"]


def test_an_outputs_folder_is_new_after_a_killed_attempt(tmp_path):
    outputs = {"approval": {"name": "approval", "uri": "minio://b/run/approval"}}
    invocation = invoked(message(outputs=outputs), LauncherPaths(tmp_path))
    folder = tmp_path / "minio/b/run/approval"
    folder.mkdir(parents=True)
    (folder / "approval.json").write_text("half")
    executor_input.prepare_folders(invocation.message)
    assert folder.is_dir()
    assert not list(folder.iterdir())


def test_an_output_in_place_is_empty_too(cloud_storage):
    from google.cloud import storage

    bucket = storage.Client().create_bucket("artifacts")
    for name in ("run/approval/approval.json", "run/approval[1]/a", "run/approval-2/a"):
        bucket.blob(name).upload_from_string(b"half")
    executor_input.make_empty_folder("gs://artifacts/run/approval")
    executor_input.make_empty_folder("gs://artifacts/run/approval[1]/")
    assert [blob.name for blob in bucket.list_blobs()] == ["run/approval-2/a"]


def test_folders_that_were_downloaded_as_empty_files_are_folders_again(tmp_path):
    model = tmp_path / "model"
    (model / "Format-Serving").mkdir(parents=True)
    (model / "Format-Serving/assets").touch()
    (model / "Format-Serving/saved_model.pb").write_bytes(b"graph")
    (model / "Split-train").touch()
    (model / "BLESSED").touch()  # its presence is its meaning
    executor_input.restore_folders(str(model))
    assert (model / "Format-Serving/assets").is_dir()
    assert (model / "Split-train").is_dir()
    assert (model / "BLESSED").is_file()
    assert (model / "Format-Serving/saved_model.pb").read_bytes() == b"graph"


def test_an_artifact_of_nothing_but_its_own_marker_is_a_folder(tmp_path):
    (tmp_path / "pushed_model").touch()
    executor_input.restore_folders(str(tmp_path / "pushed_model"))
    assert (tmp_path / "pushed_model").is_dir()
    (tmp_path / "photo.jpg").write_bytes(b"a file is an artifact too")
    executor_input.restore_folders(str(tmp_path / "photo.jpg"))
    assert (tmp_path / "photo.jpg").is_file()
    executor_input.restore_folders(str(tmp_path / "nothing"))
    executor_input.restore_folders("gs://bucket/in-place")


@pytest.mark.parametrize("wrong", ["no JSON", '{"inputs": 3}'])
def test_an_invalid_executor_input_is_reported_in_one_line(wrong):
    with pytest.raises(SettingsError, match="--json_serialized_invocation_args") as refused:
        executor_input.invocation(wrong, "{}", LauncherPaths())
    assert "\n" not in str(refused.value)
