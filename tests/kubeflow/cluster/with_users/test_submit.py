"""`submit` with a real service account's token, which a real API server reviews."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from kubeflow_reviews import AUDIENCE, KubeflowReviews
from rendered_manifests import MANIFESTS
from service_account_tokens import expired, token_of
from submitted import (
    COMPILED,
    NAMESPACE,
    PIPELINE,
    RETRAINING,
    USER,
    Submitted,
    check_refused,
)

from customer_age.kubeflow.submission import specifications
from customer_age.kubeflow.submission.kfp import endpoint, runs
from customer_age.kubeflow.submission.runs import Submission


@pytest.fixture
def submit(kubeflow, monkeypatch, capsys, tmp_path):
    """README's command, with a token in a file."""

    def run(token: str, namespace: str = NAMESPACE, *more: str) -> Submitted:
        monkeypatch.delenv("KF_PIPELINES_SA_TOKEN_PATH", raising=False)
        if token:
            (tmp_path / "token").write_text(f"{token}\n")
            monkeypatch.setenv("KF_PIPELINES_SA_TOKEN_PATH", str(tmp_path / "token"))
        config = MANIFESTS / "overlays" / "on-prem-minio" / "settings.yaml"
        words = ["customer-age", "submit", "--target", "kubeflow", "--host", kubeflow.url]
        words += ["--namespace", namespace] if namespace else []
        words += ["--service-account", PIPELINE, "--config", str(config), *more]
        return Submitted(words, monkeypatch, capsys, token)

    return run


def test_a_run_is_started_with_the_page_s_token(server, client, kubeflow, reviews, submit):
    made = server.kubectl("-n", NAMESPACE, "create", "token", RETRAINING, f"--audience={AUDIENCE}")
    token = made.stdout.strip()
    submitted = submit(token, NAMESPACE, "--run-id", "ages-1")
    assert (submitted.exit_code, submitted.err) == (0, "")
    [run] = kubeflow.runs.values()
    assert run["service_account"] == PIPELINE
    [experiment] = kubeflow.experiments.values()
    assert experiment["namespace"] == NAMESPACE
    assert {(user, namespace) for user, _, _, namespace in reviews.reviewed} == {(USER, NAMESPACE)}
    assert {(verb, kind) for _, verb, kind, _ in reviews.reviewed} == {
        *(("list", "experiments"), ("create", "experiments")),
        *(("list", "runs"), ("create", "runs"), ("get", "runs")),
    }
    again = submit(token, NAMESPACE, "--run-id", "ages-1")
    assert again.exit_code == 0
    assert "already exists, PENDING" in again.out
    assert len(kubeflow.runs) == 1


def test_one_of_two_runs_is_stopped_and_removed_by_the_same_account(
    client, kubeflow, reviews, submit, monkeypatch, tmp_path
):
    token = token_of(client, NAMESPACE, RETRAINING, AUDIENCE)
    (tmp_path / "token").write_text(token)
    monkeypatch.setenv("KF_PIPELINES_SA_TOKEN_PATH", str(tmp_path / "token"))
    both_have_looked = threading.Barrier(2)

    def wait_for_the_other(method: str, path: str) -> None:
        if (method, path) == ("POST", "/apis/v2beta1/runs"):
            both_have_looked.wait(120)

    kubeflow.on_request = wait_for_the_other
    submission = Submission(
        "ages-1", "", specifications.of_kubeflow(COMPILED), {"data_path": "s3://p", "run_id": "a"}
    )
    place = endpoint.KubeflowEndpoint.of(kubeflow.url, "ages", NAMESPACE, PIPELINE)
    # The experiment is there, and the client imported, before the two begin.
    assert runs.KubeflowRuns(place).find("ages-1") is None
    with ThreadPoolExecutor(2) as pool:
        links = set(
            pool.map(lambda _: runs.KubeflowRuns(place, 0.5).create(submission).link, range(2))
        )
    assert (len(links), len(kubeflow.runs)) == (1, 1)
    verbs = {verb for _, verb, kind, _ in reviews.reviewed if kind == "runs"}
    assert verbs == {"list", "create", "get", "terminate", "delete"}, "all that its Role has"


def test_without_a_token(kubeflow, submit):
    check_refused(submit(""), kubeflow, "there is no user identity header")


@pytest.mark.parametrize("audience", ["https://kubernetes.default.svc", "another.service"])
def test_with_a_token_for_another_service(client, kubeflow, submit, audience):
    token = token_of(client, NAMESPACE, RETRAINING, audience)
    check_refused(submit(token), kubeflow, "Authenticated is false", "KF_PIPELINES_SA_TOKEN_PATH")


def test_with_an_expired_token(server, client, kubeflow, submit):
    token = token_of(client, NAMESPACE, RETRAINING, AUDIENCE)
    old = expired(token, server.folder / "service_accounts.key")
    check_refused(submit(old), kubeflow, "Authenticated is false")
    assert submit(token).exit_code == 0, "the same, not expired"


def test_with_a_token_that_another_key_signed(client, kubeflow, submit):
    token = token_of(client, NAMESPACE, RETRAINING, AUDIENCE)
    check_refused(submit(f"{token[:-8]}AAAAAAAA"), kubeflow, "Authenticated is false")


def test_with_the_token_of_an_account_that_is_gone(client, kubeflow, submit):
    client.create_namespace("somebody-else-s", {}, "gone")
    token = token_of(client, "somebody-else-s", "gone", AUDIENCE)
    client.ask("DELETE", "/api/v1/namespaces/somebody-else-s/serviceaccounts/gone")
    ends = time.monotonic() + 120
    reviewed = KubeflowReviews(client)
    while "is not authorized" in _refusal(reviewed, token):  # the server remembers for ten seconds
        assert time.monotonic() < ends
        time.sleep(0.5)
    check_refused(submit(token), kubeflow, "Authenticated is false")


def _refusal(reviews: KubeflowReviews, token: str) -> str:
    attributes = {"namespace": NAMESPACE, "verb": "list", "group": AUDIENCE, "resource": "runs"}
    with pytest.raises(Exception, match=r".") as refused:
        reviews.review(f"Bearer {token}", attributes)
    return str(refused.value)


@pytest.mark.parametrize(
    ("account_s", "account", "namespace"),
    [
        (NAMESPACE, PIPELINE, NAMESPACE),
        ("somebody-else-s", RETRAINING, NAMESPACE),
        (NAMESPACE, RETRAINING, "somebody-else-s"),
    ],
)
def test_without_the_right(client, kubeflow, submit, account_s, account, namespace):
    token = token_of(client, account_s, account, AUDIENCE)
    user = f"system:serviceaccount:{account_s}:{account}"
    check_refused(
        submit(token, namespace),
        kubeflow,
        f"User '{user}' is not authorized",
        f"Check if you have access to namespace {namespace}",
    )


def test_without_a_namespace(client, kubeflow, submit):
    submitted = submit(token_of(client, NAMESPACE, RETRAINING, AUDIENCE), "")
    assert submitted.exit_code == 1
    assert "empty namespace in multi-user mode" in submitted.err
    assert not kubeflow.runs
