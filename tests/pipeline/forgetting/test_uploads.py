"""Rows and photos of a person in uploads, with unusual names and rows."""

from pathlib import Path

from customer_age.pipeline.forgetting import erasure, uploads
from customer_age.pipeline.forgetting.subject import Card

COMPOSED, APART = "\u00fc.jpg", "u\u0308.jpg"


def test_a_photo_is_found_in_the_form_of_unicode_that_runs_find_it_in(settings, inbox):
    batch = inbox / "2026-01"
    (batch / "photos").mkdir(parents=True)
    for name in (APART, f"{APART}_face.jpg", "other.jpg"):
        (batch / "photos" / name).write_bytes(b"photo")
    (batch / "photos.csv").write_text(
        f"file_name,card_id,captured_at\n{COMPOSED},7,2026-01-01\nother.jpg,8,2026-01-01\n",
        encoding="utf-8",
    )
    chosen = settings()
    key = erasure.person_key(chosen)
    (rows,), unread = uploads.find(chosen.data, Card("7", key), key)
    assert sorted(Path(photo).name for photo in rows.photos) == [APART, f"{APART}_face.jpg"]
    assert unread == []


def test_a_row_that_could_be_anybodys_is_reported_as_not_looked_at(settings, inbox):
    table = inbox / "2024-03" / "photos.csv"
    with table.open("a") as file:
        file.write("\n7.jpg,x,7,2024-03-01\n")
    line = len(table.read_text().splitlines())
    chosen = settings()
    key = erasure.person_key(chosen)
    found, unread = uploads.find(chosen.data, Card("7", key), key)
    assert found == []
    (sentence,) = unread
    assert sentence.startswith(f"{table}: line {line}: the row has 4 cells, and the header has 3")
    assert "7.jpg" not in sentence


def test_a_hostile_name_makes_no_other_file_go(settings, inbox):
    batch = inbox / "2026-02"
    (batch / "photos").mkdir(parents=True)
    (inbox / "evil.jpg").write_bytes(b"another person's")
    for name in ("a*.jpg", "ab.jpg", "tab\t.jpg"):
        (batch / "photos" / name).write_bytes(b"photo")
    names = ("../../evil.jpg", str(inbox / "evil.jpg"), "..\\..\\evil.jpg", "a*.jpg", "tab\t.jpg")
    (batch / "photos.csv").write_text(
        "file_name,card_id,captured_at\n" + "".join(f"{name},7,2026-02-01\n" for name in names)
    )
    chosen = settings()
    key = erasure.person_key(chosen)
    (rows,), _ = uploads.find(chosen.data, Card("7", key), key)
    assert sorted(Path(photo).name for photo in rows.photos) == ["a*.jpg", "tab\t.jpg"]
    rows.erase_photos()
    assert (inbox / "evil.jpg").exists()
    assert [each.name for each in (batch / "photos").iterdir()] == ["ab.jpg"]
    assert ("2026-02", r"tab\t.jpg") in rows.traces.photos, "as refused.csv has it"
