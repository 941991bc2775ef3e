"""The gate's checks, each from a limit and a measured value."""

from dataclasses import dataclass

from .facts import Baseline, RunFacts

FEW_PHOTOS = 30
"""An age group with fewer test photos than this has an uncertain MAE, and is marked so."""


@dataclass(frozen=True)
class Check:
    """One check of the gate.

    Attributes:
        name: what was measured.
        measured: in the check's unit.
        rule: how the limit applies: `at most`, `at least` or `below`.
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
        """Whether the measured value is within the limit; NaN never is."""
        if self.rule == "at most":
            return self.measured <= self.limit
        if self.rule == "at least":
            return self.measured >= self.limit
        return self.measured < self.limit


def baseline_name(baseline: Baseline | None) -> str:
    """Name the model that the candidate was compared with."""
    if baseline is None:
        return "baseline"
    if baseline.kind == "champion":
        return f"champion, version {baseline.version}" if baseline.version else "champion"
    return "median predictor" if baseline.kind == "median" else baseline.kind


def checks(facts: RunFacts) -> tuple[Check, ...]:
    """List the gate's checks of the model.

    The candidate may be worse than a champion by the tolerance. If there is no champion, it must be
    better than the median predictor.

    Returns:
        The checks; empty if no model was evaluated or the limits are not known.
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
