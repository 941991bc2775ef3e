"""The compiled YAML, read by Go."""

import json
import subprocess

import pytest
import yaml

from customer_age.kubeflow.compiling import yaml_text

TEXTS = [
    *("123456789e12", "0e1234567890", "96e734198012", "1e3", "+12e-03", ".5e3", "1.e3"),
    *("1_000", "1e_3", "017", "0o17", "-0o17", "0b11", "0x1f", ".inf", ".NaN", "-", ".", "_1"),
    *("y", "N", "yes", "Off", "true", "null", "~", "", "12:30:45", "2026-03-01", "<<", "="),
    *("a: b", "# c", "two\nlines", "käse", "'", '"', " ", "9926db7a3e79", "1.16.0"),
]  # fmt: skip
TYPED = {"whole": 3, "rate": 1e-5, "large": 1e16, "yes": True, "none": None, "list": [0.5, "n"]}


@pytest.fixture
def read_by_go():
    """Read an object as kubectl does, which uses the same package as Kubeflow's API server."""

    def read(document):
        command = ["kubectl", "annotate", "--local", "-f-", "-ojson", "read=yes"]
        done = subprocess.run(
            command, check=False, input=document, capture_output=True, text=True, timeout=300
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return read


@pytest.mark.parametrize("text", TEXTS)
def test_a_text_is_read_as_text(read_by_go, text):
    kind = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}
    document = yaml_text.dump_all([{**kind, "data": {"text": text}}])
    assert read_by_go(document)["data"] == {"text": text}
    assert yaml.safe_load(document)["data"] == {"text": text}


def test_a_key_and_other_types_are_read_as_they_are(read_by_go):
    custom = {"apiVersion": "a.b/v1", "kind": "Custom", "metadata": {"name": "a"}}
    content = {text: text for text in TEXTS if text} | TYPED
    assert read_by_go(yaml_text.dump_all([{**custom, "spec": content}]))["spec"] == content


def test_texts_without_another_meaning_have_no_quotes():
    assert (
        yaml_text.dump_all([["9926db7a3e79", "1.16.0", "3"]]) == "- 9926db7a3e79\n- 1.16.0\n- '3'\n"
    )
