from datetime import datetime, timedelta, timezone

START = datetime(2026, 3, 2, 8, tzinfo=timezone.utc)
"""A Monday."""


class StandingClock:
    """A clock that changes only when it is moved."""

    def __init__(self, moment: datetime = START):
        self.moment = moment

    def __call__(self) -> datetime:
        return self.moment

    def forward(self, **span: float) -> None:
        self.moment += timedelta(**span)
