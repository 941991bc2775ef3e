"""What the ledger holds: batches, runs, and notifications about them."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


class RunState(enum.Enum):
    """What a run target says of a run; the ledger and the events hold the values."""

    UNKNOWN = "unknown"
    """The target has never heard of it, or it died and left no trace: it is to be started."""

    RUNNING = "running"
    """It is waiting for its turn, running, or being retried by the target itself."""

    PUBLISHED = "published"
    """Its model is a version in the registry, whatever became of the run after that."""

    MODEL_REFUSED = "model_refused"
    """It trained, and the gate or the canary did not bless the model."""

    DATA_REFUSED = "data_refused"
    """The data were not what the schema and the limits ask for: nothing was trained."""

    FAILED = "failed"
    """It ended in any other way: failed, cancelled, timed out."""

    @property
    def ended(self) -> bool:
        """Whether the run is over."""
        return self not in (RunState.UNKNOWN, RunState.RUNNING)

    @property
    def trained(self) -> bool:
        """Whether a model was trained on the run's data, published or not."""
        return self in (RunState.PUBLISHED, RunState.MODEL_REFUSED)


class BatchState(enum.StrEnum):
    """The state of a batch."""

    WAITING = "waiting"
    """For a run, or for another one after a run that failed."""

    TAKEN = "taken"
    """By the run that is active."""

    LEARNT = "learnt"
    """A run trained on it, whether its model was published or refused."""

    SET_ASIDE = "set_aside"
    """It cannot be used, or runs kept failing with it, or it is another batch over again."""


@dataclass(frozen=True)
class FoundBatch:
    """A complete batch in the inbox, as a look saw it.

    Attributes:
        name: of the batch's folder.
        arrived: when its `_SUCCESS` was written.
        photos: rows of its table.
        content: 64 hexadecimal digits that stand for its photos and their table; empty where
            they could not be read.
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
    """A batch's upload, as the last look that read it saw it.

    Attributes:
        place: names what computed the digests; those of two stores cannot be compared.
        arrived: when its `_SUCCESS` was written.
        content: as in `FoundBatch`.
    """

    place: str
    arrived: datetime
    content: str


@dataclass(frozen=True)
class Batch:
    """A batch, as the ledger knows it; see `database.BATCHES`."""

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
        settings: as JSON, with the data window.
        new_batches: names of those that it is the first to learn from, if all goes well.
        batches: those of them that were in no later run.
        forgiven: someone asked to go on as if it had not failed.
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
    """What becomes of a batch when its run has ended."""

    name: str
    state: BatchState
    tries: int
    together: int | None = None
    reason: str = ""


@dataclass(frozen=True)
class Event:
    """Something to tell people, once.

    Attributes:
        id: the same however often it is sent.
        type: such as `customer-age.run.published`.
        subject: the run or the batch.
        happened_at: when.
        data: facts, as JSON takes them.
    """

    id: str
    type: str
    subject: str
    happened_at: datetime
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Pause:
    """Retraining is paused.

    Attributes:
        since: when the run ended that was one too many.
        runs: in a row that did not train.
        reason: of the newest one's end.
        opened_by: id of the run that was one too many.
    """

    since: datetime
    runs: int
    reason: str
    opened_by: str

    def sentence(self) -> str:
        """Describe the pause in one line."""
        reason = f"; the last one: {self.reason}" if self.reason else ""
        since = f"{self.since:%Y-%m-%d %H:%M} UTC"
        return f"paused since {since}: {self.runs} runs in a row did not train{reason}"
