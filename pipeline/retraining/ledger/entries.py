"""How a batch that was found is entered into the ledger."""

from .records import Batch, BatchState, Found


def arrived_again(before: Batch, found: Found) -> bool:
    """Whoever has mended a batch that was set aside writes its `_SUCCESS` anew."""
    return before.state == BatchState.SET_ASIDE and found.arrived > before.arrived_at


def entered(found: Found, original: str | None) -> Batch:
    """A batch as it is entered.

    Args:
        found: in the inbox.
        original: the batch that has the same content, if there is one.
    """
    reason = found.problem
    if original is not None:
        reason = f"its photos and table are those of batch {original}"
    return Batch(
        name=found.name,
        state=BatchState.SET_ASIDE if reason else BatchState.WAITING,
        photos=found.photos,
        arrived_at=found.arrived,
        content=None if original is not None else found.content or None,
        same_as=original,
        reason=reason,
    )
