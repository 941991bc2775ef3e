"""No user, password or token is shown."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customer_age import redaction

WORDS = st.text(string.ascii_letters + string.digits + "!$%*+-.;=@^_~", min_size=1)


@given(user=WORDS, password=WORDS)
def test_user_and_password_of_a_url_are_hidden(user, password):
    text = f"see postgresql://{user}:{password}@db.example.org:5432/mlflow for more"
    assert (
        redaction.hide_credentials(text)
        == "see postgresql://hidden@db.example.org:5432/mlflow for more"
    )


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://token@host/x", "https://hidden@host/x"),
        ("mysql://a:b/c@host/x", "mysql://hidden@host/x"),
        ("http://h/x?sig=abc%2F&v=1", "http://h/x?sig=hidden&v=1"),
        ("http://h/x?v=1&amp;X-Goog-Signature=abc", "http://h/x?v=1&amp;X-Goog-Signature=hidden"),
        ("http://h/x?access_token=abc", "http://h/x?access_token=hidden"),
        ("sqlite:////srv/registry.db", "sqlite:////srv/registry.db"),
        ("gs://bucket/models@2/x", "gs://bucket/models@2/x"),
        ("models:/customer-age@champion", "models:/customer-age@champion"),
        ("http://host:5000 and ada@example.org", "http://host:5000 and ada@example.org"),
    ],
)
def test_secrets_are_hidden_and_the_rest_stays(text, shown):
    assert redaction.hide_credentials(text) == shown


@pytest.mark.parametrize(
    "name", ["--s3_secret_access_key", "API_TOKEN", "AccountKey", "storage-key", "X-Amz-Signature"]
)
def test_a_secrets_name_is_recognised_in_settings_and_cluster(name):
    assert redaction.SECRET_OPTION.search(name)
    assert redaction.is_secret_name(name)


def test_the_split_key_is_not_secret():
    settings = {"split_key": "customer-age", "run_key": "abc", "person_key": "abc"}
    shown = {"split_key": "customer-age", "run_key": "abc", "person_key": "hidden"}
    assert redaction.hide_secret_settings(settings) == shown


@pytest.mark.parametrize(
    "address",
    [
        "s3://bucket/photos?endpoint=http://minio:9000",
        "postgresql+psycopg://reader@crm/shop#customers.token_cards",
        "kubeflow-registry+https://host:1/m?artifacts=s3://bucket/x",
        "/srv/photos?token=1",
        "file:///srv/photos?token=1",
        "gs://bucket/models@2/x",
    ],
)
def test_an_address_without_a_secret_stays(address):
    assert redaction.require_no_secret(address, "elsewhere", user=True) == address


def test_settings_named_like_secrets_are_hidden_at_any_depth():
    settings = {
        "registry": {"uri": "sqlite:///x.db", "token": "abc", "password": ""},
        "data": [{"person_key": "abc", "keyword": "faces", "monkey": 2}],
        "api_key": "abc",
        "aws": {"secret_access_key": "abc", "AWS_SESSION_TOKEN": "abc"},
    }
    assert redaction.hide_secret_settings(settings) == {
        "registry": {"uri": "sqlite:///x.db", "token": "hidden", "password": ""},
        "data": [{"person_key": "hidden", "keyword": "faces", "monkey": 2}],
        "api_key": "hidden",
        "aws": {"secret_access_key": "hidden", "AWS_SESSION_TOKEN": "hidden"},
    }
