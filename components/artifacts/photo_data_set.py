"""The record of the data that PhotoExampleGen read: one small file in a `PhotoDataSet` artifact.

The artifact represents the data in the lineage. No artifact has the URI of the photos themselves,
because Kubeflow's launcher copies every object below the URI of each input before a component
starts.
"""

from collections.abc import Sequence

from pydantic import BaseModel

from customer_age.labels import DataSet

from . import json_file
from .types import PhotoDataSet

FILE = "data_set.json"


class TablesRead(BaseModel):
    """The label tables of the base set, or of one batch.

    Attributes:
        name: of the batch; empty for the base set.
        layout: of the tables, by its name in `labels.layouts`.
        tables: their file names.
        rows: of all the tables.
    """

    name: str
    layout: str
    tables: list[str]
    rows: int


class DataSetRecord(BaseModel):
    """The content of `data_set.json`.

    Attributes:
        place: the data folder's path or address, as in the run parameter `data_path`.
        fingerprint: of the content of all tables and photos, including the batches'.
        read: the base set, then each batch.
    """

    place: str
    fingerprint: str
    read: list[TablesRead]


def write(
    artifact: PhotoDataSet, place: str, fingerprint: str, data_sets: Sequence[DataSet]
) -> None:
    """Write the file of an artifact, and its main fields as custom properties.

    Args:
        artifact: gets the file, and the properties `place`, `fingerprint` and `batches`.
        place: the data folder's path or address.
        fingerprint: of all data that were read.
        data_sets: the base set, then the batches.

    Raises:
        OSError: the file cannot be written.
    """
    read = [
        TablesRead(
            name=data_set.batch,
            layout=data_set.layout,
            tables=[table.name for table in data_set.tables],
            rows=data_set.row_count,
        )
        for data_set in data_sets
    ]
    record = DataSetRecord(place=place, fingerprint=fingerprint, read=read)
    json_file.write(artifact.uri, FILE, record.model_dump())
    artifact.set_string_custom_property("place", place)
    artifact.set_string_custom_property("fingerprint", fingerprint)
    batches = ",".join(each.name for each in read if each.name)
    artifact.set_string_custom_property("batches", batches)
