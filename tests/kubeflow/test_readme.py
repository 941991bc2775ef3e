"""The commands of kubeflow/README.md are valid, and the files that they name exist."""

import re
import shlex
from pathlib import Path

import click
import pytest
import yaml

from customer_age.pipeline.cli.cli import cli

ROOT = Path(__file__).parents[2]
README = (ROOT / "kubeflow" / "README.md").read_text(encoding="utf-8")
BLOCKS = [block.strip().splitlines() for block in re.findall(r"```sh\n(.+?)```", README, re.DOTALL)]


def lines() -> list[list[str]]:
    """The words of each command, with what the page exports filled in."""
    exported = {"IMAGE": "", "OVERLAY": ""} | dict(re.findall(r"(\w+)=([\w./:-]+)", BLOCKS[0][0]))
    return [
        shlex.split(re.sub(r"\$(\w+)", lambda name: exported[name[1]], line))
        for block in BLOCKS
        for line in block
    ]


def test_a_first_run_takes_less_than_ten_commands():
    [first_run] = [block for block in BLOCKS if any("kubectl apply" in line for line in block)]
    assert len(first_run) < 10
    assert "customer-age submit" in first_run[-1]


@pytest.mark.parametrize(
    "words",
    [words[words.index("customer-age") :] for words in lines() if "customer-age" in words[:2]],
    ids=" ".join,
)
def test_our_commands_have_the_options_of_the_page(words):
    _, verb, *arguments = words
    command = cli.get_command(click.Context(cli), verb)
    with command.make_context(verb, arguments) as context:
        assert context.params["target"] in ("kubeflow", "vertex")


def test_the_named_files_exist():
    for words in lines():
        for word in words:
            if word.startswith("kubeflow/"):
                assert (ROOT / word).exists(), word
    for file, anchor in re.findall(r"\]\((\.\./[^)#]+)(?:#([^)]+))?\)", README):
        page = ROOT / "kubeflow" / file
        assert page.exists(), file
        titles = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
        anchors = {re.sub(r"[^\w -]", "", each.lower()).replace(" ", "-") for each in titles}
        assert not anchor or anchor in anchors, anchor
    for file in re.findall(r"`((?:manifests|overlays)/[\w./-]+)`", README):
        assert list((ROOT / "kubeflow").glob(f"**/{file}")), file


def secrets_of(folder: Path) -> set[str]:
    """The Secrets that pods need: by variable, by volume, and through the settings."""
    needed: set[str] = set()

    def look(node: object) -> None:
        if isinstance(node, list):
            for each in node:
                look(each)
        elif isinstance(node, dict):
            for key, value in node.items():
                if key in ("secretKeyRef",):
                    needed.add(value["name"])
                elif key in ("secretName", "secret") and isinstance(value, str):
                    needed.add(value)
                elif key == "imagePullSecrets":
                    needed.update(each["name"] for each in value)
                elif key == "image_pull_secrets":
                    needed.update(value)
                look(value)

    for file in folder.rglob("*.yaml"):
        for document in yaml.safe_load_all(file.read_text()):
            look(document)
    return needed


def test_the_page_names_every_required_secret():
    manifests = ROOT / "kubeflow" / "manifests"
    needed = secrets_of(manifests / "base") | secrets_of(manifests / "overlays")
    named = set(re.findall(r"^\| `(customer-age-[a-z-]+)`", README, re.MULTILINE))
    assert needed == named
    made = set(re.findall(r"create secret generic (\S+)", README))
    assert made == {"customer-age-object-store", "customer-age-person-key"}
    assert made <= needed
