"""The records of the ledger: batches, runs, and events about them."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


class RunState(enum.Enum):
    """The state of a run, as its target reports it; the ledger and events contain the values."""

    UNKNOWN = "unknown"
    """The target does not know it, or it died without a record: it must be started."""

    RUNNING = "running"
    """It is queued, running, or being retried by the target itself."""

    PUBLISHED = "published"
    """Its model is a version in the registry, even if the run failed after that."""

    MODEL_REFUSED = "model_refused"
    """It trained, and the gate or the canary did not bless the model."""

    DATA_REFUSED = "data_refused"
    """The data did not meet the schema or the limits: no model was trained."""

    FAILED = "failed"
    """It ended in any other way: failed, cancelled, timed out."""

    @property
    def ended(self) -> bool:
        """Return whether the run has ended."""
        return self not in (RunState.UNKNOWN, RunState.RUNNING)

    @property
    def trained(self) -> bool:
        """Return whether a model was trained on the run's data, published or not."""
        return self in (RunState.PUBLISHED, RunState.MODEL_REFUSED)


class BatchState(enum.StrEnum):
    """The state of a batch."""

    WAITING = "waiting"
    """It waits for a run, or for another one after a run that failed."""

    TAKEN = "taken"
    """The active run has it."""

    LEARNT = "learnt"
    """A run trained on it, whether its model was published or refused."""

    SET_ASIDE = "set_aside"
    """It cannot be used, or its data were refused repeatedly, or it is a copy of another batch."""


@dataclass(frozen=True)
class FoundBatch:
    """A complete batch in the inbox, as a check found it.

    Attributes:
        name: the name of the batch's folder.
        arrived: when its `_SUCCESS` was written.
        photos: the number of rows of its table.
        content: digest of its photos and their table, 64 hexadecimal digits; empty if they could
            not be read.
        problem: why it cannot be used, in one line, or empty.
        place: see `Upload`.
    """

    name: str
    arrived: datetime
    photos: int = 0
    content: str = ""
    problem: str = ""
    place: str = ""


@dataclass(frozen=True)
class Upload:
    """A batch's upload, as the last check that read it found it.

    Attributes:
        place: what computed the digests; digests of two stores cannot be compared.
        arrived: when its `_SUCCESS` was written.
        content: as in `FoundBatch`.
    """

    place: str
    arrived: datetime
    content: str


@dataclass(frozen=True)
class Batch:
    """A batch as it is in the ledger; see `database.BATCHES`."""

    name: str
    state: BatchState
    photos: int
    arrived_at: datetime
    content: str | None = None
    same_as: str | None = None
    run_id: str | None = None
    tries: int = 0
    tried_at: datetime | None = None
    together: int | None = None
    reason: str = ""
    upload: Upload | None = field(default=None, compare=False)
    found_at: datetime | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Run:
    """A run that the trigger planned; see `database.RUNS`.

    Attributes:
        settings: the run's settings as JSON, with the data window.
        new_batches: names of the batches that it is the first to train on, if it succeeds.
        batches: those of its new batches that were in no later run.
        forgiven: someone requested to continue as if it had not failed.
    """

    run_id: str
    state: RunState
    why: str
    settings: str
    planned_at: datetime
    new_batches: tuple[str, ...] = ()
    batches: tuple[Batch, ...] = ()
    reason: str = ""
    ended_at: datetime | None = None
    forgiven: bool = False


@dataclass(frozen=True)
class Verdict:
    """The new state of a batch after its run has ended."""

    name: str
    state: BatchState
    tries: int
    together: int | None = None
    reason: str = ""


@dataclass(frozen=True)
class Event:
    """An event that users receive once.

    Attributes:
        id: the same each time the event is sent.
        type: such as `customer-age.run.published`.
        subject: the id of the run or the name of the batch.
        happened_at: when it happened.
        data: facts that JSON can represent.
    """

    id: str
    type: str
    subject: str
    happened_at: datetime
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Pause:
    """A pause of retraining.

    Attributes:
        since: when the run that caused the pause ended.
        runs: how many runs in a row did not train.
        reason: why the newest of them ended.
        opened_by: id of the run that caused the pause.
    """

    since: datetime
    runs: int
    reason: str
    opened_by: str

    def sentence(self) -> str:
        """Describe the pause in one line."""
        reason = f"; the last run: {self.reason}" if self.reason else ""
        since = f"{self.since:%Y-%m-%d %H:%M} UTC"
        return f"paused since {since}: {self.runs} runs in a row did not train{reason}"
