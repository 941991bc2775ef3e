"""The plan of a submission, before any compilation or request."""

from pathlib import Path

import pytest

from customer_age.errors import SettingsError
from customer_age.files import DataUnavailable
from customer_age.kubeflow.submission import data_fingerprint, dry_run, run_ids, specifications
from customer_age.kubeflow.submission.kfp.endpoint import KubeflowEndpoint
from customer_age.kubeflow.submission.plan import plan, read_parameters
from customer_age.kubeflow.submission.runs import Submission
from customer_age.pipeline.settings import loading

HERE = Path(__file__).parents[1]


def settings_of(*overrides):
    return loading.load(str(HERE / "cluster.yaml"), overrides)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("epochs", "--param epochs: write it as name=value, as in epochs=3"),
        ("epoch=3", "--param epoch: unknown run parameter; did you mean epochs?"),
        ("Max-MAE=3", "--param Max-MAE: unknown run parameter; did you mean max_mae?"),
        ("gate.max_mae=3", "--param gate.max_mae: unknown run parameter; did you mean max_mae?"),
        ("x=3", "--param x: unknown run parameter (known: data_path, batches,"),
        ("a\nb\x1b[2J=3", r"--param a\nb\x1b[2J: unknown run parameter (known:"),
        ("run_id=x", "--param run_id: cannot be set here; use --run-id"),
        ("epochs=", "--param epochs: must be a whole number, not ''"),
        ("epochs=x", "--param epochs: must be a whole number, not 'x'"),
        ("epochs=3.5", "--param epochs: must be a whole number, not 3.5"),
        ("epochs=[3", "--param epochs: must be a whole number, not '[3'"),
        ("epochs=true", "--param epochs: must be a whole number, not true"),
        (
            "epochs=1_000",
            "--param epochs: must be a whole number, but '1_000' is text in YAML 1.2:",
        ),
        ("epochs=0", "--param epochs: must be at least 1, not 0"),
        ("max_mae=low", "--param max_mae: must be a number, not 'low'"),
        ("max_mae=.nan", "--param max_mae: must be a finite number, not .nan"),
        ("batches=../b", "--param batches: batches are set, but data.inbox is not"),
        ("registry_uri=mlflow+https://me:secret@host", "must hold no user name or password"),
        ("mlflow+https://me:secret@host", "--param mlflow+https://hidden@host: write it as"),
        ("data_path=\udcff", "--param data_path: is not UTF-8"),
        ("data_path=/photos", "data.path: /photos is on this machine"),
        ("data_path=", "data.path: is not set"),
        ("data_path=minio://photos/a", "--param data_path: 'minio://photos/a' is not a valid add"),
        ("registry_uri=foo://x", "--param registry_uri: unknown kind of registry 'foo'; supp"),
        ("registry_uri=", "registry.uri: is not set; set it to a model registry"),
    ],
)
def test_an_invalid_parameter_is_refused_in_one_line(text, expected):
    with pytest.raises(SettingsError) as caught:
        plan(settings_of(), "kubeflow", overrides=read_parameters((text,)))
    [line] = str(caught.value).splitlines()
    assert expected in line
    assert line.isprintable()
    assert "secret" not in line


def test_all_mistakes_of_parameters_are_reported_at_once():
    texts = ("epochs", "epoch=3", "learning_rate=2", "max_mae=low", "min_test_photos=0")
    with pytest.raises(SettingsError) as caught:
        plan(settings_of(), "kubeflow", overrides=read_parameters(texts))
    names = [
        line.split(": ")[0].removeprefix("--param ") for line in str(caught.value).splitlines()
    ]
    assert sorted(names) == ["epoch", "epochs", "learning_rate", "max_mae", "min_test_photos"]


def test_batches_are_a_list_of_the_settings():
    settings = settings_of("data.inbox=s3://photos/inbox", "data.batches=[monday]")
    for given, batches in (({}, "monday"), ({"batches": "b, a,,b"}, "a,b"), ({"batches": ""}, "")):
        assert plan(settings, "kubeflow", overrides=given).parameters["batches"] == batches
    with pytest.raises(SettingsError, match="^--param batches: '../b' is "):
        plan(settings, "kubeflow", overrides={"batches": "a,../b"})


def test_parameters_are_the_settings_except_for_known_ones():
    given = read_parameters(("epochs=3", "data_path=s3://photos/other", "max_mae=7"))
    planned = plan(
        settings_of("trainer.learning_rate=0.001"), "kubeflow", "ages-1", overrides=given
    )
    assert planned.parameters["epochs"] == 3
    assert planned.parameters["max_mae"] == 7.0
    assert planned.parameters["data_path"] == "s3://photos/other"
    assert planned.parameters["learning_rate"] == 0.001
    assert planned.parameters["run_id"] == "ages-1"
    assert planned.settings.trainer.epochs == 10, "what is compiled stays the same"


@pytest.mark.parametrize("run_id", ["Ages", "1st", "ages_1", "-ages", "a" * 64, "ages 1", "ages\n"])
def test_a_run_id_that_no_service_accepts_is_refused(run_id):
    with pytest.raises(SettingsError, match="--run-id"):
        plan(settings_of(), "kubeflow", run_id)


@pytest.mark.parametrize("run_name", ["a" * 129, "two\nlines", "bell\a"])
def test_a_run_name_that_no_service_shows_is_refused(run_name):
    plan(settings_of(), "kubeflow", run_name="Frühjahr " + "a" * 119)
    with pytest.raises(SettingsError, match="--run-name: must have at most 128 characters"):
        plan(settings_of(), "kubeflow", run_name=run_name)


def test_the_same_run_has_the_same_id():
    def run_id(*overrides, **given):
        given = {"data_fingerprint": "of the data", **given}
        return plan(settings_of(*overrides), "kubeflow", overrides=given).run_id

    same = run_id()
    assert same == run_id() == run_id("work_dir=elsewhere")
    others = {
        run_id("trainer.epochs=3"),
        run_id("cluster.image=another"),
        run_id(data_fingerprint="of other data"),
        run_id(data_path="s3://photos/other"),
    }
    assert len(others | {same}) == 5
    assert run_id(epochs="3") == run_id("trainer.epochs=3")


def test_if_the_data_are_unknown_each_submission_is_another_run():
    first, second = (plan(settings_of(), "kubeflow") for _ in range(2))
    assert first.run_id != second.run_id
    assert first.data_unknown == ("s3://photos: no AWS credentials were found; see docs/files.md")
    assert first.parameters["data_fingerprint"] == ""


def test_derived_ids_are_run_ids():
    for name in ("customer-age", "7-eleven", "a" * 63, "a" * 49 + "-b"):
        planned = plan(settings_of(f"name={name}"), "kubeflow")
        assert run_ids.check(planned.run_id)
        assert "--" not in planned.run_id


@pytest.fixture
def bucket(s3_endpoint, aws_credentials):
    """Beam options that reach a data set behind a real S3 server on loopback, and its client."""
    import boto3

    client = boto3.client("s3", endpoint_url=s3_endpoint)
    client.create_bucket(Bucket="photos")
    client.put_object(
        Bucket="photos", Key="spring/labels.csv", Body=b"file_name,real_age\na.jpg,4\n"
    )
    client.put_object(Bucket="photos", Key="spring/final_files/a.jpg", Body=b"a photo")
    client.put_object(Bucket="photos", Key="bad/labels.csv", Body=b"photo\na.jpg\n")
    return [f"--s3_endpoint_url={s3_endpoint}", "--s3_region_name=us-east-1"], client


def test_data_that_can_be_read_from_here_are_known(bucket):
    beam_args, client = bucket

    def planned():
        return plan(
            settings_of("data.path=s3://photos/spring", f"beam.args={beam_args}"), "kubeflow"
        )

    first = planned()
    assert first.data_unknown == ""
    assert len(first.parameters["data_fingerprint"]) == 64
    assert first.run_id == planned().run_id
    client.put_object(
        Bucket="photos", Key="spring/labels.csv", Body=b"file_name,real_age\na.jpg,5\n"
    )
    assert planned().parameters["data_fingerprint"] != first.parameters["data_fingerprint"]
    assert planned().run_id != first.run_id


def test_readable_data_that_are_not_a_data_set_are_refused(bucket):
    beam_args, _ = bucket
    for folder, expected in (
        ("bad", "real_age"),
        ("nothing", "there is nothing under this address"),
    ):
        settings = settings_of(f"data.path=s3://photos/{folder}", f"beam.args={beam_args}")
        with pytest.raises(SettingsError, match=expected):
            plan(settings, "kubeflow")


def test_a_bucket_without_credentials_is_not_waited_for(monkeypatch, tmp_path):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    assert (
        "s3://photos: no AWS credentials were found"
        in plan(settings_of("data.path=s3://photos/spring"), "kubeflow").data_unknown
    )


def test_a_bucket_that_does_not_answer_is_waited_for_a_while(aws_credentials):
    settings = settings_of(
        "data.path=s3://photos/spring", "beam.args=[--s3_endpoint_url=http://127.0.0.1:1]"
    )
    with pytest.raises(DataUnavailable, match=r"not read within 0\.5 seconds"):
        data_fingerprint.fingerprint(settings, patience=0.5)


@pytest.fixture(params=["kubeflow", "vertex"])
def specification(request):
    if request.param == "kubeflow":
        return specifications.of_kubeflow((HERE / "golden" / "kubeflow.yaml").read_text())
    return specifications.of_vertex((HERE / "golden" / "vertex.json").read_text())


def cached(specification):
    return {
        name
        for name, task in specifications.tasks(specification).items()
        if task.get("cachingOptions", {}).get("enableCache")
    }


def test_known_data_allow_photo_example_gen_to_be_cached(specification):
    before = cached(specification)
    assert "Trainer" in before
    assert not before & {"PhotoExampleGen", "Champion"}
    specifications.set_caching(specification, cache=True, data_known=False)
    assert cached(specification) == before
    specifications.set_caching(specification, cache=True, data_known=True)
    assert cached(specification) == before | {"PhotoExampleGen"}
    specifications.set_caching(specification, cache=False, data_known=True)
    assert not cached(specification)


def test_a_dry_run_shows_everything_except_secrets():
    settings = settings_of("cluster.environment.AWS_REGION=us-east-9")
    planned = plan(settings, "kubeflow", "ages-1", "Spring", {"epochs": "3"})
    place = KubeflowEndpoint.of("https://kubeflow.example.org/pipeline/", "ages", "team-a")
    compiled = specifications.of_kubeflow((HERE / "golden" / "kubeflow.yaml").read_text())
    lines = list(
        dry_run.lines(
            planned, place.shown(), Submission("ages-1", "Spring", compiled, planned.parameters)
        )
    )
    text = "\n".join(lines)
    for expected in (
        "Kubeflow Pipelines at https://kubeflow.example.org/pipeline",
        "team-a",
        "Spring (ages-1)",
        "schema 2.1.0, 11 tasks",
        "registry.example.org/customer-age:0.1.0",
        "PhotoExampleGen reads the data again",
        "  epochs              3",
        "  batches             (empty)",
    ):
        assert expected in text
    assert "us-east-9" not in text
    assert "AWS_SECRET" not in text


def test_with_options_in_the_root_nothing_is_cached():
    """The launcher only uses them for the artifacts of its own run."""
    root = "s3://ages/runs?endpoint=http://store:9000&use_path_style=true&region=us-east-1"
    given = {"data_fingerprint": "known"}
    planned = plan(settings_of(f"cluster.pipeline_root={root}"), "kubeflow", overrides=given)
    assert not planned.cache
    assert dry_run.caching(planned).startswith("off: the pipeline root has options")
    kept = plan(settings_of("cluster.pipeline_root=s3://ages/runs"), "kubeflow", overrides=given)
    assert kept.cache
    assert dry_run.caching(kept).startswith("on, also for PhotoExampleGen")


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        ({"host": None}, "--host is missing"),
        ({"host": "https://me:secret@host"}, "must not contain a user or a password"),
        ({"host": "ftp://host"}, "is not a valid URL"),
        ({"experiment": " "}, "--experiment"),
        ({"namespace": "Team A"}, "--namespace Team A"),
        ({"service_account": "-x"}, "--service-account -x"),
        ({"service_account": "a..b"}, "is not a valid name of a service account"),
        ({"namespace": "team.a"}, "is not a valid name of a namespace: write 1 to 63 of a-z"),
        ({"namespace": "a" * 64}, "is not a valid name of a namespace"),
        ({"experiment": "a" * 256}, "--experiment: must have at most 255 characters"),
    ],
)
def test_an_invalid_location_is_refused(place, expected):
    with pytest.raises(SettingsError) as caught:
        KubeflowEndpoint.of(**{"host": "http://localhost", "experiment": "ages", **place})
    assert expected in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_host_without_a_scheme_uses_https():
    assert (
        KubeflowEndpoint.of("kubeflow.example.org/", "ages").host == "https://kubeflow.example.org"
    )


def test_profiles_that_only_the_cluster_can_read_leave_the_data_unknown(tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"a photo")
    (tmp_path / "photos.csv").write_text(
        "file_name,card_id,captured_at\na.jpg,4711,2026-01-01T10:00:00Z\n"
    )
    settings = settings_of(
        f"data.path={tmp_path}",
        "data.profiles=postgresql+psycopg://shop@127.0.0.1:1/crm",
    )
    with pytest.raises(DataUnavailable, match=r"data\.profiles: .*127\.0\.0\.1") as caught:
        data_fingerprint.fingerprint(settings)
    assert "4711" not in str(caught.value)
