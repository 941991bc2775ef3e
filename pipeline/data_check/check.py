"""Reads a data set as a run would, and reports what it contains."""

import dataclasses
import os
import secrets
import statistics
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from customer_age.components.artifacts.ingestion import Ingestion
from customer_age.components.photo_example_gen.refusal_limits import (
    refusal_sentences,
    require_photos_in_each_split,
)
from customer_age.components.photo_example_gen.spec import IngestionSpec
from customer_age.errors import DataRefused
from customer_age.files import addresses
from customer_age.labels import DataSet, open_batch, open_data_sets, pseudonyms, tombstones
from customer_age.labels.splits import split_of
from customer_age.schema import age_groups
from customer_age.schema.features import SPLITS
from customer_age.schema.refusals import Refusal

from ..graph import ingestion_spec
from ..settings.settings import Settings
from . import row_judgement
from .data_report import (
    DEALT,
    ESTIMATED,
    OFFICIAL,
    SHOWN_PER_REASON,
    Ages,
    DataReport,
    DataSetReport,
)
from .row_judgement import JudgedRows, UsableRow


def check(settings: Settings, open_photos: bool = False) -> DataReport:
    """Check the data that a run with these settings would train on.

    Args:
        settings: the run's settings; `data.path` may also be a batch in `data.inbox`.
        open_photos: whether to open each photo as a run does, which is slower.

    Raises:
        SettingsError: something cannot be read, with the same message as in a run.
    """
    settings = settings.reached()
    spec = ingestion_spec.of(settings)
    data_sets, has_key = _opened(settings, spec)
    judged = row_judgement.judge(data_sets, spec if open_photos else None)
    splits, splits_are = _splits(judged, spec, has_key, open_photos)
    usable = [row for each in judged.usable for row in each]
    refused = Counter(each.reason for each in judged.refused)
    first: dict[str, list[Refusal]] = defaultdict(list)
    for each in judged.refused:
        if len(first[each.reason]) < SHOWN_PER_REASON:
            first[each.reason].append(each)
    people = {row.person for row in usable if row.person}
    report = DataReport(
        data_sets=tuple(
            _of_data_set(data_set, len(good))
            for data_set, good in zip(data_sets, judged.usable, strict=True)
        ),
        rows=len(usable) + len(judged.refused),
        photos=len(usable),
        people=len(people) if any(each.has_persons for each in data_sets) else None,
        ages=_ages([row.age for row in usable], spec.age_groups),
        splits=splits,
        splits_are=splits_are,
        refused=dict(refused.most_common()),
        first_refused=dict(first),
        photos_opened=open_photos,
        stops=(),
    )
    return dataclasses.replace(report, stops=tuple(_stops(report, judged.refused, settings)))


def _opened(settings: Settings, spec: IngestionSpec) -> tuple[list[DataSet], bool]:
    """Return the data sets, and whether the hashes of persons are those of a run."""
    data = settings.data
    path, inbox = data.path or "", data.inbox or ""
    key_is_there = data.person_key_file is not None or os.path.exists(settings.person_key_file)  # noqa: PTH110
    if batch := _batch_of(path, inbox):
        data_sets = [open_batch(spec, batch, tombstones.read(inbox))]
    else:
        data_sets = open_data_sets(path, spec, data.batches, keyed=False)
    if not any(data_set.has_persons for data_set in data_sets):
        return data_sets, False
    # Without the run's key, use a random one that is not stored: reports show persons' hashes.
    key = pseudonyms.read(settings.person_key_file) if key_is_there else secrets.token_hex(32)
    tombstones.require_key(data_sets[0].forgotten, key)
    return [dataclasses.replace(each, person_key=key) for each in data_sets], key_is_there


def _batch_of(path: str, inbox: str) -> str:
    """Return the batch's name if a folder is a batch of the inbox, or an empty text."""
    folder, name = addresses.split(_as_one(path))
    return name if inbox and addresses.plain(folder) == addresses.plain(_as_one(inbox)) else ""


def _as_one(address: str) -> str:
    """Return one spelling of a folder: an absolute path, or an address without a final slash."""
    if addresses.is_remote(address):
        return address.rstrip("/")
    return os.path.abspath(addresses.local_path(address))  # noqa: PTH100  without following links


def _of_data_set(data_set: DataSet, photos: int) -> DataSetReport:
    descriptions = [each for table in data_set.tables for each in table.descriptions()]
    return DataSetReport(
        folder=data_set.folder.shown("").rstrip("/"),
        batch=data_set.batch,
        layout=data_set.layout,
        tables=tuple(descriptions),
        rows=data_set.row_count,
        photos=photos,
    )


def _ages(ages: Sequence[float], groups: Sequence[str]) -> Ages | None:
    if not ages:
        return None
    known = age_groups.parse(groups)
    counted = Counter(known.of(age) for age in ages)
    # A single age has no quantiles.
    low, middle, high = statistics.quantiles(
        ages if len(ages) > 1 else [*ages, *ages], n=4, method="inclusive"
    )
    return Ages(
        youngest=int(min(ages)),
        quartiles=(int(low), int(middle), int(high)),
        oldest=int(max(ages)),
        groups={name: counted[name] for name in known.names},
    )


def _splits(
    judged: JudgedRows, spec: IngestionSpec, has_key: bool, opened: bool
) -> tuple[dict[str, int], str]:
    """Return the number of photos by split, and how the splits are known."""

    def split(row: UsableRow) -> str | None:
        if row.official:
            return row.official
        if row.person:
            return split_of(row.person, spec) if has_key else None
        return split_of(row.content, spec) if opened else None

    home = row_judgement.keep_at_home(judged, split)
    found = [split(row) for row in judged.usable[0]]
    found += [home.get(row.person) or split(row) for rows in judged.usable[1:] for row in rows]
    counts = Counter(each for each in found if each is not None)
    unknown = found.count(None)
    for name, share in spec.split_shares:
        counts[name] += round(unknown * share)
    of_data_set = {row.person for row in judged.usable[0] if row.person and row.official}
    official = all(
        row.official or row.person in of_data_set for rows in judged.usable for row in rows
    )
    are = ESTIMATED if unknown else OFFICIAL if official else DEALT
    return {name: counts[name] for name in SPLITS}, are


def _stops(report: DataReport, refused: Sequence[Refusal], settings: Settings) -> Iterator[str]:
    """Describe why PhotoExampleGen and DataGate would refuse the data."""
    ingestion = Ingestion(
        rows=report.rows,
        photos=dict(report.splits),
        refused=dict(sorted(report.refused.items())),
        examples_of_refused=[each.sentence() for each in refused[:1]],
        seconds=0,
    )
    if report.splits_are != ESTIMATED:
        try:
            require_photos_in_each_split(ingestion)
        except DataRefused as error:
            yield str(error)
            return  # a run stops here
    data = settings.data
    yield from refusal_sentences(ingestion, refused, data.max_refused_share, data.max_wrong_ages)
