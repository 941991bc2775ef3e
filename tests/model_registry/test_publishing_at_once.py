"""Two publishers at once, with their steps in any order."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from customer_age.model_registry import ModelVersion, Publication
from customer_age.model_registry.champion_registry import PUBLISHED, ChampionRegistry
from customer_age.model_registry.registry import BASELINE_VERSION, CHAMPION, FINGERPRINT
from customer_age.model_registry.version_store import VersionStore

Publisher = Callable[[ChampionRegistry], object]


class MemoryStore(VersionStore):
    """A service without locks and with atomic steps."""

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
    """Lets several threads take one step at a time, in the order of a schedule."""

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
    """A store in which every method waits for its thread's turn."""

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


def at_once(store: MemoryStore, publishers: list[Publisher], schedule: list[int]) -> None:
    """Run publishers on one store, each in a thread."""
    turns = TakingTurns(schedule, len(publishers))
    failures: list[BaseException] = []

    def run(thread: int) -> None:
        try:
            publishers[thread](ChampionRegistry("test", Stepwise(store, turns, thread)))
        except BaseException as error:
            failures.append(error)
        finally:
            turns.ended(thread)

    threads = [threading.Thread(target=run, args=[each]) for each in range(len(publishers))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


def publishing(fingerprint: str, mae: float, baseline: str) -> Publisher:
    return lambda registry: registry.publish(publication(fingerprint, mae, baseline))


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
    two = [publishing("better", 6.0, baseline), publishing("worse", 6.5, baseline)]
    at_once(store, two, schedule)
    champion = registry.champion()
    assert champion.tags["fingerprint"] == "better"
    assert len(registry.versions()) == len(two) + first_champion
    if first_champion:
        assert registry.rollback().version == baseline


@given(schedule=SCHEDULES)
def test_one_model_stays_one_version(schedule):
    store = MemoryStore()
    at_once(store, [publishing("same", 6.0, "")] * 2, schedule)
    [version] = ChampionRegistry("test", store).versions()
    assert version.aliases == (CHAMPION,)


@pytest.mark.parametrize("steps", range(16))
def test_a_suspended_publisher_restores_no_replaced_champion(steps):
    """Meanwhile one version replaced its baseline, and another one replaced that version."""
    store = MemoryStore()
    registry = ChampionRegistry("test", store)
    registry.publish(publication("old", 8.0, ""))

    def others(registry: ChampionRegistry) -> None:
        beaten = registry.publish(publication("beaten", 6.0, "1"))
        registry.publish(publication("newest", 6.1, beaten.version))

    at_once(store, [publishing("late", 6.5, "1"), others], [0] * steps + [1] * 100)
    assert registry.champion().tags["fingerprint"] == "newest"


def test_a_killed_and_beaten_publisher_does_not_become_champion():
    store = MemoryStore()
    registry = ChampionRegistry("test", store)
    killed = publication("killed", 6.0, "")
    registry.publish(killed)
    store.delete_tag("1", PUBLISHED)  # the publisher was killed just before this tag
    registry.publish(publication("newest", 6.1, "1"))
    registry.publish(killed)
    assert registry.champion().tags["fingerprint"] == "newest"
    assert registry.rollback().version == "1"
