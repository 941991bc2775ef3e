"""One row for each photo: what stands twice is kept once, or refused where ages contradict."""

import hashlib
from collections.abc import Iterable, Iterator
from typing import Any

import apache_beam as beam
from apache_beam.pvalue import PCollection, TaggedOutput

from customer_age.labels import LabelRow, age_of
from customer_age.photos import read_photo
from customer_age.schema.refusals import PhotoRefused, Reason, Refusal

GOOD = "good"
REFUSED = "refused"
_ALIKE = "alike"


class OneRowPerPhoto(beam.PTransform):
    """Keeps one row of each photo, told apart by its content; refuses where ages contradict.

    Only files of the same size can be the same, so only those are read for it.
    """

    def expand(self, rows: PCollection[LabelRow]) -> Any:
        """Give the outputs `good` (rows) and `refused`."""
        by_size = (
            rows
            | "BySize" >> beam.Map(_sized).with_output_types(tuple[int, LabelRow])
            | "GroupBySize" >> beam.GroupByKey()
            | "OneRowPerFile"
            >> beam.ParDo(OneRowPerFile()).with_outputs(REFUSED, _ALIKE, main=GOOD)
        )
        by_content = (
            by_size[_ALIKE]
            | "Spread" >> beam.Reshuffle()
            | "ByContent" >> beam.ParDo(Digest()).with_outputs(REFUSED, main=GOOD)
        )
        unlike = (
            by_content[GOOD]
            | "GroupByContent" >> beam.GroupByKey()
            | "OneRowPerContent" >> beam.ParDo(OneRowPerContent()).with_outputs(REFUSED, main=GOOD)
        )
        return {
            GOOD: (by_size[GOOD], unlike[GOOD]) | "Kept" >> beam.Flatten(),
            REFUSED: (by_size[REFUSED], by_content[REFUSED], unlike[REFUSED])
            | "NotKept" >> beam.Flatten(),
        }


class OneRowPerFile(beam.DoFn):
    """Of the rows whose photos have one size, keeps one for each file."""

    def process(self, sized: tuple[int, Iterable[LabelRow]]) -> Iterator[Any]:
        """Yield rows; to `alike` where several files have this size; refusals to `refused`."""
        by_photo: dict[str, list[LabelRow]] = {}
        for row in sized[1]:
            by_photo.setdefault(row.photo, []).append(row)
        for rows in by_photo.values():
            kept, refused = _keep_one(rows, Reason.SAME_NAME_OTHER_AGE, "the same file name")
            if kept is not None:
                yield kept if len(by_photo) == 1 else TaggedOutput(_ALIKE, kept)
            for refusal in refused:
                yield TaggedOutput(REFUSED, refusal)


class Digest(beam.DoFn):
    """Keys rows by the SHA-256 of their photo's content."""

    def process(self, row: LabelRow) -> Iterator[Any]:
        """Yield (hexadecimal digest, row), or a refusal to `refused`."""
        try:
            yield hashlib.sha256(read_photo(row.photo)).hexdigest(), row
        except PhotoRefused as refused:
            yield TaggedOutput(REFUSED, row.refusal(refused.reason, refused.detail))


class OneRowPerContent(beam.DoFn):
    """Of the rows whose photos are the same byte by byte, keeps one."""

    def process(self, alike: tuple[str, Iterable[LabelRow]]) -> Iterator[Any]:
        """Yield the row that is kept, if any; refusals to `refused`."""
        kept, refused = _keep_one(list(alike[1]), Reason.SAME_PHOTO_OTHER_AGE, "the same photo")
        if kept is not None:
            yield kept
        for refusal in refused:
            yield TaggedOutput(REFUSED, refusal)


def _sized(row: LabelRow) -> tuple[int, LabelRow]:
    return row.byte_size, row


def _keep_one(
    rows: list[LabelRow], contradiction: Reason, what: str
) -> tuple[LabelRow | None, list[Refusal]]:
    """Keep the first of rows that speak of one photo, or none where they contradict each other."""
    rows.sort(key=lambda row: (row.table, row.line))
    first, *others = rows
    ages = sorted({age_of(row.age) for row in rows})
    if len(ages) > 1:
        listed = " and ".join(f"{age:g}" for age in ages)
        return None, [
            row.refusal(contradiction, f"{what} stands with the ages {listed}") for row in rows
        ]
    return first, [
        row.refusal(
            Reason.DUPLICATE,
            f"{what} as {first.file_name} in {first.table}, line {first.line}, which is kept",
        )
        for row in others
    ]
