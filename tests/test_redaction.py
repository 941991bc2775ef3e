"""No user, password or token gets through."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from customer_age import redaction

WORDS = st.text(string.ascii_letters + string.digits + "!$%*+-.;=@^_~", min_size=1)


@given(user=WORDS, password=WORDS)
def test_user_and_password_of_a_url_are_blanked(user, password):
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
def test_what_is_secret_is_blanked_and_what_is_not_stays(text, shown):
    assert redaction.hide_credentials(text) == shown


def test_settings_named_like_secrets_are_blanked_at_any_depth():
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
