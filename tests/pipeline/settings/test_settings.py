import pytest

from customer_age.errors import SettingsError
from customer_age.pipeline.settings import loading
from customer_age.pipeline.settings.settings import Settings


@pytest.mark.parametrize(
    ("override", "line"),
    [
        ("trainer.epoch=3", "trainer.epoch: unknown setting; did you mean trainer.epochs?"),
        ("trainr.epochs=3", "trainr: unknown setting; did you mean trainer?"),
        ("epochs=3", "epochs: unknown setting; did you mean trainer.epochs or retraining.epochs?"),
        ("trainer.x=3", "trainer.x: unknown setting (there are: weights, input_size,"),
        ("trainer.epochs=three", "trainer.epochs: must be a whole number, not 'three'"),
        ('trainer={"a\\nb\\e[2J": 1}', "trainer.a\\nb\\x1b[2J: unknown setting (there are: "),
        ("trainer.epochs=true", "trainer.epochs: must be a whole number, not true"),
        ("trainer.epochs=3.0", "trainer.epochs: must be a whole number, not 3.0: write 3"),
        ("trainer.seed=1_000", "but '1_000' is text in YAML 1.2: write 1000"),
        ("trainer.augmentation=1", "must be true or false, not 1: write true"),
        ("trainer.augmentation=off", "but 'off' is text in YAML 1.2: write false"),
        ("data.split_key=7", 'must be text, not a number: write "7", in quotes'),
        ("trainer.epochs=", "trainer.epochs: must be a whole number, not null"),
        ("trainer.epochs=0", "trainer.epochs: must be at least 1, not 0"),
        ("gate.max_mae=-1", "gate.max_mae: must be above 0, not -1"),
        ("gate.max_mae=.nan", "gate.max_mae: must be a finite number, not .nan"),
        ("gate.max_mae=-.inf", "gate.max_mae: must be a finite number, not -.inf"),
        (
            "data.split_shares.test=0.5",
            "data.split_shares: train, valid and test must add up to 1, not 1.4",
        ),
        (
            "data.layout=zip",
            "data.layout: must be auto, hand_out, appa_real or loyalty_card, not 'zip'",
        ),
        ("data.min_size=500", "data.min_size: 500 is above stored_size 256"),
        # An empty path would be the current folder.
        ("data.path=''", "data.path: must not be empty"),
        ("data.inbox=''", "data.inbox: must not be empty"),
        ("data.batch_cache=''", "data.batch_cache: must not be empty"),
        ("data.profiles=''", "data.profiles: must not be empty"),
        ("data.person_key_file=''", "data.person_key_file: must not be empty"),
        ("gate.age_groups=[0-10, 20-30]", "gate.age_groups: "),
        ("registry.uri=mlflow+https://me:hush@host", "registry.uri: must hold no user name or"),
        ("beam.args=[--s3_secret_access_key=hush]", "beam.args: --s3_secret_access_key must not"),
        ("beam.args=['--azure=Name=a;AccountKey=hush']", "beam.args: --azure must not be set"),
        ("beam.args=['--endpoint=http://me:hush@host']", "beam.args: --endpoint must not be"),
        ("registry.uri=mlflow+https://host/?token=hush", "registry.uri: must hold no user name or"),
        ("registry.uri=kubeflow-registry://h:1/m?artifacts=s3://me:hush@b/x", "must hold no user"),
        ("data.path=https://me:hush@host/x", "data.path: must hold no user name or password"),
        ("data.path=s3://b/x?endpoint=http://me:hush@host", "data.path: must hold no user name"),
        ("data.inbox=s3://me:hush@b/x", "data.inbox: must hold no user name or password"),
        ("data.batch_cache=gs://b/x?access_token=hush", "data.batch_cache: must hold no user"),
        ("data.profiles=postgresql://crm/s?sslpassword=hush#t", "data.profiles: must hold no pass"),
        ("retraining.ledger=postgresql://h/d?user=a&password=hush", "must hold no password"),
        ("notify.url=https://host/x?sig=hush", "notify.url: must hold no user name or password"),
        ("cluster.pipeline_root=s3://b/x?api_key=hush", "must hold no user name or password"),
        ("cluster.environment.STORE=Name=a;AccountKey=hush", "STORE must not be set here"),
        ("trainer.epochs", "--set trainer.epochs: write it as key=value"),
        ("trainer.epochs=[1", "--set trainer.epochs: the value is not YAML"),
        ("registry=me:hush@host", "registry: must be a section"),
        ("registry.uri=mlflow+https://me:hush@[host", "registry.uri: is not a well-formed URL"),
        ("retraining.ledger=postgresql://h:70000/d", "ledger: the port must be 1 to 65535"),
        ("notify.url=https://host:0/x", "notify.url: the port must be 1 to 65535"),
        ("trainer.seed=https://me:hush@host", "trainer.seed: must be a whole number, not"),
        ("name.first=x", "name.first: "),
    ],
)
def test_a_wrong_setting_is_reported_with_its_path(override, line):
    overrides = ("name=a", override) if override.startswith("name.") else (override,)
    with pytest.raises(SettingsError) as raised:
        loading.load("local", overrides)
    assert raised.value.exit_code == 2
    assert line in str(raised.value)
    assert "hush" not in str(raised.value), "no message may contain a secret"


def test_the_fingerprint_follows_every_setting_but_the_work_folder():
    plain = loading.load("local")
    moved = loading.load("local", work_dir="elsewhere")
    changed = loading.load("local", ("trainer.seed=1",))
    assert plain.fingerprint() == moved.fingerprint() != changed.fingerprint()


@pytest.mark.parametrize(
    ("override", "sentence"),
    [
        (
            "trainer.gpu.cout=1",
            "trainer.gpu.cout: unknown setting; did you mean trainer.gpu.count?",
        ),
        ("cluster.resources.Trainer.gpu=1", "did you mean cluster.resources.Trainer.cpu?"),
        ("cluster.resources.Trainer.disk=1", "unknown setting (there are: cpu, memory)"),
        ("cluster.resources.Pusher={}", "unknown name; did you mean RegistryPusher?"),
        ("cluster.resources.Sampler={}", "unknown name (there are: PhotoSchema, PhotoExampleGen"),
        ("cluster.resources.Trainer.memory=16", "cluster.resources.Trainer.memory: "),
        ("cluster.resources.Trainer.memory=0Gi", "Trainer.memory: must be 1M to 100T"),
        ("cluster.resources.Trainer.cpu=0", "Trainer.cpu: must be 1m to 4096 cores"),
        (
            "cluster.secret_files=[{secret: a}]",
            "secret_files.0.folder: is required, but is missing",
        ),
        ("cluster.image_pull_policy=always", "not 'always'; did you mean Always?"),
        ("cluster.environment.API_TOKEN=x", "API_TOKEN must not be set here"),
        ("cluster.pipeline_root=/disk", "write a folder in a bucket"),
        ("cluster.in_place=[s3://b]", "TFX opens artifacts in place only on gs://"),
        ("cluster.in_place=['gs://B']", "cluster.in_place.0: 'gs://B' is not a valid address"),
        # TFX, Kubeflow Pipelines, Kubernetes or Vertex AI would refuse these later.
        (f"name={'a' * 64}", "is not a valid pipeline name: write 1 to 63 of a-z, 0-9"),
        ("name=Ages", "name: 'Ages' is not a valid pipeline name"),
        ("name=''", "name: '' is not a valid pipeline name"),
        ("name=jährlich", "name: 'jährlich' is not a valid pipeline name"),
        (f"registry.model_name={'a' * 256}", "must have at most 255 characters, not 256"),
        (
            "cluster.image=Shop/Ages:1",
            "image: 'Shop/Ages:1' is not a valid image: write host:port/",
        ),
        ("cluster.image='shop/ages: 1'", "image: 'shop/ages: 1' is not a valid image"),
        ("cluster.image=https://shop/ages", "image: 'https://shop/ages' is not a valid image"),
        ("cluster.image=shop/ages@sha256:12", "is not a valid image"),
        ("cluster.gpu_image=größe", "cluster.gpu_image: 'größe' is not a valid image"),
        ("cluster.image_pull_secrets=[My_Login]", "'My_Login' is not a valid Secret name"),
        ("cluster.image_pull_secrets=['']", "image_pull_secrets.0: '' is not a valid Secret name"),
        ("cluster.environment={'a b': c}", "'a b' is not a valid environment variable name"),
        ("cluster.environment={1A: c}", "'1A' is not a valid environment variable name"),
        ('cluster.environment={A: "b\\0"}', "environment: A must not contain a null character"),
        (
            "cluster.secret_environment=[{secret: S, variables: {}}]",
            "'S' is not a valid Secret name",
        ),
        (
            "cluster.secret_environment=[{secret: s, variables: {a/b: C}}]",
            "is not a valid Secret key",
        ),
        (
            "cluster.secret_environment=[{secret: s, variables: {a: B C}}]",
            "0.variables.a: 'B C' is",
        ),
        ("cluster.secret_files=[{secret: s.t, folder: /x}]", "'s.t' is not a valid name of a Secr"),
        ("cluster.secret_files=[{secret: s, folder: x}]", "folder: 'x' is not a valid mount path"),
        ("cluster.secret_files=[{secret: s, folder: /}]", "folder: '/' is not a valid mount path"),
        ("cluster.secret_files=[{secret: s, folder: '/a:b'}]", "'/a:b' is not a valid mount path"),
        (
            "cluster.secret_files=[{secret: s, folder: /x}, {secret: t, folder: /x}]",
            "cluster.secret_files: /x is listed twice; a pod can mount it only once",
        ),
        ("cluster.resources.Trainer.memory=4gb", "'4gb' is not a valid amount of memory: write it"),
        ("cluster.resources.Trainer.memory=4096K", "'4096K' is not a valid amount of memory"),
        ("cluster.resources.Trainer.memory=-4Gi", "'-4Gi' is not a valid amount of memory"),
        ("cluster.resources.Trainer.memory=٤Gi", "'٤Gi' is not a valid amount of memory"),
        (
            "cluster.resources.Trainer.cpu=four",
            "'four' is not a valid number of cores: write it like",
        ),
        ("cluster.resources.Trainer.cpu=-1", "-1 is not a valid number of cores"),
        (
            "trainer.gpu.resource=nvidia/gpu",
            "'nvidia/gpu' is not a valid resource name of a device plug",
        ),
        (
            "trainer.gpu.resource=node.kubernetes.io/gpu",
            "is not a valid resource name of a device plug-",
        ),
        (
            "gate.gpu.resource=nvidia.com/gpu-",
            "gate.gpu.resource: 'nvidia.com/gpu-' is not a valid",
        ),
        ("trainer.gpu.count=-1", "trainer.gpu.count: must be at least 1, not -1"),
        ("trainer.gpu.node_selector={a b: c}", "node_selector.a b: 'a b' is not a valid label key"),
        ("trainer.gpu.node_selector={a: b c}", "node_selector.a: 'b c' is not a valid label value"),
        (f"trainer.gpu.node_selector={{a: {'b' * 64}}}", "is not a valid label value"),
        (
            "trainer.gpu.tolerations=[{key: a b}]",
            "tolerations.0.key: 'a b' is not a valid label key",
        ),
        ("trainer.gpu.tolerations=[{operator: Equal}]", "operator: Equal compares the value of a"),
        (
            "trainer.gpu.tolerations=[{key: a, value: b}]",
            "value: must be empty with the operator",
        ),
        ("cluster.pipeline_root=gs://Shop/x", "'gs://Shop/x' is not a valid address: write a buck"),
        ("cluster.pipeline_root=s3://shop/a/../b", "the folder leads out of the bucket shop"),
        (
            "cluster.pipeline_root=s3://shop/a*",
            "character or any of * [ \\, which TFX reads as a file pattern",
        ),
        # What was found after TensorFlow's import.
        ("registry.uri=shop", "registry.uri: not a URI; supported are"),
        ("registry.uri=''", "registry.uri: not a URI; supported are"),
        ("registry.uri=mlflow+http://", "registry.uri: write an MLflow server as"),
        (
            "registry.uri=mlflow+http://a b",
            "its host must not contain a blank; write it as https://host",
        ),
        ("registry.uri=mlflow+sqlite:///a.db", "absolute path of a file, with four sl"),
        ("registry.uri=vertex://Shop/europe-west4/m?staging=gs://b/f", "is not a valid project"),
        ("registry.uri=kubeflow-registry://h/m", "so their location is needed: add ?artifacts="),
        (
            "retraining.ledger=sqlite:///l.sqlite",
            "write the file's absolute path, with four slashes",
        ),
        (
            "retraining.ledger=sqlite:////x/",
            "'sqlite:////x/' is not a valid ledger: write the file's",
        ),
        ("retraining.ledger=sqlite:////x?timeout=a", "SQLite takes no options; write %3F for a ?"),
        ("retraining.ledger=postgresql://a b/d", "its host must not contain a blank"),
        ("notify.url=https://a b/x", "notify.url: 'https://a b/x' is not a valid address"),
        ("data.path=ftp://shop/x", "data.path: 'ftp://shop/x' is not a valid address: components"),
        ("data.inbox=https://shop/x", "components open only s3:// and gs://"),
        (
            "data.batch_cache=gs://",
            "batch_cache: 'gs://' is not a valid address: write a bucket name",
        ),
        ("data.person_key_file=gs://shop/key", "'gs://shop/key' is not a valid path: the key is"),
        ("trainer.weights=''", "trainer.weights: must not be empty"),
    ],
)
def test_a_wrong_setting_of_a_service_is_reported_with_the_rule(override, sentence):
    with pytest.raises(SettingsError) as raised:
        loading.load("local", (override,))
    assert sentence in str(raised.value)
    assert len(str(raised.value).splitlines()) == 1


def test_a_name_that_the_registry_refuses_is_an_error_of_the_name():
    uri = "registry.uri=vertex://shop-1/europe-west4?staging=gs://shop/models"
    assert loading.load("local", (uri, "registry.model_name=ages_2")).registry.uri
    with pytest.raises(SettingsError, match=r"^--set registry\.model_name: 'Ages' is not a valid"):
        loading.load("local", (uri, "registry.model_name=Ages"))


@pytest.mark.parametrize(
    "override",
    [
        f"name=7{'a' * 62}",
        "cluster.image=ages",
        "cluster.image=localhost:5000/shop/ages-of__all.people:V1.0_a-b",
        f"cluster.image='[2001:db8::1]:5000/ages:1@sha256:{'0a' * 32}'",
        "cluster.image=europe-west4-docker.pkg.dev/shop-1/images/ages",
        "cluster.image_pull_secrets=[login.of-shop]",
        "cluster.secret_environment=[{secret: s.1, variables: {.dockerconfigjson: _A.b-1}}]",
        "cluster.resources.Trainer.cpu=0.5",
        "cluster.resources.Trainer.memory=1.5Gi",
        "trainer.gpu.resource=nvidia.com/mig-1g.5gb",
        "trainer.gpu.node_selector={cloud.google.com/gke-accelerator: nvidia-l4, on: ''}",
        "trainer.gpu.tolerations=[{}, {key: a.b/C_d, operator: Equal, value: 'true'}]",
        "cluster.pipeline_root=minio://mlpipeline",
        "cluster.pipeline_root=s3://Legacy_Bucket/a/b?region=us-east-1",
        "cluster.in_place=['gs://', 'gs://shop/a']",
        "registry.uri=mlflow+http://mlflow.shop.svc:5000/path",
        "registry.uri=mlflow+http://[::1]:5000",
        "retraining.ledger=postgresql://",
        "retraining.ledger=postgresql://shop@/d?host=/cloudsql/shop:europe-west4:ledger",
        "retraining.ledger=sqlite:////a%20b/ü.sqlite",
        "data.path=file:///photos of all",
        "data.path=s3://shop/photos of all*?endpoint=http://minio:9000",
    ],
)
def test_valid_settings_of_the_services_are_accepted(override):
    loading.load("local", (override,))


def test_an_error_in_one_section_hides_no_error_between_others():
    with pytest.raises(SettingsError) as raised:
        loading.load(
            "local",
            (
                "beam.args=[--runner=FlinkRunner, --flink_master=h:1, --x=y]",
                "cluster.pipeline_root=s3://b/runs",
                "data.batches=[a]",
                "data.min_size=300",
                "data.jpeg_quality=1",
                "trainer.epochs=0",
            ),
        )
    assert {line.partition(": ")[0] for line in str(raised.value).splitlines()} == {
        "--set beam.args",
        "--set data.batches",
        "--set data.min_size",
        "--set data.jpeg_quality",
        "--set trainer.epochs",
    }


def numbers(section):
    """Return path and JSON schema of every number in the settings."""
    for name, field in section.model_json_schema(mode="validation")["$defs"].items():
        for setting, schema in field["properties"].items():
            for kind in schema.get("anyOf", [schema]):
                if kind.get("type") in ("integer", "number"):
                    yield f"{name}.{setting}", kind


def test_every_number_has_bounds():
    found = dict(numbers(Settings))
    assert {"TrainerSettings.seed", "DataSettings.max_photos_per_card"} <= set(found)
    for name, schema in found.items():
        assert {"minimum", "exclusiveMinimum"} & set(schema), name
        assert {"maximum", "exclusiveMaximum"} & set(schema), name
