"""What new photos changed: batches that the champion did not know, and the errors since then."""

from collections import Counter
from dataclasses import dataclass

from ...artifacts.ingestion import BASE, BatchCounts
from .facts import RunFacts


@dataclass(frozen=True)
class Batch:
    """A batch that the run learnt from.

    Attributes:
        name: of its folder in the inbox.
        counts: what became of its rows.
        new: whether the champion has not learnt from it.
    """

    name: str
    counts: BatchCounts
    new: bool


@dataclass(frozen=True)
class Change:
    """One age group, before and after.

    Attributes:
        group: such as `25-34`, or `All`.
        new_photos: that came in with new batches, over all splits.
        test_photos: on which both were measured.
        candidate: its mean absolute error, years; None where there are no test photos.
        baseline: the champion's on the same photos.
    """

    group: str
    new_photos: int
    test_photos: int
    candidate: float | None
    baseline: float | None

    @property
    def difference(self) -> float | None:
        """Years; below 0, the candidate is better."""
        if self.candidate is None or self.baseline is None:
            return None
        return self.candidate - self.baseline


def batches(facts: RunFacts) -> list[Batch]:
    """The batches of the run's data window, newest name last; none where there was no window."""
    if facts.ingestion is None:
        return []
    known = facts.baseline.batches if facts.baseline is not None else ()
    return [
        Batch(name, counts, name not in known)
        for name, counts in sorted(facts.ingestion.batches.items())
        if name != BASE
    ]


def changes(facts: RunFacts) -> list[Change]:
    """Each age group that has new photos or was measured, and all of them at the end."""
    new: Counter[str] = Counter()
    for batch in batches(facts):
        if batch.new:
            new.update(batch.counts.age_groups)
    evaluation = facts.evaluation
    if evaluation is None or evaluation.baseline is None:
        return []
    mine, theirs = evaluation.candidate, evaluation.baseline
    groups = [*mine.by_age_group, *sorted(set(new) - set(mine.by_age_group))]
    rows = []
    for group in groups:
        measured, before = mine.by_age_group.get(group), theirs.by_age_group.get(group)
        rows.append(
            Change(
                group,
                new[group],
                measured.photos if measured else 0,
                measured.mae if measured else None,
                before.mae if before else None,
            )
        )
    overall = mine.overall
    rows.append(Change("All", new.total(), overall.photos, overall.mae, theirs.overall.mae))
    return rows
