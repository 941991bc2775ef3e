"""Decides which batches found by a check enter the ledger: pure functions, no database.

A batch in the ledger may be uploaded again. Its content counts, not the time of its `_SUCCESS`: an
inbox that was copied or restored has different times and the same content. A later upload may have
an earlier time, because clocks are set back.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from .records import Batch, BatchState, FoundBatch, Upload


@dataclass(frozen=True)
class Arrivals:
    """The changes to record in the ledger.

    Attributes:
        entered: new batches, and batches to enter again.
        seen: name and upload of each batch that stays as it is.
        replaced: the ledger's earlier entries of the batches that are entered again.
    """

    entered: tuple[Batch, ...]
    seen: Mapping[str, Upload]
    replaced: tuple[Batch, ...]


def arrivals(known: Iterable[Batch], found: Iterable[FoundBatch]) -> Arrivals:
    """Decide which found batches enter the ledger; of two with equal content, the older is kept.

    Args:
        known: all batches of the ledger.
        found: complete batches of the inbox.
    """
    by_name = {batch.name: batch for batch in known}
    ordered = sorted(found, key=lambda each: (each.arrived, each.name))
    entering = [each for each in ordered if _is_entered(by_name.get(each.name), each)]
    replaced = [by_name[each.name] for each in entering if each.name in by_name]
    gone = {batch.name for batch in replaced}
    contents = {
        batch.content: name for name, batch in by_name.items() if batch.content and name not in gone
    }
    entered = []
    for each in entering:
        batch = _entered(each, contents.get(each.content) if each.content else None)
        if batch.content:
            contents[batch.content] = batch.name
        entered.append(batch)
    seen = {
        each.name: _upload(each)
        for each in ordered
        if each.name not in gone and _is_noted(by_name.get(each.name), each)
    }
    return Arrivals(tuple(entered), seen, tuple(replaced))


def _is_entered(earlier: Batch | None, found: FoundBatch) -> bool:
    if earlier is None:
        return True
    if earlier.state == BatchState.SET_ASIDE:  # who fixes it writes `_SUCCESS` again
        return found.arrived > earlier.arrived_at or _content_changed(earlier, found)
    return _is_noted(earlier, found) and _content_changed(earlier, found)


def _is_noted(earlier: Batch | None, found: FoundBatch) -> bool:
    """Return whether an upload is not in the ledger yet, and no run has the batch now."""
    if earlier is None or earlier.state == BatchState.TAKEN:
        return False
    last = earlier.upload
    return last is None or last.place != found.place or found.arrived != last.arrived


def _content_changed(earlier: Batch, found: FoundBatch) -> bool:
    """Return whether two uploads differ; False if different stores computed their digests."""
    last = earlier.upload
    return last is not None and last.place == found.place and last.content != found.content


def _entered(found: FoundBatch, original: str | None) -> Batch:
    """Return the entry of a found batch; `original` is the batch with the same content, if any."""
    reason = found.problem
    if original is not None:
        reason = f"its photos and table are the same as those of batch {original}"
    return Batch(
        name=found.name,
        state=BatchState.SET_ASIDE if reason else BatchState.WAITING,
        photos=found.photos,
        arrived_at=found.arrived,
        content=None if original is not None else found.content or None,
        same_as=original,
        reason=reason,
        upload=_upload(found),
    )


def _upload(found: FoundBatch) -> Upload:
    return Upload(found.place, found.arrived, found.content)
