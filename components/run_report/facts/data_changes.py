"""The effect of new photos: batches that are new to the champion, and the change of the errors."""

from collections import Counter
from dataclasses import dataclass

from ...artifacts.ingestion import BASE, BatchCounts
from .facts import RunFacts


@dataclass(frozen=True)
class Batch:
    """A batch that the run trained on.

    Attributes:
        name: of its folder in the inbox.
        counts: of its rows and photos.
        new: whether the champion was not trained on it.
    """

    name: str
    counts: BatchCounts
    new: bool


@dataclass(frozen=True)
class Change:
    """The errors of both models in one age group.

    Attributes:
        group: such as `25-34`, or `All`.
        new_photos: from new batches, in all splits.
        test_photos: that both models were measured on.
        candidate: mean absolute error, years; None if there are no test photos.
        baseline: mean absolute error of the baseline on the same photos, years.
    """

    group: str
    new_photos: int
    test_photos: int
    candidate: float | None
    baseline: float | None

    @property
    def difference(self) -> float | None:
        """Candidate minus baseline, years; below 0, the candidate is better."""
        if self.candidate is None or self.baseline is None:
            return None
        return self.candidate - self.baseline


def batches(facts: RunFacts) -> list[Batch]:
    """Return the batches of the run's data window, sorted by name; empty without a window."""
    if facts.ingestion is None:
        return []
    known = facts.baseline.batches if facts.baseline is not None else ()
    return [
        Batch(name, counts, name not in known)
        for name, counts in sorted(facts.ingestion.batches.items())
        if name != BASE
    ]


def changes(facts: RunFacts) -> list[Change]:
    """Return each age group that has new photos or was measured, and a last row for all."""
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
