"""The spec of PhotoExampleGen and the data fingerprint, from the settings."""

import json
import stat

import pytest

from customer_age.components.photo_example_gen.spec import IngestionSpec
from customer_age.errors import SettingsError
from customer_age.labels import pseudonyms, tombstones
from customer_age.pipeline.graph import ingestion_spec
from customer_age.pipeline.running import preflight
from customer_age.pipeline.settings import loading
from customer_age.pipeline.settings.data import DataSettings

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
    def settings(*overrides, batches=(), **arguments):
        options = {"data__path": str(base), "work_dir": str(tmp_path / "work"), **arguments}
        chosen = ("trainer.weights=none", f"data.batches=[{','.join(batches)}]", *overrides)
        return loading.load("local", chosen, data__inbox=str(inbox), **options)

    return settings


def test_the_spec_follows_the_settings(load, inbox, tmp_path):
    spec = ingestion_spec.of(load(batches=["monday", "tuesday"]))
    assert spec.inbox == str(inbox)
    assert spec.batch_cache == str(tmp_path / "work" / "batch_cache")
    assert spec.person_key_file == str(tmp_path / "work" / "person.key")
    assert (spec.profiles, spec.max_photos_per_card, spec.stored_size) == (None, 20, 256)
    assert spec.age_groups[0] == "0-12"
    url = "postgresql+psycopg://reader@crm/shop#cards"
    chosen = load(
        "data.max_profile_age_days=9",
        "data.batch_cache=cache",
        "data.keep_columns=[note]",
        "data.split_shares.train=0.7",
        "data.split_shares.test=0.2",
        data__profiles=url,
    )
    spec = ingestion_spec.of(chosen)
    assert (spec.profiles, spec.max_profile_age_days, spec.keep_columns) == (url, 9, ("note",))
    assert spec.split_shares.test == 0.2
    assert spec.batch_cache.startswith("/"), "the path does not depend on the current folder"
    assert IngestionSpec.model_validate_json(spec.to_json()) == spec


def test_settings_and_spec_are_declared_once():
    """Fields that determine examples are in both, with the same defaults and bounds."""
    settings, spec = DataSettings.model_fields, IngestionSpec.model_fields
    own = {"path", "batches", "batch_cache", "max_refused_share", "max_wrong_ages"}
    assert settings.keys() - spec.keys() == own - {"batch_cache"}
    assert spec.keys() - settings.keys() == {"age_groups"}
    for name in settings.keys() & spec.keys() - {"batch_cache"}:
        assert repr(settings[name]) == repr(spec[name])


def test_equal_specs_are_one_text():
    """Columns in another order, or an explicit default, do not rerun ingestion."""
    groups = ("0-17", "18+")
    first = IngestionSpec(age_groups=groups, columns={"person": "who", "batch": "when"})
    second = IngestionSpec(
        age_groups=groups, columns={"batch": "when", "person": "who"}, stored_size=256
    )
    assert first.to_json() == second.to_json()
    assert first.recipe() == second.recipe()


def test_paths_are_not_part_of_the_recipe():
    spec = IngestionSpec(age_groups=("0+",))
    places = dict.fromkeys(("inbox", "profiles", "person_key_file", "batch_cache"), "elsewhere")
    assert spec.model_copy(update=places).recipe() == spec.recipe()
    assert spec.model_copy(update={"jpeg_quality": 90}).recipe() != spec.recipe()


def test_addresses_include_beams_options():
    spec = IngestionSpec(
        age_groups=("0+",), inbox="s3://shop/inbox", profiles="s3://shop/crm/cards.csv",
        batch_cache="/cache", person_key_file="/person.key",
    ).reached_by(["--s3_endpoint_url=http://minio:9000"])  # fmt: skip
    assert spec.inbox == "s3://shop/inbox?endpoint=http://minio:9000"
    assert spec.profiles == "s3://shop/crm/cards.csv?endpoint=http://minio:9000"
    assert (spec.batch_cache, spec.person_key_file) == ("/cache", "/person.key")


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("data.batches=[../elsewhere]", "is not a valid batch name"),
        ("data.batches=['a,b']", "is not a valid batch name"),
        ("data.batches=[_forgotten]", "is not a valid batch name"),
        ("data.profiles=postgresql://reader:word@crm/shop", "must hold no password"),
        ("data.profiles=postgresql://crm/shop?password=word", "must hold no password"),
        ("data.max_photos_per_card=0", "must be at least 1, not 0"),
    ],
)
def test_invalid_settings_are_refused(load, override, message):
    with pytest.raises(SettingsError, match=message) as caught:
        load(override)
    assert "word@" not in str(caught.value)
    assert "=word" not in str(caught.value)


def test_batches_need_an_inbox():
    with pytest.raises(SettingsError, match="batches are set, but data.inbox is not"):
        loading.load("local", ("data.batches=[monday]",))


def test_the_fingerprint_covers_all_data_of_a_run(load, inbox, base, batch, shown, tmp_path):
    def data(*batches, **arguments):
        return preflight.check(load(batches=batches, **arguments)).data

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


def test_a_person_key_is_created_if_there_are_persons(load, tmp_path):
    key_file = tmp_path / "work" / "person.key"
    preflight.check(load())
    assert not key_file.exists()
    preflight.check(load(batches=["monday"]))
    assert stat.S_IMODE(key_file.stat().st_mode) == 0o600
    with pytest.raises(SettingsError, match=r"^data.person_key_file: .*nowhere: No such file"):
        preflight.check(load(batches=["monday"], data__person_key_file=str(tmp_path / "nowhere")))


def test_the_person_key_is_in_no_graph_and_no_dump(load, tmp_path):
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


def test_the_paths_of_cache_and_key_do_not_change_the_result(load):
    plain = load().fingerprint()
    assert load("data.batch_cache=elsewhere", "data.person_key_file=a.key").fingerprint() == plain
    assert load("data.max_photos_per_card=3").fingerprint() != plain
    assert load(batches=["b", "a", "b"]).fingerprint() == load(batches=["a", "b"]).fingerprint()
