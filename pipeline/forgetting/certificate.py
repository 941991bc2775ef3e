"""The certificate of a `forget`: what was searched and erased, signed with the key of persons.

It names the person by a hash of its own, which only who has the key and the card's number can
compute: beside examples, caches and tombstones, that hash leads nowhere.
"""

import dataclasses
import hashlib
import hmac
import json
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from customer_age.files import file_names, store
from customer_age.labels import pseudonyms

FOLDER = "certificates"
_VERSION = 1


@dataclass(frozen=True)
class LearntVersion:
    """A published version that was trained on the subject's batches.

    Attributes:
        version: as the registry counts.
        published: when, an ISO date and time.
        fate: what becomes of it, in a sentence.
    """

    version: str
    published: str
    fate: str


@dataclass(frozen=True)
class Certificate:
    """What a `forget` did; `ended` is empty until it has.

    Attributes:
        forgotten: the kind of subject, such as `card`.
        subject: a keyed hash of the person, empty where the subject is a span of time.
        key: the fingerprint of the key.
        begun: an ISO date and time.
        ended: the same.
        searched: each place, as people know it.
        erased: what, and how much of it.
        unread: a sentence for each table that could not be searched.
        batches: that the subject's photos came with, an empty name for the base set.
        versions: that were trained on the subject's photos.
    """

    forgotten: str
    subject: str
    key: str
    begun: str
    ended: str = ""
    searched: tuple[str, ...] = ()
    erased: dict[str, int] = dataclasses.field(default_factory=dict)
    unread: tuple[str, ...] = ()
    batches: tuple[str, ...] = ()
    versions: tuple[LearntVersion, ...] = ()

    def line(self) -> str:
        """One line for the terminal."""
        who = f"{self.forgotten} {self.subject}".strip()
        versions = ", ".join(f"version {each.version} {each.fate}" for each in self.versions)
        learnt = versions or "no published version was trained on it"
        rest = f", but for {len(self.unread)} tables or rows not read" if self.unread else ""
        return f"{who}: erased by {self.ended}{rest}; {learnt}"

    def signed(self, key: str) -> dict[str, Any]:
        """Its JSON, with the signature."""
        content = {"certificate": _VERSION, **dataclasses.asdict(self)}
        return {**content, "signature": _signature(content, key)}


def subject_hash(person: str, key: str) -> str:
    """32 hexadecimal digits that stand for a person in certificates, and in nothing else."""
    return pseudonyms.keyed_hash(key, "certificate", person).hex()[:32] if person else ""


def is_genuine(content: dict[str, Any], key: str) -> bool:
    """Whether a certificate's JSON is what was signed with a key."""
    rest = {name: value for name, value in content.items() if name != "signature"}
    return hmac.compare_digest(str(content.get("signature")), _signature(rest, key))


def begin(folder: Path, planned: Certificate) -> tuple[Path, Certificate]:
    """Take up the certificate that a killed `forget` of the same subject left, or begin one.

    Args:
        folder: of certificates.
        planned: what is to be done.

    Returns:
        The file, and the certificate: with the batches and versions that the killed one knew of,
        since the rows that led to them may be gone.
    """
    for file in sorted(folder.glob("*.json")):
        before = json.loads(file.read_bytes())
        same = (before["forgotten"], before["subject"]) == (planned.forgotten, planned.subject)
        if same and not before["ended"]:
            return file, _joined(planned, before)
    name = f"{planned.begun.replace(':', '')}-{planned.subject[:12] or 'older-than'}"
    free = file_names.numbered(name, lambda each: (folder / f"{each}.json").exists())
    return folder / f"{free}.json", planned


def write(file: Path, certificate: Certificate, key: str) -> None:
    """Write it, signed, whole or not at all."""
    text = json.dumps(certificate.signed(key), indent=2)
    store.write_whole(str(file), f"{text}\n".encode())


def now() -> str:
    """The moment, as certificates have it."""
    return datetime.now(timezone.utc).isoformat(timespec="seconds")


def _joined(planned: Certificate, before: dict[str, Any]) -> Certificate:
    most = {
        name: max(number, before["erased"].get(name, 0)) for name, number in planned.erased.items()
    }
    return dataclasses.replace(
        planned,
        begun=before["begun"],
        erased=most,
        batches=tuple(sorted({*planned.batches, *before["batches"]})),
        versions=tuple(LearntVersion(**each) for each in before["versions"]),
    )


def _signature(content: dict[str, Any], key: str) -> str:
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hmac.digest(key.encode(), f"certificate\0{text}".encode(), hashlib.sha256).hex()
