"""The ledger in lines, for people."""

from collections.abc import Sequence

from ..retraining.ledger.records import Batch, Run


def describe(batches: Sequence[Batch], runs: Sequence[Run]) -> list[str]:
    """A line for each run, then one for each batch."""
    lines = [
        f"run {run.run_id}: {run.state.value}, {', '.join(run.new_batches)}"
        + (f"; {run.reason}" if run.reason else "")
        for run in runs
    ]
    return lines + [
        f"batch {batch.name}: {batch.state.value}, {batch.photos:,} photos"
        + (f", tries {batch.tries}" if batch.tries else "")
        + (f"; {batch.reason}" if batch.reason else "")
        for batch in batches
    ]
