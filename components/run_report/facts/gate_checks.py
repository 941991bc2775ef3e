"""The gate's checks, one by one, from its limits and what was measured."""

from dataclasses import dataclass

from .facts import Baseline, RunFacts

FEW_PHOTOS = 30
"""An age group with fewer test photos than this says little: its MAE is marked as unsure."""


@dataclass(frozen=True)
class Check:
    """One thing that the gate asks.

    Attributes:
        name: what was measured.
        measured: in the check's unit.
        rule: how the limit binds: `at most`, `at least` or `below`.
        limit: in the check's unit.
        unit: `years` or `photos`.
    """

    name: str
    measured: float
    rule: str
    limit: float
    unit: str

    @property
    def passed(self) -> bool:
        """Whether the measured value is within the limit; no number never is."""
        if self.rule == "at most":
            return self.measured <= self.limit
        if self.rule == "at least":
            return self.measured >= self.limit
        return self.measured < self.limit


def baseline_name(baseline: Baseline | None) -> str:
    """What the model was compared with, in words."""
    if baseline is None:
        return "baseline"
    if baseline.kind == "champion":
        return f"champion, version {baseline.version}" if baseline.version else "champion"
    return "median predictor" if baseline.kind == "median" else baseline.kind


def checks(facts: RunFacts) -> tuple[Check, ...]:
    """List what the gate asked of the model.

    A champion may be missed by the tolerance; the median predictor, which stands in where there
    is no champion, has to be beaten.

    Returns:
        The checks, or nothing where no model was evaluated or the limits are not known.
    """
    evaluation, limits = facts.evaluation, facts.run.limits
    if evaluation is None or limits is None:
        return ()
    mine = evaluation.candidate.overall
    found = [
        Check("Test MAE", mine.mae, "at most", limits.max_mae, "years"),
        Check("Test photos", mine.photos, "at least", limits.min_test_photos, "photos"),
    ]
    if evaluation.baseline is not None:
        name = f"Test MAE against the {baseline_name(facts.baseline)}"
        theirs = evaluation.baseline.overall.mae
        if facts.baseline is not None and facts.baseline.kind == "median":
            found.append(Check(name, mine.mae, "below", theirs, "years"))
        else:
            limit = theirs + limits.champion_tolerance
            found.append(Check(name, mine.mae, "at most", limit, "years"))
    return tuple(found)
