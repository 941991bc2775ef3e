"""Two publishers at once, in whatever order their steps fall."""

import contextlib
import threading
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from customer_age.components.model_registry import ModelVersion, Publication
from customer_age.components.model_registry.champions import ChampionRegistry
from customer_age.components.model_registry.version_store import (
    BASELINE_VERSION,
    CHAMPION,
    FINGERPRINT,
    VersionStore,
)


class MemoryStore(VersionStore):
    """A service without any lock, whose single steps are atomic."""

    def __init__(self) -> None:
        self._versions: dict[str, tuple[Publication, dict[str, str]]] = {}
        self._made = 0
        self._champion: str | None = None

    @contextlib.contextmanager
    def exclusive(self) -> Iterator[None]:
        yield

    def versions(self) -> list[ModelVersion]:
        return [
            ModelVersion(
                version=version,
                aliases=(CHAMPION,) if version == self._champion else (),
                created=datetime.now(timezone.utc),
                metrics=dict(publication.metrics),
                tags=dict(tags),
                settings={},
                uri="",
            )
            for version, (publication, tags) in self._versions.items()
        ]

    def champion(self) -> str | None:
        return self._champion

    def set_champion(self, version: str) -> None:
        assert version in self._versions
        self._champion = version

    def add(self, publication: Publication) -> None:
        self._made += 1
        tags = {
            FINGERPRINT: publication.fingerprint,
            BASELINE_VERSION: publication.baseline_version,
        }
        self._versions[str(self._made)] = (publication, tags)

    def remove(self, version: str) -> None:
        self._versions.pop(version, None)

    def set_tag(self, version: str, name: str, value: str) -> None:
        self._versions[version][1][name] = value

    def delete_tag(self, version: str, name: str) -> None:
        self._versions[version][1].pop(name, None)

    def download(self, version: str, folder: Path) -> None:
        raise NotImplementedError


class TakingTurns:
    """Lets one of several threads take a step at a time, in the order of a schedule."""

    def __init__(self, schedule: list[int], threads: int):
        self._schedule = list(schedule)
        self._alive = set(range(threads))
        self._turn = threading.Condition()

    def step(self, thread: int) -> None:
        with self._turn:
            self._turn.wait_for(lambda: self._next() == thread, timeout=10)
            if self._schedule:
                self._schedule.pop(0)
            self._turn.notify_all()

    def ended(self, thread: int) -> None:
        with self._turn:
            self._alive.discard(thread)
            self._turn.notify_all()

    def _next(self) -> int:
        while self._schedule and self._schedule[0] not in self._alive:
            self._schedule.pop(0)
        return self._schedule[0] if self._schedule else min(self._alive)


class Stepwise:
    """A store whose every method waits for its thread's turn."""

    def __init__(self, store: MemoryStore, turns: TakingTurns, thread: int):
        self._store, self._turns, self._thread = store, turns, thread

    def __getattr__(self, name: str) -> object:
        self._turns.step(self._thread)
        return getattr(self._store, name)


def publication(fingerprint: str, mae: float, baseline: str) -> Publication:
    return Publication(
        model_dir=Path(fingerprint),
        fingerprint=fingerprint,
        metrics={"mae": mae},
        baseline_version=baseline,
    )


def publish_at_once(
    store: MemoryStore, publications: list[Publication], schedule: list[int]
) -> None:
    turns = TakingTurns(schedule, len(publications))
    failures: list[BaseException] = []

    def publisher(thread: int) -> None:
        try:
            ChampionRegistry("test", Stepwise(store, turns, thread)).publish(publications[thread])
        except BaseException as error:
            failures.append(error)
        finally:
            turns.ended(thread)

    threads = [threading.Thread(target=publisher, args=[each]) for each in range(len(publications))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


SCHEDULES = st.lists(st.integers(0, 1), max_size=40)


@pytest.mark.parametrize("first_champion", [True, False])
@given(schedule=SCHEDULES)
@example(schedule=[0] * 5 + [1] * 4 + [0, 0, 1])
def test_the_lower_error_becomes_champion(first_champion, schedule):
    store = MemoryStore()
    registry = ChampionRegistry("test", store)
    baseline = ""
    if first_champion:
        baseline = registry.publish(publication("former", 7.0, "")).version
    two = [publication("better", 6.0, baseline), publication("worse", 6.5, baseline)]
    publish_at_once(store, two, schedule)
    champion = registry.champion()
    assert champion.tags["fingerprint"] == "better"
    assert len(registry.versions()) == len(two) + first_champion
    if first_champion:
        assert registry.rollback().version == baseline


@given(schedule=SCHEDULES)
def test_one_model_stays_one_version(schedule):
    store = MemoryStore()
    publish_at_once(store, [publication("same", 6.0, "")] * 2, schedule)
    [version] = ChampionRegistry("test", store).versions()
    assert version.aliases == (CHAMPION,)


@given(schedule=SCHEDULES)
def test_a_slow_publisher_does_not_bring_back_a_beaten_champion(schedule):
    """One measures against the champion, one is late: it was measured against the one before."""
    store = MemoryStore()
    registry = ChampionRegistry("test", store)
    registry.publish(publication("old", 8.0, ""))
    registry.publish(publication("beaten", 6.0, "1"))
    late, newest = publication("late", 6.5, "1"), publication("newest", 6.1, "2")
    publish_at_once(store, [late, newest], schedule)
    assert registry.champion().tags["fingerprint"] == "newest"
