"""`retrain` as the CronJob runs it: its account, its token, its settings, its environment."""

import logging
import urllib.request
from collections.abc import Iterator
from types import SimpleNamespace

import boto3
import pytest
from moto.server import ThreadedMotoServer
from rendered_manifests import of_kind, pod_of
from service_account_tokens import token_of
from submitted import NAMESPACE, PIPELINE, RETRAINING, USER, Submitted, check_refused

from customer_age.kubeflow.submission.kfp import endpoint
from customer_age.pipeline.retraining import drift_check


@pytest.fixture(scope="module")
def minio() -> Iterator[str]:
    """A store with the bucket of the overlay: three photos, and a batch of two in the inbox."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    store = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    store.start()
    address = f"http://localhost:{store.get_host_and_port()[1]}"
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    s3 = boto3.client("s3", endpoint_url=address, region_name="us-east-1", **keys)
    s3.create_bucket(Bucket="customer-age")
    cards = ["1000,1980-01-01,true", "1001,1990-01-01,true"]
    rows = ["0.jpg,1000,2026-03-01T10:15", "1.jpg,1001,2026-03-01T10:16"]
    for key, content in {
        "photos/labels.csv": "file_name,real_age\n1.jpg,20\n2.jpg,30\n3.jpg,40\n",
        **{f"photos/final_files/{number}.jpg": f"photo {number}" for number in (1, 2, 3)},
        "inbox/monday/photos.csv": "\n".join(["file_name,card_id,captured_at", *rows]),
        **{f"inbox/monday/photos/{number}.jpg": f"monday {number}" for number in (0, 1)},
        "inbox/monday/cards.csv": "\n".join(["card_id,date_of_birth,consent", *cards]),
        "inbox/monday/_SUCCESS": "",
    }.items():
        s3.put_object(Bucket="customer-age", Key=key, Body=content.encode())
    yield address
    # What one server was given, the next one in this process would hold too.
    urllib.request.urlopen(urllib.request.Request(f"{address}/moto-api/reset", method="POST"))
    store.stop()


@pytest.fixture
def retrain(kubeflow, client, objects, minio, monkeypatch, capsys, tmp_path):
    """The CronJob's own command, environment and token; its servers are this machine's."""
    [job] = of_kind(objects, "CronJob").values()
    pod = pod_of(job)
    [container] = pod["containers"]
    maps = of_kind(objects, "ConfigMap").items()
    [settings] = [each["data"]["settings.yaml"] for name, each in maps if "-settings-" in name]
    [projected] = [each["projected"] for each in pod["volumes"] if "projected" in each]
    [source] = [each["serviceAccountToken"] for each in projected["sources"]]
    files = {"settings.yaml": settings, "namespace": NAMESPACE, "key": "0123456789abcdef" * 4}
    for name, content in files.items():
        (tmp_path / name).write_text(content)
    monkeypatch.setattr(endpoint, "_POD_NAMESPACE", tmp_path / "namespace")
    token_file = tmp_path / source["path"]
    elsewhere = {
        "KF_PIPELINES_ENDPOINT": kubeflow.url,
        "KF_PIPELINES_SA_TOKEN_PATH": str(token_file),
        "AWS_ENDPOINT_URL": minio,
    }
    for each in container["env"]:
        monkeypatch.setenv(each["name"], elsewhere.get(each["name"], each.get("value", "secret")))
    monkeypatch.delenv("CUSTOMER_AGE_NOTIFY_URL")
    nothing_published = SimpleNamespace(champion=lambda: None, versions=list)
    monkeypatch.setattr(drift_check, "open_registry", lambda uri, model: nothing_published)

    def run(account: str) -> Submitted:
        requested = (source["audience"], source["expirationSeconds"])
        token = token_of(client, NAMESPACE, account, *requested)
        token_file.write_text(token)
        words = [*container["args"]]
        words[words.index("/etc/customer-age/settings.yaml")] = str(tmp_path / "settings.yaml")
        for setting in (
            *("retraining.ledger=null", "retraining.min_photos=1"),
            *(f"work_dir={tmp_path}/work", f"data.person_key_file={tmp_path}/key"),
        ):
            words += ["--set", setting]
        return Submitted(words, monkeypatch, capsys, token)

    return run


def test_the_cronjob_starts_a_run_with_its_own_token(kubeflow, reviews, retrain):
    looked = retrain(RETRAINING)
    assert looked.exit_code == 0, (looked.out, looked.err)
    assert "batch monday: 2 new photos" in looked.out
    [run] = kubeflow.runs.values()
    assert run["service_account"] == PIPELINE
    [experiment] = kubeflow.experiments.values()
    assert experiment["namespace"] == NAMESPACE
    assert {user for user, *_ in reviews.reviewed} == {USER}
    again = retrain(RETRAINING)
    assert again.exit_code == 0, again.err
    assert len(kubeflow.runs) == 1


def test_an_account_without_the_right_starts_none_and_the_batch_waits(kubeflow, retrain):
    looked = retrain(PIPELINE)
    check_refused(looked, kubeflow, f"User 'system:serviceaccount:{NAMESPACE}:{PIPELINE}' is not")
    assert retrain(RETRAINING).exit_code == 0
    assert len(kubeflow.runs) == 1, "the next check starts it"
