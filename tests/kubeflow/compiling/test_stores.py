"""What the launcher and the components can open is known before anything runs."""

import urllib.parse
from pathlib import Path

import pytest
from backend_stand_in.buckets import open_bucket
from backend_stand_in.documents import Refused
from backend_stand_in.launcher import ContainerFailed
from backend_stand_in.pods import Cluster
from backend_stand_in.sessions import session_of

from customer_age.errors import SettingsError
from customer_age.files import store
from customer_age.files.addresses import join, options
from customer_age.kubeflow.compiling import stores, target_support
from customer_age.pipeline.settings import loading

CONFIG = str(Path(__file__).parents[1] / "cluster.yaml")
STANDALONE = "?endpoint=http://seaweedfs.kubeflow:9000&use_path_style=true&region=us-east-1"


def settings_of(root, *overrides):
    return loading.load(CONFIG, (f"cluster.pipeline_root={root}", *overrides))


OPENED = [
    f"s3://ages/runs{STANDALONE}",
    f"minio://ages/runs{STANDALONE}",
    f"s3://ages{STANDALONE}",
    "s3://ages/runs?region=eu-west-1",
    "s3://ages/runs?endpoint=https://s3.eu-west-1.amazonaws.com&region=eu-west-1",
    "s3://ages/runs?endpoint=https://store.example.org&use_path_style=false&region=x-1",
]
NOT_OPENED = {
    # As recorded: unknown parameters to Kubeflow Pipelines 2.17.
    "?endpoint=http://h:9000&disableSSL=true": "disableSSL is not a valid option of a root: begin",
    "?endpoint=http://h:9000&s3ForcePathStyle=true": "s3ForcePathStyle is not a valid option of",
    "?endpoint=https://h&verify=false": "verify is not a valid option of a root: set AWS_CA_BUNDLE",
    "?endpont=http://h": "endpont is not a valid option of a root: write ?endpoint=http://HOST:PORT&",
    "?a?b": "a?b is not a valid option of a root: write",
    "?": "? is not a valid option of a root: write",
    # As recorded: 'no such host', and 'Invalid region'.
    "?endpoint=http://h:9000&region=us-east-1": "would look for ages.h:9000; add &use_path_style=",
    "?endpoint=http://h:9000&use_path_style=true": "needs a region for every store; add",
}
NOT_VALID = {
    "?endpoint=h:9000": "endpoint=h:9000 is not valid: write http://HOST:PORT or https://HOST",
    "?endpoint=": "endpoint= is not valid",
    "?endpoint=http://h&use_path_style=yes": "use_path_style=yes is not valid: write true or false",
    "?region=Not One": "region=Not One is not valid: write a region such as us-east-1",
}


@pytest.mark.parametrize("scheme", ["gs", "s3", "minio"])
@pytest.mark.parametrize(
    "folder", ["runs[1]", "runs*/a", "a\\\\b", "[", "runs[1]?region=us-east-1"]
)
def test_a_root_that_tfx_takes_for_a_pattern_is_refused(scheme, folder):
    root = f"{scheme}://ages/{folder}"
    with pytest.raises(SettingsError, match="which TFX reads as a file pattern") as caught:
        settings_of(f"'{root}'")
    assert "cluster.pipeline_root: " in str(caught.value)
    assert caught.value.exit_code == 2


def test_an_endpoint_in_brackets_is_not_a_pattern():
    root = "s3://ages/runs?endpoint=http://[::1]:9000&use_path_style=true&region=us-east-1"
    target_support.check(settings_of(f"'{root}'"), "kubeflow")


def test_tfx_reads_other_folders_by_such_a_root(tmp_path):
    """Why: Beam and TensorFlow, as TFX calls them, both match the folder's own name."""
    import tensorflow as tf
    from apache_beam.io.filesystems import FileSystems
    from tfx.utils import io_utils

    for name in ("runs[1]", "runs1"):
        store.write_whole(f"{tmp_path}/{name}/examples", name.encode())
    pattern = io_utils.all_files_pattern(f"{tmp_path}/runs[1]")
    assert tf.io.gfile.glob(pattern) == [f"{tmp_path}/runs1/examples"]
    [matched] = FileSystems.match([pattern])
    assert [each.path for each in matched.metadata_list] == [f"{tmp_path}/runs1/examples"]


@pytest.mark.parametrize(
    "root", ["minio://mlpipeline/v2/artifacts", "s3://ages/runs", "gs://ages/runs", *OPENED]
)
def test_roots_that_the_launcher_opens_pass(root):
    target_support.check(settings_of(root, "cluster.environment={}"), "kubeflow")


@pytest.fixture
def opened():
    """Open a root as the stand-in for the launcher does, which is held to the recording."""
    hosts = {"seaweedfs.kubeflow", "h", "ages.store.example.org"}
    keys = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret"}

    def run(root, uri=None):
        cluster = Cluster(hosts=frozenset(hosts))
        open_bucket(uri or root, session_of(root, {}), keys, cluster).reach()

    return run


@pytest.mark.parametrize("root", OPENED)
def test_the_launcher_opens_what_passes(opened, root):
    opened(root)


@pytest.mark.parametrize("query", NOT_OPENED)
def test_the_launcher_cannot_open_what_is_refused(opened, query):
    with pytest.raises((ContainerFailed, Refused)):
        opened(f"s3://ages/runs{query}")


def test_only_a_root_without_options_keeps_the_cache(opened):
    """Artifacts of another run are not below this run's root: they are opened without options."""
    root = f"s3://ages/runs{STANDALONE}"
    assert stores.keeps_cache("s3://ages/runs")
    assert not stores.keeps_cache(root)
    with pytest.raises(ContainerFailed, match="Invalid region"):
        opened(root, "s3://ages/runs/tiny/another-run/Trainer/1/model")


@pytest.mark.parametrize(("query", "expected"), (NOT_OPENED | NOT_VALID).items())
def test_roots_that_the_launcher_cannot_open_are_refused_in_one_line(query, expected):
    settings = settings_of(f"s3://ages/runs{query}", "cluster.environment={}")
    with pytest.raises(SettingsError) as caught:
        target_support.check(settings, "kubeflow")
    [line] = str(caught.value).splitlines()
    assert line.startswith("cluster.pipeline_root: ")
    assert expected in line


@pytest.mark.parametrize("variable", ["AWS_REGION", "AWS_DEFAULT_REGION"])
def test_the_environment_may_name_the_region(variable):
    root = "s3://ages/runs?endpoint=http://h:9000&use_path_style=true"
    settings = settings_of(root, "cluster.environment={" + variable + ": us-east-1}")
    target_support.check(settings, "kubeflow")


def test_a_root_on_cloud_storage_has_no_options():
    for target in target_support.TARGETS:
        with pytest.raises(SettingsError, match="a root on gs:// has no options"):
            target_support.check(settings_of("gs://ages/runs?project=shop"), target)


@pytest.mark.parametrize("name", ["path", "inbox", "batch_cache"])
def test_data_that_no_component_opens_are_refused(name):
    with pytest.raises(SettingsError) as caught:
        settings_of("gs://ages/runs", f"data.{name}=minio://ages/there")
    assert str(caught.value) == (
        f"--set data.{name}: 'minio://ages/there' is not a valid address: components open only "
        "s3:// and gs://; write s3://ages/there, with ?endpoint=http://HOST:PORT if it is not on "
        "AWS"
    )


def test_data_on_this_machine_are_refused_however_they_are_written():
    for path in ("photos", "file:///photos"):
        with pytest.raises(SettingsError, match="is on this machine"):
            target_support.check(settings_of("s3://ages/runs", f"data.path={path}"), "kubeflow")


@pytest.mark.parametrize(
    "data", ["gs://photos/spring", "s3://elsewhere/spring", "s3://ages/photos?region=x"]
)
def test_photos_may_be_in_another_bucket_or_store_than_the_root(data):
    """The launcher does not see them."""
    for root in ("minio://mlpipeline/v2/artifacts", "s3://ages/runs"):
        target_support.check(settings_of(root, f"data.path={data}"), "kubeflow")


def test_the_roots_bucket_is_not_looked_for_in_another_store():
    data = "data.path=s3://ages/photos"
    root = f"s3://ages/runs{STANDALONE}"
    with pytest.raises(SettingsError) as caught:
        target_support.check(settings_of(root, data), "kubeflow")
    endpoint = "http://seaweedfs.kubeflow:9000"
    assert "data.path: s3://ages/photos would be looked for on AWS, but its" in str(caught.value)
    assert f"add ?endpoint={endpoint}, or set AWS_ENDPOINT_URL" in str(caught.value)
    for said in (
        (f"data.path=s3://ages/photos?endpoint={endpoint}",),
        (data, "cluster.environment={AWS_ENDPOINT_URL: " + endpoint + "}"),
        (data, f"beam.args=[--s3_endpoint_url={endpoint}]"),
    ):
        target_support.check(settings_of(root, *said), "kubeflow")


def test_the_batch_cache_next_to_the_artifacts_has_the_options_of_the_root():
    settings = settings_of(f"s3://ages/runs{STANDALONE}", "data.inbox=s3://ages/inbox")
    cache = settings.on_cluster().batch_cache
    assert cache == f"s3://ages/runs/batch_cache{STANDALONE}"
    assert options(join(cache, "a?b")) == {
        "endpoint": "http://seaweedfs.kubeflow:9000",
        "use_path_style": "true",
        "region": "us-east-1",
    }


def test_an_address_with_the_launchers_options_is_opened_by_path(s3_endpoint, aws_credentials):
    """By a host name: with an IP address, clients always use path style."""
    import boto3

    port = urllib.parse.urlsplit(s3_endpoint).port
    boto3.client("s3", endpoint_url=s3_endpoint).create_bucket(Bucket="ages")
    address = (
        f"s3://ages/runs?endpoint=http://localhost:{port}&use_path_style=true&region=us-east-1"
    )
    store.write_whole(join(address, "a.txt"), b"there")
    assert [entry.name for entry in store.list(address)] == ["a.txt"]
    assert store.read(join(address, "a.txt")) == b"there"


def test_the_description_names_what_the_cluster_needs():
    assert "providers in the ConfigMap kfp-launcher" in stores.how_opened("s3://ages/runs")
    assert "with the options" in stores.how_opened(f"s3://ages/runs{STANDALONE}")
    assert stores.how_opened("minio://mlpipeline/v2/artifacts") == ""


def test_a_root_with_a_password_is_refused_as_the_settings_are_read():
    with pytest.raises(SettingsError, match="must hold no user name or password"):
        settings_of("s3://b/p?endpoint=http://me:pass@h")
