"""The certificate of a `forget`: what was searched and erased, signed with the persons' key.

It names the person by a separate hash, which can be computed only with the key and the card's
number. The hash appears in no examples, caches or tombstones, so it cannot be linked to them.
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
class TrainedVersion:
    """A published version that was trained on the subject's batches.

    Attributes:
        version: the version's number in the registry.
        published: when it was published, an ISO date and time.
        fate: what happens to it, as the predicate of a sentence.
    """

    version: str
    published: str
    fate: str


@dataclass(frozen=True)
class Certificate:
    """The record of a `forget`; `ended` is empty until it has ended.

    Attributes:
        forgotten: the kind of subject, such as `card`.
        subject: a keyed hash of the person, empty if the subject is a span of time.
        key: the fingerprint of the key.
        begun: when it began, an ISO date and time.
        ended: when it ended, an ISO date and time.
        searched: each place that was searched, as users know it.
        erased: each kind of erased items, and how many.
        unread: a sentence for each table that could not be searched.
        batches: the batches of the subject's photos, an empty name for the base set.
        versions: the versions that were trained on the subject.
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
    versions: tuple[TrainedVersion, ...] = ()

    def line(self) -> str:
        """Return one line for the terminal."""
        who = f"{self.forgotten} {self.subject}".strip()
        versions = ", ".join(f"version {each.version} {each.fate}" for each in self.versions)
        trained = versions or "no published version was trained on it"
        rest = f", except {len(self.unread)} tables or rows not read" if self.unread else ""
        return f"{who}: erased at {self.ended}{rest}; {trained}"

    def signed(self, key: str) -> dict[str, Any]:
        """Return the certificate's JSON content, with the signature."""
        content = {"certificate": _VERSION, **dataclasses.asdict(self)}
        return {**content, "signature": _signature(content, key)}


def subject_hash(person: str, key: str) -> str:
    """Return the hash of a person, 32 hexadecimal digits that are used only in certificates."""
    return pseudonyms.keyed_hash(key, "certificate", person).hex()[:32] if person else ""


def is_genuine(content: dict[str, Any], key: str) -> bool:
    """Return whether a certificate's JSON was signed with a key and has not changed since."""
    rest = {name: value for name, value in content.items() if name != "signature"}
    return hmac.compare_digest(str(content.get("signature")), _signature(rest, key))


def begin(folder: Path, planned: Certificate) -> tuple[Path, Certificate]:
    """Resume the certificate that a killed `forget` of the same subject left, or begin a new one.

    Args:
        folder: the folder of certificates.
        planned: the certificate of the planned `forget`.

    Returns:
        The file, and the certificate: with the batches and versions that the killed `forget` had
        found, because the rows that led to them may be erased.
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
    """Write a certificate with its signature, completely or not at all."""
    text = json.dumps(certificate.signed(key), indent=2)
    store.write_whole(str(file), f"{text}\n".encode())


def now() -> str:
    """Return the current time in the form of certificates."""
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
        versions=tuple(TrainedVersion(**each) for each in before["versions"]),
    )


def _signature(content: dict[str, Any], key: str) -> str:
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hmac.digest(key.encode(), f"certificate\0{text}".encode(), hashlib.sha256).hex()
