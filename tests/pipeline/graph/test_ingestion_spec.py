"""From the settings to what PhotoExampleGen is told, and to what a run's data are known by."""

import json
import stat

import pytest

from customer_age.errors import SettingsError
from customer_age.labels import pseudonyms, tombstones
from customer_age.pipeline.graph import ingestion_spec
from customer_age.pipeline.running import preflight
from customer_age.pipeline.settings import loading

CARDS = {f"4000-{number:04}": "1990-03-01" for number in range(4)}


@pytest.fixture
def base(tmp_path, grey):
    folder = tmp_path / "base"
    folder.mkdir()
    (folder / "a.png").write_bytes(grey(80))
    (folder / "labels.csv").write_text("file_name,real_age\na.png,30\n")
    return folder


@pytest.fixture
def inbox(tmp_path, batch, shown):
    folder = tmp_path / "inbox"
    folder.mkdir()
    for name in ("monday", "tuesday"):
        batch(folder, name, [shown(f"{name}.jpg", card) for card in CARDS], CARDS)
    return folder


@pytest.fixture
def load(tmp_path, base, inbox):
    def settings(*overrides, batches=(), **given):
        told = {"data__path": str(base), "work_dir": str(tmp_path / "work"), **given}
        chosen = ("trainer.weights=none", f"data.batches=[{','.join(batches)}]", *overrides)
        return loading.load("local", chosen, data__inbox=str(inbox), **told)

    return settings


def test_what_ingestion_is_told(load, inbox, tmp_path):
    told = ingestion_spec.parameters(load(batches=["monday", "tuesday"]))
    assert told == {
        "inbox": str(inbox),
        "batch_cache": str(tmp_path / "work" / "batch_cache"),
        "cards": {"max_photos_per_card": 20},
        "person_key_file": str(tmp_path / "work" / "person.key"),
    }
    url = "postgresql+psycopg://reader@crm/shop#cards"
    chosen = load("data.max_profile_age_days=9", "data.batch_cache=cache", data__profiles=url)
    told = ingestion_spec.parameters(chosen)
    assert told["cards"] == {
        "profiles": url,
        "max_profile_age_days": 9,
        "max_photos_per_card": 20,
    }
    assert told["batch_cache"].startswith("/"), "wherever it runs, the path is the same"


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("data.batches=[../elsewhere]", "is no name of a batch"),
        ("data.batches=['a,b']", "is no name of a batch"),
        ("data.batches=[_forgotten]", "is no name of a batch"),
        ("data.profiles=postgresql://reader:word@crm/shop", "must hold no password"),
        ("data.profiles=postgresql://crm/shop?password=word", "must hold no password"),
        ("data.max_photos_per_card=0", "must be at least 1, not 0"),
    ],
)
def test_settings_that_cannot_be(load, override, said):
    with pytest.raises(SettingsError, match=said) as told:
        load(override)
    assert "word@" not in str(told.value)
    assert "=word" not in str(told.value)


def test_batches_lie_in_an_inbox():
    with pytest.raises(SettingsError, match="no inbox that they lie in"):
        loading.load("local", ("data.batches=[monday]",))


def test_a_run_is_known_by_all_of_its_data(load, inbox, base, batch, shown, tmp_path):
    def data(*batches, **given):
        return preflight.check(load(batches=batches, **given)).data

    alone, window = data(), data("monday", "tuesday")
    seen = {alone, window, data("monday")}
    assert len(seen) == 3
    assert data("tuesday", "monday") == window
    (inbox / "monday" / "photos" / "monday.jpg").write_bytes(b"another")
    changed = data("monday", "tuesday")
    assert changed not in seen
    assert data() == alone
    key = pseudonyms.read(str(tmp_path / "work" / "person.key"))
    tombstones.write_person(str(inbox), "0" * 32, key)
    forgotten = data("monday", "tuesday")
    assert forgotten not in {*seen, changed}
    other = tmp_path / "other.key"
    other.write_text("another key of persons")
    with pytest.raises(SettingsError, match="not the key that the tombstones"):
        data("monday", data__person_key_file=str(other))


def test_a_key_of_persons_is_made_where_there_are_persons(load, tmp_path):
    key_file = tmp_path / "work" / "person.key"
    preflight.check(load())
    assert not key_file.exists()
    preflight.check(load(batches=["monday"]))
    assert stat.S_IMODE(key_file.stat().st_mode) == 0o600
    with pytest.raises(SettingsError, match=r"^data.person_key_file: .*nowhere: No such file"):
        preflight.check(load(batches=["monday"], data__person_key_file=str(tmp_path / "nowhere")))


def test_the_key_of_persons_is_in_no_graph_and_no_dump(load, tmp_path):
    from tfx.dsl.compiler import compiler

    from customer_age.pipeline.graph import create_pipeline

    settings = load(batches=["monday"])
    key = preflight.check(settings)
    secret = (tmp_path / "work" / "person.key").read_text()
    compiled = compiler.Compiler().compile(
        create_pipeline.create_pipeline(settings, create_pipeline.Launch(key))
    )
    assert "person_key_file" in str(compiled)
    for text in (str(compiled), json.dumps(settings.model_dump(mode="json"))):
        assert secret not in text


def test_where_the_cache_and_the_key_lie_changes_no_result(load):
    plain = load().fingerprint()
    assert load("data.batch_cache=elsewhere", "data.person_key_file=a.key").fingerprint() == plain
    assert load("data.max_photos_per_card=3").fingerprint() != plain
    assert load(batches=["b", "a", "b"]).fingerprint() == load(batches=["a", "b"]).fingerprint()
